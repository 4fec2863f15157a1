"""What distribution matching leaves open of Gaussian domains, and how many anchors close it (theorems C1 and C2).

Gaussian domains are ambiguous up to a rotation. An anchor is a matched pair of rows; each one takes a dimension from
the rotations.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.ambiguity.counts import not_negative
from theory.linalg import inverse_root, rank_of, svd
from theory.moments import Moments
from theory.solvers.transport import matched_map


def haar(d: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a d×d orthogonal matrix from the uniform (Haar) law of O(d), reflections included.

    Examples
    --------
    >>> Q = haar(3, np.random.default_rng(0))
    >>> bool(np.allclose(Q.T @ Q, np.eye(3)))
    True
    """
    Q, R = np.linalg.qr(rng.standard_normal((d, d)))
    return Q * np.sign(np.diag(R))  # without these signs the law would depend on the convention of the QR


def map_r_squared(moments: Moments, A: ArrayLike) -> float:
    """R² of one translation x ↦ xA of centred data: [2Tr(AᵀΣxy) − Tr(AᵀΣxA)]/TrΣy; nan if y does not vary.

    Parameters
    ----------
    moments
        Second moments of the rows that are judged, matched.
    A
        (dx, dy).

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [-1.0]], [[3.0], [-3.0]])
    >>> map_r_squared(m, [[3.0]]), map_r_squared(m, [[-3.0]])
    (1.0, -3.0)
    """
    A, total = np.asarray(A, dtype=np.float64), float(np.trace(moments.Sy))
    explained = 2 * np.sum(A * moments.Sxy) - np.sum(A * (moments.Sx @ A))
    return float(explained) / total if total > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class AnchoredMaps:
    """The covariance-matched maps that meet m anchors: Σx^{-1/2} Q Σy^{1/2}, Q = fixed + free_x H free_yᵀ (theorem C1).

    H runs through O(f), f = d − rank of the anchors: no anchor leaves O(d), d − 1 independent ones leave two maps,
    d leave one. With exact anchors the true Q is one of them, and all of them meet the anchors exactly.

    Attributes
    ----------
    moments
        Second moments of the two domains.
    fixed
        (d, d) partial isometry that the anchors determine. Its map is the mean of all matched ones and, for exact
        anchors, the minimum-norm regression on them alone in whitened coordinates Σx^{-1/2}x.
    free_x, free_y
        (d, f) orthonormal bases of what the anchors leave open.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> maps = AnchoredMaps.of(Moments.from_arrays(X, X), X[:1], X[:1])
    >>> maps.freedom, maps.map([[-1.0]]).tolist()
    (1, [[1.0, 0.0], [0.0, -1.0]])
    """

    moments: Moments
    fixed: np.ndarray
    free_x: np.ndarray
    free_y: np.ndarray

    @classmethod
    def of(cls, moments: Moments, X: ArrayLike, Y: ArrayLike) -> "AnchoredMaps":
        """Matched maps that meet the anchors X (m, d), Y (m, d), rows in the coordinates of the data, m ≥ 0.

        Inexact anchors are fitted by least squares in whitened y (orthogonal Procrustes, Schönemann 1966).

        Raises
        ------
        ValueError
            If the domains differ in dimension, a covariance is singular, or the anchors have another shape.
        """
        d = moments.dx
        (Rx, rank_x), (Ry, rank_y) = inverse_root(moments.Sx), inverse_root(moments.Sy)
        if not rank_x == rank_y == moments.dy == d:
            raise ValueError(
                f"x has {d} dimensions of rank {rank_x}, y has {moments.dy} of rank {rank_y}; "
                "project both on principal components of one number"
            )
        X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
        if X.ndim != 2 or X.shape != Y.shape or X.shape[1] != d:
            raise ValueError(f"anchors have shapes {X.shape} and {Y.shape}; pass two arrays of m rows and {d} columns")
        P, s, Qt = svd(((X - moments.mean_x) @ Rx).T @ ((Y - moments.mean_y) @ Ry))
        r = rank_of(s)
        return cls(moments, P[:, :r] @ Qt[:r], P[:, r:], Qt[r:].T)

    @property
    def freedom(self) -> int:
        """Order f of the remaining group O(f)."""
        return self.free_x.shape[1]

    def map(self, H: ArrayLike) -> np.ndarray:
        """Return the matched map (d×d) of one H in O(f), an (f, f) array."""
        return matched_map(self.moments, self.fixed + self.free_x @ np.asarray(H) @ self.free_y.T)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Matched map of a Haar-distributed H."""
        return self.map(haar(self.freedom, rng))

    def r_squared(self) -> tuple[float, float]:
        """Mean and standard deviation of the R² of `draw`, given the anchors.

        With M = Σx^{-1/2}ΣxyΣy^{1/2}: mean 2Tr(fixedᵀM)/TrΣy − 1, deviation 2‖free_xᵀ M free_y‖/(√f TrΣy), 0 if f = 0.
        """
        M, total = matched_map(self.moments, self.moments.Sxy), float(np.trace(self.moments.Sy))
        left = self.free_x.T @ M @ self.free_y
        mean = 2 * float(np.sum(self.fixed * M)) / total - 1
        return mean, 2 * float(np.linalg.norm(left)) / (max(self.freedom, 1) ** 0.5 * total)


def expected_matched_r_squared(d: int, n_anchors: int) -> float:
    """E R² = 2m/d − 1 of a uniformly drawn matched map that meets m exact anchors; 1 for m ≥ d (theorem C2).

    Whitened anchors of a rotation-invariant law (Gaussian), the free H Haar on O(d − m); any Q_* and any Σy. If Q_* is
    Haar as well, the anchors may be any m independent rows.

    Examples
    --------
    >>> expected_matched_r_squared(8, 2), expected_matched_r_squared(8, 9)
    (-0.5, 1.0)
    """
    return 2 * expected_anchors_r_squared(d, n_anchors) - 1


def expected_anchors_r_squared(d: int, n_anchors: int) -> float:
    """E R² = m/d of minimum-norm regression on the anchors alone, in whitened coordinates Σx^{-1/2}x (theorem C2).

    It is the mean of all matched maps, hence Bayes-optimal under the Haar prior: distribution matching doubles its
    error. Hypotheses as in `expected_matched_r_squared`.

    Examples
    --------
    >>> expected_anchors_r_squared(8, 2)
    0.25
    """
    return min(not_negative(n_anchors), d) / d


def matched_r_squared_deviation(d: int, n_anchors: int, Sy: ArrayLike | None = None) -> float:
    """Standard deviation of the R² of one matched map, over Gaussian anchors and the free rotation.

    2/d for every m < d where Σy ∝ I, or where R² is taken in whitened y (no Σy given). In general, with f = d − m and
    a = ‖Σy/TrΣy − I/d‖_F², the variance is 4/d² + 4a[d(f+1) − 2 + 2f(d−f)]/[d(d−1)(d+2)]. 0 for m ≥ d.

    Examples
    --------
    >>> matched_r_squared_deviation(8, 7), matched_r_squared_deviation(8, 8)
    (0.25, 0.0)
    """
    f = max(d - not_negative(n_anchors), 0)
    if f == 0:
        return 0.0
    if Sy is None or d == 1:
        return 2 / d
    S = np.asarray(Sy, dtype=np.float64)
    a = float(((S / np.trace(S) - np.eye(d) / d) ** 2).sum())
    spread = a * (d * (f + 1) - 2 + 2 * f * (d - f)) / (d * (d - 1) * (d + 2))
    return 2 * (1 / d**2 + spread) ** 0.5
