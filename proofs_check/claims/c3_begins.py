"""Theorem C3.iii: where matching the laws begins to beat the anchors alone."""

from functools import partial
from typing import Any

import numpy as np
from sympy import Rational, eye, floor, symbols, zeros
from z3 import Real

from proofs_check import certified, logic, scalar
from proofs_check.axioms import cite
from proofs_check.claims.c3 import (
    ENTRIES,
    LAW,
    SIGNED,
    SPREAD,
    TRUTH,
    Anchors,
    both,
    lawful,
    mean_error,
    members,
    orthogonal,
)
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from theory.ambiguity import noisy_anchors as noisy
from theory.linalg import tolerance
from theory.monte_carlo import noisy_anchors as monte_carlo
from theory.monte_carlo.estimate import Estimate

CENTRED = f"E E = 0, {LAW}"
BEGINS = Claim(
    "C3.iii",
    "With up to d/2 anchors matching the laws never beats ridge; with d good ones it does",
    "min_λ E‖(XᵀX+λ)⁻¹XᵀY − Q_*‖² = (d−r) + Σ dσ²/(s_i+dσ²) at λ = dσ². r ≤ d/2 ⇒ ridge ≤ Procrustes, any σ. To first "
    "order in σ²: Procrustes < least squares ⇔ σ²[rΣ 1/s_i − Σ_{i≠j} 1/(s_i+s_j)] > d−r, where [·] ≥ (r+1)/2·Σ 1/s_i; "
    "r = d and all s_i ≥ dσ²(d−1)/(d+1) ⇒ Procrustes ≤ ridge",
    "Below d anchors drawing the rest doubles its error, above d the constraint pays. Least squares alone is no fair "
    "rival, since near m = d it is worse than no map. The best ridge is; it needs only d and σ. What involves "
    "Procrustes is first order in σ², but for the bound up to d/2 anchors.",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=("r ≤ d/2", "s_i ≥ dσ²(d−1)/(d+1)", TRUTH, CENTRED),
    axioms=("singular value decomposition",),
    requires=("C3.i", "C3.ii"),
)

a, c, d, v, λ = symbols("a c d v λ", positive=True)


@BEGINS.by("proof")
def _(run):
    A, B, r = symbols("A B r", positive=True)
    reals: list[Any] = [Real(name) for name in ("d", "r", "ridge", "kept", "Procrustes", "‖Δ‖²")]
    dim, rank, ridge, kept, procrustes, lean = reals
    return [
        cite("singular value decomposition"),
        scalar.identity(
            "ridge: known directions shrink to s/(s+λ), with an error above that at λ = c = dσ² by a square",
            (λ**2 + c * a) / (a + λ) ** 2,
            c / (a + c) + a * (λ - c) ** 2 / ((a + λ) ** 2 * (a + c)),
        ),
        scalar.identity("which is 1 less something positive", c / (a + c), 1 - a / (a + c)),
        certified.step("C3-error", "Procrustes: ‖W − J‖² + 2(d−r) on average over H, for every noise"),
        logic.prove(
            "so that r ≤ d/2 ⇒ ridge ≤ d ≤ 2(d−r) ≤ Procrustes",
            [2 * rank <= dim, kept >= 0, lean >= 0, ridge == dim - kept, procrustes == 2 * (dim - rank) + lean],
            ridge <= procrustes,
        ),
        scalar.identity(
            "A = Σ 1/s_i, B = Σ_{i≠j} 1/(s_i+s_j), v = σ²: least squares less Procrustes",
            (d - r) + d * v * A - (2 * (d - r) + v * (B + (d - r) * A)),
            v * (r * A - B) - (d - r),
        ),
        scalar.identity("with B ≤ (r−1)/2·A (C3.ii)", r * A - (r - 1) / 2 * A, (r + 1) / 2 * A),
        scalar.identity(
            "r = d: ridge less ≥ (d−1)/2·σ²Σ 1/s_i ≥ Procrustes (C3.ii), termwise: positive iff s_i ≥ dσ²(d−1)/(d+1)",
            d * v / (a + d * v) - (d - 1) * v / (2 * a),
            v * ((d + 1) * a - d * (d - 1) * v) / (2 * a * (a + d * v)),
        ),
    ]


@BEGINS.by("numeric")
def _(run):
    def check(member: Anchors):
        s, d, r, sigma = member.s, member.d, member.r, member.sigma
        eps = tolerance(d * (1 + sigma**2), 8 * (r + member.more))
        noise, Xt = d * sigma**2, member.X.T
        direct = {λ: np.linalg.solve(Xt @ member.X + λ * np.eye(d), Xt) for λ in (noise, 0.7 * noise, 1.4 * noise)}
        for penalty, L in direct.items():
            # For r < d the Gram matrix that was solved has the condition (2 + λ)/λ, with λ down to 10⁻⁴.
            yield abs(member.linear_error(L) - noisy.ridge_error(s, d, sigma, penalty)), 1e4 * eps
            yield noisy.ridge_error(s, d, sigma) - member.linear_error(L), 1e4 * eps
        if 2 * r <= d:
            yield noisy.ridge_error(s, d, sigma) - 2 * (d - r), eps
        bracket = noisy.least_squares_error(s, d, 1.0) - noisy.procrustes_error(s, d, 1.0) + (d - r)
        yield (r + 1) / 2 * (1 / s).sum() - bracket, eps
        good = np.maximum(s, noise * (d - 1) / (d + 1)) if r == d else np.full(d, noise)
        yield noisy.procrustes_error(good, d, sigma) - noisy.ridge_error(good, d, sigma), eps

    return run.holds("ridge by its moments and its best λ; bounds on both sides of the crossover", members(), check)


