"""Lemma 1: reconstruction gives principal components, up to a change of basis that whitening does not remove."""

import numpy as np
from sympy import Matrix, Rational, eye

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.linalg import subspace_distance, tolerance
from theory.solvers import pca

SPAN = Claim(
    "L1.i",
    "The encoder spans the top-k principal subspace",
    "(W, D) minimises E‖x − xWD‖² ⇔ W = V_k A, D = A⁻¹V_kᵀ, A ∈ GL(k), V_k a top-k eigenbasis of Σ; min = Σ_{i>k} λ_i",
    "The best linear reconstruction projects on a top-k eigenspace of the covariance; the encoder's columns are any "
    "basis of it. Where λ_k = λ_{k+1} there are several such eigenspaces, and every one is optimal.",
    "Lemma 1, first item, App. D.1, H.3.1",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σ ≻ 0", "k ≤ d"),
    axioms=("Eckart–Young", "square inverse"),
)
SINGULAR = Claim(
    "L1.i.singular",
    "For a singular covariance the encoder is a principal basis up to columns that the data do not see",
    "k ≤ rank Σ: (W, D) minimises E‖x − xWD‖² ⇔ W = V_kA + N, XN = 0, D = A⁻¹V_kᵀ, A ∈ GL(k), V_k a top-k eigenbasis",
    "Without Σ ≻ 0 the codes are still those of a principal basis, but the encoder itself is fixed only up to maps "
    "that vanish on the data; the decoder has no such freedom.",
    "Lemma 1, general form (ours)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("k ≤ rank Σ",),
    axioms=("Eckart–Young", "square inverse"),
)
DECODER = Claim(
    "L1.ii",
    "The decoder is the encoder's transpose, up to the contragredient change of basis",
    "D = A⁻¹V_kᵀ for W = V_k A; if WᵀΣW = 1 then D = WᵀΣ",
    "Given the optimal encoder, the decoder is its least-squares readout; for W = V_k it is Wᵀ, for a whitened encoder "
    "it is WᵀΣ.",
    "Lemma 1, second item, App. D.1, H.3.1",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σ ≻ 0", "k ≤ d"),
    axioms=("square inverse",),
    requires=("L1.i",),
)
SELECTS = Claim(
    "L1.iii",
    "Whitening selects the principal directions",
    "REC-optimal and WᵀΣW = 1 ⇒ the columns of W are principal directions",
    "The paper says that whitening fixes an orthonormal basis of the subspace, namely the principal directions.",
    "Discussion of Lemma 1, App. D.1",
    Verdict.REFUTED,
)
DIAGONAL = Claim(
    "L1.iii-corrected",
    "Whitening leaves a rotation; asking for a diagonal WᵀW removes it",
    "REC-optimal ∧ WᵀΣW = 1 ⇔ W = V_kΛ_k^{-1/2}Q, Q ∈ O(k); with WᵀW diagonal the columns are eigenvectors of Σ",
    "Every rotation of the scaled principal directions is whitened and optimal. If in addition the columns are "
    "orthogonal, they are eigenvectors: for λ_1 > … > λ_k the principal directions up to sign and order.",
    "correction of the discussion of Lemma 1",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σ ≻ 0", "WᵀΣW = 1", "WᵀW diagonal", "REC-optimal"),
    axioms=("square inverse",),
    corrects="L1.iii",
    requires=("L1.i",),
)

INSIDE = pairs(FULL_RANK)


def _scale(pair: Pair) -> float:
    return float(np.trace(pair.moments.Sx))


def _loss(pair: Pair, W, D) -> float:
    return float(((pair.X - pair.X @ W @ D) ** 2).sum() / pair.n)


def _basis(pair: Pair) -> np.ndarray:
    return pair.rng.normal(size=(pair.k, pair.k)) + 3 * np.eye(pair.k)


