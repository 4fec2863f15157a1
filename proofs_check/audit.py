"""The audit: closed forms of alignment on two row-aligned embedding files, judged on held-out rows.

Rows are centred by the training mean, and each domain is divided by the root of its total training variance, so that a
weight λ trades squared code distance against unexplained shares of variance, whatever the scale of the embeddings. The
files are read in blocks, several times: memory is O((dx + dy)²) for any number of rows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from proofs_check import closed_forms
from proofs_check.audit_config import DEFAULT_RANK, Config
from proofs_check.closed_forms import Coders
from proofs_check.heldout import Sums, evaluate, group_rows
from proofs_check.inputs import Rows, pairs
from theory import similarity
from theory.linalg import one_thread, whitener
from theory.moments import Moments
from theory.solvers import cca

Progress = Callable[[str, float | None], None]
Blocks = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class _Outcome:
    """The closed forms fitted on one pairing of the training rows, and tried on the same pairing of the others."""

    forms: Sequence[Coders]
    sums: Sums | None
    correlations_train: np.ndarray
    correlations_test: np.ndarray
    cka: float
    neighbours: float
    procrustes: float


@dataclass(frozen=True, eq=False)
class Audit:
    """Everything that the audit found; ``audit_document.document`` makes JSON of it.

    Parameters
    ----------
    train, test
        Moments in standardised coordinates; `raw` are the training moments before.
    ranks, rank
        Ranks of the training covariances, and the number of codes used (0 if a domain is constant).
    found, nulls
        On the true pairs, and on shuffled ones.
    intervals
        [2, n_forms, n_measures], None with fewer than ten held-out rows.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((50, 2))
    >>> done = audit(Rows("x", X), Rows("y", 2 * X), Config(rank=1, weights=()))
    >>> done.rank, done.ranks
    (1, (2, 2))
    """

    x: Rows
    y: Rows
    config: Config
    raw: Moments
    train: Moments
    test: Moments
    ranks: tuple[int, int]
    rank: int
    found: _Outcome
    nulls: Sequence[_Outcome]
    intervals: np.ndarray | None


def audit(x: Rows, y: Rows, config: Config, on_progress: Progress = lambda text, share: None) -> Audit:
    """Fit every closed form on training rows and try it on the held-out ones, with true and with shuffled pairs.

    Parameters
    ----------
    x, y
        Row-aligned embeddings.
    config
        Choices.
    on_progress
        Called with what is being done and the share of it that is done (None: unknown).

    Raises
    ------
    InputError
        Unusable rows or choices.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((200, 3))
    >>> found = audit(Rows("x", X), Rows("y", X[:, ::-1]), Config(rank=1, weights=())).found
    >>> [form.key for form in found.forms], round(float(found.correlations_test[0]), 9)
    (['procrustes', 'pca', 'cca', 'reduced_rank', 'cycle'], 1.0)
    """
    config.check(x, y)
    config = replace(config, weights=tuple(sorted(set(config.weights))))
    pair = _Pair(x, y, config, on_progress)
    found = pair.outcome("true pairs", pair.rows_train, pair.rows_test)
    rng = np.random.default_rng([config.seed, 1])
    nulls = []
    for number in range(config.shuffles):
        text = f"shuffled pairs {number + 1} of {config.shuffles}"
        nulls.append(pair.outcome(text, _shuffled(pair.rows_train, rng), _shuffled(pair.rows_test, rng)))
    enough = found.sums is not None and len(pair.rows_test) >= 10
    intervals = found.sums.intervals(config.resamples, config.seed) if found.sums and enough else None
    return Audit(
        x, y, config, pair.raw, pair.train, pair.test, pair.ranks, pair.rank, found, nulls, intervals
    )  # fmt: skip


def split(n: int, test_fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted training and held-out row numbers, at least one of each.

    Examples
    --------
    >>> [rows.tolist() for rows in split(5, 0.2, 0)]
    [[0, 1, 3, 4], [2]]
    """
    order = np.random.default_rng([seed, 0]).permutation(n)
    held_out = min(max(round(test_fraction * n), 1), n - 1)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def neighbour_count(config: Config, rows: int) -> int:
    """Neighbours k to compare: at most a quarter of the rows, or chance alone would find most of them; 0 if none.

    Examples
    --------
    >>> neighbour_count(Config(neighbours=10), 20), neighbour_count(Config(neighbours=10), 400)
    (5, 10)
    """
    return min(config.neighbours, rows // 4)


def _shuffled(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order other than the given one, which few rows would often get."""
    while True:
        order = rng.permutation(rows)
        if len(rows) < 2 or not np.array_equal(order, rows):
            return order


class _Pair:
    """The two files under one split, in standardised coordinates."""

    def __init__(self, x: Rows, y: Rows, config: Config, on_progress: Progress):
        self.x, self.y, self.config, self.on_progress = x, y, config, on_progress
        self.rows_train, self.rows_test = split(len(x), config.test_fraction, config.seed)
        self.raw = raw = Moments.from_blocks(
            self._shown("moments of the training rows", pairs(x, y, self.rows_train, self.rows_train), self.rows_train)
        )
        self.sx, self.sy = (float(np.sqrt(np.trace(S))) or 1.0 for S in (raw.Sx, raw.Sy))
        self.train = Moments(
            raw.n,
            np.zeros(x.dim),
            np.zeros(y.dim),
            raw.Sx / self.sx**2,
            raw.Sxy / (self.sx * self.sy),
            raw.Sy / self.sy**2,
        )
        self.test = Moments.from_blocks(self.blocks("moments of the held-out rows", self.rows_test, self.rows_test))
        self.ranks = len(whitener(self.train.Sx)[1]), len(whitener(self.train.Sy)[1])
        wanted = config.rank or max(1, min(DEFAULT_RANK, len(self.rows_train) // 10))
        self.rank = min(wanted, *self.ranks)
        self.groups = group_rows(len(self.rows_test), config.seed)

    def blocks(self, text: str, rows_x: np.ndarray, rows_y: np.ndarray) -> Blocks:
        for X, Y in self._shown(text, pairs(self.x, self.y, rows_x, rows_y), rows_x):
            yield (X - self.raw.mean_x) / self.sx, (Y - self.raw.mean_y) / self.sy

    def outcome(self, text: str, partners_train: np.ndarray, partners_test: np.ndarray) -> _Outcome:
        train = replace(self.train, Sxy=self._cross(text, self.train, self.rows_train, partners_train))
        test = replace(self.test, Sxy=self._cross(text, self.test, self.rows_test, partners_test))
        ridged = train.ridged(self.config.ridge / train.dx, self.config.ridge / train.dy)
        forms: list[Coders] = []
        sums, correlations = None, (np.zeros(0), np.zeros(0))
        if self.rank:
            with one_thread(max(train.dx, train.dy)):
                forms = closed_forms.solve_all(
                    train,
                    ridged,
                    self.rank,
                    self.config.weights,
                    lambda step: self.on_progress(f"{text}: {step}", None),
                    quick=partners_train is not self.rows_train,
                )
                directions = cca.solve(ridged, min(self.ranks)).maps
            correlations = _correlations(train, directions), _correlations(test, directions)
            blocks = self.blocks(f"{text}: R² on held-out rows", self.rows_test, partners_test)
            sums = evaluate(forms, blocks, (test.mean_x, test.mean_y), self.groups)
        return _Outcome(
            forms, sums, *correlations, *self._similarity(f"{text}: CKA, neighbours, Procrustes", test, partners_test)
        )

    def _cross(self, text: str, moments: Moments, rows_x: np.ndarray, rows_y: np.ndarray) -> np.ndarray:
        """Cross-covariance of rows that need not be partners; the other moments do not change."""
        if rows_x is rows_y:
            return moments.Sxy
        S = np.zeros((moments.dx, moments.dy))
        for X, Y in self.blocks(f"{text}: cross-covariance", rows_x, rows_y):
            S += (X - moments.mean_x).T @ (Y - moments.mean_y)
        return S / len(rows_x)

    def _similarity(self, text: str, test: Moments, partners: np.ndarray) -> tuple[float, float, float]:
        """Debiased CKA and Procrustes similarity of all held-out rows, mutual nearest neighbours of a subsample."""
        norms = [
            (((X - test.mean_x) ** 2).sum(axis=1), ((Y - test.mean_y) ** 2).sum(axis=1))
            for X, Y in self.blocks(text, self.rows_test, partners)
        ]
        a, b = (np.concatenate(side) for side in zip(*norms, strict=True))
        chosen = np.random.default_rng([self.config.seed, 2]).permutation(len(partners))[: self.config.subsample]
        k = neighbour_count(self.config, len(chosen))
        neighbours = float("nan")
        if k >= 1:
            X, Y = (
                np.concatenate(side)
                for side in zip(*self.blocks(text, self.rows_test[chosen], partners[chosen]), strict=True)
            )
            neighbours = similarity.mutual_nearest_neighbours(X, Y, k)
        return similarity.debiased_cka(test, a, b), neighbours, similarity.procrustes(test)[-1]

    def _shown(self, text: str, blocks: Iterable, rows: np.ndarray) -> Blocks:
        done = 0
        for block in blocks:
            self.on_progress(text, done / len(rows))
            yield block
            done += len(block[0])
        self.on_progress(text, 1.0)


def _correlations(moments: Moments, maps) -> np.ndarray:
    """Correlations of the paired codes on the given moments; nan where a code does not vary."""
    Wx, Wy = maps["Wx"], maps["Wy"]
    cross = np.sum(Wx * (moments.Sxy @ Wy), axis=0)
    scale = np.sqrt(np.sum(Wx * (moments.Sx @ Wx), axis=0) * np.sum(Wy * (moments.Sy @ Wy), axis=0))
    return np.clip(np.divide(cross, scale, out=np.full_like(cross, np.nan), where=scale > 0), -1.0, 1.0)
