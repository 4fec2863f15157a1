"""Distances between empirical laws by their sliced characteristic functions.

One slice costs ``∫ |φ̂_a(t) − φ̂_b(t)|² w(t) dt`` (Epps & Pulley, 1983, put a normal law on one side). It is a squared
maximum mean discrepancy, whose kernel and whose quadratic-time form are in `theory.mmd`. The functions take real arrays
of any array-API namespace and are differentiable where the namespace is.
"""

from functools import singledispatch
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from theory.quadrature import TGrid, t_grid

__all__ = [
    "TGrid",
    "active_axes",
    "as_sample",
    "canonical_ecf",
    "distance_from_ecf",
    "ecf",
    "ecf_distance",
    "mean_over_active",
    "plugin_bias",
    "project",
    "random_slices",
    "sliced_ecf",
    "t_grid",
]

Array = Any


@singledispatch
def ecf(values: Array, nodes: Array) -> Array:
    """Empirical characteristic function ``φ̂(t) = mean_j exp(i t values[j])`` of each column.

    Faster or sparse forms register by the type of ``values``; ``ecf.dispatch(object)`` stays this reference.

    Parameters
    ----------
    values
        Sample [n, S], one column per slice.
    nodes
        The T values of t, in 1 / (units of the data).

    Returns
    -------
    array
        Complex [T, S]. One node is done at a time: O(n·S) working memory.

    Examples
    --------
    >>> ecf(np.array([[1.0], [-1.0]]), [0.0, np.pi]).real
    array([[ 1.],
           [-1.]])

    """
    values = as_sample(values)
    xp = array_namespace(values)
    nodes = [float(t) for t in nodes]
    cos = xp.stack([xp.mean(xp.cos(t * values), axis=0) for t in nodes])
    sin = xp.stack([xp.mean(xp.sin(t * values), axis=0) for t in nodes])
    return cos + 1j * sin


def distance_from_ecf(phi_a: Array, phi_b: Array, n: int, m: int, grid: TGrid, unbiased: bool = False) -> Array:
    """Distance of two laws from their empirical characteristic functions on the grid.

    The V-statistic is ``∫ |φ̂_a − φ̂_b|² w dt``. The U-statistic is
    ``∫ [(n|φ̂_a|² − 1)/(n − 1) + (m|φ̂_b|² − 1)/(m − 1) − 2 Re φ̂_a φ̂_b*] w dt``: for two independent samples its mean is
    ``∫ |φ_P − φ_Q|² w dt``, so it must be negative at times.

    Parameters
    ----------
    phi_a, phi_b
        Complex [T, S].
    n, m
        Sample sizes behind them; at least 2 if unbiased.
    grid
        T nodes and weights.
    unbiased
        The U-statistic in place of the V-statistic.

    Returns
    -------
    array
        Real [S].

    Raises
    ------
    ValueError
        Unbiased, with a single row on a side.

    Examples
    --------
    >>> one = np.ones((17, 1))
    >>> float(distance_from_ecf(one + 0j, 0j * one, 4, 4, t_grid())[0]) == t_grid().mass
    True

    """
    xp = array_namespace(phi_a, phi_b)
    re_a, im_a, re_b, im_b = xp.real(phi_a), xp.imag(phi_a), xp.real(phi_b), xp.imag(phi_b)
    if not unbiased:
        return _integrate((re_a - re_b) ** 2 + (im_a - im_b) ** 2, grid)
    if min(n, m) < 2:
        raise ValueError(f"the unbiased distance needs at least 2 rows on each side, not {n} and {m}")
    within_a, within_b = re_a**2 + im_a**2, re_b**2 + im_b**2
    between = re_a * re_b + im_a * im_b
    return _integrate((n * within_a - 1) / (n - 1) + (m * within_b - 1) / (m - 1) - 2 * between, grid)


