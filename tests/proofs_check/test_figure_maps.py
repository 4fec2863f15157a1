"""The figure of E9's maps from a document written by hand: where its points are, and runs that are missing."""

import numpy as np
import pytest

from proofs_check.figures import maps

SPREAD = (-0.01, 0.0, 0.01)
NOISE = {"over_ridge, d 4, σ 0.2, m 8": 0.1, "ridge, d 4, σ 0.2, m 8": 0.5, "predicted, d 4, σ 0.2, m 8": 0.7}
LAWS = {"reached_mirrored": 0.3, "best_mirrored": 0.9, "mean_mirrored": -0.2}
TEST = {"signal": 1e-3, "power": 0.6, "next_signal": 2e-3, "next_power": 0.7}


def document(*names):
    tests = {"tests": {"exponential, 64 dimensions, 16384 rows": TEST, "laplace, 64 dimensions, 16384 rows": TEST}}
    found = {
        "noise map": [{k: v + e for k, v in NOISE.items()} for e in SPREAD],
        "components": [{k: v + e for k, v in LAWS.items()} | {"predicted_mirrored": 1 / 3} for e in SPREAD],
        "sliced test map": [tests] * 3,
    }
    units = {name: [{"seed": s} | unit for s, unit in enumerate(found[name])] for name in names}
    return {"experiment": "beyond", "scale": "full", "results": [{"name": n, "units": u} for n, u in units.items()]}


def points(axes):
    return [(c.lines[0].get_xdata()[0], c.lines[0].get_ydata()[0]) for c in axes.containers]


def test_every_number_is_a_point_beside_its_theory():
    noise, laws, signal, power = maps.figure(document("noise map", "components", "sliced test map")).axes
    ((at, gain),) = points(noise)
    assert (at, gain) == (pytest.approx(2, rel=0.05), pytest.approx(0.1))
    assert pytest.approx(0.7 - 0.5) in [p.get_ydata()[0] for p in noise.lines if len(p.get_xdata()) == 1]
    assert [y for _, y in points(laws)] == pytest.approx([0.3, -0.2])
    assert [list(p.get_ydata()) for p in laws.lines if p.get_marker() == "x"] == [pytest.approx([0.89, 0.9, 0.91])]
    assert pytest.approx([1 / 3] * 2) in [list(p.get_ydata()) for p in laws.lines]
    for axes, what in ((signal, "signal"), (power, "power")):
        np.testing.assert_allclose(points(axes), [(64, TEST[what])] * 2, rtol=0.1)
        assert (
            sum(list(p.get_ydata()) == [pytest.approx(TEST[f"next_{what}"])] for p in axes.lines) == 4
        )  # both ranges meet at 64


def test_a_signal_that_may_be_none_is_left_out():
    made = document("sliced test map")
    tests = [
        dict.fromkeys(u["tests"], TEST | {"signal": s})
        for u, s in zip(made["results"][0]["units"], (-1, 0, 1), strict=True)
    ]
    made["results"][0]["units"] = [{"seed": s, "tests": t} for s, t in enumerate(tests)]
    signal, power = maps.figure(made).axes[-2:]
    assert not points(signal)
    assert len(points(power)) == 2


@pytest.mark.parametrize("name", ["noise map", "components", "sliced test map"])
def test_missing_runs_do_not_fail(name):
    maps.figure(document(name)).draw_without_rendering()
