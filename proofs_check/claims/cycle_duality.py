"""Translation both ways closes the cycle, for points and for laws; the converses fail."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hypothesis import strategies as st

from proofs_check import models
from proofs_check.assignment import wasserstein
from proofs_check.evidence import Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, instance, prove, proves
from theory.linalg import tolerance
from theory.properties import CYC, REC, TR, Distribution, Instance, Property
from theory.view import View

POINTS = Claim(
    "CYC.i",
    "Translation closes the cycle",
    "TR_{i→j} ∧ TR_{j→i} ⇒ CYC_i (through j)",
    "If g_j f_i(x_i) = x_j and g_i f_j(x_j) = x_i, going to stream j and back returns x_i. Neither reconstruction nor "
    "consistency is used. The quantitative form is theorem A3.",
    "ours; definitions of Figures 2 and 4",
    Verdict.VERIFIED,
    hypotheses=("TR_{i→j}", "TR_{j→i}"),
    implies=((("TR",), "CYC"),),
)
LAWS = Claim(
    "CYC.ii",
    "Translation in law closes the cycle in law",
    "dTR_{i→j} ∧ dTR_{j→i} ⇒ dCYC_i (through j)",
    "If each translation carries one law to the other, the cycle carries the law of x_i to itself.",
    "ours; definitions of Figures 3 and 4",
    Verdict.VERIFIED,
    hypotheses=("dTR_{i→j}", "dTR_{j→i}"),
    implies=((("dTR",), "dCYC"),),
)


class _Formulas:
    """Translations and the cycle of i, as points and as laws at the events that prove the claim."""

    def __init__(self):
        self.view = v = LogicView(("i", "j"))
        there, back = ("i", "j"), ("j", "i")
        points = {what.name: Property(what, Instance()).formula(v) for what in (TR, CYC, REC)}
        laws = {what.name: Property(what, Distribution()).formula(v) for what in (TR, CYC)}
        self.there, self.back = points["TR"][there], points["TR"][back]
        # An edge of CYC names the stream whose point returns, then the one it visits.
        self.cycle, self.cycle_j = points["CYC"]["i", "j"], points["CYC"]["j", "i"]
        self.rec = list(points["REC"].values())
        event = v.event(v.x("i"))
        returning = v.pulled(event, v.x("j").sort(), lambda y: v.decode("i", v.encode("j", y)))
        self.law_there = instance(laws["TR"][there], returning)
        self.law_there_anywhere = instance(laws["TR"][there], v.event(v.x("j")))
        self.law_back, self.law_cycle = instance(laws["TR"][back], event), instance(laws["CYC"]["i", "j"], event)


@POINTS.by("proof")
def _(run):
    f = _Formulas()
    (t, y), (s, x), (cycle, _) = TR.sides(f.view, "i", "j"), TR.sides(f.view, "j", "i"), CYC.sides(f.view, "i", "j")
    v, missed = f.view, cycle != x
    almost = [v.almost_everywhere(t, y), v.almost_everywhere(s, x)]
    return [
        prove("TR_{i→j} ∧ TR_{j→i} ⇒ CYC_i where the sides are equal everywhere", [f.there, f.back], f.cycle),
        prove(
            "the same almost everywhere: off {g_j f_i(x_i) ≠ x_j} the cycle is g_i f_j(x_j)",
            [*almost, v.splits(missed, s != x, t != y)],
            v.null(missed),
        ),
    ]


@LAWS.by("proof")
def _(run):
    f = _Formulas()
    return prove(
        "at an arbitrary event B: dTR_{i→j} at (g_i f_j)⁻¹(B) and dTR_{j→i} at B give dCYC_i at B",
        [f.law_there, f.law_back],
        f.law_cycle,
    )


@POINTS.by("numeric")
def _(run):
    def check(member: Member):
        cycle, x = CYC.sides(member.view, "x", "y")
        yield np.linalg.norm(cycle - x), tolerance(float(np.linalg.norm(x)), member.n * member.d, gap=member.gap)

    return run.holds(
        "linear coders that translate exactly both ways and reconstruct nothing", _members((1,), (0.0,)), check
    )


@LAWS.by("numeric")
def _(run):
    def check(member: Member):
        view = member.view
        (t, y), (s, x), (cycle, _) = TR.sides(view, "x", "y"), TR.sides(view, "y", "x"), CYC.sides(view, "x", "y")
        error = tolerance(float(np.linalg.norm(x) + np.linalg.norm(cycle)), member.n * member.d, gap=member.gap)
        yield wasserstein(cycle, x), np.linalg.norm(member.back, 2) * wasserstein(t, y) + wasserstein(s, x) + error

    statement = "W₁(cycle, x_i) ≤ ‖g_i f_j‖·W₁(g_j f_i(x_i), x_j) + W₁(g_i f_j(x_j), x_i), linear coders"
    return run.holds(statement, _members((1, -1), (0.0, 1e-3, 1.0)), check)


@POINTS.by("necessity")
def _(run):
    return Necessity(
        {
            "TR_{i→j}": models.counterexample(["TR_yx"], "CYC_xy"),
            "TR_{j→i}": models.counterexample(["TR_xy"], "CYC_xy"),
        }
    )


@LAWS.by("necessity")
def _(run):
    return Necessity(
        {
            "dTR_{i→j}": models.counterexample(["TR_yx"], "dCYC_xy"),
            "dTR_{j→i}": models.counterexample(["TR_xy"], "dCYC_xy"),
        }
    )


@POINTS.by("mutants")
def _(run):
    f = _Formulas()
    variants = [
        ("drop", "TR_{i→j} ⇒ CYC_i", [f.there], f.cycle, ["TR_xy"], "CYC_xy"),
        ("drop", "TR_{j→i} ⇒ CYC_i", [f.back], f.cycle, ["TR_yx"], "CYC_xy"),
        ("flip", "CYC ⇒ TR_{i→j}", [f.cycle, f.cycle_j], f.there, ["CYC"], "TR_xy"),
        ("flip", "CYC ∧ REC ⇒ TR_{i→j}", [f.cycle, f.cycle_j, *f.rec], f.there, ["CYC", "REC"], "TR_xy"),
        ("swap", "REC ⇒ CYC_i", f.rec, f.cycle, ["REC"], "CYC_xy"),
        ("equivalent", "TR ⇒ CYC_j", [f.there, f.back], f.cycle_j, ["TR"], "CYC_yx"),
    ]
    return Mutants([models.mutant(o, text, proves(h, goal), p, c) for o, text, h, goal, p, c in variants])


@LAWS.by("mutants")
def _(run):
    f = _Formulas()
    variants = [
        ("drop", "dTR_{i→j} ⇒ dCYC_i", [f.law_there], f.law_cycle, ["dTR_xy"], "dCYC_xy"),
        ("drop", "dTR_{j→i} ⇒ dCYC_i", [f.law_back], f.law_cycle, ["dTR_yx"], "dCYC_xy"),
        ("flip", "dCYC_i ⇒ dTR_{i→j}", [f.law_cycle], f.law_there_anywhere, ["dCYC"], "dTR_xy"),
        ("double", "dTR ⇒ CYC_i", [f.law_there, f.law_back], f.cycle, ["dTR"], "CYC_xy"),
        ("swap", "REC ⇒ dCYC_i", f.rec, f.law_cycle, ["REC"], "dCYC_xy"),
    ]
    return Mutants([models.mutant(o, text, proves(h, goal), p, c) for o, text, h, goal, p, c in variants])


@dataclass(frozen=True)
class Member:
    """Two streams of 2n rows in R^d related by an invertible T, and linear coders; determined by ``repr``."""

    seed: int
    n: int
    d: int
    sign: int
    noise: float

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(self.seed)
        return tuple(rng.normal(size=(m, self.d)) for m in (self.n, *[self.d] * 4))

    @property
    def back(self) -> np.ndarray:
        """Matrix of g_i f_j on rows: ±T⁻¹, up to the noise."""
        _, T, _, _, E = self._drawn
        return self.sign * np.linalg.inv(T) @ (np.eye(self.d) + self.noise * E)

    @property
    def gap(self) -> float:
        """Reciprocal of the product of the condition numbers."""
        return float(1 / np.prod([np.linalg.cond(A) for A in self._drawn[1:4]]))

    @property
    def view(self) -> View:
        """Rows ±x, so that a reflection keeps the law, and coders that translate x ↦ xT up to the noise."""
        x, T, Wx, Wy, E = self._drawn
        there = T @ (np.eye(self.d) + self.noise * E.T)
        decoders = {"y": np.linalg.solve(Wx, there), "x": np.linalg.solve(Wy, self.back)}
        return View(
            {"x": np.vstack([x, -x]), "y": np.vstack([x, -x]) @ T},
            {"x": lambda rows: rows @ Wx, "y": lambda rows: rows @ Wy},
            {s: lambda codes, s=s: codes @ decoders[s] for s in "xy"},
        )


def _members(signs: tuple[int, ...], noises: tuple[float, ...]) -> st.SearchStrategy[Member]:
    sizes = st.integers(1, 8), st.integers(1, 4)
    return st.builds(Member, st.integers(0, 2**32 - 1), *sizes, st.sampled_from(signs), st.sampled_from(noises))
