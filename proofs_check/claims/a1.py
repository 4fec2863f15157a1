"""Theorem A1: which errors of translation, reconstruction and consistency occur together."""

from itertools import product

import numpy as np
import sympy
import z3

from proofs_check import certified, scalar
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import Term, constant, prove, proves
from proofs_check.residuals import Coders, attain, coders, errors_of, mean_square
from theory import bounds
from theory.linalg import tolerance

CLAIM = Claim(
    "A1",
    "Translation, reconstruction and consistency errors: the exact region",
    "T = ‖Da − x_j‖, R = ‖Db − x_j‖, C = ‖a − b‖ (root mean squares over n points): achievable iff |T − R| ≤ ℓC and "
    "σC ≤ T + R, where ℓ, σ = max, min of ‖Dv‖ over ‖v‖ = 1; so T ≤ R + ℓC, and C ≤ (T + R)/σ if σ > 0, both tight",
    "The three errors of a linear decoder D : R^k → R^d obey two inequalities and no third: all numbers that satisfy "
    "them are attained. It needs a plane, that is n·d ≥ 2, or a kernel, k ≥ 2; so only n = d = k = 1 is left "
    "out. If k > d, σ = 0: no translation error bounds the consistency error.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("D linear", "not n = d = k = 1"),
)


class _Errors:
    """The errors, W = ‖D(a−b)‖ and the constants as real numbers."""

    def __init__(self):
        names = ("T", "R", "C", "W", "ℓ", "σ")
        self.T, self.R, self.C, self.W, self.ell, self.sigma = values = [constant(n, z3.RealSort()) for n in names]
        self.signs = [v >= 0 for v in values]
        self.lengths = [v >= 0 for v in (self.T, self.R, self.W)]

    @property
    def region(self) -> list[Term]:
        """The claimed region."""
        return [self.T - self.R <= self.ell * self.C, self.R - self.T <= self.ell * self.C, self.low]

    @property
    def low(self) -> Term:
        """σC ≤ T + R."""
        return self.sigma * self.C <= self.T + self.R

    def triangle(self, W: Term) -> list[Term]:
        """T, R and W are the sides of a triangle."""
        return [self.T <= self.R + W, self.R <= self.T + W, W <= self.T + self.R]

    def stretched(self, W: Term) -> list[Term]:
        """D stretches C to W."""
        return [self.sigma * self.C <= W, W <= self.ell * self.C]

    @property
    def least(self) -> Term:
        """max(|T − R|, σC)."""
        difference = z3.If(self.T >= self.R, self.T - self.R, self.R - self.T)
        return z3.If(difference >= self.sigma * self.C, difference, self.sigma * self.C)


@CLAIM.by("proof")
def _(run):
    return [*_necessary(), *_sufficient()]


def _necessary() -> list:
    f = _Errors()
    aa, ab, bb, stretch, length = (constant(n, z3.RealSort()) for n in ("⟨a,a⟩", "⟨a,b⟩", "⟨b,b⟩", "‖Dv‖²", "‖δ‖²"))
    left = aa * bb - ab * ab
    return [
        certified.step("A1-triangle", "the translation error is the reconstruction error plus D(a−b)"),
        certified.step("P3-Cauchy-Schwarz", "‖ ‖b‖²a − ⟨a,b⟩b ‖² = ‖b‖²(‖a‖²‖b‖² − ⟨a,b⟩²)"),
        prove(
            "so ⟨a,b⟩² ≤ ‖a‖²‖b‖², by the squares of ‖b‖²a − ⟨a,b⟩b, ‖a‖²b − ⟨a,b⟩a and a ± b",
            [bb * left >= 0, aa * left >= 0, aa + bb + 2 * ab >= 0, aa + bb - 2 * ab >= 0],
            ab * ab <= aa * bb,
        ),
        prove(
            "and T, R, W are the sides of a triangle, by T² = R² + 2⟨r, w⟩ + W²",
            [*f.lengths, f.T**2 == f.R**2 + 2 * ab + f.W**2, ab * ab <= f.R**2 * f.W**2],
            z3.And(*f.triangle(f.W)),
        ),
        prove(
            "σ‖δ‖ ≤ ‖Dδ‖ ≤ ℓ‖δ‖ at every point, by δ = ‖δ‖v, ‖v‖ = 1; hence in the mean",
            [length >= 0, f.sigma**2 <= stretch, stretch <= f.ell**2],
            z3.And(f.sigma**2 * length <= length * stretch, length * stretch <= f.ell**2 * length),
        ),
        prove("so |T−R| ≤ ℓC and σC ≤ T+R", [*f.triangle(f.W), *f.stretched(f.W)], z3.And(*f.region)),
    ]


