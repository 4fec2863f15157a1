"""R² against scikit-learn's, in blocks, with large constants; the shuffled null against all permutations."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from nonlinear.metrics import Agreement, Spread
from nonlinear.plain import Undefined, mean, plain, quantiles

EPS = np.finfo(np.float64).eps


@st.composite
def blocks(draw):
    """Estimate and reference [n, d] with an offset, and where they are cut."""
    n, d = draw(st.integers(2, 30)), draw(st.integers(1, 5))
    offset = draw(st.sampled_from([0.0, -3.0, 1e4, 1e7]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    b = rng.standard_normal((n, d))
    a = draw(st.sampled_from([0.0, 0.9, 1.0])) * b + draw(st.sampled_from([0.0, 0.3])) * rng.standard_normal((n, d))
    cuts = sorted(draw(st.lists(st.integers(1, n - 1), max_size=4, unique=True)))
    return a, b, offset, cuts


def agreement(a, b, cuts, dtype=torch.float64):
    found = Agreement()
    for p, q in zip(np.split(a, cuts), np.split(b, cuts), strict=True):
        found.add(torch.tensor(p, dtype=dtype), torch.tensor(q, dtype=dtype))
    return found


@given(blocks())
def test_r2_is_that_of_scikit_learn_whatever_the_blocks_and_the_constant(drawn):
    a, b, offset, cuts = drawn
    found = agreement(a + offset, b + offset, cuts)
    expected = r2_score(b, a, multioutput="variance_weighted")
    # The rows themselves are rounded to eps·offset.
    rounding = 200 * EPS * (1 + abs(offset)) * len(b) / b.var(0).sum()
    assert found.value == pytest.approx(expected, abs=rounding * (1 + abs(expected)))


@given(blocks())
def test_spread_is_that_of_numpy(drawn):
    _, b, offset, cuts = drawn
    spread = Spread()
    for part in np.split(b + offset, cuts):
        spread.add(torch.tensor(part))
    assert spread.count == len(b)
    assert np.allclose(spread.mean.numpy(), (b + offset).mean(0), rtol=1e-14, atol=1e-12)
    assert spread.scatter == pytest.approx(((b - b.mean(0)) ** 2).sum(), rel=1e-12 + 100 * EPS * abs(offset))


def test_float32_rows_are_summed_in_float64():
    rng = np.random.default_rng(0)
    b = rng.standard_normal((4000, 3)).astype(np.float32) + np.float32(1000)
    a = b + rng.standard_normal((4000, 3)).astype(np.float32)
    found = agreement(a, b, [1000, 2000], torch.float32)
    expected = r2_score(b.astype(float), a.astype(float), multioutput="variance_weighted")
    assert found.value == pytest.approx(expected, abs=1e-10)


def test_the_mean_is_that_of_the_evaluated_rows_and_not_zero():
    b = np.array([[10.0], [12.0]])
    assert agreement(np.array([[11.0], [11.0]]), b, []).value == 0.0
    assert agreement(np.zeros((2, 1)), b, []).value == 1 - 244 / 2


@settings(max_examples=30)
@given(blocks())
def test_the_shuffled_null_is_the_mean_over_all_permutations(drawn):
    a, b, _, _ = drawn
    a, b = a[:4] + 0.5, b[:4]
    every = [r2_score(b[list(p)], a, multioutput="variance_weighted") for p in permutations(range(len(b)))]
    found = agreement(a, b, [1])
    assert found.shuffled == pytest.approx(np.mean(every), rel=1e-9, abs=1e-9)
    assert found.shuffled <= 0


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8])
def test_a_reference_that_does_not_vary_has_no_r2(constant):
    b = np.full((50, 3), constant)
    found = agreement(np.random.default_rng(0).normal(size=(50, 3)), b, [7, 20])
    assert isinstance(found.value, Undefined)
    assert isinstance(found.shuffled, Undefined)


def test_one_that_varies_little_around_a_large_constant_has_one():
    b = 1e6 + 1e-3 * np.random.default_rng(0).normal(size=(50, 3))
    assert agreement(b, b, [7, 20]).value == 1.0


def test_values_that_are_not_finite_become_null_with_a_reason():
    found = agreement(np.array([[np.inf], [1.0]]), np.array([[0.0], [1.0]]), [])
    document, reasons = plain({"value": found.value, "rows": np.int64(2), "more": (np.float32(0.5), None)})
    assert document == {"value": None, "rows": 2, "more": [0.5, None]}
    assert reasons == {"value": "the value is not finite"}
    assert type(document["rows"]) is int


def test_summaries_of_nothing_are_undefined():
    assert quantiles(np.zeros(0), "none fired") == mean(np.zeros(0), "none fired") == Undefined("none fired")
    found = quantiles(np.array([3.0, 1.0, 2.0]), "")
    assert (found["min"], found["median"], found["max"]) == (1.0, 2.0, 3.0)
