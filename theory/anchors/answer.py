"""What the rule for the number of pairs says of two streams, as plain data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from theory.anchors_needed import Needed

# What is being done, and the share of it that is done (None: unknown).
Show = Callable[[str, float | None], None]
# Of whitened rows the number of independent components that look Gaussian; None: too many dimensions to find out.
Counter = Callable[[np.ndarray, np.random.Generator], int | None]


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
        ``helps`` (None: not found out), ``text``, and the numbers behind them.
    sizes
        By kind: rank of x and y; or live atoms and mean numbers of active ones.
    failed
        Hypotheses that fail on these rows, in words.
    notes
        What else to keep in mind.

    Examples
    --------
    >>> Answer("rows", 0.8, None, False, Needed(12.0, 20.0, 31.0), {"helps": False}, {"rank": [30, 30]}).failed
    []
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
