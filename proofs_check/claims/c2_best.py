"""Theorem C2: under which prior the regression on the anchors alone cannot be beaten."""

import numpy as np
from sympy import Rational, diag, integrate, oo, pi, sqrt, symbols

from proofs_check import certified, scalar
from proofs_check.claims.c1 import Anchored
from proofs_check.claims.c2 import (
    DIAGONALS,
    DRAWS,
    MEMBERS,
    anchors_of,
    diagonal,
    haar,
    least_squares,
    rounding,
    unreached,
)
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from theory.ambiguity import rotations
from theory.ambiguity.rotations import AnchoredMaps
from theory.monte_carlo.estimate import of_sample

BEST = Claim(
    "C2.iii",
    "Under the Haar prior nothing made of the anchors beats the whitened regression",
    "Q_* Haar: E[‖xÂ_B − y‖² given the anchors] = ‖(B − F)Σy^{1/2}‖² + ‖RᵀΣy^{1/2}‖² for every "
    "Â_B = Σx^{-1/2}BΣy^{1/2}; X⁺Y, d = 2, m = 1, Gaussian anchors: E R² = 1 − (√t + 1/√t)/4, t = λ_1(Σx)/λ_2(Σx)",
    "The whitened regression is the posterior mean. Least squares on the rows of x is worse by its distance from that, "
    "unless Σx ∝ 1. Both are statements about the prior: where the strong directions of x carry those of y, least "
    "squares on the rows of x is the better one.",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Q_* Haar",),
    requires=("C2.ii",),
)


@BEST.by("proof")
def _(run):
    t, u = symbols("t u", positive=True)
    # x̃ = (cos θ, sin θ) and v ⟂ x in R²: E (vᵀΣxv)(vᵀΣx⁻¹v) with u = tan θ; Q_* Haar makes of Σy its trace.
    lost = integrate((1 + t**2 * u**2) / (1 + t * u**2) ** 2, (u, -oo, oo)) / pi
    return [
        certified.step("C2-error", "E‖xÂ_B − y‖² = ‖(B − Q_*)Σy^{1/2}‖²"),
        certified.step("C2-pythagoras", "given the anchors Q_* = F + PHRᵀ, where H ~ −H: on average the two squares"),
        certified.step("C2-regression", "B = F is the whitened regression"),
        scalar.identity("raw, d = 2, m = 1: the mean of (vᵀΣxv)(vᵀΣx⁻¹v) is (√t + 1/√t)/2", lost, _lost(t)),
        scalar.identity("which is 1 + (√t − 1)²/(2√t) ≥ 1", _lost(t), 1 + (sqrt(t) - 1) ** 2 / (2 * sqrt(t))),
    ]


def _lost(t):
    return (sqrt(t) + 1 / sqrt(t)) / 2


@BEST.by("numeric")
def _(run):
    def check(member: Anchored):
        moments, white, X, Y = anchors_of(member, np.eye(member.d))
        rx, ry = member.planted[2:]
        maps = AnchoredMaps.of(moments, X + moments.mean_x, Y + moments.mean_y)
        H = maps.free_x.T @ member.truth @ maps.free_y
        F = np.linalg.pinv(white) @ white @ member.truth
        free, total = unreached(member, np.eye(member.d)), np.trace(moments.Sy)
        raw = rx[:, None] * (np.linalg.pinv(X) @ Y) / ry
        for B in (raw, member.rng.normal(size=F.shape)):
            # The two truths that H and −H make of the same anchors.
            truths = (F + maps.free_x @ (sign * H) @ maps.free_y.T for sign in (1, -1))
            missed = sum((((B - Q) * ry) ** 2).sum() for Q in truths) / (2 * total)
            yield (
                abs(missed - free - (((B - F) * ry) ** 2).sum() / total),
                rounding(member) * (1 + np.linalg.norm(B) ** 2),
            )

    return run.holds("raw least squares and random maps, against both truths that H and −H make", MEMBERS, check)


@BEST.by("necessity")
def _(run):
    raw, white = (least_squares(diag(1, 4), diag(1, 16), DIAGONALS, w) for w in (False, True))
    return Necessity(
        {
            "Q_* Haar": Counterexample(
                "d = 2, m = 1, Q_* = 1, Σx = diag(1,4), Σy = diag(1,16), x̃ = (1,1) or (1,−1): least squares on the "
                f"rows of x has R² {raw}, in whitened coordinates {white}",
                {"E RRᵀ ∝ 1, C2.ii": white == Rational(1, 2)},
                {"the whitened regression is the best": bool(white >= raw)},
                raw - white,
            )
        }
    )


@BEST.by("mutants")
def _(run):
    t = symbols("t", positive=True)
    raw = scalar.mutants(
        _lost(t),
        [
            ("flip", "(√t − 1/√t)/2", (sqrt(t) - 1 / sqrt(t)) / 2),
            ("drop", "√t/2", sqrt(t) / 2),
            ("double", "√t + 1/√t", 2 * _lost(t)),
            ("swap", "(t + 1/t)/2", (t + 1 / t) / 2),
        ],
        run.rng(),
    )
    return Mutants([*certified.mutants("C2-pythagoras", run.rng()), *raw])


@BEST.by("simulated")
def _(run):
    rng = run.rng()

    def raw(Sx, Sy, m, Q, whiten=False):
        planted = diagonal(Sx, Q, Sy)
        X = planted.gaussian(m, DRAWS, rng)
        return of_sample(planted.r_squared(planted.regression(X, X @ planted.truth, whiten)))

    def prior(t, whiten=False):
        return raw([t, 1.0], [4.0, 1.0], 1, haar(2, DRAWS, rng), whiten)

    d, m = 6, 2
    falling, half = 1.0 / np.arange(1, d + 1), rotations.expected_anchors_r_squared(2, 1)
    third = rotations.expected_anchors_r_squared(d, m)
    return Simulated(
        "R² of least squares on one Gaussian anchor in the plane, Σy = diag(4,1), a Haar Q_* for each draw",
        {
            **{f"rows of x, t = {t}": (float(1 - _lost(t) / 2), prior(t)) for t in (1, 4, 100)},
            "whitened, t = 100": (half, prior(100, whiten=True)),
        },
        {
            "rows of x, t = 4: m/d": (half, prior(4)),
            "d = 6, m = 2, Σx = diag(1, 1/2, …, 1/6), rows of x: m/d": (
                third,
                raw(falling, falling, m, haar(d, DRAWS, rng)),
            ),
            "the same with Q_* = 1, Σy = Σx": (third, raw(falling, falling, m, np.eye(d))),
        },
    )
