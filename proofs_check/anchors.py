"""How many pairs two embedding files need, and whether losses of laws can spare some: `theory.anchors_needed` on files.

Nothing is read from the pairing of the rows unless it is asked for.
"""

from collections.abc import Callable

import numpy as np

from proofs_check import anchors_codes, anchors_rows
from proofs_check.anchors_answer import Answer
from proofs_check.anchors_stream import sample
from proofs_check.errors import InputError
from proofs_check.inputs import Rows


def anchors(
    x: Rows,
    y: Rows,
    target: float,
    ceiling: float | None = None,
    paired: bool = False,
    seed: int = 0,
    on_progress: Callable[[str, float | None], None] = lambda text, share: None,
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
    if not 0 < target < 1:
        raise InputError(f"--target {target:g} is not between 0 and 1; pass the R² that you want, 0.8 for instance")
    if ceiling is not None and not target < ceiling <= 1:
        raise InputError(f"--ceiling {ceiling:g} is not between the target {target:g} and 1; no pairs would suffice")
    if paired and ceiling is not None:
        raise InputError("--paired measures what all pairs give; leave out --ceiling")
    if paired and len(x) != len(y):
        raise InputError(f"{x.name} has {len(x)} rows and {y.name} has {len(y)}; --paired needs the same points")
    if seed < 0:
        raise InputError(f"--seed {seed} is negative; pass a whole number ≥ 0")
    rng = np.random.default_rng(seed)
    a, b = sample(x, y, rng)
    if a.sparse != b.sparse:
        codes, rows = (a, b) if a.sparse else (b, a)
        raise InputError(f"{codes.name} holds sparse codes and {rows.name} does not; compare codes with codes")
    found = (anchors_codes if a.sparse else anchors_rows).answer(a, b, target, ceiling, paired, rng, on_progress)
    if len(x) == len(y) and not paired and _look_paired(a.rows, b.rows, rng):
        found.notes.append("The rows look like pairs, which was not used: if they are, add --paired.")
    return found


def _look_paired(X: np.ndarray, Y: np.ndarray, rng: np.random.Generator) -> bool:
    """Whether the cross-covariance is larger than of any of 19 shuffles."""
    X, Y = X - X.mean(0), Y - Y.mean(0)
    orders = [np.arange(len(Y)), *(rng.permutation(len(Y)) for _ in range(19))]
    sizes = [float(np.linalg.norm(X.T @ Y[rows])) for rows in orders]
    return sizes[0] > 1.2 * max(sizes[1:])
