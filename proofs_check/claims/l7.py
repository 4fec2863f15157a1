"""Lemma 7: cycle consistency keeps the principal subspaces, and nothing else."""

import numpy as np
from sympy import Matrix, Rational, eye, symbols, zeros

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.linalg import tolerance
from theory.solvers import cycle

VALUE = Claim(
    "L7.i",
    "The minimum of the cycle loss is the two PCA tails of order k",
    "min L_CYC = Σ_{i>k} λ_i(Σx) + Σ_{i>k} λ_i(Σy)",
    "Each cycle passes through k codes, which suggests the value of two PCAs with k components.",
    "Lemma 7, App. D.2.4, H.3.4",
    Verdict.REFUTED,
)
RANK_VALUE = Claim(
    "L7.i-corrected",
    "The tails start after r = min(k, dx, dy)",
    "min L_CYC = Σ_{i>r} λ_i(Σx) + Σ_{i>r} λ_i(Σy), r = min(k, dx, dy)",
    "A cycle also passes through the other domain, whose width limits its rank as much as the codes do.",
    "correction of Lemma 7",
    Verdict.MODULO_AXIOMS,
    axioms=("Eckart–Young",),
    corrects="L7.i",
)
MINIMISERS = Claim(
    "L7.ii",
    "Every minimiser is A = V_xΓV_yᵀ, B = V_yΓ⁻¹V_xᵀ",
    "A = W_xD_y, B = W_yD_x: L_CYC minimal ⇔ A = V_xΓV_yᵀ, B = V_yΓ⁻¹V_xᵀ, Γ ∈ GL(r); V_x, V_y top-r eigenbases",
    "The two maps between the domains are inverse to each other between the principal subspaces, and nothing says "
    "which inverse pair: Γ is any invertible matrix.",
    "Lemma 7, App. D.2.4, H.3.4",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σx, Σy ≻ 0", "λ_r > λ_{r+1} in both domains"),
    axioms=("Eckart–Young", "square inverse"),
    requires=("L7.i-corrected",),
)
RECOVERS = Claim(
    "L7.iii",
    "Under the cycle loss the encoders and decoders recover the PCA",
    "L_CYC minimal ⇒ W_xD_x = V_xV_xᵀ and W_yD_y = V_yV_yᵀ",
    "The paper concludes that each domain's own encoder and decoder form a principal component analysis.",
    "Lemma 7, App. D.2.4, H.3.4",
    Verdict.REFUTED,
)
GAUGE = Claim(
    "L7.iii-corrected",
    "The demi-cycle is any invertible map of the principal subspace; reconstruction makes it the PCA",
    "as in L7.ii, k = r: W_xD_x = V_xCV_xᵀ with C = A₁A₂⁻¹Γ⁻¹ any matrix of GL(r); adding REC: C = 1",
    "Encoders span the principal subspaces, but a stream's decoder need not undo its own encoder. With the "
    "reconstruction loss added both tails are reached at once, and the autoencoders are the PCA.",
    "correction of Lemma 7",
    Verdict.MODULO_AXIOMS,
    hypotheses=("REC added",),
    axioms=("square inverse",),
    corrects="L7.iii",
    requires=("L7.ii", "L1.i"),
)

MEMBERS = pairs()
INSIDE = pairs(FULL_RANK)


def _loss(pair: Pair, A, B) -> float:
    back = pair.X - pair.X @ A @ B, pair.Y - pair.Y @ B @ A
    return float(sum((residual**2).sum() for residual in back) / pair.n)


def _variance(pair: Pair) -> float:
    return float(np.trace(pair.moments.Sx) + np.trace(pair.moments.Sy))


def _tails(pair: Pair, r: int) -> float:
    singular = [np.linalg.svd(A, compute_uv=False) for A in (pair.X, pair.Y)]
    return float(sum((s[r:] ** 2).sum() for s in singular) / pair.n)


def _principal(data: np.ndarray, r: int) -> np.ndarray:
    return np.linalg.svd(data, full_matrices=False)[2][:r].T


def _invertible(rng, r: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(r, r)))[0] * rng.uniform(0.5, 2, r)


