"""Proposition 2, the converse, for purely atomic laws when all maps are allowed."""

from collections import Counter
from itertools import product
from math import factorial, prod

import z3
from hypothesis import strategies as st

from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, Term, constant, prove, proves
from proofs_check.transports import Transport, all_maps, only

CLAIM = Claim(
    "P2.ii.atomic",
    "Purely atomic laws: dTR ⇒ TR iff no two atoms have the same weight",
    "μ_j = Σ w_a δ_a, F = all maps, T_* invertible a.e.: dTR ⇒ TR iff w_a ≠ w_b for a ≠ b",
    "Two atoms of equal weight can be exchanged. If all weights differ, the heaviest atom that a map moves would land "
    "on one that is too light or already full, so the map does not preserve the law. Two equal atoms are the smallest "
    "failure: one atom, or two unequal ones, determine the translation.",
    "sharpens §2, after Proposition 2",
    Verdict.VERIFIED,
    hypotheses=("μ_j purely atomic", "F = all maps", "T_* invertible a.e."),
    requires=("P2.ii",),
)


class _Atoms:
    """A law on one space, two atoms p and q, and an arbitrary map S."""

    def __init__(self):
        self.view = v = LogicView(("j",))
        self.x, self.event = v.x("j"), v.event(v.x("j"))
        space = self.x.sort()
        self.p, self.q, self.u = (constant(name, space) for name in "pqu")
        self.S = constant("S", z3.ArraySort(space, space))

    @property
    def swapped(self) -> Term:
        """The point, with p and q exchanged."""
        return z3.If(self.x == self.p, self.q, z3.If(self.x == self.q, self.p, self.x))

    def weight(self, a: Term) -> Term:
        """μ{x = a}."""
        return self.view.measure(self.x == a)

    def heaviest(self) -> dict[str, Term]:
        """Why p cannot be the heaviest atom that S moves."""
        v, p, image = self.view, self.p, self.S[self.p]
        lands = self.S[self.x] == image
        return {
            "p is an atom": self.weight(p) > 0,
            "heavier atoms stay": z3.Implies(self.weight(image) > self.weight(p), self.S[image] == image),
            "weights differ": z3.Implies(self.weight(image) == self.weight(p), image == p),
            "S#μ = μ at {S(p)}": v.law_at(self.S[self.x], self.x, z3.Lambda([self.u], self.u == image)),
            "p lands there": v.split(lands, self.x == p),
            "S(p) lands there": v.split(z3.And(lands, z3.Not(self.x == p)), self.x == image),
        }

    def parted(self, side: Term, has_p: Term, has_q: Term) -> tuple[list[Term], Term]:
        """Mass of a side: the weights of p and q where it contains them, and the rest of the event."""
        v, at_p, at_q = self.view, self.x == self.p, self.x == self.q
        rest = v.measure(z3.And(self.event[self.x], z3.Not(at_p), z3.Not(at_q)))
        mass = z3.Sum(z3.If(has_p, self.weight(self.p), 0), z3.If(has_q, self.weight(self.q), 0), rest)
        additivity = [v.split(side, at_p), v.split(z3.And(side, z3.Not(at_p)), at_q)]
        return [self.p != self.q, *additivity], v.measure(side) == mass

    def sides(self) -> list[tuple[list[Term], Term]]:
        """Both laws at the event: of the point, and of the point with p and q exchanged."""
        has_p, has_q = self.event[self.p], self.event[self.q]
        return [self.parted(self.event[self.x], has_p, has_q), self.parted(self.event[self.swapped], has_q, has_p)]

    def exchanged(self) -> Term:
        """Exchanging p and q keeps the mass of the event."""
        return self.view.law_at(self.swapped, self.x, self.event)


@CLAIM.by("proof")
def _(run):
    f = _Atoms()
    moved = f.swapped != f.x
    plain, swapped = f.sides()
    return [
        prove(
            "different weights: S#μ = μ fixes an atom p if it fixes the heavier ones; these are finitely many, so that "
            "some moved atom would be the heaviest",
            [*f.heaviest().values()],
            f.S[f.p] == f.p,
        ),
        prove("an event B has the weights of p and q where it contains them, and the rest", *plain),
        prove("with p and q exchanged, it has q's where it contains p, and p's where it contains q", *swapped),
        prove(
            "so for equal weights the exchange preserves the law",
            [f.weight(f.p) == f.weight(f.q), plain[1], swapped[1]],
            f.exchanged(),
        ),
        prove(
            "and is not the identity almost everywhere",
            [f.p != f.q, f.weight(f.p) > 0, f.view.split(moved, f.x == f.p)],
            z3.Not(f.view.null(moved)),
        ),
    ]


