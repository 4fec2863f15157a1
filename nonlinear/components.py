"""Independent components of whitened rows, by FastICA."""

import warnings

import numpy as np


def components(rows: np.ndarray, seed: int) -> np.ndarray:
    """Orthogonal directions (d, d), as columns, along which the rows are as independent as FastICA finds.

    Parameters
    ----------
    rows
        (n, d), whitened.
    seed
        Of the start.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows, turn = rng.exponential(size=(2000, 2)) - 1, np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> found = rows @ turn @ components(rows @ turn, 0)
    >>> bool((np.abs(np.corrcoef(found.T, rows.T))[:2, 2:].max(0) > 0.98).all())
    True
    """
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    found = FastICA(whiten=False, random_state=seed, max_iter=200, tol=1e-3)  # pyright: ignore[reportArgumentType]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # where all directions are alike there is nothing to find
        return found.fit(rows).components_.T
