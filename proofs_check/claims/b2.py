"""Theorem B2: a certificate of global optimality for the corrected Lemma 4 with more than one code."""

from typing import Any

import numpy as np
from scipy.linalg import polar
from sympy import Matrix, Rational, diag, eye

from proofs_check import certified, loose
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity, Step
from proofs_check.exact import definiteness
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import Pair, pairs
from proofs_check.two_block import TwoBlock, loss, two_block
from theory.solvers import consistency_tradeoff, maxbet

CERTIFICATE = Claim(
    "B2",
    "Any feasible pair bounds the optimum on both sides",
    "Λ₁ = sym(Uᵀ(MV + λΣxU)), Λ₂ likewise, a ≤ λ_min(Λ₁), b ≤ λ_min(Λ₂), "
    "𝓛 = diag(UΛ₁Uᵀ + a(1−UUᵀ), VΛ₂Vᵀ + b(1−VVᵀ)) − K, 𝓛 + ε ⪰ 0, ε ≥ 0: F(U, V) ≤ F* ≤ F(U, V) + 2kε",
    "The multipliers of a candidate make a dual matrix; how negative it is bounds what the candidate can miss. A "
    "positive semidefinite 𝓛 proves global optimality, but a global optimum need not have one.",
    "theorem B2 (corrected Lemma 4; two-block MAXBET, Won, Zhou & Lange 2021)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("UᵀU = VᵀV = 1", "a ≤ λ_min(Λ₁), b ≤ λ_min(Λ₂)", "𝓛 + ε ⪰ 0"),
    axioms=("spectral theorem",),
)

MEMBERS = pairs(whitenable=True)


@CERTIFICATE.by("proof")
def _(run):
    return [
        certified.step("L4-objective", "under whitening, with the best decoders, L = 2k + λ(TrΣx + TrΣy) − F"),
        cite("spectral theorem"),
        certified.step("B2-value", "F(U, V) = TrΛ₁ + TrΛ₂"),
        certified.step(
            "B2-certificate",
            "with 𝓛 + ε, Λ₁ − a and Λ₂ − b written as squares, F(U, V) + 2kε − F(U′, V′) is a sum of squares for every "
            "feasible (U′, V′)",
        ),
        *loose.optimum(),
        _not_necessary(),
    ]


def _multipliers(K: Any, Z: Any, split: int) -> tuple[Any, Any]:
    """Λ₁ and Λ₂ of a stacked pair."""
    G = K * Z
    products = Z[:split, :].T * G[:split, :], Z[split:, :].T * G[split:, :]
    first, second = ((A + A.T) / 2 for A in products)
    return first, second


def _dual_matrix(K: Any, Z: Any, split: int, a, b) -> Any:
    """𝓛 for given a and b."""
    blocks = []
    for U, multiplier, least in zip((Z[:split, :], Z[split:, :]), _multipliers(K, Z, split), (a, b), strict=True):
        blocks.append(U * multiplier * U.T + least * (eye(U.rows) - U * U.T))
    return diag(*blocks) - K


def _not_necessary() -> Step:
    first, second = _multipliers(loose.K, loose.Z, 3)
    diagonal = first.is_diagonal() and second.is_diagonal()
    a, b = min(first.diagonal()), min(second.diagonal())
    corner = _dual_matrix(loose.K, loose.Z, 3, a, b)[0, 0]
    return Step(
        "sympy",
        "at this global optimum 𝓛₁₁ = −7/128, so that ε ≥ 7/128: ε = 0 is sufficient, not necessary",
        diagonal and corner == Rational(-7, 128),
        f"Λ₁ = {first}, Λ₂ = {second}, 𝓛₁₁ = {corner}",
    )


def _gap(problem: TwoBlock, U: np.ndarray, V: np.ndarray) -> float:
    """ε, from the dual matrix of a pair."""
    blocks = []
    for W, G in zip((U, V), problem.gradients(U, V), strict=True):
        multiplier = (W.T @ G + G.T @ W) / 2
        least = np.linalg.eigvalsh(multiplier)[0]
        blocks.append(W @ multiplier @ W.T + least * (np.eye(len(W)) - W @ W.T))
    zero = np.zeros(problem.M.shape)
    slack = np.block([[blocks[0], zero], [zero.T, blocks[1]]]) - problem.K
    return max(0.0, -float(np.linalg.eigvalsh(slack)[0]))


