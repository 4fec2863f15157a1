"""R², CKA, nearest neighbours and Procrustes against their definitions and against SciPy and scikit-learn."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, spatial
from sklearn.metrics import r2_score

from theory.linalg import tolerance
from theory.moments import Moments
from theory.similarity import debiased_cka, linear_cka, mutual_nearest_neighbours, procrustes, r_squared


def pair(seed, n, dx, dy, noise=1.0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, max(dx, dy)))
    X = Z[:, :dx] + noise * rng.standard_normal((n, dx)) + 3.0
    Y = Z[:, :dy] @ rng.standard_normal((dy, dy)) + noise * rng.standard_normal((n, dy)) - 1.0
    return X, Y


shapes = st.tuples(st.integers(0, 10**6), st.integers(5, 30), st.integers(1, 12), st.integers(1, 12))


@given(shapes)
@settings(max_examples=30, deadline=None)
def test_r_squared_is_the_variance_weighted_score_of_scikit_learn(shape):
    X, estimate = pair(shape[0], shape[1], shape[2], shape[2])
    expected = r2_score(X, estimate, multioutput="variance_weighted")
    assert abs(r_squared(estimate, X) - expected) <= tolerance(1 + abs(expected), X.size)


def test_r_squared_of_the_mean_is_zero_and_of_a_constant_reference_undefined():
    X, _ = pair(0, 9, 3, 2)
    assert abs(r_squared(np.broadcast_to(X.mean(axis=0), X.shape), X)) <= tolerance(1.0, X.size)
    assert np.isnan(r_squared(X, np.ones_like(X)))
    with pytest.raises(ValueError, match="shapes"):
        r_squared(X, X[:, :2])


def u_statistic(K, L):
    """Unbiased HSIC as Song et al. define it: the mean over quadruples of distinct rows, no algebra."""
    values = []
    for quadruple in combinations(range(len(K)), 4):
        for t, u, v, w in permutations(quadruple):
            values.append(K[t, u] * L[t, u] + K[t, u] * L[v, w] - 2 * K[t, u] * L[t, v])
    return np.mean(values)


@given(st.integers(0, 10**6), st.integers(4, 7), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_debiased_cka_is_the_ratio_of_u_statistics(seed, n, dx, dy):
    X, Y = pair(seed, n, dx, dy)
    K, L = X @ X.T, Y @ Y.T
    xx, yy = u_statistic(K, K), u_statistic(L, L)
    found = linear_cka(X, Y)
    if xx > 0 and yy > 0:
        expected = u_statistic(K, L) / np.sqrt(xx * yy)
        # Uncentred Gram matrices lose digits to the offset, and small self-similarities divide what is left.
        condition = (np.abs(K).max() * np.abs(L).max()) / np.sqrt(xx * yy)
        assert abs(found - expected) <= tolerance((1 + abs(expected)) * condition**2, n**4)
    else:
        assert np.isnan(found)


@given(shapes)
@settings(max_examples=30, deadline=None)
def test_biased_cka_is_the_alignment_of_centred_gram_matrices(shape):
    X, Y = pair(*shape)
    H = np.eye(len(X)) - 1 / len(X)
    K, L = H @ X @ X.T @ H, H @ Y @ Y.T @ H
    expected = np.sum(K * L) / np.sqrt(np.sum(K * K) * np.sum(L * L))
    assert abs(linear_cka(X, Y, debiased=False) - expected) <= tolerance(100.0, X.size + Y.size)


@pytest.mark.parametrize("debiased", [True, False])
def test_cka_ignores_rotation_scale_and_shift_but_not_a_change_of_basis(debiased):
    X, Y = pair(1, 40, 5, 4)
    Q = np.linalg.qr(np.random.default_rng(2).standard_normal((5, 5)))[0]
    value = linear_cka(X, Y, debiased)
    assert abs(linear_cka(7 * X @ Q + 100, Y, debiased) - value) <= tolerance(100.0, X.size)
    assert abs(linear_cka(X * [5, 1, 1, 1, 1], Y, debiased) - value) > 1e-3


def test_debiasing_removes_the_similarity_of_unrelated_wide_data():
    debiased, biased = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, Y = rng.standard_normal((50, 200)), rng.standard_normal((50, 200))
        debiased.append(linear_cka(X, Y))
        biased.append(linear_cka(X, Y, debiased=False))
    assert abs(np.mean(debiased)) < 4 * np.std(debiased) / np.sqrt(40)
    assert np.mean(biased) > 0.5


def test_cka_is_undefined_without_enough_rows_or_variation():
    X, Y = pair(3, 3, 2, 2)
    assert np.isnan(linear_cka(X, Y))
    X, Y = pair(3, 20, 2, 2)
    assert np.isnan(linear_cka(np.full_like(X, 0.1), Y))
    assert np.isnan(linear_cka(X, np.full_like(Y, 1e6), debiased=False))
    assert np.isnan(debiased_cka(Moments.from_arrays(X * 0, Y), np.zeros(20), np.ones(20)))


def neighbour_sets(X, i, k):
    """All sets of k nearest rows of row i that some order of the tied ones gives, equally weighted."""
    norms = [np.linalg.norm(x) for x in X]
    cosine = [
        round(float(a @ X[i]) / (m * norms[i]), 9) if m * norms[i] else 0.0 for a, m in zip(X, norms, strict=True)
    ]
    others = [j for j in range(len(X)) if j != i]
    kth = sorted((cosine[j] for j in others), reverse=True)[k - 1]
    sure = [j for j in others if cosine[j] > kth]
    tied = [j for j in others if cosine[j] == kth]
    return [{*sure, *chosen} for chosen in combinations(tied, k - len(sure))]


@given(st.integers(0, 10**6), st.integers(3, 8), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_nearest_neighbours_are_the_expectation_over_tie_breaking(seed, n, dx, dy, k):
    rng = np.random.default_rng(seed)
    X, Y = rng.integers(-1, 2, (n, dx)).astype(float), rng.integers(-1, 2, (n, dy)).astype(float)
    shares = [
        np.mean([len(a & b) / k for a, b in product(neighbour_sets(X, i, k), neighbour_sets(Y, i, k))])
        for i in range(n)
    ]
    assert abs(mutual_nearest_neighbours(X, Y, k) - np.mean(shares)) <= tolerance(1.0, n * n)


def test_nearest_neighbours_of_unrelated_data_are_at_chance_and_k_is_checked():
    rng = np.random.default_rng(0)
    values = [mutual_nearest_neighbours(*rng.standard_normal((2, 60, 5)), 5) for _ in range(40)]
    assert abs(np.mean(values) - 5 / 59) < 4 * np.std(values) / np.sqrt(40)
    for k in (0, 3):
        with pytest.raises(ValueError, match="k ="):
            mutual_nearest_neighbours(np.eye(3), np.eye(3), k)
    with pytest.raises(ValueError, match="rows"):
        mutual_nearest_neighbours(np.eye(3), np.eye(4), 1)


@given(st.integers(0, 10**6), st.integers(8, 30), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_procrustes_agrees_with_scipy(seed, n, d):
    X, Y = pair(seed, n, d, d)
    Q, a, b, similarity = procrustes(Moments.from_arrays(X, Y))
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    _, nuclear = linalg.orthogonal_procrustes(X, Y)
    assert abs(np.sum(Q * (X.T @ Y)) - nuclear) <= tolerance(n * np.linalg.norm(X) * np.linalg.norm(Y), d)
    assert np.abs(Q @ Q.T - np.eye(d)).max() <= tolerance(1.0, d)
    assert abs(similarity - (1 - spatial.procrustes(X, Y)[2])) <= tolerance(1.0, n * d)
    assert abs(a - nuclear / np.sum(X * X)) <= tolerance(a, n * d)
    assert abs(b - nuclear / np.sum(Y * Y)) <= tolerance(b, n * d)


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_no_isometry_into_a_larger_space_does_better(seed, dx, more):
    X, Y = pair(seed, 30, dx, dx + more)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    Q, a, _, _ = procrustes(Moments.from_arrays(X, Y))
    best = np.sum((Y - a * X @ Q) ** 2)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        step = rng.choice([0.01, 1.0])
        P, _, Rt = np.linalg.svd(Q + step * rng.standard_normal(Q.shape), full_matrices=False)
        worse = np.sum((Y - a * (1 + step * rng.standard_normal()) * X @ P @ Rt) ** 2)
        assert best <= worse + tolerance(np.sum(Y * Y), 30 * Y.shape[1])


def test_procrustes_of_a_domain_that_does_not_vary():
    Q, a, b, similarity = procrustes(Moments.from_arrays(np.ones((5, 2)), np.eye(5)[:, :3]))
    assert (a, b) == (0.0, 0.0)
    assert np.isfinite(Q).all()
    assert np.isnan(similarity)
