"""The joint relaxation UᵀU + VᵀV = 2I of the two-block problem: a scalar convex dual, exact for k = 1."""

import numpy as np
from scipy.optimize import root_scalar

from theory.linalg import eigh


def signs(K: np.ndarray, split: int) -> np.ndarray:
    """Diagonal of J = diag(I, −I).

    Examples
    --------
    >>> signs(np.eye(3), 1).tolist()
    [1.0, -1.0, -1.0]
    """
    return np.where(np.arange(len(K)) < split, 1.0, -1.0)


def relaxed_value(K: np.ndarray, split: int, rank: int, gamma: float = 0.0) -> float:
    """2Σ_{i≤k}λ_i(K + γJ), J = diag(I, −I): an upper bound on F* for every γ.

    F is the same for K and K + γJ on the feasible set, and UᵀU = VᵀV = I implies UᵀU + VᵀV = 2I (theorem B5 is γ = 0).

    Examples
    --------
    >>> relaxed_value(np.array([[0.0, 3.0], [3.0, 0.0]]), 1, 1)
    6.0
    """
    return 2.0 * float(eigh(K + gamma * np.diag(signs(K, split)))[0][:rank].sum())


def dual(K: np.ndarray, split: int, rank: int) -> tuple[float, float]:
    """min over γ of `relaxed_value`, and its γ: scalar convex; equal to F* for k = 1 (theorem B1).

    Examples
    --------
    >>> K = np.array([[1.0, 2.0], [2.0, 3.0]])
    >>> round(dual(K, 1, 1)[0], 9)  # one coordinate each: F* = K₁₁ + K₂₂ + 2|K₁₂|
    8.0
    """
    J = signs(K, split)
    # Past 2‖K‖ the bound exceeds its value at 0, since every block has its eigenvalues within ±‖K‖.
    far = 2.0 * float(np.linalg.norm(K)) + np.finfo(float).tiny

    def slope(gamma: float) -> float:
        top = eigh(K + gamma * np.diag(J))[1][:, :rank]
        return float(np.sum(J[:, None] * top**2))

    gamma = 0.0
    if slope(-far) < 0 < slope(far):
        gamma = float(root_scalar(slope, bracket=(-far, far), xtol=1e-15 * far, rtol=1e-15).root)
    return relaxed_value(K, split, rank, gamma), gamma


def rank_one_start(K: np.ndarray, split: int, gamma: float) -> np.ndarray:
    """Primal optimum (d×1) of the k = 1 problem from the dual optimum γ.

    The optimum is a top eigenvector z of K + γJ with zᵀJz = 0. If the top eigenspace is degenerate, z mixes the two
    extreme eigenvectors of J restricted to it.

    Examples
    --------
    >>> K = np.array([[1.0, 2.0], [2.0, 3.0]])
    >>> z = rank_one_start(K, 1, dual(K, 1, 1)[1])
    >>> round(float(abs(z[0, 0]) - abs(z[1, 0])), 9)
    0.0
    """
    J = signs(K, split)
    values, vectors = eigh(K + gamma * np.diag(J))
    # Where eigenvalues cross at γ, rounding parts them: these count as one.
    top = vectors[:, values >= values[0] - 1e-8 * np.abs(values).max()]
    forms, basis = eigh((top.T * J) @ top)
    z = top @ basis[:, 0]
    if forms[0] > 0 > forms[-1]:
        z = np.sqrt(-forms[-1]) * z + np.sqrt(forms[0]) * top @ basis[:, -1]
    return np.concatenate([z[:split] / np.linalg.norm(z[:split]), z[split:] / np.linalg.norm(z[split:])])[:, None]
