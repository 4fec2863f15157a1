"""What a characteristic-function loss measures besides the distance of laws (theorems F1 and F2).

Samples of n rows make the plug-in loss prefer shrunken laws; points that both samples share leak an instance loss.
Everything here is an expectation, on a t-grid of `theory.discrepancy`.
"""

from math import inf, sqrt

import numpy as np
from numpy.typing import ArrayLike

from theory.quadrature import TGrid


def shrinkage(n: int) -> float:
    """Scale c* at which n rows of N(0, c²) have the least expected plug-in loss against N(0, 1) (theorem F1).

    c* = √((2q − 1)/(2 − q)), q = (1 − 1/n)^{2/3}, for w(t) = exp(−t²/2) on the whole line, = 1 − 1/n − 8/(27n³) + …;
    the other side may be the law itself or a sample of any size. The unbiased form is least at c = 1. For n = 1 the
    least is at 0.

    Examples
    --------
    >>> round(shrinkage(8), 5), round(shrinkage(64), 6)
    (0.87438, 0.984374)
    """
    q = (1 - 1 / _size(n)) ** (2 / 3)
    return sqrt(max(2 * q - 1, 0.0) / (2 - q))


def expected_scale_loss(c: float, n: float, grid: TGrid, unbiased: bool = False) -> float:
    """Expected loss of n rows of N(0, c²) against the law N(0, 1): `expected_distance` of this case.

    On a finite grid the minimiser differs from `shrinkage`, which is the one of the whole line.

    Examples
    --------
    >>> grid = TGrid(*np.polynomial.hermite_e.hermegauss(60))  # ∫ f exp(−t²/2) dt over the line
    >>> losses = [expected_scale_loss(c, 8, grid) for c in (0.8, shrinkage(8), 1.0)]
    >>> losses.index(min(losses))
    1
    """
    phi, target = (np.exp(-((s * grid.nodes) ** 2) / 2) for s in (c, 1.0))
    return float(expected_distance(phi, target, grid, n, inf, unbiased=unbiased))


def instance_weight(coincidence: float, n_points: float = inf) -> float:
    """Weight of the instance loss in the distributional one: (ρN − 1)/(N − 1), ρ for N = ∞ (theorem F2).

    ρ is the probability that a random row of one batch and a random row of the other show the same point. The order of
    the rows does not matter. Of batches of n and m rows:

    - h points in both: ρ = h/(nm); row-matched with a share p of matched rows, m = n: ρ = p/n;
    - independent batches from one paired set of N points: ρ = 1/N;
    - batches of disjoint points: ρ = 0.

    With `n_points` = ∞ the result refers to the laws that the points are drawn from, N of them or however many. With a
    finite N it refers to the empirical laws of this one set, on which a training run minimises: there disjoint halves
    drawn anew contain an instance loss of weight −1/(N − 1), and independent batches none (but the distance of the two
    empirical laws itself is that of row-matched batches of N).

    Raises
    ------
    ValueError
        If ρ is not in [0, 1] or N is below 2.

    Examples
    --------
    >>> instance_weight(1 / 256), instance_weight(1 / 256, 256), instance_weight(0.0, 256) == -1 / 255
    (0.00390625, 0.0, True)
    """
    if not 0 <= coincidence <= 1:
        raise ValueError(f"the coincidence is {coincidence}; pass a probability between 0 and 1")
    if not n_points > 1:
        raise ValueError(f"the set has {n_points} points; pass at least 2, or inf for a law")
    return coincidence - (1 - coincidence) / (n_points - 1)


