"""Theorem B6: the polar iteration for the corrected Lemma 4 never loses, and stops at stationary pairs only."""

import numpy as np
from scipy.linalg import polar
from sympy import Matrix, Rational, diag

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import Pair, pairs
from proofs_check.two_block import TwoBlock, two_block
from theory.solvers import maxbet

MONOTONE = Claim(
    "B6",
    "The polar iteration is monotone, and what it leaves in place is stationary",
    "G = MV + λΣxU = U′N, U′ = polar(G), N = (GᵀG)^{1/2}: "
    "F(U′, V) − F(U, V) = ‖(U′ − U)N^{1/2}‖² + λ‖Σx^{1/2}(U′ − U)‖²; no gain ⇒ G = UN; likewise for V",
    "Replacing one encoder by the polar factor of the gradient gains exactly the squared length of the step, in two "
    "metrics; since F is bounded, the gains vanish in the long run. If nothing is gained the gradient is UN with "
    "N ⪰ 0, a condition that every global optimum satisfies.",
    "theorem B6 (corrected Lemma 4; two-block MAXBET)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("UᵀU = 1", "G = U′N, N ⪰ 0", "λ ≥ 0"),
    axioms=("singular value decomposition",),
)

MEMBERS = pairs(whitenable=True)


@MONOTONE.by("proof")
def _(run):
    return [
        cite("singular value decomposition"),
        certified.step("B6-monotone", "G = PSQᵀ gives U′ = PQᵀ and N = QSQᵀ ⪰ 0; the gain is a sum of squares"),
        certified.step("B6-fixed", "if it is zero, (U′ − U)N^{1/2} = 0 and G = U′N = UN: the pair is stationary in U"),
    ]


def _step(problem: TwoBlock, U: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, float]:
    """Polar step in U and the gain that the claim predicts."""
    G, _ = problem.gradients(U, V)
    Up, N = polar(G)
    moved = Up - U
    return Up, float(np.sum((moved @ N) * moved)) + problem.weight * float(np.sum(moved * (problem.Sx @ moved)))


def _swapped(problem: TwoBlock) -> TwoBlock:
    return TwoBlock(problem.Sy, problem.M.T, problem.Sx, problem.weight)


@MONOTONE.by("numeric")
def _(run):
    def check(pair: Pair):
        problem, k = two_block(pair, float(pair.rng.uniform(0, 3))), pair.k
        mirror, eps = _swapped(problem), problem.rounding(k)
        U, V = problem.rival(pair.rng, k)
        start, gains = problem.F(U, V), 0.0
        for _ in range(5):
            before = problem.F(U, V)
            U, in_u = _step(problem, U, V)
            yield abs(problem.F(U, V) - before - in_u), eps
            V, in_v = _step(mirror, V, U)
            gains += in_u + in_v
        yield abs(problem.F(U, V) - start - gains), 10 * eps
        yield -gains, eps
        # A maximum gains nothing; the solver reaches it by Newton steps.
        best = maxbet.solve(problem.K, problem.split, k).maps
        for blocks, W, other in ((problem, best["U"], best["V"]), (mirror, best["V"], best["U"])):
            G, _ = blocks.gradients(W, other)
            N = W.T @ G
            yield np.linalg.norm(G - W @ N), eps
            yield -np.linalg.eigvalsh((N + N.T) / 2)[0], eps

    return run.holds("each gain is that predicted; the solver's optimum has G = UN with N ⪰ 0", MEMBERS, check)


@MONOTONE.by("necessity")
def _(run):
    return Necessity({"UᵀU = 1": _long(), "G = U′N, N ⪰ 0": _backwards(), "λ ≥ 0": _negative()})


def _value(S, M, weight, u, v):
    return (weight * u.T * S * u + 2 * u.T * M * v + weight * v.T * v)[0]


def _long() -> Counterexample:
    one, half, weight = Matrix([1]), Matrix([Rational(1, 2)]), 1
    before, after = (_value(one, half, weight, u, one) for u in (2 * one, one))
    return Counterexample(
        "Σx = Σy = 1, M = 1/2, λ = 1, v = 1, u = 2 (too long): G = 5/2, u′ = 1, and F falls from 7 to 3",
        {"G = u′N, N = 5/2": (half * one + weight * 2 * one)[0] == Rational(5, 2), "λ ≥ 0": weight >= 0},
        {"F does not fall": bool(after >= before)},
        before - after,
    )


def _backwards() -> Counterexample:
    one, half = Matrix([1]), Matrix([Rational(1, 2)])
    before, after = (_value(one, half, 1, u, one) for u in (one, -one))
    return Counterexample(
        "Σx = Σy = 1, M = 1/2, λ = 1, u = v = 1, u′ = −1: G = 3/2 = u′N with N = −3/2, and F falls from 3 to 1",
        {"u′ is orthonormal": (-one).dot(-one) == 1, "UᵀU = 1": one.dot(one) == 1},
        {"F does not fall": bool(after >= before)},
        before - after,
    )


def _negative() -> Counterexample:
    S, M, v = diag(9, 16), Matrix([0, 0]), Matrix([1])
    u, up = Matrix([4, 3]) / 5, -Matrix([3, 4]) / 5
    before, after = (_value(S, M, -1, w, v) for w in (u, up))
    return Counterexample(
        "Σx = diag(9,16), M = 0, λ = −1, u = (4/5, 3/5): G = −12(3/5, 4/5), u′ = −(3/5, 4/5), and F falls by 49/25",
        {"UᵀU = 1": u.dot(u) == 1, "G = 12u′": -S * u == 12 * up},
        {"F does not fall": bool(after >= before)},
        before - after,
    )


@MONOTONE.by("mutants")
def _(run):
    return Mutants([m for name in ("B6-monotone", "B6-fixed") for m in certified.mutants(name, run.rng())])
