"""Arms on real embeddings: which rows they learn and are judged on, and what is computed beside."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from nonlinear.embeddings.digits import digits as embed
from nonlinear.experiments import digits, embedded, scenes, transfer
from nonlinear.experiments.arms import measure, settings

TINY = {"n_atoms": 16, "sparsity": 3, "batch": 16, "steps": 20, "n_slices": 4}


def tiny(arm, **changes):
    matched = {"matched": 4} if "anchors" in arm.config else {}
    return replace(arm, config={**arm.config, **TINY, **matched}, rows=64, test_rows=48, **changes)


class TestDigits:
    def test_rows_are_those_of_the_parts(self):
        arm = tiny(digits.arm("none"))
        for found, part, n in ((arm.sample(0), "train", 64), (arm.sample(0, test=True), "test", 48)):
            for s, x in embed(0, part, n).streams.items():
                np.testing.assert_array_equal(found[s].array, x)
        assert arm.validation(0)["mlp"].array.shape == (48, 48)
        assert (arm.labels(0).argmax(1) == embed(0, "test", 48).labels).all()

    def test_settings_tell_embeddings_and_anchors_apart(self):
        arms = [digits.arm("TR"), digits.arm("TR", "halves"), digits.arm("TR", anchors=8), digits.arm("TR", anchors=9)]
        assert len({str(settings(a, [0])) for a in arms}) == len(arms)

    def test_the_benchmark_learns_on_training_images_and_measures_on_others(self, monkeypatch):
        asked = {}

        def noted(sources, coders, labels, config, *, forget, split, **_):
            asked.update(sources=sources, labels=labels, forget=forget, split=split)
            entry = {"a": {"a": {"gated": 1.0}, "b": {"gated": 0.5}}, "b": {"a": {"gated": 0.0}, "b": {"gated": 0.0}}}
            return {"aggregates": {"S_ext": {"value": 0.5}}, "metrics": {"r2": entry}}

        monkeypatch.setattr(embedded, "intervench", noted)
        unit = measure(tiny(digits.arm("none"), parts=("intervench", "linear_maps")), [0])[0]
        assert unit["scores"] == {"S_ext": 0.5, "r2": {"diagonal": 0.5, "off": 0.25}}
        for part, n in (("train", 64), ("validation", 48), ("test", 48)):
            rows, data = asked["split"][part], embed(0, part, n)
            np.testing.assert_array_equal(asked["sources"]["cnn"].array[rows], data.streams["cnn"])
            assert (asked["labels"][rows] == data.labels).all()
            assert (asked["forget"][rows] == data.attribute).all()
        assert set(unit["linear_maps"]) == {"ridge", "procrustes"}

    def test_joint_codes_are_scored_beside_standalone_ones(self, monkeypatch):
        joint = []
        monkeypatch.setattr(embedded.EmbeddedArm, "_scores", lambda *a: joint.append(a[-1] is not None) or {})
        unit = measure(tiny(digits.method("crosscoder"), parts=("intervench",)), [0])[0]
        assert joint == [False, True]
        assert {"scores", "shared_scores"} <= set(unit)


class TestTransfer:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 6))
    y = x @ rng.standard_normal((6, 4)) + 5

    def test_ridge_is_scikit_learns_at_a_chosen_penalty_and_sees_m_pairs(self):
        fitted = transfer.linear_projectors({"x": self.x, "y": self.y}, 50)["ridge"](self.x[:3])
        ways = [Ridge(p).fit(self.x[:50], self.y[:50]).predict(self.x[:3]) for p in transfer.PENALTIES]
        assert min(np.abs(fitted - way).max() for way in ways) < 1e-8
        broken = np.concatenate([self.y[:50], self.rng.standard_normal((250, 4))])
        again = transfer.linear_projectors({"x": self.x, "y": broken}, 50)["ridge"](self.x[:3])
        np.testing.assert_array_equal(fitted, again)

    def test_zero_shot_counts_the_nearest_by_centred_cosine(self):
        candidates = self.rng.standard_normal((7, 4)) + 5
        truth = self.rng.integers(7, size=40)
        estimate = 5 + 3 * (candidates[truth] - 5)
        assert transfer.zero_shot(estimate, candidates, truth, np.full(4, 5.0)) == 1
        assert transfer.zero_shot(estimate, candidates, (truth + 1) % 7, np.full(4, 5.0)) == 0

    def test_hits_of_what_knows_nothing_are_the_covered_share(self):
        covered = self.rng.random((50, 9)) < 0.3
        assert transfer.hits(np.zeros((50, 9)), covered) == pytest.approx(covered.mean())
        assert transfer.hits(covered.astype(float), covered) == pytest.approx(covered.any(1).mean() + 0.0)


@pytest.fixture
def stage(monkeypatch):
    """Scenes and captions without towers: 12 combinations of two attributes, text a linear map of the image."""
    rng = np.random.default_rng(1)
    A, combos = rng.standard_normal((6, 8)), np.stack(np.divmod(np.arange(12), 4), 1)
    means = rng.standard_normal((12, 6))

    def rows(seed, part, n):
        own = np.random.default_rng([seed, len(part)])
        which = own.integers(12, size=n)
        image = means[which] + 0.05 * own.standard_normal((n, 6))
        patches = np.repeat(0.1 * own.standard_normal((n, 1, 6)), 5, 1)
        covered = np.zeros((n, 5), np.uint8)
        covered[np.arange(n), own.integers(5, size=n)] = 1
        patches += covered[..., None] * image[:, None, :]
        attributes = np.zeros((n, len(scenes.ATTRIBUTES)), int)
        attributes[:, :2] = combos[which]
        return {"image": image, "text": image @ A, "attributes": attributes, "patches": patches, "covered": covered}

    wide = np.zeros((12, len(scenes.ATTRIBUTES)), int)
    wide[:, :2] = combos
    monkeypatch.setattr(scenes, "_rows", rows)
    monkeypatch.setattr(scenes, "_candidates", lambda: (means @ A, wide))
    monkeypatch.setattr(scenes, "UNSEEN", 200)


def test_transfer_of_scenes_beside_its_nulls(stage):
    unit = measure(tiny(scenes.arm()), [0])[0]
    found, shuffled, untrained = (unit[k] for k in ("transfer", "shuffled_transfer", "untrained_transfer"))
    assert set(found) == set(shuffled) == set(untrained)
    assert found["ridge"] > 0.95
    assert found["caption"] > 0.95
    assert shuffled["ridge"] < 0.25 > shuffled["caption"]
    assert found["ridge"] == untrained["ridge"]
    assert found["hits_chance"] == pytest.approx(0.2)
    assert found["pair_chance"] == pytest.approx(0.1)
    assert found["pair_ridge"] > 0.8 > 0.5 > shuffled["pair_ridge"]


def test_anchors_are_all_that_maps_and_coders_see(stage):
    few, every = (measure(tiny(scenes.arm(m)), [0])[0]["transfer"] for m in (4, 64))
    assert few["ridge"] < every["ridge"]
    assert few["caption"] == every["caption"]
