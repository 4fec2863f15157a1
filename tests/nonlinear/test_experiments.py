"""The runs behind E1 and E2: data, what is measured, the store, and the numbers that theorems predict."""

import json
import subprocess
import sys
import time
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear.experiments import cycle, duality, grids, setting
from nonlinear.experiments.arms import Arm, measure, together, units
from nonlinear.experiments.outcomes import change
from nonlinear.experiments.rowwise import summary
from nonlinear.experiments.store import Store
from theory.moments import Moments
from theory.properties import TR, Property, registered

DATA = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 5}, "hidden": ()}
CONFIG = {"system": "cosae", "weights": {"REC": 1.0, "TR": 1.0}, "n_atoms": 8, "sparsity": 2, "batch": 32, "steps": 40}


def tiny(name="tiny", **config):
    return Arm(name, DATA, {**CONFIG, **config}, rows=256, test_rows=128, parts=("rowwise",))


@pytest.fixture(scope="module")
def measured():
    return measure(tiny(), [0, 1])


def test_train_test_and_validation_rows_are_different_points_of_one_generator():
    arm = tiny()
    samples = arm.sample(3), arm.sample(3, test=True), arm.validation(3)
    assert [len(s["x"]) for s in samples] == [256, 128, 128]
    for one, two in combinations(samples, 2):
        assert not set(map(bytes, one["x"].array)) & set(map(bytes, two["x"].array))
    # A linear generator without noise: all samples are in the row space of the same atoms.
    atoms = arm.generator(3).atoms["x"]
    for sample in samples:
        residual = sample["x"].array - sample["x"].array @ np.linalg.pinv(atoms) @ atoms
        assert np.abs(residual).max() < 1e-10
    assert not np.allclose(arm.sample(4)["x"].array[:128], samples[0]["x"].array[:128])
    assert not np.allclose(arm.validation(4)["x"].array, samples[2]["x"].array)


def test_what_is_measured_is_finite_and_named(measured):
    assert [u["seed"] for u in measured] == [0, 1]
    for unit in measured:
        assert set(unit["r2"]) == set(unit["untrained"]) == {"REC", "TR", "CC", "CYC"}
        assert set(unit["shuffled"]) == {"TR", "CC"}
        assert all(np.isfinite(v) for group in ("r2", "untrained", "shuffled") for v in unit[group].values())
        assert 0 < unit["l0"] <= 8
        assert 0 <= unit["dead"] <= 1
        assert unit["shuffled"]["TR"] <= 0
    json.dumps(measured, allow_nan=False)


def test_training_moves_what_it_trains(measured):
    for unit in measured:
        assert unit["r2"]["REC"] > unit["untrained"]["REC"] + 0.1
        assert unit["r2"]["TR"] > unit["untrained"]["TR"] + 0.1


def test_a_seed_is_measured_alike_alone_and_in_company(measured):
    (alone,) = measure(tiny(), [1])
    assert alone["r2"] == pytest.approx(measured[1]["r2"], abs=1e-4)


def test_r2_of_translation_written_out(measured):
    """The mean over both directions of 1 − Σ‖x_j − g_j f_i(x_i)‖²/Σ‖x_j − mean‖², on the test rows."""
    from nonlinear.data import Streams
    from nonlinear.train import train

    arm = tiny()
    model = train(arm.settings([0, 1]), [arm.sample(0), arm.sample(1)])
    rows = Streams(arm.sample(0, test=True), model.normalisers[0]).batch({s: np.arange(128) for s in "xy"})
    coders, found = model.coders(0), []
    for i, j in (("x", "y"), ("y", "x")):
        estimate, x = coders.decode(j, coders.encode(i, rows[i])).numpy(), rows[j].numpy()
        found.append(1 - ((x - estimate) ** 2).sum() / ((x - x.mean(0)) ** 2).sum())
    assert measured[0]["r2"]["TR"] == pytest.approx(np.mean(found), abs=1e-4)


def test_change_looks_at_the_last_tenth():
    trained: Any = SimpleNamespace(curve={"loss": np.array([[8.0, 8.0], *[[2.0, 4.0]] * 18, [1.0, 4.0]])})
    assert change(trained, 0) == -0.5
    assert change(trained, 1) == 0.0


def test_rows_are_bounded_by_the_atoms_they_use(measured):
    rows = measured[0]["rowwise"]
    distance, image, sigma = (np.array(rows[k]) for k in ("distance", "image", "sigma"))
    assert len(distance) == 2 * 128
    assert (sigma * distance <= image + 1e-9).all()
    assert distance.max() > 0
    # Codes of at most s atoms each: no row does worse than the exhaustive σ_2s of its decoder.
    for decoder in range(2):
        assert rows["widest"][decoder] > 4 or sigma[128 * decoder :][:128].min() >= rows["sigma_2s"][decoder] - 1e-9


