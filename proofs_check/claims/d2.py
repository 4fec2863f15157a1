"""Theorem D2: mean and variance of translations that match covariances and are otherwise left to chance."""

from functools import cache
from itertools import permutations, product
from typing import Any

import numpy as np
from sympy import Matrix, Rational, cos, eye, integrate, pi, sin, symbols
from z3 import And, Reals

from proofs_check import certified, logic, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity, Step
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.cycle import CycleOptima
from theory.linalg import tolerance
from theory.monte_carlo import cycle as monte_carlo

CLAIM = Claim(
    "D2",
    "Cycle-optimal maps that match covariances, otherwise at random, translate worse than the mean",
    "Γ = Λ_x^{-1/2}QΛ_y^{1/2}, Q Haar on O(r): E R² = −Σ_{i≤r}λ_i(Σy)/TrΣy, Var R² = 4‖C‖²/(r Tr²Σy), "
    "C = Λ_x^{-1/2}C₀Λ_y^{1/2}",
    "The mean is minus the share of variance of r principal components, whatever pairs with what: pairing enters the "
    "variance alone. All that is used of Q is E Q = 0 and E Q_ijQ_kl = δ_ikδ_jl/r, which holds for every law that "
    "signed permutations leave as it is; rotations alone have it for r ≥ 3, but not for r ≤ 2.",
    "ours; from theorem D1",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Γ = Λ_x^{-1/2}QΛ_y^{1/2}", "Q Haar on O(r)"),
    requires=("D1",),
)

# The two components of O(2), a rotation and a reflection by θ, and a coherence matrix between two dimensions.
θ = symbols("θ", real=True)
C = Matrix(2, 2, symbols("c11 c12 c21 c22", real=True))
TURN = Matrix([[cos(θ), -sin(θ)], [sin(θ), cos(θ)]])
COMPONENTS = {"turn": TURN, "mirror": TURN * Matrix([[1, 0], [0, -1]])}


def _signed(r: int) -> np.ndarray:
    """All signed permutation matrices of size r, whole numbers [2^r r!, r, r]."""
    signs = [np.diag(s) for s in product((1, -1), repeat=r)]
    return np.array([D @ np.eye(r, dtype=int)[list(order)] for order, D in product(permutations(range(r)), signs)])


def _isotropic(group: np.ndarray) -> bool:
    """Exact: E P_ia = 0 and E P_iaP_jb = δ_ijδ_ab/r, P uniform on the group."""
    size, r = len(group), group.shape[1]
    entries = group.reshape(size, r * r)
    second = r * entries.T @ entries == size * np.eye(r * r, dtype=int)
    return bool(second.all()) and not entries.sum(0).any()


@cache
def _average(power: int, components: str) -> Any:
    """E Tr(QᵀC)^power, θ uniform, each component as likely."""
    values = [((COMPONENTS[name].T * C).trace() ** power).expand() for name in components.split()]
    return sum(integrate(value, (θ, 0, 2 * pi)) / (2 * pi) for value in values) / len(values)


def _norm() -> Any:
    return (C.T * C).trace()


@CLAIM.by("proof")
def _(run):
    reals: Any = Reals("E_P_iaP_jb E_P_ia E_P_ia² r E_Tr(QᵀC) E_R² TrΣy TrΛy")
    pair, entry, square, r, linear, mean, total, shares = reals
    groups = {size: _signed(size) for size in (1, 2, 3)}
    rotations = [_isotropic(group[np.linalg.det(group) > 0]) for group in groups.values()]
    return [
        certified.step("D2-matched", "ΓᵀΛxΓ = Λy: the translation has the covariance of the principal part of y"),
        certified.step("D2-error", "R²·TrΣy = 2Tr(QᵀC) − TrΛy (D1)"),
        logic.prove(
            "P uniform on the signed permutations has the law of P with row i or column a negated: "
            "E P_ia = 0, and E P_iaP_jb = 0 unless i = j and a = b",
            [pair == -pair, entry == -entry],
            And(pair == 0, entry == 0),
        ),
        logic.prove(
            "E P_ia² is one number for all i and a, and a column has norm 1: it is 1/r",
            [r * square == 1],
            square == 1 / r,
        ),
        Step(
            "sympy",
            "complete for r ≤ 3: these moments over all 2, 8 and 48 signed permutations",
            all(map(_isotropic, groups.values())),
        ),
        certified.step(
            "D2-norm",
            "Q ~ PQ: Tr((PQ)ᵀC) = Tr(Pᵀ·CQᵀ) has mean 0 and mean square ‖CQᵀ‖²/r = ‖C‖²/r, whatever Q",
        ),
        logic.prove(
            "so that E R² = −TrΛy/TrΣy, and the variance is that of 2Tr(QᵀC)/TrΣy",
            [linear == 0, mean * total == 2 * linear - shares, total > 0],
            mean == -shares / total,
        ),
        scalar.identity("on the plane, over both components: E Tr(QᵀC) = 0", _average(1, "turn mirror"), 0 * θ),
        scalar.identity("and E Tr(QᵀC)² = ‖C‖²/2", _average(2, "turn mirror"), _norm() / 2),
        Step(
            "sympy",
            "rotations alone: for r ≥ 3 the sign of a third row mends the determinant; r = 3 in full, false for r ≤ 2",
            rotations == [False, False, True],
        ),
    ]


