"""The distances against brute-force sums, quadrature, closed forms and exact enumeration."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from theory import discrepancy, mmd
from theory.linalg import tolerance

HERMITE = discrepancy.TGrid(*np.polynomial.hermite_e.hermegauss(200))
GRIDS = {
    "default": discrepancy.t_grid(),
    "hermite": HERMITE,
    "one node": discrepancy.TGrid([0.7], [2.0]),
    "uneven": discrepancy.TGrid([0.0, 0.1, 0.5, 2.5], [1.0, 0.5, 0.25, 3.0]),
}
UNBIASED = pytest.mark.parametrize("unbiased", [False, True])


@st.composite
def pairs(draw, min_rows=1):
    """Two samples [n, S] and [m, S]: n ≠ m, single rows and columns, ties, and scales around that of the t-grid."""
    n, m = draw(st.integers(min_rows, 7)), draw(st.integers(min_rows, 7))
    columns, scale = draw(st.integers(1, 4)), draw(st.sampled_from([0.1, 1.0, 5.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    a, b = scale * rng.standard_normal((n, columns)), scale * rng.standard_normal((m, columns))
    return (np.round(a), np.round(b)) if draw(st.booleans()) else (a, b)


def error(grid, a, b):
    return tolerance(4 * float(np.abs(grid.weights).sum()), (len(a) + len(b)) * len(grid.nodes))


def kernel_sums(x, y, grid):
    """Gram matrix Σ_k w_k cos(t_k (x_j − y_l)) of two 1-D samples, entry by entry."""
    terms = zip(grid.nodes, grid.weights, strict=True)
    return sum(w * np.cos(t * np.subtract.outer(x, y)) for t, w in terms)


def brute_force(x, y, grid, unbiased):
    xx, yy, xy = kernel_sums(x, x, grid), kernel_sums(y, y, grid), kernel_sums(x, y, grid)
    if not unbiased:
        return xx.mean() + yy.mean() - 2 * xy.mean()
    off_x, off_y = xx[~np.eye(len(x), dtype=bool)], yy[~np.eye(len(y), dtype=bool)]
    return off_x.mean() + off_y.mean() - 2 * xy.mean()


@UNBIASED
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_distance_is_the_double_sum_of_its_kernel(grid, unbiased):
    @settings(deadline=None, max_examples=40)
    @given(pairs(min_rows=2))
    def check(sample):
        a, b = sample
        expected = [brute_force(x, y, grid, unbiased) for x, y in zip(a.T, b.T, strict=True)]
        np.testing.assert_allclose(
            discrepancy.ecf_distance(a, b, grid, unbiased), expected, rtol=0, atol=error(grid, a, b)
        )

    check()


@UNBIASED
@settings(deadline=None, max_examples=20)
@given(sample=pairs(min_rows=2), count=st.integers(1, 6), seed=st.integers(0, 1000))
def test_sliced_distance_is_the_mean_over_projections(sample, count, seed, unbiased):
    a, b = sample
    grid, slices = GRIDS["default"], discrepancy.random_slices(np.random.default_rng(seed), a.shape[1], count)
    expected = np.mean([brute_force(a @ u, b @ u, grid, unbiased) for u in slices.T])
    assert abs(discrepancy.sliced_ecf(a, b, slices, grid, unbiased) - expected) <= error(grid, a, b)


def test_default_grid_is_the_trapezoid_rule():
    grid = discrepancy.t_grid()
    nodes = np.linspace(-3, 3, 33)
    for power in (0, 2, 4):
        values = nodes**power * np.exp(-(nodes**2) / 2)
        expected = np.trapezoid(values, nodes)
        assert abs(grid.weights @ grid.nodes**power - expected) <= tolerance(expected, 33)
    assert grid.mass == grid.weights.sum()
    assert abs(grid.second_moment - np.trapezoid(nodes**2 * np.exp(-(nodes**2) / 2), nodes)) <= tolerance(3, 33)


def test_fine_grid_tends_to_the_integral_and_hermite_is_the_whole_line():
    a, b = np.array([0.3, -1.2, 2.0]), np.array([1.0, 0.1])

    def integrand(t):
        return abs(np.exp(1j * t * a).mean() - np.exp(1j * t * b).mean()) ** 2 * math.exp(-(t**2) / 2)

    for grid, end, bound in ((discrepancy.t_grid(3.0, 4001), 3.0, 1e-6), (HERMITE, 12.0, 1e-10)):
        expected = quad(integrand, -end, end, epsabs=1e-12, limit=400)[0]
        assert abs(discrepancy.ecf_distance(a[:, None], b[:, None], grid)[0] - expected) <= bound


@settings(deadline=None, max_examples=30)
@given(st.floats(-2, 2), st.floats(0, 2), st.floats(-2, 2), st.floats(0, 2))
def test_gaussian_laws_have_a_closed_form(mean_p, sd_p, mean_q, sd_q):
    t = HERMITE.nodes[:, None]
    phi_p, phi_q = (np.exp(1j * t * m - (s * t) ** 2 / 2) for m, s in ((mean_p, sd_p), (mean_q, sd_q)))
    joint = 1 + sd_p**2 + sd_q**2
    expected = math.sqrt(2 * math.pi) * (
        (1 + 2 * sd_p**2) ** -0.5
        + (1 + 2 * sd_q**2) ** -0.5
        - 2 * joint**-0.5 * math.exp(-((mean_p - mean_q) ** 2) / (2 * joint))
    )
    # 200 Hermite nodes integrate exp(−4t²) to rounding (60 would leave 2e-6).
    found = discrepancy.distance_from_ecf(phi_p, phi_q, 2, 2, HERMITE)[0]
    assert abs(found - expected) <= tolerance(4 * HERMITE.mass, len(HERMITE.nodes))


@st.composite
def laws(draw):
    """Two laws on three common atoms, and sample sizes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.sampled_from([(2, 2), (2, 3), (3, 2), (4, 2)]))
    return rng.normal(size=3), rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3)), n, m


