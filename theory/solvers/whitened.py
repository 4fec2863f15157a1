"""Two domains in whitened coordinates of their ranges, where the whitened lemmas live."""

from dataclasses import dataclass

import numpy as np

from theory.linalg import check_rank, tolerance, whitener
from theory.moments import Moments
from theory.solution import join


@dataclass(frozen=True, eq=False)
class Whitened:
    """Coordinates in which Σx and Σy are the identity: an encoder is W = P U with UᵀU = I.

    Attributes
    ----------
    Px, Py
        (dx, rx) and (dy, ry), PᵀΣP = I; rx, ry are the ranks of Σx, Σy.
    lx, ly
        The nonzero eigenvalues of Σx, Σy, which are diag(lx), diag(ly) in these coordinates.
    M
        (rx, ry), the whitened cross-covariance Pxᵀ Σxy Py; its singular values are the canonical correlations.

    Examples
    --------
    >>> white = whiten(Moments.from_arrays([[2.0], [-2.0]], [[1.0], [-1.0]]))
    >>> abs(white.Px).tolist(), white.lx.tolist()
    ([[0.5]], [4.0])
    """

    Px: np.ndarray
    Py: np.ndarray
    lx: np.ndarray
    ly: np.ndarray
    M: np.ndarray

    @property
    def rank(self) -> int:
        """The smaller of the two ranks: the largest feasible number of whitened codes."""
        return min(len(self.lx), len(self.ly))

    @property
    def full(self) -> bool:
        """Whether both covariances are invertible."""
        return len(self.lx) == len(self.Px) and len(self.ly) == len(self.Py)

    @property
    def condition(self) -> float:
        """The worse of the two condition numbers on the ranges (inf if a domain is constant)."""
        return max(condition_number(self.lx), condition_number(self.ly))

    @property
    def rounding(self) -> float:
        """Rounding error of a canonical correlation: whitening amplifies that of the moments by the condition."""
        return tolerance(self.condition, max(len(self.Px), len(self.Py)))

    @property
    def kernel_text(self) -> str:
        """What a singular covariance leaves free."""
        return join(
            "Wx + N with Σx N = 0" if len(self.lx) < len(self.Px) else "",
            "Wy + N with Σy N = 0" if len(self.ly) < len(self.Py) else "",
        )

    def feasible(self, rank: int) -> int:
        """Return `rank` as an int; ValueError unless that many uncorrelated unit-variance codes exist on each side."""
        k = check_rank(rank, min(len(self.Px), len(self.Py)), "min(dx, dy)")
        if k > self.rank:
            raise ValueError(
                f"rank {k} exceeds the rank {self.rank} of a covariance, so whitening is infeasible; "
                f"lower the rank to at most {self.rank} or pass a ridge > 0"
            )
        return k


def condition_number(values: np.ndarray) -> float:
    """Largest over smallest of a descending positive spectrum; inf if it is empty.

    Examples
    --------
    >>> condition_number(np.array([4.0, 2.0, 1.0]))
    4.0
    """
    return float(values[0] / values[-1]) if len(values) else float("inf")


def whiten(moments: Moments, ridge: float = 0.0) -> Whitened:
    """Whiten both domains; a ridge stands for Σ + ridge·I on both sides.

    Examples
    --------
    >>> m = Moments.from_arrays([[2.0], [-2.0]], [[1.0], [-1.0]])
    >>> whiten(m).lx.tolist(), abs(whiten(m).M.round(12)).tolist()
    ([4.0], [[1.0]])
    """
    moments = moments.ridged(ridge, ridge)
    Px, lx = whitener(moments.Sx)
    Py, ly = whitener(moments.Sy)
    return Whitened(Px, Py, lx, ly, Px.T @ moments.Sxy @ Py)
