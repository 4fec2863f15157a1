"""Lemma 2: unconstrained concept consistency is invariant under rotations, and collapses."""

import numpy as np
from sympy import Matrix, eye, symbols, zeros

from proofs_check import certified
from proofs_check.evidence import Counterexample, Mutants, Necessity, Step
from proofs_check.ledger import Claim, Verdict
from proofs_check.strategies import Pair, pairs
from theory.linalg import tolerance

INVARIANCE = Claim(
    "L2.i",
    "Consistency is invariant exactly under orthogonal maps of the codes, and collapses to zero",
    "L_CC(W_xA, W_yA) = L_CC(W_x, W_y) for all encoders ⇔ AAᵀ = 1 (X ≠ 0); L_CC(cW_x, cW_y) = c²L_CC(W_x, W_y)",
    "A common rotation of the codes changes nothing, and nothing but a rotation does so for all encoders. Scaling both "
    "encoders down sends the loss to its minimum 0, which the zero encoders attain.",
    "Lemma 2, App. D.2.1, H.3.2",
    Verdict.VERIFIED,
    hypotheses=("AAᵀ = 1", "X ≠ 0"),
)
INFINITE = Claim(
    "L2.ii",
    "Infinitely many minimisers by invariance under invertible maps",
    "L_CC(W_xA, W_yA) = L_CC(W_x, W_y) for A ∈ GL(k); hence infinitely many minimisers",
    "The paper's conclusion of Lemma 2 takes the loss to be invariant under every invertible map of the codes.",
    "Lemma 2, conclusion of the proof, H.3.2",
    Verdict.REFUTED,
)
KERNEL = Claim(
    "L2.ii-corrected",
    "The minimisers are the kernel of [X, −Y]; only this zero set is invariant under invertible maps",
    "argmin L_CC = {(W_x, W_y) : XW_x = YW_y} = ker[X, −Y] ⊗ R^k; a single point ⇔ [X, −Y] has full column rank",
    "The minimum 0 is attained exactly where both codes agree on every row. These encoders form a linear space, closed "
    "under every A; it is {0} unless a column of one domain is a combination of the other columns.",
    "correction of Lemma 2",
    Verdict.VERIFIED,
    hypotheses=("[X, −Y] has full column rank",),
    corrects="L2.ii",
)

MEMBERS = pairs()


