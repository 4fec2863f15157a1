"""Independent sources of given laws: which laws are symmetric, which have atoms, and how to draw them."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np


class Law(NamedTuple):
    """A law on the line, centred and of variance 1.

    Attributes
    ----------
    symmetric
        Whether −s has the law of s.
    draw
        From a generator and n, n independent values.
    upper
        Weight of the upper one of two atoms; nan for a law without atoms.

    Examples
    --------
    >>> LAWS["exponential"].symmetric, LAWS["exponential"].draw(np.random.default_rng(0), 3).shape
    (False, (3,))
    """

    symmetric: bool
    draw: Callable[[np.random.Generator, int], np.ndarray]
    upper: float = float("nan")


def _gamma(shape: float) -> Law:
    return Law(False, lambda rng, n: (rng.standard_gamma(shape, n) - shape) / sqrt(shape))


# Six are asymmetric. "two-point" is −1 (2/3), 2 (1/3), divided by √2; "rare" is −1/3 (9/10), 3 (1/10).
LAWS = {
    "gaussian": Law(True, lambda rng, n: rng.standard_normal(n)),
    "uniform": Law(True, lambda rng, n: rng.uniform(-sqrt(3), sqrt(3), n)),
    "laplace": Law(True, lambda rng, n: rng.laplace(scale=sqrt(0.5), size=n)),
    "exponential": Law(False, lambda rng, n: rng.standard_exponential(n) - 1),
    "chi-square": _gamma(1 / 2),
    "gamma-2": _gamma(2),
    "gamma-4": _gamma(4),
    "two-point": Law(False, lambda rng, n: np.where(rng.random(n) < 1 / 3, 2.0, -1.0) / sqrt(2), 1 / 3),
    "rare": Law(False, lambda rng, n: np.where(rng.random(n) < 1 / 10, 3.0, -1 / 3), 1 / 10),
}


def check_laws(laws: Sequence[str]) -> tuple[str, ...]:
    """Return the laws as a tuple, or raise ValueError if there are none or one is unknown.

    Examples
    --------
    >>> check_laws(["laplace"])
    ('laplace',)
    """
    if isinstance(laws, str) or not len(laws):
        raise ValueError(f"laws are {laws!r}; pass a list with the law of each source")
    if unknown := [law for law in laws if law.removeprefix("-") not in LAWS]:
        raise ValueError(f"unknown law {unknown[0]!r}; use one of {', '.join(LAWS)}, or one with a leading minus")
    return tuple(laws)


def draw_sources(laws: Sequence[str], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw [n, d] independent sources: centred, of variance 1, one law per column.

    Parameters
    ----------
    laws
        d names from LAWS, with a leading minus for the law of −s.

    Examples
    --------
    >>> draw_sources(["-exponential", "uniform"], 3, np.random.default_rng(0)).max() < sqrt(3)
    np.True_
    """
    columns = [(-1 if law.startswith("-") else 1) * LAWS[law.removeprefix("-")].draw(rng, n) for law in laws]
    return np.stack(columns, axis=1)
