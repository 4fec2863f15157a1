"""Two-block MAXBET: exact for k = 1, certified or bounded for k > 1; against search and exact examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh as generalised
from scipy.linalg import polar

from theory.linalg import tolerance
from theory.solvers import maxbet, semidefinite
from theory.solvers.joint import dual, rank_one_start, relaxed_value
from theory.solvers.stiefel import ascend, feasible, polar_iteration

from . import oracle
from .members import orthonormal

KINDS = ("psd", "indefinite", "weak", "isotropic", "low rank", "tied")


@st.composite
def blocks(draw, largest=5, rank_one=False):
    """Symmetric K with a planted structure, its split and k."""
    p, q = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    k = 1 if rank_one else draw(st.integers(1, min(p, q)))
    kind = draw(st.sampled_from(KINDS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    A = rng.standard_normal((p + q, p + q))
    K = A @ A.T if kind != "indefinite" else A + A.T
    if kind == "weak":
        K[:p, p:] *= 1e-3
        K[p:, :p] *= 1e-3
    if kind == "isotropic":
        K[:p, :p], K[p:, p:] = 3 * np.eye(p), 2 * np.eye(q)
    if kind == "low rank":
        K = np.outer(A[0], A[0])
    if kind == "tied":
        K = np.diag(np.repeat([2.0, 1.0], [p, q]))
        r = min(p, q)
        K[:r, p : p + r] = K[p : p + r, :r] = 0.5 * np.eye(r)
        Q = np.block([[orthonormal(rng, p, p), np.zeros((p, q))], [np.zeros((q, p)), orthonormal(rng, q, q)]])
        K = Q @ K @ Q.T
    return K * draw(st.sampled_from([1e-3, 1.0, 1e4])), p, k, rng


def value(K, U, V):
    Z = np.vstack([U, V])
    return float(np.trace(Z.T @ K @ Z))


def norm(K):
    return float(np.linalg.norm(K, 2))


def random_pair(rng, K, split, k):
    return orthonormal(rng, split, k), orthonormal(rng, len(K) - split, k)


@settings(deadline=None, max_examples=150)
@given(blocks())
def test_feasible_stationary_and_as_good_as_it_says(problem):
    K, split, k, _ = problem
    s = maxbet.solve(K, split, k)
    U, V = s.maps["U"], s.maps["V"]
    allowed = tolerance(norm(K), len(K))
    np.testing.assert_allclose(U.T @ U, np.eye(k), atol=tolerance(1, len(K)))
    np.testing.assert_allclose(V.T @ V, np.eye(k), atol=tolerance(1, len(K)))
    assert abs(value(K, U, V) - s.optimum) <= k * allowed
    # Stationary: K Z lies in the span of Z, block by block, with symmetric multipliers.
    for W, G in ((U, K[:split] @ np.vstack([U, V])), (V, K[split:] @ np.vstack([U, V]))):
        assert np.linalg.norm(G - W @ (W.T @ G)) <= 4 * k * allowed
        assert np.linalg.norm(W.T @ G - G.T @ W) <= 4 * k * allowed
    # The rotation is chosen so that the cross part is diagonal.
    codes = U.T @ K[:split, split:] @ V
    np.testing.assert_allclose(codes, np.diag(s.spectrum), atol=4 * k * allowed)


@settings(deadline=None, max_examples=100)
@given(blocks())
def test_bounds_hold_against_every_other_ascent(problem):
    K, split, k, rng = problem
    s = maxbet.solve(K, split, k)
    upper = s.stats["upper_bound"]
    allowed = 4 * k * tolerance(norm(K), len(K))
    assert s.optimum <= upper <= s.optimum + s.stats["certificate_gap"] + allowed
    assert bool(s.stats["certified"]) == (upper - s.optimum <= 2 * k * tolerance(norm(K), len(K)))
    for _ in range(10):
        U, V = random_pair(rng, K, split, k)
        # A second way to climb: whole blocks at once, after a shift that makes K positive semi-definite.
        shift = K + norm(K) * np.eye(len(K))
        for _ in range(50):
            G = shift @ np.vstack([U, V])
            (P, _, Qt), (R, _, St) = np.linalg.svd(G[:split], False), np.linalg.svd(G[split:], False)
            U, V = P @ Qt, R @ St
        assert value(K, U, V) <= upper + allowed


def theorem_b2(K, Z, split):
    """F + 2kε by the statement's own formulas, block by block."""
    k = Z.shape[1]
    L = -K.copy()
    for rows in (range(split), range(split, len(K))):
        W, G = Z[rows], (K @ Z)[rows]
        multiplier = (W.T @ G + G.T @ W) / 2
        least = np.linalg.eigvalsh(multiplier)[0]
        L[np.ix_(rows, rows)] += W @ multiplier @ W.T + least * (np.eye(len(W)) - W @ W.T)
    return float(np.trace(Z.T @ K @ Z)) + 2 * k * max(0.0, -float(np.linalg.eigvalsh(L)[0]))


