"""Theorem B3: for more than one code the semidefinite relaxation can be loose."""

import numpy as np
from hypothesis import strategies as st
from sympy import Matrix, Rational, diag, eye, sqrt

from proofs_check import certified, loose
from proofs_check.evidence import Mutants, Step
from proofs_check.exact import definiteness, is_zero
from proofs_check.ledger import Claim, Verdict
from proofs_check.two_block import TwoBlock
from theory.linalg import tolerance

LOOSE = Claim(
    "B3",
    "The semidefinite relaxation is not always tight",
    "(dx, dy, k) = (3, 2, 2), λ = 1, Σx = diag(5,1,1), Σy = 1, M = [0; ½·1]: F* = 145/16 < 8 + √2 = max Tr KG over "
    "G ⪰ 0, G_xx ⪯ 1, G_yy ⪯ 1, Tr G_xx = Tr G_yy = k",
    "Replacing ZZᵀ by any G between 0 and 1 in its diagonal blocks is exact for one code (B1) but not for two: no dual "
    "certificate can prove this optimum, which has a closed form nevertheless.",
    "theorem B3 (corrected Lemma 4)",
    Verdict.VERIFIED,
)


@LOOSE.by("proof")
def _(run):
    return [_data(), *loose.optimum(), *_relaxation()]


def _data() -> Step:
    root = diag(sqrt(5), 1, 1)
    cross = root * loose.M
    joint = Matrix.vstack(Matrix.hstack(loose.SX, cross), Matrix.hstack(cross.T, loose.SY))
    accepted = root**2 == loose.SX and definiteness(joint).semidefinite
    return Step("sympy", "the blocks are covariances of data: [[Σx, Σxy], [Σyx, Σy]] ⪰ 0", accepted, f"{joint}")


def _relaxation() -> list[Step]:
    """Both sides of the value 8 + √2."""
    value, half = 8 + sqrt(2), Rational(1, 2)
    G = diag(1, half, half, 1, 1)
    G[1:3, 3:], G[3:, 1:3] = eye(2) / sqrt(2), eye(2) / sqrt(2)
    inside = [definiteness(A).semidefinite for A in (G, eye(3) - G[:3, :3], eye(2) - G[3:, 3:])]
    traces = G[:3, :3].trace() == 2 == G[3:, 3:].trace()
    α, β = 1 + sqrt(2) / 2, 1 + sqrt(2) / 4
    A = diag(5 - α, 0, 0)
    slack = diag(A + α * eye(3), β * eye(2)) - loose.K
    dual = definiteness(A).semidefinite and definiteness(slack).semidefinite
    return [
        certified.step(
            "B3-relaxation", "every feasible pair is a G = ZZᵀ with 1 − UUᵀ ⪰ 0, so that the maximum is ≥ F*"
        ),
        Step(
            "sympy",
            "G_xx = diag(1, ½, ½), G_yy = 1, G_xy = [0; 1/√2] is feasible, with Tr KG = 8 + √2",
            all(inside) and traces and is_zero((loose.K * G).trace() - value),
            f"{G}",
        ),
        certified.step("B3-weak-duality", "diag(A + α, B + β) ⪰ K with A, B ⪰ 0 bounds Tr KG by TrA + kα + TrB + kβ"),
        Step(
            "sympy",
            "α = 1 + √2/2, β = 1 + √2/4, A = diag(5 − α, 0, 0), B = 0 are feasible, with the bound 8 + √2",
            dual and is_zero(A.trace() + 2 * α + 2 * β - value),
            f"{slack}",
        ),
        Step("sympy", "145/16 < 8 + √2", bool(loose.VALUE < value), f"{value - loose.VALUE} > 0"),
    ]


@LOOSE.by("numeric")
def _(run):
    def check(member):
        seed, k, weight, m, tilt = member
        # The example for k codes, dx = k + 1, dy = k, M = [0; m·1], λ(s − 1) = m/tilt: the optimum has |det| = tilt.
        s = 1 + m / (tilt * weight)
        problem = TwoBlock(np.diag([s, *[1.0] * k]), m * np.eye(k + 1, k, -1), np.eye(k), weight)
        optimum = weight * (s + 2 * k - 1) + 2 * m * (k - 1) + m * tilt
        relaxed = weight * (s + 2 * k - 1) + 2 * m * np.sqrt(k * (k - 1))
        eps, rng = problem.rounding(k), np.random.default_rng(seed)
        values = {det: _best(problem, k, det, rng) for det in (tilt, *np.linspace(0, 1, 20))}
        yield abs(values[tilt] - optimum), eps
        yield max(values.values()) - optimum, eps
        # √(k(k−1)) ≥ (√2 − 1) + (k − 1) and tilt ≤ ½ keep the relaxation above the optimum.
        yield optimum + (2 * np.sqrt(2) - 2.5) * m - relaxed, eps
        G = _relaxed(k)
        blocks = G, np.eye(k + 1) - G[: k + 1, : k + 1], np.eye(k) - G[k + 1 :, k + 1 :]
        yield -min(np.linalg.eigvalsh(A)[0] for A in blocks), tolerance(1.0, 2 * k + 1)
        yield abs(np.trace(G[: k + 1, : k + 1]) - k) + abs(np.trace(problem.K @ G) - relaxed), eps
        α, β = weight + m * np.sqrt(k / (k - 1)), weight + m * np.sqrt((k - 1) / k)
        dual = np.diag([weight * s, *[α] * k, *[β] * k]) - problem.K
        yield -np.linalg.eigvalsh(dual)[0], eps
        yield abs(weight * s + (k - 1) * α + k * β - relaxed), eps

    members = st.tuples(
        st.integers(0, 2**32 - 1), st.integers(2, 4), st.floats(0.2, 3), st.floats(0.1, 1), st.floats(0.05, 0.5)
    )
    statement = "the example for k = 2, 3, 4 and any strength: F over all determinants, both sides of the relaxation"
    return run.holds(statement, members, check)


def _best(problem: TwoBlock, k: int, det: float, rng: np.random.Generator) -> float:
    """Largest F over V, for a random U whose last k rows have determinant ±det."""
    # U spans the complement of a unit vector n with n₁ = det.
    n = rng.normal(size=k + 1)
    n[0], n[1:] = det, np.sqrt(1 - det**2) * n[1:] / np.linalg.norm(n[1:])
    U = np.linalg.svd(n[None])[2][1:].T @ np.linalg.qr(rng.normal(size=(k, k)))[0]
    alone = problem.F(U, np.zeros((k, k))) + problem.weight * k
    return alone + 2 * float(np.linalg.svd(problem.M.T @ U, compute_uv=False).sum())


def _relaxed(k: int) -> np.ndarray:
    """G_xx = diag(1, q, …, q), G_yy = 1, G_xy = [0; √q·1], q = (k − 1)/k."""
    q = (k - 1) / k
    G = np.diag([1.0, *[q] * k, *[1.0] * k])
    cross = np.sqrt(q) * np.eye(k + 1, k, -1)
    G[: k + 1, k + 1 :], G[k + 1 :, : k + 1] = cross, cross.T
    return G


@LOOSE.by("mutants")
def _(run):
    return Mutants([m for name in ("B3-weak-duality", "B3-relaxation") for m in certified.mutants(name, run.rng())])
