"""C5 by simulation: draws of anchors and permutations against every anchor set and permutation of small cases."""

from fractions import Fraction
from itertools import combinations, permutations, product
from math import comb, exp

import numpy as np
import pytest

from theory.ambiguity import permutations as closed
from theory.monte_carlo import permutations as drawn

CASES = [(3, 2, 1), (3, 1, 2), (4, 2, 1), (4, 3, 2), (4, 1, 3)]
SKEWED = (0.5, 2.0)  # E a, E a²


def anchor_sets(K, s, m):
    supports = [tuple(int(i in S) for i in range(K)) for S in combinations(range(K), s)]
    return list(product(supports, repeat=m))


def columns(anchors, K, amplitudes):
    if amplitudes:  # almost surely different from each other, and from 0
        return [i if any(a[i] for a in anchors) else "never" for i in range(K)]
    return [tuple(a[i] for a in anchors) for i in range(K)]


def enumerated(K, s, m, amplitudes=None):
    """E R², E#columns, P(all differ) over all anchor sets and permutations; the codes by their second moments."""
    mean, square = amplitudes or (1.0, 1.0)
    apart = 2 * (s / K * square - s * (s - 1) / (K * (K - 1)) * mean**2)
    variance = s * square - s**2 / K * mean**2
    r2, count, unique = [], [], []
    for anchors in anchor_sets(K, s, m):
        told = columns(anchors, K, amplitudes is not None)
        kept = [p for p in permutations(range(K)) if all(told[p[i]] == told[i] for i in range(K))]
        moved = sum(sum(p[i] != i for i in range(K)) for p in kept) / len(kept)
        r2.append(1 - moved * apart / variance)
        count.append(len(set(told)))
        unique.append(len(kept) == 1)
    return np.mean(r2), np.mean(count), np.mean(unique)


@pytest.mark.parametrize("amplitudes", [None, SKEWED])
@pytest.mark.parametrize("case", CASES)
def test_simulations_contain_what_enumeration_gives(case, amplitudes):
    rng = np.random.default_rng([1, *case])
    r2, count, unique = enumerated(*case, amplitudes)
    varied = amplitudes is not None
    found = drawn.expected_concept_r_squared(*case, amplitudes, draws=4000, rng=rng)
    distinct = drawn.expected_distinct_columns(*case, varied, draws=4000, rng=rng)
    share = drawn.identification_probability(*case, varied, draws=4000, rng=rng)
    # A mean of draws that never vary is summed with rounding.
    for estimate, value in ((found, r2), (distinct, count), (share, unique)):
        assert estimate.low - 1e-12 <= value <= estimate.high + 1e-12
        assert estimate.draws == 4000
        assert estimate.error < 0.05
    assert closed.expected_concept_r_squared(*case, amplitudes) == pytest.approx(r2, abs=1e-12)


@pytest.mark.parametrize(("K", "s", "m"), CASES)
def test_atoms_never_active(K, s, m):
    idle = [sum(not any(a[i] for a in anchors) for i in range(K)) for anchors in anchor_sets(K, s, m)]
    mean, some = drawn.never_active(K, s, m, draws=4000, rng=np.random.default_rng(2))
    assert mean.low - 1e-12 <= np.mean(idle) <= mean.high + 1e-12
    assert some.low - 1e-12 <= np.mean(np.array(idle) > 0) <= some.high + 1e-12


@pytest.mark.parametrize(
    ("simulate", "exact"),
    [
        (lambda **how: drawn.expected_concept_r_squared(5, 2, 1, **how), enumerated(5, 2, 1)[0]),
        (lambda **how: drawn.concept_r_squared(3, 1, 0, 0.5, 2.0, **how), 1 - 4 / (2 - 0.25 / 3)),
        # Two atoms exchanged: the error is always 2, and only the variance of the codes is estimated.
        (lambda **how: drawn.concept_r_squared(2, 1, 0, **how), -3.0),
    ],
    ids=["anchors", "amplitudes", "exchange"],
)
def test_the_standard_error_is_that_of_repeated_simulations(simulate, exact):
    rng = np.random.default_rng(3)
    found = [simulate(draws=400, rng=rng) for _ in range(400)]
    z = np.array([(e.mean - exact) / e.error for e in found])
    # χ² with 400 degrees of freedom: the standard deviation of z is 1 ± 0.035, its mean 0 ± 0.05.
    assert 0.86 < z.std() < 1.14
    assert abs(z.mean()) < 0.2


