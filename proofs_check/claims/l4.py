"""Lemma 4: consistency with reconstruction trades canonical correlations for variance; the trade-off does not vanish.

The correction of “only the pure CCA remains” is theorem B4 (``b4.py``), that of the eigenvalue problem B5 (``b5.py``).
"""

import numpy as np
from hypothesis import strategies as st
from sympy import Matrix, Rational, diag, eye

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.exact import definiteness
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.linalg import inverse_root, tolerance
from theory.moments import Moments
from theory.solvers import cca, consistency_tradeoff

SUBSPACES = Claim(
    "L4.i",
    "The objective depends only on the subspaces of the encoders",
    "min over D of L_CC + λL_REC is a function of span W_x and span W_y",
    "With the best decoders inserted, the paper takes the objective to depend on the spans of the encoders.",
    "Lemma 4(i), App. H.3.2",
    Verdict.REFUTED,
)
SCALE = Claim(
    "L4.i-corrected",
    "Without whitening, scale decides: the infimum is the weighted PCA tails, approached by vanishing codes",
    "L(εW, D/ε) = ε²L_CC(W) + λL_REC(W, D); inf L = λ(Σ_{i>k} λ_i(Σx) + Σ_{i>k} λ_i(Σy))",
    "Shrinking the codes and enlarging the decoders removes the consistency term at no cost. What remains is the PCA "
    "of each domain: it is the canonical part that vanishes, not the principal one.",
    "correction of Lemma 4(i)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("no constraint on the encoders",),
    axioms=("Eckart–Young",),
    corrects="L4.i",
)
CONSTANT = Claim(
    "L4.ii",
    "Under whitening the reconstruction term is constant",
    "WᵀΣW = 1 ⇒ min over D of E‖x − xWD‖² does not depend on W",
    "The paper drops the reconstruction term after whitening.",
    "Lemma 4(ii), first item, App. H.3.2",
    Verdict.REFUTED,
)
VARIANCE = Claim(
    "L4.ii-corrected",
    "Under whitening the reconstruction term is the variance left out",
    "W = Σ^{-1/2}U: min over D of E‖x − xWD‖² = TrΣ − Tr(UᵀΣU); constant in U ⇔ Σ isotropic on its range or k = rank Σ",
    "Whitened encoders still choose a subspace, and the reconstruction prefers that of largest variance. The choice is "
    "immaterial only if all variances are equal or if everything is kept.",
    "correction of Lemma 4(ii)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("WᵀΣW = 1",),
    axioms=("spectral theorem",),
    corrects="L4.ii",
    requires=("L4.iii",),
)
READOUT = Claim(
    "L4.iii",
    "The decoders are least-squares readouts",
    "D = (WᵀΣW)⁻¹WᵀΣ is the unique minimiser over D of E‖x − xWD‖², for every λ > 0",
    "The consistency term does not see the decoders, so that each decoder is a regression on its encoder's codes.",
    "Lemma 4(iii), App. D.2.1, H.3.2",
    Verdict.VERIFIED,
    hypotheses=("WᵀΣW ≻ 0",),
)
PURE = Claim(
    "L4.iv",
    "The solution is independent of λ; only the pure CCA remains",
    "argmin of L_CC + λL_REC under whitening = top-k canonical directions, for every λ",
    "The paper concludes that the trade-off disappears after whitening.",
    "Lemma 4(i)–(ii), App. D.2.1, H.3.2",
    Verdict.REFUTED,
)
EIGEN = Claim(
    "L4.v",
    "The encoders solve a generalised eigenvalue problem",
    "under W_xᵀΣxW_x = W_yᵀΣyW_y = 1 the optimal z = [u; v] satisfies Kz = μz, K = [[λΣx, M], [Mᵀ, λΣy]]",
    "The paper announces a generalised eigenvalue problem between principal and canonical directions.",
    "Lemma 4, App. D.2.1",
    Verdict.REFUTED,
)

INSIDE = pairs(FULL_RANK, whitenable=True)


