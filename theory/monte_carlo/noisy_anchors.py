"""Theorem C3 by simulation: draw anchors, noise and the true rotation, fit the map, measure its error."""

import numpy as np
from numpy.typing import ArrayLike

from theory.monte_carlo.estimate import Estimate, of_sample
from theory.monte_carlo.rotations import haar


def procrustes_error(s: ArrayLike, d: int, sigma: float, draws: int, rng: np.random.Generator) -> Estimate:
    """‖Q̂ − Q_*‖² of orthogonal Procrustes with a Haar draw on what the anchors leave open.

    Every draw is the mean over the Haar matrix and its negative, so that its variance does not cover the noise's share.

    Parameters
    ----------
    s
        (r,) squared singular values of the anchors; their singular vectors are drawn anew.
    d, sigma
        Dimension; noise of the anchors.
    draws, rng
        Number of draws, at least 2, and their source.

    Examples
    --------
    >>> procrustes_error([4.0, 4.0], 2, 0.1, 2000, np.random.default_rng(0)).contains(0.0025)
    True
    """
    X, Q = _anchors(s, d, draws, rng)
    return of_sample(_procrustes(X, _noisy(X, Q, sigma, rng), Q, rng))


def least_squares_error(s: ArrayLike, d: int, sigma: float, draws: int, rng: np.random.Generator) -> Estimate:
    """‖X⁺Y − Q_*‖² of minimum-norm least squares on the anchors alone.

    Examples
    --------
    >>> least_squares_error([4.0, 4.0], 3, 1.0, 2000, np.random.default_rng(0)).contains(1 + 3 / 2)
    True
    """
    X, Q = _anchors(s, d, draws, rng)
    return of_sample(_squares(np.linalg.pinv(X) @ _noisy(X, Q, sigma, rng) - Q))


def ridge_error(
    s: ArrayLike, d: int, sigma: float, penalty: float | None, draws: int, rng: np.random.Generator
) -> Estimate:
    """‖(XᵀX + λ)⁻¹XᵀY − Q_*‖² of ridge regression on the anchors alone; λ = dσ² if no penalty is given.

    Examples
    --------
    >>> ridge_error([4.0, 4.0], 2, 1.0, None, 2000, np.random.default_rng(0)).contains(2 * 2 / 6)
    True
    """
    X, Q = _anchors(s, d, draws, rng)
    return of_sample(_ridge(X, _noisy(X, Q, sigma, rng), Q, d * sigma**2 if penalty is None else penalty))


def expected_least_squares_error(
    d: int, n_anchors: int, sigma: float, draws: int, rng: np.random.Generator
) -> Estimate:
    """`least_squares_error` of Gaussian anchors, drawn anew each time; its mean exists for abs(m − d) ≥ 2.

    Examples
    --------
    >>> expected_least_squares_error(2, 7, 1.0, 2000, np.random.default_rng(0)).contains(1.0)
    True
    """
    X, Q = rng.standard_normal((draws, n_anchors, d)), haar(draws, d, rng)
    return of_sample(_squares(np.linalg.pinv(X) @ _noisy(X, Q, sigma, rng) - Q))


def expected_procrustes_error(d: int, n_anchors: int, sigma: float, draws: int, rng: np.random.Generator) -> Estimate:
    """`procrustes_error` of Gaussian anchors, drawn anew each time.

    Examples
    --------
    >>> expected_procrustes_error(3, 1, 0.0, 20, np.random.default_rng(0)).contains(4.0)
    True
    """
    X, Q = rng.standard_normal((draws, n_anchors, d)), haar(draws, d, rng)
    return of_sample(_procrustes(X, _noisy(X, Q, sigma, rng), Q, rng))


def reflection_probability(d: int, sigma: float, draws: int, rng: np.random.Generator) -> Estimate:
    """Share of d Gaussian anchors whose determinant changes its sign under the noise.

    Examples
    --------
    >>> reflection_probability(1, 1.0, 2000, np.random.default_rng(0)).contains(0.25)
    True
    """
    X = rng.standard_normal((draws, d, d))
    noisy = X + sigma * rng.standard_normal(X.shape)
    return of_sample((np.linalg.slogdet(X)[0] != np.linalg.slogdet(noisy)[0]).astype(float))


def gain(d: int, n_anchors: int, sigma: float, rival: str, draws: int, rng: np.random.Generator) -> Estimate:
    """Error of the anchors alone (rival "ridge" at λ = dσ², or "least squares") less that of distribution matching.

    Both maps are fitted to the same Gaussian anchors.

    Examples
    --------
    >>> gain(4, 2, 0.1, "ridge", 100, np.random.default_rng(0)).high < 0
    True
    """
    X, Q = rng.standard_normal((draws, n_anchors, d)), haar(draws, d, rng)
    Y = _noisy(X, Q, sigma, rng)
    alone = _ridge(X, Y, Q, d * sigma**2) if rival == "ridge" else _squares(np.linalg.pinv(X) @ Y - Q)
    return of_sample(alone - _procrustes(X, Y, Q, rng))


def _anchors(s: ArrayLike, d: int, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows [draws, r, d] with squared singular values s and uniform singular vectors; rotations [draws, d, d]."""
    s = np.asarray(s, dtype=np.float64)
    U, V = haar(draws, len(s), rng), haar(draws, d, rng)[:, : len(s)]
    return U * np.sqrt(s) @ V, haar(draws, d, rng)


def _noisy(X: np.ndarray, Q: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return X @ Q + sigma * rng.standard_normal(X.shape)


def _squares(A: np.ndarray) -> np.ndarray:
    return (A**2).sum((1, 2))


def _procrustes(X: np.ndarray, Y: np.ndarray, Q: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    r, d = min(X.shape[1:]), X.shape[2]
    P, _, Rt = np.linalg.svd(X.transpose(0, 2, 1) @ Y)
    fixed = P[:, :, :r] @ Rt[:, :r] - Q
    drawn = P[:, :, r:] @ haar(len(X), d - r, rng) @ Rt[:, r:]
    return (_squares(fixed + drawn) + _squares(fixed - drawn)) / 2


def _ridge(X: np.ndarray, Y: np.ndarray, Q: np.ndarray, penalty: float) -> np.ndarray:
    Xt = X.transpose(0, 2, 1)
    return _squares(np.linalg.solve(Xt @ X + penalty * np.eye(X.shape[2]), Xt @ Y) - Q)
