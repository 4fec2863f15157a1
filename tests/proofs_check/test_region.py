"""Measured errors in the region of theorem A1: evidence that fails outside it, what predictions read, the figure."""

from copy import deepcopy

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from nonlinear.experiments.arms import Arm
from proofs_check.evidence import Run
from proofs_check.figures import region as figure
from proofs_check.figures.experiment import draw
from proofs_check.figures.experiment import figure as experiment_figure
from proofs_check.ledger import load
from proofs_check.predictions import Frozen, frozen, inequality
from proofs_check.trained import experiments, region
from proofs_check.trained.comparisons import as_null

ROW = {"translation": 3.0, "reconstruction": 1.0, "distance": 2.0, "image": 3.0, "sigma": 1.0, "ell": 2.0}
ROW |= {"largest": 4.0}
OF = {"T": 3.0, "R": 1.0, "C": 2.0, "ell": 2.0, "sigma": 1.0, "floor": 1.5, "ceiling": 3.0, "largest": 4.0}
OF |= {"rank": 0.75, "rank_alone": 0.25}
SUMMED = {"coherence": [0.5], "widest": [4], "sigma_2s": [None]}
STATED = Frozen("E0", "why", ((0, 0), (1, 1), (2, 2)), 0.1, (), {"x": inequality(">=", 0.0, 0.5)}, "ab")
ARM = Arm("one", {}, {"system": "sae"})


def unit(row=ROW, of=OF):
    return {"rowwise": {k: [v] * 3 for k, v in row.items()} | SUMMED, "region": {"x": dict(of), "y": dict(of)}}


def given(monkeypatch, found):
    for module in (region, experiments):
        monkeypatch.setattr(module, "trained", lambda arms, f: {a.name: [found] * 3 for a in arms})


def test_what_lies_inside_passes_and_is_shown(monkeypatch):
    given(monkeypatch, unit())
    found = region.run_bounds(Run(examples=10), STATED, [ARM])
    assert found.passed
    assert "one: T 3.00, R 1.00, C 2.00 in [1.50, 3.00], √ 4.00" in found.statement
    assert experiments.row_bounds(Run(examples=10), STATED, [ARM]).passed


@pytest.mark.parametrize(
    "wrong",
    [
        {"T": 6.0},  # |T − R| > ℓC, and with it more than ℓ·floor
        {"sigma": 2.5},  # σC > T + R
        {"ell": 1.0},  # |T − R| > ℓ·floor
        {"floor": 2.5},
        {"ceiling": 1.9},
        {"largest": 2.9},
    ],
    ids=str,
)
def test_one_run_outside_fails(monkeypatch, wrong):
    given(monkeypatch, unit(of={**OF, **wrong}))
    assert not region.run_bounds(Run(examples=10), STATED, [ARM]).passed


@pytest.mark.parametrize(
    "wrong", [{"sigma": 1.6}, {"image": 4.5}, {"ell": 0.9}, {"distance": 4.1, "image": 4.0, "sigma": 0.5}], ids=str
)
def test_one_row_outside_fails(monkeypatch, wrong):
    """σc > w; w > t + r; |t − r| > ℓc; c > √(‖a‖² + ‖b‖²)."""
    given(monkeypatch, unit(row={**ROW, **wrong}))
    assert not experiments.row_bounds(Run(examples=10), STATED, [ARM]).passed


def test_rank_over_arms_and_decoders():
    units = [unit(of={**OF, "C": c, "ceiling": k}) for c, k in ((1.0, 5.0), (2.0, 7.0), (3.0, 6.0))]
    # Doubled points: ranks 1.5, 3.5, 5.5 against 1.5, 5.5, 3.5.
    assert region.over_arms("ceiling")(*units) == pytest.approx(0.5)
    assert region.over_arms("largest")(*units) == 0.0
    units[0]["region"]["y"]["ceiling"] = 9.0
    assert region.over_arms("ceiling")(*units) < 0.5


