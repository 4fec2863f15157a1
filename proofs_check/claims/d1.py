"""Theorem D1: how well the maps translate that cycle consistency leaves."""

from typing import Any

import numpy as np
from sympy import Expr, Matrix, Rational, diag, eye, symbols
from z3 import And, Reals

from proofs_check import certified, logic, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.cycle import CycleOptima
from theory.linalg import tolerance
from theory.monte_carlo import cycle as monte_carlo

CLAIM = Claim(
    "D1",
    "Cycle consistency leaves the quality of translation open, and a symmetric law of optima below the mean",
    "A = V_xΓV_yᵀ: R²(Γ) = [2Tr(ΓᵀC₀) − Tr(ΓᵀΛ_xΓ)]/TrΣy, C₀ = V_xᵀΣxyV_y; sup over GL(r) = ‖Λ_x^{-1/2}C₀‖²/TrΣy; "
    "Γ ~ −Γ ⇒ E R² = −E Tr(ΓᵀΛ_xΓ)/TrΣy ≤ 0",
    "The minimisers of the cycle loss translate as their free matrix Γ has it, at best like least squares between the "
    "principal components. Where nothing prefers Γ to −Γ they are on average no better than the mean of y. (R² ≤ 1, so "
    "that its mean exists for every law, and is −∞ where the moment is infinite.)",
    "ours; from Lemma 7",
    Verdict.MODULO_AXIOMS,
    hypotheses=("A = V_xΓV_yᵀ", "Λ_x ≻ 0", "Γ ~ −Γ"),
    requires=("L7.ii",),
)


@CLAIM.by("proof")
def _(run):
    reals: Any = Reals("E_R²(Γ) E_R²(−Γ) E_Tr(ΓᵀΛxΓ) TrΣy")
    mean, opposite, moment, total = reals
    return [
        certified.step("D1-error", "(1 − R²)TrΣy = E‖y − xA‖² = TrΣy − 2Tr(ΓᵀC₀) + Tr(ΓᵀΛxΓ)"),
        certified.step(
            "D1-best",
            "2Tr(ΓᵀC₀) − Tr(ΓᵀΛxΓ) = ‖Λx^{-1/2}C₀‖² − ‖Λx^{1/2}Γ − Λx^{-1/2}C₀‖²: the supremum is a bound",
        ),
        certified.step("D1-near", "which Γ = Λx⁻¹C₀ + εG misses by ε²‖Λx^{1/2}G‖² only"),
        *(_invertible(r) for r in (1, 2, 3)),
        certified.step("D1-flip", "(R²(Γ) + R²(−Γ))TrΣy = −2Tr(ΓᵀΛxΓ) = −2‖Λx^{1/2}Γ‖²"),
        logic.prove(
            "Γ ~ −Γ gives both the same mean, half that of the sum: −E Tr(ΓᵀΛxΓ)/TrΣy, and not positive",
            [mean == opposite, (mean + opposite) * total == -2 * moment, moment >= 0, total > 0],
            And(mean * total == -moment, mean <= 0),
        ),
    ]


def _invertible(r: int):
    """det(B + ε) is monic in ε, so zero at no more than r values; G = 1 will do."""
    ε = symbols("ε")
    B = Matrix(r, r, lambda i, j: symbols(f"b{i}{j}"))
    leading = (B + ε * eye(r)).det().expand().coeff(ε, r)
    return scalar.identity(f"Λx⁻¹C₀ + ε is invertible for small ε ≠ 0: r = {r}, leading term ε^{r}", leading, ε**0)


@CLAIM.by("numeric")
def _(run):
    def check(pair: Pair):
        optima, total = CycleOptima.of(pair.moments, pair.k), (pair.Y**2).sum()
        G = pair.rng.normal(size=(pair.k, pair.k))
        there, back = monte_carlo.r_squared(pair.X, pair.Y, np.stack([optima.map(G), optima.map(-G)]))
        eps = tolerance(2 + ((pair.X @ optima.map(G)) ** 2).sum() / total, pair.n + pair.dx + pair.dy)
        yield abs(optima.r_squared(G) - there), eps
        yield abs(optima.expected_r_squared(G @ G.T) - (there + back) / 2), eps
        a, b = pair.X @ optima.Vx, pair.Y @ optima.Vy
        explained = ((a @ np.linalg.lstsq(a, b)[0]) ** 2).sum() / total
        eps *= np.linalg.cond(a) ** 2
        yield abs(optima.supremum - explained), eps
        yield max(there, back) - explained, eps

    statement = "residuals of rows at Γ and −Γ; the supremum as least squares between principal components"
    return run.holds(statement, pairs(FULL_RANK), check)


