"""Section 3.1: what the linear objectives collapse to without coupling (A), with it (B), and under cycles (D)."""

from typing import Any

import numpy as np
import z3
from hypothesis import strategies as st
from sympy import Matrix, Rational, diag, expand, eye, symbols, zeros

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import prove, proves
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.linalg import inverse_root, subspace_distance, tolerance
from theory.moments import Moments
from theory.solvers import cca, consistency_tradeoff, cycle, pca, reduced_rank, translation_tradeoff

UNCOUPLED = Claim(
    "S31A",
    "Without coupling, reconstruction is one PCA per domain",
    "argmin of E‖x − xW_xD_x‖² + E‖y − yW_yD_y‖² = (PCA of x) × (PCA of y)",
    "The two terms share no variable, so that their sum is minimal exactly where each is; each is Lemma 1.",
    "Section 3.1 (A)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("no coupling term",),
    requires=("L1.i",),
)
SAME = Claim(
    "S31B",
    "Consistency and translation lead to the same canonical correlations",
    "argmin L_CC (whitened), argmin L_TR, and both with λL_REC: the same encoder subspaces",
    "The paper reads the four linear objectives as one: all four give the encoders of the CCA.",
    "Section 3.1 (B), App. D.2",
    Verdict.REFUTED,
)
COINCIDE = Claim(
    "S31B-corrected",
    "They coincide where the variances are equal",
    "Σx = s·1, Σy = t·1 (or every error measured in whitened coordinates): the CCA solves Lemmas 3, 4, 5 and 6",
    "Consistency weighs the canonical directions by their correlation alone, translation and reconstruction also by "
    "the variance that they explain. Isotropic covariances, given or made by whitening, remove the difference.",
    "correction of Section 3.1 (B)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σx = s·1", "Σy = t·1"),
    axioms=("von Neumann", "Ky Fan"),
    corrects="S31B",
    requires=("L3.ii", "L4.ii-corrected", "L5.iii-corrected", "L6.ii-corrected"),
)
VANISHES = Claim(
    "S31D",
    "The apparent coupling of cycle consistency vanishes",
    "k ≤ min(dx, dy): L_CYC does not depend on Σxy; min L_CYC = min L_REC, at the subspaces of the two PCAs; "
    "A = V_xΓV_yᵀ, B = V_yΓ⁻¹V_xᵀ with Γ ∈ GL(k) free",
    "The cycle loss is blind to which x belongs to which y, and has the value and the subspaces of two separate PCAs. "
    "What would couple the domains, Γ, is free; only the width of the narrower domain is felt by both.",
    "Section 3.1 (D), App. D.2.4",
    Verdict.MODULO_AXIOMS,
    hypotheses=("no other term", "k ≤ min(dx, dy)", "Σx, Σy ≻ 0", "λ_k > λ_{k+1} in both domains"),
    requires=("S31A", "L7.i-corrected", "L7.ii"),
)

INSIDE = pairs(FULL_RANK, whitenable=True)
H1, H2, H3 = Matrix([1, 1, -1, -1]), Matrix([1, -1, 1, -1]), Matrix([1, -1, -1, 1])
E1, E2 = Matrix([1, 0]), Matrix([0, 1])


def _squared(A: Matrix):
    return sum(e**2 for e in A.flat()) / Rational(4)


def _tails(pair: Pair) -> float:
    singular = [np.linalg.svd(A, compute_uv=False) for A in (pair.X, pair.Y)]
    return float(sum((s[pair.k :] ** 2).sum() for s in singular) / pair.n)


def _eps(pair: Pair) -> float:
    m = pair.moments
    condition = max(np.linalg.cond(m.Sx), np.linalg.cond(m.Sy))
    return tolerance(np.trace(m.Sx) + np.trace(m.Sy) + 1, pair.n + pair.dx + pair.dy, gap=1 / condition)


