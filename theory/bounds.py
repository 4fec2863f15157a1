"""Quantitative duality (theorems A1-A4): how far translation, reconstruction and consistency bound one another.

All errors are root-mean-square norms, the roots of the instance losses: for codes a of x_i and b of x_j and a linear
decoder D : R^k → R^d of x_j, T = ‖Da − x_j‖, R = ‖Db − x_j‖, C = ‖a − b‖.
"""

from itertools import combinations
from math import comb, inf, sqrt

import numpy as np
from numpy.typing import ArrayLike

from theory.linalg import check_rank, sigma_max, sigma_min

SUBSETS = 200_000


def consistency_bound(D: ArrayLike, T: float, R: float) -> float:
    """Largest C compatible with T and R: (T + R)/σ(D), infinite if D is not injective (theorem A1, tight).

    Examples
    --------
    >>> consistency_bound([[2.0, 0.0], [0.0, 1.0]], 0.3, 0.2)
    0.5
    """
    sigma = sigma_min(D)
    if sigma > 0.0:
        return (T + R) / sigma
    return inf


def translation_bound(D: ArrayLike, R: float, C: float) -> float:
    """Largest T compatible with R and C: R + ℓ(D)·C (theorem A1, tight).

    Examples
    --------
    >>> translation_bound([[2.0, 0.0], [0.0, 1.0]], 0.1, 0.2)
    0.5
    """
    return R + sigma_max(D) * C


def achievable(T: ArrayLike, R: ArrayLike, C: ArrayLike, ell: float, sigma: float) -> np.ndarray | bool:
    """Whether some pair of codes has these errors: |T − R| ≤ ℓC and σC ≤ T + R (theorem A1).

    Exact, but for a single point with d = k = 1, where more is asked.

    Parameters
    ----------
    T, R, C
        Non-negative, scalars or arrays of one shape.
    ell, sigma
        Largest and smallest ‖Dv‖ over unit v (σ = 0 if k > d).

    Examples
    --------
    >>> bool(achievable(0.3, 0.2, 0.5, ell=2.0, sigma=1.0)), bool(achievable(0.3, 0.2, 0.6, ell=2.0, sigma=1.0))
    (True, False)
    """
    T, R, C = np.asarray(T), np.asarray(R), np.asarray(C)
    return (np.abs(T - R) <= ell * C) & (sigma * C <= T + R)


def witness(D: ArrayLike, T: float, R: float, C: float) -> tuple[np.ndarray, np.ndarray]:
    """Vectors that realise an achievable triple: δ = a − b and p = Da − x_j, with ‖δ‖ = C, ‖p‖ = T, ‖p − Dδ‖ = R.

    Parameters
    ----------
    D
        (d, k) with d, k ≥ 2.
    T, R, C
        An achievable triple.

    Returns
    -------
    δ
        (k,) difference of the codes.
    p
        (d,) translation error.

    Raises
    ------
    ValueError
        If d or k is below 2, or the triple is not achievable.

    Examples
    --------
    >>> delta, p = witness(np.eye(2), 3.0, 4.0, 5.0)
    >>> [round(float(np.linalg.norm(v)), 12) for v in (delta, p, p - delta)]
    [5.0, 3.0, 4.0]
    """
    D = np.asarray(D, dtype=np.float64)
    if min(D.shape) < 2:
        raise ValueError(f"the decoder has shape {D.shape}; a witness takes at least two rows and two columns")
    ell, sigma = sigma_max(D), sigma_min(D)
    if not achievable(T, R, C, ell, sigma):
        raise ValueError(f"(T, R, C) = {(T, R, C)} is not achievable; it needs |T − R| ≤ ℓC and σC ≤ T + R")
    right = np.linalg.svd(D)[2]
    # Any h = ‖Dδ‖ between the bounds closes the triangle with sides T and R; the largest is the best conditioned.
    h = min(ell * C, T + R)
    share = (h**2 - (sigma * C) ** 2) / ((ell**2 - sigma**2) * C**2) if ell > sigma and C > 0 else 0.0
    share = min(max(share, 0.0), 1.0)
    delta = C * (sqrt(1 - share) * right[-1] + sqrt(share) * right[0])
    along = D @ delta
    h = float(np.linalg.norm(along))
    basis = np.linalg.svd(np.column_stack([along, np.zeros_like(along)]))[0]
    direction = along / h if h > 0 else basis[:, 0]
    x = ((T - R) * (T + R) + h**2) / (2 * h) if h > 0 else T
    x = min(max(x, -T), T)
    y = sqrt((T - x) * (T + x))
    return delta, x * direction + y * basis[:, 1]