def test_summary_counts_by_hand():
    rows = {
        "distance": [1.0, 2.0, 0.0],
        "image": [1.0, 1.0, 0.0],
        "sigma": [0.5, 0.25, 1.0],
        "largest": [3.0, 3.0, 1.0],
    }
    found = summary([{"rowwise": rows | {"coherence": [0.2, 0.5], "widest": [4, 4], "sigma_2s": [None, None]}}])
    # Bounds 2, 4 and 0 against 3, 3 and 1; (4−1)·0.2 < 1 ≤ (4−1)·0.5.
    assert found["informative"] == pytest.approx(2 / 3)
    assert found["agree"] == pytest.approx(1 / 3)
    assert found["coherence_vacuous"] == 0.5
    assert found["bound_over_distance"]["median"] == 2.0


class TestStore:
    def test_computes_once(self, tmp_path):
        calls = []
        store = Store(tmp_path / "arms")
        for _ in range(2):
            assert store.get("a b", {"n": 1}, lambda: calls.append(1) or {"x": 1.5}) == {"x": 1.5}
        assert calls == [1]
        assert store.get("a b", {"n": 2}, lambda: {"x": 2.5}) == {"x": 2.5}
        assert len(list((tmp_path / "arms").glob("*.json"))) == 2

    def test_a_damaged_result_is_computed_again(self, tmp_path):
        store = Store(tmp_path)
        store.get("a", 1, lambda: 1.0)
        store.path("a", 1).write_text("{")
        assert store.get("a", 1, lambda: 2.0) == 2.0

    def test_what_fails_leaves_nothing(self, tmp_path):
        store = Store(tmp_path)
        with pytest.raises(ZeroDivisionError):
            store.get("a", 1, lambda: 1 / 0)
        assert not list(tmp_path.glob("*.json"))
        assert store.get("a", 1, lambda: 3.0) == 3.0

    def test_no_nan_is_stored(self, tmp_path):
        with pytest.raises(ValueError, match="JSON"):
            Store(tmp_path).get("a", 1, lambda: float("nan"))

    def test_two_processes_compute_once(self, tmp_path):
        code = (
            "import sys, time, pathlib; from nonlinear.experiments.store import Store\n"
            "base = pathlib.Path(sys.argv[1])\n"
            "def compute():\n"
            "    time.sleep(0.5); n = len(list(base.glob('ran*'))); (base / f'ran{n}').touch(); return n\n"
            "print(Store(base).get('a', 1, compute))"
        )
        running = [
            subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        assert [p.communicate()[0].strip() for p in running] == ["0", "0"]
        assert len(list(tmp_path.glob("ran*"))) == 1

    def test_who_does_not_wait_gets_nothing_while_another_computes(self, tmp_path):
        code = (
            "import sys, select, pathlib; from nonlinear.experiments.store import Store\n"
            "base = pathlib.Path(sys.argv[1])\n"
            "def compute():\n"
            # It ends by itself, so that who waits for it fails instead of hanging.
            "    (base / 'begun').touch(); select.select([sys.stdin], [], [], 20); return 7\n"
            "Store(base).get('a', 1, compute)"
        )
        other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, text=True)
        while not (tmp_path / "begun").exists():
            assert other.poll() is None
            time.sleep(0.01)
        store = Store(tmp_path)
        assert store.get("a", 1, lambda: pytest.fail("computed twice"), wait=False) is None
        assert store.get("b", 1, lambda: 8, wait=False) == 8
        other.communicate("\n", timeout=60)
        assert store.get("a", 1, lambda: pytest.fail("computed twice"), wait=False) == 7

    def test_arms_together_are_those_alone(self, tmp_path):
        arms = [tiny("0", steps=20), tiny("1", steps=21)]
        found = together(arms, [0], Store(tmp_path))
        alone = [units(a, [0], Store(None)) for a in arms]
        assert [found["0"], found["1"]] == alone

    def test_units_come_from_it(self, tmp_path, monkeypatch):
        store = Store(tmp_path)
        first = units(tiny(steps=20), [0], store)
        monkeypatch.setattr("nonlinear.experiments.arms.measure", lambda *a: pytest.fail("trained again"))
        assert units(tiny(steps=20), [0], store) == first


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_exact_pairs_have_the_moments_asked_for(seed, d):
    rng = np.random.default_rng(seed)
    x, y = (np.sort(rng.uniform(0.1, 3, d))[::-1] for _ in range(2))
    spectra = tuple(x), tuple(y), tuple(rng.uniform(0, 0.99, d))
    m = Moments.from_arrays(*cycle.exact_pair(seed, spectra, rows=2 * d + 3))
    assert np.allclose(np.linalg.eigvalsh(m.Sx)[::-1], spectra[0], atol=1e-10)
    assert np.allclose(np.linalg.eigvalsh(m.Sy)[::-1], spectra[1], atol=1e-10)
    roots = [np.linalg.cholesky(S) for S in (m.Sx, m.Sy)]
    M = np.linalg.solve(roots[0], m.Sxy) @ np.linalg.inv(roots[1]).T
    assert np.allclose(np.linalg.svd(M)[1], np.sort(spectra[2])[::-1], atol=1e-9)


