"""Noisy anchors: distribution matching against regression on the anchors alone (theorem C3).

Whitened anchors, rows X [m, d], and their noisy images Y = XQ_* + σE: Q_* orthogonal, as it is where the laws match,
and E independent N(0, 1). Distribution matching fits an orthogonal Q̂ (Procrustes) and draws what the anchors leave open
from the Haar law. Errors are E‖Q̂ − Q_*‖² over noise and Haar draw, given the anchors, of which they depend on the r
squared singular values s alone. Divided by d they are 1 − R² in whitened y, or in any y if Q_* is Haar as well; the
rows that are judged are whitened, centred and free of noise.
"""

from math import atan, exp, inf, lgamma, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, hyp1f1

from theory.ambiguity.counts import not_negative
from theory.linalg import check_rank, check_weight, rank_of

RIVALS = ("ridge", "least squares")


def squared_singular_values(X: ArrayLike) -> np.ndarray:
    """Return the r positive eigenvalues s of XᵀX, descending; r ≤ min(m, d) is the rank of the anchors.

    Parameters
    ----------
    X
        (m, d) whitened rows, (x − E x)Σx^{-1/2}.

    Examples
    --------
    >>> squared_singular_values([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    array([9., 4.])
    """
    values = np.linalg.svd(np.asarray(X, dtype=np.float64), compute_uv=False)
    return values[: rank_of(values)] ** 2


def procrustes_error(s: ArrayLike, d: int, sigma: float, *, bounded: bool = False) -> np.ndarray:
    """Error of distribution matching, 2(d−r) + σ²[Σ_{i≠j} 1/(s_i+s_j) + (d−r) Σ 1/s_i], to first order in σ².

    The sum runs over ordered pairs. For each spectrum the rest is of order σ⁴, and small while dσ² ≪ s_r. Averaged over
    Gaussian anchors the expansion needs abs(m − d) ≥ 2: with m = d the true mean is of order σ, by
    `reflection_probability`. The partial isometry without the Haar draw has d − r less error.

    Parameters
    ----------
    s
        (..., r) positive squared singular values of the anchors, r ≤ d; spectra may be stacked.
    d, sigma
        Dimension; standard deviation of the noise on Σy^{-1/2}y, per coordinate.
    bounded
        An interpolation for every σ instead: 2d − 2Σ_i c_i φ(σ²Σ_{j≠i} 1/(s_i+s_j)), where c_i is the mean cosine
        between e and e√s_i + σg, g ~ N(0, I) in d−r+1 dimensions, and φ(v) = 1 − v/2 up to v = ½, then ¾(2v)^{-1/3}.
        Equal to first order, never above 2d, exact for r = 1, and with the lost directions and reflections of weak
        anchors. Otherwise a heuristic: within 0.15·d of simulations for d ≤ 32, σ ≤ 2, and mostly much closer.

    Returns
    -------
    One error per spectrum.

    Raises
    ------
    ValueError
        If s is not positive or longer than d, or σ is negative.

    Examples
    --------
    >>> float(procrustes_error([1.0, 1.0], d=2, sigma=0.1)), float(procrustes_error([1.0], d=3, sigma=0.0))
    (0.010000000000000002, 4.0)
    >>> round(float(procrustes_error([1.0, 1.0], d=2, sigma=100.0, bounded=True)), 1)
    4.0
    """
    s, sigma = _checked(s, d, sigma)
    free = d - s.shape[-1]
    turns = sigma**2 * ((1 / (s[..., :, None] + s[..., None, :])).sum(-1) - 0.5 / s)
    if not bounded:
        return 2 * free + (turns + sigma**2 * free / s).sum(-1)
    if sigma == 0:
        return 2 * free + turns.sum(-1)
    kept = np.where(turns < 0.5, 1 - turns / 2, 0.75 * (2 * np.maximum(turns, 0.5)) ** (-1 / 3))
    return 2 * d - 2 * (_mean_cosine(free + 1, np.sqrt(s), sigma) * kept).sum(-1)