@BEGINS.by("necessity")
def _(run):
    def shrunk(M: Any) -> Any:
        """Ridge of X = 1 at λ = dσ² for the σ of each model: 1/16 of d = 2, 1 of d = 1."""
        return M / (1 + (Rational(2, 16) if M.rows == 2 else 1))

    quarter, one, always = Rational(1, 4), eye(1), [eye(1)]
    matched, ridge = mean_error(eye(2), ENTRIES, quarter), mean_error(eye(2), ENTRIES, quarter, shrunk)
    weak = Rational(1, 100)
    first_order, shrinking = 2 / (2 * weak), 2 * 2 / (weak + 2)
    doubled, exact = mean_error(2 * one, SIGNED, 1, shrunk), mean_error(one, always, 1, shrunk)
    return Necessity(
        {
            "r ≤ d/2": Counterexample(
                "d = r = 2, X = Q_* = 1, σ = 1/4, E of fair signs: Procrustes is below ridge, 2/9",
                {
                    CENTRED: lawful(ENTRIES) and sum(ENTRIES, zeros(2, 2)) == zeros(2, 2),
                    "no determinant flips": all((eye(2) + quarter * E).det() > 0 for E in ENTRIES),
                    "ridge as stated": ridge == 2 * Rational(2, 16) / (1 + Rational(2, 16)),
                    TRUTH: orthogonal(eye(2)),
                },
                {"ridge ≤ Procrustes": bool(ridge <= matched)},
                Rational(floor(1000 * (ridge - matched)), 1000),
            ),
            "s_i ≥ dσ²(d−1)/(d+1)": Counterexample(
                "d = r = 2, s = (1/100, 1/100), σ = 1: to first order Procrustes is 100, ridge below 2",
                {"s_i < dσ²(d−1)/(d+1)": bool(weak < Rational(2, 3)), "r = d": (weak * eye(2)).rank() == 2},
                {"Procrustes ≤ ridge": bool(first_order <= shrinking)},
                first_order - shrinking,
            ),
            TRUTH: Counterexample(
                "d = 1, X = 1, σ = 1, E = ±1, Q_* = 2: at λ = dσ² the error is 5/4",
                {CENTRED: lawful(SIGNED) and sum(SIGNED, zeros(1, 1)) == zeros(1, 1)},
                {"error = dσ²/(s + dσ²) = 1/2": bool(doubled == Rational(1, 2))},
                doubled - Rational(1, 2),
            ),
            CENTRED: Counterexample(
                "d = 1, X = Q_* = 1, σ = 1, E = 1 always: ridge at λ = dσ² is exact",
                {LAW: lawful(always), TRUTH: orthogonal(one)},
                {"error = dσ²/(s + dσ²) = 1/2": bool(exact == Rational(1, 2))},
                Rational(1, 2) - exact,
            ),
        }
    )


@BEGINS.by("mutants")
def _(run):
    variants = [
        ("drop", "λ = dσ²/2 is best", (c**2 / 4 + c * a) / (a + c / 2) ** 2),
        ("double", "λ = 2dσ² is best", (4 * c**2 + c * a) / (a + 2 * c) ** 2),
        ("flip", "s/(s + dσ²)", a / (a + c)),
        ("drop", "no shrinkage, dσ²/s", c / a),
        ("equivalent", "1/(1 + s/(dσ²))", 1 / (1 + a / c)),
    ]
    return Mutants(scalar.mutants(c / (a + c), variants, run.rng()))


@BEGINS.by("simulated")
def _(run):
    rng = run.rng()
    ridge = partial(both, "ridge_error", rng=rng)

    def gain(m: int, sigma: float, d: int = 8) -> tuple[float, Estimate]:
        return noisy.gain(d, m, sigma, draws=4000), monte_carlo.gain(d, m, sigma, "ridge", 1000, rng)

    below, above = gain(7, 0.1), gain(8, 0.1)
    return Simulated(
        f"Ridge at any noise, and what matching the laws of d = 8 gains over it with m Gaussian anchors, σ = 0.1: it "
        f"begins at m = {noisy.helps_from(8, 0.1)}. Not the gain of exact anchors; with strong noise it begins later",
        {
            "ridge, s = (9, 7, 6, 5), d = 4, σ = 2": ridge(SPREAD, 4, 2.0, 2000, penalty=None),
            "ridge with λ = 5, s = (9, 7, 6, 5), d = 7, σ = 2": ridge(SPREAD, 7, 2.0, 2000, penalty=5.0),
            "gain at m = 4": gain(4, 0.1),
            "gain at m = 7": below,
            "gain at m = 8": above,
            "gain at m = 12": gain(12, 0.1),
        },
        {
            "m = 7, exact anchors": (7 - 8, below[1]),
            "m = 8, exact anchors": (0.0, above[1]),
            "m = 8, σ = 2, if it began there": (0.0, gain(8, 2.0)[1]),
        },
    )