@settings(deadline=None, max_examples=100)
@given(blocks())
def test_the_certificate_is_theorem_b2s_and_bounds_from_any_feasible_point(problem):
    K, split, k, rng = problem
    s = maxbet.solve(K, split, k)
    allowed = 4 * k * tolerance(norm(K), len(K))
    Z = np.vstack(random_pair(rng, K, split, k))
    assert s.optimum <= theorem_b2(K, Z, split) + allowed
    A, B = semidefinite.certificate_multipliers(K, split, Z)
    assert abs(semidefinite.multiplier_bound(K, split, k, A, B) - theorem_b2(K, Z, split)) <= allowed
    if s.free == maxbet.COMMON:
        Z = np.vstack([s.maps["U"], s.maps["V"]])
        assert abs(s.optimum + s.stats["certificate_gap"] - theorem_b2(K, Z, split)) <= allowed


@settings(deadline=None, max_examples=100)
@given(blocks())
def test_any_multipliers_bound_the_maximum(problem):
    K, split, k, rng = problem
    best = maxbet.solve(K, split, k).optimum
    A, B = (norm(K) * (S + S.T) for S in (rng.standard_normal((size, size)) for size in (split, len(K) - split)))
    allowed = 4 * k * tolerance(norm(K) + norm(A) + norm(B), len(K))
    assert best <= semidefinite.multiplier_bound(K, split, k, A, B) + allowed
    refined = semidefinite.relaxation_bound(K, split, np.vstack(random_pair(rng, K, split, k)))
    assert best <= refined + allowed


@settings(deadline=None, max_examples=60)
@given(blocks())
def test_the_fantope_projection_satisfies_its_variational_inequality(problem):
    K, _, _, rng = problem
    k = int(rng.integers(1, len(K) + 1))
    P = semidefinite.fantope(K, k)
    values = np.linalg.eigvalsh(P)
    allowed = tolerance(1 + norm(K), len(K)) * len(K)
    assert values.min() >= -allowed
    assert values.max() <= 1 + allowed
    assert abs(values.sum() - k) <= allowed
    for _ in range(10):
        W = orthonormal(rng, len(K), k)
        assert np.sum((K - P) * (W @ W.T - P)) <= allowed * (1 + norm(K))


@settings(deadline=None, max_examples=150)
@given(blocks(rank_one=True))
def test_one_code_is_exact(problem):
    K, split, _, rng = problem
    s = maxbet.solve(K, split, 1)
    allowed = tolerance(norm(K), len(K))
    bound, gamma = dual(K, split, 1)
    assert s.stats["certified"] == 1.0
    assert abs(bound - s.optimum) <= 4 * allowed
    # The dual is a minimum over γ, and its value an upper bound: neighbours and random points do not contradict it.
    for step in (-1.0, -1e-3, 1e-3, 1.0):
        assert relaxed_value(K, split, 1, gamma + step * norm(K)) >= bound - 4 * allowed
    for _ in range(20):
        assert value(K, *random_pair(rng, K, split, 1)) <= s.optimum + 4 * allowed


