"""Theorem B4: when the canonical subspaces stay stationary, and where they move if not."""

from typing import Any

import numpy as np
from sympy import Matrix, Rational, diag, eye, symbols
from z3 import Reals

from proofs_check import certified, logic, scalar
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import Pair, pairs
from proofs_check.two_block import TwoBlock, two_block
from theory.linalg import root, subspace_distance, tolerance
from theory.solvers import consistency_tradeoff

DRIFT = Claim(
    "B4",
    "Reconstruction moves the canonical subspaces unless both are invariant",
    "ρ_k > ρ_{k+1}, λ > 0: (U_k, V_k) stationary ⇔ ΣxU_k = U_kB and ΣyV_k = V_kC; as λ → 0, U ∝ U_k + λU_⊥X + o(λ), "
    "V ∝ V_k + λV_⊥Y + o(λ), X_ij = (ρ_ja_ij + ρ_ib_ij)/(ρ_j² − ρ_i²), Y_ij = (ρ_jb_ij + ρ_ia_ij)/(ρ_j² − ρ_i²), "
    "a = U_⊥ᵀΣxU_k, b = V_⊥ᵀΣyV_k",
    "The CCA remains a stationary point for positive weight exactly if reconstruction does not mix its directions with "
    "the others; even then it need not stay optimal. Otherwise the optimum leaves it at once, at the velocity stated.",
    "correction of Lemma 4(i)–(ii); perturbation of the stationarity equations",
    Verdict.MODULO_AXIOMS,
    hypotheses=("ρ_k > ρ_{k+1}", "λ > 0", "ΣxU_k = U_kB", "ΣyV_k = V_kC"),
    axioms=("singular value decomposition",),
    corrects="L4.iv",
    requires=("B6", "L3.ii"),
)


@DRIFT.by("proof")
def _(run):
    return [
        certified.step("L4-objective", "under whitening, with the best decoders, L = 2k + λ(TrΣx + TrΣy) − F"),
        certified.step("B4-invariant", "ΣxU_k = U_kB and MV_k = U_kR give MV_k + λΣxU_k = U_k(R + λB); y likewise"),
        certified.step("B4-stationary", "conversely MV_k + λΣxU_k = U_kΛ and λ ≠ 0 give ΣxU_k = U_k(Λ − R)/λ"),
        cite("singular value decomposition"),
        certified.step(
            "L3-optimal",
            "with ρ = ρ_{k+1}: 2TrR − 2Tr(UᵀMV), at most λ(TrΣx + TrΣy) for an optimal pair, is at least "
            "ρ_k‖U_kᵀU − V_kᵀV‖² + (ρ_k − ρ_{k+1})(‖(1−UUᵀ)U_k‖² + ‖(1−VVᵀ)V_k‖²): as λ → 0 it tends to the CCA, H → 1",
        ),
        certified.step(
            "B4-equations",
            "U = U_k + U_⊥X, V = V_k + V_⊥Y up to a basis, with MVH + λΣxU = UL, satisfy "
            "X(RH + λU_kᵀΣxU) − DYH = λU_⊥ᵀΣxU, D = U_⊥ᵀMV_⊥; divided by λ, in the limit: XR − DY = a, YR − DᵀX = b",
        ),
        certified.step("B4-drift", "which give XR² − DDᵀX = aR + Db, the formula for diagonal R and D"),
        _unique(),
        *_overtaken(),
    ]


def _unique():
    """The limit of the equations has one solution, since ρ_j > ρ_i ≥ 0 for j ≤ k < i."""
    reals: Any = Reals("ρ_j ρ_i a b X Y X′ Y′")
    first, rest, a, b, x, y, other_x, other_y = reals
    solutions = [first * p - rest * q == a for p, q in ((x, y), (other_x, other_y))]
    solutions += [first * q - rest * p == b for p, q in ((x, y), (other_x, other_y))]
    return logic.prove(
        "ρ_jX − ρ_iY = a, ρ_jY − ρ_iX = b have one solution if ρ_j > ρ_i ≥ 0, so that X/λ and Y/λ converge to it",
        [first > rest, rest >= 0, *solutions],
        x == other_x,
    )


def _overtaken():
    """Both subspaces are invariant in X = (2h1, h2), Y = h2; u = (±√(1−s²), s), v = 1 has F = 2s + λ(4 − 3s²) + λ."""
    reals: Any = Reals("λ s")

    def F(weight, s):
        return 2 * s + weight * (4 - 3 * s * s) + weight

    weight, s = symbols("λ s", real=True)
    example = "X = (2h1, h2), Y = h2, k = 1: the CCA s = 1, stationary for every λ,"
    return [
        scalar.identity(
            f"{example} is optimal for λ ≤ 1/3: F(1) − F(s) is a sum of two terms ≥ 0",
            F(weight, 1) - F(weight, s),
            (1 - s) ** 2 + (1 - 3 * weight) * (1 - s**2),
        ),
        logic.prove(
            f"{example} loses to s = 1/(3λ) for λ > 1/3",
            [3 * reals[0] > 1, 3 * reals[0] * reals[1] == 1],
            F(*reals) > F(reals[0], 1),
        ),
    ]


