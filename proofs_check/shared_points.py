"""Every pair of batches that a small law or set can give, and their mean loss without rounding."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, product

import numpy as np

Points = Sequence[tuple[int, int]]
Batches = Sequence[tuple[Sequence[int], Sequence[int]]]

SAMPLINGS = ("independent", "disjoint", "aligned")
POWERS = np.array([1, 1j, -1, -1j])


def from_law(K: int, n: int, m: int, h: int) -> Batches:
    """All draws of n and m of K equally likely points, the last h of the first batch the first h of the second.

    Examples
    --------
    >>> from_law(2, 1, 1, 1)
    [((0,), (0,)), ((1,), (1,))]
    """
    return [(draw[:n], draw[n - h :]) for draw in product(range(K), repeat=n + m - h)]


def from_set(sampling: str, N: int, n: int, m: int) -> Batches:
    """All pairs of batches of n and m of N points, no point twice in one of them.

    Examples
    --------
    >>> [len(from_set(sampling, 4, 2, 2)) for sampling in SAMPLINGS]
    [36, 6, 6]
    """
    pairs = product(combinations(range(N), n), combinations(range(N), m))
    allowed = {
        "independent": lambda a, b: True,
        "disjoint": lambda a, b: not {*a} & {*b},
        "aligned": lambda a, b: a == b,
    }
    return [(a, b) for a, b in pairs if allowed[sampling](a, b)]


def coincidence(batches: Batches) -> Fraction:
    """Share of pairs of rows, one of each batch, that show the same point.

    Examples
    --------
    >>> coincidence(from_set("independent", 4, 2, 2)), coincidence(from_set("aligned", 4, 2, 2))
    (Fraction(1, 4), Fraction(1, 2))
    """
    rows = [i == j for a, b in batches for i, j in product(a, b)]
    return Fraction(sum(rows), len(rows))


def once(batches: Batches) -> bool:
    """Whether no point is twice in one batch.

    Examples
    --------
    >>> once(from_set("independent", 4, 2, 2)), once(from_law(2, 2, 1, 0))
    (True, False)
    """
    return all(len({*side}) == len(side) for pair in batches for side in pair)


def alike(batches: Batches, N: int) -> bool:
    """Whether all of N points are equally frequent in pairs of rows, and so are all pairs of different points.

    Examples
    --------
    >>> alike([((0,), (1,))], 2), alike([((0,), (1,)), ((1,), (0,))], 2)
    (False, True)
    """
    found = Counter(rows for a, b in batches for rows in product(a, b))
    same, different = (
        {found[i, j] for i, j in product(range(N), repeat=2) if (i == j) == equal} for equal in (True, False)
    )
    return len(same) == len(different) == 1


def mean_loss(points: Points, batches: Batches, unbiased: bool = False) -> tuple[Fraction, tuple[Fraction, ...]]:
    """Mean characteristic-function loss at t = π/2 over batches, and what it depends on.

    Parameters
    ----------
    points
        Whole numbers (x, y), so that exp(itx) is a power of i.
    batches
        Equally likely pairs of rows of `points`, x of the first and y of the second.
    unbiased
        The U-statistic in place of the V-statistic.

    Returns
    -------
    The mean, and |φ_P|², |φ_Q|², Re φ_Pφ_Q* and Re E exp(it(X − Y)) of the uniform law on the points.

    Examples
    --------
    >>> mean_loss([(0, 0), (2, 2)], from_set("disjoint", 2, 1, 1))[0]
    Fraction(4, 1)
    """
    x, y = POWERS[np.array(points).T % 4]
    losses = [_loss(x[list(a)], y[list(b)], unbiased) for a, b in batches]
    matched = Fraction(int((x * y.conj()).sum().real), len(x))
    return sum(losses, Fraction(0)) / len(losses), (_inner(x, x), _inner(y, y), _inner(x, y), matched)


def _inner(a: np.ndarray, b: np.ndarray) -> Fraction:
    """Re of the mean of a times the conjugate mean of b; sums of powers of i are whole numbers."""
    return Fraction(int((a.sum() * b.sum().conjugate()).real), len(a) * len(b))


def _loss(a: np.ndarray, b: np.ndarray, unbiased: bool) -> Fraction:
    within = [_inner(s, s) for s in (a, b)]
    if unbiased:
        within = [(len(s) * v - 1) / (len(s) - 1) for s, v in zip((a, b), within, strict=True)]
    return sum(within, Fraction(0)) - 2 * _inner(a, b)
