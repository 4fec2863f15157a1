"""Second moments against exact rationals and NumPy's covariance; streaming, merging, accuracy, memory and bad input."""

import tracemalloc
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import moments
from theory.linalg import rank_of, tolerance
from theory.moments import Moments

FIELDS = ("mean_x", "mean_y", "Sx", "Sxy", "Sy")


@st.composite
def pairs(draw):
    n, dx, dy = draw(st.integers(1, 40)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    offset = draw(st.sampled_from([0.0, 3.0, 1e6]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.standard_normal((n, dx)) + offset, rng.standard_normal((n, dy)) - offset


def assert_same(a, b, X, Y, offset_counts=False):
    """Equal up to rounding: of the data for means, of the centred data for covariances (of both where means merge)."""
    largest = max(np.abs(X).max(), np.abs(Y).max())
    spread = max(np.abs(X - X[0]).max(), np.abs(Y - Y[0]).max())
    assert a.n == b.n
    for name in FIELDS:
        scale = largest if name.startswith("mean") else spread * (largest if offset_counts else spread)
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=tolerance(scale, len(X)), rtol=0)


def exact(X, Y):
    """Moments of the given floats in exact rational arithmetic, rounded once."""
    n = len(X)
    columns = [[Fraction(float(v)) for v in column] for column in np.column_stack([X, Y]).T]
    means = [sum(c) / n for c in columns]
    S = np.array(
        [
            [
                float(sum((u - a) * (v - b) for u, v in zip(c, e, strict=True)) / n)
                for e, b in zip(columns, means, strict=True)
            ]
            for c, a in zip(columns, means, strict=True)
        ]
    )
    m, dx = np.array([float(v) for v in means]), X.shape[1]
    return Moments(n, m[:dx], m[dx:], S[:dx, :dx], S[:dx, dx:], S[dx:, dx:])


@settings(deadline=None, max_examples=40)
@given(pairs())
def test_equal_to_exact_rational_arithmetic(pair):
    assert_same(Moments.from_arrays(*pair), exact(*pair), *pair)


@settings(deadline=None, max_examples=40)
@given(pairs(), st.lists(st.integers(0, 40), max_size=6), st.integers(1, 7))
def test_blocks_and_merges_in_any_partition_agree(pair, cuts, rows):
    X, Y = pair
    edges = [0, *sorted(min(cut, len(X)) for cut in cuts), len(X)]
    parts = [(X[a:b], Y[a:b]) for a, b in pairwise(edges)]
    whole = exact(X, Y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "ROWS", rows)
        assert_same(Moments.from_blocks(iter(parts)), whole, X, Y)
    merged = [Moments.from_arrays(*part) for part in parts if len(part[0])]
    total = merged[0]
    for part in merged[1:]:
        total = total.merge(part)
    assert_same(total, whole, X, Y, offset_counts=True)


@pytest.mark.parametrize("offset", [1e6, -1e9])
def test_a_large_offset_costs_no_accuracy(offset):
    rng = np.random.default_rng(0)
    # Multiples of 2⁻¹⁰ below 8, so that adding the offset is exact.
    Z = rng.integers(-8192, 8192, (5000, 6)) / 1024
    shifted = Moments.from_arrays(Z[:, :4] + offset, Z[:, 4:] + offset)
    reference = np.cov(Z.T, bias=True)
    np.testing.assert_allclose(shifted.Sx, reference[:4, :4], rtol=0, atol=tolerance(1, 64))
    np.testing.assert_allclose(shifted.Sxy, reference[:4, 4:], rtol=0, atol=tolerance(1, 64))
    np.testing.assert_allclose(shifted.mean_x - offset, Z[:, :4].mean(0), rtol=0, atol=8 * np.spacing(abs(offset)))


def test_a_stream_that_drifts_far_from_its_first_rows():
    rng = np.random.default_rng(1)
    Z = rng.integers(-8192, 8192, (6000, 4)) / 1024
    Z[3000:] += 2.0**20
    m = Moments.from_blocks((Z[i : i + 500, :2], Z[i : i + 500, 2:]) for i in range(0, 6000, 500))
    reference = np.cov(Z.T, bias=True)
    np.testing.assert_allclose(m.Sx, reference[:2, :2], rtol=tolerance(1, 16))
    # What the drift leaves over: x₁ − x₂ has unit-size variance beside terms of size 2⁴⁰.
    difference = np.array([1.0, -1.0])
    expected = np.var(Z[:, 0] - Z[:, 1])
    assert abs(difference @ m.Sx @ difference - expected) <= tolerance(np.trace(m.Sx), 16)


@pytest.mark.parametrize("n", [10, 5000])
def test_constant_and_duplicate_columns_are_seen_as_such(n):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((n, 5)) + 1e3
    X[:, 1] = 0.1 + 1e9
    X[:, 3] = X[:, 0]
    X[:, 4] = X[:, 0] + X[:, 2]
    m = Moments.from_arrays(X, X)
    assert not m.Sx[1].any()
    assert not m.Sx[:, 1].any()
    assert rank_of(np.linalg.eigvalsh(m.Sx)) == 2


@pytest.mark.parametrize(
    "convert", [np.float32, np.int16, np.uint8, np.asfortranarray, lambda A: A[::-1][::-1], np.ndarray.tolist]
)
def test_input_kinds(convert):
    A = np.arange(24).reshape(8, 3) % 7
    reference = np.cov(A.T, bias=True)
    m = Moments.from_arrays(convert(A), convert(A))
    assert m.Sx.dtype == np.float64
    np.testing.assert_allclose(m.Sxy, reference, atol=tolerance(10, 8), rtol=0)


def test_booleans_count_as_zero_and_one():
    m = Moments.from_arrays(np.array([[True], [False]]), np.array([[1], [0]]))
    assert m.Sxy[0, 0] == 0.25


def test_single_precision_is_summed_in_double():
    rng = np.random.default_rng(3)
    X = (rng.standard_normal((3000, 3)) + 300).astype(np.float32)
    m = Moments.from_arrays(X, X)
    np.testing.assert_allclose(m.Sx, np.cov(X.T.astype(np.float64), bias=True), rtol=0, atol=tolerance(1, 64))


def test_memory_mapped_and_streamed_input_needs_memory_of_the_dimensions_only(tmp_path):
    n, d = 40_000, 64
    mapped = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(n, d))
    mapped[:] = np.random.default_rng(4).standard_normal((n, d))
    mapped.flush()
    X = np.load(tmp_path / "x.npy", mmap_mode="r")
    tracemalloc.start()
    m = Moments.from_arrays(X, X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert m.n == n
    # The joined block of rows and a few (2d)² matrices: far below the 10 MB of the file.
    assert peak < 8 * (2 * d) * (2 * moments.ROWS + 8 * 2 * d)


def test_swapped_exchanges_the_domains_and_ridged_adds_white_noise():
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((9, 2)), rng.standard_normal((9, 3))
    m, s = Moments.from_arrays(X, Y), Moments.from_arrays(Y, X)
    for name in FIELDS:
        np.testing.assert_allclose(getattr(m.swapped(), name), getattr(s, name), atol=tolerance(1, 9), rtol=0)
    noisy = m.ridged(0.5, 0.0)
    np.testing.assert_array_equal(noisy.Sx - m.Sx, 0.5 * np.eye(2))
    np.testing.assert_array_equal(noisy.Sy, m.Sy)
    with pytest.raises(ValueError, match="ridge"):
        m.ridged(-1.0, 0.0)


GOOD = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (GOOD, GOOD[:2], "3 rows and Y has 2"),
        (GOOD.astype(complex), GOOD, "X has dtype complex"),
        (GOOD, GOOD.astype(object), "Y has dtype object"),
        (np.array([["a"]]), GOOD, "X has dtype"),
        (GOOD[0], GOOD, "X has shape"),
        (GOOD[:, :0], GOOD, "X has shape"),
        (GOOD[:0], GOOD[:0], "no rows"),
        (np.where(GOOD == 3, np.nan, GOOD), GOOD, "X has NaN or infinite values in rows 0 to 2"),
        (GOOD, np.where(GOOD == 3, np.inf, GOOD), "Y has NaN or infinite"),
        (GOOD, np.where(GOOD == 0, -np.inf, GOOD), "Y has NaN or infinite"),
        (1e200 * GOOD, GOOD, "overflow"),
    ],
)
def test_bad_input_is_one_clear_line(X, Y, message):
    with pytest.raises(ValueError, match=message) as caught:
        Moments.from_arrays(X, Y)
    assert "\n" not in str(caught.value)


def test_bad_streams():
    with pytest.raises(ValueError, match="no rows"):
        Moments.from_blocks([])
    with pytest.raises(ValueError, match="same columns"):
        Moments.from_blocks([(GOOD, GOOD), (GOOD[:, :1], GOOD)])
    with pytest.raises(ValueError, match="rows 3 to 5"):
        Moments.from_blocks([(GOOD, GOOD), (GOOD, np.nan * GOOD)])
    with pytest.raises(ValueError, match="same domains"):
        Moments.from_arrays(GOOD, GOOD).merge(Moments.from_arrays(GOOD, GOOD[:, :1]))
