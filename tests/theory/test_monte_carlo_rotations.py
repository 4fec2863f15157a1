"""C2 by simulation: what is drawn is what the definition says, and the estimates tell true forms from rivals."""

import numpy as np
import pytest
from scipy.linalg import null_space, sqrtm
from scipy.stats import ortho_group

from theory.ambiguity import rotations
from theory.ambiguity.rotations import AnchoredMaps
from theory.moments import Moments
from theory.monte_carlo import rotations as simulated
from theory.monte_carlo.rotations import Planted
from theory.similarity import r_squared

DRAWS = 2000


def anchors(d, m, seed, draws):
    rng = np.random.default_rng([d, m, seed])
    planted = Planted.random(d, rng)
    X = planted.gaussian(m, draws, rng)
    return rng, planted, X, X @ planted.truth


def near(sample, expected, errors=5.0):
    return abs(np.mean(sample) - expected) <= errors * np.std(sample, ddof=1) / len(sample) ** 0.5


@pytest.mark.parametrize(("d", "m"), [(1, 0), (1, 1), (2, 1), (4, 0), (4, 2), (4, 3), (4, 4), (4, 6)])
def test_maps_match_the_covariance_and_meet_the_anchors(d, m):
    rng, planted, X, Y = anchors(d, m, 0, 20)
    A = planted.matched(X, Y, rng)
    np.testing.assert_allclose(A.swapaxes(1, 2) @ planted.Sx @ A, np.broadcast_to(planted.Sy, A.shape), atol=1e-9)
    np.testing.assert_allclose(X @ A, Y, atol=1e-9)
    assert (np.abs(A - planted.truth).max(axis=(1, 2)) < 1e-7).all() == (m >= d)


def test_the_planted_covariances():
    rng = np.random.default_rng(1)
    planted, Sy = Planted.random(5, rng), np.diag([4.0, 2.0, 1.0])
    for S in (planted.Sx, planted.Sy):
        np.testing.assert_allclose(np.linalg.eigvalsh(S)[::-1], 1 / np.arange(1, 6), rtol=1e-9)
    np.testing.assert_allclose(Planted.random(3, rng, Sy).Sy, Sy, atol=1e-12)
    z = planted.gaussian(40_000, 1, rng)[0]
    np.testing.assert_allclose(z.T @ z / len(z), planted.Sx, atol=0.03)


@pytest.mark.parametrize(("d", "m"), [(3, 0), (4, 1), (4, 3)])
def test_given_the_anchors_the_maps_are_uniform(d, m):
    """The truth turned by SciPy's Haar rotations about its anchors has the same means of R² and of its square."""
    rng, planted, X, Y = anchors(d, m, 1, 1)
    drawn = planted.r_squared(planted.matched(np.repeat(X, DRAWS, 0), np.repeat(Y, DRAWS, 0), rng))
    Ry = np.real(sqrtm(planted.Sy))
    N = null_space(np.linalg.solve(Ry, Y[0].T).T) if m else np.eye(d)
    f = d - m
    H = ortho_group.rvs(f, size=DRAWS, random_state=rng) if f > 1 else rng.choice([-1.0, 1.0], (DRAWS, 1, 1))
    turned = planted.truth @ np.linalg.inv(Ry) @ (np.eye(d) - N @ N.T + N @ H @ N.T) @ Ry
    other = planted.r_squared(turned)
    for power in (1, 2):
        # Independent samples: their difference, paired in the order drawn, has mean zero.
        assert near(drawn**power - other**power, 0.0)
    maps = AnchoredMaps.of(
        Moments(9, np.zeros(d), np.zeros(d), planted.Sx, planted.Sx @ planted.truth, planted.Sy), X[0], Y[0]
    )
    mean, deviation = maps.r_squared()
    assert near(drawn, mean)
    assert not near(drawn, mean + 0.3 * deviation)


def test_the_frames_are_haar():
    rng = np.random.default_rng(2)
    Q = simulated._frames(np.zeros((DRAWS, 0, 3)), rng)
    B = rng.standard_normal((3, 3))
    traces = (Q * B).sum((1, 2))
    assert near(traces, 0.0)
    assert near(traces**2, (B**2).sum() / 3)
    assert near(Q[:, 0, 0] > 0, 0.5)
    assert near(np.linalg.det(Q) > 0, 0.5)


@pytest.mark.parametrize("m", [0, 2, 7])
def test_regression_is_that_of_the_pseudo_inverse(m):
    _, planted, X, Y = anchors(4, m, 3, 3)
    R = np.linalg.inv(np.real(sqrtm(planted.Sx)))
    for x, y, A, raw in zip(X, Y, planted.regression(X, Y), planted.regression(X, Y, whiten=False), strict=True):
        np.testing.assert_allclose(A, R @ np.linalg.pinv(x @ R) @ y, atol=1e-9)
        np.testing.assert_allclose(raw, np.linalg.lstsq(x, y, rcond=None)[0] if m else np.zeros((4, 4)), atol=1e-9)


def test_r_squared_is_that_of_rows_with_these_moments():
    rng, planted, _, _ = anchors(3, 0, 4, 1)
    noise = rng.standard_normal((30, 3))
    white = np.linalg.qr(noise - noise.mean(0))[0] * 30**0.5
    rows, A = white @ np.linalg.cholesky(planted.Sx).T, rng.standard_normal((2, 3, 3))
    expected = [r_squared(rows @ a, rows @ planted.truth) for a in A]
    np.testing.assert_allclose(planted.r_squared(A), expected, rtol=1e-10)


@pytest.mark.parametrize(("d", "m"), [(1, 0), (2, 1), (6, 0), (6, 2), (6, 5)])
def test_estimates_contain_the_closed_forms_and_miss_their_rivals(d, m):
    rng = np.random.default_rng([5, d, m])
    matched = simulated.expected_matched_r_squared(d, m, DRAWS, rng)
    alone = simulated.expected_anchors_r_squared(d, m, DRAWS, rng)
    assert matched.contains(rotations.expected_matched_r_squared(d, m))
    assert not matched.contains(m / d)
    if m:
        assert alone.contains(rotations.expected_anchors_r_squared(d, m))
        assert not alone.contains(2 * m / d - 1)
    else:
        assert (alone.mean, alone.error) == (0.0, 0.0)  # no anchor, no map
    for Sy in (None, np.diag(1.0 / np.arange(1, d + 1) ** 2)):
        deviation = simulated.matched_r_squared_deviation(d, m, Sy, DRAWS, rng)
        expected = rotations.matched_r_squared_deviation(d, m, Sy)
        assert deviation.contains(expected)
        assert not deviation.contains(1.25 * expected)
        assert not deviation.contains(expected / 1.25)


def test_as_many_anchors_as_dimensions_leave_nothing():
    rng = np.random.default_rng(6)
    for estimate in (simulated.expected_matched_r_squared, simulated.expected_anchors_r_squared):
        found = estimate(3, 4, 50, rng)
        assert found.mean == pytest.approx(1.0, abs=1e-9)
        assert found.error < 1e-9


def test_what_cannot_be_simulated_says_why():
    rng = np.random.default_rng(7)
    with pytest.raises(ValueError, match="take at least 2"):
        simulated.expected_matched_r_squared(3, 1, 1, rng)
    with pytest.raises(ValueError, match="pass 0 or more"):
        simulated.expected_anchors_r_squared(3, -1, 10, rng)
