"""C1, C2, C5: the maps and permutations that anchors leave, enumerated where small, drawn where large."""

from fractions import Fraction
from itertools import combinations, permutations, product
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import null_space, orthogonal_procrustes, sqrtm
from scipy.stats import beta, ortho_group

from theory.ambiguity import permutations as atoms
from theory.ambiguity import rotations
from theory.ambiguity.rotations import AnchoredMaps
from theory.linalg import tolerance
from theory.moments import Moments
from theory.similarity import r_squared

from .members import orthonormal


def spd(rng, d, decay):
    V = orthonormal(rng, d, d)
    return (V * np.arange(1, d + 1) ** -decay) @ V.T


def planted(rng, d, decay=1.0):
    """Moments of y = x A_* and the true A_* = Σx^{-1/2} Q_* Σy^{1/2}, by SciPy's roots."""
    Sx, Sy = spd(rng, d, decay), spd(rng, d, decay)
    Q = orthonormal(rng, d, d) if d > 1 else np.ones((1, 1))
    A = np.linalg.solve(np.real(sqrtm(Sx)), Q @ np.real(sqrtm(Sy)))
    return Moments(1000, rng.standard_normal(d), rng.standard_normal(d), Sx, Sx @ A, Sy), A


def rows(rng, m, moments, A):
    """Anchors: m rows of x in general position, and their images."""
    X = rng.standard_normal((m, moments.dx)) @ np.linalg.cholesky(moments.Sx).T
    return X + moments.mean_x, X @ A + moments.mean_y


def within(sample, expected, errors=5.0):
    """The mean of the sample is within so many of its standard errors (and rounding) of the expected value."""
    sample = np.asarray(sample, dtype=float)
    rounding = tolerance(np.abs(sample).max(), 10)
    return abs(sample.mean() - expected) <= errors * sample.std(ddof=1) / len(sample) ** 0.5 + rounding


def deviation_within(sample, expected, errors=5.0):
    """The same for the variance about the sample mean."""
    return within((sample - sample.mean()) ** 2, expected**2, errors)


# C1


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(0, 6), st.sampled_from([0.0, 1.0]), st.integers(0, 2**32 - 1))
def test_the_matched_maps_that_meet_the_anchors(d, m, decay, seed):
    rng = np.random.default_rng(seed)
    moments, A = planted(rng, d, decay)
    X, Y = rows(rng, m, moments, A)
    maps = AnchoredMaps.of(moments, X, Y)
    assert maps.freedom == max(d - m, 0)
    x, y = X - moments.mean_x, Y - moments.mean_y
    worst = np.linalg.cond(x) ** 2 if m else 1.0
    allowed = tolerance(10 * worst * (1 + np.linalg.norm(x) + np.linalg.norm(A)) ** 2, 8)
    for _ in range(3):
        drawn = maps.draw(rng)
        np.testing.assert_allclose(drawn.T @ moments.Sx @ drawn, moments.Sy, atol=allowed)
        np.testing.assert_allclose(x @ drawn, y, atol=allowed)
    # Every other one is among them: turn the truth by any rotation that fixes the anchors' whitened images.
    Rx, Ry = np.real(sqrtm(moments.Sx)), np.real(sqrtm(moments.Sy))
    N = null_space(np.linalg.solve(Ry, y.T).T) if m else np.eye(d)
    K = orthonormal(rng, N.shape[1], N.shape[1]) if N.shape[1] else np.zeros((0, 0))
    turn = np.eye(d) - N @ N.T + N @ K @ N.T
    other = A @ np.linalg.solve(Ry, turn @ Ry)
    Q = Rx @ other @ np.linalg.inv(Ry)
    H = maps.free_x.T @ Q @ maps.free_y
    np.testing.assert_allclose(H.T @ H, np.eye(len(H)), atol=allowed)
    np.testing.assert_allclose(maps.map(H), other, atol=allowed)


def test_one_anchor_less_than_dimensions_leaves_a_reflection():
    rng = np.random.default_rng(0)
    moments, A = planted(rng, 4)
    maps = AnchoredMaps.of(moments, *rows(rng, 3, moments, A))
    two = [maps.map([[sign]]) for sign in (1.0, -1.0)]
    near = sorted(float(np.linalg.norm(B - A)) for B in two)
    assert near[0] < 1e-9
    assert near[1] > 0.1
    ratio = np.linalg.det(two[0]) / np.linalg.det(two[1])
    assert abs(ratio + 1) < 1e-9
    assert {round(float(np.linalg.norm(maps.draw(rng) - A)), 6) for _ in range(30)} == {0.0, round(near[1], 6)}


