"""What is measured of each system, against brute force: laws, own objectives, labels and partners, with their nulls."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from nonlinear.data import Array
from nonlinear.evaluation import Evaluation
from nonlinear.experiments import methods, supports
from nonlinear.experiments.arms import Arm, measure, shuffled
from nonlinear.experiments.outcomes import agreement, objective, over_floor
from nonlinear.model import Model
from nonlinear.preparation import objective as trained_terms
from nonlinear.sampled import distances
from nonlinear.train import train
from theory.whats import CC, TR

from .handmade import Planted

DATA = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}, "hidden": ()}


def tiny(system, steps=40, **config):
    common = {"n_atoms": 8, "sparsity": 2, "batch": 32, "steps": steps, "n_slices": 8}
    return Arm("tiny", DATA, {"system": system, **common, **config}, rows=256, test_rows=128, parts=("supports",))


def test_labels_are_the_latents_of_the_rows():
    """A row of a linear generator is a combination of the atoms of its latents."""
    arm = tiny("sae")
    atoms = arm.generator(3).atoms["x"]
    for rows, latents in ((arm.sample(3, test=True), arm.labels(3)), (arm.sample(3), arm.latents(3))):
        assert (latents.sum(1) == 2).all()
        for x, active in zip(rows["x"].array, latents, strict=True):
            assert np.linalg.norm(x - x @ np.linalg.pinv(atoms[active]) @ atoms[active]) < 1e-10


def test_shuffling_keeps_rows_with_their_labels():
    rows = {s: Array(np.arange(50.0)[:, None], s) for s in "xyz"}
    found, theirs = shuffled(rows, dict.fromkeys("xyz", np.arange(50)), 1)
    for s in "xyz":
        assert (found[s].array[:, 0] == theirs[s]).all()
        assert sorted(theirs[s]) == list(range(50))
    assert (theirs["x"] == np.arange(50)).all()
    # Random orders have one point in its place on average.
    for a, b in ("xy", "xz", "yz"):
        assert (theirs[a] == theirs[b]).sum() < 8
    assert (shuffled(rows, dict.fromkeys("xyz", np.arange(50)), 1)[1]["y"] == theirs["y"]).all()


@pytest.mark.parametrize("system", ["sae", "usae", "sae-a", "cosae", "crosscoder", "sparc"])
def test_joint_codes_are_measured_beside_standalone_ones_exactly_where_there_are_some(system):
    (unit,) = measure(tiny(system), [0])
    json.dumps(unit, allow_nan=False)
    joint = system in ("crosscoder", "sparc")
    assert {"shared", "shuffled_shared", "untrained_shared"} & set(unit) == (
        {"shared", "shuffled_shared", "untrained_shared"} if joint else set()
    )
    for name in ("supports", "shuffled_supports", "untrained_supports"):
        assert set(unit[name]) == ({"standalone", "shared"} if joint else {"standalone"})
    assert set(unit["over_floor"]) == set(unit["untrained_over_floor"]) == {"dTR", "dCC"}
    if joint:
        assert set(unit["shared"]) == set(unit["untrained_shared"]) == set(unit["r2"])
        assert set(unit["shuffled_shared"]) == {"TR", "CC"}
        assert unit["shared"]["REC"] != unit["r2"]["REC"]


def test_measure_reads_every_number_from_its_own_coders_and_rows():
    arm = tiny("sparc")
    (unit,) = measure(arm, [4])
    rows, labels = arm.sample(4, test=True), dict.fromkeys("xy", arm.labels(4))
    model = train(arm.settings([4]), [arm.sample(4)])
    run = Evaluation(model, rows)
    assert unit["shared"] == pytest.approx(agreement(run, standalone=False)["value"])
    assert unit["over_floor"] == pytest.approx(over_floor(run))
    assert unit["validation"] == pytest.approx(objective(Evaluation(model, arm.validation(4))))
    assert unit["validation"] != pytest.approx(objective(run))
    apart, theirs = shuffled(rows, labels, 4)
    assert unit["shuffled_supports"] == supports.supports(Evaluation(model, apart), theirs)
    for name in ("label_jaccard", "label_jaccard_live"):  # what a stream's own codes fire on stays
        assert unit["shuffled_supports"]["standalone"][name] == unit["supports"]["standalone"][name]


def test_equal_laws_are_at_the_floor_and_others_above():
    """400 rows a side and a dozen directions that differ: each ratio has a standard error of .3 or less."""
    equal, unequal = [], []
    for seed in range(5):
        planted = Planted(seed, n=800)
        model = planted.perfect()
        equal.append(over_floor(Evaluation(model, planted.sources)))
        louder = {"x": Array(planted.rows["x"]), "y": Array(1.5 * planted.rows["y"])}
        unequal.append(over_floor(Evaluation(model, louder)))
    for name in ("dTR", "dCC"):
        assert abs(np.mean([e[name] for e in equal]) - 1) < 0.5
        assert min(e[name] for e in unequal) > 3


def test_distances_of_some_whats_are_those_among_all():
    planted = Planted(n=200)
    run = Evaluation(planted.perfect(), planted.sources)
    views = run.sample(standalone=True), run.sample(standalone=True, sparse=True)
    every, some = distances(*views), distances(*views, (TR, CC))
    assert some == {name: every[name] for name in ("dTR", "dCC")}
    assert set(every) > set(some)


def codes_by_hand(model: Model, s: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normalised rows and their codes by encoder, bias and threshold."""
    given = {name: p[0].double().numpy() for name, p in model.parameters.items()}
    normaliser = model.normalisers[0][s]
    x = (rows - normaliser.mean) * normaliser.scale
    pre = np.maximum(x @ given[f"encoder.{s}"].T + given[f"bias.{s}"], 0)
    return x, pre * (pre >= float(model.thresholds[s][0]))