def test_nulls_replace_the_region():
    one = unit() | {"r2": {}, "shuffled": {}, "shuffled_region": {s: {**OF, "rank": -0.5} for s in "xy"}}
    assert region.by_constants(one) == 0.5
    assert region.by_constants(as_null(one, "shuffled")) == -0.75


def test_the_claim_reads_what_its_file_states(monkeypatch):
    from proofs_check.trained import comparisons

    seen = {}
    monkeypatch.setattr(comparisons, "compare", lambda stated, readings: seen.update(readings) or [])
    (claim,) = (c for c in load() if c.id == "E9.vii")
    claim.evidence["experiment"](Run())
    assert set(seen) == set(frozen("E9.vii").predictions)
    for name, reading in seen.items():
        others = {a.name for a in reading.control} - {a.name for a in reading.arms}
        assert bool(others) == ("rows" in name)
        assert all("CC" in other for other in others)
    # On E1's arms, so that nothing more is trained.
    assert frozen("E9.vii").seeds == frozen("E1.i").seeds == frozen("E1.ii").seeds


def document(region_of=lambda n: {"x": {**OF, "C": 1.0 + n}, "y": {**OF, "C": 1.0 + n, "floor": 0.25}}):
    results = []
    for n, (name, hidden) in enumerate(
        [("linear, REC", []), ("linear, REC+TR, K 24", []), ("bottleneck, REC+CC", [3])]
    ):
        units = [{"seed": s, "r2": {"TR": 0.5, "CC": 0.25}, "region": region_of(n)} for s in range(2)]
        data = {"hidden": hidden, "domains": {"x": 6, "y": 6}}
        results.append({"name": name, "settings": {"data": data}, "units": units})
    return {"experiment": "duality", "scale": "small", "results": results}


def test_every_run_is_an_interval_through_its_dot():
    cloud, linear, bottleneck = experiment_figure(document()).axes
    assert len(cloud.collections) == 3
    assert [a.get_title().partition(":")[0] for a in (linear, bottleneck)] == ["linear", "ReLU bottleneck"]
    for axes, measured in ((linear, [1.0, 1.0, 2.0, 2.0]), (bottleneck, [3.0, 3.0])):
        assert axes.get_xscale() == axes.get_yscale() == "log"
        bars = [c.get_segments()[0] for c in axes.collections if isinstance(c, LineCollection)]
        assert [b[:, 0].tolist() for b in bars] == [[C, C] for C in measured]
        # The larger floor and the smaller ceiling of both decoders.
        assert [sorted(b[:, 1]) for b in bars] == [[1.5, 3.0]] * len(measured)
        places = [tuple(np.ravel(m.get_xydata())) for m in axes.lines[:-1]]
        assert places[::2] == [(C, C) for C in measured]
        assert places[1::2] == [(C, 4.0) for C in measured]
        assert all(m.get_marker() == "_" for m in axes.lines[1:-1:2])


def test_what_was_trained_differs_by_colour_and_marker():
    _, linear, bottleneck = experiment_figure(document()).axes
    drawn = [line for axes in (linear, bottleneck) for line in axes.lines[:-1:2]]
    colours, markers = ([str(read(line)) for line in drawn] for read in (Line2D.get_color, Line2D.get_marker))
    assert len(set(colours)) == len(set(markers)) == len(set(zip(colours, markers, strict=True))) == 3


def test_documents_without_these_numbers_have_the_scatter_alone(tmp_path):
    bare = deepcopy(document())
    for result in bare["results"]:
        for u in result["units"]:
            del u["region"]
    (axes,) = experiment_figure(bare).axes
    assert len(axes.collections) == 3
    # Codes that agree exactly have no place on a logarithmic axis, and no difference to bound.
    same = document(lambda n: {"x": {**OF, "C": 0.0}})
    assert len(experiment_figure(same).axes) == 1
    # A lower bound of 0 is drawn at the edge of what can be seen.
    low = figure.bounds({"region": {"x": {**OF, "floor": 0.0}}})
    assert low == (2.0, pytest.approx(0.04), 3.0, 4.0)
    draw(document(), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 20_000
