"""Which rows enter batches: pairs are pairs, sides stay apart for good, every row is seen, counts add up."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nonlinear.batch import Layout, Shuffle
from nonlinear.strata import labelled_points, point_ids, strata

STEPS = 60


@st.composite
def problems(draw, fractions=(0.0, 0.1, 0.5, 1.0)):
    """Ids of two or three streams that show random subsets of the points in random order, labels, and a batch size."""
    streams = "xyz"[: draw(st.integers(2, 3))]
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    points = rng.permutation(200)[: draw(st.integers(12, 40))] - 50
    share = draw(st.sampled_from([0.5, 0.8, 1.0]))
    ids = {s: rng.permutation(points)[: max(round(share * len(points)), 4)] for s in streams}
    shared = len(points) - sum(1 for p in points if sum(p in v for v in ids.values()) < 2)
    assume(shared > 5)
    fraction = draw(st.sampled_from([f for f in fractions if f == 0 or round(f * shared) > 0]))
    seed = draw(st.integers(0, 5))
    return ids, labelled_points(ids, fraction, None, seed), draw(st.integers(8, 14)), seed


def batches(found, seed, steps=STEPS):
    shuffle = Shuffle(found, seed)
    return [shuffle.rows(step) for step in range(steps)]


def picked(rows, selector):
    return rows[selector if isinstance(selector, slice) else selector.numpy()]


@pytest.mark.parametrize("sampling", ["disjoint", "independent", "aligned"])
def test_matched_rows_show_the_same_labelled_point(sampling):
    seen = []

    @settings(max_examples=60)
    @given(problems())
    def check(problem):
        ids, labelled, batch, seed = problem
        found = strata(ids, labelled, batch, sampling, seed=seed)
        layout = Layout(list(ids), found)
        for rows in batches(found, seed, 5):
            for i in ids:
                for j in ids:
                    mine, theirs = layout.matched(i, j)
                    shown = ids[i][picked(rows[i], mine)]
                    if i != j:
                        assert set(shown) <= set(labelled)
                        assert shown.tolist() == ids[j][picked(rows[j], theirs)].tolist()
                        seen.append(len(shown))

    check()
    assert max(seen) > 3, "no batch had pairs to look at"


def test_disjoint_sides_never_show_the_same_point():
    met = []

    @settings(max_examples=60)
    @given(problems())
    def check(problem):
        ids, labelled, batch, seed = problem
        found = strata(ids, labelled, batch, "disjoint", seed=seed)
        layout = Layout(list(ids), found)
        sides = {(s, side): set() for s in ids for side in (0, 1)}
        for rows in batches(found, seed):
            for s, side in sides:
                sides[s, side] |= set(ids[s][picked(rows[s], layout.side(s, side))])
        for i in ids:
            for j in ids:
                assert not sides[i, 0] & sides[j, 1]
                met.append(len(sides[i, 0]) * len(sides[j, 1]))
        for s in ids:  # and the two sides are the whole batch
            assert len(layout.rows) == len(ids)
            both = np.concatenate([np.arange(layout.rows[s])[picked(np.arange(layout.rows[s]), layout.side(s, k))]
                                   for k in (0, 1)])  # fmt: skip
            assert sorted(both) == list(range(layout.rows[s]))

    check()
    assert np.median(met) > 20, "the sides were empty"


@pytest.mark.parametrize("sampling", ["disjoint", "aligned"])
def test_every_point_is_used(sampling):
    @settings(max_examples=30)
    @given(problems())
    def check(problem):
        ids, labelled, batch, seed = problem
        found = strata(ids, labelled, batch, sampling, seed=seed)
        seen = {s: set() for s in ids}
        for rows in batches(found, seed):
            for s, r in rows.items():
                seen[s] |= set(ids[s][r])
        for s in ids:
            assert seen[s] >= set(labelled) & set(ids[s])
            alone = set(ids[s]) - set(labelled)
            if len(alone) > 3 and sum(k.count for k in found if list(k.rows) == [s]) > 1:
                assert seen[s] >= alone

    check()


@settings(max_examples=60)
@given(problems())
def test_counts_are_the_same_in_every_batch_and_as_the_layout_says(problem):
    ids, labelled, batch, seed = problem
    for sampling in ("disjoint", "aligned", "independent"):
        found = strata(ids, labelled, batch, sampling, seed=seed)
        layout = Layout(list(ids), found)
        for rows in batches(found, seed, 4):
            assert {s: len(r) for s, r in rows.items()} == {s: n for s, n in layout.rows.items() if n}
        limit = 2 * batch if sampling == "independent" else batch
        assert max(layout.rows.values()) <= limit
        matched = sum(k.count for k in found if len(k.rows) > 1)
        share = len(labelled) / len(set(np.concatenate(list(ids.values()))))
        patterns = {tuple(p in v for v in ids.values()) for p in labelled}
        assert matched == min(max(round(share * batch), len(patterns)), batch, len(labelled))
        assert sum(len(k.rows) > 1 and k.count == 0 for k in found) == 0


def test_full_pairing_splits_the_batch_into_halves():
    ids = {"x": np.arange(50), "y": np.arange(50)[::-1]}
    found = strata(ids, np.arange(50), 10)
    assert [(sorted(k.rows), k.side, k.count, k.size) for k in found] == [
        (["x", "y"], 0, 5, 25),
        (["x", "y"], 1, 5, 25),
    ]


def test_a_set_of_streams_that_shows_few_points_still_enters_every_batch():
    ids = {"x": np.arange(0, 95), "y": np.arange(0, 100), "z": np.arange(95, 100)}
    found = strata(ids, np.arange(100), 8)
    assert sorted((sorted(k.rows), k.side, k.count) for k in found) == [
        (["x", "y"], 0, 3), (["x", "y"], 1, 3), (["y", "z"], 0, 1), (["y", "z"], 1, 1)
    ]  # fmt: skip


def test_one_matched_row_a_batch_leaves_the_labelled_points_on_one_side():
    ids = {"x": np.arange(1000), "y": np.arange(1000)}
    labelled = labelled_points(ids, 0.001, None, seed=0)
    assert len(labelled) == 1
    matched = [k for k in strata(ids, labelled, 100) if len(k.rows) == 2]
    assert [(k.side, k.count, k.size) for k in matched] == [(0, 1, 1)]


def test_independent_draws_take_all_points_on_both_sides_and_leave_pairs_to_the_instance_losses():
    ids = {"x": np.arange(12), "y": np.arange(12)[::-1]}
    found = strata(ids, np.arange(12), 6, "independent")
    layout = Layout(["x", "y"], found)
    assert layout.rows == {"x": 12, "y": 12}
    assert {k.side for k in found if len(k.rows) == 2} == {None}
    sides, together = {(s, k): set() for s in "xy" for k in (0, 1)}, 0
    for rows in batches(found, 0):
        shown = {key: ids[key[0]][picked(rows[key[0]], layout.side(*key))] for key in sides}
        for key, points in shown.items():
            sides[key] |= set(points)
        together += len(set(shown["x", 0]) & set(shown["y", 1]))
    assert all(points == set(range(12)) for points in sides.values())
    # Two independent draws of 3 of 12 points share 0.75 on average, with a standard deviation of 0.68 a batch.
    assert abs(together / STEPS - 0.75) < 5 * 0.68 / STEPS**0.5


@settings(max_examples=40)
@given(problems())
def test_each_row_comes_once_in_every_pass(problem):
    ids, labelled, batch, seed = problem
    found = strata(ids, labelled, batch, seed=seed)
    for number, k in enumerate(found):
        alone, (s, own) = Shuffle(found, seed), next(iter(k.rows.items()))
        start = sum(other.count for other in found[:number] if s in other.rows)
        drawn = np.concatenate([alone.rows(step)[s][start : start + k.count] for step in range(3 * k.size)])
        for a in range(0, 3 * k.size, k.size):
            assert sorted(drawn[a : a + k.size]) == sorted(own)
        if k.size > 8:
            assert drawn[: k.size].tolist() != drawn[k.size : 2 * k.size].tolist(), "the order is not drawn anew"


@settings(max_examples=20)
@given(problems(), st.permutations(range(12)))
def test_a_batch_depends_on_its_step_alone(problem, order):
    ids, labelled, batch, seed = problem
    found = strata(ids, labelled, batch, seed=seed)
    shuffle, expected = Shuffle(found, seed), batches(found, seed, 12)
    for step in order:
        for s, rows in shuffle.rows(step).items():
            assert rows.tolist() == expected[step][s].tolist()


def test_seeds_draw_other_batches_and_other_labels():
    ids = {"x": np.arange(100), "y": np.arange(100)}
    assert labelled_points(ids, 0.3, None, 0).tolist() != labelled_points(ids, 0.3, None, 1).tolist()
    found = strata(ids, np.arange(100), 10)
    assert Shuffle(found, 0).rows(0)["x"].tolist() != Shuffle(found, 1).rows(0)["x"].tolist()


@settings(max_examples=40)
@given(problems(fractions=(0.0, 0.25, 0.7, 1.0)))
def test_labelled_points_are_shared_ones_in_the_fraction_asked_for(problem):
    ids, labelled, _, seed = problem
    points = sorted(set(np.concatenate(list(ids.values())).tolist()))
    shared = {p for p in points if sum(p in v.tolist() for v in ids.values()) > 1}
    assert set(labelled.tolist()) <= shared
    for fraction in (0.0, 0.25, 1.0):
        assert len(labelled_points(ids, fraction, None, seed)) == round(fraction * len(shared))
    anchors = sorted(shared)[:3]
    assert labelled_points(ids, 1.0, anchors[::-1], seed).tolist() == anchors


def test_zero_matched_rows_leave_nobody_out():
    ids = {"x": np.arange(20), "y": np.arange(20)}
    found = strata(ids, np.arange(20), 8, matched=0)
    assert sorted((sorted(k.rows), k.side, k.count, k.size) for k in found) == [
        (["x"], 0, 4, 10), (["x"], 1, 4, 10), (["y"], 0, 4, 10), (["y"], 1, 4, 10)
    ]  # fmt: skip


def test_ids_of_one_stream_may_come_in_any_order():
    (first, second) = strata({"x": np.array([9, 2, 40, 7])}, np.zeros(0, dtype=int), 2)
    assert sorted([*first.rows["x"], *second.rows["x"]]) == [0, 1, 2, 3]
    assert (first.count, second.count) == (1, 1)


def test_default_points():
    assert {s: v.tolist() for s, v in point_ids({"x": 3, "y": 3}, None, paired=True).items()} == {
        "x": [0, 1, 2],
        "y": [0, 1, 2],
    }
    apart = point_ids({"x": 2, "y": 3}, None, paired=False)
    assert not set(apart["x"]) & set(apart["y"])