def test_many_anchors_at_once_and_one_draw_at_a_time(monkeypatch):
    K, s, m = 24, 12, 5
    exact = sum(
        (-1) ** (j + 1) * comb(K, j) * Fraction(comb(K - j, s) + comb(K - j, K - s), comb(K, s)) ** m
        for j in range(1, K + 1)
    )
    for block in (drawn.BLOCK, 1, 1000):
        monkeypatch.setattr(drawn, "BLOCK", block)
        found = drawn.expected_distinct_columns(K, s, m, draws=1500, rng=np.random.default_rng(4))
        assert found.draws == 1500
        assert found.contains(float(exact))
        assert found.error < 0.06


def test_every_support_is_as_likely_and_amplitudes_have_the_given_moments():
    rng = np.random.default_rng(5)
    supports = drawn._codes((60000, 4), 2, None, rng)
    counts = np.unique(supports @ [1, 2, 4, 8], return_counts=True)[1]
    assert len(counts) == 6
    assert ((counts - 10000) ** 2 / 10000).sum() < 30  # χ² with 5 degrees of freedom: beyond it once in 70 000
    filled = drawn._codes((60000, 4), 2, SKEWED, rng)
    assert (np.count_nonzero(filled, axis=1) == 2).all()
    active = filled[filled != 0]
    assert abs(active.mean() - 0.5) < 4 * active.std() / len(active) ** 0.5
    assert abs((active**2).mean() - 2.0) < 4 * (active**2).std() / len(active) ** 0.5


def test_a_given_number_of_fixed_atoms():
    rng = np.random.default_rng(6)
    kept = drawn.concept_r_squared(5, 2, 5, draws=50, rng=rng)
    assert (kept.mean, kept.error) == (1.0, 0.0)
    assert drawn.concept_r_squared(5, 2, 3, draws=4000, rng=rng).contains(1 - 2 * 2 / 4)
    varied = drawn.concept_r_squared(5, 2, 0, *SKEWED, draws=4000, rng=rng)
    expected = 1 - 5 * 2 * (2.0 - 0.25 / 4) / (5 * 2.0 - 2 * 0.25)
    assert varied.contains(expected)
    assert not varied.contains(-1.5)  # binary codes


def test_the_leading_order_of_uniqueness():
    rng, K, s = np.random.default_rng(7), 96, 2
    for m in (170, 219, 300):
        unseen = K * exp(-m * s / K)
        assert closed.identification_probability(K, s, m) == pytest.approx((1 + unseen) / exp(unseen), rel=1e-12)
        # Exactly, with amplitudes: P(r ≤ 1) over the law of r by inclusion and exclusion.
        q = [Fraction(comb(K - j, s), comb(K, s)) ** m for j in range(K + 1)]
        exact = 1 - sum((-1) ** j * (j - 1) * comb(K, j) * q[j] for j in range(2, K + 1))
        found = drawn.identification_probability(K, s, m, True, draws=300, rng=rng)
        assert found.contains(float(exact))
        assert abs(closed.identification_probability(K, s, m) - float(exact)) < 0.03
    # At s = K/2 it is too low for amplitudes, where P(r ≤ 1) ≥ P(r = 0).
    assert closed.identification_probability(64, 32, 8) < 0.7 < 1 - closed.never_active(64, 32, 8)[1]


def test_binary_anchors_tell_as_little_where_nearly_all_atoms_are_active():
    """A column and its complement: s and K − s are the same, which (K/s) ln K is not."""
    for K, s, m in ((16, 2, 9), (64, 4, 30)):
        assert closed.expected_distinct_columns(K, s, m) == closed.expected_distinct_columns(K, K - s, m)
    assert closed.identifying_anchors(64, 60) < 5 < 60 < closed.identifying_anchors(64, 4)


def test_the_seed_determines_the_estimate():
    one, two = (drawn.expected_concept_r_squared(6, 2, 2, draws=50, rng=np.random.default_rng(8)) for _ in range(2))
    assert one == two


def test_guards():
    rng = np.random.default_rng(9)
    with pytest.raises(ValueError, match="at least 2"):
        drawn.expected_concept_r_squared(4, 2, 1, draws=1, rng=rng)
    with pytest.raises(ValueError, match="sparsity"):
        drawn.expected_distinct_columns(4, 4, 1, draws=10, rng=rng)
    with pytest.raises(ValueError, match="pass 0 or more"):
        drawn.never_active(4, 2, -1, draws=10, rng=rng)
    with pytest.raises(ValueError, match="mean square"):
        drawn.expected_concept_r_squared(4, 2, 1, (2.0, 1.0), draws=10, rng=rng)
    for fixed in (-1, 3, 1.5):
        with pytest.raises(ValueError, match="no permutation fixes"):
            drawn.concept_r_squared(4, 2, fixed, draws=10, rng=rng)
