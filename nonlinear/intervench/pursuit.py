"""Which atoms explain a target: orthogonal matching pursuit from second moments, or the difference of means."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory.linalg import EPS

# Share of an atom's variance, or of a target's, that counts as nothing.
FLOOR = np.sqrt(EPS)


@dataclass(frozen=True)
class Moments:
    """Second moments of m features, and theirs with C targets, all centred.

    Parameters
    ----------
    variance
        [m].
    cross
        [m, C].
    target
        Variance of every target [C].
    columns
        Atoms [a] → columns [m, a] of the covariance of the features.

    Examples
    --------
    >>> F, y = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]]), np.array([[1.0], [-1.0], [0.0], [0.0]])
    >>> covariance = F.T @ F / 4
    >>> moments = Moments(covariance.diagonal(), F.T @ y / 4, (y**2).mean(0), lambda atoms: covariance[:, atoms])
    >>> pursue(moments, 1).tolist()     # the first feature is the target
    [[0]]
    """

    variance: np.ndarray
    cross: np.ndarray
    target: np.ndarray
    columns: Callable[[np.ndarray], np.ndarray]


def pursue(moments: Moments, count: int) -> np.ndarray:
    """Atoms in the order in which orthogonal matching pursuit takes them (Pati, Rezaiifar & Krishnaprasad 1993).

    Features count as scaled to variance 1; such as do not vary are never taken. Only the columns of the covariance that
    some target asks for are computed.

    Parameters
    ----------
    moments
        Of the features and C targets.
    count
        Atoms per target, at most.

    Returns
    -------
    [C, count]; −1 from where on nothing is left to explain.

    Examples
    --------
    >>> S = np.diag([1.0, 4.0, 0.0])
    >>> m = Moments(np.diag(S), np.array([[0.5], [1.2], [0.0]]), np.ones(1), lambda a: S[:, a])
    >>> pursue(m, 3)
    array([[ 1,  0, -1]])
    """
    m, n_targets = moments.cross.shape
    scale = _inverse_deviations(moments.variance)
    floor = FLOOR * np.sqrt(np.maximum(moments.target, 0))
    residual, columns = moments.cross.astype(np.float64).copy(), dict[int, np.ndarray]()
    order, open_ = np.full((n_targets, count), -1), np.ones(n_targets, dtype=bool)
    for step in range(min(count, m)):
        scores = np.abs(residual) * scale[:, None]
        for c in range(n_targets):
            scores[order[c, :step], c] = 0  # the −1 of a closed target hits the last atom, which no longer matters
        best = scores.argmax(0)
        open_ &= scores[best, np.arange(n_targets)] > floor
        if not open_.any():
            break
        order[open_, step] = best[open_]
        new = np.array(sorted(set(best[open_].tolist()) - columns.keys()), dtype=int)
        if len(new):
            columns |= dict(
                zip(new.tolist(), np.ascontiguousarray(moments.columns(new).T, dtype=np.float64), strict=True)
            )
        for c in np.flatnonzero(open_):
            taken = order[c, : step + 1]
            G = np.stack([columns[a] for a in taken.tolist()], 1)
            w = np.linalg.lstsq(G[taken], moments.cross[taken, c], rcond=FLOOR)[0]
            residual[:, c] = moments.cross[:, c] - G @ w
    return order


def by_difference(moments: Moments, count: int) -> np.ndarray:
    """Atoms by the difference of their means with and without the target, in their own standard deviations.

    Returns
    -------
    [C, count], −1 where there are no more atoms that vary.

    Examples
    --------
    >>> m = Moments(np.array([1.0, 4.0]), np.array([[0.5], [1.2]]), np.ones(1), lambda a: np.eye(2)[:, a])
    >>> by_difference(m, 3)
    array([[ 1,  0, -1]])
    """
    scale = _inverse_deviations(moments.variance)
    scores = np.abs(moments.cross) * scale[:, None]
    found = np.argsort(-scores, axis=0, kind="stable")[:count].T
    taken = np.where(np.take_along_axis(scores.T, found, 1) > 0, found, -1)
    return np.pad(taken, ((0, 0), (0, count - taken.shape[1])), constant_values=-1)


def _inverse_deviations(variance: np.ndarray) -> np.ndarray:
    """Return 1 over the standard deviations [m]; 0 where a feature does not vary."""
    varies = variance > FLOOR * variance.max(initial=0.0)
    return np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1)), 0.0)


SELECTIONS = {"omp": pursue, "difference": by_difference}
