"""Theorem F3 by simulation: drawn directions, exact characteristic functions, and the sliced test on drawn rows."""

import numpy as np

from theory.ambiguity.sources import LAWS
from theory.blindness import CUMULANTS, GRID, threshold
from theory.discrepancy import ecf_distance
from theory.monte_carlo.estimate import Estimate, of_sample
from theory.monte_carlo.rotations import haar
from theory.quadrature import TGrid

# Entries of the largest array that is held at once.
BLOCK = 2**20


def characteristic(law: str, z: np.ndarray) -> np.ndarray:
    """Characteristic function E e^{izs} of one component, by the name of its law in `theory.blindness.CUMULANTS`.

    Examples
    --------
    >>> characteristic("laplace", np.array([1.0]))
    array([0.66666667])
    """
    if law == "gaussian":
        return np.exp(-(z**2) / 2)
    if law == "uniform":
        return np.sinc(np.sqrt(3) / np.pi * z)
    if law == "laplace":
        return 1 / (1 + z**2 / 2)
    if law == "exponential":
        return np.exp(-1j * z) / (1 - 1j * z)
    if law == "two-point":
        return (2 * np.exp(-1j * z / np.sqrt(2)) + np.exp(1j * z * np.sqrt(2))) / 3
    raise ValueError(f"no law is called {law!r}; use one of {', '.join(CUMULANTS)}")


def squared_difference(t: float, d: int, law: str, *, draws: int, rng: np.random.Generator) -> Estimate:
    """Mean of |φ(tu) − φ(tu′)|² over drawn directions, φ a product over the components (theorem F3).

    Examples
    --------
    >>> squared_difference(1.0, 3, "gaussian", draws=10, rng=np.random.default_rng(0)).mean < 1e-30
    True
    """
    return expected_signal(d, law, TGrid(np.array([t]), np.ones(1)), draws=draws, rng=rng)


def expected_signal(d: int, law: str, grid: TGrid = GRID, *, draws: int, rng: np.random.Generator) -> Estimate:
    """Mean of ∫|φ(tu) − φ(tu′)|² w dt over drawn directions (theorem F3).

    Examples
    --------
    >>> signal = expected_signal(8, "exponential", draws=4000, rng=np.random.default_rng(0))
    >>> signal.contains(0.0), 0.01 < signal.mean < 0.1
    (False, True)
    """
    found = []
    for size in _blocks(draws, 2 * d):
        u = rng.standard_normal((size, 2, d))
        u /= np.linalg.norm(u, axis=2, keepdims=True)
        phi = np.stack([characteristic(law, t * u).prod(2) for t in grid.nodes], axis=2)
        found.append(np.abs(phi[:, 0] - phi[:, 1]) ** 2 @ grid.weights)
    return of_sample(np.concatenate(found))


def null_variance(
    d: int,
    n: int,
    slices: int,
    grid: TGrid = GRID,
    m: int | None = None,
    law: str = "gaussian",
    *,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """Mean square of the unbiased sliced distance of two samples of one law, whose mean is 0 (theorem F3).

    Examples
    --------
    >>> null_variance(2, 3, 2, TGrid([1.0], [1.0]), draws=4000, rng=np.random.default_rng(0)).contains(0.0)
    False
    """
    return of_sample(distances(d, n, slices, law, grid, m, rotated=False, draws=draws, rng=rng) ** 2)


def power(
    d: int,
    n: int,
    slices: int,
    law: str,
    level: float = 0.05,
    grid: TGrid = GRID,
    *,
    variance: float,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """Share of drawn pairs of samples, the second one rotated at random, that the sliced test tells apart (F3).

    Parameters
    ----------
    d, n, slices, law, level, grid
        As in `theory.blindness.power`, with the name of the law in place of its cumulants.
    variance
        Of the statistic for equal laws: the test rejects above the normal quantile of 1 − level times its root.
    draws, rng
        Number of pairs of samples, each with a rotation and slices of its own, and their generator.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> power(2, 8, 4, "uniform", 0.05, TGrid([1.0], [1.0]), variance=1e-9, draws=200, rng=rng).mean > 0.3
    True
    """
    found = distances(d, n, slices, law, grid, rotated=True, draws=draws, rng=rng)
    return of_sample((found > threshold(level) * variance**0.5).astype(np.float64))


def distances(
    d: int,
    n: int,
    slices: int,
    law: str,
    grid: TGrid = GRID,
    m: int | None = None,
    *,
    rotated: bool,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Unbiased sliced distances [draws] of n rows from m rows of the law, which a Haar rotation turns if `rotated`.

    Examples
    --------
    >>> distances(3, 4, 2, "laplace", rotated=True, draws=5, rng=np.random.default_rng(0)).shape
    (5,)
    """
    m, found = n if m is None else m, []
    for size in _blocks(draws, (n + m) * max(d, slices)):
        u = rng.standard_normal((size, d, slices))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        # Turning the rows and turning the slices the other way is the same.
        turned = haar(size, d, rng) @ u if rotated else u
        a, b = (
            LAWS[law].draw(rng, size * rows * d).reshape(size, rows, d) @ along for rows, along in ((n, u), (m, turned))
        )
        a, b = (x.transpose(1, 0, 2).reshape(x.shape[1], -1) for x in (a, b))
        found.append(ecf_distance(a, b, grid, unbiased=True).reshape(size, slices).mean(1))
    return np.concatenate(found)


def _blocks(draws: int, entries: int) -> list[int]:
    """Sizes of the parts in which so many draws are made, each of so many entries."""
    size = max(1, BLOCK // entries)
    return [min(size, draws - start) for start in range(0, draws, size)]
