"""Finite laws: exact characteristic-function losses, and random members for the numeric evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from sympy import Expr, Integer, Rational, cos, simplify, sin, sympify

from theory.discrepancy import TGrid, ecf_distance, t_grid
from theory.linalg import tolerance

Law = Mapping[Any, Any]
GRID = t_grid()
HERMITE = TGrid(*np.polynomial.hermite_e.hermegauss(60))


def uniform(*atoms) -> Law:
    """Law of equal weights on the given atoms, numbers or tuples of numbers; repeated atoms add up.

    Examples
    --------
    >>> uniform(0, 0, 1)
    {0: 2/3, 1: 1/3}
    """
    return {x: Rational(atoms.count(x), len(atoms)) for x in atoms}


def projected(law: Law, u: tuple) -> Law:
    """Law of ⟨u, x⟩.

    Examples
    --------
    >>> projected(uniform((0, 1), (1, 0)), (1, 1))
    {1: 1}
    """
    found: dict[Expr, Expr] = {}
    for x, weight in law.items():
        value = simplify(sum((c * v for c, v in zip(u, x, strict=True)), Integer(0)))
        found[value] = found.get(value, Integer(0)) + weight
    return found


def exact_loss(p: Law, q: Law, grid: Law) -> Expr:
    """Σ_t grid[t]·|φ_p(t) − φ_q(t)|² of two laws on the line, in SymPy.

    Examples
    --------
    >>> from sympy import pi
    >>> exact_loss({0: 1}, {pi: 1}, {1: 1, 2: 5})
    4
    """
    change = {x: p.get(x, 0) - q.get(x, 0) for x in {**p, **q}}
    total: Expr = Integer(0)
    for t, weight in grid.items():
        re, im = (sum(c * f(t * x) for x, c in change.items()) for f in (cos, sin))
        total += weight * (re**2 + im**2)
    return simplify(total)


def total_variation(p: Law, q: Law) -> Expr:
    """Exact ½ Σ|p − q|; zero iff the laws are equal.

    Examples
    --------
    >>> total_variation(uniform(0, 1), uniform(0, 2)), total_variation(uniform(0, 1), uniform(1, 0))
    (1/2, 0)
    """
    return sum((abs(sympify(p.get(x, 0) - q.get(x, 0))) for x in {**p, **q}), Integer(0)) / 2


def all_slices_loss(a: np.ndarray, b: np.ndarray) -> float:
    """Loss over all slices of R^d, d ≤ 3, with the Gaussian weight on the whole line, for values up to about 5.

    >>> one_slice = 2 * HERMITE.mass * (1 - np.exp(-1 / 2))
    >>> bool(abs(all_slices_loss(np.zeros((1, 1)), np.ones((1, 1))) - one_slice) < 1e-12)
    True
    """
    angles = np.linspace(0, np.pi, 64, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    if a.shape[1] == 3:
        height, weights = np.polynomial.legendre.leggauss(40)
        radius = np.sqrt(1 - height**2)
        turned = np.concatenate([circle, -circle], axis=1)
        parts = [np.concatenate([r * turned, np.full((1, 128), h)]) for h, r in zip(height, radius, strict=True)]
        slices, share = np.hstack(parts), np.repeat(weights / 2 / 128, 128)
    else:
        slices = np.ones((1, 1)) if a.shape[1] == 1 else circle
        share = np.full(slices.shape[1], 1 / slices.shape[1])
    return float(ecf_distance(a @ slices, b @ slices, HERMITE) @ share)


@dataclass(frozen=True)
class Samples:
    """Two samples in R^d and a t-grid, determined by what ``repr`` shows.

    Parameters
    ----------
    seed, n, m, d
        Of the samples a [n, d] and b [m, d].
    tied
        Values on the integers, so that atoms repeat.

    Examples
    --------
    >>> drawn = Samples(seed=0, n=3, m=5, d=2, tied=True)
    >>> drawn.a.shape, drawn.b.shape, bool((drawn.a == np.round(drawn.a)).all())
    ((3, 2), (5, 2), True)
    """

    seed: int
    n: int
    m: int
    d: int
    tied: bool

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        a, b = 1.5 * rng.normal(size=(self.n, self.d)), 0.5 + rng.normal(size=(self.m, self.d))
        return (np.round(a), np.round(b)) if self.tied else (a, b)

    @property
    def a(self) -> np.ndarray:
        """First sample."""
        return self._drawn[0]

    @property
    def b(self) -> np.ndarray:
        """Second sample."""
        return self._drawn[1]

    @property
    def rng(self) -> np.random.Generator:
        """Generator independent of the samples."""
        return np.random.default_rng([self.seed, 1])

    def error(self, grid: TGrid) -> float:
        """Rounding error of a distance on the grid."""
        return tolerance(4 * float(np.abs(grid.weights).sum()), (self.n + self.m) * len(grid.nodes))


def samples(d: int = 3, least: int = 1) -> st.SearchStrategy[Samples]:
    """Samples of `least` to 6 rows in 1 to d dimensions.

    Examples
    --------
    >>> from hypothesis import find
    >>> drawn = find(samples(least=2), lambda drawn: drawn.m > 3)
    >>> drawn.n, drawn.m
    (2, 4)
    """
    size = st.integers(least, 6)
    return st.builds(Samples, st.integers(0, 2**32 - 1), size, size, st.integers(1, d), st.booleans())


@dataclass(frozen=True)
class Draws:
    """Every pair of samples that two laws on three common atoms can give: one column each, with its probability.

    Parameters
    ----------
    seed, n, m
        Of atoms and laws; the sizes of the two samples.

    Examples
    --------
    >>> a, b, chance = Draws(seed=0, n=2, m=1).columns
    >>> a.shape, b.shape, round(float(chance.sum()), 12)
    ((2, 27), (1, 27), 1.0)
    """

    seed: int
    n: int
    m: int

    @cached_property
    def _law(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        return rng.normal(size=3), rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3))

    @cached_property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples a [n, S] and b [m, S] of all S outcomes, and the probabilities [S]."""
        atoms, p, q = self._law
        outcomes = np.array(list(product(range(3), repeat=self.n + self.m)))
        chance = p[outcomes[:, : self.n]].prod(1) * q[outcomes[:, self.n :]].prod(1)
        return atoms[outcomes[:, : self.n]].T, atoms[outcomes[:, self.n :]].T, chance

    def characteristic(self, grid: TGrid) -> tuple[np.ndarray, np.ndarray]:
        """Characteristic functions of the two laws on the grid."""
        atoms, p, q = self._law
        waves = np.exp(1j * np.outer(grid.nodes, atoms))
        return waves @ p, waves @ q


def draws(least: int = 1) -> st.SearchStrategy[Draws]:
    """All samples of `least` to 3 rows on each side.

    Examples
    --------
    >>> from hypothesis import find
    >>> drawn = find(draws(least=2), lambda drawn: drawn.m > 2)
    >>> drawn.n, drawn.m
    (2, 3)
    """
    return st.builds(Draws, st.integers(0, 2**32 - 1), st.integers(least, 3), st.integers(least, 3))
