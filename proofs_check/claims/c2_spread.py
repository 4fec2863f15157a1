"""Theorem C2: how far the R² of one matched map strays from its mean."""

import numpy as np
from hypothesis import strategies as st
from sympy import Rational, diag, eye, solve, symbols
from z3 import Reals

from proofs_check import logic, scalar
from proofs_check.claims.c2 import DRAWS, r_squared
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from theory.ambiguity import rotations
from theory.linalg import tolerance
from theory.monte_carlo import rotations as drawn
from theory.monte_carlo.rotations import Planted

SPREAD = Claim(
    "C2.iv",
    "The spread of the R² of one matched map",
    "as in C2.i, f = d − m ≥ 1, d ≥ 2, a = ‖Σy/TrΣy − 1/d‖²: "
    "Var R² = 4/d² + 4a[d(f + 1) − 2 + 2f(d − f)]/[d(d − 1)(d + 2)], over H and the anchors",
    "One matched map may be far from the mean: by 2/d where Σy ∝ 1, whatever the number of anchors below d, and by "
    "more where the variance of y lies in few directions.",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=("H Haar", "whitened anchors rotation-invariant"),
    requires=("C2.i",),
)


@SPREAD.by("proof")
def _(run):
    d, f, a = symbols("d f a", positive=True)
    A, B, C = symbols("E(P_ii²) E(P_iiP_jj) E(P_ij²)", positive=True)
    # P = RRᵀ of rank f, rotation-invariant. Turned by 45°, P_ii becomes (P_ii + P_jj)/2 + P_ij, P_ij of either sign.
    turned = A - ((2 * A + 2 * B) / 4 + C)
    equations = [turned, d * A + d * (d - 1) * B - f**2, d * A + d * (d - 1) * C - f]
    (solution,) = solve(equations, [A, B, C], dict=True)
    A_, B_, C_ = (solution[unknown] for unknown in (A, B, C))
    # Eigenvalues of Σy/TrΣy: their sum is 1, the sum of their squares a + 1/d.
    squares = a + 1 / d
    trace = A_ * squares + B_ * (1 - squares) - (f / d) ** 2
    norm = A_ * squares + C_ * (1 - squares)
    x, y, z, mean, rows = Reals("E(H_ij²) E(H_kl²) E(H_ijH_kl) mean f")
    return [
        logic.prove("H ~ H with row i or column j negated: E H_ijH_kl = 0 for (i, j) ≠ (k, l)", [z == -z], z == 0),
        logic.prove("H ~ H with its rows and columns permuted: E H_ij² = E H_kl²", [x == mean, mean == y], x == y),
        logic.prove("f² of them make ‖H‖² = f: E H_ij² = 1/f", [rows > 0, rows * rows * x == rows], rows * x == 1),
        scalar.identity(
            "so R² = 1 − 2Tr S + 2Tr(HᵀS), S = RᵀΣyR/TrΣy, has the variance 4Var Tr S + 4E‖S‖²/f",
            4 * trace + 4 * norm / f,
            _variance(d, f, a),
        ),
    ]


def _variance(d, f, a):
    return 4 / d**2 + 4 * a * (d * (f + 1) - 2 + 2 * f * (d - f)) / (d * (d - 1) * (d + 2))


@SPREAD.by("numeric")
def _(run):
    def check(member: tuple[int, int, float, float]):
        d, f, second, third = member
        Sy = np.diag([1.0, second, third][:d])
        s = np.diag(Sy) / np.trace(Sy)
        # One direction u of the circle or the sphere, by a rule that is exact for polynomials of degree 4.
        angle = np.arange(8) * np.pi / 4
        z, weight = (np.zeros(1), np.ones(1)) if d == 2 else np.polynomial.legendre.leggauss(4)
        ring = np.sqrt(1 - z**2)[:, None]
        parts = ring * np.cos(angle), ring * np.sin(angle), z[:, None] + 0 * angle
        u = np.stack(parts[:d], axis=-1)
        share = np.repeat(weight / weight.sum() / len(angle), len(angle)).reshape(u.shape[:2])
        own = np.einsum("abi,abj->abij", u, u)
        P = np.eye(d) * (f == d) + own * (f == 1) + (np.eye(d) - own) * (1 < f < d)
        trace, norm = np.einsum("abii,i->ab", P, s), np.einsum("abij,abij,i,j->ab", P, P, s, s)
        variance = 4 * ((share * trace**2).sum() - (share * trace).sum() ** 2) + 4 * (share * norm).sum() / f
        yield abs(rotations.matched_r_squared_deviation(d, d - f, Sy) ** 2 - variance), tolerance(4.0, 32)

    members = st.integers(2, 3).flatmap(
        lambda d: st.tuples(st.just(d), st.integers(1, d), st.floats(0.01, 10), st.floats(0.01, 10))
    )
    return run.holds("cubature over the circle and the sphere, d = 2 and 3, every m", members, check)


