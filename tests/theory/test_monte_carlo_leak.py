"""Drawn batches against complete enumeration, quadrature, and closed forms that are off."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from theory import leak as closed
from theory.monte_carlo import leak
from theory.quadrature import TGrid, t_grid

GRID = TGrid([0.7, 1.9], [1.0, 0.4])
POINTS = np.array([0.0, 0.4, 1.9, -1.3]), np.array([0.3, -0.2, 2.5, -1.0])


def distance(x, y, unbiased):
    """Of two batches, from the definition over pairs of rows."""

    def kernel(u, v):
        return sum(w * np.cos(t * (u - v)) for t, w in zip(GRID.nodes, GRID.weights, strict=True))

    total = -2 * np.mean([kernel(u, v) for u in x for v in y])
    for z in (x, y):
        pairs = [kernel(z[i], z[j]) for i, j in product(range(len(z)), repeat=2) if i != j or not unbiased]
        total += np.mean(pairs)
    return total


def all_batches(sampling, N, n, m):
    for a, b in product(combinations(range(N), n), combinations(range(N), m)):
        if sampling == "independent" or (a == b if sampling == "aligned" else not {*a} & {*b}):
            yield list(a), list(b)


@pytest.mark.parametrize("sampling", ["aligned", "independent", "disjoint"])
def test_batches(sampling):
    a, b = leak.batches(sampling, 5, 2, 2, draws=4000, rng=np.random.default_rng(0))
    assert a.shape == b.shape == (4000, 2)
    for side in (a, b):
        assert (side[:, 0] != side[:, 1]).all()
        assert np.bincount(side.ravel(), minlength=5) == pytest.approx(np.full(5, 1600), abs=200)
    shared = np.array([len({*p} & {*q}) for p, q in zip(a, b, strict=True)])
    expected = {"aligned": {2: 1.0}, "disjoint": {0: 1.0}, "independent": {0: 0.3, 1: 0.6, 2: 0.1}}[sampling]
    assert {*shared} == {*expected}
    for count, share in expected.items():
        assert np.mean(shared == count) == pytest.approx(share, abs=0.04)
    if sampling == "aligned":
        assert np.mean(a[:, 0] == b[:, 0]) == pytest.approx(0.5, abs=0.04)


def test_batches_that_cannot_be_drawn():
    for sampling, N, n, m in (("disjoint", 5, 3, 3), ("independent", 2, 1, 3), ("aligned", 2, 3, 3)):
        with pytest.raises(ValueError, match="draw fewer rows"):
            leak.batches(sampling, N, n, m, draws=2, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="pass m = n"):
        leak.batches("aligned", 5, 3, 2, draws=2, rng=np.random.default_rng(0))


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("sampling", ["aligned", "independent", "disjoint"])
def test_the_mean_loss_is_that_of_all_batches(sampling, unbiased):
    x, y = POINTS
    exact = {
        s: np.mean([distance(x[a], y[b], unbiased) for a, b in all_batches(s, 4, 2, 2)])
        for s in ("aligned", "independent", "disjoint")
    }
    found = leak.expected_distance(x, y, GRID, 2, 2, sampling, unbiased, draws=8000, rng=np.random.default_rng(1))
    for other, value in exact.items():
        assert found.contains(value) == (other == sampling)


def test_a_set_of_its_own_for_each_pair_of_batches():
    rng = np.random.default_rng(2)
    kinds = rng.integers(2, size=(6000, 2))
    x, y = 1.1 * kinds, 2.3 * kinds  # a law of two points
    found = leak.expected_distance(x, y, GRID, 1, 1, "independent", draws=6000, rng=rng)
    values = [distance([1.1 * i], [2.3 * j], False) for i, j in product(range(2), repeat=2)]
    # The same point half of the time, else two points of the law.
    assert found.contains(0.5 * (values[0] + values[3]) / 2 + 0.5 * np.mean(values))
    assert not found.contains(np.mean(values))


@pytest.mark.parametrize("sampling", ["aligned", "independent", "disjoint"])
def test_the_weight_is_that_of_all_batches(sampling):
    roots = np.exp(2j * np.pi * np.arange(5) / 5)
    exact = {
        s: np.mean([(roots[a].mean() * roots[b].mean().conj()).real for a, b in all_batches(s, 5, 2, 2)])
        for s in ("aligned", "independent", "disjoint")
    }
    found = leak.instance_weight(sampling, 5, 2, 2, draws=8000, rng=np.random.default_rng(3))
    for other, value in exact.items():
        assert found.contains(value) == (other == sampling)


def test_the_weight_over_the_draw_of_the_set():
    rng = np.random.default_rng(4)
    for sampling, weight in (("aligned", 1 / 3), ("independent", 1 / 6), ("disjoint", 0.0)):
        found = leak.instance_weight(sampling, 6, 3, 3, True, draws=8000, rng=rng)
        for other in (1 / 3, 1 / 6, 0.0):
            assert found.contains(other) == (other == weight)


@pytest.mark.parametrize("unbiased", [False, True])
def test_shrinkage_is_the_minimum_of_the_mean_loss_of_the_same_batches(unbiased):
    n, draws = 5, 300
    x = np.random.default_rng(5).standard_normal((draws, n))
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)

    def mean_loss(c):
        phi = np.exp(1j * c * nodes[:, None, None] * x).mean(2)
        within = np.abs(phi) ** 2
        if unbiased:
            within = (n * within - 1) / (n - 1)
        return weights @ (within - 2 * phi.real * np.exp(-(nodes**2) / 2)[:, None]).mean(1)

    best = minimize_scalar(mean_loss, bounds=(0.3, 1.6), method="bounded", options={"xatol": 1e-7}).x
    found = leak.shrinkage(n, unbiased, draws=draws, rng=np.random.default_rng(5))
    assert found.mean == pytest.approx(best, abs=1e-4)


def test_the_error_of_the_shrinkage_is_the_spread_over_repetitions():
    rng = np.random.default_rng(6)
    repeated = [leak.shrinkage(4, draws=400, rng=rng) for _ in range(150)]
    spread = np.std([e.mean for e in repeated], ddof=1)
    assert np.mean([e.error for e in repeated]) == pytest.approx(spread, rel=0.2)
    assert np.mean([e.mean for e in repeated]) == pytest.approx(closed.shrinkage(4), abs=5 * spread / 150**0.5)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("c", [0.5, 1.2])
def test_the_scale_loss(c, unbiased):
    n, t = 3, GRID.nodes
    phi, target = np.exp(-((c * t) ** 2) / 2), np.exp(-(t**2) / 2)
    truth = GRID.weights @ (phi - target) ** 2
    bias = GRID.weights @ (1 - phi**2) / n
    found = leak.expected_scale_loss(c, n, GRID, unbiased, draws=8000, rng=np.random.default_rng(7))
    assert found.contains(truth + (0 if unbiased else bias))
    assert not found.contains(truth + (bias if unbiased else 0))


def test_a_point_mass_is_no_estimate():
    grid = t_grid()
    found = leak.expected_scale_loss(0.0, 4, grid, draws=3, rng=np.random.default_rng(8))
    assert found.mean == pytest.approx(grid.weights @ (1 - np.exp(-(grid.nodes**2) / 2)) ** 2, abs=1e-12)
    assert found.error < 1e-15
