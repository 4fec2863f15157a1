"""The view: which rows are compared, against dictionaries of points; and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.linalg import tolerance
from theory.properties import CC, CYC, REC, TR, Distribution, Instance, Property, all_properties
from theory.view import View

MANY = settings(deadline=None, max_examples=60)
WIDTHS = {"a": 3, "b": 2, "c": 4}
LINEAR = {s: np.random.default_rng(d).normal(size=(d, 2)) for s, d in WIDTHS.items()}
CODERS = (
    {s: lambda x, W=W: np.tanh(x @ W) for s, W in LINEAR.items()},
    {s: lambda z, W=W: z @ W.T for s, W in LINEAR.items()},
)


def view_of(points, ids, **options):
    """Rows of each stream from the table of points: stream s shows point p as points[s][p]."""
    streams = {s: np.array([points[s][p] for p in ids[s]]).reshape(len(ids[s]), WIDTHS[s]) for s in ids}
    return View(streams, *CODERS, ids=ids, **options)


@st.composite
def batches(draw, n_streams=2, min_rows=0):
    """Points, and per stream the ids of the points it shows: unequal lengths, any overlap, any order."""
    names = "abc"[:n_streams]
    pool = draw(st.lists(st.integers(-5, 30), min_size=6, max_size=12, unique=True))
    ids = {s: draw(st.lists(st.sampled_from(pool), min_size=min_rows, unique=True)) for s in names}
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = {s: {p: rng.normal(size=WIDTHS[s]) for p in pool} for s in names}
    return points, ids


@MANY
@given(batches(n_streams=3))
def test_instance_losses_are_means_over_shared_points(batch):
    points, ids = batch
    view = view_of(points, ids)
    f, g = CODERS

    def square(v):
        return float(v @ v)

    def mean(over, cost):
        return sum(map(cost, over)) / max(len(over), 1)

    def of_pair(i, j):
        """TR, CC and CYC of one ordered pair, point by point."""
        x, y, shared = points[i], points[j], [p for p in ids[i] if p in ids[j]]
        return (
            mean(shared, lambda p: square(g[j](f[i](x[p])) - y[p])),
            mean(shared, lambda p: square(f[i](x[p]) - f[j](y[p]))),
            mean(ids[i], lambda p: square(g[i](f[j](g[j](f[i](x[p])))) - x[p])),
        )

    def rec_of(i):
        return mean(ids[i], lambda p: square(g[i](f[i](points[i][p])) - points[i][p]))

    pairs = {(i, j): of_pair(i, j) for i in ids for j in ids if i != j}
    tr, cyc = (sum(v[k] for v in pairs.values()) for k in (0, 2))
    cc, rec = sum(v[1] for (i, j), v in pairs.items() if i < j), sum(map(rec_of, ids))
    for what, expected in [(TR, tr), (CC, cc), (REC, rec), (CYC, cyc)]:
        loss = float(Property(what, Instance()).loss(view))
        assert abs(loss - expected) <= tolerance(1 + expected, 50), what.name


@MANY
@given(batches())
def test_matched_rows_show_the_same_points(batch):
    points, ids = batch
    rows_a, rows_b = view_of(points, ids).matched("a", "b")
    assert [ids["a"][r] for r in rows_a] == [ids["b"][r] for r in rows_b] == sorted(set(ids["a"]) & set(ids["b"]))


@MANY
@given(batches(min_rows=1), st.integers(0, 5))
def test_disjoint_samples_share_no_point_and_lose_none(batch, seed):
    points, ids = batch
    rows_a, rows_b = view_of(points, ids, seed=seed).disjoint("a", "b")
    on_a, on_b = {ids["a"][r] for r in rows_a}, {ids["b"][r] for r in rows_b}
    assert not on_a & on_b
    assert on_a | on_b == set(ids["a"]) | set(ids["b"])
    shared = set(ids["a"]) & set(ids["b"])
    assert abs(len(on_a & shared) - len(on_b & shared)) <= 1
    assert len(rows_a) == len(on_a)
    assert len(rows_b) == len(on_b)


@MANY
@given(batches(min_rows=2), st.integers(0, 5))
def test_a_stream_is_compared_with_itself_on_disjoint_rows(batch, seed):
    points, ids = batch
    first, second = view_of(points, ids, seed=seed).disjoint("a", "a")
    assert sorted([*first, *second]) == list(range(len(ids["a"])))
    assert abs(len(first) - len(second)) <= 1


@MANY
@given(batches(min_rows=2), st.integers(0, 5))
def test_the_split_belongs_to_the_points_not_to_the_rows(batch, seed):
    points, ids = batch
    shuffled = {s: list(reversed(v)) for s, v in ids.items()}
    for before, after, s in zip(
        view_of(points, ids, seed=seed).disjoint("a", "b"),
        view_of(points, shuffled, seed=seed).disjoint("a", "b"),
        "ab",
        strict=True,
    ):
        assert {ids[s][r] for r in before} == {shuffled[s][r] for r in after}


def test_the_split_changes_with_the_seed():
    ids = {s: list(range(20)) for s in "ab"}
    points = {s: {p: np.zeros(WIDTHS[s]) for p in range(20)} for s in "ab"}
    splits = {tuple(view_of(points, ids, seed=seed).disjoint("a", "b")[0]) for seed in range(5)}
    assert len(splits) == 5


@pytest.mark.parametrize("prop", [p for p in all_properties() if p.level.prefix == "d"], ids=lambda p: p.name)
def test_a_distributional_loss_takes_its_sides_from_disjoint_points(prop):
    """The value is the level's on the two samples that the split names, encoded apart."""
    rng = np.random.default_rng(0)
    ids = {"a": list(range(12)), "b": list(range(4, 18))}
    points = {s: {p: rng.normal(size=WIDTHS[s]) for p in range(18)} for s in "ab"}
    view = view_of(points, ids, seed=3)
    i, j = "a", ("b" if prop.what.crosses or prop.what.edges != "self" else "a")
    rows_i, rows_j = view.disjoint(i, j if prop.what.crosses else i)
    left = view_of(points, {"a": [ids["a"][r] for r in rows_i], "b": ids["b"]}, sampling="aligned")
    right_of = j if prop.what.crosses else i
    right_ids = dict(ids) | {right_of: [ids[right_of][r] for r in rows_j]}
    right = view_of(points, right_ids, sampling="aligned")
    a, b = prop.what.sides(left, i, j)[0], prop.what.sides(right, i, j)[1]
    expected = prop.level.loss(
        type(prop.what)("fixed", prop.what.space, "self", lambda v, i, j: (a, b), crosses=False),
        view.replace(sampling="aligned"),
        i,
        j,
    )
    assert prop.level.loss(prop.what, view, i, j) == pytest.approx(expected, rel=1e-12)
    assert len(a) + len(b) == (18 if prop.what.crosses else 12)


