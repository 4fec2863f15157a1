"""Label Jaccard: whether an atom fires on the same classes in every stream (SPARC)."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import torch

from nonlinear.blocks import EvaluationView
from nonlinear.plain import Undefined, mean


class LabelCounts:
    """Classes on which each atom of each stream fires, counted over blocks of rows.

    Parameters
    ----------
    labels
        Stream → class [n] ≥ 0 of each row, or whole numbers [n, C] ≥ 0, one column per class (multi-hot).
    n_atoms
        m.

    Raises
    ------
    ValueError
        Labels of another form, or of different numbers of classes.

    Examples
    --------
    >>> LabelCounts({"x": np.array([2, 0]), "y": np.array([1])}, 4).counts["y"].shape
    (4, 3)
    """

    def __init__(self, labels: Mapping[str, np.ndarray], n_atoms: int):
        self.labels = {s: np.asarray(v) for s, v in labels.items()}
        for s, v in self.labels.items():
            if v.ndim not in (1, 2) or v.dtype.kind not in "biu" or v.min(initial=0) < 0:
                raise ValueError(f"the labels of {s!r} are no whole numbers ≥ 0, one per row or rows × classes")
        widths = {v.shape[1:] for v in self.labels.values()}
        if len(widths) > 1:
            raise ValueError("the labels of the streams differ in form; give the same classes for all of them")
        (width,) = widths
        self.classes = width[0] if width else 1 + int(max(v.max(initial=0) for v in self.labels.values()))
        self.coded: set[str] = set()
        self.counts = {s: np.zeros((n_atoms, self.classes)) for s in self.labels}

    def add(self, view: EvaluationView) -> None:
        """Count a block."""
        self.coded |= set(view.coded)
        for s in view.coded:
            active = view.code(s) != 0
            here = torch.from_numpy(self.labels[s][view.rows[s]].astype(np.int64)).to(active.device)
            hot = here if here.ndim == 2 else torch.nn.functional.one_hot(here, self.classes)
            self.counts[s] += (active.mT.double() @ hot.double()).cpu().numpy()

    def result(self) -> dict[str, Any] | Undefined:
        """Mean over all atoms, dead ones 0, and over those that fire in some stream."""
        coded = [c for s, c in self.counts.items() if s in self.coded]
        if len(coded) < 2:
            return Undefined("a single stream has codes")
        values = label_jaccard(np.stack(coded))
        fires = np.any([c.any(axis=1) for c in coded], axis=0)
        return {"all": float(values.mean()), "live": mean(values[fires], "no atom fired")}


def label_jaccard(counts: np.ndarray) -> np.ndarray:
    """Mean over the pairs of streams in which an atom is alive of Σ_c min / Σ_c max of its label counts [m].

    Parameters
    ----------
    counts
        [S, m, C] of labels over the rows on which the atom fires; an atom alive in fewer than two streams has 0.

    Examples
    --------
    >>> label_jaccard(np.array([[[2, 0], [1, 0]], [[1, 1], [0, 0]]])).tolist()
    [0.3333333333333333, 0.0]
    """
    total, pairs = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
    for a, b in combinations(np.asarray(counts, dtype=np.float64), 2):
        alive = (a > 0).any(axis=1) & (b > 0).any(axis=1)
        larger = np.maximum(a, b).sum(axis=1)
        total += np.divide(np.minimum(a, b).sum(axis=1), larger, out=np.zeros(len(a)), where=alive)
        pairs += alive
    return np.divide(total, pairs, out=total, where=pairs > 0)