def _rec(data: np.ndarray, W: np.ndarray) -> float:
    """Reconstruction error with the best decoder, by regression."""
    D = np.linalg.lstsq(data @ W, data, rcond=None)[0]
    return float(((data - data @ W @ D) ** 2).sum() / len(data))


def _cc(pair: Pair, Wx, Wy) -> float:
    return float(((pair.X @ Wx - pair.Y @ Wy) ** 2).sum() / pair.n)


def _eps(pair: Pair, factor: float = 1.0) -> float:
    scale = float(np.trace(pair.moments.Sx) + np.trace(pair.moments.Sy)) + 2 * pair.k
    return tolerance(scale, pair.n + pair.dx + pair.dy, gap=1 / factor)


def _tails(pair: Pair) -> float:
    singular = [np.linalg.svd(A, compute_uv=False) for A in (pair.X, pair.Y)]
    return float(sum((s[pair.k :] ** 2).sum() for s in singular) / pair.n)


def _basis(data: np.ndarray, k: int) -> np.ndarray:
    return np.linalg.svd(data, full_matrices=False)[2][:k].T


H1, H2 = Matrix([1, 1, -1, -1]), Matrix([1, -1, 1, -1])
X, Y = Matrix.hstack(2 * H1, H2), H2


def _squared(A: Matrix):
    return sum(e**2 for e in A.flat()) / Rational(4)


def _exact(Wx: Matrix, Wy: Matrix, weight):
    """L_CC + λL_REC of whitened encoders with their readouts on the exact example, from the data."""
    Sx, Sy = X.T * X / 4, Y.T * Y / 4
    readouts = X - X * Wx * Wx.T * Sx, Y - Y * Wy * Wy.T * Sy
    return _squared(X * Wx - Y * Wy) + weight * sum(_squared(r) for r in readouts)


LAMBDA = Rational(5, 9)
OPTIMAL = Matrix([Rational(2, 5), Rational(3, 5)]), Matrix([1])
CANONICAL = Matrix([0, 1]), Matrix([1])
K = Matrix([[4 * LAMBDA, 0, 0], [0, LAMBDA, 1], [0, 1, LAMBDA]])
# Both blocks of the optimum have the same multiplier once γ = −8/15 is moved from one block to the other.
GAMMA, MU = Rational(-8, 15), Rational(76, 45)
SLACK = MU * eye(3) - K - GAMMA * diag(1, 1, -1)
Z = Matrix([Rational(4, 5), Rational(3, 5), 1])


@SUBSPACES.by("counterexample")
def _(run):
    full, half = _squared(H1 - H2), _squared(H1 / 2 - H2 / 2)
    return Counterexample(
        "X = h1, Y = h2, k = 1: W_x = W_y = 1 and W_x = W_y = 1/2 with the best decoders",
        {
            "same spans": Matrix([[1, Rational(1, 2)]]).rank() == 1,
            "both reconstruct exactly": _squared(H1 - H1 / 2 * 2) == 0,
        },
        {"same objective": full == half},
        full - half,
    )


@SUBSPACES.by("family")
def _(run):
    def check(pair: Pair):
        Wx, Wy = _basis(pair.X, pair.k), _basis(pair.Y, pair.k)
        before = _cc(pair, Wx, Wy)
        same = abs(_rec(pair.X, Wx / 2) - _rec(pair.X, Wx)) + abs(_rec(pair.Y, Wy / 2) - _rec(pair.Y, Wy))
        assert same <= _eps(pair), "halving an encoder must not change its best reconstruction"
        yield before - _cc(pair, Wx / 2, Wy / 2) - same, 0.74 * before

    return run.violates("halved encoders: same spans, a quarter of the consistency term", pairs(("generic",)), check)


@SCALE.by("proof")
def _(run):
    return [
        cite("Eckart–Young"),
        certified.step("L4-scale", "(εW, D/ε) keeps the reconstruction and multiplies the consistency by ε²"),
        certified.step(
            "L1-value", "W = V_kA, D = A⁻¹V_kᵀ leaves the PCA tail, the least reconstruction (Eckart–Young)"
        ),
    ]