@pytest.mark.parametrize("seed", range(4))
def test_one_code_against_a_grid_of_angles(seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((4, 4))
    K = A + A.T
    t = np.linspace(0, np.pi, 1500, endpoint=False)
    circle = np.array([np.cos(t), np.sin(t)])
    xx = np.einsum("it,ij,jt->t", circle, K[:2, :2], circle)
    yy = np.einsum("it,ij,jt->t", circle, K[2:, 2:], circle)
    best = (xx[:, None] + yy + 2 * np.abs(circle.T @ K[:2, 2:] @ circle)).max()
    optimum = maxbet.solve(K, 2, 1).optimum
    # A grid of step h misses a smooth maximum by at most ‖K‖h²-order terms.
    assert best <= optimum + tolerance(norm(K), 4) <= best + 4 * norm(K) * (t[1] - t[0]) ** 2


@pytest.mark.parametrize(("p", "q", "k", "seed"), [(3, 2, 2, 0), (4, 3, 2, 1), (4, 4, 3, 2), (5, 3, 2, 3)])
def test_several_codes_against_free_maximisation(p, q, k, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((p + q, p + q))
    K = A @ A.T

    def loss(B, C):
        return -value(K, polar(B)[0], polar(C)[0])

    lowest = oracle.lowest(loss, [(p, k), (q, k)], rng)
    gain = maxbet.solve(K, p, k).optimum + lowest
    assert -tolerance(norm(K), p + q) <= gain <= 1e-6 * norm(K)


def paper_example(weight):
    """X = (2h1, h2), Y = h2: Σx = diag(4, 1), Σy = 1, M = (0, 1)ᵀ."""
    return np.array([[4 * weight, 0, 0], [0, weight, 1], [0, 1, weight]])


@pytest.mark.parametrize("weight", [0.1, 1 / 3, 5 / 9, 1.0, 10.0])
def test_the_audits_example_and_its_degenerate_top_eigenspace(weight):
    s = maxbet.solve(paper_example(weight), 2, 1)
    cosine = min(1.0, 1 / (3 * weight))
    expected = 2 * cosine + weight * (4 - 3 * cosine**2) + weight
    assert s.optimum == pytest.approx(expected, abs=tolerance(4 * weight + 1, 3))
    assert abs(s.maps["U"][1, 0]) == pytest.approx(cosine, abs=1e-7)
    # Past the bifurcation both signs of the first coordinate are optimal.
    assert s.unique == (weight < 1 / 3)


@pytest.mark.parametrize("gap", [0.0, 1e-14, 1e-10, 1e-6, 1e-2])
def test_nearly_degenerate_top_eigenspaces(gap):
    rng = np.random.default_rng(0)
    K = np.zeros((6, 6))
    K[:3, :3], K[3:, 3:] = np.diag([2 + gap, 2, 1]), np.diag([3.0, 3 - gap, 0])
    K[0, 4] = K[4, 0] = K[1, 3] = K[3, 1] = 0.25
    Q = np.block([[orthonormal(rng, 3, 3), np.zeros((3, 3))], [np.zeros((3, 3)), orthonormal(rng, 3, 3)]])
    s = maxbet.solve(Q @ K @ Q.T, 3, 1)
    assert s.stats["certified"] == 1.0
    # With u = (cos θ, sin θ, 0), v = (sin φ, cos φ, 0): F = 5 + gap(cos²θ − cos²φ) + cos(θ − φ)/2.
    assert s.optimum == pytest.approx(5 + np.hypot(0.5, gap), abs=tolerance(4, 6))


def example_b3():
    """Σx = diag(5, 1, 1), Σy = I, M = [0; I/2], λ = 1, k = 2: F* = 145/16, the semidefinite relaxation 8 + √2."""
    K = np.eye(5)
    K[0, 0] = 5
    K[1:3, 3:] = K[3:, 1:3] = np.eye(2) / 2
    return K


def test_the_exact_example_where_the_relaxation_is_not_tight():
    K = example_b3()
    s = maxbet.solve(K, 3, 2)
    assert s.optimum == pytest.approx(145 / 16, abs=tolerance(5, 5))
    assert s.stats["certified"] == 0.0
    assert not s.unique
    # The relaxation's own optimum shows that no bound from multipliers lies below 8 + √2; the one returned comes near.
    G = np.zeros((5, 5))
    G[:3, :3], G[3:, 3:] = np.diag([1, 0.5, 0.5]), np.eye(2)
    G[1:3, 3:] = G[3:, 1:3] = np.eye(2) / np.sqrt(2)
    assert np.linalg.eigvalsh(G)[0] >= -tolerance(1, 5)
    assert np.sum(K * G) == pytest.approx(8 + np.sqrt(2))
    assert 0 <= s.stats["upper_bound"] - np.sum(K * G) <= 1e-3
    normal = np.cross(s.maps["U"][:, 0], s.maps["U"][:, 1])
    assert s.optimum == pytest.approx(9 + abs(normal[0]) - 4 * normal[0] ** 2, abs=tolerance(5, 5))


def test_starts_on_saddles_are_left():
    # Every informed start of a diagonal example is stationary, and none is optimal.
    assert maxbet.solve(example_b3(), 3, 2, seeds=0).optimum == pytest.approx(145 / 16, abs=tolerance(5, 5))


@pytest.mark.parametrize("weight", [0.1, 3.0, 30.0])
def test_medium_sizes_converge_to_rounding_and_the_bound_is_far_better_than_b2s(weight):
    # Kxx and Kyy compete with a cross block: uncertified at the middle weights.
    rng = np.random.default_rng(0)
    M = np.linalg.svd(rng.standard_normal((30, 25)), full_matrices=False)
    K = np.zeros((55, 55))
    K[:30, :30], K[30:, 30:] = weight * np.diag(np.logspace(0, -2, 30)), weight * np.diag(np.logspace(0, -2, 25))
    K[:30, 30:] = (M[0] * np.linspace(0.9, 0, 25)) @ M[2]
    K[30:, :30] = K[:30, 30:].T
    s = maxbet.solve(K, 30, 8)
    assert s.stats["stationarity"] <= tolerance(norm(K), 55)
    assert not s.unique or s.stats["certified"]
    if weight == 3.0:
        assert s.stats["certified"] == 0.0
        b2 = theorem_b2(K, np.vstack([s.maps["U"], s.maps["V"]]), 30)
        assert s.optimum + s.stats["certificate_gap"] == pytest.approx(b2, abs=tolerance(norm(K), 55))
        assert s.stats["upper_bound"] - s.optimum <= s.stats["certificate_gap"] / 5


@pytest.mark.parametrize("weight", [0.1, 1 / 3, 5 / 9, 10.0])
def test_the_primal_is_recovered_from_the_dual(weight):
    K = paper_example(weight)
    bound, gamma = dual(K, 2, 1)
    Z = rank_one_start(K, 2, gamma)
    assert value(K, Z[:2], Z[2:]) == pytest.approx(bound, abs=1e-6 * norm(K))


@settings(deadline=None, max_examples=60)
@given(blocks())
def test_the_polar_iteration_climbs(problem):
    K, split, k, rng = problem
    Z = feasible(split, rng.standard_normal((len(K), k)))
    values = [value(K, Z[:split], Z[split:])]
    for _ in range(20):
        Z = polar_iteration(K, split, Z, steps=1)
        values.append(value(K, Z[:split], Z[split:]))
    assert (np.diff(values) >= -4 * k * tolerance(norm(K), len(K))).all()
    finished = ascend(K, split, Z, tolerance(norm(K), len(K)))
    assert value(K, finished[:split], finished[split:]) >= values[-1] - 4 * k * tolerance(norm(K), len(K))


@settings(deadline=None, max_examples=60)
@given(blocks())
def test_uniqueness_claims_survive_other_maximisers(problem):
    K, split, k, rng = problem
    s = maxbet.solve(K, split, k)
    if not s.unique or s.free != maxbet.COMMON:
        return
    allowed = tolerance(norm(K), len(K))
    Z = ascend(K, split, feasible(split, rng.standard_normal((len(K), k))), allowed)
    shortfall = s.optimum - value(K, Z[:split], Z[split:])
    best = np.vstack([s.maps["U"], s.maps["V"]])
    P, _, Qt = np.linalg.svd(best.T @ Z)
    distance = np.linalg.norm(Z - best @ P @ Qt)
    # 𝓛 grows quadratically off the solution: F* − F ≥ gap·(distance to its span)².
    off = np.linalg.norm(Z - best @ (best.T @ Z) / 2)
    assert s.gap * off**2 <= shortfall + 8 * k * allowed
    if s.gap > 1e-3 * norm(K) and shortfall <= 8 * k * allowed:
        assert distance <= 1e-3


def test_decoupled_blocks_have_rotations_of_their_own():
    K = np.diag([3.0, 2.0, 1.0, 5.0, 4.0])
    s = maxbet.solve(K, 3, 2)
    assert (s.optimum, s.unique, s.free) == (14.0, True, maxbet.SEPARATE)
    assert not maxbet.solve(np.eye(5), 3, 2).unique


@settings(deadline=None, max_examples=40)
@given(blocks())
def test_the_joint_relaxation_is_the_generalised_eigenproblem(problem):
    # Theorem B5 in the data's coordinates: K = diag(Cx⁻¹, Cy⁻¹) B diag(Cx⁻ᵀ, Cy⁻ᵀ) for any Σ = CCᵀ.
    K, split, k, rng = problem
    C = np.zeros_like(K)
    for block in (slice(None, split), slice(split, None)):
        size = len(K[block])
        C[block, block] = np.tril(rng.standard_normal((size, size)), -1) + 2 * np.eye(size)
    mu = generalised(C @ K @ C.T, C @ C.T, eigvals_only=True)[::-1]
    scale = norm(K) * np.linalg.cond(C) ** 4
    assert relaxed_value(K, split, k) == pytest.approx(2 * mu[:k].sum(), abs=k * tolerance(scale, len(K)))
    assert relaxed_value(K, split, k) >= maxbet.solve(K, split, k).optimum - 4 * k * tolerance(norm(K), len(K))


@pytest.mark.parametrize(
    ("K", "split", "k"), [(np.ones((2, 3)), 1, 1), (np.eye(4), 0, 1), (np.eye(4), 4, 1), (np.eye(4), 2, 3)]
)
def test_bad_input(K, split, k):
    with pytest.raises(ValueError, match=r"^[^\n]*(choose|pass)[^\n]*$"):
        maxbet.solve(K, split, k)
