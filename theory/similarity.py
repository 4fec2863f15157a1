"""Measures of similarity that stand beside the closed forms: R², linear CKA, mutual nearest neighbours, Procrustes."""

import numpy as np
from numpy.typing import ArrayLike

from theory.linalg import svd, tolerance
from theory.moments import Moments


def r_squared(estimate: ArrayLike, reference: ArrayLike) -> float:
    """R² = 1 − Σ‖x − x̂‖² / Σ‖x − mean(x)‖², the mean over the given rows; nan where the reference does not vary.

    Parameters
    ----------
    estimate, reference : (n, d).

    Raises
    ------
    ValueError : the shapes differ.

    Examples
    --------
    >>> r_squared([[1.0], [0.0]], [[1.0], [-1.0]])
    0.5
    """
    a, b = np.asarray(estimate, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ; pass an estimate for every reference row")
    total = float(((b - b.mean(axis=0)) ** 2).sum())
    return 1.0 - float(((b - a) ** 2).sum()) / total if total > 0 else float("nan")


def linear_cka(X: ArrayLike, Y: ArrayLike, debiased: bool = True) -> float:
    """Linear centred kernel alignment of row-aligned X (n, dx) and Y (n, dy).

    Parameters
    ----------
    debiased
        Use the unbiased estimate of HSIC, which leaves out the diagonals of the Gram matrices (Song et al. 2012;
        Nguyen, Raghu & Kornblith 2021): needs n ≥ 4, can be negative, and is about 0 for unrelated data even if d > n.
        Otherwise ‖Sxy‖²/(‖Sx‖‖Sy‖) (Kornblith et al. 2019).

    Returns
    -------
    float : nan where it is undefined (too few rows, or a side that does not vary).

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> round(linear_cka(X, 2 * X + 1), 12)
    1.0
    """
    moments = Moments.from_arrays(X, Y)
    if not debiased:
        scale = np.linalg.norm(moments.Sx) * np.linalg.norm(moments.Sy)
        return float((moments.Sxy**2).sum() / scale) if scale > 0 else float("nan")
    a = ((np.asarray(X, dtype=np.float64) - moments.mean_x) ** 2).sum(axis=1)
    b = ((np.asarray(Y, dtype=np.float64) - moments.mean_y) ** 2).sum(axis=1)
    return debiased_cka(moments, a, b)


def debiased_cka(moments: Moments, a: np.ndarray, b: np.ndarray) -> float:
    """Debiased linear CKA from the moments of n rows and the rows' squared distances a, b (n,) from their means.

    With centred rows the Gram matrices K, L have zero row sums, so that without their diagonals the unbiased
    n(n−3)·HSIC = ‖XᵀY‖² − Σaᵢbᵢ·n/(n−2) + Σa Σb/((n−1)(n−2)): O(d²) memory for any n.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> m = Moments.from_arrays(X, X)
    >>> a = ((X - m.mean_x) ** 2).sum(axis=1)
    >>> round(debiased_cka(m, a, a), 12)
    1.0
    """
    n = moments.n
    if n < 4:
        return float("nan")

    def hsic(S: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
        return n * n * float((S**2).sum()) - n / (n - 2) * float(u @ v) + float(u.sum() * v.sum()) / ((n - 1) * (n - 2))

    xx, yy = hsic(moments.Sx, a, a), hsic(moments.Sy, b, b)
    # Below rounding an estimated self-similarity is no scale to divide by.
    floor = [tolerance(float(u @ u) + n * n * float((S**2).sum()), n) for S, u in ((moments.Sx, a), (moments.Sy, b))]
    if xx <= floor[0] or yy <= floor[1]:
        return float("nan")
    return min(hsic(moments.Sxy, a, b) / float(np.sqrt(xx) * np.sqrt(yy)), 1.0)


def mutual_nearest_neighbours(X: ArrayLike, Y: ArrayLike, k: int = 10) -> float:
    """Mean share of the k nearest neighbours (cosine) that a row has in common in X (n, dx) and in Y (n, dy).

    Rows are used as given, so centre them first. Where neighbours are tied, the expectation over independent random
    tie-breaking is returned: constant data score the chance level k/(n−1) and not 1 (after Huh et al. 2024).

    Raises
    ------
    ValueError : unequal row counts, or k not between 1 and n − 1.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((20, 3))
    >>> mutual_nearest_neighbours(X, 5 * X, 3)
    1.0
    >>> round(mutual_nearest_neighbours(X, np.ones((20, 2)), 3), 12) == round(3 / 19, 12)
    True
    """
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    if len(X) != len(Y):
        raise ValueError(f"X has {len(X)} rows and Y has {len(Y)}; pass row-aligned arrays")
    if not 1 <= k < len(X):
        raise ValueError(f"k = {k} is not between 1 and n − 1 = {len(X) - 1}; choose a k in that range")
    return min(float((_membership(X, k) * _membership(Y, k)).sum() / (k * len(X))), 1.0)


def _membership(X: np.ndarray, k: int) -> np.ndarray:
    """Probability [n, n] that row j is among the k nearest of row i, ties broken at random."""
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    unit = np.divide(X, norms, out=np.zeros_like(X), where=norms > 0)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    kth = np.partition(similarity, -k, axis=1)[:, -k, None]
    slack = tolerance(1.0, X.shape[1])
    nearer = similarity > kth + slack
    tied = ~nearer & (similarity >= kth - slack)
    left = k - nearer.sum(axis=1, keepdims=True)
    return nearer + tied * (left / tied.sum(axis=1, keepdims=True))


def procrustes(moments: Moments) -> tuple[np.ndarray, float, float, float]:
    """Scaled orthogonal maps between centred x and y: x → a·x Q and y → b·y Qᵀ (Schönemann 1966).

    Q (dx, dy) is the polar factor of Sxy: a rotation if dx = dy, else an isometry of the smaller domain into the
    larger, and its transpose.

    Returns
    -------
    Q : maximises Tr(QᵀSxy) = ‖Sxy‖_*.
    a, b : the least-squares scales given Q; 0 where the source does not vary. From the smaller domain into the larger
        (and both ways if dx = dy) the map is the best of its kind.
    similarity : ‖Sxy‖_*²/(TrΣx TrΣy), between 0 and 1, symmetric; nan if a domain does not vary.

    Examples
    --------
    >>> X = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    >>> Y = [[0.0, 2.0], [0.0, -2.0], [2.0, 0.0], [-2.0, 0.0]]
    >>> Q, a, b, similarity = procrustes(Moments.from_arrays(X, Y))
    >>> round(a, 12), round(b, 12), round(similarity, 12)
    (2.0, 0.5, 1.0)
    """
    P, s, Qt = svd(moments.Sxy)
    Q, nuclear = P @ Qt, float(s.sum())

    def scale(energy: float) -> float:
        return nuclear / energy if energy > 0 else 0.0

    total = float(np.trace(moments.Sx)) * float(np.trace(moments.Sy))
    a = scale(float(np.sum(Q * (moments.Sx @ Q))))
    b = scale(float(np.sum(Q.T * (moments.Sy @ Q.T))))
    return Q, a, b, min(nuclear**2 / total, 1.0) if total > 0 else float("nan")
