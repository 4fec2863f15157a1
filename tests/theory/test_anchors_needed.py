"""The interval of the number of pairs: shares against rotations, codes against matchings, laws against their group."""

from itertools import pairwise
from math import inf, isinf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import anchors_needed
from theory.ambiguity.components import expected_matched_r_squared
from theory.ambiguity.permutations import expected_concept_r_squared
from theory.anchors_needed import (
    Needed,
    explained_shares,
    pairs_alone,
    pairs_of_codes,
    pairs_with_laws,
    pairs_with_shares,
)

FALLING = np.arange(1, 31) ** -0.8


def generator(seed=0):
    return np.random.default_rng(seed)


def alone(target, ceiling=None, seed=0):
    """Few draws, as each costs milliseconds."""
    return pairs_alone(FALLING, FALLING, target, generator(seed), ceiling, draws=20)


@pytest.fixture
def no_excess(monkeypatch):
    """The closed forms themselves."""
    monkeypatch.setattr(anchors_needed, "EXCESS", (1.0, 1.0))
    monkeypatch.setattr(anchors_needed, "EXCESS_OF_CODES", (1.0, 1.0))


def test_the_constants_are_those_that_were_judged():
    assert anchors_needed.LEAST_CEILING == 0.8
    assert anchors_needed.EXCESS == (1.0, 1.3)
    assert anchors_needed.EXCESS_OF_CODES == (0.9, 1.3)
    assert (anchors_needed.LEVEL, anchors_needed.DRAWS) == (0.9, 200)


@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(0, 40))
def test_the_interval_is_one_of_nine_tenths(seed, n, infinite):
    draws = np.concatenate([generator(seed).exponential(size=n), np.full(infinite, inf)])
    found, count = Needed.of(generator(1).permutation(draws)), n + infinite
    assert found.low <= found.median <= found.high
    assert {found.low, found.median, found.high} <= set(draws)
    # A twentieth lies on either side, as far as whole draws allow.
    assert abs((draws < found.low).sum() - 0.05 * (count - 1)) <= 0.5 or isinf(found.low)
    assert abs((draws > found.high).sum() - 0.05 * (count - 1)) <= 0.5 or isinf(found.high)
    assert abs((draws <= found.median).sum() - count / 2) <= 0.5 or isinf(found.median)


def test_shares_are_those_of_rotations():
    """v_i = Σ_j Q_ij² λ_j/Σλ: for Q = 1 the best, for Haar Q on average 1/d."""
    ly = np.array([5.0, 2.0, 1.0, 0.5])
    rng, total = generator(), np.zeros(4)
    for _ in range(4000):
        total += np.linalg.qr(rng.standard_normal((4, 4)))[0] ** 2 @ ly / ly.sum()
    assert np.abs(total / 4000 - explained_shares(np.ones(4), ly, 0.0)).max() < 0.02
    assert explained_shares([4, 3, 2, 1], ly[::-1], 1.0).tolist() == (ly / ly.sum()).tolist()


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 10**6))
def test_shares_lie_between_those_of_the_best_rotation_and_of_their_mean(dx, dy, alignment, seed):
    lx, ly = generator(seed).exponential(size=dx) + 1e-3, generator(seed + 1).exponential(size=dy) + 1e-3
    v = explained_shares(lx, ly, alignment)
    reached = np.sort(ly)[::-1][:dx].sum() / ly.sum()
    best = np.zeros(dx)
    best[:dy] = np.sort(ly)[::-1][:dx] / ly.sum()
    assert v.shape == (dx,)
    assert v.sum() == pytest.approx(reached)
    assert (np.diff(v) <= 1e-12).all()
    # A doubly stochastic mixture of the sorted shares: it is majorised by them, and majorises the mean.
    assert (v.cumsum() <= best.cumsum() + 1e-12).all()
    assert (v.cumsum() >= np.arange(1, dx + 1) / dx * reached - 1e-12).all()
    assert np.allclose(v, explained_shares(7 * lx[::-1], 3 * ly[::-1], alignment))


def test_isotropic_and_exact_is_theorem_c2(no_excess):
    needed = pairs_alone(np.ones(40), np.ones(40), 0.6, generator(), ceiling=1.0, draws=9)
    assert vars(needed) == pytest.approx({"low": 25, "median": 25, "high": 25}, abs=1e-6)  # d·R², and the intercept


def test_less_alignment_needs_more_pairs(monkeypatch):
    found = []
    for alignment in (0.0, 0.5, 1.0):
        monkeypatch.setattr(
            anchors_needed, "explained_shares", lambda lx, ly, drawn, a=alignment: explained_shares(lx, ly, a)
        )
        found.append(alone(0.5, ceiling=0.9))
    for less, more in pairwise(found):
        assert less.median > 1.1 * more.median
        assert less.low > 1.1 * more.low


def test_more_variance_unexplained_needs_more_pairs():
    kinds = {
        "rows": lambda c: alone(0.5, c),
        "shares": lambda c: pairs_with_shares(FALLING, c * FALLING / FALLING.sum(), 0.5, generator()),
        "codes": lambda c: pairs_of_codes(np.full(30, 0.1), np.ones(30), 0.5, generator(), c, draws=40),
    }
    for ask in kinds.values():
        needed = [ask(c) for c in (1.0, 0.9, 0.7, 0.55)]
        for fewer, more in pairwise(needed):
            assert fewer.low < more.low
            assert fewer.median < more.median
            assert fewer.high < more.high