@SCALE.by("numeric")
def _(run):
    def check(pair: Pair):
        weight, small = float(pair.rng.uniform(0.1, 3)), 1e-4
        Vx, Vy = _basis(pair.X, pair.k), _basis(pair.Y, pair.k)
        infimum, cost = weight * _tails(pair), _cc(pair, Vx, Vy)
        shrunk = _cc(pair, small * Vx, small * Vy) + weight * (_rec(pair.X, small * Vx) + _rec(pair.Y, small * Vy))
        yield abs(shrunk - infimum), small**2 * cost + weight * _eps(pair)
        Wx, Wy = pair.rng.normal(size=(pair.dx, pair.k)), pair.rng.normal(size=(pair.dy, pair.k))
        rival = _cc(pair, Wx, Wy) + weight * (_rec(pair.X, Wx) + _rec(pair.Y, Wy))
        yield infimum - rival, weight * _eps(pair)

    return run.holds("codes of size 1e-4 come within 1e-8·L_CC of the tails; no encoder goes below", pairs(), check)


@SCALE.by("necessity")
def _(run):
    # k = d = 1, uncorrelated: whitened encoders are ±1 and pay 2 whatever their signs; the tails are 0.
    values = [_squared(a * H1 - b * H2) for a in (1, -1) for b in (1, -1)]
    return Necessity(
        {
            "no constraint on the encoders": Counterexample(
                "X = h1, Y = h2, k = 1, whitened: L = 2 for all four pairs of signs, while the PCA tails are 0",
                {"W_x, W_y = ±1 are the whitened encoders": _squared(H1) == _squared(H2) == 1},
                {"inf L = λ·(PCA tails) = 0": bool(min(values) == 0)},
                min(values),
            )
        }
    )


@SCALE.by("mutants")
def _(run):
    return Mutants(certified.mutants("L4-scale", run.rng()))


@SCALE.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l4_free(run)


@CONSTANT.by("counterexample")
def _(run):
    S = X.T * X / 4
    loud, quiet = Matrix([Rational(1, 2), 0]), Matrix([0, 1])
    first, second = (_squared(X - X * W * W.T * S) for W in (loud, quiet))
    return Counterexample(
        "X = (2h1, h2), Σ = diag(4,1), k = 1: W = e₁/2 leaves 1, W = e₂ leaves 4",
        {f"{name} whitened": (W.T * S * W)[0] == 1 for name, W in (("e₁/2", loud), ("e₂", quiet))},
        {"equal reconstruction": first == second},
        second - first,
    )


@CONSTANT.by("family")
def _(run):
    def check(pair: Pair):
        values, vectors = np.linalg.eigh(pair.moments.Sx)
        first, last = vectors[:, -1:] / np.sqrt(values[-1]), vectors[:, :1] / np.sqrt(values[0])
        # Keeping the loudest direction instead of the quietest one saves exactly the difference of their variances.
        yield _rec(pair.X, last) - _rec(pair.X, first), 0.99 * (values[-1] - values[0])

    return run.violates("loudest against quietest direction, k = 1 < d", pairs(("generic",), min_width=2), check)


@VARIANCE.by("proof")
def _(run):
    return [
        certified.step("L4-reconstruction", "under whitening the best decoder (L4.iii) leaves TrΣ − Tr(UᵀΣU)"),
        certified.step("L4-isotropic-range", "for Σ = s·E, EU = U this is the same for every U"),
        certified.step("L4-full-rank", "and so it is for k = rank Σ, where UUᵀΣ = Σ"),
        cite("spectral theorem"),
        certified.step(
            "L4-exchange",
            "otherwise the range has k + 1 orthonormal eigenvectors, two of them p and q with variances s ≠ t: "
            "the k without q and the k without p differ by s − t",
        ),
    ]


