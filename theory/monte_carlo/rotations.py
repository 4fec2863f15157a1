"""Theorem C2 by simulation: two domains, anchors, a map that meets them, and its R² by the population's moments."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.ambiguity.counts import not_negative
from theory.monte_carlo.estimate import Estimate, of_sample


@dataclass(frozen=True, eq=False)
class Planted:
    """Centred domains y = xA_* (rows), known by their second moments; a leading axis holds one pair for each draw.

    Attributes
    ----------
    Sx, truth
        Σx ≻ 0 and A_* invertible, both (d, d) or (draws, d, d).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> planted = Planted.random(3, rng)
    >>> X = planted.gaussian(2, 5, rng)
    >>> A = planted.matched(X, X @ planted.truth, rng)
    >>> bool(np.allclose(X @ A, X @ planted.truth)), bool(np.allclose(A.swapaxes(1, 2) @ planted.Sx @ A, planted.Sy))
    (True, True)
    """

    Sx: np.ndarray
    truth: np.ndarray

    @classmethod
    def random(cls, d: int, rng: np.random.Generator, Sy: ArrayLike | None = None) -> "Planted":
        """Two covariances in random position with eigenvalues 1, 1/2, …, 1/d, unless Σy is given; Q_* Haar."""
        Ux, Uy, Q = _frames(np.zeros((3, 0, d)), rng)
        values = 1 / np.arange(1, d + 1)
        Sx = (Ux * values) @ Ux.T
        target = (Uy * values) @ Uy.T if Sy is None else np.asarray(Sy, dtype=np.float64)
        return cls(Sx, _whitener(Sx) @ Q @ np.linalg.cholesky(target).T)

    @property
    def Sy(self) -> np.ndarray:
        """Σy = A_*ᵀΣxA_*."""
        return self.truth.swapaxes(-1, -2) @ self.Sx @ self.truth

    def gaussian(self, n_anchors: int, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Rows of x ~ N(0, Σx), (draws, n_anchors, d)."""
        white = rng.standard_normal((draws, n_anchors, self.Sx.shape[-1]))
        return white @ np.linalg.cholesky(self.Sx).swapaxes(-1, -2)

    def matched(self, X: np.ndarray, Y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Covariance-matched maps that meet exact anchors X, Y (draws, m, d), one uniform draw for each set.

        Completed by random rows, the whitened anchors of either side give an orthonormal frame by Gram and Schmidt's
        rule, which commutes with rotations: the rotation from frame to frame takes anchors to anchors, and the rest to
        a uniformly drawn rest.
        """
        Wx, Wy = _whitener(self.Sx), _whitener(self.Sy)
        Q = _frames(X @ Wx, rng) @ _frames(Y @ Wy, rng).swapaxes(1, 2)
        return Wx @ Q @ np.linalg.inv(Wy)

    def regression(self, X: np.ndarray, Y: np.ndarray, whiten: bool = True) -> np.ndarray:
        """Minimum-norm least squares on the anchors alone, in whitened coordinates or those of x."""
        W = _whitener(self.Sx) if whiten else np.eye(X.shape[-1])
        return W @ np.linalg.pinv(X @ W) @ Y

    def r_squared(self, A: np.ndarray) -> np.ndarray:
        """1 − E‖xA − y‖²/E‖y‖² of maps (draws, d, d)."""
        missed, total = ((B * (self.Sx @ B)).sum((-2, -1)) for B in (A - self.truth, self.truth))
        return 1 - missed / total


def haar(draws: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Draw Haar-distributed orthogonal matrices (draws, d, d).

    Examples
    --------
    >>> Q = haar(5, 3, np.random.default_rng(0))
    >>> bool(np.allclose(Q @ Q.swapaxes(1, 2), np.eye(3)))
    True
    """
    Q, R = np.linalg.qr(rng.standard_normal((draws, d, d)))
    # The factor with a positive diagonal is unique, and therefore as invariant as the Gaussian matrix.
    return Q * np.sign(np.diagonal(R, axis1=1, axis2=2))[:, None, :]


def expected_matched_r_squared(d: int, n_anchors: int, draws: int, rng: np.random.Generator) -> Estimate:
    """R² of a uniformly drawn matched map that meets Gaussian anchors of one random pair of domains (theorem C2).

    Parameters
    ----------
    d, n_anchors
        As in `theory.ambiguity.rotations`; from d anchors on, R² is 1 up to rounding.
    draws
        Sets of anchors, with one map each; at least 2.
    rng
        Draws the domains, the anchors and the maps.

    Raises
    ------
    ValueError
        Fewer than two draws, or a negative number of anchors.

    Examples
    --------
    >>> expected_matched_r_squared(4, 1, 1000, np.random.default_rng(0)).contains(2 * 1 / 4 - 1)
    True
    """
    return of_sample(_matched(d, n_anchors, None, draws, rng))


def expected_anchors_r_squared(d: int, n_anchors: int, draws: int, rng: np.random.Generator) -> Estimate:
    """R² of minimum-norm regression on Gaussian anchors alone, in whitened coordinates (theorem C2).

    Parameters and errors as in `expected_matched_r_squared`.

    Examples
    --------
    >>> expected_anchors_r_squared(4, 1, 1000, np.random.default_rng(0)).contains(1 / 4)
    True
    """
    planted, X = _anchored(d, n_anchors, None, draws, rng)
    return of_sample(planted.r_squared(planted.regression(X, X @ planted.truth)))


def matched_r_squared_deviation(
    d: int, n_anchors: int, Sy: ArrayLike | None, draws: int, rng: np.random.Generator
) -> Estimate:
    """Standard deviation of the R² of one matched map, over Gaussian anchors and maps (theorem C2).

    Parameters and errors as in `expected_matched_r_squared`, with two maps for each draw; no Σy (d, d) means Σy = 1.

    Examples
    --------
    >>> matched_r_squared_deviation(4, 1, None, 1000, np.random.default_rng(0)).contains(2 / 4)
    True
    """
    return deviation(_matched(d, n_anchors, np.eye(d) if Sy is None else Sy, 2 * draws, rng))


def deviation(values: np.ndarray) -> Estimate:
    """Standard deviation of independent values [2·draws], two by two.

    The variance is half the mean squared difference; its root has its standard error to first order.

    Examples
    --------
    >>> deviation(np.random.default_rng(0).normal(0.0, 3.0, 4000)).contains(3.0)
    True
    """
    variance = of_sample((values[::2] - values[1::2]) ** 2 / 2)
    root = variance.mean**0.5
    return Estimate(root, variance.error / (2 * root) if root else 0.0, variance.draws)


def _matched(d: int, n_anchors: int, Sy: ArrayLike | None, draws: int, rng: np.random.Generator) -> np.ndarray:
    planted, X = _anchored(d, n_anchors, Sy, draws, rng)
    return planted.r_squared(planted.matched(X, X @ planted.truth, rng))


def _anchored(
    d: int, n_anchors: int, Sy: ArrayLike | None, draws: int, rng: np.random.Generator
) -> tuple[Planted, np.ndarray]:
    if draws < 2:
        raise ValueError(f"{draws} draws have no standard error; take at least 2")
    planted = Planted.random(d, rng, Sy)
    return planted, planted.gaussian(not_negative(n_anchors), draws, rng)


def _frames(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Orthogonal matrices whose columns are Gram and Schmidt's of the rows (draws, m, d) and of random rows after."""
    draws, m, d = rows.shape
    columns = np.concatenate([rows[:, :d], rng.standard_normal((draws, max(d - m, 0), d))], axis=1).swapaxes(1, 2)
    Q, R = np.linalg.qr(columns)
    return Q * np.sign(np.diagonal(R, axis1=1, axis2=2))[:, None]


def _whitener(S: np.ndarray) -> np.ndarray:
    """W with WᵀSW = 1, by Cholesky's root."""
    return np.linalg.inv(np.linalg.cholesky(S)).swapaxes(-1, -2)
