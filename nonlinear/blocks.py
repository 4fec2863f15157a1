"""The rows of several streams by the points that they show: in blocks, and as a random sample."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch

from nonlinear.batch import BatchView, Layout, Shuffle
from nonlinear.coders import Coders
from nonlinear.strata import Stratum, point_ids, strata
from theory.levels import UndefinedError
from theory.view import View
from theory.whats import SELF, What

RowNumbers = dict[str, np.ndarray]


class Points:
    """Which rows of which streams show the same points.

    Parameters
    ----------
    lengths
        Stream → number of rows.
    ids
        Stream → whole number per row, unique within the stream; equal ones are one point. None: row r of every stream
        shows point r, or, where the lengths differ, every row a point of its own.

    Raises
    ------
    ValueError
        Ids that are missing, repeated, or not one per row; a stream without rows.

    Examples
    --------
    >>> points = Points({"x": 3, "y": 2}, {"x": np.array([7, 8, 9]), "y": np.array([9, 7])})
    >>> [{s: r.tolist() for s, r in block.items()} for block in points.blocks(2)]
    [{'x': [1]}, {'x': [0, 2], 'y': [1, 0]}]
    """

    def __init__(self, lengths: Mapping[str, int], ids: Mapping[str, np.ndarray] | None):
        self.ids = point_ids(lengths, ids, paired=False)
        points = reduce(np.union1d, self.ids.values())
        shown = np.stack([np.isin(points, v) for v in self.ids.values()], axis=1)
        self.count, self.shared = len(points), points[shown.sum(axis=1) > 1]
        keys, member = np.unique(shown, axis=0, return_inverse=True)
        order = {s: np.argsort(v, kind="stable") for s, v in self.ids.items()}
        self._groups: list[RowNumbers] = []
        for number, key in enumerate(keys):
            here = points[member.ravel() == number]
            streams = [s for s, there in zip(self.ids, key, strict=True) if there]
            self._groups.append({s: order[s][np.searchsorted(self.ids[s], here, sorter=order[s])] for s in streams})

    def blocks(self, size: int) -> Iterator[RowNumbers]:
        """Every point once, up to `size` of them at a time that the same streams show: stream → row numbers."""
        for rows in self._groups:
            for start in range(0, len(next(iter(rows.values()))), size):
                yield {s: r[start : start + size] for s, r in rows.items()}

    def number_of_blocks(self, size: int) -> int:
        """How many blocks there are."""
        return sum(-(-len(next(iter(rows.values()))) // size) for rows in self._groups)

    def sample(self, count: int, seed: int) -> tuple[RowNumbers, Layout]:
        """Up to `count` random rows of each stream, of which halves are disjoint points; and where they lie."""
        found = strata(self.ids, self.shared, count, seed=seed)
        return Shuffle(found, seed).rows(0), Layout(list(self.ids), found)


def layout_of(rows: RowNumbers) -> Layout:
    """Layout of a block, in which all rows are matched.

    Examples
    --------
    >>> layout_of({"x": np.array([4, 2])}).rows
    {'x': 2}
    """
    return Layout(list(rows), [Stratum(rows, None, len(next(iter(rows.values()))))])


def random_cycle(count: int, seed: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows in a random order, and beside each the next one of a cycle: never itself, where there are two or more.

    Examples
    --------
    >>> a, b = random_cycle(5, [0, 6])
    >>> sorted(a.tolist()), bool((a == b).any())
    ([0, 1, 2, 3, 4], False)
    """
    order = np.random.default_rng(seed).permutation(count)
    return order, np.roll(order, 1)


def by_edges(view: View, what: What, read: Callable[[str, str], Any]) -> dict[str, Any]:
    """Read every edge of a WHAT: stream → found where both ends are one stream, else stream i → stream j → found.

    Examples
    --------
    >>> from theory.view import View
    >>> from theory.whats import REC, TR
    >>> view = View({"x": np.eye(2), "y": np.eye(2)}, {}, {})
    >>> [by_edges(view, what, lambda i, j: i + j) for what in (REC, TR)]
    [{'x': 'xx', 'y': 'yy'}, {'x': {'y': 'xy'}, 'y': {'x': 'yx'}}]
    """
    found: dict[str, Any] = {}
    for i, j in view.edges(what.edges):
        below, key = (found, i) if what.edges == SELF else (found.setdefault(i, {}), j)
        below[key] = read(i, j)
    return found


class EvaluationView(BatchView):
    """A batch through trained coders, in which whatever was never trained is undefined.

    Parameters
    ----------
    x, coders, layout, seed
        As in the batch view.
    rows
        Stream → row numbers of the batch.
    standalone
        Whether a code sees its own stream only, or, as in training, all streams of its point.
    absent
        ("encoder" or "decoder", stream) → why it cannot be used.

    Examples
    --------
    >>> alone = {"rows": {"x": np.arange(2)}, "standalone": True, "absent": {("encoder", "x"): "x is only decoded"}}
    >>> view = EvaluationView({"x": torch.eye(2)}, None, layout_of(alone["rows"]), **alone)
    >>> view.coded
    []
    >>> view.code("x")
    Traceback (most recent call last):
    theory.levels.UndefinedError: x is only decoded
    """

    def __init__(
        self,
        x: Mapping[str, torch.Tensor],
        coders: Coders,
        layout: Layout,
        *,
        rows: RowNumbers,
        standalone: bool,
        absent: Mapping[tuple[str, str], str],
        seed: int = 0,
    ):
        super().__init__(x, coders, layout, seed=seed)
        self.rows, self.standalone, self.absent = rows, standalone, absent

    def code(self, i: str):
        """Codes of stream i, computed once."""
        self._require("encoder", i)
        if not self.standalone:
            return super().code(i)
        if i not in self._codes:
            self._codes[i] = self.encode(i, self.x(i))
        return self._codes[i]

    def encode(self, i: str, x):
        """Codes by encoder i alone."""
        self._require("encoder", i)
        return super().encode(i, x)

    def decode(self, j: str, z):
        """Rows of stream j from codes."""
        self._require("decoder", j)
        return super().decode(j, z)

    @property
    def coded(self) -> list[str]:
        """Streams that have codes."""
        return [s for s in self.streams if ("encoder", s) not in self.absent]

    def _require(self, part: str, s: str) -> None:
        if (part, s) in self.absent:
            raise UndefinedError(self.absent[part, s])