@settings(deadline=None, max_examples=20)
@given(laws())
def test_bias_and_unbiasedness_over_all_samples(law):
    atoms, p, q, n, m = law
    grid = GRIDS["default"]
    # Every possible pair of samples is one column; its probability is the weight.
    outcomes = np.array(list(itertools.product(range(3), repeat=n + m)))
    weight = p[outcomes[:, :n]].prod(1) * q[outcomes[:, n:]].prod(1)
    a, b = atoms[outcomes[:, :n]].T, atoms[outcomes[:, n:]].T
    phi_p, phi_q = (np.exp(1j * np.outer(grid.nodes, atoms)) @ law for law in (p, q))
    truth = grid.weights @ np.abs(phi_p - phi_q) ** 2
    bound = tolerance(4 * grid.mass, len(outcomes))
    assert abs(weight @ discrepancy.ecf_distance(a, b, grid, unbiased=True) - truth) <= bound
    bias = discrepancy.plugin_bias(phi_p, phi_q, n, m, grid)
    assert abs(weight @ discrepancy.ecf_distance(a, b, grid) - truth - bias) <= bound


def test_bias_of_gaussian_samples_by_monte_carlo():
    n, m, replicates, shift = 8, 5, 20_000, 0.5
    rng, grid = np.random.default_rng(0), GRIDS["default"]
    a, b = rng.normal(size=(n, replicates)), shift + rng.normal(size=(m, replicates))
    phi_p = np.exp(-(grid.nodes**2) / 2)
    phi_q = phi_p * np.exp(1j * grid.nodes * shift)
    truth = grid.weights @ np.abs(phi_p - phi_q) ** 2
    bias = discrepancy.plugin_bias(phi_p, phi_q, n, m, grid)
    for unbiased, expected in ((False, truth + bias), (True, truth)):
        found = discrepancy.ecf_distance(a, b, grid, unbiased)
        assert abs(found.mean() - expected) <= 4 * found.std() / math.sqrt(replicates)
    assert found.min() < 0