def least_squares_error(s: ArrayLike, d: int, sigma: float) -> np.ndarray:
    """Error of minimum-norm least squares on the anchors alone, (d−r) + dσ² Σ 1/s_i: exact, for every σ and m.

    For r = d, `procrustes_error` to first order is at most (d−1)/(2d) of it, with equality iff all s_i are equal.
    Arguments, result and errors as of `procrustes_error`.

    Examples
    --------
    >>> float(least_squares_error([1.0, 1.0], d=2, sigma=0.1))
    0.04000000000000001
    """
    s, sigma = _checked(s, d, sigma)
    return d - s.shape[-1] + d * sigma**2 * (1 / s).sum(-1)


def ridge_error(s: ArrayLike, d: int, sigma: float, penalty: float | None = None) -> np.ndarray:
    """Error of (XᵀX + λ)⁻¹XᵀY on the anchors alone, (d−r) + Σ (λ² + dσ²s_i)/(s_i + λ)²: exact, for every σ.

    No penalty given: the best one, λ = dσ² for whatever anchors, with error (d−r) + Σ dσ²/(s_i + dσ²) ≤ d. It is the
    best linear estimate under the Haar prior, so the fair control. Up to r = d/2, distribution matching never beats it.

    Parameters
    ----------
    s, d, sigma
        As in `procrustes_error`.
    penalty
        λ > 0.

    Examples
    --------
    >>> round(float(ridge_error([1.0, 1.0], d=2, sigma=0.1)), 6), float(ridge_error([1.0], d=3, sigma=2.0, penalty=1.0))
    (0.039216, 5.25)
    """
    s, sigma = _checked(s, d, sigma)
    noise = d * sigma**2
    λ = noise if penalty is None else check_weight("penalty", penalty)
    return d - s.shape[-1] + ((λ**2 + noise * s) / (s + λ) ** 2).sum(-1)


def expected_least_squares_error(d: int, n_anchors: int, sigma: float) -> float:
    """Mean of `least_squares_error` over m Gaussian anchors: (d−r) + dσ²·r/(abs(m−d) − 1).

    E Σ 1/s_i = r/(abs(m−d) − 1) is the mean trace of an inverse Wishart matrix: infinite for abs(m − d) ≤ 1 and r ≥ 1,
    so that the anchors alone are worst where they are as many as dimensions (double descent).

    Examples
    --------
    >>> expected_least_squares_error(8, 4, 1.0), expected_least_squares_error(8, 8, 0.1)
    (14.666666666666666, inf)
    """
    m = not_negative(n_anchors)
    r, apart, noise = min(m, d), abs(m - d) - 1, d * check_weight("sigma", sigma) ** 2
    if r == 0 or noise == 0:
        return float(d - r)
    return d - r + noise * r / apart if apart > 0 else inf


def reflection_probability(d: int, sigma: float) -> float:
    """Probability that noise flips the determinant of d Gaussian anchors: arctan(σ)·Γ((d+1)/2)/(√π Γ(d/2)).

    To first order in σ, an upper bound for every σ, and exact for d = 1; about σ√(d/2π). The fit is then off by one
    reflection, at an error of 4. On the way from X to E by rotation the sign changes at the real generalised
    eigenvalues, of which a Gaussian pair has √π Γ((d+1)/2)/Γ(d/2) on average, evenly spread over the angle π (Edelman,
    Kostlan & Shub 1994).

    Examples
    --------
    >>> round(reflection_probability(1, 1.0), 12), round(reflection_probability(32, 0.1), 3)
    (0.25, 0.223)
    """
    return atan(check_weight("sigma", sigma)) * exp(lgamma((d + 1) / 2) - lgamma(d / 2)) / sqrt(pi)