def test_dependent_anchors_count_once():
    rng = np.random.default_rng(1)
    moments, A = planted(rng, 4)
    X, Y = rows(rng, 2, moments, A)
    repeated = AnchoredMaps.of(moments, np.vstack([X, X]), np.vstack([Y, Y]))
    assert repeated.freedom == 2


def test_inexact_anchors_are_fitted_as_procrustes_does():
    rng = np.random.default_rng(2)
    moments, A = planted(rng, 3)
    X, Y = rows(rng, 7, moments, A)
    Y = Y + 0.3 * rng.standard_normal(Y.shape)
    Rx, Ry = np.real(sqrtm(moments.Sx)), np.real(sqrtm(moments.Sy))
    x, y = (X - moments.mean_x) @ np.linalg.inv(Rx), (Y - moments.mean_y) @ np.linalg.inv(Ry)
    Q = orthogonal_procrustes(x, y)[0]
    maps = AnchoredMaps.of(moments, X, Y)
    np.testing.assert_allclose(maps.map(np.zeros((0, 0))), np.linalg.solve(Rx, Q @ Ry), atol=1e-10)


def test_haar_has_the_second_moments_of_the_orthogonal_group():
    rng = np.random.default_rng(3)
    B = rng.standard_normal((3, 3))
    drawn = np.array([rotations.haar(3, rng) for _ in range(4000)])
    traces = np.einsum("nij,ij->n", drawn, B)
    assert within(traces, 0.0)
    assert within(traces**2, (B**2).sum() / 3)
    assert within(np.linalg.det(drawn) > 0, 0.5)
    # A QR without the signs fails here: its first entry is never positive.
    assert within(drawn[:, 0, 0] > 0, 0.5)


# C2


def test_r_squared_of_a_map_is_that_of_its_translations():
    rng = np.random.default_rng(4)
    X, Y, A = rng.standard_normal((40, 3)), rng.standard_normal((40, 2)), rng.standard_normal((3, 2))
    m = Moments.from_arrays(X, Y)
    direct = r_squared((X - m.mean_x) @ A, Y - m.mean_y)
    assert abs(rotations.map_r_squared(m, A) - direct) <= tolerance(10 * abs(direct), 40)
    assert np.isnan(rotations.map_r_squared(Moments.from_arrays(X, 0 * Y), A))


@pytest.mark.parametrize("n_anchors", [0, 2, 3, 4])
def test_r_squared_given_the_anchors(n_anchors):
    rng = np.random.default_rng([5, n_anchors])
    X = rng.standard_normal((200, 4)) * [2, 1, 1, 0.5]
    Y = X @ rng.standard_normal((4, 4)) + 0.3 * rng.standard_normal((200, 4))  # neither exact nor orthogonal
    moments = Moments.from_arrays(X, Y)
    maps = AnchoredMaps.of(moments, X[:n_anchors], Y[:n_anchors])
    mean, deviation = maps.r_squared()
    drawn = np.array([rotations.map_r_squared(moments, maps.draw(rng)) for _ in range(1500)])
    if n_anchors == 4:
        assert deviation == 0
        assert np.abs(drawn - mean).max() <= tolerance(100 * abs(mean), 200)
        return
    assert within(drawn, mean)
    if n_anchors == 3:  # two values, so that the deviation is exact
        spread = np.unique(np.round(drawn, 10))
        assert abs(deviation - np.ptp(spread) / 2) <= 1e-9
        return
    assert deviation_within(drawn, deviation)
    assert not deviation_within(drawn, deviation * 2**0.5)


def simulated(rng, d, m, Sy, n):
    """R² of n matched maps and of n regressions on the anchors, in NumPy alone; whitened x, y = x Q_* Σy^{1/2}."""
    anchors = rng.standard_normal((n, m, d))  # whitened images: rows of x̃ Q_*
    frame = np.linalg.qr(np.concatenate([anchors.transpose(0, 2, 1), rng.standard_normal((n, d, d - m))], axis=2))[0]
    N = frame[:, :, m:]
    f = d - m
    H = ortho_group.rvs(f, size=n, random_state=rng) if f > 1 else rng.choice([-1.0, 1.0], (n, 1, 1))
    turn = np.eye(d) - N @ N.transpose(0, 2, 1) + N @ H @ N.transpose(0, 2, 1)
    matched = 2 * np.einsum("nij,ji->n", turn, Sy) / np.trace(Sy) - 1
    seen = np.linalg.pinv(anchors) @ anchors
    regression = np.einsum("nij,ji->n", seen, Sy) / np.trace(Sy)
    return matched, regression


