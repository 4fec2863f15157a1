"""How much of a wrong rotation random slices see in high dimension, and how many rows it takes (theorem F3).

Rows of independent, identically distributed, centred components of variance 1 are compared with the same law turned by
a Haar-distributed rotation: along a uniform slice u, φ(tu) meets φ(tu′) with u′ uniform and independent of u. Both
nearly are exp(−t²/2); what differs is of order skewness²/d² or kurtosis²/d³, against a noise of order 1/n.

The signal is known to leading order in 1/d, or to the next order where the fifth and sixth cumulants are given; use
them for d ≥ 64. The noise is exact for normal rows.
"""

from collections.abc import Mapping, Sequence
from math import factorial, inf

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import factorial2, ndtr, ndtri

from theory.quadrature import TGrid, t_grid

GRID = t_grid()
# Third to sixth cumulants of the laws that are drawn by these names in theory.ambiguity.sources.
CUMULANTS: Mapping[str, tuple[float, float, float, float]] = {
    "gaussian": (0.0, 0.0, 0.0, 0.0),
    "uniform": (0.0, -6 / 5, 0.0, 48 / 7),
    "laplace": (0.0, 3.0, 0.0, 30.0),
    "exponential": (2.0, 6.0, 24.0, 120.0),
    "two-point": (0.5**0.5, -3 / 2, -15 / 8**0.5, 21 / 4),
}


def squared_difference(
    t: ArrayLike, d: ArrayLike, skewness: float, kurtosis: float, higher: Sequence[float] | None = None
) -> np.ndarray:
    """E|φ(tu) − φ(tu′)|² over independent uniform directions of R^d, to leading order in 1/d and in t.

    γ²t⁶e^{−t²}/36 · 30/((d+2)(d+4)) + κ²t⁸e^{−t²}/576 · 48(d−1)/((d+2)²(d+4)(d+6)), with a relative error O(1/d): of a
    skewed law the second term is one of several such errors. The next order, with a relative error O(1/d²), adds the
    fifth and sixth cumulants and a factor exp(κt⁴/(4(d+2))). In t, both are exact up to a relative error O(t²), O(t⁴).

    Parameters
    ----------
    t, d
        Arrays that broadcast; d ≥ 1.
    skewness, kurtosis
        γ and excess kurtosis κ of one component.
    higher
        Fifth and sixth cumulants of one component, for the next order.

    Raises
    ------
    ValueError
        If d < 1.

    Examples
    --------
    >>> f"{squared_difference(1.0, 512, 0.0, 3.0):.2e}, {squared_difference(1.0, 512, 2.0, 6.0):.2e}"
    '2.00e-09, 4.63e-06'
    """
    t, d = np.asarray(t, dtype=np.float64), _at_least(1, d, "d")
    cumulants = dict(enumerate((skewness, kurtosis, *(higher or ())), start=3))
    # log φ(tu) = −t²/2 + Σ_k c_k Σ_i u_i^k, and φ varies like its logarithm: with odd c_k imaginary, even ones real.
    c = {k: (1j) ** k * value / factorial(k) for k, value in cumulants.items()}
    terms = [np.real(c[j] * np.conj(c[k])) * t ** (j + k) * _covariance(j, k, d) for j in c for k in c]
    damping = np.exp(-(t**2)) if higher is None else np.exp(-(t**2) + 2 * np.real(c[4]) * t**4 * _mean(4, d))
    return 2 * damping * sum(terms)


def expected_signal(
    d: ArrayLike, skewness: float, kurtosis: float, grid: TGrid = GRID, higher: Sequence[float] | None = None
) -> np.ndarray:
    """∫ `squared_difference` w dt: mean of the unbiased sliced distance from the law turned by a random rotation.

    Parameters
    ----------
    d
        Dimensions, of any shape, which is that of the result.
    skewness, kurtosis, higher
        As in `squared_difference`, which also names the orders and the errors.
    grid
        Nodes and weights of the t-integral.

    Examples
    --------
    >>> near, far = expected_signal([512, 1024], 0, 3)
    >>> f"{near / far:.2f}, nearly {2**3}"
    '7.88, nearly 8'
    """
    d = np.asarray(d, dtype=np.float64)[..., None]
    return squared_difference(grid.nodes, d, skewness, kurtosis, higher) @ grid.weights


