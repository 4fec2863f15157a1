"""Theorem B1: with one code per domain the corrected Lemma 4 has no duality gap, and is solved exactly."""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sympy import Matrix, Rational, cos, diag, expand, eye, simplify, sin, symbols
from z3 import And, ForAll, If, Implies, Reals

from proofs_check import certified, logic
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import Pair, pairs
from proofs_check.two_block import TwoBlock, best_direction, loss, two_block
from theory.solvers import consistency_tradeoff, maxbet

DUAL = Claim(
    "B1",
    "For one code the trade-off is a scalar convex problem",
    "k = 1, (u, v) maximises F = zᵀKz over ‖u‖ = ‖v‖ = 1, z = [u; v]: F(u, v) = min_γ 2λ_max(K + γJ), J = diag(1, −1)",
    "Every γ bounds the optimum from above, by the largest eigenvalue of a matrix. One γ, made of the two multipliers "
    "of the optimum, attains it: the problem is not convex, but it has no duality gap.",
    "theorem B1 (corrected Lemma 4); two quadratic constraints: Moré 1993, Pataki 1998",
    Verdict.MODULO_AXIOMS,
    hypotheses=("(u, v) maximises F", "k = 1"),
    axioms=("spectral theorem",),
)

MEMBERS = pairs(whitenable=True)


@DUAL.by("proof")
def _(run):
    return [
        certified.step("L4-objective", "under whitening, with the best decoders, L = 2k + λ(TrΣx + TrΣy) − F"),
        cite("spectral theorem"),
        certified.step(
            "B1-lift", "c more in both blocks of K raises both sides by 2c: let the blocks be λΣ ⪰ 0, λ ≥ 0"
        ),
        certified.step("B1-dual", "for every γ and every μ ≥ λ_max(K + γJ), 2μ − F is a square: F ≤ 2λ_max(K + γJ)"),
        certified.step(
            "B6-monotone",
            "u′ = g/‖g‖ with g = Mv + λΣxu gains a sum of squares, so nothing at a maximiser",
        ),
        certified.step("B6-fixed", "hence g = a·u with a = ‖g‖; likewise Mᵀu + λΣyv = b·v"),
        certified.step("B2-value", "and F(u, v) = a + b"),
        _multipliers(),
        certified.step("B1-shift", "so that S(w + tz) = S(w) for every w and t, where S(w) = wᵀSw"),
        certified.step("B1-balanced", "t = −wᵀJw/(2wᵀJz) makes w + tz balanced: its two halves have the same length"),
        *_balanced(),
        _closed(),
    ]


def _multipliers():
    """The x- and y-block of Sz are (μ − γ − a)u and (μ + γ − b)v."""
    reals: Any = Reals("a b μ γ")
    a, b, μ, γ = reals
    return logic.prove(
        "with μ = (a + b)/2 and γ = (b − a)/2, S = μ − K − γJ annihilates z, and F(u, v) = 2μ",
        [2 * μ == a + b, 2 * γ == b - a],
        And(μ - γ - a == 0, μ + γ - b == 0, a + b == 2 * μ),
    )


def _balanced():
    """Step from maximality to S(w) ≥ 0; p, q and f are ‖·‖² of the halves of w + tz and its F."""
    reals: Any = Reals("μ γ wᵀJz wᵀJw S(w) p q f")
    μ, γ, c, j, s, p, q, f = reals
    t = -j / (2 * c)
    return [
        logic.prove(
            "where wᵀJz ≠ 0 there is such a t, so that p = q", [c != 0, Implies(2 * t * c + j == 0, p == q)], p == q
        ),
        logic.prove(
            "a balanced vector has F ≤ 2μp, by scaling its halves to length 1, and S ≥ 0; hence S(w) ≥ 0 there",
            [p == q, μ * (p + q) - f - γ * (p - q) == s, Implies(p == q, f <= 2 * μ * p)],
            s >= 0,
        ),
    ]


def _closed():
    """(w + rJz)ᵀJz = 2r if wᵀJz = 0, so that the previous step holds for w + rJz, r ≠ 0; r small, of both signs."""
    reals: Any = Reals("S(w) wᵀSJz S(Jz) r")
    s, mixed, other, r = reals
    nearby = ForAll([r], Implies(r != 0, s + 2 * r * mixed + r * r * other >= 0))
    size: Any = If(other >= 0, other, -other)
    small = r * (size + 1 - s) == -s
    return logic.prove(
        "where wᵀJz = 0, S(w + rJz) ≥ 0 for r ≠ 0 gives S(w) ≥ 0; so S ⪰ 0, λ_max(K + γJ) ≤ μ: γ attains F(u, v)",
        [logic.instance(nearby, r), logic.instance(nearby, -r), small],
        s >= 0,
    )


