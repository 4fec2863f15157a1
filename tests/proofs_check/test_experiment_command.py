"""The command that runs a grid: documents, resuming, bad input."""

import csv
import json
import re

import pytest

from nonlinear.experiments import grids
from nonlinear.experiments.arms import Arm
from proofs_check import experiment_command
from proofs_check.cli import main

DATA = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 5}, "hidden": ()}
CONFIG = {"system": "cosae", "weights": {"REC": 1.0}, "n_atoms": 8, "sparsity": 2, "batch": 32, "steps": 20}


@pytest.fixture
def small(monkeypatch):
    """Two tiny arms in place of the grids; workers are this process, which the patch reaches."""
    arms = [Arm(f"linear, {name}", DATA, {**CONFIG, "weights": w}, 128, 64) for name, w in WEIGHTS.items()]
    monkeypatch.setattr(grids, "tasks", lambda name, scale: [grids.Task(a.name, a) for a in arms])

    def here(chosen, seeds, folder, workers, on_progress):
        return [experiment_command._one(task, seeds, folder) for task in chosen]

    monkeypatch.setattr(experiment_command, "_run", here)


WEIGHTS = {"REC": {"REC": 1.0}, "REC+TR": {"REC": 1.0, "TR": 1.0}}


def test_a_run_leaves_json_csv_and_figure(small, tmp_path, capsys):
    assert main(["experiment", "duality", "--seeds", "2", "--out", str(tmp_path / "o")]) == 0
    assert "REC+TR" in capsys.readouterr().out
    document = json.loads((tmp_path / "o" / "duality.json").read_text())
    assert document["schema_version"] == 1
    assert {r["name"] for r in document["results"]} == {"linear, REC", "linear, REC+TR"}
    assert set(document["machine"]) >= {"torch", "cpu", "cores"}
    assert set(document["predictions"]) == {"E1.i", "E1.ii", "E1.iii"}
    with (tmp_path / "o" / "duality.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["arm"], line["seed"]) for line in lines] == [
        (arm, seed) for arm in ("linear, REC", "linear, REC+TR") for seed in ("0", "1")
    ]
    units = document["results"][1]["units"]
    assert float(lines[2]["R2_TR"]) == units[0]["r2"]["TR"]
    assert (tmp_path / "o" / "duality.png").read_bytes().startswith(b"\x89PNG")


def test_finished_arms_are_not_trained_again(small, tmp_path, monkeypatch):
    arguments = ["experiment", "duality", "--seeds", "1", "--out", str(tmp_path / "o"), "--json"]
    assert main(arguments) == 0
    first = (tmp_path / "o" / "duality.csv").read_bytes()
    (one, _) = sorted((tmp_path / "o" / "arms").glob("*.json"))
    one.unlink()
    trained = []
    inner = grids.units.__globals__["measure"]
    monkeypatch.setitem(grids.units.__globals__, "measure", lambda arm, *a: trained.append(arm.name) or inner(arm, *a))
    assert main(arguments) == 0
    assert len(trained) == 1
    assert (tmp_path / "o" / "duality.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown experiment 'nope'"),
        (["duality", "--scale", "huge"], "no scale 'huge'"),
        (["duality", "--seeds", "0"], "at least 1"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, capsys):
    assert main(["experiment", *arguments, "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_an_output_that_is_a_file_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / "o").write_text("")
    assert main(["experiment", "duality", "--out", str(tmp_path / "o")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_the_table_shows_what_there_is(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    r2 = {"REC": 0.9, "TR": -1.0, "CC": 0.25, "CYC": 0.8}
    arm = {"name": "linear, SAE", "units": [{"seed": 0, "r2": r2, "dead": 0.125}], "rowwise": {"informative": 0.4}}
    joint = {"name": "linear, SPARC", "units": [{"seed": s, "r2": r2, "shared": {"CC": 0.5 + s}} for s in (0, 1)]}
    linear = {"name": "gaussian laws", "units": [{"seed": 0, "r2": 0.5, "leak": 1.5}]}
    experiment_command._show([arm, joint, {"name": "matched atoms", "units": [{"seed": 0}]}], tmp_path)
    shown = [" ".join(re.sub("[│┃]", " ", line).split()) for line in capsys.readouterr().out.splitlines()]
    assert "arm REC TR CC CYC CC, joint codes dead informative bounds" in shown
    assert "linear, SAE 0.90 -1.00 0.25 0.80 0.12 40%" in shown
    # Sample standard deviation: of 0.5 and 1.5 it is 0.71.
    assert "linear, SPARC 0.90 ± 0.00 -1.00 ± 0.00 0.25 ± 0.00 0.80 ± 0.00 1.00 ± 0.71" in shown
    experiment_command._show([linear], tmp_path)
    assert "gaussian laws" not in capsys.readouterr().out
    assert experiment_command.tidy([linear]) == "arm,seed,r2,leak\ngaussian laws,0,0.5,1.5\n"
