"""Lemma 6, corrected: losses on the data, free minimisation, both ends of the path, the audit's rational formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import svdvals

from theory.linalg import tolerance
from theory.moments import Moments
from theory.solvers.translation_tradeoff import path, solve

from . import oracle
from .members import Member, build, covariance, mean_square, members
from .test_solvers_cca import condition
from .test_solvers_reduced_rank import PAPER

WEIGHTS = st.sampled_from([0.0, 0.03, 0.3, 1.0, 30.0])


def loss(m, maps, weight):
    return oracle.tr(m, maps) + weight * oracle.rec(m, maps)


def allowed(m, weight):
    return 4 * m.k * tolerance((1 + weight) * m.scale * condition(m), m.size)


def stacked_readouts(m, Wx, Wy, weight):
    """Best shared decoders of given encoders by one weighted least-squares problem on the stacked data."""
    root = np.sqrt(weight)
    Zx, Zy = m.X @ Wx, m.Y @ Wy
    Dx = oracle.readout(np.vstack([Zy, root * Zx]), np.vstack([m.X, root * m.X]))
    Dy = oracle.readout(np.vstack([Zx, root * Zy]), np.vstack([m.Y, root * m.Y]))
    return {"Wx": Wx, "Dx": Dx, "Wy": Wy, "Dy": Dy}


@settings(deadline=None, max_examples=100)
@given(members(), WEIGHTS)
def test_codes_are_white_decoders_are_best_and_the_optimum_is_attained(m, weight):
    s = solve(m.moments, m.k, weight)
    Wx, Wy = s.maps["Wx"], s.maps["Wy"]
    for A, W in ((m.X, Wx), (m.Y, Wy)):
        np.testing.assert_allclose(covariance(A @ W, A @ W), np.eye(m.k), atol=tolerance(condition(m), m.size))
    best = stacked_readouts(m, Wx, Wy, weight)
    for name in ("Dx", "Dy"):
        np.testing.assert_allclose(s.maps[name], best[name], atol=tolerance(condition(m) * m.scale**0.5, m.size))
    assert abs(loss(m, s.maps, weight) - s.optimum) <= allowed(m, weight)
    assert abs(oracle.tr(m, s.maps) - s.stats["translation"]) <= allowed(m, 0)
    assert abs(oracle.rec(m, s.maps) - s.stats["reconstruction"]) <= allowed(m, 0)
    assert s.stats["lower_bound"] <= s.optimum
    if s.stats["certified"]:
        assert s.optimum - s.stats["lower_bound"] <= allowed(m, weight)
    if m.k == 1 or weight == 0.0:
        assert s.stats["certified"] == 1.0
    if m.regime in ("deficient", "short"):
        assert not s.unique
    assert not s.unique or s.stats["certified"]


@settings(deadline=None, max_examples=60)
@given(members(), WEIGHTS)
def test_no_white_competitor_falls_below_the_lower_bound(m, weight):
    s = solve(m.moments, m.k, weight)
    for shake in (1e-3, 0.1, 10.0):
        encoders = []
        for side, A in (("x", m.X), ("y", m.Y)):
            noise = A.T @ m.rng.standard_normal((m.n, m.k)) / m.n
            W = s.maps["W" + side]
            W = W + shake * np.linalg.norm(W) * noise / np.linalg.norm(noise)
            _, values, Qt = np.linalg.svd(A @ W, full_matrices=False)
            encoders.append(W @ (Qt.T / values) @ Qt * np.sqrt(m.n))
        value = loss(m, stacked_readouts(m, *encoders, weight), weight)
        assert value >= s.stats["lower_bound"] - allowed(m, weight)
        if s.stats["certified"] or shake == 1e-3:
            assert value >= s.optimum - allowed(m, weight)


@pytest.mark.parametrize(("k", "weight", "seed"), [(1, 0.2, 0), (2, 0.0, 1), (2, 0.5, 2), (3, 2.0, 3)])
def test_free_minimisation_ends_at_the_optimum(k, weight, seed):
    m = build("generic", 40, 4, 3, k, 0.5, seed)

    def free(A, B, Dx, Dy):
        maps = {"Wx": oracle.whitened(A, m.X), "Wy": oracle.whitened(B, m.Y), "Dx": Dx, "Dy": Dy}
        return loss(m, maps, weight)

    lowest = oracle.lowest(free, [(4, k), (3, k), (k, 4), (k, 3)], m.rng, starts=3)
    optimum = solve(m.moments, k, weight).optimum
    assert -allowed(m, weight) <= lowest - optimum <= 1e-6 * (1 + weight) * m.scale


@settings(deadline=None, max_examples=40)
@given(members())
def test_weight_zero_is_the_two_regressions(m):
    expected = 0.0
    for A, B in ((m.X, m.Y), (m.Y, m.X)):
        fitted = A @ np.linalg.lstsq(A, B, rcond=1e-10)[0]
        expected += mean_square(B - fitted) + np.sum(svdvals(fitted)[m.k :] ** 2) / m.n
    s = solve(m.moments, m.k, 0.0)
    assert s.optimum == pytest.approx(expected, abs=allowed(m, 0))
    assert "Q₁" in s.free


@settings(deadline=None, max_examples=40)
@given(members(("generic", "deficient", "short")))
def test_a_large_weight_approaches_the_two_pcas(m):
    weight = 1e5
    s = solve(m.moments, m.k, weight)
    tails = (np.sum(svdvals(m.X)[m.k :] ** 2) + np.sum(svdvals(m.Y)[m.k :] ** 2)) / m.n
    # The PCAs with their own decoders translate at a loss of at most 4(TrΣx + TrΣy).
    assert -allowed(m, 0) <= s.stats["reconstruction"] - tails <= 4 * m.scale / weight


@settings(deadline=None, max_examples=40)
@given(members(), st.integers(0, 2**32 - 1))
def test_solutions_along_the_path_are_competitors_of_one_another(m, seed):
    weights = np.random.default_rng(seed).permutation([0.0, 0.1, 0.3, 1.0, 4.0])
    solutions = path(m.moments, m.k, list(weights))
    for weight, s in zip(weights, solutions, strict=True):
        assert abs(loss(m, s.maps, weight) - s.optimum) <= allowed(m, weight)
        for other, bound in zip(weights, solutions, strict=True):
            value = s.stats["translation"] + other * s.stats["reconstruction"]
            assert value >= bound.stats["lower_bound"] - allowed(m, 4.0)


@settings(deadline=None, max_examples=40)
@given(members(("tied", "null")), WEIGHTS)
def test_isotropic_covariances_give_the_cca(m, weight):
    s = solve(m.moments, m.k, weight)
    rho = 0.6 if m.regime == "tied" else 0.0
    # Σx = 4I, Σy = 9I and all correlations ρ: decoders (ρ + λ)/(1+λ) along the canonical directions.
    gained = m.k * (4 + 9) * (rho**2 + 2 * weight * rho + weight**2) / (1 + weight)
    if rho or weight == 0.0:
        assert s.optimum == pytest.approx((1 + weight) * m.scale - gained, abs=allowed(m, weight))


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.7, 2.0, 25.0])
def test_the_cca_is_worse_on_the_audits_data_by_its_rational_formula(weight):
    X, Y = PAPER
    m = Moments.from_arrays(X, Y)
    margin = (525 * weight**2 + 760 * weight + 264) / (100 * (1 + weight))
    data = Member("generic", X, Y, 1, 2, 2, 0)
    e1, e2 = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
    values = [loss(data, stacked_readouts(data, e, e / scale, weight), weight) for e, scale in ((e1, 2.5), (e2, 1.0))]
    assert values[1] - values[0] == pytest.approx(margin, abs=tolerance(30 * (1 + weight), 4))
    assert solve(m, 1, weight).optimum <= values[0] + tolerance(30 * (1 + weight), 4)


def test_bad_input():
    m = build("deficient", 30, 4, 5, 2, 0.0, 1)
    for arguments in ((0, 1.0), (5, 1.0), (4, 1.0), (2, -1.0), (2, float("nan"))):
        with pytest.raises(ValueError, match=r"^[^\n]*(choose|pass|lower)[^\n]*$"):
            solve(m.moments, *arguments)
    assert solve(m.moments, 4, 1.0, ridge=0.5).maps["Dx"].shape == (4, 4)