def _encoders(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    return pair.rng.normal(size=(pair.dx, pair.k)), pair.rng.normal(size=(pair.dy, pair.k))


def _loss(pair: Pair, Wx, Wy) -> float:
    return float(((pair.X @ Wx - pair.Y @ Wy) ** 2).sum() / pair.n)


@INVARIANCE.by("proof")
def _(run):
    b = symbols("b11 b12 b22")
    B = Matrix([[b[0], b[1]], [b[1], b[2]]])
    e = [Matrix([1, 0]), Matrix([0, 1]), Matrix([1, 1])]
    polar = [(u.T * B * u)[0] for u in e]
    entries = [polar[0], (polar[2] - polar[0] - polar[1]) / 2, polar[1]]
    return [
        certified.step("L2-orthogonal", "AAᵀ = 1 leaves the loss unchanged"),
        certified.step("L2-any-transform", "any A changes n·L by Tr(R(AAᵀ − 1)Rᵀ), R = XW_x − YW_y"),
        Step(
            "sympy",
            "W_x = aeᵀ, W_y = 0 with Xa ≠ 0 gives eᵀ(AAᵀ−1)e = 0 for all e; by polarisation every entry of AAᵀ−1 is 0",
            entries == list(b),
            "B_ij = ((e_i+e_j)ᵀB(e_i+e_j) − e_iᵀBe_i − e_jᵀBe_j)/2",
        ),
        certified.step("L2-scaling", "scaling by c multiplies the loss by c²: it collapses"),
    ]


@INVARIANCE.by("numeric")
def _(run):
    def check(pair: Pair):
        Wx, Wy = _encoders(pair)
        Q = np.linalg.qr(pair.rng.normal(size=(pair.k, pair.k)))[0]
        before = _loss(pair, Wx, Wy)
        scale = np.linalg.norm(pair.X @ Wx) ** 2 + np.linalg.norm(pair.Y @ Wy) ** 2
        yield abs(_loss(pair, Wx @ Q, Wy @ Q) - before), tolerance(scale, pair.n)
        yield _loss(pair, 1e-3 * Wx, 1e-3 * Wy), 1e-6 * before + tolerance(scale, pair.n)

    return run.holds(
        "a rotation changes nothing; a thousandth of the encoders, a millionth of the loss", MEMBERS, check
    )


@INVARIANCE.by("necessity")
def _(run):
    X, W = Matrix([1, -1]), Matrix([[1]])
    before, after = ((X * W).T * (X * W))[0], ((X * W * 2).T * (X * W * 2))[0]
    stretch = Matrix([[2]])
    zero = zeros(2, 1)
    return Necessity(
        {
            "AAᵀ = 1": Counterexample(
                "X = (1,−1)ᵀ, W_x = 1, W_y = 0, A = 2",
                {"X ≠ 0": X != zero},
                {"loss unchanged": after == before},
                after - before,
            ),
            "X ≠ 0": Counterexample(
                "X = Y = 0, A = 2: the loss is 0 for all encoders",
                {"invariant for all encoders": zero.T * zero == zeros(1, 1)},
                {"AAᵀ = 1": stretch * stretch.T == eye(1)},
                (stretch * stretch.T)[0] - 1,
            ),
        }
    )


@INVARIANCE.by("mutants")
def _(run):
    return Mutants([m for name in ("L2-orthogonal", "L2-scaling") for m in certified.mutants(name, run.rng())])


@INVARIANCE.by("trained")
def _(run):
    from proofs_check import trained

    return trained.l2(run)


@INFINITE.by("counterexample")
def _(run):
    X, Y = Matrix([1, -1, 0]), Matrix([1, 1, -2])
    w, v, A = Matrix([[1]]), Matrix([[0]]), Matrix([[2]])
    codes = X * w - Y * v, X * w * A - Y * v * A
    before, after = (z.dot(z) for z in codes)
    gram = Matrix.hstack(X, -Y).T * Matrix.hstack(X, -Y)
    return [
        Counterexample(
            "X = (1,−1,0)ᵀ, Y = (1,1,−2)ᵀ, W_x = 1, W_y = 0, A = 2",
            {"X and Y centred": sum(X.flat()) == 0 and sum(Y.flat()) == 0, "A invertible": A.det() != 0},
            {"3·L_CC unchanged": after == before},
            after - before,
        ),
        Counterexample(
            "X = (1,−1,0)ᵀ, Y = (1,1,−2)ᵀ, k = 1: 3·L_CC = 2w² + 6v²",
            {"X and Y centred": sum(X.flat()) == 0 and sum(Y.flat()) == 0},
            {"another minimiser than (0, 0)": gram.det() == 0},
            gram.det(),
        ),
    ]


@INFINITE.by("family")
def _(run):
    def check(pair: Pair):
        Wx, Wy = _encoders(pair)
        before = _loss(pair, Wx, Wy)
        yield _loss(pair, 2 * Wx, 2 * Wy) - before, 2.9 * before
        # 0 is the only minimiser: every encoder of norm 1 pays at least the smallest eigenvalue.
        smallest = np.linalg.svd(np.hstack([pair.X, -pair.Y]), compute_uv=False)[-1]
        yield smallest, tolerance(np.linalg.norm(pair.X) + np.linalg.norm(pair.Y), pair.n)

    return run.violates("A = 2 quadruples the loss, and 0 is the only minimiser", pairs(("generic",)), check)


@KERNEL.by("proof")
def _(run):
    return [
        certified.step(
            "L2-zero-set", "XW_x = YW_y has loss 0, the least value of a sum of squares, and so has every A"
        ),
        certified.step("L2-zero-set-invariant", "any A keeps XW_x = YW_y"),
        certified.step("L2-only-zero", "a left inverse of [X, −Y] makes W_x = 0 (and W_y likewise) of XW_x = YW_y"),
        certified.step(
            "L2-dependency", "conversely, Xa = Yb with (a, b) ≠ 0 makes (ae, be) a minimiser for every row e"
        ),
        certified.step("L2-dependency-nonzero", "which is not (0, 0) where eeᵀ = 1: (ae)eᵀ = a, and likewise for b"),
    ]


@KERNEL.by("numeric")
def _(run):
    def check(pair: Pair):
        joined = np.hstack([pair.X, -pair.Y])
        _, values, rows = np.linalg.svd(joined)
        kernel = rows[int((values > tolerance(values[0], pair.n)).sum()) :]
        scale = np.linalg.norm(joined) ** 2
        W = kernel.T @ pair.rng.normal(size=(len(kernel), pair.k))
        yield _loss(pair, W[: pair.dx], W[pair.dx :]), tolerance(scale, pair.n)
        # Off the kernel the loss is at least the smallest positive eigenvalue times the squared distance from it.
        off = rows[: len(rows) - len(kernel)].T @ pair.rng.normal(size=(len(rows) - len(kernel), pair.k))
        least = values[len(rows) - len(kernel) - 1] ** 2 / pair.n
        loss = _loss(pair, (W + off)[: pair.dx], (W + off)[pair.dx :])
        yield least * (off**2).sum() - loss, tolerance(scale * (off**2).sum(), pair.n)
        # There is a dependency exactly in the members that are built with one.
        yield float((len(kernel) > 0) != (pair.rank_x < pair.dx or pair.rank_y < pair.dy)), 0.5

    return run.holds("loss 0 on the kernel of [X, −Y], and at least σ²‖off‖²/n off it", MEMBERS, check)


@KERNEL.by("necessity")
def _(run):
    X, Y = Matrix([1, -1]), Matrix([2, -2])
    residual = X * 2 - Y
    return Necessity(
        {
            "[X, −Y] has full column rank": Counterexample(
                "X = (1,−1)ᵀ, Y = 2X, W_x = 2, W_y = 1",
                {"loss 0": residual == zeros(2, 1)},
                {"(0, 0) is the only minimiser": Matrix.hstack(X, -Y).rank() == 2},
                2 - Matrix.hstack(X, -Y).rank(),
            )
        }
    )


@KERNEL.by("mutants")
def _(run):
    names = ("L2-zero-set-invariant", "L2-only-zero", "L2-zero-set", "L2-dependency")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])
