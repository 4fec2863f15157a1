"""Streams: the same rows in memory and from their source, normalised the same way."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear import data
from nonlinear.data import NORMALISATIONS, Array, Normaliser, Streams, stack

KIND = pytest.mark.parametrize("kind", NORMALISATIONS)


def rows(seed=0, n=50, d=3, scale=4.0, shift=7.0):
    return scale * np.random.default_rng(seed).normal(size=(n, d)) * np.arange(1, d + 1) + shift


def test_variance_makes_the_mean_zero_and_the_mean_squared_norm_the_width():
    X = rows()
    found = Normaliser.fit(Array(X), "variance")(torch.tensor(X)).numpy()
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
    assert np.isclose((found**2).sum(1).mean(), 3)
    np.testing.assert_allclose(found / (X - X.mean(0)), (found / (X - X.mean(0)))[0, 0])  # one scale, no whitening


def test_unit_makes_every_row_a_direction_and_leaves_zeros():
    X = np.vstack([rows(), np.zeros((1, 3))])
    found = Normaliser.fit(Array(X), "unit")(torch.tensor(X)).numpy()
    np.testing.assert_allclose(np.linalg.norm(found[:-1], axis=1), 1)
    np.testing.assert_allclose(found[:-1] * np.linalg.norm(X[:-1], axis=1, keepdims=True), X[:-1])
    assert not found[-1].any()


def test_none_changes_nothing():
    X = rows()
    assert (Normaliser.fit(Array(X), "none")(torch.tensor(X)).numpy() == X).all()


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from(["variance", "none"]), st.sampled_from([1e-6, 1.0, 1e8]))
def test_back_undoes_it(seed, kind, scale):
    X = rows(seed, scale=scale, shift=3 * scale)
    n = Normaliser.fit(Array(X), kind)
    np.testing.assert_allclose(n.back(n(torch.tensor(X))).numpy(), X, rtol=1e-10)


def test_blocks_and_subsamples_estimate_the_same(monkeypatch):
    X = rows(n=101)
    whole = Normaliser.fit(Array(X), "variance")
    monkeypatch.setattr(data, "BLOCK", 7)
    blocked = Normaliser.fit(Array(X), "variance")
    np.testing.assert_allclose([*blocked.mean, blocked.scale], [*whole.mean, whole.scale], rtol=1e-12)
    monkeypatch.setattr(data, "ENOUGH", 40)  # then every third row
    third = Normaliser.fit(Array(X), "variance")
    np.testing.assert_allclose(third.mean, X[::3].mean(0))


@pytest.mark.parametrize("value", [0.0, 0.1, -1e8, 1e-8])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_constant_stream_is_not_blown_up(value, dtype):
    X = np.full((12_345, 3), value, dtype=dtype)
    n = Normaliser.fit(Array(X), "variance")
    assert n.scale == 1
    assert np.abs(n(torch.tensor(X[:5], dtype=torch.float64)).numpy()).max() <= 1e-12 * max(abs(value), 1)


def test_a_small_spread_around_a_large_mean_is_not_taken_for_rounding():
    X = 1e6 + rows(scale=1e-3, shift=0)
    assert np.isclose(Normaliser.fit(Array(X), "variance").scale, np.sqrt(3 / X.var(0).sum()), rtol=1e-4)


@KIND
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("source", [np.float16, np.float32, np.float64, np.int32])
def test_batches_in_memory_are_those_from_the_source_to_the_bit(kind, dtype, source):
    arrays = {"x": rows(1).astype(source), "y": rows(2, d=5).astype(source)}
    streams = {s: Array(a) for s, a in arrays.items()}
    fitted = {s: Normaliser.fit(r, kind) for s, r in streams.items()}
    resident, read = (Streams(streams, fitted, dtype=dtype, resident=size) for size in (1 << 30, 0))
    chosen = {"x": np.array([4, 0, 49, 4]), "y": np.array([7, 6])}
    for s, found in resident.batch(chosen).items():
        assert found.dtype == dtype
        assert torch.equal(found, read.batch(chosen)[s])
        expected = fitted[s](torch.tensor(arrays[s][chosen[s]].astype(np.float64))).to(dtype)
        torch.testing.assert_close(found, expected)


def test_rows_are_read_in_ascending_order_and_given_back_as_asked_for():
    asked = []

    class Recording(Array):
        def take(self, rows):
            asked.append(rows.tolist())
            return super().take(rows)

    X = Recording(np.arange(10.0)[:, None])
    found = Streams({"x": X}, {"x": Normaliser.fit(X, "none")}, resident=0).batch({"x": np.array([7, 2, 9, 2])})
    assert asked[-1] == [2, 2, 7, 9]
    assert found["x"].flatten().tolist() == [7, 2, 9, 2]


def test_seeds_are_stacked():
    first, second = ({"x": torch.full((2, 3), v)} for v in (1.0, 2.0))
    assert stack([first, second])["x"][:, 0, 0].tolist() == [1, 2]
    alone = stack([first])["x"]
    assert alone.shape == (1, 2, 3)
    assert alone.data_ptr() == first["x"].data_ptr()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), r"mine has shape \(3,\)"),
        (np.zeros((2, 2), complex), "dtype complex128; pass real rows"),
        (np.array([["a"]]), "pass real rows"),
        (np.array([[1.0, np.nan]]), "mine has NaN or infinite values; remove or impute them"),
        (np.array([[1.0, np.inf]]), "NaN or infinite"),
    ],
)
def test_what_is_no_stream_is_named(array, message):
    with pytest.raises(ValueError, match=message):
        Array(array, "mine")


def test_an_unknown_normalisation_is_named():
    with pytest.raises(ValueError, match="normalisation is 'whiten'; use one of variance, unit, none"):
        Normaliser.fit(Array(np.eye(2)), "whiten")
