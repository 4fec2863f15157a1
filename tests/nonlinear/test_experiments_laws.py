"""Gaussian translators: the yardsticks by Monte Carlo and by NumPy and SciPy, and what each run reports."""

import json
from functools import partial
from itertools import product

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from nonlinear.experiments import gaussian
from nonlinear.experiments.gaussian import Pair
from nonlinear.translators import train
from theory import discrepancy
from theory.levels import Distribution
from theory.linalg import tolerance
from theory.moments import Moments


@pytest.fixture(scope="module")
def pair():
    return Pair(3)


@pytest.fixture
def tiny(monkeypatch):
    """Runs of a few steps in two dimensions."""
    monkeypatch.setattr(gaussian, "train", partial(train, steps=20))
    for name, value in {
        "WIDTH": 2,
        "STARTS": 2,
        "LAW_STARTS": 2,
        "BATCH": 16,
        "ANCHORS": (1, 2),
        "ROWS": 512,
        "FRESH": 512,
    }.items():
        monkeypatch.setattr(gaussian, name, value)


def by_hand(a, b, u):
    """∫ |φ̂_a − φ̂_b|² exp(−t²/2) dt over [−3, 3] along one direction, by the trapezoid rule."""
    t = np.linspace(-3, 3, 33)
    phi_a, phi_b = (np.exp(1j * np.outer(t, x @ u)).mean(1) for x in (a, b))
    return np.trapezoid(np.abs(phi_a - phi_b) ** 2 * np.exp(-(t**2) / 2), t)


def r2(X, Y, A):
    """R² of centred rows, written out."""
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return 1 - ((Y - X @ A) ** 2).sum() / (Y**2).sum()


def test_the_floor_by_monte_carlo():
    rng, n, u = np.random.default_rng(0), 32, np.array([0.6, 0.0, 0.8])
    pairs = rng.standard_normal((4000, 2, n, 3))
    drawn = np.array([by_hand(a, b, u) for a, b in pairs])
    error = drawn.std() / np.sqrt(len(drawn))
    assert error < 0.02 * gaussian.floor(n)
    assert abs(drawn.mean() - gaussian.floor(n)) < 5 * error


def test_the_distance_is_that_of_the_theory():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((40, 5)), 2 * rng.standard_normal((30, 5))
    slices = discrepancy.random_slices(rng, 5, 7)
    found = gaussian.distance(a, b, slices)
    reference = float(discrepancy.sliced_ecf(a, b, slices, Distribution().grid))
    assert abs(found - reference) <= tolerance(reference, 70)
    assert abs(found - np.mean([by_hand(a, b, u) for u in slices.T])) <= tolerance(reference, 70)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.0])
def test_only_equal_laws_are_at_the_floor(pair, scale):
    """N(0, c²) against N(0, 1), both of 64 rows: ∫ [(φ_c − φ)² + (1 − φ_c²)/64 + (1 − φ²)/64] w dt over the floor."""
    t = np.linspace(-3, 3, 33)
    w, law, scaled = (np.exp(-((c * t) ** 2) / 2) for c in (1.0, 1.0, scale))
    expected = np.trapezoid(((law - scaled) ** 2 + (1 - law**2) / 64 + (1 - scaled**2) / 64) * w, t)
    expected /= np.trapezoid(2 * (1 - law**2) / 64 * w, t)
    # 16 batches, in each some 6 directions that differ: a relative standard error of about .1.
    assert abs(pair.over_floor(scale * pair.A[None]) - expected) < 0.4 * expected
    assert (expected > 3) == (scale < 1)


def test_any_rotation_is_at_the_floor_and_maps_are_averaged(pair):
    R = scipy.stats.ortho_group.rvs(gaussian.WIDTH, random_state=0)
    one, other = (pair.over_floor(A[None]) for A in (R, R / 2))
    assert 0.6 < one < 1.4
    assert pair.over_floor(np.stack([R, R / 2])) == pytest.approx((one + other) / 2)


