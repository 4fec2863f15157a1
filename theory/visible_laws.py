"""Whether random slices see that whitened rows were rotated.

A loss of laws can tell a translation from a rotated one only as far as the law of the rows differs from its own rotated
copy (theorems C1, C4 and F3). That needs one stream, and no pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.discrepancy import distance_from_ecf, ecf, project, random_slices
from theory.levels import Distribution

SLICES, REPEATS = 32, 20
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Rotation:
    """Unbiased sliced distance of one half of the rows from the other, rotated and not.

    Attributes
    ----------
    signal
        Mean distance of rotated halves.
    noise
        Standard deviation of the distance of halves that are not rotated; its mean is 0.
    power
        Share of the rotated distances above all but a twentieth of the others.
    rows
        Of each half.

    Examples
    --------
    >>> Rotation(signal=0.2, noise=0.1, power=0.6, rows=50).signal
    0.2
    """

    signal: float
    noise: float
    power: float
    rows: int

    @property
    def visible(self) -> bool:
        """Whether slices of so many rows tell most rotations."""
        return self.power > 0.5


def rotation(X: np.ndarray, rng: np.random.Generator, on_progress: Progress = lambda share: None) -> Rotation:
    """Compare the law of whitened rows with its copies under uniformly distributed rotations.

    Parameters
    ----------
    X
        (n, d), whitened, n ≥ 4.
    rng
        Draws halves, rotations and slices.
    on_progress
        Called with the share that is done.

    Raises
    ------
    ValueError
        Fewer than 4 rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rotation(rng.exponential(size=(2000, 2)) - 1, rng).visible, rotation(rng.normal(size=(2000, 2)), rng).visible
    (True, False)
    """
    if len(X) < 4:
        raise ValueError(f"{len(X)} rows have no two halves to compare; pass at least 4")
    n, grid, found = len(X) // 2, Distribution().grid, np.empty((2, REPEATS))
    # Thirty times as fast as in double precision, whose digits drown in the noise of 1/n anyway.
    X = X.astype(np.float32)
    for i in range(REPEATS):
        order = rng.permutation(len(X))
        slices = random_slices(rng, X.shape[1], SLICES)
        shown = (order[:n], slices), (order[n : 2 * n], slices), (order[n : 2 * n], turned(slices, rng))
        a, *others = (ecf(project(X[rows], along), grid.nodes).astype(complex) for rows, along in shown)
        found[:, i] = [distance_from_ecf(a, b, n, n, grid, unbiased=True).mean() for b in others]
        on_progress((i + 1) / REPEATS)
    same, moved = found
    power = float((moved > np.quantile(same, 0.95)).mean())
    return Rotation(float(moved.mean()), float(same.std(ddof=1)), power, n)


def turned(slices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Slices (d, S) under a uniformly distributed rotation, which is as good as rotating the rows.

    Only its values on their span matter: a uniformly distributed frame.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> slices = random_slices(rng, 3, 5)
    >>> moved = turned(slices, rng)
    >>> bool(np.allclose(moved.T @ moved, slices.T @ slices)), bool(np.allclose(moved, slices))
    (True, False)
    """
    R = np.linalg.qr(slices, mode="r")
    frame, signs = np.linalg.qr(rng.standard_normal((len(slices), len(R))))
    return frame * np.sign(np.diag(signs)) @ R