def _dual(problem: TwoBlock) -> float:
    """min_γ 2λ_max(K + γJ) by golden sections; beyond ±2‖K‖ the value exceeds that at 0."""
    far = 2 * float(np.linalg.norm(problem.K)) + 1

    def bound(γ: float) -> float:
        return 2 * float(np.linalg.eigvalsh(problem.K + γ * problem.J)[-1])

    found: Any = minimize_scalar(bound, bounds=(-far, far), method="bounded", options={"xatol": 1e-14 * far})
    return float(found.fun)


@DUAL.by("numeric")
def _(run):
    def check(pair: Pair):
        problem = two_block(pair, float(pair.rng.uniform(0, 3)))
        dual, eps = _dual(problem), problem.rounding(1)
        yield abs(dual - best_direction(problem, pair.rng)), eps
        solved = consistency_tradeoff.solve(pair.moments, 1, problem.weight)
        measured = loss(pair, solved.maps["Wx"], solved.maps["Wy"], problem.weight)
        yield abs(2 + problem.constant - dual - measured), problem.rounding(1, solved.condition)
        solution = maxbet.solve(problem.K, problem.split, 1).maps
        u, v = solution["U"], solution["V"]
        a, b = (float(np.sum(w * g)) for w, g in zip((u, v), problem.gradients(u, v), strict=True))
        yield abs(2 * np.linalg.eigvalsh(problem.K + (b - a) / 2 * problem.J)[-1] - dual), eps
        γ = float(pair.rng.normal())
        yield problem.F(*problem.rival(pair.rng, 1)) - 2 * np.linalg.eigvalsh(problem.K + γ * problem.J)[-1], eps

    return run.holds(
        "the convex minimum is the best value of BFGS on the two spheres, is attained at γ = (b − a)/2, and gives the "
        "loss that the solver's encoders have on the data",
        MEMBERS,
        check,
    )


@DUAL.by("necessity")
def _(run):
    γ, t = symbols("γ t", real=True)
    K, J = Matrix([[1, Rational(1, 2)], [Rational(1, 2), 1]]), diag(1, -1)
    z, test = Matrix([1, -1]), Matrix([1, 1])
    # Rayleigh quotient of a fixed vector: 2λ_max ≥ testᵀ(K + γJ)test for every γ, since ‖test‖² = 2.
    below = expand((test.T * (K + γ * J) * test)[0])
    return Necessity(
        {
            "(u, v) maximises F": Counterexample(
                "K = [[1, 1/2], [1/2, 1]], u = 1, v = −1, stationary: F = 1, but 2λ_max(K + γJ) ≥ 3 for every γ",
                {"k = 1": z.cols == 1, "stationary: Kz = z/2": K * z == z / 2, "the bound holds no γ": below == 3},
                {"F(u, v) = min_γ 2λ_max(K + γJ)": bool((z.T * K * z)[0] >= below)},
                below - (z.T * K * z)[0],
            ),
            "k = 1": _two_codes(γ, t),
        }
    )


def _two_codes(γ, t) -> Counterexample:
    """dx = dy = k = 2: every feasible pair is a maximiser, and 2(λ_1 + λ_2)(K + γJ) takes the place of 2λ_max."""
    S = diag(4, 1)
    K, J = diag(4, 1, 4, 1), diag(1, 1, -1, -1)
    turns = [Matrix([[cos(t), -s * sin(t)], [sin(t), s * cos(t)]]) for s in (1, -1)]
    values = {simplify((U.T * S * U).trace()) for U in turns}
    Z = Matrix([[1, 0], [0, 0], [0, 1], [0, 0]])
    below = expand(2 * (Z.T * (K + γ * J) * Z).trace())
    return Counterexample(
        "Σx = Σy = diag(4,1), M = 0, λ = 1, k = 2: F = 10 for all feasible U, V, 2(λ_1 + λ_2)(K + γJ) ≥ 16 for all γ",
        {"Tr(UᵀΣU) = 5 for every U": values == {5}, "ZᵀZ = 1": Z.T * Z == eye(2), "the bound holds no γ": below == 16},
        {"F* = min_γ 2(λ_1 + λ_2)(K + γJ)": bool(2 * max(values) >= below)},
        below - 2 * max(values),
    )


@DUAL.by("mutants")
def _(run):
    return Mutants(
        [m for name in ("B1-dual", "B1-lift", "B1-shift", "B1-balanced") for m in certified.mutants(name, run.rng())]
    )
