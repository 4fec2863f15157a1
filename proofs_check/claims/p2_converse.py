"""Proposition 2, the converse: translation in law leaves a stabiliser undetermined."""

import sympy
import z3

from proofs_check import models
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity, Step
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, Term, prove, proves
from proofs_check.transports import Transport, after, all_maps, only, transports

CLAIM = Claim(
    "P2.ii",
    "The converse fails by exactly the stabiliser of the target's law",
    "x_j = T_*(x_i) a.s., T_* and T_*⁻¹ ∈ F, F closed under composition: {T ∈ F : T#μ_i = μ_j} = {S∘T_* : S ∈ F, "
    "S#μ_j = μ_j} a.e.; dTR ⇒ TR on F iff every such S is the identity μ_j-a.e.",
    "Distributional translation determines the translation up to the maps of the class that preserve the target's law, "
    "and no further. So the converse of Proposition 2 fails as soon as one of them moves something: x ↦ −x on ±1. "
    "F is the class of the allowed translations g_j f_i, with the maps of each space into itself and back.",
    "§2, after Proposition 2 (“the converse generally fails”)",
    Verdict.VERIFIED,
    hypotheses=("x_j = T_*(x_i)", "T_* ∈ F", "F closed under composition", "T_*⁻¹ ∈ F"),
    requires=("P2.i",),
)


class _Maps:
    """Translations as z3 arrays, their classes as predicates, and an arbitrary event in the space of j."""

    def __init__(self):
        self.view = v = LogicView(("i", "j"))
        self.x, self.y = v.x("i"), v.x("j")
        self.spaces = {self.x.sort(): "i", self.y.sort(): "j"}
        self.T, self.t = self._map("T_*", self.x, self.y), self._map("T", self.x, self.y)
        self.inverse, self.s = self._map("T_*⁻¹", self.y, self.x), self._map("S", self.y, self.y)
        # What T_* and T leave open: the S of the characterisation.
        self.rest = self.after(self.t, self.inverse)
        self.event = v.event(self.y)

    def _map(self, name: str, source: Term, target: Term) -> Term:
        return z3.Const(name, z3.ArraySort(source.sort(), target.sort()))

    def after(self, s: Term, t: Term) -> Term:
        """s ∘ t."""
        u = z3.Const("u", t.sort().domain())
        return z3.Lambda([u], s[t[u]])

    def allowed(self, m: Term) -> Term:
        """m ∈ F."""
        source, target = m.sort().domain(), m.sort().range()
        return z3.Function(f"F_{self.spaces[source]}{self.spaces[target]}", m.sort(), z3.BoolSort())(m)

    def closed(self, s: Term, t: Term) -> Term:
        """F is closed under this composition."""
        return z3.Implies(z3.And(self.allowed(s), self.allowed(t)), self.allowed(self.after(s, t)))

    def law(self, a: Term, b: Term) -> Term:
        """Equal mass of the event."""
        return self.view.law_at(a, b, self.event)

    def replaced(self, a: Term, b: Term, off: Term) -> Term:
        """Additivity for the event under two sides that agree where ``off`` fails."""
        return self.view.splits(self.event[a], self.event[b], off)


def _parts(f: _Maps) -> list[tuple[str, dict[str, Term], list[Term], Term]]:
    """The proof in parts: what it says, the claim's hypotheses, what is given besides, the goal."""
    v, x, y = f.view, f.x, f.y
    uncarried, unreturned = f.T[x] != y, f.inverse[y] != x
    composed, restored = f.after(f.s, f.T), f.after(f.rest, f.T)
    carries, member, returns = v.null(uncarried), f.allowed(f.T), z3.And(f.allowed(f.inverse), v.null(unreturned))
    missed = f.t[x] != y
    return [
        (
            "S ∈ F, S#μ_j = μ_j ⇒ S∘T_* ∈ F, (S∘T_*)#μ_i = μ_j",
            {"x_j = T_*(x_i)": carries, "T_* ∈ F": member, "F closed under composition": f.closed(f.s, f.T)},
            [f.allowed(f.s), f.law(f.s[y], y), f.replaced(f.s[f.T[x]], f.s[y], uncarried)],
            z3.And(f.allowed(composed), f.law(composed[x], y)),
        ),
        (
            "T ∈ F, T#μ_i = μ_j ⇒ S = T∘T_*⁻¹ ∈ F, S#μ_j = μ_j",
            {"T_*⁻¹ ∈ F": returns, "F closed under composition": f.closed(f.t, f.inverse)},
            [f.allowed(f.t), f.law(f.t[x], y), f.replaced(f.rest[y], f.t[x], unreturned)],
            z3.And(f.allowed(f.rest), f.law(f.rest[y], y)),
        ),
        (
            "S∘T_* = T almost everywhere, for S = T∘T_*⁻¹",
            {"x_j = T_*(x_i)": carries, "T_*⁻¹ ∈ F": returns},
            [v.splits(restored[x] != f.t[x], f.rest[y] != f.t[x], uncarried),
             v.split(unreturned, f.rest[y] != f.t[x])],
            v.almost_everywhere(restored[x], f.t[x]),
        ),
        (
            "trivial stabiliser, so that dTR ⇒ TR: if S = T∘T_*⁻¹ is the identity μ_j-a.e., then T(x_i) = x_j a.e.",
            {"T_*⁻¹ ∈ F": returns},
            [v.null(f.rest[y] != y), v.splits(missed, f.rest[y] != y, unreturned)],
            v.null(missed),
        ),
        (
            "dTR ⇒ TR, so that the stabiliser is trivial: if S∘T_*(x_i) = x_j a.e., then S is the identity μ_j-a.e.",
            {"x_j = T_*(x_i)": carries},
            [v.null(composed[x] != y), v.splits(f.s[y] != y, composed[x] != y, uncarried)],
            v.null(f.s[y] != y),
        ),
    ]  # fmt: skip