@VALUE.by("counterexample")
def _(run):
    # dx = 1, dy = 2: whatever A (1×2) and B (2×1), the y-cycle BA has rank 1 and leaves a tail.
    X, Y = Matrix([1, 1, -1, -1]), Matrix([[1, 1], [-1, -1], [1, -1], [-1, 1]])
    a1, a2, b1, b2 = entries = symbols("a1 a2 b1 b2", real=True)
    A, B, k = Matrix([[a1, a2]]), Matrix([[b1], [b2]]), 2
    t = (A * B)[0]
    residuals = X - X * A * B, Y - Y * B * A
    loss = sum(((E.T * E).trace() for E in residuals), Rational(0)) / X.rows
    # Two squares and what stays when both vanish.
    lower = loss.subs(dict(zip(entries, (1, 0, 1, 0), strict=True)))
    spectra = ((D.T * D / D.rows).eigenvals(multiple=True) for D in (X, Y))
    claimed = sum(sum(sorted(spectrum, reverse=True)[k:]) for spectrum in spectra)
    return Counterexample(
        "X = h1, Y = (h2, h3), dx = 1, dy = 2, k = 2, A = (a₁,a₂), B = (b₁,b₂)ᵀ, t = AB: "
        "L_CYC = 1 + 2(1−t)² + (a₁b₂−a₂b₁)² ≥ 1",
        {
            "k > min(dx, dy)": k > min(X.cols, Y.cols),
            "L_CYC = 1 + 2(1−t)² + (a₁b₂−a₂b₁)² for all A, B": (
                (loss - 1 - 2 * (1 - t) ** 2 - (a1 * b2 - a2 * b1) ** 2).expand() == 0
            ),
            "1 is reached at A = (1,0), B = (1,0)ᵀ": lower == 1,
        },
        {"min L_CYC = Σ_{i>k} λ_i(Σx) + Σ_{i>k} λ_i(Σy) = 0": lower == claimed},
        lower - claimed,
    )


@VALUE.by("family")
def _(run):
    def check(pair: Pair):
        k, narrow = max(pair.dx, pair.dy), min(pair.dx, pair.dy)
        A, B = pair.rng.normal(size=(pair.dx, k)), pair.rng.normal(size=(pair.dy, k))
        maps = A @ pair.rng.normal(size=(k, pair.dy)), B @ pair.rng.normal(size=(k, pair.dx))
        claimed, true = _tails(pair, k), _tails(pair, narrow)
        solved = cycle.solve(pair.moments, narrow).maps
        best = _loss(pair, solved["Wx"] @ solved["Dy"], solved["Wy"] @ solved["Dx"])
        # No coder comes nearer to the claimed value than the tail between the widths.
        eps = tolerance(_variance(pair), pair.n + pair.dx + pair.dy)
        yield min(_loss(pair, *maps), best) - claimed, true - claimed - eps

    return run.violates("k above the narrower width: the claimed tails are out of reach", WIDER, check)


@RANK_VALUE.by("proof")
def _(run):
    return [
        cite("Eckart–Young"),
        certified.step("L7-value", "A = V_xΓV_yᵀ, B = V_yΓ⁻¹V_xᵀ reaches TrΣx − TrΛ_x, and likewise for y"),
        certified.step("L7-cycle-x", "because AB = V_xV_xᵀ"),
        certified.step("L7-cycle-y", "and BA = V_yV_yᵀ; rank AB, rank BA ≤ r, so that Eckart–Young bounds both"),
    ]


@RANK_VALUE.by("numeric")
def _(run):
    def check(pair: Pair):
        eps = tolerance(_variance(pair), pair.n + pair.dx + pair.dy)
        for k in (pair.k, max(pair.dx, pair.dy)):
            solved = cycle.solve(pair.moments, k)
            optimum, W = _tails(pair, min(k, pair.dx, pair.dy)), solved.maps
            yield abs(solved.optimum - optimum), eps
            yield abs(_loss(pair, W["Wx"] @ W["Dy"], W["Wy"] @ W["Dx"]) - optimum), eps
            A = pair.rng.normal(size=(pair.dx, k)) @ pair.rng.normal(size=(k, pair.dy))
            yield optimum - _loss(pair, A, np.linalg.pinv(A)), eps

    return run.holds("the tails of two SVDs, reached and not undercut, also for k above a width", MEMBERS, check)


@RANK_VALUE.by("mutants")
def _(run):
    return Mutants([m for name in ("L7-value", "L7-cycle-x") for m in certified.mutants(name, run.rng())])


@RANK_VALUE.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l7(run)


@MINIMISERS.by("proof")
def _(run):
    return [
        cite("Eckart–Young"),
        cite("square inverse"),
        certified.step(
            "L7-cycle-x", "the stated A, B have AB = V_xV_xᵀ, the unique optimal projection for λ_r > λ_{r+1}"
        ),
        certified.step("L7-cycle-y", "and BA = V_yV_yᵀ"),
        certified.step("L7-cancel", "conversely, XAB = XV_xV_xᵀ and Σx ≻ 0 give AB = V_xV_xᵀ, and likewise for y"),
        certified.step("L7-encoder-form", "k = r: the factor W_x of A = W_xD_y lies in span V_x"),
        certified.step(
            "L7-decoder-form", "and D_y in span V_y, so that A = V_x(V_xᵀAV_y)V_yᵀ (B alike, x and y swapped)"
        ),
        certified.step("L7-wide-map", "k > r = dx: V_xV_xᵀ = 1, and AB = 1, BA = V_yV_yᵀ give A = AV_yV_yᵀ"),
        certified.step("L7-wide-map-back", "and B = V_yV_yᵀB; r = dy is the same with x and y swapped"),
        certified.step("L7-maps-inverse", "and (V_xᵀAV_y)(V_yᵀBV_x) = 1"),
    ]


