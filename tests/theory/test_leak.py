"""F1, F2: the minimiser by quadrature, the expectations by enumeration in exact fractions and on drawn batches."""

from fractions import Fraction
from itertools import combinations, product
from math import exp, inf, pi, sqrt

import numpy as np
import pytest
import sympy
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from theory import discrepancy, leak
from theory.discrepancy import TGrid, t_grid
from theory.linalg import tolerance

GRID = t_grid()


def within(sample, expected, errors=5.0):
    """The mean of the sample is within so many of its standard errors of the expected value."""
    return abs(np.mean(sample) - expected) <= errors * np.std(sample, ddof=1) / len(sample) ** 0.5


# F1


@pytest.mark.parametrize("n", [2, 3, 8, 64, 1024])
def test_the_plug_in_loss_shrinks(n):
    def loss(c):  # written out for N(0, c²), integrated adaptively
        def integrand(t):
            phi, target = exp(-((c * t) ** 2) / 2), exp(-(t**2) / 2)
            return ((phi - target) ** 2 + (1 - phi**2) / n) * exp(-(t**2) / 2)

        return quad(integrand, 0, 12, epsabs=1e-13, epsrel=1e-13)[0]

    found = minimize_scalar(loss, bounds=(0.05, 2.0), method="bounded", options={"xatol": 1e-9}).x
    assert abs(found - leak.shrinkage(n)) <= 1e-6  # the root of the rounding of a flat minimum
    if n <= 64:
        assert abs(found - 1 + 1 / n + 1 / (2 * n**2)) > 1e-5  # no other coefficient of n⁻²


def test_the_expansion_of_the_shrinkage():
    e = sympy.Symbol("e", positive=True)
    q = (1 - e) ** sympy.Rational(2, 3)
    series = sympy.series(sympy.sqrt((2 * q - 1) / (2 - q)), e, 0, 4).removeO()
    assert sympy.expand(series - (1 - e - sympy.Rational(8, 27) * e**3)) == 0
    assert leak.shrinkage(16) == pytest.approx(float(sympy.sqrt((2 * q - 1) / (2 - q)).subs(e, 1 / 16)), rel=1e-14)


def test_one_row_shrinks_to_nothing():
    assert leak.shrinkage(1) == 0.0
    hermite = TGrid(*np.polynomial.hermite_e.hermegauss(60))
    losses = [leak.expected_scale_loss(c, 1, hermite) for c in (0.0, 0.1, 0.5, 1.0)]
    assert losses == sorted(losses)


def test_the_unbiased_form_does_not_shrink():
    for n in (2, 8, 64):
        losses = [leak.expected_scale_loss(c, n, GRID, unbiased=True) for c in (leak.shrinkage(n), 1.0, 1.1)]
        assert losses[1] == 0.0
        assert min(losses[0], losses[2]) > 0
        assert leak.expected_scale_loss(leak.shrinkage(n), n, GRID) < leak.expected_scale_loss(1.0, n, GRID)


@pytest.mark.parametrize("c", [0.6, 1.0, 1.5])
def test_the_expected_scale_loss_on_drawn_batches(c):
    n, replicates = 8, 4000
    rng = np.random.default_rng([0, round(10 * c)])
    phi = discrepancy.ecf(c * rng.standard_normal((n, replicates)), GRID.nodes)
    target = np.exp(-(GRID.nodes**2) / 2)[:, None] + 0j
    for unbiased in (False, True):
        sample = discrepancy.distance_from_ecf(phi, target, n, 10**12, GRID, unbiased)
        assert within(sample, leak.expected_scale_loss(c, n, GRID, unbiased))
        assert not within(sample, leak.expected_scale_loss(c, n, GRID, not unbiased))


# F2, exactly: values are whole numbers and t = π/2, so that every exp(itx) is a power of i

POWERS = [(1, 0), (0, 1), (-1, 0), (0, -1)]
QUARTER = TGrid(np.array([pi / 2]), np.array([1.0]))


def mean(values):
    """Mean of Gaussian rationals, as (re, im)."""
    values = list(values)
    return tuple(Fraction(sum(v[i] for v in values), 1) / len(values) for i in (0, 1))


def square(a):
    return a[0] ** 2 + a[1] ** 2


def statistic(x, y, unbiased):
    """Distance of two samples at t = π/2, from its definition."""
    a, b = mean(POWERS[v % 4] for v in x), mean(POWERS[v % 4] for v in y)
    if not unbiased:
        return square((a[0] - b[0], a[1] - b[1]))
    n, m = len(x), len(y)
    between = a[0] * b[0] + a[1] * b[1]
    return (n * square(a) - 1) / (n - 1) + (m * square(b) - 1) / (m - 1) - 2 * between


