"""How many independent components of whitened rows look Gaussian: found on one half, judged on the other."""

import numpy as np
from scipy.stats import kurtosis, skew

# Standard errors of skewness and kurtosis of Gaussian rows; beyond this rank the fixed-point iteration takes minutes.
APART, WIDEST = 5.0, 256


def n_gaussian(rows: np.ndarray, rng: np.random.Generator) -> int | None:
    """Number of components whose skewness and excess kurtosis are those of Gaussian rows; None beyond rank 256.

    Parameters
    ----------
    rows
        (n, d), whitened.
    rng
        Draws the halves and the start of FastICA.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = np.column_stack([rng.exponential(size=4000) - 1, rng.normal(size=4000), rng.normal(size=4000)])
    >>> n_gaussian(rows, rng)
    2
    """
    from nonlinear.components import components

    n, d = len(rows) // 2, rows.shape[1]
    if d > WIDEST:
        return None
    order = rng.permutation(len(rows))
    found = rows[order[n:]] @ components(rows[order[:n]], int(rng.integers(2**31)))
    third, fourth = np.abs(skew(found, axis=0)), np.abs(kurtosis(found, axis=0))
    return int(((third <= APART * np.sqrt(6 / len(found))) & (fourth <= APART * np.sqrt(24 / len(found)))).sum())
