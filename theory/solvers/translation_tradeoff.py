"""Lemma 6, corrected: translation plus reconstruction under whitening, between two regressions and two PCAs."""

from collections.abc import Sequence

import numpy as np

from theory.moments import Moments
from theory.solution import Solution
from theory.solvers import maxbet, tradeoff
from theory.solvers.whitened import whiten


def solve(moments: Moments, rank: int, weight: float, ridge: float = 0.0) -> Solution:
    """Minimise L_TR + λ L_REC subject to WxᵀΣxWx = WyᵀΣyWy = I_k.

    L_TR = E‖y − x Wx Dy‖² + E‖x − y Wy Dx‖² and L_REC = E‖x − x Wx Dx‖² + E‖y − y Wy Dy‖². The best decoders are
    Dy = (WxᵀΣxy + λWyᵀΣy)/(1+λ) and Dx likewise, and then L = (1+λ)(TrΣx + TrΣy) − Tr(ZᵀK₆Z)/(1+λ), Z = [U; V],
    K₆ = [[MΣyMᵀ + λ²Σx, λ(MΣy + ΣxM)], [·ᵀ, MᵀΣxM + λ²Σy]]: two reduced-rank regressions as λ → 0, two PCAs as
    λ → ∞, the CCA only where Σx, Σy ∝ I (Lemma 6, corrected). k = 1 is exact; k > 1 carries a certificate.

    Parameters
    ----------
    moments
        Second moments of the pair.
    rank
        Number of codes k, at most the rank of either covariance.
    weight
        Nonnegative λ; at λ = 0 the two directions decouple.
    ridge
        Variance added to every coordinate of both domains; the problem solved has Σ + ridge·I for Σ.

    Returns
    -------
    Solution with maps Wx, Dx, Wy, Dy; `spectrum` = eigenvalues of UᵀK₆,xyV, diagonal by choice of the rotation.
    `stats`: certified (1 if the optimum is proved global up to rounding), certificate_gap (2kε in units of the loss),
    lower_bound on the minimal loss, translation and reconstruction (the two losses at the solution), stationarity.

    Raises
    ------
    ValueError
        If k or λ is out of range, or whitening that many codes is infeasible.

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [-1.0]], [[3.0], [-3.0]])
    >>> round(solve(m, 1, 1.0).optimum, 9)
    0.0
    """
    return path(moments, rank, [weight], ridge)[0]


def path(moments: Moments, rank: int, weights: Sequence[float], ridge: float = 0.0) -> list[Solution]:
    """Solve at every weight, in the given order; the solution at one weight starts the next (see `solve`).

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [-1.0]], [[3.0], [-3.0]])
    >>> [round(s.optimum, 9) for s in path(m, 1, [0.0, 1.0])]
    [0.0, 0.0]
    """
    white = whiten(moments, ridge)
    k = white.feasible(rank)
    noisy = moments.ridged(ridge, ridge)
    Sx, Sy, Sxy = noisy.Sx, noisy.Sy, noisy.Sxy
    total = float(np.trace(Sx) + np.trace(Sy))
    lx, ly, M = white.lx, white.ly, white.M

    def pair_at(weight: float, starts: list[maxbet.Pair]) -> Solution:
        cross = weight * (M * ly + lx[:, None] * M)
        K = np.block(
            [
                [(M * ly) @ M.T + weight**2 * np.diag(lx), cross],
                [cross.T, (M.T * lx) @ M + weight**2 * np.diag(ly)],
            ]
        )
        return maxbet.solve(K, len(lx), k, starts=starts)

    def at(weight: float, pair: Solution) -> Solution:
        def decoders(Wx: np.ndarray, Wy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            Dx = (Wy.T @ Sxy.T + weight * Wx.T @ Sx) / (1 + weight)
            Dy = (Wx.T @ Sxy + weight * Wy.T @ Sy) / (1 + weight)
            return Dx, Dy

        Wx, Wy = white.Px @ pair.maps["U"], white.Py @ pair.maps["V"]
        Dx, Dy = decoders(Wx, Wy)
        squares = float(np.sum(Dx**2) + np.sum(Dy**2))
        translated = float(np.sum((Wx.T @ Sxy) * Dy) + np.sum((Wy.T @ Sxy.T) * Dx))
        rebuilt = float(np.sum((Wx.T @ Sx) * Dx) + np.sum((Wy.T @ Sy) * Dy))
        return tradeoff.solution(
            "translation_tradeoff",
            white,
            pair,
            decoders,
            ((1 + weight) * total, 1 / (1 + weight)),
            {"translation": total - 2 * translated + squares, "reconstruction": total - 2 * rebuilt + squares},
        )

    return [at(weight, pair) for weight, pair in zip(weights, tradeoff.continuation(pair_at, weights), strict=True)]