def null_variance(
    d: ArrayLike, n: ArrayLike, slices: ArrayLike, grid: TGrid = GRID, m: ArrayLike | None = None
) -> np.ndarray:
    """Variance of the unbiased sliced distance of two samples of one normal law N(0, 1_d): the noise, of mean 0.

    [2/(n(n−1)) + 2/(m(m−1)) + 4/(nm)] · [v(1)/S + (1 − 1/S) E v(ρ)], where ρ = ⟨u, u′⟩ of two independent slices and
    v(ρ) = ∬ e^{−t²−s²}(cosh 2ρts − 2cosh ρts + 1) w(t)w(s) dt ds = ρ²(∫t²e^{−t²}w dt)² + O(ρ⁴). Slices share rows, so
    that more of them leave a floor E v(ρ) ≈ (∫t²e^{−t²}w dt)²/d, the noise of the covariance. Exact for normal rows;
    for other ones with independent components the projections are normal up to a relative error O(1/d).

    Parameters
    ----------
    d, n, slices
        Dimension ≥ 1, rows ≥ 2, and number S ≥ 1 of independent uniform slices, which may be inf; they broadcast.
    grid
        Nodes and weights of the t-integral.
    m
        Rows of the second sample; n by default.

    Raises
    ------
    ValueError
        If one of them is too small.

    Examples
    --------
    >>> one, many = null_variance(256, 1024, 1), null_variance(256, 1024, inf)
    >>> bool(300 < one / many < 600)
    True
    """
    n = _at_least(2, n, "n")
    m = n if m is None else _at_least(2, m, "m")
    return (2 / (n * (n - 1)) + 2 / (m * (m - 1)) + 4 / (n * m)) * _kernel_variance(d, slices, grid)


def power(
    d: ArrayLike,
    n: ArrayLike,
    slices: ArrayLike,
    skewness: float,
    kurtosis: float,
    level: float = 0.05,
    grid: TGrid = GRID,
    higher: Sequence[float] | None = None,
) -> np.ndarray:
    """Power of the one-sided sliced test of equal laws, n rows against n rows of the randomly rotated law.

    Φ(signal/noise − z) with `expected_signal`, the root of `null_variance` and z the normal quantile of 1 − level:
    the statistic as normal, with one variance under both laws. That wants many slices (S ≥ 32), d ≥ 64 and n ≥ 64,
    where the test rejects 6 % of equal laws at a level of 5 % (simulated).

    Parameters
    ----------
    d, n, slices
        As in `null_variance`; arrays give an array, a list of d a curve.
    skewness, kurtosis, higher
        As in `squared_difference`.
    level
        Of the test, between 0 and 1.
    grid
        Nodes and weights of the t-integral.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> power([64, 256, 1024], 2048, 256, *CUMULANTS["exponential"][:2]).round(2)
    array([1.  , 0.14, 0.05])
    """
    ratio = expected_signal(d, skewness, kurtosis, grid, higher) / np.sqrt(null_variance(d, n, slices, grid))
    return ndtr(ratio - threshold(level))


def threshold(level: float = 0.05) -> float:
    """Signal over noise above which the test rejects: the normal quantile of 1 − level.

    Raises
    ------
    ValueError
        If the level is not between 0 and 1.

    Examples
    --------
    >>> round(threshold(0.05), 3)
    1.645
    """
    if not 0 < level < 1:
        raise ValueError(f"the level of a test is between 0 and 1, not {level}")
    return float(ndtri(1 - level))


