"""What the distance is and is not: facts about the losses of the paper, on exact examples."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from theory import discrepancy, mmd
from theory.linalg import tolerance

GRID = discrepancy.t_grid()
HERMITE = discrepancy.TGrid(*np.polynomial.hermite_e.hermegauss(200))


def point(x):
    return np.array([[float(x)]])


def distance(x, y, grid=GRID):
    return float(discrepancy.ecf_distance(point(x), point(y), grid)[0])


def test_a_one_sided_weight_acts_by_the_real_part_of_its_kernel():
    nodes, weights = np.polynomial.legendre.leggauss(30)
    unit_interval = discrepancy.TGrid((nodes + 1) / 2, weights / 2)
    complex_form = 2 - 2 * (1j * np.exp(-1j) - 1j)  # 2 k(0) − 2 k(−1) with k(δ) = ∫₀¹ exp(itδ) dt
    assert np.round(complex_form, 3) == 0.317 + 0.919j
    expected = 2 - 2 * math.sin(1)
    assert abs(complex_form.real - expected) <= tolerance(2, 1)
    assert abs(distance(0, 1, unit_interval) - expected) <= tolerance(2, 60)
    via_kernel = 2 * mmd.ecf_kernel(np.array(0.0), unit_interval) - 2 * mmd.ecf_kernel(np.array(1.0), unit_interval)
    assert abs(via_kernel - expected) <= tolerance(2, 60)


def test_the_square_breaks_the_triangle_inequality():
    # 2√(2π)(1 − e^{−2}) against 4√(2π)(1 − e^{−1/2})
    direct, detour = distance(0, 2, HERMITE), distance(0, 1, HERMITE) + distance(1, 2, HERMITE)
    scale = math.sqrt(2 * math.pi)
    assert abs(direct - 2 * scale * (1 - math.exp(-2))) <= tolerance(4 * scale, 200)
    assert abs(detour - 4 * scale * (1 - math.exp(-0.5))) <= tolerance(4 * scale, 400)
    assert direct > detour + 0.3
    assert distance(0, 2) > distance(0, 1) + distance(1, 2) + 0.3  # the default grid as well


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 5), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_the_root_satisfies_the_triangle_inequality(sizes, seed):
    rng = np.random.default_rng(seed)
    a, b, c = (rng.normal(size=(n, 1)) for n in sizes)
    ab, bc, ac = (discrepancy.ecf_distance(x, y, GRID)[0] for x, y in ((a, b), (b, c), (a, c)))
    assert ac <= (math.sqrt(ab) + math.sqrt(bc)) ** 2 + tolerance(4 * GRID.mass, sum(sizes) * 17)


@pytest.mark.parametrize("step", [0.1875, 0.5, 2.0])
def test_an_equispaced_grid_does_not_see_its_period(step):
    grid = discrepancy.TGrid(step * np.arange(17), np.full(17, step))
    period = 2 * math.pi / step
    # Rounding of t·δ up to 32π, squared by the distance.
    assert distance(0, period, grid) <= 17 * step * tolerance(1.0, 100) ** 2
    assert distance(0, period / 2, grid) > step


def test_finitely_many_slices_never_separate_laws_in_the_plane():
    slices = discrepancy.random_slices(np.random.default_rng(0), 2, 4)
    # Expand ∏_s (δ_{v_s} − δ_{−v_s}) with v_s ⟂ u_s: each slice kills one factor.
    normals = np.stack([-slices[1], slices[0]], axis=1)
    signs = np.array(list(itertools.product([1, -1], repeat=4)))
    atoms, positive = signs @ normals, signs.prod(1) > 0
    p, q = atoms[positive], atoms[~positive]
    assert discrepancy.sliced_ecf(p, q, slices, GRID) <= tolerance(4 * GRID.mass, 16 * 17)
    other = np.array([[1.0], [0.0]])
    assert discrepancy.sliced_ecf(p, q, other, GRID) > 1e-3


def test_canonical_axes_match_marginals_only():
    equal, opposite = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert discrepancy.canonical_ecf(equal, opposite, GRID) == 0
    diagonal = np.array([[1.0], [1.0]]) / math.sqrt(2)
    assert discrepancy.sliced_ecf(equal, opposite, diagonal, GRID) > 0.1
    # Correlation +½ against −½ with the same Gaussian-like marginals: reflect a symmetric second column.
    t = discrepancy.random_slices(np.random.default_rng(1), 40, 2)
    x, y = t[:, 0], t[:, 0] / 2 + t[:, 1] * math.sqrt(0.75)
    a = np.concatenate([np.stack([x, y], 1), -np.stack([x, y], 1)])
    b = a * [1, -1]
    assert (a.T @ a)[0, 1] > 0.2 > -0.2 > (b.T @ b)[0, 1]
    assert discrepancy.canonical_ecf(a, b, GRID) <= tolerance(4 * GRID.mass, 160 * 17)
    assert discrepancy.sliced_ecf(a, b, diagonal, HERMITE) > 1e-4


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(1, 5), st.floats(0.01, 3.0), st.integers(0, 2**32 - 1))
def test_an_instance_loss_bounds_every_slice(n, d, size, seed):
    """A4, on any grid, with row-paired samples."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d))
    b = a + size * rng.normal(size=(n, d))
    for grid in (GRID, HERMITE):
        bound = grid.second_moment
        slack = tolerance(4 * grid.mass, n * len(grid.nodes))
        assert (discrepancy.ecf_distance(a, b, grid) <= bound * ((a - b) ** 2).mean(0) + slack).all()
        # An orthonormal frame averages ⟨u, a − b⟩² to ‖a − b‖²/d, as uniform slices do.
        frame = np.linalg.qr(rng.normal(size=(d, d)))[0]
        loss = discrepancy.sliced_ecf(a, b, frame, grid)
        assert loss <= bound * ((a - b) ** 2).sum(1).mean() / d + slack


