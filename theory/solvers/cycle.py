"""Lemma 7: full cycle consistency sees the principal subspaces of both domains, and nothing that ties them."""

import numpy as np

from theory.linalg import check_rank, eigh, rank_of, tolerance
from theory.moments import Moments
from theory.solution import Solution, gap_at, join
from theory.solvers.whitened import condition_number


def solve(moments: Moments, rank: int) -> Solution:
    """Minimise E‖x − x A B‖² + E‖y − y B A‖² with A = Wx Dy, B = Wy Dx.

    With r = min(k, dx, dy) the minimum is Σ_{i>r}λ_i(Σx) + Σ_{i>r}λ_i(Σy). If Σx, Σy ≻ 0 and λ_r > λ_{r+1} in both
    domains (void where r = d), the minimisers are exactly A = VxΓVyᵀ, B = VyΓ⁻¹Vxᵀ with Γ ∈ GL(r) free: the cycle
    fixes neither the translation nor the autoencoders Wx Dx (Lemma 7, corrected).

    Parameters
    ----------
    moments
        Second moments; Σxy is not used.
    rank
        Number of codes k, 1 ≤ k ≤ max(dx, dy).

    Returns
    -------
    Solution with maps Wx, Dx, Wy, Dy: the minimiser with Γ = I whose autoencoders are the two PCAs.
    `spectrum` = λ_i(Σx) + λ_i(Σy), i ≤ min(dx, dy).

    Raises
    ------
    ValueError
        If k is out of range.

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0, 0.0], [-1.0, 0.0]], [[2.0], [0.0]])
    >>> solve(m, 2).optimum
    0.0
    """
    dx, dy = moments.dx, moments.dy
    k = check_rank(rank, max(dx, dy), "max(dx, dy)")
    r = min(k, dx, dy)
    Wx, lx = _principal(moments.Sx, k)
    Wy, ly = _principal(moments.Sy, k)
    gaps = [gap_at(values, r) if r < len(values) else float("inf") for values in (lx, ly)]
    ranks = rank_of(lx), rank_of(ly)
    tied = any(gap <= tolerance(values[0], len(values)) for gap, values in zip(gaps, (lx, ly), strict=True))
    full = ranks == (dx, dy)
    return Solution(
        problem="cycle",
        maps={"Wx": Wx, "Dx": Wx.T, "Wy": Wy, "Dy": Wy.T},
        optimum=float(lx[r:].sum() + ly[r:].sum()),
        rank=min(ranks),
        spectrum=lx[: min(dx, dy)] + ly[: min(dx, dy)],
        gap=min(gaps),
        condition=max(condition_number(lx[: ranks[0]]), condition_number(ly[: ranks[1]])),
        unique=full and not tied,
        free=join(
            "Wx Dy = Vx Γ Vyᵀ, Wy Dx = Vy Γ⁻¹ Vxᵀ with Γ in GL(r), and every factorisation of the two products",
            "" if full else "products A + N with Σ N = 0 on a singular side",
            "any top-r eigenspace of a tied eigenvalue" if tied else "",
        ),
        stats={"effective_rank": r, "rank_x": ranks[0], "rank_y": ranks[1]},
    )


def _principal(S: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Top-k eigenvectors, filled up with zero columns where k > d, and all eigenvalues."""
    values, V = eigh(S)
    W = np.zeros((len(S), k))
    W[:, : len(S)] = V[:, :k]
    return W, np.maximum(values, 0.0)