class _Separable:
    """f(a) + g(b) over arbitrary sets, and what it is to minimise."""

    def __init__(self):
        A, B = z3.DeclareSort("A"), z3.DeclareSort("B")
        self.f: Any = z3.Function("f", A, z3.RealSort())
        self.g: Any = z3.Function("g", B, z3.RealSort())
        self.h: Any = z3.Function("h", A, B, z3.RealSort())
        self.a, self.b, self.u, self.v = z3.Const("a", A), z3.Const("b", B), z3.Const("u", A), z3.Const("v", B)
        self.first = z3.ForAll([self.u], self.f(self.a) <= self.f(self.u))
        self.second = z3.ForAll([self.v], self.g(self.b) <= self.g(self.v))

    def joint(self, coupled: bool = False, sign: int = 1):
        """The sum is minimal at (a, b), with or without a coupling term."""

        def total(a, b):
            return self.f(a) + sign * self.g(b) + (self.h(a, b) if coupled else 0)

        return z3.ForAll([self.u, self.v], total(self.a, self.b) <= total(self.u, self.v))


@UNCOUPLED.by("proof")
def _(run):
    s = _Separable()
    return [
        prove("if each term is minimal, so is the sum", [s.first, s.second], s.joint()),
        prove("if the sum is minimal, so is the first term", [s.joint()], s.first),
        prove("and so is the second", [s.joint()], s.second),
        certified.step("L1-value", "each term is Lemma 1, with the PCA's value"),
    ]


@UNCOUPLED.by("numeric")
def _(run):
    def check(pair: Pair):
        X, Y, k = pair.X, pair.Y, pair.k

        def loss(Wx, Dx, Wy, Dy):
            return (((X - X @ Wx @ Dx) ** 2).sum() + ((Y - Y @ Wy @ Dy) ** 2).sum()) / pair.n

        px, py = (pca.solve(S, k).maps for S in (pair.moments.Sx, pair.moments.Sy))
        yield abs(loss(px["W"], px["D"], py["W"], py["D"]) - _tails(pair)), _eps(pair)
        moved = [A + 0.3 * pair.rng.normal(size=A.shape) for A in (px["W"], px["D"], py["W"], py["D"])]
        yield _tails(pair) - loss(*moved), _eps(pair)

    return run.holds("two PCAs reach both tails of the SVDs; joint moves never go below", INSIDE, check)


@UNCOUPLED.by("necessity")
def _(run):
    # L_CC + (5/9)L_REC on Lemma 4's example: the PCA direction e₁ with v = 1 pays 2 + (5/9)·1, more than 88/45.
    X, Y, weight = Matrix.hstack(2 * H1, H2), H2, Rational(5, 9)
    S = X.T * X / 4

    def loss(W):
        return _squared(X * W - Y) + weight * _squared(X - X * W * W.T * S)

    principal, mixed = E1 / 2, Matrix([Rational(2, 5), Rational(3, 5)])
    return Necessity(
        {
            "no coupling term": Counterexample(
                "X = (2h1, h2), Y = h2, k = 1, L_CC + (5/9)L_REC whitened: PCA 23/9, W_x = (2/5, 3/5) 88/45",
                {"both whitened": (principal.T * S * principal)[0] == 1 == (mixed.T * S * mixed)[0]},
                {"the PCA is optimal": bool(loss(principal) <= loss(mixed))},
                loss(principal) - loss(mixed),
            )
        }
    )


@UNCOUPLED.by("mutants")
def _(run):
    s = _Separable()
    # Refuting numbers: f(u) = u², g(v) = v² on {0, 1}, coupling h(u, v) = −3uv, or the sign of g flipped.
    values = [(u, v) for u in (0, 1) for v in (0, 1)]
    coupled = min(values, key=lambda p: p[0] ** 2 + p[1] ** 2 - 3 * p[0] * p[1])
    flipped = min(values, key=lambda p: p[0] ** 2 - p[1] ** 2)
    return Mutants(
        [
            Mutant(
                "drop", "with a coupling term the first is minimal", proves([s.joint(True)], s.first), 2.0 * coupled[0]
            ),
            Mutant(
                "drop",
                "with a coupling term the second is minimal",
                proves([s.joint(True)], s.second),
                2.0 * coupled[1],
            ),
            Mutant("flip", "f − g minimal ⇒ g minimal", proves([s.joint(sign=-1)], s.second), 2.0 * flipped[1]),
            *certified.mutants("L1-value", run.rng()),
        ]
    )


