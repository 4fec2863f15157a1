"""Proposition 2, the converse, for laws on the line without atoms when all measurable maps are allowed."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import z3

from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, Term, constant, function, prove, proves
from proofs_check.piecewise import Pieces, pieces
from proofs_check.transports import Transport, all_maps
from theory.linalg import tolerance

CLAIM = Claim(
    "P2.ii.atomless",
    "Laws on the line without atoms: dTR never implies TR",
    "G = the CDF of x_j, continuous; Q(u) = inf{x : G(x) ≥ u}; S = Q∘(1−G): μ_j{S ≤ t} = G(t), and μ_j{S(x) = x} = 0",
    "Turning the quantiles around preserves the law and moves almost every point, so that S∘T_* is another translation "
    "with the right law. G need not be strictly increasing. Laws on the line are compared by their distribution "
    "functions.",
    "sharpens §2, after Proposition 2",
    Verdict.MODULO_AXIOMS,
    hypotheses=("μ_j has no atoms", "F = all measurable maps"),
    axioms=("distribution functions",),
    requires=("P2.ii",),
)


class _Line:
    """A law on the line by its distribution function G, the quantiles Q, and the turned map S = Q∘φ∘G."""

    def __init__(self, turned: Callable[[Term], Term] = lambda g: 1 - g):
        real = z3.RealSort()
        self.view = v = LogicView(("j",), {"j": real})
        self.x, self.t, self.u = v.x("j"), constant("t", real), constant("u", real)
        self.G, self.Q = function("G", real, real), function("Q", real, real)
        self.g, self.S = self.G(self.x), self.Q(turned(self.G(self.x)))
        self.low, self.high, self.half = self.g <= 0, z3.Not(self.g < 1), self.g == z3.Q(1, 2)
        self.lands, self.above = self.S <= self.t, z3.Not(self.g < 1 - self.G(self.t))
        self.turned = turned

    def uniform(self, u: Term) -> Term:
        """μ{G(x) < u} = u, known for 0 < u < 1."""
        return z3.Implies(_inside(u), self.view.measure(self.g < u) == u)

    def galois(self, u: Term, y: Term) -> Term:
        """Q(u) ≤ y iff u ≤ G(y), for 0 < u < 1."""
        return z3.Implies(_inside(u), (self.Q(u) <= y) == (u <= self.G(y)))

    def total(self, p: Term) -> Term:
        """μ{p} + μ{¬p} = 1, both at least 0."""
        inside, outside = self.view.measure(p), self.view.measure(z3.Not(p))
        return z3.And(inside + outside == 1, inside >= 0, outside >= 0)

    def points(self) -> tuple[list[Term], Term]:
        """S(x) ≤ t iff G(x) ≥ 1 − G(t), where 0 < G(x) < 1."""
        return [self.galois(self.turned(self.g), self.t), _inside(self.g)], self.lands == self.above

    def law(self) -> tuple[list[Term], Term]:
        """μ{S ≤ t} = G(t) for 0 < G(t) < 1, given the points."""
        v, differ = self.view, self.lands != self.above
        given = [_inside(self.G(self.t)), self.uniform(1 - self.G(self.t)), self.total(self.g < 1 - self.G(self.t))]
        return [*given, v.null(differ), v.splits(self.lands, self.above, differ)], v.measure(self.lands) == self.G(
            self.t
        )

    def fixed(self) -> tuple[list[Term], Term]:
        """S(x) = x only where G(x) = ½, for continuous G."""
        level = self.turned(self.g)
        return [self.G(self.Q(level)) == level, self.S == self.x], self.half


def _inside(u: Term) -> Term:
    return z3.And(u > 0, u < 1)


@CLAIM.by("proof")
def _(run):
    f = _Line()
    v, edge, G_t = f.view, z3.Or(f.low, f.high), f.G(f.t)
    below, above, at_half = (v.measure(p) for p in (f.low, f.high, f.half))
    # Levels that are too close to 0, to 1 and to ½ for a set of positive mass to fit in.
    near_0, near_1, near_half = below / 2, 1 - above / 2, z3.Q(1, 2) + at_half / 4
    differ, half = f.lands != f.above, z3.Q(1, 2)
    over = z3.And(f.g < near_half, z3.Not(f.g < half))
    everywhere = z3.ForAll([v.omega], z3.Implies(z3.Not(edge), f.lands == f.above))
    y, Q_u = constant("y", z3.RealSort()), f.Q(f.u)
    least = [f.G(Q_u) >= f.u, z3.Implies(f.G(y) >= f.u, Q_u <= y)]
    return [
        prove("Q(u) ≤ y iff u ≤ G(y): Q(u) is the least x with G(x) ≥ u, and G does not decrease",
              [*least, z3.Implies(Q_u <= y, f.G(Q_u) <= f.G(y))], (Q_u <= y) == (f.u <= f.G(y))),
        prove("G(Q(u)) = u: were it larger, continuity would give some y < Q(u) with G(y) > u",
              [*least, z3.Implies(f.G(Q_u) > f.u, z3.And(y < Q_u, f.G(y) > f.u))], f.G(Q_u) == f.u),
        prove(
            "G(x) is uniform: μ{G(x) < u} = u for 0 < u < 1, by μ{x < Q(u)} = G(Q(u)) (no atoms) and G(Q(u)) = u",
            [_inside(f.u), z3.ForAll([v.omega], f.galois(f.u, f.x)), f.G(f.Q(f.u)) == f.u,
             v.measure(f.x < f.Q(f.u)) == f.G(f.Q(f.u))],
            v.measure(f.g < f.u) == f.u,
        ),
        prove("G(x) > 0 almost everywhere", [f.uniform(near_0), v.split(f.g < near_0, f.low), f.total(f.low)],
              v.null(f.low)),
        prove("G(x) < 1 almost everywhere", [f.uniform(near_1), f.total(f.g < near_1), f.total(f.high),
              v.split(z3.Not(f.g < near_1), f.high)], v.null(f.high)),
        prove("S(x) ≤ t iff G(x) ≥ 1 − G(t), where 0 < G(x) < 1", *f.points()),
        prove("hence almost everywhere", [v.null(edge), everywhere, v.split(edge, differ)], v.null(differ)),
        prove("μ{S ≤ t} = G(t) where 0 < G(t) < 1", *f.law()),
        prove("μ{S ≤ t} = 0 where G(t) = 0", [G_t == 0, v.null(edge), everywhere, v.split(edge, f.lands)],
              v.null(f.lands)),
        prove("μ{S ≤ t} = 1 where G(t) = 1", [G_t == 1, v.null(edge), everywhere, v.split(edge, z3.Not(f.lands)),
              f.total(f.lands)], v.measure(f.lands) == 1),
        cite("distribution functions"),
        prove("S(x) = x only where G(x) = ½", *f.fixed()),
        prove("which is a null set", [f.uniform(half), f.uniform(near_half), f.total(f.half),
              v.split(f.g < near_half, f.g < half), v.split(over, f.half)], v.null(f.half)),
    ]  # fmt: skip


@CLAIM.by("numeric")
def _(run):
    def check(law: Pieces):
        span = float(law.knots[-1] - law.knots[0])
        error = tolerance(1 + span * float(law.density.max()), len(law.knots))
        for t in law.rng.uniform(law.knots[0], law.knots[-1], size=5):
            yield abs(law.above(law.threshold(t)) - law.below(t)), error
        x = law.draw(30)
        yield np.count_nonzero(law.turned(x) == x), COUNT

    statement = (
        "piecewise uniform laws, gaps included: densities integrated over {S ≤ t}; no point drawn from the law is fixed"
    )
    return run.holds(statement, pieces(), check)


@CLAIM.by("necessity")
def _(run):
    weights = (1, 2)
    system = Transport(((0, 0, 1), (1, 1, 2)), (0, 1), all_maps(2, 2))
    determined = Counterexample(
        "two atoms of weights ⅓ and ⅔",
        {"F = all measurable maps": system.F == all_maps(2, 2)},
        {"some S ≠ 1 preserves the law": not system.trivial},
        min(Fraction(w, sum(weights)) for w in weights),
    )
    return Necessity(
        {"μ_j has no atoms": determined},
        {"F = all measurable maps": "no finite law is without atoms; F = {T_*} determines the translation of any law"},
    )


@CLAIM.by("mutants")
def _(run):
    law = Pieces(0, (1.0,), (1.0,))
    half_way = {"Q(1 − G/2)": lambda g: 1 - g / 2, "Q(G²)": lambda g: g * g, "Q(1 − G²)": lambda g: 1 - g * g}

    def proved(turned: Callable[[Term], Term]) -> bool:
        f = _Line(turned)
        return all(proves(*part) for part in (f.points(), f.law(), f.fixed()))

    def violation(turned: Callable) -> float:
        """Distance of the two distribution functions, or the share of fixed points, on the uniform law."""
        x = (np.arange(1000) + 0.5) / 1000
        images = law.Q(turned(law.G(x)))
        distance = max(abs(np.mean(images <= t) - law.below(t)) for t in (0.25, 0.5, 0.75))
        return max(distance, float(np.mean(images == x))) / 0.01

    return Mutants(
        [
            *(Mutant("swap", f"S = {name}", proved(turned), violation(turned)) for name, turned in half_way.items()),
            Mutant("drop", "S = Q(G)", proved(lambda g: g), violation(lambda g: g)),
        ]
    )


# Counts are compared: anything below 1 says equal.
COUNT = 0.5
