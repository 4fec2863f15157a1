"""Simulated translations against coins, angles and finite differences, and against closed forms that are off."""

import itertools
from math import sqrt

import numpy as np
import pytest

from theory.cycle import CycleOptima, flip_averaged_r_squared
from theory.moments import Moments
from theory.monte_carlo import cycle

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 3)) * [2.0, 1.0, 0.5]
Y = X @ RNG.standard_normal((3, 4)) + 0.5 * RNG.standard_normal((12, 4))
X, Y = X - X.mean(0), Y - Y.mean(0)
MOMENTS = Moments.from_arrays(X, Y)
PLANE = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def by_rows(A):
    """R² of one translation, row by row."""
    error = sum(sum((y - x @ A) ** 2) for x, y in zip(X, Y, strict=True))
    return 1 - error / sum(sum(y**2) for y in Y)


def test_r_squared_of_several_maps():
    A = RNG.standard_normal((2, 5, 3, 4))
    found = cycle.r_squared(X, Y, A)
    assert found.shape == (2, 5)
    for i, j in itertools.product(range(2), range(5)):
        assert found[i, j] == pytest.approx(by_rows(A[i, j]), abs=1e-12)
    assert cycle.r_squared(X, Y, np.linalg.lstsq(X, Y)[0]) > found.max()


def test_the_mean_over_gamma_is_taken_between_principal_components():
    G = RNG.standard_normal((2, 2, 2))
    chances = np.array([0.25, 0.75])

    def law(rng, draws):
        return G[rng.choice(2, size=draws, p=chances)]

    # Top eigenvectors of the covariances, up to the signs of which A does not depend on G alone: fix those of svd.
    Vx, Vy = (np.linalg.svd(Z, full_matrices=False)[2][:2].T for Z in (X, Y))
    for V, Z in ((Vx, X), (Vy, Y)):
        assert np.linalg.norm(Z @ V) ** 2 == pytest.approx(np.sum(np.linalg.eigvalsh(Z.T @ Z)[-2:]))
    exact = chances @ [by_rows(Vx @ g @ Vy.T) for g in G]
    found = cycle.expected_r_squared(X, Y, law, draws=3000, rng=np.random.default_rng(1))
    assert found.contains(exact)
    assert found.draws == 3000
    assert not found.contains(np.mean([by_rows(Vx @ g @ Vy.T) for g in G]))


@pytest.mark.parametrize("rotations_only", [False, True])
def test_matched_maps_of_a_plane_have_the_moments_of_the_angle(rotations_only):
    """x = y isotropic in the plane: R² = Tr Q − 1, where Tr Q = 2cos θ for rotations and 0 for reflections."""
    draws, share = 20000, 1.0 if rotations_only else 0.5
    mean, variance = cycle.matched_r_squared(PLANE, PLANE, 2, rotations_only, draws=draws, rng=np.random.default_rng(2))
    assert mean.contains(-1.0)
    assert variance.contains(2 * share)
    assert not variance.contains(2 * (1.5 - share))
    # E(2cos θ)⁴ = 6 gives the spread of the squares: only the uniform angle has it.
    assert variance.error == pytest.approx(sqrt((6 * share - (2 * share) ** 2) / draws), rel=0.05)


def test_matched_maps_of_one_code_are_two():
    optima = CycleOptima.of(MOMENTS, 1)
    pair = [by_rows(optima.map(optima.matched_gamma([[s]]))) for s in (1.0, -1.0)]
    mean, variance = cycle.matched_r_squared(X, Y, 1, draws=2000, rng=np.random.default_rng(3))
    assert mean.contains(np.mean(pair))
    assert variance.mean == pytest.approx(np.var(pair), rel=0.01)
    alone, none = cycle.matched_r_squared(X, Y, 1, True, draws=10, rng=np.random.default_rng(3))
    assert min(abs(alone.mean - value) for value in pair) < 1e-12
    assert none.mean < 1e-24


@pytest.mark.parametrize("rank", [2, 3])
def test_matched_maps_against_the_closed_form_and_its_rivals(rank):
    predicted = CycleOptima.of(MOMENTS, rank).matched_r_squared()
    found = cycle.matched_r_squared(X, Y, rank, draws=4000, rng=np.random.default_rng(4))
    assert all(e.contains(value) for e, value in zip(found, predicted, strict=True))
    assert not found[0].contains(predicted[0] + 0.2)
    assert not found[1].contains(predicted[1] * rank)


def loss(coders, translation):
    """REC + CYC + translation · TR of one start, from rows."""
    Wx, Dx, Wy, Dy = (coders[name] for name in ("Wx", "Dx", "Wy", "Dy"))
    terms = [X - X @ Wx @ Dx, Y - Y @ Wy @ Dy, X - X @ Wx @ Dy @ Wy @ Dx, Y - Y @ Wy @ Dx @ Wx @ Dy]
    paired = [Y - X @ Wx @ Dy, X - Y @ Wy @ Dx]
    return (sum((e**2).sum() for e in terms) + translation * sum((e**2).sum() for e in paired)) / len(X)


@pytest.mark.parametrize("translation", [0.0, 0.7])
def test_a_step_follows_the_slope_of_the_loss(translation):
    shapes = {"Wx": (3, 2), "Dx": (2, 3), "Wy": (4, 2), "Dy": (2, 4)}
    start = cycle.starts(shapes, 0.5, draws=2, rng=np.random.default_rng(5))
    rate, h = 1e-3, 1e-5
    _, after = itertools.islice(cycle.trained(X, Y, start, rate, translation), 2)
    for i in range(2):
        one = {name: value[i] for name, value in start.items()}
        for name in shapes:
            slope = np.zeros(shapes[name])
            for place in np.ndindex(*shapes[name]):
                moved = [{**one, name: one[name].copy()} for _ in range(2)]
                for coders, step in zip(moved, (h, -h), strict=True):
                    coders[name][place] += step
                slope[place] = (loss(moved[0], translation) - loss(moved[1], translation)) / (2 * h)
            np.testing.assert_allclose((one[name] - after[name][i]) / rate, slope, rtol=1e-6, atol=1e-6)


def test_starts_are_symmetric_and_bounded():
    drawn = cycle.starts({"a": (3, 2), "b": (1, 1)}, 0.5, draws=4000, rng=np.random.default_rng(6))
    assert {name: value.shape for name, value in drawn.items()} == {"a": (4000, 3, 2), "b": (4000, 1, 1)}
    values = drawn["a"].ravel()
    assert values.std() == pytest.approx(0.5, rel=0.03)
    assert abs(values.mean()) < 5 * 0.5 / sqrt(values.size)
    assert abs(np.mean(values**3)) < 0.01
    assert np.abs(values).max() <= 0.5 * sqrt(3)


def test_the_error_of_the_flip_is_that_of_the_sign():
    A = RNG.standard_normal((50, 3, 4))
    both = np.concatenate([A, -A])
    found = cycle.flip_averaged_r_squared(X, Y, both)
    assert found.mean == pytest.approx(np.mean([flip_averaged_r_squared(MOMENTS, a) for a in A]), abs=1e-10)
    odd = np.array([(by_rows(a) - by_rows(-a)) / 2 for a in both])
    assert found.error == pytest.approx(odd.std(ddof=1) / 10, rel=1e-9)
    # Of maps that agree with the pairs, the signs are no coin.
    best = np.linalg.lstsq(X, Y)[0] + 0.1 * A
    assert not cycle.flip_averaged_r_squared(X, Y, best).contains(
        np.mean([flip_averaged_r_squared(MOMENTS, a) for a in best])
    )
