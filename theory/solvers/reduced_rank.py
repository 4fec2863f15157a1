"""Lemma 5: translation through k codes is reduced-rank regression."""

import numpy as np

from theory.linalg import check_rank, rank_of, svd, tolerance, whitener
from theory.moments import Moments
from theory.solution import Solution, gap_at, join
from theory.solvers.whitened import condition_number


def solve(moments: Moments, rank: int, ridge: float = 0.0) -> Solution:
    """Minimise E‖y − x Wx Dy‖² over Wx (dx×k) and Dy (k×dy); for y→x pass `moments.swapped()`.

    With N = Σx^{-1/2}Σxy the minimum is TrΣy − Σ_{i≤k}σ_i(N)². The product Wx Dy is determined iff Σx ≻ 0 and
    (σ_k > σ_{k+1} or rank N ≤ k); Wx = Σx^{-1/2}U_k A with A ∈ GL(k) when σ_k > 0 too. It is not the CCA
    (Lemma 5, corrected; Izenman 1975).

    Parameters
    ----------
    moments
        Second moments of the pair.
    rank
        Number of codes k, 1 ≤ k ≤ min(dx, dy).
    ridge
        Variance added to every coordinate of x, which is the penalty ridge·‖Wx Dy‖²; the optimum contains it.

    Returns
    -------
    Solution with maps Wx (whitened: WxᵀΣxWx = I; columns beyond rank Σx are zero) and Dy; `spectrum` = σ_i(N);
    `rank` = rank Σx.

    Raises
    ------
    ValueError
        If k is out of range.

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [-1.0]], [[3.0], [-3.0]])
    >>> s = solve(m, 1)
    >>> round(s.optimum, 12), round(float((s.maps["Wx"] @ s.maps["Dy"])[0, 0]), 12)
    (0.0, 3.0)
    """
    k = check_rank(rank, min(moments.dx, moments.dy), "min(dx, dy)")
    Sx = moments.ridged(ridge, 0.0).Sx
    Px, lx = whitener(Sx)
    U, sigma, Vt = svd(Px.T @ moments.Sxy) if len(lx) else _empty(moments.dy)
    Wx, Dy = np.zeros((moments.dx, k)), np.zeros((k, moments.dy))
    kept = min(k, len(sigma))
    Wx[:, :kept] = Px @ U[:, :kept]
    Dy[:kept] = sigma[:kept, None] * Vt[:kept]
    condition = condition_number(lx)
    scale = float(np.sqrt(max(np.trace(moments.Sy), 0.0)))
    rounding = tolerance(scale * condition, max(moments.dx, moments.dy)) if len(lx) else 0.0
    small_rank = int(np.count_nonzero(sigma > rounding)) <= k
    gap = gap_at(sigma, k)
    full = len(lx) == moments.dx
    product = full and (small_rank or gap > rounding)
    exact_k = len(sigma) >= k and sigma[k - 1] > rounding
    return Solution(
        problem="reduced_rank",
        maps={"Wx": Wx, "Dy": Dy},
        optimum=max(0.0, float(np.trace(moments.Sy) - (sigma[:k] ** 2).sum())),
        rank=len(lx),
        spectrum=sigma,
        gap=gap,
        condition=condition,
        unique=product,
        free=join(
            "Wx A, A⁻¹ Dy with A in GL(k)" if exact_k else "every factorisation of the product Wx Dy",
            "" if full else "Wx + N with Σx N = 0",
            "" if small_rank or gap > rounding else "any top-k left singular space of the tied σ_k",
        ),
        stats={"rank_N": rank_of(sigma)},
    )


def _empty(dy: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros((0, 0)), np.zeros(0), np.zeros((0, dy))