@SPAN.by("proof")
def _(run):
    return [
        cite("Eckart–Young"),
        cite("square inverse"),
        certified.step("L1-moments", "the loss depends on the data through Σ only"),
        certified.step("L1-value", "every W = V_kA, D = A⁻¹V_kᵀ has loss TrΣ − Tr Λ_k, the Eckart–Young value"),
        certified.step("L1-cancel", "XWD = XV_kV_kᵀ and Σ ≻ 0 give WD = V_kV_kᵀ"),
        certified.step("L1-encoder-form", "WD = V_kV_kᵀ gives W = V_k(V_kᵀW)"),
        certified.step("L1-decoder-form", "and D = (DV_k)V_kᵀ, where DV_k is the inverse of A = V_kᵀW"),
    ]


@SPAN.by("numeric")
def _(run):
    def check(pair: Pair):
        A = _basis(pair)
        solved = pca.solve(pair.moments.Sx, pair.k)
        singular = np.linalg.svd(pair.X, compute_uv=False)
        tail = float((singular[pair.k :] ** 2).sum() / pair.n)
        eps = tolerance(_scale(pair), pair.dx)
        yield abs(solved.optimum - tail), eps
        yield (
            abs(_loss(pair, solved.maps["W"] @ A, np.linalg.solve(A, solved.maps["D"])) - tail),
            eps * np.linalg.cond(A),
        )
        # Any competitor, with its own best decoder, does no better.
        W = pair.rng.normal(size=(pair.dx, pair.k))
        best = np.linalg.lstsq(pair.X @ W, pair.X, rcond=None)[0]
        yield tail - _loss(pair, W, best), eps

    return run.holds("the tail of the SVD is reached by every basis, and by no competitor undercut", INSIDE, check)


@SPAN.by("necessity")
def _(run):
    X, W, D = Matrix([[1, 0], [-1, 0]]), Matrix([1, 7]), Matrix([[1, 0]])
    residual = X - X * W * D
    singular = Counterexample(
        "X = [[1,0],[−1,0]], W = (1,7)ᵀ, D = (1,0): loss 0",
        {"optimal: loss 0": residual.norm() == 0, "k = 1 ≤ d = 2": W.cols <= W.rows},
        {"W spans the principal direction e₁": W[1] == 0},
        W[1],
    )
    return Necessity({"Σ ≻ 0": singular, "k ≤ d": _wide({"A ∈ GL(2)": lambda W, D: W.rank() == W.cols})})


def _wide(conclusion) -> Counterexample:
    X, W, D = Matrix([1, -1]), Matrix([[1, 0]]), Matrix([1, 0])
    return Counterexample(
        "X = (1,−1)ᵀ, d = 1 < k = 2, W = (1,0), D = (1,0)ᵀ: loss 0",
        {"optimal: loss 0": (X - X * W * D).norm() == 0, "Σ ≻ 0": X.rank() == X.cols},
        {name: holds(W, D) for name, holds in conclusion.items()},
        W.cols - W.rank(),
    )


@SPAN.by("mutants")
def _(run):
    return Mutants([*certified.mutants("L1-value", run.rng()), *certified.mutants("L1-encoder-form", run.rng())])


@SPAN.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l1(run)


@SINGULAR.by("proof")
def _(run):
    return [
        cite("Eckart–Young"),
        cite("square inverse"),
        certified.step("L1-moments", "the loss depends on the data through Σ only"),
        certified.step(
            "L1-singular-inverse",
            "XWD = XV_kV_kᵀ and X⁺XV_k = V_k (k ≤ rank Σ) give A·DV_k = 1 for the k×k matrix A = V_kᵀX⁺XW",
        ),
        certified.step("L1-singular-encoder", "hence XW = XV_kA, so that N = W − V_kA has XN = 0"),
        certified.step("L1-singular-decoder", "and D = (DV_k)V_kᵀ = A⁻¹V_kᵀ"),
        certified.step("L1-value", "conversely W = V_kA, and W = V_kA + N with the same codes, reaches TrΣ − TrΛ_k"),
    ]