@pytest.mark.parametrize("t", [0.4, 1.7])
def test_splits_redrawn_over_few_points_repel_matched_pairs(t):
    """The mean over all splits, plus the instance loss with weight 1/(N−1), does not depend on the pairing."""
    n, rng = 6, np.random.default_rng(0)
    x, y = rng.normal(size=n), rng.normal(size=n)
    view = View({"a": x[:, None], "b": y[:, None]}, {}, {})
    splits = {tuple(map(tuple, view.replace(seed=seed).disjoint("a", "b"))) for seed in range(400)}
    assert len(splits) == 20, "every half of six points"
    totals, losses = [], []
    monotone = np.argsort(y)[np.argsort(np.argsort(x))]
    for pairing in (np.arange(n), np.roll(np.arange(n), 1), rng.permutation(n), monotone):
        u, v = np.exp(1j * t * x), np.exp(1j * t * y[pairing])
        losses.append(np.mean([abs(u[list(a)].mean() - v[list(b)].mean()) ** 2 for a, b in splits]))
        totals.append(losses[-1] + (abs(u - v) ** 2).mean() / (n - 1))
    assert np.ptp(totals) <= tolerance(1.0, n)
    assert np.ptp(losses) > 0.01


def test_aligned_samples_are_all_rows():
    view = View({"a": np.eye(3), "b": 2 * np.eye(3)}, {}, {}, sampling="aligned")
    raw = type(TR)("RAW", "representation", "ordered", lambda v, i, j: (v.x(i), v.x(j)), crosses=True)
    a, b = view.samples(raw, "a", "b")
    np.testing.assert_array_equal(a, np.eye(3))
    np.testing.assert_array_equal(b, 2 * np.eye(3))


