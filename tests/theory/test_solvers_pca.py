"""Lemma 1: against the SVD of the data, free minimisation, stationarity and competitors; what is and is not unique."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.linalg import svdvals

from theory.linalg import tolerance
from theory.solvers import pca

from . import oracle
from .members import WELL_POSED, build, covariance, mean_square, members, orthonormal


def loss(X, W, D):
    return mean_square(X - X @ W @ D)


@settings(deadline=None, max_examples=80)
@given(members())
def test_optimum_is_attained_and_is_the_tail_of_the_singular_values(m):
    s = pca.solve(covariance(m.X, m.X), m.k)
    allowed = tolerance(mean_square(m.X), m.size)
    assert abs(s.optimum - loss(m.X, s.maps["W"], s.maps["D"])) <= allowed
    assert abs(s.optimum - np.sum(svdvals(m.X)[m.k :] ** 2) / m.n) <= allowed
    assert s.rank == m.rank_x


@settings(deadline=None, max_examples=60)
@given(members())
def test_no_competitor_is_better(m):
    s = pca.solve(covariance(m.X, m.X), m.k)
    for shake in (1e-3, 0.1, 10.0):
        W = s.maps["W"] + shake * m.rng.standard_normal(s.maps["W"].shape)
        assert loss(m.X, W, oracle.readout(m.X @ W, m.X)) >= s.optimum - tolerance(mean_square(m.X), m.size)


@settings(deadline=None, max_examples=60)
@given(members())
def test_first_order_conditions(m):
    S = covariance(m.X, m.X)
    W, D = (pca.solve(S, m.k).maps[name] for name in "WD")
    residual = S @ (np.eye(len(S)) - W @ D)
    allowed = tolerance(np.trace(S), m.size)
    np.testing.assert_allclose(residual @ D.T, 0, atol=allowed)
    np.testing.assert_allclose(W.T @ residual, 0, atol=allowed)


@pytest.mark.parametrize("seed", range(3))
def test_free_minimisation_ends_at_the_optimum(seed):
    m = build("generic", 30, 4, 2, 2, 0.5, seed)
    s = pca.solve(covariance(m.X, m.X), 2)
    lowest = oracle.lowest(lambda W, D: loss(m.X, W, D), [(4, 2), (2, 4)], m.rng)
    assert -tolerance(m.scale, m.size) <= lowest - s.optimum <= 1e-6 * m.scale


@settings(deadline=None, max_examples=80)
@given(members(WELL_POSED))
def test_well_posed_members_are_unique_up_to_GL(m):
    S = covariance(m.X, m.X)
    s = pca.solve(S, m.k)
    assert s.unique
    A = m.rng.standard_normal((m.k, m.k)) + 3 * np.eye(m.k)
    value = loss(m.X, s.maps["W"] @ A, np.linalg.solve(A, s.maps["D"]))
    assert abs(value - s.optimum) <= tolerance(m.scale * np.linalg.cond(A) ** 2, m.size)
    if m.k < len(S):
        other = np.linalg.eigh(S)[1][:, ::-1][:, [*range(m.k - 1), m.k]]
        gap = s.spectrum[m.k - 1] - s.spectrum[m.k]
        assert loss(m.X, other, other.T) - s.optimum == pytest.approx(gap, abs=tolerance(m.scale, m.size))
        assert s.gap == pytest.approx(gap)


@settings(deadline=None, max_examples=60)
@given(members(("deficient", "short", "tied")))
def test_where_unique_is_false_another_subspace_is_as_good(m):
    S = covariance(m.X, m.X)
    s = pca.solve(S, m.k)
    if m.regime == "tied":
        assert s.unique == (m.k == len(S))
        W = orthonormal(m.rng, len(S), m.k)
        D = W.T
    else:
        assert not s.unique
        kernel = np.linalg.eigh(S)[1][:, : len(S) - m.rank_x]
        W = s.maps["W"] + kernel @ m.rng.standard_normal((kernel.shape[1], m.k))
        D = s.maps["D"]
    assert abs(loss(m.X, W, D) - s.optimum) <= tolerance(m.scale * (1 + np.linalg.norm(W)) ** 2, m.size)


def test_encoder_outside_the_principal_subspace_of_singular_data():
    X = np.array([[1.0, 0.0], [-1.0, 0.0]])
    s = pca.solve(covariance(X, X), 1)
    assert s.optimum == loss(X, np.array([[1.0], [7.0]]), np.array([[1.0, 0.0]])) == 0.0
    assert not s.unique
    assert s.rank == 1


def test_whitening_does_not_select_the_principal_directions():
    S = np.diag([4.0, 1.0])
    W = np.array([[0.3, 0.4], [-0.8, 0.6]])
    np.testing.assert_allclose(W.T @ S @ W, np.eye(2), atol=tolerance(4, 2))
    assert pca.solve(S, 2).optimum == 0.0
    assert np.linalg.norm(np.linalg.inv(W) - W.T @ S) <= tolerance(4, 2)


def test_constant_data():
    s = pca.solve(np.zeros((3, 3)), 2)
    assert (s.optimum, s.rank, s.unique) == (0.0, 0, False)


@pytest.mark.parametrize(("S", "rank"), [(np.eye(3), 0), (np.eye(3), 4), (np.ones((2, 3)), 1), (np.ones(3), 1)])
def test_bad_input(S, rank):
    with pytest.raises(ValueError, match=r"^[^\n]*(choose|pass)[^\n]*$"):
        pca.solve(S, rank)