@CLAIM.by("proof")
def _(run):
    u, event = z3.Int("u"), z3.Array("B", z3.IntSort(), z3.BoolSort())

    def mass(a: Term, b: Term) -> Term:
        return z3.Sum([z3.If(event[value], z3.Q(1, 2), 0) for value in (a, b)])

    n = sympy.Symbol("n", integer=True, nonnegative=True)
    rotation = "(n+1)·√2 is irrational for n ≥ 0"
    return [
        *(prove(text, [*given.values(), *more], goal) for text, given, more, goal in _parts(_Maps())),
        prove(
            "it fails on ±1 with weights ½: u ↦ −u keeps the mass of every event and moves both points",
            [z3.Or(u == 1, u == -1)],
            z3.And(mass(z3.IntVal(-1), z3.IntVal(1)) == mass(z3.IntVal(1), z3.IntVal(-1)), -u != u),
        ),
        Step(
            "sympy",
            "T_*⁻¹ ∈ F cannot be dropped for invertible maps of one space either: the uniform law on the circle, "
            "F = {R_α^n : n ≥ 0}, α = √2, T_* = R_α; every rotation preserves the law, yet the solution R_α⁰ is no "
            f"S∘T_* = R_α^(n+1), because {rotation}",
            bool(((n + 1) * sympy.sqrt(2)).is_irrational),
            rotation,
        ),
    ]


@CLAIM.by("numeric")
def _(run):
    def check(member: Transport):
        assert all(member.hypotheses.values()), member.hypotheses
        yield len(member.solutions ^ member.orbit), COUNT
        yield member.exact != member.trivial, COUNT

    statement = "both sides enumerated: solutions against S∘T_*, and dTR ⇒ TR against a trivial stabiliser"
    return run.holds(statement, transports(), check)


@CLAIM.by("necessity")
def _(run):
    return Necessity({name: _without(name) for name in CLAIM.hypotheses})


@CLAIM.by("mutants")
def _(run):
    f = _Maps()
    parts = _parts(f)

    def without(dropped: str) -> Mutant:
        given = [([h for name, h in named.items() if name != dropped], more, goal) for _, named, more, goal in parts]
        proved = all(proves([*hypotheses, *more], goal) for hypotheses, more, goal in given)
        found = _without(dropped)
        return Mutant("drop", f"without “{dropped}”", proved, found.margin / COUNT if found.passed else 0.0)

    _, named, (allowed, _, additivity), goal = parts[0]
    moved = {TWO_POINTS.seen(after(s, TWO_POINTS.T)) for s in TWO_POINTS.F["jj"]}
    return Mutants(
        [
            *(without(name) for name in CLAIM.hypotheses),
            Mutant(
                "drop",
                "{S∘T_* : S ∈ F}, whatever S#μ_j",
                proves([*named.values(), allowed, additivity], goal),
                len(moved ^ TWO_POINTS.solutions) / COUNT,
            ),
            models.mutant(
                "flip", "dTR ⇒ TR", proves([f.law(f.t[f.x], f.y)], f.view.null(f.t[f.x] != f.y)), ["dTR"], "TR"
            ),
        ]
    )


# Counts are compared: anything below 1 says equal.
COUNT = 0.5
STAY, FLIP = (0, 1), (1, 0)
TWO_POINTS = Transport(((0, 0, 1), (1, 1, 1)), STAY, all_maps(2, 2))
# Systems that break one hypothesis each, on two points of equal weight.
BROKEN = {
    "x_j = T_*(x_i)": ("T_* = (0, 2), all maps", Transport(TWO_POINTS.points, (0, 2), all_maps(2, 3))),
    "T_* ∈ F": ("no translation allowed", Transport(TWO_POINTS.points, STAY, only(jj=[STAY], ji=[STAY]))),
    "F closed under composition": (
        "translations 1 and flip, only 1 elsewhere",
        Transport(TWO_POINTS.points, STAY, only(ii=[STAY], ij=[STAY, FLIP], ji=[STAY], jj=[STAY])),
    ),
    "T_*⁻¹ ∈ F": (
        "translations 1 and flip, only 1 within the spaces, nothing back",
        Transport(TWO_POINTS.points, STAY, only(ii=[STAY], ij=[STAY, FLIP], jj=[STAY])),
    ),
}


def _without(name: str) -> Counterexample:
    text, system = BROKEN[name]
    hypotheses = {h: holds for h, holds in system.hypotheses.items() if h != name}
    equal = {"solutions = {S∘T_*}": system.solutions == system.orbit}
    return Counterexample(f"two points of weight ½: {text}", hypotheses, equal, len(system.solutions ^ system.orbit))
