"""The measured power of the sliced test: its draws, its rotations, its statistic, and the predictions beside it."""

import numpy as np
import pytest
import torch

from nonlinear.experiments import blindness
from theory.ambiguity import sources
from theory.blindness import CUMULANTS, expected_signal
from theory.discrepancy import sliced_ecf
from theory.quadrature import TGrid

GRID = TGrid(np.array([1.0, 1.75]), np.array([1.0, 0.5]))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("law", blindness.LAWS)
def test_the_laws_are_those_of_the_theory(law):
    drawn = blindness.LAWS[law](torch.empty(200_000), generator()).double().numpy()
    assert drawn.dtype == np.float64
    for k, moment in enumerate((0, 1, CUMULANTS[law][0], 3 + CUMULANTS[law][1]), start=1):
        powers = drawn**k
        assert abs(powers.mean() - moment) < 5 * powers.std() / len(drawn) ** 0.5 + 1e-6
    grid = np.linspace(-2, 3, 11) + 0.013
    other = sources.LAWS[law].draw(np.random.default_rng(0), 200_000)
    apart = [(drawn < x).mean() - (other < x).mean() for x in grid]
    assert np.abs(apart).max() < 5 * (0.5 / 200_000) ** 0.5


@pytest.mark.parametrize(("d", "S"), [(3, 7), (7, 3), (4, 4)])
def test_turned_slices(d, S):
    u = torch.empty(3000, d, S).normal_(generator=generator())
    u = u[:1].expand(3000, d, S) / torch.linalg.vector_norm(u[:1], dim=1, keepdim=True)
    turned = blindness._turn(u, generator(1))
    assert torch.allclose(turned.mT @ turned, u.mT @ u, atol=1e-5)
    values = turned.double().numpy()
    for power, expected in ((1, 0), (2, 1 / d), (4, 3 / (d * (d + 2)))):
        assert np.abs((values**power).mean(0) - expected).max() < 5 * (values**power).std() / 3000**0.5


def test_the_statistic_is_the_projects_own():
    found = blindness._distances("laplace", 3, 6, 2, 2, False, generator(), GRID)
    g = generator()
    u = torch.empty(2, 3, 2).normal_(generator=g)
    u = (u / u.norm(dim=1, keepdim=True)).double()
    a, b = (blindness.LAWS["laplace"](torch.empty(2, 6, 3), g).double() for _ in range(2))
    expected = [float(sliced_ecf(a[i], b[i], u[i], GRID, unbiased=True)) for i in range(2)]
    assert found == pytest.approx(expected, abs=1e-6)


def test_measured_beside_predicted():
    found = blindness.power("exponential", 64, 256, 16, 300, seed=1, grid=GRID)
    skewness, kurtosis, *higher = CUMULANTS["exponential"]
    assert found["next_signal"] == float(expected_signal(64, skewness, kurtosis, GRID, higher))
    assert abs(found["signal"] - found["next_signal"]) < 4 * found["signal_error"]
    assert abs(found["null_mean"]) < 4 * found["null_sd"] / 300**0.5
    assert found["null_sd"] == pytest.approx(found["predicted_sd"], rel=4 / 600**0.5)
    assert found["predicted_power"] > found["next_power"] > 0.05
    # A symmetric law of the same width is out of sight where a skewed one is seen.
    strong, weak = (blindness.power(law, 16, 1024, 16, 60, seed=0, grid=GRID) for law in ("exponential", "uniform"))
    assert strong["power"] > 0.9
    assert weak["power"] < 0.4
    assert blindness.power("uniform", 16, 1024, 16, 60, seed=0, grid=GRID) == weak
    assert blindness.power("uniform", 16, 1024, 16, 60, seed=1, grid=GRID)["signal"] != weak["signal"]


def test_blocks_hold_every_trial(monkeypatch):
    assert blindness._blocks(7, 4, 4, 4) == [7]
    monkeypatch.setattr(blindness, "BLOCK", 48)
    assert blindness._blocks(7, 4, 4, 4) == [3, 3, 1]
    assert len(blindness._blocks(7, 4, 100, 4)) == 7
    found = blindness.power("gaussian", 4, 4, 4, 7, seed=0, grid=GRID)
    assert found["trials"] == 7
    assert found["predicted_signal"] == 0


def test_the_grid_lists_laws_rows_and_dimensions(monkeypatch):
    small = {"d": (2, 3), "n": (4,), "slices": 2, "trials": 2}
    monkeypatch.setattr(blindness, "SCALES", {"small": small})
    cells = [(c["law"], c["n"], c["d"]) for c in blindness.grid(laws=("laplace", "uniform"))]
    assert cells == [("laplace", 4, 2), ("laplace", 4, 3), ("uniform", 4, 2), ("uniform", 4, 3)]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"^no law is called 'x'; use one of gaussian, exponential"):
        blindness.power("x", 4, 4, 4, 4, seed=0)
    with pytest.raises(ValueError, match=r"number of trials is 1; pass a whole number ≥ 2"):
        blindness.power("laplace", 4, 4, 4, 1, seed=0)
    with pytest.raises(ValueError, match=r"no scale is called 'x'; use small or full"):
        blindness.grid("x")
