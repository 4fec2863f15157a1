"""Theorem C2: what a matched map that meets m anchors is worth, and what the anchors alone are worth."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.linalg import null_space
from sympy import Integral, Matrix, Rational, cos, diag, eye, pi, sin, sqrt, symbols
from z3 import Reals

from proofs_check import certified, logic, scalar
from proofs_check.claims.c1 import Anchored
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from theory.ambiguity import rotations
from theory.ambiguity.rotations import AnchoredMaps, map_r_squared
from theory.linalg import tolerance
from theory.moments import Moments
from theory.monte_carlo import rotations as drawn
from theory.monte_carlo.estimate import of_sample
from theory.monte_carlo.rotations import Planted

ISOTROPIC = "E RRᵀ ∝ 1"
MATCHED = Claim(
    "C2.i",
    "A matched map that meets m anchors has R² 2m/d − 1 on average",
    "A = Σx^{-1/2}(F + PHRᵀ)Σy^{1/2} as in C1, H uniform on O(d − m), m ≤ d: E‖xA − y‖² = 2‖RᵀΣy^{1/2}‖² over H; "
    "over anchors with E RRᵀ ∝ 1 as well, E R² = 2m/d − 1",
    "A map that matches the laws errs twice where the anchors do not reach: by what it misses of y and by what it puts "
    "there instead. Gaussian anchors, or those of any law that rotations (or permutations and signs) of the whitened "
    "coordinates keep, reach the share m/d on average; so do any anchors if Q_* is Haar. If Σy ∝ 1, or R² is taken in "
    "whitened y, all anchors do.",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=("H ~ −H", ISOTROPIC),
    requires=("C1",),
)
ALONE = Claim(
    "C2.ii",
    "The anchors alone have R² m/d: matching laws doubles their error",
    "Â = Σx^{-1/2}x̃⁺Y, the minimum-norm regression in whitened coordinates: E‖xÂ − y‖² = ‖RᵀΣy^{1/2}‖², half of C2.i, "
    "whatever the anchors; over anchors with E RRᵀ ∝ 1, E R² = m/d; m ≤ d",
    "Regression on the anchors, blind to the law of y, predicts zero where they do not reach, and a matched map a "
    "vector of the right length in a random direction. Its map is the mean of all matched ones. So below d anchors a "
    "perfectly optimised distributional loss doubles the error.",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=("whitened coordinates", ISOTROPIC),
    requires=("C2.i",),
)
DRAWS = 2000


def _isotropy():
    """E RRᵀ ∝ 1 and what it gives."""
    off, i, j, other = Reals("E(RRᵀ)_ij E(RRᵀ)_ii E(RRᵀ)_jj mean")
    return [
        logic.prove("R ~ R with coordinate i negated: E(RRᵀ)_ij = 0", [off == -off], off == 0),
        logic.prove("R ~ R with i and j exchanged: E(RRᵀ)_ii = E(RRᵀ)_jj", [i == other, other == j], i == j),
        certified.step("C2-share", "so that d·E Tr(RRᵀΣy) = Tr(RRᵀ)·TrΣy, and Tr RRᵀ = d − m (C1)"),
    ]


@MATCHED.by("proof")
def _(run):
    m, d = symbols("m d", positive=True)
    s, t, θ = symbols("s t θ", positive=True)
    # d = 2, m = 1: H = ±1, the free direction of y is r = (−sin θ, cos θ), and Σy = diag(s, t).
    error = 4 * (s * sin(θ) ** 2 + t * cos(θ) ** 2)
    mean = Integral((1 + (1 - error / (s + t))) / 2, (θ, 0, 2 * pi)).doit() / (2 * pi)
    return [
        certified.step("C2-error", "E‖xA − y‖² = ‖(Q − Q_*)Σy^{1/2}‖², whatever Σx"),
        certified.step("C2-pythagoras", "H and −H together: on average ‖(F − Q_*)Σy^{1/2}‖² + ‖RᵀΣy^{1/2}‖²"),
        certified.step("C2-remainder", "Q_* = F + PH_*Rᵀ itself: the first term is as large as the second"),
        *_isotropy(),
        scalar.identity("E R² = 1 − 2(d − m)/d = 2m/d − 1", 1 - 2 * (d - m) / d, 2 * m / d - 1),
        scalar.identity("d = 2, m = 1, by integration over the anchor: (R²(1) + R²(−1))/2 has mean 0", mean, 0 * s),
    ]


@ALONE.by("proof")
def _(run):
    return [
        certified.step("C2-regression", "x̃⁺ỹ = F, the part that all matched maps share"),
        certified.step("C2-smallest", "and the smallest of the maps that meet the anchors"),
        certified.step("C2-error", "E‖xÂ − y‖² = ‖(F − Q_*)Σy^{1/2}‖²"),
        certified.step("C2-remainder", "which is ‖RᵀΣy^{1/2}‖²"),
        *_isotropy(),
    ]


MEMBERS = st.integers(1, 4).flatmap(
    lambda d: st.builds(
        Anchored, st.integers(0, 2**32 - 1), st.just(d), st.integers(0, d - 1), st.sampled_from((0.0, 1.0))
    )
)


def shifts(d: int) -> Iterator[np.ndarray]:
    """Cyclic permutations with all signs: a group that makes every E RRᵀ isotropic."""
    for shift, signs in product(range(d), product((1.0, -1.0), repeat=d)):
        yield np.roll(np.eye(d), shift, axis=1) * signs


def anchors_of(member: Anchored, turn: np.ndarray) -> tuple[Moments, np.ndarray, np.ndarray, np.ndarray]:
    """Moments, and the anchors turned in whitened x: whitened, as rows of x, as rows of y (centred)."""
    moments, white, rx, ry = member.planted
    white = white @ turn
    return moments, white, white * rx, white @ member.truth * ry


def unreached(member: Anchored, turn: np.ndarray) -> float:
    """‖RᵀΣy^{1/2}‖²/TrΣy with R from a null space."""
    white, ry = anchors_of(member, turn)[1], member.planted[3]
    R = null_space(white @ member.truth) if member.m else np.eye(member.d)
    return float(((R * ry[:, None]) ** 2).sum() / (ry**2).sum())


def rounding(member: Anchored) -> float:
    """Allowed to an R² of the member."""
    _, _, rx, ry = member.planted
    return tolerance(4 * member.d, member.d, gap=(rx.min() * ry.min()) ** 2 / 16)


@MATCHED.by("numeric")
def _(run):
    def check(member: Anchored):
        found, d, m = [], member.d, member.m
        for turn in shifts(d):
            moments, _, X, Y = anchors_of(member, turn)
            maps = AnchoredMaps.of(moments, X + moments.mean_x, Y + moments.mean_y)
            H = np.linalg.qr(member.rng.normal(size=(d - m, d - m)))[0]
            found.append(sum(map_r_squared(moments, maps.map(sign * H)) for sign in (1, -1)) / 2)
            yield abs(found[-1] - 1 + 2 * unreached(member, turn)), rounding(member)
        yield abs(np.mean(found) - rotations.expected_matched_r_squared(d, m)), rounding(member)

    return run.holds("±H at every set of anchors; then the mean over all signed shifts of whitened x", MEMBERS, check)


@ALONE.by("numeric")
def _(run):
    def check(member: Anchored):
        found, d, m = [], member.d, member.m
        for turn in shifts(d):
            moments, white, _, Y = anchors_of(member, turn)
            A = np.linalg.pinv(white) @ Y / member.planted[2][:, None]
            found.append(map_r_squared(moments, A))
            yield abs(found[-1] - 1 + unreached(member, turn)), rounding(member)
        yield abs(np.mean(found) - rotations.expected_anchors_r_squared(d, m)), rounding(member)

    return run.holds("regression by pseudo-inverse; then the mean over all signed shifts", MEMBERS, check)


def r_squared(Q: Matrix, Sy: Matrix) -> Any:
    """Exact R² of the whitened map Q where Q_* = 1."""
    missed = Q - eye(Sy.rows)
    return 1 - (missed * Sy * missed.T).trace() / Sy.trace()


@MATCHED.by("necessity")
def _(run):
    Sy, both = diag(4, 1), [diag(1, h) for h in (1, -1)]
    mean = sum(r_squared(Q, Sy) for Q in both) / 2
    return Necessity(
        {
            "H ~ −H": Counterexample(
                "d = 2, Σy = diag(4,1), Q_* = 1, the anchor (1,0) or (0,1), orientation kept: H = 1, R² = 1, not 0",
                {
                    "R is (0,1) or (1,0), and E RRᵀ = 1/2": (diag(0, 1) + diag(1, 0)) / 2 == eye(2) / 2,
                    "of H = ±1 one keeps the orientation": [Q.det() for Q in both] == [1, -1],
                },
                {"E R² = 2m/d − 1": r_squared(both[0], Sy) == 0},
                r_squared(both[0], Sy),
            ),
            ISOTROPIC: Counterexample(
                "d = 2, Σy = diag(4,1), Q_* = 1, the anchor always (1,0): H = ±1, R² = 1 and 1/5, not 0 on average",
                {
                    "H ~ −H": {Q[1, 1] for Q in both} == {1, -1},
                    "met by both": all(Q[0, :] == eye(2)[0, :] for Q in both),
                },
                {"E R² = 2m/d − 1": mean == 0},
                mean,
            ),
        }
    )


def least_squares(Sx: Matrix, Sy: Matrix, anchors: list[Matrix], white: bool) -> Any:
    """Mean R² of least squares on one of the whitened rows `anchors`, drawn uniformly; Q_* = 1, diagonal Σ."""
    root, found = Sx.applyfunc(sqrt), []
    for row in anchors:
        x = row if white else row * root
        projector = x.T * x / (x * x.T)[0]
        B = projector if white else root * projector * root.inv()
        found.append(r_squared(B, Sy))
    return sum(found) / len(found)


DIAGONALS = [Matrix([[1, 1]]), Matrix([[1, -1]])]


@ALONE.by("necessity")
def _(run):
    raw, one = (least_squares(diag(1, 4), eye(2), DIAGONALS, white) for white in (False, True))
    fixed = least_squares(eye(2), diag(4, 1), [Matrix([[1, 0]])], True)
    isotropic = sum((eye(2) - x.T * x / 2 for x in DIAGONALS), diag(0, 0)) / 2 == eye(2) / 2
    return Necessity(
        {
            "whitened coordinates": Counterexample(
                "d = 2, m = 1, Σx = diag(1,4), Σy = 1, Q_* = 1, x̃ = (1,1) or (1,−1): X⁺Y has R² 8/25, x̃⁺Y has 1/2",
                {ISOTROPIC: isotropic, "x̃⁺Y has 1/2": one == Rational(1, 2)},
                {"E R² = m/d": raw == Rational(1, 2)},
                one - raw,
            ),
            ISOTROPIC: Counterexample(
                "d = 2, Σx = 1, Σy = diag(4,1), Q_* = 1, the anchor always (1,0): R² = 4/5, not 1/2",
                {"x̃⁺x̃ = e₁e₁ᵀ meets the anchor": Matrix([[1, 0]]) * diag(1, 0) == Matrix([[1, 0]])},
                {"E R² = m/d": fixed == Rational(1, 2)},
                fixed - Rational(1, 2),
            ),
        }
    )


@MATCHED.by("mutants")
def _(run):
    return Mutants([m for name in ("C2-pythagoras", "C2-share") for m in certified.mutants(name, run.rng())])


@ALONE.by("mutants")
def _(run):
    names = ("C2-regression", "C2-remainder", "C2-smallest")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])


def diagonal(Sx: ArrayLike, Q: np.ndarray, Sy: ArrayLike) -> Planted:
    """Domains with these variances, and Q_* (one, or one for each draw)."""
    return Planted(np.diag(Sx), Q * np.sqrt(Sy) / np.sqrt(Sx)[:, None])


@MATCHED.by("simulated")
def _(run):
    rng, d, m = run.rng(), 6, 2
    predicted, falling = rotations.expected_matched_r_squared(d, m), 1 / np.arange(1, d + 1)
    gaussian = drawn.expected_matched_r_squared(d, m, DRAWS, rng)
    # In whitened coordinates: components of either sign; and the first few directions, with a little of the others.
    signs = rng.choice([-1.0, 1.0], size=(DRAWS, m, d)) * rng.uniform(0.5, 2, size=(DRAWS, m, d))
    narrow = rng.normal(size=(DRAWS, m, d)) * 2.0 ** -np.arange(d)

    def simulated(white, Sy, Q):
        planted = diagonal(falling, Q, Sy)
        X = white * np.sqrt(falling)
        return of_sample(planted.r_squared(planted.matched(X, X @ planted.truth, rng)))

    return Simulated(
        "R² of one matched map, with Gaussian anchors of one random pair of domains unless said otherwise",
        {
            "d = 6, m = 2": (predicted, gaussian),
            **{
                f"d = {n}, m = {k}": (
                    rotations.expected_matched_r_squared(n, k),
                    drawn.expected_matched_r_squared(n, k, DRAWS, rng),
                )
                for n, k in ((2, 1), (6, 0), (6, 5))
            },
            "independent symmetric components": (predicted, simulated(signs, falling, np.eye(d))),
            "anchors along few directions, Σy = 1": (predicted, simulated(narrow, np.ones(d), np.eye(d))),
            "anchors along few directions, Q_* Haar": (predicted, simulated(narrow, falling, haar(d, DRAWS, rng))),
        },
        {
            "m/d, as of the anchors alone": (m / d, gaussian),
            "anchors along few directions": (predicted, simulated(narrow, falling, np.eye(d))),
        },
    )


def haar(d: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Haar rotations (draws, d, d): those from one frame of Gaussian rows to another."""
    planted = Planted(np.eye(d), np.eye(d))
    return planted.matched(np.zeros((draws, 0, d)), np.zeros((draws, 0, d)), rng)


