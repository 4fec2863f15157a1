"""Section 3.1: what the paper says that the linear objectives collapse to, (A) to (D)."""

import numpy as np
import z3
from hypothesis import strategies as st
from sympy import Matrix, Rational, diag, eye, zeros

from proofs_check import certified
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import prove, proves
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.discrepancy import sliced_ecf, t_grid
from theory.linalg import inverse_root, root, subspace_distance, tolerance
from theory.moments import Moments
from theory.solvers import cca, cycle, pca, reduced_rank, transport

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
    "Σx = s·1, Σy = t·1 (or every error measured in whitened coordinates): the CCA solves Lemmas 3, 5 and 6",
    "Consistency weighs the canonical directions by their correlation alone, translation also by the variance that "
    "they explain. Only isotropic covariances, given or made by whitening, remove the difference.",
    "correction of Section 3.1 (B)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σx = s·1", "Σy = t·1"),
    axioms=("von Neumann", "Ky Fan"),
    corrects="S31B",
    requires=("L3.ii", "L5.iii-corrected", "L6.ii-corrected"),
)
COVARIANCE = Claim(
    "S31C",
    "Distributional alignment only matches covariances",
    "AᵀΣxA = Σy ⇒ the laws of xA and y agree",
    "In the linear case the paper takes the distributional losses to see second moments only.",
    "Section 3.1 (C), App. D.2.3",
    Verdict.REFUTED,
)
GAUSSIAN = Claim(
    "S31C-corrected",
    "It does for Gaussians: the matched maps are Σx^{-1/2}QΣy^{1/2}",
    "centred Gaussian laws, Σx, Σy ≻ 0: law(xA) = law(y) ⇔ AᵀΣxA = Σy ⇔ A = Σx^{-1/2}QΣy^{1/2}, QᵀQ = 1",
    "A centred Gaussian law is its covariance, so that a whole orthogonal family of maps matches it. Other laws can "
    "exclude all of the family but one map.",
    "correction of Section 3.1 (C)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Gaussian laws", "Σx ≻ 0"),
    axioms=("characteristic functions",),
    corrects="S31C",
)
VANISHES = Claim(
    "S31D",
    "The apparent coupling of cycle consistency vanishes",
    "k ≤ min(dx, dy): min L_CYC = min L_REC, with the same subspaces; A = V_xΓV_yᵀ, Γ ∈ GL(k) free",
    "The cycle loss has the value and the subspaces of two separate PCAs. What would couple the domains, Γ, is free.",
    "Section 3.1 (D), App. D.2.4",
    Verdict.MODULO_AXIOMS,
    hypotheses=("k ≤ min(dx, dy)",),
    requires=("L7.i-corrected", "L7.ii"),
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
        self.f, self.g = z3.Function("f", A, z3.RealSort()), z3.Function("g", B, z3.RealSort())
        self.h = z3.Function("h", A, B, z3.RealSort())
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
        X, Y = 2 * pair.X @ Rx, 3 * pair.Y @ Ry
        moments = Moments.from_arrays(X, Y)
        W = cca.solve(moments, pair.k).maps
        best = np.linalg.lstsq(X @ W["Wx"], Y, rcond=None)[0]
        loss = ((Y - X @ W["Wx"] @ best) ** 2).sum() / pair.n
        # The best rank-k fit, by projecting least squares on its own singular vectors.
        fit = X @ np.linalg.lstsq(X, Y, rcond=None)[0]
        rows = np.linalg.svd(fit, full_matrices=False)[2][: pair.k]
        yield abs(loss - ((Y - fit @ rows.T @ rows) ** 2).sum() / pair.n), 9 * pair.dy * _eps(pair)

    return run.holds("Σx = 4·1, Σy = 9·1: the CCA encoder reaches the optimum of translation", INSIDE, check)


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
    return Mutants([m for name in ("L5-isotropic", "L4-isotropic") for m in certified.mutants(name, run.rng())])


@COINCIDE.by("trained")
def _(run):
    from proofs_check import trained

    return trained.s31b(run)


@COVARIANCE.by("counterexample")
def _(run):
    law = {-1: Rational(2, 3), 2: Rational(1, 3)}
    image = {-x: p for x, p in law.items()}
    mean, second = sum(x * p for x, p in law.items()), sum(x**2 * p for x, p in law.items())
    apart = sum(abs(law.get(x, Rational(0)) - image.get(x, Rational(0))) for x in {*law, *image}) / 2
    return Counterexample(
        "x = y ∈ {−1 (2/3), 2 (1/3)}, A = −1: the variance 2 is matched, the law is not",
        {"centred": mean == 0, "AᵀΣxA = Σy": second == sum(x**2 * p for x, p in image.items())},
        {"law(xA) = law(y)": law == image},
        apart,
    )


@COVARIANCE.by("family")
def _(run):
    def check(member: tuple[int, int]):
        few, many = member
        # many points at −few, few points at many: centred, skewed, same variance after a reflection.
        x = np.array([-few] * many + [many] * few, float)[:, None] / np.sqrt(few * many)
        matched = abs(x.var() - (-x).var())
        assert matched <= tolerance(1.0, len(x)), "no member of the family"
        # The third moment 2(many − few)/√(few·many) sets the size of Im φ(t) ≈ t³E x³/6 at small t.
        grid = t_grid(1.0, 17)
        skew = (many - few) / np.sqrt(few * many)
        yield float(sliced_ecf(x, -x, np.ones((1, 1)), grid)), 1e-4 * skew**2

    members = st.integers(1, 4).flatmap(lambda few: st.tuples(st.just(few), st.integers(few + 1, 4 * few)))
    return run.violates("skewed two-point laws: x → −x keeps the variance and moves the law", members, check)


@GAUSSIAN.by("proof")
def _(run):
    return [
        cite("characteristic functions"),
        certified.step("C1-matched", "A = Σx^{-1/2}QΣy^{1/2} has AᵀΣxA = Σy, so that e^{−tᵀAᵀΣxAt/2} = e^{−tᵀΣyt/2}"),
        certified.step("C1-only-these", "conversely Q = Σx^{1/2}AΣy^{-1/2} has QᵀQ = 1"),
    ]


@GAUSSIAN.by("numeric")
def _(run):
    def check(pair: Pair):
        m = pair.moments
        wide, narrow = (m, pair.dy) if pair.dx >= pair.dy else (m.swapped(), pair.dx)
        Q = np.linalg.qr(pair.rng.normal(size=(len(wide.Sx), narrow)))[0]
        A = transport.matched_map(wide, Q)
        t = pair.rng.normal(size=(narrow, 8)) / np.sqrt(np.trace(wide.Sy))
        # Characteristic functions of the two centred Gaussians at random frequencies.
        phi = [np.exp(-np.einsum("it,ij,jt->t", u, S, u) / 2) for u, S in ((A @ t, wide.Sx), (t, wide.Sy))]
        eps = tolerance(1.0, pair.dx + pair.dy, gap=1 / np.linalg.cond(wide.Sx))
        yield float(abs(phi[0] - phi[1]).max()), eps
        # Any matched map is of this form: the polar factor of a Cholesky construction is orthogonal.
        other = np.linalg.solve(np.linalg.cholesky(wide.Sx).T, Q) @ np.linalg.cholesky(wide.Sy).T
        back = root(wide.Sx) @ other @ inverse_root(wide.Sy)[0]
        spread = np.linalg.cond(wide.Sx) * np.linalg.cond(wide.Sy)
        yield np.linalg.norm(back.T @ back - np.eye(narrow)), tolerance(narrow, pair.dx + pair.dy, gap=1 / spread)

    return run.holds(
        "equal characteristic functions; a map matched by Cholesky factors is of the stated form", INSIDE, check
    )


@GAUSSIAN.by("necessity")
def _(run):
    law = {-1: Rational(2, 3), 2: Rational(1, 3)}
    image = {-x: p for x, p in law.items()}
    S, A = diag(1, 0), Matrix([1, 7])
    return Necessity(
        {
            "Gaussian laws": Counterexample(
                "x = y ∈ {−1 (2/3), 2 (1/3)}, A = −1 = Σx^{-1/2}(−1)Σy^{1/2}",
                {"Σx ≻ 0": sum(x**2 * p for x, p in law.items()) == 2},
                {"law(xA) = law(y)": law == image},
                1,
            ),
            "Σx ≻ 0": Counterexample(
                "x = (g, 0), y = g Gaussian, Σx = diag(1,0), Σy = 1, A = (1,7)ᵀ",
                {"AᵀΣxA = Σy": (A.T * S * A)[0] == 1},
                {"A = Σx^{-1/2}QΣy^{1/2}": (eye(2) - S) * A == zeros(2, 1)},
                A[1],
            ),
        }
    )


@GAUSSIAN.by("mutants")
def _(run):
    return Mutants([m for name in ("C1-matched", "C1-only-these") for m in certified.mutants(name, run.rng())])


@VANISHES.by("proof")
def _(run):
    return [
        certified.step("L7-cycle-x", "the x-cycle of any Γ is the projection V_xV_xᵀ of the PCA"),
        certified.step("L7-cycle-y", "and the y-cycle is V_yV_yᵀ"),
        certified.step("L7-value", "each with the PCA's error"),
    ]


@VANISHES.by("numeric")
def _(run):
    def check(pair: Pair):
        solved = cycle.solve(pair.moments, pair.k)
        separate = sum(pca.solve(S, pair.k).optimum for S in (pair.moments.Sx, pair.moments.Sy))
        yield abs(solved.optimum - _tails(pair)), _eps(pair)
        yield abs(separate - _tails(pair)), _eps(pair)
        A, B = (solved.maps[e] @ solved.maps[d] for e, d in (("Wx", "Dy"), ("Wy", "Dx")))
        principal = np.linalg.svd(pair.X, full_matrices=False)[2][: pair.k].T
        values = np.linalg.svd(pair.X, compute_uv=False) ** 2
        gap = (values[pair.k - 1] - (values[pair.k] if pair.k < pair.dx else 0)) / values[0]
        if gap > 1e-3 and solved.unique:
            yield np.linalg.norm(A @ B - principal @ principal.T), tolerance(pair.k, pair.n, gap=gap**2)

    return run.holds("the value of two PCAs, and the same projections", INSIDE, check)


@VANISHES.by("necessity")
def _(run):
    # dx = 1, dy = 2, k = 2: PCA reconstructs exactly; ‖1 − BA‖² ≥ dy − rank BA ≥ 1 for the y-cycle, as Σy = 1.
    Y = Matrix([[1, 1], [-1, -1], [1, -1], [-1, 1]])
    return Necessity(
        {
            "k ≤ min(dx, dy)": Counterexample(
                "X = h1, Y = (h2, h3), k = 2: both PCAs are exact, the y-cycle passes through one dimension",
                {"Σy = 1": Y.T * Y / 4 == eye(2), "rank BA ≤ dx = 1": H1.cols == 1},
                {"min L_CYC = min L_REC = 0": Y.cols - H1.cols <= 0},
                Y.cols - H1.cols,
            )
        }
    )


@VANISHES.by("mutants")
def _(run):
    return Mutants([m for name in ("L7-cycle-y", "L7-value") for m in certified.mutants(name, run.rng())])


LOUD = st.tuples(st.floats(1.1, 3.0), st.floats(0.1, 3.0))
