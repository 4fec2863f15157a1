"""Lemma 5: one-directional translation is reduced-rank regression, which is not canonical correlation analysis."""

import numpy as np
from hypothesis import strategies as st
from sympy import Matrix, Rational, diag, eye, zeros

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.linalg import inverse_root, subspace_distance, tolerance
from theory.moments import Moments
from theory.solvers import cca, reduced_rank

REGRESSION = Claim(
    "L5.i",
    "Translation in one direction is reduced-rank regression",
    "min over W_x, D_y of E‖y − xW_xD_y‖² = TrΣy − Σ_{i≤k} σ_i(N)², N = Σx^{-1/2}Σxy",
    "Every matrix of rank at most k is such a product, so that the problem is regression under a rank constraint; its "
    "value is that of the best rank-k approximation of N.",
    "Lemma 5, App. D.2.2, H.3.3",
    Verdict.MODULO_AXIOMS,
    hypotheses=("rank W_xD_y ≤ k",),
    axioms=("spectral theorem", "singular value decomposition"),
)
PRODUCT = Claim(
    "L5.ii",
    "Only the product of encoder and decoder is identifiable",
    "Σx ≻ 0 ∧ (σ_k(N) > σ_{k+1}(N) ∨ rank N ≤ k) ⇒ W_xD_y is unique; (W_xA, A⁻¹D_y) has the same product",
    "The regression matrix is determined, its factors only up to an invertible change of basis of the codes. Without "
    "the gap, or with dependent columns in X, not even the product is determined.",
    "Lemma 5, App. D.2.2, H.3.3 (the hypotheses are ours)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σx ≻ 0", "σ_k(N) > σ_{k+1}(N) or rank N ≤ k"),
    axioms=("Eckart–Young",),
    requires=("L5.i",),
)
RECOVERS = Claim(
    "L5.iii",
    "One such factorisation recovers the CCA",
    "some minimiser of E‖y − xW_xD_y‖² has W_x = Σx^{-1/2}U_k, U_k top-k left singular vectors of M",
    "The paper inserts M into the regression and truncates its singular value decomposition.",
    "Lemma 5, App. D.2.2, H.3.3",
    Verdict.REFUTED,
)
ENCODER = Claim(
    "L5.iii-corrected",
    "The encoder spans the top left singular space of N, not of M",
    "optimal ⇔ W_x = Σx^{-1/2}UA, A ∈ GL(k), U a top-k left singular basis of N, with D_y = A⁻¹UᵀN; W_x = Σx^{-1/2}U, "
    "U of M, with its best D_y is optimal ⇔ U is a top-k eigenbasis of MΣyMᵀ = NNᵀ",
    "Regression weighs the canonical directions by the variance of y that they explain. CCA reaches the optimum "
    "exactly if a top-k left singular space of M is a top-k eigenspace of MΣyMᵀ, for instance if Σy is isotropic or "
    "if rank Σxy ≤ k.",
    "correction of Lemma 5",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σx ≻ 0", "σ_k(N) > 0"),
    axioms=("Eckart–Young", "square inverse", "Ky Fan"),
    corrects="L5.iii",
    requires=("L5.i",),
)

MEMBERS = pairs()
INSIDE = pairs(FULL_RANK)
LOUD = st.tuples(st.floats(1.1, 3.0), st.floats(0.1, 3.0))


def _loss(pair: Pair, B: np.ndarray) -> float:
    return float(((pair.Y - pair.X @ B) ** 2).sum() / pair.n)


def _regression(pair: Pair) -> tuple[float, np.ndarray]:
    """Best rank-k fit by projecting the least-squares fit on its own top right singular vectors, without moments."""
    fit = pair.X @ np.linalg.lstsq(pair.X, pair.Y, rcond=None)[0]
    _, values, rows = np.linalg.svd(fit, full_matrices=False)
    projected = fit @ rows[: pair.k].T @ rows[: pair.k]
    return float(((pair.Y - projected) ** 2).sum() / pair.n), values


def _scale(pair: Pair) -> float:
    return float(np.trace(pair.moments.Sy))


def _condition(S: np.ndarray) -> float:
    values = np.linalg.eigvalsh(S)
    return float(values[-1] / values[0])