def sparse_sigma(D: ArrayLike, s: int) -> float:
    """σ_2s(D) = min over sets S of min(2s, k) atoms of σ_min(D_S), by exhaustion (theorem A2).

    It replaces σ in `consistency_bound` when both codes are s-sparse.

    Raises
    ------
    ValueError
        If s < 1 or above k, or more than 200 000 subsets (use `coherence_bound`).

    Examples
    --------
    >>> sparse_sigma(np.eye(3), 1)
    1.0
    """
    return min(sigma_min(D_S) for D_S in _supports(D, s))


def sparse_ell(D: ArrayLike, s: int) -> float:
    """max over sets S of min(2s, k) atoms of σ_max(D_S): replaces ℓ for s-sparse codes (theorem A2).

    Raises ValueError as `sparse_sigma` does.

    Examples
    --------
    >>> round(sparse_ell([[3.0, 0.0], [0.0, 4.0]], 1), 12)
    4.0
    """
    return max(sigma_max(D_S) for D_S in _supports(D, s))


def coherence(D: ArrayLike) -> float:
    """Largest |cosine| between two different atoms (columns) of D.

    Examples
    --------
    >>> coherence([[1.0, 3.0], [0.0, 4.0]])
    0.6
    """
    D = np.asarray(D, dtype=np.float64)
    unit = D / np.linalg.norm(D, axis=0)
    cosines = np.abs(unit.T @ unit)
    np.fill_diagonal(cosines, 0.0)
    return float(cosines.max())


def coherence_bound(mu: float, s: int) -> float:
    """Lower bound √(1 − (2s−1)μ) on σ_2s of unit atoms of coherence μ; 0 where it is void (theorem A2).

    Then C ≤ (T + R)/coherence_bound(μ, s).

    Examples
    --------
    >>> coherence_bound(0.25, 2)
    0.5
    """
    return sqrt(max(0.0, 1.0 - (2 * s - 1) * mu))


def split_feature_cost(c: float) -> float:
    """‖Dδ‖ = √(2 − 2c) when two unit atoms of cosine c stand for one feature, at the consistency error C = √2.

    The price in translation plus reconstruction error of codes that do not agree at all (theorem A2, App. A).

    Examples
    --------
    >>> split_feature_cost(0.5)
    1.0
    """
    return sqrt(2.0 - 2.0 * c)


def cycle_bound(lip: float, tr_ij: float, tr_ji: float) -> float:
    """Bound on the cycle error of domain i through j: Lip(g_i f_j)·TR_{i→j} + TR_{j→i} (theorem A3).

    Parameters
    ----------
    lip
        Lipschitz constant of the translation g_i f_j; for linear maps x ↦ xA it is ‖A‖₂.
    tr_ij, tr_ji
        Root-mean-square translation errors.

    Examples
    --------
    >>> cycle_bound(2.0, 0.5, 0.25)
    1.25
    """
    return lip * tr_ij + tr_ji


def slice_bound(m2: float, mean_square: float, dim: int = 1) -> float:
    """Upper bound on the sliced ECF loss by the instance loss: m₂·E‖a − b‖²/d for uniform slices (theorem A4).

    Parameters
    ----------
    m2
        ∫t²w(t)dt of the t-grid, `theory.discrepancy.TGrid.second_moment`.
    mean_square
        E‖a − b‖²; for one fixed slice u, E⟨u, a − b⟩² with dim = 1.
    dim
        Dimension d of the compared vectors, with slices uniform on the unit sphere.

    Examples
    --------
    >>> slice_bound(2.0, 3.0, dim=6)
    1.0
    """
    return m2 * mean_square / dim


def _supports(D: ArrayLike, s: int):
    D = np.asarray(D, dtype=np.float64)
    k = D.shape[1]
    size = min(2 * check_rank(s, k, "the number of atoms", name="sparsity"), k)
    if comb(k, size) > SUBSETS:
        raise ValueError(f"{comb(k, size)} sets of {size} among {k} atoms are too many; use coherence_bound instead")
    return (D[:, list(S)] for S in combinations(range(k), size))
