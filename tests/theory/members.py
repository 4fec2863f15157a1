"""Pairs of data matrices that have a planted property; built, never filtered."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.moments import Moments

# generic: Σ ≻ 0, distinct spectra.        full: generic with k = dx = dy.
# deficient: a constant, a duplicate or a dependent column on each side.
# tied: Σx, Σy ∝ I, all canonical correlations equal.   null: Σxy = 0.   short: n ≤ d.
REGIMES = ("generic", "full", "deficient", "tied", "null", "short")
WELL_POSED = ("generic", "full")


@dataclass(frozen=True)
class Member:
    """Centred X (n×dx), Y (n×dy) and a number of codes k that whitening allows."""

    regime: str
    X: np.ndarray
    Y: np.ndarray
    k: int
    rank_x: int
    rank_y: int
    seed: int

    def __repr__(self):
        return f"Member({self.regime}, X {self.X.shape}, Y {self.Y.shape}, k={self.k}, seed={self.seed})"

    @property
    def moments(self):
        return Moments.from_arrays(self.X, self.Y)

    @property
    def n(self):
        return len(self.X)

    @property
    def scale(self):
        return float((self.X**2).sum() + (self.Y**2).sum()) / self.n

    @property
    def size(self):
        return max(self.n, self.X.shape[1] + self.Y.shape[1])

    @property
    def rng(self):
        return np.random.default_rng([self.seed, 1])


def mean_square(A):
    """E‖row‖²: squares summed over coordinates, averaged over rows."""
    return float((A**2).sum()) / len(A)


def covariance(X, Y):
    return X.T @ Y / len(X)


def orthonormal(rng, n, k):
    return np.linalg.qr(rng.standard_normal((n, k)))[0]


def build(regime, n, dx, dy, k, decay, seed):
    rng = np.random.default_rng(seed)
    d = min(dx, dy)
    if regime in ("tied", "null"):
        noise = rng.standard_normal((n, dx + dy))
        Q = np.sqrt(n) * np.linalg.qr(noise - noise.mean(0))[0]
        X, Y = 2 * Q[:, :dx] @ orthonormal(rng, dx, dx), Q[:, dx:]
        if regime == "tied":
            Y[:, :d] = 0.6 * Q[:, :d] + 0.8 * Y[:, :d]
        return Member(regime, X, 3 * Y @ orthonormal(rng, dy, dy), k, dx, dy, seed)
    X, Y = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
    X[:, :d] += (shared := rng.standard_normal((n, d)) * np.linspace(2, 0.3, d))
    Y[:, :d] += shared
    X, Y = (A * np.arange(1, A.shape[1] + 1) ** -decay for A in (X, Y))
    X, Y = (A @ orthonormal(rng, A.shape[1], A.shape[1]) for A in (X, Y))
    if regime == "deficient":
        for A, kind in ((X, seed % 3), (Y, (seed + 1) % 3)):
            A[:, -1] = (0.0, A[:, 0], A[:, 0] - 2 * A[:, 1])[kind]
    X, Y = X - X.mean(0), Y - Y.mean(0)
    lost = regime == "deficient"
    return Member(regime, X, Y, k, min(dx - lost, n - 1), min(dy - lost, n - 1), seed)


@st.composite
def members(draw, regimes=REGIMES, largest=5):
    regime = draw(st.sampled_from(regimes))
    least = 3 if regime == "deficient" else 1
    dx, dy = draw(st.integers(least, largest)), draw(st.integers(least, largest))
    if regime == "full":
        dy = dx
    if regime == "short":
        dx, dy = dx + 1, dy + 1
        n = draw(st.integers(2, min(dx, dy)))
        limit = n - 1
    else:
        n = draw(st.integers(dx + dy + 5, 60))
        limit = min(dx, dy) - (regime == "deficient")
    k = dx if regime == "full" else draw(st.integers(1, limit))
    decay = draw(st.sampled_from([0.0, 0.5, 1.5]))
    return build(regime, n, dx, dy, k, decay, draw(st.integers(0, 2**32 - 1)))
