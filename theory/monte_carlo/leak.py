"""Characteristic-function losses of drawn batches: their mean, the scale that they prefer (F1), the leak (F2)."""

from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from theory.monte_carlo.estimate import Estimate, of_sample
from theory.quadrature import TGrid

Sampling = Literal["aligned", "independent", "disjoint"]


def shrinkage(n: int, unbiased: bool = False, *, draws: int, rng: np.random.Generator) -> Estimate:
    """Scale c at which drawn batches of n rows of N(0, c²) have the least mean loss against N(0, 1) (theorem F1).

    For w(t) = exp(−t²/2) on the whole line, where ∫ cos(at) w dt = √(2π)exp(−a²/2): the loss is a mean over pairs.

    Parameters
    ----------
    n
        Rows, at least 2.
    unbiased
        The U-statistic in place of the V-statistic.
    draws, rng
        Batches; the minimum over c is that of their mean, with the error of its slope over its curvature.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> plug_in, unbiased = (shrinkage(8, u, draws=4000, rng=rng) for u in (False, True))
    >>> plug_in.contains(0.87438), unbiased.contains(1.0)
    (True, True)
    """
    x = rng.standard_normal((draws, n))
    i, j = np.triu_indices(n, 1)
    apart = (x[:, i] - x[:, j]) ** 2
    share = 2 / (n * (n - 1) if unbiased else n**2)
    x *= x

    def slope(c: float) -> np.ndarray:
        """Derivative in c² of each batch's loss over √(2π)."""
        pairs = -(share / 2) * (apart * np.exp(-c * c * apart / 2)).sum(1)
        return pairs + sqrt(0.5) / (2 * n) * (x * np.exp(-c * c * x / 4)).sum(1)

    best = float(brentq(lambda c: slope(c).mean(), 0.01, 3.0, xtol=1e-6))  # pyright: ignore[reportArgumentType]
    step = 1e-3
    curvature = (slope(best + step).mean() - slope(best - step).mean()) / (2 * step)
    return Estimate(best, float(of_sample(slope(best)).error / curvature), draws)


def expected_scale_loss(
    c: float, n: int, grid: TGrid, unbiased: bool = False, *, draws: int, rng: np.random.Generator
) -> Estimate:
    """Mean loss of n drawn rows of N(0, c²) against the law N(0, 1) (theorem F1).

    Examples
    --------
    >>> grid = TGrid([1.0], [1.0])
    >>> loss = expected_scale_loss(1.0, 8, grid, draws=4000, rng=np.random.default_rng(0))
    >>> loss.contains(0.07901), loss.contains(0.0)  # (1 − 1/e)/8
    (True, False)
    """
    phi, target = _ecf(c * rng.standard_normal((draws, n)), grid), np.exp(-(grid.nodes**2) / 2)
    within = _square(phi)
    if unbiased:
        within = (n * within - 1) / (n - 1)
    return of_sample((within + target**2 - 2 * np.real(phi) * target) @ grid.weights)