@pytest.mark.parametrize(("d", "n_anchors"), [(2, 1), (5, 0), (5, 2), (5, 4)])
@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_r_squared_over_anchors_and_maps(d, n_anchors, decay):
    rng = np.random.default_rng([6, d, n_anchors])
    Sy = spd(rng, d, decay)
    matched, regression = simulated(rng, d, n_anchors, Sy, 3000)
    expected = rotations.expected_matched_r_squared(d, n_anchors)
    assert expected == pytest.approx(2 * n_anchors / d - 1)
    assert within(matched, expected)
    assert within(regression, rotations.expected_anchors_r_squared(d, n_anchors))
    # Matching doubles the error of the anchors alone.
    assert within(1 - matched, 2 * (1 - n_anchors / d))
    assert not within(matched, n_anchors / d)
    deviation = rotations.matched_r_squared_deviation(d, n_anchors, Sy)
    if d - n_anchors == 1 and decay == 0:
        assert set(np.round(matched, 10)) == {1.0, round(1 - 4 / d, 10)}
        assert deviation == pytest.approx(2 / d)
    else:
        assert deviation_within(matched, deviation)
        assert not deviation_within(matched, 1.25 * deviation)
    if decay > 0:
        assert not deviation_within(matched, rotations.matched_r_squared_deviation(d, n_anchors))


@pytest.mark.parametrize(("d", "n_anchors"), [(d, m) for d in (2, 3, 6) for m in range(d)])
def test_the_deviation_is_exact_for_a_single_direction(d, n_anchors):
    """Σy = uuᵀ: the free share b of u is Beta(f/2, m/2), and R² = 1 − 2b + 2b·h with h an entry of a Haar matrix.

    The variance is linear in Tr²Σy and ‖Σy‖², so that this case and Σy ∝ I, where it is 4/d², determine it.
    """
    f = d - n_anchors
    share = beta(f / 2, n_anchors / 2) if n_anchors else None
    mean, square = (share.mean(), share.moment(2)) if share else (1.0, 1.0)
    expected = 4 * (square - mean**2 + square / f)
    found = rotations.matched_r_squared_deviation(d, n_anchors, np.diag([1.0] + [0.0] * (d - 1)))
    assert found**2 == pytest.approx(expected, rel=1e-12)
    assert rotations.matched_r_squared_deviation(d, n_anchors, 3 * np.eye(d)) == pytest.approx(2 / d, rel=1e-12)


def test_the_deviation_without_anchors_is_that_of_one_haar_matrix():
    Sy = np.diag([4.0, 2.0, 1.0])
    assert rotations.matched_r_squared_deviation(3, 0, Sy) == pytest.approx((4 * 21 / (3 * 49)) ** 0.5)
    assert rotations.matched_r_squared_deviation(1, 0, [[7.0]]) == 2.0
    assert rotations.matched_r_squared_deviation(3, 3, Sy) == 0.0
    assert rotations.expected_matched_r_squared(3, 5) == 1.0


def test_the_mean_of_the_matched_maps_is_the_regression_in_whitened_coordinates():
    rng = np.random.default_rng(7)
    whitened, raw = [], []
    for _ in range(400):
        moments, A = planted(rng, 4, 1.5)
        X, Y = rows(rng, 2, moments, A)
        maps = AnchoredMaps.of(moments, X, Y)
        x, y = X - moments.mean_x, Y - moments.mean_y
        R = np.real(sqrtm(moments.Sx))
        regression = np.linalg.solve(R, np.linalg.pinv(np.linalg.solve(R, x.T).T) @ y)
        H = rotations.haar(2, rng)
        np.testing.assert_allclose((maps.map(H) + maps.map(-H)) / 2, regression, atol=1e-7)
        whitened.append(rotations.map_r_squared(moments, regression))
        raw.append(rotations.map_r_squared(moments, np.linalg.pinv(x) @ y))
    assert within(whitened, 2 / 4)
    difference = np.array(whitened) - raw
    assert difference.mean() > 5 * difference.std() / len(raw) ** 0.5


# C5


def codes(K, s):
    return [tuple(int(i in S) for i in range(K)) for S in combinations(range(K), s)]


def consistent(columns):
    """All permutations that move atoms to atoms of the same column only."""
    K = len(columns)
    return [p for p in permutations(range(K)) if all(columns[p[i]] == columns[i] for i in range(K))]


SMALL = [(3, 2, 1), (3, 1, 1), (3, 2, 2), (4, 2, 0), (4, 2, 2), (4, 1, 2), (4, 3, 2), (5, 2, 2)]


