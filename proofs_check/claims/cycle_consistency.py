"""Codes of equal law close the cycle, point by point, where both streams are reconstructed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import z3
from hypothesis import strategies as st

from proofs_check import models
from proofs_check.evidence import Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, Term, constant, instance, prove, proves
from theory.linalg import tolerance
from theory.properties import CC, CYC, REC, TR, Distribution, Instance, Property
from theory.view import View

CLAIM = Claim(
    "CYC.iii",
    "Codes of equal law close the cycle where both streams are reconstructed",
    "dCC ∧ REC_i ∧ REC_j ⇒ CYC_i (through j), though not TR",
    "Reconstruction makes f_j g_j the identity on almost every code of j; if the codes of i have the same law, it is "
    "the identity on theirs too, and g_i f_i closes the cycle. So a distributional term with reconstruction gives the "
    "full cycle at almost every point, and still leaves the translation open.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("dCC", "REC_i", "REC_j"),
    implies=((("dCC", "REC"), "CYC"),),
)


class _Formulas:
    """Null sets of the hypotheses, and dCC at the event of the codes that f_j g_j moves."""

    def __init__(self):
        self.view = v = LogicView(("i", "j"))
        self.a, self.b = CC.sides(v, "i", "j")
        (rec_i, x), (rec_j, y), (cycle, _) = REC.sides(v, "i", "i"), REC.sides(v, "j", "j"), CYC.sides(v, "i", "j")
        self.missed_i, self.missed_j, self.open = rec_i != x, rec_j != y, cycle != x
        self.moved_i, self.moved_j = (self.around(code) != code for code in (self.a, self.b))
        z = constant("z", v.code_sort)
        event = z3.Lambda([z], self.around(z) != z)
        self.dcc = instance(Property(CC, Distribution()).formula(v)["i", "j"], event)
        t, target = TR.sides(v, "i", "j")
        self.dtr = v.law_at(t, target, v.event(target))
        self.tr = Property(TR, Instance()).formula(v)["i", "j"]

    def around(self, z: Term) -> Term:
        """f_j g_j(z)."""
        return self.view.encode("j", self.view.decode("j", z))

    def own(self) -> tuple[list[Term], Term]:
        """f_j g_j moves almost no code of j."""
        v = self.view
        return [v.null(self.missed_j), v.split(self.missed_j, self.moved_j)], v.null(self.moved_j)

    def others(self) -> tuple[list[Term], Term]:
        """Nor of i."""
        return [self.view.null(self.moved_j), self.dcc], self.view.null(self.moved_i)

    def closed(self) -> tuple[list[Term], Term]:
        """The cycle closes almost everywhere."""
        v = self.view
        given = [v.null(self.moved_i), v.null(self.missed_i)]
        return [*given, v.splits(self.open, self.missed_i, self.moved_i)], v.null(self.open)


@CLAIM.by("proof")
def _(run):
    f = _Formulas()
    return [
        prove("REC_j: f_j g_j keeps almost every code of j", *f.own()),
        prove("dCC at the event {z : f_j g_j(z) ≠ z}: and almost every code of i", *f.others()),
        prove("REC_i: so the cycle is g_i f_i(x_i) = x_i almost everywhere", *f.closed()),
    ]


@CLAIM.by("numeric")
def _(run):
    def check(member: Tables):
        view = member.view
        for i, j in ("xy", "yx"):
            cycle, x = CYC.sides(view, i, j)
            yield np.linalg.norm(cycle - x), tolerance(float(np.linalg.norm(x)), x.size)

    sizes = st.integers(1, 8), *[st.integers(1, 4)] * 3
    members = st.builds(Tables, st.integers(0, 2**32 - 1), *sizes)
    return run.holds("coders that look up the nearest known row, on unpaired codes of equal law", members, check)


@CLAIM.by("necessity")
def _(run):
    return Necessity(
        {
            "dCC": models.counterexample(["REC", "dTR"], "CYC_xy", models.FOREIGN_CODES),
            "REC_i": models.counterexample(["CC", "REC_y"], "CYC_xy"),
            "REC_j": models.counterexample(["CC", "REC_x"], "CYC_xy"),
        }
    )


@CLAIM.by("mutants")
def _(run):
    f = _Formulas()
    v, (own, kept_j), (others, kept_i), (closed, cycle) = f.view, f.own(), f.others(), f.closed()
    both = [v.null(f.missed_i), v.null(f.missed_j)]
    variants = [
        ("drop", "REC ⇒ CYC_i", proves(others[:1], kept_i), ["REC"], "CYC_xy", None),
        (
            "swap",
            "dTR ∧ REC ⇒ CYC_i",
            proves([others[0], f.dtr], kept_i),
            ["dTR", "REC"],
            "CYC_xy",
            models.FOREIGN_CODES,
        ),
        ("drop", "dCC ∧ REC_i ⇒ CYC_i", proves(own[1:], kept_j), ["dCC", "REC_x"], "CYC_xy", None),
        ("drop", "dCC ∧ REC_j ⇒ CYC_i", proves([closed[0], *closed[2:]], cycle), ["dCC", "REC_y"], "CYC_xy", None),
        ("flip", "dCC ∧ REC ⇒ TR", proves([f.dcc, *both, cycle], f.tr), ["dCC", "REC"], "TR_xy", models.REFLECTION),
    ]
    return Mutants([models.mutant(*variant) for variant in variants])


@dataclass(frozen=True)
class Tables:
    """Two streams whose coders look up the nearest of n known rows or codes, determined by ``repr``."""

    seed: int
    n: int
    k: int
    dx: int
    dy: int

    @cached_property
    def view(self) -> View:
        """The same codes in unrelated orders; off the known rows the coders are piecewise constant."""
        rng = np.random.default_rng(self.seed)
        codes = rng.normal(size=(self.n, self.k))
        streams = {"x": rng.normal(size=(self.n, self.dx)), "y": rng.normal(size=(self.n, self.dy))}
        order = {s: rng.permutation(self.n) for s in streams}
        return View(
            streams,
            {s: lambda rows, s=s: codes[order[s]][_nearest(rows, streams[s])] for s in streams},
            {s: lambda z, s=s: streams[s][_nearest(z, codes[order[s]])] for s in streams},
        )


def _nearest(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.argmin(((rows[:, None] - known[None]) ** 2).sum(2), axis=1)
