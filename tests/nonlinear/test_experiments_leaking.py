"""The weight of the leak: how fast turns close by quadrature and brute force, a step by finite differences, reports."""

import json
from functools import partial

import numpy as np
import pytest

from nonlinear.experiments import leaking
from nonlinear.experiments.leaking import Starts, descend
from nonlinear.experiments.relaxation import kept, lasting_share
from theory import discrepancy

GRID = discrepancy.t_grid()


def plane(d, angle):
    R = np.eye(d)
    R[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return R


def instance(A, u):
    """E of the mean over directions of ∫ |e^{itxAu} − e^{itxu}|² exp(−t²/2) dt over [−3, 3], x ~ N(0, I)."""
    t = np.linspace(-3, 3, 33)
    squared = ((A @ u - u) ** 2).sum(0)
    integrand = (2 - 2 * np.exp(-np.multiply.outer(t**2, squared) / 2)).mean(1) * np.exp(-(t**2) / 2)
    return np.trapezoid(integrand, t)


@pytest.mark.parametrize(("d", "angle"), [(2, 0.4), (3, 1.5), (6, 0.8)])
def test_the_turn_closes_by_the_gradient_of_the_instance_loss(d, angle):
    """On the circle of rotations in a plane, ‖dA‖² = 2dθ²: the angle moves by half the derivative of the loss."""
    u = np.random.default_rng(0).normal(size=(d, 20_000))
    u /= np.linalg.norm(u, axis=0)
    theta, weight, h = angle, 0.2, 1e-4
    for _ in range(3):
        slope = (instance(plane(d, theta + h), u) - instance(plane(d, theta - h), u)) / (2 * h)
        theta -= weight * slope / 2
    assert float(kept(np.array(weight), 3, d, angle)) == pytest.approx(np.sin(theta) / np.sin(angle), abs=5e-3)
    assert float(kept(np.array(0.0), 3, d, angle)) == pytest.approx(1.0)
    assert kept(np.array([[0.1], [0.2]]), 3, d, angle).shape == (2, 1)


def second_derivatives(Y, u):
    """Those of |φ̂_{Y(I+M)} − φ̂_Y|² at M = 0, in all entries of M, averaged over directions; written out."""
    waves = []
    for t, w in zip(GRID.nodes, GRID.weights, strict=True):
        slope = 1j * t / len(Y) * (Y.T @ np.exp(1j * t * Y @ u))
        waves.append(np.sqrt(w / u.shape[1]) * (slope[:, None] * u[None]).reshape(4, -1))
    z = np.concatenate(waves, axis=1)
    return 2 * np.real(z @ z.conj().T)


def test_the_share_that_lasts_by_brute_force():
    """In two dimensions, by the second derivatives of 100 sets of 250 points; directions on half a circle."""
    angles = np.arange(12) / 12 * np.pi
    u = np.stack([np.cos(angles), np.sin(angles)])
    turn = np.array([0, 1, -1, 0]) / np.sqrt(2)
    stretches = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0.5**0.5, 0.5**0.5, 0]])
    rng, found = np.random.default_rng(0), []
    for _ in range(100):
        H = second_derivatives(rng.normal(size=(250, 2)), u)
        cross = stretches @ H @ turn
        found.append((turn @ H @ turn, cross @ np.linalg.solve(stretches @ H @ stretches.T, cross)))
    pull, taken = np.array(found).T
    # F2: the pull of the set's own distance is that of an instance loss of weight 1/N.
    expected = GRID.second_moment / 250
    assert abs(pull.mean() - expected) < 4 * pull.std() / np.sqrt(100)
    lost = taken.mean() / pull.mean()
    error = np.std(taken - lost * pull) / pull.mean() / np.sqrt(100)
    assert error < 0.02
    assert abs(1 - lost - lasting_share(2)) < 4 * error
    assert lasting_share(2) < lasting_share(6) < 0.85


def loss(A, X, Y, step, unbiased):
    slices = discrepancy.random_slices(np.random.default_rng([step, 52]), X.shape[1], leaking.SLICES)
    return float(discrepancy.sliced_ecf(X @ A, Y, slices, GRID, unbiased))


