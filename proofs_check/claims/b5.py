"""Theorem B5: under one joint constraint the corrected Lemma 4 is the generalised eigenvalue problem announced."""

from typing import Any

import numpy as np
from scipy.linalg import eigh
from sympy import Matrix, Rational, diag, zeros

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.exact import definiteness
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import FULL_RANK, Pair, pairs
from proofs_check.two_block import two_block
from theory.solvers import consistency_tradeoff, joint

JOINT = Claim(
    "B5",
    "Under the joint constraint the encoders solve a generalised eigenvalue problem",
    "max of F over UᵀU + VᵀV = 2·1 is 2Σ_{i≤k} μ_i ≥ F*, [[λΣx², Σxy], [Σyx, λΣy²]]w = μ·diag(Σx, Σy)w, w = [w_x; w_y]",
    "If the two domains share their variance between them, the trade-off is an ordinary eigenvalue problem for K, or a "
    "generalised one for the encoders. Separate whitening is a stronger constraint, so that this only bounds it.",
    "correction of Lemma 4",
    Verdict.MODULO_AXIOMS,
    hypotheses=("UᵀU + VᵀV = 2·1", "Σx, Σy ≻ 0"),
    axioms=("spectral theorem",),
    corrects="L4.v",
)

INSIDE = pairs(FULL_RANK, whitenable=True)


@JOINT.by("proof")
def _(run):
    return [
        cite("spectral theorem"),
        certified.step("L4-stacked", "F = Tr(ZᵀKZ), Z = [U; V]"),
        certified.step("L1-ky-fan", "no Z/√2 with orthonormal columns has more than Σ_{i≤k} λ_i(K) (with S = K)"),
        certified.step(
            "B5-value", "the top eigenvectors, scaled by √2, satisfy the joint constraint and have F = 2Σμ_i"
        ),
        certified.step(
            "B5-eigenproblem", "in the encoders, U = Σx^{1/2}W_x, KZ = ZΛ is the pencil (its x-half; y likewise)"
        ),
        certified.step(
            "B5-pencil", "and where Σx has an inverse root the pencil is KZ = ZΛ: it has no other eigenvalues"
        ),
        certified.step("B5-relaxation", "UᵀU = VᵀV = 1 satisfies the joint constraint: F* ≤ 2Σμ_i"),
    ]


def _pencil(pair: Pair, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Both sides of the generalised eigenproblem."""
    m = pair.moments
    zero = np.zeros(m.Sxy.shape)
    left = np.block([[weight * m.Sx @ m.Sx, m.Sxy], [m.Sxy.T, weight * m.Sy @ m.Sy]])
    return left, np.block([[m.Sx, zero], [zero.T, m.Sy]])


@JOINT.by("numeric")
def _(run):
    def check(pair: Pair):
        weight, k = float(pair.rng.uniform(0, 3)), pair.k
        left, right = _pencil(pair, weight)
        values, W = eigh(left, right)
        top, W = values[::-1][:k], np.sqrt(2) * W[:, ::-1][:, :k]
        problem = two_block(pair, weight)
        eps = problem.rounding(k, float(np.linalg.cond(right)))
        # From the data: 2E⟨x W_x, y W_y⟩ + λE‖…‖² of the joint optimum.
        Wx, Wy = W[: pair.dx], W[pair.dx :]
        yield abs(_value(pair, Wx, Wy, weight) - 2 * top.sum()), eps
        yield abs(joint.relaxed_value(problem.K, problem.split, k) - 2 * top.sum()), eps
        solved = consistency_tradeoff.solve(pair.moments, k, weight)
        yield 2 * k + problem.constant - solved.optimum - 2 * top.sum(), eps
        R = np.sqrt(2) * np.linalg.qr(pair.rng.normal(size=(len(left), k)))[0]
        yield problem.F(R[: problem.split], R[problem.split :]) - 2 * top.sum(), eps

    return run.holds(
        "scipy's generalised eigenvalues: reached by encoders, not exceeded, a bound for separate whitening",
        INSIDE,
        check,
    )


def _value(pair: Pair, Wx: np.ndarray, Wy: np.ndarray, weight: float) -> float:
    """F of encoders: λ times the variance that WᵀΣ keeps, and twice the covariance of the codes."""
    codes = pair.X @ Wx, pair.Y @ Wy
    kept = sum(np.sum((data.T @ c / pair.n) ** 2) for data, c in zip((pair.X, pair.Y), codes, strict=True))
    return float(weight * kept + 2 * np.sum(codes[0] * codes[1]) / pair.n)


@JOINT.by("necessity")
def _(run):
    return Necessity({"UᵀU + VᵀV = 2·1": _separate(), "Σx, Σy ≻ 0": _singular()})


def _separate() -> Counterexample:
    """The optimum under separate whitening, global by μ − K − γJ ⪰ 0, is no eigenvector of K."""
    h1, h2 = Matrix([1, 1, -1, -1]), Matrix([1, -1, 1, -1])
    X, Y = Matrix.hstack(2 * h1, h2), h2
    Sx, Sy, Sxy = X.T * X / 4, Y.T * Y / 4, X.T * Y / 4
    M, λ, γ, μ = diag(Rational(1, 2), 1) * Sxy, Rational(5, 9), Rational(-8, 15), Rational(76, 45)
    K: Any = Matrix.vstack(Matrix.hstack(λ * Sx, M), Matrix.hstack(M.T, λ * Sy))
    z: Any = Matrix([Rational(4, 5), Rational(3, 5), 1])
    slack = diag(μ, μ, μ) - K - γ * diag(1, 1, -1)
    ratios = [a / b for a, b in zip(K * z, z, strict=True)]
    return Counterexample(
        "X = (2h1, h2), Y = h2, λ = 5/9, ‖u‖ = ‖v‖ = 1: the optimum z = (4/5, 3/5, 1) has Kz = (16/9, 4/3, 52/45)",
        {
            "Σx = diag(4,1), Σy = 1 ≻ 0": Sx == diag(4, 1) and Sy == Matrix([1]),
            "z is optimal": slack * z == zeros(3, 1) and definiteness(slack).semidefinite,
        },
        {"Kz = μz": len(set(ratios)) == 1},
        ratios[0] - ratios[2],
    )


def _singular() -> Counterexample:
    Sx, Sxy, w = diag(1, 0), Matrix([Rational(1, 2), 0]), Matrix([0, 1, 0])
    left = Matrix.vstack(Matrix.hstack(Sx**2, Sxy), Matrix.hstack(Sxy.T, Matrix([1])))
    right = diag(Sx, 1)
    largest = Rational(3, 2)
    return Counterexample(
        "Σx = diag(1,0), Σy = 1, Σxy = (1/2, 0)ᵀ, λ = 1, k = 1: w = (0, 1, 0) solves the pencil with μ = 7, but F ≤ 3",
        {
            "w ≠ 0 solves the pencil with μ = 7": w != zeros(3, 1) and left * w == 7 * right * w,
            "F ≤ 2·3/2: the largest eigenvalue of K": definiteness(largest * diag(1, 1, 1) - left).semidefinite,
        },
        {"2μ is at most the maximum of F": bool(14 <= 2 * largest)},
        14 - 2 * largest,
    )


@JOINT.by("mutants")
def _(run):
    names = ("B5-value", "B5-eigenproblem", "B5-pencil", "B5-relaxation")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])
