"""Lemma 6: translation with reconstruction mixes two regressions and two PCAs; the encoders are not the CCA's."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from sympy import Matrix, Poly, Rational, diag, eye, symbols
from z3 import Reals

from proofs_check import certified, logic, scalar
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.linalg import inverse_root, tolerance
from theory.moments import Moments
from theory.solvers import cca, translation_tradeoff

DECODER = Claim(
    "L6.i",
    "The decoders interpolate between translation and reconstruction",
    "D_y = (W_xᵀΣxW_x + λW_yᵀΣyW_y)⁻¹(W_xᵀΣxy + λW_yᵀΣy); whitened: (1+λ)D_y = W_xᵀΣxy + λW_yᵀΣy",
    "Each decoder is one regression on the codes of both domains, its own weighted by λ. For L = L_TR + λL_REC.",
    "Lemma 6, App. D.2.2, H.3.3",
    Verdict.VERIFIED,
    hypotheses=("W_xᵀΣxW_x + λW_yᵀΣyW_y ≻ 0",),
)
CANONICAL = Claim(
    "L6.ii",
    "One term is constant under whitening, so that the encoders are the CCA's",
    "argmin of L_TR + λL_REC under whitening = top-k canonical directions",
    "As in Lemma 4, the paper takes the terms that do not couple the domains to be constant after whitening.",
    "Lemma 6, proof, H.3.3",
    Verdict.REFUTED,
)
MIXTURE = Claim(
    "L6.ii-corrected",
    "The encoders maximise a mixture of two regressions and two PCAs",
    "L = (1+λ)(TrΣx + TrΣy) − Tr(ZᵀK₆Z)/(1+λ), K₆ = [[MΣyMᵀ + λ²Σx, λ(MΣy + ΣxM)], [·ᵀ, MᵀΣxM + λ²Σy]]",
    "For λ → 0 the encoders tend to those of the two reduced-rank regressions, for λ → ∞ to those of the two PCAs. "
    "They are the CCA's if both covariances are isotropic.",
    "correction of Lemma 6",
    Verdict.MODULO_AXIOMS,
    hypotheses=("W_xᵀΣxW_x = 1", "W_yᵀΣyW_y = 1", "Σx, Σy isotropic (for the CCA)"),
    axioms=("von Neumann", "Ky Fan"),
    corrects="L6.ii",
    requires=("L6.i",),
)

INSIDE = pairs(FULL_RANK, whitenable=True)


def _squares(*residuals) -> float:
    return float(sum((r**2).sum() for r in residuals) / len(residuals[0]))


def _loss(X, Y, Wx, Wy, Dx, Dy, weight: float) -> float:
    translation = _squares(Y - X @ Wx @ Dy, X - Y @ Wy @ Dx)
    return translation + weight * _squares(X - X @ Wx @ Dx, Y - Y @ Wy @ Dy)


def _readouts(X, Y, Wx, Wy, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Best decoders by one stacked regression on the codes of both domains."""
    codes = X @ Wx, Y @ Wy
    root = np.sqrt(weight)
    into_x = np.linalg.lstsq(np.vstack([codes[1], root * codes[0]]), np.vstack([X, root * X]), rcond=None)[0]
    into_y = np.linalg.lstsq(np.vstack([codes[0], root * codes[1]]), np.vstack([Y, root * Y]), rcond=None)[0]
    return into_x, into_y


def _whitened(pair: Pair) -> tuple[np.ndarray, ...]:
    """Random whitened encoders with their coordinates."""
    found = []
    for S in (pair.moments.Sx, pair.moments.Sy):
        U = np.linalg.qr(pair.rng.normal(size=(len(S), pair.k)))[0]
        found += [inverse_root(S)[0] @ U, U]
    return tuple(found)


def _eps(pair: Pair, weight: float) -> float:
    m = pair.moments
    scale = (1 + weight) * float(np.trace(m.Sx) + np.trace(m.Sy))
    condition = max(np.linalg.cond(m.Sx), np.linalg.cond(m.Sy))
    return tolerance(scale, pair.n + pair.dx + pair.dy, gap=1 / condition)


def _weight(pair: Pair) -> float:
    return float(pair.rng.uniform(0.1, 3))


@DECODER.by("proof")
def _(run):
    return [
        certified.step("L6-decoder", "completing the square: the normal equations give the best decoder"),
        certified.step("L6-whitened-decoder", "under whitening the Gram matrix is (1+λ)·1"),
    ]