def _sufficient() -> list:
    f = _Errors()
    g, m, c, s, tangent, share = (constant(n, z3.RealSort()) for n in ("⟨Dv,Du⟩", "‖Du‖²", "c", "s", "τ", "share"))
    T, R, W, C, ell, sigma = sympy.symbols("T R W C ℓ σ", positive=True)
    along = (T**2 + W**2 - R**2) / (2 * W**2)
    across = ((T + R) ** 2 - W**2) * (W**2 - (T - R) ** 2) / (4 * W**4)
    part = (W**2 - sigma**2 * C**2) / ((ell**2 - sigma**2) * C**2)
    outer, inner = (f.T + f.R) ** 2 - f.W**2, f.W**2 - (f.T - f.R) ** 2
    return [
        prove(
            "W = max(|T−R|, σC) lies in [σC, ℓC] and closes the triangle",
            [f.T >= 0, f.R >= 0, f.C >= 0, f.sigma <= f.ell, *f.region],
            z3.And(*f.stretched(f.least), *f.triangle(f.least)),
        ),
        prove(
            "v with ‖Dv‖ = ℓ and a unit u ⊥ v have Dv ⊥ Du: compare v with v + τu, τ = ⟨Dv,Du⟩/(ℓ² − ‖Du‖² + 1)",
            [m <= f.ell**2, (f.ell**2 - m + 1) * tangent == g,
             f.ell**2 + 2 * g * tangent + m * tangent**2 <= f.ell**2 * (1 + tangent**2)],
            g == 0,
        ),
        prove(
            "if the circle through v and u contains a minimiser cv + su, then ‖Du‖ = σ",
            [m <= f.ell**2, f.sigma**2 <= m, c**2 + s**2 == 1, f.ell**2 * c**2 + m * s**2 == f.sigma**2],
            m == f.sigma**2,
        ),
        prove(
            "σ < ℓ, C > 0: the share of v that stretches C to W lies in [0, 1]",
            [f.sigma >= 0, f.sigma < f.ell, f.C > 0, *f.stretched(f.W),
             share * (f.ell**2 - f.sigma**2) * f.C**2 == f.W**2 - f.sigma**2 * f.C**2],
            z3.And(share >= 0, share <= 1),
        ),
        scalar.identity(
            "‖Dδ‖² = W² for δ = C(√share·v + √(1−share)·u)", C**2 * (part * ell**2 + (1 - part) * sigma**2), W**2
        ),
        prove("σ = ℓ (so also k = 1) or C = 0: every δ of length C has ‖Dδ‖ = W",
              [z3.Or(f.sigma == f.ell, f.C == 0), *f.stretched(f.W)], f.W == f.ell * f.C),
        scalar.identity("W > 0: p = αw + βh, h ⊥ w as long as w, has ‖p‖² = T²", W**2 * (along**2 + across), T**2),
        scalar.identity("and ‖p − w‖² = R²", W**2 * ((along - 1) ** 2 + across), R**2),
        prove("with β² ≥ 0, by Heron's factors", [*f.triangle(f.W)], z3.And(outer >= 0, inner >= 0)),
        prove("W = 0: T = R, and p = q of that length will do", [*f.triangle(f.W)[:2], f.W == 0], f.T == f.R),
        prove("n·d = 1, k ≥ 2 (σ = 0) has no h, and needs none: W = |T−R| makes β = 0",
              [f.sigma == 0, f.W == f.least], inner == 0),
    ]  # fmt: skip


@CLAIM.by("numeric")
def _(run):
    def inside(member: Coders):
        D, (T, R, C), error = member.D, member.errors, member.error
        ell, sigma = float(np.linalg.norm(D, 2)), member.sigma
        yield T - bounds.translation_bound(D, R, C), error
        yield abs(T - R) - ell * C, error
        yield sigma * C - (T + R), error
        if sigma > error:
            yield sigma * (C - bounds.consistency_bound(D, T, R)), error

    def attained(member: Coders):
        D, target = member.D, member.triple
        scale = tolerance(float((1 + np.linalg.norm(D)) ** 2 * (1 + sum(target)) ** 2), member.n * member.d * member.k)
        found = [attain(D, *target, member.n, member.rng)]
        # The solver answers exactly, so that rounding may put a triple of the boundary outside.
        if min(D.shape) > 1 and not member.extreme:
            delta, p = bounds.witness(D, *target)
            found.append((p[None], (p - D @ delta)[None], delta[None]))
        for vectors in found:
            for vector, value in zip(vectors, target, strict=True):
                yield abs(mean_square(vector) - value**2), scale

    obey = "random coders, and coders at the boundary, obey both inequalities"
    attain_all = "codes built for triples of the region, boundary included, have these errors"
    return [run.holds(obey, coders(), inside), run.holds(attain_all, coders(), attained)]


