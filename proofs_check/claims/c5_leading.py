"""Theorem C5, few active atoms among many: leading orders for s ≪ K, with their errors, and where they end."""

import math
from fractions import Fraction
from math import comb, factorial, perm

import z3
from hypothesis import strategies as st
from sympy import Rational, diff, exp, gamma, log, symbols

from proofs_check import scalar
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity, Step
from proofs_check.exchangeable import Law, amplitude_columns, binary_columns, independent, uniform
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import Term, constant, prove, proves
from proofs_check.simulated import Simulated
from theory.ambiguity import permutations as closed
from theory.monte_carlo import permutations as drawn

UNIQUE = Claim(
    "C5.iv",
    "The permutation becomes unique at (K/s) ln K anchors, if s ln K ≪ K (leading order)",
    "K → ∞, s ln K/K → 0, m = (K/s)(ln K + c): r = #never active → Poisson(λ), λ = e^{−c}, and "
    "P(π is fixed) → (1 + λ)e^{−λ}, with amplitudes and without",
    "Collecting coupons, s at a time: around (K/s) ln K anchors the number of atoms that were never active is close to "
    "a Poisson number, and one may be left. Other coincidences of binary columns are rarer. Outside s ln K ≪ K the two "
    "kinds of anchors part: at s = K/2 amplitudes need fewer; binary codes need more, as many for K − s as for s.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("s ln K ≪ K", "uniform support", "independent anchors"),
    requires=("C5.ii", "C5.iii"),
)
CURVE = Claim(
    "C5.vi",
    "With continuous amplitudes E R² ≈ 1 − 2e^{−ms/K} for s ≪ K (leading order)",
    "|E R² − (1 − 2e^{−ms/K})| ≤ 2/(K−1) + 2s/(e(K−s)) for every m and every law of the amplitudes",
    "The curve counts the atoms that were never active. It needs many atoms and few active ones, and no particular "
    "amplitudes, but different ones: with binary codes it is too optimistic unless s = 1.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("continuous amplitudes", "independent anchors"),
    requires=("C5.iii",),
)

x, K, s, L, j, c, λ = symbols("x K s L j c λ", positive=True)


def _logarithm() -> list[Step]:
    """Both vanish at 0."""
    return [
        scalar.identity("x ≤ −ln(1−x), x < 1", diff(-log(1 - x) - x, x), x / (1 - x)),
        scalar.identity("−ln(1−x) ≤ x/(1−x), x < 1", diff(x / (1 - x) + log(1 - x), x), x / (1 - x) ** 2),
    ]


def _moment(K: int, s: int, m: int, j: int) -> Fraction:
    """E r(r−1)…(r−j+1), by the formula."""
    return perm(K, j) * Fraction(comb(K - j, s), comb(K, s)) ** m


@UNIQUE.by("proof")
def _(run):
    n, t, i, σ, first, following = symbols("n t i σ c c′", positive=True)
    whole, part = (constant(name, z3.RealSort()) for name in ("s", "j"))

    def chosen(n, j):
        return gamma(n + 1) / (gamma(j + 1) * gamma(n - j + 1))

    return [
        # E r(r−1)…(r−j+1) = K(K−1)…(K−j+1) q^m, q = Π_{i<j} (1 − s/(K−i)), L = ms/K = ln K + c.
        *_logarithm(),
        scalar.identity("upper bound: K^j q^m ≤ K^j e^{−jL} = λ^j", K**j * exp(-j * (log(K) + c)), exp(-c) ** j),
        scalar.identity("lower bound: −m ln q exceeds jL by at most jL(s+j−1)/(K−j+1−s)",
                        K * L / s * (s / (K - j + 1 - s) - s / K), L * (s + j - 1) / (K - j + 1 - s)),
        prove("which is of order j²sL/K → 0, so that E r(r−1)…(r−j+1) → λ^j", [whole >= 1, part >= 1],
              whole + part - 1 <= whole * part),
        scalar.identity("Σ_{j≤t} (−1)^j C(n,j) = (−1)^t C(n−1,t), from t to t+1 by Pascal's rule: partial sums enclose "
                        "1[n = 0], so that P(r = 0) → Σ_j (−λ)^j/j! = e^{−λ}", σ * first - σ * (first + following),
                        -σ * following),
        scalar.identity("1[n = t] = C(n,t)·1[n−t = 0] and C(n,t)·C(n−t,i) = C(t+i,i)·C(n,t+i): likewise P(r = t) → "
                        "λ^t e^{−λ}/t!", chosen(n, t) * chosen(n - t, i), chosen(t + i, i) * chosen(n, t + i)),
        scalar.identity("binary: K²q_2^m ≤ exp(2 ln K − 2L(K−s)/(K−1)) → e^{−2c}, as for pairs never active: the "
                        "expected number of other pairs with equal columns → 0",
                        2 * (L - c) - 2 * L * (K - s) / (K - 1), -2 * c + 2 * L * (s - 1) / (K - 1)),
        _counted(),
    ]  # fmt: skip


