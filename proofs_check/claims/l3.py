"""Lemma 3: whitened concept consistency is canonical correlation analysis."""

import numpy as np
from scipy.linalg import eigh
from sympy import Matrix, Rational, eye

from proofs_check import certified
from proofs_check.algebra import letter, trace
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.measure import residual
from proofs_check.problem import Problem
from proofs_check.problems import consistency as letters
from proofs_check.problems.setting import Draw, M, U, V
from proofs_check.search import Budget, search
from proofs_check.strategies import REGIMES, Pair, pairs
from theory.linalg import inverse_root, rank_of, subspace_distance, tolerance
from theory.solvers import cca

VALUE = Claim(
    "L3.i",
    "Whitened consistency maximises the canonical correlations",
    "L_CC = 2k − 2Tr(UᵀMV) with U = Σx^{1/2}W_x, V = Σy^{1/2}W_y; min over UᵀU = VᵀV = 1 is 2k − 2Σ_{i≤k} ρ_i",
    "Under whitening the two quadratic terms are k each, so that only the correlation of the codes is left; its "
    "maximum is the sum of the top k canonical correlations.",
    "Lemma 3, App. D.2.1, H.3.2",
    Verdict.MODULO_AXIOMS,
    hypotheses=("W_xᵀΣxW_x = 1", "W_yᵀΣyW_y = 1", "rank Σx, rank Σy ≥ k"),
    axioms=("singular value decomposition",),
)
SOLUTIONS = Claim(
    "L3.ii",
    "The solutions are the top-k canonical directions up to one common rotation",
    "ρ_k > ρ_{k+1}: argmin = {(U_kQ, V_kQ) : Q ∈ O(k)}; a tie ρ_k = ρ_{k+1} > 0 frees a rotation of the tied pairs; "
    "ρ_k = 0 frees the null parts of U and of V independently",
    "With a gap the two canonical subspaces are determined and the codes are determined up to a rotation that both "
    "encoders share. Without it the last directions are not determined.",
    "Lemma 3, App. D.2.1, H.3.2 (the gap is ours)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("ρ_k > ρ_{k+1}", "common Q"),
    axioms=("von Neumann",),
    requires=("L3.i",),
)

MEMBERS = pairs(REGIMES, whitenable=True)


def _loss(pair: Pair, Wx, Wy) -> float:
    return float(((pair.X @ Wx - pair.Y @ Wy) ** 2).sum() / pair.n)


def _correlations(pair: Pair) -> np.ndarray:
    """Canonical correlations as cosines between the column spaces, with no covariance in between."""
    bases = []
    for A in (pair.X, pair.Y):
        left, values, _ = np.linalg.svd(A, full_matrices=False)
        bases.append(left[:, : rank_of(values**2)])
    return np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)


def _whitened(rng, S: np.ndarray, k: int) -> np.ndarray:
    """Random encoder with WᵀSW = 1."""
    root, _ = inverse_root(S)
    values, vectors = eigh(S)
    inside = vectors[:, -rank_of(values[::-1]) :]
    return root @ inside @ np.linalg.qr(rng.normal(size=(inside.shape[1], k)))[0]


def _condition(pair: Pair) -> float:
    worst = 1.0
    for S in (pair.moments.Sx, pair.moments.Sy):
        values = np.linalg.eigvalsh(S)[::-1]
        worst = max(worst, float(values[0] / values[rank_of(values) - 1]))
    return worst


@VALUE.by("proof")
def _(run):
    return [
        cite("singular value decomposition"),
        certified.step("L2-moments", "the loss depends on the data through Σx, Σy, Σxy only"),
        certified.step("L3-objective", "under whitening L_CC = 2k − 2Tr(UᵀMV)"),
        certified.step(
            "L3-optimal",
            "for M cut at its top k singular triples (R), 2TrR − 2Tr(UᵀMV) is a sum of squares for every feasible U, V",
        ),
        certified.step("L3-attained", "the top k singular vectors themselves reach TrR = Σ_{i≤k} ρ_i"),
    ]


@VALUE.by("numeric")
def _(run):
    def check(pair: Pair):
        rho = _correlations(pair)
        optimum = 2 * pair.k - 2 * rho[: pair.k].sum()
        eps = tolerance(2 * pair.k, pair.n + pair.dx + pair.dy, gap=1 / _condition(pair))
        solved = cca.solve(pair.moments, pair.k)
        yield abs(solved.optimum - optimum), eps
        yield abs(_loss(pair, solved.maps["Wx"], solved.maps["Wy"]) - optimum), eps
        competitor = [_whitened(pair.rng, S, pair.k) for S in (pair.moments.Sx, pair.moments.Sy)]
        yield optimum - _loss(pair, *competitor), eps

    return run.holds(
        "2k − 2Σ cos of the principal angles between the column spaces; no competitor below", MEMBERS, check
    )


