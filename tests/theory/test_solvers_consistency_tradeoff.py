"""Lemma 4, corrected: losses on the data, free minimisation, the two ends of the path, the drift from the CCA."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import svdvals

from theory.linalg import subspace_distance, tolerance
from theory.moments import Moments
from theory.solvers import consistency_tradeoff
from theory.solvers.consistency_tradeoff import drift, path, solve

from . import oracle
from .members import WELL_POSED, build, covariance, mean_square, members
from .test_solvers_cca import condition

H1, H2 = np.array([[1, 1, -1, -1], [1, -1, 1, -1]], dtype=float)
PAPER = np.column_stack([2 * H1, H2]), H2[:, None]
WEIGHTS = st.sampled_from([0.0, 0.03, 0.3, 1.0, 30.0])


def loss(m, maps, weight):
    return oracle.cc(m, maps) + weight * oracle.rec(m, maps)


def allowed(m, weight):
    return 4 * m.k * tolerance((1 + weight * m.scale) * condition(m), m.size)


@settings(deadline=None, max_examples=100)
@given(members(), WEIGHTS)
def test_codes_are_white_decoders_read_out_and_the_optimum_is_attained(m, weight):
    s = solve(m.moments, m.k, weight)
    for A, W, D in ((m.X, s.maps["Wx"], s.maps["Dx"]), (m.Y, s.maps["Wy"], s.maps["Dy"])):
        np.testing.assert_allclose(covariance(A @ W, A @ W), np.eye(m.k), atol=tolerance(condition(m), m.size))
        readout = oracle.readout(A @ W, A)
        np.testing.assert_allclose(D, readout, atol=tolerance(condition(m) * np.linalg.norm(readout), m.size))
    assert abs(loss(m, s.maps, weight) - s.optimum) <= allowed(m, weight)
    assert abs(oracle.cc(m, s.maps) - s.stats["consistency"]) <= allowed(m, 0)
    assert abs(oracle.rec(m, s.maps) - s.stats["reconstruction"]) <= tolerance(m.scale * condition(m), m.size)
    assert s.stats["lower_bound"] <= s.optimum
    if s.stats["certified"]:
        assert s.optimum - s.stats["lower_bound"] <= allowed(m, weight)
    assert (s.rank, s.stats["rank_x"]) == (min(m.rank_x, m.rank_y), m.rank_x)
    if m.k == 1:
        assert s.stats["certified"] == 1.0
    if m.regime in ("deficient", "short"):
        assert not s.unique


@settings(deadline=None, max_examples=60)
@given(members(), WEIGHTS)
def test_no_white_competitor_falls_below_the_lower_bound(m, weight):
    s = solve(m.moments, m.k, weight)
    for shake in (1e-3, 0.1, 10.0):
        maps = {}
        for side, A in (("x", m.X), ("y", m.Y)):
            noise = A.T @ m.rng.standard_normal((m.n, m.k)) / m.n
            W = s.maps["W" + side]
            W = W + shake * np.linalg.norm(W) * noise / np.linalg.norm(noise)
            _, values, Qt = np.linalg.svd(A @ W, full_matrices=False)
            maps["W" + side] = W @ (Qt.T / values) @ Qt * np.sqrt(m.n)
            maps["D" + side] = oracle.readout(A @ maps["W" + side], A)
        value = loss(m, maps, weight)
        assert value >= s.stats["lower_bound"] - allowed(m, weight)
        if s.stats["certified"] or shake == 1e-3:
            assert value >= s.optimum - allowed(m, weight)


@pytest.mark.parametrize(("k", "weight", "seed"), [(1, 0.2, 0), (2, 0.2, 1), (2, 2.0, 2), (3, 0.5, 3)])
def test_free_minimisation_ends_at_the_optimum(k, weight, seed):
    m = build("generic", 40, 4, 3, k, 0.5, seed)

    def free(A, B):
        Zx, Zy = m.X @ oracle.whitened(A, m.X), m.Y @ oracle.whitened(B, m.Y)
        kept = mean_square(m.X - Zx @ (Zx.T @ m.X) / m.n) + mean_square(m.Y - Zy @ (Zy.T @ m.Y) / m.n)
        return mean_square(Zx - Zy) + weight * kept

    lowest = oracle.lowest(free, [(4, k), (3, k)], m.rng)
    optimum = solve(m.moments, k, weight).optimum
    assert -allowed(m, weight) <= lowest - optimum <= 1e-6 * (1 + weight * m.scale)


@settings(deadline=None, max_examples=40)
@given(members())
def test_weight_zero_is_the_cca(m):
    Ux = np.linalg.svd(m.X, full_matrices=False)[0][:, : m.rank_x]
    Uy = np.linalg.svd(m.Y, full_matrices=False)[0][:, : m.rank_y]
    rho = np.linalg.svd(Ux.T @ Uy, compute_uv=False)[: m.k]
    s = solve(m.moments, m.k, 0.0)
    assert s.optimum == pytest.approx(2 * m.k - 2 * rho.sum(), abs=allowed(m, 0))
    assert s.stats["certified"] == 1.0
    np.testing.assert_allclose(s.spectrum, rho, atol=allowed(m, 0))


@settings(deadline=None, max_examples=40)
@given(members(("generic", "deficient", "short")))
def test_a_large_weight_approaches_the_two_pcas(m):
    weight = 1e6 / m.scale
    s = solve(m.moments, m.k, weight)
    tails = (np.sum(svdvals(m.X)[m.k :] ** 2) + np.sum(svdvals(m.Y)[m.k :] ** 2)) / m.n
    # The consistency loss lies within [0, 4k], so that its pull on the reconstruction is at most 4k/λ.
    assert -tolerance(m.scale, m.size) <= s.stats["reconstruction"] - tails <= 4 * m.k / weight


@settings(deadline=None, max_examples=40)
@given(members(), st.integers(0, 2**32 - 1))
def test_the_optimum_is_a_concave_increasing_function_of_the_weight(m, seed):
    weights = np.random.default_rng(seed).permutation([0.0, 0.1, 0.3, 1.0, 4.0])
    solutions = path(m.moments, m.k, list(weights))
    for weight, s in zip(weights, solutions, strict=True):
        assert abs(loss(m, s.maps, weight) - s.optimum) <= allowed(m, weight)
        for other, bound in zip(weights, solutions, strict=True):
            # Any solution is a competitor at every weight: a minimum of affine functions.
            value = s.stats["consistency"] + other * s.stats["reconstruction"]
            assert value >= bound.stats["lower_bound"] - allowed(m, 4.0)


@settings(deadline=None, max_examples=40)
@given(members(("full", "null", "tied")), WEIGHTS)
def test_the_reconstruction_is_constant_where_the_audit_says_so(m, weight):
    # Isotropic on its range ("null", "tied": Σx = 4I, Σy = 9I), or k = rank ("full"): only the CCA remains.
    s, cca = solve(m.moments, m.k, weight), solve(m.moments, m.k, 0.0)
    assert s.stats["consistency"] == pytest.approx(cca.optimum, abs=allowed(m, weight))


def test_path_agrees_with_single_solves_and_keeps_the_order_given():
    m = build("generic", 60, 6, 5, 3, 1.0, 5)
    weights = [1.0, 0.0, 3.0, 0.1]
    for weight, s in zip(weights, path(m.moments, 3, weights), strict=True):
        assert s.optimum <= solve(m.moments, 3, weight).optimum + allowed(m, weight)
        assert abs(loss(m, s.maps, weight) - s.optimum) <= allowed(m, weight)
    assert path(m.moments, 3, []) == []


@pytest.mark.parametrize("weight", [0.0, 0.2, 5 / 9, 2.0])
def test_the_audits_example(weight):
    s = solve(Moments.from_arrays(*PAPER), 1, weight)
    cosine = min(1.0, 1 / (3 * weight)) if weight else 1.0
    gained = 2 * cosine + weight * (4 - 3 * cosine**2)
    assert s.optimum == pytest.approx(2 + 5 * weight - gained, abs=tolerance(10, 4))
    if weight == 5 / 9:
        assert s.optimum == pytest.approx(88 / 45, abs=tolerance(10, 4))
        np.testing.assert_allclose(np.abs(s.maps["Wx"][:, 0] * [2, 1]), [4 / 5, 3 / 5], atol=1e-9)
        assert not s.unique  # the sign of the first coordinate is free as well


def test_the_exact_example_without_a_certificate_keeps_an_honest_lower_bound():
    # Theorem B3 as covariances: F* = 145/16 while the semidefinite relaxation gives 8 + √2.
    Sx, M = np.diag([5.0, 1.0, 1.0]), np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    s = solve(Moments(0, np.zeros(3), np.zeros(2), Sx, np.sqrt(Sx) @ M, np.eye(2)), 2, 1.0)
    constant = 2 * 2 + 7 + 2
    assert s.optimum == pytest.approx(constant - 145 / 16, abs=tolerance(10, 5))
    assert s.stats["lower_bound"] <= constant - (8 + np.sqrt(2)) + tolerance(10, 5)
    assert (s.stats["certified"], s.unique) == (0.0, False)
    assert s.optimum - s.stats["certificate_gap"] <= s.stats["lower_bound"]


@settings(deadline=None, max_examples=30)
@given(members(("generic", "deficient", "short")), st.sampled_from([0.1, 1.0]))
def test_a_ridge_stands_for_white_noise(m, weight):
    ridge = 0.2 * m.scale / m.X.shape[1]
    dx, dy = m.X.shape[1], m.Y.shape[1]
    X = np.vstack([m.X, np.sqrt(m.n * ridge) * np.eye(dx), np.zeros((dy, dx))])
    Y = np.vstack([m.Y, np.zeros((dx, dy)), np.sqrt(m.n * ridge) * np.eye(dy)])
    s = solve(m.moments, m.k, weight, ridge=ridge)
    noisy = np.sum((X @ s.maps["Wx"] - Y @ s.maps["Wy"]) ** 2)
    for A, side in ((X, "x"), (Y, "y")):
        noisy += weight * np.sum((A - A @ s.maps["W" + side] @ s.maps["D" + side]) ** 2)
        Z = A @ s.maps["W" + side]
        np.testing.assert_allclose(Z.T @ Z / m.n, np.eye(m.k), atol=tolerance(m.scale / ridge, m.size))
    assert abs(noisy / m.n - s.optimum) <= tolerance((1 + weight * m.scale) * m.scale / ridge, m.size)


@pytest.mark.parametrize(("dx", "dy", "seed"), [(5, 4, 0), (4, 5, 1), (4, 4, 2), (6, 2, 3)])
def test_drift_is_the_derivative_of_the_solution(dx, dy, seed):
    m = build("generic", 60, dx, dy, 2, 0.5, seed)
    moved = drift(m.moments, 2)
    steps = np.array([1e-4, 1e-3]) / m.scale
    for side, A in (("x", m.X), ("y", m.Y)):
        W, T = moved["W" + side], moved["T" + side]
        assert subspace_distance(solve(m.moments, 2, 0.0).maps["W" + side], W) <= tolerance(condition(m), 60, gap=0.01)
        np.testing.assert_allclose(W.T @ covariance(A, A) @ T, 0, atol=tolerance(np.linalg.norm(T) * condition(m), 60))
        first_order, none = (
            [subspace_distance(A @ solve(m.moments, 2, t).maps["W" + side], A @ (W + c * t * T)) for t in steps]
            for c in (1, 0)
        )
        if W.shape[0] == 2:  # the whole space does not move
            assert not T.any()
            continue
        # The remainder is of second order: tenfold steps make it a hundredfold, and leave the drift tenfold.
        assert 60 < first_order[1] / first_order[0] < 160
        assert 8 < none[1] / none[0] < 12
        assert first_order[0] < 0.05 * none[0]


def test_drift_vanishes_iff_the_canonical_spaces_are_invariant():
    moved = drift(Moments.from_arrays(*PAPER), 1)
    np.testing.assert_allclose(moved["Tx"], 0, atol=tolerance(4, 4))
    np.testing.assert_allclose(moved["Ty"], 0, atol=tolerance(4, 4))
    with pytest.raises(ValueError, match="tied"):
        drift(build("tied", 40, 4, 4, 2, 0.0, 0).moments, 2)


@settings(deadline=None, max_examples=40)
@given(members(WELL_POSED), WEIGHTS)
def test_uniqueness_is_claimed_only_with_a_certificate(m, weight):
    s = solve(m.moments, m.k, weight)
    assert not s.unique or s.stats["certified"]
    if m.k == 1 or weight == 0.0:
        assert s.unique
    if not s.unique:
        assert "not proved" in s.free


def test_bad_input():
    m = build("deficient", 30, 4, 5, 2, 0.0, 1)
    for arguments in ((0, 1.0), (5, 1.0), (4, 1.0), (2, -1.0), (2, float("nan")), (2, float("inf"))):
        with pytest.raises(ValueError, match=r"^[^\n]*(choose|pass|lower)[^\n]*$"):
            solve(m.moments, *arguments)
    assert consistency_tradeoff.solve(m.moments, 4, 1.0, ridge=0.5).maps["Dx"].shape == (4, 4)
