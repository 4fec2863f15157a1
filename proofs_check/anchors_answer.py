"""What the rule of anchors says about two files, as plain data."""

from dataclasses import dataclass, field
from typing import Any

from theory.anchors_needed import Needed


@dataclass(frozen=True)
class Answer:
    """Number of pairs, what laws can do, and which hypotheses fail.

    Attributes
    ----------
    kind
        "rows" (pairs for ridge regression) or "codes" (pairs that match atoms).
    target, ceiling
        R² asked for; R² that all pairs would give, if known or measured.
    paired
        Whether the pairing of the rows was used.
    needed
        The interval.
    laws
        ``helps``, ``text``, and the numbers behind them.
    sizes
        By kind: rank of x and y; or live atoms and mean numbers of active ones.
    failed
        Hypotheses that fail on these files, in words.
    notes
        What else to keep in mind.
    """

    kind: str
    target: float
    ceiling: float | None
    paired: bool
    needed: Needed
    laws: dict[str, Any]
    sizes: dict[str, Any]
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
