"""Global optima of Lemmas 1, 5 and 7 as sums of squares, given the spectral decomposition.

S = V Λ Vᵀ + N is cut at the top k eigenpairs; a number α ≤ Λ with N ≤ α(1 − VVᵀ) separates the two parts, which the
factors T and C say: Λ = α + TᵀT, α(1 − VVᵀ) − N = CᵀC.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, case, reconstruction, square

S, R, N = (letter(name, "x", "x", symmetric=True) for name in "SRN")
Vk, B = letter("Vk", "x", "k"), letter("B", "x", "k")
Λ, T, C = letter("Λ", "k", "k", symmetric=True), letter("T", "b", "k"), letter("C", "c", "x")
W, E, F = letter("W", "x", "k"), letter("E", "k", "k"), letter("F", "k", "y")
K = letter("K", "x", "y")
α = scalar("α")
SPLIT = {
    "top and rest": Vk * Λ * Vk.T + N - S,
    "eigenvectors": Vk.T * Vk - 1,
    "top": Λ - α * one("k") - T.T * T,
    "rest": α * (one("x") - Vk * Vk.T) - N - C.T * C,
    "Stiefel": B.T * B - 1,
}
gap = square((one("x") - B * B.T) * Vk * T.T) + square(C * B)


def _split(draw: Draw, S: np.ndarray) -> dict[str, Any]:
    k = draw.size["k"]
    values, vectors = (part[..., ::-1] for part in np.linalg.eigh(S))
    values = np.clip(values, 0, None)
    Vk, rest, α = vectors[:, :k], vectors[:, k:], values[k - 1]
    N, C = (rest * values[k:]) @ rest.T, (rest * np.sqrt(α - values[k:])).T
    T = draw.stiefel("k", "k") @ np.diag(np.sqrt(values[:k] - α))
    return {"S": S, "Vk": Vk, "Λ": np.diag(values[:k]), "N": N, "α": α, "T": T, "C": C, "B": draw.stiefel("x", "k")}


# Ky Fan: no k orthonormal directions have more variance than the top k eigenvectors
@case(Problem("L1-ky-fan", SPLIT, trace(Λ) - trace(B.T * S * B), gap))
def _ky_fan(draw: Draw) -> dict[str, Any]:
    return _split(draw, draw.spd("x"))


# Lemma 1: every W D with D = E Bᵀ (any D has such a factorisation) loses at least the tail of the spectrum
@case(
    Problem(
        "L1-optimal",
        {**SPLIT, "root": R * R - S},
        reconstruction(S, W, E * B.T) - trace(S) + trace(Λ),
        square(R * (W * E - B)) + gap,
    )
)
def _optimal(draw: Draw) -> dict[str, Any]:
    R = draw.spd("x")
    return {**_split(draw, R @ R), "R": R, "W": draw.normal("x", "k"), "E": draw.normal("k", "k")}


# Lemma 5: the best approximation of K of rank k, K ≈ B F, leaves the tail of K Kᵀ (Eckart–Young)
@case(
    Problem(
        "L5-optimal",
        {**SPLIT, "Gram": K * K.T - S},
        square(K - B * F) - square(K) + trace(Λ),
        square(F - B.T * K) + gap,
    )
)
def _low_rank(draw: Draw) -> dict[str, Any]:
    K = draw.normal("x", "y")
    return {**_split(draw, K @ K.T), "K": K, "F": draw.normal("k", "y")}