def _canonical(problem: TwoBlock, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Top-k canonical pairs and the gap ρ_k − ρ_{k+1}."""
    U, rho, Vt = np.linalg.svd(problem.M)
    rho = np.append(rho, 0.0)
    return U[:, :k], Vt[:k].T, float(rho[k - 1] - rho[k])


def _outside(W: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Part of A orthogonal to the columns of W."""
    return A - W @ (W.T @ A)


def _kept_apart(S: np.ndarray, W: np.ndarray) -> np.ndarray:
    """S without what mixes the span of W with its complement."""
    inside = W @ W.T
    outside = np.eye(len(W)) - inside
    return inside @ S @ inside + outside @ S @ outside


@DRIFT.by("numeric")
def _(run):
    def check(pair: Pair):
        k, weight = pair.k, float(pair.rng.uniform(0.1, 3))
        problem = two_block(pair, weight)
        U, V, gap = _canonical(problem, k)
        invariant = TwoBlock(_kept_apart(problem.Sx, U), problem.M, _kept_apart(problem.Sy, V), weight)
        gradients = problem.gradients(U, V), invariant.gradients(U, V)
        for W, S, G, kept in zip((U, V), (problem.Sx, problem.Sy), *gradients, strict=True):
            # Stationary iff the gradient stays in the span; it leaves it by λ times what Σ mixes.
            yield abs(np.linalg.norm(_outside(W, G)) - weight * np.linalg.norm(_outside(W, S @ W))), problem.rounding(k)
            yield np.linalg.norm(_outside(W, kept)), problem.rounding(k)
        # A step that moves the subspaces by about 0.001·gap; the remainder is of the order of its square over the gap.
        largest = max(np.linalg.eigvalsh(S)[-1] for S in (pair.moments.Sx, pair.moments.Sy))
        step = 1e-3 * gap**2 / float(largest)
        moved, drift = consistency_tradeoff.solve(pair.moments, k, step), consistency_tradeoff.drift(pair.moments, k)
        for side, S in (("x", pair.moments.Sx), ("y", pair.moments.Sy)):
            predicted = drift[f"W{side}"] + step * drift[f"T{side}"]
            distance = subspace_distance(root(S) @ moved.maps[f"W{side}"], root(S) @ predicted)
            yield distance, 8e-6 * gap + tolerance(moved.condition, pair.n, gap=gap)

    members = pairs(("generic",), min_width=2, whitenable=True)
    return run.holds("gradient at the CCA; the solver's optimum at a small weight against the drift", members, check)


HALF, MIXING, ONE = Rational(1, 2), Matrix([[2, 1], [1, 2]]), Matrix([1])
IN_X, IN_Y = "ΣxU_k = U_kB", "ΣyV_k = V_kC"


@DRIFT.by("necessity")
def _(run):
    return Necessity(
        {
            "ρ_k > ρ_{k+1}": _tied(),
            "λ > 0": _one_side(MIXING, ONE, 0, (IN_Y, "stationary"), IN_X),
            IN_X: _one_side(MIXING, ONE, 1, ("λ > 0", IN_Y), "stationary"),
            IN_Y: _one_side(ONE, MIXING, 1, ("λ > 0", IN_X), "stationary"),
        }
    )


def _one_side(Sx: Any, Sy: Any, weight: int, premises: tuple[str, ...], conclusion: str) -> Counterexample:
    """One code and one pair ρ = ½ along the first axes; Σ mixes the axes on one side."""
    M: Any = HALF * eye(2)[: Sx.rows, : Sy.rows]
    U, V = eye(Sx.rows)[:, 0], eye(Sy.rows)[:, 0]
    gradients = M * V + weight * Sx * U, M.T * U + weight * Sy * V
    listed = [list(g) for g in gradients]
    truth = {
        "MV = ½U, MᵀU = ½V": M * V == HALF * U and M.T * U == HALF * V,
        "λ > 0": weight > 0,
        IN_X: _along(Sx * U),
        IN_Y: _along(Sy * V),
        "stationary": all(map(_along, gradients)),
    }
    return Counterexample(
        f"Σx = {Sx.tolist()}, Σy = {Sy.tolist()}, M = ½e₁, u = v = e₁, λ = {weight}: gradients {listed}",
        {name: truth[name] for name in ("MV = ½U, MᵀU = ½V", *premises)},
        {conclusion: truth[conclusion]},
        sum(abs(entry) for A in (Sx * U, Sy * V) for entry in A[1:, :]),
    )


def _along(A: Any) -> bool:
    """Whether a column is a multiple of e₁."""
    return all(entry == 0 for entry in A[1:, :])


def _tied() -> Counterexample:
    S, M = diag(4, 1), HALF * eye(2)
    U, outside = Matrix([3, 4]) / 5, Matrix([-4, 3]) / 5
    a = (outside.T * S * U)[0]
    equations = Matrix([[HALF, -HALF], [-HALF, HALF]])
    augmented = equations.row_join(Matrix([a, a]))
    return Counterexample(
        "Σx = Σy = diag(4,1), M = ½·1, k = 1, the CCA u = v = (3/5, 4/5): a = b = −36/25, but ½X − ½Y = a, ½Y − ½X = b "
        "need a + b = 0",
        {
            "u, v canonical": M * U == HALF * U,
            "basis of the complement": (U.T * outside)[0] == 0 == outside.dot(outside) - 1,
        },
        {"there is a drift (X, Y)": equations.rank() == augmented.rank()},
        abs(2 * a),
    )


@DRIFT.by("mutants")
def _(run):
    names = ("B4-invariant", "B4-stationary", "B4-drift", "B4-equations")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])
