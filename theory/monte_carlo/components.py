"""Theorem C4 by simulation: draw anchors, find the elements of the group that meet them, measure one of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from theory.ambiguity.components import Ambiguity
from theory.ambiguity.sources import check_laws, draw_sources
from theory.monte_carlo.estimate import Estimate, of_sample
from theory.monte_carlo.rotations import haar


def expected_matched_r_squared(
    laws: Sequence[str],
    n_anchors: int,
    loadings: ArrayLike | None = None,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """Mean R² over anchors drawn from the laws and a P drawn uniformly from those with aP = a for every anchor a.

    R² = 1 − ‖(P − I)N‖²/‖N‖² is that of ŷ = sPN against y = sN, sources of covariance I. All signed permutations are
    listed, so that H has to be small.

    Parameters
    ----------
    laws, n_anchors
        As in `theory.ambiguity.components.expected_matched_r_squared`.
    loadings
        N [d, d], or one for each draw [draws, d, d]; by default whitened y, N = I.
    draws, rng
        Number of independent draws, at least 2, and their generator.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> expected_matched_r_squared(["gaussian", "gaussian", "laplace"], 1, draws=2000, rng=rng).contains(1 - 2 / 3)
    True
    """
    laws = check_laws(laws)
    group = Ambiguity(laws, np.eye(len(laws)))
    anchors = draw_sources(laws, draws * n_anchors, rng).reshape(draws, n_anchors, len(laws))
    P = _permutations(group, anchors, rng)
    if g := group.gaussian:
        P[np.ix_(range(draws), g, g)] = _rotations(anchors[:, :, g], rng)
    N = np.eye(len(laws)) if loadings is None else np.asarray(loadings, dtype=np.float64)
    error = (((P - np.eye(len(laws))) @ N) ** 2).sum((-2, -1))
    return of_sample(1 - error / (N**2).sum((-2, -1)))


def _permutations(group: Ambiguity, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of the signed permutations [n, d, d] that meet the anchors [n, m, d], uniformly."""
    listed = np.array([*group.signed_permutations()], dtype=np.float64)
    # Signs and places change no digit of a value, so that equal means equal.
    meets = np.stack([(anchors @ P == anchors).all((1, 2)) for P in listed], axis=1)
    return listed[np.where(meets, rng.random(meets.shape), -1.0).argmax(1)]


def _rotations(anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Haar-distributed rotations and reflections [n, r, r] of those that fix the anchors [n, m, r]."""
    n, m, r = anchors.shape
    known = anchors[:, :r].transpose(0, 2, 1)
    frame = np.linalg.qr(np.concatenate([known, rng.standard_normal((n, r, max(r - m, 0)))], axis=2))[0]
    free = frame[:, :, min(m, r) :]
    turn = haar(n, free.shape[2], rng)
    return np.eye(r) + free @ (turn - np.eye(free.shape[2])) @ free.transpose(0, 2, 1)