@SAME.by("counterexample")
def _(run):
    X, Y = Matrix.hstack(H1, H2), Matrix.hstack(2 * H1 + Rational(3, 2) * H3, H2)
    Sxy, Sy = X.T * Y / 4, Y.T * Y / 4
    scaled = diag(Rational(2, 5), 1)

    def explained(w):
        return (w.T * Sxy * Sxy.T * w)[0]

    return Counterexample(
        "X = (h1, h2), Y = (2h1 + (3/2)h3, h2), k = 1: consistency takes e₂ (ρ = 1 > 4/5), translation takes e₁ "
        "(explains 4 > 1)",
        {
            "Σx = 1": X.T * X / 4 == eye(2),
            "M = ΣxyΣy^{-1/2} = diag(4/5, 1)": scaled**2 * Sy == eye(2) and Sxy * scaled == diag(Rational(4, 5), 1),
            "NNᵀ = diag(4, 1)": Sxy * Sxy.T == diag(4, 1),
        },
        {"e₂ is optimal for translation too": bool(explained(E2) >= explained(E1))},
        explained(E1) - explained(E2),
    )


@SAME.by("family")
def _(run):
    def check(member: tuple[float, float]):
        a, b = member
        signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], float)
        moments = Moments.from_arrays(signs[:2].T, np.stack([a * signs[0] + b * signs[2], signs[1]], axis=1))
        consistent, translating = cca.solve(moments, 1).maps["Wx"], reduced_rank.solve(moments, 1).maps["Wx"]
        # ρ₁ = a/√(a²+b²) < 1 sends consistency to h2, a > 1 sends translation to h1: orthogonal subspaces.
        yield subspace_distance(consistent, translating), 0.99

    return run.violates("Y = (a·h1 + b·h3, h2), a > 1, b > 0: orthogonal encoder subspaces", LOUD, check)


@COINCIDE.by("proof")
def _(run):
    return [
        cite("von Neumann"),
        cite("Ky Fan"),
        certified.step("L3-objective", "whitened consistency maximises Tr(UᵀMV)"),
        certified.step(
            "L5-isotropic", "Σy = t·1: translation projects N with NNᵀ = tMMᵀ, the left singular vectors of M"
        ),
        certified.step("L6-isotropic", "both isotropic: three terms that the top-k singular vectors of M maximise"),
        certified.step("L4-isotropic", "both isotropic: the reconstruction of Lemma 4 is a constant"),
    ]


@COINCIDE.by("numeric")
def _(run):
    def check(pair: Pair):
        (Rx, _), (Ry, _) = inverse_root(pair.moments.Sx), inverse_root(pair.moments.Sy)
        X, Y, weight = 2 * pair.X @ Rx, 3 * pair.Y @ Ry, float(pair.rng.uniform(0.1, 3))
        moments, k = Moments.from_arrays(X, Y), pair.k
        maps = cca.solve(moments, k).maps
        zx, zy = X @ maps["Wx"], Y @ maps["Wy"]
        eps = (1 + weight) * (4 * pair.dx + 9 * pair.dy) * _eps(pair)
        # Best decoders of the CCA's codes by regression, each loss against its optimum.
        rebuilt = _unexplained(pair, zx, X) + _unexplained(pair, zy, Y)
        consistent = ((zx - zy) ** 2).sum() / pair.n
        yield abs(consistent + weight * rebuilt - consistency_tradeoff.solve(moments, k, weight).optimum), eps
        fit = X @ np.linalg.lstsq(X, Y, rcond=None)[0]
        rows = np.linalg.svd(fit, full_matrices=False)[2][:k]
        yield abs(_unexplained(pair, zx, Y) - ((Y - fit @ rows.T @ rows) ** 2).sum() / pair.n), eps
        both = np.vstack([zy, np.sqrt(weight) * zx]), np.vstack([zx, np.sqrt(weight) * zy])
        targets = np.vstack([X, np.sqrt(weight) * X]), np.vstack([Y, np.sqrt(weight) * Y])
        mixture = sum(_unexplained(pair, codes, target) for codes, target in zip(both, targets, strict=True))
        yield abs(mixture - translation_tradeoff.solve(moments, k, weight).optimum), eps

    return run.holds("Σx = 4·1, Σy = 9·1: the CCA encoders reach the optima of Lemmas 4, 5 and 6", INSIDE, check)