def test_same_covariance_is_zero_for_rotations_of_round_data_and_not_for_stretches():
    from nonlinear.linear import linear_view

    X, Y = cycle.exact_pair(0, ((1.0, 1.0), (1.0, 1.0), (0.5, 0.1)))
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    maps = {"Wx": Q, "Dx": np.eye(2), "Wy": np.eye(2), "Dy": np.eye(2)}
    with registered(cycle.SameCovariance()):
        level = cycle.SameCovariance()
        assert Property(TR, level).loss(linear_view(X, Y, maps)) < 1e-20
        assert Property(TR, level).loss(linear_view(X, Y, maps | {"Dy": 2 * np.eye(2)})) > 1


def test_cycle_training_ends_at_an_optimum_that_does_not_translate():
    found = cycle.cycle_only(0)
    assert found["r2_cyc"] > 1 - 1e-6
    assert found["formula"] < 1e-9
    assert found["r2_tr"] < 0 < found["regression_r2_tr"]
    assert found["regression_linear_part"] > 0.3 > abs(found["linear_part"])
    assert abs(found["shuffled_linear_part"]) < 0.3


MORE = {"methods": ["rates"], "unidentifiability": ["weights"], "anchoring": ["weights"]}


def test_every_experiment_lists_distinct_runs_at_every_scale():
    assert {e.claims for e in grids.EXPERIMENTS.values()} == {
        *((f"E{number}",) for number in (1, 2, 3, 4, 7, 8, 9)),
        ("E5", "E6"),
        (),  # pairs: the rule of `concept-alignment anchors`
    }
    for name, experiment in grids.EXPERIMENTS.items():
        assert set(experiment.scales) == {"small", "full"} | set(MORE.get(name, ()))
        for scale in experiment.scales:
            tasks = grids.tasks(name, scale)
            assert len({t.name for t in tasks}) == len(tasks)
            assert all((t.arm is None) == (t.name in grids.OTHERS) for t in tasks)
            assert len({json.dumps(t.settings([0, 1]), sort_keys=True) for t in tasks}) == len(tasks)


def test_the_runs_of_the_claims():
    small = {name: [t.name for t in grids.tasks(name, "small")] for name in grids.EXPERIMENTS}
    assert {"linear, REC+TR", "ReLU bottleneck, REC+TR+CC"} <= set(small["duality"])
    assert {"linear, REC+dCC, aligned, biased, independent start", "gaussian laws"} <= set(small["unidentifiability"])
    assert {"linear, 0 anchors + laws", "linear, 148 anchors", "matched atoms"} <= set(small["anchoring"])
    for name in ("unidentifiability", "anchoring", "methods"):
        assert {n for n in small[name] if n.startswith("linear")} <= {t.name for t in grids.tasks(name, "full")}


def test_unknown_experiments_and_scales_are_refused():
    with pytest.raises(ValueError, match=r"unknown experiment 'x'; known: duality, cycle, .*, scenes$"):
        grids.tasks("x", "small")
    with pytest.raises(ValueError, match=r"^cycle has no scale 'rates'; use small or full$"):
        grids.tasks("cycle", "rates")
    with pytest.raises(ValueError, match="use small or full or rates"):
        grids.tasks("methods", "large")


@pytest.mark.parametrize(
    ("names", "common", "free"),
    [
        (["duality"], duality.TRAINING, set()),
        (["unidentifiability", "anchoring"], setting.TRAINING, set()),
        (["methods"], setting.TRAINING, {"system", "lr"}),
    ],
)
def test_every_arm_of_a_grid_has_the_same_training_but_for_what_its_name_says(names, common, free):
    fixed = {"steps", "batch", "lr", "decay", "dead_after", "sparsity", "system"} - free
    for arm in (t.arm for name in names for t in grids.tasks(name, "full") if t.arm):
        assert {k: arm.config[k] for k in fixed} == {k: common[k] for k in fixed}
        assert arm.generator(0).sparsity == 3


def test_a_document_leaves_out_what_is_no_number():
    units = [{"seed": 0, "r2": 0.5, "maps": [[1.0]], "maps_2": [[1.0]], "regression": [[1.0]], "draws": {"8": []}}]
    document = grids.Task("gaussian laws").result([0], units)
    assert document["units"] == [{"seed": 0, "r2": 0.5}]
    assert document["settings"]["seeds"] == [0]
    assert "rowwise" not in document