def _gaussian(rng: np.random.Generator, draws: int) -> np.ndarray:
    """Γ with E ΓΓᵀ = SECOND."""
    return ROOT @ rng.standard_normal((draws, 2, 2)) / np.sqrt(2)


def _laplace(rng: np.random.Generator, draws: int) -> np.ndarray:
    return ROOT @ rng.laplace(scale=np.sqrt(0.5), size=(draws, 2, 2)) / np.sqrt(2)


def _exponential(rng: np.random.Generator, draws: int) -> np.ndarray:
    """Entries with mean 1 and variance 1: E ΓΓᵀ = SECOND + ROOT [[1, 1], [1, 1]] ROOTᵀ."""
    return ROOT @ rng.exponential(size=(draws, 2, 2)) / np.sqrt(2)


ROOT = np.array([[0.2, 0.0], [0.4, 2.0]])
SECOND = ROOT @ ROOT.T


@CLAIM.by("simulated")
def _(run):
    rng, pair = run.rng(), Pair(0, 24, 3, 4, 2, 1.0, "generic")
    optima, draws = CycleOptima.of(pair.moments, 2), 4000

    def mean(law):
        return monte_carlo.expected_r_squared(pair.X, pair.Y, law, draws=draws, rng=rng)

    def coin(rng, draws):
        return optima.best * rng.choice([-1.0, 1.0], size=(draws, 1, 1))

    def about_the_best(rng, draws):
        return optima.best + _gaussian(rng, draws)

    expected, best = optima.expected_r_squared, optima.best
    return Simulated(
        "E R² of V_xΓV_yᵀ on 24 rows, dx = 3, dy = 4, r = 2, from the residuals of drawn Γ",
        {
            "Gaussian Γ": (expected(SECOND), mean(_gaussian)),
            "Laplacian Γ": (expected(SECOND), mean(_laplace)),
            "±Λx⁻¹C₀ by a fair coin: −sup": (-optima.supremum, mean(coin)),
        },
        {
            "Gaussian about Λx⁻¹C₀, not symmetric": (expected(SECOND + best @ best.T), mean(about_the_best)),
            "exponential entries, not symmetric": (
                expected(SECOND + ROOT @ np.ones((2, 2)) @ ROOT.T),
                mean(_exponential),
            ),
            "Gaussian Γ, as good as the mean": (0.0, mean(_gaussian)),
            "Gaussian Γ, E ΓᵀΓ in place of E ΓΓᵀ": (expected(np.trace(SECOND) * np.eye(2) / 2), mean(_gaussian)),
        },
    )


def _r_squared(X: Matrix, Y: Matrix, A: Matrix) -> Expr:
    residual: Any = Y - X * A
    return 1 - (residual.T * residual).trace() / (Y.T * Y).trace()


@CLAIM.by("necessity")
def _(run):
    line, plane, A = Matrix([1, -1]), Matrix([[1, 1], [-1, -1], [1, -1], [-1, 1]]), diag(0, 1)
    found = _r_squared(plane, plane, A)
    translated = _r_squared(line, line, eye(1))
    return Necessity(
        {
            "A = V_xΓV_yᵀ": Counterexample(
                "X = Y = (h1, h2), r = 1, V_x = V_y = e₁: A = diag(0, 1) is optimal as well (tied variances)",
                {
                    "Λx ≻ 0": plane.T * plane / 4 == eye(2),
                    "AB = BA = A for B = A, which loses one tail per domain": A * A == A,
                },
                {"R²(A) = R²(V_xᵀAV_y) = R²(0) = 0": found == 0},
                found,
            ),
            "Γ ~ −Γ": Counterexample(
                "x = y = ±1, Γ = 1",
                {"A = V_xΓV_yᵀ, Λx = 1": (line.T * line / 2)[0] == 1},
                {"R² = −Tr(ΓᵀΛxΓ)/TrΣy = −1": translated == -1},
                translated - Rational(-1),
            ),
        },
        {
            "Λ_x ≻ 0": "it gives Λx⁻¹ a meaning; where a column v of V_x has variance 0, Xv = 0, its row of C₀ is 0 "
            "as well, and the formulas hold with the pseudo-inverse"
        },
    )


@CLAIM.by("mutants")
def _(run):
    names = ("D1-error", "D1-best", "D1-flip")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])
