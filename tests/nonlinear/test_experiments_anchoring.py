"""Anchored arms and matched atoms: which pairs a batch shows, and matchings against every permutation there is."""

import json
from dataclasses import replace
from itertools import combinations, permutations, product
from math import factorial

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from nonlinear.data import Array
from nonlinear.experiments import anchoring
from nonlinear.experiments.arms import Arm
from nonlinear.losses import stacked
from nonlinear.preparation import batches, objective
from nonlinear.train import Trainer

from .small import batch_of

ROWS = 1000


def layout_and_batches(arm, steps):
    """Layout of an arm's batches, and the row numbers of the first ones."""
    config, rows = arm.settings([0]), {s: Array(np.zeros((ROWS, 24)), s) for s in "xy"}
    layout, (shuffle,) = batches(config, objective(config, 2), rows, None)
    return layout, [shuffle.rows(step) for step in range(steps)]


@pytest.mark.parametrize("laws", [False, True])
@pytest.mark.parametrize("m", [1, 8, 64, 148, 592])
def test_every_batch_shows_the_anchors_and_no_other_pair(m, laws):
    layout, drawn = layout_and_batches(anchoring.anchored(m, laws), 40)
    assert layout.rows == {"x": 128, "y": 128}
    shown = np.zeros(ROWS, dtype=int)
    for rows in drawn:
        x, y = (rows[s][layout.matched("x", "y")[k]] for k, s in enumerate("xy"))
        assert x.tolist() == y.tolist()
        assert len(x) == min(m, 64)
        if m <= 64:
            assert sorted(x) == list(range(m))
        others = [np.delete(rows[s], np.r_[layout.matched("x", "y")[k]]) for k, s in enumerate("xy")]
        assert not set(np.concatenate(others)) & set(range(m))
        np.add.at(shown, x, 1)
    assert not shown[m:].any()
    # Passes through shuffled anchors, on either side: all come up equally often, but for the last pass.
    assert shown[:m].max() - shown[:m].min() <= 2


@pytest.mark.parametrize("m", [0, 8, 592])
def test_laws_compare_disjoint_points(m):
    layout, drawn = layout_and_batches(anchoring.anchored(m, laws=True), 20)
    for i, j in ("xy", "yx"):
        first, second = (
            set(np.concatenate([rows[s][np.r_[layout.side(s, side)]] for rows in drawn]))
            for s, side in ((i, 0), (j, 1))
        )
        assert not first & second
        assert min(len(first), len(second)) > 64


def test_without_anchors_no_row_is_matched():
    layout, _ = layout_and_batches(anchoring.anchored(0, laws=True), 1)
    assert layout.matched("x", "y") == (slice(0, 0), slice(0, 0))
    assert layout.rows == {"x": 128, "y": 128}


def losses(trainer, x):
    found, _, _ = stacked(
        trainer.objective, trainer.shape, trainer.parameters, x, trainer.layout,
        sparse=trainer.sparse, edges=None, silent=None, seed=0, hints=trainer.hints,
    )  # fmt: skip
    return {name: float(v.detach()) for name, v in found.items()}


def test_translation_and_consistency_are_trained_at_the_anchors_alone():
    """Other rows of y may change places without a trace; those of the anchors may not."""
    arm = replace(anchoring.anchored(8, laws=False), rows=256)
    trainer = Trainer(arm.settings([0]), arm.sample(0))
    x = batch_of(trainer)
    anchors = np.arange(128)[trainer.layout.matched("x", "y")[1]]
    others = np.setdiff1d(np.arange(128), anchors)
    before, moved = losses(trainer, x), {}
    for name, chosen in (("others", others), ("anchors", anchors)):
        order = np.arange(128)
        order[chosen] = np.roll(chosen, 1)
        moved[name] = losses(trainer, x | {"y": x["y"][:, torch.from_numpy(order)]})
    assert set(before) == {"REC", "TR", "CC", "loss"}
    assert moved["others"] == pytest.approx(before, rel=1e-5)
    assert moved["anchors"]["REC"] == pytest.approx(before["REC"], rel=1e-5)
    for name in ("TR", "CC"):
        assert abs(moved["anchors"][name] - before[name]) > 1e-2 * before[name]