def ecf_distance(a: Array, b: Array, grid: TGrid, unbiased: bool = False) -> Array:
    """Distance of the laws of each column of a and of b: one slice of eqs. (22)–(25).

    The rows of a and b need not correspond. Where they show the same points, an instance loss of weight 1/n leaks in
    (F2): neither form is then an estimate of the distance of the laws.

    Parameters
    ----------
    a, b
        Samples [n, S] and [m, S].
    grid
        Nodes and weights of the t-integral.
    unbiased
        U-statistic in place of the V-statistic, see `distance_from_ecf`.

    Returns
    -------
    array
        Real [S]; time O((n + m)·S·T), working memory O((n + m)·S).

    Raises
    ------
    ValueError
        Samples that are not 2-D, are empty or differ in S; unbiased with a single row.

    Examples
    --------
    >>> a, b = np.array([[0.0]]), np.array([[1.0]])
    >>> nodes, weights = np.polynomial.legendre.leggauss(20)
    >>> on_unit_interval = TGrid((nodes + 1) / 2, weights / 2)  # w = 1 on [0, 1]
    >>> bool(abs(ecf_distance(a, b, on_unit_interval)[0] - (2 - 2 * np.sin(1))) < 1e-12)
    True

    """
    a, b = as_sample(a), as_sample(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"both samples need the same number of columns, not {a.shape[1]} and {b.shape[1]}")
    phi_a, phi_b = ecf(a, grid.nodes), ecf(b, grid.nodes)
    return distance_from_ecf(phi_a, phi_b, a.shape[0], b.shape[0], grid, unbiased)


def sliced_ecf(a: Array, b: Array, slices: Array | None, grid: TGrid, unbiased: bool = False) -> Array:
    """Mean over directions of the distance of the projected samples, eqs. (23)–(24).

    Parameters
    ----------
    a, b
        Samples [n, d] and [m, d].
    slices
        Unit columns [d, S]; None compares the columns of a and b as they are (all canonical axes).
    grid, unbiased
        As in `ecf_distance`, which also names the errors.

    Returns
    -------
    array
        0-d; zero when there is no direction.

    Examples
    --------
    >>> a, slices = np.eye(2), random_slices(np.random.default_rng(0), 2, 8)
    >>> float(sliced_ecf(a, a[::-1], slices, t_grid())), bool(sliced_ecf(a, -a, slices, t_grid()) > 0)
    (0.0, True)

    """
    if slices is not None:
        a, b = project(a, slices), project(b, slices)
    distances = ecf_distance(a, b, grid, unbiased)
    return array_namespace(distances).sum(distances) / max(distances.shape[0], 1)


def random_slices(rng: np.random.Generator, d: int, count: int) -> np.ndarray:
    """Draw ``count`` independent uniform unit directions of R^d, as the columns of a float64 array [d, count].

    Examples
    --------
    >>> slices = random_slices(np.random.default_rng(0), 3, 5)
    >>> bool(np.allclose(np.linalg.norm(slices, axis=0), 1)), slices.shape
    (True, (3, 5))

    """
    if min(d, count) < 1:
        raise ValueError(f"slices need d ≥ 1 and count ≥ 1, not d={d}, count={count}")
    directions = rng.standard_normal((d, count))
    return directions / np.linalg.norm(directions, axis=0)


def active_axes(a: Array, b: Array) -> Array:
    """Boolean mask [K] of the atoms that are not identically zero in a [n, K] or in b [m, K]: the union.

    The atoms active on one side alone would not do: a side that uses further atoms would go unseen.

    Examples
    --------
    >>> active_axes(np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 0.0, 2.0]]))
    array([ True, False,  True])

    """
    xp = array_namespace(a, b)
    return xp.any(a != 0, axis=0) | xp.any(b != 0, axis=0)