@pytest.mark.parametrize("what", [TR, CC], ids=lambda w: w.name)
@pytest.mark.parametrize("lengths", [(3, 2), (0, 2), (0, 0)])
def test_no_matched_row_costs_zero_never_nan(what, lengths):
    n, m = lengths
    ids = {"a": list(range(n)), "b": list(range(100, 100 + m))}
    view = View({"a": np.ones((n, 3)), "b": np.ones((m, 2))}, *CODERS, ids=ids)
    assert float(Property(what, Instance()).loss(view)) == 0.0


def test_an_empty_stream_costs_nothing_at_the_instance_level():
    view = View({"a": np.ones((0, 3)), "b": np.ones((4, 2))}, *CODERS, ids={"a": [], "b": [1, 2, 3, 4]})
    rows = np.ones((4, 2))
    expected = float(((CODERS[1]["b"](CODERS[0]["b"](rows)) - rows) ** 2).sum(1).mean())
    assert float(Property(REC, Instance()).loss(view)) == pytest.approx(expected, rel=1e-14)


def test_a_law_needs_a_row():
    view = View({"a": np.ones((1, 3))}, *CODERS)
    with pytest.raises(ValueError, match="at least 1 row"):
        Property(REC, Distribution()).loss(view)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("self", [("a", "a"), ("b", "b"), ("c", "c")]),
        ("ordered", [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]),
        ("unordered", [("a", "b"), ("a", "c"), ("b", "c")]),
    ],
)
def test_edges_of_three_streams(kind, expected):
    assert list(View(dict.fromkeys("abc", np.eye(2)), {}, {}).edges(kind)) == expected


def test_a_single_stream_has_no_pairs():
    view = View({"a": np.ones((2, 3))}, *CODERS)
    assert Property(TR, Instance()).loss(view) == 0
    assert Property(TR, Instance()).holds(view)


def test_rows_without_ids_show_one_point_each():
    rng = np.random.default_rng(0)
    streams = {"a": rng.normal(size=(5, 3)), "b": rng.normal(size=(5, 2))}
    implicit, explicit = View(streams, *CODERS), View(streams, *CODERS, ids={"a": range(5), "b": range(5)})
    for prop in all_properties():
        assert float(prop.loss(implicit)) == pytest.approx(float(prop.loss(explicit)), rel=1e-14), prop.name


def test_each_code_is_computed_once():
    calls = []

    def encoder(name):
        def encode(x):
            calls.append(name)
            return CODERS[0][name](x)

        return encode

    view = View({"a": np.ones((2, 3)), "b": np.ones((2, 2))}, {s: encoder(s) for s in "ab"}, CODERS[1])
    for what in (REC, TR, CC):
        Property(what, Instance()).loss(view)
    assert sorted(calls) == ["a", "b"]
    Property(CYC, Instance()).loss(view)
    assert sorted(calls) == ["a", "a", "b", "b"], "a cycle encodes once more per ordered pair"


def test_slices_are_unit_and_belong_to_the_seed():
    view = View({"a": np.eye(2)}, {}, {})
    slices = view.slices(4, 50)
    np.testing.assert_allclose(np.linalg.norm(slices, axis=0), 1, rtol=1e-14)
    np.testing.assert_array_equal(slices, view.slices(4, 50))
    assert not np.allclose(slices, view.replace(seed=1).slices(4, 50))


ONE = {"a": np.eye(2), "b": np.eye(3)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "paired"}, "sampling is 'paired'; use one of disjoint, aligned"),
        ({"ids": {"a": [1, 1], "b": [1, 2, 3]}}, "an id occurs twice within stream 'a'"),
        ({"ids": {"a": [1, 2]}}, "stream 'b' has no ids; give the ids of every stream or of none"),
        ({"ids": {"a": [1, 2], "b": [1, 2]}}, r"stream 'b' has 3 rows and ids of shape \(2,\); give one id per row"),
        ({"ids": {"a": [[1, 2]], "b": [1, 2, 3]}}, r"stream 'a' has 2 rows and ids of shape \(1, 2\)"),
    ],
)
def test_what_the_view_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        View(ONE, {}, {}, **options)


def test_unequal_lengths_need_ids():
    with pytest.raises(ValueError, match="give the ids of the points that the rows show"):
        View(ONE, {}, {}).matched("a", "b")


def test_unknown_edges_are_refused():
    with pytest.raises(ValueError, match="edges are 'circular'; use self, ordered or unordered"):
        View(ONE, {}, {}).edges("circular")
