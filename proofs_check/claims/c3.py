"""Theorem C3: what noisy anchors leave of an orthogonal and of a least-squares fit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from sympy import Add, Expr, Matrix, Rational, diag, exp, eye, integrate, ones, oo, sign, sqrt, symbols, zeros

from proofs_check import certified, scalar
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from theory.ambiguity import noisy_anchors as noisy
from theory.linalg import tolerance
from theory.monte_carlo import noisy_anchors as monte_carlo
from theory.monte_carlo.estimate import Estimate

LAW, SMALL, TRUTH = "E E_ij E_kl = δ_ik δ_jl", "σ → 0", "Q_* orthogonal"
PROCRUSTES = Claim(
    "C3.i",
    "To first order in σ², what noisy anchors leave of an orthogonal fit",
    "Y = XQ_* + σE; s_1, …, s_r > 0 the squared singular values of X: E‖Q̂ − Q_*‖² = "
    "2(d−r) + σ²[Σ_{i≠j} 1/(s_i+s_j) + (d−r)Σ 1/s_i] + o(σ²), Q̂ Procrustes with a Haar draw on the complement",
    "First order in σ², for given whitened anchors. Known directions turn into each other, in ordered pairs, and lean "
    "into the d − r unknown ones, which are drawn and cost 2 each. For Gaussian noise the rest is O(σ⁴).",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=(LAW, "H Haar", SMALL, TRUTH),
    axioms=("singular value decomposition",),
)
LEAST_SQUARES = Claim(
    "C3.ii",
    "From d anchors on, matching the laws more than halves the variance of least squares",
    "E‖X⁺Y − Q_*‖² = (d−r) + dσ²Σ 1/s_i exactly; r = d: Procrustes ≤ (d−1)/(2d) of it to first order in σ², with "
    "equality iff s_1 = … = s_d; Gaussian anchors, m ≥ d + 2: E Σ 1/s_i = d/(m−d−1) (m ≤ d − 2: m/(d−m−1))",
    "Least squares on the anchors alone fits d² numbers; an orthogonal map has d(d−1)/2, and two entries of the noise "
    "are averaged in each. The first-order error of Procrustes is the only approximation here.",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=("r = d", LAW, SMALL),
    axioms=("singular value decomposition",),
    requires=("C3.i",),
)
a, b, v = symbols("a b v", positive=True)
# Central differences of order four with step 1/1000, for singular values between 1/2 and 2.
STEP, DIFFERENCE = 1e-3, 1e-7
SPREAD, FLAT = np.array([9.0, 7.0, 6.0, 5.0]), np.full(4, 6.0)


@PROCRUSTES.by("proof")
def _(run):
    g, h = symbols("g h", real=True)
    turn = (sqrt(a) * g - sqrt(b) * h) / (a + b)
    squares = {g**2: 1, h**2: 1, g * h: 0}
    return [
        cite("singular value decomposition"),
        certified.step("C3-error", "the error is ‖W − J‖² + 2(d−r) − 2Tr(KHLᵀ), and H, −H are equally likely"),
        certified.step(
            "C3-sylvester",
            "SΔJᵀ + ΔJᵀS = NJᵀ − JNᵀ up to terms quadratic in N and Δ; S ≻ 0, so that Δ is analytic in N near 0 "
            "(implicit function theorem); N = σ√S·G, G = UᵀEVQ has the moments of E; ‖Δ‖ ≤ C‖N‖ dominates the limit",
        ),
        scalar.identity(
            "so that to first order Δ_ij/σ = (√s_i G_ij − √s_j G_ji)/(s_i + s_j)",
            (a + b) * turn,
            sqrt(a) * g - sqrt(b) * h,
        ),
        scalar.identity(
            "of variance 1/(s_i + s_j), once for (i, j) and once for (j, i)",
            (turn**2).expand().subs(squares),
            1 / (a + b),
        ),
        certified.step("C3-complement", "SΔK = NK up to quadratic terms: Δ/σ = G_ij/√s_i outside the frame"),
        scalar.identity("of variance 1/s_i in each of d − r dimensions", (sqrt(a) * g / a) ** 2 / g**2, 1 / a),
    ]


@LEAST_SQUARES.by("proof")
def _(run):
    n, x = symbols("n x", positive=True)
    chi = [integrate(x ** (n / 2 + k) * exp(-x / 2), (x, 0, oo)) for k in (-1, 0)]
    s = symbols("s:4", positive=True)
    ordered: Expr = Add(*(1 / (p + q) for p, q in permutations(s, 2)))
    gaps: Expr = Add(*((p - q) ** 2 / (2 * p * q * (p + q)) for p, q in combinations(s, 2)))
    return [
        cite("singular value decomposition"),
        certified.step(
            "C3-least-squares", "‖X⁺Y − Q_*‖² = d − r + σ²‖X⁺E‖² for every E, and E‖X⁺E‖² = d‖X⁺‖² = dΣ 1/s_i"
        ),
        scalar.identity(
            "1/(a+b) is a quarter of 1/a + 1/b less a square, and each s_i is in 2(d−1) ordered pairs",
            (1 / a + 1 / b) / 4 - (a - b) ** 2 / (4 * a * b * (a + b)),
            1 / (a + b),
        ),
        scalar.identity(
            "d = 4, written out: the gap is a sum of squares over pairs",
            Rational(3, 2) * Add(*(1 / p for p in s)) - ordered,
            gaps,
        ),
        certified.step(
            "C3-schur",
            "[(XᵀX)⁻¹]_ii = 1/‖(1 − P)a‖², a the i-th column and P the projection on the others: N(0, 1) entries are "
            "rotation-invariant, so that ‖(1 − P)a‖² is χ² of m − d + 1 = n + 2 (for m < d, of XXᵀ, d − m + 1)",
        ),
        scalar.identity("E 1/χ² of n + 2 degrees of freedom is 1/n", chi[0] / chi[1], 1 / n),
    ]


@dataclass(frozen=True)
class Anchors:
    """Rows X [m, d] of rank r with squared singular values between 1/2 and 2, and a rotation, as ``repr`` shows.

    Parameters
    ----------
    seed, d, r, more
        Sizes; m = r + more.
    sigma
        Noise.
    """

    seed: int
    d: int
    r: int
    more: int
    sigma: float

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        U, V, Q = (np.linalg.qr(rng.normal(size=(n, n)))[0] for n in (self.r + self.more, self.d, self.d))
        s = np.sort(rng.uniform(0.5, 2, self.r))[::-1]
        return s, U[:, : self.r] * np.sqrt(s) @ V[:, : self.r].T, Q

    @property
    def s(self) -> np.ndarray:
        """Squared singular values, descending."""
        return self._drawn[0]

    @property
    def X(self) -> np.ndarray:
        """Anchors."""
        return self._drawn[1]

    @property
    def Q(self) -> np.ndarray:
        """True rotation."""
        return self._drawn[2]

    def linear_error(self, L: np.ndarray) -> float:
        """E‖LY − Q_*‖² of any linear fit L (d×m), by the moments of the noise."""
        return float(((L @ self.X - np.eye(self.d)) ** 2).sum() + self.d * self.sigma**2 * (L**2).sum())

    def slope(self) -> float:
        """E‖∂W‖²: squared differences of the partial isometry W of XᵀY, summed over the entries of the noise."""
        directions = np.eye(self.X.size).reshape(-1, *self.X.shape)

        def fitted(step: float) -> np.ndarray:
            P, _, Qt = np.linalg.svd(self.X.T @ (self.X @ self.Q + step * directions))
            return P[:, :, : self.r] @ Qt[:, : self.r]

        near, far = (fitted(h) - fitted(-h) for h in (STEP, 2 * STEP))
        return float((((8 * near - far) / (12 * STEP)) ** 2).sum())


def members(full: bool = False) -> st.SearchStrategy[Anchors]:
    """Anchors in up to 5 dimensions, of full rank or of any."""
    ranks = st.integers(1, 5).flatmap(lambda d: st.tuples(st.just(d), st.integers(d if full else 1, d)))
    drawn = st.tuples(st.integers(0, 2**32 - 1), ranks, st.integers(0, 3), st.floats(0.01, 2))
    return drawn.map(lambda m: Anchors(m[0], *m[1], *m[2:]))


@PROCRUSTES.by("numeric")
def _(run):
    def check(member: Anchors):
        predicted = noisy.procrustes_error(member.s, member.d, 1.0) - 2 * (member.d - member.r)
        yield abs(member.slope() - predicted), DIFFERENCE * (1 + predicted)

    return run.holds("fits differentiated in each entry of the noise: squares sum to the bracket", members(), check)


@LEAST_SQUARES.by("numeric")
def _(run):
    def check(member: Anchors):
        d, sigma = member.d, member.sigma
        eps = tolerance(d * (1 + sigma**2), 8 * (member.r + member.more))
        exact = member.linear_error(np.linalg.pinv(member.X))
        yield abs(noisy.least_squares_error(member.s, d, sigma) - exact), eps
        share = (d - 1) / (2 * d)
        yield noisy.procrustes_error(member.s, d, sigma) - share * exact, eps
        flat = np.full(d, member.s[0])
        gap = noisy.procrustes_error(flat, d, sigma) - share * noisy.least_squares_error(flat, d, sigma)
        yield abs(gap), eps

    return run.holds("X⁺ by its moments; the ratio, with equality where all s are equal", members(full=True), check)


# Equally likely noise matrices: fair signs in every entry, a fair sign in one dimension, and one that mostly turns.
ENTRIES = [Matrix(2, 2, entries) for entries in product((-1, 1), repeat=4)]
SIGNED = [eye(1), -eye(1)]
TURNING = [Matrix([[h, g], [-g, h]]) for h, g in product((-1, 1), repeat=2)]


def lawful(noise: list[Any]) -> bool:
    """E E_ij E_kl = δ_ik δ_jl."""
    return sum((E.vec() * E.vec().T for E in noise), zeros(len(noise[0]))) / len(noise) == eye(len(noise[0]))


def orthogonal(Q: Any) -> bool:
    """QᵀQ = 1."""
    return Q.T * Q == eye(Q.rows)


def fit(M: Any) -> Any:
    """Polar factor of a 1×1 matrix, or of a 2×2 matrix with positive determinant."""
    if M.rows == 1:
        return M.applyfunc(sign)
    turn = Matrix([[M[0, 0] + M[1, 1], M[0, 1] - M[1, 0]], [M[1, 0] - M[0, 1], M[0, 0] + M[1, 1]]])
    return turn / sqrt(turn.det())


def mean_error(Q: Any, noise: list[Any], sigma, fitted: Callable[[Any], Any] = fit) -> Any:
    """E‖Q̂ − Q_*‖² of the anchors X = 1, s = (1, …, 1)."""
    residuals = (fitted(Q + sigma * E) - Q for E in noise)
    return Add(*(entry**2 for residual in residuals for entry in residual)) / len(noise)


def _slope(noise: list[Any], fitted: Callable[[Any], Any] = fit) -> Any:
    """Coefficient of σ² in the error of X = Q_* = 1, whose fits start at Q_*."""
    fits = (fitted(eye(E.rows) + v * E) for E in noise)
    return Add(*(entry.diff(v).subs(v, 0) ** 2 for Q in fits for entry in Q)) / len(noise)


@PROCRUSTES.by("necessity")
def _(run):
    one, turned, lost = eye(1), _slope(TURNING), mean_error(eye(1), SIGNED, 2)
    return Necessity(
        {
            LAW: Counterexample(
                "X = Q_* = 1₂, E = [[h, g], [−g, h]] with fair signs: the noise turns, and the error is 2σ² + o(σ²)",
                {
                    "entries of variance 1": all(E.applyfunc(abs) == ones(2, 2) for E in TURNING),
                    "Q_* orthogonal, r = d": orthogonal(eye(2)),
                    "σ² with independent signs": _slope(ENTRIES) == 1,
                },
                {"2σ²/(s_1 + s_2) = σ²": bool(turned == 1)},
                turned - 1,
            ),
            "H Haar": Counterexample(
                "d = 1, no anchor, Q_* = 1, H = 1 always: error 0",
                {"Q_* orthogonal": orthogonal(one), "H orthogonal": orthogonal(one)},
                {"error = 2(d − r) = 2": bool((one - one)[0] ** 2 == 2)},
                2 - (one - one)[0] ** 2,
            ),
            SMALL: Counterexample(
                "d = 1, X = Q_* = 1, σ = 2, E = ±1: Q̂ = sign(1 ± 2) is wrong every other time",
                {LAW: lawful(SIGNED), "Q_* orthogonal, r = d": orthogonal(one)},
                {"error = 0": bool(lost == 0)},
                lost,
            ),
            TRUTH: Counterexample(
                "d = 1, X = 1, Q_* = 2, σ → 0: Q̂ = 1",
                {LAW: lawful(SIGNED), "Q̂ orthogonal": orthogonal(fit(2 * one))},
                {"error → 0": bool(mean_error(2 * one, SIGNED, 0) == 0)},
                mean_error(2 * one, SIGNED, 0),
            ),
        }
    )


@LEAST_SQUARES.by("necessity")
def _(run):
    first = diag(1, 0)  # one anchor e₁, its pseudo-inverse and the projection on it
    matched, alone = ((A - eye(2)).norm() ** 2 for A in (diag(1, -1), first))
    matched /= 2  # the other fit, diag(1, 1), is right
    turned, kept = _slope(TURNING), _slope(TURNING, lambda M: M)
    lost, squares = mean_error(eye(1), SIGNED, 2), mean_error(eye(1), SIGNED, 2, lambda M: M)
    return Necessity(
        {
            "r = d": Counterexample(
                "d = 2, Q_* = 1, σ → 0, one anchor e₁: Procrustes diag(1, ±1), error 2; least squares diag(1, 0), 1",
                {"the anchor is met": all(Q[0, :] == eye(2)[0, :] for Q in (diag(1, 1), diag(1, -1), first))},
                {"Procrustes ≤ a quarter of least squares": bool(matched <= alone / 4)},
                matched - alone / 4,
            ),
            LAW: Counterexample(
                "X = Q_* = 1₂, E = [[h, g], [−g, h]] with fair signs: Procrustes 2σ², least squares 4σ²",
                {
                    "entries of variance 1": all(E.applyfunc(abs) == ones(2, 2) for E in TURNING),
                    "r = d": eye(2).rank() == 2,
                    "σ² and 4σ² with independent signs": (_slope(ENTRIES), _slope(ENTRIES, lambda M: M)) == (1, 4),
                },
                {"Procrustes ≤ a quarter of least squares": bool(turned <= kept / 4)},
                turned - kept / 4,
            ),
            SMALL: Counterexample(
                "d = 1, X = Q_* = 1, σ = 2, E = ±1: Procrustes 2, and 0 of the 4 of least squares is less",
                {"r = d": eye(1).rank() == 1, LAW: lawful(SIGNED), "least squares dσ²/s": squares == 4},
                {"Procrustes ≤ 0": bool(lost <= 0 * squares)},
                lost,
            ),
        }
    )


@PROCRUSTES.by("mutants")
def _(run):
    variants = [
        ("drop", "Σ over unordered pairs", 1 / (2 * (a + b))),
        ("double", "2/(s_i + s_j)", 2 / (a + b)),
        ("flip", "1/|s_i − s_j|", 1 / abs(a - b)),
        ("swap", "a quarter of 1/s_i + 1/s_j", (1 / a + 1 / b) / 4),
    ]
    names = ("C3-sylvester", "C3-complement")
    rng = run.rng()
    found = [m for name in names for m in certified.mutants(name, rng)]
    return Mutants([*found, *scalar.mutants(1 / (a + b), variants, rng)])


@LEAST_SQUARES.by("mutants")
def _(run):
    rng = run.rng()
    return Mutants([m for name in ("C3-least-squares", "C3-schur") for m in certified.mutants(name, rng)])


def both(name: str, s, d: int, sigma: float, draws: int, rng, **more) -> tuple[float, Estimate]:
    """Closed form and simulation of one name, given the anchors."""
    closed, simulated = getattr(noisy, name), getattr(monte_carlo, name)
    return float(closed(s, d, sigma, **more)), simulated(s, d, sigma, draws=draws, rng=rng, **more)


@PROCRUSTES.by("simulated")
def _(run):
    rng = run.rng()
    given = partial(both, "procrustes_error", rng=rng)
    spectra = noisy.gaussian_spectra(4, 4, 4000, rng)
    averaged = float(noisy.procrustes_error(spectra, 4, 0.05).mean())
    once, simulated = given(SPREAD, 4, 0.1, 4000)
    return Simulated(
        "Given anchors and weak noise; not strong noise, not half the pairs, and not on average over as many Gaussian "
        "anchors as dimensions, where the wrong determinant has a probability of order σ and an error of 4",
        {
            "s = (9, 7, 6, 5), d = 4, σ = 0.1": (once, simulated),
            "s = (9, 7, 6, 5), d = 7, σ = 0.1": given(SPREAD, 7, 0.1, 2000),
            "one anchor, s = 6, d = 5, σ = 0.1": given(FLAT[:1], 5, 0.1, 2000),
            "wrong determinants, d = 4, σ = 0.02": (
                noisy.reflection_probability(4, 0.02),
                monte_carlo.reflection_probability(4, 0.02, 20000, rng),
            ),
        },
        {
            "σ = 2, d = 4": given(SPREAD, 4, 2.0, 2000),
            "σ = 2, d = 7": given(SPREAD, 7, 2.0, 2000),
            "unordered pairs": (once / 2, simulated),
            "4 Gaussian anchors, d = 4, σ = 0.05": (
                averaged,
                monte_carlo.expected_procrustes_error(4, 4, 0.05, 4000, rng),
            ),
        },
    )


@LEAST_SQUARES.by("simulated")
def _(run):
    rng = run.rng()
    given = partial(both, "least_squares_error", rng=rng)

    def gaussian(d: int, m: int) -> tuple[float, Estimate]:
        closed = noisy.expected_least_squares_error(d, m, 0.5)
        return closed, monte_carlo.expected_least_squares_error(d, m, 0.5, 2000, rng)

    def share(s, sigma: float, d: int = 4) -> tuple[float, Estimate]:
        bound = (d - 1) / (2 * d) * float(noisy.least_squares_error(s, d, sigma))
        return bound, monte_carlo.procrustes_error(s, d, sigma, 4000, rng)

    return Simulated(
        "Least squares at any noise, with Gaussian anchors, too; (d−1)/(2d) of it for Procrustes with equal s and weak "
        "noise, not with unequal s, strong noise or fewer anchors",
        {
            "s = (9, 7, 6, 5), d = 4, σ = 3": given(SPREAD, 4, 3.0, 2000),
            "s = (9, 7, 6, 5), d = 7, σ = 3": given(SPREAD, 7, 3.0, 2000),
            "12 Gaussian anchors, d = 6": gaussian(6, 12),
            "3 Gaussian anchors, d = 9": gaussian(9, 3),
            "three eighths, s = (6, 6, 6, 6), σ = 0.1": share(FLAT, 0.1),
        },
        {
            "three eighths, s = (36, 1, 1, 1)": share(np.array([36.0, 1, 1, 1]), 0.05),
            "three eighths, σ = 3": share(FLAT, 3.0),
            "three eighths, 3 anchors": share(FLAT[:3], 0.1),
        },
    )
