"""Theorems A1-A4: every sampled pair of codes obeys them, the extremal ones attain them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import bounds
from theory.discrepancy import random_slices, sliced_ecf, t_grid
from theory.linalg import sigma_max, sigma_min, tolerance

MANY = settings(deadline=None, max_examples=100)
SEEDS = st.integers(0, 2**32 - 1)


def rms(A):
    return float(np.sqrt((A**2).sum(axis=1).mean()))


@st.composite
def decoders(draw, least=1, largest=5):
    """Column decoders d×k: tall, square, wide, and rank-deficient."""
    d, k = draw(st.integers(least, largest)), draw(st.integers(least, largest))
    rng = np.random.default_rng(draw(SEEDS))
    D = rng.standard_normal((d, k))
    if draw(st.booleans()) and k > 1:
        D[:, -1] = D[:, 0]
    return D, rng


@MANY
@given(decoders(), st.sampled_from([0.0, 0.1, 3.0]))
def test_sampled_codes_obey_the_duality(member, noise):
    D, rng = member
    b = rng.standard_normal((30, D.shape[1]))
    x = b @ D.T + noise * rng.standard_normal((30, len(D)))
    a = b + rng.standard_normal(b.shape) * rng.choice([0.0, 0.5, 2.0])
    T, R, C = rms(a @ D.T - x), rms(b @ D.T - x), rms(a - b)
    slack = 1 + tolerance(1, 64)
    assert T <= bounds.translation_bound(D, R, C) * slack + tolerance(1, 64)
    assert C <= bounds.consistency_bound(D, T, R) * slack + tolerance(1, 64) / max(sigma_min(D), 1e-12)
    if D.shape[1] > D.shape[0]:
        assert bounds.consistency_bound(D, T, R) == np.inf


@MANY
@given(decoders(least=2), SEEDS)
def test_every_achievable_triple_has_a_witness(member, seed):
    D, _ = member
    ell, sigma = sigma_max(D), sigma_min(D)
    rng = np.random.default_rng(seed)
    C = rng.choice([0.0, 1.0, 0.01])
    h = C * (sigma + (ell - sigma) * rng.choice([0.0, 1.0, rng.random()]))
    # Sides T, R and any h between σC and ℓC that closes their triangle, extremes included.
    T = rng.choice([0.0, h, 3 * h]) + rng.choice([0.0, 1.0])
    R = abs(T - h) + (T + h - abs(T - h)) * rng.choice([0.0, 1.0, rng.random()])
    R = min(R, T + ell * C)
    if not bounds.achievable(T, R, C, ell, sigma):
        # Only rounding at an extreme can put it outside.
        assert bounds.achievable(T, R, C, ell * (1 + 1e-9) + 1e-12, sigma * (1 - 1e-9) - 1e-12)
        return
    delta, p = bounds.witness(D, T, R, C)
    # The height of the triangle is the root of a difference of squares.
    allowed = np.sqrt(tolerance((1 + T + R) ** 2, max(D.shape)))
    assert abs(np.linalg.norm(delta) - C) <= tolerance(C, max(D.shape))
    assert abs(np.linalg.norm(p) - T) <= allowed
    assert abs(np.linalg.norm(p - D @ delta) - R) <= allowed


@pytest.mark.parametrize("shape", [(2, 2), (4, 3), (3, 5)])
def test_both_bounds_are_attained(shape):
    D = np.random.default_rng(0).standard_normal(shape)
    ell, sigma = sigma_max(D), sigma_min(D)
    R, C = 0.4, 0.7
    T = bounds.translation_bound(D, R, C)
    delta, p = bounds.witness(D, T * (1 - 1e-12), R, C)
    assert np.linalg.norm(p) == pytest.approx(R + ell * np.linalg.norm(delta))
    assert np.linalg.norm(p - D @ delta) == pytest.approx(R)
    if sigma > 0:
        delta, p = bounds.witness(D, 0.5, 0.4, (1 - 1e-12) * bounds.consistency_bound(D, 0.5, 0.4))
        assert np.linalg.norm(delta) == pytest.approx(0.9 / sigma)
        assert np.linalg.norm(p) == pytest.approx(0.5)
        assert np.linalg.norm(p - D @ delta) == pytest.approx(0.4)
    beyond = [(R + 1.001 * ell * C, R, C), (0.5, 0.4, 1.001 * 0.9 / sigma if sigma else np.nan)]
    for triple in beyond:
        with pytest.raises(ValueError, match="not achievable"):
            bounds.witness(D, *triple)


def test_one_dimensional_decoders_achieve_less():
    with pytest.raises(ValueError, match="at least two"):
        bounds.witness([[1.0]], 1.0, 1.0, 1.0)


@MANY
@given(decoders(largest=6), st.integers(1, 3))
def test_sparse_gains_bound_sparse_differences_and_are_attained(member, s):
    D, rng = member
    k = D.shape[1]
    s = min(s, k)
    low, high = bounds.sparse_sigma(D, s), bounds.sparse_ell(D, s)
    allowed = tolerance(sigma_max(D), 8)
    for _ in range(20):
        a, b = np.zeros(k), np.zeros(k)
        a[rng.choice(k, s, replace=False)] = rng.standard_normal(s)
        b[rng.choice(k, s, replace=False)] = rng.standard_normal(s)
        gain, size = np.linalg.norm(D @ (a - b)), np.linalg.norm(a - b)
        assert low * size - allowed <= gain <= high * size + allowed
    size = min(2 * s, k)
    extremes = [np.linalg.eigvalsh(D[:, S].T @ D[:, S])[[0, -1]] for S in map(list, combinations(range(k), size))]
    assert abs(low**2 - max(0, min(e[0] for e in extremes))) <= tolerance(sigma_max(D) ** 2, 8)
    assert abs(high**2 - max(e[1] for e in extremes)) <= tolerance(sigma_max(D) ** 2, 8)
    assert low >= sigma_min(D) - allowed


@MANY
@given(decoders(least=2, largest=6), st.integers(1, 3))
def test_coherence_bounds_the_sparse_gain_from_below(member, s):
    D, _ = member
    D = D / np.linalg.norm(D, axis=0)
    mu = bounds.coherence(D)
    # Squares, because the bound is the root of a difference.
    assert bounds.coherence_bound(mu, s) ** 2 <= bounds.sparse_sigma(D, min(s, D.shape[1])) ** 2 + tolerance(1, 8)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_coherence_bound_is_tight_for_equiangular_atoms(k):
    mu = 1 / k
    D = np.linalg.cholesky((1 + mu) * np.eye(k) - mu * np.ones((k, k))).T
    assert bounds.coherence(D) == pytest.approx(mu)
    assert bounds.sparse_sigma(D, k // 2) == pytest.approx(bounds.coherence_bound(mu, k // 2))


def test_splitting_does_not_need_parallel_atoms_beyond_one_sparse_codes():
    atoms = np.column_stack([np.eye(3), [1.0, 1.0, -1.0]])
    assert bounds.sparse_sigma(atoms, 1) > 0.1
    assert bounds.sparse_sigma(atoms, 2) == 0.0
    np.testing.assert_array_equal(atoms @ [1, 1, 0, 0], atoms @ [0, 0, 1, 1])


@pytest.mark.parametrize("c", [-1.0, 0.0, 0.5, 0.99, 1.0])
def test_cost_of_a_split_feature(c):
    D = np.array([[1.0, c], [0.0, np.sqrt(1 - c**2)]])
    delta = np.array([1.0, -1.0])
    assert np.linalg.norm(delta) == pytest.approx(np.sqrt(2))
    assert bounds.split_feature_cost(c) == pytest.approx(np.linalg.norm(D @ delta), abs=1e-12)


@MANY
@given(st.integers(1, 5), st.integers(1, 5), SEEDS)
def test_cycle_bound(dx, dy, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((20, dx)), rng.standard_normal((20, dy))
    A, B = rng.standard_normal((dx, dy)), rng.standard_normal((dy, dx))
    # Through j: x → A → B; the Lipschitz map is the way back, B.
    bound = bounds.cycle_bound(sigma_max(B), rms(x @ A - y), rms(y @ B - x))
    assert rms(x @ A @ B - x) <= bound * (1 + tolerance(1, 20))


def test_cycle_bound_is_attained_and_has_no_converse():
    # One dimension, y = x: errors of equal sign add up exactly.
    x = np.array([[1.0], [-1.0]])
    assert rms(2.0 * 3.0 * x - x) == pytest.approx(bounds.cycle_bound(3.0, rms(2.0 * x - x), rms(3.0 * x - x)))
    # A = −1, B = −1: no cycle error, translation errors of 2.
    assert rms((-1.0) * (-1.0) * x - x) == 0.0
    assert rms(-x - x) == 2.0


@MANY
@given(st.integers(1, 4), SEEDS, st.sampled_from([0.01, 1.0, 10.0]))
def test_the_slice_loss_is_bounded_slice_by_slice(d, seed, size):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((15, d))
    b = a + size * rng.standard_normal((15, d))
    grid = t_grid()
    slices = random_slices(rng, d, 6)
    total = 0.0
    for u in slices.T:
        projected = float((((a - b) @ u) ** 2).mean())
        bound = bounds.slice_bound(grid.second_moment, projected)
        assert float(sliced_ecf(a, b, u[:, None], grid)) <= bound * (1 + tolerance(1, 15)) + tolerance(1, 15)
        total += bound / slices.shape[1]
    assert float(sliced_ecf(a, b, slices, grid)) <= total + tolerance(1 + total, 15)


def test_uniform_slices_see_one_dth_of_the_instance_loss():
    # Exact for the axes of a cross-polytope, a uniform 2-design: the mean of ⟨u, v⟩² is ‖v‖²/d.
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((50, 4)), rng.standard_normal((50, 4))
    grid = t_grid()
    axes = np.eye(4)
    bound = bounds.slice_bound(grid.second_moment, rms(a - b) ** 2, dim=4)
    each = [bounds.slice_bound(grid.second_moment, float((((a - b) @ u) ** 2).mean())) for u in axes]
    assert bound == pytest.approx(np.mean(each))
    assert float(sliced_ecf(a, b, axes, grid)) <= bound
    # Small differences reach it: the ECF of one slice differs by t⟨u, a − b⟩ to first order for a single point.
    x = np.zeros((1, 4))
    y = x + 1e-4 * rng.standard_normal((1, 4))
    tight = bounds.slice_bound(grid.second_moment, rms(x - y) ** 2, dim=4)
    assert float(sliced_ecf(x, y, axes, grid)) == pytest.approx(tight, rel=1e-4)


def test_guards():
    with pytest.raises(ValueError, match=r"too many.*coherence_bound"):
        bounds.sparse_sigma(np.ones((3, 60)), 5)
    with pytest.raises(ValueError, match="sparsity 0 is not between"):
        bounds.sparse_sigma(np.eye(3), 0)
