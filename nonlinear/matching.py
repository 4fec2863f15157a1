"""Hungarian matching of atoms: between two streams by their codes, and to the true atoms where they are known."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from nonlinear.blocks import EvaluationView
from nonlinear.plain import Undefined
from nonlinear.retrieval import unit_rows
from theory.linalg import tolerance


class Correlations:
    """Correlations of the columns of two row-aligned matrices that come in blocks, in float64.

    Examples
    --------
    >>> found = Correlations()
    >>> found.add(torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0, 5.0], [1.0, 5.0]]))
    >>> found.matrix().round(12).tolist()       # a column that does not vary has correlation 0
    [[-1.0, 0.0]]
    """

    def __init__(self):
        self.count = 0

    def add(self, a: torch.Tensor, b: torch.Tensor) -> None:
        """Count further rows [n, p] and [n, q]; each block is centred by its own means."""
        a, b, n = a.double(), b.double(), len(a)
        means = a.mean(0), b.mean(0)
        a, b = a - means[0], b - means[1]
        parts = a.mT @ b, (a**2).sum(0), (b**2).sum(0)
        if not self.count:
            self.means, self.cross, self.first, self.second = means, *parts
        else:
            shift_a, shift_b = means[0] - self.means[0], means[1] - self.means[1]
            weight, share = self.count * n / (self.count + n), n / (self.count + n)
            self.cross += parts[0] + weight * torch.outer(shift_a, shift_b)
            self.first = self.first + parts[1] + weight * shift_a**2
            self.second = self.second + parts[2] + weight * shift_b**2
            self.means = self.means[0] + share * shift_a, self.means[1] + share * shift_b
        self.count += n

    def varying(self) -> tuple[np.ndarray, np.ndarray]:
        """Masks [p] and [q] of the columns that vary by more than the rounding of a constant."""
        floor = tolerance(1.0, 1) ** 2 * self.count
        return tuple(  # pyright: ignore[reportReturnType]
            (s > floor * m**2).cpu().numpy() for s, m in zip((self.first, self.second), self.means, strict=True)
        )

    def matrix(self) -> np.ndarray:
        """Correlations [p, q], 0 where a column does not vary."""
        first, second = self.varying()
        scale = torch.sqrt(self.first)[:, None] * torch.sqrt(self.second)
        found = self.cross / torch.where(scale > 0, scale, 1)
        return found.cpu().numpy() * first[:, None] * second


class Matching:
    """Correlations of the codes of every pair of streams, and with the true codes, over blocks of rows.

    Parameters
    ----------
    streams
        Names, in order.
    chosen
        Numbers of the atoms that take part.
    true_codes
        Stream → true codes [n, K] of its rows, or None.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> found, z = Matching(["x", "y"], np.array([1]), None), torch.tensor([[9.0, 1.0], [9.0, 2.0]])
    >>> found.add(SimpleNamespace(coded=["x", "y"], code=lambda s: z if s == "x" else -z))
    >>> found.pairs["x", "y"].matrix().round(12).tolist()
    [[-1.0]]
    """

    def __init__(self, streams: Sequence[str], chosen: np.ndarray, true_codes: Mapping[str, np.ndarray] | None):
        self.chosen, self.true_codes = chosen, true_codes or {}
        self.pairs = {pair: Correlations() for pair in combinations(streams, 2)}
        self.truth = {s: Correlations() for s in self.true_codes}

    def add(self, view: EvaluationView) -> None:
        """Count a block, in which all rows are matched."""
        codes = {s: view.code(s) for s in view.coded}
        codes = {s: z[:, torch.from_numpy(self.chosen).to(z.device)] for s, z in codes.items()}
        for (i, j), found in self.pairs.items():
            if i in codes and j in codes:
                found.add(codes[i], codes[j])
        for s in self.truth.keys() & codes.keys():
            true = np.asarray(self.true_codes[s][view.rows[s]], dtype=np.float64)
            self.truth[s].add(torch.from_numpy(true).to(codes[s].device), codes[s])


def match(similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the one-to-one matching with the largest total similarity [p, q]; min(p, q) pairs.

    Examples
    --------
    >>> [v.tolist() for v in match(np.array([[0.1, 0.9, 0.0], [0.2, 0.8, 0.3]]))]
    [[0, 1], [1, 2]]
    """
    return linear_sum_assignment(similarity, maximize=True)


def against_identity(correlation: np.ndarray, live_i: np.ndarray, live_j: np.ndarray) -> dict[str, float] | Undefined:
    """Whether atom l of one stream is best matched with atom l of the other.

    Parameters
    ----------
    correlation
        Of the codes of stream i with those of stream j [m, m].
    live_i, live_j
        Masks [m] of the atoms that fire.

    Returns
    -------
    "matched" and "identity": total correlation under the best matching and under the identity, over the number of
    pairs that there can be (the smaller number of live atoms). "fixed": share of them that match l with l, at a
    positive correlation.

    Examples
    --------
    >>> every = np.array([True, True])
    >>> against_identity(np.array([[0.0, 1.0], [0.5, 0.0]]), every, every)
    {'matched': 0.75, 'identity': 0.0, 'fixed': 0.0}
    """
    count = int(min(live_i.sum(), live_j.sum()))
    if not count:
        return Undefined("no atom fires in one of the streams")
    used = live_i | live_j
    among = (correlation * live_i[:, None] * live_j)[np.ix_(used, used)]
    rows, columns = match(among)
    fixed = (rows == columns) & (among[rows, columns] > 0)
    return {
        "matched": float(among[rows, columns].sum()) / count,
        "identity": float(np.trace(among)) / count,
        "fixed": float(fixed.sum()) / count,
    }


def to_truth(
    live: np.ndarray, *, true_atoms: np.ndarray | None, atoms: np.ndarray, codes: Correlations | None
) -> dict[str, Any] | Undefined:
    """Mean cosine and mean correlation of the true atoms with their matches among the live ones (MCC).

    Parameters
    ----------
    live
        Mask [m] of the atoms that fire; others are no match.
    true_atoms, atoms
        [K, d] and [m, d].
    codes
        Correlations of the true codes [K] with the codes [m].

    Returns
    -------
    "cosine": of the matching by cosine, over K. "correlation": of the matching by correlation, over the number of true
    codes that vary. "correlation_by_cosine": correlation under the matching by cosine. A true atom without a match
    counts 0.

    Examples
    --------
    >>> to_truth(np.array([True, True]), true_atoms=np.eye(2), atoms=np.eye(2)[::-1], codes=None)
    {'cosine': 1.0}
    """
    if not live.any():
        return Undefined("no atom fired")
    found, pairs = {}, None
    if true_atoms is not None:
        cosine = unit_rows(true_atoms) @ unit_rows(atoms[live]).T
        pairs = match(cosine)
        found["cosine"] = float(cosine[pairs].sum()) / len(cosine)
    if codes is not None:
        varying, _ = codes.varying()
        correlation, count = codes.matrix()[varying][:, live], int(varying.sum())
        nothing = Undefined("no true code varies on the evaluated rows")
        found["correlation"] = float(correlation[match(correlation)].sum()) / count if count else nothing
        if pairs is not None:
            total = codes.matrix()[:, live][pairs].sum()
            found["correlation_by_cosine"] = float(total) / count if count else nothing
    return found
