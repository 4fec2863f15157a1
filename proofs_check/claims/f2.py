"""Theorem F2: points that two batches share make a distributional loss an instance loss in part."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import inf
from typing import Any

import numpy as np
from hypothesis import strategies as st
from sympy import Integer, symbols

from proofs_check import certified, laws, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity, Step
from proofs_check.ledger import Claim, Verdict
from proofs_check.shared_points import (
    SAMPLINGS,
    Batches,
    Points,
    alike,
    coincidence,
    from_law,
    from_set,
    mean_loss,
    once,
)
from proofs_check.simulated import Simulated
from theory import discrepancy, leak
from theory.linalg import tolerance
from theory.monte_carlo import leak as monte_carlo

SHARED = Claim(
    "F2.i",
    "Points in both batches leak an instance loss",
    "n and m points of a law, h of them in both, ρ = h/(nm): E|φ̂_X − φ̂_Y|² = |φ_P − φ_Q|² + (1/n)(1 − |φ_P|²) + "
    "(1/m)(1 − |φ_Q|²) + ρ[E|e^{itX} − e^{itY}|² − (2 − 2Re φ_Pφ_Q*)]; for m = n, h = pn: (1 − 1/n)|φ_P − φ_Q|² + "
    "(1/n)[p·E|e^{itX} − e^{itY}|² + (1 − p)(2 − 2Re φ_Pφ_Q*)]; the unbiased form has the same leak",
    "On row-matched batches the loss that should compare laws contains the instance loss with weight 1/n. The order of "
    "the rows plays no part: shuffling inside a batch leaks in full, and only disjoint points leak nothing. The two "
    "sides of dREC or of dCYC share every point, unless they are taken from different rows.",
    "ours; from ECF.i-corrected and ECF.ii",
    Verdict.VERIFIED,
    hypotheses=("independent points", "no point twice in a batch"),
    requires=("ECF.i-corrected", "ECF.ii"),
)
FINITE = Claim(
    "F2.ii",
    "Batches from one set of N points leak (ρN − 1)/(N − 1)",
    "ρ = P(a row of each batch shows one point): F2.i with the laws of the set and v ↦ (vN − 1)/(N − 1) applied to "
    "1/n, 1/m (0 and 0 if unbiased) and ρ: the leak is 0 of independent batches, −1/(N − 1) of disjoint ones; over the "
    "draw of the set it is ρ: 1/N of independent batches",
    "Training sees one set again and again. Independent batches compare its two empirical laws as matched batches of N "
    "rows would, a leak of 1/N; disjoint batches drawn anew even punish matching, by 1/(N − 1) of an instance loss.",
    "ours; from F2.i",
    Verdict.VERIFIED,
    hypotheses=("no point twice in a batch", "every point alike"),
    requires=("F2.i",),
)

n, m, N, ρ, p, h, f, g, c, J = symbols("n m N ρ p h f g c J", positive=True)
# f = |φ_P|², g = |φ_Q|², c = Re φ_Pφ_Q*, J = Re E exp(it(X − Y)) of one point; a, b and w are weights.
INSTANCE, UNMATCHED, DISTANCE = 2 - 2 * J, 2 - 2 * c, f + g - 2 * c
WEIGHT = (ρ * N - 1) / (N - 1)
MATCHED = (1 - 1 / n) * DISTANCE + (p * INSTANCE + (1 - p) * UNMATCHED) / n


def _predicted(a: Any, b: Any, w: Any, values: Any = (f, g, c, J)) -> Any:
    f, g, c, J = values
    return f + g - 2 * c + a * (1 - f) + b * (1 - g) + w * (2 * c - 2 * J)


def _statistic(F: Any, G: Any, cross: Any, unbiased: bool = False) -> Any:
    """Mean loss from E|φ̂_X|², E|φ̂_Y|² and E Re φ̂_Xφ̂_Y*."""
    within = ((n * F - 1) / (n - 1), (m * G - 1) / (m - 1)) if unbiased else (F, G)
    return sum(within) - 2 * cross


@SHARED.by("proof")
def _(run):
    F, G, cross = f + (1 - f) / n, g + (1 - g) / m, c + (J - c) * h / (n * m)
    loss = _statistic(F, G, cross)
    return [
        certified.step("ECF-second-moment", "E|φ̂_X|² = f + (1 − f)/n, and likewise for Y"),
        certified.step(
            "F2-cross", "nm·E φ̂_Xφ̂_Y* = nmc + h(J − c), wherever the h pairs of rows stand that show one point"
        ),
        scalar.identity("the plug-in loss", loss, _predicted(1 / n, 1 / m, h / (n * m))),
        scalar.identity("m = n, h = pn", loss.subs({m: n, h: p * n}), MATCHED),
        scalar.identity("the unbiased loss", _statistic(F, G, cross, True), _predicted(0, 0, h / (n * m))),
        Step(
            "sympy",
            "complete: all draws of 1 to 3 rows, 0 to 2 of them shared, from laws of three points, at t = π/2",
            all(
                _law_agrees(points, *sizes, unbiased)
                for points, sizes, unbiased in product(LAWS, SIZES, FORMS)
                if min(sizes[:2]) > unbiased
            ),
        ),
    ]


@FINITE.by("proof")
def _(run):
    within = {k: (N / k - 1) / (N - 1) for k in (n, m)}
    cross, weight = c + WEIGHT * (J - c), WEIGHT.subs(ρ, 1 / N)
    F, G = f + within[n] * (1 - f), g + within[m] * (1 - g)
    return [
        scalar.identity(
            "rows of different points have the mean (N²c − NJ)/(N(N − 1)), all N(N − 1) pairs alike, so that "
            "E Re φ̂_Xφ̂_Y* = ρJ + (1 − ρ)(N²c − NJ)/(N(N − 1)) = c + w(J − c), w = (ρN − 1)/(N − 1)",
            ρ * J + (1 - ρ) * (N**2 * c - N * J) / (N * (N - 1)),
            cross,
        ),
        scalar.identity(
            "inside a batch Y = X, J = 1 and ρ = 1/n: E|φ̂_X|²", cross.subs({J: 1, c: f, ρ: 1 / n}, simultaneous=True), F
        ),
        scalar.identity("the plug-in loss", _statistic(F, G, cross), _predicted(within[n], within[m], WEIGHT)),
        scalar.identity(
            "the unbiased loss", _statistic(F, G, cross, True), _predicted(-1 / (N - 1), -1 / (N - 1), WEIGHT)
        ),
        scalar.identity("independent batches, ρ = 1/N", weight, Integer(0)),
        scalar.identity("disjoint batches, ρ = 0", WEIGHT.subs(ρ, 0), -1 / (N - 1)),
        certified.step(
            "F2-cross", "over the draw of the set, matched with itself: E φ_Pφ_Q* of the set is c + (J − c)/N"
        ),
        scalar.identity("so that the leak of the set and w of the rest are ρ in all", 1 / N + (1 - 1 / N) * WEIGHT, ρ),
        Step(
            "sympy",
            "complete: every disjoint, independent and aligned pair of batches from sets of 4 and 5 points, at t = π/2",
            all(_set_agrees(*case) for case in product(SETS, SAMPLINGS, FORMS)),
        ),
    ]


# Points of whole numbers at t = π/2, where exp(itx) is a power of i.
LAWS = [[(0, 0), (1, 1), (2, 3)], [(0, 1), (1, 2), (2, 2)]]
SIZES = [(2, 2, 0), (2, 2, 1), (2, 2, 2), (3, 2, 2), (1, 2, 1)]
SETS = [[(0, 0), (1, 1), (2, 3), (1, 2)], [(0, 1), (1, 1), (1, 2), (3, 3), (2, 0)]]
FORMS = (False, True)


def _law_agrees(points: Points, n: int, m: int, h: int, unbiased: bool) -> bool:
    mean, values = mean_loss(points, from_law(len(points), n, m, h), unbiased)
    a, b = (Fraction(not unbiased, size) for size in (n, m))
    return mean == _predicted(a, b, Fraction(h, n * m), values)


def _set_agrees(points: Points, sampling: str, unbiased: bool) -> bool:
    """Batches of two points each."""
    batches = from_set(sampling, len(points), 2, 2)
    within, (mean, values) = Fraction(not unbiased, 2), mean_loss(points, batches, unbiased)
    a, w = ((ρ * len(points) - 1) / (len(points) - 1) for ρ in (within, coincidence(batches)))
    return mean == _predicted(a, a, w, values)


def _residuals(seed: int, batches: Batches, N: int, ρ: float, n_points: float) -> Iterator[tuple[float, float]]:
    """Mean loss over batches of N random points on the line, less the closed form, in both forms."""
    x, noise = np.random.default_rng(seed).normal(size=(2, N))
    y = x + 0.5 * noise
    P, Q, joint = (discrepancy.ecf(v[:, None], laws.GRID.nodes)[:, 0] for v in (x, y, x - y))
    first, second = (np.array(side).T for side in zip(*batches, strict=True))
    n, m = len(first), len(second)
    for unbiased in FORMS[: min(n, m)]:
        mean = float(discrepancy.ecf_distance(x[first], y[second], laws.GRID, unbiased).mean())
        expected = float(leak.expected_distance(P, Q, laws.GRID, n, m, joint, ρ, n_points, unbiased))
        yield abs(mean - expected), tolerance(4 * laws.GRID.mass, n + m)


SEEDS = st.integers(0, 2**32 - 1)


@SHARED.by("numeric")
def _(run):
    def check(member: tuple[int, tuple[int, int, int]]):
        seed, (n, m, h) = member
        yield from _residuals(seed, from_law(3, n, m, h), 3, h / (n * m), inf)

    members = st.tuples(SEEDS, st.sampled_from(SIZES))
    return run.holds("mean over all draws of batches from laws of three points", members, check)


@FINITE.by("numeric")
def _(run):
    def check(member: tuple[int, int, int, int]):
        seed, N, n, m = member
        for sampling, size, ρ in (("independent", m, 1 / N), ("disjoint", min(m, N - n), 0.0), ("aligned", n, 1 / n)):
            yield from _residuals(seed, from_set(sampling, N, n, size), N, ρ, N)

    members = st.tuples(SEEDS, st.integers(4, 5), st.integers(1, 3), st.integers(1, 3))
    return run.holds("mean over all batches of small sets", members, check)


def _gaussian(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Points (x, y): standard normal, of standard deviation 1.3, correlation 0.8."""
    x, noise = rng.standard_normal((2, *shape))
    return x, 1.3 * (0.8 * x + 0.6 * noise)


