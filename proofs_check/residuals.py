"""Codes of a linear decoder and their errors: random, extreme, and built to have given errors."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from hypothesis import strategies as st

from theory.linalg import tolerance

SEEDS = st.integers(0, 2**32 - 1)


def mean_square(rows: np.ndarray) -> float:
    """Mean over rows of the squared norm.

    Examples
    --------
    >>> mean_square(np.array([[3.0, 4.0], [0.0, 1.0]]))
    13.0
    """
    return float((rows**2).sum() / len(rows))


def errors_of(D: np.ndarray, a: np.ndarray, b: np.ndarray, x: np.ndarray) -> tuple[float, float, float]:
    """T, R, C of codes a, b [n, k] and data x [n, d], for the decoder D [d, k].

    Examples
    --------
    >>> errors_of(2 * np.eye(1), np.array([[3.0]]), np.array([[1.0]]), np.array([[1.0]]))
    (5.0, 1.0, 2.0)
    """
    T, R, C = (mean_square(rows) ** 0.5 for rows in (a @ D.T - x, b @ D.T - x, a - b))
    return T, R, C


@dataclass(frozen=True)
class Coders:
    """A decoder R^k → R^d, codes and data of n points; at the boundary if ``extreme``. Determined by ``repr``.

    Examples
    --------
    >>> drawn = Coders(seed=1, n=4, d=3, k=2, extreme=False)
    >>> T, R, C = drawn.errors
    >>> drawn.sigma * C <= T + R and abs(T - R) <= float(np.linalg.norm(drawn.D, 2)) * C
    True
    """

    seed: int
    n: int
    d: int
    k: int
    extreme: bool

    @property
    def rng(self) -> np.random.Generator:
        """Generator independent of the decoder."""
        return np.random.default_rng([self.seed, 1])

    @cached_property
    def D(self) -> np.ndarray:
        """Decoder [d, k]; of every third seed with two equal atoms."""
        D = np.random.default_rng(self.seed).normal(size=(self.d, self.k))
        return np.hstack([D[:, :-1], D[:, :1]]) if self.seed % 3 == 0 else D

    @property
    def sigma(self) -> float:
        """min ‖Dv‖ over unit v."""
        return float(np.linalg.norm(self.D, -2)) if self.k <= self.d else 0.0

    @property
    def error(self) -> float:
        """Rounding error of the errors."""
        return tolerance(10 * float(1 + np.linalg.norm(self.D)), self.n * self.d * self.k)

    @property
    def errors(self) -> tuple[float, float, float]:
        """T, R, C of random codes, or of codes along an extreme direction with parallel residuals."""
        rng, shape = self.rng, (self.n, self.d)
        if not self.extreme:
            a, b = rng.normal(size=(2, self.n, self.k))
            return errors_of(self.D, a, b, b @ self.D.T + rng.normal(size=shape) * rng.choice([0.0, 0.1, 1.0]))
        vectors = np.linalg.eigh(self.D.T @ self.D)[1]
        delta = np.tile(vectors[:, rng.choice([0, -1])], (self.n, 1))
        b = rng.normal(size=(self.n, self.k))
        return errors_of(self.D, b + delta, b, b @ self.D.T + rng.uniform(-2, 2) * delta @ self.D.T)

    @property
    def triple(self) -> tuple[float, float, float]:
        """T, R, C of the region: a stretch that D allows, and a triangle over it, degenerate at the boundary."""
        rng, ell = self.rng, float(np.linalg.norm(self.D, 2))
        C = rng.uniform(0.5, 2)
        stretch, share = rng.choice([0.0, 1.0], size=2) if self.extreme else rng.uniform(size=2)
        W = C * ((1 - stretch) * self.sigma + stretch * ell)
        T = rng.uniform(0, 2 * W)
        return T, float((1 - share) * abs(T - W) + share * (T + W)), C


def attain(D: np.ndarray, T: float, R: float, C: float, n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Residuals Da − x, Db − x and the differences a − b of n points with the errors T, R, C.

    Examples
    --------
    >>> p, r, delta = attain(np.diag([2.0, 1.0]), 3.0, 2.0, 1.0, 5, np.random.default_rng(0))
    >>> [round(mean_square(rows) ** 0.5, 9) for rows in (p, r, delta)]
    [3.0, 2.0, 1.0]
    """
    d = len(D)
    values, vectors = np.linalg.eigh(D.T @ D)
    W = max(abs(T - R), C * values[0].clip(0) ** 0.5)

    def direction(angle: float) -> np.ndarray:
        return np.cos(angle) * vectors[:, 0] + np.sin(angle) * vectors[:, -1] if D.shape[1] > 1 else vectors[:, 0]

    def excess(angle: float) -> float:
        return float(np.linalg.norm(D @ direction(angle)) * C - W)

    low, high = 0.0, np.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) <= 0 else (low, middle)
    # At the ends rounding may leave no sign change.
    delta = np.tile(C * direction(min((low, 0.0, np.pi / 2), key=lambda angle: abs(excess(angle)))), (n, 1))
    w = delta @ D.T
    size = mean_square(w)
    across = rng.normal(size=(n, d))
    if across.size == 1:
        # No room beside w, and no need of it: W is |T − R|.
        across[:] = 0
    else:
        across -= (across * w).sum() / (w * w).sum() * w if size > 0 else 0
        across /= mean_square(across) ** 0.5
    along = (T**2 + size - R**2) / (2 * size) if size > 0 else 0.0
    p = along * w + max(T**2 - along**2 * size, 0.0) ** 0.5 * across
    a = rng.normal(size=delta.shape)
    b, x = a - delta, a @ D.T - p
    return a @ D.T - x, b @ D.T - x, a - b


