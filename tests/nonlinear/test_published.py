"""SPARC's nMSE and SAE-A's masked cosine, written out row by row; their names."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear.published import MaskedCosine, Relative, trainable
from theory.properties import CC, REC, TR, Property
from theory.view import View

CASES = st.tuples(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5))
ROWS = settings(max_examples=60)


def rows(seed, n, d, zeros=True):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, d))
    return values * (rng.random((n, 1)) < 0.7) if zeros else values


def view_of(x, y, decoded=None):
    """Codes are the rows themselves; every decoder returns the given rows."""
    same = {s: lambda a: a for s in "xy"}
    return View({"x": x, "y": y}, same, {s: lambda z: decoded for s in "xy"} if decoded is not None else {})


@ROWS
@given(CASES)
def test_nmse_is_the_error_of_each_row_over_its_own_size(case):
    seed, n, d = case
    x, y, found = rows(seed, n, d), rows(seed + 1, n, d), rows(seed + 2, n, d, zeros=False)
    total = 0.0
    for target in (x, y):
        for row, guess in zip(target, found, strict=True):
            error, size = np.mean((guess - row) ** 2), np.mean(row**2)
            total += (error / size if size else error * d) / n  # a zero row counts its squared error alone
    # Both ordered pairs for TR, both streams for REC: here every decoder gives the same rows, and so the same sum.
    for what in (REC, TR):
        assert math.isclose(float(Property(what, Relative()).loss(view_of(x, y, found))), total, rel_tol=1e-12)


def masked_cosine(a, b):
    """Mean over rows, with sets of coordinates and sums in Python."""
    total = 0.0
    for p, q in zip(a.tolist(), b.tolist(), strict=True):
        out = {z.index(max(z)) for z in (p, q) if max(z) > 0}
        kept = [c for c in range(len(p)) if c not in out]
        norms = math.sqrt(sum(p[c] ** 2 for c in kept)) * math.sqrt(sum(q[c] ** 2 for c in kept))
        total += sum(p[c] * q[c] for c in kept) / norms if norms else 0.0
    return total / len(a)


@ROWS
@given(CASES, st.sampled_from([0.3, 0.7, 1.0]))
def test_masked_cosine_is_that_of_the_codes_without_the_strongest_atom_of_either_side(case, density):
    seed, n, m = case
    rng = np.random.default_rng(seed)
    a, b = (np.round(rng.random((n, m)) + 0.1, 1) * (rng.random((n, m)) < density) for _ in range(2))
    found = float(Property(CC, MaskedCosine()).loss(view_of(a, b)))
    assert math.isclose(found, 1 - masked_cosine(a, b), rel_tol=1e-12, abs_tol=1e-12)


def test_codes_that_are_zero_have_cosine_zero_and_a_finite_gradient():
    a = torch.zeros(2, 3, requires_grad=True)
    loss = Property(CC, MaskedCosine()).loss(view_of(a, torch.eye(3)[:2]))
    loss.backward()
    assert loss.item() == 1
    assert bool(torch.isfinite(a.grad).all())


def test_without_matched_rows_both_are_zero():
    x, y = np.ones((2, 2)), np.ones((2, 2))
    apart = view_of(x, y, np.ones((2, 2))).replace(ids={"x": [0, 1], "y": [2, 3]})
    assert float(Property(CC, MaskedCosine()).loss(apart)) == 0
    assert float(Property(TR, Relative()).loss(apart)) == 0


def test_names():
    assert [trainable(n).name for n in ("REC", "dCC", "nREC", "nTR", "nCYC", "cCC")] == [
        "REC", "dCC", "nREC", "nTR", "nCYC", "cCC"
    ]  # fmt: skip
    with pytest.raises(KeyError, match=r"unknown property 'nCC'; known: REC.*nREC.*cCC"):
        trainable("nCC")
