"""Proposition 1: translation and concept consistency, given reconstruction."""

from dataclasses import dataclass

import numpy as np
import z3
from hypothesis import strategies as st

from proofs_check import models
from proofs_check.evidence import Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, Term, constant, function, prove, proves
from theory.linalg import sigma_min, tolerance
from theory.properties import CC, REC, TR, Instance, Property
from theory.view import View

CC_TR = Claim(
    "P1.i",
    "Consistent concepts translate",
    "CC ∧ REC_j ⇒ TR_{i→j}, at every point or at almost every point",
    "If both encoders give the same code and stream j is reconstructed, then decoding i's code with j's decoder gives "
    "x_j. Only the target's reconstruction is used.",
    "Proposition 1 (⇐), App. H.1",
    Verdict.VERIFIED,
    hypotheses=("CC", "REC_j"),
    implies=((("CC", "REC"), "TR"),),
)
TR_CC = Claim(
    "P1.ii",
    "Translation gives consistent concepts where the decoder is injective on both code sets at once",
    "TR_{i→j} ∧ REC_j ∧ g_j injective on f_i(X_i) ∪ f_j(X_j) ⇒ CC; almost everywhere if g_j is injective on a set of "
    "codes that has full measure for both streams",
    "The target's decoder must not identify any two codes, be they of the same stream or of different ones. "
    "Injectivity on each stream's own codes is not enough.",
    "Proposition 1 (⇒), App. H.1",
    Verdict.VERIFIED,
    hypotheses=("TR", "REC_j", "joint injectivity"),
)


class _Formulas:
    """The formulas of both directions over one pair of streams."""

    def __init__(self):
        self.view = v = LogicView(("i", "j"))
        read = {what.name: Property(what, Instance()).formula(v) for what in (CC, REC, TR)}
        self.cc, self.tr, self.tr_back = read["CC"]["i", "j"], read["TR"]["i", "j"], read["TR"]["j", "i"]
        self.rec_i, self.rec_j = read["REC"]["i", "i"], read["REC"]["j", "j"]
        self.joint = v.injective("j", v.code("i"), v.code("j"))
        (a, b), (t, y), (rec, _) = CC.sides(v, "i", "j"), TR.sides(v, "i", "j"), REC.sides(v, "j", "j")
        self.moved, self.missed, self.wrong = a != b, rec != y, t != y
        self.each = [v.injective("j", v.code("i")), v.injective("j", v.code("j"))]
        A, c, d = v.event(a, "A"), constant("c", v.code_sort), constant("d", v.code_sort)
        self.on_A = z3.ForAll([c, d], z3.Implies(z3.And(A[c], A[d], v.g["j"](c) == v.g["j"](d)), c == d))
        self.fails = z3.Or(self.wrong, self.missed, z3.Not(A[a]), z3.Not(A[b]))


@CC_TR.by("proof")
def _(run):
    f = _Formulas()
    return [
        prove("for arbitrary sets and maps, CC ∧ REC_j ⇒ TR_{i→j}", [f.cc, f.rec_j], f.tr),
        prove("the same almost everywhere, by additivity of μ ≥ 0", *_almost(f, f.wrong, f.moved, f.missed)),
    ]


@TR_CC.by("proof")
def _(run):
    f = _Formulas()
    v = f.view
    p, q = (function(name, v.point_sort, z3.BoolSort())(v.omega) for name in "pq")
    covered = z3.ForAll([v.omega], z3.Implies(f.moved, f.fails))
    return [
        prove("TR_{i→j} ∧ REC_j ∧ joint injectivity ⇒ CC", [f.tr, f.rec_j, f.joint], f.cc),
        prove(
            "g_j injective on a set A of codes: where the codes differ, TR or REC_j fails, or one of them is not in A",
            [f.on_A],
            covered,
        ),
        prove(
            "the union of two null sets is null, and so is that of these four",
            [v.null(p), v.null(q), v.split(z3.Or(p, q), p), v.split(q, z3.Not(p))],
            v.null(z3.Or(p, q)),
        ),
        prove(
            "and what it covers: CC almost everywhere",
            [v.null(f.fails), covered, v.split(f.fails, f.moved)],
            v.null(f.moved),
        ),
    ]


def _almost(f: _Formulas, failure: Term, *parts: Term) -> tuple[list[Term], Term]:
    """The failure is null if it is covered by null sets, from which it is cut out one after the other."""
    v, rest, cuts = f.view, failure, []
    for part in parts[:-1]:
        cuts.append(z3.And(v.split(rest, part), v.split(part, rest)))
        rest = z3.And(rest, z3.Not(part))
    return [*(v.null(part) for part in parts), *cuts, v.split(parts[-1], rest)], v.null(failure)


@CC_TR.by("numeric")
def _(run):
    def check(member):
        view, condition = _linear_coders(*member)
        a, b = TR.sides(view, "x", "y")
        yield np.linalg.norm(a - b), tolerance(np.linalg.norm(b), sum(member[1:]), gap=1 / condition)

    return run.holds("TR_{x→y} on linear coders that are consistent and reconstruct", MEMBERS, check)