@VALUE.by("necessity")
def _(run):
    X = Matrix([1, -1])
    half = ((X - X / 2).dot(X - X / 2)) / Rational(2)
    return Necessity(
        {
            "W_xᵀΣxW_x = 1": Counterexample(
                "X = (1,−1)ᵀ, Y = −X, k = 1, W_x = 0, W_y = 1: L_CC = 1, while 2k − 2Tr(UᵀMV) = 2",
                {"W_yᵀΣyW_y = 1": X.dot(X) / 2 == 1, "rank ≥ k": X.rank() == 1},
                {"L_CC = 2k − 2Tr(UᵀMV)": X.dot(X) / Rational(2) == 2},
                2 - X.dot(X) / Rational(2),
            ),
            "W_yᵀΣyW_y = 1": Counterexample(
                "X = Y = (1,−1)ᵀ, k = 1, W_x = 1, W_y = 1/2: L_CC = 1/4, while 2k − 2Tr(UᵀMV) = 1",
                {"W_xᵀΣxW_x = 1": X.dot(X) / 2 == 1, "rank ≥ k": X.rank() == 1},
                {"L_CC = 2k − 2Tr(UᵀMV)": half == 1},
                1 - half,
            ),
        },
        {"rank Σx, rank Σy ≥ k": "with rank Σ < k no encoder is whitened: the problem has no feasible point"},
    )


@VALUE.by("mutants")
def _(run):
    return Mutants([m for name in ("L3-objective", "L3-attained") for m in certified.mutants(name, run.rng())])


@VALUE.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l3(run)


@SOLUTIONS.by("proof")
def _(run):
    return [
        cite("von Neumann"),
        certified.step("L3-rotation", "a common rotation Q leaves Tr(UᵀMV) unchanged"),
        certified.step("L3-rotation-feasible", "and keeps U and V feasible"),
        certified.step(
            "L3-null-free",
            "ρ_k = 0: with the s < k positive pairs G, H and orthonormal rows q, every U = Gq + P_xp, V = Hq + P_yp "
            "with P_x ⟂ G, P_y ⟂ H reaches the maximum: the null parts P_x, P_y do not occur in UᵀMV",
        ),
        certified.step(
            "L3-null-only",
            "conversely 2Σρ_i − 2Tr(UᵀMV) is a sum of squares; where it is 0, UᵀG = VᵀH = qᵀ, G = Uqᵀ and H = Vqᵀ with "
            "qqᵀ = GᵀG = 1, and completing q to an orthogonal matrix gives the stated form",
        ),
    ]


@SOLUTIONS.by("numeric")
def _(run):
    def check(pair: Pair):
        m, k = pair.moments, pair.k
        solved = cca.solve(m, k)
        amplified = _condition(pair)
        value = tolerance(2 * k, pair.n + pair.dx + pair.dy, gap=1 / amplified)
        # Every member of the stated set is optimal: [U_>, U_=P]Q and [V_>, V_=P]Q, the tie taken from the SVD of M.
        (Rx, _), (Ry, _) = inverse_root(m.Sx), inverse_root(m.Sy)
        U, rho, Vt = np.linalg.svd(Rx @ m.Sxy @ Ry)
        tied = np.flatnonzero(abs(rho - rho[k - 1]) <= value)
        P = np.linalg.qr(pair.rng.normal(size=(len(tied), k - tied[0])))[0]
        Q = np.linalg.qr(pair.rng.normal(size=(k, k)))[0]
        left, right = (np.hstack([B[:, : tied[0]], B[:, tied] @ P]) @ Q for B in (U, Vt.T))
        yield abs(_loss(pair, Rx @ left, Ry @ right) - solved.optimum), value
        yield float(solved.unique != (len(tied) == 1 or tied[-1] == k - 1)), 0.5
        if solved.unique:
            # With a gap there is no other subspace: the generalised eigenproblem Σxy Σy⁻¹ Σyx w = ρ² Σx w has it too.
            w = eigh(m.Sxy @ np.linalg.solve(m.Sy, m.Sxy.T), m.Sx)[1][:, ::-1][:, :k]
            yield (
                subspace_distance(solved.maps["Wx"], w),
                tolerance(1.0, pair.n, gap=min(solved.gap / amplified, 1.0) ** 2),
            )

    def null(pair: Pair):
        m, k = pair.moments, pair.k
        rho = _correlations(pair)
        optimum = 2 * k - 2 * rho[:k].sum()
        eps = tolerance(2 * k, pair.n + pair.dx + pair.dy, gap=1 / _condition(pair))
        yield rho[k - 1], eps
        (Rx, _), (Ry, _) = inverse_root(m.Sx), inverse_root(m.Sy)
        left, _, right = np.linalg.svd(Rx @ m.Sxy @ Ry)
        Q = np.linalg.qr(pair.rng.normal(size=(k, k)))[0]
        # The positive parts are kept, the null parts drawn one by one from the two complements.
        parts = [(B[:, : k - 1], _unit(pair.rng, B[:, k - 1 :])) for B in (left, right.T)]
        W = [R @ np.hstack(part) @ Q for R, part in zip((Rx, Ry), parts, strict=True)]
        yield abs(_loss(pair, *W) - optimum), eps
        yield float(cca.solve(m, k).unique), 0.5
        # The positive parts are not free: reflecting one direction of V alone costs 4ρ_i.
        for i in range(k - 1):
            reflected = Ry @ np.hstack(parts[1])
            reflected[:, i] *= -1
            yield abs(_loss(pair, W[0], reflected @ Q) - optimum - 4 * rho[i]), eps

    members = pairs(("generic", "tied"), whitenable=True)
    return [
        run.holds("the stated set is optimal, ties included; with a gap a second formulation agrees", members, check),
        run.holds(
            "ρ_k = 0: null parts drawn independently are optimal, a positive direction reflected alone costs 4ρ_i",
            pairs(("uncorrelated",), whitenable=True),
            null,
        ),
    ]


