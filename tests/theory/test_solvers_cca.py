"""Lemma 3: against the generalised eigenproblem, QR on the data, free minimisation; ties and null directions."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.linalg import eigh as generalised

from theory.linalg import tolerance
from theory.moments import Moments
from theory.solvers import cca

from . import oracle
from .members import WELL_POSED, build, covariance, mean_square, members, orthonormal


def condition(m):
    """Worse condition number of the two covariances on their ranges: whitening amplifies rounding by it."""
    worst = 1.0
    for A, r in ((m.X, m.rank_x), (m.Y, m.rank_y)):
        s = np.linalg.svd(A, compute_uv=False)
        worst = max(worst, (s[0] / s[r - 1]) ** 2)
    return worst


@settings(deadline=None, max_examples=80)
@given(members())
def test_codes_are_white_and_attain_the_optimum(m):
    s = cca.solve(m.moments, m.k)
    allowed = tolerance(condition(m), m.size)
    for A, W in ((m.X, s.maps["Wx"]), (m.Y, s.maps["Wy"])):
        np.testing.assert_allclose(covariance(A @ W, A @ W), np.eye(m.k), atol=allowed)
    assert abs(oracle.cc(m, s.maps) - s.optimum) <= 2 * m.k * allowed
    assert s.rank == min(m.rank_x, m.rank_y)


@settings(deadline=None, max_examples=80)
@given(members())
def test_correlations_are_those_between_the_column_spaces(m):
    # Björck & Golub: cosines of the angles between orthonormal bases of the centred data, with no covariance formed.
    Ux = np.linalg.svd(m.X, full_matrices=False)[0][:, : m.rank_x]
    Uy = np.linalg.svd(m.Y, full_matrices=False)[0][:, : m.rank_y]
    rho = np.linalg.svd(Ux.T @ Uy, compute_uv=False)
    s = cca.solve(m.moments, m.k)
    np.testing.assert_allclose(s.spectrum, rho, atol=tolerance(condition(m), m.size))
    assert abs(s.optimum - (2 * m.k - 2 * rho[: m.k].sum())) <= 2 * m.k * tolerance(condition(m), m.size)


@settings(deadline=None, max_examples=40)
@given(members((*WELL_POSED, "tied", "null")))
def test_correlations_solve_the_generalised_eigenproblem(m):
    Sx, Sxy, Sy = covariance(m.X, m.X), covariance(m.X, m.Y), covariance(m.Y, m.Y)
    dx, dy = Sxy.shape
    A = np.block([[np.zeros((dx, dx)), Sxy], [Sxy.T, np.zeros((dy, dy))]])
    B = np.block([[Sx, np.zeros((dx, dy))], [np.zeros((dy, dx)), Sy]])
    values = generalised(A, B, eigvals_only=True)[::-1][: min(dx, dy)]
    np.testing.assert_allclose(cca.solve(m.moments, 1).spectrum, values, atol=tolerance(condition(m) ** 2, m.size))


@settings(deadline=None, max_examples=60)
@given(members())
def test_no_white_competitor_is_better(m):
    s = cca.solve(m.moments, m.k)
    for shake in (1e-3, 0.1, 10.0):
        maps = {}
        for name, A in (("Wx", m.X), ("Wy", m.Y)):
            # Codes with SVD-white columns, from a shaken encoder within the row space.
            noise = A.T @ m.rng.standard_normal((m.n, m.k)) / m.n
            W = s.maps[name] + shake * np.linalg.norm(s.maps[name]) * noise / np.linalg.norm(noise)
            _, values, Qt = np.linalg.svd(A @ W, full_matrices=False)
            maps[name] = W @ (Qt.T / values) @ Qt * np.sqrt(m.n)
        assert oracle.cc(m, maps) >= s.optimum - 2 * m.k * tolerance(condition(m), m.size)


@pytest.mark.parametrize("seed", range(3))
def test_free_minimisation_ends_at_the_optimum(seed):
    m = build("generic", 40, 4, 3, 2, 0.5, seed)

    def loss(A, B):
        return mean_square(m.X @ oracle.whitened(A, m.X) - m.Y @ oracle.whitened(B, m.Y))

    lowest = oracle.lowest(loss, [(4, 2), (3, 2)], m.rng)
    assert -tolerance(condition(m), m.size) <= lowest - cca.solve(m.moments, 2).optimum <= 1e-6


@settings(deadline=None, max_examples=80)
@given(members())
def test_unique_iff_full_rank_and_a_gap(m):
    s = cca.solve(m.moments, m.k)
    rho = np.append(s.spectrum, 0.0)
    full = m.rank_x == m.X.shape[1] and m.rank_y == m.Y.shape[1]
    planted = {"generic": True, "full": True, "deficient": False, "short": False, "null": False}
    assert s.unique == planted.get(m.regime, full and m.k == min(m.rank_x, m.rank_y))
    assert s.gap == pytest.approx(rho[m.k - 1] - rho[m.k], abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_ties_leave_a_common_rotation_among_the_tied_directions(k):
    rng = np.random.default_rng(k)
    n, rho = 30, np.array([0.9, 0.5, 0.5, 0.5])
    Q = np.linalg.qr((Z := rng.standard_normal((n, 8))) - Z.mean(0))[0] * np.sqrt(n)
    X, Y = Q[:, :4], rho * Q[:, :4] + np.sqrt(1 - rho**2) * Q[:, 4:]
    s = cca.solve(Moments.from_arrays(X, Y), k)
    assert s.unique == (k == 1)
    if k == 1:
        return
    P = orthonormal(rng, 3, k - 1)
    U = np.zeros((4, k))
    U[0, 0], U[1:, 1:] = 1, P
    assert abs(mean_square(X @ U - Y @ U) - s.optimum) <= tolerance(1, n)
    V = U.copy()
    V[1:, 1:] = orthonormal(rng, 3, k - 1)
    assert mean_square(X @ U - Y @ V) > s.optimum + 1e-3


def test_zero_correlations_leave_the_null_parts_independent():
    rng = np.random.default_rng(0)
    n = 30
    Q = np.linalg.qr((Z := rng.standard_normal((n, 6))) - Z.mean(0))[0] * np.sqrt(n)
    X, Y = Q[:, :3], np.column_stack([0.8 * Q[:, 0] + 0.6 * Q[:, 3], Q[:, 4:]])
    s = cca.solve(Moments.from_arrays(X, Y), 2)
    assert not s.unique
    for _ in range(3):
        U, V = np.zeros((3, 2)), np.zeros((3, 2))
        U[0, 0] = V[0, 0] = 1
        U[1:, 1:], V[1:, 1:] = orthonormal(rng, 2, 1), orthonormal(rng, 2, 1)
        assert abs(mean_square(X @ U - Y @ V) - s.optimum) <= tolerance(1, n)


@settings(deadline=None, max_examples=40)
@given(members(("generic", "deficient", "short")))
def test_a_ridge_stands_for_white_noise(m):
    ridge = 0.3 * m.scale / m.X.shape[1]
    X = np.vstack([m.X, np.sqrt(m.n * ridge) * np.eye(m.X.shape[1]), np.zeros((m.Y.shape[1], m.X.shape[1]))])
    Y = np.vstack([m.Y, np.zeros((m.X.shape[1], m.Y.shape[1])), np.sqrt(m.n * ridge) * np.eye(m.Y.shape[1])])
    Qx, Qy = np.linalg.qr(X)[0], np.linalg.qr(Y)[0]
    rho = np.linalg.svd(Qx.T @ Qy, compute_uv=False)
    s = cca.solve(m.moments, m.k, ridge=ridge)
    np.testing.assert_allclose(s.spectrum, rho, atol=tolerance(m.scale / ridge, m.size))
    assert s.rank == min(m.X.shape[1], m.Y.shape[1])


@settings(deadline=None, max_examples=20)
@given(members())
def test_the_domains_enter_alike(m):
    a, b = cca.solve(m.moments, m.k), cca.solve(m.moments.swapped(), m.k)
    assert abs(a.optimum - b.optimum) <= 2 * m.k * tolerance(condition(m), m.size)
    assert a.unique == b.unique


def test_whitening_more_codes_than_the_rank_is_infeasible():
    m = build("deficient", 30, 4, 5, 2, 0.0, 1)
    with pytest.raises(ValueError, match=r"rank 4 exceeds the rank 3.*ridge"):
        cca.solve(m.moments, 4)
    assert cca.solve(m.moments, 4, ridge=1.0).maps["Wx"].shape == (4, 4)
    with pytest.raises(ValueError, match="between 1 and"):
        cca.solve(m.moments, 5)
    with pytest.raises(ValueError, match="between 1 and"):
        cca.solve(m.moments, 0)
    with pytest.raises(ValueError, match="ridge"):
        cca.solve(m.moments, 1, ridge=-1.0)
    constant = Moments.from_arrays(np.ones((5, 2)), m.Y[:5])
    with pytest.raises(ValueError, match="rank 1 exceeds the rank 0"):
        cca.solve(constant, 1)
