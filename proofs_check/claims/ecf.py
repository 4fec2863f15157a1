"""The characteristic-function loss on batches: a biased V-statistic, and its unbiased form."""

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import product

import numpy as np
from sympy import I, Integer, conjugate, exp, pi, symbols

from proofs_check import certified, laws, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity, Step
from proofs_check.ledger import Claim, Verdict
from theory import discrepancy
from theory.linalg import tolerance

PLUG_IN = Claim(
    "ECF.i",
    "The batch loss estimates the distance of the laws without bias",
    "E ∫|φ̂_a − φ̂_b|² w dt = ∫|φ_P − φ_Q|² w dt",
    "The losses insert empirical characteristic functions of two batches into the distance of the two laws, as if that "
    "were right on average.",
    "App. F, eqs. (22)–(25)",
    Verdict.REFUTED,
)
BIAS = Claim(
    "ECF.i-corrected",
    "The batch loss is a V-statistic with a known bias",
    "E ∫|φ̂_a − φ̂_b|² w = ∫|φ_P − φ_Q|² w + (1/n)∫(1 − |φ_P|²) w + (1/m)∫(1 − |φ_Q|²) w",
    "For two independent batches of n and m independent rows the loss is too large by a term that favours concentrated "
    "laws: minimising it shrinks.",
    "correction of App. F, eqs. (22)–(25)",
    Verdict.VERIFIED,
    hypotheses=("independent rows", "independent batches"),
    corrects="ECF.i",
)
UNBIASED = Claim(
    "ECF.ii",
    "A form of the same cost is unbiased",
    "E ∫[(n|φ̂_a|² − 1)/(n − 1) + (m|φ̂_b|² − 1)/(m − 1) − 2Re φ̂_a φ̂_b*] w = ∫|φ_P − φ_Q|² w;  it can be negative",
    "The U-statistic costs the same two empirical functions; it needs two independent batches of at least two rows.",
    "ours; Gretton et al. 2012, eq. 3",
    Verdict.VERIFIED,
    hypotheses=("independent rows", "independent batches", "n, m ≥ 2"),
)

n, m, f, g, c, p, θ = symbols("n m f g c p θ", positive=True)
# E|φ̂_a|² and E|φ̂_b|² of independent rows, for |φ_P|² = f and |φ_Q|² = g; independent batches keep c = Re φ_P φ_Q*.
F = (n * (1 - f) + n**2 * f) / n**2
G = F.subs({n: m, f: g}, simultaneous=True)
DISTANCE = f + g - 2 * c


@BIAS.by("proof")
def _(run):
    return [
        *_second_moment(),
        scalar.identity(
            "E|φ̂_a|² + E|φ̂_b|² − 2Re φ_P φ_Q* is the distance and the bias",
            F + G - 2 * c,
            DISTANCE + (1 - f) / n + (1 - g) / m,
        ),
    ]


@UNBIASED.by("proof")
def _(run):
    return [
        *_second_moment(),
        scalar.identity("(nE|φ̂_a|² − 1)/(n − 1) + … = |φ_P − φ_Q|²", _u_statistic(F, G), DISTANCE),
        scalar.identity(
            "it takes negative values: a = b = (0, π), n = m = 2, t = 1 has φ̂_a = φ̂_b = 0",
            _u_statistic((abs(1 + exp(I * pi)) / 2) ** 2, (abs(1 + exp(I * pi)) / 2) ** 2).subs({n: 2, m: 2, c: 0}),
            Integer(-2),
        ),
    ]


def _u_statistic(a, b):
    return (n * a - 1) / (n - 1) + (m * b - 1) / (m - 1) - 2 * c


def _second_moment():
    wave = p + (1 - p) * exp(I * θ)
    middle = (1 + exp(I * θ)) / 2
    pairs = p**2 + (1 - p) ** 2 + 2 * p * (1 - p) * middle * conjugate(middle)
    return [
        certified.step("ECF-second-moment", "n²E|φ̂|² = n(1 − f) + n²f for n independent rows"),
        scalar.identity(
            "the complete case n = 2, two atoms: E|φ̂|² over all four samples",
            pairs,
            F.subs({n: 2, f: wave * conjugate(wave)}),
        ),
    ]


@BIAS.by("numeric")
def _(run):
    def check(member: laws.Draws):
        mean, distance, bias, eps = _expectations(member, unbiased=False)
        yield abs(mean - distance - bias), eps

    return run.holds("mean over every possible pair of batches of two laws on three atoms", laws.draws(), check)


@UNBIASED.by("numeric")
def _(run):
    def check(member: laws.Draws):
        mean, distance, _, eps = _expectations(member, unbiased=True)
        yield abs(mean - distance), eps

    return run.holds("mean over every possible pair of batches of two laws on three atoms", laws.draws(2), check)


@PLUG_IN.by("counterexample")
def _(run):
    mean = _mean(APART, _v)
    return Counterexample(
        "P = Q = ½δ_0 + ½δ_π, t = 1, two batches of two rows: the loss is 1 on average over all 16 samples",
        _independent(APART),
        {"E loss = 0": mean == 0},
        mean,
    )


@PLUG_IN.by("family")
def _(run):
    def check(member: laws.Draws):
        mean, distance, bias, _ = _expectations(member, unbiased=False)
        yield mean - distance, 0.99 * bias

    return run.violates(
        "mean over all batches less the distance, against 99 % of the predicted bias", laws.draws(), check
    )