@CERTIFICATE.by("numeric")
def _(run):
    def check(pair: Pair):
        problem, k = two_block(pair, float(pair.rng.uniform(0, 3))), pair.k
        eps, rng = problem.rounding(k), pair.rng
        solved = maxbet.solve(problem.K, problem.split, k)
        best = solved.maps["U"], solved.maps["V"]
        # Candidates of every quality: random, on the way, the solver's.
        for t in (0.0, 0.9, 0.99, 1.0):
            U, V = (polar(t * W + (1 - t) * R)[0] for W, R in zip(best, problem.rival(rng, k), strict=True))
            yield problem.F(*best) - problem.F(U, V) - 2 * k * _gap(problem, U, V), eps
        for _ in range(10):
            yield problem.F(*problem.rival(rng, k)) - solved.optimum - 2 * k * _gap(problem, *best), eps
        yield abs(solved.stats["certificate_gap"] - 2 * k * _gap(problem, *best)), eps
        tradeoff = consistency_tradeoff.solve(pair.moments, k, problem.weight)
        lower = 2 * k + problem.constant - solved.optimum - solved.stats["certificate_gap"]
        measured = loss(pair, tradeoff.maps["Wx"], tradeoff.maps["Wy"], problem.weight)
        yield lower - measured, problem.rounding(k, tradeoff.condition)
        yield measured - lower - solved.stats["certificate_gap"], problem.rounding(k, tradeoff.condition)

    return run.holds("the solver's and random pairs stay below F + 2kε of candidates of every quality", MEMBERS, check)


@CERTIFICATE.by("necessity")
def _(run):
    return Necessity(
        {
            "UᵀU = VᵀV = 1": _infeasible(),
            "a ≤ λ_min(Λ₁), b ≤ λ_min(Λ₂)": _suboptimal("a = 3 in place of λ_min(Λ₁) = 1", 3, "𝓛 + ε ⪰ 0"),
            "𝓛 + ε ⪰ 0": _suboptimal("a = 1, though 𝓛₃₃ = −2", 1, "a ≤ λ_min(Λ₁), b ≤ λ_min(Λ₂)"),
        }
    )


def _infeasible() -> Counterexample:
    K: Any = Matrix([[2, 0, 1, 0], [0, 1, 0, Rational(1, 4)], [1, 0, 1, 0], [0, Rational(1, 4), 0, 1]])
    Z: Any = Matrix.vstack(diag(Rational(-3, 2), -1), diag(2, 1))
    better: Any = Matrix.vstack(eye(2), eye(2))
    first, second = _multipliers(K, Z, 2)
    a, b, ε = min(first.diagonal()), min(second.diagonal()), Rational(1, 2)
    bound = (Z.T * K * Z).trace() + 4 * ε
    reached = (better.T * K * better).trace()
    return Counterexample(
        "Σx = diag(2,1), Σy = 1, M = diag(1, 1/4), λ = 1, U = diag(−3/2, −1), V = diag(2, 1): F + 2kε = 6, ε = 1/2; "
        "U = V = 1 has F = 15/2",
        {
            "a = λ_min(Λ₁), b = λ_min(Λ₂)": first.is_diagonal() and second.is_diagonal() and a == b == Rational(3, 4),
            "𝓛 + ε ⪰ 0": definiteness(_dual_matrix(K, Z, 2, a, b) + ε * eye(4)).semidefinite,
        },
        {"F* ≤ F + 2kε": bool(reached <= bound)},
        reached - bound,
    )


def _suboptimal(how: str, a: int, kept: str) -> Counterexample:
    """Σx = diag(5, 1, 3), y apart: U = (e₁, e₂) has F = 6 + 2, U = (e₁, e₃) has F = 8 + 2."""
    K: Any = diag(5, 1, 3, 1, 1)
    Z: Any = Matrix([[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]])
    better: Any = Matrix([[1, 0], [0, 0], [0, 1], [1, 0], [0, 1]])
    first, second = _multipliers(K, Z, 3)
    others = {
        "a ≤ λ_min(Λ₁), b ≤ λ_min(Λ₂)": definiteness(first - a * eye(2)).semidefinite,
        "𝓛 + ε ⪰ 0": definiteness(_dual_matrix(K, Z, 3, a, 1)).semidefinite,
    }
    bound, reached = (Z.T * K * Z).trace(), (better.T * K * better).trace()
    return Counterexample(
        f"Σx = diag(5,1,3), Σy = 1, M = 0, λ = 1, U = (e₁, e₂), V = 1, ε = 0, {how}: F = 8, U = (e₁, e₃) has F = 10",
        {"UᵀU = VᵀV = 1": Z.T * Z == 2 * eye(2), "b = λ_min(Λ₂)": second == eye(2), kept: others[kept]},
        {"F* ≤ F + 2kε": bool(reached <= bound)},
        reached - bound,
    )


@CERTIFICATE.by("mutants")
def _(run):
    return Mutants(certified.mutants("B2-certificate", run.rng()))