def _unexplained(pair: Pair, codes: np.ndarray, target: np.ndarray) -> float:
    """Error of the best linear decoder."""
    return float(((target - codes @ np.linalg.lstsq(codes, target, rcond=None)[0]) ** 2).sum() / pair.n)


@COINCIDE.by("necessity")
def _(run):
    X, Y = Matrix.hstack(H1, H2), Matrix.hstack(2 * H1 + Rational(3, 2) * H3, H2)

    def explained(A, B, w):
        return (w.T * (A.T * B / 4) * (B.T * A / 4) * w)[0] / (w.T * (A.T * A / 4) * w)[0]

    return Necessity(
        {
            "Σy = t·1": Counterexample(
                "X = (h1, h2), Y = (2h1 + (3/2)h3, h2), k = 1, translation x→y",
                {"Σx = 1": X.T * X / 4 == eye(2)},
                {"the CCA direction e₂ is optimal": bool(explained(X, Y, E2) >= explained(X, Y, E1))},
                explained(X, Y, E1) - explained(X, Y, E2),
            ),
            "Σx = s·1": Counterexample(
                "X = (2h1 + (3/2)h3, h2), Y = (h1, h2), k = 1, translation y→x",
                {"Σy = 1": X.T * X / 4 == eye(2)},
                {"the CCA direction e₂ is optimal": bool(explained(X, Y, E2) >= explained(X, Y, E1))},
                explained(X, Y, E1) - explained(X, Y, E2),
            ),
        }
    )


@COINCIDE.by("mutants")
def _(run):
    return Mutants(
        [m for name in ("L5-isotropic", "L4-isotropic", "L6-isotropic") for m in certified.mutants(name, run.rng())]
    )


@COINCIDE.by("trained")
def _(run):
    from proofs_check import trained

    return trained.s31b(run)


@VANISHES.by("proof")
def _(run):
    return [
        certified.step("L1-moments", "with W = A, D = B: E‖x − xAB‖² depends on the data through Σx alone; y likewise"),
        certified.step("L7-cycle-x", "the x-cycle of any Γ is the projection V_xV_xᵀ of the PCA"),
        certified.step("L7-cycle-y", "and the y-cycle is V_yV_yᵀ"),
        certified.step("L7-value", "each with the PCA's error, the least possible (L7.i-corrected)"),
    ]


@VANISHES.by("numeric")
def _(run):
    def check(pair: Pair):
        X, Y, k, rng = pair.X, pair.Y, pair.k, pair.rng
        shuffled = rng.permutation(Y)

        def cycles(A, B, Y):
            return (((X - X @ A @ B) ** 2).sum() + ((Y - Y @ B @ A) ** 2).sum()) / pair.n

        A, B = rng.normal(size=(pair.dx, pair.dy)), rng.normal(size=(pair.dy, pair.dx))
        large = tolerance(cycles(A, B, Y), pair.n)
        yield abs(cycles(A, B, Y) - cycles(A, B, shuffled)), large
        solved = cycle.solve(pair.moments, k)
        yield abs(solved.optimum - _tails(pair)), _eps(pair)
        Vx, Vy = (np.linalg.svd(data, full_matrices=False)[2][:k].T for data in (X, Y))
        G = np.linalg.qr(rng.normal(size=(k, k)))[0] * rng.uniform(0.5, 2, k)
        A, B = Vx @ G @ Vy.T, Vy @ np.linalg.inv(G) @ Vx.T
        for sign in (1, -1):
            yield abs(cycles(sign * A, sign * B, Y) - _tails(pair)), 16 * _eps(pair)
        if solved.unique:
            A, B = (solved.maps[e] @ solved.maps[d] for e, d in (("Wx", "Dy"), ("Wy", "Dx")))
            largest = max(np.linalg.eigvalsh(S)[-1] for S in (pair.moments.Sx, pair.moments.Sy))
            yield np.linalg.norm(A @ B - Vx @ Vx.T), tolerance(k, pair.n, gap=min(1.0, solved.gap / largest))

    return run.holds("unchanged when y is shuffled; the tails of two SVDs, by ±Γ; the PCA's projections", INSIDE, check)


