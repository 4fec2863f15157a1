"""Translations that cycle consistency leaves, judged on rows: D1 over random Γ, D2 over rotations, D3 along training.

Rows are centred: X [n, dx] and Y [n, dy]. R² is measured from residuals, and training follows the gradients by hand.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from theory.monte_carlo.estimate import Estimate, of_sample
from theory.monte_carlo.rotations import haar

Law = Callable[[np.random.Generator, int], np.ndarray]
Coders = dict[str, np.ndarray]


def r_squared(X: ArrayLike, Y: ArrayLike, A: ArrayLike) -> np.ndarray:
    """1 − Σ‖y − xA‖²/Σ‖y‖² of translations A [..., dx, dy] on centred rows.

    Examples
    --------
    >>> r_squared([[1.0], [-1.0]], [[2.0], [-2.0]], [[[2.0]], [[-2.0]]])
    array([ 1., -3.])
    """
    X, Y, A = (np.asarray(Z, dtype=np.float64) for Z in (X, Y, A))
    return 1 - ((Y - X @ A) ** 2).sum((-2, -1)) / (Y**2).sum()


def expected_r_squared(X: ArrayLike, Y: ArrayLike, gamma: Law, *, draws: int, rng: np.random.Generator) -> Estimate:
    """Mean R² of the cycle-optimal A = VxΓVyᵀ over a law of Γ (theorem D1).

    Parameters
    ----------
    X, Y
        Centred rows; Vx, Vy are their top right singular vectors.
    gamma
        Function (rng, draws) → Γ [draws, r, r] in these bases.
    draws, rng
        Number of draws, at least 2, and their generator.

    Examples
    --------
    >>> X = np.array([[1.0], [-1.0]])
    >>> coin = lambda rng, draws: rng.choice([-2.0, 2.0], (draws, 1, 1))
    >>> expected_r_squared(X, X, coin, draws=4000, rng=np.random.default_rng(0)).contains(-4.0)
    True
    """
    return of_sample(r_squared(X, Y, _between(X, Y, gamma(rng, draws))))


def matched_r_squared(
    X: ArrayLike, Y: ArrayLike, rank: int, rotations_only: bool = False, *, draws: int, rng: np.random.Generator
) -> tuple[Estimate, Estimate]:
    """Mean and variance of R² over the Γ = Λx^{-1/2}QΛy^{1/2} of a uniform orthogonal Q (theorem D2).

    Parameters
    ----------
    X, Y
        Centred rows of rank at least r.
    rank
        Number of codes r.
    rotations_only
        Q uniform on SO(r).
    draws, rng
        Number of draws, at least 2, and their generator.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((20, 3))
    >>> mean, variance = matched_r_squared(X, X, 3, draws=4000, rng=np.random.default_rng(1))
    >>> mean.contains(-1.0), variance.mean > 0.1
    (True, True)
    """
    Q = haar(draws, rank, rng)
    if rotations_only:
        Q[:, :, 0] *= np.sign(np.linalg.det(Q))[:, None]
    # Singular values in place of roots of variances: the number of rows cancels where both sides have n.
    sx, sy = (np.linalg.svd(np.asarray(Z, dtype=np.float64), compute_uv=False)[:rank] for Z in (X, Y))
    values = r_squared(X, Y, _between(X, Y, Q / sx[:, None] * sy))
    return of_sample(values), of_sample((values - values.mean()) ** 2)


def flip_averaged_r_squared(X: ArrayLike, Y: ArrayLike, A: ArrayLike) -> Estimate:
    """Mean R² of trained translations A [draws, dx, dy], to set beside the mean of the closed form at the same A (D3).

    Given A up to its sign, the sign is a fair coin: the error is that of what the sign changes, 2Tr(AᵀΣxy)/TrΣy.

    Examples
    --------
    >>> rows = np.array([[1.0], [-1.0]])
    >>> flip_averaged_r_squared(rows, rows, [[[1.0]], [[-1.0]]])
    Estimate(mean=-1.0, error=2.0, draws=2)
    """
    values, odd = r_squared(X, Y, A), (np.asarray(A) * (np.transpose(X) @ Y)).sum((-2, -1)) * 2 / np.sum(np.square(Y))
    return Estimate(float(values.mean()), of_sample(odd).error, len(values))


def starts(shapes: dict[str, tuple[int, int]], size: float, *, draws: int, rng: np.random.Generator) -> Coders:
    """Coders of the given shapes, one of each name per draw: independent entries, uniform about 0, a symmetric start.

    Bounded, since a step that is too large for some starts would make the mean R² infinite.

    Parameters
    ----------
    shapes
        By name, (rows, columns).
    size
        Standard deviation of the entries.
    draws, rng
        Number of starts, and their generator.

    Examples
    --------
    >>> starts({"Wx": (3, 2)}, 0.1, draws=5, rng=np.random.default_rng(0))["Wx"].shape
    (5, 3, 2)
    """
    bound = size * 3**0.5
    return {name: rng.uniform(-bound, bound, (draws, *shape)) for name, shape in shapes.items()}


def trained(X: ArrayLike, Y: ArrayLike, start: Coders, rate: float, translation: float = 0.0) -> Iterator[Coders]:
    """Linear coders along gradient descent on REC + CYC + translation · TR, all starts at once.

    Parameters
    ----------
    X, Y
        Centred rows.
    start
        Wx [draws, dx, k], Dx [draws, k, dx], Wy [draws, dy, k], Dy [draws, k, dy].
    rate
        Step size.
    translation
        Weight of TR, which sees the pairs.

    Yields
    ------
    The coders, the start first, without end.

    Examples
    --------
    >>> one = {name: np.full((1, 1, 1), 0.5) for name in ("Wx", "Dx", "Wy", "Dy")}
    >>> run = trained([[1.0], [-1.0]], [[1.0], [-1.0]], one, 0.1)
    >>> [round(float(next(run)["Wx"][0, 0, 0]), 3) for _ in range(3)]
    [0.5, 0.622, 0.78]
    """
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    Sx, Sy, Sxy = (P.T @ Q / len(P) for P, Q in ((X, X), (Y, Y), (X, Y)))
    losses: list[tuple[tuple[str, ...], np.ndarray, np.ndarray]] = [
        (("Wx", "Dx"), Sx, Sx),
        (("Wy", "Dy"), Sy, Sy),
        (("Wx", "Dy", "Wy", "Dx"), Sx, Sx),
        (("Wy", "Dx", "Wx", "Dy"), Sy, Sy),
    ]
    if translation:
        losses += [(("Wx", "Dy"), translation * Sx, translation * Sxy)]
        losses += [(("Wy", "Dx"), translation * Sy, translation * Sxy.T)]
    coders = dict(start)
    while True:
        yield coders
        gradients = {name: np.zeros_like(value) for name, value in coders.items()}
        for chain, second, target in losses:
            for name, gradient in _gradients([coders[c] for c in chain], second, target, chain):
                gradients[name] += gradient
        coders = {name: value - rate * gradients[name] for name, value in coders.items()}


def _gradients(factors: list[np.ndarray], second: np.ndarray, target: np.ndarray, names: tuple[str, ...]):
    """Of E‖target − source·product‖² in each factor; second and cross moments of the source."""
    left, right = [np.eye(len(second))[None]], [np.eye(factors[-1].shape[-1])[None]]
    for F, B in zip(factors, reversed(factors), strict=True):
        left.append(left[-1] @ F)
        right.append(B @ right[-1])
    outer = 2 * (second @ left[-1] - target)
    for i, name in enumerate(names):
        yield name, left[i].swapaxes(-2, -1) @ outer @ right[-i - 2].swapaxes(-2, -1)


def _between(X: ArrayLike, Y: ArrayLike, gamma: np.ndarray) -> np.ndarray:
    """VxΓVyᵀ between the top right singular vectors of the rows."""
    r = gamma.shape[-1]
    Vx, Vy = (np.linalg.svd(np.asarray(Z, dtype=np.float64), full_matrices=False)[2][:r] for Z in (X, Y))
    return Vx.T @ gamma @ Vy