@singledispatch
def canonical_ecf(a: Array, b: Array, grid: TGrid, unbiased: bool = False) -> Array:
    """Mean distance over the axes of the atoms active on either side, eq. (25); zero when none is active.

    Sparse codes register a form of their own by the type of ``a``.

    It compares marginals only: laws that differ in their dependence alone are at distance zero (see the example).

    Parameters
    ----------
    a, b
        Codes [n, K] and [m, K].
    grid, unbiased
        As in `ecf_distance`, which also names the errors.

    Returns
    -------
    array
        0-d.

    Examples
    --------
    >>> equal, opposite = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> float(canonical_ecf(equal, opposite, t_grid()))
    0.0

    """
    a, b = as_sample(a), as_sample(b)
    active = active_axes(a, b)
    # On an axis that is zero on both sides the distance is zero, so that only the count needs to know which are active.
    return mean_over_active(ecf_distance(a, b, grid, unbiased), active)


def mean_over_active(distances: Array, active: Array) -> Array:
    """Mean of the distances [K] over the active atoms (boolean [K]), the others being zero; zero when none is active.

    Examples
    --------
    >>> float(mean_over_active(np.array([3.0, 0.0, 1.0]), np.array([True, False, True])))
    2.0

    """
    xp = array_namespace(distances)
    count = xp.sum(xp.astype(active, distances.dtype))
    return xp.sum(distances) / xp.where(count > 0, count, xp.ones_like(count))


def plugin_bias(phi_p: Array, phi_q: Array, n: int, m: int, grid: TGrid) -> Array:
    """Bias of the V-statistic: ``(1/n) ∫ (1 − |φ_P|²) w dt + (1/m) ∫ (1 − |φ_Q|²) w dt``.

    Parameters
    ----------
    phi_p, phi_q
        Characteristic functions of the two laws on the grid, [T] or [T, S].
    n, m
        Sizes of two independent samples of independent rows; rows that both share break the formula (F2).
    grid
        T nodes and weights.

    Returns
    -------
    array
        0-d or [S].

    Examples
    --------
    >>> grid = t_grid()
    >>> bool(abs(plugin_bias(np.ones(17), np.zeros(17), 4, 2, grid) - grid.mass / 2) < 1e-15)  # a point mass adds none
    True

    """
    xp = array_namespace(phi_p, phi_q)
    return _integrate((1 - xp.abs(phi_p) ** 2) / n + (1 - xp.abs(phi_q) ** 2) / m, grid)


def as_sample(x: Array) -> Array:
    """Return x [n, d] in a real floating dtype, its own if it has one; ValueError unless it is real, 2-D and n ≥ 1.

    Examples
    --------
    >>> as_sample(np.array([[1, 2]])).dtype
    dtype('float64')
    """
    if x.ndim != 2 or x.shape[0] < 1:
        raise ValueError(f"a sample must be a 2-D array with at least 1 row, not of shape {tuple(x.shape)}")
    xp = array_namespace(x)
    if xp.isdtype(x.dtype, "complex floating"):
        raise ValueError(f"a sample must be real, not {x.dtype}")
    return x if xp.isdtype(x.dtype, "real floating") else xp.astype(x, xp.float64)


def project(x: Array, slices: Array) -> Array:
    """Project the rows of x [n, d] on the columns of slices [d, S], in the dtype and on the device of x.

    Examples
    --------
    >>> project(np.array([[3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [[3.0, 4.0]]
    """
    x = as_sample(x)
    xp = array_namespace(x)
    if isinstance(slices, np.ndarray):
        slices = xp.asarray(slices, dtype=x.dtype, device=device(x))
    slices = xp.astype(slices, x.dtype, copy=False)
    if slices.ndim != 2 or slices.shape[0] != x.shape[1]:
        raise ValueError(f"slices must be of shape ({x.shape[1]}, S), not {tuple(slices.shape)}")
    return x @ slices


def _integrate(integrand: Array, grid: TGrid) -> Array:
    xp = array_namespace(integrand)
    weights = grid.weights.copy()  # torch takes no read-only array
    weights = xp.asarray(weights, dtype=integrand.dtype, device=device(integrand))
    return xp.tensordot(weights, integrand, axes=1)