@MINIMISERS.by("numeric")
def _(run):
    def check(pair: Pair):
        r = pair.k
        Vx, Vy = _principal(pair.X, r), _principal(pair.Y, r)
        G = _invertible(pair.rng, r)
        A, B = Vx @ G @ Vy.T, Vy @ np.linalg.inv(G) @ Vx.T
        eps = tolerance(_variance(pair), pair.n + pair.dx + pair.dy, gap=1 / np.linalg.cond(G) ** 2)
        yield abs(_loss(pair, A, B) - _tails(pair, r)), eps
        # A moved by any Δ, B kept: the loss exceeds the tails by what the two changed cycles do to the data.
        Δ = 0.5 * pair.rng.normal(size=A.shape)
        excess = float(((pair.X @ Δ @ B) ** 2).sum() + ((pair.Y @ B @ Δ) ** 2).sum()) / pair.n
        yield abs(_loss(pair, A + Δ, B) - _tails(pair, r) - excess), eps * (1 + np.linalg.norm(Δ) ** 2)
        # Inside the principal subspaces, where A + Δ keeps rank r, every Δ ≠ 0 costs something.
        inner = pair.rng.normal(size=(r, r))
        moved = _loss(pair, A + Vx @ inner @ Vy.T, B) - _tails(pair, r)
        variances = (np.linalg.svd(D, compute_uv=False)[r - 1] ** 2 / pair.n for D in (pair.X, pair.Y))
        least = sum(variances) * np.linalg.norm(inner) ** 2 / np.linalg.norm(G, 2) ** 2
        yield least - moved, eps * (1 + np.linalg.norm(inner) ** 2)

    return run.holds("every Γ reaches the tails; moving A off them costs exactly (‖XΔB‖² + ‖YBΔ‖²)/n", INSIDE, check)


@MINIMISERS.by("necessity")
def _(run):
    flat = Matrix([[1, 0], [-1, 0]])
    A, B = Matrix([[1, 0], [7, 0]]), Matrix([[1, 0], [0, 0]])
    V = Matrix([[1], [0]])
    variances = sorted((flat.T * flat / 2).eigenvals(multiple=True), reverse=True)
    isotropic = Matrix([[1, 1], [-1, -1], [1, -1], [-1, 1]])
    other = Matrix([[0], [1]])
    P = other * other.T
    value = sum(e**2 for e in (isotropic - isotropic * P)) / Rational(4)
    return Necessity(
        {
            "Σx, Σy ≻ 0": Counterexample(
                "X = Y = [[1,0],[−1,0]], A = [[1,0],[7,0]], B = diag(1,0), k = r = 1: loss 0",
                {
                    "rank A, rank B ≤ k = 1": A.rank() == 1 == B.rank(),
                    "λ_1 > λ_2": bool(variances[0] > variances[1]),
                    "loss 0": flat - flat * A * B == zeros(2, 2) == flat - flat * B * A,
                },
                {"A = e₁Γe₁ᵀ": V * V.T * A * V * V.T == A},
                A[1, 0],
            ),
            "λ_r > λ_{r+1} in both domains": Counterexample(
                "Σx = Σy = 1₂, r = 1, V_x = V_y = e₁: A = B = e₂e₂ᵀ has the same optimal loss 2",
                {
                    "rank A = rank B ≤ k = 1": P.rank() == 1,
                    "Σx = Σy = 1": isotropic.T * isotropic / 4 == eye(2),
                    "each tail is reached": value == 1,
                },
                {"A = V_xΓV_yᵀ": V * V.T * P * V * V.T == P},
                P[1, 1],
            ),
        }
    )


@MINIMISERS.by("mutants")
def _(run):
    names = ("L7-cycle-y", "L7-maps-inverse", "L7-wide-map", "L7-cancel")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])