@CLAIM.by("necessity")
def _(run):
    # z ↦ z² with codes 1 and −1 of the point 1, twice: ‖g(v)‖ = 1 on the unit sphere {±1}.
    n, a, b, x = 2, 1, -1, 1
    T, R, C, sigma = abs(a**2 - x), abs(b**2 - x), abs(a - b), min(v**2 for v in (1, -1))
    square = Counterexample(
        "g(z) = z², n = 2, both points with codes 1 and −1 of x = 1",
        {"not n = d = k = 1": n > 1},
        {"σC ≤ T + R": sigma * C <= T + R},
        sigma * C - (T + R),
    )
    # D = 1 on one number: p = ±1, q = ±1 and a − b = ±1.
    D, signs = 1, (1, -1)
    missed = min(abs(p - q - D * delta) for p, q, delta in product(signs, repeat=3))
    T, R, C, ell, sigma = 1, 1, 1, 1, 1
    line = Counterexample(
        "n = d = k = 1, D = 1, (T, R, C) = (1, 1, 1)",
        {
            "D linear": all(D * (c * u + v) == c * (D * u) + D * v for c, u, v in product(range(-2, 3), repeat=3)),
            "in the region": abs(T - R) <= ell * C and sigma * C <= T + R,
        },
        {"attained": missed == 0},
        missed,
    )
    return Necessity({"D linear": square, "not n = d = k = 1": line})


@CLAIM.by("mutants")
def _(run):
    f, rng = _Errors(), run.rng()
    bounded = [*f.signs, *f.triangle(f.W), *f.stretched(f.W)]
    built = z3.And(*f.stretched(f.least), *f.triangle(f.least))
    tall, wide = np.diag([2.0, 1.0]), np.array([[1.0, 0.0]])
    (T1, R1, C1), (T2, R2, C2), (T3, R3, C3) = (
        errors_of(D, np.array([a]), np.zeros((1, 2)), np.zeros((1, len(D))))
        for D, a in ((tall, [1.0, 0.0]), (tall, [0.0, 1.0]), (wide, [0.0, 1.0]))
    )
    svd = constant("least singular value", z3.RealSort())
    values = np.linalg.svd(wide, compute_uv=False)
    return Mutants(
        [
            Mutant("swap", "T ≤ R + σC", proves(bounded, f.T <= f.R + f.sigma * f.C), (T1 - R1 - C1) / MARGIN),
            Mutant("swap", "ℓC ≤ T + R", proves(bounded, f.ell * f.C <= f.T + f.R), (2 * C2 - T2 - R2) / MARGIN),
            Mutant("weaken", "σC ≤ T+R is enough", proves([*f.signs, f.sigma <= f.ell, f.low], built),
                   _distance(np.eye(2), 5.0, 0.0, 1.0, rng) / MARGIN),
            Mutant("weaken", "|T−R| ≤ ℓC is enough", proves([*f.signs, f.sigma <= f.ell, *f.region[:2]], built),
                   _distance(np.eye(2), 0.0, 0.0, 1.0, rng) / MARGIN),
            Mutant("swap", "k > d: the least singular value for σ",
                   proves([*bounded, f.sigma == 0, svd > 0], svd * f.C <= f.T + f.R),
                   (values[-1] * C3 - T3 - R3) / MARGIN),
        ]
    )  # fmt: skip


MARGIN = 1e-3


def _distance(D: np.ndarray, T: float, R: float, C: float, rng: np.random.Generator) -> float:
    """Least | ‖D⁻¹(p − q)‖ − C | over many residuals p, q of lengths T and R."""
    p, q = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in rng.normal(size=(2, 2000, len(D))))
    return float(np.abs(np.linalg.norm((T * p - R * q) @ np.linalg.inv(D).T, axis=1) - C).min())