def _counted() -> Step:
    cases = [(3, 1, 2), (4, 1, 3), (4, 2, 2), (5, 2, 2)]
    accepted = True
    for k, active, m in cases:
        left = [amplitude_columns(a, k).count(None) for a in independent(uniform(k, active), m)]
        moments = [Fraction(sum(perm(r, j) for r in left), len(left)) for j in range(1, k + 1)]
        accepted &= moments == [_moment(k, active, m, j) for j in range(1, k + 1)]
    return Step("sympy", "complete cases: the factorial moments of r over all anchors", accepted, f"K,s,m: {cases}")


def _lower(k: int, active: int, m: int, j: int) -> float:
    """The lower bound of E r(r−1)…(r−j+1)/λ^j in the proof."""
    rest = k - j + 1 - active
    return perm(k, j) / k**j * math.exp(-j * m * active / k * (active + j - 1) / rest) if rest > 0 else 0.0


@UNIQUE.by("numeric")
def _(run):
    def check(member: tuple[int, int, float]):
        k, active, c = member
        m = max(round(k / active * (math.log(k) + c)), 0)
        mean = k * math.exp(-m * active / k)
        moments = {j: float(_moment(k, active, m, j)) for j in range(1, k + 1)}
        for j in range(1, 5):
            ratio = moments[j] / mean**j
            yield ratio - 1, ROUNDING
            yield _lower(k, active, m, j) - ratio, ROUNDING
        # P(r ≤ 1) = 1 − Σ_j (−1)^j (j−1) E C(r,j), term by term.
        found = 1 - sum((-1) ** j * (j - 1) * moments[j] / factorial(j) for j in range(2, k + 1))
        slack = sum((j - 1) * mean**j / factorial(j) * (1 - _lower(k, active, m, j)) for j in range(2, k + 1))
        yield abs(found - closed.identification_probability(k, active, m)), slack + ROUNDING

    members = st.tuples(st.integers(8, 64), st.integers(1, 4), st.floats(-1.0, 3.0))
    return run.holds("factorial moments of r between their bounds; P(r ≤ 1) as close as these allow", members, check)


ROUNDING = 1e-9


@UNIQUE.by("simulated")
def _(run):
    rng, kinds = run.rng(), {"binary": False, "amplitudes": True}

    def row(case: tuple[int, int, int], kind: str, draws: int = 300):
        found = drawn.identification_probability(*case, kinds[kind], draws=draws, rng=rng)
        return closed.identification_probability(*case), found

    inside = [
        ((128, 1, 621), "binary"),
        ((128, 2, 310), "amplitudes"),
        ((128, 2, 390), "binary"),
        ((128, 4, 155), "binary"),
    ]
    outside = [((64, 32, 8), kind) for kind in kinds] + [((64, 60, 4), kind) for kind in kinds]
    rival = drawn.identification_probability(128, 4, 155, draws=300, rng=rng)
    return Simulated(
        "the share of anchor sets that leave one permutation, against (1 + λ)e^{−λ}, λ = K e^{−ms/K}",
        {f"s ln K ≪ K, {kind}, K,s,m = {case}": row(case, kind) for case, kind in inside},
        {
            **{f"s of the order of K, {kind}, {case}": row(case, kind, 100) for case, kind in outside},
            "rival e^{−λ}, no atom may be left, (128, 4, 155)": (math.exp(-128 * math.exp(-155 * 4 / 128)), rival),
        },
    )


