"""How many pairs two streams of rows need, and whether losses of laws can spare some: `theory.anchors_needed` on rows.

Nothing is read from the pairing of the rows unless it is asked for.
"""

from types import ModuleType

import numpy as np

from theory.anchors import codes, rows
from theory.anchors.answer import Answer, Counter, Show
from theory.anchors.stream import Stream
from theory.anchors_needed import Needed


def interval(
    x: Stream,
    y: Stream,
    target: float,
    rng: np.random.Generator,
    ceiling: float | None = None,
    paired: bool = False,
) -> tuple[Needed, float | None]:
    """Return the number of pairs that the translation x → y needs, and R² of all pairs if it is known or measured.

    Parameters
    ----------
    x, y
        Rows, or sparse codes, of both streams.
    target
        R² asked for, in (0, 1).
    rng
        Draws what is unknown.
    ceiling
        R² that all pairs would give, if known.
    paired
        Row i of both streams shows the same point: Σxy is used, and the ceiling measured.

    Raises
    ------
    ValueError
        A target or ceiling out of range; codes beside rows; pairs that are too few, or not as many in x and y.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((400, 5))
    >>> needed, _ = interval(Stream("x", X[:200]), Stream("y", X[200:]), 0.5, np.random.default_rng(0))
    >>> 2 < needed.low < needed.median < needed.high < 8
    True
    """
    check(x, y, target, ceiling, paired)
    kind = _kind(x)
    return kind.paired_interval(x, y, target, rng) if paired else kind.interval(x, y, target, rng, ceiling)


def check(x: Stream, y: Stream, target: float, ceiling: float | None = None, paired: bool = False) -> None:
    """Raise the ValueError that `interval` names.

    Examples
    --------
    >>> s = Stream("x", np.eye(3))
    >>> check(s, s, 2.0)
    Traceback (most recent call last):
    ValueError: the target 2 is not between 0 and 1; pass the R² that you want, 0.8 for instance
    """
    if not 0 < target < 1:
        raise ValueError(f"the target {target:g} is not between 0 and 1; pass the R² that you want, 0.8 for instance")
    if ceiling is not None and not target < ceiling <= 1:
        raise ValueError(f"the ceiling {ceiling:g} is not between the target {target:g} and 1; no pairs would suffice")
    if paired and ceiling is not None:
        raise ValueError("pairs measure what all of them give; pass no ceiling beside them")
    if paired and len(x.rows) != len(y.rows):
        raise ValueError(f"{x.name} has {len(x.rows)} rows and {y.name} has {len(y.rows)}; pairs show the same points")
    if x.sparse != y.sparse:
        code, other = (x, y) if x.sparse else (y, x)
        raise ValueError(f"{code.name} holds sparse codes and {other.name} does not; compare codes with codes")
    if paired and not x.sparse and len(x.rows) <= x.rank + 1:
        raise ValueError(
            f"{len(x.rows)} pairs explain anything by the {x.rank} dimensions of {x.name}; pass more rows, or no pairs"
        )


def rule(
    x: Stream,
    y: Stream,
    target: float,
    rng: np.random.Generator,
    count: Counter,
    ceiling: float | None = None,
    paired: bool = False,
    show: Show = lambda text, share: None,
) -> Answer:
    """Answer with the `interval`, what laws can do, and the hypotheses that fail.

    Parameters
    ----------
    x, y, target, rng, ceiling, paired
        As in `interval`, with its errors.
    count
        Counts the Gaussian components of whitened rows.
    show
        Called with what is being done and the share of it that is done (None: unknown).

    Examples
    --------
    >>> X, rng = np.random.default_rng(0).standard_normal((400, 5)), np.random.default_rng(0)
    >>> answer = rule(Stream("x", X[:200]), Stream("y", X[200:]), 0.5, rng, count=lambda rows, rng: 5)
    >>> answer.kind, answer.laws["helps"], answer.failed
    ('rows', False, [])
    """
    show("spectra", None)
    needed, ceiling = interval(x, y, target, rng, ceiling, paired)
    kind, name = _kind(x), "codes" if x.sparse else "rows"
    failed, notes = kind.failures(x, y), []
    if x.sparse:
        zeros = " and ".join(f"{(s.rows == 0).mean():.0%} of {s.name}" for s in (x, y))
        notes.append(f"The rows are taken as sparse codes: {zeros} are 0.")
    elif x.rank != y.rank:
        notes.append(f"x has rank {x.rank} and y {y.rank}: whether their whitened laws agree was not tested.")
    if paired:
        notes.append("The rows are taken as pairs: what x says of y is measured, not drawn.")
        if ceiling is not None and ceiling <= target:
            failed.append(f"a target below what all pairs give, {ceiling:.2f}: {target:g} is asked for")
    laws = kind.laws(x, y, needed, target, ceiling, rng, count, show)
    return Answer(name, target, ceiling, paired, needed, laws, kind.sizes(x, y), failed, notes)


def _kind(x: Stream) -> ModuleType:
    return codes if x.sparse else rows