def waves(points):
    """φ_P, φ_Q and E exp(it(X − Y)) of equally weighted points (x, y), each of shape [1]."""
    columns = [x for x, _ in points], [y for _, y in points], [x - y for x, y in points]
    return [np.array([complex(*map(float, mean(POWERS[v % 4] for v in column)))]) for column in columns]


def average(values):
    values = list(values)
    return sum(values, Fraction(0)) / len(values)


LAWS = [[(0, 0), (1, 1), (2, 3)], [(0, 1), (1, 2), (2, 2)], [(0, 2), (3, 3), (3, 0), (1, 0)]]


@pytest.mark.parametrize("points", LAWS)
@pytest.mark.parametrize(("n", "m", "shared"), [(2, 2, 0), (2, 2, 1), (2, 2, 2), (3, 2, 1), (1, 2, 1), (2, 3, 2)])
@pytest.mark.parametrize("unbiased", [False, True])
def test_batches_that_share_points_of_a_law(points, n, m, shared, unbiased):
    if unbiased and min(n, m) < 2:
        with pytest.raises(ValueError, match="pass at least 2"):
            leak.expected_distance([1.0], [1.0], QUARTER, n, m, unbiased=True)
        return
    found = average(
        statistic([x for x, _ in draw[:n]], [y for _, y in draw[n - shared : n - shared + m]], unbiased)
        for draw in product(points, repeat=n + m - shared)
    )
    P, Q, joint = waves(points)
    expected = leak.expected_distance(P, Q, QUARTER, n, m, joint, shared / (n * m), unbiased=unbiased)
    assert abs(float(found) - expected) <= tolerance(4, 10)
    # The same as the truth, its bias and the leak; and for n = m as the formula of the row-matched batch.
    truth = abs(P[0] - Q[0]) ** 2
    bias = 0 if unbiased else discrepancy.plugin_bias(P, Q, n, m, QUARTER)
    assert abs(truth + bias + leak.leak(P, Q, joint, QUARTER, shared / (n * m)) - expected) <= tolerance(4, 10)
    if n == m and not unbiased:
        p, instance, independent = shared / n, 2 - 2 * joint[0].real, 2 - 2 * (P[0] * Q[0].conj()).real
        written = (1 - 1 / n) * truth + (p * instance + (1 - p) * independent) / n
        assert abs(written - expected) <= tolerance(4, 10)
    if shared:  # without the leak the number is another one
        assert abs(expected - truth - bias) > 0.01