def leak(phi_p: ArrayLike, phi_q: ArrayLike, joint: ArrayLike, grid: TGrid, weight: float) -> np.ndarray:
    """What shared points add to the expected distance: weight · ∫ [E|e^{itX} − e^{itY}|² − (2 − 2Re φ_Pφ_Q*)] w dt.

    The difference of the instance losses of matched and of unmatched rows, so that a positive weight rewards matching;
    in the plug-in and in the unbiased form alike (theorem F2).

    Parameters
    ----------
    phi_p, phi_q
        Characteristic functions of X and Y on the grid, complex [T] or [T, S] for S slices.
    joint
        E exp(it(X − Y)) of matched rows, of the same shape.
    grid
        T nodes and weights.
    weight
        Of the instance loss, see `instance_weight`.

    Returns
    -------
    array
        0-d or [S].

    Examples
    --------
    >>> phi, grid = np.array([0.5]), TGrid([1.0], [1.0])
    >>> float(leak(phi, phi, [1.0], grid, 0.1)) == -0.1 * (2 - 2 * 0.25)
    True
    """
    P, Q, J = (np.asarray(phi) for phi in (phi_p, phi_q, joint))
    return np.tensordot(grid.weights, 2 * weight * np.real(P * np.conj(Q) - J), axes=1)


def expected_distance(
    phi_p: ArrayLike,
    phi_q: ArrayLike,
    grid: TGrid,
    n: float,
    m: float,
    joint: ArrayLike | None = None,
    coincidence: float = 0.0,
    n_points: float = inf,
    unbiased: bool = False,
) -> np.ndarray:
    """Expected `theory.discrepancy.ecf_distance` of batches that may share points (theorem F2).

    ∫ {|φ_P − φ_Q|² + a_n(1 − |φ_P|²) + a_m(1 − |φ_Q|²)} w dt + `leak`, with a_n = `instance_weight`(1/n, N) for the
    plug-in form and a = `instance_weight`(0, N) for the unbiased one. For row-matched batches of n it is
    (1 − 1/n)|φ_P − φ_Q|² + (1/n)[p·E|e^{itX} − e^{itY}|² + (1 − p)(2 − 2Re φ_Pφ_Q*)]: with p = 1 an instance loss of
    weight 1/n.

    Parameters
    ----------
    phi_p, phi_q, joint
        As in `leak`; of the laws, or of the empirical laws of the set if `n_points` is finite. `joint` may be left out
        for disjoint points of laws.
    grid
        T nodes and weights.
    n, m
        Rows of the two batches, each drawn without repetition; inf for a law that is known.
    coincidence, n_points
        As in `instance_weight`.
    unbiased
        The U-statistic in place of the V-statistic.

    Returns
    -------
    array
        0-d or [S].

    Raises
    ------
    ValueError
        Too few rows (none, or one if unbiased), more rows than points, or shared points without `joint`.

    Examples
    --------
    >>> phi, grid = np.array([0.5]), TGrid([1.0], [1.0])
    >>> float(expected_distance(phi, phi, grid, 4, 4)), float(expected_distance(phi, phi, grid, 4, 4, [1.0], 1 / 4))
    (0.375, 0.0)
    """
    P, Q = np.asarray(phi_p), np.asarray(phi_q)
    if max(n, m) > n_points and n_points < inf:
        raise ValueError(f"batches of {n} and {m} rows from {n_points} points; draw at most as many as there are")
    within = [1 / _size(size, 1 + unbiased) for size in (n, m)]
    a, b = (instance_weight(0.0 if unbiased else share, n_points) for share in within)
    integrand = np.abs(P - Q) ** 2 + a * (1 - np.abs(P) ** 2) + b * (1 - np.abs(Q) ** 2)
    distance = np.tensordot(grid.weights, integrand, axes=1)
    if joint is not None:
        return distance + leak(P, Q, joint, grid, instance_weight(coincidence, n_points))
    if coincidence > 0 or n_points < inf:
        raise ValueError("shared points leak; pass joint = E exp(it(X − Y)) of matched rows")
    return distance


def _size(n: float, least: int = 1) -> float:
    if not n >= least:
        raise ValueError(f"a batch has {n} rows; pass at least {least}")
    return n