def rows_needed(
    d: ArrayLike,
    skewness: float,
    kurtosis: float,
    slices: ArrayLike = inf,
    grid: TGrid = GRID,
    higher: Sequence[float] | None = None,
    ratio: float = 1.0,
) -> np.ndarray:
    """Rows n in each sample at which the signal is `ratio` times the noise: n = ratio·√(8v)/signal up to O(1).

    v is the second bracket of `null_variance`. With S slices, n ∝ d²/γ² of a skewed and d³/κ² of a symmetric law while
    S ≪ d; with S ≫ d, n ∝ d^{3/2}/γ² and d^{5/2}/κ². Leading order, d ≥ 64.

    Parameters
    ----------
    d, slices
        As in `null_variance`.
    skewness, kurtosis, higher
        As in `squared_difference`.
    grid
        Nodes and weights of the t-integral.
    ratio
        Of signal to noise: z_{1−level} + z_{power} for a test, 2.93 for a power of 90 % at a level of 5 %.

    Returns
    -------
    array
        Floats; inf where there is no signal (a normal law).

    Examples
    --------
    >>> [f"{float(rows_needed(768, *CUMULANTS[law][:2])):.1e}" for law in ("exponential", "laplace", "gaussian")]
    ['1.1e+04', '1.6e+07', 'inf']
    """
    # n² times the first bracket of the variance tends to 8.
    noise = np.sqrt(8 * _kernel_variance(d, slices, grid))
    with np.errstate(divide="ignore"):
        return ratio * noise / expected_signal(d, skewness, kurtosis, grid, higher)


def _mean(k: int, d: np.ndarray) -> np.ndarray:
    """E Σ_i u_i^k of a uniform direction u of R^d."""
    return np.zeros_like(d) if k % 2 else d * factorial2(k - 1) / _rising(k, d)


def _covariance(j: int, k: int, d: np.ndarray) -> np.ndarray:
    """Covariance of Σ_i u_i^j and Σ_i u_i^k."""
    if (j + k) % 2:
        return np.zeros_like(d)
    apart = 0.0 if j % 2 else factorial2(j - 1) * factorial2(k - 1)
    square = (d * factorial2(j + k - 1) + d * (d - 1) * apart) / _rising(j + k, d)
    return square - _mean(j, d) * _mean(k, d)


def _rising(k: int, d: np.ndarray) -> np.ndarray:
    """E‖g‖^k = d(d+2)…(d+k−2) of g ~ N(0, 1_d): E u^a = E g^a / E‖g‖^k for a monomial of even degree k."""
    return np.prod([d + 2.0 * j for j in range(k // 2)], axis=0)


def _kernel_variance(d: ArrayLike, slices: ArrayLike, grid: TGrid) -> np.ndarray:
    """Second moment of the centred kernel averaged over the slices: v(1)/S + (1 − 1/S) E v(ρ)."""
    S = _at_least(1, slices, "slices")
    return _slices_variance(np.ones(()), grid) / S + (1 - 1 / S) * _slices_variance(_at_least(1, d, "d"), grid)


def _slices_variance(d: np.ndarray, grid: TGrid) -> np.ndarray:
    """E v(ρ) of two independent slices of R^d, by its series in ρ²; in R^1 they are one slice.

    Σ_k (4^k − 2)/(2k)! E ρ^{2k} (∫t^{2k}e^{−t²}w dt)² with E ρ^{2k} = (2k)!/(2^k k! d(d+2)…(d+2k−2)): no cancellation.
    """
    square = grid.nodes**2
    root, total = np.exp(-square), np.zeros(d.shape)
    for k in range(1, 20 + int(8 * square.max())):
        root = root * 2 * square / np.sqrt((d[..., None] + 2 * k - 2) * 2 * k)
        total = total + (1 - 2 / 4**k) * (root @ grid.weights) ** 2
    return total


def _at_least(least: int, values: ArrayLike, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if not (values >= least).all():
        raise ValueError(f"{name} is {values}; pass at least {least}")
    return values