@pytest.mark.parametrize(("K", "s", "m"), SMALL)
def test_binary_codes_by_enumeration(K, s, m):
    points = codes(K, s)
    spread = sum((c - Fraction(s, K)) ** 2 for code in points for c in code)

    def r2(p):
        return 1 - Fraction(sum((c[p[i]] - c[i]) ** 2 for c in points for i in range(K))) / spread

    distinct, mean, largest = Fraction(0), Fraction(0), 0
    for anchors in product(points, repeat=m):
        columns = [tuple(a[i] for a in anchors) for i in range(K)]
        allowed = consistent(columns)
        given_these = sum(map(r2, allowed)) / len(allowed)
        assert atoms.distinct_columns(np.reshape(anchors, (m, K))) == len(set(columns))
        assert abs(given_these - atoms.concept_r_squared(K, s, len(set(columns)))) < 1e-14
        assert (len(allowed) == 1) == (len(set(columns)) == K)
        distinct, mean = distinct + len(set(columns)), mean + given_these
        largest = max(largest, *map(columns.count, columns))
    count = len(points) ** m
    found = atoms.expected_distinct_columns(K, s, m)
    assert found == float(distinct / count)
    assert abs(atoms.concept_r_squared(K, s, found) - mean / count) < 1e-14
    # Two atoms coincide with the closed probability; it is not enough where three can.
    pair = Fraction(sum(a[0] == a[1] for a in points), len(points)) ** m
    assert pair == (1 - Fraction(2 * s * (K - s), K * (K - 1))) ** m
    assert (K - distinct / count == comb(K, 2) * pair) == (largest <= 2)


def test_the_smallest_trap():
    """One anchor for three atoms, two of them active: of the two consistent permutations one has R² = −1."""
    for anchor in codes(3, 2):
        fixed = [sum(p[i] == i for i in range(3)) for p in consistent(anchor)]
        assert sorted(atoms.concept_r_squared(3, 2, k) for k in fixed) == [-1.0, 1.0]
    assert atoms.concept_r_squared(3, 2, atoms.expected_distinct_columns(3, 2, 1)) == 0.0
    assert atoms.expected_distinct_columns(2, 1, 1) == 2.0  # two atoms are told apart by any anchor
    assert atoms.expected_distinct_columns(3, 2, 1, amplitudes=True) == 3.0  # and amplitudes tell these three


@pytest.mark.parametrize(("K", "s", "m"), SMALL)
def test_amplitudes_by_enumeration(K, s, m):
    values = (1, 3)  # two amplitudes for the test code; for the anchors only their being almost surely different counts
    points = [
        tuple(next(fill) if on else 0 for on in c) for c in codes(K, s) for fill in map(iter, product(values, repeat=s))
    ]
    centre = Fraction(sum(c[0] for c in points), len(points))
    spread = sum((c - centre) ** 2 for code in points for c in code)

    def r2(p):
        return 1 - Fraction(sum((c[p[i]] - c[i]) ** 2 for c in points for i in range(K))) / spread

    mean, idle, some = Fraction(0), 0, 0
    for anchors in product(codes(K, s), repeat=m):
        active = [any(a[i] for a in anchors) for i in range(K)]
        allowed = consistent([i if on else None for i, on in enumerate(active)])
        mean += sum(map(r2, allowed)) / len(allowed)
        idle, some = idle + active.count(False), some + (not all(active))
    count = comb(K, s) ** m
    assert atoms.never_active(K, s, m) == pytest.approx((idle / count, some / count), rel=1e-14)
    fixed = atoms.expected_distinct_columns(K, s, m, amplitudes=True)
    found = atoms.concept_r_squared(K, s, fixed, mean=2.0, mean_square=5.0)
    assert abs(found - mean / count) < 1e-13
    if mean != count:  # the amplitudes count: with those of binary codes the number is another one
        assert abs(atoms.concept_r_squared(K, s, fixed) - mean / count) > 1e-3