def test_arms_differ_in_their_terms_and_pairs_alone():
    for m in (0, 8):
        configs = [dict(anchoring.anchored(m, laws).config) for laws in (False, True)]
        weights = [c.pop("weights") for c in configs]
        assert configs[0] == configs[1]
        assert set(weights[1]) - set(weights[0]) == {"dTR", "dCC"}
        assert weights[0] == {k: 1.0 for k in (("REC", "TR", "CC") if m else ("REC",))}
    assert len({arm.name for arm in anchoring.grid()}) == len(anchoring.grid())


def supports_of(K, s):
    return [np.isin(np.arange(K), chosen).astype(float) for chosen in combinations(range(K), s)]


@pytest.mark.parametrize(("K", "s", "m"), [(3, 1, 1), (3, 2, 1), (4, 2, 2), (4, 1, 3), (5, 2, 2), (5, 4, 1)])
def test_the_predicted_share_by_going_through_all_anchors_and_permutations(K, s, m):
    """R² of binary codes over all rows, mean over the anchors and over the permutations that they allow."""
    rows, orders = np.array(supports_of(K, s)), [list(p) for p in permutations(range(K))]
    values = [anchoring._r2((rows, rows), np.array(p)) for p in orders]
    means = []
    for known in product(rows, repeat=m):
        codes = np.array(known)
        means.append(np.mean([v for p, v in zip(orders, values, strict=True) if (codes[:, p] == codes).all()]))
    low = np.mean(values)
    assert anchoring.predicted_share(K, s, m) == pytest.approx((np.mean(means) - low) / (1 - low))


def planted(m=40, K=12, active=3, seed=0, binary=False):
    """Codes of x at m anchors, the same with the atoms in another order, and that order."""
    rng = np.random.default_rng(seed)
    x = np.zeros((m, K))
    for row in x:
        row[rng.choice(K, active, replace=False)] = 1.0 if binary else rng.uniform(0.5, 1.5, active)
    order = rng.permutation(K)
    return x, x[:, order], order


def test_matching_finds_the_planted_permutation():
    x, y, order = planted()
    assert (x != 0).any(0).all()
    for seed in range(5):
        found = anchoring._matching((x, y), np.random.default_rng(seed))
        assert found.tolist() == order.tolist()
    noisy = y + 0.1 * np.random.default_rng(0).normal(size=y.shape)
    assert anchoring._matching((x, noisy), np.random.default_rng(0)).tolist() == order.tolist()


def test_matching_is_the_best_of_all_permutations():
    rng = np.random.default_rng(2)
    for _ in range(20):
        x, y = np.maximum(rng.normal(size=(2, 3, 5)), 0)
        found = ((x[:, anchoring._matching((x, y), rng)] - y) ** 2).sum()
        assert found == pytest.approx(min(((x[:, list(p)] - y) ** 2).sum() for p in permutations(range(5))))


@pytest.mark.parametrize("binary", [False, True])
def test_what_the_anchors_leave_open_is_left_to_chance(binary):
    """Every permutation that maps the codes to each other is as likely as any other: atoms that are silent at the
    anchors, and with equal amplitudes those that are active on the same ones."""
    x, y, _ = planted(m=2 if binary else 3, K=6, active=2 if binary else 1, seed=1, binary=binary)
    _, groups = np.unique(x.T, axis=0, return_inverse=True)
    ways = int(np.prod([factorial(n) for n in np.bincount(groups.ravel())]))
    assert 2 <= ways <= 24
    rng, draws = np.random.default_rng(0), 3000
    found, counts = np.unique([anchoring._matching((x, y), rng) for _ in range(draws)], axis=0, return_counts=True)
    assert len(found) == ways
    assert all((x[:, atoms] == y).all() for atoms in found)
    assert np.abs(counts / draws - 1 / ways).max() < 5 * np.sqrt(1 / ways / draws)