@pytest.mark.parametrize("unbiased", [False, True])
def test_steps_go_down_the_gradient(unbiased):
    """Whole batches, whose order does not matter; the gradient by differences of the reference on NumPy arrays."""
    X = np.random.default_rng(0).normal(size=(2, 24, 3))
    Y, A = X @ plane(3, 0.7), np.random.default_rng(1).normal(size=(2, 2, 3, 3))
    maps, losses = descend(X, Y, A, 2, 24, "aligned", unbiased)
    now, h = A.copy(), 1e-5
    for step in range(2):
        values = [[loss(a, X[r], Y[r], step, unbiased) for a in now[r]] for r in range(2)]
        np.testing.assert_allclose(losses[step], np.mean(values, axis=1), atol=1e-5)
        gradient = np.zeros_like(now)
        for r, s, i, j in np.ndindex(*now.shape):
            E = np.zeros((3, 3))
            E[i, j] = h
            up, down = (loss(now[r, s] + e, X[r], Y[r], step, unbiased) for e in (E, -E))
            gradient[r, s, i, j] = (up - down) / (2 * h)
        now = now - leaking.RATE * gradient
    np.testing.assert_allclose(maps, now, atol=1e-4)


@pytest.mark.parametrize(("sampling", "points", "stays"), [("aligned", 40, True), ("disjoint", 40, False)])
def test_at_the_truth_only_shared_points_have_no_loss(sampling, points, stays):
    X = np.random.default_rng(0).normal(size=(1, points, 2))
    maps, losses = descend(X, X, np.eye(2)[None, None], 3, 8, sampling)
    assert (np.abs(maps - np.eye(2)).max() < 1e-5) == stays
    assert (losses.max() < 1e-9) == stays


@pytest.mark.parametrize("sampling", ["disjoint", "independent", "aligned"])
def test_either_side_of_a_step_has_the_rows_that_are_asked_for(sampling, monkeypatch):
    seen = []
    measured = leaking.sliced_ecf
    monkeypatch.setattr(leaking, "sliced_ecf", lambda a, b, *how: seen.append((len(a), len(b))) or measured(a, b, *how))
    starts = Starts([3], 20, 1)
    descend(starts.X, starts.Y, starts.maps, 2, 5, sampling)
    assert seen == [(5, 5)] * 2


def test_a_start_does_not_depend_on_the_seeds_beside_it():
    starts = Starts([3, 4], 64, 2)
    both, losses = descend(starts.X, starts.Y, starts.maps, 3, 8, "independent")
    alone, one = descend(starts.X[:1], starts.Y[:1], starts.maps[:1], 3, 8, "independent")
    np.testing.assert_allclose(both[:1], alone, atol=1e-5)
    np.testing.assert_allclose(losses[:, :1], one, atol=1e-6)
    assert np.abs(both[0, 0] - both[0, 1]).max() > 1e-3


def test_starts_are_turned_by_one_angle_in_planes_of_their_own():
    starts = Starts([3, 4], 32, 3, sets=2)
    assert starts.X.shape == (4, 32, 6)
    np.testing.assert_allclose(starts.X @ starts.A, starts.Y, atol=1e-12)
    assert not set(map(bytes, starts.X[0])) & set(map(bytes, starts.X[1]))
    turns = np.linalg.inv(starts.A)[:, None] @ starts.maps
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.tile(np.eye(6), (4, 3, 1, 1)), atol=1e-12)
    for R in turns.reshape(-1, 6, 6):
        angles = np.sort(np.abs(np.angle(np.linalg.eigvals(R))))
        np.testing.assert_allclose(angles, [0, 0, 0, 0, leaking.ANGLE, leaking.ANGLE], atol=1e-6)
    assert min(np.abs(a - b).max() for a, b in zip(turns[0], turns[1], strict=True)) > 0.01
    null = Starts([3, 4], 32, 3, sets=2, shuffled=True)
    np.testing.assert_array_equal(null.maps, starts.maps)
    assert not {tuple(y) for y in null.Y.round(6).reshape(-1, 6)} & {tuple(y) for y in starts.Y.round(6).reshape(-1, 6)}


