"""Every figure is drawn again by name, with its configuration."""

import json

import pytest
from PIL import Image

from proofs_check.cli import main
from proofs_check.figures import anchors_needed, experiment
from proofs_check.figures.catalogue import STORED, catalogue, origin, stored
from proofs_check.figures.style import DOUBLE


def test_named_figures_are_written_as_picture_and_print(tmp_path, capsys):
    assert main(["figures", "pairs", "anchoring-weights", "--out", str(tmp_path / "new")]) == 0
    assert {p.name for p in (tmp_path / "new").iterdir()} == {
        f"{n}.{k}" for n in ("pairs", "anchoring-weights") for k in ("png", "pdf")
    }
    for name in ("pairs", "anchoring-weights"):
        with Image.open(tmp_path / "new" / f"{name}.png") as picture:
            assert len(picture.convert("L").getcolors(1 << 20)) > 20
        assert (tmp_path / "new" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    document = json.loads((STORED / "pairs-full.json").read_text())
    shown = capsys.readouterr().out
    assert f"proofs_check/data/experiments/pairs-full.json ({origin(document)})" in shown
    assert document["commit"][:9] in shown


def test_the_same_bytes_again(tmp_path):
    for folder in "ab":
        assert main(["figures", "anchoring-weights", "--out", str(tmp_path / folder)]) == 0
    for kind in ("png", "pdf"):
        first, second = ((tmp_path / f / f"anchoring-weights.{kind}").read_bytes() for f in "ab")
        assert first == second


def test_unknown_names_are_refused_before_anything_is_written(tmp_path, capsys):
    assert main(["figures", "pairs", "nope", "--out", str(tmp_path / "new")]) == 2
    assert capsys.readouterr().err.startswith("error: there is no figure 'nope'; there are anchoring")
    assert not (tmp_path / "new").exists()
    with pytest.raises(FileNotFoundError, match="no document of 'nope' is kept; there are anchoring"):
        stored("nope")


def test_the_list_says_where_each_comes_from_and_draws_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["figures", "--list"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{name}  proofs_check/figures/{entry.module}.py" in shown for name, entry in catalogue().items())
    assert list(tmp_path.iterdir()) == []


def test_every_stored_document_and_every_experiment_has_a_figure():
    named = {entry.module for entry in catalogue().values()}
    assert {path.stem.removesuffix("-full") for path in STORED.glob("*.json")} <= set(catalogue())
    drawn = {function.__module__.rpartition(".")[2] for name, function in experiment.FIGURES.items() if name != "cycle"}
    assert drawn <= named
    assert {"audit", "anchors_needed", "intervench", "maps"} <= named


@pytest.mark.parametrize("name", [n for n, e in catalogue().items() if "data/experiments" in e.configuration])
def test_a_stored_experiment_fits_a_page(name):
    width, height = catalogue()[name].make().get_size_inches()
    assert width <= DOUBLE
    assert height <= 9.5


def test_the_number_of_pairs_or_that_none_is_enough():
    needed = {"low": None, "median": None, "high": None}
    document = {"kind": "rows", "target": 0.8, "paired": True, "needed": needed, "laws": {}}
    assert [t.get_text() for t in anchors_needed.figure(document).axes[0].texts] == ["no number of pairs is enough"]
    demonstrated = catalogue()["anchors"].make().axes[0]
    assert len(demonstrated.lines) == 3
    assert [t.get_text() for t in demonstrated.texts] == ["can help: perhaps"]
