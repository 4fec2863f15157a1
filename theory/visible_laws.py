"""Whether random slices see that whitened rows were rotated.

A loss of laws can tell a translation from a rotated one only as far as the law of the rows differs from its own rotated
copy (theorems C1, C4 and F3). That needs one stream, and no pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.ambiguity.rotations import haar
from theory.discrepancy import random_slices, sliced_ecf
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

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rotation(rng.exponential(size=(2000, 2)) - 1, rng).visible, rotation(rng.normal(size=(2000, 2)), rng).visible
    (True, False)
    """
    n, d, grid, found = len(X) // 2, X.shape[1], Distribution().grid, np.empty((2, REPEATS))
    for i in range(REPEATS):
        order = rng.permutation(len(X))
        a, b = X[order[:n]], X[order[n : 2 * n]]
        for k, moved in enumerate((b, b @ haar(d, rng))):
            found[k, i] = sliced_ecf(a, moved, random_slices(rng, d, SLICES), grid, unbiased=True)
        on_progress((i + 1) / REPEATS)
    same, turned = found
    power = float((turned > np.quantile(same, 0.95)).mean())
    return Rotation(float(turned.mean()), float(same.std(ddof=1)), power, n)
