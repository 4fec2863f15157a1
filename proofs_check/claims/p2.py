"""Proposition 2: what holds for almost every point holds for the laws."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from z3 import And

from proofs_check import models
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, instance, prove, proves
from theory.linalg import tolerance
from theory.properties import WHATS, Distribution, Instance, Property, property_named
from theory.view import View

NAMES = ("TR", "CC", "REC", "CYC")
CLAIM = Claim(
    "P2.i",
    "Instance agreement implies equal laws",
    "a = b μ-a.e. ⇒ a#μ = b#μ; hence TR ⇒ dTR, CC ⇒ dCC, REC ⇒ dREC, CYC ⇒ dCYC",
    "If the two sides of a property agree at almost every point, the measure of the points at which a side falls into "
    "an event is the same for both. Nothing but finite additivity and μ ≥ 0 is used of the measure.",
    "Proposition 2, App. H.1",
    Verdict.VERIFIED,
    hypotheses=("a = b almost everywhere", "μ ≥ 0", "measurable maps"),
    implies=tuple(((name,), f"d{name}") for name in NAMES),
)


@CLAIM.by("proof")
def _(run):
    view, steps = LogicView(("i", "j")), []
    for name in NAMES:
        what = WHATS[name]
        for edge in view.edges(what.edges):
            points, laws = (Property(what, level).formula(view)[edge] for level in (Instance(), Distribution()))
            a, b = what.sides(view, *edge)
            event = view.event(a)
            almost = [view.almost_everywhere(a, b), view.splits(event[a], event[b], a != b)]
            where = f"{name} ⇒ d{name}, streams {' and '.join(dict.fromkeys(edge))}"
            steps += [
                prove(f"{where}: sides equal everywhere", [points], laws),
                prove(f"{where}: sides equal almost everywhere, at an arbitrary event", almost, instance(laws, event)),
            ]
    return steps


@CLAIM.by("numeric")
def _(run):
    def check(member):
        view, weights, condition, rng = _mostly_consistent(*member)
        for name in NAMES:
            for edge in view.edges(WHATS[name].edges):
                a, b = WHATS[name].sides(view, *edge)
                assert np.abs(a - b)[weights == 0].min() > 0, "the sides have to differ at the null points"
                u = rng.normal(size=a.shape[1])
                scale = float(np.linalg.norm(u) * np.linalg.norm(np.hstack([a, b])[weights > 0]))
                distance = wasserstein_distance(a @ u, b @ u, weights, weights)
                yield distance, tolerance(scale, len(a) + a.shape[1], gap=1 / condition)

    statement = "Wasserstein distance of random projections of sides that differ at null points only"
    return run.holds(statement, MEMBERS, check)


@CLAIM.by("necessity")
def _(run):
    mass, a, b = (Fraction(1), Fraction(-1)), (0, 0), (1, 2)
    differ = sum(m for m, u, v in zip(mass, a, b, strict=True) if u != v)
    left, right = (sum(m for m, u in zip(mass, side, strict=True) if u == 1) for side in (a, b))
    signed = Counterexample(
        "two points of mass 1 and −1, a = (0, 0), b = (1, 2), event {1}",
        {"μ{a ≠ b} = 0": differ == 0},
        {"μ{a = 1} = μ{b = 1}": left == right},
        abs(left - right),
    )
    return Necessity(
        {"a = b almost everywhere": models.counterexample([], "dTR", models.NO_DECODER), "μ ≥ 0": signed},
        {"measurable maps": "every map of a finite set is measurable; elsewhere the laws would not be defined"},
    )


@CLAIM.by("mutants")
def _(run):
    view = LogicView(("i", "j"))

    def judge(operation: str, premises: list[str], conclusion: str):
        formulas = [And(*property_named(p).formula(view).values()) for p in (*premises, conclusion)]
        text = f"{' ∧ '.join(premises)} ⇒ {conclusion}"
        return models.mutant(operation, text, proves(formulas[:-1], formulas[-1]), premises, conclusion)

    flips = [judge("flip", [f"d{name}"], name) for name in NAMES]
    swaps = [judge("swap", [p], c) for p, c in (("TR", "dCC"), ("CC", "dTR"), ("CYC", "dTR"), ("REC", "dCYC"))]
    return Mutants([*flips, *swaps, judge("equivalent", ["REC", "TR"], "dTR")])


MEMBERS = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, 8),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(3, 5),
    st.integers(3, 5),
)


def _mostly_consistent(seed, n, null, k, dx, dy) -> tuple[View, np.ndarray, float, np.random.Generator]:
    """Linear coders on a common code at n points of positive weight, and on unrelated rows at the null points.

    Returns the view, the weights, the larger condition number of the decoders, and a generator.
    """
    rng = np.random.default_rng(seed)
    k = min(k, dx, dy)
    z = rng.normal(size=(n, k))
    D = {"x": rng.normal(size=(k, dx)), "y": rng.normal(size=(k, dy))}
    W = {s: np.linalg.pinv(D[s]) for s in D}
    # Offsets keep the null points off the decoders' ranges, also where these are the whole space.
    offset = {s: 1 + rng.random(size=(1, D[s].shape[1])) for s in D}
    streams = {s: np.vstack([z @ D[s], rng.normal(size=(null, D[s].shape[1]))]) for s in D}
    weights = np.concatenate([rng.dirichlet(np.ones(n)), np.zeros(null)])
    regular = np.arange(n + null)[:, None] < n
    view = View(
        streams,
        {s: lambda x, s=s: x @ W[s] for s in D},
        {s: lambda c, s=s: c @ D[s] + np.where(regular, 0, offset[s]) for s in D},
    )
    return view, weights, max(float(np.linalg.cond(D[s])) for s in D), rng
