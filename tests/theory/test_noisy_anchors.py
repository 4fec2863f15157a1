"""C3: errors of fits to noisy anchors, by the moments of the noise, differentiation, quadrature and simulation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.linalg import eigvals, orthogonal_procrustes, solve
from scipy.optimize import minimize_scalar
from scipy.stats import chi, invwishart, norm

from theory.ambiguity import noisy_anchors as noisy
from theory.ambiguity import rotations
from theory.linalg import tolerance
from theory.monte_carlo import noisy_anchors as monte_carlo

from .members import orthonormal


def anchors(rng, d, r, more=0):
    """Rows X of rank r with squared singular values between 1/2 and 2, and those."""
    s = np.sort(rng.uniform(0.5, 2, r))[::-1]
    return orthonormal(rng, r + more, r) * np.sqrt(s) @ orthonormal(rng, d, r).T, s


SIZES = st.integers(1, 5).flatmap(lambda d: st.tuples(st.just(d), st.integers(1, d), st.integers(0, 3)))
SEEDS = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=40)
@given(SIZES, SEEDS)
def test_squared_singular_values_are_those_of_independent_anchors(sizes, seed):
    X, s = anchors(np.random.default_rng(seed), *sizes)
    np.testing.assert_allclose(noisy.squared_singular_values(X), s, rtol=1e-12)


@pytest.mark.parametrize("s", [(1.0, 1.0), (3.0, 0.5), (2.0, 1.0, 0.7), (5.0, 0.3, 0.3, 0.1)])
def test_slopes_of_the_procrustes_fit_sum_to_the_first_order(s):
    # From d anchors on the fit is SciPy's; its expected square is the sum over the entries of the noise.
    d, h = len(s), 1e-3
    X = orthonormal(np.random.default_rng(0), d, d) * np.sqrt(s)
    total = 0.0
    for E in np.eye(d * d).reshape(-1, d, d):
        near, far = (orthogonal_procrustes(X, X + k * h * E)[0] for k in (1, 2))
        near_back, far_back = (orthogonal_procrustes(X, X - k * h * E)[0] for k in (1, 2))
        total += (((8 * (near - near_back) - (far - far_back)) / (12 * h)) ** 2).sum()
    ordered = sum(1 / (a + b) for i, a in enumerate(s) for j, b in enumerate(s) if i != j)
    assert abs(total - ordered) < 1e-8 * ordered
    assert abs(noisy.procrustes_error(s, d, 0.1) - 0.01 * ordered) < 1e-14


def cosine(n, strength):
    """E u₁ of the direction of N(μe₁, I_n), by quadrature over the first coordinate and the length of the others."""
    if n == 1:
        return 2 * norm.cdf(strength) - 1
    x, rest = np.linspace(strength - 9, strength + 9, 1500)[:, None], np.linspace(1e-9, 9 + n, 1500)
    inner = trapezoid(x / np.hypot(x, rest) * chi.pdf(rest, n - 1), rest)
    return trapezoid(inner * norm.pdf(x[:, 0] - strength), x[:, 0])


@pytest.mark.parametrize(("d", "s", "sigma"), [(1, 0.8, 1.0), (2, 1.0, 0.7), (4, 4.0, 1.0), (4, 4.0, 5.0)])
def test_one_anchor_at_any_noise(d, s, sigma):
    exact = 2 * d - 2 * cosine(d, np.sqrt(s) / sigma)
    assert abs(noisy.procrustes_error([s], d, sigma, bounded=True) - exact) < 1e-4


@settings(deadline=None, max_examples=60)
@given(SIZES, st.floats(0, 50), SEEDS)
@example((3, 2, 0), 5e-324, 0)
def test_the_interpolation_keeps_the_bounds_and_the_first_order(sizes, sigma, seed):
    (d, r, _), s = sizes, anchors(np.random.default_rng(seed), *sizes)[1]
    assert 2 * (d - r) - 1e-9 <= noisy.procrustes_error(s, d, sigma, bounded=True) <= 2 * d + 1e-9
    weak = 1e-3
    first, bounded = (noisy.procrustes_error(s, d, weak, bounded=b) - 2 * (d - r) for b in (False, True))
    assert abs(first - bounded) < 100 * d * weak**4 + 1e-12


@pytest.mark.parametrize(
    ("d", "m", "sigma"), [(4, 3, 0.3), (4, 4, 2.0), (4, 8, 2.0), (8, 7, 0.3), (8, 8, 1.0), (8, 12, 2.0)]
)
def test_the_interpolation_is_as_near_as_it_says(d, m, sigma):
    rng = np.random.default_rng([d, m])
    spectra = noisy.gaussian_spectra(d, m, 2000, rng)
    mean = noisy.procrustes_error(spectra, d, sigma, bounded=True).mean()
    found = monte_carlo.expected_procrustes_error(d, m, sigma, 1000, rng)
    assert abs(found.mean - mean) < 0.15 * d


@settings(deadline=None, max_examples=60)
@given(SIZES, st.floats(0.01, 3), st.floats(0.01, 3), SEEDS)
def test_linear_fits_by_the_moments_of_the_noise(sizes, sigma, penalty, seed):
    d = sizes[0]
    X, s = anchors(np.random.default_rng(seed), *sizes)

    def error(L):
        return ((L @ X - np.eye(d)) ** 2).sum() + d * sigma**2 * (L**2).sum()

    allowed = tolerance(1e4 * d * (1 + sigma**2), 8)
    assert abs(noisy.least_squares_error(s, d, sigma) - error(np.linalg.pinv(X))) < allowed
    ridge = solve(X.T @ X + penalty * np.eye(d), X.T)
    assert abs(noisy.ridge_error(s, d, sigma, penalty) - error(ridge)) < allowed


@settings(deadline=None, max_examples=20)
@given(SIZES, st.floats(0.05, 3), SEEDS)
def test_the_best_penalty(sizes, sigma, seed):
    d, s = sizes[0], anchors(np.random.default_rng(seed), *sizes)[1]
    best = minimize_scalar(lambda t: float(noisy.ridge_error(s, d, sigma, np.exp(t))), bounds=(-15, 15))
    assert abs(best.x - np.log(d * sigma**2)) < 1e-3
    assert noisy.ridge_error(s, d, sigma) <= best.fun + 1e-12
    assert noisy.ridge_error(s, d, sigma) <= min(d, noisy.least_squares_error(s, d, sigma))
    assert np.isclose(noisy.ridge_error(s, d, 1e-9), d - len(s), atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.floats(0.01, 3), SEEDS)
def test_from_d_anchors_on_procrustes_more_than_halves(d, sigma, seed):
    s = anchors(np.random.default_rng(seed), d, d)[1]
    share = (d - 1) / (2 * d)
    assert noisy.procrustes_error(s, d, sigma) <= share * noisy.least_squares_error(s, d, sigma) * (1 + 1e-12)
    flat = np.full(d, s[0])
    assert np.isclose(noisy.procrustes_error(flat, d, sigma), share * noisy.least_squares_error(flat, d, sigma))


@pytest.mark.parametrize(("d", "m"), [(3, 8), (1, 4), (8, 3), (5, 1)])
def test_means_over_gaussian_anchors_are_inverse_wishart(d, m):
    r, many = min(m, d), max(m, d)
    inverse = invwishart(df=many, scale=np.eye(r)).mean() if r > 1 else 1 / (many - 2)
    expected = d - r + d * 0.04 * np.trace(np.atleast_2d(inverse))
    assert np.isclose(noisy.expected_least_squares_error(d, m, 0.2), expected)


def test_as_many_gaussian_anchors_as_dimensions_have_no_mean():
    assert [noisy.expected_least_squares_error(4, m, 0.1) for m in (3, 4, 5)] == [np.inf] * 3
    assert noisy.expected_least_squares_error(1, 0, 0.1) == 1.0
    assert [noisy.expected_least_squares_error(4, m, 0.0) for m in (3, 4, 5)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(("d", "m"), [(3, 5), (5, 3), (4, 4), (1, 2), (2, 1)])
def test_spectra_without_the_matrix_have_its_moments(d, m):
    s = noisy.gaussian_spectra(d, m, 20000, np.random.default_rng(0))
    assert s.shape == (20000, min(d, m))
    for sample, expected in ((s.sum(1), d * m), ((s**2).sum(1), d * m * (d + m + 1))):
        assert abs(sample.mean() - expected) < 4 * sample.std() / 20000**0.5
    # The product has the mean of a determinant: m!/(m−d)! for d ≤ m.
    small, large = sorted((d, m))
    volume, expected = s.prod(1), np.prod(np.arange(large - small + 1, large + 1.0))
    assert abs(volume.mean() - expected) < 4 * volume.std() / 20000**0.5


def test_wrong_determinants_are_counted_by_real_eigenvalues():
    rng, d = np.random.default_rng(1), 3
    real = [np.isreal(eigvals(*rng.standard_normal((2, d, d)))).sum() for _ in range(2000)]
    expected = np.pi * noisy.reflection_probability(d, 1.0) / np.arctan(1.0)
    assert abs(np.mean(real) - expected) < 4 * np.std(real) / 2000**0.5
    assert monte_carlo.reflection_probability(d, 1.0, 20000, rng).high < noisy.reflection_probability(d, 1.0)
    assert monte_carlo.reflection_probability(d, 0.02, 20000, rng).contains(noisy.reflection_probability(d, 0.02))


@pytest.mark.parametrize("m", range(5))
def test_exact_anchors_are_theorem_c2(m):
    s = np.ones(m)
    assert 1 - noisy.procrustes_error(s, 4, 0.0, bounded=True) / 4 == rotations.expected_matched_r_squared(4, m)
    assert 1 - noisy.procrustes_error(s, 4, 0.0) / 4 == rotations.expected_matched_r_squared(4, m)
    for error in (noisy.least_squares_error, noisy.ridge_error):
        assert 1 - error(s, 4, 0.0) / 4 == rotations.expected_anchors_r_squared(4, m)


# Where it begins


@pytest.mark.parametrize(("d", "sigma"), [(8, 0.1), (8, 0.3), (4, 1.0)])
def test_matching_begins_to_help_where_the_simulated_gain_changes_sign(d, sigma):
    begins, rng = noisy.helps_from(d, sigma), np.random.default_rng(2)
    assert monte_carlo.gain(d, begins - 2, sigma, "ridge", 1500, rng).high < 0
    assert monte_carlo.gain(d, begins + 2, sigma, "ridge", 1500, rng).low > 0


def test_least_squares_is_beaten_earlier_and_the_earlier_the_noisier():
    d = 12
    begins = [noisy.helps_from(d, sigma, rival="least squares") for sigma in (1e-3, 0.1, 0.3, 1.0)]
    assert begins[0] == d - 1
    assert all(a >= b for a, b in pairwise(begins))
    assert begins[-1] < begins[1] <= d < noisy.helps_from(d, 1.0)
    rng = np.random.default_rng(3)
    assert monte_carlo.gain(d, begins[2] - 2, 0.3, "least squares", 500, rng).high < 0
    assert monte_carlo.gain(d, begins[2] + 1, 0.3, "least squares", 500, rng).low > 0


@settings(deadline=None, max_examples=40)
@given(SIZES, st.floats(0, 50), SEEDS)
def test_up_to_half_as_many_anchors_as_dimensions_never_help(sizes, sigma, seed):
    (d, r, _), s = sizes, anchors(np.random.default_rng(seed), *sizes)[1]
    ridge = noisy.ridge_error(s, d, sigma)
    if 2 * r <= d:
        assert ridge <= noisy.procrustes_error(s, d, sigma, bounded=True) + 1e-9
    enough = np.full(d, d * sigma**2 * (d - 1) / (d + 1) + 1e-3)
    assert noisy.procrustes_error(enough, d, sigma) <= noisy.ridge_error(enough, d, sigma) * (1 + 1e-12)


def test_the_gain_rises_through_zero_once():
    gains = [noisy.gain(6, m, 0.3) for m in range(25)]
    assert gains[0] == -6.0
    signs = [g >= 0 for g in gains]
    assert signs == sorted(signs)
    assert signs.index(True) == noisy.helps_from(6, 0.3)
    assert noisy.gain(6, 3, 0.3) == gains[3]
    assert noisy.gain(6, 3, 0.3, seed=1) != gains[3]


def test_exact_anchors_help_from_d_and_one_dimension_works():
    assert noisy.helps_from(5, 0.0) == 5
    assert noisy.helps_from(1, 0.1) >= 1


# Simulation


@pytest.mark.parametrize("r", [1, 2, 3])
def test_simulations_contain_the_closed_forms(r):
    s, d, rng = np.array([9.0, 8.0, 6.0])[:r], 3, np.random.default_rng(r)
    assert monte_carlo.procrustes_error(s, d, 0.1, 2000, rng).contains(float(noisy.procrustes_error(s, d, 0.1)))
    assert monte_carlo.least_squares_error(s, d, 2.0, 2000, rng).contains(float(noisy.least_squares_error(s, d, 2.0)))
    for penalty in (None, 3.0):
        closed = float(noisy.ridge_error(s, d, 2.0, penalty))
        assert monte_carlo.ridge_error(s, d, 2.0, penalty, 2000, rng).contains(closed)
    assert not monte_carlo.procrustes_error(s, d, 0.1, 2000, rng).contains(float(noisy.procrustes_error(s, d, 0.05)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 0.0], 3, 0.1), "leave out those of dependent anchors"),
        (([1.0, -1.0], 3, 0.1), "leave out those of dependent anchors"),
        (([1.0, 1.0, 1.0], 2, 0.1), "not between 1 and d = 2"),
        (([1.0], 2, -0.1), "non-negative"),
        (([1.0], 2, float("nan")), "non-negative"),
    ],
)
def test_impossible_arguments_are_named(arguments, message):
    for error in (noisy.procrustes_error, noisy.least_squares_error, noisy.ridge_error):
        with pytest.raises(ValueError, match=message):
            error(*arguments)


def test_an_unknown_rival_or_number_of_anchors_is_named():
    with pytest.raises(ValueError, match="use one of ridge, least squares"):
        noisy.gain(4, 2, 0.1, "lasso")
    with pytest.raises(ValueError, match="pass 0 or more"):
        noisy.gain(4, -1, 0.1)