@REGRESSION.by("proof")
def _(run):
    return [
        cite("spectral theorem"),
        certified.step("L5-moments", "the loss depends on the data through second moments only"),
        certified.step("L5-pythagoras", "the loss is that of least squares plus the distance to its fit"),
        certified.step("L5-whitened", "which is the distance of Σx^{1/2}B to N"),
        cite("singular value decomposition"),
        certified.step(
            "L5-optimal",
            "Σx^{1/2}B of rank at most k is P(SQᵀ) with k orthonormal columns P; for the split of NNᵀ at its top k "
            "eigenvalues, the gap to the tail is a sum of squares",
        ),
        certified.step("L5-value", "W_x = Σx^{-1/2}UA, D_y = A⁻¹UᵀN reaches TrΣy − Tr(UᵀNNᵀU)"),
    ]


@REGRESSION.by("numeric")
def _(run):
    def check(pair: Pair):
        solved = reduced_rank.solve(pair.moments, pair.k)
        optimum, _ = _regression(pair)
        eps = tolerance(_scale(pair), pair.n + pair.dx + pair.dy, gap=1 / max(solved.condition, 1.0))
        yield abs(solved.optimum - optimum), eps
        yield abs(_loss(pair, solved.maps["Wx"] @ solved.maps["Dy"]) - optimum), eps
        W = pair.rng.normal(size=(pair.dx, pair.k))
        readout = np.linalg.lstsq(pair.X @ W, pair.Y, rcond=None)[0]
        yield optimum - _loss(pair, W @ readout), eps

    return run.holds("the projected least-squares fit, reached and not undercut by random encoders", MEMBERS, check)


