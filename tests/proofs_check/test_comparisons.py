"""Numbers from several arms: one function reads the arms, the control and both nulls; the table has all its cells."""

import numpy as np
import pytest

from nonlinear.experiments.arms import Arm
from nonlinear.experiments.methods import CHOSEN, METHODS, RATES
from proofs_check.empirical import NULLS
from proofs_check.evidence import Run
from proofs_check.predictions import Frozen, frozen, inequality, number
from proofs_check.trained import comparisons, group, synthetic_table
from proofs_check.trained.comparisons import Reading, as_null, compare, gain, r2, sparse

SEEDS = ((0, 0), (1, 1), (2, 2))
BESIDE = ("R² of REC", "dead share", "true L0", "code variance")


def unit(tr: float, seed: int) -> dict:
    """Numbers of one seed, as `measure` returns them; every part differs from every other."""
    return {
        "seed": seed,
        "r2": {"REC": 0.9, "TR": tr + seed / 100, "CC": tr / 2},
        "shuffled": {"TR": -1.0 - seed / 100, "CC": -1.5},
        "untrained": {"REC": 0.1, "TR": -0.5, "CC": -0.7},
        "shared": {"TR": tr + 0.2},
        "shuffled_shared": {"TR": -2.0},
        "untrained_shared": {"TR": -3.0},
        "supports": {"standalone": {"recall": 0.4}, "shared": {"recall": 0.8}},
        "shuffled_supports": {"standalone": {"recall": 0.01}, "shared": {"recall": 0.6}},
        "untrained_supports": {"standalone": {"recall": 0.02}, "shared": {"recall": 0.3}},
        "over_floor": {"dTR": 2.0},
        "untrained_over_floor": {"dTR": 50.0},
        "dead": 0.25,
        "l0": 3.0,
        "code_variance": 24.0,
        "change": 0.01 + seed / 1000,
    }


ARMS = {name: Arm(name, {}, {"system": "sae"}) for name in ("good", "bad")}


@pytest.fixture(autouse=True)
def _measured(monkeypatch):
    level = {"good": 0.8, "bad": -0.4}
    monkeypatch.setattr(
        comparisons,
        "trained",
        lambda arms, f: {a.name: [unit(level[a.name], d) for d, _ in f.seeds] for a in arms},
    )


def stated(**predictions) -> Frozen:
    return Frozen("E0", "why", SEEDS, 0.1, BESIDE, predictions, "ab")


def test_a_record_holds_every_seed_of_arm_control_and_nulls():
    (record,) = compare(
        stated(x=inequality(">=", 0.0, 0.5)), {"x": Reading("w", r2("TR"), (ARMS["good"],), (ARMS["bad"],))}
    )
    assert record.values == pytest.approx([0.80, 0.81, 0.82])
    assert record.controls["bad"] == pytest.approx([-0.40, -0.39, -0.38])
    assert record.nulls == {NULLS[0]: pytest.approx([-1.0, -1.01, -1.02]), NULLS[1]: [-0.5] * 3}
    assert record.changes == pytest.approx([0.01, 0.011, 0.012] * 2)
    assert record.beside == dict(zip(BESIDE, (0.9, 0.25, 3.0, 24.0), strict=True))
    assert record.passed
    assert record.outcome == "supported"


def test_a_difference_is_paired_and_its_nulls_are_differences():
    pair = ARMS["good"], ARMS["bad"]
    (record,) = compare(stated(x=number(1.2, 0.1, 0.1)), {"x": Reading("w", gain("TR"), pair, pair[::-1])})
    assert record.values == pytest.approx([1.2] * 3)
    assert record.controls == {"bad less good": pytest.approx([-1.2] * 3)}
    assert record.nulls[NULLS[0]] == pytest.approx([0.0] * 3)
    assert len(record.changes) == 12


def test_a_control_may_be_the_same_arm_read_otherwise():
    reading = Reading("w", lambda u: u["shared"]["TR"], (ARMS["good"],), (ARMS["good"],), "alone", r2("TR"))
    (record,) = compare(stated(x=inequality(">=", 0.9, 0.05)), {"x": reading})
    assert record.values == pytest.approx([1.0] * 3)
    assert record.controls == {"alone": pytest.approx([0.8, 0.81, 0.82])}
    assert record.nulls == {NULLS[0]: [-2.0] * 3, NULLS[1]: [-3.0] * 3}


def test_more_numbers_may_stand_beside():
    reading = Reading("w", r2("TR"), (ARMS["good"],), (ARMS["bad"],), beside={"shared": lambda u: u["shared"]["TR"]})
    (record,) = compare(stated(x=inequality(">=", 0.0, 0.5)), {"x": reading})
    assert record.beside["shared"] == pytest.approx(1.0)
    assert set(BESIDE) < set(record.beside)