def test_rows_are_standard_normal_and_y_is_x_rotated(pair):
    np.testing.assert_allclose(pair.A.T @ pair.A, np.eye(gaussian.WIDTH), atol=1e-12)
    for X, Y in ((pair.X, pair.Y), (pair.fresh_X, pair.fresh_Y)):
        np.testing.assert_allclose(X @ pair.A, Y, atol=1e-12)
        assert np.abs(X.T @ X / len(X) - np.eye(gaussian.WIDTH)).max() < 5 * np.sqrt(2 / len(X))
    assert not set(map(bytes, pair.X)) & set(map(bytes, pair.fresh_X))
    assert not set(map(bytes, pair.X)) & set(map(bytes, Pair(4).X))


def test_shuffling_keeps_each_law_and_loses_the_pairs(pair):
    for name in ("mean_x", "mean_y", "Sx", "Sy"):
        np.testing.assert_allclose(getattr(pair.shuffled, name), getattr(pair.moments, name), atol=1e-12)
    assert np.abs(pair.shuffled.Sxy).max() < 5 / np.sqrt(gaussian.FRESH)
    maps = np.stack([pair.A, pair.A / 2])
    np.testing.assert_allclose(pair.r2(maps), [r2(pair.fresh_X, pair.fresh_Y, A) for A in maps], atol=1e-12)
    np.testing.assert_allclose(pair.r2(maps, shuffled=True), [-1, -0.25], atol=0.2)


@pytest.mark.parametrize("m", [1, 4, 6])
def test_ridge_is_least_squares_with_rows_for_the_penalty(pair, m):
    d = gaussian.WIDTH
    X = np.vstack([pair.X[:m], np.sqrt(gaussian.RIDGE) * np.eye(d)])
    solution = np.linalg.lstsq(X, np.vstack([pair.Y[:m], np.zeros((d, d))]), rcond=None)[0]
    np.testing.assert_allclose(gaussian._ridge(pair, m), solution, atol=1e-10)


@pytest.mark.parametrize("m", [1, 3, 6])
def test_regression_is_least_squares_in_whitened_coordinates(m):
    pair = Pair(5, rows=512)
    pair.X, pair.Y = pair.X * [3, 2, 1, 1, 1, 0.5] + 1, pair.Y * [1, 1, 2, 1, 1, 1] - 2
    pair.fresh_X, pair.fresh_Y, pair.moments = pair.X, pair.Y, Moments.from_arrays(pair.X, pair.Y)
    centred = [a - a.mean(0) for a in (pair.X, pair.Y)]
    roots = [np.asarray(scipy.linalg.sqrtm(a.T @ a / len(a))) for a in centred]
    x, y = ((a @ np.linalg.inv(r))[:m] for a, r in zip(centred, roots, strict=True))
    P, _, Qt = np.linalg.svd(x.T @ y)
    expected = np.linalg.inv(roots[0]) @ P[:, :m] @ Qt[:m] @ roots[1]
    np.testing.assert_allclose(gaussian._regression(pair, m), expected, atol=1e-8)


@pytest.mark.parametrize("m", [1, 3, 6])
def test_regression_of_exact_anchors(pair, m):
    """With whitened rows, the minimum-norm solution up to how far 4096 rows are from white."""
    solution = np.linalg.lstsq(pair.X[:m], pair.Y[:m], rcond=None)[0]
    np.testing.assert_allclose(gaussian._regression(pair, m), solution, atol=0.2)


def test_procrustes_of_noisy_anchors_is_scipys():
    pair, d = Pair(6, rows=64), gaussian.WIDTH
    pair.Y = pair.Y + 0.5 * np.random.default_rng(0).normal(size=pair.Y.shape)
    expected = r2(pair.fresh_X, pair.fresh_Y, scipy.linalg.orthogonal_procrustes(pair.X[:d], pair.Y[:d])[0])
    assert expected < 0.99
    assert abs(gaussian._procrustes(pair, d) - expected) < 1e-10


