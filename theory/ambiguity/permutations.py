"""What distribution matching leaves open of sparse concepts, and how many anchors close it (theorem C5).

Sparse concepts are ambiguous up to a permutation. An anchor, a matched pair of rows, separates atoms whose activity
differs on it.
"""

from collections.abc import Callable
from math import comb, exp, log
from operator import index

import numpy as np
from numpy.typing import ArrayLike

from theory.ambiguity.counts import not_negative
from theory.linalg import check_rank


def concept_r_squared(n_atoms: int, sparsity: int, fixed: float, mean: float = 1.0, mean_square: float = 1.0) -> float:
    """R² of codes whose K atoms a permutation has confused, all but `fixed` of them: 1 − κ(K − fixed) (theorem C5).

    κ = 2(E a² − (E a)²(s−1)/(K−1))/(K·E a² − s(E a)²); 2/(K−1) for binary codes. A permutation drawn uniformly from
    those that respect the anchors fixes as many atoms on average as there are distinct activity columns: with `fixed` =
    their number (or its expectation), this is E R².

    Parameters
    ----------
    n_atoms, sparsity
        K and s: the support is uniform among the s-subsets, 1 ≤ s ≤ K − 1.
    fixed
        Number of atoms in their own place.
    mean, mean_square
        E a and E a² of the active entries, independent and identically distributed; 1 and 1 for binary codes.

    Examples
    --------
    >>> concept_r_squared(3, 2, fixed=1), concept_r_squared(3, 2, fixed=2)
    (-1.0, 0.0)
    """
    K, s, _ = _checked(n_atoms, sparsity)
    if mean_square < mean**2:
        raise ValueError(f"E a² = {mean_square} is below (E a)² = {mean**2}; pass the mean and the mean square")
    kappa = 2 * (mean_square - mean**2 * (s - 1) / (K - 1)) / (K * mean_square - s * mean**2)
    return 1 - kappa * (K - fixed)


def expected_concept_r_squared(
    n_atoms: int, sparsity: int, n_anchors: int, amplitudes: tuple[float, float] | None = None
) -> float:
    """E R² of codes under a permutation drawn uniformly from those that respect m independent anchors (theorem C5).

    Parameters
    ----------
    n_atoms, sparsity, n_anchors
        K, s with 1 ≤ s ≤ K − 1, and m ≥ 0.
    amplitudes
        (E a, E a²) of active entries that are independent and continuously distributed; None for binary codes.

    Examples
    --------
    >>> expected_concept_r_squared(3, 2, 1), expected_concept_r_squared(3, 2, 1, amplitudes=(1.0, 4 / 3))
    (0.0, 1.0)
    """
    fixed = expected_distinct_columns(n_atoms, sparsity, n_anchors, amplitudes is not None)
    return concept_r_squared(n_atoms, sparsity, fixed, *(amplitudes or ()))


def distinct_columns(anchors: ArrayLike) -> int:
    """Number of pairwise different columns of anchor codes (m, K): all of them iff the anchors fix the permutation.

    Examples
    --------
    >>> distinct_columns([[1, 1, 0], [0, 0, 1]])
    2
    """
    anchors = np.asarray(anchors)
    return len(np.unique(anchors, axis=1).T) if len(anchors) else 1


def expected_distinct_columns(n_atoms: int, sparsity: int, n_anchors: int, amplitudes: bool = False) -> float:
    """Expected number of distinct columns of m independent codes of K atoms, s of them active (theorem C5).

    Exact: j given atoms agree on one code with probability q_j = [C(K−j, s) + C(K−j, s−j)]/C(K, s), so inclusion and
    exclusion, pattern by pattern, give Σ_j (−1)^{j+1} C(K, j) q_j^m. In whole numbers, as the terms cancel.

    Parameters
    ----------
    n_atoms, sparsity, n_anchors
        K, s with 1 ≤ s ≤ K − 1, and m ≥ 0.
    amplitudes
        Active entries have continuous amplitudes: atoms coincide only where both are never active, and the expectation
        is K − E r + P(r ≥ 1), see `never_active`.

    Examples
    --------
    >>> expected_distinct_columns(3, 2, 1), expected_distinct_columns(3, 2, 1, amplitudes=True)
    (2.0, 3.0)
    """
    K, s, m = _checked(n_atoms, sparsity, n_anchors)
    if amplitudes:
        mean, some = never_active(K, s, m)
        return K - mean + some
    return _union(K, s, m, lambda j: comb(K - j, s) + comb(K - j, K - s))


def never_active(n_atoms: int, sparsity: int, n_anchors: int) -> tuple[float, float]:
    """E r = K(1 − s/K)^m and P(r ≥ 1), r = number of atoms that no anchor activates (theorem C5).

    P(r ≥ 1) = Σ_{j≥1} (−1)^{j+1} C(K, j) [C(K−j, s)/C(K, s)]^m. Anchors with amplitudes fix the permutation iff r ≤ 1.

    Examples
    --------
    >>> never_active(4, 2, 2)
    (1.0, 0.8333333333333334)
    """
    K, s, m = _checked(n_atoms, sparsity, n_anchors)
    return K * (1 - s / K) ** m, _union(K, s, m, lambda j: comb(K - j, s))


def identification_probability(n_atoms: int, sparsity: int, n_anchors: int) -> float:
    """Probability that m anchors leave one permutation, (1 + λ)e^{−λ} with λ = K e^{−ms/K} (theorem C5).

    The leading order for s ln K ≪ K, with or without amplitudes: the number of atoms that were never active is then
    close to a Poisson number of mean λ, and at most one may be left. λ = 1 at `identifying_anchors`.

    Examples
    --------
    >>> round(identification_probability(64, 1, 266), 3), round(identification_probability(64, 1, 600), 3)
    (0.735, 1.0)
    """
    K, s, m = _checked(n_atoms, sparsity, n_anchors)
    unseen = K * exp(-m * s / K)
    return (1 + unseen) * exp(-unseen)


def identifying_anchors(n_atoms: int, sparsity: int) -> float:
    """Number of anchors, (K/s) ln K, near which the permutation becomes unique, for s ln K ≪ K (theorem C5).

    There about one atom was never active. A leading order: from s = K/2 on, binary codes need more (at s = 60 of 64 it
    gives 4, and they need 64, as at s = 4), amplitudes less. `expected_distinct_columns` is exact.

    Examples
    --------
    >>> round(identifying_anchors(64, 4), 1)
    66.5
    """
    K, s, _ = _checked(n_atoms, sparsity)
    return K / s * log(K)


def _checked(n_atoms: int, sparsity: int, n_anchors: int = 0) -> tuple[int, int, int]:
    s = check_rank(sparsity, n_atoms - 1, "the number of atoms less one", name="sparsity")
    return index(n_atoms), s, not_negative(n_anchors)


def _union(K: int, s: int, m: int, ways: Callable[[int], int]) -> float:
    """Σ_{j≥1} (−1)^{j+1} C(K, j) [ways(j)/C(K, s)]^m."""
    total = 0
    for j in range(1, K + 1):
        term = comb(K, j) * ways(j) ** m
        # The partial sums enclose the result (Bonferroni), so a term below its last bit ends the sum.
        if term << 60 <= total:
            break
        total += term if j % 2 else -term
    return total / comb(K, s) ** m
