"""Two-block MAXBET, the problem behind the corrected Lemmas 4 and 6, with certificates of global optimality."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from theory.linalg import check_rank, eigh, one_thread, polar, svd, symmetric, tolerance
from theory.solution import Solution
from theory.solvers.joint import dual, rank_one_start
from theory.solvers.semidefinite import certificate_multipliers, dual_matrix, relaxation_bound
from theory.solvers.stiefel import ascend, blockwise, feasible, multipliers

Pair = tuple[np.ndarray, np.ndarray]
PATIENCE = 4  # starts in succession that may find nothing better
COMMON = "U Q, V Q with one Q in O(k)"
SEPARATE = "U Q₁, V Q₂ with Q₁, Q₂ in O(k)"


def solve(K: ArrayLike, split: int, rank: int, *, starts: Iterable[Pair] = (), seeds: int = 4) -> Solution:
    """Maximise F = Tr(ZᵀKZ) over Z = [U; V] with UᵀU = VᵀV = I_k.

    k = 1 is exact through the scalar convex dual (theorem B1). For k > 1 no closed form is known: the monotone polar
    iteration (B6), finished by Newton steps, runs from several deterministic starts until one carries the certificate
    F ≤ F* ≤ F + 2kε with ε = 0 up to rounding (B2; Won, Zhou & Lange 2021). Otherwise the best is kept, and the upper
    bound on F* is the least of B2's, the joint relaxation's and the semidefinite relaxation's.

    Parameters
    ----------
    K
        (d, d) symmetric.
    split
        Rows of U; V has d − split.
    rank
        Number of columns k ≤ min(split, d − split).
    starts
        Further pairs (U, V) with orthonormal columns, tried first.
    seeds
        Number of seeded random starts, tried last; four starts in succession without a better value end the search.

    Returns
    -------
    Solution with maps U, V, the common rotation chosen so that UᵀK_xyV is diagonal; `optimum` = F, a maximum.
    `spectrum` = eigenvalues of UᵀK_xyV; `gap` = the (k+1)-th smallest eigenvalue of the dual matrix 𝓛, whose first k
    vanish at a certified optimum; `unique` is True only where proved. `stats`: certificate_gap (2kε), upper_bound
    (on F*), certified (0/1), stationarity (norm of the gradient), starts (number tried).

    Raises
    ------
    ValueError
        If K is not square, or split or k is out of range.

    Examples
    --------
    >>> s = solve([[0.0, 3.0], [3.0, 0.0]], 1, 1)
    >>> round(s.optimum, 12), s.unique
    (6.0, True)
    """
    K = np.asarray(K, dtype=np.float64)
    if K.ndim != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"K has shape {K.shape}; pass a square symmetric matrix")
    d = len(K)
    if not 0 < split < d:
        raise ValueError(f"split {split} leaves a block empty; choose it between 1 and {d - 1}")
    k = check_rank(rank, min(split, d - split), "the smaller block")
    with one_thread(d):
        return _solve(symmetric(K), split, k, starts, seeds)


def _solve(K: np.ndarray, split: int, k: int, starts: Iterable[Pair], seeds: int) -> Solution:
    d = len(K)
    joint = eigh(K)[0]
    resolution = tolerance(float(np.abs(joint).max()), d)
    if np.linalg.norm(K[:split, split:]) <= resolution:
        return _decoupled(K, split, k, resolution)
    best, gap, values, tried, idle = None, np.inf, np.zeros(0), 0, 0
    for start in _starts(K, split, k, starts, seeds):
        tried += 1
        Z = ascend(K, split, start, resolution)
        if best is not None and value(K, Z) <= value(K, best) + resolution:
            idle += 1
            if idle == PATIENCE:
                break
            continue
        best, idle = Z, 0
        values = eigh(dual_matrix(K, split, *certificate_multipliers(K, split, Z)))[0][::-1]
        gap = 2 * k * max(0.0, -float(values[0]))
        if gap <= 2 * k * resolution:
            break
    assert best is not None
    F = value(K, best)
    proved = gap <= 2 * k * resolution
    upper = F + gap if proved else min(F + gap, 2 * float(joint[:k].sum()), relaxation_bound(K, split, best))
    certified = upper - F <= 2 * k * resolution
    codes = best[:split].T @ K[:split, split:] @ best[split:]
    spectrum, Q = eigh(codes)
    Z = best @ Q
    dual_gap = float(values[k]) if k < d else float("inf")
    unique = proved and dual_gap > resolution
    return Solution(
        problem="maxbet",
        maps={"U": Z[:split], "V": Z[split:]},
        optimum=F,
        rank=k,
        spectrum=spectrum,
        gap=dual_gap,
        condition=1.0,
        unique=unique,
        free=COMMON,
        stats={
            "certificate_gap": gap,
            "upper_bound": max(F, upper),
            "certified": float(certified),
            "stationarity": gradient_norm(K, split, Z),
            "starts": tried,
        },
    )


def value(K: np.ndarray, Z: np.ndarray) -> float:
    """F = Tr(ZᵀKZ).

    Examples
    --------
    >>> value(np.diag([1.0, 2.0]), np.ones((2, 1)))
    3.0
    """
    return float(np.sum(Z * (K @ Z)))


def gradient_norm(K: np.ndarray, split: int, Z: np.ndarray) -> float:
    """Norm of the Riemannian gradient of F/2, KZ − ZΛ with the symmetrised multipliers Λ.

    Examples
    --------
    >>> gradient_norm(np.diag([1.0, 2.0]), 1, np.ones((2, 1)))  # one coordinate each: nothing can turn
    0.0
    """
    G = K @ Z
    Lu, Lv = multipliers(G, split, Z)
    return float(np.linalg.norm(G - blockwise(split, Z, Lu, Lv)))


def _starts(K: np.ndarray, split: int, k: int, given: Iterable[Pair], seeds: int) -> Iterable[np.ndarray]:
    """Feasible starts, the most promising first."""
    if k == 1:
        yield rank_one_start(K, split, dual(K, split, 1)[1])
    rng = np.random.default_rng(0)
    for Z in _informed_starts(K, split, k, given):
        # Exact examples have saddles among these starts; a seeded perturbation leaves them.
        yield feasible(split, Z + 1e-3 * rng.standard_normal(Z.shape) / np.sqrt(len(Z)))
    for _ in range(seeds):
        yield feasible(split, rng.standard_normal((len(K), k)))


def _informed_starts(K: np.ndarray, split: int, k: int, given: Iterable[Pair]) -> Iterable[np.ndarray]:
    """The given pairs; the joint relaxation; the cross block alone (CCA); the diagonal blocks alone (PCA), aligned."""
    for U, V in given:
        yield np.vstack([U, V])
    yield eigh(K)[1][:, :k]
    P, _, Qt = svd(K[:split, split:])
    yield np.vstack([P[:, :k], Qt[:k].T])
    U, V = eigh(K[:split, :split])[1][:, :k], eigh(K[split:, split:])[1][:, :k]
    yield np.vstack([U, V @ polar(V.T @ K[split:, :split] @ U)])


def _decoupled(K: np.ndarray, split: int, k: int, resolution: float) -> Solution:
    """Without a cross block each side is an eigenproblem of its own, with a rotation of its own."""
    (a, U), (b, V) = eigh(K[:split, :split]), eigh(K[split:, split:])
    gap = min(float(w[k - 1] - w[k]) if k < len(w) else float("inf") for w in (a, b))
    F = float(a[:k].sum() + b[:k].sum())
    return Solution(
        problem="maxbet",
        maps={"U": U[:, :k], "V": V[:, :k]},
        optimum=F,
        rank=k,
        spectrum=np.zeros(k),
        gap=gap,
        condition=1.0,
        unique=gap > resolution,
        free=SEPARATE,
        stats={"certificate_gap": 0.0, "upper_bound": F, "certified": 1.0, "stationarity": 0.0, "starts": 0},
    )
