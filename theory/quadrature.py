"""Nodes and weights of the integral over t in the distance of characteristic functions."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TGrid:
    """Quadrature over t against a weight w: ``∫ f w dt ≈ Σ_k weights[k] f(nodes[k])``.

    The integrands are even in t, so nodes t ≥ 0 with doubled weights stand for a symmetric grid, and a one-sided weight
    acts as its symmetrised half-sum. Negative weights are accepted; the kernel may then not be positive definite.

    Parameters
    ----------
    nodes, weights
        1-D of one length, stored as read-only float64.

    Raises
    ------
    ValueError
        When they are not finite, or their shapes do not match.

    Examples
    --------
    >>> hermite = TGrid(*np.polynomial.hermite_e.hermegauss(20))  # w(t) = exp(−t²/2) on the whole line
    >>> abs(hermite.mass - math.sqrt(2 * math.pi)) < 1e-12
    True

    """

    nodes: np.ndarray
    weights: np.ndarray

    def __post_init__(self):
        for name in ("nodes", "weights"):
            values = np.array(getattr(self, name), dtype=np.float64)
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        shapes = self.nodes.shape, self.weights.shape
        if self.nodes.ndim != 1 or shapes[0] != shapes[1] or not self.nodes.size:
            raise ValueError(
                f"nodes and weights must be 1-D of one length ≥ 1, not of shapes {shapes[0]} and {shapes[1]}"
            )
        if not (np.isfinite(self.nodes).all() and np.isfinite(self.weights).all()):
            raise ValueError("nodes and weights must be finite")

    def __eq__(self, other):
        return isinstance(other, TGrid) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def _key(self):
        return self.nodes.tobytes(), self.weights.tobytes()

    @property
    def mass(self) -> float:
        """``∫ w dt``, the kernel at 0."""
        return float(self.weights.sum())

    @property
    def second_moment(self) -> float:
        """``m₂(w) = ∫ t² w dt``: a slice costs at most m₂(w) times the mean squared difference of paired rows (A4)."""
        return float(self.weights @ self.nodes**2)


def t_grid(t_max: float = 3.0, points: int = 17) -> TGrid:
    """Trapezoid rule for ``∫_{−t_max}^{t_max} f(t) exp(−t²/2) dt`` with f even.

    The defaults are those of LeJEPA (Balestriero & LeCun, 2025).

    Parameters
    ----------
    t_max
        End of the integral, in 1 / (units of the data); positive.
    points
        Number of equispaced nodes of [0, t_max], at least 2.

    Raises
    ------
    ValueError
        When either is out of range.

    Examples
    --------
    >>> t_grid().nodes[[0, 1, -1]]
    array([0.    , 0.1875, 3.    ])

    """
    if not (math.isfinite(t_max) and t_max > 0 and points >= 2):
        raise ValueError(f"a t-grid needs t_max > 0 and at least 2 points, not t_max={t_max}, points={points}")
    nodes = np.linspace(0.0, t_max, points)
    weights = 2 * nodes[1] * np.exp(-(nodes**2) / 2)
    weights[[0, -1]] /= 2
    return TGrid(nodes, weights)
