"""Where trained coders lie in the region of theorem A1, and between the bounds that their own rows give.

The statement is true for any weights. What training decides is how much it says: whether the upper bound stays below
√(‖a‖² + ‖b‖²), and whether codes differ where it lets them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from theory.linalg import sigma_max, sigma_min, tolerance


def independent(sigma: ArrayLike) -> np.ndarray:
    """Whether σ_min of a row's atoms says that they are independent.

    Examples
    --------
    >>> independent([0.5, 0.0]).tolist()
    [True, False]
    """
    return np.asarray(sigma) > tolerance(1.0, 64)


def upper(rows: Mapping[str, ArrayLike]) -> np.ndarray:
    """Bound (t + r)/σ_S on ‖a − b‖ of every row (theorem A2); infinite where the atoms are dependent.

    Examples
    --------
    >>> upper({"translation": [0.5, 1.0], "reconstruction": [0.5, 1.0], "sigma": [0.5, 0.0]}).tolist()
    [2.0, inf]
    """
    t, r, sigma = (np.asarray(rows[name], dtype=float) for name in ("translation", "reconstruction", "sigma"))
    found, there = np.full(len(sigma), np.inf), independent(sigma)
    found[there] = (t + r)[there] / sigma[there]
    return found


def region(rows: Mapping[str, ArrayLike], D: ArrayLike) -> dict[str, Any]:
    """Errors of one decoder and what bounds the consistency error: from all of D, and row by row.

    Parameters
    ----------
    rows
        Arrays over rows, see :func:`~nonlinear.experiments.rowwise.rows_of`: "translation" t, "reconstruction" r,
        "distance" c, "sigma", "ell" and number "active" of the atoms active on either side, "largest"
        √(‖a‖² + ‖b‖²).
    D
        [d, m].

    Returns
    -------
    dict
        ``T``, ``R``, ``C``: root mean squares of t, r, c; ``ell``, ``sigma``: of all of D, so that
        |T − R| ≤ ell·C and sigma·C ≤ T + R (theorem A1; sigma is 0 if m > d).

        Root mean squares over rows: ``floor`` of |t − r|/ℓ_S and ``ceiling`` of the smaller of (t + r)/σ_S and
        √(‖a‖² + ‖b‖²), so that floor ≤ C ≤ ceiling for codes that are not negative; ``largest`` of
        √(‖a‖² + ‖b‖²) alone; ``uncapped`` of (t + r)/σ_S alone over rows of independent atoms, None without any.

        ``reached``: C/ceiling; ``informative``: share of rows with (t + r)/σ_S < √(‖a‖² + ‖b‖²); ``dependent``: share
        with dependent atoms; ``rank``, ``rank_alone``: rank correlation of c with (t + r)/σ_S, and with t + r alone,
        within rows of equally many atoms: more atoms are nearer to dependence, and more codes differ on them.

    Examples
    --------
    >>> rows = {"translation": [0.6, 2.0], "reconstruction": [0.0, 1.0], "distance": [0.8, 3.0]}
    >>> rows |= {"sigma": [0.5, 0.5], "ell": [1.0, 1.0], "largest": [2.0, 4.0], "active": [2, 2]}
    >>> found = region(rows, [[0.5, 0.0], [0.0, 1.0]])
    >>> [round(found[name], 2) for name in ("floor", "C", "ceiling", "largest", "informative")]
    [0.82, 2.2, 2.95, 3.16, 0.5]
    """
    names = "translation", "reconstruction", "distance", "sigma", "ell", "largest"
    t, r, c, sigma, ell, largest = (np.asarray(rows[name], dtype=float) for name in names)
    bound, there = upper(rows), independent(sigma)
    C, ceiling = rms(c), rms(np.minimum(bound, largest))
    return {
        "T": rms(t),
        "R": rms(r),
        "C": C,
        "ell": sigma_max(D),
        "sigma": sigma_min(D),
        "floor": rms(np.divide(np.abs(t - r), ell, out=np.zeros_like(t), where=ell > 0)),
        "ceiling": ceiling,
        "largest": rms(largest),
        "uncapped": rms(bound[there]) if there.any() else None,
        "reached": C / ceiling if ceiling else 0.0,
        "informative": float(np.mean(bound < largest)),
        "dependent": float(np.mean(~there)),
        "rank": rank_correlation(bound, c, rows["active"]),
        "rank_alone": rank_correlation(t + r, c, rows["active"]),
    }


def rms(values: ArrayLike) -> float:
    """Root mean square.

    Examples
    --------
    >>> rms([1.0, 7.0])
    5.0
    """
    return float(np.sqrt(np.mean(np.square(values))))


def rank_correlation(x: ArrayLike, y: ArrayLike, within: ArrayLike | None = None) -> float:
    """Spearman's rank correlation, ties at their mean rank; 0 where one side is constant.

    Parameters
    ----------
    x, y
        [n].
    within
        Labels [n]: ranks are taken among equal ones, as shares of their number, less the mean. None: all are equal.

    Examples
    --------
    >>> rank_correlation([1.0, 2.0, 9.0], [0.1, 0.3, 0.2]), rank_correlation([1.0, 1.0], [1.0, 2.0])
    (0.5, 0.0)
    >>> round(rank_correlation([1.0, 2.0, 7.0, 8.0], [2.0, 1.0, 8.0, 7.0], within=[0, 0, 1, 1]), 12)
    -1.0
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    labels = np.zeros(len(x)) if within is None else np.asarray(within)
    u, v = np.zeros(len(x)), np.zeros(len(x))
    for label in np.unique(labels):
        here = np.flatnonzero(labels == label)
        u[here], v[here] = ((rankdata(w[here]) - (len(here) + 1) / 2) / len(here) for w in (x, y))
    scale = float(np.sqrt((u @ u) * (v @ v)))
    return float(u @ v) / scale if scale else 0.0
