"""Exact facts about decoders whose columns are atoms, and dictionaries for the numeric evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product
from math import inf

import numpy as np
from sympy import Matrix

from proofs_check import models

Vector = tuple[Fraction, ...]


def atoms(model: models.Model) -> list[Vector]:
    """Atoms of the target's linear decoder: the images of the axes.

    Examples
    --------
    >>> atoms(models.SPLIT_FEATURES)
    [(Fraction(1, 1),), (Fraction(1, 1),)]
    """
    view = model.view()
    axes = np.eye(view.code("y").shape[1], dtype=int).tolist()
    return [tuple(row) for row in view.decode("y", models.rows(*map(tuple, axes)))]


def sparsity(model: models.Model, streams: str = "xy") -> int:
    """Largest number of active atoms in a code of the streams.

    Examples
    --------
    >>> sparsity(models.SPLIT_FEATURES), sparsity(models.COLLAPSED)
    (1, 0)
    """
    view = model.view()
    return max(sum(c != 0 for c in row) for s in streams for row in view.code(s))


def sine_squared(p: Vector, q: Vector) -> Fraction:
    """Exact sin² of the angle between two vectors.

    >>> sine_squared((Fraction(1), Fraction(0)), (Fraction(1), Fraction(1)))
    Fraction(1, 2)
    """
    pp, pq, qq = (sum((a * b for a, b in zip(*pair, strict=True)), Fraction(0)) for pair in ((p, p), (p, q), (q, q)))
    return 1 - pq * pq / (pp * qq)


def spark(vectors: Sequence[Sequence]) -> float:
    """Least number of dependent vectors, by exact ranks; infinite if all are independent.

    >>> spark([(1, 0), (0, 1), (1, 1)])
    3
    """
    sizes = range(1, len(vectors) + 1)
    return next((n for n in sizes if any(Matrix(chosen).rank() < n for chosen in combinations(vectors, n))), inf)


@dataclass(frozen=True)
class Dependent:
    """2s integer atoms with one dependency among them, and two s-sparse codes that decode alike.

    The atoms are signed axes of Z^d, d = 2s − 1 + more, and one last atom that is a difference of two sums of them with
    coefficients 1 and 2.

    Examples
    --------
    >>> drawn = Dependent(0, s=2, more=1)
    >>> (drawn.D @ drawn.a).tolist() == (drawn.D @ drawn.b).tolist(), spark(drawn.D.T.tolist())
    (True, 4)
    """

    seed: int
    s: int
    more: int

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        d, axes = 2 * self.s - 1 + self.more, 2 * self.s - 1
        base = (np.eye(d, dtype=int) * rng.choice([-1, 1], size=d))[:, rng.permutation(d)[:axes]]
        a = np.concatenate([rng.integers(1, 3, size=self.s), np.zeros(self.s, dtype=int)])
        b = np.concatenate([np.zeros(self.s, dtype=int), rng.integers(1, 3, size=self.s - 1), [1]])
        last = base @ (a - b)[:-1]
        order = rng.permutation(2 * self.s)
        return np.column_stack([base, last])[:, order], a[order], b[order]

    @property
    def D(self) -> np.ndarray:
        """Atoms as columns [d, 2s]."""
        return self._drawn[0]

    @property
    def a(self) -> np.ndarray:
        """First code [2s]."""
        return self._drawn[1]

    @property
    def b(self) -> np.ndarray:
        """Second code [2s]."""
        return self._drawn[2]


@dataclass(frozen=True)
class Signs:
    """A d×k dictionary of entries −1, 0, 1, and a sparsity s ≤ 2.

    Examples
    --------
    >>> drawn = Signs(0, d=2, k=3, s=1)
    >>> drawn.collides == (drawn.spark <= 2 * drawn.s)
    True
    """

    seed: int
    d: int
    k: int
    s: int

    @cached_property
    def D(self) -> np.ndarray:
        """Atoms as columns."""
        return np.random.default_rng(self.seed).integers(-1, 2, size=(self.d, self.k))

    @property
    def spark(self) -> float:
        """Least number of dependent atoms."""
        return spark(self.D.T.tolist())

    @property
    def collides(self) -> bool:
        """Whether two different s-sparse codes with entries from −4 to 4 decode alike, by trying all.

        A least dependency among at most four such atoms has 3×3 minors as coefficients, which are at most 4.
        """
        codes = {
            tuple(np.bincount(chosen, values, self.k).astype(int))
            for chosen in combinations(range(self.k), min(self.s, self.k))
            for values in product(range(-4, 5), repeat=min(self.s, self.k))
        }
        decoded = {tuple(row) for row in (np.array(sorted(codes)) @ self.D.T).tolist()}
        return len(decoded) < len(codes)
