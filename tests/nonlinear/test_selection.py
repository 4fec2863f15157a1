"""Selection against sorting by hand: the same entries by mask and by positions, whatever the hint, ties and zeros."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nonlinear.selection import KINDS, batch_positions, mask, positions

BOTH = pytest.mark.parametrize("kind", ["topk", "batchtopk"])


def by_hand(scores, kind, k, signed=False):
    """Sort (value, place) pairs in Python: the largest first, among equals the first in row-major order."""
    rows = scores.tolist()
    kept = [[False] * len(row) for row in rows]
    if kind == "relu":
        return [[value > 0 for value in row] for row in rows]
    entries = [(-value, r, c) for r, row in enumerate(rows) for c, value in enumerate(row)]
    groups = [[e for e in entries if e[1] == r] for r in range(len(rows))] if kind == "topk" else [entries]
    for group in groups:
        for value, r, c in sorted(group)[: k if kind == "topk" else k * len(rows)]:
            kept[r][c] = signed or value < 0
    return kept


@st.composite
def cases(draw):
    """Scores with many ties and zeros, or without any, and a sparsity."""
    n, m = draw(st.integers(0, 6)), draw(st.integers(1, 7))
    values = st.integers(-2, 2) if draw(st.booleans()) else st.integers(-(2**20), 2**20)
    rows = draw(st.lists(st.lists(values, min_size=m, max_size=m), min_size=n, max_size=n))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    scale = draw(st.sampled_from([1.0, 2.0**-30, 2.0**40]))
    return torch.tensor(rows, dtype=dtype).reshape(n, m) * scale, draw(st.integers(1, m))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("signed", [False, True])
def test_mask_is_sorting_by_hand(kind, signed):
    @settings(max_examples=60)
    @given(cases())
    @example((torch.ones(3, 4), 2))
    @example((torch.zeros(2, 3), 3))
    def check(case):
        scores, k = case
        assert mask(scores, kind, k, signed=signed).tolist() == by_hand(scores, kind, k, signed)

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_positions_are_the_mask_whatever_the_hint(kind):
    @settings(max_examples=100)
    @given(cases(), st.one_of(st.none(), st.floats(0, 2.0**62), st.sampled_from([2.0**-40, float("inf")])))
    @example((torch.ones(3, 4), 2), 1.0)
    @example((torch.tensor([[4.0, 3.9, 3.7, 1.0]]), 2), 4.0)
    @example((torch.tensor([[4.0, 3.9, 3.7, 1.0]]), 3), 4.0)
    def check(case, hint):
        scores, k = case
        if hint is None:  # a hint from the batch itself, as near as hints come
            hint = positions(scores, kind, k)[1]
        found, threshold = positions(scores, kind, k, hint)
        assert found.tolist() == np.flatnonzero(by_hand(scores, kind, k)).tolist()
        assert (threshold > 0) == (kind == "batchtopk" and len(found) > 0)
        if threshold:
            assert threshold == float(scores.reshape(-1)[found].min())

    check()


@settings(max_examples=100)
@given(cases(), st.lists(st.integers(-3, 3), min_size=7, max_size=7), st.floats(0, 8))
def test_batch_positions_select_the_sums_with_the_biases(case, biases, hint):
    products, k = case
    bias = torch.tensor(biases[: products.shape[1]], dtype=products.dtype)
    found, _ = batch_positions(products, bias, k, hint)
    assert found.tolist() == np.flatnonzero(by_hand(products + bias, "batchtopk", k)).tolist()


@BOTH
@pytest.mark.parametrize("k", [1, 3, 8])
def test_exactly_as_many_as_asked_for_when_enough_are_positive(kind, k):
    generator = torch.Generator().manual_seed(k)
    for scores in (torch.rand(5, 8, generator=generator) + 0.1, torch.ones(5, 8)):
        kept = mask(scores, kind, k)
        assert int(kept.sum()) == 5 * k == len(positions(scores, kind, k)[0])
        if kind == "topk":
            assert kept.sum(1).tolist() == [k] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_zero_and_negative_scores_never_pass(kind):
    scores = torch.tensor([[0.0, -0.0, -1.0, 2.0]])
    assert mask(scores, kind, 4).tolist() == [[False, False, False, True]]
    assert positions(scores, kind, 4)[0].tolist() == [3]


def test_a_joint_selection_keeps_negative_sums():
    assert mask(torch.tensor([[-3.0, -1.0, -2.0]]), "topk", 2, signed=True).tolist() == [[False, True, True]]
    assert positions(torch.tensor([[-3.0, -1.0, -2.0]]), "topk", 2, signed=True)[0].tolist() == [1, 2]


def test_a_hint_carried_from_batch_to_batch_changes_nothing():
    generator, hint = torch.Generator().manual_seed(0), 0.0
    for scale in (1.0, 1.01, 0.99, 0.2, 5.0, 0.0, 1.0):
        scores = scale * torch.randn(20, 30, generator=generator)
        found, hint = positions(scores, "batchtopk", 4, hint)
        assert found.tolist() == np.flatnonzero(mask(scores, "batchtopk", 4).numpy()).tolist()


def test_seeds_are_mapped_one_by_one():
    scores = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    for kind in KINDS:
        mapped = torch.func.vmap(lambda s, kind=kind: mask(s, kind, 2))(scores)
        assert mapped.tolist() == [mask(s, kind, 2).tolist() for s in scores]


def test_nothing_is_differentiated():
    scores = torch.ones(2, 2, requires_grad=True)
    assert not mask(scores * 2, "topk", 1).requires_grad


@pytest.mark.parametrize("select", [mask, positions])
def test_an_unknown_kind_is_named(select):
    with pytest.raises(ValueError, match="selection is 'best'; use one of relu, topk, batchtopk"):
        select(torch.ones(2, 2), "best", 1)
