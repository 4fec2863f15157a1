"""Proposition 3 and Appendix F: when a zero distributional loss means equal laws."""

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import hyp0f1, hyp1f1, roots_gegenbauer
from sympy import Eq, I, Integer, Rational, Symbol, cos, exp, integrate, oo, pi, simplify, solve, summation, symbols
from z3 import And, Const, DeclareSort, Exists, ForAll, Function, Real, RealSort

from proofs_check import laws, logic
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from theory import discrepancy
from theory.linalg import tolerance

SEPARATES = Claim(
    "P3.iv",
    "A zero loss means equal laws",
    "(1/|U|) Σ_{u∈U} Σ_k w_k |φ_{u·P}(t_k) − φ_{u·Q}(t_k)|² = 0 ⇒ P = Q",
    "The losses stand for equality of laws, by Cramér and Wold. As computed, they do not: finitely many slices in two "
    "or more dimensions, or finitely many t (however irregular, with all slices), or t from a bounded interval each "
    "leave different laws at distance zero. For compactly supported laws the interval is enough, see P3.v.",
    "App. F, eqs. (23)–(24); Proposition 3",
    Verdict.REFUTED,
)
ALL = Claim(
    "P3.iv-corrected",
    "With all slices and a weight that is positive everywhere it does",
    "∫∫|φ_P(tu) − φ_Q(tu)|² w(t) dt dσ(u) = 0, w > 0 a.e., σ(u) uniform ⇒ P = Q",
    "Slices drawn anew cover all directions in the long run; together with a weight that is positive for almost every "
    "t, every frequency tu is compared.",
    "correction of App. F and Proposition 3",
    Verdict.MODULO_AXIOMS,
    hypotheses=("L = 0", "all slices", "w > 0"),
    axioms=("vanishing integral", "characteristic functions"),
    corrects="P3.iv",
)


class _Formulas:
    """Frequencies ξ = tu, the real and imaginary parts of two characteristic functions, a weight."""

    def __init__(self):
        frequency, direction = DeclareSort("ξ"), DeclareSort("u")
        scaled = Function("t·u", RealSort(), direction, frequency)
        parts: list[Any] = [Function(name, frequency, RealSort()) for name in ("Re φ_P", "Re φ_Q", "Im φ_P", "Im φ_Q")]
        weight: Any = Function("w", RealSort(), RealSort())
        t, u, ξ = Real("t"), Const("u", direction), Const("ξ", frequency)

        def gap(x):
            return (parts[0](x) - parts[1](x)) ** 2 + (parts[2](x) - parts[3](x)) ** 2

        self.zero = ForAll([t, u], weight(t) * gap(scaled(t, u)) == 0)
        self.positive = ForAll([t], weight(t) > 0)
        self.non_negative = ForAll([t], weight(t) >= 0)
        self.covered = ForAll([ξ], Exists([t, u], ξ == scaled(t, u)))
        self.equal = ForAll([ξ], And(parts[0](ξ) == parts[1](ξ), parts[2](ξ) == parts[3](ξ)))


@ALL.by("proof")
def _(run):
    f = _Formulas()
    return [
        cite("vanishing integral"),
        logic.prove(
            "w(t)|φ_P(tu) − φ_Q(tu)|² = 0 for all t and u, w > 0, every ξ is some tu ⇒ φ_P = φ_Q",
            [f.zero, f.positive, f.covered],
            f.equal,
        ),
        cite("characteristic functions"),
    ]


@ALL.by("numeric")
def _(run):
    def check(member):
        seed, d, n = member
        rng = np.random.default_rng(seed)
        a, b = (2.0 * rng.integers(0, 3, size=(n, d)) for _ in range(2))
        loss = laws.all_slices_loss(a, b)
        atoms, inverse = np.unique(np.concatenate([a, b]), axis=0, return_inverse=True)
        weights = np.bincount(inverse.ravel(), np.repeat([1 / n, -1 / n], n))
        # E_u exp(−⟨u, δ⟩²/2) = ₁F₁(½; d/2; −‖δ‖²/2) for uniform slices; its Fourier transform is positive, and on
        # points of (2Z)^d, d ≤ 3, the Gram matrix is at least 0.04.
        gram = hyp1f1(0.5, d / 2, -((atoms[:, None] - atoms) ** 2).sum(-1) / 2)
        eps = tolerance(4 * laws.HERMITE.mass, 2 * n * 60)
        yield abs(loss - laws.HERMITE.mass * weights @ gram @ weights), eps
        yield laws.HERMITE.mass * 0.04 * (weights**2).sum(), loss + eps

    members = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4))
    return run.holds(
        "the loss over all slices is at least 0.04√(2π)·‖P − Q‖² for laws on (2Z)^d, d ≤ 3", members, check
    )


