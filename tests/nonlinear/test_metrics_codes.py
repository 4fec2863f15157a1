"""Firing, overlap of supports and label Jaccard against scikit-learn, SciPy and loops."""

from itertools import combinations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score

from nonlinear.firing import Firing, support_jaccard
from nonlinear.jaccard import LabelCounts, label_jaccard
from nonlinear.plain import Undefined
from nonlinear.sampled import most_firing


@st.composite
def codes(draw, streams=2):
    """Sparse codes of several streams [n, m], some atoms and rows silent."""
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.2, 0.6, 1.0]))
    return [rng.uniform(0.1, 2, (n, m)) * (rng.random((n, m)) < share) for _ in range(streams)]


def counted(*streams, cut=None):
    names = [f"s{k}" for k in range(len(streams))]
    found = Firing(names, streams[0].shape[1])
    for part in (slice(None, cut), slice(cut, None)) if cut else (slice(None),):
        found.count({s: torch.tensor(z[part]) for s, z in zip(names, streams, strict=True)})
    return found


@given(codes())
def test_support_jaccard_is_that_of_scikit_learn(drawn):
    a, b = (z != 0 for z in drawn)
    some = (a | b).any(1)
    found = support_jaccard(torch.tensor(a), torch.tensor(b))
    assert len(found) == some.sum()
    for value, p, q in zip(found, a[some], b[some], strict=True):
        assert value == jaccard_score(p, q)


@given(codes())
def test_counts_are_those_of_loops_whatever_the_blocks(drawn):
    a, b = drawn
    n, m = a.shape
    found = counted(a, b, cut=n // 2 or None)
    stream, pair = found.stream("s0"), found.pair("s0", "s1")
    assert stream["l0"] == np.mean([sum(v != 0 for v in row) for row in a])
    assert stream["dead"] == np.mean([not any(a[:, atom] != 0) for atom in range(m)])
    assert stream["code_variance"] == pytest.approx(a.var(0).sum(), abs=1e-12)
    some = [r for r in range(n) if a[r].any() or b[r].any()]
    overlap = np.mean([jaccard_score(a[r] != 0, b[r] != 0) for r in some]) if some else None
    assert pair["support_jaccard"] == (pytest.approx(overlap) if some else Undefined("no atom fired"))
    both = [sum((a[:, k] != 0) & (b[:, k] != 0)) for k in range(m)]
    for s, z in zip(("s0", "s1"), (a, b), strict=True):
        own = [sum(z[:, k] != 0) for k in range(m)]
        shares = [c / o for c, o in zip(both, own, strict=True) if o]
        assert pair["cofiring"][s] == pytest.approx(np.mean(shares)) if shares else Undefined("no atom fired")
    ious = [jaccard_score(a[:, k] != 0, b[:, k] != 0) for k in range(m) if (a[:, k] + b[:, k]).any()]
    assert pair["iou"] == pytest.approx(np.mean(ious)) if ious else Undefined("no atom fired")
    frequency = (a != 0).mean(0)
    if frequency.any():
        assert stream["firing"]["median"] == pytest.approx(np.median(frequency[frequency > 0]))
        assert stream["firing"]["max"] == pytest.approx(frequency.max())


@given(codes(streams=3))
def test_entropy_is_that_of_scipy_over_the_streams(drawn):
    frequency = np.stack([(z != 0).mean(0) for z in drawn])
    live = frequency.any(0)
    found = counted(*drawn).entropy()
    if not live.any():
        assert found == Undefined("no atom fired")
        return
    expected = scipy.stats.entropy(frequency[:, live], base=3, axis=0)
    assert found["min"] == pytest.approx(expected.min(), abs=1e-12)
    assert found["max"] == pytest.approx(expected.max(), abs=1e-12)


def test_entropy_knows_the_two_ends():
    once, never = np.array([[1.0], [1.0]]), np.array([[0.0], [0.0]])
    assert counted(once, once).entropy()["median"] == 1.0
    assert counted(once, never).entropy()["median"] == 0.0
    assert isinstance(counted(once).entropy(), Undefined)


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 5), st.integers(1, 4))
def test_label_jaccard_is_that_of_loops(seed, streams, atoms, classes):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (streams, atoms, classes)) * (rng.random((streams, atoms, 1)) < 0.7)
    for atom, value in enumerate(label_jaccard(counts)):
        alive = [c[atom] for c in counts if c[atom].sum() > 0]
        parts = [
            sum(min(p, q) for p, q in zip(a, b, strict=True)) / sum(max(p, q) for p, q in zip(a, b, strict=True))
            for a, b in combinations(alive, 2)
        ]
        assert value == pytest.approx(np.mean(parts) if parts else 0.0)


@given(st.integers(0, 2**32 - 1))
def test_label_jaccard_of_sets_is_that_of_scikit_learn(seed):
    a, b = np.random.default_rng(seed).random((2, 6)) < 0.5
    a[0] = b[1] = True
    assert label_jaccard(np.stack([a, b])[:, None].astype(int))[0] == pytest.approx(jaccard_score(a, b))


class OneView:
    """What a view offers to the counts of labels."""

    def __init__(self, codes, rows):
        self.codes, self.rows, self.coded = codes, rows, list(codes)

    def code(self, s):
        return self.codes[s]


@given(codes(), st.integers(0, 2**32 - 1))
def test_one_class_a_row_is_one_hot(drawn, seed):
    a, b = drawn
    labels = np.random.default_rng(seed).integers(0, 3, len(a))
    hot = np.eye(1 + labels.max(), dtype=int)[labels]
    results = []
    for given_labels in (labels, hot):
        found = LabelCounts({"x": given_labels, "y": given_labels}, a.shape[1])
        for part in np.array_split(np.arange(len(a)), 2):
            found.add(OneView({"x": torch.tensor(a[part]), "y": torch.tensor(b[part])}, {"x": part, "y": part}))
        assert np.array_equal(found.counts["x"], (a != 0).T.astype(int) @ hot)
        results.append(found.result())
    assert results[0] == results[1]


@given(codes(), st.integers(1, 6))
def test_the_atoms_that_fire_most_are_chosen_in_ascending_order(drawn, count):
    a, b = drawn
    chosen = most_firing(OneView({"x": torch.tensor(a), "y": torch.tensor(b)}, {}), count)
    frequency = (a != 0).mean(0) + (b != 0).mean(0)
    left = np.setdiff1d(np.arange(a.shape[1]), chosen)
    assert chosen.tolist() == sorted(set(chosen))
    assert len(chosen) == min(count, a.shape[1])
    assert frequency[chosen].min() >= frequency[left].max(initial=0)


def test_dead_atoms_count_as_zero_among_all_and_not_among_live_ones():
    z = {"x": torch.tensor([[1.0, 0.0, 1.0]]), "y": torch.tensor([[1.0, 0.0, 0.0]])}
    found = LabelCounts({"x": np.array([0]), "y": np.array([0])}, 3)
    found.add(OneView(z, {"x": np.array([0]), "y": np.array([0])}))
    assert found.result() == {"all": pytest.approx(1 / 3), "live": 0.5}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"x": np.array([0.5])}, "no whole numbers"),
        ({"x": np.array([-1])}, "no whole numbers"),
        ({"x": np.zeros((1, 1, 1), int)}, "no whole numbers"),
        ({"x": np.array([1]), "y": np.array([[1, 0]])}, "differ in form"),
        ({"x": np.array([[1]]), "y": np.array([[1, 0]])}, "differ in form"),
    ],
)
def test_labels_of_another_form_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        LabelCounts(labels, 1)
