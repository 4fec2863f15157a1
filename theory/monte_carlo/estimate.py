"""A mean by simulation, with the interval that a closed form has to lie in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Half-width of the interval in standard errors: a true closed form leaves it once in 16 000 (Gaussian means).
WIDTH = 4.0


@dataclass(frozen=True)
class Estimate:
    """Mean of independent draws.

    Attributes
    ----------
    mean, error
        Of the draws, and its standard error.
    draws
        Their number.

    Examples
    --------
    >>> e = Estimate(1.0, 0.1, 100)
    >>> e.low, e.high, e.contains(1.3), e.contains(1.5)
    (0.6, 1.4, True, False)
    """

    mean: float
    error: float
    draws: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - WIDTH * self.error

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + WIDTH * self.error

    def contains(self, value: float) -> bool:
        """Whether a value lies in the interval."""
        return self.low <= value <= self.high


def estimate(draw: Callable[[np.random.Generator], float], draws: int, rng: np.random.Generator) -> Estimate:
    """Mean of a random number over independent draws.

    Parameters
    ----------
    draw
        One number from a generator.
    draws
        At least 2.
    rng
        Passed on.

    Raises
    ------
    ValueError
        Fewer than two draws.

    Examples
    --------
    >>> estimate(lambda rng: rng.normal(2.0), 1000, np.random.default_rng(0)).contains(2.0)
    True
    """
    if draws < 2:
        raise ValueError(f"{draws} draws have no standard error; take at least 2")
    values = np.array([draw(rng) for _ in range(draws)])
    return of_sample(values)


def of_sample(values: np.ndarray) -> Estimate:
    """Mean of drawn values [draws].

    Examples
    --------
    >>> of_sample(np.array([0.0, 2.0]))
    Estimate(mean=1.0, error=1.0, draws=2)
    """
    return Estimate(float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5), len(values))