@ALL.by("necessity")
def _(run):
    return Necessity(
        {
            "L = 0": gaussian_apart(),
            "all slices": two_slices(),
            "w > 0": bounded_weight(),
        }
    )


@ALL.by("mutants")
def _(run):
    f = _Formulas()
    two, grid = two_slices(), _finite_grid()
    variants = [
        ("drop", "without w > 0", [f.zero, f.covered], grid.margin),
        ("change", "w ≥ 0 in place of w > 0", [f.zero, f.non_negative, f.covered], grid.margin),
        ("drop", "without all slices", [f.zero, f.positive], two.margin),
        ("drop", "without L = 0", [f.positive, f.covered], gaussian_apart().margin),
    ]
    # Total variation 1 refutes; 1/100 keeps the scale of the other mutants' margins.
    return Mutants([Mutant(name, text, logic.proves(h, f.equal), float(100 * tv)) for name, text, h, tv in variants])


@SEPARATES.by("counterexample")
def _(run):
    return [two_slices(), _finite_grid(), _spheres(), bounded_weight()]


def gaussian_apart() -> Counterexample:
    """Different laws whose loss over both slices of the line is not 0, under a weight that is positive everywhere."""
    s = Symbol("s", real=True)
    w = exp(-(s**2) / 2)
    slices = {u: (1 - exp(I * s * u)) * (1 - exp(-I * s * u)) for u in (1, -1)}
    losses = [simplify(integrate((gap * w).expand(), (s, -oo, oo))) for gap in slices.values()]
    P, Q = {Integer(0): Integer(1)}, {Integer(1): Integer(1)}
    return Counterexample(
        f"δ_0 and δ_1 on the line, w = exp(−t²/2): the loss is {losses[0]}",
        {
            "all slices: ±1 are the unit vectors of the line, and see the same": set(slices) == _units()
            and losses[0] == losses[1],
            "w > 0": bool(w.is_positive),
            "L ≠ 0": bool(losses[0] > 0),
        },
        {"P = Q": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


def _units() -> set[int]:
    return set(solve(Symbol("u") ** 2 - 1))


def two_slices() -> Counterexample:
    """Different laws in the plane with equal projections on both axes."""
    P, Q = laws.uniform((0, 0), (1, 1)), laws.uniform((0, 1), (1, 0))
    projections = [laws.total_variation(laws.projected(P, u), laws.projected(Q, u)) for u in ((1, 0), (0, 1))]
    return Counterexample(
        "P = ½(δ_00 + δ_11), Q = ½(δ_01 + δ_10), slices e₁ and e₂: all projections agree",
        {"L = 0 for every t-grid": all(tv == 0 for tv in projections)},
        {"P = Q": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


def _finite_grid() -> Counterexample:
    nodes = [Rational(3 * k, 16) for k in range(17)]
    P, Q = {Integer(0): Integer(1)}, {2 * pi / nodes[1]: Integer(1)}
    return Counterexample(
        "the default grid t = 3k/16, k ≤ 16, on the line: δ_0 and δ_{32π/3}",
        {"L = 0 for all slices of the line": laws.exact_loss(P, Q, dict.fromkeys(nodes, 1)) == 0},
        {"P = Q": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


def _spheres() -> Counterexample:
    """A slice of the uniform law on the sphere of radius r in R³ is uniform on [−r, r] (Archimedes)."""
    s = Symbol("s", real=True)
    r = {"P": pi, "Q": 2 * pi}
    waves = [{name: integrate(exp(I * k * s), (s, -R, R)) / (2 * R) for name, R in r.items()} for k in range(17)]
    return Counterexample(
        "uniform laws on the spheres of radius π and 2π in R³, t = 0, 1, …, 16, all slices",
        {"L = 0": all(simplify(wave["P"] - wave["Q"]) == 0 for wave in waves)},
        {"P = Q, as for P(‖x‖ = π)": bool(Eq(r["P"], r["Q"]))},
        Integer(1),
    )


def bounded_weight() -> Counterexample:
    """Pólya: 1 − |t| on [−1,1] is the start of two characteristic functions."""
    s, x = symbols("s x", positive=True)
    k = Symbol("k", integer=True, positive=True)
    j = Symbol("j", integer=True, nonnegative=True)
    density = (1 - cos(x)) / (pi * x**2)
    fourier = 2 * integrate((1 - s) * cos(pi * k * s), (s, 0, 1))
    atom = 4 / (pi * (2 * j + 1)) ** 2  # mass at ±π(2j + 1) together
    return Counterexample(
        "w > 0 on [−1,1] only, on the line: P of density (1 − cos x)/(πx²), Q of mass ½ at 0 and 2/(πl)² at πl, l odd",
        {
            "(1 − |t|)₊ has the transform P": simplify(integrate((1 - s) * cos(s * x), (s, 0, 1)) / pi - density) == 0,
            "1 − |t| on [−1,1] has the cosine coefficients Q": simplify(fourier.subs(k, 2 * j + 1) - atom) == 0
            and simplify(fourier.subs(k, 2 * j + 2)) == 0
            and integrate(1 - s, (s, 0, 1)) == Rational(1, 2),
            "Q has mass 1": simplify(Rational(1, 2) + summation(atom, (j, 0, oo))) == 1,
        },
        {"P = Q, as for {0}": bool(Rational(1, 2) == 0)},
        Rational(1, 2),
    )


@SEPARATES.by("family")
def _(run):
    def few_slices(member):
        seed, d, count = member
        rng = np.random.default_rng(seed)
        slices = discrepancy.random_slices(rng, d, count)
        signs = np.array(list(product([1, -1], repeat=count)))
        # ∏_s (δ_{v_s} − δ_{−v_s}) with v_s ⟂ u_s: slice s sees its own factor vanish.
        v = rng.normal(size=(count, d))
        v -= (v * slices.T).sum(1, keepdims=True) * slices.T
        atoms, positive = signs @ v, signs.prod(1) > 0
        p, q = atoms[positive], atoms[~positive]
        loss, eps = discrepancy.sliced_ecf(p, q, slices, laws.GRID), tolerance(4 * laws.GRID.mass, 2**count * 17)
        # A loss at its rounding error or below counts as zero; bounds have to be positive.
        yield eps, max(float(loss), eps / 1e6)
        # No atom in common: the v_s are normal, and almost surely none is short.
        yield np.linalg.norm(p[:, None] - q, axis=-1).min(), 1e-9

    def few_frequencies(member):
        seed, d, T = member
        rng = np.random.default_rng(seed)
        t, r = rng.uniform(0, 3, size=T), rng.uniform(0, 4 * T, size=T + 2)
        # A slice of the sphere of radius r has the transform ₀F₁(d/2; −(tr)²/4): T + 1 equations, T + 2 spheres.
        rows = np.vstack([np.ones(T + 2), hyp0f1(d / 2, -((np.outer(t, r)) ** 2) / 4)])
        change = np.linalg.svd(rows)[2][-1]
        change /= np.maximum(change, 0).sum()
        heights, share = _heights(d)
        waves = np.exp(1j * np.multiply.outer(np.outer(t, r), heights)) @ share
        # Squared rounding errors are left, below 1e-22 on all members that were tried; bounds have to be positive.
        yield 1e-16, max(float((np.abs(waves @ change) ** 2).sum()), 1e-22)
        yield np.abs(change).sum() / 2, 0.99

    seeds = st.integers(0, 2**32 - 1)
    return [
        run.violates(
            "for any 1–4 slices of R^d, d = 2, 3, 4: laws of disjoint support at distance zero",
            st.tuples(seeds, st.integers(2, 4), st.integers(1, 4)),
            few_slices,
        ),
        run.violates(
            "for any T = 1–6 real t and all slices of R^d, d = 1, …, 4: mixtures of T + 2 spheres, total variation 1",
            st.tuples(seeds, st.integers(1, 4), st.integers(1, 6)),
            few_frequencies,
        ),
    ]


def _heights(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature of the law of one coordinate on the unit sphere of R^d."""
    if d == 1:
        return np.array([1.0, -1.0]), np.full(2, 0.5)
    heights, weights = roots_gegenbauer(100, (d - 2) / 2)
    return heights, weights / weights.sum()