def _unit(rng, basis: np.ndarray) -> np.ndarray:
    direction = basis @ rng.normal(size=(basis.shape[1], 1))
    return direction / np.linalg.norm(direction)


@SOLUTIONS.by("necessity")
def _(run):
    one, two = Matrix([1, 0]), Matrix([0, 1])
    tied = eye(2) / 2
    M = Matrix([[Rational(4, 5), 0, 0], [0, Rational(3, 5), 0], [0, 0, Rational(1, 5)]])
    U = Matrix([[1, 0], [0, 1], [0, 0]])
    flip = Matrix([[-1, 0], [0, 1]])
    best, apart = (U.T * M * U).trace(), ((U * flip).T * M * U).trace()
    return Necessity(
        {
            "ρ_k > ρ_{k+1}": Counterexample(
                "M = ½·1₂, k = 1: (e₁, e₁) and (e₂, e₂) both reach Tr(UᵀMV) = ½",
                {
                    "both optimal": (one.T * tied * one)[0] == Rational(1, 2) == (two.T * tied * two)[0],
                    "both feasible": one.dot(one) == two.dot(two) == 1,
                },
                {"e₂ = ±e₁": one.dot(two) ** 2 == 1},
                1 - one.dot(two) ** 2,
            ),
            "common Q": Counterexample(
                "M = diag(4/5, 3/5, 1/5), k = 2, U = (e₁,e₂), V rotated alone by diag(−1,1)",
                {"feasible": (U * flip).T * U * flip == eye(2)},
                {"still optimal": apart == best},
                best - apart,
            ),
        }
    )


@SOLUTIONS.by("mutants")
def _(run):
    names = ("L3-rotation", "L3-rotation-feasible", "L3-null-free", "L3-null-only")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())] + [_apart(run), _tied(run)])


def _apart(run) -> Mutant:
    """Without “common”: U and V turned by two rotations."""
    Q, P = letters.Q, letter("P", "k", "k")
    problem = Problem(
        "two rotations",
        {"QQᵀ": Q * Q.T - 1, "QᵀQ": Q.T * Q - 1, "PPᵀ": P * P.T - 1, "PᵀP": P.T * P - 1},
        trace((U * Q).T * M * V * P),
        trace(U.T * M * V),
    )
    draw = Draw(run.rng())
    values = {"U": draw.stiefel("x", "k"), "V": draw.stiefel("y", "k"), "M": draw.coherence()}
    values |= {"Q": draw.stiefel("k", "k"), "P": draw.stiefel("k", "k")}
    return _judged("Tr((UQ)ᵀMVP) = Tr(UᵀMV) for any two rotations Q, P", problem, values)


def _tied(run) -> Mutant:
    """Without “ρ_k > ρ_{k+1}”: two sets of singular pairs of equal correlations span the same subspace."""
    A, B, ρ = letters.A, letters.B, letters.ρ
    stiefel = {f"Stiefel {i}": E.T * E - 1 for i, E in enumerate((U, V, A, B))}
    singular = {
        "pairs": M * V - ρ * U,
        "other pairs": M * B - ρ * A,
        "left": M.T * U - ρ * V,
        "other left": M.T * A - ρ * B,
    }
    draw = Draw(run.rng())
    draw.size["k"] = 1
    G, H = (draw.stiefel(space, space)[:, :2] for space in "xy")
    turn = draw.rng.uniform(0.5, 1.0)
    q, p = (np.array([[np.cos(angle)], [np.sin(angle)]]) for angle in (0.0, turn))
    values = {"M": 0.5 * G @ H.T, "U": G @ q, "V": H @ q, "A": G @ p, "B": H @ p, "ρ": 0.5}
    problem = Problem("no gap", stiefel | singular, U * U.T, A * A.T)
    return _judged("UUᵀ = U′U′ᵀ for any singular pairs (U, V), (U′, V′) of M with the same ρ", problem, values)


def _judged(text: str, problem: Problem, values) -> Mutant:
    values = problem.with_dimensions(values)
    for hypothesis in problem.hypotheses.values():
        assert residual(hypothesis, values).ratio <= 1, "no member of the mutant's hypotheses"
    return Mutant(
        "drop", text, search(problem, Budget(rounds=4, slack=2)) is not None, residual(problem.goal, values).ratio
    )
