"""Theorem C4: what anchors leave of the ambiguity of independent components, and the R² of what is left.

Rows: y = sN with independent sources s of mean 0 and variance 1, r of them Gaussian; the translations are sPN.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import z3
from hypothesis import strategies as st
from sympy import Expr, Integer, expand, factorial, limit, oo, symbols
from z3 import And, ForAll, Implies, Or

from proofs_check import certified, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity, Step
from proofs_check.finite_sources import SKEWED, Matrix, conditions, joint, moved, signed_permutations
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import prove
from proofs_check.simulated import Simulated
from theory.ambiguity.components import Ambiguity, expected_matched_r_squared
from theory.ambiguity.rotations import haar, map_r_squared
from theory.ambiguity.sources import LAWS
from theory.linalg import tolerance
from theory.moments import Moments
from theory.monte_carlo import components as simulation

ANCHORED = Claim(
    "C4.iii",
    "One anchor fixes the non-Gaussian components, r fix all",
    "P uniform on the elements of O(r) ⊕ H that meet m exact anchors, non-Gaussian laws without atoms: m ≥ 1 leaves "
    "O(r − m) almost surely; E R² = 1 − 2(r − m)/d for 1 ≤ m ≤ r, 1 for m ≥ r; m = 0: E R² = 2c/d − 1, c = number of "
    "asymmetric laws that differ up to sign, d − r if H = {1}; all this if NNᵀ ∝ 1 (y whitened) or Q_* is Haar",
    "A row tells all components without atoms apart, and signs as well; each further dimension of the Gaussian part "
    "takes a row of its own. With atoms, equal components stay confused where they agree on all anchors.",
    "theorem C4 (ours)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("no atoms", "exact anchors", "P uniform", "NNᵀ ∝ 1"),
    requires=("C4.i",),
)

COUNT = 0.5
SEEDS = st.integers(0, 2**32 - 1)
r, d, m, k, n = symbols("r d m k n", positive=True)


@ANCHORED.by("proof")
def _(run):
    index = z3.DeclareSort("index")
    anchor: Any = z3.Function("a", index, z3.RealSort())
    source: Any = z3.Function("σ", index, index)
    sign: Any = z3.Function("e", index, z3.RealSort())
    i, j = (z3.Const(name, index) for name in "ij")
    mean: Any = z3.Real("E")
    return [
        prove(
            "a signed permutation that meets an anchor is the identity, if its entries are not 0 and differ up to sign",
            [
                anchor(j) == sign(j) * anchor(source(j)),
                Or(sign(j) == 1, sign(j) == -1),
                anchor(j) != 0,
                ForAll([i], Implies(i != j, And(anchor(i) != anchor(j), anchor(i) != -anchor(j)))),
            ],
            And(source(j) == j, sign(j) == 1),
        ),
        Step(
            "sympy",
            "they do so almost surely: cut R into n cells of s_i-probability 1/n, as a law without atoms allows; "
            "P(s_i = ±s_j) ≤ Σ P(s_i ∈ cell)·P(±s_j ∈ cell) = 1/n, for every n; and P(s_i = 0) = 0",
            bool(limit(1 / n, n, oo) == 0),
            "lim 1/n = 0",
        ),
        certified.step("C4-error", "R² = 1 − ‖(P − 1)N‖²/‖N‖², ‖(P − 1)N‖² = 2Tr NᵀN − 2Tr NᵀPN"),
        certified.step("C4-whitened", "NNᵀ = 1: R² = 2Tr(P)/d − 1"),
        _haar_average(),
        certified.step(
            "C4-average",
            "m independent anchors (almost surely: a subspace has probability 0) fix the columns a, and H is as likely "
            "as −H: the mean trace of the Gaussian part is m",
        ),
        prove("which is 0 without anchors, as the mean of ±1 for s ~ −s: E = −E", [mean == -mean], mean == 0),
        scalar.identity(
            "k equal asymmetric laws: each of k keeps its place in (k − 1)! of k! permutations, 1 of them on average",
            k * factorial(k - 1) / factorial(k),
            Integer(1),
        ),
        scalar.identity("d − r and m of r stay", 2 * (d - r + m) / d - 1, 1 - 2 * (r - m) / d),
    ]


def _haar_average() -> Step:
    """E QΣyQᵀ under Haar Q, from the part of the Haar law that the signed permutations are."""
    S = [[symbols(f"s{min(a, b)}{max(a, b)}") for b in range(3)] for a in range(3)]
    turns, flat = [*signed_permutations(3)], True
    for a in range(3):
        for b in range(3):
            total: Any = sum((e[a] * e[b] * S[g[a]][g[b]] for g, e in turns), Integer(0))
            even: Expr = (S[0][0] + S[1][1] + S[2][2]) / 3 if a == b else Integer(0)
            flat = flat and expand(total / len(turns) - even) == 0
    return Step(
        "sympy",
        "Haar Q_*: E NNᵀ = (TrΣy/d)·1. A Haar matrix times a uniform signed permutation is Haar, and signs cancel what "
        "is off the diagonal, places average what is on it",
        flat,
        f"Σ_g gSgᵀ/{len(turns)} = Tr(S)/3·1 for d = 3",
    )


@ANCHORED.by("numeric")
def _(run):
    def unanchored(member: tuple[list[str], int]):
        laws, rng, width = tuple(member[0]), np.random.default_rng(member[1]), len(member[0])
        M, A = (haar(width, rng) * rng.uniform(0.5, 2, width) for _ in range(2))
        group, Q = Ambiguity(laws, M), haar(sum(law.endswith("gaussian") for law in laws), rng)
        turns = (Q, -Q) if len(Q) else (None,)
        values = [_measured(M, A, group.element(P, T)) for P in group.signed_permutations() for T in turns]
        yield abs(np.mean(values) - expected_matched_r_squared(laws, 0, M @ A)), tolerance(10, width, gap=1 / 64)

    def anchored(member: tuple[int, int, int]):
        gaussians, count, rng = *member[:2], np.random.default_rng(member[2])
        laws, given = ("gaussian",) * gaussians + ("laplace", "laplace", "exponential"), min(count, gaussians)
        width, known = len(laws), rng.normal(size=(count, len(laws)))
        group, A = Ambiguity(laws, haar(width, rng)), haar(width, rng)
        meeting = [P for P in group.signed_permutations() if (known @ P == known).all()]
        yield abs(len(meeting) - 1), COUNT
        frame = np.linalg.qr(np.hstack([known[:, :gaussians].T, rng.normal(size=(gaussians, gaussians))]))[0]
        fixed, free = frame[:, :given] @ frame[:, :given].T, frame[:, given:gaussians]
        H = haar(gaussians - given, rng)
        maps = [group.element(meeting[0], fixed + free @ turn @ free.T) for turn in (H, -H)]
        rounding = tolerance(10, width, gap=min(np.linalg.svd(known[:, :gaussians])[1][:given]) / 10)
        yield max(float(np.abs(known @ group.M @ S - known @ group.M).max()) for S in maps), rounding
        values = [_measured(group.M, A, S) for S in maps]
        yield abs(np.mean(values) - expected_matched_r_squared(laws, count)), tolerance(10, width)

    names = st.sampled_from([sign + law for law in LAWS for sign in ("", "-")])
    return [
        run.holds(
            "no anchor, any Σy: mean R² over H and ±Q from second moments",
            st.tuples(st.lists(names, min_size=1, max_size=4), SEEDS),
            unanchored,
        ),
        run.holds(
            "m anchors, whitened y: only 1 ∈ H meets them; mean R² over ±H on what they leave",
            st.tuples(st.integers(1, 4), st.integers(1, 5), SEEDS),
            anchored,
        ),
    ]


def _measured(M: np.ndarray, A: np.ndarray, S: np.ndarray) -> float:
    """R² of the translation x ↦ xSA of x = sM, y = xA."""
    Sx, zero = M.T @ M, np.zeros(len(M))
    return map_r_squared(Moments(9, zero, zero, Sx, Sx @ A, A.T @ Sx @ A), S @ A)


@ANCHORED.by("simulated")
def _(run):
    rng, draws = run.rng(), 4000
    mixed = ("gaussian",) * 3 + ("laplace", "laplace", "exponential")
    equal = ("exponential", "exponential", "-exponential", "uniform", "two-point")
    atoms = ("two-point", "two-point", "-two-point", "exponential")
    uneven = np.diag([5.0, 2.0, 1.0, 0.5, 0.2, 0.1])
    turned = np.stack([haar(6, rng) for _ in range(draws)]) @ uneven

    def drawn(laws, count, loadings=None):
        return simulation.expected_matched_r_squared(laws, count, loadings, draws=draws, rng=rng)

    def row(laws, count, loadings=None):
        return expected_matched_r_squared(laws, count, loadings), drawn(laws, count, loadings)

    whitened = expected_matched_r_squared(mixed, 1)
    inside = {f"3 Gaussian, 2 Laplace, 1 exponential; m = {count}": row(mixed, count) for count in range(4)} | {
        "the same, Σy^{1/2} = diag(5 … 0.1), Haar Q_*, m = 1": (whitened, drawn(mixed, 1, turned)),
        "the same, Q_* = 1, 2⟨E P, NNᵀ⟩/Tr NNᵀ − 1, m = 1": row(mixed, 1, uneven),
        "3 exponential up to sign, uniform, two-point; m = 0": row(equal, 0),
        "exponential and two-point: no anchor is needed": row(("exponential", "-two-point"), 0),
        "3 two-point up to sign and exponential, with their atoms; m = 2": row(atoms, 2),
    }
    outside = {
        "two-point laws as if without atoms, m = 2": (1.0, drawn(atoms, 2)),
        "a Gaussian taken for another law, m = 1": (1 - 2 * (2 - 1) / 6, drawn(mixed, 1)),
        "H forgotten: 1 − 2r/d, m = 0": (1 - 2 * 3 / 6, drawn(mixed, 0)),
        "Q_* = 1 and unequal variances, formula of whitened y, m = 1": (whitened, drawn(mixed, 1, uneven)),
        "asymmetric laws taken for symmetric ones, m = 0": (-1.0, drawn(equal, 0)),
    }
    return Simulated("E R² over drawn anchors and drawn elements of the group that meet them", inside, outside)


def _r2(P: Matrix, N: Matrix) -> Fraction:
    """Exact 1 − ‖(P − 1)N‖²/‖N‖²."""
    size = range(len(N))
    error = sum(sum((P[a][b] - (a == b)) * N[b][c] for b in size) ** 2 for a in size for c in size)
    return 1 - Fraction(error, sum(x**2 for row in N for x in row))


@ANCHORED.by("necessity")
def _(run):
    unit, exchange, flip = [[1, 0], [0, 1]], [[0, 1], [1, 0]], [[-1, 0], [0, 1]]
    law = joint(SKEWED, SKEWED)
    confused = Fraction(0)
    for s, p in law.items():
        meeting = [P for P in (unit, exchange) if moved({s: p}, P) == {s: p}]
        confused += p * sum(_r2(P, unit) for P in meeting) / len(meeting)
    (only,) = [P for P in (1, -1) if 1 * P == -1]
    even, weighted = ((_r2(unit, N) + _r2(flip, N)) / 2 for N in (unit, [[2, 0], [0, 1]]))
    return Necessity(
        {
            "no atoms": Counterexample(
                f"two copies of −2 (2/3), 4 (1/3), m = 1, y = s: E R² = {confused} over anchors and what meets them",
                {name: conditions(law)[name] for name in ("s_i independent", "E s_i = 0", "Var s_i = 1")},
                {"E R² = 1": confused == 1},
                1 - confused,
            ),
            "exact anchors": Counterexample(
                "d = r = m = 1, y = x, the anchor (1, −1): only P = −1 meets it",
                {"P ∈ O(1)": only**2 == 1},
                {"E R² = 1": _r2([[only]], [[1]]) == 1},
                1 - _r2([[only]], [[1]]),
            ),
            "P uniform": Counterexample(
                "d = r = 1, m = 0: P = 1 always, in place of 1 and −1",
                {"uniform, it is −1": (_r2([[1]], [[1]]) + _r2([[-1]], [[1]])) / 2 == -1},
                {"E R² = −1": _r2([[1]], [[1]]) == -1},
                _r2([[1]], [[1]]) + 1,
            ),
            "NNᵀ ∝ 1": Counterexample(
                f"one Gaussian, one skewed source, N = diag(2, 1), m = 0: E R² = {weighted} over P = diag(±1, 1)",
                {"with N = 1 it is 1 − 2r/d = 0": even == 0},
                {"E R² = 0": weighted == 0},
                abs(weighted),
            ),
        }
    )


@ANCHORED.by("mutants")
def _(run):
    variants = [
        ("drop", "an anchor fixes no Gaussian dimension: 1 − 2r/d", 1 - 2 * r / d),
        ("change", "as if all were Gaussian: 2m/d − 1", 2 * m / d - 1),
        ("change", "the mean of the maps, not one of them: 1 − (r − m)/d", 1 - (r - m) / d),
        ("double", "1 − 4(r − m)/d", 1 - 4 * (r - m) / d),
        ("swap", "the share of the Gaussian part: 1 − 2(r − m)/r", 1 - 2 * (r - m) / r),
        ("equivalent", "2(d − r + m)/d − 1", 2 * (d - r + m) / d - 1),
    ]
    found = scalar.mutants(1 - 2 * (r - m) / d, variants, run.rng())
    return Mutants([*found, *(x for name in ("C4-error", "C4-average") for x in certified.mutants(name, run.rng()))])
