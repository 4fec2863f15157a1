"""The experiment without claims: its documents, its figure, and what is missing in them."""

import json

import pytest

from nonlinear.experiments import grids
from proofs_check import experiment_command
from proofs_check.cli import main
from proofs_check.figures.pairs import MOST, PLANTED, REAL, figure

UNIT = {"seed": 0, "kind": "sparse", "target": 0.5, "needed": 9.0, "low": 5.0, "median": 8.0, "high": 20.0}
LAWS = {"alone": 0.4, "laws": 0.9, "components_help": True}
NONE = {"needed": None, "low": None, "median": None, "high": None, "components_help": False}
PAIRED = {"paired_low": 7.0, "paired_high": None}


def document(planted=(), real=(), name=REAL):
    results = [{"name": PLANTED, "units": list(planted)}, {"name": name, "units": list(real)}]
    return {"experiment": "pairs", "scale": "small", "results": results}


def lines(axes, colour):
    return [line.get_xdata().tolist() for line in axes.lines if line.get_color() == colour and len(line.get_xdata())]


def test_intervals_and_outcomes_are_drawn():
    units = [UNIT | LAWS, {**UNIT, **NONE, "seed": 1}, {**UNIT, "kind": "codes", "high": None} | LAWS]
    left, middle, right = figure(document(units, [UNIT | LAWS | PAIRED])).axes
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == ["codes 0", "sparse 0", "sparse 1"]
    blue = left.lines[0].get_color()
    assert [5.0, MOST] in lines(left, blue)
    assert [5.0, 20.0] in lines(left, blue)
    assert [MOST, MOST] in lines(left, blue)
    assert [label.get_text() for label in middle.get_yticklabels()] == ["sparse, R² = 0.5, seed 0"]
    assert "rule, paired files" in middle.get_legend_handles_labels()[1]
    assert [7.0, MOST] in [line.get_xdata().tolist() for line in middle.lines]
    helped = next(line for line in right.lines if line.get_label() == "rule: laws can help")
    assert list(helped.get_xdata()) == [0.4] * 3
    assert list(helped.get_ydata()) == [0.9] * 3


@pytest.mark.parametrize("found", [document(), document(real=[UNIT | LAWS]), document([UNIT | LAWS], name="other")])
def test_missing_runs_leave_their_panel_empty(found):
    assert len(figure(found).axes) == 3


def test_an_experiment_without_claims_runs(tmp_path, monkeypatch, capsys):
    def here(chosen, seeds, folder, workers, on_progress):
        return [experiment_command._one(task, seeds, folder) for task in chosen]

    made = [UNIT | LAWS, {**UNIT, **NONE, "seed": 1}]
    others = {t.name: ({"rows": 3}, lambda seeds: made[: len(seeds)]) for t in grids.tasks("pairs", "small")}
    monkeypatch.setattr(grids, "OTHERS", others)
    monkeypatch.setattr(experiment_command, "_run", here)
    assert main(["experiment", "pairs", "--seeds", "2", "--out", str(tmp_path / "o")]) == 0
    assert "the numbers of every run" in capsys.readouterr().out
    found = json.loads((tmp_path / "o" / "pairs.json").read_text(), parse_constant=pytest.fail)
    assert found["predictions"] == {}
    assert [r["name"] for r in found["results"]] == [PLANTED, f"{REAL}, one seed"]
    assert found["results"][0]["units"] == made
    assert (tmp_path / "o" / "pairs.csv").read_text().count("\n") == 5
    assert (tmp_path / "o" / "pairs.png").read_bytes().startswith(b"\x89PNG")
