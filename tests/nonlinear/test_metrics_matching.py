"""Matching against all permutations, correlations against NumPy, retrieval against loops, the gauge against itself."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from nonlinear.dictionaries import compare_decoders
from nonlinear.matching import Correlations, against_identity, match, to_truth
from nonlinear.plain import Undefined
from nonlinear.retrieval import retrieval

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 5), st.integers(1, 5))
def test_the_matching_is_the_best_of_all(seed, p, q):
    similarity = np.random.default_rng(seed).normal(size=(p, q))
    rows, columns = match(similarity)
    smaller, larger = min(p, q), max(p, q)
    S = similarity if p <= q else similarity.T
    best = max(sum(S[k, c] for k, c in enumerate(chosen)) for chosen in permutations(range(larger), smaller))
    assert similarity[rows, columns].sum() == pytest.approx(best)
    assert len(set(rows)) == len(set(columns)) == smaller


@given(seeds, st.integers(2, 20), st.sampled_from([0.0, 1e5]))
def test_correlations_are_those_of_numpy_whatever_the_blocks(seed, n, offset):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, 3)) + offset, rng.normal(size=(n, 2)) - offset
    b[:, 1] += a[:, 0]
    found = Correlations()
    for part in np.array_split(np.arange(n), min(3, n)):
        found.add(torch.tensor(a[part]), torch.tensor(b[part]))
    expected = np.corrcoef(a.T, b.T)[:3, 3:]
    assert np.abs(found.matrix() - expected).max() <= 1e-12 + 1e-14 * offset / min(a.std(0).min(), b.std(0).min())


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_a_column_that_does_not_vary_has_correlation_zero(constant):
    found = Correlations()
    for _ in range(3):
        found.add(torch.full((7, 1), constant, dtype=torch.float64), torch.randn(7, 1, dtype=torch.float64))
    assert found.matrix().tolist() == [[0.0]]
    assert [v.tolist() for v in found.varying()] == [[False], [True]]


@given(seeds, st.integers(2, 6))
def test_the_best_matching_is_at_least_the_identity_and_finds_a_permutation(seed, m):
    rng = np.random.default_rng(seed)
    correlation, every = rng.uniform(-1, 1, (m, m)), np.ones(m, bool)
    found = against_identity(correlation, every, every)
    assert found["matched"] >= found["identity"] - 1e-12
    order = rng.permutation(m)
    moved = against_identity(np.eye(m)[order], every, every)
    assert moved == {"matched": 1.0, "identity": np.mean(order == np.arange(m)), "fixed": np.mean(order == range(m))}


def test_dead_atoms_take_no_part_in_a_matching():
    some, none = np.array([True, True, False]), np.zeros(3, bool)
    found = against_identity(np.eye(3), some, some)
    assert found == {"matched": 1.0, "identity": 1.0, "fixed": 1.0}
    # Whatever stands in the rows and columns of dead atoms.
    first, second = np.array([True, False]), np.array([False, True])
    assert against_identity(np.array([[0.9, 0.4], [0.9, 0.9]]), first, second)["matched"] == 0.4
    apart = against_identity(np.zeros((3, 3)), some, ~some)
    assert apart == {"matched": 0.0, "identity": 0.0, "fixed": 0.0}
    assert isinstance(against_identity(np.eye(3), some, none), Undefined)


def test_true_atoms_without_a_match_count_zero_and_dead_atoms_are_no_match():
    live = np.array([True, False])
    assert to_truth(live, true_atoms=np.eye(2), atoms=np.eye(2), codes=None) == {"cosine": 0.5}
    assert isinstance(to_truth(~live & live, true_atoms=np.eye(2), atoms=np.eye(2), codes=None), Undefined)


@given(seeds)
def test_truth_is_found_up_to_the_order_of_the_atoms(seed):
    rng = np.random.default_rng(seed)
    atoms, codes, order = rng.normal(size=(4, 6)), rng.uniform(size=(30, 4)), rng.permutation(5)
    larger, found = rng.normal(size=(5, 6)), Correlations()
    larger[:4] = 3 * atoms
    z = np.column_stack([2 * codes, rng.uniform(size=30)])[:, order]
    found.add(torch.tensor(codes), torch.tensor(z))
    result = to_truth(np.ones(5, bool), true_atoms=atoms, atoms=larger[order], codes=found)
    assert result == {name: pytest.approx(1.0) for name in ("cosine", "correlation", "correlation_by_cosine")}
    wrong = to_truth(np.ones(5, bool), true_atoms=atoms[[1, 2, 3, 0]], atoms=larger[order], codes=found)
    assert wrong["correlation"] == pytest.approx(1.0)
    assert wrong["correlation_by_cosine"] < 0.9


@given(seeds, st.integers(2, 30), st.integers(1, 4))
def test_retrieval_is_that_of_a_loop(seed, n, d):
    rng = np.random.default_rng(seed)
    b = rng.normal(size=(n, d))
    a = b + rng.normal(size=(n, d))
    similarity = cosine_similarity(a, b)
    # With d = 1 every cosine is ±1: rows of equal cosine stand in random order.
    tied = [np.isclose(row, row[r], rtol=0, atol=1e-12) for r, row in enumerate(similarity)]
    places = [
        np.arange(1, t.sum() + 1) + ((row > row[r]) & ~t).sum()
        for r, (row, t) in enumerate(zip(similarity, tied, strict=True))
    ]
    found = retrieval(a, b)
    for k in (1, 5, 10):
        assert found[f"recall@{k}"] == pytest.approx(np.mean([np.mean(p <= k) for p in places]))
    assert found["mrr"] == pytest.approx(np.mean([np.mean(1 / p) for p in places]))
    assert found["median_rank"] == np.median([p.mean() for p in places])
    assert found["gallery"] == n


def test_codes_that_are_all_equal_retrieve_at_chance():
    for codes in (np.zeros((20, 3)), np.ones((20, 3))):
        found = retrieval(codes, codes)
        assert [found[f"recall@{k}"] for k in (1, 5, 10)] == [pytest.approx(k / 20) for k in (1, 5, 10)]
        assert found["median_rank"] == 10.5


def test_retrieval_does_not_depend_on_scale_or_on_a_common_order():
    rng = np.random.default_rng(0)
    a, b, order = rng.normal(size=(50, 5)), rng.normal(size=(50, 5)), rng.permutation(50)
    assert retrieval(a, b) == pytest.approx(retrieval(3 * a[order], 0.1 * b[order]))


@given(seeds)
def test_decoders_are_compared_atom_by_atom(seed):
    rng = np.random.default_rng(seed)
    first, second, live = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), np.arange(5) != 2
    first[1] = second[1] = 0
    found = compare_decoders(first, second, live)
    counted = [0, 3, 4]  # atom 1 has norm 0 in both, atom 2 is dead
    norms = [(np.linalg.norm(first[k]), np.linalg.norm(second[k])) for k in counted]
    cosine = np.diagonal(cosine_similarity(first, second))[live]
    assert found["relative_norm"]["max"] == pytest.approx(max(q / (p + q) for p, q in norms))
    assert found["cosine"]["median"] == pytest.approx(np.median(cosine))
    assert isinstance(compare_decoders(first, second[:, :2], live)["cosine"], Undefined)
