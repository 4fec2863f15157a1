"""Theorem C4: what distribution matching leaves open of independent components, and when it is nothing.

Rows: x = sM with independent sources s of mean 0 and variance 1, r of them Gaussian; y = xA_*. Anchors: c4_anchors.py.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import z3
from hypothesis import strategies as st
from z3 import And, ForAll, If, Implies, Not, Or

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.finite_sources import (
    FLAT,
    SKEWED,
    STEEP,
    WIDE,
    Matrix,
    conditions,
    group,
    joint,
    marginals,
    matrix,
    moment,
    moved,
    scaled,
    signed_permutations,
    square,
)
from proofs_check.laws import Law, total_variation
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import finite_sort, prove, proves
from theory.ambiguity.components import Ambiguity
from theory.ambiguity.rotations import haar
from theory.ambiguity.sources import LAWS
from theory.linalg import tolerance

STABILISER = Claim(
    "C4.i",
    "Independent components are ambiguous up to rotations of the Gaussian ones and signed permutations of the others",
    "s_i independent, E s_i = 0, Var s_i = 1, M ∈ GL(d): {S : sMS ~ sM} = {M⁻¹PM : P ∈ O(r) ⊕ H}, H = the signed "
    "permutations of the non-Gaussian s_i with e·s_i ~ s_j wherever e·s_i stands for s_j",
    "The linear maps that keep the law of a mixture of independent components rotate the Gaussian components among "
    "themselves, and put each of the others, or its negative, in the place of one of the same law. Where y is a linear "
    "image of x, these are all the translations that distribution matching cannot tell from the true one.",
    "theorem C4 (ours); Comon 1994 for identifiability",
    Verdict.MODULO_AXIOMS,
    hypotheses=("s_i independent", "E s_i = 0", "Var s_i = 1", "M invertible"),
    axioms=("Darmois–Skitovich", "square inverse", "characteristic functions"),
)
TRIVIAL = Claim(
    "C4.ii",
    "Laws alone identify a linear translation of components that are asymmetric and differ up to sign",
    "y = xA_*, A_* ∈ GL(d): (dTR ⇒ TR among linear maps) iff no s_i ~ −s_i and no s_i ~ ±s_j, i ≠ j; so r = 0, H = {1}",
    "No anchor is needed if no component is symmetric and none has the law of another one or of its negative. "
    "Components that are asymmetric and different are not enough: −1 (2/3), 2 (1/3) and its negative can be exchanged.",
    "theorem C4 (ours)",
    Verdict.MODULO_AXIOMS,
    hypotheses=(
        *("no s_i ~ −s_i", "no s_i ~ s_j", "no s_i ~ −s_j"),
        *("s_i independent", "Var s_i = 1", "y = xA_*", "linear maps"),
    ),
    requires=("C4.i", "P2.ii"),
)

MIRRORED, POOL = scaled(SKEWED, -1), [scaled(law, e) for law in (SKEWED, STEEP, WIDE, FLAT) for e in (1, -1)]
LISTS = st.lists(st.sampled_from(POOL), min_size=1, max_size=3)
# (p, q) ↦ (2p − q, p + 2q) of independent p and q with q symmetric, and the reflection q → −q in these coordinates.
DEPENDENT = moved(joint(SKEWED, WIDE), [[2, 1], [-1, 2]])
REFLECTION = [[Fraction(3, 5), Fraction(4, 5)], [Fraction(4, 5), -Fraction(3, 5)]]
UNEVEN, SCALED_EXCHANGE = joint(SKEWED, scaled(SKEWED, 2)), [[0, 2], [Fraction(1, 2), 0]]
EXCHANGE, SIGNED_EXCHANGE = [[0, 1], [1, 0]], [[0, -1], [-1, 0]]
COUNT, MARGIN = 0.5, 1e-4
PHI = {
    "gaussian": lambda t: np.exp(-(t**2) / 2),
    "uniform": lambda t: np.sinc(np.sqrt(3) * t / np.pi),
    "laplace": lambda t: 1 / (1 + t**2 / 2),
    "exponential": lambda t: _gamma_wave(1, t),
    "chi-square": lambda t: _gamma_wave(0.5, t),
    "gamma-2": lambda t: _gamma_wave(2, t),
    "gamma-4": lambda t: _gamma_wave(4, t),
    "two-point": lambda t: (2 * np.exp(-1j * t / np.sqrt(2)) + np.exp(2j * t / np.sqrt(2))) / 3,
    "rare": lambda t: (9 * np.exp(-1j * t / 3) + np.exp(3j * t)) / 10,
}


def _gamma_wave(shape: float, t: np.ndarray) -> np.ndarray:
    return np.exp(-1j * t * np.sqrt(shape)) * (1 - 1j * t / np.sqrt(shape)) ** -shape


class _Characteristic:
    """Characteristic functions φ_1, φ_2 of two sources, and signs e, f."""

    def __init__(self):
        values = z3.DeclareSort("ℂ")
        self.times: Any = z3.Function("·", values, values, values)
        self.phi: Any = {i: z3.Function(f"φ_{i}", z3.RealSort(), values) for i in (1, 2)}
        reals: Any = z3.Reals("e f t u")
        self.e, self.f, self.t, self.u = reals

    def stands(self, i: int, j: int, sign: Any) -> Any:
        """The signed source i has the law of source j."""
        t: Any = z3.Real("τ")
        return ForAll([t], self.phi[i](sign * t) == self.phi[j](t))

    def kept(self, e: Any, f: Any) -> Any:
        """(f·s_2, e·s_1) has the law of (s_1, s_2), both independent."""
        moved = self.times(self.phi[2](f * self.t), self.phi[1](e * self.u))
        return moved == self.times(self.phi[1](self.t), self.phi[2](self.u))


@STABILISER.by("proof")
def _(run):
    reals: Any = z3.Reals("p q rest")
    p, q, rest = reals
    c = _Characteristic()
    return [
        certified.step("C4-orthogonal", "sMS ~ sM has the covariance of sM, so P = MSM⁻¹ is orthogonal"),
        certified.step("C4-form", "and S = M⁻¹PM"),
        cite("square inverse"),
        cite("Darmois–Skitovich"),
        prove(
            "sP has independent columns, so that P_ij P_ik = 0 for non-Gaussian s_i: p = P_ij ≠ 0 excludes any other "
            "entry q of the row; rows have norm 1, so that there is one, and p = ±1",
            [p != 0, p * q == 0],
            q == 0,
        ),
        prove(
            "nor has its column another one: column j of sP is ±s_i; it has the law of s_j, which is therefore no "
            "Gaussian either, and ±s_i ~ s_j",
            [Or(p == 1, p == -1), p * p + q * q + rest == 1, rest >= 0],
            q == 0,
        ),
        certified.step("C4-kept", "conversely M⁻¹PM keeps the covariance, and so the law of the Gaussian sources"),
        prove(
            "and the characteristic function of the others, factor by factor",
            [c.stands(2, 1, c.f), c.stands(1, 2, c.e)],
            c.kept(c.e, c.f),
        ),
        cite("characteristic functions"),
    ]


def _waves(laws: tuple[str, ...], t: np.ndarray) -> np.ndarray:
    """E exp(i s·t) at the columns of t."""
    factors = zip(laws, t, strict=True)
    return np.prod([PHI[law.removeprefix("-")](-u if law.startswith("-") else u) for law, u in factors], axis=0)


@STABILISER.by("numeric")
def _(run):
    def listed(laws: list[Law]):
        d, law = len(laws), joint(*laws)
        each = [(matrix(i, e), [scaled(laws[k], sign) for k, sign in zip(i, e, strict=True)])
                for i, e in signed_permutations(d)]  # fmt: skip
        yield sum((moved(law, P) == law) != (found == laws) for P, found in each), COUNT
        if d > 1:
            turn = np.eye(d, dtype=object)
            turn[:2, :2] = REFLECTION
            yield moved(law, turn.tolist()) == law, COUNT

    def drawn(member: tuple[list[str], int]):
        laws, rng, d = tuple(member[0]), np.random.default_rng(member[1]), len(member[0])
        M, t = haar(d, rng) * rng.uniform(0.5, 2, d), rng.normal(size=(d, 30))
        change = _waves(laws, M @ Ambiguity(laws, M).draw(rng) @ t) - _waves(laws, M @ t)
        yield float(np.abs(change).max()), tolerance(1 + np.abs(M @ t).max(), 10 * d, gap=0.25)
        others = [i for i, law in enumerate(laws) if not law.endswith("gaussian")]
        if d > 1 and others:
            pair = [others[0], next(k for k in range(d) if k != others[0])]
            angle, turn = rng.uniform(0.3, np.pi / 2 - 0.3), np.eye(d)
            turn[np.ix_(pair, pair)] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
            yield MARGIN, float(np.abs(_waves(laws, turn @ t) - _waves(laws, t)).max())

    names = st.lists(st.sampled_from([sign + law for law in LAWS for sign in ("", "-")]), min_size=1, max_size=4)
    return [
        run.holds(
            "finite laws: of all signed permutations those keep the joint law that keep each law, and a rational "
            "reflection between two axes does not",
            LISTS,
            listed,
        ),
        run.holds(
            "drawn elements keep the characteristic function of a mixture; a rotation into a non-Gaussian one does not",
            st.tuples(names, st.integers(0, 2**32 - 1)),
            drawn,
        ),
    ]


@STABILISER.by("necessity")
def _(run):
    mean, P = 1, -1

    def signed(A: Matrix) -> dict[str, bool]:
        return {"S is a signed permutation": all(x in (0, 1, -1) for row in A for x in row)}

    return Necessity(
        {
            "s_i independent": Counterexample(
                "s = (2p − q, p + 2q), p ∈ {−2 (2/3), 4 (1/3)}, q ∈ {±4 (1/4), 0 (1/2)}, S = the reflection q → −q",
                {name: conditions(DEPENDENT)[name] for name in ("E s_i = 0", "Var s_i = 1")}
                | {"uncorrelated": moment(DEPENDENT, 1, 1) == 0, "kept": moved(DEPENDENT, REFLECTION) == DEPENDENT},
                signed(REFLECTION),
                REFLECTION[0][1],
            ),
            "E s_i = 0": Counterexample(
                "s ~ N(1, 1), P = −1 ∈ O(1)",
                {"P ∈ O(1)": P * P == 1},
                {"E sP = E s": mean * P == mean},
                mean - mean * P,
            ),
            "Var s_i = 1": Counterexample(
                "s_1, s_2/2 ~ −2 (2/3), 4 (1/3), S = (s_2/2, 2s_1)",
                {name: conditions(UNEVEN)[name] for name in ("s_i independent", "E s_i = 0")}
                | {"kept": moved(UNEVEN, SCALED_EXCHANGE) == UNEVEN},
                signed(SCALED_EXCHANGE),
                SCALED_EXCHANGE[1][0],
            ),
        },
        {"M invertible": "its inverse stands in the formula"},
    )


@STABILISER.by("mutants")
def _(run):
    reals: Any = z3.Reals("p q rest")
    p, q, rest = reals
    c, copies = _Characteristic(), joint(SKEWED, SKEWED)
    # A row of an orthogonal map of Gaussian sources may have two entries.
    entries = REFLECTION[0]
    both = float(min(map(abs, entries))) if sum(e * e for e in entries) == 1 else 0.0
    row = proves([p != 0, p * p + q * q + rest == 1, rest >= 0], q == 0)
    sign = proves([c.stands(2, 1, 1), c.stands(1, 2, 1)], c.kept(1, -1))
    moves = 100 * float(total_variation(copies, moved(copies, SIGNED_EXCHANGE)))
    return Mutants(
        [
            Mutant("drop", "one entry per row, without Darmois–Skitovich", row, both / MARGIN),
            Mutant("change", "equal laws may change places with any sign", sign, moves),
            *certified.mutants("C4-orthogonal", run.rng()),
            *certified.mutants("C4-kept", run.rng()),
        ]
    )


class _Signed:
    """Laws of the sources, negation, and (σ, e): e_j s_σ(j) stands for s_j."""

    def __init__(self, index: z3.SortRef, law: z3.SortRef):
        self.law: Any = z3.Function("law", index, law)
        self.negative: Any = z3.Function("−", law, law)
        source: Any = z3.Function("σ", index, index)
        plus: Any = z3.Function("e=1", index, z3.BoolSort())
        variables: Any = [*z3.Consts("i j k", index), z3.Const("ℓ", law)]
        i, j, self.k, some = variables
        self.i, self.j = i, j
        self.member = self.keeps(source, plus)
        self.asymmetric = ForAll([i], Not(self.negative(self.law(i)) == self.law(i)))
        self.different = ForAll([i, j], Implies(i != j, self.law(i) != self.law(j)))
        self.not_negatives = ForAll([i, j], Implies(i != j, self.law(i) != self.negative(self.law(j))))
        self.involution = ForAll([some], self.negative(self.negative(some)) == some)
        self.identity = ForAll([j], And(source(j) == j, plus(j)))

    def keeps(self, source, plus) -> Any:
        """The source that stands for s_j has, with its sign, the law of s_j."""
        j, law = self.j, self.law
        return ForAll([j], law(j) == If(plus(j), law(source(j)), self.negative(law(source(j)))))

    def exchange(self, plus: bool) -> Any:
        """The exchange of i and k, both with the same sign, keeps the laws."""
        i, k = self.i, self.k
        return self.keeps(lambda j: If(j == i, k, If(j == k, i, j)), lambda j: Or(plus, And(j != i, j != k)))


@TRIVIAL.by("proof")
def _(run):
    f = _Signed(z3.DeclareSort("index"), z3.DeclareSort("law"))
    i, k = f.i, f.k
    reals: Any = z3.Reals("V_i V_j E e")
    first, second, mixed, e = reals
    return [
        prove(
            "a signed permutation that keeps the laws is the identity, if no law is its own negative, that of another, "
            "or the negative of another (a Gaussian one is its own: r = 0)",
            [f.member, f.asymmetric, f.different, f.not_negatives],
            f.identity,
        ),
        prove(
            "conversely: s_i ~ −s_i may change its sign",
            [f.law(i) == f.negative(f.law(i))],
            f.keeps(lambda j: j, lambda j: j != i),
        ),
        prove("s_i ~ s_k may change places", [f.law(i) == f.law(k)], f.exchange(plus=True)),
        prove(
            "s_i ~ −s_k may change places and signs",
            [f.law(i) == f.negative(f.law(k)), f.involution],
            f.exchange(plus=False),
        ),
        prove(
            "each of these moves something: E(s_i − e·s_j)² = 2, and E(2s_i)² = 4",
            [first == 1, second == 1, mixed == 0, Or(e == 1, e == -1)],
            And(first - 2 * e * mixed + e * e * second == 2, 4 * first == 4),
        ),
    ]


@TRIVIAL.by("numeric")
def _(run):
    needed = ("no s_i ~ −s_i", "no s_i ~ s_j", "no s_i ~ −s_j")

    def check(laws: list[Law]):
        found = conditions(joint(*laws))
        yield (len(group(*laws)) == 1) != all(found[name] for name in needed), COUNT

    statement = "finite laws, all signed permutations: only the identity keeps the joint law iff the condition holds"
    return run.holds(statement, LISTS, check)


def _open(without: str, shown: str, law: Law, P: Matrix) -> Counterexample:
    """A linear map other than the identity that keeps a law; the margin is E‖sP − s‖²/E‖s‖²."""
    change = [[x - (i == j) for j, x in enumerate(row)] for i, row in enumerate(P)]
    given = conditions(law, without) | {"dTR": moved(law, P) == law}
    moves = square(moved(law, change)) / square(law)
    return Counterexample(f"x = y = s: {shown}", given, {"TR": moves == 0}, moves)


@TRIVIAL.by("necessity")
def _(run):
    alone, copies, three = joint(SKEWED), joint(SKEWED, SKEWED), {(x,): Fraction(1, 3) for x in (-3, 1, 2)}
    places = {(-3,): (-3,), (1,): (2,), (2,): (1,)}
    apart = sum((p * (places[s][0] - s[0]) ** 2 for s, p in three.items()), Fraction(0))
    cases = {
        "no s_i ~ −s_i": ("±4 (1/4), 0 (1/2), and −1", joint(WIDE), [[-1]]),
        "no s_i ~ s_j": ("two copies of −2 (2/3), 4 (1/3), exchanged", copies, EXCHANGE),
        "no s_i ~ −s_j": (
            "−2 (2/3), 4 (1/3) and its negative, which are asymmetric and different: (s_1, s_2) ↦ (−s_2, −s_1)",
            joint(SKEWED, MIRRORED),
            SIGNED_EXCHANGE,
        ),
        "s_i independent": ("(2p − q, p + 2q) with p, q as in C4.i, reflected: q → −q", DEPENDENT, REFLECTION),
        "Var s_i = 1": ("s_1, s_2/2 ~ −2 (2/3), 4 (1/3), (s_1, s_2) ↦ (s_2/2, 2s_1)", UNEVEN, SCALED_EXCHANGE),
    }
    return Necessity(
        {name: _open(name, *case) for name, case in cases.items()}
        | {
            "y = xA_*": Counterexample(
                "x = s ~ −2 (2/3), 4 (1/3), y an independent copy: the identity matches the law",
                conditions(alone) | {"dTR": marginals(copies)[0] == marginals(copies)[1]},
                {"TR": all(a == b for a, b in copies)},
                square(moved(copies, [[1], [-1]])) / square(alone),
            ),
            "linear maps": Counterexample(
                "x = y = s uniform on −3, 1, 2, and the map that exchanges 1 and 2",
                conditions(three) | {"dTR": {places[s]: p for s, p in three.items()} == three},
                {"TR": apart == 0},
                apart / square(three),
            ),
        }
    )


@TRIVIAL.by("mutants")
def _(run):
    # Two sources and four laws suffice for every countermodel, and let z3 decide.
    f = _Signed(finite_sort("source", 2), finite_sort("law", 4))
    rows = [
        ("drop", "asymmetric and different is enough", [f.asymmetric, f.different], [SKEWED, MIRRORED]),
        ("drop", "asymmetric, and no negative of another", [f.asymmetric, f.not_negatives], [STEEP, STEEP]),
        ("drop", "different up to sign is enough", [f.different, f.not_negatives], [SKEWED, WIDE]),
    ]
    found = [
        Mutant(name, text, proves([f.member, f.involution, *given], f.identity), (len(group(*laws)) - 1) / COUNT)
        for name, text, given, laws in rows
    ]
    unsigned = proves([f.law(f.i) == f.negative(f.law(f.k)), f.involution], f.exchange(plus=True))
    moves = 100 * float(total_variation(SKEWED, MIRRORED))
    return Mutants([*found, Mutant("flip", "s_i ~ −s_k may change places without signs", unsigned, moves)])