@CLAIM.by("numeric")
def _(run):
    def check(pair: Pair):
        optima = CycleOptima.of(pair.moments, pair.k)
        Q = _signed(pair.k) @ np.linalg.qr(pair.rng.normal(size=(pair.k, pair.k)))[0]
        values = monte_carlo.r_squared(pair.X, pair.Y, optima.map(optima.matched_gamma(Q)))
        mean, variance = optima.matched_r_squared()
        eps = tolerance(4.0, pair.n + pair.dx + pair.dy, gap=(optima.variances_x[-1] / optima.variances_x[0]) ** 0.5)
        yield abs(values.mean() - mean), eps
        yield abs(values.var() - variance), 8 * eps

    statement = "mean and variance of R² on rows over PQ, every signed permutation P, a random Q"
    return run.holds(statement, pairs(FULL_RANK, max_width=3), check)


@CLAIM.by("simulated")
def _(run):
    rng, pair = run.rng(), Pair(1, 24, 4, 3, 2, 1.0, "generic")

    def drawn(r: int, rotations_only: bool = False):
        return monte_carlo.matched_r_squared(pair.X, pair.Y, r, rotations_only, draws=4000, rng=rng)

    predicted = {r: CycleOptima.of(pair.moments, r).matched_r_squared() for r in (1, 2, 3)}
    found = {r: drawn(r) for r in (1, 2, 3)}
    inside, outside = {}, {}
    for r in (1, 2, 3):
        for i, name in enumerate(("mean", "variance")):
            inside[f"{name}, r = {r}"] = predicted[r][i], found[r][i]
    inside["variance, r = 3, rotations alone"] = predicted[3][1], drawn(3, rotations_only=True)[1]
    outside["variance, r = 2, rotations alone"] = predicted[2][1], drawn(2, rotations_only=True)[1]
    outside["mean, r = 1, rotations alone (Q = 1)"] = predicted[1][0], drawn(1, rotations_only=True)[0]
    outside["mean, r = 1: minus all of the variance"] = -1.0, found[1][0]
    outside["variance, r = 3, without 1/r"] = 3 * predicted[3][1], found[3][1]
    return Simulated("R² of V_xΓV_yᵀ on 24 rows, dx = 4, dy = 3, from the residuals of drawn Q", inside, outside)


@CLAIM.by("necessity")
def _(run):
    plane, quarter = Matrix([[1, 1], [-1, -1], [1, -1], [-1, 1]]), Matrix([[0, -1], [1, 0]])
    values = [1 - ((plane - plane * quarter**i).T * (plane - plane * quarter**i)).trace() / 8 for i in range(4)]
    mean = sum(values) / Rational(4)
    variance = sum((v - mean) ** 2 for v in values) / Rational(4)
    claimed = Rational(4) * 2 / (2 * 2**2)
    wide, narrow = Matrix([2, -2]), Matrix([1, -1])
    signs = [1 - ((narrow - Q * wide).T * (narrow - Q * wide))[0] / 2 for Q in (1, -1)]
    worse = sum(signs) / Rational(2)
    return Necessity(
        {
            "Q Haar on O(r)": Counterexample(
                "X = Y = (h1, h2), C = 1₂, Q a quarter turn to a random power (two moments of the Haar law on SO(2))",
                {
                    "Γ = Q with Σx = Σy = 1": plane.T * plane / 4 == eye(2),
                    "Q orthogonal": quarter.T * quarter == eye(2),
                    "E R² = −1": mean == -1,
                },
                {"Var R² = 4‖C‖²/(r Tr²Σy) = 1": variance == claimed},
                variance - claimed,
            ),
            "Γ = Λ_x^{-1/2}QΛ_y^{1/2}": Counterexample(
                "x = ±2, y = x/2, Γ = Q = ±1, each as likely",
                {"Λx = 4, Λy = 1": (wide.T * wide)[0] == 8 and (narrow.T * narrow)[0] == 2},
                {"E R² = −1": worse == -1},
                -1 - worse,
            ),
        }
    )


@CLAIM.by("mutants")
def _(run):
    truth = 4 * _average(2, "turn mirror")
    variants = [
        ("drop", "rotations alone", 4 * _average(2, "turn")),
        ("change", "4‖C‖²/r²", _norm()),
        ("swap", "Tr(C)²/r", 2 * C.trace() ** 2),
        ("equivalent", "4‖C‖²/r", 2 * _norm()),
    ]
    certificates = [m for name in ("D2-error", "D2-norm") for m in certified.mutants(name, run.rng())]
    return Mutants([*scalar.mutants(truth, variants, run.rng()), *certificates])