def test_what_is_left_of_a_turn():
    starts = Starts([3, 4], 16, 2, sets=2)
    np.testing.assert_allclose(starts.left(starts.maps), np.ones((2, 4)))
    np.testing.assert_allclose(starts.left(np.tile(starts.A[:, None], (1, 2, 1, 1))), np.zeros((2, 4)), atol=1e-12)
    half = starts.A[:, None] + (starts.maps - starts.A[:, None]) / 2
    np.testing.assert_allclose(starts.left(half), np.full((2, 4), 0.5))
    # A stretch is no turn.
    np.testing.assert_allclose(starts.left(1.5 * starts.A[:, None] + starts.maps), np.ones((2, 4)))


def test_the_weight_is_that_which_explains_what_is_left(monkeypatch):
    starts, weight, steps = Starts([3, 4, 5], 16, 1), np.array([0.1, 0.0, -0.02]), 10
    part = kept(leaking.RATE * weight, steps, 6, leaking.ANGLE)[:, None, None, None]
    maps = starts.A[:, None] + part * (starts.maps - starts.A[:, None])
    losses = np.concatenate([np.full((8, 3), 2.0), np.full((2, 3), [[5.0], [4.0]])])
    monkeypatch.setattr(leaking, "descend", lambda *how: (maps, losses))
    found, left, change = starts.weight(steps, 4, "aligned", False)
    np.testing.assert_allclose(found, weight, atol=1e-4)
    np.testing.assert_allclose(left[:, 0], part.ravel())
    np.testing.assert_allclose(change, -0.5)


@pytest.fixture
def tiny(monkeypatch):
    sizes = {"SIZES": (4, 8), "SIDE": 4, "MANY": 64, "FEW": 8, "SETS": 3, "STARTS": 2, "MORE": 3}
    for name, value in (sizes | {"MAP_SIZES": (8, 32), "MAP_POINTS": (32, 64)}).items():
        monkeypatch.setattr(leaking, name, value)
    monkeypatch.setattr(leaking, "train", partial(leaking.train, steps=2))


def test_what_the_runs_report(tiny):
    runs = {
        leaking.weights: {"aligned_4": 3, "aligned_8": 2, "unbiased_8": 2, "disjoint": 3},
        leaking.sets: {"independent": 6, "many": 2, "disjoint": 2, "aligned_4": 2},
    }
    for measure, counts in runs.items():
        found = measure([3, 4])
        json.dumps(found, allow_nan=False)
        for seed, unit in zip((3, 4), found, strict=True):
            names = {prefix + key for prefix in ("", "shuffled_", "untrained_") for key in counts}
            more = {"disjoint_4", "disjoint_8"} if measure is leaking.weights else set()
            assert set(unit) == {"seed", "change", "left"} | names | more
            assert unit["seed"] == seed
            assert {key: len(left) for key, left in unit["left"].items()} == counts
            assert unit["aligned_4"] > unit["shuffled_aligned_4"]
            assert unit["untrained_disjoint"] == 0
            if more:
                assert unit["disjoint_8"] == 2 * unit["disjoint_4"] == pytest.approx(2 * unit["disjoint"])


def test_the_map_has_a_point_for_every_sampling_form_size_and_number_of_points(tiny):
    found = leaking.leak_map(3)
    json.dumps(found, allow_nan=False)
    # 32 points have no two sides of 32 rows.
    cells = {("aligned", 8, 32), ("aligned", 32, 32), ("aligned", 8, 64), ("aligned", 32, 64)}
    cells |= {(s, n, N) for s in ("disjoint", "independent") for n, N in ((8, 32), (8, 64), (32, 64))}
    names = {f"{s}, {form}, {n}, {N}" for s, n, N in cells for form in ("biased", "unbiased")}
    assert set(found) == {"seed", "change"} | names
    assert len({found[name] for name in names}) == len(names)
