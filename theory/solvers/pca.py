"""Lemma 1: the best rank-k linear autoencoder is principal component analysis."""

import numpy as np
from numpy.typing import ArrayLike

from theory.linalg import check_rank, eigh, rank_of, tolerance
from theory.solution import Solution, gap_at, join
from theory.solvers.whitened import condition_number


def solve(S: ArrayLike, rank: int) -> Solution:
    """Minimise E‖x − x W D‖² over W (d×k) and D (k×d).

    The minimum is Σ_{i>k} λ_i(Σ). With Σ ≻ 0 and λ_k > λ_{k+1} the minimisers are W = V_k A, D = A⁻¹V_kᵀ, A ∈ GL(k):
    the subspace and the product W D are determined, the columns of W are not (Lemma 1, corrected; Baldi & Hornik 1989).

    Parameters
    ----------
    S
        (d, d) covariance.
    rank
        Number of codes k, 1 ≤ k ≤ d.

    Returns
    -------
    Solution with maps W (orthonormal columns) and D = Wᵀ; `spectrum` = the d eigenvalues of Σ.

    Raises
    ------
    ValueError
        If S is not square, or k is out of range.

    Examples
    --------
    >>> solve([[4.0, 0.0], [0.0, 1.0]], 1).optimum
    1.0
    """
    S = np.asarray(S, dtype=np.float64)
    if S.ndim != 2 or S.shape[0] != S.shape[1]:
        raise ValueError(f"the covariance has shape {S.shape}; pass a square matrix")
    d = len(S)
    k = check_rank(rank, d, "the dimension")
    values, V = eigh(S)
    values = np.maximum(values, 0.0)
    r = rank_of(values)
    gap = float("inf") if k == d else gap_at(values, k)
    tied = gap <= tolerance(values[0], d)
    return Solution(
        problem="pca",
        maps={"W": V[:, :k], "D": V[:, :k].T},
        optimum=float(values[k:].sum()),
        rank=r,
        spectrum=values,
        gap=gap,
        condition=condition_number(values[:r]),
        unique=r == d and not tied,
        free=join(
            "W A, A⁻¹ D with A in GL(k)",
            "W + N with Σ N = 0" if r < d else "",
            "any top-k eigenspace of the tied eigenvalue" if tied else "",
        ),
    )
