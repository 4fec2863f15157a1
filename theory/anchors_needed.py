"""How many matched pairs align two sets of unpaired rows: an interval over what Σxy may be (theorems C1, C2, C5, C6).

Under y = xA with equal laws of the whitened rows, v_i = Σ_j Q_ij² λ_j/TrΣy is the share of the variance of y that the
i-th principal direction of x explains, Q a rotation: at best λ_i(Σy)/TrΣy, in the order of Σx; 1/d each on average over
all rotations. Ridge regression on m pairs then has a closed learning curve. Sparse codes that differ by a permutation
need pairs on which each atom fires.
"""

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from theory.learning_curve import pairs_for

LEVEL, DRAWS = 0.9, 200
# R² that all pairs would give, where the user does not say: 1 − (1 − least)u², u uniform.
LEAST_CEILING = 0.8
# Pairs used in practice over those of the closed forms: leave-one-out does not find the best penalty, amplitudes of
# matched atoms differ. Chosen with LEAST_CEILING on the settings 100 to 139 of `nonlinear.experiments.planted_pairs`.
EXCESS, EXCESS_OF_CODES = (1.0, 1.3), (0.9, 1.3)
MOST = 1e9


@dataclass(frozen=True)
class Needed:
    """Number of pairs, with the interval of the draws of what is unknown; inf where no number suffices.

    Attributes
    ----------
    low, median, high
        Quantiles 5 %, 50 %, 95 %.

    Examples
    --------
    >>> Needed.of(np.array([3.0, 4.0, 5.0, inf]))
    Needed(low=3.0, median=4.0, high=inf)
    """

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, draws: np.ndarray) -> "Needed":
        """Quantiles of draws, some of which may be infinite."""
        ordered, last = np.sort(draws), len(draws) - 1
        at = round((1 - LEVEL) / 2 * last), last // 2, round((1 + LEVEL) / 2 * last)
        return cls(*(float(ordered[i]) for i in at))


def explained_shares(spectrum_x: ArrayLike, spectrum_y: ArrayLike, alignment: float) -> np.ndarray:
    """Shares v [dx] of the variance of y by principal directions of x: `alignment` of the way from 1/d to the best.

    v_i = Σ_j Q_ij² λ_j/TrΣy for a rotation Q, whose squares are doubly stochastic. Where strong directions of x carry
    strong ones of y, regression on the rows of x needs fewer pairs than the d·R² of theorem C2, which is a mean over
    all rotations. What of y lies beyond the rank of x is explained by none.

    Parameters
    ----------
    spectrum_x, spectrum_y
        Eigenvalues of Σx [dx] and Σy [dy], positive.
    alignment
        0: mean over all rotations; 1: both sets of principal directions in the same order.

    Examples
    --------
    >>> explained_shares([2.0, 1.0], [3.0, 1.0], 0.0), explained_shares([2.0, 1.0], [3.0, 1.0], 1.0)
    (array([0.5, 0.5]), array([0.75, 0.25]))
    """
    lx, ly = (np.sort(np.asarray(a, dtype=np.float64))[::-1] for a in (spectrum_x, spectrum_y))
    best = np.zeros(len(lx))
    best[: min(len(lx), len(ly))] = ly[: len(lx)] / ly.sum()
    return alignment * best + (1 - alignment) * best.sum() / len(lx)


def pairs_alone(
    spectrum_x: ArrayLike,
    spectrum_y: ArrayLike,
    target: float,
    rng: np.random.Generator,
    ceiling: float | None = None,
    draws: int = DRAWS,
) -> Needed:
    """Pairs from which ridge regression of y on x, with an intercept, reaches R² = target.

    Parameters
    ----------
    spectrum_x, spectrum_y
        Eigenvalues of Σx [dx] and Σy [dy], positive.
    target
        R² on fresh rows.
    rng
        Draws what is unknown: the alignment, uniform; the ceiling; the excess of practice.
    ceiling
        R² that all pairs would give, if known.
    draws
        Their number.

    Examples
    --------
    >>> needed = pairs_alone(np.ones(40), np.ones(40), 0.5, np.random.default_rng(0), ceiling=1.0)
    >>> 20 < needed.low < needed.median < needed.high < 28
    True
    """
    lx = np.sort(np.asarray(spectrum_x, dtype=np.float64))[::-1]
    found = np.empty(draws)
    for i in range(draws):
        top, alignment, excess = _ceiling(rng, ceiling), rng.random(), rng.uniform(*EXCESS)
        needed = pairs_for(lx, top * explained_shares(lx, spectrum_y, alignment), target)
        found[i] = 1 + excess * needed  # the intercept takes one
    return Needed.of(found)


