"""Which rows show the same point, and how many of each kind enter a batch.

A stratum is a set of points that the same streams show. Full pairing, a matched fraction, anchors, missing streams and
unequal lengths are all lists of strata. Every batch takes a fixed number of points from each, so that all batches, and
all seeds that train together, have one layout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SAMPLINGS = ("disjoint", "independent", "aligned")


@dataclass(frozen=True, eq=False)
class Stratum:
    """Points that the same streams show.

    Parameters
    ----------
    rows
        Stream → row numbers [N]; equal positions show the same point.
    side
        Side of a distributional term on which these points stand for good, 0 or 1; None: on neither.
    count
        Points of every batch.

    Examples
    --------
    >>> Stratum({"x": np.array([0, 1]), "y": np.array([5, 3])}, 0, 1).size
    2
    """

    rows: Mapping[str, np.ndarray]
    side: int | None
    count: int

    @property
    def size(self) -> int:
        """Number of points N."""
        return len(next(iter(self.rows.values())))


def point_ids(lengths: Mapping[str, int], ids: Mapping[str, np.ndarray] | None, paired: bool) -> dict[str, np.ndarray]:
    """Point shown by each row.

    Parameters
    ----------
    lengths
        Stream → number of rows.
    ids
        Stream → integer id per row, unique within the stream; None: row r of every stream shows point r, or, where
        the lengths differ and no pairs are needed, every row its own point.
    paired
        Whether pairs are needed.

    Raises
    ------
    ValueError
        Zero rows; lengths that differ where pairs are needed; ids that are missing, repeated, or not one per row.

    Examples
    --------
    >>> {s: v.tolist() for s, v in point_ids({"x": 2, "y": 1}, None, paired=False).items()}
    {'x': [0, 1], 'y': [2]}
    """
    if empty := [s for s, n in lengths.items() if n == 0]:
        raise ValueError(f"stream {empty[0]!r} has no rows; pass at least 2")
    if ids is None:
        if len(set(lengths.values())) == 1:
            return {s: np.arange(n) for s, n in lengths.items()}
        if paired:
            raise ValueError(
                f"the streams have {', '.join(f'{n} ({s})' for s, n in lengths.items())} rows, and pairs are needed; "
                "give the ids of the points that the rows show (--ids), or pair none (--paired 0)"
            )
        starts = np.cumsum([0, *lengths.values()])
        return {s: start + np.arange(n) for (s, n), start in zip(lengths.items(), starts, strict=False)}
    if unknown := [s for s in ids if s not in lengths]:
        raise ValueError(f"there are ids of an unknown stream {unknown[0]!r}; known: {', '.join(lengths)}")
    found = {}
    for s, n in lengths.items():
        if s not in ids:
            raise ValueError(f"stream {s!r} has no ids; give the ids of every stream or of none")
        found[s] = np.asarray(ids[s])
        if found[s].shape != (n,) or found[s].dtype.kind not in "iu":
            raise ValueError(f"stream {s!r} has {n} rows; give one whole number per row as its ids")
        if len(np.unique(found[s])) < n:
            raise ValueError(f"an id occurs twice within stream {s!r}; give each row of a stream its own point")
    return found


def labelled_points(
    ids: Mapping[str, np.ndarray], fraction: float, anchors: Sequence[int] | None, seed: int
) -> np.ndarray:
    """Points whose rows are known to be pairs: the anchors, or a seeded fraction of those that two streams show.

    Raises
    ------
    ValueError
        A fraction outside [0, 1] or too small for a single pair; anchors that are repeated or no shared points.

    Examples
    --------
    >>> ids = {"x": np.arange(4), "y": np.arange(4)}
    >>> labelled_points(ids, 0.5, None, seed=0).tolist(), labelled_points(ids, 1.0, [3], seed=0).tolist()
    ([0, 3], [3])
    """
    every, shown = np.unique(np.concatenate(list(ids.values())), return_counts=True)
    shared = every[shown > 1]
    if anchors is not None:
        chosen = np.asarray(anchors)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError("anchors must be a list of point ids, whole numbers")
        if len(unique := np.unique(chosen)) < len(chosen):
            raise ValueError("an anchor occurs twice; name each point once")
        if len(outside := np.setdiff1d(unique, shared)):
            raise ValueError(f"anchor {outside[0]} is no point that two streams show; name points from {_span(shared)}")
        return unique
    if not 0 <= fraction <= 1:
        raise ValueError(f"the paired fraction {fraction:g} is not between 0 and 1; 0.001 pairs a point in a thousand")
    count = round(fraction * len(shared))
    if fraction > 0 and count == 0:
        raise ValueError(
            f"a fraction {fraction:g} of the {len(shared)} points that two streams show is no pair; raise it, or pass 0"
        )
    return np.sort(np.random.default_rng([seed, 1]).permutation(shared)[:count])


def strata(
    ids: Mapping[str, np.ndarray],
    labelled: np.ndarray,
    batch: int,
    sampling: str = "disjoint",
    *,
    matched: int | None = None,
    seed: int = 0,
) -> list[Stratum]:
    """Split the points into strata and fix how many of each enter a batch.

    Parameters
    ----------
    ids, labelled
        As returned by :func:`point_ids` and :func:`labelled_points`.
    batch
        Rows of each stream, where it has as many.
    sampling
        What a distributional term compares. "disjoint": points keep their side for good. "independent": independent
        draws of all points, which leak an instance loss of order 1/N. "aligned": the whole batch, which leaks 1/n (F2).
    matched
        Labelled points per batch; by default their share of the points, and at least one of every set of streams that
        show some. With 0 of them no point counts as labelled.
    seed
        Of the sides.

    Raises
    ------
    ValueError
        Unknown sampling; a batch of one row; matched rows that do not fit into it, are fewer than the sets of streams
        that show labelled points, or are asked for where no point is labelled.

    Examples
    --------
    >>> ids = {"x": np.arange(6), "y": np.arange(6)}
    >>> [(sorted(k.rows), k.side, k.count) for k in strata(ids, np.arange(6), 4)]
    [(['x', 'y'], 0, 2), (['x', 'y'], 1, 2)]
    >>> [(sorted(k.rows), k.side, k.count) for k in strata(ids, np.array([2]), 5)]
    [(['x', 'y'], 0, 1), (['x'], 0, 2), (['x'], 1, 2), (['y'], 0, 2), (['y'], 1, 2)]
    """
    if sampling not in SAMPLINGS:
        raise ValueError(f"sampling is {sampling!r}; use one of {', '.join(SAMPLINGS)}")
    if batch < 2:
        raise ValueError(f"a batch of {batch} rows cannot compare two samples; take at least 2")
    labelled = labelled[:0] if matched == 0 else labelled
    points = np.unique(np.concatenate(list(ids.values())))
    patterns = np.unique(_shown(ids, labelled), axis=0)
    share = len(labelled) / len(points)
    total = min(max(round(share * batch), len(patterns)), batch, len(labelled)) if matched is None else matched
    if not 0 <= total <= batch:
        raise ValueError(f"{total} matched rows do not fit into a batch of {batch}; choose between 0 and {batch}")
    if total and not len(labelled):
        raise ValueError(f"{total} matched rows are asked for, and no pair is known; give ids, a fraction or anchors")
    if total < len(patterns):
        raise ValueError(
            f"{len(patterns)} sets of streams show labelled points, and a batch has {total} matched rows; take one each"
        )
    sides = _sides(points, labelled, total >= 2 * len(patterns), seed)
    found = _matched(ids, labelled, sides[np.searchsorted(points, labelled)], total, sampling)
    for s in ids:
        inside = sum(k.count for k in found if s in k.rows)
        alone = ids[s] if sampling == "independent" else np.setdiff1d(ids[s], labelled)
        wanted = min(batch if inside == batch and sampling == "independent" else batch - inside, len(alone))
        for side, count in ((0, (wanted + 1) // 2), (1, wanted // 2)):
            here = alone if sampling == "independent" else alone[sides[np.searchsorted(points, alone)] == side]
            if count and len(here):
                found.append(Stratum({s: _rows(ids[s], here)}, side, min(count, len(here))))
    return found


def _sides(points: np.ndarray, labelled: np.ndarray, both: bool, seed: int) -> np.ndarray:
    """Side of each point: halves of the labelled, where a batch has enough for both sides, and of the other ones."""
    sides = np.zeros(len(points), dtype=int)
    rng = np.random.default_rng([seed, 2])
    is_labelled = np.isin(points, labelled)
    for group, split in ((is_labelled, both), (~is_labelled, True)):
        members = rng.permutation(np.flatnonzero(group))
        if split:
            sides[members[(len(members) + 1) // 2 :]] = 1
    return sides


def _shown(ids: Mapping[str, np.ndarray], labelled: np.ndarray) -> np.ndarray:
    return np.stack([np.isin(labelled, ids[s]) for s in ids], axis=1)


def _matched(ids, labelled: np.ndarray, side: np.ndarray, total: int, sampling: str) -> list[Stratum]:
    """Labelled points by the streams that show them and by side, with the batch's rows in proportion."""
    keys, member = np.unique(np.column_stack([_shown(ids, labelled), side]), axis=0, return_inverse=True)
    sizes = np.bincount(member.ravel(), minlength=len(keys))
    found = []
    for key, count, n in zip(keys, _in_proportion(sizes, total), range(len(keys)), strict=True):
        here = labelled[member.ravel() == n]
        rows = {s: _rows(ids[s], here) for s, shown in zip(ids, key[:-1], strict=True) if shown}
        if count:
            found.append(Stratum(rows, None if sampling == "independent" else int(key[-1]), int(count)))
    # Sides one after the other: a side is then a slice of the batch.
    return sorted(found, key=lambda k: k.side or 0)


def _in_proportion(sizes: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers ≥ 1 that add up to `total`, in proportion to `sizes` (largest remainders)."""
    if not sizes.sum():
        return np.zeros(len(sizes), dtype=int)
    exact = total * sizes / sizes.sum()
    counts = np.floor(exact).astype(int)
    first = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[first] += 1
    while not counts.all():  # points without a row in any batch would never be seen
        counts[counts.argmin()] += 1
        counts[counts.argmax()] -= 1
    return counts


def _rows(ids: np.ndarray, points: np.ndarray) -> np.ndarray:
    order = np.argsort(ids, kind="stable")
    return order[np.searchsorted(ids, points, sorter=order)]


def _span(points: np.ndarray) -> str:
    return f"{points.min()} to {points.max()}" if len(points) else "files with common ids"