def _waves(t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    variance = 1.0, 1.3**2, 1 + 1.3**2 - 2 * 0.8 * 1.3
    P, Q, joint = (np.exp(-v * t**2 / 2) for v in variance)
    return P, Q, joint


@SHARED.by("simulated")
def _(run):
    rng, n, draws, (P, Q, joint) = run.rng(), 16, 2000, _waves(laws.GRID.nodes)

    def predicted(ρ: float, unbiased: bool = False) -> float:
        return float(leak.expected_distance(P, Q, laws.GRID, n, n, joint, ρ, unbiased=unbiased))

    def found(sampling, N: int, matched: int, unbiased: bool = False):
        x, y = _gaussian(rng, (draws, N))
        y[:, matched:] = _gaussian(rng, (draws, N - matched))[1]
        return monte_carlo.expected_distance(x, y, laws.GRID, n, n, sampling, unbiased, draws=draws, rng=rng)

    matched, half, apart, again = (
        found(*case) for case in (("aligned", n, n), ("aligned", n, 8), ("disjoint", 32, 32), ("independent", 24, 24))
    )
    corrected = found("aligned", n, n, True)
    return Simulated(
        "mean plug-in loss of 16 and 16 rows, x ~ N(0, 1), y ~ N(0, 1.69), correlation 0.8, orders shuffled",
        {
            "the same points, p = 1": (predicted(1 / n), matched),
            "p = 1/2": (predicted(1 / (2 * n)), half),
            "disjoint points, p = 0": (predicted(0.0), apart),
            "p = 1, unbiased form": (predicted(1 / n, True), corrected),
            "independent batches of 24 points drawn anew: ρ = 1/24": (predicted(1 / 24), again),
        },
        {
            "p = 1 without the leak": (predicted(0.0), matched),
            "p = 1 without the leak, unbiased form": (predicted(0.0, True), corrected),
            "p = 1/2 as p = 1": (predicted(1 / n), half),
            "disjoint points as p = 1": (predicted(1 / n), apart),
            "independent batches as p = 1": (predicted(1 / n), again),
            "independent batches without a leak": (predicted(0.0), again),
        },
    )


@FINITE.by("simulated")
def _(run):
    rng, N, n, draws = run.rng(), 12, 6, 4000
    x, y = _gaussian(rng, (N,))
    P, Q, joint = (discrepancy.ecf(v[:, None], laws.GRID.nodes)[:, 0] for v in (x, y, x - y))

    def loss(sampling, ρ: float, unbiased: bool = False):
        how = {"draws": draws, "rng": rng}
        found = monte_carlo.expected_distance(x, y, laws.GRID, n, n, sampling, unbiased, **how)
        return float(leak.expected_distance(P, Q, laws.GRID, n, n, joint, ρ, N, unbiased)), found

    def weight(sampling, drawn: bool = False):
        return monte_carlo.instance_weight(sampling, N, n, n, drawn, draws=draws, rng=rng)

    aligned, independent, disjoint = (weight(s) for s in ("aligned", "independent", "disjoint"))
    again = weight("independent", drawn=True)
    return Simulated(
        "weight of the instance loss in batches of 6 and 6 of 12 points, and the mean loss on one such set",
        {
            "aligned: weight 1/11": (leak.instance_weight(1 / n, N), aligned),
            "independent: weight 0": (leak.instance_weight(1 / N, N), independent),
            "disjoint: weight −1/11": (leak.instance_weight(0.0, N), disjoint),
            "independent, set drawn anew: weight 1/12": (leak.instance_weight(1 / N), again),
            "aligned, loss": loss("aligned", 1 / n),
            "independent, loss": loss("independent", 1 / N),
            "disjoint, loss": loss("disjoint", 0.0),
            "disjoint, unbiased loss": loss("disjoint", 0.0, True),
        },
        {
            "aligned without a leak": (0.0, aligned),
            "independent, weight 1/n": (1 / n, independent),
            "independent, set drawn anew, weight 1/n": (1 / n, again),
            "independent, set drawn anew, without a leak": (0.0, again),
            "disjoint without a leak": (0.0, disjoint),
            "disjoint, loss of aligned batches": (loss("aligned", 1 / n)[0], loss("disjoint", 0.0)[1]),
        },
    )


@SHARED.by("necessity")
def _(run):
    # The four values of a point (x, y), x and y independent and uniform on {0, π}, at t = 1.
    values: Points = [(x, y) for x in (0, 2) for y in (0, 2)]
    copied, expected = mean_loss(values, [((k, k), (k, k)) for k in range(4)])
    twice, _ = mean_loss(values, [((k, k), (i, j)) for k, i, j in product(range(4), repeat=3)])
    facts = {"f = g = c = J = 0": expected == (0, 0, 0, 0)}
    shown = "t = 1, x and y independent and uniform on {0, π}, two rows each"
    return Necessity(
        {
            "independent points": Counterexample(
                f"{shown}: the same points, of which the second is a copy of the first",
                facts,
                {"E loss = 1/2 + 1/2 + (2 − 2)/2": copied == 1},
                copied - 1,
            ),
            "no point twice in a batch": Counterexample(
                f"{shown}: the first batch shows one point twice, the second two others",
                facts,
                {"E loss = 1/2 + 1/2": twice == 1},
                twice - 1,
            ),
        }
    )


@FINITE.by("necessity")
def _(run):
    def counterexample(shown: str, points: Points, batches: Batches, kept: str, a: int, b: int):
        ρ = coincidence(batches)
        mean, values = mean_loss(points, batches)
        expected = _predicted(a, b, 2 * ρ - 1, values)
        facts = {"no point twice in a batch": once(batches), "every point alike": alike(batches, 2)}
        return Counterexample(
            f"t = 1, the points {shown}",
            {kept: facts[kept]},
            {f"E loss = {expected}": mean == expected},
            mean - expected,
        )

    return Necessity(
        {
            "every point alike": counterexample(
                "(0, 0) and (0, π), the first always on one side, the second on the other",
                [(0, 0), (0, 2)],
                [((0,), (1,))],
                "no point twice in a batch",
                1,
                1,
            ),
            "no point twice in a batch": counterexample(
                "(0, 0) and (π, 0), one of them twice on one side, one of them on the other",
                [(0, 0), (2, 0)],
                [((k, k), (i,)) for k, i in product(range(2), repeat=2)],
                "every point alike",
                0,
                1,
            ),
        }
    )


@SHARED.by("mutants")
def _(run):
    variants = [
        ("drop", "no leak", (1 - 1 / n) * DISTANCE + UNMATCHED / n),
        ("change", "weight 1/n²", (1 - 1 / n) * DISTANCE + (p * INSTANCE / n + (1 - p / n) * UNMATCHED) / n),
        ("drop", "the distance in full", MATCHED + DISTANCE / n),
        ("swap", "p and 1 − p", MATCHED.subs(p, 1 - p)),
        ("equivalent", "distance, bias, leak", _predicted(1 / n, 1 / n, p / n)),
    ]
    certificates = certified.mutants("F2-cross", run.rng())
    return Mutants([*scalar.mutants(MATCHED, variants, run.rng()), *certificates])


@FINITE.by("mutants")
def _(run):
    variants = [
        ("drop", "ρ", ρ),
        ("change", "ρ − 1/N", ρ - 1 / N),
        ("change", "(ρN − 1)/N", (ρ * N - 1) / N),
        ("flip", "(ρN + 1)/(N + 1)", (ρ * N + 1) / (N + 1)),
        ("equivalent", "ρ − (1 − ρ)/(N − 1)", ρ - (1 - ρ) / (N - 1)),
    ]
    return Mutants(scalar.mutants(WEIGHT, variants, run.rng()))
