"""Section 3.1 (C): what distributional alignment of linear maps asks for beyond equal covariances."""

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from sympy import Matrix, Rational, diag, eye, zeros
from z3 import BoolSort, Const, DeclareSort, ForAll, Function, Implies

from proofs_check import certified, laws, logic
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.linalg import root, tolerance
from theory.moments import Moments
from theory.solvers import transport

COVARIANCE = Claim(
    "S31C",
    "Distributional alignment only matches covariances",
    "AᵀΣxA = Σy ⇒ the laws of xA and y agree",
    "In the linear case the paper takes the distributional losses to see second moments only.",
    "Section 3.1 (C), App. D.2.3",
    Verdict.REFUTED,
)
SPHERICAL = Claim(
    "S31C-corrected",
    "It does exactly where the whitened law is spherical, as for Gaussians",
    "E x = 0, Σx ≻ 0, y ~ xA_*, A_* ∈ GL(d): law(xA) = law(y) ⇒ AᵀΣxA = Σy ⇔ A = Σx^{-1/2}QΣy^{1/2}, Q ∈ O(d); "
    "the first ⇐ holds iff law(Σx^{-1/2}xQ) is the same for every Q ∈ O(d), for instance if x is Gaussian",
    "Equal laws have equal covariances, which leaves a whole orthogonal family of maps. All of it matches the laws "
    "only if the whitened law looks the same from every side; other laws exclude all but their own symmetries.",
    "correction of Section 3.1 (C)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σx^{-1/2}x spherical", "E x = 0", "Σx ≻ 0", "y ~ xA_*"),
    axioms=("characteristic functions",),
    corrects="S31C",
)

SKEWED = {-1: Rational(2, 3), 2: Rational(1, 3)}
SIGNS = laws.uniform(-1, 1)


def _moved(law, factor: int):
    """Law of factor·x."""
    return {factor * x: p for x, p in law.items()}


def _moment(law, order: int):
    return sum(p * x**order for x, p in law.items())


@COVARIANCE.by("counterexample")
def _(run):
    return Counterexample(
        "x = y ∈ {−1 (2/3), 2 (1/3)}, A = −1: the variance 2 is matched, the law is not",
        {
            "E x = 0": _moment(SKEWED, 1) == 0,
            "AᵀΣxA = Σy": _moment(SKEWED, 2) == _moment(_moved(SKEWED, -1), 2) == 2,
        },
        {"law(xA) = law(y)": _moved(SKEWED, -1) == SKEWED},
        laws.total_variation(SKEWED, _moved(SKEWED, -1)),
    )


@COVARIANCE.by("family")
def _(run):
    def check(member: tuple[int, int, float]):
        few, many, scale = member
        # A standardised two-point law, −1/r at `many` points and r at `few`, and y = scale·x.
        r = np.sqrt(many / few)
        x = np.array([-1 / r] * many + [r] * few)
        moments = Moments.from_arrays(x[:, None], scale * x[:, None])
        A = transport.matched_map(moments, [[-1.0]])
        matched = abs(A.T @ moments.Sx @ A - moments.Sy).item()
        assert matched <= tolerance(scale**2, len(x)), "no member of the family"
        # The cumulative distribution functions of x and −x enclose the area 4(r² − 1)/(r(1 + r²)).
        apart = scale * 4 * (r**2 - 1) / (r * (1 + r**2))
        yield float(wasserstein_distance((x[:, None] @ A).ravel(), scale * x)), 0.99 * apart

    sizes = st.integers(1, 4).flatmap(lambda few: st.tuples(st.just(few), st.integers(few + 1, 4 * few)))
    members = st.tuples(sizes, st.floats(0.1, 10)).map(lambda m: (*m[0], m[1]))
    return run.violates("skewed two-point laws: the other covariance-matched map moves the law", members, check)


class _Laws:
    """Whitened laws: w that of Σx^{-1/2}x, w·Q its image under Q, O the orthogonal maps, Q_* the true one."""

    def __init__(self):
        law, orthogonal = DeclareSort("law"), DeclareSort("map")
        image: Any = Function("w·", orthogonal, law)
        member: Any = Function("∈ O", orthogonal, BoolSort())
        Q, one, true = (Const(name, orthogonal) for name in ("Q", "1", "Q_*"))
        w = Const("w", law)
        self.unit, self.unmoved, self.allowed = member(one), image(one) == w, member(true)
        self.matched = ForAll([Q], Implies(member(Q), image(Q) == image(true)))
        self.spherical = ForAll([Q], Implies(member(Q), image(Q) == w))


@SPHERICAL.by("proof")
def _(run):
    f = _Laws()
    return [
        certified.step("C1-only-these", "AᵀΣxA = Σy makes Q = Σx^{1/2}AΣy^{-1/2} orthogonal; so is Q_* of A_*"),
        certified.step("C1-matched", "and every A = Σx^{-1/2}QΣy^{1/2} has AᵀΣxA = Σy"),
        logic.prove(
            "xA has the law of y iff w·Q = w·Q_*; if all Q ∈ O(d) have, then w·Q = w, since 1 is one of them",
            [f.unit, f.unmoved, f.matched],
            f.spherical,
        ),
        logic.prove(
            "conversely w·Q = w for all of O(d) gives w·Q = w·Q_*, since Q_* is one of them",
            [f.allowed, f.spherical],
            f.matched,
        ),
        cite("characteristic functions"),
        certified.step(
            "C1-matched", "Gaussian: xA has e^{−tᵀAᵀΣxAt/2} = e^{−tᵀΣyt/2}, the characteristic function of y"
        ),
    ]


