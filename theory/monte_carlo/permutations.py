"""Sparse codes, anchors and the permutations that respect them, drawn as theorem C5 defines them.

A draw: m anchor codes; the atoms are shuffled among those with equal columns of anchors; other codes measure the R².
"""

from collections.abc import Iterator

import numpy as np

from theory.ambiguity.counts import not_negative
from theory.linalg import check_rank
from theory.monte_carlo.estimate import Estimate, of_sample

# Entries of the anchor codes that are held at a time.
BLOCK = 1 << 20
# Test codes of a draw; more only narrow the interval where the codes and not the anchors vary.
CODES = 4


def concept_r_squared(
    n_atoms: int,
    sparsity: int,
    fixed: int,
    mean: float = 1.0,
    mean_square: float = 1.0,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """R² of codes whose K atoms a cycle has moved, all but `fixed`, which is a whole number here.

    Parameters
    ----------
    n_atoms, sparsity, fixed, mean, mean_square
        As in `theory.ambiguity.permutations`; amplitudes that vary are drawn uniformly from an interval.
    draws, rng
        Number of draws, at least 2, and their generator.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> concept_r_squared(3, 2, 1, draws=1000, rng=rng).contains(-1.0)
    True
    """
    K, s, _, draws = _checked(n_atoms, sparsity, 0, draws)
    if fixed not in {*range(K - 1), K}:
        raise ValueError(f"no permutation fixes {fixed} of {K} atoms; pass a whole number from 0 to {K - 2}, or {K}")
    order = np.arange(K)
    order[fixed:] = np.roll(order[fixed:], 1)
    return _r_squared([_measured(np.tile(order, (draws, 1)), s, (mean, mean_square), rng)])


def expected_concept_r_squared(
    n_atoms: int,
    sparsity: int,
    n_anchors: int,
    amplitudes: tuple[float, float] | None = None,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """R² of codes under a uniform permutation that respects m drawn anchors.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> expected_concept_r_squared(3, 2, 1, draws=1000, rng=rng).contains(0.0)
    True
    """
    K, s, m, draws = _checked(n_atoms, sparsity, n_anchors, draws)
    measured = []
    for n in _blocks(draws, m * K):
        labels = _labels(_codes((n, m, K), s, amplitudes, rng), rng)
        # Two orders by label, each with its own random order within a label: one onto the other is uniform.
        one, other = (np.lexsort((rng.random((n, K)), labels)) for _ in range(2))
        order = np.empty((n, K), dtype=np.intp)
        np.put_along_axis(order, one, other, axis=1)
        measured.append(_measured(order, s, amplitudes, rng))
    return _r_squared(measured)


def expected_distinct_columns(
    n_atoms: int, sparsity: int, n_anchors: int, amplitudes: bool = False, *, draws: int, rng: np.random.Generator
) -> Estimate:
    """Number of distinct columns of m drawn anchors; amplitudes are drawn uniformly from (0, 1).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> expected_distinct_columns(3, 1, 1, draws=100, rng=rng)
    Estimate(mean=2.0, error=0.0, draws=100)
    """
    return of_sample(_distinct(*_checked(n_atoms, sparsity, n_anchors, draws), amplitudes, rng))


def never_active(
    n_atoms: int, sparsity: int, n_anchors: int, *, draws: int, rng: np.random.Generator
) -> tuple[Estimate, Estimate]:
    """Number r of atoms that none of m drawn anchors activates, and the share of draws with r ≥ 1.

    Examples
    --------
    >>> mean, some = never_active(4, 2, 2, draws=1000, rng=np.random.default_rng(0))
    >>> mean.contains(1.0), some.contains(5 / 6)
    (True, True)
    """
    K, s, m, draws = _checked(n_atoms, sparsity, n_anchors, draws)
    active = [_codes((n, m, K), s, None, rng).any(axis=1).sum(axis=1) for n in _blocks(draws, m * K)]
    left = K - np.concatenate(active).astype(float)
    return of_sample(left), of_sample(left.clip(max=1))


def identification_probability(
    n_atoms: int, sparsity: int, n_anchors: int, amplitudes: bool = False, *, draws: int, rng: np.random.Generator
) -> Estimate:
    """Share of draws of m anchors all of whose columns differ, so that one permutation respects them.

    The closed form, a leading order, is the same with amplitudes and without.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> identification_probability(2, 1, 1, draws=100, rng=rng)
    Estimate(mean=1.0, error=0.0, draws=100)
    """
    K, s, m, draws = _checked(n_atoms, sparsity, n_anchors, draws)
    return of_sample((_distinct(K, s, m, draws, amplitudes, rng) == K).astype(float))


def _checked(n_atoms: int, sparsity: int, n_anchors: int, draws: int) -> tuple[int, int, int, int]:
    s = check_rank(sparsity, n_atoms - 1, "the number of atoms less one", name="sparsity")
    if draws < 2:
        raise ValueError(f"{draws} draws have no standard error; take at least 2")
    return n_atoms, s, not_negative(n_anchors), draws


def _blocks(draws: int, entries: int) -> Iterator[int]:
    """Numbers of draws that together fill a block, of `entries` each."""
    block = max(1, BLOCK // max(entries, 1))
    yield from (min(block, draws - start) for start in range(0, draws, block))


def _codes(shape: tuple[int, ...], s: int, amplitudes: tuple[float, float] | None, rng: np.random.Generator):
    """Codes [..., K] with s active entries: true, or uniform amplitudes with the given E a and E a²."""
    u = rng.random(shape)
    active = u <= np.partition(u, s - 1, axis=-1)[..., s - 1 : s]
    if amplitudes is None:
        return active
    mean, mean_square = amplitudes
    if mean_square < mean**2:
        raise ValueError(f"E a² = {mean_square} is below (E a)² = {mean**2}; pass the mean and the mean square")
    half_width = np.sqrt(3 * (mean_square - mean**2))
    return active * rng.uniform(mean - half_width, mean + half_width, shape)


def _labels(anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One number per atom [n, K] from anchors [n, m, K]: equal iff the columns are."""
    # A random combination, summed in the same order for every atom: equal columns give the same bits.
    return (rng.random((*anchors.shape[:2], 1)) * anchors).sum(axis=1)


def _distinct(K: int, s: int, m: int, draws: int, amplitudes: bool, rng: np.random.Generator) -> np.ndarray:
    law = (1 / 2, 1 / 3) if amplitudes else None
    labels = [_labels(_codes((n, m, K), s, law, rng), rng) for n in _blocks(draws, m * K)]
    ordered = np.sort(np.concatenate(labels), axis=1)
    return 1.0 + np.count_nonzero(np.diff(ordered, axis=1), axis=1)


def _measured(order: np.ndarray, s: int, amplitudes: tuple[float, float] | None, rng: np.random.Generator):
    """Mean ‖z_π − z‖² and ½‖z − z'‖² [2, n] of independent codes z, z', for permutations [n, K]."""
    n, K = order.shape
    z, other = (1.0 * _codes((n, CODES, K), s, amplitudes, rng) for _ in range(2))
    moved = np.take_along_axis(z, order[:, None, :], axis=2)
    return np.stack([((moved - z) ** 2).sum(2).mean(1), ((z - other) ** 2).sum(2).mean(1) / 2])


def _r_squared(measured: list[np.ndarray]) -> Estimate:
    """R² = 1 − (ratio of the means), with the error of a ratio to first order."""
    error, spread = np.concatenate(measured, axis=1)
    ratio = error.mean() / spread.mean()
    return of_sample(1 - ratio - (error - ratio * spread) / spread.mean())
