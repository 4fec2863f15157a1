"""R² of every property on held-out rows, streamed, with bootstrap intervals from sums over groups of rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from proofs_check.closed_forms import ALL, Coders
from theory.properties import SELF, UNORDERED, WHATS, What
from theory.view import View

# More groups than this would not narrow a percentile; with fewer held-out rows every row is its own group.
GROUPS = 2000


@dataclass(frozen=True)
class Measure:
    """One number: a WHAT on one edge.

    Examples
    --------
    >>> [m.name for m in MEASURES]
    ['REC x', 'REC y', 'TR x→y', 'TR y→x', 'CC', 'CYC x', 'CYC y']
    """

    what: What
    i: str
    j: str

    @property
    def name(self) -> str:
        """As in "REC x", "TR x→y", "CC", "CYC x"."""
        if self.what.edges == UNORDERED:
            return self.what.name
        back = self.what.edges == SELF or not self.what.crosses
        return f"{self.what.name} {self.i}" if back else f"{self.what.name} {self.i}→{self.j}"


MEASURES = tuple(
    Measure(WHATS[name], i, j)
    for name in ALL
    for i, j in View({"x": None, "y": None}, {}, {}).edges(WHATS[name].edges)
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sums:
    """Squared errors and squared deviations from the mean, summed within groups of held-out rows.

    Parameters
    ----------
    sse, sst
        [n_forms, n_measures, n_groups]; nan where a form does not have the measure.

    Examples
    --------
    >>> Sums(np.array([[[1.0, 0.0]]]), np.array([[[1.0, 3.0]]])).r_squared().tolist()
    [[0.75]]
    """

    sse: np.ndarray
    sst: np.ndarray

    def r_squared(self) -> np.ndarray:
        """R² [n_forms, n_measures]; nan where it is undefined."""
        return _ratio(self.sse.sum(axis=-1), self.sst.sum(axis=-1))

    def intervals(self, resamples: int, seed: int, level: float = 0.95) -> np.ndarray:
        """Percentile bootstrap [2, n_forms, n_measures] over groups of rows, resampled alike for every number.

        The mean in R² stays that of all evaluated rows, an effect of order 1/n.
        """
        groups = self.sse.shape[-1]
        counts = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=resamples)
        draws = _ratio(self.sse @ counts.T, self.sst @ counts.T)
        missing = np.isnan(draws).all(axis=-1)
        draws[missing] = 0.0
        ends = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=-1)
        ends[:, missing] = np.nan
        return ends


def evaluate(
    forms: Sequence[Coders],
    blocks: Iterable[tuple[np.ndarray, np.ndarray]],
    means: tuple[np.ndarray, np.ndarray],
    groups: np.ndarray,
) -> Sums:
    """Try the closed forms on a stream of row-aligned blocks.

    Parameters
    ----------
    forms
        Coders to try.
    blocks
        Centred rows (X_b, Y_b), in order.
    means
        Means of those rows, (dx,) and (dy,).
    groups
        Group of every row [n], 0 … n_groups − 1.

    Returns
    -------
    Sums
        The sides of every property come from its one definition in ``theory.properties``.

    Examples
    --------
    >>> eye = np.eye(1)
    >>> same = Coders("id", "identity", {"Wx": eye, "Dx": eye, "Wy": eye, "Dy": eye})
    >>> X = np.array([[1.0], [-1.0]])
    >>> sums = evaluate([same], [(X, -X)], (np.zeros(1), np.zeros(1)), np.arange(2))
    >>> dict(zip([m.name for m in MEASURES], sums.r_squared()[0].tolist()))["TR x→y"]
    -3.0
    """
    n_groups = int(groups.max()) + 1
    sse = np.full((len(forms), len(MEASURES), n_groups), np.nan)
    sst = np.full_like(sse, np.nan)
    # Every map is linear, so that the mean of a side is the side at the mean row.
    mean_view = [form.view(means[0][None], means[1][None]) for form in forms]
    present = [
        (f, m)
        for f, form in enumerate(forms)
        for m, measure in enumerate(MEASURES)
        if measure.what.name not in form.hides
    ]
    centre = {(f, m): MEASURES[m].what.sides(mean_view[f], MEASURES[m].i, MEASURES[m].j)[1] for f, m in present}
    for f, m in present:
        sse[f, m] = sst[f, m] = 0.0
    start = 0
    for X, Y in blocks:
        label = groups[start : start + len(X)]
        start += len(X)
        views = [form.view(X, Y) for form in forms]
        known: dict[int, np.ndarray] = {}
        for f, m in present:
            estimate, reference = MEASURES[m].what.sides(views[f], MEASURES[m].i, MEASURES[m].j)
            sse[f, m] += np.bincount(label, _squares(estimate - reference), n_groups)
            if reference is X or reference is Y:
                # The same for every form: computed once in a block.
                if id(reference) not in known:
                    known[id(reference)] = np.bincount(label, _squares(reference - centre[f, m]), n_groups)
                sst[f, m] += known[id(reference)]
            else:
                sst[f, m] += np.bincount(label, _squares(reference - centre[f, m]), n_groups)
    return Sums(sse, sst)


def group_rows(n: int, seed: int) -> np.ndarray:
    """Random groups of nearly equal size for n rows; each row is its own group if there are few.

    Examples
    --------
    >>> sorted(group_rows(4, seed=0).tolist()), int(group_rows(5000, seed=0).max()) + 1
    ([0, 1, 2, 3], 2000)
    """
    return np.random.default_rng(seed).permutation(n) % min(n, GROUPS)


def _squares(A: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", A, A)


def _ratio(sse: np.ndarray, sst: np.ndarray) -> np.ndarray:
    defined = sst > 0
    return np.where(defined, 1 - np.divide(sse, sst, out=np.zeros_like(sse), where=defined), np.nan)