@SINGULAR.by("numeric")
def _(run):
    def check(pair: Pair):
        _, singular, rows = np.linalg.svd(pair.X)
        Vk, kernel = rows[: pair.k].T, rows[pair.rank_x :].T
        A = np.linalg.qr(pair.rng.normal(size=(pair.k, pair.k)))[0] * pair.rng.uniform(0.5, 2, pair.k)
        W = Vk @ A + kernel @ pair.rng.normal(size=(kernel.shape[1], pair.k))
        D = np.linalg.solve(A, Vk.T)
        tail = float((singular[pair.k :] ** 2).sum() / pair.n)
        eps = tolerance(_scale(pair), pair.n + pair.dx, gap=np.linalg.cond(A) ** -2)
        yield abs(_loss(pair, W, D) - tail), eps
        # Any move of W that changes the codes costs exactly what it does to the data.
        Δ = pair.rng.normal(size=W.shape)
        excess = float(((pair.X @ Δ @ D) ** 2).sum() / pair.n)
        yield abs(_loss(pair, W + Δ, D) - tail - excess), eps * (1 + np.linalg.norm(Δ) ** 2)

    members = pairs(("deficient", "short"), whitenable=True)
    return run.holds("V_kA + N is optimal; W moved by Δ loses exactly ‖XΔD‖²/n", members, check)


@SINGULAR.by("necessity")
def _(run):
    X, W, D = Matrix([[1, 0], [-1, 0]]), Matrix([[1, 0], [0, 0]]), Matrix([[1, 0], [0, 0]])
    k = W.cols
    wide = Counterexample(
        "X = [[1,0],[−1,0]], k = 2 > rank Σ = 1, W = D = diag(1,0): loss 0",
        {"optimal: loss 0": (X - X * W * D).norm() == 0, "k > rank Σ": k > X.rank()},
        {"D = A⁻¹V_kᵀ has rank k": D.rank() == k},
        k - D.rank(),
    )
    return Necessity({"k ≤ rank Σ": wide})


@SINGULAR.by("mutants")
def _(run):
    names = ("L1-singular-inverse", "L1-singular-encoder", "L1-singular-decoder")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])


@DECODER.by("proof")
def _(run):
    return [
        cite("square inverse"),
        certified.step("L1-decoder", "completing the square: (WᵀΣW)⁻¹WᵀΣ is the unique best decoder of W"),
        certified.step("L1-decoder-form", "WD = V_kV_kᵀ gives D = (DV_k)V_kᵀ"),
        certified.step("L1-whitened-decoder", "under whitening A⁻¹V_kᵀ = WᵀΣ"),
    ]


@DECODER.by("numeric")
def _(run):
    def check(pair: Pair):
        W = pca.solve(pair.moments.Sx, pair.k).maps["W"] @ _basis(pair)
        readout = np.linalg.lstsq(pair.X @ W, pair.X, rcond=None)[0]
        gap = np.linalg.cond(pair.X @ W) ** -2
        yield np.linalg.norm(readout @ W - np.eye(pair.k)), tolerance(pair.k, pair.dx, gap=gap)
        white = W @ np.linalg.inv(np.linalg.cholesky(W.T @ pair.moments.Sx @ W)).T
        least = np.linalg.lstsq(pair.X @ white, pair.X, rcond=None)[0]
        yield np.linalg.norm(white.T @ pair.moments.Sx - least), tolerance(np.linalg.norm(least), pair.dx, gap=gap)

    return run.holds("the least-squares readout inverts the encoder; it is WᵀΣ for whitened ones", INSIDE, check)


@DECODER.by("necessity")
def _(run):
    X, W, D = Matrix([[1, 0], [-1, 0]]), Matrix([1, 7]), Matrix([[1, 0]])
    S = X.T * X / 2
    best = (W.T * S * W).inv() * W.T * S
    singular = Counterexample(
        "X = [[1,0],[−1,0]], W = (1,7)ᵀ, D = (1,0): loss 0",
        {
            "optimal: loss 0": (X - X * W * D).norm() == 0,
            "D is the readout": D == best,
            "k = 1 ≤ d = 2": W.cols <= W.rows,
        },
        {"D = Wᵀ up to scale": Matrix.vstack(D, W.T).rank() == 1},
        abs(Matrix.vstack(D, W.T).det()),
    )
    return Necessity({"Σ ≻ 0": singular, "k ≤ d": _wide({"DW = A⁻¹V_kᵀV_kA = 1": lambda W, D: D * W == eye(2)})})