@TR_CC.by("numeric")
def _(run):
    def check(member):
        seed, n, k, dx, dy = member
        view = _decoded(seed, n, k, dx, dy)
        (a, b), (translated, y) = CC.sides(view, "x", "y"), TR.sides(view, "x", "y")
        scale = np.linalg.norm(y)
        # u ↦ u + u³ never shrinks a difference, so g_y stretches at least by σ_min(B).
        yield (
            sigma_min(view.decoders["y"].B.T) * np.linalg.norm(a - b),
            np.linalg.norm(translated - y) + tolerance(scale, dy),
        )

    return run.holds("σ_min·‖a−b‖ ≤ ‖g_y(a)−x_y‖ on injective decoders that are not linear", MEMBERS, check)


@CC_TR.by("necessity")
def _(run):
    return Necessity(
        {
            "REC_j": models.counterexample(["CC"], "TR_xy", models.NO_DECODER),
            "CC": models.counterexample(["REC"], "TR_xy", models.REFLECTION),
        }
    )


@TR_CC.by("necessity")
def _(run):
    split = models.SPLIT_FEATURES
    separately = {f"g_y injective on the codes of {s} alone": models.injective(split, "y", s) for s in "xy"}
    return Necessity(
        {
            "joint injectivity": models.counterexample(["TR", "REC", "CYC"], "CC", split, separately),
            "REC_j": models.counterexample(
                ["TR_xy"], "CC", models.MOVED, {"g_y injective": models.injective(models.MOVED, "y", "xy")}
            ),
            "TR": models.counterexample(
                ["REC"], "CC", models.REFLECTION, {"g_y injective": models.injective(models.REFLECTION, "y", "xy")}
            ),
        }
    )


@CC_TR.by("mutants")
def _(run):
    f = _Formulas()
    variants = [
        ("drop", "CC ⇒ TR_{i→j}", [f.cc], f.tr, ["CC"], "TR_xy"),
        ("drop", "REC_j ⇒ TR_{i→j}", [f.rec_j], f.tr, ["REC_y"], "TR_xy"),
        ("swap", "CC ∧ REC_i ⇒ TR_{i→j}", [f.cc, f.rec_i], f.tr, ["CC", "REC_x"], "TR_xy"),
        ("flip", "TR_{i→j} ∧ REC_j ⇒ CC", [f.tr, f.rec_j], f.cc, ["TR_xy", "REC_y"], "CC"),
        ("swap", "CC ∧ REC_j ⇒ TR_{j→i}", [f.cc, f.rec_j], f.tr_back, ["CC", "REC_y"], "TR_yx"),
        ("equivalent", "REC_j ∧ CC ⇒ TR_{i→j}", [f.rec_j, f.cc], f.tr, ["REC_y", "CC"], "TR_xy"),
    ]
    return Mutants([_judge(*v) for v in variants])


@TR_CC.by("mutants")
def _(run):
    f = _Formulas()
    variants = [
        ("drop", "TR ∧ REC_j ⇒ CC", [f.tr, f.rec_j], f.cc, ["TR_xy", "REC_y"], "CC"),
        ("swap", "injectivity on each code set apart", [f.tr, f.rec_j, *f.each], f.cc, ["TR", "REC"], "CC"),
        ("drop", "REC ∧ injectivity ⇒ CC", [f.rec_i, f.rec_j, f.joint], f.cc, ["REC"], "CC"),
    ]
    return Mutants([_judge(*v) for v in variants])


def _judge(operation, text, hypotheses, goal, premises, conclusion) -> Mutant:
    return models.mutant(operation, text, proves(hypotheses, goal), premises, conclusion)


MEMBERS = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4), st.integers(1, 6), st.integers(4, 7)
)


@dataclass(frozen=True)
class _Decoder:
    """z → (z + z³)B: not linear, injective where B has full row rank, and stretching at least by σ_min(B)."""

    B: np.ndarray

    def __call__(self, z):
        return (z + z**3) @ self.B


def _linear_coders(seed, n, k, dx, dy) -> tuple[View, float]:
    """Coders whose encoders undo their decoders, on streams with a common code; also the larger condition number."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k))
    D = {"x": rng.normal(size=(k, max(dx, k))), "y": rng.normal(size=(k, dy))}
    W = {s: np.linalg.pinv(D[s]) for s in D}
    coders = {s: lambda x, s=s: x @ W[s] for s in D}, {s: lambda c, s=s: c @ D[s] for s in D}
    return View({s: z @ D[s] for s in D}, *coders), max(float(np.linalg.cond(D[s])) for s in D)


def _decoded(seed, n, k, dx, dy) -> View:
    """Codes that agree on about half of the points; the coders look them up, so they are arbitrary maps."""
    rng = np.random.default_rng(seed)
    code_y = rng.normal(size=(n, k))
    code_x = code_y + rng.normal(size=(n, k)) * rng.integers(0, 2, size=(n, 1))
    decoders = {"x": _Decoder(rng.normal(size=(k, dx))), "y": _Decoder(rng.normal(size=(k, dy)))}
    streams = {"x": rng.normal(size=(n, dx)), "y": decoders["y"](code_y)}
    return View(streams, {"x": lambda _: code_x, "y": lambda _: code_y}, decoders)