@VANISHES.by("necessity")
def _(run):
    Y = Matrix.hstack(H2, H3)
    flat, both = Matrix([[1, 0], [-1, 0]]), Matrix.hstack(H1, H2)
    through, other = diag(1, 0), diag(0, 1)

    def coupled(a, b, Y):
        """L_CYC + L_TR in one dimension."""
        return sum(_squared(r) for r in (H1 - a * b * H1, Y - b * a * Y, Y - a * H1, H1 - b * Y))

    a, b = symbols("a b", real=True)
    a1, a2, b1, b2 = symbols("a1 a2 b1 b2", real=True)
    A, B, X = Matrix([[a1, a2]]), Matrix([b1, b2]), H1
    cycles = _squared(X - X * A * B) + _squared(Y - Y * B * A)
    squares = expand(cycles - 1 - 2 * (1 - (A * B)[0]) ** 2 - (a1 * b2 - a2 * b1) ** 2) == 0
    least = cycles.subs({a1: 1, a2: 0, b1: 1, b2: 0})
    # With k = 2 codes W_x = (1, 0), D_x = (1, 0)ᵀ and W_y = D_y = 1₂.
    rebuilt = _squared(X - X * Matrix([[1, 0]]) * Matrix([1, 0])) + _squared(Y - Y * eye(2) * eye(2))
    at_least_2 = expand(coupled(a, b, H2) - 2 - 2 * (1 - a * b) ** 2 - a**2 - b**2) == 0
    return Necessity(
        {
            "no other term": Counterexample(
                "L_CYC + L_TR, dx = dy = k = 1: Y = X = h1 has the minimum 0, Y = h2 with the same Σy at least 2",
                {"Σx = Σy": _squared(H1) == _squared(H2) == 1, "0 is reached": coupled(1, 1, H1) == 0},
                {"the minimum does not depend on Σxy": not at_least_2},
                2,
            ),
            "k ≤ min(dx, dy)": Counterexample(
                "X = h1, Y = (h2, h3), k = 2, A = (a₁, a₂), Bᵀ = (b₁, b₂): L_CYC = 1 + 2(1 − AB)² + (a₁b₂ − a₂b₁)², "
                "and 1 is reached by A = (1, 0), B = Aᵀ, while both PCAs are exact",
                {"Σx = 1, Σy = 1": X.T * X / 4 == eye(1) and Y.T * Y / 4 == eye(2), "the sum of squares": squares},
                {"min L_CYC = min L_REC = 0": bool(least <= rebuilt)},
                least - rebuilt,
            ),
            "Σx, Σy ≻ 0": Counterexample(
                "X = Y = [[1,0],[−1,0]], k = 1, A = 1₂, B = diag(1,0): L_CYC = 0, but A is not a multiple of e₁e₁ᵀ",
                {"L_CYC = 0": flat - flat * eye(2) * through == zeros(2, 2) == flat - flat * through * eye(2)},
                {"A = V_xΓV_yᵀ": through * eye(2) * through == eye(2)},
                (eye(2) - through).trace(),
            ),
            "λ_k > λ_{k+1} in both domains": Counterexample(
                "X = Y = (h1, h2), k = 1, V_x = V_y = e₁: A = B = e₂e₂ᵀ reaches the tails 1 + 1 as well",
                {"each tail is reached": _squared(both - both * other) == 1},
                {"A = V_xΓV_yᵀ": through * other * through == other},
                other.trace(),
            ),
        }
    )


@VANISHES.by("mutants")
def _(run):
    return Mutants(
        [m for name in ("L1-moments", "L7-cycle-x", "L7-cycle-y") for m in certified.mutants(name, run.rng())]
    )


LOUD = st.tuples(st.floats(1.1, 3.0), st.floats(0.1, 3.0))
