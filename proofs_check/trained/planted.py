"""Small paired data whose second moments are prescribed exactly, for training and for its predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.moments import Moments


@dataclass(frozen=True, eq=False)
class Pair:
    """Row-aligned, centred X [n, dx] and Y [n, dy].

    Examples
    --------
    >>> Pair(np.array([[1.0], [-1.0]]), np.array([[2.0], [-2.0]])).variance
    5.0
    """

    X: np.ndarray
    Y: np.ndarray

    @cached_property
    def moments(self) -> Moments:
        """Second moments."""
        return Moments.from_arrays(self.X, self.Y)

    @property
    def variance(self) -> float:
        """TrΣx + TrΣy."""
        return float(np.trace(self.moments.Sx) + np.trace(self.moments.Sy))


def planted(
    rng: np.random.Generator,
    spectrum_x: Sequence[float],
    spectrum_y: Sequence[float],
    correlations: Sequence[float],
    rows: int = 60,
) -> Pair:
    """Draw data with the given sample moments; the principal and the canonical directions are unrelated.

    Parameters
    ----------
    spectrum_x, spectrum_y
        Eigenvalues of Σx and Σy.
    correlations
        Canonical correlations, at most min(dx, dy) of them; the others are 0.
    rows
        n > dx + dy.

    Examples
    --------
    >>> pair = planted(np.random.default_rng(0), [2.0, 1.0], [3.0], [0.5])
    >>> np.linalg.eigvalsh(pair.moments.Sx).round(12).tolist(), round(pair.variance, 12)
    ([1.0, 2.0], 6.0)
    """
    dx, dy = len(spectrum_x), len(spectrum_y)
    noise = rng.normal(size=(rows, dx + dy))
    white = np.sqrt(rows) * np.linalg.qr(noise - noise.mean(0))[0]
    A, B = white[:, :dx], white[:, dx:].copy()
    for i, rho in enumerate(correlations):
        B[:, i] = rho * A[:, i] + np.sqrt(1 - rho**2) * B[:, i]
    return Pair(A @ _rotation(rng, dx) * np.sqrt(spectrum_x), B @ _rotation(rng, dy) * np.sqrt(spectrum_y))


def _rotation(rng: np.random.Generator, d: int) -> np.ndarray:
    Q, R = np.linalg.qr(rng.normal(size=(d, d)))
    return Q * np.sign(np.diag(R))


# Orthogonal columns of the exact examples.
_h1, _h2, _h3 = (np.array(h, dtype=float) for h in ((1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1)))

TRADEOFF = Pair(np.stack([2 * _h1, _h2], 1), _h2[:, None])  # Lemma 4: at λ = 5/9 the optimum is 88/45, the CCA 20/9
REGRESSION = Pair(np.stack([_h1, _h2], 1), np.stack([2 * _h1 + 1.5 * _h3, _h2], 1))  # Lemma 5: 13/4, the CCA 25/4
ONLY_ZERO = Pair(np.array([[1.0], [-1.0], [0.0]]), np.array([[1.0], [1.0], [-2.0]]))  # Lemma 2: one minimiser, zero