def halves(points):
    """All splits of the points into two ordered parts of ⌈N/2⌉ and ⌊N/2⌋."""
    N = len(points)
    for chosen in combinations(range(N), (N + 1) // 2):
        rest = [i for i in range(N) if i not in chosen]
        yield [points[i][0] for i in chosen], [points[i][1] for i in rest]


def independent_batches(points, n, m):
    for a, b in product(combinations(points, n), combinations(points, m)):
        yield [x for x, _ in a], [y for _, y in b]


def matched_batches(points, n):
    for a in combinations(points, n):
        yield [x for x, _ in a], [y for _, y in a]


SETS = [
    [(0, 0), (1, 1), (2, 3), (1, 2)],
    [(0, 1), (1, 1), (1, 2), (3, 3), (2, 0)],
    [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (0, 0)],
]


@pytest.mark.parametrize("points", SETS)
@pytest.mark.parametrize("unbiased", [False, True])
def test_batches_from_one_finite_set(points, unbiased):
    N, (P, Q, joint) = len(points), waves(points)
    schemes = {
        "halves": (halves(points), (N + 1) // 2, N // 2, 0.0, -1 / (N - 1)),
        "independent": (independent_batches(points, 3, 2), 3, 2, 1 / N, 0.0),
        "matched": (matched_batches(points, 3), 3, 3, 1 / 3, (N - 3) / (3 * (N - 1))),
        "all": (matched_batches(points, N), N, N, 1 / N, 0.0),
    }
    for name, (batches, n, m, coincidence, weight) in schemes.items():
        found = float(average(statistic(x, y, unbiased) for x, y in batches))
        assert leak.instance_weight(coincidence, N) == pytest.approx(weight, abs=1e-15), name
        expected = leak.expected_distance(P, Q, QUARTER, n, m, joint, coincidence, N, unbiased)
        assert abs(found - expected) <= tolerance(4, 20), name
        if name == "halves":
            # The finite set is not a law: the formula for disjoint points of a law misses the leak of −1/(N − 1).
            other = leak.expected_distance(P, Q, QUARTER, n, m, joint, coincidence, inf, unbiased)
            assert abs(found - other) > 0.01
            if unbiased:
                written = abs(P - Q) ** 2 * N / (N - 1) - (2 - 2 * np.real(joint)) / (N - 1)
                assert abs(found - written[0]) <= tolerance(4, 20)


@pytest.mark.parametrize("points", LAWS)
@pytest.mark.parametrize("unbiased", [False, True])
def test_over_the_draw_of_the_set(points, unbiased):
    """N = 3 points are drawn from the law first: independent batches then leak 1/N, disjoint ones nothing."""
    P, Q, joint = waves(points)
    sets = list(product(points, repeat=3))
    found = float(average(statistic(x, y, unbiased) for s in sets for x, y in independent_batches(s, 2, 2)))
    expected = leak.expected_distance(P, Q, QUARTER, 2, 2, joint, 1 / 3, unbiased=unbiased)
    assert abs(found - expected) <= tolerance(4, 20)
    assert abs(found - leak.expected_distance(P, Q, QUARTER, 2, 2, unbiased=unbiased)) > 0.01
    if not unbiased:
        found = float(average(statistic(x, y, unbiased) for s in sets for x, y in halves(s)))
        assert abs(found - leak.expected_distance(P, Q, QUARTER, 2, 1)) <= tolerance(4, 20)


@pytest.mark.parametrize("matched", [0, 8, 16])
@pytest.mark.parametrize("unbiased", [False, True])
def test_drawn_gaussian_batches(matched, unbiased):
    n, replicates, correlation, scale = 16, 4000, 0.8, 1.3
    rng = np.random.default_rng([1, matched, unbiased])
    x, e, other = rng.standard_normal((3, n, replicates))
    y = scale * (correlation * x + sqrt(1 - correlation**2) * e)
    y[matched:] = scale * other[matched:]
    t = GRID.nodes
    P, Q = np.exp(-(t**2) / 2), np.exp(-((scale * t) ** 2) / 2)
    joint = np.exp(-(t**2) * (1 + scale**2 - 2 * correlation * scale) / 2)
    sample = discrepancy.ecf_distance(x, rng.permuted(y, axis=0), GRID, unbiased)  # the order of the rows is not seen
    for share in (0, 8, 16):
        expected = leak.expected_distance(P, Q, GRID, n, n, joint, share / n**2, unbiased=unbiased)
        assert within(sample, expected) == (share == matched)


@pytest.mark.parametrize("disjoint", [False, True])
def test_drawn_batches_from_one_set(disjoint):
    N, n, replicates = 12, 6, 6000
    rng = np.random.default_rng([2, disjoint])
    x = rng.standard_normal(N)
    y = x + 0.1 * rng.standard_normal(N)
    first = rng.random((replicates, N)).argsort(axis=1)
    second = first[:, n:] if disjoint else rng.random((replicates, N)).argsort(axis=1)[:, :n]
    sample = discrepancy.ecf_distance(x[first[:, :n]].T, y[second].T, GRID)
    P, Q, joint = (discrepancy.ecf(v[:, None], GRID.nodes)[:, 0] for v in (x, y, x - y))
    for coincidence in (0.0, 1 / N, 1 / n):
        expected = leak.expected_distance(P, Q, GRID, n, n, joint, coincidence, N)
        assert within(sample, expected) == (coincidence == (0.0 if disjoint else 1 / N))


def test_one_number_per_slice():
    rng = np.random.default_rng(3)
    P, Q, J = (discrepancy.ecf(rng.standard_normal((30, 4)), GRID.nodes) for _ in range(3))
    found = leak.expected_distance(P, Q, GRID, 5, 7, J, 0.1)
    assert found.shape == (4,)
    alone = [leak.expected_distance(P[:, i], Q[:, i], GRID, 5, 7, J[:, i], 0.1) for i in range(4)]
    np.testing.assert_allclose(found, alone, rtol=1e-13)


def test_guards():
    with pytest.raises(ValueError, match="pass joint"):
        leak.expected_distance([1.0], [1.0], QUARTER, 2, 2, coincidence=0.5)
    with pytest.raises(ValueError, match="pass joint"):
        leak.expected_distance([1.0], [1.0], QUARTER, 2, 2, n_points=4)
    with pytest.raises(ValueError, match="draw at most as many"):
        leak.expected_distance([1.0], [1.0], QUARTER, 5, 2, [1.0], n_points=4)
    with pytest.raises(ValueError, match="pass a probability"):
        leak.instance_weight(1.5)
    with pytest.raises(ValueError, match="at least 2, or inf"):
        leak.instance_weight(0.5, 1)
    with pytest.raises(ValueError, match="a batch has 0 rows"):
        leak.shrinkage(0)