def test_the_objective_of_reconstruction_is_the_mean_squared_error():
    arm = tiny("sae", steps=100)
    model, rows, expected = train(arm.settings([0]), [arm.sample(0)]), arm.validation(0), 0.0
    for s in "xy":
        x, z = codes_by_hand(model, s, rows[s].array)
        found = z @ model.parameters[f"decoder.{s}"][0].numpy() + model.parameters[f"offset.{s}"][0].numpy()
        expected += ((found - x) ** 2).sum(1).mean()
    assert objective(Evaluation(model, rows)) == pytest.approx(expected, rel=1e-4)
    twice = replace(model, config=model.config.model_copy(update={"weights": {"REC": 2.0}}))
    assert objective(Evaluation(twice, rows)) == pytest.approx(2 * expected, rel=1e-4)


def largest(scores, k):
    """Mask of the k largest of each row."""
    return (np.arange(scores.shape[1]) == np.argsort(-scores, axis=1)[:, :k, None]).any(1)


def test_the_objective_of_joint_codes_is_that_of_the_joint_selection():
    """SPARC: relative errors of all reconstructions and translations, of weight 1/2 each."""
    planted = Planted(n=200, noise=0.3)
    pre = {s: x @ planted.A[s].T for s, x in planted.rows.items()}
    codes = {s: np.maximum(p, 0) * largest(pre["x"] + pre["y"], 3) for s, p in pre.items()}
    errors = [
        (((codes[i] @ planted.A[j] - planted.rows[j]) ** 2).sum(1) / (planted.rows[j] ** 2).sum(1)).mean()
        for i, j in product("xy", repeat=2)
    ]
    run = Evaluation(planted.perfect("sparc"), planted.sources)
    assert objective(run) == pytest.approx(sum(errors) / 2)


def overlap(a, b):
    """Mean over rows of both/either, where either fires."""
    both, either = (a & b).sum(1), (a | b).sum(1)
    return (both[either > 0] / either[either > 0]).mean()


def first_is_own(queries, gallery):
    """Share of the queries whose row is the most similar one by cosine."""
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (queries, gallery))
    return ((a @ b.T).argmax(1) == np.arange(len(a))).mean()


