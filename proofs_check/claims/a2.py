"""Theorem A2: the bounds of theorem A1 for sparse codes."""

import numpy as np
import sympy
import z3

from proofs_check import scalar
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import constant, prove, proves
from proofs_check.residuals import SparseCoders, errors_of, sparse_coders
from theory import bounds

CLAIM = Claim(
    "A2",
    "Translation bounds consistency where sparse codes cannot be confused",
    "s-sparse codes: σ_2s·C ≤ T + R and |T − R| ≤ ℓ_2s·C, where σ_2s = min σ_min(D_S), ℓ_2s = max σ_max(D_S) over "
    "|S| = min(2s, k); unit atoms of coherence μ: (1 − (2s−1)μ)·C² ≤ (T + R)²; two unit atoms of cosine c: C = √2 at "
    "‖D(a−b)‖ = √(2−2c)",
    "Sparse codes differ in at most 2s atoms, so only sets of 2s atoms matter, and their coherence bounds the "
    "consistency error: C ≤ (T + R)/√(1 − (2s−1)μ) where (2s−1)μ < 1. A feature split into two atoms of cosine c loses "
    "consistency altogether for a translation error of only √(2−2c).",
    "ours; coherence as in Donoho & Elad 2003",
    Verdict.VERIFIED,
    hypotheses=("s-sparse codes", "unit atoms"),
    requires=("A1",),
)


class _Bound:
    """One difference of codes on m atoms, and the errors, as real numbers."""

    def __init__(self):
        names = ("T", "R", "C", "W", "σ_2s", "ℓ_2s", "μ", "m", "s")
        self.T, self.R, self.C, self.W, self.sigma, self.ell, self.mu, self.m, self.s = values = [
            constant(name, z3.RealSort()) for name in names
        ]
        self.given = [v >= 0 for v in values]
        self.triangle = [self.T <= self.R + self.W, self.R <= self.T + self.W, self.W <= self.T + self.R]
        self.coherent = [self.m <= 2 * self.s, self.W**2 >= (1 - (self.m - 1) * self.mu) * self.C**2]

    def coherence(self, factor):
        """factor·C² ≤ (T + R)²."""
        return factor * self.C**2 <= (self.T + self.R) ** 2


@CLAIM.by("proof")
def _(run):
    f = _Bound()
    names = ("a_p", "b_p", "σ(D_S)²", "‖Dv‖²", "ℓ(D_S)²", "‖δ‖²", "g", "μ", "v", "w")
    a, b, least, stretch, largest, length, g, μ, v, w = (constant(name, z3.RealSort()) for name in names)
    γ, κ, x, y, count, total = sympy.symbols("g μ v w m S", real=True)
    pair = ((κ + γ) * (x + y) ** 2 + (κ - γ) * (x - y) ** 2) / 2
    pp, qq, c = sympy.symbols("‖p‖² ‖q‖² c", real=True)
    return [
        prove("an atom in the support of a − b is in that of a or of b, so there are at most 2s", [a - b != 0],
              z3.Or(a != 0, b != 0)),
        prove(
            "D_S stretches between σ_2s and ℓ_2s for any S that holds the support, as σ_2s ≤ σ(D_S), ℓ(D_S) ≤ ℓ_2s",
            [length >= 0, least >= f.sigma**2, least <= stretch, stretch <= largest, largest <= f.ell**2],
            z3.And(f.sigma**2 * length <= stretch * length, stretch * length <= f.ell**2 * length),
        ),
        prove(
            "with the triangle T, R, W of theorem A1",
            [f.C >= 0, f.ell >= 0, *f.triangle, f.sigma**2 * f.C**2 <= f.W**2, f.W**2 <= f.ell**2 * f.C**2],
            z3.And(f.sigma * f.C <= f.T + f.R, f.T - f.R <= f.ell * f.C, f.R - f.T <= f.ell * f.C),
        ),
        scalar.identity("two atoms of inner product g: μ(v²+w²) + 2gvw is a sum of two squares",
                        κ * (x**2 + y**2) + 2 * γ * x * y, pair),
        prove("with weights that are not negative, as |g| ≤ μ", [g <= μ, -g <= μ],
              (μ + g) * (v + w) ** 2 + (μ - g) * (v - w) ** 2 >= 0),
        scalar.identity("each atom is in m−1 pairs: Σ_{p<q}(v_p²+v_q²) = (m−1)Σv_p², by one more atom w",
                        (count - 1) * total + total + count * y**2, count * (total + y**2)),
        prove("so ‖D_S v‖² = Σv_p² + Σ_{p<q} 2g v_p v_q ≥ (1 − (m−1)μ)Σv_p², and m ≤ 2s gives the bound",
              [f.mu >= 0, f.W >= 0, f.W <= f.T + f.R, *f.coherent], f.coherence(1 - (2 * f.s - 1) * f.mu)),
        scalar.identity("‖p − q‖² = 2 − 2c for unit atoms, while ‖e_p − e_q‖² = 2",
                        (pp - 2 * c + qq).subs({pp: 1, qq: 1}), 2 - 2 * c),
    ]  # fmt: skip