@BIAS.by("necessity")
def _(run):
    return Necessity(_dependent("the distance and the bias, 1", _v))


@UNBIASED.by("necessity")
def _(run):
    return Necessity(
        _dependent("the distance, 0", _u),
        {"n, m ≥ 2": "for a single row the form is 0/0; no function of one row has the mean |φ|² for all laws"},
    )


@BIAS.by("mutants")
def _(run):
    truth = F + G - 2 * c
    variants = [
        ("drop", "no bias", DISTANCE),
        ("drop", "only the first batch is biased", DISTANCE + (1 - f) / n),
        ("flip", "the bias is negative", DISTANCE - (1 - f) / n - (1 - g) / m),
        ("swap", "the sizes are exchanged", DISTANCE + (1 - f) / m + (1 - g) / n),
        ("double", "1/n is 2/n", DISTANCE + 2 * (1 - f) / n + (1 - g) / m),
        ("change", "1/n is 1/(n − 1)", DISTANCE + (1 - f) / (n - 1) + (1 - g) / m),
        ("equivalent", "f, g shrunk by 1 − 1/n, 1 − 1/m", f * (1 - 1 / n) + g * (1 - 1 / m) + 1 / n + 1 / m - 2 * c),
    ]
    return Mutants([*scalar.mutants(truth, variants, run.rng()), *certified.mutants("ECF-second-moment", run.rng())])


@UNBIASED.by("mutants")
def _(run):
    variants = [
        ("change", "n − 1 is n", (n * F - 1) / n + (m * G - 1) / (m - 1) - 2 * c),
        ("drop", "no −1", n * F / (n - 1) + (m * G - 1) / (m - 1) - 2 * c),
        ("swap", "the sizes are exchanged", (m * F - 1) / (m - 1) + (n * G - 1) / (n - 1) - 2 * c),
        ("flip", "+2Re φ_P φ_Q*", _u_statistic(F, G) + 4 * c),
        ("change", "only one side is corrected", (n * F - 1) / (n - 1) + G - 2 * c),
        ("equivalent", "E|φ̂|² − (1 − E|φ̂|²)/(n − 1)", F - (1 - F) / (n - 1) + G - (1 - G) / (m - 1) - 2 * c),
    ]
    return Mutants(scalar.mutants(DISTANCE, variants, run.rng()))


def _expectations(member: laws.Draws, unbiased: bool) -> tuple[float, float, float, float]:
    """Mean of the statistic over all batches, the distance, the bias and the rounding error."""
    a, b, chance = member.columns
    grid = laws.GRID
    phi_p, phi_q = member.characteristic(grid)
    mean = float(chance @ discrepancy.ecf_distance(a, b, grid, unbiased))
    bias = float(discrepancy.plugin_bias(phi_p, phi_q, member.n, member.m, grid))
    return mean, float(grid.weights @ np.abs(phi_p - phi_q) ** 2), bias, tolerance(4 * grid.mass, len(chance))


# For the atoms 0 and π and t = 1 a row contributes exp(itx) = ±1, each with probability ½: exact enumeration.
SIGNS = list(product((1, -1), repeat=4))
APART = [(s[:2], s[2:]) for s in SIGNS]
COPIED = {
    "independent rows": ("a twice the same row", [((s[0], s[0]), s[2:]) for s in SIGNS]),
    "independent batches": ("b the same rows as a", [(s[:2], s[:2]) for s in SIGNS]),
}


def _v(a, b) -> Fraction:
    return (Fraction(sum(a), len(a)) - Fraction(sum(b), len(b))) ** 2


def _u(a, b) -> Fraction:
    within = sum((len(s) * Fraction(sum(s), len(s)) ** 2 - 1) / (len(s) - 1) for s in (a, b))
    return within - 2 * Fraction(sum(a), len(a)) * Fraction(sum(b), len(b))


def _mean(outcomes, statistic: Callable) -> Fraction:
    return Fraction(sum(statistic(*batches) for batches in outcomes)) / len(outcomes)


def _independent(outcomes) -> dict[str, bool]:
    """Exact: whether the joint law of the equally likely outcomes is the product of its marginals."""

    def factorises(left, right) -> bool:
        joint, first, second = Counter(zip(left, right, strict=True)), Counter(left), Counter(right)
        return all(joint[x, y] * len(outcomes) == first[x] * second[y] for x in first for y in second)

    a, b = zip(*outcomes, strict=True)
    rows = all(factorises(*zip(*side, strict=True)) for side in (a, b))
    return {"independent rows": rows, "independent batches": factorises(a, b)}


def _dependent(expected: str, statistic: Callable) -> dict[str, Counterexample | Step]:
    """P = Q = ½δ_0 + ½δ_π, t = 1, n = m = 2: what the mean becomes when rows or batches are copied."""
    value, found = _mean(APART, statistic), {}
    for name, (text, outcomes) in COPIED.items():
        mean = _mean(outcomes, statistic)
        others = {k: v for k, v in _independent(outcomes).items() if k != name}
        shown = f"P = Q = ½δ_0 + ½δ_π, t = 1, two rows each, {text}: mean {mean}"
        found[name] = Counterexample(shown, others, {f"the mean is {expected}": mean == value}, abs(mean - value))
    return found
