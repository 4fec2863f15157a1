"""Gaussian transport: the linear maps that match the covariance of x to that of y."""

import numpy as np
from numpy.typing import ArrayLike

from theory.linalg import inverse_root, polar, root, svd, whitener
from theory.moments import Moments
from theory.solution import Solution
from theory.solvers.whitened import condition_number


def solve(moments: Moments) -> Solution:
    """Minimise E‖x − x A‖² over the maps with AᵀΣxA = Σy: the optimal transport between centred Gaussians.

    A = Σx^{-1/2}(Σx^{1/2}ΣyΣx^{1/2})^{1/2}Σx^{-1/2}, and the minimum is TrΣx + TrΣy − 2Tr(Σx^{1/2}ΣyΣx^{1/2})^{1/2}
    (Olkin & Pukelsheim 1982). Unique if Σx ≻ 0. If rank Σx < rank Σy no linear map matches; then the law of x A is
    the nearest one of rank at most rank Σx, and `stats["unmatched"]` = the variance of y that it leaves out.

    Parameters
    ----------
    moments
        Second moments of two domains of equal dimension; Σxy is not used.

    Returns
    -------
    Solution with map A (d×d, x A ~ y); `spectrum` = the singular values of Σx^{1/2}Σy^{1/2};
    `optimum` = E‖x − x A‖² of centred x.

    Raises
    ------
    ValueError
        If the dimensions differ (then there is no cost; `matched_map` still applies).

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [-1.0]], [[3.0], [-3.0]])
    >>> solve(m).maps["A"]
    array([[3.]])
    """
    d = moments.dx
    if moments.dy != d:
        raise ValueError(f"x has {d} and y has {moments.dy} dimensions; transport needs one space: project the larger")
    Px, lx = whitener(moments.Sx)
    Py, ly = whitener(moments.Sy)
    rank_y = len(ly)
    left_out = float(ly[len(lx) :].sum())
    Py, ly = Py[:, : len(lx)], ly[: len(lx)]
    Gx, Gy = Px * lx, Py * ly  # Σ = G Gᵀ with Gᵀ the whitened-to-data map
    cross = Gx.T @ Gy
    A = Px @ polar(cross) @ Gy.T if cross.size else np.zeros((d, d))
    spectrum = svd(cross)[1] if cross.size else np.zeros(0)
    return Solution(
        problem="transport",
        maps={"A": A},
        optimum=max(0.0, float(np.trace(moments.Sx) + ly.sum() - 2 * spectrum.sum())),
        rank=len(lx),
        spectrum=spectrum,
        gap=float(spectrum[-1]) if len(spectrum) else 0.0,
        condition=max(condition_number(lx), condition_number(ly)),
        unique=len(lx) == d,
        free="none" if len(lx) == d else "A + N with Σx N = 0",
        stats={"rank_x": len(lx), "rank_y": rank_y, "unmatched": left_out},
    )


def matched_map(moments: Moments, Q: ArrayLike) -> np.ndarray:
    """Return the covariance-matched map Σx^{-1/2} Q Σy^{1/2} (dx×dy): AᵀΣxA = Σy if QᵀQ = I and Σx ≻ 0.

    With dx = dy and Σx, Σy ≻ 0 these are all the matched maps, one for each Q ∈ O(d) (theorem C1).

    Parameters
    ----------
    moments
        Second moments of the pair; Σxy is not used.
    Q
        (dx, dy) with orthonormal columns.

    Raises
    ------
    ValueError
        If Q has another shape.

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [-1.0]], [[3.0], [-3.0]])
    >>> matched_map(m, [[-1.0]])
    array([[-3.]])
    """
    Q = np.asarray(Q, dtype=np.float64)
    if Q.shape != (moments.dx, moments.dy):
        raise ValueError(f"Q has shape {Q.shape}; pass one of shape {(moments.dx, moments.dy)}")
    return inverse_root(moments.Sx)[0] @ Q @ root(moments.Sy)