@DECODER.by("mutants")
def _(run):
    return Mutants(certified.mutants("L1-decoder", run.rng()))


@SELECTS.by("counterexample")
def _(run):
    S = Matrix([[4, 0], [0, 1]])
    W = Matrix([[Rational(3, 10), Rational(4, 10)], [Rational(-4, 5), Rational(3, 5)]])
    SW, gram = S * W, W.T * W
    return Counterexample(
        "Σ = diag(4,1), k = d = 2, W = [[3/10, 4/10], [−4/5, 3/5]], D = WᵀΣ",
        {"WᵀΣW = 1": W.T * S * W == eye(2), "REC-optimal: WD = 1": W * W.T * S == eye(2)},
        {
            "the columns of W are eigenvectors of Σ": all(
                Matrix.hstack(SW[:, i], W[:, i]).rank() == 1 for i in range(2)
            ),
            "the columns of W are orthogonal": gram[0, 1] == 0,
        },
        abs(gram[0, 1]),
    )


@SELECTS.by("family")
def _(run):
    def check(pair: Pair):
        values, vectors = np.linalg.eigh(pair.moments.Sx)
        values, vectors = values[::-1], vectors[:, ::-1]
        c, s = 3 / 5, 4 / 5
        W = vectors[:, :2] / np.sqrt(values[:2]) @ np.array([[c, -s], [s, c]])
        white = np.linalg.norm(W.T @ pair.moments.Sx @ W - np.eye(2))
        tail = float(values[2:].sum())
        optimal = abs(_loss(pair, W, W.T @ pair.moments.Sx) - tail)
        assert max(white, optimal / _scale(pair)) <= tolerance(values[0] / values[1], pair.dx), (
            "no member of the family"
        )
        # (WᵀW)₁₂ of the rotated basis is exactly cs(1/λ₂ − 1/λ₁).
        yield abs((W.T @ W)[0, 1]), 0.9 * c * s * (1 / values[1] - 1 / values[0])

    members = pairs(("generic",), min_width=2)
    return run.violates("rotated by (3/5, 4/5), whitened and optimal, columns not orthogonal", members, check)


@DIAGONAL.by("proof")
def _(run):
    return [
        cite("square inverse"),
        certified.step("L1-rotation-whitened", "V_kΛ_k^{-1/2}Q is whitened for every orthogonal Q"),
        certified.step("L1-rotation-free", "and has the same WD = V_kV_kᵀ"),
        certified.step("L1-rotation-only", "conversely W = V_kA (L1.i) whitened: Q = Λ_k^{1/2}A has QᵀQ = 1"),
        certified.step("L1-rotation-form", "and W = V_kΛ_k^{-1/2}Q"),
        certified.step("L1-diagonal", "a diagonal WᵀW = Δ gives ΣW = WΔ⁻¹: the columns are eigenvectors"),
    ]