@UNIQUE.by("necessity")
def _(run):
    k, m, one = 8, 17, uniform(8, 1)
    first: Law = {(1, *[0] * (k - 1)): Fraction(1)}
    nearly_all, always, copied = (
        independent(uniform(6, 5), 2),
        {tuple(first) * m: Fraction(1)},
        {(z,) * m: p for z, p in one.items()},
    )
    pairs = {n: int(n / (n - 1) * math.log(n)) for n in range(6, 65)}

    def never(shown: str, anchors, **facts: bool) -> Counterexample:
        chance = sum(
            (p for a, p in anchors.items() if len(set(binary_columns(a, len(a[0])))) == len(a[0])), Fraction(0)
        )
        holds = {"c = 0: 2/e > 7/10": bool(2 * exp(-1) > Rational(7, 10)), **facts}
        return Counterexample(
            shown, holds, {"P(π is fixed) > 7/10": chance > Fraction(7, 10)}, Fraction(7, 10) - chance
        )

    return Necessity(
        {
            "s ln K ≪ K": never(
                "s = K−1, m = ⌊(K/s) ln K⌋: K − m columns of ones at least, no π is fixed; K = 6, m = 2",
                nearly_all,
                **{"K − m ≥ 2 for K = 6 to 64": all(n - m >= 2 for n, m in pairs.items()) and pairs[6] == 2},
            ),
            "uniform support": never(
                f"always the first atom: two different columns for all K; K = {k}, m = {m}",
                always,
                **{"independent anchors": always == {a: Fraction(1) for a in [tuple(first) * m]}},
            ),
            "independent anchors": never(
                f"m times the same anchor: two different columns for all K; K = {k}, s = 1, m = {m}",
                copied,
                **{"uniform support": {a[0]: p for a, p in copied.items()} == one},
            ),
        }
    )


@UNIQUE.by("mutants")
def _(run):
    λ = K * exp(-x)
    variants = [
        ("change", "unique iff r = 0", exp(-λ)),
        ("change", "unique iff r ≤ 2", (1 + λ + λ**2 / 2) * exp(-λ)),
        ("drop", "no factor K: λ = e^{−ms/K}", (1 + exp(-x)) * exp(-exp(-x))),
        ("change", "pairs of atoms: λ = K²e^{−2ms/K}/2, none left", exp(-(λ**2) / 2)),
        ("equivalent", "1 less the chance of two or more", 1 - (exp(λ) - 1 - λ) * exp(-λ)),
    ]
    return Mutants(scalar.mutants((1 + λ) * exp(-λ), variants, run.rng()))


class _Curve:
    """k = κK, h = 2/(K−1), y = (1−s/K)^m, E = e^{−x}, b = s/(e(K−s)), P = P(r ≥ 1); the difference is 2E − ky + κP."""

    def __init__(self):
        names = ("κK", "κ", "h", "y", "E", "b", "P")
        k, κ, h, y, E, b, P = (constant(name, z3.RealSort()) for name in names)
        self.cost, self.share = z3.And(k >= 2, k <= 2 + h, κ >= 0, κ <= h), z3.And(P >= 0, P <= 1)
        self.below, self.near = z3.And(y >= 0, y <= E, E <= 1), E - y <= b
        self.error, self.h, self.b = 2 * E - k * y + κ * P, h, b
        self.x, self.u, self.w, self.E, self.y = (constant(n, z3.RealSort()) for n in ("x", "ε/(1−ε)", "1/e", "E", "y"))

    def close(self, low: Term, high: Term) -> Term:
        """The error lies between."""
        return z3.And(self.error >= low, self.error <= high)


@CURVE.by("proof")
def _(run):
    f = _Curve()
    return [
        *_logarithm(),
        prove("e^{−x/(1−ε)} ≤ y = (1−ε)^m ≤ E = e^{−x}, x = ms/K, ε = s/K; xE ≤ 1/e; so E − y ≤ b = s/(e(K−s))",
              [f.u >= 0, f.y >= f.E * (1 - f.x * f.u), f.x * f.E <= f.w], f.E - f.y <= f.w * f.u),
        scalar.identity("ε/(1−ε) = s/(K−s)", s / K / (1 - s / K), s / (K - s)),
        prove("E R² = 1 − κ(Ky − P(r ≥ 1)), 2/K ≤ κ ≤ 2/(K−1)", [f.cost, f.share, f.below, f.near],
              f.close(-f.h, f.h + 2 * f.b)),
    ]  # fmt: skip