def test_the_instance_bound_is_tight_for_small_translations():
    ratio = distance(0, 1e-3, HERMITE) / (HERMITE.second_moment * 1e-6)
    assert 1 - 1e-5 < ratio <= 1


@pytest.mark.parametrize(("n", "rounded"), [(8, 0.87438), (16, 0.93743), (64, 0.984374), (1024, None)])
def test_plug_in_loss_prefers_shrunken_samples(n, rounded):
    """F1: N(0,1) scaled by c against N(0,1): the expected V-statistic is minimised below 1, the U-statistic at 1."""
    phi = np.exp(-(HERMITE.nodes**2) / 2)

    def expected(c):
        scaled = np.exp(-((c * HERMITE.nodes) ** 2) / 2)
        truth = float(HERMITE.weights @ (scaled - phi) ** 2)
        return truth + float(discrepancy.plugin_bias(scaled, phi, n, n, HERMITE))

    q = (1 - 1 / n) ** (2 / 3)
    closed = math.sqrt((2 * q - 1) / (2 - q))
    found = minimize_scalar(expected, bounds=(0.3, 2.0), method="bounded", options={"xatol": 1e-9})
    assert abs(found.x - closed) <= 1e-6  # the root of the rounding of a flat minimum
    assert rounded is None or abs(closed - rounded) <= 6e-6
    assert abs(closed - (1 - 1 / n - 8 / (27 * n**3))) <= 1 / n**4


def test_plug_in_shrinkage_on_drawn_batches():
    n, replicates = 8, 20_000
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n, replicates)), rng.normal(size=(n, replicates))
    q = (1 - 1 / n) ** (2 / 3)
    best = math.sqrt((2 * q - 1) / (2 - q))
    grid = discrepancy.TGrid(*np.polynomial.hermite_e.hermegauss(40))
    loss = {c: discrepancy.ecf_distance(c * a, b, grid) for c in (best, 1.0)}
    unbiased = {c: discrepancy.ecf_distance(c * a, b, grid, unbiased=True) for c in (best, 1.0)}
    for better, worse in ((loss[best], loss[1.0]), (unbiased[1.0], unbiased[best])):
        gain = worse - better
        assert gain.mean() > 4 * gain.std() / math.sqrt(replicates)


@st.composite
def joint_laws(draw):
    """Joint law of (X, Y) on four points, n = 3 rows of which some are matched."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.normal(size=(4, 2)), rng.dirichlet(np.ones(4)), draw(st.integers(0, 3))


@settings(deadline=None, max_examples=12)
@given(joint_laws())
def test_shared_points_leak_an_instance_loss(law):
    """F2, by enumeration of all batches: matched rows draw (X, Y) jointly, the others draw X and Y independently."""
    values, weight, matched = law
    n, t = 3, GRID.nodes
    draws = np.array(list(itertools.product(range(4), repeat=2 * n - matched)))
    chance = weight[draws].prod(1)
    x = values[draws[:, :n], 0].T
    y = values[np.concatenate([draws[:, :matched], draws[:, n:]], axis=1), 1].T
    found = chance @ discrepancy.ecf_distance(x, y, GRID)

    waves = np.exp(1j * t[:, None, None] * values)  # [T, 4, 2]
    phi_p, phi_q = (waves * weight[:, None]).sum(1).T
    p = matched / n
    instance = (np.abs(waves[..., 0] - waves[..., 1]) ** 2 * weight).sum(1)
    independent = 2 - 2 * (phi_p * phi_q.conj()).real
    integrand = (1 - 1 / n) * np.abs(phi_p - phi_q) ** 2 + (p * instance + (1 - p) * independent) / n
    assert abs(found - GRID.weights @ integrand) <= tolerance(4 * GRID.mass, len(draws))
    shuffled = discrepancy.ecf_distance(x, y[::-1], GRID)
    np.testing.assert_allclose(
        shuffled, discrepancy.ecf_distance(x, y, GRID), rtol=0, atol=tolerance(4 * GRID.mass, 51)
    )