@DECODER.by("numeric")
def _(run):
    def check(pair: Pair):
        weight = _weight(pair)
        Wx, Wy = pair.rng.normal(size=(pair.dx, pair.k)), pair.rng.normal(size=(pair.dy, pair.k))
        m = pair.moments
        gram = Wx.T @ m.Sx @ Wx + weight * Wy.T @ m.Sy @ Wy
        formula = np.linalg.solve(gram, Wx.T @ m.Sxy + weight * Wy.T @ m.Sy)
        _, stacked = _readouts(pair.X, pair.Y, Wx, Wy, weight)
        yield (
            np.linalg.norm(formula - stacked),
            tolerance(np.linalg.norm(stacked) + 1, pair.n, gap=1 / np.linalg.cond(gram)),
        )
        white_x, _, white_y, _ = _whitened(pair)
        _, best = _readouts(pair.X, pair.Y, white_x, white_y, weight)
        interpolated = (white_x.T @ m.Sxy + weight * white_y.T @ m.Sy) / (1 + weight)
        condition = max(np.linalg.cond(m.Sx), np.linalg.cond(m.Sy))
        yield np.linalg.norm(interpolated - best), tolerance(np.linalg.norm(best) + 1, pair.n, gap=1 / condition)

    return run.holds("equal to one stacked least-squares regression on both domains' codes", INSIDE, check)


@DECODER.by("necessity")
def _(run):
    X, Y, W, (first, second) = Matrix([1, -1]), Matrix([1, -1]), 0, (0, 1)

    def error(D):
        return ((Y - X * W * D).dot(Y - X * W * D) + (Y - Y * W * D).dot(Y - Y * W * D)) / Rational(2)

    return Necessity(
        {
            "W_xᵀΣxW_x + λW_yᵀΣyW_y ≻ 0": Counterexample(
                "X = Y = (1,−1)ᵀ, W_x = W_y = 0, λ = 1: D_y = 0 and D_y = 1 have the same error",
                {"same error": error(first) == error(second)},
                {"unique minimiser": first == second},
                second - first,
            )
        }
    )


@DECODER.by("mutants")
def _(run):
    return Mutants(certified.mutants("L6-whitened-decoder", run.rng()))


@CANONICAL.by("counterexample")
def _(run):
    lam = symbols("lambda", nonnegative=True)
    h1, h2, h3 = Matrix([1, 1, -1, -1]), Matrix([1, -1, 1, -1]), Matrix([1, -1, -1, 1])
    X, Y = Matrix.hstack(h1, h2), Matrix.hstack(2 * h1 + Rational(3, 2) * h3, h2)
    Sx, Sy, root = X.T * X / 4, Y.T * Y / 4, diag(Rational(5, 2), 1)
    M = X.T * Y / 4 * root.inv()
    inside = (
        (M * Sy * M.T + lam**2 * Sx, lam * (M * Sy + Sx * M)),
        (lam * (Sy * M.T + M.T * Sx), M.T * Sx * M + lam**2 * Sy),
    )

    def loss(u, v):
        form = u.T * inside[0][0] * u + u.T * inside[0][1] * v + v.T * inside[1][0] * u + v.T * inside[1][1] * v
        return (1 + lam) * (Sx.trace() + Sy.trace()) - form[0] / (1 + lam)

    e1, e2 = Matrix([1, 0]), Matrix([0, 1])
    gap = (loss(e2, e2) - loss(e1, e1)).together().factor()
    stated = (525 * lam**2 + 760 * lam + 264) / (100 * (1 + lam))
    return Counterexample(
        "X = (h1, h2), Y = (2h1 + (3/2)h3, h2), k = 1: L(CCA) − L(e₁, e₁) = (525λ² + 760λ + 264)/(100(1+λ)); λ = 1",
        {
            "Σx = 1, Σy = (Σy^{1/2})²": Sx == eye(2) and Sy == root**2,
            "e₂ is the unique top canonical direction": M == diag(Rational(4, 5), 1),
            "the difference is the stated one for every λ": scalar.vanishes(gap - stated),
            "its numerator has positive coefficients": all(c > 0 for c in Poly(gap.as_numer_denom()[0], lam).coeffs()),
        },
        {"the CCA is optimal": bool(gap.subs(lam, 1) <= 0)},
        Rational(gap.subs(lam, 1)),
    )


