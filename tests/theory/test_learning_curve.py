"""The learning curve of ridge regression against ridge regression itself, at the best of many penalties."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.learning_curve import pairs_for, ridge_r_squared

D, REPEATS = 64, 16
PENALTIES = np.logspace(-5, 3, 65)


def simulated(spectrum, explained, m, law, rng):
    """Mean R² of ridge regression on m rows at the best penalty of all repeats together, and its standard error.

    One column of y with coefficients of random signs: errors are those of the population, no row is held out.
    """
    curves = np.empty((REPEATS, len(PENALTIES)))
    for k in range(REPEATS):
        truth = rng.choice([-1.0, 1.0], D) * np.sqrt(explained / spectrum)
        X = law(rng, (m, D)) * np.sqrt(spectrum)
        y = X @ truth + np.sqrt(1 - explained.sum()) * rng.standard_normal(m)
        U, s, Vt = np.linalg.svd(X, full_matrices=False)
        fitted = Vt.T @ ((s / (s**2 + m * PENALTIES[:, None])) * (U.T @ y)).T
        curves[k] = explained.sum() - ((fitted - truth[:, None]) ** 2 * spectrum[:, None]).sum(0)
    best = curves.mean(0).argmax()
    return curves[:, best].mean(), curves[:, best].std(ddof=1) / REPEATS**0.5


LAWS = {
    "gaussian": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.uniform(-(3**0.5), 3**0.5, shape),
    "exponential": lambda rng, shape: rng.standard_exponential(shape) - 1,
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
}
DECAYING = np.arange(1, D + 1) ** -1.2
MISALIGNED = DECAYING[::-1] / DECAYING.sum()
CASES = {
    "isotropic": (np.ones(D), np.full(D, 1 / D)),
    "isotropic with noise": (np.ones(D), np.full(D, 0.8 / D)),
    "isotropic, one direction counts": (np.ones(D), np.eye(D)[0] * 0.9),
    "decaying, aligned": (DECAYING, DECAYING / DECAYING.sum()),
    "decaying, aligned with noise": (DECAYING, 0.85 * DECAYING / DECAYING.sum()),
    "decaying, not aligned": (DECAYING, np.full(D, 1 / D)),
    "decaying, not aligned with noise": (DECAYING, np.full(D, 0.7 / D)),
    "decaying, the wrong way": (DECAYING, 0.9 * MISALIGNED),
}


HARD = "decaying, aligned", "decaying, not aligned with noise"


@pytest.mark.parametrize(
    ("case", "law"), [(case, law) for case in CASES for law in LAWS if law == "gaussian" or case in HARD]
)
def test_it_is_that_of_ridge_regression(case, law):
    spectrum, explained = CASES[case]
    rng = np.random.default_rng([list(CASES).index(case), list(LAWS).index(law)])
    for m in (12, 40, 64, 150):
        mean, error = simulated(spectrum, explained, m, LAWS[law], rng)
        # Exact as m and d grow: errors of the order of 1/d remain.
        assert abs(ridge_r_squared(spectrum, explained, m) - mean) < 4 * error + 1 / D, m


def test_the_simulation_tells_alignments_apart():
    rng = np.random.default_rng(0)
    found = {name: simulated(*CASES[name], 40, LAWS["gaussian"], rng)[0] for name in CASES}
    assert found["decaying, aligned"] > found["isotropic"] + 0.1 > found["decaying, not aligned"] + 0.1
    aligned = ridge_r_squared(*CASES["decaying, aligned"], 40)
    assert abs(aligned - found["decaying, not aligned"]) > 0.2


@pytest.mark.parametrize("m", [1, 7, 32, 63, 63.5])
def test_isotropic_and_exact_it_is_the_share_of_the_dimensions(m):
    assert ridge_r_squared(np.full(D, 3.0), np.full(D, 1 / D), m) == pytest.approx(m / D, abs=1e-9)


def test_from_as_many_pairs_as_dimensions_on_an_exact_map_is_known():
    for m in (D + 0.5, D + 1, 10 * D):
        assert ridge_r_squared(DECAYING, np.full(D, 1 / D), m) == pytest.approx(1.0, abs=1e-9)


def settings():
    return st.builds(
        lambda d, decay, turn, top: (np.arange(1, d + 1) ** -decay, top * _shares(d, turn)),
        st.integers(1, 40),
        st.floats(0, 2),
        st.floats(-2, 2),
        st.floats(0.05, 1),
    )


def _shares(d, power):
    v = np.arange(1, d + 1) ** power
    return v / v.sum()


@given(settings(), st.floats(0.5, 300), st.floats(1.01, 4))
def test_more_pairs_never_hurt_and_all_of_them_reach_the_ceiling(setting, m, factor):
    # The penalties of the two minima lie on two grids.
    assert ridge_r_squared(*setting, m) <= ridge_r_squared(*setting, factor * m) + 2e-3
    assert ridge_r_squared(*setting, m) <= setting[1].sum() + 1e-9
    assert ridge_r_squared(*setting, 1e9) == pytest.approx(setting[1].sum(), abs=1e-5)


@given(settings(), st.floats(0.02, 0.98))
def test_pairs_for_is_its_inverse(setting, share):
    target = share * setting[1].sum()
    m = pairs_for(*setting, target)
    reached = ridge_r_squared(*setting, m)
    assert reached == pytest.approx(target, abs=1e-8) if m > 1 else reached >= target - 1e-12
    assert m == 1 or ridge_r_squared(*setting, 0.9 * m) < target + 2e-3


@given(settings(), st.floats(0.1, 100), st.floats(1e-3, 1e3))
def test_units_of_x_do_not_matter(setting, m, scale):
    spectrum, explained = setting
    assert ridge_r_squared(scale * spectrum, explained, m) == pytest.approx(
        ridge_r_squared(spectrum, explained, m), abs=2e-3
    )


def test_beyond_the_ceiling_no_number_suffices():
    assert pairs_for(DECAYING, np.full(D, 0.7 / D), 0.7) == inf
    assert pairs_for(DECAYING, np.full(D, 0.7 / D), 0.71) == inf
    assert D < pairs_for(DECAYING, np.full(D, 0.7 / D), 0.69) < 1e4


@pytest.mark.parametrize(
    ("spectrum", "explained", "m", "message"),
    [
        (np.ones(3), np.ones(2) / 3, 4, "as many shares"),
        (np.array([1.0, 0.0]), np.ones(2) / 2, 4, "positive eigenvalues"),
        (np.array([1.0, np.nan]), np.ones(2) / 2, 4, "positive eigenvalues"),
        (np.ones((2, 2)), np.ones((2, 2)) / 4, 4, "positive eigenvalues"),
        (np.ones(0), np.ones(0), 4, "positive eigenvalues"),
        (np.ones(2), np.array([-0.1, 0.5]), 4, "none below 0"),
        (np.ones(2), np.array([0.6, 0.5]), 4, "1 in total"),
        (np.ones(2), np.array([np.nan, 0.5]), 4, "none below 0"),
        (np.ones(2), np.ones(2) / 2, 0, "positive number"),
        (np.ones(2), np.ones(2) / 2, np.nan, "positive number"),
    ],
)
def test_bad_input_is_refused(spectrum, explained, m, message):
    with pytest.raises(ValueError, match=message):
        ridge_r_squared(spectrum, explained, m)