def test_nulls_replace_what_they_are_about_and_nothing_else():
    one = unit(0.8, 0)
    shuffled, untrained = as_null(one, "shuffled"), as_null(one, "untrained")
    assert shuffled["r2"] == {"REC": 0.9, "TR": -1.0, "CC": -1.5}
    assert shuffled["over_floor"] == {"dTR": 2.0}  # no pairs enter
    assert untrained["over_floor"] == {"dTR": 50.0}
    assert (shuffled["supports"]["shared"], untrained["supports"]["shared"]) == ({"recall": 0.6}, {"recall": 0.3})
    assert one == unit(0.8, 0)


def test_sparse_reads_what_the_prediction_names():
    found = sparse(stated(**{"R²_CC": number(0.4, 0.1, 0.1)}), ARMS["good"], {"R²_CC": ARMS["bad"]})
    assert found[0].values == [0.4] * 3
    assert found[0].controls == {"bad": [-0.2] * 3}


def test_every_cell_of_the_table_is_predicted_and_read_from_its_own_row():
    table = frozen("E3.vi")
    assert list(table.predictions) == [f"{r}: R²_{c}" for r in synthetic_table.PRINTED for c in synthetic_table.COLUMNS]
    for name, printed in synthetic_table.PRINTED.items():
        weights = synthetic_table.row(name).config["weights"]
        assert set(weights) == {"REC"} | ({name} - {"none"})
        for column, value in zip(synthetic_table.COLUMNS, printed, strict=True):
            prediction = table.predictions[f"{name}: R²_{column}"]
            assert prediction.low <= value <= prediction.high
            # What is printed holds, and the opposite does not.
            assert not prediction.low <= (1.0 if value < 0.5 else 0.0) <= prediction.high


@pytest.mark.parametrize("cell", ["TR: R²_CC", "dTR: R²_TR", "CC: R²_REC"])
def test_controls_of_the_table_are_rows_of_another_printed_value(monkeypatch, cell):
    seen = {}
    monkeypatch.setattr(synthetic_table, "compare", lambda f, readings: seen.update(readings))
    synthetic_table.cells(frozen("E3.vi"))
    reading = seen[cell]
    assert set(seen) == set(frozen("E3.vi").predictions)
    if "REC" in cell:
        assert reading.control_of({"untrained": {"REC": 0.25}}) == 0.25
    else:
        assert reading.control[0].name == {"TR: R²_CC": "linear, REC+CC", "dTR: R²_TR": "linear, REC"}[cell]


def test_rates_are_of_the_grid():
    assert set(CHOSEN) == set(METHODS)
    assert set(CHOSEN.values()) <= set(RATES[1:-1]), "a rate at the edge of the grid asks for a wider grid"


GOOD = np.eye(6)


def units_of_group(monkeypatch, **parts):
    monkeypatch.setattr(group, "units_of", lambda name, f: [{"seed": 0, **parts}])
    monkeypatch.setattr(group.gaussian, "STARTS", 1)
    monkeypatch.setattr(group.gaussian, "LAW_STARTS", 1)


def true_map() -> np.ndarray:
    return group.gaussian_pair([1.0] * 6, structure=0).A


def test_rotations_of_a_map_with_the_law_pass_and_a_contracted_map_fails(monkeypatch):
    half = (true_map() / 2).tolist()
    units_of_group(monkeypatch, maps=[true_map().tolist()], regression=half)
    assert group.laws(Run(examples=10), stated()).passed
    units_of_group(monkeypatch, maps=[half], regression=half)
    assert not group.laws(Run(examples=10), stated()).passed
    # A control that satisfies the predicate fails the evidence, too.
    units_of_group(monkeypatch, maps=[true_map().tolist()], regression=true_map().tolist())
    assert not group.laws(Run(examples=10), stated()).passed


def test_maps_that_meet_the_anchors_pass_and_others_fail(monkeypatch):
    A = true_map()
    units_of_group(monkeypatch, maps_2=[A.tolist()], maps_4=[A.tolist()])
    assert group.anchors(Run(examples=10), stated()).passed
    turned = A @ np.roll(np.eye(6), 1, axis=0)
    units_of_group(monkeypatch, maps_2=[turned.tolist()], maps_4=[turned.tolist()])
    assert "ratio" in group.anchors(Run(examples=10), stated()).failure


@pytest.mark.parametrize(
    ("draw", "passes"), [((0.7, 0.75, 0.05), True), ((0.4, 0.75, 0.05), False), ((0.7, 0.75, 0.7), False)]
)
def test_matchings_are_held_against_their_own_anchors(monkeypatch, draw, passes):
    units_of_group(monkeypatch, draws={"16": [draw], "37": [draw]})
    monkeypatch.setattr(group.anchoring, "DRAWS", 1)
    assert group.matchings(Run(examples=5), stated()).passed == passes
