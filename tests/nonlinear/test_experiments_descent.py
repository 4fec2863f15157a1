"""Linear translators on disjoint points (E9.iv, E9.v): against closed forms, single runs and written-out losses."""

from itertools import permutations, product

import numpy as np
import pytest

from nonlinear.experiments import grids, identified, noisy
from nonlinear.experiments.anchoring import anchored
from nonlinear.experiments.descent import FRESH, GRID, Rows, change, descend
from nonlinear.experiments.noisy import Setting, measured, noisy_anchors, procrustes, ridge

SKEWED = ("rare", "exponential", "two-point")


@pytest.fixture(scope="module")
def rows():
    return Rows(0, SKEWED, points=4096)


def test_rows_are_whitened_and_r2_is_of_fresh_rows(rows):
    A = np.random.default_rng(0).normal(size=(2, 3, 3))
    fresh = rows.pair.draw(FRESH, 1).streams
    x, y = (fresh[s] - fresh[s].mean(0) for s in "xy")
    expected = [1 - ((y - x @ a) ** 2).sum() / (y**2).sum() for a in A]
    np.testing.assert_allclose(rows.r2(A), expected, atol=1e-9)
    assert rows.r2(rows.pair.A[None], shuffled=True)[0] < -0.9
    np.testing.assert_allclose(np.cov(rows.X.T), np.eye(3), atol=0.15)
    assert not np.isin(rows.X, fresh["x"]).any()


def test_anchors_alone_give_least_squares():
    data = [Rows(0, ["gaussian"] * 3, points=64)]
    X, Y = (a[None] for a in noisy_anchors(data[0], Setting(6, 0.3, 3, 3)))
    maps, curve = descend(data, data[0].starts(3)[None], 300, (X, Y), 0.3, laws=False)
    np.testing.assert_allclose(maps[0], np.linalg.pinv(X[0]) @ Y[0], atol=1e-3)
    left = ((X[0] @ maps[0] - Y[0]) ** 2).sum(-1).mean()
    assert curve[-1] == pytest.approx(0.3 * left, rel=1e-3)
    assert change(curve, curve[0])[0] < 1e-3


def test_each_side_shows_its_own_half_of_the_points():
    """The halves have different laws: a map that is trained must take that of x's half to that of y's."""
    one = Rows(0, ["gaussian"] * 2, points=2048)
    one.X[1024:] *= 2.0
    one.Y = np.vstack([2.0 * one.Y[:1024], 1.3 * one.Y[1024:]])
    maps, _ = descend([one], one.starts(4)[None], 150, side=64)
    np.testing.assert_allclose(np.linalg.svd(maps[0])[1], 1.3, atol=0.3)


def test_seeds_together_are_single_runs(rows):
    other = Rows(1, SKEWED, points=4096)
    start = np.stack([r.starts(2) for r in (rows, other)])
    together, curve = descend([rows, other], start, 20, side=32)
    alone, line = descend([other], start[1:], 20, side=32)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)
    np.testing.assert_allclose(curve[:, 1], line[:, 0], rtol=1e-4)
    # Batches of another seed, for the same rows and starts.
    other.X, other.Y = rows.X, rows.Y
    maps, _ = descend([rows, other], start[[0, 0]], 20, side=32)
    np.testing.assert_allclose(maps[0], together[0], atol=1e-5)
    assert np.abs(maps[0] - maps[1]).max() > 0.01
    assert np.abs(maps[0, 0] - maps[0, 1]).max() > 0.01


def test_the_loss_of_laws_is_that_of_both_sides(rows):
    """At the truth, before any step: what drawing 256 rows of either half of the points costs, and the halves' own."""
    A = rows.pair.A[None, None]
    _, curve = descend([rows], np.repeat(A, 60, 1), 10, side=256)
    draws = np.random.default_rng(3).normal(size=(3, 300))
    halves = np.split(rows.Y @ (draws / np.linalg.norm(draws, axis=0)), 2)
    x, y = (np.exp(1j * np.multiply.outer(GRID.nodes, half)).mean(1) for half in halves)
    apart, spread = np.abs(x - y) ** 2, 2 - np.abs(x) ** 2 - np.abs(y) ** 2
    assert curve[0, 0] == pytest.approx(np.mean(GRID.weights @ (apart + spread / 256)), rel=0.15)


def test_ridge_and_procrustes_written_out():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 2, 5, 3))
    found = ridge(X, Y, 0.5)
    for x, y, a in zip(X, Y, found, strict=True):
        tall = np.vstack([x, np.sqrt(3 * 0.25) * np.eye(3)]), np.vstack([y, np.zeros((3, 3))])
        np.testing.assert_allclose(a, np.linalg.lstsq(*tall, rcond=None)[0], atol=1e-9)
    for x, y, a in zip(X, Y, procrustes(X, Y, rng), strict=True):
        np.testing.assert_allclose(a @ a.T, np.eye(3), atol=1e-9)
        # A stationary point of the fit: aᵀxᵀy is symmetric, and as a best one positive.
        S = a.T @ x.T @ y
        np.testing.assert_allclose(S, S.T, atol=1e-9)
        assert np.linalg.eigvalsh(S).min() > 0
    few = procrustes(np.repeat(X[:1, :2], 400, 0), np.repeat(Y[:1, :2], 400, 0), rng)
    assert few.var(0).sum() == pytest.approx(1, abs=0.02)  # one direction is left, with both signs
    assert 0.4 < (np.linalg.det(few) > 0).mean() < 0.6


