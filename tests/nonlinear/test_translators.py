"""Linear translators: the loss of a step written out, where training ends, and what the starts share."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.stats

from nonlinear.translators import LINES, Fit, train
from theory import discrepancy

STILL = 1e-12
GRID = discrepancy.t_grid()


def rotation(d, seed=0):
    return scipy.stats.ortho_group.rvs(d, random_state=seed)


def exact(n=256, d=4, seed=0):
    """Rows of N(0, I), the same rows rotated, and the rotation."""
    A = rotation(d, seed)
    X = np.random.default_rng([seed, 1]).normal(size=(n, d))
    return X, X @ A, A


def distance(a, b, step, unbiased=False):
    """Distance of two samples along the eight directions of a step, by the reference on NumPy arrays."""
    slices = discrepancy.random_slices(np.random.default_rng(step), a.shape[1], 8)
    return float(discrepancy.sliced_ecf(a, b, slices, GRID, unbiased))


@pytest.mark.parametrize("unbiased", [False, True])
def test_the_loss_of_a_step_written_out(unbiased):
    """Whole batches of all points: no matter the order, the loss is that of the data at the start."""
    X, Y, _ = exact(24, 3)
    known = [3, 5, 20]
    how: dict[str, Any] = {
        "sampling": "aligned",
        "unbiased": unbiased,
        "batch": 24,
        "steps": LINES,
        "lr": STILL,
        "starts": 3,
    }
    fit = train(X, Y, {"TR": 2.0, "dTR": 0.5}, known, scale=1.0, **how)
    assert fit.curve.shape == (LINES, 3)
    for s, A in enumerate(fit.initial):
        error = ((X @ A - Y)[known] ** 2).sum(1).mean()
        expected = [2.0 * error + 0.5 * distance(X @ A, Y, step, unbiased) for step in range(LINES)]
        np.testing.assert_allclose(fit.curve[:, s], expected, rtol=1e-4)


def test_the_curve_averages_the_steps_of_each_twentieth():
    X, Y, _ = exact(24, 3)
    how: dict[str, Any] = {"sampling": "aligned", "batch": 24, "lr": STILL, "starts": 1, "scale": 1.0}
    one, three = (train(X, Y, {"dTR": 1.0}, steps=steps, **how) for steps in (LINES, 3 * LINES))
    A = one.initial[0]
    expected = [np.mean([distance(X @ A, Y, 3 * k + i) for i in range(3)]) for k in range(LINES)]
    np.testing.assert_allclose(three.curve[:, 0], expected, rtol=1e-4)
    assert not np.allclose(one.curve, three.curve, rtol=1e-2)


HALVES = list(combinations(range(6), 3))


def waves(rows, slices):
    """Empirical characteristic functions of every half of six rows [half, T, S]."""
    projected = (rows @ slices)[np.array(HALVES)]
    return np.exp(1j * GRID.nodes[:, None] * projected[:, :, None]).mean(1)


def fitting_halves(sampling):
    """For two starts, the pairs of halves of six points that explain the loss of each of 20 steps."""
    X, Y, _ = exact(6, 2, seed=3)
    fit = train(X, Y, {"dTR": 1.0}, sampling=sampling, batch=6, steps=LINES, lr=STILL, starts=2, scale=1.0)
    found = []
    for s, A in enumerate(fit.initial):
        for step in range(LINES):
            slices = discrepancy.random_slices(np.random.default_rng(step), 2, 8)
            a, b = waves(X @ A, slices), waves(Y, slices)
            costs = np.einsum("t,abts->ab", GRID.weights, np.abs(a[:, None] - b) ** 2) / 8
            found.append(
                {(HALVES[i], HALVES[j]) for i, j in np.argwhere(np.isclose(costs, fit.curve[step, s], rtol=1e-4))}
            )
    return found


def test_disjoint_points_keep_their_side_for_good():
    ((first, second),) = set.intersection(*fitting_halves("disjoint"))
    assert not set(first) & set(second)


def test_independent_draws_share_points_at_times():
    found = fitting_halves("independent")
    assert not set.intersection(*found)
    shared = [min(len(set(a) & set(b)) for a, b in fits) for fits in found]
    # Two halves of six points share 1.5 on average; five standard errors of 40 draws.
    assert abs(np.mean(shared) - 1.5) < 5 * np.sqrt(0.45 / 40)


@pytest.mark.parametrize("m", [1, 2, 4])
def test_anchors_give_the_minimum_norm_regression_and_leave_the_rest_of_the_start(m):
    X, Y, _ = exact()
    known = [7, 100, 3, 50][:m]
    fit = train(X, Y, {"TR": 0.3}, known, starts=3, batch=16)
    solution = np.linalg.lstsq(X[known], Y[known], rcond=None)[0]
    beyond = np.eye(4) - np.linalg.pinv(X[known]) @ X[known]
    np.testing.assert_allclose(fit.maps, solution + beyond @ fit.initial, atol=1e-3)


def test_all_pairs_give_the_true_map():
    X, Y, A = exact()
    fit = train(X, Y, {"TR": 0.3}, starts=3, batch=32)
    np.testing.assert_allclose(fit.maps, np.tile(A, (3, 1, 1)), atol=1e-3)
    assert fit.change < 1e-3


def test_equal_laws_make_the_map_a_rotation_which_anchors_alone_do_not():
    X, Y, A = exact(2048, 2)
    how: dict[str, Any] = {"starts": 2, "batch": 64, "steps": 120}
    laws, both, only = (
        train(X, Y, weights, anchors, **how)
        for weights, anchors in (({"dTR": 1.0}, []), ({"dTR": 1.0, "TR": 0.3}, [0]), ({"TR": 0.3}, [0]))
    )
    for fit in (laws, both):
        assert np.abs(np.linalg.svd(fit.maps)[1] - 1).max() < 0.2
        assert np.linalg.svd(fit.initial)[1].max() < 0.5
    assert np.linalg.svd(only.maps)[1][:, 1].max() < 0.5
    # The anchor holds for both; without it the maps are no one's translation.
    assert np.abs(X[:1] @ both.maps - Y[:1]).max() < 0.2
    assert np.abs(laws.maps - A).max() > 0.5


def test_what_the_batches_share_and_the_form_of_the_loss_decide_where_training_goes():
    X, Y, _ = exact(64, 3)
    forms = [{"sampling": s, "unbiased": u} for s in ("disjoint", "independent", "aligned") for u in (False, True)]
    maps = [train(X, Y, {"dTR": 1.0}, starts=2, batch=16, steps=LINES, **form).maps for form in forms]
    assert all(np.abs(a - b).max() > 1e-2 for a, b in combinations(maps, 2))


@pytest.mark.parametrize(("optimiser", "lr", "commutes"), [("sgd", 0.5, True), ("adam", 0.02, False)])
def test_descent_commutes_with_rotations_of_x(optimiser, lr, commutes):
    """From zero, the one start that no rotation moves."""
    X, Y, _ = exact(64, 3)
    R = rotation(3, 5)
    how: dict[str, Any] = {"scale": 0.0, "starts": 2, "batch": 16, "steps": 30, "optimiser": optimiser, "lr": lr}
    plain, turned = (train(rows, Y, {"dTR": 1.0, "TR": 0.3}, [0], **how).maps for rows in (X, X @ R))
    assert np.abs(plain).max() > 0.3
    assert (np.abs(R @ turned - plain).max() < 1e-3) == commutes


def test_starts_depend_on_the_seed_and_their_number_alone():
    X, Y, _ = exact()
    few, many = (train(X, Y, {"TR": 1.0}, steps=LINES, lr=STILL, starts=s, seed=4) for s in (2, 6))
    np.testing.assert_array_equal(few.initial, many.initial[:2])
    other = train(-3 * X, Y, {"dTR": 1.0}, steps=LINES, lr=STILL, starts=2, seed=4, scale=0.3)
    np.testing.assert_allclose(other.initial, 3 * few.initial, rtol=1e-12)
    assert np.abs(train(X, Y, {"TR": 1.0}, steps=LINES, starts=2, seed=5).initial - few.initial).max() > 1e-3
    np.testing.assert_allclose(few.maps, few.initial, atol=1e-7)


def test_the_law_of_the_start():
    X = np.random.default_rng(0).normal(size=(8, 4))
    drawn = train(X, X[:, :3], {"TR": 1.0}, starts=2000, steps=1, batch=4, scale=0.1).initial
    assert drawn.shape == (2000, 4, 3)
    flat = drawn.reshape(2000, 12)
    second = 0.1**2 / 4
    assert np.abs(flat.mean(0)).max() < 5 * np.sqrt(second / 2000)
    # Five standard errors of entries whose variance is second², twice that on the diagonal.
    assert np.abs(flat.T @ flat / 2000 - second * np.eye(12)).max() < 5 * second * np.sqrt(2 / 2000)


def test_the_same_seed_gives_the_same_bytes_and_every_start_its_own_batches():
    X, Y, _ = exact()
    weights = {"TR": 0.3, "dTR": 1.0}
    how: dict[str, Any] = {"starts": 3, "steps": LINES, "batch": 16}
    first, second = (train(X, Y, weights, [0, 1], seed=2, **how) for _ in range(2))
    assert first.maps.tobytes() == second.maps.tobytes()
    assert first.curve.tobytes() == second.curve.tobytes()
    from_zero = train(X, Y, weights, [0, 1], scale=0.0, **how).maps
    assert min(np.abs(a - b).max() for a, b in combinations(from_zero, 2)) > 1e-3


def test_change_looks_at_the_last_tenth():
    curve = np.full((LINES, 2), 5.0)
    curve[0], curve[-3], curve[-1] = [10.0, -8.0], [4.0, 3.0], [2.0, 5.0]
    assert Fit(np.zeros(0), np.zeros(0), curve).change == 0.25


@pytest.mark.parametrize(
    ("weights", "anchors", "how", "message"),
    [
        ({"TR": 1.0}, None, {"optimiser": "lbfgs"}, "optimiser is 'lbfgs'; use sgd or adam"),
        ({"RT": 1.0}, None, {}, "weights are {'RT': 1.0}; give TR, dTR or both"),
        ({"dTR": 1.0}, None, {"sampling": "paired"}, "use one of disjoint, independent, aligned"),
        ({"TR": 1.0}, range(17), {"batch": 16}, "17 matched rows do not fit into a batch of 16"),
        ({"dTR": 1.0}, None, {"batch": 1}, "take at least 2"),
    ],
)
def test_bad_requests_are_refused_in_one_line(weights, anchors, how, message):
    X, Y, _ = exact(64)
    with pytest.raises(ValueError, match=message) as refused:
        train(X, Y, weights, anchors, steps=LINES, **how)
    assert "\n" not in str(refused.value)
