"""Independent components of whitened rows, by FastICA, and how many of them look Gaussian."""

import warnings

import numpy as np

# Standard errors of skewness and kurtosis of Gaussian rows; beyond this rank the fixed-point iteration takes minutes.
APART, WIDEST = 5.0, 128
# Variance of tanh z − E[z tanh z] z for Gaussian z.
SPREAD = 0.0275


def components(rows: np.ndarray, seed: int) -> np.ndarray:
    """Orthogonal directions (d, d), as columns, along which the rows are as independent as FastICA finds.

    The contrast weights tanh by what it sees of a component, and the square by the skewness. By tanh alone asymmetric
    laws without excess kurtosis would pass for Gaussian: atoms that fire in 21 % of the rows are such.

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

    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((rows.shape[1],) * 2))[0]
    for _ in range(2):
        found = FastICA(
            whiten=False,  # pyright: ignore[reportArgumentType]
            fun=_contrast,  # pyright: ignore[reportArgumentType]
            w_init=turn,
            max_iter=200,
            tol=1e-3,
        )
        with warnings.catch_warnings():
            # Where all directions are alike there is nothing to find.
            warnings.simplefilter("ignore", ConvergenceWarning)
            turn = _untangled(found.fit(rows).components_, rows)
    return turn.T


def n_gaussian(rows: np.ndarray, rng: np.random.Generator) -> int | None:
    """Number of components whose skewness and excess kurtosis are those of Gaussian rows; None: too many dimensions.

    Components are found on one half of the rows and judged on the other. There are too many beyond rank 128, and where
    a half has fewer than two rows for each.

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
    n, d = len(rows) // 2, rows.shape[1]
    if d > WIDEST or n < 2 * d:
        return None
    order = rng.permutation(len(rows))
    found = rows[order[n:]] @ components(rows[order[:n]], int(rng.integers(2**31)))
    return int(look_gaussian(found).sum())


def look_gaussian(found: np.ndarray) -> np.ndarray:
    """Whether skewness and excess kurtosis of each column (n, d) are within 5 standard errors of a Gaussian's.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> look_gaussian(np.column_stack([rng.normal(size=999), rng.exponential(size=999)]))
    array([ True, False])
    """
    found = found - found.mean(0)
    # A component that these rows do not show at all is none of a Gaussian.
    scale = np.maximum((found**2).mean(0) ** 0.5, 1e-6)
    third, fourth = (np.abs(((found / scale) ** k).mean(0) - expected) for k, expected in ((3, 0), (4, 3)))
    return (third <= APART * np.sqrt(6 / len(found))) & (fourth <= APART * np.sqrt(24 / len(found)))


def _contrast(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """g(u) (d, n) and the means of its derivative (d,), g = a·tanh + b·square with weights of each component."""
    t, square = np.tanh(u), u**2
    slope_t, slope_square = 1 - (t**2).mean(1), 2 * u.mean(1)
    seen, skewness = (u * t).mean(1) - slope_t, (u * square).mean(1) - slope_square  # E[u g − g′]
    a, b = seen / SPREAD, skewness / 2
    scale = np.sqrt(np.maximum(a * seen + b * skewness, 1e-12))
    a, b = a / scale, b / scale
    return a[:, None] * t + b[:, None] * square, a * slope_t + b * slope_square


def _untangled(turn: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Directions (d, d), as rows, with sum and difference of two in their place where these have larger cumulants.

    The iteration may stop at sums and differences of components, one time in ten: they are saddles.
    """
    turn, u = turn.copy(), turn @ rows.T
    size = _cumulants(u)
    for i in range(len(turn) - 1):
        mixed = (u[i] + u[i + 1 :]) / 2**0.5, (u[i] - u[i + 1 :]) / 2**0.5
        gain = _cumulants(mixed[0]) + _cumulants(mixed[1]) - size[i] - size[i + 1 :]
        j = int(gain.argmax())
        if gain[j] > 0:
            pair = [i, i + 1 + j]
            u[pair] = mixed[0][j], mixed[1][j]
            turn[pair] = np.array([[1, 1], [1, -1]]) / 2**0.5 @ turn[pair]
            size[pair] = _cumulants(u[pair])
    return turn


def _cumulants(u: np.ndarray) -> np.ndarray:
    """κ₃²/12 + κ₄²/48 of each row: over all rotations its sum is largest at independent rows (Comon 1994)."""
    square = u**2
    return (u * square).mean(1) ** 2 / 12 + ((square**2).mean(1) - 3) ** 2 / 48
