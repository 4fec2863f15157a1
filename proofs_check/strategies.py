"""Members for the numeric evidence of the linear lemmas: built to satisfy what they should, never filtered."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hypothesis import strategies as st

from theory.moments import Moments

# generic: full rank, distinct spectra.  square: k = dx = dy.  deficient: a duplicate and a constant column.
# tied: Σx = I and equal canonical correlations.  short: fewer rows than columns.
# On request only, uncorrelated: exactly k − 1 positive canonical correlations, all different, so that ρ_k = 0.
REGIMES = ("generic", "square", "deficient", "tied", "short")
FULL_RANK = ("generic", "square", "tied")


@dataclass(frozen=True)
class Pair:
    """Two centred row-aligned data matrices and a number of codes, determined by what ``repr`` shows.

    Parameters
    ----------
    seed, n, dx, dy, k
        Of the data: rows, widths, codes; in the regimes "square" and "short" the sizes are adapted.
    decay
        Eigenvalues of Σx fall like j^{-decay}; 0 is isotropic up to noise.
    regime
        One of ``REGIMES``, or "uncorrelated".

    Examples
    --------
    >>> Pair(0, 30, 4, 3, 2, 1.0, "deficient").rank_x
    3
    """

    seed: int
    n: int
    dx: int
    dy: int
    k: int
    decay: float
    regime: str

    @cached_property
    def _data(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(self.seed)
        if self.regime == "tied":
            Q = _orthonormal(rng, self.n, self.dx + self.dy)
            mixed = Q[:, : min(self.dx, self.dy)]
            Y = np.sqrt(self.n) * Q[:, self.dx :]
            Y[:, : mixed.shape[1]] = np.sqrt(self.n) * (0.6 * mixed + 0.8 * Q[:, self.dx : self.dx + mixed.shape[1]])
            return np.sqrt(self.n) * Q[:, : self.dx], Y
        if self.regime == "uncorrelated":
            Q = np.sqrt(self.n) * _orthonormal(rng, self.n, self.dx + self.dy)
            X, Y = Q[:, : self.dx], Q[:, self.dx :].copy()
            cosines = np.linspace(0.9, 0.3, self.k - 1)
            mixed = slice(self.k - 1)
            Y[:, mixed] = X[:, mixed] * cosines + Y[:, mixed] * np.sqrt(1 - cosines**2)
            X = X * np.arange(1, self.dx + 1) ** (-self.decay / 2) @ _orthonormal(rng, self.dx, self.dx, centred=False)
            return X, Y @ _orthonormal(rng, self.dy, self.dy, centred=False) * np.arange(1, self.dy + 1)
        shared = rng.normal(size=(self.n, min(self.dx, self.dy)))
        X, Y = rng.normal(size=(self.n, self.dx)), rng.normal(size=(self.n, self.dy))
        X[:, : shared.shape[1]] += shared
        Y[:, : shared.shape[1]] += 2 * shared
        X *= np.arange(1, self.dx + 1) ** (-self.decay / 2)
        X, Y = X @ _orthonormal(rng, self.dx, self.dx, centred=False), Y @ rng.normal(size=(self.dy, self.dy))
        if self.regime == "deficient":
            X[:, -1] = X[:, 0] if self.dx > 1 else X[:, -1]
            Y[:, -1] = 0 if self.dy > 1 else Y[:, -1]
        return X - X.mean(0), Y - Y.mean(0)

    @property
    def X(self) -> np.ndarray:
        """Centred rows [n, dx]."""
        return self._data[0]

    @property
    def Y(self) -> np.ndarray:
        """Centred rows [n, dy]."""
        return self._data[1]

    @cached_property
    def moments(self) -> Moments:
        """Second moments of the pair."""
        return Moments.from_arrays(self.X, self.Y)

    @property
    def rank_x(self) -> int:
        """Rank of Σx by construction."""
        return min(self.dx - (self.regime == "deficient" and self.dx > 1), self.n - 1)

    @property
    def rank_y(self) -> int:
        """Rank of Σy by construction."""
        return min(self.dy - (self.regime == "deficient" and self.dy > 1), self.n - 1)

    @property
    def rng(self) -> np.random.Generator:
        """Generator for competitors, independent of the data."""
        return np.random.default_rng([self.seed, 1])


def _orthonormal(rng: np.random.Generator, n: int, d: int, centred: bool = True) -> np.ndarray:
    A = rng.normal(size=(n, d))
    return np.linalg.qr(A - A.mean(0) if centred else A)[0]


@st.composite
def pairs(
    draw, regimes: tuple[str, ...] = REGIMES, min_width: int = 1, max_width: int = 5, whitenable: bool = False
) -> Pair:
    """Pairs in the given regimes, dx and dy from `min_width` to `max_width`, k up to the smaller width.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    regimes
        Which regimes.
    min_width, max_width
        Smallest and largest dx and dy.
    whitenable
        Keep k within both ranks, so that whitened encoders exist.

    Examples
    --------
    >>> from hypothesis import find
    >>> pair = find(pairs(("square",)), lambda pair: pair.dx > 1)
    >>> pair.dx, pair.dy, pair.k
    (2, 2, 2)
    """
    regime = draw(st.sampled_from(regimes))
    dx, dy = draw(st.integers(min_width, max_width)), draw(st.integers(min_width, max_width))
    if regime == "square":
        dy = dx
    if regime == "short":
        dx, dy = dx + 1, dy + 1
    n = draw(st.integers(2, min(dx, dy))) if regime == "short" else draw(st.integers(dx + dy + 2, 40))
    pair = Pair(draw(st.integers(0, 2**32 - 1)), n, dx, dy, 1, draw(st.sampled_from((0.0, 1.0, 3.0))), regime)
    largest = min(pair.rank_x, pair.rank_y) if whitenable else min(dx, dy)
    k = largest if regime == "square" else draw(st.integers(1, largest))
    return Pair(pair.seed, n, dx, dy, k, pair.decay, regime)