@CANONICAL.by("family")
def _(run):
    def check(member: tuple[float, float, float]):
        a, b, weight = member
        signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], float)
        X, Y = signs[:2].T, np.stack([a * signs[0] + b * signs[2], signs[1]], axis=1)
        moments = Moments.from_arrays(X, Y)
        W = cca.solve(moments, 1).maps
        canonical = _loss(X, Y, W["Wx"], W["Wy"], *_readouts(X, Y, W["Wx"], W["Wy"], weight), weight)
        # Along e₁ the form Tr(ZᵀK₆Z) is ρ²c² + λ²(1+c²) + 2λρ(1+c²) + ρ² with c² = a²+b², ρ = a/c; along e₂ c = ρ = 1.
        c2 = a**2 + b**2
        rho = a / np.sqrt(c2)
        first = rho**2 * (1 + c2) + (weight**2 + 2 * weight * rho) * (1 + c2)
        second = 2 + 2 * (weight**2 + 2 * weight)
        yield canonical - translation_tradeoff.solve(moments, 1, weight).optimum, 0.99 * (first - second) / (1 + weight)

    return run.violates("Y = (a·h1 + b·h3, h2), a ≥ 3/2: CCA against (e₁, e₁), in closed form", LOUD, check)


@MIXTURE.by("proof")
def _(run):
    return [
        cite("von Neumann"),
        cite("Ky Fan"),
        certified.step("L6-objective", "under whitening and with the best decoders L has the stated form"),
        certified.step(
            "L6-isotropic",
            "for Σx = s·1, Σy = t·1 it is t‖MᵀU‖² + s‖MV‖² + 2λ(s+t)Tr(UᵀMV) + const, "
            "three terms that the top-k singular vectors of M maximise together",
        ),
        certified.step("L6-start", "Tr(ZᵀK₆Z) = f + λg with f = Tr(UᵀNNᵀU) + Tr(VᵀMᵀΣxMV), the two regressions'"),
        certified.step("L6-end", "λ⁻²Tr(ZᵀK₆Z) = f′ + λ⁻¹g′ with f′ = Tr(UᵀΣxU) + Tr(VᵀΣyV), the two PCAs'"),
        _close(),
    ]


def _close():
    """g and g′ are bounded on the encoders, uniformly for λ ≤ 1 and λ ≥ 1."""
    reals: Any = Reals("t f g f_best g_best c")
    t, f, g, f_best, g_best, c = reals
    return logic.prove(
        "where |tg| ≤ tc, a maximiser of f + tg misses max f by 2tc at most: for t → 0 it tends to Ky Fan's",
        [f + t * g >= f_best + t * g_best, t * g <= t * c, t * g_best >= -t * c],
        f_best - f <= 2 * t * c,
    )


