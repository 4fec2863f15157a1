"""Lemma 5: against least squares on the data, free minimisation and competitors; when the product is determined."""

import numpy as np
import pytest
from hypothesis import given, settings

from theory.linalg import tolerance
from theory.moments import Moments
from theory.solvers import cca, reduced_rank

from . import oracle
from .members import WELL_POSED, build, covariance, mean_square, members, orthonormal

H1, H2, H3 = np.array([[1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], dtype=float)
# The audit's data: Σx = I, Σy = diag(25/4, 1), Σxy = diag(2, 1).
PAPER = np.column_stack([H1, H2]), np.column_stack([2 * H1 + 1.5 * H3, H2])


def loss(m, B):
    return mean_square(m.Y - m.X @ B)


def product(s):
    return s.maps["Wx"] @ s.maps["Dy"]


def allowed(m):
    """Rounding of N, which whitening amplifies."""
    s = np.linalg.svd(m.X, compute_uv=False)
    return tolerance(mean_square(m.Y) * (s[0] / s[m.rank_x - 1]) ** 2, m.size)


@settings(deadline=None, max_examples=80)
@given(members())
def test_optimum_is_the_regression_truncated(m):
    s = reduced_rank.solve(m.moments, m.k)
    # Izenman by another road: truncate the fitted values of ordinary least squares on the data.
    fitted = m.X @ np.linalg.lstsq(m.X, m.Y, rcond=1e-10)[0]
    tail = np.linalg.svd(fitted, compute_uv=False)[m.k :]
    assert abs(s.optimum - mean_square(m.Y - fitted) - np.sum(tail**2) / m.n) <= allowed(m)
    assert abs(s.optimum - loss(m, product(s))) <= allowed(m)
    assert s.maps["Wx"].shape == (m.X.shape[1], m.k)
    assert s.maps["Dy"].shape == (m.k, m.Y.shape[1])
    assert s.rank == m.rank_x


@settings(deadline=None, max_examples=60)
@given(members())
def test_no_competitor_is_better(m):
    s = reduced_rank.solve(m.moments, m.k)
    for shake in (1e-3, 0.1, 10.0):
        W = s.maps["Wx"] + shake * np.linalg.norm(s.maps["Wx"]) * m.rng.standard_normal(s.maps["Wx"].shape)
        assert loss(m, W @ oracle.readout(m.X @ W, m.Y)) >= s.optimum - allowed(m)


@pytest.mark.parametrize("seed", range(3))
def test_free_minimisation_ends_at_the_optimum(seed):
    m = build("generic", 30, 4, 3, 2, 0.5, seed)
    lowest = oracle.lowest(lambda W, D: loss(m, W @ D), [(4, 2), (2, 3)], m.rng)
    assert -allowed(m) <= lowest - reduced_rank.solve(m.moments, 2).optimum <= 1e-6 * m.scale


@settings(deadline=None, max_examples=60)
@given(members(WELL_POSED))
def test_encoder_is_the_audits_subspace_and_the_product_is_unique(m):
    s = reduced_rank.solve(m.moments, m.k)
    assert s.unique
    # M Σy Mᵀ = N Nᵀ: in coordinates x C⁻ᵀ with Σx = CCᵀ (Cholesky), the top-k eigenspace of the fitted covariance.
    C = np.linalg.cholesky(covariance(m.X, m.X))
    N = np.linalg.solve(C, covariance(m.X, m.Y))
    U = np.linalg.eigh(N @ N.T)[1][:, ::-1][:, : m.k]
    expected = np.linalg.solve(C.T, U @ U.T @ N)
    gap = s.gap * (s.spectrum[m.k - 1] + np.append(s.spectrum, 0)[m.k]) / s.spectrum[0] ** 2
    condition = np.linalg.cond(covariance(m.X, m.X))
    np.testing.assert_allclose(
        product(s), expected, atol=tolerance(np.linalg.norm(expected) * condition**2, m.size, gap=gap)
    )


@settings(deadline=None, max_examples=60)
@given(members(("deficient", "short", "tied", "null")))
def test_where_the_product_is_not_unique_another_is_as_good(m):
    s = reduced_rank.solve(m.moments, m.k)
    dx, dy = m.X.shape[1], m.Y.shape[1]
    if m.regime == "null":
        assert s.unique
        np.testing.assert_allclose(product(s), 0, atol=allowed(m))
    elif m.regime == "tied":
        assert s.unique == (m.k == min(dx, dy))
        U = np.linalg.svd(covariance(m.X, m.Y))[0][:, : min(dx, dy)] @ orthonormal(m.rng, min(dx, dy), m.k)
        assert abs(loss(m, U @ U.T @ covariance(m.X, m.Y) / 4) - s.optimum) <= allowed(m)
    elif m.rank_x < dx:
        assert not s.unique
        kernel = np.linalg.svd(m.X)[2][-1]
        other = product(s) + np.outer(kernel, s.maps["Dy"][0])
        assert abs(loss(m, other) - s.optimum) <= allowed(m)


def test_rank_of_the_regression_below_k_determines_the_product_only():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    Y = np.outer(X[:, 0] - X[:, 1], [1.0, 2.0, 0.0])
    s = reduced_rank.solve(Moments.from_arrays(X, Y), 2)
    assert s.unique
    assert s.stats["rank_N"] == 1
    assert "product" in s.free
    expected = np.outer([1.0, -1.0, 0.0], [1.0, 2.0, 0.0])
    np.testing.assert_allclose(product(s), expected, atol=tolerance(10 * np.linalg.cond(X) ** 2, 40))


def test_the_regression_is_not_the_cca():
    m = Moments.from_arrays(*PAPER)
    s = reduced_rank.solve(m, 1)
    assert s.optimum == pytest.approx(13 / 4, abs=tolerance(25 / 4, 4))
    X, Y = PAPER
    Wx = cca.solve(m, 1).maps["Wx"]
    np.testing.assert_allclose(np.abs(Wx.ravel()), [0, 1], atol=tolerance(25 / 4, 4))
    assert mean_square(Y - X @ Wx @ oracle.readout(X @ Wx, Y)) == pytest.approx(25 / 4)


@settings(deadline=None, max_examples=40)
@given(members())
def test_a_ridge_is_the_penalty_on_the_product(m):
    ridge = 0.3 * mean_square(m.X) / m.X.shape[1]
    X = np.vstack([m.X, np.sqrt(m.n * ridge) * np.eye(m.X.shape[1])])
    Y = np.vstack([m.Y, np.zeros((m.X.shape[1], m.Y.shape[1]))])
    fitted = X @ np.linalg.lstsq(X, Y, rcond=None)[0]
    expected = (np.sum((Y - fitted) ** 2) + np.sum(np.linalg.svd(fitted, compute_uv=False)[m.k :] ** 2)) / m.n
    s = reduced_rank.solve(m.moments, m.k, ridge=ridge)
    assert abs(s.optimum - expected) <= tolerance(m.scale * (1 + mean_square(m.X) / ridge), m.size)
    assert abs(loss(m, product(s)) + ridge * np.sum(product(s) ** 2) - expected) <= tolerance(
        m.scale * (1 + mean_square(m.X) / ridge), m.size
    )


def test_constant_inputs_and_bad_input():
    Y = PAPER[1]
    s = reduced_rank.solve(Moments.from_arrays(np.ones((4, 2)), Y), 2)
    assert s.optimum == pytest.approx(mean_square(Y))
    assert (s.rank, s.unique, s.maps["Wx"].shape) == (0, False, (2, 2))
    for rank in (0, 3):
        with pytest.raises(ValueError, match="choose one"):
            reduced_rank.solve(Moments.from_arrays(*PAPER), rank)
