"""Where the rows of a batch lie, and what a property sees of it."""

import numpy as np
import pytest
import torch

from nonlinear.batch import ALL, BatchView, Layout, Shuffle, at
from nonlinear.strata import Stratum
from theory.properties import CC, REC, TR

# Points 0-2 on x and y, 3 on y and z, 4-5 on x alone, 6 on z alone; the streams keep the rows in this order.
KINDS = [
    Stratum({"x": np.arange(9), "y": np.arange(9)}, 0, 2),
    Stratum({"x": np.arange(9), "y": np.arange(9)}, 1, 1),
    Stratum({"y": np.arange(9), "z": np.arange(9)}, 1, 1),
    Stratum({"x": np.arange(9)}, 0, 1),
    Stratum({"x": np.arange(9)}, 1, 1),
    Stratum({"z": np.arange(9)}, 0, 1),
]
SHOWN = {"x": [0, 1, 2, 4, 5], "y": [0, 1, 2, 3], "z": [3, 6]}


class Coders:
    """Codes are rows, and decoding returns them."""

    def code(self, s, x, layout):
        return x[s]

    def encode(self, s, x):
        return x

    def decode(self, s, z):
        return z


def rows_of(values, selector):
    return torch.as_tensor(values)[selector].tolist()


@pytest.fixture(params=["here", "on a device"])
def layout(request):
    made = Layout(["x", "y", "z"], KINDS)
    return made if request.param == "here" else made.to("cpu")


def view_of(layout, edges=None, order="xyz"):
    rows = {s: torch.tensor(SHOWN[s], dtype=torch.float64)[:, None] for s in order}
    return BatchView(rows, Coders(), layout, edges)


def test_positions(layout):
    assert layout.rows == {"x": 5, "y": 4, "z": 2}
    assert layout.n_points == 7
    for s, points in SHOWN.items():
        assert rows_of(range(7), layout.points(s)) == points
    assert [rows_of(SHOWN[s], r) for s, r in zip("xy", layout.matched("x", "y"), strict=True)] == [[0, 1, 2]] * 2
    assert [rows_of(SHOWN[s], r) for s, r in zip("zy", layout.matched("z", "y"), strict=True)] == [[3]] * 2
    assert [rows_of(SHOWN[s], r) for s, r in zip("xz", layout.matched("x", "z"), strict=True)] == [[]] * 2
    assert {(s, k): rows_of(SHOWN[s], layout.side(s, k)) for s in "xyz" for k in (0, 1)} == {
        ("x", 0): [0, 1, 4], ("x", 1): [2, 5], ("y", 0): [0, 1], ("y", 1): [2, 3], ("z", 0): [6], ("z", 1): [3]
    }  # fmt: skip


def test_what_a_property_sees(layout):
    view = view_of(layout)
    a, b = view.paired(TR, "x", "y")
    assert a.flatten().tolist() == b.flatten().tolist() == [0, 1, 2]
    assert [len(side) for side in view.paired(CC, "x", "z")] == [0, 0]
    assert view.paired(REC, "x", "x")[0] is view.x("x")  # nothing crosses: all rows
    assert [side.flatten().tolist() for side in view.samples(TR, "x", "y")] == [[0, 1, 4], [2, 3]]
    assert [side.flatten().tolist() for side in view.samples(TR, "y", "x")] == [[0, 1], [2, 5]]
    assert [side.flatten().tolist() for side in view.samples(REC, "x", "x")] == [[0, 1, 4], [2, 5]]


def test_an_aligned_layout_compares_whole_batches():
    view = view_of(Layout(["x", "y", "z"], KINDS, aligned=True))
    assert [side.flatten().tolist() for side in view.samples(TR, "x", "y")] == [SHOWN["x"], SHOWN["y"]]


def test_edges_are_those_that_are_trained_in_the_declared_order(layout):
    assert list(view_of(layout, order="zyx").edges("unordered")) == [("x", "y"), ("x", "z"), ("y", "z")]
    assert list(view_of(layout, [("y", "y"), ("y", "x")]).edges("ordered")) == [("y", "x")]
    assert list(view_of(layout, [("y", "y"), ("y", "x")]).edges("self")) == [("y", "y")]


def test_a_stream_on_one_side_only_is_named():
    view = view_of(Layout(["x", "y", "z"], [Stratum({"x": np.arange(5)}, 0, 5), Stratum({"y": np.arange(4)}, 1, 4)]))
    assert [len(side) for side in view.samples(TR, "x", "y")] == [5, 4]
    with pytest.raises(ValueError, match="all rows of stream 'y' stand on one side"):
        view.samples(TR, "y", "x")


def test_all_rows_are_not_copied():
    whole = Layout(["x"], [Stratum({"x": np.arange(4)}, 0, 2), Stratum({"x": np.arange(4)}, 1, 2)])
    a = torch.eye(4)
    assert whole.points("x") == ALL
    assert at(a, whole.points("x")) is a
    assert whole.side("x", 1) == slice(2, 4)


def test_every_pass_has_an_order_of_its_own():
    shuffle = Shuffle([Stratum({"x": np.arange(50)}, 0, 25)], seed=0)
    passes = [np.concatenate([shuffle.rows(step)["x"] for step in (2 * n, 2 * n + 1)]) for n in range(3)]
    assert all(sorted(p) == list(range(50)) for p in passes)
    assert len({tuple(p) for p in passes}) == 3
