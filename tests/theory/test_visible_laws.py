"""Whether slices see a rotation: against the closed forms of theorem F3, and the level of the test on Gaussian rows."""

import numpy as np
import pytest

from theory import visible_laws
from theory.ambiguity.sources import draw_sources
from theory.blindness import CUMULANTS, expected_signal, null_variance
from theory.discrepancy import random_slices
from theory.levels import Distribution
from theory.visible_laws import REPEATS, SLICES, rotation, turned

GRID = Distribution().grid


def rows(law, d, n, seed=0):
    return draw_sources([law] * d, n, np.random.default_rng(seed))


@pytest.mark.parametrize(("d", "S"), [(1, 5), (3, 7), (7, 3), (4, 4)])
def test_slices_are_turned_by_haar_rotations(d, S):
    rng = np.random.default_rng(0)
    slices = random_slices(rng, d, S)
    moved = np.array([turned(slices, rng) for _ in range(3000)])
    assert np.allclose(moved.transpose(0, 2, 1) @ moved, slices.T @ slices)
    for power, expected in ((1, 0), (2, 1 / d), (4, 3 / (d * (d + 2)))):
        assert np.abs((moved**power).mean(0) - expected).max() < 5 * (moved**power).std() / 3000**0.5 + 1e-12


def test_signal_and_noise_are_those_of_theorem_f3():
    d, n = 64, 400
    found = [rotation(rows("exponential", d, 2 * n, seed), np.random.default_rng(seed)) for seed in range(10)]
    signals, noises = np.array([(r.signal, r.noise) for r in found]).T
    skewness, kurtosis, *higher = CUMULANTS["exponential"]
    expected = float(expected_signal(d, skewness, kurtosis, GRID, higher))
    assert abs(signals.mean() - expected) < 4 * signals.std(ddof=1) / 10**0.5
    assert expected > 4 * signals.std(ddof=1) / 10**0.5  # 0 would be noticed
    # Halves of one set of rows: their differences spread as those of independent samples of the same number.
    assert np.mean(noises**2) ** 0.5 == pytest.approx(float(null_variance(d, n, SLICES, GRID)) ** 0.5, rel=0.15)
    assert {r.rows for r in found} == {n}


@pytest.mark.parametrize("law", ["exponential", "two-point", "uniform"])
def test_laws_that_are_visible_in_few_dimensions(law):
    assert rotation(rows(law, 2, 2000), np.random.default_rng(1)).visible


def test_skewed_laws_become_invisible_as_dimensions_grow():
    power = [rotation(rows("exponential", d, 1000), np.random.default_rng(1)).power for d in (4, 40, 400)]
    assert power[0] == 1.0
    assert power[0] > power[1] > power[2]
    assert power[2] < 0.5


def test_gaussian_rows_keep_the_level():
    """A twentieth of the rotations are noticed by chance; the repeats of one set of rows are not independent."""
    power = [rotation(rows("gaussian", 3, 60, seed), np.random.default_rng(seed)).power for seed in range(50)]
    # The quantile of 20 values leaves 0.05 to 0.1 above it.
    assert 0.03 < np.mean(power) < 0.12
    assert np.mean([p > 0.5 for p in power]) <= 0.05  # these would pass for visible


def test_spheres_are_seen_by_no_rotation():
    X = np.random.default_rng(0).standard_normal((2000, 4))
    X *= 2 / np.linalg.norm(X, axis=1, keepdims=True)
    assert not rotation(X, np.random.default_rng(0)).visible  # not Gaussian, and invariant


def test_progress_and_few_rows():
    seen = []
    rotation(rows("gaussian", 2, 5), np.random.default_rng(0), seen.append)
    assert seen == [pytest.approx((k + 1) / REPEATS) for k in range(REPEATS)]
    with pytest.raises(ValueError, match=r"^3 rows have no two halves.*; pass at least 4$"):
        rotation(np.ones((3, 2)), np.random.default_rng(0))


def test_single_precision_is_enough(monkeypatch):
    """Against double precision, on the same halves, slices and rotations."""
    X = rows("exponential", 8, 1000)
    found = rotation(X, np.random.default_rng(2))
    monkeypatch.setattr(visible_laws.np, "float32", np.float64)
    exact = rotation(X, np.random.default_rng(2))
    assert abs(found.signal - exact.signal) < 0.02 * exact.noise
    assert found.noise == pytest.approx(exact.noise, rel=0.02)