@settings(deadline=None, max_examples=40)
@given(pairs())
def test_zero_on_equal_samples_in_any_order_and_symmetric(sample):
    a, b = sample
    grid = GRIDS["default"]
    bound = error(grid, a, b)
    assert np.abs(discrepancy.ecf_distance(a, a[::-1], grid)).max() <= bound
    assert np.abs(discrepancy.ecf_distance(a, np.repeat(a, 3, axis=0), grid)).max() <= bound
    forth, back = discrepancy.ecf_distance(a, b, grid), discrepancy.ecf_distance(b, a, grid)
    np.testing.assert_allclose(forth, back, rtol=0, atol=bound)
    assert forth.min() >= 0


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.floats(0.2, 2.0), st.integers(0, 1000))
def test_translated_samples_are_separated_by_a_known_margin(n, shift, seed):
    a = np.random.default_rng(seed).uniform(-1, 1, size=(n, 1))
    grid = GRIDS["default"]
    # |φ̂_a(t)| ≥ cos t for values in [−1, 1] and t < π/2, and a translation multiplies it by |1 − exp(it shift)|.
    near = grid.nodes < math.pi / 2
    margin = grid.weights[near] @ (np.cos(grid.nodes[near]) * np.abs(1 - np.exp(1j * grid.nodes[near] * shift))) ** 2
    found = discrepancy.ecf_distance(a, a + shift, grid)[0]
    assert found >= margin - error(grid, a, a)
    assert margin > 0.01


@settings(deadline=None, max_examples=20)
@given(pairs(min_rows=2), st.booleans())
def test_numpy_equals_torch(sample, unbiased):
    a, b = sample
    grid, slices = GRIDS["default"], discrepancy.random_slices(np.random.default_rng(0), a.shape[1], 3)
    ta, tb = torch.tensor(a), torch.tensor(b)
    for function in (
        lambda x, y: discrepancy.sliced_ecf(x, y, slices, grid, unbiased),
        lambda x, y: discrepancy.canonical_ecf(x, y, grid, unbiased),
        lambda x, y: mmd.rbf_mmd2(x, y, 0.7, unbiased),
    ):
        found = function(ta, tb)
        assert isinstance(found, torch.Tensor)
        assert abs(found.item() - function(a, b)) <= error(grid, a, b)


@UNBIASED
def test_torch_gradient_of_the_reference(unbiased):
    rng = np.random.default_rng(0)
    a, b = (torch.tensor(rng.normal(size=(n, 2)), requires_grad=True) for n in (3, 4))
    slices = discrepancy.random_slices(rng, 2, 3)
    assert torch.autograd.gradcheck(
        lambda x, y: discrepancy.sliced_ecf(x, y, slices, GRIDS["uneven"], unbiased), (a, b)
    )
    assert torch.autograd.gradcheck(lambda x, y: discrepancy.canonical_ecf(x, y, GRIDS["uneven"], unbiased), (a, b))
    assert torch.autograd.gradcheck(lambda x, y: mmd.rbf_mmd2(x, y, 1.3, unbiased), (a, b))


def test_dtype_is_the_input_s_and_integers_are_raised():
    grid = GRIDS["default"]
    single = np.ones((2, 2), dtype=np.float32)
    assert discrepancy.sliced_ecf(single, single, np.eye(2), grid).dtype == np.float32
    assert discrepancy.sliced_ecf(torch.tensor(single), torch.tensor(single), np.eye(2), grid).dtype == torch.float32
    whole, real = np.array([[0], [1]]), np.array([[0.0], [1.0]])
    assert discrepancy.ecf_distance(whole, -whole, grid) == discrepancy.ecf_distance(real, -real, grid)


def test_working_memory_does_not_grow_with_the_grid():
    a = np.random.default_rng(0).normal(size=(20_000, 4))
    grid = discrepancy.t_grid(3.0, 65)
    tracemalloc.start()
    discrepancy.ecf_distance(a, a + 1, grid)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * a.nbytes  # the pairs would take 20 000 times, the whole grid 65 times this