@SPREAD.by("necessity")
def _(run):
    def variance(values):
        mean = sum(values) / Rational(len(values))
        return sum((v - mean) ** 2 for v in values) / len(values)

    turned = variance([r_squared(h * eye(2), eye(2)) for h in (1, -1)])
    fixed = variance([r_squared(diag(1, h), diag(4, 1)) for h in (1, -1)])
    one, predicted = Rational(1), _variance(Rational(2), Rational(1), 2 * Rational(3, 10) ** 2)
    return Necessity(
        {
            "H Haar": Counterexample(
                "d = 2, m = 0, Σy = 1, Q_* = 1, H = ±1: R² = 1 and −3, variance 4, not 1",
                {
                    "predicted, and no anchors whose law could matter": _variance(2 * one, 2 * one, 0) == 1,
                    "H ~ −H, orthogonal": all((h * eye(2)) * (h * eye(2)).T == eye(2) for h in (1, -1)),
                },
                {"Var R²": turned == 1},
                turned - 1,
            ),
            "whitened anchors rotation-invariant": Counterexample(
                "d = 2, Σy = diag(4,1), Q_* = 1, the anchor always (1,0): variance 4/25, not 34/25",
                {"predicted, and H = ±1 as in all of O(1)": predicted == Rational(34, 25)},
                {"Var R²": fixed == predicted},
                predicted - fixed,
            ),
        }
    )


@SPREAD.by("mutants")
def _(run):
    d, f, a = symbols("d f a", positive=True)
    truth = _variance(d, f, a)
    bracket = 4 * a / (d * (d - 1) * (d + 2))
    variants = [
        ("drop", "4/d² alone", 4 / d**2),
        ("flip", "… − 2f(d − f)", truth - 4 * bracket * f * (d - f)),
        ("drop", "… without −2", truth + 2 * bracket),
        ("swap", "d(d − f + 1) in place of d(f + 1)", truth + bracket * d * (d - 2 * f)),
    ]
    return Mutants(scalar.mutants(truth, variants, run.rng()))


@SPREAD.by("simulated")
def _(run):
    rng, d, m = run.rng(), 6, 2
    Sy = np.diag(4.0 ** -np.arange(d))
    one = {m: drawn.matched_r_squared_deviation(d, m, Sy, DRAWS, rng) for m in (0, 2, 5)}
    planted = Planted.random(d, rng, Sy)
    # Always the first few directions of the whitened y, with a little of the others.
    Y = rng.normal(size=(2 * DRAWS, m, d)) * 2.0 ** -np.arange(d) * np.sqrt(np.diag(Sy))
    narrow = planted.r_squared(planted.matched(Y @ np.linalg.inv(planted.truth), Y, rng))
    return Simulated(
        "standard deviation of the R² of one matched map, d = 6, Σy = diag(1, 1/4, …, 4⁻⁵), Gaussian anchors",
        {
            **{f"m = {m}": (rotations.matched_r_squared_deviation(d, m, Sy), found) for m, found in one.items()},
            "m = 2, Σy = 1": (
                rotations.matched_r_squared_deviation(d, m),
                drawn.matched_r_squared_deviation(d, m, None, DRAWS, rng),
            ),
        },
        {
            "m = 2: 2/d, as for Σy = 1": (rotations.matched_r_squared_deviation(d, m), one[m]),
            "m = 2, anchors along few directions": (
                rotations.matched_r_squared_deviation(d, m, Sy),
                drawn.deviation(narrow),
            ),
        },
    )
