"""Which atoms fire: true L0, dead atoms, firing together and apart; an atom fires on a row where its code is not 0."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch

from nonlinear.blocks import EvaluationView
from nonlinear.metrics import Spread
from nonlinear.plain import Undefined, mean, quantiles

NOTHING, UNSHARED = "no atom fired", "no point is shown by both {!r} and {!r}"


class Firing:
    """Counts over blocks of rows, per stream and per pair of streams.

    Parameters
    ----------
    streams
        Names, in order.
    n_atoms
        m.

    Examples
    --------
    >>> import torch
    >>> one = Firing(["x"], 3)
    >>> one.count({"x": torch.tensor([[0.0, 2.0, 0.0], [1.0, 2.0, 0.0]])})
    >>> one.stream("x")["l0"], one.stream("x")["dead"], one.live("x").tolist()
    (1.5, 0.3333333333333333, [True, True, False])
    """

    def __init__(self, streams: Sequence[str], n_atoms: int):
        self.streams, self.n_atoms = list(streams), n_atoms
        self.fired = {s: np.zeros(n_atoms, dtype=np.int64) for s in streams}
        self.spread = {s: Spread() for s in streams}
        self.pairs = {pair: _Pair(n_atoms) for pair in combinations(self.streams, 2)}

    def add(self, view: EvaluationView) -> None:
        """Count a block, in which all rows are matched."""
        self.count({s: view.code(s) for s in view.coded})

    def count(self, codes: dict[str, torch.Tensor]) -> None:
        """Count codes [n, m] of some streams at the same points."""
        active = {s: z != 0 for s, z in codes.items()}
        for s, z in codes.items():
            self.fired[s] += _sum(active[s], 0)
            self.spread[s].add(z)
        for (i, j), pair in self.pairs.items():
            if i in codes and j in codes:
                pair.add(active[i], active[j])

    def live(self, s: str) -> np.ndarray:
        """Mask [m] of the atoms that fired in stream s."""
        return self.fired[s] > 0

    def stream(self, s: str) -> dict[str, Any]:
        """What one stream's codes look like."""
        rows, fired = self.spread[s].count, self.fired[s]
        return {
            "rows": rows,
            "l0": int(fired.sum()) / rows,
            "dead": float(np.mean(fired == 0)),
            "firing": quantiles(fired[fired > 0] / rows, NOTHING),
            "code_variance": self.spread[s].scatter / rows,
        }

    def pair(self, i: str, j: str) -> dict[str, Any] | Undefined:
        """How two streams' codes fire at matched points."""
        return self.pairs[i, j].result(i, j)

    def entropy(self) -> dict[str, float] | Undefined:
        """Evenness of each atom's firing over the streams: −Σ p_s log p_s / log S of its shares of the frequencies."""
        coded = [s for s in self.streams if self.spread[s].count]
        if len(coded) < 2:
            return Undefined("a single stream has codes")
        frequency = np.stack([self.fired[s] / self.spread[s].count for s in coded])
        total = frequency.sum(axis=0)
        share = frequency[:, total > 0] / total[total > 0]
        terms = share * np.log(np.where(share > 0, share, 1))
        return quantiles(np.abs(terms.sum(axis=0)) / np.log(len(coded)), NOTHING)


class _Pair:
    def __init__(self, n_atoms: int):
        self.rows, self.jaccard, self.compared = 0, 0.0, 0
        self.first, self.second, self.both = (np.zeros(n_atoms, dtype=np.int64) for _ in range(3))

    def add(self, a: torch.Tensor, b: torch.Tensor) -> None:
        self.rows += len(a)
        self.first += _sum(a, 0)
        self.second += _sum(b, 0)
        self.both += _sum(a & b, 0)
        overlap = support_jaccard(a, b)
        self.jaccard += float(overlap.sum())
        self.compared += len(overlap)

    def result(self, i: str, j: str) -> dict[str, Any] | Undefined:
        if not self.rows:
            return Undefined(UNSHARED.format(i, j))
        either = self.first + self.second - self.both
        return {
            "rows": self.rows,
            "support_jaccard": self.jaccard / self.compared if self.compared else Undefined(NOTHING),
            "cofiring": {
                s: mean(self.both[fired > 0] / fired[fired > 0], NOTHING)
                for s, fired in ((i, self.first), (j, self.second))
            },
            "iou": mean(self.both[either > 0] / either[either > 0], NOTHING),
        }


def support_jaccard(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """Atoms that fire on both sides over those that fire on either, row by row; rows where none does are left out.

    Parameters
    ----------
    a, b
        Boolean [n, m].

    Examples
    --------
    >>> import torch
    >>> a = torch.tensor([[True, True], [False, False], [True, False]])
    >>> support_jaccard(a, torch.tensor([[True, False], [False, False], [False, True]])).tolist()
    [0.5, 0.0]
    """
    either = _sum(a | b, 1)
    return _sum(a & b, 1)[either > 0] / either[either > 0]


def _sum(active: torch.Tensor, axis: int) -> np.ndarray:
    return active.sum(axis).cpu().numpy()