def test_a_higher_target_needs_more_pairs():
    for ask in (
        lambda t: alone(t),
        lambda t: pairs_of_codes(np.full(30, 0.1), np.ones(30), t, generator(), draws=40),
    ):
        medians = [ask(t).median for t in (0.3, 0.5, 0.7)]
        assert medians == sorted(medians)
        assert len(set(medians)) == 3


def test_the_interval_covers_what_is_drawn():
    """The unknown ceiling, 1 − 0.2u²: between the two known ones."""
    unknown = alone(0.6)
    least, most = (alone(0.6, c) for c in (1.0, 0.8))
    assert least.low <= unknown.low < most.low
    assert least.high < unknown.high <= most.high


def test_the_generator_decides():
    assert alone(0.5, seed=3) == alone(0.5, seed=3)
    assert alone(0.5, seed=3) != alone(0.5, seed=4)


def test_known_shares_leave_only_the_excess():
    v = 0.9 * FALLING / FALLING.sum()
    needed = pairs_with_shares(FALLING, v, 0.5, generator())
    unknown = alone(0.5, ceiling=0.9)  # the alignment, too: here it is the best
    assert needed.high / needed.low < 1.3 < unknown.high / unknown.low
    assert needed.low < unknown.low < needed.high


def test_infinite_answers():
    assert alone(0.9, ceiling=0.9).low == inf
    out_of_reach = pairs_alone(np.ones(5), np.ones(10), 0.6, generator(), draws=9)
    assert vars(out_of_reach) == {"low": inf, "median": inf, "high": inf}
    assert pairs_with_shares(FALLING, np.zeros(30), 0.1, generator()).low == inf
    some = alone(0.9)
    assert some.low < some.median < some.high == inf
    for ceiling in (0.5, 0.0, -1.0, -1.5):  # matched codes may be worse than no translation at all
        assert pairs_of_codes(np.full(8, 0.1), np.ones(8), 0.5, generator(), ceiling).low == inf


def matched(rates, m, rng, centred=True, agreement=1.0, sets=2000, n=4000):
    """R² of codes under matchings by m pairs: atoms that no pair activates are permuted, the others are known.

    A share of the rows of x, the agreement, are those of y; the others are drawn anew.
    """
    K = len(rates)
    y, other = ((rng.random((n, K)) < rates) * rng.uniform(0.5, 1.5, (n, K)) for _ in range(2))
    x = np.where(np.arange(n)[:, None] < agreement * n, y, other)
    if centred:
        x, y = x - x.mean(0), y - y.mean(0)
    cross, squares, total = x.T @ y / n, [(z**2).mean(0) for z in (x, y)], y.var(0).sum()
    found = []
    for _ in range(sets):
        idle = np.flatnonzero(~(rng.random((m, K)) < rates).any(0))
        atoms = np.arange(K)
        atoms[idle] = rng.permutation(idle)
        found.append(1 - (squares[0][atoms] + squares[1] - 2 * cross[atoms, np.arange(K)]).sum() / total)
    return float(np.mean(found))


@pytest.mark.parametrize(("target", "agreement"), [(0.3, 1.0), (0.6, 1.0), (0.9, 1.0), (0.2, 0.75)])
def test_codes_of_unequal_rates_against_matchings(no_excess, target, agreement):
    rates = np.geomspace(0.02, 0.3, 48)
    variances = rates * 13 / 12 - rates**2  # amplitudes uniform on [½, 3/2]
    ceiling = 2 * agreement - 1  # rows drawn anew have R² = −1
    needed = pairs_of_codes(rates, variances, target, generator(), ceiling, draws=9).median

    def reached(m, centred=True):
        before, after = (matched(rates, int(m) + k, generator(1), centred, agreement) for k in (0, 1))
        return before + (m - int(m)) * (after - before)

    assert abs(reached(needed) - target) < 0.015  # four standard errors at a target of 0.3, the largest
    assert reached(1.5 * needed) > target + 0.03 > target - 0.03 > reached(needed / 1.5)
    # The formula leaves out that atoms of unequal rates have unequal means, which costs the more the fewer pairs.
    assert target - 0.1 * (ceiling - target) < reached(needed, centred=False) < target + 0.015


def test_equal_rates_are_theorem_c5b(no_excess):
    K, s, amplitudes = 64, 4, (1.0, 13 / 12)
    for target in (0.2, 0.5, 0.8, 0.95):
        found = pairs_of_codes(np.full(K, s / K), np.ones(K), target, generator(), ceiling=1.0, draws=9).median
        before, after = (expected_concept_r_squared(K, s, m, amplitudes) for m in (int(found) - 1, int(found) + 2))
        assert before < target < after


def test_laws_are_theorem_c4():
    for d, r in ((20, 20), (20, 12), (20, 5), (9, 0)):
        laws = ["gaussian"] * r + ["exponential", "laplace"] * d
        for m in range(1, r + 1):
            share = expected_matched_r_squared(laws[:d], m)
            assert pairs_with_laws(d, r, share) == pytest.approx(m)
        assert pairs_with_laws(d, r, 1.0) == max(r, 1)
    assert pairs_with_laws(20, 20, 0.5) > 20 * 0.5  # all Gaussian: more than the pairs alone, theorem C2


@pytest.mark.parametrize(
    ("rates", "variances"),
    [([0.0, 0.1], [1, 1]), ([0.1, 1.1], [1, 1]), ([0.1, np.nan], [1, 1]), ([0.1, 0.1], [1.0]), ([0.1, 0.1], [0, 0])],
)
def test_codes_without_rates_or_variance_are_refused(rates, variances):
    with pytest.raises(ValueError, match=r"^pass rates in \(0, 1\]"):
        pairs_of_codes(rates, variances, 0.5, generator())
