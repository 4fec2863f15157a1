"""Expected R² of ridge regression on m pairs, from the spectrum of x and what each of its directions explains of y.

A deterministic equivalent for rows whose whitened coordinates are independent: exact as m and d grow together (Hastie
et al. 2022, Annals of Statistics 50; Simon et al. 2023, TMLR; Bach 2024, SIAM J. Math. Data Sci. 6).
"""

from collections.abc import Callable
from math import inf

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

# Penalties per decade among which the best is taken, and decades on either side of the spectrum.
PER_DECADE, DECADES = 8, 3
# Of a sum of shares.
ROUNDING = 1e-9


def ridge_r_squared(spectrum: ArrayLike, explained: ArrayLike, n_pairs: float) -> float:
    """R² of ridge regression on n_pairs matched rows, with the best penalty.

    With κ ≥ 0 in place of the penalty δ = κ(m − ΣL_i) ≥ 0 and L_i = λ_i/(λ_i + κ), the error is
    [Σ(1 − L_i)²v_i + 1 − Σv_i] / (1 − ΣL_i²/m); the minimum over κ is taken on a grid.

    Parameters
    ----------
    spectrum
        λ_i [d], eigenvalues of Σx, positive.
    explained
        v_i [d], share of the variance of y that the i-th principal direction of x explains, Σv_i ≤ 1.
    n_pairs
        m > 0.

    Raises
    ------
    ValueError
        Eigenvalues that are not positive, shares that are negative or more than 1 in total, no pairs.

    Examples
    --------
    >>> d = 64
    >>> round(ridge_r_squared(np.ones(d), np.ones(d) / d, 32), 2)  # isotropic and exact: m/d, theorem C2
    0.5
    """
    spectrum, explained = (np.asarray(a, dtype=np.float64) for a in (spectrum, explained))
    if spectrum.ndim != 1 or spectrum.shape != explained.shape or not (spectrum.size and (spectrum > 0).all()):
        raise ValueError("pass the positive eigenvalues of Σx and as many shares of the variance of y")
    left = 1 - float(explained.sum())
    if not ((explained >= 0).all() and left > -ROUNDING):
        raise ValueError(f"shares of the variance of y with a sum of {1 - left:g}; pass none below 0, and 1 in total")
    if not n_pairs > 0:
        raise ValueError(f"{n_pairs} pairs; pass a positive number")
    least = _ridgeless(spectrum, n_pairs)
    low, high = np.log10(spectrum.min()) - DECADES, np.log10(spectrum.max()) + DECADES
    kappa = np.concatenate([[least], least + np.logspace(low, high, int((high - low) * PER_DECADE))])
    with np.errstate(divide="ignore", invalid="ignore"):
        L = spectrum / (spectrum + kappa[:, None])
        inflation = 1 - (L**2).sum(1) / n_pairs
        error = (((1 - L) ** 2) @ explained + max(left, 0.0)) / inflation
    return 1 - float(np.min(error[inflation > 0], initial=1.0))


def pairs_for(spectrum: ArrayLike, explained: ArrayLike, target: float) -> float:
    """Return the number of pairs, at least 1, at which `ridge_r_squared` reaches the target; inf if no number does.

    Examples
    --------
    >>> round(pairs_for(np.ones(64), np.ones(64) / 64, 0.5))
    32
    >>> pairs_for(np.ones(64), np.ones(64) / 128, 0.6)
    inf
    """
    high = 1.0
    while ridge_r_squared(spectrum, explained, high) < target:
        high *= 2
        if high > 1e9:
            return inf
    if high == 1.0:
        return 1.0
    return _root(lambda m: ridge_r_squared(spectrum, explained, m) - target, high / 2, high)


def _ridgeless(spectrum: np.ndarray, n_pairs: float) -> float:
    """κ at which no penalty is left: ΣL_i = m; 0 from m = d on."""
    if n_pairs >= len(spectrum):
        return 0.0
    return _root(lambda k: (spectrum / (spectrum + k)).sum() - n_pairs, 0.0, float(spectrum.sum()) / n_pairs)


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(f, low, high, xtol=1e-12 * high))  # pyright: ignore[reportArgumentType]