def _leading(k: int, active: int, m: int) -> float:
    return 1 - 2 * math.exp(-m * active / k)


def _bound(k: int, active: int) -> float:
    return 2 / (k - 1) + 2 * active / (math.e * (k - active))


@CURVE.by("numeric")
def _(run):
    def check(member: tuple[int, float, float, float]):
        k, part, depth, variance = member
        active = 1 + int(part * (k - 1))
        case = k, active, round(depth * k / active)
        found = closed.expected_concept_r_squared(*case, (1.0, 1 + variance))
        yield abs(found - _leading(*case)), _bound(k, active)

    members = st.tuples(st.integers(2, 200), st.floats(0, 0.99), st.floats(0, 6), st.floats(0, 100))
    return run.holds("the exact E R² at any K, s, m and amplitudes, against the bound", members, check)


@CURVE.by("simulated")
def _(run):
    rng, unit = run.rng(), (1 / 2, 1 / 3)

    def row(case: tuple[int, int, int], amplitudes: tuple[float, float] | None = None):
        return _leading(*case), drawn.expected_concept_r_squared(*case, amplitudes, draws=300, rng=rng)

    return Simulated(
        "E R² of drawn anchors, permutations and codes, against 1 − 2e^{−ms/K}",
        {
            f"s ≪ K, {name}, K,s,m = {case}": row(case, a)
            for case in ((128, 1, 64), (128, 2, 64), (128, 2, 128))
            for name, a in (("a between 0 and 1", unit), ("E a = 0", (0.0, 1.0)))
        },
        {
            "s = K/2, (32, 16, 2)": row((32, 16, 2), unit),
            "s = 3K/4, (32, 24, 1)": row((32, 24, 1), unit),
            "binary codes, (64, 4, 16)": row((64, 4, 16)),
            "few atoms, (3, 1, 3)": row((3, 1, 3), unit),
        },
    )


@CURVE.by("necessity")
def _(run):
    k, active, m = 64, 4, 16
    ways = [comb(k - j, active) + comb(k - j, k - active) for j in range(k + 1)]
    distinct = sum((-1) ** (j + 1) * comb(k, j) * Fraction(ways[j], comb(k, active)) ** m for j in range(1, k + 1))
    found = {
        "continuous amplitudes": ("binary codes", 1 - Fraction(2, k - 1) * (k - distinct)),
        # Near-constant amplitudes, κ → 2/(K−1): one anchor, repeated, names its s atoms.
        "independent anchors": ("m times the same anchor", 1 - Fraction(2, k - 1) * (k - active - 1)),
    }
    near, limit = _leading(k, active, m), _bound(k, active)
    return Necessity(
        {
            name: Counterexample(
                f"K = {k}, s = {active}, m = {m}, {shown}: E R² = {float(value):.4f}, not {near:.4f} ± {limit:.4f}",
                {"m anchors, ms/K = 1": m * active == k},
                {"within the bound": abs(float(value) - near) <= limit},
                Fraction(int(1000 * (abs(float(value) - near) - limit)), 1000),
            )
            for name, (shown, value) in found.items()
        }
    )


@CURVE.by("mutants")
def _(run):
    f = _Curve()
    given = [f.cost, f.share, f.below, f.near]

    def off(case: tuple[int, int, int], bound: float, amplitudes: tuple[float, float] | None = (1.0, 1.0)) -> float:
        return abs(closed.expected_concept_r_squared(*case, amplitudes) - _leading(*case)) / bound

    few, many = (64, 1, 200), (64, 48, 1)
    return Mutants(
        [
            Mutant(
                "drop",
                "|…| ≤ 2s/(e(K−s))",
                proves(given, f.close(-2 * f.b, 2 * f.b)),
                off(few, _bound(*few[:2]) - 2 / 63),
            ),
            Mutant("drop", "|…| ≤ 2/(K−1)", proves(given, f.close(-f.h, f.h)), off(many, 2 / 63)),
            Mutant(
                "drop",
                "binary codes too: no bound on E − y",
                proves(given[:-1], f.close(-f.h, f.h + 2 * f.b)),
                off((64, 4, 16), _bound(64, 4), None),
            ),
            Mutant("flip", "E R² ≤ 1 − 2e^{−ms/K}", proves(given, f.error <= 0), off(many, 1e-3)),
        ]
    )
