"""Distributional duality: the two directions of Proposition 1 for laws."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from z3 import Const, ForAll, Function, Implies, Not

from proofs_check import axioms, models
from proofs_check.assignment import wasserstein
from proofs_check.evidence import Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, instance, prove, proves
from theory.linalg import tolerance
from theory.properties import CC, REC, TR, Distribution, Instance, Property
from theory.view import View

TRANSLATES = Claim(
    "DD.i",
    "Codes of equal law translate in law",
    "dCC ∧ dREC_j ⇒ dTR_{i→j}; REC_j is more than enough",
    "If the codes have equal laws and the target's reconstruction has the law of x_j, then the translation i → j has "
    "the law of x_j: push both code laws through g_j. Exact reconstruction is not needed.",
    "ours; distributional form of Proposition 1 (⇐)",
    Verdict.VERIFIED,
    hypotheses=("dCC", "dREC_j"),
    requires=("P2.i",),
    implies=((("dCC", "dREC"), "dTR"),),
)
CONSISTENT = Claim(
    "DD.ii",
    "Translation in law gives codes of equal law where the decoder is injective",
    "dTR_{i→j} ∧ dREC_j ∧ g_j Borel and injective on a Borel set A of full measure for both code laws ⇒ dCC",
    "A Borel left inverse h of g_j on A takes the two equal laws g_j f_i(x_i) ~ x_j ~ g_j f_j(x_j) back to the codes. "
    "Injectivity on A is joint: A carries the codes of both streams. Exact reconstruction is not needed.",
    "ours; distributional form of Proposition 1 (⇒)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("dTR", "dREC_j", "joint injectivity", "g_j Borel"),
    axioms=("Lusin–Souslin",),
    requires=("P2.i",),
)


class _Laws:
    """The hypotheses of both directions at the events that prove them, over one pair of streams."""

    def __init__(self):
        self.view = v = LogicView(("i", "j"))
        self.law = {p.name: p.formula(v) for p in (Property(what, Distribution()) for what in (CC, REC, TR))}
        self.rec_i = Property(REC, Instance()).formula(v)["i", "i"]
        self.dcc, self.dtr = self.law["dCC"]["i", "j"], self.law["dTR"]["i", "j"]
        self.drec_j = self.law["dREC"]["j", "j"]
        self.a, self.b = CC.sides(v, "i", "j")
        self.space = v.x("j").sort()
        self.h = Function("h", self.space, v.code_sort)
        self.in_x, self.in_codes = v.event(v.x("j")), v.event(self.a)
        self.through_g = v.pulled(self.in_x, v.code_sort, v.g["j"])
        self.through_h = v.pulled(self.in_codes, self.space, self.h)

    def back(self, code):
        """h(g_j(code))."""
        return self.h(self.view.g["j"](code))

    def undone(self) -> list:
        """h∘g_j keeps both code laws, at the arbitrary event."""
        return [self.view.law_at(self.back(code), code, self.in_codes) for code in (self.a, self.b)]


@TRANSLATES.by("proof")
def _(run):
    f = _Laws()
    return prove(
        "at an arbitrary event B: dCC at g_j⁻¹(B) and dREC_j at B give dTR at B",
        [instance(f.dcc, f.through_g), instance(f.drec_j, f.in_x)],
        instance(f.dtr, f.in_x),
    )


@CONSISTENT.by("proof")
def _(run):
    f = _Laws()
    v, steps = f.view, [axioms.cite("Lusin–Souslin")]
    A, z = v.event(f.a, "A"), Const("z", v.code_sort)
    left_inverse = ForAll([z], Implies(A[z], f.back(z) == z))
    for name, code in (("i", f.a), ("j", f.b)):
        back, moved, outside = f.back(code), f.back(code) != code, Not(A[code])
        steps += [
            prove(
                f"h∘g_j fixes the codes of {name} almost everywhere",
                [left_inverse, v.null(outside), v.split(outside, moved)],
                v.almost_everywhere(back, code),
            ),
            prove(
                f"hence it keeps the law of the codes of {name}, at an arbitrary event (as P2.i)",
                [v.almost_everywhere(back, code), v.splits(f.in_codes[back], f.in_codes[code], moved)],
                v.law_at(back, code, f.in_codes),
            ),
        ]
    return [
        *steps,
        prove(
            "at an arbitrary event B: dTR and dREC_j at h⁻¹(B) give dCC at B",
            [instance(f.dtr, f.through_h), instance(f.drec_j, f.through_h), *f.undone()],
            instance(f.dcc, f.in_codes),
        ),
    ]


@TRANSLATES.by("numeric")
def _(run):
    def check(member):
        view, D, _ = _coders(member)
        gap = {what.name: wasserstein(*what.sides(view, s, "y")) for what, s in ((CC, "x"), (TR, "x"), (REC, "y"))}
        error = tolerance(_size(view), member.size)
        yield gap["TR"], np.linalg.norm(D, 2) * gap["CC"] + gap["REC"] + error

    return run.holds("W₁(g_j f_i(x_i), x_j) ≤ ‖D_j‖·W₁(codes) + W₁(g_j f_j(x_j), x_j), linear g_j", MEMBERS, check)


@CONSISTENT.by("numeric")
def _(run):
    def check(member):
        view, _, stretch = _coders(member, cubic=True)
        gap = {what.name: wasserstein(*what.sides(view, s, "y")) for what, s in ((CC, "x"), (TR, "x"), (REC, "y"))}
        yield stretch * gap["CC"], gap["TR"] + gap["REC"] + tolerance(_size(view), member.size)

    statement = "σ_min·W₁(codes) ≤ W₁(g_j f_i(x_i), x_j) + W₁(g_j f_j(x_j), x_j), g_j injective and not linear"
    return run.holds(statement, MEMBERS, check)


@TRANSLATES.by("necessity")
def _(run):
    return Necessity(
        {
            "dCC": models.counterexample(["REC"], "dTR_xy"),
            "dREC_j": models.counterexample(["CC", "REC_x"], "dTR_xy"),
        }
    )


@CONSISTENT.by("necessity")
def _(run):
    split, coded, moved = models.SPLIT_FEATURES, models.RESCALED_CODES, models.MOVED
    return Necessity(
        {
            "joint injectivity": models.counterexample(["TR", "REC", "CYC"], "dCC", split, _apart(split)),
            "dTR": models.counterexample(["REC"], "dCC", coded, _jointly(coded)),
            "dREC_j": models.counterexample(["TR_xy"], "dCC", moved, _jointly(moved)),
        },
        {"g_j Borel": "every map of a finite set is Borel"},
    )


@TRANSLATES.by("mutants")
def _(run):
    f = _Laws()
    dcc, drec, dtr = instance(f.dcc, f.through_g), instance(f.drec_j, f.in_x), instance(f.dtr, f.in_x)
    variants = [
        ("drop", "dCC ⇒ dTR", [dcc], dtr, ["dCC"], "dTR_xy"),
        ("drop", "REC ⇒ dTR", [drec, f.rec_i], dtr, ["REC"], "dTR_xy"),
        ("swap", "dCC ∧ REC_i ⇒ dTR_{i→j}", [dcc, f.rec_i], dtr, ["dCC", "REC_x"], "dTR_xy"),
        ("double", "dCC ∧ REC ⇒ TR", [f.dcc, drec], Property(TR, Instance()).formula(f.view)["i", "j"],
         ["dCC", "REC"], "TR_xy"),
        ("equivalent", "dCC ∧ REC_i ∧ dREC_j ⇒ dTR_{i→j}", [dcc, f.rec_i, drec], dtr,
         ["dCC", "REC_x", "dREC_y"], "dTR_xy"),
    ]  # fmt: skip
    return Mutants([models.mutant(o, text, proves(h, goal), p, c) for o, text, h, goal, p, c in variants])


@CONSISTENT.by("mutants")
def _(run):
    f = _Laws()
    dtr, drec, dcc = (instance(law, event) for law, event in (
        (f.dtr, f.through_h), (f.drec_j, f.through_h), (f.dcc, f.in_codes)))  # fmt: skip
    fixed_i, fixed_j = f.undone()
    cc = Property(CC, Instance()).formula(f.view)["i", "j"]
    split, moved, mirror = models.SPLIT_FEATURES, models.MOVED, models.REFLECTION
    apart = _apart(split)
    variants = [
        ("drop", "dTR ∧ dREC_j ⇒ dCC", [dtr, drec], dcc, ["dTR", "REC"], "dCC", split, None),
        ("weaken", "injective on the codes of j", [dtr, drec, fixed_j], dcc, ["TR", "REC"], "dCC", split, apart),
        ("weaken", "injective on the codes of i", [dtr, drec, fixed_i], dcc, ["TR", "REC"], "dCC", split, apart),
        ("drop", "dTR ∧ injective ⇒ dCC", [dtr, fixed_i, fixed_j], dcc, ["TR_xy"], "dCC", moved, _jointly(moved)),
        ("double", "dTR ∧ dREC_j ∧ injective ⇒ CC", [dtr, drec, fixed_i, fixed_j], cc,
         ["dTR", "REC", "dCC"], "CC", mirror, _jointly(mirror)),
    ]  # fmt: skip
    return Mutants([models.mutant(o, text, proves(h, goal), *rest) for o, text, h, goal, *rest in variants])


def _jointly(model: models.Model) -> dict[str, bool]:
    return {"g_y injective on all codes": models.injective(model, "y", "xy")}


def _apart(model: models.Model) -> dict[str, bool]:
    return {f"g_y injective on the codes of {s} alone": models.injective(model, "y", s) for s in "xy"}


@dataclass(frozen=True)
class Member:
    """Points, code size, width, and the sizes of the errors in codes and in reconstruction; determined by ``repr``."""

    seed: int
    n: int
    k: int
    d: int
    code_noise: float
    noise: float

    @property
    def size(self) -> int:
        """Rows times columns."""
        return self.n * (self.k + self.d)


NOISE = st.sampled_from((0.0, 1e-3, 1.0))
MEMBERS = st.builds(
    Member, st.integers(0, 2**32 - 1), st.integers(1, 10), st.integers(1, 3), st.integers(3, 5), NOISE, NOISE
)


def _coders(member: Member, cubic: bool = False) -> tuple[View, np.ndarray, float]:
    """Codes of nearly equal law in unrelated orders; returns the view, D_y (k×d) and σ_min(D_y)."""
    rng = np.random.default_rng(member.seed)
    D = rng.normal(size=(member.k, member.d))
    code_y = rng.normal(size=(member.n, member.k))
    code_x = rng.permutation(code_y) + member.code_noise * rng.normal(size=code_y.shape)

    def decode(z):
        # z ↦ z + z³ never shrinks a difference.
        return (z + z**3 if cubic else z) @ D

    y = rng.permutation(decode(code_y) + member.noise * rng.normal(size=(member.n, member.d)))
    view = View({"x": code_x, "y": y}, {"x": lambda _: code_x, "y": lambda _: code_y}, {"x": decode, "y": decode})
    return view, D, float(np.linalg.eigvalsh(D @ D.T)[0].clip(0) ** 0.5)


def _size(view: View) -> float:
    arrays = (f(s) for s in "xy" for f in (view.x, view.code, lambda s: view.decode("y", view.code(s))))
    return float(sum(np.linalg.norm(v) for v in arrays))