@dataclass(frozen=True)
class SparseCoders:
    """Unit atoms, and s-sparse codes of n points; the worst two codes there are if ``extreme``.

    Examples
    --------
    >>> drawn = SparseCoders(seed=0, n=3, d=4, k=3, s=1, extreme=True)
    >>> T, R, C = drawn.errors
    >>> drawn.active, drawn.worst[0] * C**2 <= (T + R) ** 2 + drawn.error
    (2, True)
    """

    seed: int
    n: int
    d: int
    k: int
    s: int
    extreme: bool

    @cached_property
    def D(self) -> np.ndarray:
        """Decoder [d, k] with columns of length 1."""
        D = np.random.default_rng(self.seed).normal(size=(self.d, self.k))
        return D / np.linalg.norm(D, axis=0)

    @property
    def error(self) -> float:
        """Rounding error of the squared errors."""
        return tolerance(100.0 * self.k, self.n * self.d * self.k)

    @property
    def active(self) -> int:
        """Most atoms that a difference of two codes may hold."""
        return min(2 * self.s, self.k)

    @cached_property
    def worst(self) -> tuple[float, np.ndarray]:
        """Least ‖Dδ‖² over unit δ with that many atoms, by eigenvalues of every set of them, and such a δ."""
        found, least = np.inf, np.zeros(self.k)
        for chosen in map(list, combinations(range(self.k), self.active)):
            values, vectors = np.linalg.eigh(self.D[:, chosen].T @ self.D[:, chosen])
            if values[0] < found:
                found, least = float(values[0].clip(0)), np.zeros(self.k)
                least[chosen] = vectors[:, 0]
        return found, least

    @property
    def errors(self) -> tuple[float, float, float]:
        """T, R, C of random codes, or of the worst difference dealt out to two codes, with parallel residuals."""
        rng = np.random.default_rng([self.seed, 1])
        if self.extreme:
            delta = self.worst[1]
            first = np.isin(np.arange(self.k), rng.permutation(np.flatnonzero(delta))[: self.s])
            a, b = (np.tile(v, (self.n, 1)) for v in (np.where(first, delta, 0), np.where(first, 0, -delta)))
            x = b @ self.D.T + rng.uniform(0, 1) * (a - b) @ self.D.T
        else:
            kept = rng.permuted(np.arange(self.k) < self.s + np.zeros((2 * self.n, 1)), axis=1)
            a, b = np.split(rng.normal(size=(2 * self.n, self.k)) * kept, 2)
            x = b @ self.D.T + rng.normal(size=(self.n, self.d)) * rng.choice([0.0, 0.1, 1.0])
        assert max(np.count_nonzero(v, axis=1).max() for v in (a, b)) <= self.s
        return errors_of(self.D, a, b, x)


@st.composite
def sparse_coders(draw) -> SparseCoders:
    """Up to three points and six atoms in up to six dimensions; 2s may exceed the atoms, and these the dimensions.

    Examples
    --------
    >>> from hypothesis import find
    >>> drawn = find(sparse_coders(), lambda drawn: drawn.s == 2)
    >>> drawn.k, drawn.active
    (2, 2)
    """
    k = draw(st.integers(1, 6))
    sizes = draw(st.integers(1, 3)), draw(st.integers(1, 6)), k, draw(st.integers(1, min(k, 3)))
    return SparseCoders(draw(SEEDS), *sizes, draw(st.booleans()))


@st.composite
def coders(draw) -> Coders:
    """Up to four points, dimensions and atoms, but not one of each.

    Examples
    --------
    >>> from hypothesis import find
    >>> drawn = find(coders(), lambda drawn: drawn.d * drawn.k == 1)
    >>> drawn.n
    2
    """
    d, k = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    n = draw(st.integers(1 if d * k > 1 else 2, 4))
    return Coders(draw(SEEDS), n, d, k, draw(st.booleans()))