@pytest.mark.parametrize("amplitudes", [False, True])
@pytest.mark.parametrize(("K", "s", "m"), [(40, 4, 6), (40, 4, 25), (24, 12, 5), (30, 25, 2)])
def test_drawn_anchors_permutations_and_codes(K, s, m, amplitudes):
    rng = np.random.default_rng([8, K, m, amplitudes])
    # a = 1, or log-normal with E a = e^{1/8} and E a² = e^{1/2}
    mean, square = (np.exp(1 / 8), np.exp(1 / 2)) if amplitudes else (1.0, 1.0)

    def draw(n):
        support = rng.random((n, K)).argsort(axis=1).argsort(axis=1) < s
        return support * (rng.lognormal(0, 0.5, (n, K)) if amplitudes else 1.0)

    moved, distinct = [], []
    for _ in range(1500):
        labels = np.unique(draw(m), axis=1, return_inverse=True)[1].ravel()
        # Shuffle within classes: two orders by label with independent ties.
        p = np.empty(K, dtype=int)
        p[np.lexsort((rng.random(K), labels))] = np.lexsort((rng.random(K), labels))
        test = draw(1)[0]
        moved.append(((test[p] - test) ** 2).sum())
        distinct.append(labels.max() + 1)
    expected = atoms.expected_distinct_columns(K, s, m, amplitudes)
    assert within(distinct, expected)
    total = s * square - s**2 / K * mean**2
    assert within(1 - np.array(moved) / total, atoms.concept_r_squared(K, s, expected, mean, square))
    other = atoms.expected_distinct_columns(K, s, m, not amplitudes)
    assert not within(distinct, other)


@pytest.mark.parametrize(("K", "s", "m"), [(30, 3, 2), (30, 3, 40), (12, 6, 9)])
def test_no_term_of_the_exact_sum_is_lost(K, s, m):
    q = [Fraction(comb(K - j, s) + comb(K - j, K - s), comb(K, s)) for j in range(K + 1)]
    exact = sum((-1) ** (j + 1) * comb(K, j) * q[j] ** m for j in range(1, K + 1))
    assert atoms.expected_distinct_columns(K, s, m) == float(exact)
    never = sum((-1) ** (j + 1) * comb(K, j) * Fraction(comb(K - j, s), comb(K, s)) ** m for j in range(1, K + 1))
    assert atoms.never_active(K, s, m)[1] == float(never)


def test_amplitudes_that_hardly_vary_cost_what_binary_codes_cost():
    K, s, m = 200, 4, 60
    fixed = atoms.expected_distinct_columns(K, s, m, amplitudes=True)
    found = atoms.concept_r_squared(K, s, fixed, 1.0, 1.0 + 1e-12)
    assert abs((1 - found) - 2 / (K - 1) * (K - fixed)) < 1e-9
    # the rule of thumb 1 − 2e^{−ms/K}: wrong by O(s/K) of the exponent and by one atom
    assert abs(found - (1 - 2 * np.exp(-m * s / K))) < 0.03
    assert abs(found - (1 - np.exp(-m * s / K))) > 0.2


@pytest.mark.parametrize("amplitudes", [False, True])
def test_the_permutation_becomes_unique_near_the_stated_number_of_anchors(amplitudes):
    rng, K, s = np.random.default_rng(9), 128, 4
    near = atoms.identifying_anchors(K, s)
    assert near == pytest.approx(K * log(K) / s)

    def unique(m):
        support = rng.random((m, K)).argsort(axis=1).argsort(axis=1) < s
        idle = K - np.count_nonzero(support.any(axis=0))
        return idle <= 1 if amplitudes else len(np.unique(support, axis=1).T) == K

    # E r = K^{0.4} and K^{-0.4} there; half of the draws lie on the wrong side with probability far below 1e-6.
    assert sum(unique(round(0.6 * near)) for _ in range(100)) < 50 < sum(unique(round(1.4 * near)) for _ in range(100))


def test_guards():
    rng = np.random.default_rng(10)
    moments, _ = planted(rng, 3)
    with pytest.raises(ValueError, match="anchors have shapes"):
        AnchoredMaps.of(moments, np.zeros((2, 3)), np.zeros((1, 3)))
    singular = Moments(9, np.zeros(2), np.zeros(2), np.diag([1.0, 0.0]), np.zeros((2, 2)), np.eye(2))
    with pytest.raises(ValueError, match="of rank 1"):
        AnchoredMaps.of(singular, np.zeros((0, 2)), np.zeros((0, 2)))
    two = Moments(9, moments.mean_x, np.zeros(2), moments.Sx, np.zeros((3, 2)), np.eye(2))
    with pytest.raises(ValueError, match="of rank 3, y has 2"):
        AnchoredMaps.of(two, np.zeros((0, 3)), np.zeros((0, 3)))
    for s in (0, 3):
        with pytest.raises(ValueError, match="sparsity"):
            atoms.expected_distinct_columns(3, s, 1)
    with pytest.raises(ValueError, match="pass 0 or more"):
        atoms.expected_distinct_columns(3, 1, -1)
    with pytest.raises(ValueError, match="pass 0 or more"):
        rotations.expected_matched_r_squared(3, -1)
    with pytest.raises(ValueError, match="mean square"):
        atoms.concept_r_squared(5, 2, 3, mean=2.0, mean_square=1.0)