@REGRESSION.by("necessity")
def _(run):
    X = Matrix([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    unconstrained = sum(e**2 for e in X - X * eye(2)) / Rational(4)
    return Necessity(
        {
            "rank W_xD_y ≤ k": Counterexample(
                "X = Y = (h1, h2), k = 1, B = 1₂",
                {"Σx = Σy = 1, N = 1₂": X.T * X / 4 == eye(2)},
                {"loss ≥ TrΣy − σ_1² = 1": bool(unconstrained >= 1)},
                1 - unconstrained,
            )
        }
    )


@REGRESSION.by("mutants")
def _(run):
    return Mutants([m for name in ("L5-pythagoras", "L5-value") for m in certified.mutants(name, run.rng())])


@REGRESSION.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l5(run)


@PRODUCT.by("proof")
def _(run):
    return [
        cite("Eckart–Young"),
        certified.step(
            "L5-whitened", "Σx^{1/2}B is the best rank-k approximation of N: unique with a gap, or if it is N"
        ),
        certified.step("L5-cancel", "Σx^{1/2}B = Σx^{1/2}B' and Σx ≻ 0 give B = B'"),
        certified.step("L5-projection", "every change of basis A of the codes has the same product"),
    ]


@PRODUCT.by("numeric")
def _(run):
    def check(pair: Pair):
        solved = reduced_rank.solve(pair.moments, pair.k)
        B = solved.maps["Wx"] @ solved.maps["Dy"]
        A = pair.rng.normal(size=(pair.k, pair.k)) + 3 * np.eye(pair.k)
        again = (solved.maps["Wx"] @ A) @ np.linalg.solve(A, solved.maps["Dy"])
        size, amplified = np.linalg.norm(B), solved.condition
        yield np.linalg.norm(again - B), tolerance(size + 1, pair.dx + pair.dy, gap=1 / (np.linalg.cond(A) * amplified))
        if solved.unique:
            # The product from another route: project the least-squares solution on the fit's right singular vectors.
            ols = np.linalg.lstsq(pair.X, pair.Y, rcond=None)[0]
            rows = np.linalg.svd(pair.X @ ols, full_matrices=False)[2][: pair.k]
            gap = min(1.0, solved.gap / solved.spectrum[0]) / amplified
            yield np.linalg.norm(B - ols @ rows.T @ rows), tolerance(size + 1, pair.n, gap=gap**2)

    return run.holds(
        "the product is that of projected least squares, and every basis of the codes keeps it", INSIDE, check
    )


@PRODUCT.by("necessity")
def _(run):
    flat, y = Matrix([[1, 0], [-1, 0]]), Matrix([1, -1])
    one, seven = Matrix([1, 0]), Matrix([1, 7])
    X = Matrix([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    first, second = diag(1, 0), diag(0, 1)

    def loss(B):
        return sum(e**2 for e in X - X * B) / Rational(4)

    return Necessity(
        {
            "Σx ≻ 0": Counterexample(
                "X = [[1,0],[−1,0]], Y = (1,−1)ᵀ, k = 1: W_xD_y = (1,0)ᵀ and (1,7)ᵀ both have loss 0",
                {
                    "both have loss 0": y - flat * one == zeros(2, 1) == y - flat * seven,
                    "rank N ≤ k": (flat.T * y).rank() <= 1,
                },
                {"equal products": one == seven},
                seven[1],
            ),
            "σ_k(N) > σ_{k+1}(N) or rank N ≤ k": Counterexample(
                "X = Y = (h1, h2), k = 1: diag(1,0) and diag(0,1) both have the optimal loss 1",
                {"Σx ≻ 0": bool((X.T * X).det() > 0), "both optimal": loss(first) == loss(second) == 1},
                {"equal products": first == second},
                1,
            ),
        }
    )


@PRODUCT.by("mutants")
def _(run):
    return Mutants([m for name in ("L5-projection", "L5-cancel") for m in certified.mutants(name, run.rng())])


H1, H2, H3 = Matrix([1, 1, -1, -1]), Matrix([1, -1, 1, -1]), Matrix([1, -1, -1, 1])


@RECOVERS.by("counterexample")
def _(run):
    X, Y = Matrix.hstack(H1, H2), Matrix.hstack(2 * H1 + Rational(3, 2) * H3, H2)
    Sx, Sy, Sxy = X.T * X / 4, Y.T * Y / 4, X.T * Y / 4
    inverse_root_y = diag(Rational(2, 5), 1)
    M = Sxy * inverse_root_y

    def error(w):
        return Sy.trace() - (w.T * Sxy * Sxy.T * w)[0] / (w.T * Sx * w)[0]

    e1, e2 = Matrix([1, 0]), Matrix([0, 1])
    return Counterexample(
        "X = (h1, h2), Y = (2h1 + (3/2)h3, h2), k = 1: M = diag(4/5, 1), N = diag(2, 1); with its best decoder the CCA "
        "direction e₂ leaves 25/4, e₁ leaves 13/4",
        {
            "Σx = 1": Sx == eye(2),
            "Σy^{-1/2} squared is Σy⁻¹": inverse_root_y**2 * Sy == eye(2),
            "e₂ is the unique top canonical direction": M == diag(Rational(4, 5), 1),
        },
        {"the CCA direction is optimal": bool(error(e2) <= error(e1))},
        error(e2) - error(e1),
    )


@RECOVERS.by("family")
def _(run):
    def check(member: tuple[float, float]):
        a, b = member
        # The exact example with 2h1 + bh3 replaced by a·h1 + b·h3: ρ₁² = a²/(a²+b²) < 1 but σ₁(N) = a > 1.
        signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], float)
        X, Y = signs[:2].T, np.stack([a * signs[0] + b * signs[2], signs[1]], axis=1)
        pair = Moments.from_arrays(X, Y)
        W = cca.solve(pair, 1).maps["Wx"]
        best = np.linalg.lstsq(X @ W, Y, rcond=None)[0]
        loss = ((Y - X @ W @ best) ** 2).sum() / 4
        # CCA keeps the unit direction h2 and loses a²; regression keeps a² and loses 1.
        yield loss - reduced_rank.solve(pair, 1).optimum, 0.99 * (a**2 - 1)

    return run.violates("Y = (a·h1 + b·h3, h2) with a > 1, b > 0: CCA loses a² − 1", LOUD, check)


@ENCODER.by("proof")
def _(run):
    return [
        cite("Eckart–Young"),
        certified.step(
            "L5-whitened", "Σx^{1/2}W_xD_y is a best rank-k approximation of N, UUᵀN for some top-k basis U"
        ),
        certified.step("L5-basis", "A = UᵀΣx^{1/2}W_x has a right inverse, since UᵀN has one where σ_k(N) > 0"),
        cite("square inverse"),
        certified.step("L5-encoder-form", "a two-sided one, so that W_x = Σx^{-1/2}UA"),
        certified.step("L5-projection", "and every such W_x has the product UUᵀN with D_y = A⁻¹UᵀN"),
        certified.step("L5-pythagoras", "on the codes of any encoder least squares is the best decoder,"),
        certified.step("L5-value", "for Σx^{-1/2}U it is UᵀN and leaves TrΣy − Tr(UᵀMΣyMᵀU),"),
        cite("Ky Fan"),
        certified.step("L5-isotropic", "least exactly at top-k eigenbases of MΣyMᵀ; which is tMMᵀ if Σy = t·1"),
    ]


@ENCODER.by("numeric")
def _(run):
    def check(pair: Pair):
        m = pair.moments
        solved = reduced_rank.solve(m, pair.k)
        if solved.unique and solved.spectrum[pair.k - 1] > tolerance(
            solved.spectrum[0], pair.n, gap=1 / solved.condition
        ):
            # Top eigenspace of Σx⁻¹ΣxyΣyx, not symmetric: no root of Σx in between.
            values, vectors = np.linalg.eig(np.linalg.solve(m.Sx, m.Sxy @ m.Sxy.T))
            top = np.real(vectors[:, np.argsort(-np.real(values))[: pair.k]])
            gap = min(1.0, solved.gap / solved.spectrum[0]) / solved.condition
            yield subspace_distance(solved.maps["Wx"], top), tolerance(1.0, pair.n, gap=gap**2)
        # y as drawn, y whitened, and y with rank Σxy ≤ k, where the last two have nothing to lose.
        fit = pair.X @ np.linalg.lstsq(pair.X, pair.Y, rcond=None)[0]
        few = pair.X @ pair.rng.normal(size=(pair.dx, pair.k)) @ pair.rng.normal(size=(pair.k, pair.dy))
        targets = pair.Y, pair.Y @ inverse_root(m.Sy)[0], few + pair.Y - fit
        for Y, excused in zip(targets, (False, True, True), strict=True):
            excess, low, high, eps = _excess(pair, Y)
            yield low - excess, eps
            yield excess - high, eps
            if excused:
                yield excess, eps

    return run.holds(
        "the top eigenspace of Σx⁻¹ΣxyΣyx; what CCA codes lose is between (λ_k − λ_{k+1})s and λ_1s, s = Σsin² of the "
        "angles to a top-k eigenspace of NNᵀ; nothing where Σy = 1 or rank Σxy ≤ k",
        INSIDE,
        check,
    )


def _excess(pair: Pair, Y: np.ndarray) -> tuple[float, float, float, float]:
    """Loss of the CCA codes with their best decoder above the optimum, its two bounds from the angles, a tolerance."""
    X, k, n = pair.X, pair.k, pair.n
    m = Moments.from_arrays(X, Y)
    codes = np.linalg.qr(X @ cca.solve(m, k).maps["Wx"])[0]
    fit = X @ np.linalg.lstsq(X, Y, rcond=None)[0]
    basis, values, rows = np.linalg.svd(fit, full_matrices=False)
    losses = [((Y - B) ** 2).sum() / n for B in (codes @ codes.T @ Y, fit @ rows[:k].T @ rows[:k])]
    explained = np.append(values**2 / n, np.zeros(k + 1))
    angles = float(((basis[:, :k] - codes @ (codes.T @ basis[:, :k])) ** 2).sum())
    eps = tolerance(float(np.trace(m.Sy)), n + pair.dx + pair.dy, gap=1 / (_condition(m.Sx) * _condition(m.Sy)))
    return losses[0] - losses[1], float(explained[k - 1] - explained[k]) * angles, float(explained[0]) * angles, eps


@ENCODER.by("necessity")
def _(run):
    flat, y = Matrix([[1, 0], [-1, 0]]), Matrix([1, -1])
    seven = Matrix([1, 7])
    X, W, D = Matrix.hstack(H1, H2), Matrix([[1, 0], [0, 0]]), Matrix([1, 0])
    return Necessity(
        {
            "Σx ≻ 0": Counterexample(
                "X = [[1,0],[−1,0]], Y = (1,−1)ᵀ, k = 1, W_x = (1,7)ᵀ, D_y = 1: loss 0",
                {"optimal: loss 0": y - flat * seven == zeros(2, 1), "σ_1(N) > 0": (flat.T * y)[0] != 0},
                {"W_x = Σx^{-1/2}·(singular basis of N)·a": seven[1] == 0},
                seven[1],
            ),
            "σ_k(N) > 0": Counterexample(
                "X = (h1, h2), Y = h1, k = 2, W_x = (e₁, 0), D_y = (1, 0)ᵀ: loss 0",
                {"optimal: loss 0": H1 - X * W * D == zeros(4, 1), "Σx ≻ 0": X.T * X / 4 == eye(2)},
                {"W_x has rank k": W.rank() == 2},
                2 - W.rank(),
            ),
        }
    )


@ENCODER.by("mutants")
def _(run):
    return Mutants(
        [m for name in ("L5-isotropic", "L5-projection", "L5-encoder-form") for m in certified.mutants(name, run.rng())]
    )
