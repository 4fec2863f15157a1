"""Lemma 7: cycle consistency keeps the principal subspaces, and nothing else."""

import numpy as np
from sympy import Matrix, Rational, eye, zeros

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
    hypotheses=("r = min(k, dx, dy)",),
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
    "k = r: W_xD_x = V_xCV_xᵀ with C = A₁A₂⁻¹Γ⁻¹ any matrix of GL(r); adding REC: C = 1",
    "Encoders span the principal subspaces, but a stream's decoder need not undo its own encoder. With the "
    "reconstruction loss added both tails are reached at once, and the autoencoders are the PCA.",
    "correction of Lemma 7",
    Verdict.MODULO_AXIOMS,
    hypotheses=("REC added",),
    axioms=("square inverse",),
    corrects="L7.iii",
    requires=("L7.ii",),
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
    A, B = Matrix([[1, 0]]), Matrix([[1], [0]])
    reached = sum(e**2 for e in (X - X * A * B)) + sum(e**2 for e in (Y - Y * B * A))
    gram = Y.T * Y / 4
    return Counterexample(
        "X = h1, Y = (h2, h3), dx = 1, dy = 2, k = 2: the tails after k are 0; rank BA ≤ 1 costs at least λ_2(Σy) = 1",
        {
            "Σy = 1": gram == eye(2),
            "k = 2 > min(dx, dy) = 1": min(X.cols, Y.cols) == 1,
            "1 is reached": Rational(reached, 4) == 1,
        },
        {"min L_CYC = 0": 1 - (B * A).rank() >= 1},
        # Σy = 1: E‖y − yBA‖² = ‖1 − BA‖² ≥ dy − rank BA for every A, B, with rank BA ≤ dx.
        Y.cols - X.cols,
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
        # No coder comes near the claimed value: half of the tail between the widths stands in between.
        yield min(_loss(pair, *maps), best) - claimed, 0.5 * (true - claimed)

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
        solved = cycle.solve(pair.moments, pair.k)
        optimum, eps = _tails(pair, pair.k), tolerance(_variance(pair), pair.n + pair.dx + pair.dy)
        W = solved.maps
        yield abs(solved.optimum - optimum), eps
        yield abs(_loss(pair, W["Wx"] @ W["Dy"], W["Wy"] @ W["Dx"]) - optimum), eps
        A = pair.rng.normal(size=(pair.dx, pair.k)) @ pair.rng.normal(size=(pair.k, pair.dy))
        yield optimum - _loss(pair, A, np.linalg.pinv(A)), eps

    return run.holds("the tails of two SVDs, reached and not undercut", MEMBERS, check)


@RANK_VALUE.by("necessity")
def _(run):
    return Necessity({}, {"r = min(k, dx, dy)": "a definition; with k in its place the value is refuted (L7.i)"})


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
        certified.step("L7-encoder-form", "conversely, a factor W_x of A = W_xD_y with r columns lies in span V_x"),
        certified.step("L7-decoder-form", "and D_y in span V_y, so that A = V_x(V_xᵀAV_y)V_yᵀ"),
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
        # Away from the stated set the loss is larger: A moved, B kept.
        moved = A + 0.5 * Vx @ pair.rng.normal(size=(r, r)) @ Vy.T
        yield _tails(pair, r) - _loss(pair, moved, B), eps

    return run.holds("every Γ reaches the tails; leaving the set never undercuts them", INSIDE, check)


@MINIMISERS.by("necessity")
def _(run):
    flat = Matrix([[1, 0], [-1, 0]])
    A, B = eye(2), Matrix([[1, 0], [0, 0]])
    V = Matrix([[1], [0]])
    isotropic = Matrix([[1, 1], [-1, -1], [1, -1], [-1, 1]])
    other = Matrix([[0], [1]])
    P = other * other.T
    value = sum(e**2 for e in (isotropic - isotropic * P)) / Rational(4)
    return Necessity(
        {
            "Σx, Σy ≻ 0": Counterexample(
                "X = Y = [[1,0],[−1,0]], A = 1₂, B = diag(1,0), r = 1: loss 0",
                {"loss 0": flat - flat * A * B == zeros(2, 2) == flat - flat * B * A},
                {"A = e₁Γe₁ᵀ": V * V.T * A * V * V.T == A},
                A[1, 1],
            ),
            "λ_r > λ_{r+1} in both domains": Counterexample(
                "Σx = Σy = 1₂, r = 1, V_x = V_y = e₁: A = B = e₂e₂ᵀ has the same optimal loss 2",
                {"each tail is reached": value == 1},
                {"A = V_xΓV_yᵀ": V * V.T * P * V * V.T == P},
                P[1, 1],
            ),
        }
    )


@MINIMISERS.by("mutants")
def _(run):
    return Mutants([m for name in ("L7-cycle-y", "L7-maps-inverse") for m in certified.mutants(name, run.rng())])


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
        certified.step("L7-with-reconstruction", "with REC, V_xCV_xᵀ = V_xV_xᵀ gives C = 1"),
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
