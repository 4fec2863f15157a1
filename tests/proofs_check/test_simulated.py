"""The record of a predicted expectation passes only if it could have failed and did not."""

import numpy as np
import pytest

from proofs_check.simulated import Simulated
from theory.monte_carlo.estimate import Estimate, of_sample

MEAN = Estimate(0.5, 0.01, 400)


@pytest.mark.parametrize(
    ("inside", "outside", "passed"),
    [
        ({"a": 0.52}, {"b": 0.6}, True),
        ({"a": 0.55}, {"b": 0.6}, False),
        ({"a": 0.52}, {"b": 0.52}, False),
        ({"a": 0.52, "c": 0.4}, {"b": 0.6}, False),
        ({}, {"b": 0.6}, False),
        ({"a": 0.52}, {}, False),
    ],
)
def test_every_prediction_inside_and_every_rival_out(inside, outside, passed):
    rows = [{case: (value, MEAN) for case, value in part.items()} for part in (inside, outside)]
    record = Simulated("demo", *rows)
    assert record.passed is passed
    assert ("FAILED" in record.summary) == (not passed and bool(inside and outside))
    assert [r["as_stated"] for r in record.rows].count(False) == record.summary.count("FAILED")


def test_an_undefined_number_is_no_agreement():
    undefined = of_sample(np.array([float("nan"), 1.0]))
    assert not Simulated("demo", {"a": (1.0, undefined)}, {"b": (0.0, MEAN)}).passed
    assert not Simulated("demo", {"a": (float("nan"), MEAN)}, {"b": (0.0, MEAN)}).passed
    assert not Simulated("demo", {"a": (0.5, MEAN)}, {"b": (0.0, undefined)}).passed
    assert Simulated("demo", {"a": (0.5, MEAN)}, {"b": (0.0, MEAN)}).passed