def batches(
    sampling: Sampling, n_points: int, n: int, m: int, *, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points of two batches, [draws, n] and [draws, m], no point twice in one batch.

    Parameters
    ----------
    sampling
        "aligned": both show the same points, each in an order of its own (m = n); "independent": each draws from all
        points; "disjoint": no point in both (n + m ≤ N).
    n_points, n, m
        Points N in the set, rows of the batches.
    draws, rng
        Number of pairs of batches, and their generator.

    Raises
    ------
    ValueError
        If the batches cannot be drawn.

    Examples
    --------
    >>> a, b = batches("disjoint", 4, 2, 2, draws=1, rng=np.random.default_rng(0))
    >>> sorted([*a[0].tolist(), *b[0].tolist()])
    [0, 1, 2, 3]
    """
    if max(n, m, n + m if sampling == "disjoint" else 0) > n_points:
        raise ValueError(f"{sampling} batches of {n} and {m} rows from {n_points} points; draw fewer rows")
    if sampling == "aligned" and n != m:
        raise ValueError(f"aligned batches of {n} and {m} rows; they show the same points, so pass m = n")
    order = rng.random((draws, n_points)).argsort(axis=1)
    if sampling == "disjoint":
        return order[:, :n], order[:, n : n + m]
    if sampling == "aligned":
        return order[:, :n], rng.permuted(order[:, :n], axis=1)
    return order[:, :n], rng.random((draws, n_points)).argsort(axis=1)[:, :m]


def expected_distance(
    x: ArrayLike,
    y: ArrayLike,
    grid: TGrid,
    n: int,
    m: int,
    sampling: Sampling,
    unbiased: bool = False,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """Mean loss between n rows of x and m rows of y that are drawn from the paired points (theorem F2).

    Parameters
    ----------
    x, y
        One set of N points [N], or a set of its own for each pair of batches [draws, N], drawn by the caller.
    grid
        T nodes and weights.
    n, m, sampling
        As in `batches`.
    unbiased
        The U-statistic in place of the V-statistic.
    draws, rng
        Number of pairs of batches, at least 2, and their generator.

    Examples
    --------
    >>> x, grid = np.array([0.0, np.pi]), TGrid([1.0], [1.0])
    >>> how = {"draws": 50, "rng": np.random.default_rng(0)}
    >>> [round(expected_distance(x, x, grid, 1, 1, s, **how).mean, 12) for s in ("aligned", "disjoint")]
    [0.0, 4.0]
    """
    x, y = np.atleast_2d(x), np.atleast_2d(y)
    a, b = batches(sampling, x.shape[-1], n, m, draws=draws, rng=rng)
    P = _ecf(np.take_along_axis(np.broadcast_to(x, (draws, x.shape[-1])), a, axis=1), grid)
    Q = _ecf(np.take_along_axis(np.broadcast_to(y, (draws, y.shape[-1])), b, axis=1), grid)
    within = _square(P), _square(Q)
    if unbiased:
        within = (n * within[0] - 1) / (n - 1), (m * within[1] - 1) / (m - 1)
    return of_sample((sum(within) - 2 * np.real(P * Q.conj())) @ grid.weights)


def instance_weight(
    sampling: Sampling, n_points: int, n: int, m: int, drawn: bool = False, *, draws: int, rng: np.random.Generator
) -> Estimate:
    """Weight of the instance loss in the distributional one, by points for which it is all there is (theorem F2).

    With x = y on the circle of angles, at t = 1, φ_P = φ_Q = 0 and matched rows have E exp(it(X − Y)) = 1: the mean of
    Re φ̂_aφ̂_b* is the weight.

    Parameters
    ----------
    sampling, n_points, n, m
        As in `batches`.
    drawn
        The N points are drawn anew from the uniform law of angles, to which the weight then refers; else they are the
        N-th roots of unity, N ≥ 2.
    draws, rng
        Number of pairs of batches, at least 2, and their generator.

    Examples
    --------
    >>> how = {"draws": 2000, "rng": np.random.default_rng(0)}
    >>> instance_weight("disjoint", 4, 2, 2, **how).contains(-1 / 3)
    True
    >>> instance_weight("independent", 4, 2, 2, drawn=True, **how).contains(1 / 4)
    True
    """
    turns = rng.random((draws, n_points)) if drawn else np.arange(n_points)[None] / n_points
    waves = np.exp(2j * np.pi * np.broadcast_to(turns, (draws, n_points)))
    rows = batches(sampling, n_points, n, m, draws=draws, rng=rng)
    P, Q = (np.take_along_axis(waves, r, axis=1).mean(1) for r in rows)
    return of_sample(np.real(P * Q.conj()))


def _ecf(values: np.ndarray, grid: TGrid) -> np.ndarray:
    """Empirical characteristic functions [draws, T] of the rows of values [draws, n]."""
    return np.stack([np.cos(t * values).mean(1) + 1j * np.sin(t * values).mean(1) for t in grid.nodes], axis=1)


def _square(phi: np.ndarray) -> np.ndarray:
    return np.real(phi) ** 2 + np.imag(phi) ** 2
