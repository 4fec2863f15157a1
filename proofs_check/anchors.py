"""How many pairs two embedding files need, and whether losses of laws can spare some: `theory.anchors` on files."""

import numpy as np

from proofs_check.errors import InputError
from proofs_check.inputs import Rows
from theory.anchors.answer import Answer, Show
from theory.anchors.rule import check, rule
from theory.anchors.stream import Stream

MOST_ROWS, MOST_NUMBERS, LEAST_ROWS = 20_000, 2**25, 20
# Rows by which files are found to look paired, and standard deviations of shuffled rows that tell.
COMPARED, APART = 2000, 8.0


def anchors(
    x: Rows,
    y: Rows,
    target: float,
    ceiling: float | None = None,
    paired: bool = False,
    seed: int = 0,
    on_progress: Show = lambda text, share: None,
) -> Answer:
    """Answer for two files; the translation is x → y.

    Parameters
    ----------
    x, y
        Rows of the two domains.
    target
        R² asked for, in (0, 1).
    ceiling
        R² that all pairs would give, if known.
    paired
        Row i of both files shows the same point: Σxy is used, and the ceiling measured.
    seed
        Of the sampled rows and of all that is drawn.
    on_progress
        Called with what is being done and the share of it that is done (None: unknown).

    Raises
    ------
    InputError
        A target or ceiling out of range, unusable rows, too few of them, codes beside rows.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((400, 5))
    >>> answer = anchors(Rows("x", X[:200]), Rows("y", X[200:]), target=0.5)
    >>> answer.kind, 2 < answer.needed.low < 5, answer.laws["helps"], answer.failed
    ('rows', True, False, [])
    """
    from nonlinear.components import n_gaussian

    if seed < 0:
        raise InputError(f"--seed {seed} is negative; pass a whole number ≥ 0")
    if paired and len(x) != len(y):
        raise InputError(f"{x.name} has {len(x)} rows and {y.name} has {len(y)}; --paired needs the same points")
    rng = np.random.default_rng(seed)
    on_progress("rows", None)
    a, b = sample(x, y, rng)
    try:
        check(a, b, target, ceiling, paired)
    except ValueError as error:
        raise InputError(str(error)) from error
    found = rule(a, b, target, rng, n_gaussian, ceiling, paired, on_progress)
    if len(x) == len(y) and not paired and look_paired(a.rows, b.rows, rng):
        found.notes.append("The rows look like pairs, which was not used: if they are, add --paired.")
    return found


def sample(x: Rows, y: Rows, rng: np.random.Generator) -> tuple[Stream, Stream]:
    """Random rows of both files, the same ones if they have equally many.

    Raises
    ------
    InputError
        Fewer than 20 rows, rows that do not vary, or unusable values.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((30, 2))
    >>> a, b = sample(Rows("x", X), Rows("y", 2 * X), np.random.default_rng(1))
    >>> bool((b.rows == 2 * a.rows).all())
    True
    """
    for rows in (x, y):
        if len(rows) < LEAST_ROWS:
            raise InputError(f"{rows.name} has {len(rows)} rows; at least {LEAST_ROWS} are needed, and 10 per column")
    counts = [min(len(r), MOST_ROWS, max(MOST_NUMBERS // r.dim, LEAST_ROWS)) for r in (x, y)]
    if len(x) == len(y):
        counts = [min(counts)]
    chosen = [np.sort(rng.choice(len(r), c, replace=False)) for r, c in zip((x, y), counts, strict=False)]
    found = Stream(x.name, x.take(chosen[0])), Stream(y.name, y.take(chosen[-1]))
    for stream in found:
        if not np.ptp(stream.rows, axis=0).any():
            raise InputError(f"the rows of {stream.name} are all the same; nothing can be aligned")
    return found


def look_paired(X: np.ndarray, Y: np.ndarray, rng: np.random.Generator) -> bool:
    """Whether the rows are related as pairs: product of their Gram matrices, against those of 19 shuffles.

    Examples
    --------
    >>> X, rng = np.random.default_rng(0).standard_normal((100, 2)), np.random.default_rng(1)
    >>> look_paired(X, X @ [[1, 2], [0, 1]], rng), look_paired(X, X[::-1], rng)
    (True, False)
    """
    chosen = rng.choice(len(X), min(len(X), COMPARED), replace=False)
    K, L = (Z @ Z.T for Z in (A - A.mean(0) for A in (X[chosen], Y[chosen])))
    orders = (rng.permutation(len(L)) for _ in range(19))
    others = [float((K * L[np.ix_(order, order)]).sum()) for order in orders]
    return float((K * L).sum()) > float(np.mean(others) + APART * np.std(others, ddof=1))