@pytest.mark.parametrize("m", [1, 3, 5])
def test_procrustes_of_fewer_anchors_averages_over_the_rotations_of_the_rest(pair, m):
    """R² of rotations is linear in them, so its mean is that of the fixed part, and its variance 4‖B‖²/(f·TrΣy²)."""
    X, Y = pair.fresh_X - pair.fresh_X.mean(0), pair.fresh_Y - pair.fresh_Y.mean(0)
    fixed = np.linalg.lstsq(pair.X[:m], pair.Y[:m], rcond=None)[0]
    B = scipy.linalg.null_space(pair.X[:m]).T @ X.T @ Y @ scipy.linalg.null_space(pair.Y[:m])
    mean = (2 * np.sum(fixed * (X.T @ Y)) - (X**2).sum()) / (Y**2).sum()
    error = 2 * np.linalg.norm(B) / np.sqrt(gaussian.WIDTH - m) / (Y**2).sum() / np.sqrt(64)
    assert abs(gaussian._procrustes(pair, m) - mean) < 5 * error


def names(prefixes, keys):
    return {p + k for p, k in product(prefixes, keys)}


def test_what_laws_reports(tiny):
    found = gaussian.laws(1)
    json.dumps(found, allow_nan=False)
    arms = ("", "shuffled_", "untrained_", "pairs_", "regression_")
    leaks = names(("", "independent_", "shuffled_", "untrained_"), ("leak",))
    assert set(found) == {"seed", "change", "maps", "regression"} | names(arms, ("r2", "spread", "over_floor")) | leaks
    pair, maps = Pair(1, rows=512), np.array(found["maps"])
    values = [r2(pair.fresh_X, pair.fresh_Y, A) for A in maps]
    assert maps.shape == (2, 2, 2)
    assert found["r2"] == pytest.approx(np.mean(values))
    assert found["spread"] == pytest.approx((values[0] - values[1]) ** 2 / 2 * 2**2 / 4)
    assert found["regression_r2"] == pytest.approx(r2(pair.fresh_X, pair.fresh_Y, np.array(found["regression"])))
    assert found["pairs_r2"] > 0.5 > found["untrained_r2"]
    assert found["over_floor"] == found["shuffled_over_floor"] < found["untrained_over_floor"]


def test_what_anchors_reports(tiny):
    found = gaussian.anchors(1)
    json.dumps(found, allow_nan=False)
    trained = names(("", "shuffled_", "untrained_"), ("both_", "only_"))
    assert set(found) == {"seed", "change"} | names(trained | {"ridge_", "procrustes_", "maps_"}, ("1", "2"))
    pair = Pair(1, rows=512)
    for m in (1, 2):
        values = [r2(pair.fresh_X, pair.fresh_Y, np.array(A)) for A in found[f"maps_{m}"]]
        assert found[f"both_{m}"] == pytest.approx(np.mean(values))
        assert found[f"shuffled_both_{m}"] < 0.2
    assert found["procrustes_2"] > 1 - 1e-9 > found["ridge_2"] > found["untrained_only_2"]


def test_the_figures_have_a_point_for_every_number_of_anchors_sampling_and_form(tiny):
    found = gaussian.curve(1)
    some = names(("both_", "adam_", "only_", "ridge_", "procrustes_"), "12")
    assert set(found) == {"seed", "change", "both_0", "adam_0"} | some
    leaks = gaussian.leaks(1)
    forms = product(("disjoint", "independent", "aligned"), ("biased", "unbiased"), (256, 512))
    assert set(leaks) == {"seed", "change"} | {f"{s}, {f}, {n}" for s, f, n in forms}
    assert len({v for k, v in leaks.items() if ", " in k}) == 12
    json.dumps([found, leaks], allow_nan=False)
    assert set(gaussian.RUNS.values()) == {gaussian.laws, gaussian.anchors, gaussian.curve, gaussian.leaks}