def test_r2_is_scikit_learns():
    rng = np.random.default_rng(3)
    x, y = np.maximum(rng.normal(size=(2, 30, 5)), 0) * [1, 2, 3, 0.1, 1]
    atoms = rng.permutation(5)
    expected = r2_score(y, x[:, atoms], multioutput="variance_weighted")
    assert anchoring._r2((x, y), atoms) == pytest.approx(expected)
    assert anchoring._r2((y, y), np.arange(5)) == 1.0


SMALL = Arm(
    "small",
    {"n_latents": 12, "sparsity": 2, "domains": {"x": 12, "y": 12}, "hidden": ()},
    {"system": "cosae", "weights": {"REC": 1.0}, "n_atoms": 24, "sparsity": 2, "batch": 64, "steps": 600, "lr": 2e-2},
    rows=512,
    test_rows=256,
)
SEEDS = 5, 6


@pytest.fixture(scope="module")
def matched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anchoring, "objective", lambda: SMALL)
        patch.setattr(anchoring, "MATCHED_COUNTS", (2, 6, 512))
        patch.setattr(anchoring, "DRAWS", 12)
        return anchoring.matched_atoms(SEEDS)


def test_matched_atoms_reports_what_it_promises(matched):
    shares = {f"{kind}share_{m}" for kind in ("", "identity_", "shuffled_") for m in (2, 6, 512)}
    numbers = shares | {"best", "random"}
    for seed, unit in zip(SEEDS, matched, strict=True):
        assert set(unit) == {"seed", "change", "draws"} | numbers | {f"untrained_{name}" for name in numbers}
        assert unit["seed"] == seed
        assert {m: np.shape(draws) for m, draws in unit["draws"].items()} == {m: (12, 3) for m in ("2", "6", "512")}
        for m, draws in unit["draws"].items():
            share, predicted, shuffled = np.array(draws).T
            assert unit[f"share_{m}"] == pytest.approx(share.mean())
            assert unit[f"shuffled_share_{m}"] == pytest.approx(shuffled.mean())
            assert ((predicted >= 0) & (predicted <= 1)).all()
    json.dumps(matched, allow_nan=False)


def test_all_rows_as_anchors_are_the_whole_way_and_fewer_are_not(matched):
    for unit in matched:
        assert unit["share_2"] < unit["share_6"] < 1
        assert unit["share_512"] == pytest.approx(1.0)
        assert {p for _, p, _ in unit["draws"]["512"]} == {1.0}
        assert unit["shuffled_share_512"] < 0.5
        assert len({unit[f"identity_share_{m}"] for m in (2, 6, 512)}) == 1


def test_the_best_matching_of_untrained_coders_explains_nothing(matched):
    for unit in matched:
        assert unit["random"] < unit["best"]
        assert unit["untrained_best"] < 0 < unit["best"]


def test_linear_maps_on_the_anchors_alone_by_least_squares(monkeypatch):
    monkeypatch.setattr(anchoring, "COUNTS", (0, 8, 600))
    (found,) = anchoring.closed_forms([3])
    assert set(found) == {"seed"} | {f"{name}_{m}" for name in ("ridge", "procrustes") for m in (8, 600)}
    known, fresh = (anchoring.objective().sample(3, test=test) for test in (False, True))
    values = []
    for i, j in (("x", "y"), ("y", "x")):
        a, b = (np.column_stack([known[s].array[:600], np.ones(600)]) for s in (i, j))
        map_ = np.linalg.lstsq(a, b, rcond=None)[0]
        estimate = np.column_stack([fresh[i].array, np.ones(len(fresh[i]))]) @ map_
        values.append(r2_score(fresh[j].array, estimate[:, :-1], multioutput="variance_weighted"))
    assert found["ridge_600"] == pytest.approx(np.mean(values), abs=2e-3)  # 600 anchors need next to no penalty
    assert found["ridge_8"] > found["procrustes_8"]
    assert found["procrustes_600"] < found["ridge_600"]