@VARIANCE.by("numeric")
def _(run):
    def check(pair: Pair):
        X, k, (H, rank) = pair.X, pair.k, inverse_root(pair.moments.Sx)
        _, values, rows = np.linalg.svd(X, full_matrices=False)
        inside, values = rows[:rank].T, values[:rank] ** 2 / pair.n
        U = inside @ np.linalg.qr(pair.rng.normal(size=(rank, k)))[0]
        left_out = values.sum() - np.trace(U.T @ pair.moments.Sx @ U)
        eps = _eps(pair, values[0] / values[-1])
        yield abs(_rec(X, H @ U) - left_out), eps
        # x Σ^{-1/2} has the variance 1 on the range and 0 outside.
        yield abs(_rec(X @ H, U) - (rank - k)), eps
        if k == rank:
            yield abs(left_out), eps
        else:
            loud, quiet = (_rec(X, H @ inside[:, kept]) for kept in (slice(k), slice(rank - k, rank)))
            yield abs(quiet - loud - (values[:k].sum() - values[-k:].sum())), eps

    return run.holds(
        "the regression error is the variance left out: 0 where k = rank Σ, rank Σ − k where Σ is a projection, "
        "singular or not, and else different for the loudest and the quietest directions",
        WHITE,
        check,
    )


@VARIANCE.by("necessity")
def _(run):
    S = diag(4, 1)
    W = Matrix([1, 0])
    best = (W.T * S * W)[0] ** -1 * W.T * S
    U = diag(2, 1) * W
    left = _squared(X - X * W * best)
    return Necessity(
        {
            "WᵀΣW = 1": Counterexample(
                "X = (2h1, h2), W = e₁ (not whitened), U = Σ^{1/2}W = 2e₁: error 1, while TrΣ − Tr(UᵀΣU) = −11",
                {"D is the readout": best == Matrix([[1, 0]])},
                {"error = TrΣ − Tr(UᵀΣU)": left == S.trace() - (U.T * S * U)[0]},
                left - S.trace() + (U.T * S * U)[0],
            )
        }
    )


@VARIANCE.by("mutants")
def _(run):
    names = ("L4-reconstruction", "L4-isotropic-range", "L4-exchange")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])


@READOUT.by("proof")
def _(run):
    return [
        certified.step(
            "L4-readout", "the terms with D are a constant plus ‖Σ^{1/2}W(D − (WᵀΣW)⁻¹WᵀΣ)‖², for both domains"
        ),
        certified.step("L1-decoder", "and for one domain alone"),
    ]


@READOUT.by("numeric")
def _(run):
    def check(pair: Pair):
        S, W = pair.moments.Sx, pair.rng.normal(size=(pair.dx, pair.k))
        formula = np.linalg.solve(W.T @ S @ W, W.T @ S)
        least = np.linalg.lstsq(pair.X @ W, pair.X, rcond=None)[0]
        condition = np.linalg.cond(pair.X @ W) ** 2
        yield np.linalg.norm(formula - least), tolerance(np.linalg.norm(least) + 1, pair.n, gap=1 / condition)
        moved = formula + 0.1 * pair.rng.normal(size=formula.shape)
        best, other = (((pair.X - pair.X @ W @ D) ** 2).sum() / pair.n for D in (formula, moved))
        yield best - other, _eps(pair)

    return run.holds("equal to the regression of x on its codes; any other decoder is no better", INSIDE, check)


@READOUT.by("necessity")
def _(run):
    W, first, second = Matrix([0, 0]), Matrix([[0, 0]]), Matrix([[1, 0]])
    return Necessity(
        {
            "WᵀΣW ≻ 0": Counterexample(
                "X = (2h1, h2), W = 0: D = (0,0) and D = (1,0) have the same error",
                {"same error": _squared(X - X * W * first) == _squared(X - X * W * second)},
                {"unique minimiser": first == second},
                second[0],
            )
        }
    )


@READOUT.by("mutants")
def _(run):
    return Mutants(certified.mutants("L1-decoder", run.rng()))


@READOUT.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l4(run)


