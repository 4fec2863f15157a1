"""Batches of one layout: drawn by a true shuffle, and seen through a view that knows which rows are pairs."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from nonlinear.strata import Stratum
from theory.view import View
from theory.whats import What

Rows = slice | torch.Tensor
ALL = slice(None)


class Layout:
    """Where the points of each stratum lie in every batch.

    Parameters
    ----------
    streams
        Names, in order.
    strata
        Kinds of points and their counts.
    aligned
        Whether a distributional term compares whole batches instead of the two sides.

    Examples
    --------
    >>> both = {"x": np.arange(9), "y": np.arange(9)}
    >>> layout = Layout(["x", "y"], [Stratum(both, 0, 2), Stratum(both, 1, 2), Stratum({"x": np.arange(3)}, 0, 1)])
    >>> layout.rows, layout.matched("x", "y"), layout.side("x", 1), layout.side("x", 0)
    ({'x': 5, 'y': 4}, (slice(0, 4, None), slice(None, None, None)), slice(2, 4, None), tensor([0, 1, 4]))
    """

    def __init__(self, streams: Sequence[str], strata: Sequence[Stratum], aligned: bool = False):
        self.streams, self.strata, self.aligned = list(streams), list(strata), aligned
        edges = np.cumsum([0, *(k.count for k in strata)])
        self._points = [range(a, b) for a, b in pairwise(edges)]
        self.n_points = int(edges[-1])
        self._ranges: dict[str, dict[int, range]] = {}
        for s in self.streams:
            start, self._ranges[s] = 0, {}
            for number, k in enumerate(strata):
                if s in k.rows:
                    self._ranges[s][number] = range(start, start + k.count)
                    start += k.count
        self.rows = {s: sum(map(len, r.values())) for s, r in self._ranges.items()}
        self._cache: dict[tuple, Any] = {}

    def matched(self, i: str, j: str) -> tuple[Rows, Rows]:
        """Rows of i and of j that are known to show the same points."""
        both = [number for number in self._ranges[i] if number in self._ranges[j]]
        return self._rows(i, both), self._rows(j, both)

    def side(self, i: str, side: int) -> Rows:
        """Rows of i on one side of a distributional term."""
        return self._rows(i, [number for number in self._ranges[i] if self.strata[number].side == side])

    def points(self, i: str) -> Rows:
        """Point of each row of i, among the `n_points` of the batch."""
        key = (i,)
        if key not in self._cache:
            self._cache[key] = _selector([self._points[number] for number in self._ranges[i]], self.n_points)
        return self._cache[key]

    def _rows(self, i: str, numbers: list[int]) -> Rows:
        key = (i, *numbers)
        if len(key) == 1:
            return slice(0, 0)
        if key not in self._cache:
            self._cache[key] = _selector([self._ranges[i][number] for number in numbers], self.rows[i])
        return self._cache[key]

    def to(self, device: torch.device | str) -> "Layout":
        """Return the same layout with its indices on a device."""
        other = Layout(self.streams, self.strata, self.aligned)
        for i in self.streams:
            for compute in (other.points, lambda i: other.side(i, 0), lambda i: other.side(i, 1)):
                compute(i)
            for j in self.streams:
                other.matched(i, j)
        other._cache = {k: v if isinstance(v, slice) else v.to(device) for k, v in other._cache.items()}
        return other


def _selector(ranges: list[range], total: int) -> Rows:
    """One slice where the ranges touch, else an index."""
    if all(a.stop == b.start for a, b in pairwise(ranges)):
        start, stop = ranges[0].start, ranges[-1].stop
        return ALL if (start, stop) == (0, total) else slice(start, stop)
    return torch.as_tensor(np.concatenate([np.arange(r.start, r.stop) for r in ranges]))


class Shuffle:
    """Row numbers of each batch: every stratum in a new random order at each pass, a function of the step alone.

    Parameters
    ----------
    strata
        As in the layout.
    seed
        Of the orders; one permutation per stratum is held in memory.

    Examples
    --------
    >>> shuffle = Shuffle([Stratum({"x": np.arange(4)}, 0, 2)], seed=0)
    >>> sorted(np.concatenate([shuffle.rows(step)["x"] for step in (0, 1)]).tolist())
    [0, 1, 2, 3]
    """

    def __init__(self, strata: Sequence[Stratum], seed: int):
        self.strata, self.seed = list(strata), seed
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def rows(self, step: int) -> dict[str, np.ndarray]:
        """Stream → row numbers of the batch of a step."""
        found: dict[str, list[np.ndarray]] = {}
        for number, k in enumerate(self.strata):
            positions = self._positions(number, k, step * k.count)
            for s, rows in k.rows.items():
                found.setdefault(s, []).append(rows[positions])
        return {s: np.concatenate(parts) for s, parts in found.items()}

    def _positions(self, number: int, stratum: Stratum, start: int) -> np.ndarray:
        parts, wanted = [], stratum.count
        while wanted:
            epoch, first = divmod(start, stratum.size)
            part = self._order(number, stratum.size, epoch)[first : first + wanted]
            parts.append(part)
            start, wanted = start + len(part), wanted - len(part)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _order(self, number: int, size: int, epoch: int) -> np.ndarray:
        if self._orders.get(number, (-1,))[0] != epoch:
            self._orders[number] = epoch, np.random.default_rng([self.seed, 3, number, epoch]).permutation(size)
        return self._orders[number][1]


class BatchView(View):
    """View of one batch through the coders of a system.

    Parameters
    ----------
    x
        Stream → rows [n_i, d_i], each in the order of the layout.
    coders
        ``code(i, x, layout)`` in the batch, ``encode(i, x)`` alone, ``decode(j, z)``.
    layout
        Which rows are pairs, and which rows a distributional term compares.
    edges
        Edges that the system trains, or None for all.
    seed
        Of the slices.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from theory.whats import CC
    >>> pairs, rest = Stratum({"x": np.arange(2), "y": np.arange(2)}, 0, 2), Stratum({"x": np.arange(2)}, 1, 1)
    >>> coders, layout = SimpleNamespace(code=lambda i, x, layout: 2 * x[i]), Layout(["x", "y"], [pairs, rest])
    >>> view = BatchView({"x": torch.tensor([[1.0], [2.0], [3.0]]), "y": torch.zeros(2, 1)}, coders, layout)
    >>> view.paired(CC, "x", "y")[0].tolist()       # codes of the rows of x that have a partner
    [[2.0], [4.0]]
    """

    def __init__(self, x: Mapping[str, torch.Tensor], coders, layout: Layout, edges=None, seed=0):
        super().__init__({s: x[s] for s in layout.streams if s in x}, {}, {}, seed=seed)
        self.coders, self.layout, self.only = coders, layout, edges

    def code(self, i: str):
        """Codes of stream i in the batch, by the system's own sharing."""
        return self.coders.code(i, self.streams, self.layout)

    def encode(self, i: str, x):
        """Codes by encoder i alone."""
        return self.coders.encode(i, x)

    def decode(self, j: str, z):
        """Rows of stream j from codes."""
        return self.coders.decode(j, z)

    def edges(self, kind: str):
        """Pairs of streams of the given kind, among those that the system trains."""
        return (e for e in super().edges(kind) if self.only is None or e in self.only)

    def matched(self, i: str, j: str) -> tuple[Any, Any]:
        """Rows of i and of j that are known to show the same points."""
        return self.layout.matched(i, j)

    def disjoint(self, i: str, j: str) -> tuple[Any, Any]:
        """Rows of i on one side, of j on the other."""
        return self.layout.side(i, 0), self.layout.side(j, 1)

    def paired(self, what: What, i: str, j: str) -> tuple[Any, Any]:
        """Both sides at matched points."""
        a, b = what.sides(self, i, j)
        if not what.crosses:
            return a, b
        rows_a, rows_b = self.matched(i, j)
        return at(a, rows_a), at(b, rows_b)

    def samples(self, what: What, i: str, j: str) -> tuple[Any, Any]:
        """Both sides as two samples: of the two sides of the layout, or whole where it is aligned."""
        a, b = what.sides(self, i, j)
        if self.layout.aligned:
            return a, b
        j = j if what.crosses else i
        a, b = (at(side, rows) for side, rows in zip((a, b), self.disjoint(i, j), strict=True))
        if not (len(a) and len(b)):
            empty = j if len(a) else i
            raise ValueError(f"all rows of stream {empty!r} stand on one side; take larger batches or give more rows")
        return a, b


def at(a, rows: Rows):
    """Return the rows of `a`; `a` itself where all are asked for.

    Examples
    --------
    >>> a = torch.eye(2)
    >>> at(a, ALL) is a, at(a, torch.tensor([1])).tolist()
    (True, [[0.0, 1.0]])
    """
    return a if isinstance(rows, slice) and rows == ALL else a[rows]


def placed(a: torch.Tensor, points: Rows, count: int) -> torch.Tensor:
    """Return rows [n, d] at their points [count, d], 0 at the others: the adjoint of :func:`at`.

    Examples
    --------
    >>> placed(torch.ones(1, 1), torch.tensor([1]), 2).tolist()
    [[0.0], [1.0]]
    """
    if isinstance(points, slice) and points == ALL:
        return a
    index = torch.arange(count, device=a.device)[points] if isinstance(points, slice) else points
    return a.new_zeros(count, a.shape[1]).index_copy(0, index, a)
