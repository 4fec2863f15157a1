"""Gaussian transport: the matched maps, the optimal one by two characterisations, and degenerate covariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.optimize import linear_sum_assignment

from theory.linalg import tolerance
from theory.moments import Moments
from theory.solvers import transport

from .members import build, covariance, mean_square, orthonormal


@st.composite
def same_space(draw, singular_x=(False,), singular_y=(False, True)):
    d = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    decay = draw(st.sampled_from([0.0, 1.0]))
    n = 3 * d + 5

    def data(singular):
        A = rng.standard_normal((n, d)) * np.arange(1, d + 1) ** -decay
        A = A @ orthonormal(rng, d, d)
        if draw(st.sampled_from(singular)) and d > 1:
            A[:, -1] = A[:, 0]
        return A - A.mean(0)

    return data(singular_x), data(singular_y), rng


def amplified(X, Y):
    s = np.linalg.svd(X, compute_uv=False)
    kept = s[s > 1e-8 * s[0]]
    return (mean_square(X) + mean_square(Y)) * (kept[0] / kept[-1]) ** 2


@settings(deadline=None, max_examples=80)
@given(same_space())
def test_it_matches_and_is_the_symmetric_positive_matched_map(sample):
    X, Y, rng = sample
    m = Moments.from_arrays(X, Y)
    s = transport.solve(m)
    A = s.maps["A"]
    allowed = tolerance(amplified(X, Y), len(X))
    np.testing.assert_allclose(covariance(X @ A, X @ A), covariance(Y, Y), atol=allowed)
    # By Brenier, among matched maps only the optimal one is the gradient of a convex function.
    np.testing.assert_allclose(A, A.T, atol=allowed * max(1, np.linalg.norm(A)))
    assert np.linalg.eigvalsh((A + A.T) / 2).min() >= -allowed * max(1, np.linalg.norm(A))
    assert abs(s.optimum - mean_square(X - X @ A)) <= allowed
    assert s.unique
    for _ in range(10):
        other = transport.matched_map(m, orthonormal(rng, m.dx, m.dx))
        np.testing.assert_allclose(covariance(X @ other, X @ other), covariance(Y, Y), atol=allowed)
        assert mean_square(X - X @ other) >= s.optimum - allowed


@settings(deadline=None, max_examples=40)
@given(same_space(singular_y=(False,)))
def test_the_usual_formula(sample):
    X, Y, _ = sample
    Sx, Sy = covariance(X, X), covariance(Y, Y)
    R = np.real(sqrtm(Sx))
    inner = np.real(sqrtm(R @ Sy @ R))
    s = transport.solve(Moments.from_arrays(X, Y))
    expected = np.linalg.solve(R, np.linalg.solve(R, inner).T)
    # sqrtm is accurate to the root of the condition only.
    scale = np.linalg.norm(expected) * np.linalg.cond(Sx) ** 1.5 * np.linalg.cond(Sy)
    np.testing.assert_allclose(s.maps["A"], expected, atol=tolerance(scale, len(X)))


@settings(deadline=None, max_examples=60)
@given(same_space(singular_x=(True,)))
def test_singular_sources(sample):
    X, Y, rng = sample
    s = transport.solve(Moments.from_arrays(X, Y))
    A, d = s.maps["A"], X.shape[1]
    allowed = tolerance(amplified(X, Y), len(X))
    rank_x, rank_y = max(d - 1, 1), round(s.stats["rank_y"])
    assert s.rank == rank_x
    assert s.unique == (rank_x == d)
    assert abs(s.optimum - mean_square(X - X @ A)) <= allowed
    values = np.linalg.eigvalsh(covariance(Y, Y))[::-1]
    assert abs(s.stats["unmatched"] - values[rank_x:rank_y].sum()) <= allowed
    difference = covariance(Y, Y) - covariance(X @ A, X @ A)
    # Of all covariances of this rank the returned one leaves the least variance out, and matches the rest exactly.
    assert abs(np.trace(difference) - s.stats["unmatched"]) <= allowed
    np.testing.assert_allclose(np.linalg.eigvalsh(difference)[:rank_x], 0, atol=allowed)
    kernel = np.linalg.svd(X)[2][rank_x:]
    moved = A + kernel.T @ rng.standard_normal((d - rank_x, d))
    assert abs(mean_square(X - X @ moved) - s.optimum) <= allowed * (1 + np.linalg.norm(moved)) ** 2


def test_optimum_bounds_every_coupling_from_below():
    # The Gaussian cost bounds the transport cost between any two laws with these covariances (Gelbrich).
    rng = np.random.default_rng(0)
    for _ in range(5):
        X, Y = rng.standard_normal((50, 3)), rng.standard_normal((50, 3)) @ rng.standard_normal((3, 3))
        X, Y = X - X.mean(0), Y - Y.mean(0)
        costs = ((X[:, None] - Y[None]) ** 2).sum(-1)
        rows, columns = linear_sum_assignment(costs)
        s = transport.solve(Moments.from_arrays(X, Y))
        assert s.optimum <= costs[rows, columns].mean() + tolerance(s.optimum, 50)


def test_matched_maps_between_different_dimensions():
    m = build("generic", 40, 5, 3, 2, 0.5, 0)
    A = transport.matched_map(m.moments, orthonormal(m.rng, 5, 3))
    np.testing.assert_allclose(
        covariance(m.X @ A, m.X @ A), covariance(m.Y, m.Y), atol=tolerance(amplified(m.X, m.Y), m.size)
    )
    with pytest.raises(ValueError, match="Q has shape"):
        transport.matched_map(m.moments, np.eye(3))
    with pytest.raises(ValueError, match="needs one space"):
        transport.solve(m.moments)


def test_constant_domains():
    X, Y = np.ones((4, 2)), np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    s = transport.solve(Moments.from_arrays(X, Y))
    assert (s.optimum, s.stats["unmatched"], s.unique) == (0.0, 1.0, False)
    s = transport.solve(Moments.from_arrays(Y, X))
    assert (s.optimum, s.unique) == (1.0, True)
    assert not s.maps["A"].any()