def _optimal() -> dict[str, bool]:
    """Exact: the encoder (2/5, 3/5) is whitened and a global optimum, because μ1 − K − γJ ⪰ 0 annihilates z."""
    (Wx, Wy), S = OPTIMAL, X.T * X / 4
    return {
        "whitened": (Wx.T * S * Wx)[0] == 1 == Wy[0],
        "(μ1 − K − γJ)z = 0": (SLACK * Z).is_zero_matrix is True,
        "μ1 − K − γJ ⪰ 0, so that F ≤ 2μ = F(z)": definiteness(SLACK).semidefinite and (Z.T * K * Z)[0] == 2 * MU,
    }


@PURE.by("counterexample")
def _(run):
    canonical, optimum = _exact(*CANONICAL, LAMBDA), _exact(*OPTIMAL, LAMBDA)
    return Counterexample(
        "X = (2h1, h2), Y = h2, k = 1, λ = 5/9: u = (4/5, 3/5), v = 1: L = 88/45; the CCA u = e₂, v = 1: L = 20/9",
        _optimal() | {"M = (0, 1)ᵀ: the CCA is u = ±e₂": (X.T * Y / 4) == Matrix([0, 1])},
        {"the CCA is optimal": bool(canonical <= optimum)},
        canonical - optimum,
    )


@PURE.by("family")
def _(run):
    def check(member: tuple[float, float]):
        a, excess = member
        weight = excess / (a**2 - 1)
        signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1]], float)
        data, other = np.stack([a * signs[0], signs[1]], axis=1), signs[1][:, None]
        moments = Moments.from_arrays(data, other)
        W = cca.solve(moments, 1).maps
        value = ((data @ W["Wx"] - other @ W["Wy"]) ** 2).sum() / 4
        value += weight * (_rec(data, W["Wx"]) + _rec(other, W["Wy"]))
        # F(s) = 2s + λ(a² − (a²−1)s²) is largest at s = 1/(λ(a²−1)) < 1; the CCA sits at s = 1.
        predicted = excess * (1 - 1 / excess) ** 2
        yield value - consistency_tradeoff.solve(moments, 1, weight).optimum, 0.99 * predicted

    return run.violates("X = (a·h1, h2), Y = h2, λ(a²−1) > 1: the CCA loses λ(a²−1)(1−s)²", TRADED, check)


@EIGEN.by("counterexample")
def _(run):
    image = K * Z
    ratios = [image[i] / Z[i] for i in range(3)]
    return Counterexample(
        "X = (2h1, h2), Y = h2, k = 1, λ = 5/9: z = (4/5, 3/5, 1), Kz = (16/9, 4/3, 52/45)",
        _optimal(),
        {"Kz = μz": len(set(ratios)) == 1},
        ratios[0] - ratios[2],
    )


@EIGEN.by("family")
def _(run):
    def check(member: tuple[float, float]):
        a, excess = member
        weight = excess / (a**2 - 1)
        s = 1 / excess
        z = np.array([np.sqrt(1 - s**2), s, 1.0])
        K = np.array([[weight * a**2, 0, 0], [0, weight, 1], [0, 1, weight]])
        signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1]], float)
        moments = Moments.from_arrays(np.stack([a * signs[0], signs[1]], axis=1), signs[1][:, None])
        best = consistency_tradeoff.solve(moments, 1, weight)
        missed = 2 + weight * (a**2 + 2) - z @ K @ z - best.optimum
        assert abs(missed) <= tolerance(2 + weight * (a**2 + 2), 3), "z must be the optimum"
        # (Kz)₁/z₁ = λa² and (Kz)₃/z₃ = s + λ differ by λ(a²−1) − s.
        yield (K @ z)[0] / z[0] - (K @ z)[2] / z[2], 0.99 * (excess - s)

    return run.violates("X = (a·h1, h2), Y = h2, λ(a²−1) > 1: two different ratios (Kz)_i/z_i", TRADED, check)


TRADED = st.tuples(st.floats(1.2, 3.0), st.floats(1.2, 4.0))
WHITE = pairs(whitenable=True)
