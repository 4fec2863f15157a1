"""Baselines in the units of the benchmark: their values are known, whatever the units of the rows."""

from dataclasses import replace

import numpy as np
import pytest

from nonlinear.data import Array
from nonlinear.intervench.baselines import BASELINES
from nonlinear.intervench.benchmark import intervench
from nonlinear.intervench.config import Config
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.planted import PlantedCoder, planted

CONFIG = Config(rows_per_class=50, subsets=1, budgets=(5,), counts=(5,), resamples=20, penalty=1e-2)


def scaled(data, factor):
    """The planted data in other units, each stream shifted too, with coders that know of it."""

    def coder(c):
        return PlantedCoder(c.dictionary * factor, lambda X: c.encode(X / factor))

    return replace(
        data,
        sources={s: Array(rows.array * factor, s) for s, rows in data.sources.items()},
        coders={s: coder(c) for s, c in data.coders.items()},
    )


@pytest.fixture(scope="module")
def documents():
    data = planted(600, 3)
    return [intervench(d.sources, d.coders, d.labels, CONFIG, forget=d.forget) for d in (data, scaled(data, 1e3))]


@pytest.fixture
def document(documents):
    return documents[1]


def test_coordinates_reconstruct_and_serve_a_probe_exactly(document):
    for s in "AB":
        for metric in ("r2", "faithfulness"):
            assert document["baselines"]["identity"]["metrics"][metric][s][s] == pytest.approx(1, abs=1e-9)


def test_principal_components_reconstruct_what_they_keep(document):
    data = planted(600, 3)
    bench = Bench(data.sources, data.coders, data.labels, CONFIG, data.forget)
    x = bench.X["A", "fit"]
    _, _, Vt = np.linalg.svd(x - x.mean(0), full_matrices=False)
    test = bench.X["A", "test"]
    left = test - test @ Vt[: bench.n_atoms].T @ Vt[: bench.n_atoms]
    r2 = 1 - (left**2).sum() / ((test - test.mean(0)) ** 2).sum()
    assert document["baselines"]["pca"]["metrics"]["r2"]["A"]["A"] == pytest.approx(r2, abs=1e-6)


def test_units_change_no_baseline(documents):
    reference, found = (d["baselines"] for d in documents)
    for name in BASELINES:
        for score, value in reference[name]["aggregates"].items():
            assert found[name]["aggregates"][score] == pytest.approx(value, abs=1e-6)


def test_a_stream_of_one_column():
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = {"x": Array((y + 0.1 * rng.standard_normal(200))[:, None]), "y": Array(rng.standard_normal((200, 3)))}
    coders = {
        "x": PlantedCoder(np.ones((1, 1)), lambda X: np.maximum(X, 0)),
        "y": PlantedCoder(np.eye(3)[:1], lambda X: np.maximum(X[:, :1], 0)),
    }
    found = intervench(x, coders, y, Config(resamples=20))
    assert any("differ in width" in w for w in found["warnings"])
    assert any("TPP is left out" in w for w in found["warnings"])
    assert any("no higher than the largest class" in w for w in found["warnings"])


def test_the_largest_class_is_that_of_all_training_rows_and_probes_keep_its_share():
    rng = np.random.default_rng(0)
    y = (rng.random(2000) < 0.9).astype(int)
    x = {s: Array(rng.standard_normal((2000, 4)), s) for s in "xy"}
    coders = dict.fromkeys("xy", PlantedCoder(np.eye(4), lambda X: np.maximum(X, 0)))
    bench = Bench(x, coders, {"x": y, "y": y}, Config(rows_per_class=50))
    fitted = bench.y("x", "fit")
    assert len(fitted) == pytest.approx(100, abs=2)
    assert fitted.mean() == pytest.approx(0.9, abs=0.02)
    found = intervench(x, coders, y, Config(rows_per_class=50, resamples=20), baselines=False)
    assert found["majority"]["x"] == pytest.approx(y.mean(), abs=0.02)
    assert found["metrics"]["faithfulness"]["x"]["x"]["status"] == "undefined"