@CLAIM.by("numeric")
def _(run):
    def check(weights: tuple[int, ...]):
        count = prod(factorial(m) for m in Counter(weights).values())
        yield abs(len(_preserving(weights)) - count), COUNT
        atoms = range(len(weights))
        system = Transport(
            tuple((a, a, w) for a, w in zip(atoms, weights, strict=True)), tuple(atoms), FULL[len(weights)]
        )
        yield abs(len(system.solutions) - count), COUNT
        yield system.exact != (len(set(weights)) == len(weights)), COUNT

    weights = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
    return run.holds(
        "all maps of up to four atoms: as many solutions as permutations within equal weights", weights, check
    )


@CLAIM.by("necessity")
def _(run):
    stay = (0, 1)
    equal = Transport(((0, 0, 1), (1, 1, 1)), stay, only(ii=[stay], ij=[stay], ji=[stay], jj=[stay]))
    # Weights 1, 1, 2 of x_i, joined to 3, 1 of x_j: the other light point may be the single one.
    joined = Transport(((0, 0, 1), (1, 1, 1), (2, 0, 2)), (0, 1, 0), all_maps(3, 2))
    return Necessity(
        {
            "F = all maps": _broken("two atoms of weight ½, F = {1}", equal, "T_* invertible a.e."),
            "T_* invertible a.e.": _broken(
                "x_i of weights ¼, ¼, ½ joined to x_j of weights ¾, ¼", joined, "F = all maps"
            ),
        },
        {"μ_j purely atomic": "laws on finitely many points are; for the others see P2.ii.atomless"},
    )


@CLAIM.by("mutants")
def _(run):
    f = _Atoms()
    heaviest = f.heaviest()

    def moved(*weights: int) -> float:
        """Measure-preserving maps other than the identity, in half-counts."""
        return (len(_preserving(weights)) - 1) / COUNT

    def still(*added: Term, without: str) -> bool:
        return proves([*added, *(h for name, h in heaviest.items() if name != without)], f.S[f.p] == f.p)

    unfair = [mass for _, mass in f.sides()]
    uneven = still(f.weight(f.q) > f.weight(f.p), without="weights differ")
    return Mutants(
        [
            Mutant("weaken", "… iff not all weights are equal", uneven, moved(1, 1, 2)),
            Mutant("drop", "… whatever the weights", still(without="weights differ"), moved(1, 1)),
            Mutant(
                "drop", "every S, whatever S#μ", still(without="S#μ = μ at {S(p)}"), (len(FULL[2]["jj"]) - 1) / COUNT
            ),
            Mutant(
                "flip",
                "atoms of any weights can be exchanged",
                proves(unfair, f.exchanged()),
                ((1, 0) not in _preserving((1, 2))) / COUNT,
            ),
        ]
    )


# Counts are compared: anything below 1 says equal.
COUNT = 0.5
FULL = {m: all_maps(m, m) for m in range(1, 5)}


def _preserving(weights: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Every map of the atoms that preserves the law, by trying all of them."""
    atoms = range(len(weights))
    return [
        s
        for s in product(atoms, repeat=len(weights))
        if all(sum(w for image, w in zip(s, weights, strict=True) if image == a) == weights[a] for a in atoms)
    ]


def _broken(text: str, system: Transport, kept: str) -> Counterexample:
    weights = list(system.law(system.target).values())
    sources = [i for i, _, _ in system.support]
    sizes = (len(system.T), max(j for _, j, _ in system.points) + 1)
    hypotheses = {
        "F = all maps": system.F == all_maps(*sizes),
        "T_* invertible a.e.": len({system.T[i] for i in sources}) == len(set(sources)),
    }
    decided = {"dTR ⇒ TR iff the weights differ": system.exact == (len(set(weights)) == len(weights))}
    count = prod(factorial(m) for m in Counter(weights).values())
    return Counterexample(text, {kept: hypotheses[kept]}, decided, abs(len(system.solutions) - count))