def gaussian_spectra(d: int, n_anchors: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw squared singular values of m independent N(0, I_d) rows, as of a bidiagonal matrix of χ variables.

    Returns
    -------
    (draws, r) with r = min(m, d) (Dumitriu & Edelman 2002).

    Examples
    --------
    >>> gaussian_spectra(8, 3, 5, np.random.default_rng(0)).shape
    (5, 3)
    """
    m = not_negative(n_anchors)
    r, i = min(m, d), np.arange(min(m, d))
    B = np.zeros((draws, r, r))
    B[:, i, i] = np.sqrt(rng.chisquare(max(m, d) - i, (draws, r)))
    B[:, i[1:], i[:-1]] = np.sqrt(rng.chisquare(i[:0:-1], (draws, max(r - 1, 0))))
    return np.linalg.svd(B, compute_uv=False) ** 2


def gain(d: int, n_anchors: int, sigma: float, rival: str = "ridge", draws: int = 256, seed: int = 0) -> float:
    """Mean error of the anchors alone less that of distribution matching, over m Gaussian anchors.

    Ridge with the best penalty and the bounded interpolation of `procrustes_error` are averaged over drawn spectra;
    least squares is exact, infinite for abs(m − d) ≤ 1. In R², divide by d.

    Parameters
    ----------
    d, n_anchors, sigma
        Dimension, m ≥ 0, noise.
    rival
        "ridge" or "least squares".
    draws, seed
        Of the spectra; the same seed gives the same number.

    Examples
    --------
    >>> gain(8, 4, 0.1) < 0 < gain(8, 12, 0.1)
    True
    """
    if rival not in RIVALS:
        raise ValueError(f"no rival is called {rival!r}; use one of {', '.join(RIVALS)}")
    s = gaussian_spectra(d, n_anchors, draws, np.random.default_rng([seed, not_negative(n_anchors)]))
    alone = ridge_error(s, d, sigma).mean() if rival == "ridge" else expected_least_squares_error(d, n_anchors, sigma)
    return float(alone - procrustes_error(s, d, sigma, bounded=True).mean())


def helps_from(d: int, sigma: float, rival: str = "ridge", draws: int = 256, seed: int = 0) -> int:
    """Number of Gaussian anchors from which distribution matching beats the anchors alone on average: `gain` ≥ 0.

    Against ridge it is d for σ → 0, may fall somewhat below d, never to d/2, and grows with the noise, to about dσ².
    Against least squares it is at most d − 1 for every σ > 0 and d ≥ 2, and falls as the noise grows; but then least
    squares is worse than no map at all.

    Examples
    --------
    >>> helps_from(16, 1e-3), helps_from(16, 0.3, rival="least squares") < helps_from(16, 2.0)
    (16, True)
    """
    low, high = 0, d  # the gain is −d without anchors, and it rises through 0 once

    def helps(m: int) -> bool:
        return gain(d, m, sigma, rival, draws, seed) >= 0

    while not helps(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if helps(middle) else (middle, high)
    return high


def _mean_cosine(n: int, lengths: np.ndarray, sigma: float) -> np.ndarray:
    """E u₁ of the direction u of N(ℓe₁, σ²I_n), for lengths ℓ > 0 and σ > 0."""
    # Beyond ℓ/σ = 10⁶, 1 − E u₁ is below n·10⁻¹²; the quotient could overflow.
    μ = np.minimum(lengths, 1e6 * sigma) / sigma
    scale = np.exp(gammaln((n + 1) / 2) - gammaln(n / 2 + 1))
    return np.minimum(μ * scale / sqrt(2) * hyp1f1(0.5, n / 2 + 1, -(μ**2) / 2), 1.0)


def _checked(s: ArrayLike, d: int, sigma: float) -> tuple[np.ndarray, float]:
    s = np.asarray(s, dtype=np.float64)
    if s.shape[-1]:
        check_rank(s.shape[-1], d, "d", name="number of squared singular values")
    if not (s > 0).all():
        raise ValueError("squared singular values are not all positive; leave out those of dependent anchors")
    return s, check_weight("sigma", sigma)
