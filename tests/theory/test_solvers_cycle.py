"""Lemma 7: the value, the whole family of minimisers, and what it leaves undetermined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import svdvals

from theory.linalg import tolerance
from theory.moments import Moments
from theory.solvers import cycle

from . import oracle
from .members import WELL_POSED, build, mean_square, members


def principal(A):
    return np.linalg.svd(A, full_matrices=False)[2].T


@settings(deadline=None, max_examples=80)
@given(members(), st.integers(0, 2))
def test_value_with_fewer_and_with_more_codes_than_dimensions(m, extra):
    dx, dy = m.X.shape[1], m.Y.shape[1]
    k = min(m.k + extra, max(dx, dy))
    s = cycle.solve(m.moments, k)
    r = min(k, dx, dy)
    expected = (np.sum(svdvals(m.X)[r:] ** 2) + np.sum(svdvals(m.Y)[r:] ** 2)) / m.n
    assert abs(s.optimum - expected) <= tolerance(m.scale, m.size)
    assert abs(oracle.cyc(m, s.maps) - expected) <= tolerance(m.scale, m.size)
    assert (s.maps["Wx"].shape, s.maps["Dy"].shape) == ((dx, k), (k, dy))
    assert (s.stats["rank_x"], s.stats["rank_y"]) == (m.rank_x, m.rank_y)


@settings(deadline=None, max_examples=60)
@given(members(WELL_POSED))
def test_the_family_of_minimisers_and_its_neighbours(m):
    s = cycle.solve(m.moments, m.k)
    Vx, Vy = principal(m.X)[:, : m.k], principal(m.Y)[:, : m.k]
    A1, A2, G = (m.rng.standard_normal((m.k, m.k)) + 3 * np.eye(m.k) for _ in range(3))
    inverse = np.linalg.inv
    maps = {"Wx": Vx @ A1, "Dy": inverse(A1) @ G @ Vy.T, "Wy": Vy @ A2, "Dx": inverse(A2) @ inverse(G) @ Vx.T}
    amplified = m.scale * max(np.linalg.cond(A) for A in (A1, A2, G)) ** 4
    assert abs(oracle.cyc(m, maps) - s.optimum) <= tolerance(amplified, m.size)
    # The demi-cycles are Vx C Vxᵀ with C any invertible matrix: no PCA.
    C = A1 @ inverse(A2) @ inverse(G)
    np.testing.assert_allclose(maps["Wx"] @ maps["Dx"], Vx @ C @ Vx.T, atol=tolerance(amplified, m.size))
    for name in maps:
        moved = {**maps, name: maps[name] + 0.1 * m.rng.standard_normal(maps[name].shape)}
        assert oracle.cyc(m, moved) >= s.optimum - tolerance(amplified, m.size)


@pytest.mark.parametrize("seed", range(2))
def test_free_minimisation_ends_at_the_optimum(seed):
    m = build("generic", 30, 3, 2, 1, 0.5, seed)

    def loss(Wx, Dx, Wy, Dy):
        return oracle.cyc(m, {"Wx": Wx, "Dx": Dx, "Wy": Wy, "Dy": Dy})

    lowest = oracle.lowest(loss, [(3, 1), (1, 3), (2, 1), (1, 2)], m.rng, starts=8)
    assert -tolerance(m.scale, m.size) <= lowest - cycle.solve(m.moments, 1).optimum <= 1e-6 * m.scale


@settings(deadline=None, max_examples=60)
@given(members())
def test_unique_iff_full_rank_and_gaps(m):
    s = cycle.solve(m.moments, m.k)
    square = m.k == m.X.shape[1] == m.Y.shape[1]
    planted = {"generic": True, "full": True, "deficient": False, "short": False}
    assert s.unique == planted.get(m.regime, square)
    if m.regime in ("tied", "null") and m.k < m.X.shape[1]:
        Q = np.linalg.qr(m.rng.standard_normal((m.X.shape[1],) * 2))[0][:, : m.k]
        Vy = s.maps["Wy"]
        other = {"Wx": Q, "Dx": Q.T, "Wy": Vy, "Dy": Vy.T}
        assert abs(oracle.cyc(m, other) - s.optimum) <= tolerance(m.scale, m.size)


@settings(deadline=None, max_examples=30)
@given(members(WELL_POSED))
def test_the_returned_minimiser_is_also_the_two_pcas(m):
    s = cycle.solve(m.moments, m.k)
    tails = (np.sum(svdvals(m.X)[m.k :] ** 2) + np.sum(svdvals(m.Y)[m.k :] ** 2)) / m.n
    assert abs(oracle.rec(m, s.maps) - tails) <= tolerance(m.scale, m.size)


def test_full_cycles_without_demi_cycles():
    X = np.array([[1.0], [-1.0]])
    maps = {"Wx": np.eye(1), "Dx": 2 * np.eye(1), "Wy": np.eye(1) / 2, "Dy": np.eye(1)}
    m = Moments.from_arrays(X, X)
    assert cycle.solve(m, 1).optimum == 0.0
    assert mean_square(X - X @ maps["Wx"] @ maps["Dy"] @ maps["Wy"] @ maps["Dx"]) == 0.0
    assert float((maps["Wx"] @ maps["Dx"])[0, 0]) == 2.0
    assert float((maps["Wy"] @ maps["Dy"])[0, 0]) == 0.5


def test_the_cross_covariance_is_not_used():
    m = build("generic", 30, 4, 3, 2, 0.5, 0)
    shuffled = Moments.from_arrays(m.X, m.Y[m.rng.permutation(m.n)])
    a, b = cycle.solve(m.moments, 2), cycle.solve(shuffled, 2)
    assert abs(a.optimum - b.optimum) <= tolerance(m.scale, m.size)


@pytest.mark.parametrize("rank", [0, 5])
def test_bad_input(rank):
    m = build("generic", 30, 4, 3, 2, 0.5, 0)
    with pytest.raises(ValueError, match="choose one"):
        cycle.solve(m.moments, rank)
