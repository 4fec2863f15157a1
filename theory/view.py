"""One system on one batch: what a property may ask for, each code computed once."""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, permutations
from typing import Any

import numpy as np

from theory import discrepancy
from theory.whats import ORDERED, SELF, UNORDERED, What

SAMPLINGS = ("disjoint", "aligned")


class View:
    """Streams, their coders, and which rows show the same point.

    Nothing but the view knows about pairing: a property asks it for ``x``, ``code``, ``encode``, ``decode`` and edges,
    a level for ``paired`` rows or for two ``samples``. Streams may be arrays of any array-API namespace, object arrays
    of fractions, or anything else that the coders accept (words, z3 terms), as long as no rows are asked for.

    Parameters
    ----------
    streams
        Stream name → rows [n_i, d_i].
    encoders, decoders
        Stream name → map from rows to codes [n_i, m], and from codes to rows.
    ids
        Stream name → integer id [n_i] of the point that each row shows, unique within a stream; equal ids are matched
        rows. By default row r of every stream shows point r, which needs equal lengths.
    sampling
        Which rows a distributional term compares: "disjoint" sets of points (a shared point would leak an instance
        loss of weight 1/n, theorem F2), or all rows ("aligned", for controls).
    seed
        Of the slices and of the split into disjoint points.

    Raises
    ------
    ValueError
        Unknown sampling; ids that are repeated, missing for a stream, or not one per row; rows asked for where lengths
        differ and no ids are given.

    Examples
    --------
    >>> view = View({"a": np.eye(2), "b": np.eye(3)}, {}, {}, ids={"a": [7, 8], "b": [8, 1, 7]})
    >>> [rows.tolist() for rows in view.matched("a", "b")]
    [[0, 1], [2, 0]]
    """

    def __init__(
        self,
        streams: Mapping[str, Any],
        encoders: Mapping[str, Callable],
        decoders: Mapping[str, Callable],
        ids: Mapping[str, Any] | None = None,
        sampling: str = "disjoint",
        seed: int = 0,
    ):
        if sampling not in SAMPLINGS:
            raise ValueError(f"sampling is {sampling!r}; use one of {', '.join(SAMPLINGS)}")
        self.streams, self.encoders, self.decoders = dict(streams), dict(encoders), dict(decoders)
        self.sampling, self.seed = sampling, seed
        self._ids = None if ids is None else {s: np.asarray(v) for s, v in ids.items()}
        self._codes: dict[str, Any] = {}
        for s in self.streams if self._ids is not None else ():
            self._check_ids(s)

    def _check_ids(self, s: str) -> None:
        if self._ids is None or s not in self._ids:
            raise ValueError(f"stream {s!r} has no ids; give the ids of every stream or of none")
        ids, rows = self._ids[s], len(self.streams[s])
        if ids.shape != (rows,):
            raise ValueError(f"stream {s!r} has {rows} rows and ids of shape {ids.shape}; give one id per row")
        if len(np.unique(ids)) < len(ids):
            raise ValueError(f"an id occurs twice within stream {s!r}; give each row of a stream its own point")

    def replace(self, **changes) -> "View":
        """Return a view with some of the constructor's arguments changed.

        Examples
        --------
        >>> view = View({"a": np.eye(2)}, {}, {})
        >>> view.replace(seed=3).seed, view.seed
        (3, 0)
        """
        same = {
            "streams": self.streams,
            "encoders": self.encoders,
            "decoders": self.decoders,
            "ids": self._ids,
            "sampling": self.sampling,
            "seed": self.seed,
        }
        return View(**same | changes)

    def x(self, i: str):
        """Rows of stream i."""
        return self.streams[i]

    def code(self, i: str):
        """Codes of stream i, computed once."""
        if i not in self._codes:
            self._codes[i] = self.encode(i, self.streams[i])
        return self._codes[i]

    def encode(self, i: str, x):
        """Codes of the given rows by encoder i alone."""
        return self.encoders[i](x)

    def decode(self, j: str, z):
        """Rows of stream j from codes."""
        return self.decoders[j](z)

    def edges(self, kind: str) -> Iterator[tuple[str, str]]:
        """Pairs of streams of the given kind: self, ordered or unordered."""
        names = list(self.streams)
        match kind:
            case "self":
                return ((s, s) for s in names)
            case "ordered":
                return permutations(names, 2)
            case "unordered":
                return combinations(names, 2)
        raise ValueError(f"edges are {kind!r}; use {SELF}, {ORDERED} or {UNORDERED}")

    def ids(self, i: str) -> np.ndarray:
        """Point shown by each row of stream i."""
        if self._ids is not None:
            return self._ids[i]
        lengths = {s: len(x) for s, x in self.streams.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the streams have {lengths} rows; give the ids of the points that the rows show")
        return np.arange(lengths[i])

    def matched(self, i: str, j: str) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of i and of j that show the same points, in the order of the ids."""
        _, rows_i, rows_j = np.intersect1d(self.ids(i), self.ids(j), assume_unique=True, return_indices=True)
        return rows_i, rows_j

    def disjoint(self, i: str, j: str) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers of i and of j that show disjoint halves of the points of the two streams.

        Points that only one stream shows stay with it; of the others a seeded half goes to each side.

        Within the batch nothing is paired. But a split that is redrawn at every pass over one finite set of N points
        never meets the N matched pairs, and so on average contains an instance loss of weight −1/(N−1): only points
        that keep their side for good are unpaired (compare theorem F2).
        """
        ids_i, ids_j = self.ids(i), self.ids(j)
        shared = np.intersect1d(ids_i, ids_j)
        first = np.random.default_rng(self.seed).permutation(shared)[: (len(shared) + 1) // 2]
        second = np.setdiff1d(shared, first)
        return np.flatnonzero(~np.isin(ids_i, second)), np.flatnonzero(~np.isin(ids_j, first))

    def paired(self, what: What, i: str, j: str) -> tuple[Any, Any]:
        """Both sides at matched points, row by row."""
        a, b = what.sides(self, i, j)
        if not what.crosses or (self._ids is None and len(a) == len(b)):
            return a, b
        rows_i, rows_j = self.matched(i, j)
        return a[rows_i], b[rows_j]

    def samples(self, what: What, i: str, j: str) -> tuple[Any, Any]:
        """Both sides as two samples, of disjoint points unless the sampling says otherwise."""
        a, b = what.sides(self, i, j)
        if self.sampling == "aligned":
            return a, b
        rows_a, rows_b = self.disjoint(i, j if what.crosses else i)
        return a[rows_a], b[rows_b]

    def slices(self, width: int, count: int) -> np.ndarray:
        """Random unit directions [width, count], the same for every edge of this view."""
        return discrepancy.random_slices(np.random.default_rng(self.seed), width, count)
