"""The figure of E9 from a document written by hand: where its points are, and runs that are missing."""

import numpy as np
import pytest

from proofs_check.figures.beyond import WEIGHTS
from proofs_check.figures.experiment import FIGURES, draw

SPREAD = (-0.01, 0.0, 0.01)
FOUND = {
    "leak weights": {"aligned_16": 1.02, "aligned_64": 1.01, "unbiased_64": 0.99},
    "leak of sets": {"independent": 0.72, "disjoint": 0.04},
    "twin atoms": {"share_4": 0.31, "share_8": 0.54, "activity_share_4": 0.16},
    "leak map": {"aligned, biased, 16, 256": 0.9, "disjoint, unbiased, 64, 4096": -1.0},
}


def document(*names):
    results = [
        {
            "name": name,
            "units": [{"seed": s} | {k: v + e for k, v in FOUND[name].items()} for s, e in enumerate(SPREAD)],
        }
        for name in names
    ]
    return {"experiment": "beyond", "scale": "full", "results": results}


def points(axes):
    return [(c.lines[0].get_xdata()[0], c.lines[0].get_ydata()[0]) for c in axes.containers]


def test_every_number_is_a_point(tmp_path):
    draw(document(*FOUND), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    weights, shares, aligned, independent, disjoint = FIGURES["beyond"](document(*FOUND)).axes
    np.testing.assert_allclose(points(weights), list(enumerate([FOUND[name][key] for name, key, _, _ in WEIGHTS])))
    np.testing.assert_allclose(points(shares), [(4, 0.31), (8, 0.54), (4, 0.16)])
    ((at, height),) = points(aligned)
    assert abs(at / 16 - 1) < 0.2
    assert height == pytest.approx(0.9)
    assert not points(independent)
    ((at, height),) = points(disjoint)
    assert abs(at / 64 - 1) < 0.3
    assert height == pytest.approx(-1.0)


@pytest.mark.parametrize("name", FOUND)
def test_missing_runs_do_not_fail(name):
    made = FIGURES["beyond"](document(name))
    assert sum(len(points(axes)) for axes in made.axes) == len(FOUND[name])
    made.draw_without_rendering()
