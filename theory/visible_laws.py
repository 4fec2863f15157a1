"""What the law of whitened rows says about a rotation: whether slices see one, and how many directions are Gaussian.

A loss of laws can tell a translation from a rotated one only as far as the law of the rows differs from its own rotated
copy (theorems C1, C4 and F3). Both measures need one stream, and no pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.ambiguity.rotations import haar
from theory.discrepancy import random_slices, sliced_ecf
from theory.levels import Distribution
from theory.linalg import eigh

SLICES, REPEATS, SURROGATES = 64, 40, 19
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


def excess_kurtoses(X: np.ndarray) -> np.ndarray:
    """Eigenvalues of E[‖x‖²xxᵀ] − (d + 2)·1, descending: the excess kurtoses of independent components (Cardoso 1989).

    Parameters
    ----------
    X
        (n, d), whitened.

    Examples
    --------
    >>> X = np.array([[1.0], [-1.0]])
    >>> excess_kurtoses(X)
    array([-2.])
    """
    n, d = X.shape
    weighted = X * np.sum(X**2, axis=1, keepdims=True)
    return eigh(weighted.T @ X / n - (d + 2) * np.eye(d))[0]


def n_gaussian(X: np.ndarray, rng: np.random.Generator, on_progress: Progress = lambda share: None) -> int:
    """Return the number of directions whose excess kurtosis is within that of Gaussian rows of the same number.

    The range is that of the extreme eigenvalues of 19 samples of Gaussian rows, whitened by their own moments.

    Parameters
    ----------
    X
        (n, d), whitened by its own moments, n > d.
    rng, on_progress
        As in `rotation`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> from theory.linalg import inverse_root
    >>> Z = np.column_stack([rng.exponential(size=4000), rng.normal(size=4000)])
    >>> Z -= Z.mean(0)
    >>> n_gaussian(Z @ inverse_root(Z.T @ Z / 4000)[0], rng)
    1
    """
    n, d = X.shape
    extremes = np.empty((SURROGATES, 2))
    for i in range(SURROGATES):
        Z = rng.standard_normal((n, d))
        Z -= Z.mean(0)
        R = np.linalg.cholesky(Z.T @ Z / n)
        extremes[i] = excess_kurtoses(np.linalg.solve(R, Z.T).T)[[0, -1]]
        on_progress((i + 1) / SURROGATES)
    found = excess_kurtoses(X)
    return int(((found <= extremes[:, 0].max()) & (found >= extremes[:, 1].min())).sum())