def _waves(S: np.ndarray, frequencies: np.ndarray, order: int = 20) -> np.ndarray:
    """E exp(i⟨t, x⟩) of x ~ N(0, S) by Gauss–Hermite cubature, at the columns of `frequencies`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    points = np.array(list(product(nodes, repeat=len(S))))
    share = np.array(list(product(weights / weights.sum(), repeat=len(S)))).prod(1)
    return share @ np.exp(1j * points @ root(S) @ frequencies)


@SPHERICAL.by("numeric")
def _(run):
    def check(pair: Pair):
        m = pair.moments if pair.dx >= pair.dy else pair.moments.swapped()
        d, narrow = m.dx, m.dy
        A = transport.matched_map(m, np.linalg.qr(pair.rng.normal(size=(d, narrow)))[0])
        spread = float(np.linalg.cond(m.Sx) * np.linalg.cond(m.Sy))
        t = pair.rng.normal(size=(narrow, 4))
        t /= np.linalg.norm(t, axis=0) * np.sqrt(np.linalg.eigvalsh(m.Sy)[-1])
        eps = tolerance(1.0, 20 * d, gap=1 / spread)
        yield float(abs(_waves(m.Sx, A @ t) - _waves(m.Sy, t)).max()), eps
        # A map matched in another way, by Cholesky factors, is of the stated form.
        other = np.linalg.solve(np.linalg.cholesky(m.Sx).T, np.eye(d, narrow)) @ np.linalg.cholesky(m.Sy).T
        back = root(m.Sx) @ other @ np.linalg.inv(root(m.Sy))
        yield np.linalg.norm(back.T @ back - np.eye(narrow)), tolerance(narrow, d, gap=1 / spread)

    members = pairs(FULL_RANK, max_width=3)
    return run.holds("Gaussian characteristic functions by cubature; maps matched by Cholesky factors", members, check)


@SPHERICAL.by("necessity")
def _(run):
    plain, shifted = {-Rational(1, 2): Rational(4, 5), 2: Rational(1, 5)}, laws.uniform(0, 2)
    S, A = diag(1, 0), Matrix([1, 7])
    centred = {x - _moment(shifted, 1): p for x, p in shifted.items()}
    flat = [Matrix([[x, 0]]) for x in SIGNS]
    return Necessity(
        {
            "Σx^{-1/2}x spherical": Counterexample(
                "x = y ∈ {−1 (2/3), 2 (1/3)}, A = −1",
                {"E x = 0": _moment(SKEWED, 1) == 0, "AᵀΣxA = Σy ≻ 0": _moment(SKEWED, 2) == 2},
                {"law(xA) = law(y)": _moved(SKEWED, -1) == SKEWED},
                laws.total_variation(SKEWED, _moved(SKEWED, -1)),
            ),
            "E x = 0": Counterexample(
                "x = y ∈ {0 (1/2), 2 (1/2)}, A = −1: x − E x is symmetric with variance 1",
                {"x − E x is spherical": _moved(centred, -1) == centred, "Σx = 1": _moment(centred, 2) == 1},
                {"law(xA) = law(y)": _moved(shifted, -1) == shifted},
                laws.total_variation(shifted, _moved(shifted, -1)),
            ),
            "Σx ≻ 0": Counterexample(
                "x = (±1, 0), y = ±1, A = (1, 7)ᵀ",
                {
                    "law(xA) = law(y)": laws.uniform(*((x * A)[0] for x in flat)) == SIGNS,
                    "AᵀΣxA = Σy": A.T * S * A == eye(1),
                },
                {"A = Σx^{-1/2}QΣy^{1/2}": (eye(2) - S) * A == zeros(2, 1)},
                A[1],
            ),
            "y ~ xA_*": Counterexample(
                "x = ±1 (1/2), y ∈ {−1/2 (4/5), 2 (1/5)}, A = 1",
                {
                    "x is spherical": _moved(SIGNS, -1) == SIGNS,
                    "AᵀΣxA = Σy": _moment(SIGNS, 2) == _moment(plain, 2) == 1,
                    "E y = 0": _moment(plain, 1) == 0,
                },
                {"law(xA) = law(y)": plain == SIGNS},
                laws.total_variation(SIGNS, plain),
            ),
        }
    )


@SPHERICAL.by("mutants")
def _(run):
    f, skew = _Laws(), laws.total_variation(SKEWED, _moved(SKEWED, -1))
    # O = {Q_*} or {1} with Q_* = −1 and the skewed law refute them; total variation 1 counts 100 hundredths.
    variants = [
        ("drop", "matched by all Q ⇒ spherical, without 1 ∈ O", [f.unmoved, f.matched], f.spherical),
        ("drop", "spherical ⇒ matched, without Q_* ∈ O", [f.spherical], f.matched),
    ]
    logical = [Mutant(name, text, logic.proves(h, goal), float(100 * skew)) for name, text, h, goal in variants]
    names = ("C1-matched", "C1-only-these")
    return Mutants([*logical, *(m for name in names for m in certified.mutants(name, run.rng()))])
