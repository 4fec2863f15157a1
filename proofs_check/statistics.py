"""Means over seeds: the t-interval, the test that a mean lies within limits, and Holm's correction of p-values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

ALPHA = 0.05


@dataclass(frozen=True)
class Interval:
    """Mean of `n` values with the limits of its confidence interval; one value alone leaves it unbounded.

    Examples
    --------
    >>> print(Interval(mean=0.5, low=0.25, high=0.75, n=3))
    0.5 [0.25, 0.75]
    """

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


def t_interval(values: Sequence[float], level: float = 1 - ALPHA) -> Interval:
    """Student's interval for the mean of independent, roughly normal values.

    Raises
    ------
    ValueError
        No values, or one that is not finite.

    Examples
    --------
    >>> print(t_interval([1.0, 2.0, 3.0]))
    2 [-0.484, 4.48]
    """
    mean, error, n = _moments(values)
    half = float(t.ppf((1 + level) / 2, n - 1)) * error if n > 1 else math.inf
    return Interval(mean, mean - half, mean + half, n)


def p_within(values: Sequence[float], low: float, high: float) -> float:
    """p-value of the hypothesis that the mean lies outside [low, high]; an infinite limit asks for one side only.

    Twice the larger of the two one-sided t-tests: it is ≤ α exactly if the whole interval of level 1 − α lies within.

    Raises
    ------
    ValueError
        No values, or one that is not finite.

    Examples
    --------
    >>> p_within([1.0, 1.1, 0.9], 0.5, math.inf) < 0.05 < p_within([1.0, 1.1, 0.9], 0.95, math.inf)
    True
    """
    mean, error, n = _moments(values)
    if n == 1:
        return 1.0
    if error == 0:
        return 0.0 if low <= mean <= high else 1.0
    return min(1.0, 2 * max(float(t.sf((mean - low) / error, n - 1)), float(t.sf((high - mean) / error, n - 1))))


def holm(pvalues: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979): those ≤ α hold together with error α, however they depend.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(pvalues, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(np.arange(len(p), 0, -1) * p[order]))
    return adjusted.tolist()


def _moments(values: Sequence[float]) -> tuple[float, float, int]:
    """Mean, its standard error, number."""
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or not x.size or not np.isfinite(x).all():
        raise ValueError("a mean over seeds needs one finite number for each seed; leave out no seed and mend the runs")
    return float(x.mean()), float(x.std(ddof=1) / math.sqrt(x.size)) if x.size > 1 else math.inf, x.size
