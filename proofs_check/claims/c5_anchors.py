"""Theorem C5, the anchors: how many atoms a permutation that respects them leaves in place, and the R² of that."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np
import z3
from hypothesis import strategies as st
from sympy import Rational, factorial, symbols

from proofs_check import exchangeable, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity, Step
from proofs_check.exchangeable import (
    Code,
    amplitude_columns,
    binary_columns,
    consistent,
    expected,
    independent,
    uniform,
)
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import constant, function, prove
from proofs_check.simulated import Simulated
from theory.ambiguity import permutations as closed
from theory.linalg import tolerance
from theory.monte_carlo import permutations as drawn

BINARY = Claim(
    "C5.ii",
    "Binary anchors fix the atoms whose activity columns differ",
    "π is fixed ⇔ the K columns (rows = anchors) differ; E R² = 1 − 2(K − E#columns)/(K−1), where E#columns = "
    "Σ_j (−1)^{j+1} C(K,j) q_j^m, q_j = [C(K−j,s) + C(K−j,s−j)]/C(K,s); q_2 = 1 − 2s(K−s)/(K(K−1))",
    "Anchors tell two atoms apart only if one of them activates just one of the two. A permutation drawn from those "
    "that are left keeps one atom of each class in place on average. The smallest traps are three atoms with one "
    "anchor: the two that coincide are exchanged in half of the cases, with R² = −1.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("binary codes", "uniform support", "independent anchors", "π uniform"),
)
AMPLITUDES = Claim(
    "C5.iii",
    "Continuous amplitudes confuse only atoms that were never active",
    "π is fixed ⇔ r ≤ 1, r = #never active; E R² = 1 − κ(E r − P(r ≥ 1)), E r = K(1−s/K)^m, P(r ≥ 1) = "
    "Σ_j (−1)^{j+1} C(K,j) [C(K−j,s)/C(K,s)]^m, κ = 2(E a² − (E a)²(s−1)/(K−1))/(K·E a² − s(E a)²); "
    "2/K ≤ κ ≤ 2/(K−1), with equality for E a = 0 and for constant a",
    "Two atoms never have the same amplitude, so that one activation is enough to name an atom. What a moved atom "
    "costs depends little on the law of the amplitudes.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("continuous", "independent amplitudes", "uniform support", "independent anchors", "π uniform"),
    requires=("C5.ii",),
)

CASES = [(2, 1, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2), (3, 2, 2), (3, 1, 3), (4, 1, 2), (4, 2, 0), (4, 2, 2), (4, 3, 2)]
VALUES = (1, 3)
MEAN, SQUARE = Fraction(2), Fraction(5)

K, s, f = symbols("K s f", positive=True)
a1, a2, ρ = symbols("a₁ a₂ ρ", positive=True)


def _distinct(K: int, s: int, m: int) -> Fraction:
    """Expected number of distinct binary columns, by the formula."""
    return _union(K, s, m, lambda j: comb(K - j, s) + comb(K - j, K - s))


def _union(K: int, s: int, m: int, ways) -> Fraction:
    return sum(((-1) ** (j + 1) * comb(K, j) * Fraction(ways(j), comb(K, s)) ** m for j in range(1, K + 1)), Fraction())


def _binary(K: int, s: int, m: int) -> Fraction:
    return 1 - 2 * (K - _distinct(K, s, m)) / (K - 1)


def _kappa(K, s, mean, square):
    return 2 * (square - mean**2 * (s - 1) / (K - 1)) / (K * square - s * mean**2)


def _amplitudes(K: int, s: int, m: int) -> Fraction:
    """E R² by the formula, for the amplitudes 1 and 3."""
    some = _union(K, s, m, lambda j: comb(K - j, s))
    return 1 - _kappa(K, s, MEAN, SQUARE) * (K * (1 - Fraction(s, K)) ** m - some)


def _moved(mean, square):
    """E(z_i − z_j)² of two atoms, and the variance of the code."""
    both = s * (s - 1) / (K * (K - 1))
    return 2 * (s / K * square - both * mean**2), s * square - s**2 / K * mean**2


@BINARY.by("proof")
def _(run):
    atom, column = z3.DeclareSort("atom"), z3.DeclareSort("column")
    col, π = function("column", atom, column), function("π", atom, atom)
    i, j, u = (constant(name, atom) for name in "iju")
    swapped = z3.If(u == i, j, z3.If(u == j, i, u))
    n, σ, c, following = symbols("n σ c c′", positive=True)
    apart, variance = _moved(1, 1)
    agree = ((K - s) * (K - s - 1) + s * (s - 1)) / (K * (K - 1))
    exact = all(expected(uniform(k, a), independent(uniform(k, a), m)) == (_binary(k, a, m), _distinct(k, a, m))
                for k, a, m in CASES)  # fmt: skip
    trap = [exchangeable.r_squared(uniform(3, a), p) for a in (1, 2) for p in consistent((a == 2, a == 2, a == 1))]
    return [
        prove(
            "two equal columns: the exchange of their atoms respects the anchors",
            [col(i) == col(j)],
            col(swapped) == col(u),
        ),
        prove(
            "different columns: a π that respects the anchors moves no atom",
            [z3.Implies(π(u) != u, col(π(u)) != col(u)), col(π(u)) == col(u)],
            π(u) == u,
        ),
        scalar.identity(
            "a uniform permutation of a class of n atoms leaves each in place in (n−1)! of n! cases: one atom",
            n * factorial(n - 1) / factorial(n),
            Rational(1),
        ),
        scalar.identity(
            "Σ_{1≤j≤t} (−1)^{j+1} C(n,j) = 1 − (−1)^t C(n−1,t), from t to t+1 by Pascal's rule; t = n: the "
            "sum over sets of j of the n atoms with a pattern counts a pattern that occurs once",
            (1 - σ * c) + σ * (c + following),
            1 - (-σ) * following,
        ),
        scalar.identity(
            "K − f moved atoms: 1 − R² = 2(K − f)/(K−1)", (K - f) * apart / variance, 2 * (K - f) / (K - 1)
        ),
        scalar.identity("two atoms agree on an anchor", agree, 1 - 2 * s * (K - s) / (K * (K - 1))),
        Step("sympy", "complete cases: every anchor set, permutation and code", exact, f"K,s,m: {CASES}"),
        Step("sympy", "the traps K = 3, m = 1, s = 1 or 2: R² = 1 or −1", sorted(trap) == [-1, -1, 1, 1], f"{trap}"),
    ]


@AMPLITUDES.by("proof")
def _(run):
    apart, variance = _moved(a1, a2)
    names = ("a_i", "a_j", "b_i", "b_j")
    ai, aj, bi, bj = (constant(name, z3.RealSort()) for name in names)
    r = constant("r", z3.IntSort())
    κ = _kappa(K, s, a1, a2).subs(a1**2, ρ * a2)
    exact = all(
        expected(uniform(k, a, VALUES), independent(uniform(k, a), m), amplitude_columns)[0] == _amplitudes(k, a, m)
        for k, a, m in CASES
    )
    return [
        prove("almost surely a_i ≠ a_j: equal entries of an anchor mean that both are not active",
              [ai != aj, ai != 0, aj != 0, z3.Or(bi == 0, bi == 1), z3.Or(bj == 0, bj == 1), bi * ai == bj * aj],
              z3.And(bi == 0, bj == 0)),
        prove("so the classes are single atoms and one of r: K − r + 1[r ≥ 1] of them, which is K iff r ≤ 1", [r >= 0],
              (z3.If(r >= 1, 1, 0) - r == 0) == (r <= 1)),
        scalar.identity("one moved atom costs κ", apart / variance, _kappa(K, s, a1, a2)),
        scalar.identity("κ − 2/K ≥ 0, where ρ = (E a)²/E a² ≤ 1", κ - 2 / K,
                        2 * ρ * (K - s) / (K * (K - 1) * (K - ρ * s))),
        scalar.identity("2/(K−1) − κ ≥ 0, and 0 for constant amplitudes", 2 / (K - 1) - κ,
                        2 * (1 - ρ) / ((K - 1) * (K - ρ * s))),
        Step("sympy", "complete cases, amplitudes 1 and 3: every support, permutation and code", exact, f"{CASES}"),
    ]  # fmt: skip


def _members():
    sizes = st.integers(2, 6).flatmap(lambda k: st.tuples(st.just(k), st.integers(1, k - 1)))
    return st.tuples(sizes, st.integers(0, 5), st.integers(0, 2**32 - 1)).map(lambda m: (*m[0], *m[1:]))


def _mean_r_squared(Z: np.ndarray, columns: Sequence) -> tuple[float, int]:
    """Mean R² over the permutations that respect the columns, by trying all; and their number."""
    orders = np.array(consistent(columns))
    lost = ((Z[:, orders] - Z[:, None]) ** 2).sum((0, 2))
    return float(1 - lost.mean() / ((Z - Z.mean(0)) ** 2).sum()), len(orders)


@BINARY.by("numeric")
def _(run):
    def check(member: tuple[int, int, int, int]):
        k, active, m, seed = member
        Z = np.array(exchangeable.codes(k, active), dtype=float)
        anchors = Z[np.random.default_rng(seed).integers(len(Z), size=m)]
        found, count = _mean_r_squared(Z, binary_columns(anchors.tolist(), k))
        different = closed.distinct_columns(anchors)
        yield abs(found - closed.concept_r_squared(k, active, different)), tolerance(k, len(Z))
        yield (count == 1) != (different == k), 0.5
        exact = float(_distinct(k, active, m))
        yield abs(closed.expected_distinct_columns(k, active, m) - exact), tolerance(k, 1)

    return run.holds("the mean over all permutations that respect drawn anchors, K ≤ 6", _members(), check)


@AMPLITUDES.by("numeric")
def _(run):
    def check(member: tuple[int, int, int, int]):
        k, active, m, seed = member
        rng = np.random.default_rng(seed)
        Z = np.array([c for c in uniform(k, active, (1, 4))], dtype=float) / 2
        anchors = (Z[rng.integers(len(Z), size=m)] > 0) * rng.normal(size=(m, k))
        found, count = _mean_r_squared(Z, binary_columns(anchors.tolist(), k))
        r = int((anchors == 0).all(axis=0).sum())
        predicted = closed.concept_r_squared(k, active, k - r + (r >= 1), 1.25, 2.125)
        yield abs(found - predicted), tolerance(k, len(Z))
        yield (count == 1) != (r <= 1), 0.5
        both = float(MEAN), float(SQUARE)
        exact = float(_amplitudes(k, active, m))
        yield abs(closed.expected_concept_r_squared(k, active, m, both) - exact), tolerance(k, len(Z))

    return run.holds("the same with normal amplitudes in the anchors, 1/2 and 2 in the codes", _members(), check)


@BINARY.by("simulated")
def _(run):
    rng, cases = run.rng(), ((3, 2, 1), (12, 3, 6), (32, 4, 10), (24, 12, 4), (20, 17, 8))
    return Simulated(
        "E R² of a permutation drawn from those that respect m drawn anchors, and the number of distinct columns",
        {
            **{f"R², K,s,m = {c}": (closed.expected_concept_r_squared(*c), _drawn(rng, *c)) for c in cases},
            "columns, (32, 4, 10)": (
                closed.expected_distinct_columns(32, 4, 10),
                drawn.expected_distinct_columns(32, 4, 10, draws=DRAWS, rng=rng),
            ),
        },
        {
            f"the formula with amplitudes, {c}": (closed.expected_concept_r_squared(*c, UNIFORM), _drawn(rng, *c))
            for c in cases
        },
    )


@AMPLITUDES.by("simulated")
def _(run):
    rng = run.rng()
    mean, some = drawn.never_active(32, 4, 14, draws=DRAWS, rng=rng)
    return Simulated(
        "E R² with uniform amplitudes of given mean and mean square, and the number r",
        {
            **{
                f"R², K,s,m = {c}, E a, E a² = {a}": (closed.expected_concept_r_squared(*c, a), _drawn(rng, *c, a))
                for c in ((12, 3, 6), (32, 4, 10), (24, 12, 2))
                for a in ((1.0, 1.0001), (0.0, 1.0))
            },
            "E r, (32, 4, 14)": (closed.never_active(32, 4, 14)[0], mean),
            "P(r ≥ 1), (32, 4, 14)": (closed.never_active(32, 4, 14)[1], some),
        },
        {
            f"the binary formula, {c}": (closed.expected_concept_r_squared(*c), _drawn(rng, *c, UNIFORM))
            for c in ((3, 2, 1), (12, 3, 6), (24, 12, 4))
        },
    )


DRAWS, UNIFORM = 3000, (1 / 2, 1 / 3)


def _drawn(rng, *case):
    return drawn.expected_concept_r_squared(*case, draws=DRAWS, rng=rng)


def _without(dropped, shown, case, formula, law, anchors, columns, allowed=consistent) -> Counterexample:
    """E R² where a hypothesis fails, against the formula; those about support, anchors and π are computed."""
    k, active, m = case
    supports: Counter = Counter()
    first: dict[Code, Fraction] = {}
    for code, chance in law.items():
        supports[tuple(int(x > 0) for x in code)] += chance
    for several, chance in anchors.items():
        if m:
            first[several[0]] = first.get(several[0], Fraction(0)) + chance
    facts = {
        "uniform support": supports == uniform(k, active),
        "independent anchors": anchors == independent(first, m),
        "π uniform": allowed is consistent,
    }
    holds = {f"not: {h}" if h == dropped else h: fact != (h == dropped) for h, fact in facts.items()}
    predicted, found = formula(*case), expected(law, anchors, columns, allowed)[0]
    shown = f"K = {k}, s = {active}, m = {m}, {shown}: E R² = {found}"
    return Counterexample(shown, holds, {f"E R² = {predicted}": found == predicted}, abs(found - predicted))


def _shared_necessity(values, columns, formula) -> dict[str, Counterexample]:
    one, anchor = uniform(3, 1, values), independent(uniform(3, 1), 1)
    skewed = {c: p * Fraction(3, 2 if c[0] else 4) for c, p in one.items()}
    repeated = {(c, c): p for c, p in uniform(3, 1).items()}

    def farthest(told: Sequence) -> list:
        return [max(consistent(told), key=lambda p: sum(i != j for i, j in enumerate(p)))]

    cases = {
        "uniform support": ("the first atom twice as often", (3, 1, 0), skewed, {(): Fraction(1)}),
        "independent anchors": ("twice the same anchor", (3, 1, 2), one, repeated),
        "π uniform": ("the π that moves most", (3, 1, 1), one, anchor),
    }
    return {
        name: _without(
            name, shown, case, formula, law, anchors, columns, farthest if name == "π uniform" else consistent
        )
        for name, (shown, case, law, anchors) in cases.items()
    }


@BINARY.by("necessity")
def _(run):
    shared = _shared_necessity((1,), binary_columns, _binary)
    law, anchor = uniform(3, 2, VALUES), independent(uniform(3, 2), 1)
    shown = "amplitudes that all differ"
    told = _without("binary codes", shown, (3, 2, 1), _binary, law, anchor, amplitude_columns)
    return Necessity({"binary codes": told, **shared})


@AMPLITUDES.by("necessity")
def _(run):
    shared = _shared_necessity(VALUES, amplitude_columns, _amplitudes)
    law, case = uniform(3, 2, VALUES), (3, 2, 1)
    common = {tuple(a * x for x in c): p / 2 for c, p in uniform(3, 2).items() for a in VALUES}
    return Necessity(
        {
            "continuous": _without(
                "continuous", "amplitudes 1 or 3", case, _amplitudes, law, independent(law, 1), binary_columns
            ),
            "independent amplitudes": _without(
                "independent amplitudes",
                "one amplitude for all active atoms of a code",
                case,
                _amplitudes,
                common,
                independent(uniform(3, 2), 1),
                binary_columns,
            ),
            **shared,
        }
    )


@BINARY.by("mutants")
def _(run):
    apart, variance = _moved(1, 1)
    cost = (K - f) * apart / variance
    agree = 1 - 2 * s * (K - s) / (K * (K - 1))
    variants = [
        ("change", "K − 1 is K", 2 * (K - f) / K),
        ("drop", "no factor 2", (K - f) / (K - 1)),
        ("flip", "f moved atoms", 2 * f / (K - 1)),
        ("equivalent", "2 − 2(f − 1)/(K−1)", 2 - 2 * (f - 1) / (K - 1)),
    ]
    pairs = [
        ("change", "atoms independent: q_2 = 1 − 2s(K−s)/K²", 1 - 2 * s * (K - s) / K**2),
        ("drop", "only where both are inactive", (K - s) * (K - s - 1) / (K * (K - 1))),
        ("drop", "q_2 = 1 − s(K−s)/(K(K−1))", 1 - s * (K - s) / (K * (K - 1))),
    ]
    return Mutants([*scalar.mutants(cost, variants, run.rng()), *scalar.mutants(agree, pairs, run.rng())])


@AMPLITUDES.by("mutants")
def _(run):
    apart, variance = _moved(a1, a2)
    square, mean = a2, a1**2
    variants = [
        ("drop", "κ = 2/(K−1) for all amplitudes", 2 / (K - 1)),
        ("drop", "κ = 2/K for all amplitudes", 2 / K),
        ("change", "s − 1 is s", 2 * (square - mean * s / (K - 1)) / (K * square - s * mean)),
        ("swap", "E a² and (E a)²", 2 * (mean - square * (s - 1) / (K - 1)) / (K * mean - s * square)),
    ]  # fmt: skip
    return Mutants(scalar.mutants(apart / variance, variants, run.rng()))