@MIXTURE.by("numeric")
def _(run):
    def check(pair: Pair):
        m, weight = pair.moments, _weight(pair)
        Wx, U, Wy, V = _whitened(pair)
        M = inverse_root(m.Sx)[0] @ m.Sxy @ inverse_root(m.Sy)[0]
        form = np.trace(U.T @ (M @ m.Sy @ M.T + weight**2 * m.Sx) @ U) + np.trace(
            V.T @ (M.T @ m.Sx @ M + weight**2 * m.Sy) @ V
        )
        form += 2 * weight * np.trace(U.T @ (M @ m.Sy + m.Sx @ M) @ V)
        stated = (1 + weight) * (np.trace(m.Sx) + np.trace(m.Sy)) - form / (1 + weight)
        measured = _loss(pair.X, pair.Y, Wx, Wy, *_readouts(pair.X, pair.Y, Wx, Wy, weight), weight)
        yield abs(stated - measured), _eps(pair, weight)
        solved = translation_tradeoff.solve(m, pair.k, weight)
        yield solved.optimum - measured, _eps(pair, weight)
        if pair.regime == "tied":
            W = cca.solve(m, pair.k).maps
            canonical = _loss(
                pair.X, pair.Y, W["Wx"], W["Wy"], *_readouts(pair.X, pair.Y, W["Wx"], W["Wy"], weight), weight
            )
            yield abs(canonical - solved.optimum), _eps(pair, weight)

    def ends(pair: Pair):
        """At both ends the distance to the eigenspaces of the data's own regressions and PCAs, by Σsin²."""
        m, k = pair.moments, pair.k
        roots = [left * np.sqrt(values) @ left.T for left, values, _ in map(np.linalg.svd, (m.Sx, m.Sy))]
        N = np.linalg.solve(roots[0], m.Sxy), np.linalg.solve(roots[1], m.Sxy.T)
        M = np.linalg.solve(roots[1], N[0].T).T
        mixed = 2 * k * np.linalg.norm(M @ m.Sy + m.Sx @ M, 2)
        blocks = [A @ A.T for A in N], [m.Sx, m.Sy]
        condition = max(np.linalg.cond(m.Sx), np.linalg.cond(m.Sy))
        for weight, t, forms, others in ((1e-6, 1e-6, *blocks), (1e6, 1e-6, *blocks[::-1])):
            maps = translation_tradeoff.solve(m, k, weight).maps
            missed = 0.0
            for root, form, W in zip(roots, forms, (maps["Wx"], maps["Wy"]), strict=True):
                U = np.linalg.qr(root @ W)[0]
                values, vectors = np.linalg.eigh(form)
                gap = values[-k] - values[-k - 1] if k < len(values) else 0.0
                missed += gap * ((vectors[:, -k:] - U @ (U.T @ vectors[:, -k:])) ** 2).sum()
            bound = mixed + t * k * sum(np.linalg.norm(A, 2) for A in others)
            scale = sum(float(np.trace(A)) for A in forms)
            yield missed, 2 * t * bound + tolerance(scale, pair.n + pair.dx + pair.dy, gap=1 / condition)

    return [
        run.holds("the loss on data with regression decoders; CCA optimal where both covariances are 1", INSIDE, check),
        run.holds("at λ = 1e-6 and 1e6: gap·Σsin² to the eigenspaces of regression and PCA at most 2tc", INSIDE, ends),
    ]


@MIXTURE.by("necessity")
def _(run):
    X = Matrix([1, -1])
    lam, W = 1, Rational(1, 2)

    def loss(wx, wy):
        # One dimension, X = Y: the best decoder is the stacked regression.
        gram = wx**2 + lam * wy**2
        D = (wx + lam * wy) / gram
        residual = [X - X * wx * D, X - X * wy * D]
        return (1 + lam) * sum(r.dot(r) / Rational(2) for r in residual)

    def stated(u, v):
        return (1 + lam) * 2 - ((1 + lam**2) * u**2 + 4 * lam * u * v + (1 + lam**2) * v**2) / Rational(1 + lam)

    def unwhitened(wx, wy, hypothesis, w):
        return Counterexample(
            f"X = Y = (1,−1)ᵀ, λ = 1, W_x = {wx}, W_y = {wy}",
            {hypothesis: bool((X * w).dot(X * w) == 2)},
            {"L = the stated form": bool(loss(wx, wy) == stated(wx, wy))},
            abs(loss(wx, wy) - stated(wx, wy)),
        )

    gap = Rational(525 + 760 + 264, 200)
    Sy, M = diag(Rational(25, 4), 1), diag(Rational(4, 5), 1)
    forms = [(M * Sy * M + eye(2))[i, i] + 2 * (M * Sy + M)[i, i] + (M * M + Sy)[i, i] for i in range(2)]
    return Necessity(
        {
            "W_xᵀΣxW_x = 1": unwhitened(W, Rational(1), "W_yᵀΣyW_y = 1", 1),
            "W_yᵀΣyW_y = 1": unwhitened(Rational(1), W, "W_xᵀΣxW_x = 1", 1),
            "Σx, Σy isotropic (for the CCA)": Counterexample(
                "Σx = 1, Σy = diag(25/4, 1), M = diag(4/5, 1), k = λ = 1: the form is larger at e₁ than at the CCA e₂",
                {"e₂ is the top canonical direction": bool(M[1, 1] > M[0, 0])},
                {"the CCA is optimal": bool(forms[1] >= forms[0])},
                (forms[0] - forms[1]) / 2 if (forms[0] - forms[1]) / 2 == gap else Rational(0),
            ),
        }
    )


@MIXTURE.by("mutants")
def _(run):
    return Mutants([m for name in ("L6-isotropic", "L6-end") for m in certified.mutants(name, run.rng())])


@MIXTURE.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l6(run)


LOUD = st.tuples(st.floats(1.5, 3.0), st.floats(0.1, 2.0), st.floats(0.0, 3.0))
