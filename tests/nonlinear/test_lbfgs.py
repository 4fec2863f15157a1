import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import ortho_group

from nonlinear import lbfgs


def rosenbrock(p):
    return (100 * (p[:, 1:] - p[:, :-1] ** 2) ** 2 + (1 - p[:, :-1]) ** 2).sum(1)


def starts(rows, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, width)))


def test_minima_are_those_of_scipy():
    p0 = starts(8, 4)
    _, curve = lbfgs.minimise(rosenbrock, p0, 500, 1e-16)
    for start, reached in zip(p0.numpy(), curve[-1].numpy(), strict=True):
        oracle = minimize(lambda q: float(rosenbrock(torch.from_numpy(q)[None])[0]), start, method="BFGS", tol=1e-10)
        # Rosenbrock in four dimensions has a second minimum near 3.70; both methods may go to either of the two.
        assert min(abs(reached - value) for value in (0.0, oracle.fun, 3.7014)) < 1e-4


def test_quadratic_of_large_condition_is_solved_to_rounding():
    rng = np.random.default_rng(1)
    Q = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    A = torch.from_numpy(Q @ np.diag(np.logspace(0, 4, 6)) @ Q.T)
    b = torch.from_numpy(rng.normal(size=6))
    p, _ = lbfgs.minimise(lambda p: ((p @ A) * p).sum(1) / 2 - p @ b, starts(5, 6), 500, 0.0)
    np.testing.assert_allclose(p.numpy(), np.tile(np.linalg.solve(A.numpy(), b.numpy()), (5, 1)), atol=1e-7)


def test_no_loss_increases():
    _, curve = lbfgs.minimise(rosenbrock, starts(8, 4), 200, 0.0)
    assert bool((curve[1:] <= curve[:-1]).all())


def test_a_row_does_not_depend_on_its_neighbours():
    p0 = starts(6, 4)
    together, curve = lbfgs.minimise(rosenbrock, p0, 100, 0.0)
    for row in range(6):
        alone, own = lbfgs.minimise(rosenbrock, p0[row : row + 1], 100, 0.0)
        assert torch.equal(alone[0], together[row])
        assert torch.equal(own[:, 0], curve[: len(own), row])


def test_equivariance_under_rotations_of_the_parameters():
    p0 = starts(4, 5)
    Q = torch.from_numpy(ortho_group.rvs(5, random_state=2))
    _, curve = lbfgs.minimise(rosenbrock, p0, 15, 0.0)
    _, turned = lbfgs.minimise(lambda p: rosenbrock(p @ Q.T), p0 @ Q, 15, 0.0)
    np.testing.assert_allclose(turned.numpy(), curve.numpy(), rtol=1e-6)


def test_a_start_at_the_minimum_rests():
    p, curve = lbfgs.minimise(rosenbrock, torch.ones(2, 3, dtype=torch.float64), 500, 0.0)
    assert bool((p == 1).all())
    assert len(curve) == 2


def test_a_row_that_no_step_decreases_is_searched_once():
    """|p| from the step that the first gradient gives: 20 halvings of it from 1e-9 on do not decrease the first row."""
    calls = []

    def value(p):
        calls.append(len(p))
        return p.abs().sum(1)

    p, curve = lbfgs.minimise(value, torch.tensor([[1e-9], [3.0]], dtype=torch.float64), 500, 0.0)
    assert float(p[0]) == 1e-9
    assert float(p[1]) == 0
    assert len(curve) <= lbfgs.PATIENCE + 5
    assert len(calls) <= 2 * lbfgs.TRIALS + lbfgs.PATIENCE


def test_an_undefined_trial_is_stepped_back_from():
    # log is undefined for p ≤ 0: the first steps jump there.
    p, curve = lbfgs.minimise(lambda p: (p - 5 * torch.log(p)).sum(1), 0.01 * torch.ones(1, 2).double(), 200, 0.0)
    np.testing.assert_allclose(p.numpy(), 5, atol=1e-6)
    assert bool(curve.isfinite().all())


@pytest.mark.parametrize("seed", range(5))
def test_a_row_rests_after_ten_small_decreases_in_a_row(seed):
    stall = 1e-2
    _, curve = lbfgs.minimise(rosenbrock, starts(1, 4, seed), 500, stall)
    small = (curve[:-1, 0] - curve[1:, 0] <= stall).tolist()
    windows = [all(small[i : i + lbfgs.PATIENCE]) for i in range(len(small) - lbfgs.PATIENCE + 1)]
    assert windows == [False] * (len(windows) - 1) + [True]


def test_the_line_search_closes_in_from_both_sides():
    """−t up to 1.6, then steeply up: 1 is too short and 2 too long; only [1.601, 1.78] meets both Wolfe conditions."""

    def value(p):
        return (-p + 50 * torch.clamp(p - 1.6, min=0) ** 2)[:, 0]

    p, curve = lbfgs.minimise(value, torch.zeros(1, 1, dtype=torch.float64), 1, 0.0)
    assert 1.6 < float(p) < 1.79
    assert len(curve) == 2
