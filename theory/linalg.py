"""The one policy for rank, whitening and tolerance; every decomposition of the solvers passes through here."""

import functools
import operator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import ThreadpoolController

EPS = float(np.finfo(np.float64).eps)
ONE_THREAD_UP_TO = 1024


def tolerance(scale: float | np.floating, size: int, *, gap: float | np.floating = 1.0, factor: float = 64.0) -> float:
    """Rounding error allowed to a quantity of magnitude `scale`: factor · eps · size · scale / gap.

    Parameters
    ----------
    scale
        Magnitude of the quantity (a norm of the input).
    size
        Dimension of the matrices that it came from.
    gap
        Relative spectral gap that a subspace depends on; 1 for values.
    factor
        The constant C; 64 leaves room for the rounding of the Gram products behind a covariance.

    Examples
    --------
    >>> tolerance(1.0, 4) < 1e-12
    True
    """
    return float(factor * EPS * max(size, 1) * scale / gap)


def one_thread(size: int) -> AbstractContextManager:
    """Context that limits BLAS to one thread: up to 1024 rows LAPACK loses time to its threads.

    Examples
    --------
    >>> with one_thread(100):
    ...     round(float(svd(np.eye(2))[1].sum()), 12)
    2.0
    """
    return nullcontext() if size > ONE_THREAD_UP_TO else _threadpools().limit(limits=1, user_api="blas")


@functools.cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController()


def symmetric(A: np.ndarray) -> np.ndarray:
    """Return the symmetric part (A + Aᵀ)/2.

    Examples
    --------
    >>> symmetric(np.array([[1.0, 2.0], [0.0, 1.0]])).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    return (A + A.T) / 2


def eigh(S: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues in descending order and orthonormal eigenvectors (columns) of a symmetric d×d matrix.

    Examples
    --------
    >>> eigh(np.diag([1.0, 3.0]))[0]
    array([3., 1.])
    """
    S = np.asarray(S, dtype=np.float64)
    with one_thread(len(S)):
        values, vectors = np.linalg.eigh(symmetric(S))
    return values[::-1], vectors[:, ::-1]


def svd(A: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thin SVD P, s, Qᵀ with A = P diag(s) Qᵀ and s descending.

    Examples
    --------
    >>> svd([[3.0, 0.0], [0.0, 4.0]])[1].tolist()
    [4.0, 3.0]
    """
    A = np.asarray(A, dtype=np.float64)
    with one_thread(max(A.shape)):
        P, s, Qt = np.linalg.svd(A, full_matrices=False)
    return P, s, Qt


def rank_of(values: ArrayLike) -> int:
    """Numerical rank: the number of eigenvalues (or singular values) above tolerance(largest, count).

    Examples
    --------
    >>> rank_of([4.0, 1.0, 1e-18])
    2
    """
    values = np.asarray(values, dtype=np.float64)
    largest = values.max(initial=0.0)
    return int(np.count_nonzero(values > tolerance(largest, values.size)))


def whitener(S: ArrayLike, ridge: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Whitening basis of the range of Σ = S + ridge·I.

    Returns
    -------
    P
        (d, r), PᵀΣP = I; its columns are the eigenvectors divided by the roots of their eigenvalues.
    values
        (r,) the nonzero eigenvalues of Σ, descending; Σ P = P diag(values) and rank Σ = r.

    Examples
    --------
    >>> P, values = whitener(np.diag([4.0, 0.0]))
    >>> P.shape, values
    ((2, 1), array([4.]))
    """
    values, vectors = eigh(S)
    values = values + ridge
    r = rank_of(values)
    return vectors[:, :r] / np.sqrt(values[:r]), values[:r]


def inverse_root(S: ArrayLike, ridge: float = 0.0) -> tuple[np.ndarray, int]:
    """Return the pseudo-inverse root of S + ridge·I, a symmetric d×d matrix, and its rank.

    Examples
    --------
    >>> R, r = inverse_root(np.diag([4.0, 0.0]))
    >>> float(R[0, 0]), float(R[1, 1]), r
    (0.5, 0.0, 1)
    """
    P, values = whitener(S, ridge)
    return (P * np.sqrt(values)) @ P.T, len(values)


def root(S: ArrayLike) -> np.ndarray:
    """Return the symmetric positive semi-definite root of a positive semi-definite d×d matrix.

    Examples
    --------
    >>> root([[4.0, 0.0], [0.0, 9.0]]).round(12).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    values, vectors = eigh(S)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def polar(A: ArrayLike) -> np.ndarray:
    """Orthonormal polar factor P Qᵀ of the thin SVD A = P S Qᵀ: it maximises Tr(UᵀA) over UᵀU = I.

    The only maximiser where A has full column rank.

    Examples
    --------
    >>> (polar([[2.0, 0.0], [0.0, -3.0]]) + 0.0).round(12).tolist()
    [[1.0, 0.0], [0.0, -1.0]]
    """
    P, _, Qt = svd(A)
    return P @ Qt


def column_basis(A: ArrayLike) -> np.ndarray:
    """Orthonormal basis of the column space, with as many columns as the numerical rank.

    Examples
    --------
    >>> column_basis([[1.0, 2.0], [1.0, 2.0]]).shape
    (2, 1)
    """
    P, s, _ = svd(A)
    return P[:, : rank_of(s)]


def subspace_distance(A: ArrayLike, B: ArrayLike) -> float:
    """‖P_A − P_B‖₂ of the orthogonal projectors on the column spaces: the sine of the largest angle.

    Spaces of different dimension are at distance 1.

    Examples
    --------
    >>> subspace_distance([[1.0], [0.0]], [[-3.0], [0.0]])
    0.0
    """
    P, Q = column_basis(A), column_basis(B)
    if P.shape[1] != Q.shape[1]:
        return 1.0
    return sigma_max(Q - P @ (P.T @ Q)) if P.shape[1] else 0.0


def sigma_min(D: ArrayLike) -> float:
    """min ‖Dv‖ over unit v; 0 if D has more columns than rows (an SVD would not return that zero).

    Examples
    --------
    >>> sigma_min([[1.0, 0.0]])
    0.0
    """
    D = np.asarray(D, dtype=np.float64)
    return 0.0 if D.shape[1] > D.shape[0] else float(svd(D)[1][-1])


def sigma_max(D: ArrayLike) -> float:
    """max ‖Dv‖ over unit v.

    Examples
    --------
    >>> round(sigma_max([[3.0, 0.0], [0.0, 4.0]]), 12)
    4.0
    """
    return float(svd(D)[1][0])


def check_rank(rank: int, limit: int, limit_name: str, name: str = "rank") -> int:
    """Return `rank` as an int, or raise the ValueError that names the limit and the mend.

    Examples
    --------
    >>> check_rank(2, 3, "the dimension")
    2
    """
    try:
        k = operator.index(rank)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {rank!r}; pass an integer") from None
    if not 1 <= k <= limit:
        raise ValueError(f"{name} {k} is not between 1 and {limit_name} = {limit}; choose one in that range")
    return k


def check_weight(name: str, weight: float) -> float:
    """Return a non-negative finite number, or raise ValueError.

    Examples
    --------
    >>> check_weight("λ", 2)
    2.0
    """
    if not 0.0 <= weight < np.inf:
        raise ValueError(f"{name} {weight} is not a non-negative finite number; pass one, such as 0.0 or 1.0")
    return float(weight)
