"""Appendix A: whether misaligned codes require split features."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import z3
from hypothesis import strategies as st

from proofs_check import models
from proofs_check.dictionaries import Dependent, Signs, atoms, sine_squared, spark, sparsity
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, Term, constant, function, instance, prove, proves
from theory.properties import CC, REC, TR, Instance, Property

CLAIM = Claim(
    "AppA",
    "Misaligned codes require split features",
    "D_j linear, sparse codes: TR ∧ REC ∧ ¬CC ⇒ two atoms of D_j are parallel",
    "Appendix A says that sparse codes which translate and reconstruct but do not agree require decoders with split "
    "features, one feature held by two atoms. Four atoms of which no two are parallel do as well, as soon as two may "
    "be active at once.",
    "App. A.1 (USAE)",
    Verdict.REFUTED,
)
CORRECTED = Claim(
    "AppA-corrected",
    "Misaligned codes require at most 2s dependent atoms",
    "s-sparse codes: TR_{i→j} ∧ REC_j ∧ spark(D_j) > 2s ⇒ CC; spark(D_j) ≤ 2s ⇒ some s-sparse codes have TR, REC, ¬CC; "
    "spark(D_j) > 2 iff no atom is 0 and no two are parallel",
    "The difference of two s-sparse codes that decode alike is a dependency among at most 2s atoms. So the exact "
    "condition is on the spark, the least number of dependent atoms; only for 1-sparse codes does it say that no "
    "feature is split and no atom is 0.",
    "corrects App. A.1 (USAE)",
    Verdict.VERIFIED,
    hypotheses=("TR", "REC_j", "s-sparse codes", "spark(D_j) > 2s"),
    corrects="AppA",
)


def _difference_atom(z: models.Row) -> models.Row:
    return z[0] + z[3], z[1] + z[3], z[2] - z[3]


def _sum_atom(z: models.Row) -> models.Row:
    return z[0] + z[2], z[1] + z[2]


TWO_OF_FOUR = models.Model(
    "atoms e₁, e₂, e₃, e₁+e₂−e₃; x = y = t(e₁+e₂), codes t(1,1,0,0) and t(0,0,1,1), t = 1, 2",
    models.rows((1, 1, 0), (2, 2, 0)),
    models.rows((1, 1, 0), (2, 2, 0)),
    (lambda v: (v[0], v[1], 0, 0), lambda v: (0, 0, v[0], v[1])),
    (_difference_atom, _difference_atom),
)
SUM_ATOM = models.Model(
    "atoms e₁, e₂, e₁+e₂; x = y = t(e₁+e₂), codes t(1,1,0) and t(0,0,1), t = 1, 2",
    models.rows((1, 1), (2, 2)),
    models.rows((1, 1), (2, 2)),
    (lambda v: (v[0], v[1], 0), lambda v: (0, 0, v[0])),
    (_sum_atom, _sum_atom),
)


@CLAIM.by("counterexample")
def _(run):
    model = TWO_OF_FOUR
    found = models.counterexample(["TR", "REC", "CYC"], "CC", model)
    angles = [sine_squared(p, q) for p, q in combinations(atoms(model), 2)]
    return Counterexample(
        model.name,
        {**found.hypotheses, "CC fails": not found.conclusion["CC"], "codes 2-sparse": sparsity(model) <= 2},
        {"two atoms are parallel": min(angles) == 0},
        min(angles),
    )


@CLAIM.by("family")
def _(run):
    def check(member: Dependent):
        D, a, b = member.D, member.a, member.b
        assert (D @ a == D @ b).all(), "the codes have to decode alike"
        assert max(np.count_nonzero(a), np.count_nonzero(b)) <= member.s, "the codes have to be s-sparse"
        assert (a != b).any(), "the codes have to differ"
        columns = [tuple(map(Fraction, column)) for column in D.T.tolist()]
        yield float(min(sine_squared(p, q) for p, q in combinations(columns, 2))), MARGIN

    statement = (
        "integer dictionaries of 2s dependent atoms: sin² of the smallest angle between two of them, at least 1/3"
    )
    return run.violates(statement, st.builds(Dependent, SEEDS, st.integers(2, 4), st.integers(0, 3)), check)


class _Sparse:
    """Both codes of one point, their difference, and a linear decoder; supports are counted, not listed."""

    def __init__(self):
        v = LogicView(("i", "j"))
        codes, data = v.code_sort, v.x("j").sort()
        self.s = constant("s", z3.IntSort())
        self.size, self.minus = function("|supp|", codes, z3.IntSort()), function("−", codes, codes, codes)
        self.D, self.zero = v.g["j"], constant("0", codes)
        zero, less = constant("0_j", data), function("−_j", data, data, data)
        self.a, self.b = CC.sides(v, "i", "j")
        self.delta = self.minus(self.a, self.b)
        edges = {"TR": ("i", "j"), "REC": ("j", "j"), "CC": ("i", "j")}
        # At the one point ω: the formulas hold for every ω, and the goal is shown for an arbitrary one.
        at = {w.name: instance(Property(w, Instance()).formula(v)[edges[w.name]], v.omega) for w in (TR, REC, CC)}
        self.dependent = self.D(self.delta) == zero
        self.hypotheses = {
            "TR": at["TR"],
            "REC_j": at["REC"],
            "s-sparse codes": z3.And(self.size(self.a) <= self.s, self.size(self.b) <= self.s),
            "spark(D_j) > 2s": self.independent(2 * self.s),
        }
        self.linear = [
            self.D(self.delta) == less(self.D(self.a), self.D(self.b)),
            z3.Implies(self.D(self.a) == self.D(self.b), less(self.D(self.a), self.D(self.b)) == zero),
            z3.Implies(self.delta == self.zero, self.a == self.b),
            self.size(self.delta) <= self.size(self.a) + self.size(self.b),
        ]
        self.goal = at["CC"]

    def independent(self, count: Term) -> Term:
        """No dependency among at most so many atoms, at the difference of the codes."""
        return z3.Implies(z3.And(self.dependent, self.size(self.delta) <= count), self.delta == self.zero)


@CORRECTED.by("proof")
def _(run):
    f = _Sparse()
    names = ("a", "b", "v", "first", "second", "α", "β", "⟨p,p⟩", "⟨p,q⟩", "⟨q,q⟩")
    a, b, v, first, second, α, β, pp, pq, qq = (constant(name, z3.RealSort()) for name in names)
    # Each atom of the dependency v goes to one of the two codes.
    halves = z3.Or(z3.And(first == v, second == 0), z3.And(first == 0, second == -v))
    # α p + β q = 0, seen by p and by q.
    dependent = z3.And(α * pp + β * pq == 0, α * pq + β * qq == 0)
    parallel = pq * pq == pp * qq
    return [
        prove("an atom in the support of a − b is in that of a or of b, so |supp(a−b)| ≤ 2s", [a - b != 0],
              z3.Or(a != 0, b != 0)),
        prove("TR ∧ REC_j ∧ s-sparse codes ∧ spark > 2s ⇒ CC", [*f.hypotheses.values(), *f.linear], f.goal),
        prove("conversely, a dependency v among 2s atoms, dealt out to two codes of s atoms, is a − b: Da = Db",
              [halves], z3.And(first - second == v, z3.Or(first == 0, second == 0))),
        prove("atoms that are not 0 and not parallel are independent: spark > 2 (s = 1)",
              [z3.Not(parallel), dependent], z3.And(α == 0, β == 0)),
        prove("dependent atoms p, q are parallel, or one of them is 0",
              [z3.Or(α != 0, β != 0), dependent], parallel),
    ]  # fmt: skip


@CORRECTED.by("numeric")
def _(run):
    def check(member: Signs):
        yield member.collides != (member.spark <= 2 * member.s), COUNT

    statement = "two s-sparse integer codes that decode alike, looked for one by one, exist iff spark(D) ≤ 2s"
    sizes = st.integers(1, 4), st.integers(1, 5), st.integers(1, 2)
    return run.holds(statement, st.builds(Signs, SEEDS, *sizes), check)


@CORRECTED.by("necessity")
def _(run):
    return Necessity(
        {
            "TR": _without("TR", models.REFLECTION, ["REC", "CYC"]),
            "REC_j": _without("REC_j", models.MOVED, ["TR_xy"]),
            "s-sparse codes": _without("s-sparse codes", SUM_ATOM, ["TR", "REC"]),
            "spark(D_j) > 2s": _without("spark(D_j) > 2s", models.SPLIT_FEATURES, ["TR", "REC"]),
        }
    )


@CORRECTED.by("mutants")
def _(run):
    f = _Sparse()
    two, one, moved = TWO_OF_FOUR, SUM_ATOM, models.MOVED
    least, angles = spark(atoms(two)), [sine_squared(p, q) for p, q in combinations(atoms(two), 2)]
    sparse = {"codes 2-sparse": sparsity(two) <= 2}
    one_sided = {"y-codes 1-sparse": sparsity(one, "y") <= 1, "spark > 2": spark(atoms(one)) > 2}
    exact, counted, active = ["TR", "REC"], "spark(D_j) > 2s", "s-sparse codes"
    # Operation, text, hypothesis and what replaces it, then the model that refutes the variant.
    variants = [
        ("weaken", "spark(D_j) > s", counted, [f.independent(f.s)], exact, two, {**sparse, "spark > s": least > 2}),
        ("weaken", "spark(D_j) ≥ 2s", counted, [f.independent(2 * f.s - 1)], exact, two,
         {**sparse, "spark ≥ 2s": least >= 4}),
        ("drop", "no two atoms parallel", counted, [], exact, two, {**sparse, "none parallel": min(angles) > 0}),
        ("weaken", "the codes of j s-sparse", active, [f.size(f.b) <= f.s], exact, one, one_sided),
        ("drop", "REC_j not asked", "REC_j", [], ["TR_xy"], moved, {"spark > 2": spark(atoms(moved)) > 2}),
    ]  # fmt: skip
    found = []
    for operation, text, replaced, by, premises, model, also in variants:
        kept = [h for name, h in f.hypotheses.items() if name != replaced]
        found.append(
            models.mutant(operation, text, proves([*kept, *by, *f.linear], f.goal), premises, "CC", model, also)
        )
    return Mutants(found)


# Counts are compared: anything below 1 says equal. A coefficient of 2 beside two of 1 makes the smallest angle.
COUNT, MARGIN = 0.5, 1 / 3
SEEDS = st.integers(0, 2**32 - 1)


def _without(dropped: str, model: models.Model, premises: list[str]) -> Counterexample:
    also = {"s-sparse codes": sparsity(model) <= 1, "spark(D_j) > 2s": spark(atoms(model)) > 2}
    return models.counterexample(premises, "CC", model, {h: holds for h, holds in also.items() if h != dropped})