@DIAGONAL.by("numeric")
def _(run):
    def check(pair: Pair):
        W = pca.solve(pair.moments.Sx, pair.k).maps["W"] @ _basis(pair)
        white = W @ np.linalg.inv(np.linalg.cholesky(W.T @ pair.moments.Sx @ W)).T
        # Diagonalising WᵀW is the rotation that the corrected statement asks for.
        rotated = white @ np.linalg.eigh(white.T @ white)[1]
        quotient = np.diag(rotated.T @ pair.moments.Sx @ rotated) / (rotated**2).sum(0)
        miss = np.linalg.norm(pair.moments.Sx @ rotated - rotated * quotient)
        spread = np.linalg.cond(pair.moments.Sx)
        yield miss, tolerance(np.linalg.norm(pair.moments.Sx @ rotated), pair.dx, gap=1 / spread)
        # Whitened and optimal, before that rotation: V_kΛ_k^{-1/2}Q for an orthogonal Q, by a second decomposition.
        _, singular, rows = np.linalg.svd(pair.X, full_matrices=False)
        Q = (rows[: pair.k] * singular[: pair.k, None] / np.sqrt(pair.n)) @ white
        yield np.linalg.norm(Q.T @ Q - np.eye(pair.k)), tolerance(pair.k, pair.n, gap=1 / spread)
        yield subspace_distance(rotated, W), tolerance(1.0, pair.dx, gap=1 / spread)

    return run.holds("whitened, optimal and with orthogonal columns: eigenvectors", INSIDE, check)


@DIAGONAL.by("necessity")
def _(run):
    h = Rational(1, 2)
    S, rotated = (
        Matrix([[4, 0], [0, 1]]),
        Matrix([[Rational(3, 10), Rational(4, 10)], [Rational(-4, 5), Rational(3, 5)]]),
    )
    tilted = Matrix([[h, 0, 0], [0, 1, 0]]).T
    S3 = Matrix([[4, 0, 0], [0, 1, 1], [0, 1, 2]])
    plain = Matrix([[1, 1], [1, -1]])
    X, unseen = Matrix([[1, 0], [-1, 0]]), Matrix([1, 7])
    flat = X.T * X / 2

    def eigen(S, W):
        return all(Matrix.hstack(S * W[:, i], W[:, i]).rank() == 1 for i in range(W.cols))

    return Necessity(
        {
            "Σ ≻ 0": Counterexample(
                "X = [[1,0],[−1,0]], Σ = diag(1,0), k = 1, W = (1,7)ᵀ, D = WᵀΣ = (1,0): loss 0",
                {
                    "WᵀΣW = 1": unseen.T * flat * unseen == eye(1),
                    "WᵀW diagonal": (unseen.T * unseen).is_diagonal(),
                    "REC-optimal": (X - X * unseen * unseen.T * flat).norm() == 0,
                },
                {"columns are eigenvectors": eigen(flat, unseen)},
                abs(Matrix.hstack(flat * unseen, unseen).det()),
            ),
            "WᵀW diagonal": Counterexample(
                "Σ = diag(4,1), W = [[3/10, 4/10], [−4/5, 3/5]]",
                {
                    "Σ ≻ 0": S.is_positive_definite,
                    "WᵀΣW = 1": rotated.T * S * rotated == eye(2),
                    "REC-optimal": rotated * rotated.T * S == eye(2),
                },
                {"columns are eigenvectors": eigen(S, rotated)},
                abs((rotated.T * rotated)[0, 1]),
            ),
            "WᵀΣW = 1": Counterexample(
                "Σ = diag(4,1), W = [[1,1],[1,−1]], D = W⁻¹",
                {
                    "Σ ≻ 0": S.is_positive_definite,
                    "WᵀW diagonal": (plain.T * plain).is_diagonal(),
                    "REC-optimal": plain * plain.inv() == eye(2),
                },
                {"columns are eigenvectors": eigen(S, plain)},
                abs((plain.T * S * plain)[0, 1]),
            ),
            "REC-optimal": Counterexample(
                "Σ = diag(4) ⊕ [[1,1],[1,2]], W = (e₁/2, e₂)",
                {
                    "Σ ≻ 0": S3.is_positive_definite,
                    "WᵀΣW = 1": tilted.T * S3 * tilted == eye(2),
                    "WᵀW diagonal": (tilted.T * tilted).is_diagonal(),
                },
                {"columns are eigenvectors": eigen(S3, tilted)},
                abs((S3 * tilted)[2, 1]),
            ),
        }
    )


@DIAGONAL.by("mutants")
def _(run):
    names = ("L1-diagonal", "L1-rotation-only", "L1-rotation-form")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])