def test_noise_is_that_of_the_setting():
    one = Rows(0, ["gaussian"] * 6, points=64)
    X, Y = noisy_anchors(one, Setting(12, 0.3, 50))
    assert (Y - X @ one.pair.A).std() == pytest.approx(0.3, rel=0.05)
    assert np.abs(X.reshape(-1, 6).T @ X.reshape(-1, 6) / 600 - np.eye(6)).max() < 0.2
    assert np.ptp(X[:, 0, 0]) > 1  # other anchors in every set


def test_numbers_of_noisy_anchors(monkeypatch):
    monkeypatch.setattr(noisy, "STEPS", 60)
    data = [Rows(seed, ["gaussian"] * 2, points=2048) for seed in (0, 1)]
    units = measured(data, Setting(8, 0.3, 6, 2))
    for unit in units:
        assert unit["gain"] == pytest.approx(unit["both"] - unit["only"])
        assert unit["over_ridge"] == pytest.approx(unit["both"] - unit["ridge"])
        assert unit["ratio"] == pytest.approx((1 - unit["both"]) / (1 - unit["only"]))
        assert (unit["untrained_gain"], unit["untrained_ratio"]) == (0, 1)
        assert unit["shuffled_both"] < -0.8 < 0.8 < unit["both"]
        assert unit["change"] < 0.1
    assert np.mean([u["procrustes"] - u["ridge"] for u in units]) > 0
    assert np.mean([u["predicted"] - u["predicted_only"] for u in units]) > 0


def test_maps_of_the_full_scale(monkeypatch):
    monkeypatch.setattr(noisy, "STEPS", 10)
    monkeypatch.setattr(noisy, "MAP", (Setting(1, 0.1, 2, 2), Setting(4, 0.2, 2, 3)))
    (unit,) = noisy.noise_map([100])
    names = "both", "only", "ridge", "procrustes", "gain", "over_ridge", "ratio", "predicted"
    for words in ("d 2, σ 0.1, m 1", "d 3, σ 0.2, m 4"):
        assert {f"{name}, {words}" for name in names} <= set(unit)
    assert len({words for key in unit for words in [key.partition(", ")[2]] if words}) == 2
    monkeypatch.setattr(identified, "STARTS", 2)
    monkeypatch.setattr(identified, "STEPS", 10)
    (unit,) = identified.component_map([100])
    found = {name: unit[f"predicted_{name}"] for name in identified.OTHER_LAWS}
    # 2c/d − 1, with c the asymmetric laws that differ up to sign (theorem C4).
    expected = {"skewed": 1, "equal": -1 / 3, "symmetric": -1, "one Gaussian": 1 / 3, "four": 1}
    assert found == pytest.approx(expected)


def test_starts_are_chosen_by_their_own_loss():
    r2, own = np.array([0.2, 0.95, -1.0, 0.99]), np.array([5.0, 1.0, 3.9, 40.0])
    found = identified.chosen(r2, own)
    assert found["best"] == 0.95
    assert found["reached"] == pytest.approx((0.95 - 1.0) / 2)
    assert found["translates"] == 0.5
    assert found["mean"] == pytest.approx(r2.mean())
    assert identified.chosen(r2, own + 9)["reached"] == 0.95  # nothing has reached it: the best


def test_own_losses_are_one_at_the_truth_and_see_exchanged_components(rows):
    M, A = rows.pair.group.M, rows.pair.A
    swap = np.eye(3)[[1, 0, 2]]
    maps = np.stack([A, np.linalg.inv(M) @ swap @ M @ A, 0.5 * A])
    found = identified.own_losses(rows, maps)
    assert 0.2 < found[0] < 3.5
    assert (found[1:] > 10).all()


def test_distance_to_signed_permutations(rows):
    M, A = rows.pair.group.M, rows.pair.A
    every = [np.eye(3)[list(p)] * e for p in permutations(range(3)) for e in product((1, -1), repeat=3)]
    moved = np.stack([np.linalg.inv(M) @ P @ M @ A for P in every])
    np.testing.assert_allclose(identified.off_permutations(rows, moved), 0, atol=1e-12)
    np.testing.assert_allclose(identified.off_permutations(rows, 1.5 * moved[:3]), 0.25, atol=1e-9)


def test_laws_of_different_components_identify_and_gaussian_ones_do_not(monkeypatch):
    monkeypatch.setattr(identified, "STARTS", 16)
    monkeypatch.setattr(identified, "LAWS", {k: identified.LAWS[k] for k in ("different", "gaussian")})
    (unit,) = identified.components([100])
    assert unit["best_different"] > 0.98
    assert unit["best_gaussian"] < 0.9
    assert 0 < unit["translates_different"] < 0.9
    assert unit["translates_gaussian"] == 0
    assert unit["near_different"] > unit["near_gaussian"]
    assert (unit["predicted_different"], unit["predicted_gaussian"]) == (1, -1)
    assert unit["shuffled_best_different"] < -0.8
    assert abs(unit["untrained_best_different"]) < 0.3


def test_more_points_have_the_same_anchors_and_the_share_of_eight():
    few, more = anchored(148, laws=False), identified.many(9000)
    np.testing.assert_array_equal(few.sample(100)["x"].array[:148], more.sample(100)["x"].array[:148])
    assert {**few.config} == {**more.config}
    assert more.rows == 9000
    assert 148 / identified.many().rows == 8 / few.rows


def test_runs_are_registered():
    small, full = ([t.name for t in grids.tasks("beyond", scale)] for scale in ("small", "full"))
    assert {"noisy anchors", "components", identified.many().name} <= set(small)
    assert {"noise map", "component map"} <= set(full) - set(small)