@CLAIM.by("numeric")
def _(run):
    def check(member: SparseCoders):
        D, s, (T, R, C), error = member.D, member.s, member.errors, member.error
        sigma = bounds.sparse_sigma(D, s)
        yield sigma * C - (T + R), error
        yield abs(T - R) - bounds.sparse_ell(D, s) * C, error
        cosines = np.abs(D.T @ D)[~np.eye(member.k, dtype=bool)]
        yield (1 - (2 * s - 1) * cosines.max(initial=0.0)) * C**2 - (T + R) ** 2, error
        if member.k > 1:
            yield bounds.coherence_bound(bounds.coherence(D), s) * C - (T + R), error
            cost = bounds.split_feature_cost(float(D[:, 0] @ D[:, 1]))
            yield abs(np.linalg.norm(D[:, 0] - D[:, 1]) ** 2 - cost**2), error
        if member.extreme:
            yield abs(T + R - sigma * C) ** 2, error

    statement = "random sparse codes obey the bounds, and the worst difference of 2s atoms attains σ_2s"
    return run.holds(statement, sparse_coders(), check)


@CLAIM.by("necessity")
def _(run):
    # (3, 4, −5) is a dependency of the three unit atoms e₁, e₂, (3/5, 4/5); it is not a difference of 1-sparse codes.
    D = sympy.Matrix([[1, 0, sympy.Rational(3, 5)], [0, 1, sympy.Rational(4, 5)]])
    delta = sympy.Matrix([3, 4, -5])
    mu = max(abs((D.T * D)[i, j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    bound, errors = (1 - mu) * delta.dot(delta), (D * delta).dot(D * delta)
    dense = Counterexample(
        "atoms e₁, e₂, (3/5, 4/5), codes a = (3, 4, 0), b = (0, 0, 5), x_j = Db, s = 1",
        {"unit atoms": all((D.T * D)[i, i] == 1 for i in range(3)), "(2s−1)μ < 1": bool(mu < 1)},
        {"(1−μ)C² ≤ (T+R)²": bool(bound <= errors)},
        bound - errors,
    )
    short, unit = sympy.eye(2) / 2, sympy.Matrix([1, 0])
    shrunk, length = (short * unit).dot(short * unit), unit.dot(unit)
    scaled = Counterexample(
        "atoms e₁/2, e₂/2 (μ = 0), codes a = (1, 0), b = 0, x_j = 0, s = 1",
        {"s-sparse codes": sum(v != 0 for v in unit) <= 1},
        {"C² ≤ (T+R)²": bool(length <= shrunk)},
        length - shrunk,
    )
    return Necessity({"s-sparse codes": dense, "unit atoms": scaled})


@CLAIM.by("mutants")
def _(run):
    f = _Bound()
    # Two equal atoms for one feature, and two orthogonal ones; the codes e₁ and e₂ of one point, x_j = Db.
    split, apart = np.array([[1.0, 1.0], [0.0, 0.0]]), np.eye(2)
    (T1, R1, C1), (T2, R2, C2) = (errors_of(D, np.eye(2)[:1], np.eye(2)[1:], D.T[1:]) for D in (split, apart))
    given = [*f.given, *f.triangle, *f.coherent]
    size, sizes = f.m <= f.s, [f.m <= 2 * f.s]
    γ = sympy.Symbol("c", real=True)
    halves = np.sqrt(2 + 2 * float(split[:, 0] @ split[:, 1]))
    return Mutants(
        [
            Mutant("swap", "σ_s in place of σ_2s", proves([*f.given, *sizes], size),
                   (bounds.sparse_sigma(split[:, :1], 1) * C1 - T1 - R1) / MARGIN),
            Mutant("swap", "(1 − (s−1)μ)C² ≤ (T+R)²", proves(given, f.coherence(1 - (f.s - 1) * f.mu)),
                   (C1**2 - (T1 + R1) ** 2) / MARGIN),
            Mutant("flip", "(1 + (2s−1)μ)C² ≤ (T+R)²", proves(given, f.coherence(1 + (2 * f.s - 1) * f.mu)),
                   (2 * C1**2 - (T1 + R1) ** 2) / MARGIN),
            Mutant("drop", "C² ≤ T² + R²", proves(given, f.C**2 <= f.T**2 + f.R**2), (C1**2 - T1**2 - R1**2) / MARGIN),
            Mutant("flip", "‖p − q‖² = 2 + 2c", scalar.vanishes((2 - 2 * γ) - (2 + 2 * γ)), abs(T1 - halves) / MARGIN),
            Mutant("double", "2C² ≤ (T+R)² for orthogonal atoms", proves([*given, f.mu == 0], f.coherence(2)),
                   (2 * C2**2 - (T2 + R2) ** 2) / MARGIN),
        ]
    )  # fmt: skip


MARGIN = 1e-3
