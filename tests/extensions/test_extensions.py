"""Two small distributions: installed, their levels are everywhere, with no change elsewhere."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from proofs_check import implications, models
from proofs_check.contract import checks
from theory.properties import all_properties, property_named, registered
from theory.similarity import linear_cka
from theory.view import View

HERE = Path(__file__).parent
NAMES = ("second_order", "same_support")
WHATS = ("REC", "CYC", "TR", "CC")


def level(name):
    spec = spec_from_file_location(name, HERE / name / f"{name}.py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return getattr(module, name.upper())


LEVELS = [level(name) for name in NAMES]
with registered(*LEVELS):
    PROPERTIES = [p for p in all_properties() if p.level in LEVELS]


@pytest.mark.parametrize("check", [pytest.param(c, id=f"{p.name}: {c.name}") for p in PROPERTIES for c in checks(p)])
def test_property(check):
    check()


def test_metrics_are_what_they_are_called():
    rng = np.random.default_rng(0)
    z = {s: rng.normal(size=(30, 4)) for s in "xy"}
    view = View(z, {s: lambda a: a for s in "xy"}, {})
    with registered(*LEVELS):
        second, support = property_named("gCC"), property_named("sCC")
        assert second.level.metric(second.what, view, "x", "y") == linear_cka(z["x"], z["y"])
        assert 1 - float(second.loss(view)) == pytest.approx(linear_cka(z["x"], z["y"], debiased=False))
        sets = [({*np.flatnonzero(a > 0)}, {*np.flatnonzero(b > 0)}) for a, b in zip(z["x"], z["y"], strict=True)]
        expected = np.mean([len(a & b) / len(a | b) for a, b in sets if a | b])
        assert support.level.metric(support.what, view, "x", "y") == pytest.approx(expected)


def test_a_constant_side_has_no_similarities():
    same = np.full((5, 2), 1 / 3)
    with registered(*LEVELS):
        gram = property_named("gCC")
        for other, loss in ((np.arange(10.0).reshape(5, 2), 1.0), (same, 0.0)):
            view = View({"x": same, "y": other}, {s: lambda a: a for s in "xy"}, {})
            assert float(gram.loss(view)) == loss
            assert gram.holds(view) == (loss == 0)


def test_rows_and_columns_of_the_implications():
    with registered(*LEVELS):
        cells = {(c.premise, c.conclusion): c for c in implications.matrix([], {})}
        for premise, conclusion in (("gCC", "CC"), ("sCC", "CC"), ("gTR", "TR"), ("sCC", "gCC"), ("gCC", "sCC")):
            cell = cells[premise, conclusion]
            model = next(m for m in models.pool() if m.name == cell.witness)
            assert (cell.status, model.holds(property_named(premise))) == ("refuted", True)
            assert not model.holds(property_named(conclusion))
        # Equality implies both, so that no model may refute these.
        assert {cells["CC", p].status for p in ("gCC", "sCC")} == {"blank"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Environment in which both distributions are installed, from copies: a build leaves files behind."""
    base = tmp_path_factory.mktemp("extensions")
    copies = [shutil.copytree(HERE / n, base / n, ignore=shutil.ignore_patterns("__pycache__")) for n in NAMES]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*pip, "--target", base / "site", *copies], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path = os.pathsep.join([str(HERE.parents[1]), str(base / "site")])
    return os.environ | {"PYTHONPATH": path, "CONCEPT_ALIGNMENT_CACHE": str(base / "cache"), "COLUMNS": "200"}


def command(environment, *words, cwd):
    code = "import sys; from proofs_check.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], env=environment, cwd=cwd, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr if "Error" in done.stderr else "") == (0, "")
    return done.stdout


def test_installed_they_are_listed_trained_evaluated_and_in_the_report(installed, tmp_path):
    listed = {p["name"]: p for p in json.loads(command(installed, "list", "properties", "--json", cwd=tmp_path))}
    assert {prefix + what for prefix in "gs" for what in WHATS} <= set(listed)

    command(installed, "verify", "SUPPORT.i", "--out", "report", cwd=tmp_path)
    cells = json.loads((tmp_path / "report" / "claims.json").read_text())["implications"][0]["cells"]
    by_pair = {(c["premise"], c["conclusion"]): c for c in cells}
    assert (by_pair["CC", "sCC"]["status"], by_pair["CC", "sCC"]["witness"]) == ("proved", "SUPPORT.i")
    assert by_pair["gTR", "TR"]["status"] == by_pair["sCC", "CC"]["status"] == "refuted"

    rng = np.random.default_rng(0)
    for name, width in (("x", 5), ("y", 4)):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(200, width)))
    sizes = ("-m", 12, "-k", 3, "--set", "batch=32", "--set", "steps=20", "--set", "threads=1")
    weights = ("--weight", "gTR=1", "--weight", "sCC=0.5")
    command(installed, "train", "sae", "x.npy", "y.npy", "--out", "run", *sizes, *weights, cwd=tmp_path)
    shown = command(installed, "evaluate", "run", "x.npy", "y.npy", "--out", "result", cwd=tmp_path)
    for line in ("linear CKA, 1 where it holds", "support Jaccard, 1 where it holds", "gTR x →", "sCC x →"):
        assert line in shown
    found = json.loads((tmp_path / "result" / "evaluation.json").read_text())["standalone"]["levels"]
    assert found["gTR"]["x"]["y"]["measure"] == "linear CKA"
    assert found["sTR"]["x"]["y"]["value"] != found["sTR"]["x"]["y"]["shuffled"]