@pytest.mark.parametrize("system", ["cosae", "sparc"])
def test_supports_by_brute_force(system, monkeypatch):
    """Labels, overlap and partners of planted codes with noise; some atoms of y have changed places."""
    monkeypatch.setattr(supports, "GALLERY", 50)
    planted = Planted(n=200, noise=0.15)
    order = np.array([1, 2, 0, *range(3, 12)])
    run = Evaluation(planted.perfect(system, order), planted.sources)
    labels = {"x": planted.codes > 0, "y": np.roll(planted.codes > 1, 1, axis=1)}
    A = {"x": planted.A["x"], "y": planted.A["y"][order]}
    pre = {s: planted.rows[s] @ A[s].T for s in "xy"}
    own = {s: largest(pre[s], 3) if system == "sparc" else pre[s] >= 0.25 for s in "xy"}
    modes = {"standalone": own, "shared": dict.fromkeys("xy", largest(pre["x"] + pre["y"], 3))}
    found = supports.supports(run, labels)
    assert set(found) == ({"standalone", "shared"} if system == "sparc" else {"standalone"})
    chosen = run.sampled["x"][:50]
    for mode, numbers in found.items():
        z = {s: np.maximum(pre[s], 0) * modes[mode][s] for s in "xy"}
        a, b = ((z[s] > 0).T.astype(int) @ labels[s] for s in "xy")
        expected = {
            "label_jaccard": (np.minimum(a, b).sum(1) / np.maximum(a, b).sum(1)).mean(),
            "support_jaccard": overlap(z["x"] > 0, z["y"] > 0),
            "recall": first_is_own(z["x"][chosen], z["y"][chosen]),
            "cross_recall": first_is_own((z["x"] @ A["y"])[chosen], planted.rows["y"][chosen]),
        }
        assert numbers == pytest.approx(expected | {"label_jaccard_live": expected["label_jaccard"]})
        assert 0.1 < min(numbers.values())


def test_atoms_that_never_fire_count_as_disagreement():
    planted = Planted(n=100)
    model = planted.perfect()
    for s in "xy":
        model.parameters[f"bias.{s}"][:, :3] = -10.0
    found = supports.supports(Evaluation(model, planted.sources), dict.fromkeys("xy", planted.codes > 0))
    assert found["standalone"]["label_jaccard"] == pytest.approx(9 / 12)
    assert found["standalone"]["label_jaccard_live"] == pytest.approx(1.0)


@pytest.mark.parametrize("name", methods.METHODS)
def test_every_method_trains(name):
    arm = replace(methods.method(name), rows=256)
    model, start = (train(arm.settings([0], steps=5, lr=lr), [arm.sample(0)]) for lr in (1e-2, 1e-12))
    assert model.step == 5
    for key, p in model.parameters.items():
        assert torch.isfinite(p).all()
        if not key.startswith("skip"):
            assert (p != start.parameters[key]).any(), key


def test_methods_differ_as_their_names_say():
    config = {name: methods.method(name).settings([0]) for name in methods.METHODS}
    terms = {name: {p.name for p, _ in trained_terms(c, 2).terms} for name, c in config.items()}
    joint = {name: c.preset.sharing == "support" for name, c in config.items()}
    cross = {name: "nTR" in terms[name] for name in config}
    assert len(methods.SELECTIONS) == 4
    assert {(joint[n], cross[n]) for n in methods.SELECTIONS} == set(product((True, False), repeat=2))
    assert all(config[n].preset.selection == "topk" for n in methods.SELECTIONS)
    assert terms["SAE"] == {"REC"}
    assert config["USAE"].preset.update == "source" != config["USAE, all update"].preset.update


def test_rates_are_every_method_at_every_rate():
    found = [(arm.name, arm.config["lr"]) for arm in methods.rates()]
    assert sorted(found) == sorted((f"linear, {m}, lr {r:g}", r) for m in methods.METHODS for r in methods.RATES)
    assert set(methods.CHOSEN) == set(methods.METHODS)
    assert set(methods.CHOSEN.values()) <= set(methods.RATES)


def test_unknown_methods_and_generators_are_refused():
    with pytest.raises(KeyError, match="SEA"):
        methods.method("SEA")
    with pytest.raises(KeyError, match="SEA"):
        methods.method("SEA", lr=1e-3)
    with pytest.raises(KeyError, match="sigmoid"):
        methods.method("SAE", "sigmoid")