@RECOVERS.by("counterexample")
def _(run):
    Wx, Dx, Wy, Dy = 1, 2, Rational(1, 2), 1
    return Counterexample(
        "dx = dy = k = 1: W_x = 1, D_x = 2, W_y = 1/2, D_y = 1",
        {"x-cycle W_xD_yW_yD_x = 1": Wx * Dy * Wy * Dx == 1, "y-cycle W_yD_xW_xD_y = 1": Wy * Dx * Wx * Dy == 1},
        {"W_xD_x = 1": Wx * Dx == 1, "W_yD_y = 1": Wy * Dy == 1},
        abs(Wx * Dx - 1) + abs(Wy * Dy - 1),
    )


@RECOVERS.by("family")
def _(run):
    def check(pair: Pair):
        r = pair.k
        Vx, Vy = _principal(pair.X, r), _principal(pair.Y, r)
        Wx, Dy, Wy, Dx = Vx, Vy.T, Vy / 2, 2 * Vx.T
        optimal = abs(_loss(pair, Wx @ Dy, Wy @ Dx) - _tails(pair, r))
        assert optimal <= tolerance(_variance(pair), pair.n + pair.dx + pair.dy), "no member of the family"
        # W_xD_x = 2V_xV_xᵀ overshoots by V_xV_xᵀ, which has norm √r.
        yield np.linalg.norm(Wx @ Dx - Vx @ Vx.T), 0.9 * np.sqrt(r)

    return run.violates("cycles optimal, demi-cycle twice the projection", INSIDE, check)


@GAUGE.by("proof")
def _(run):
    return [
        cite("square inverse"),
        certified.step("L7-map", "W_x = V_xA₁, D_y = A₁⁻¹ΓV_yᵀ give A = V_xΓV_yᵀ"),
        certified.step("L7-map-back", "W_y = V_yA₂, D_x = A₂⁻¹Γ⁻¹V_xᵀ give B"),
        certified.step("L7-demi-cycle", "for any C, A₁ = CΓA₂ gives W_xD_x = V_xCV_xᵀ"),
        certified.step("L7-encoder-form", "every minimiser has W_x = V_x(V_xᵀW_x)"),
        certified.step("L7-decoder-form", "and D_y = (D_yV_y)V_yᵀ"),
        certified.step("L7-with-reconstruction", "with REC at its tail, V_xCV_xᵀ = V_xV_xᵀ (L1.i), which gives C = 1"),
    ]


@GAUGE.by("numeric")
def _(run):
    def check(pair: Pair):
        r = pair.k
        Vx, Vy = _principal(pair.X, r), _principal(pair.Y, r)
        C, G, A2 = (_invertible(pair.rng, r) for _ in range(3))
        A1 = C @ G @ A2
        Wx, Dy = Vx @ A1, np.linalg.solve(A1, G @ Vy.T)
        Wy, Dx = Vy @ A2, np.linalg.solve(A2, np.linalg.solve(G, Vx.T))
        amplified = np.prod([np.linalg.cond(B) for B in (C, G, A2)]) ** 2
        eps = tolerance(_variance(pair), pair.n + pair.dx + pair.dy, gap=1 / amplified)
        yield abs(_loss(pair, Wx @ Dy, Wy @ Dx) - _tails(pair, r)), eps
        yield np.linalg.norm(Wx @ Dx - Vx @ C @ Vx.T), tolerance(np.linalg.norm(C), pair.dx, gap=1 / amplified)
        # Its reconstruction exceeds the PCA tail by exactly ‖X V_x(C − 1)‖²/n.
        excess = ((pair.X - pair.X @ Wx @ Dx) ** 2).sum() / pair.n
        tail = (np.linalg.svd(pair.X, compute_uv=False)[r:] ** 2).sum() / pair.n
        yield abs(excess - tail - ((pair.X @ Vx @ (C - np.eye(r))) ** 2).sum() / pair.n), eps

    return run.holds("any C is the demi-cycle of a minimiser; REC exceeds the tail by ‖XV_x(C−1)‖²/n", INSIDE, check)


@GAUGE.by("necessity")
def _(run):
    Wx, Dx, Wy, Dy = 1, 2, Rational(1, 2), 1
    return Necessity(
        {
            "REC added": Counterexample(
                "dx = dy = k = 1: W_x = 1, D_x = 2, W_y = 1/2, D_y = 1",
                {"both cycles are 1": Wx * Dy * Wy * Dx == 1 == Wy * Dx * Wx * Dy},
                {"C = W_xD_x = 1": Wx * Dx == 1},
                abs(Wx * Dx - 1),
            )
        }
    )


@GAUGE.by("mutants")
def _(run):
    names = ("L7-demi-cycle", "L7-with-reconstruction", "L7-map")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])


WIDER = pairs(("generic",), min_width=1).map(
    lambda p: Pair(p.seed, max(p.n, 3 * p.dx + p.dy + 4), p.dx, p.dy + p.dx, 1, p.decay, "generic")
)