@ALONE.by("simulated")
def _(run):
    rng, d, m = run.rng(), 6, 2
    predicted = rotations.expected_anchors_r_squared(d, m)
    gaussian = drawn.expected_anchors_r_squared(d, m, DRAWS, rng)
    planted = Planted.random(d, rng)
    X = planted.gaussian(m, DRAWS, rng)
    Y = X @ planted.truth
    errors = [1 - planted.r_squared(A) for A in (planted.matched(X, Y, rng), planted.regression(X, Y))]
    raw = of_sample(planted.r_squared(planted.regression(X, Y, whiten=False)))
    return Simulated(
        "R² of regression on Gaussian anchors alone, of one random pair of domains",
        {
            "d = 6, m = 2": (predicted, gaussian),
            **{
                f"d = {n}, m = {k}": (
                    rotations.expected_anchors_r_squared(n, k),
                    drawn.expected_anchors_r_squared(n, k, DRAWS, rng),
                )
                for n, k in ((2, 1), (6, 5))
            },
            "error of the matched map less twice that of the regression": (0, of_sample(errors[0] - 2 * errors[1])),
        },
        {
            "2m/d − 1, as of a matched map": (2 * m / d - 1, gaussian),
            "pseudo-inverse of the rows of x": (predicted, raw),
            "error of the matched map less that of the regression": (0, of_sample(errors[0] - errors[1])),
        },
    )
