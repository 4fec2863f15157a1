from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg

from proofs_check import trained
from proofs_check.evidence import Run
from proofs_check.reached import Trained
from proofs_check.trained import measured, setup
from proofs_check.trained.planted import ONLY_ZERO, REGRESSION, TRADEOFF, planted
from theory.linalg import tolerance

ROWS = sorted(trained.__all__)


@pytest.fixture(scope="module")
def records():
    """Every row once, on data and starts that `verify` does not use by default."""
    return {name: getattr(trained, name)(Run(seed=11)) for name in ROWS}


@pytest.mark.parametrize("name", ROWS)
def test_training_arrives_where_predicted(records, name):
    for record in records[name]:
        assert record.passed, record.summary
        assert len(record.reached) >= 10
        assert record.share > 0


@pytest.mark.parametrize("name", ROWS)
def test_a_control_in_the_same_place_misses(records, name):
    for record in records[name]:
        assert record.control is not None, record.statement
        assert not replace(record, reached=[record.control] * 12, control=None).passed, record.summary


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("shift", [-2, 2])
def test_another_prediction_fails(records, name, shift):
    for record in records[name]:
        assert not replace(record, predicted=record.predicted + shift * record.tolerance).passed, record.summary


@pytest.mark.parametrize("name", ROWS)
def test_one_start_below_the_optimum_fails_the_row(records, name):
    for record in records[name]:
        assert not replace(record, reached=[*record.reached, record.predicted - 2 * record.tolerance]).passed


@pytest.mark.parametrize(
    "broken",
    [
        {"reached": [1.0] * 9},
        {"reached": [1.0] * 11 + [float("nan")]},
        {"reached": [1.1] * 12},
        {"control": 1.0},
        {"control": float("nan")},
        {"reached": [1.0 - 1e-9] * 12, "attained": False},
    ],
    ids=str,
)
def test_what_a_record_refuses(broken):
    good = Trained("", 1.0, [1.0] * 12, 1e-6, control=2.0)
    assert good.passed
    assert not replace(good, **broken).passed


@pytest.mark.parametrize("seed", range(3))
def test_planted_moments_are_as_asked(seed):
    spectrum_x, spectrum_y, rho = [4.0, 2.0, 1.0], [3.0, 0.5], [0.8, 0.3]
    pair = planted(np.random.default_rng(seed), spectrum_x, spectrum_y, rho)
    atol = tolerance(16.0, 60)
    np.testing.assert_allclose(scipy.linalg.svdvals(pair.X) ** 2 / 60, spectrum_x, atol=atol)
    np.testing.assert_allclose(scipy.linalg.svdvals(pair.Y) ** 2 / 60, spectrum_y, atol=atol)
    np.testing.assert_allclose(np.sort(np.cos(scipy.linalg.subspace_angles(pair.X, pair.Y)))[::-1], rho, atol=atol)
    np.testing.assert_allclose([*pair.X.mean(0), *pair.Y.mean(0)], 0, atol=atol)


def test_exact_examples_are_centred_and_have_the_stated_moments():
    for pair in (TRADEOFF, REGRESSION, ONLY_ZERO):
        assert not pair.X.sum(0).any()
        assert not pair.Y.sum(0).any()
    np.testing.assert_array_equal(TRADEOFF.X.T @ TRADEOFF.X / 4, np.diag([4.0, 1.0]))
    np.testing.assert_array_equal(REGRESSION.Y.T @ REGRESSION.Y / 4, np.diag([25 / 4, 1.0]))
    np.testing.assert_array_equal(REGRESSION.X.T @ REGRESSION.Y / 4, np.diag([2.0, 1.0]))


@pytest.mark.parametrize(("rec", "tr"), [(1.0, 0.0), (0.0, 1.0), (0.3, 1.0)])
def test_no_decoders_are_better_than_the_best(rec, tr):
    rng = np.random.default_rng(5)
    pair = planted(rng, [3.0, 1.0, 0.5], [2.0, 1.0], [0.7])
    encoders = {"Wx": rng.normal(size=(1, 3, 2)), "Wy": rng.normal(size=(1, 2, 2))}
    best = measured.best_decoders(pair, encoders, rec, tr)
    weights = {"REC": rec, "TR": tr}
    least = setup.least(pair, best, weights)
    for step in (1e-3, 1e-1):
        for _ in range(20):
            moved = {n: w if n in encoders else w + step * rng.normal(size=w.shape) for n, w in best.items()}
            assert setup.least(pair, moved, weights) > least


@pytest.mark.parametrize("excess", [1e-1, 1e-3])
def test_the_sine_allowed_by_an_excess_of_consistency_is_never_passed(excess):
    """Near-optimal (U, V) of a diagonal M, moved as far as the excess allows; the last pair comes within √½ of it."""
    rng = np.random.default_rng(6)
    rho, k = np.array([0.9, 0.7, 0.0, 0.0]), 2
    moves = [rng.normal(size=(2, 2, k)) * np.array([1, rng.uniform()])[:, None, None] for _ in range(200)]
    moves.append(np.array([[[0, 3], [0, 0]], np.zeros((2, k))]))
    largest = 0.0
    for A, B in moves:
        loss, size = np.inf, 1.0
        while loss > excess:
            size *= 0.97
            U, V = (np.linalg.qr(np.vstack([np.eye(k), size * C]))[0] for C in (A, B))
            U, V = U * np.sign(np.diag(U)), V * np.sign(np.diag(V))
            loss = 2 * rho[:k].sum() - 2 * np.trace(U.T @ np.diag(rho) @ V)
        sine = max(float(np.linalg.norm(W[k:], 2)) for W in (U, V))
        largest = max(largest, sine / measured.canonical_sine(excess, rho[k - 1] - rho[k]))
    assert 0.66 < largest <= 1


def test_sines_take_the_worse_side_and_whiten():
    angle = np.pi / 6
    exact, turned = np.array([[[1.0], [0.0]]]), np.array([[[np.cos(angle)], [np.sin(angle)]]])
    targets = {"Wx": exact[0], "Wy": exact[0]}
    for coders in ({"Wx": exact, "Wy": turned}, {"Wx": turned, "Wy": exact}):
        np.testing.assert_allclose(measured.principal_sines(coders, targets), [0.5], atol=tolerance(1.0, 2))
    # Σx = diag(4, 1): in whitened coordinates the tangent of the angle to e₁ is halved.
    sine = measured.whitened_sines(TRADEOFF, {"Wx": turned}, {"Wx": exact[0]})[0]
    assert abs(sine - np.sin(np.arctan(np.tan(angle) / 2))) <= tolerance(1.0, 2)
