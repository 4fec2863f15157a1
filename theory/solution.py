"""What every solver returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Solution:
    """A minimiser of one of the closed-form problems, and how far it is determined.

    Codes are z = x W, reconstructions z D, translations x Wx Dy (row vectors, centred data).

    Attributes
    ----------
    problem
        Name of the problem.
    maps
        Encoders W (d×k) and decoders D (k×d) by name.
    optimum
        The minimal loss, squared norms summed over coordinates and averaged over samples.
    rank
        Numerical rank of the data behind the answer (of two domains the smaller): below the dimension where columns
        are constant or dependent, or where n ≤ d.
    spectrum
        The values that decide the optimum, descending; their meaning is the solver's.
    gap
        Distance between the last spectral value taken and the first one left; inf where none is left.
    condition
        Largest over smallest nonzero eigenvalue of the covariances (of two domains the worse).
    unique
        True only if every minimiser is the returned one up to the transforms that `free` names, and the data decide
        so beyond rounding.
    free
        The transforms that leave the loss unchanged and, where the answer is not unique, what else is free.
    stats
        Further numbers, by name.

    Examples
    --------
    >>> from theory.solvers import pca
    >>> found = pca.solve([[4.0, 0.0], [0.0, 1.0]], 1)
    >>> found.optimum, found.gap, found.unique
    (1.0, 3.0, True)
    """

    problem: str
    maps: Mapping[str, np.ndarray]
    optimum: float
    rank: int
    spectrum: np.ndarray
    gap: float
    condition: float
    unique: bool
    free: str
    stats: Mapping[str, float] = field(default_factory=dict)


def gap_at(values: np.ndarray, k: int, beyond: float = 0.0) -> float:
    """values[k−1] − values[k] of a descending spectrum that continues with `beyond` after its last entry.

    Examples
    --------
    >>> gap_at(np.array([3.0, 1.0]), 1), gap_at(np.array([3.0, 1.0]), 2)
    (2.0, 1.0)
    """
    padded = np.append(values, [beyond] * max(1, k + 1 - len(values)))
    return float(padded[k - 1] - padded[k])


def join(*parts: str) -> str:
    """Join the parts of a `free` text, without the empty ones.

    Examples
    --------
    >>> join("Q in O(k)", "", "N with XN = 0")
    'Q in O(k); N with XN = 0'
    """
    return "; ".join(part for part in parts if part)
