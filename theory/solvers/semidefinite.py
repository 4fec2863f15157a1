"""Upper bounds on the two-block problem from multipliers: those of theorem B2, and the tighter semidefinite ones."""

import numpy as np

from theory.linalg import eigh
from theory.solvers.stiefel import multipliers

# At most this many steps, and fewer for large K: a step costs a few d³, the whole bound about as much as the ascents.
STEPS = 100
WORK = 2e10


def certificate_multipliers(K: np.ndarray, split: int, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers of theorem B2 at a feasible Z = [U; V]: A = UΛ₁Uᵀ + λ_min(Λ₁)(I − UUᵀ), and B likewise of V, Λ₂.

    Examples
    --------
    >>> K, Z = np.array([[1.0, 2.0], [2.0, 3.0]]), np.ones((2, 1))
    >>> [A.tolist() for A in certificate_multipliers(K, 1, Z)]
    [[[3.0]], [[5.0]]]
    """
    pair = []
    for W, multiplier in zip((Z[:split], Z[split:]), multipliers(K @ Z, split, Z), strict=True):
        least = eigh(multiplier)[0][-1]
        pair.append(W @ multiplier @ W.T + least * (np.eye(len(W)) - W @ W.T))
    return pair[0], pair[1]


def dual_matrix(K: np.ndarray, split: int, A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """𝓛 = diag(A, B) − K.

    Examples
    --------
    >>> K = np.array([[1.0, 2.0], [2.0, 3.0]])
    >>> dual_matrix(K, 1, np.array([[3.0]]), np.array([[5.0]])).tolist()
    [[2.0, -2.0], [-2.0, 2.0]]
    """
    L = -K
    L[:split, :split] += A
    L[split:, split:] += B
    return L


def multiplier_bound(K: np.ndarray, split: int, k: int, A: np.ndarray, B: np.ndarray) -> float:
    """Σ_{i≤k}λ_i(A) + Σ_{i≤k}λ_i(B) + 2kε ≥ F*, ε = max(0, −λ_min(𝓛)), for any symmetric A, B.

    K ⪯ diag(A, B) + εI, and Tr(UᵀAU) is at most the sum of the k largest eigenvalues of A. Every such bound is at
    least the value of the semidefinite relaxation (max Tr KG, G ⪰ 0, G_xx ⪯ I, G_yy ⪯ I, Tr G_xx = Tr G_yy = k).

    Examples
    --------
    >>> multiplier_bound(np.diag([2.0, 3.0]), 1, 1, np.array([[2.0]]), np.array([[3.0]]))
    5.0
    """
    shortfall = max(0.0, -float(eigh(dual_matrix(K, split, A, B))[0][-1]))
    return float(eigh(A)[0][:k].sum() + eigh(B)[0][:k].sum()) + 2 * k * shortfall


def relaxation_bound(K: np.ndarray, split: int, Z: np.ndarray) -> float:
    """Bound on F* near the value of the semidefinite relaxation, by alternating directions from a feasible Z.

    Two copies of G, one positive semi-definite and one with its diagonal blocks in the Fantope, are brought together
    (Boyd et al. 2011); the multiplier of their difference supplies A and B. Every step gives a valid bound.

    Examples
    --------
    >>> K, Z = np.array([[1.0, 2.0], [2.0, 3.0]]), np.ones((2, 1))
    >>> relaxation_bound(K, 1, Z) >= 8.0 - 1e-9  # F* = 8
    True
    """
    k, d = Z.shape[1], len(K)
    step = float(np.linalg.norm(K, 2)) / 20
    A, B = certificate_multipliers(K, split, Z)
    best = multiplier_bound(K, split, k, A, B)
    Y, H = dual_matrix(K, split, A, B), Z @ Z.T
    for count in range(min(STEPS, int(WORK / d**3))):
        values, vectors = eigh(H - Y / step)
        G = (vectors * np.maximum(values, 0.0)) @ vectors.T
        H = G + (Y + K) / step
        for block in (slice(None, split), slice(split, None)):
            H[block, block] = fantope(H[block, block], k)
        Y = Y + step * (G - H)
        if count % 10 == 9:
            best = min(best, multiplier_bound(K, split, k, (K + Y)[:split, :split], (K + Y)[split:, split:]))
    return best


def fantope(S: np.ndarray, k: int) -> np.ndarray:
    """Nearest matrix with eigenvalues in [0, 1] and trace k: eigenvalues λ → clip(λ − t, 0, 1).

    Examples
    --------
    >>> fantope(np.diag([5.0, 1.0, 1.0]), 2)
    array([[1. , 0. , 0. ],
           [0. , 0.5, 0. ],
           [0. , 0. , 0.5]])
    """
    values, vectors = eigh(S)
    knots = np.sort(np.concatenate([values - 1, values]))
    traces = np.clip(values - knots[:, None], 0, 1).sum(axis=1)  # piecewise linear between the knots, decreasing
    t = np.interp(-k, -traces, knots)
    return (vectors * np.clip(values - t, 0, 1)) @ vectors.T