def pairs_with_shares(
    spectrum_x: ArrayLike, shares: ArrayLike, target: float, rng: np.random.Generator, draws: int = DRAWS
) -> Needed:
    """Return the same where the shares v [dx] of the variance of y are known.

    Only the excess of practice is drawn: on real rows whose target is close to what all pairs give, outcomes lie above
    (stored with `experiment pairs`: 9 of 10 inside on the digits networks, none of 5 on halves).

    Examples
    --------
    >>> pairs_with_shares(np.ones(40), np.ones(40) / 80, 0.6, np.random.default_rng(0)).low
    inf
    """
    needed = pairs_for(spectrum_x, shares, target)
    return Needed.of(1 + rng.uniform(*EXCESS, draws) * needed)


def pairs_of_codes(
    rates: ArrayLike,
    variances: ArrayLike,
    target: float,
    rng: np.random.Generator,
    ceiling: float | None = None,
    draws: int = DRAWS,
) -> Needed:
    """Pairs from which matching the atoms of two sparse codes reaches R² = target between codes.

    R²(m) = c − (1 + c)(1 − P(r ≥ 1)/E r) Σ_k q_k v_k/Σv, q_k = (1 − p_k)^m: the r atoms that no pair activates are
    placed at random, which leaves one of them right (theorem C5b, for atoms of unequal rates).

    Parameters
    ----------
    rates, variances
        p_k > 0 and v_k of the K live atoms.
    target, rng, ceiling, draws
        As in `pairs_alone`; the ceiling is R² of the codes under the true matching.

    Examples
    --------
    >>> needed = pairs_of_codes(np.full(64, 1 / 16), np.ones(64), 0.9, np.random.default_rng(0), ceiling=1.0)
    >>> bool(needed.low < 16 * np.log(20) < needed.high)
    True
    """
    p, v = np.asarray(rates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if not ((p > 0) & (p <= 1)).all() or p.shape != v.shape or not v.sum() > 0:
        raise ValueError("pass rates in (0, 1] and the variances of the same atoms")
    v = v / v.sum()

    def lost(m: float) -> float:
        q = (1 - p) ** m
        idle = float(q.sum())
        if idle < 1e-12:
            return 0.0
        return float((v * q).sum()) * (1 + np.expm1(np.log1p(-np.minimum(q, 1 - 1e-16)).sum()) / idle)

    found = np.empty(draws)
    for i in range(draws):
        top, excess = _ceiling(rng, ceiling), rng.uniform(*EXCESS_OF_CODES)
        if top <= target:
            found[i] = inf
            continue
        allowed = (top - target) / (1 + top)
        low, high = 0.0, 1.0
        while lost(high) > allowed and high < MOST:
            low, high = high, 2 * high
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if lost(middle) > allowed else (low, middle)
        found[i] = max(1.0, excess * high) if high < MOST else inf
    return Needed.of(found)


def pairs_with_laws(d: int, n_gaussian: int, share: float) -> float:
    """Pairs from which the matched laws of d independent components, r of them Gaussian, give this share of R².

    E R² = 1 − 2(r − m)/d for 1 ≤ m ≤ r (theorem C4: components without atoms, whitened y), so
    m = max(1, r − d(1 − share)/2). For r = d this is more than the d·share of the pairs alone (theorem C2).

    Examples
    --------
    >>> pairs_with_laws(20, 0, 0.9), pairs_with_laws(20, 20, 0.5)
    (1.0, 15.0)
    """
    return max(1.0, n_gaussian - d * (1 - share) / 2)


def _ceiling(rng: np.random.Generator, known: float | None) -> float:
    drawn = 1 - (1 - LEAST_CEILING) * rng.random() ** 2
    return drawn if known is None else known