def test_random_slices_are_uniform_unit_directions():
    d, count = 5, 20_000
    slices = discrepancy.random_slices(np.random.default_rng(0), d, count)
    assert slices.shape == (d, count)
    assert np.abs(np.linalg.norm(slices, axis=0) - 1).max() <= tolerance(1.0, d)
    # Coordinates of a uniform direction: E u² = 1/d, Var u² = 2(d − 1)/(d²(d + 2)), E u = 0.
    assert np.abs((slices**2).mean(1) - 1 / d).max() <= 4.5 * math.sqrt(2 * (d - 1) / (d**2 * (d + 2)) / count)
    assert np.abs(slices.mean(1)).max() <= 4.5 / math.sqrt(d * count)
    assert set(discrepancy.random_slices(np.random.default_rng(0), 1, 9)[0]) == {-1.0, 1.0}


def test_canonical_axes_are_the_union_of_the_active_atoms():
    a, b = np.zeros((3, 4)), np.zeros((2, 4))
    grid = GRIDS["default"]
    assert discrepancy.canonical_ecf(a, b, grid) == 0
    a[1, 0], b[0, 2] = 1.0, 2.0
    assert discrepancy.active_axes(a, b).tolist() == [True, False, True, False]
    per_axis = discrepancy.ecf_distance(a, b, grid)
    assert abs(discrepancy.canonical_ecf(a, b, grid) - (per_axis[0] + per_axis[2]) / 2) <= error(grid, a, b)
    assert min(per_axis[0], per_axis[2]) > 0.1  # an axis active on one side only counts


def test_no_active_atom_gives_zero_and_a_zero_gradient():
    a = torch.zeros((3, 2), requires_grad=True)
    loss = discrepancy.canonical_ecf(a, torch.zeros((3, 2)), GRIDS["default"])
    loss.backward()
    assert loss.item() == 0
    assert a.grad is not None
    assert not a.grad.any()


def test_grids_compare_by_value_and_cannot_change():
    assert discrepancy.t_grid() == discrepancy.t_grid()
    assert hash(discrepancy.t_grid()) == hash(discrepancy.t_grid())
    assert discrepancy.t_grid() != discrepancy.t_grid(points=16)
    with pytest.raises(ValueError, match="read-only"):
        discrepancy.t_grid().nodes[0] = 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x, g: discrepancy.ecf_distance(x[:1], x, g, unbiased=True),
            "at least 2 rows on each side, not 1 and 3",
        ),
        (lambda x, g: discrepancy.ecf_distance(x[:0], x, g), "at least 1 row"),
        (lambda x, g: discrepancy.ecf_distance(x[:, 0], x, g), "2-D array"),
        (lambda x, g: discrepancy.ecf_distance(x[:, :1], x, g), "same number of columns, not 1 and 2"),
        (lambda x, g: discrepancy.ecf_distance(1j * x, x, g), "must be real"),
        (lambda x, g: discrepancy.sliced_ecf(x, x, np.eye(3), g), r"shape \(2, S\), not \(3, 3\)"),
        (lambda x, g: discrepancy.canonical_ecf(x[:1], x, g, unbiased=True), "at least 2 rows"),
        (lambda x, g: discrepancy.random_slices(np.random.default_rng(0), 0, 1), "d ≥ 1"),
        (lambda x, g: discrepancy.t_grid(0.0), "t_max > 0"),
        (lambda x, g: discrepancy.t_grid(3.0, 1), "at least 2 points"),
        (lambda x, g: discrepancy.TGrid([1.0, 2.0], [1.0]), "one length"),
        (lambda x, g: discrepancy.TGrid([], []), "one length"),
        (lambda x, g: discrepancy.TGrid([math.nan], [1.0]), "finite"),
    ],
)
def test_bad_input_is_named_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call(np.ones((3, 2)), GRIDS["default"])
    assert "\n" not in str(caught.value)
