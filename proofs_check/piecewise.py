"""Piecewise uniform laws on the line: their mass by density, distribution function and quantiles."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hypothesis import strategies as st


@dataclass(frozen=True)
class Pieces:
    """Piecewise uniform law on intervals of the given lengths, with the given shares of the mass.

    Parameters
    ----------
    seed
        Of draws and thresholds.
    lengths, shares
        Of the pieces; a share of 0 is a gap, the first and the last are positive.

    Examples
    --------
    >>> law = Pieces(0, (1.0, 3.0, 1.0), (1.0, 0.0, 1.0))
    >>> float(law.G(2.0)), float(law.Q(0.75)), law.below(2.0)
    (0.5, 4.5, 0.5)
    """

    seed: int
    lengths: tuple[float, ...]
    shares: tuple[float, ...]

    @cached_property
    def knots(self) -> np.ndarray:
        """End points of the pieces."""
        return np.concatenate([[0.0], np.cumsum(self.lengths)])

    @cached_property
    def density(self) -> np.ndarray:
        """Density on each piece."""
        return np.array(self.shares) / sum(self.shares) / np.diff(self.knots)

    @property
    def rng(self) -> np.random.Generator:
        """Generator for thresholds and draws."""
        return np.random.default_rng(self.seed)

    def G(self, x):
        """Distribution function."""
        return np.interp(x, self.knots, np.concatenate([[0.0], np.cumsum(np.array(self.shares) / sum(self.shares))]))

    def Q(self, u):
        """Quantiles inf{x : G(x) ≥ u}."""
        heights = self.G(self.knots)
        piece = np.clip(np.searchsorted(heights, u) - 1, 0, len(self.density) - 1)
        return self.knots[piece] + (u - heights[piece]) / self.density[piece]

    def turned(self, x):
        """S = Q∘(1−G)."""
        return self.Q(1 - self.G(x))

    def below(self, t: float) -> float:
        """Mass of (−∞, t], from the density alone."""
        return float(self.density @ (np.clip(self.knots[1:], None, t) - np.clip(self.knots[:-1], None, t)))

    def above(self, t: float) -> float:
        """Mass of [t, ∞), from the density alone."""
        return float(self.density @ (np.clip(self.knots[1:], t, None) - np.clip(self.knots[:-1], t, None)))

    def draw(self, n: int) -> np.ndarray:
        """Points from the law: a piece by its share, a place in it."""
        piece = self.rng.choice(len(self.shares), size=n, p=np.array(self.shares) / sum(self.shares))
        return self.knots[piece] + self.rng.random(n) * np.array(self.lengths)[piece]

    def threshold(self, t: float) -> float:
        """Least x with S(x) ≤ t, by bisection: S does not increase."""
        low, high = self.knots[0], self.knots[-1]
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (low, middle) if self.turned(middle) <= t else (middle, high)
        return high


@st.composite
def pieces(draw) -> Pieces:
    """Up to five pieces, gaps among them, but not at the ends.

    Examples
    --------
    >>> from hypothesis import find
    >>> law = find(pieces(), lambda law: law.shares[1] == 0)
    >>> len(law.shares), min(law.shares[0], law.shares[-1]) > 0
    (3, True)
    """
    inner = draw(st.lists(st.sampled_from((0.0, 0.2, 1.0)), max_size=3))
    shares = (draw(st.sampled_from((0.2, 1.0))), *inner, draw(st.sampled_from((0.2, 1.0))))
    lengths = draw(st.lists(st.sampled_from((0.1, 1.0, 7.0)), min_size=len(shares), max_size=len(shares)))
    return Pieces(draw(st.integers(0, 2**32 - 1)), tuple(lengths), shares)
