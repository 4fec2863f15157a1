"""Proposition 3 calls the losses maximum mean discrepancies: they are squares of them, and no distances."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from sympy import Rational, pi, sqrt
from z3 import Implies, Real

from proofs_check import certified, laws, logic
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from theory import discrepancy

METRIC = Claim(
    "P3.iii",
    "The loss itself is the MMD, a distance",
    "𝓛(P,R) ≤ 𝓛(P,Q) + 𝓛(Q,R) for 𝓛 = ∫|φ_P − φ_Q|² w dt",
    "The proposition calls the loss a maximum mean discrepancy, which is a (pseudo-)metric; but three point masses in "
    "a row violate the triangle inequality.",
    "Proposition 3, App. H.2",
    Verdict.REFUTED,
)
ROOT = Claim(
    "P3.iii-corrected",
    "The root of the loss is a pseudo-metric",
    "P, Q, R of finite support, w ≥ 0: √𝓛(P,R) ≤ √𝓛(P,Q) + √𝓛(Q,R)",
    "The root is the distance of the kernel means in a Euclidean space of cosines and sines.",
    "correction of Proposition 3, App. H.2",
    Verdict.VERIFIED,
    hypotheses=("w ≥ 0",),
    corrects="P3.iii",
    requires=("P3.i",),
)


@METRIC.by("counterexample")
def _(run):
    sixth = {pi / 3: Rational(1, 2), -pi / 3: Rational(1, 2)}
    steps = [laws.exact_loss({i: 1}, {j: 1}, sixth) for i, j in ((0, 1), (1, 2), (0, 2))]
    return Counterexample(
        f"δ_0, δ_1, δ_2 and w = ½ at t = ±π/3: {steps[0]} and {steps[1]} for the steps, {steps[2]} for the way",
        {"w ≥ 0 and even": all(w >= 0 and sixth[-node] == w for node, w in sixth.items())},
        {"the way is at most the sum of the steps": bool(steps[2] <= steps[0] + steps[1])},
        steps[2] - steps[0] - steps[1],
    )


@METRIC.by("family")
def _(run):
    def check(step):
        points = np.array([[0.0], [step], [2 * step]])
        for grid in (laws.GRID, laws.HERMITE):
            near, other, far = (
                discrepancy.ecf_distance(points[[i]], points[[j]], grid)[0] for i, j in ((0, 1), (1, 2), (0, 2))
            )
            yield far - near - other, 0.05

    return run.violates("δ_0, δ_x, δ_2x under Gaussian weights", st.floats(0.2, 1.0), check)


@ROOT.by("proof")
def _(run):
    reals: list[Any] = [Real(name) for name in ("|a|²", "|b|²", "a·b", "|a+b|²", "|a|", "|b|", "|a+b|")]
    a, b, ab, far, first, second, way = reals
    facts = [
        *(root >= 0 for root in (first, second)),
        *(root * root == value for root, value in ((first, a), (second, b), (way, far))),
        far == a + b + 2 * ab,
        b * (a * b - ab * ab) >= 0,
        Implies(b == 0, ab == 0),
    ]
    return [
        certified.step("P3-triangle", "the way in feature space is the sum of the two sides a and b"),
        certified.step("P3-Cauchy-Schwarz", "|b|²(|a|²|b|² − (a·b)²) is a square"),
        logic.prove("|a + b| ≤ |a| + |b| for reals with these relations", facts, way <= first + second),
    ]


@ROOT.by("numeric")
def _(run):
    def check(member: laws.Samples):
        a, b = member.a, member.b
        c = member.rng.normal(size=(member.n, member.d))
        ab, bc, ac = (discrepancy.ecf_distance(*pair, laws.GRID) for pair in ((a, b), (b, c), (a, c)))
        yield (ac - (np.sqrt(ab) + np.sqrt(bc)) ** 2).max(), member.error(laws.GRID)

    return run.holds("three samples on the default grid", laws.samples(), check)


@ROOT.by("necessity")
def _(run):
    signed = {s * pi / 3: Rational(1, 2) for s in (1, -1)} | {s * 2 * pi / 3: Rational(-1, 8) for s in (1, -1)}
    roots = [sqrt(laws.exact_loss({i: 1}, {j: 1}, signed)) for i, j in ((0, 1), (1, 2), (0, 2))]
    found = Counterexample(
        f"w = ½ at ±π/3 and −⅛ at ±2π/3, δ_0, δ_1, δ_2: roots {roots[0]}, {roots[1]} and {roots[2]}",
        {"the losses are not negative": all(bool(r.is_real) for r in roots)},
        {"the way is at most the sum of the steps": bool(roots[2] <= roots[0] + roots[1])},
        roots[2] - roots[0] - roots[1],
    )
    return Necessity({"w ≥ 0": found})


@ROOT.by("mutants")
def _(run):
    return Mutants(certified.mutants("P3-triangle", run.rng()))
