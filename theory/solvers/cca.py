"""Lemma 3: concept consistency under whitening is canonical correlation analysis."""

import numpy as np

from theory.linalg import svd
from theory.moments import Moments
from theory.solution import Solution, gap_at, join
from theory.solvers.whitened import whiten


def solve(moments: Moments, rank: int, ridge: float = 0.0) -> Solution:
    """Minimise E‖x Wx − y Wy‖² subject to WxᵀΣxWx = WyᵀΣyWy = I_k.

    With Wx = Σx^{-1/2}U and M = Σx^{-1/2}ΣxyΣy^{-1/2} the loss is 2k − 2Tr(UᵀMV), so the minimum is 2k − 2Σ_{i≤k}ρ_i,
    reached at the top-k singular vectors of M. If Σx, Σy ≻ 0, minimisers are unique up to one common Q ∈ O(k) iff
    ρ_k > ρ_{k+1} (Lemma 3; Hotelling 1936).

    Parameters
    ----------
    moments
        Second moments of the pair.
    rank
        Number of codes k, at most the rank of either covariance.
    ridge
        Variance added to every coordinate of both domains; the problem solved has Σ + ridge·I for Σ.

    Returns
    -------
    Solution with maps Wx, Wy; `spectrum` = the canonical correlations ρ.

    Raises
    ------
    ValueError
        If k is out of range, or whitening that many codes is infeasible.

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [1.0], [-1.0], [-1.0]], [[2.0], [2.0], [-2.0], [-2.0]])
    >>> round(solve(m, 1).optimum, 12)
    0.0
    """
    white = whiten(moments, ridge)
    k = white.feasible(rank)
    U, rho, Vt = svd(white.M)
    rho = np.minimum(rho, 1.0)
    gap = gap_at(rho, k)
    tied = gap <= white.rounding
    return Solution(
        problem="cca",
        maps={"Wx": white.Px @ U[:, :k], "Wy": white.Py @ Vt[:k].T},
        optimum=float(2 * k - 2 * rho[:k].sum()),
        rank=white.rank,
        spectrum=rho,
        gap=gap,
        condition=white.condition,
        unique=white.full and not tied,
        free=join(
            "Wx Q, Wy Q with one Q in O(k)", white.kernel_text, _tie_text(rho, k, white.rounding) if tied else ""
        ),
        stats={"rank_x": len(white.lx), "rank_y": len(white.ly)},
    )


def _tie_text(rho: np.ndarray, k: int, rounding: float) -> str:
    if rho[k - 1] <= rounding:
        return "the null directions of Wx and of Wy, independently"
    return "a common rotation among the directions tied at ρ_k"
