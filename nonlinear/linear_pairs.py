"""Linear pairs of domains whose ambiguity is known: what distribution matching leaves open (theorems C1 and C4).

Data are rows throughout, as in theory/: x = sM and y = xA, with M and A the transposes of B and A_* of the theorems.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nonlinear.random_rows import BLOCK, rows, stream_of
from theory.ambiguity.components import Ambiguity
from theory.ambiguity.rotations import haar
from theory.ambiguity.sources import check_laws, draw_sources
from theory.linalg import one_thread, tolerance

# Keys of the random streams.
STRUCTURE, SOURCES, ERRORS = range(3)


@dataclass(frozen=True, eq=False)
class PairSample:
    """Rows of "x" and "y" [n, d] at the same points, and the sources [n, d] of x.

    Examples
    --------
    >>> sample: PairSample = gaussian_pair([4.0, 1.0]).draw(3, seed=0)
    >>> sample.streams["x"].shape, sample.sources.shape
    ((3, 2), (3, 2))
    """

    streams: dict[str, np.ndarray]
    sources: np.ndarray


@dataclass(frozen=True, eq=False)
class LinearPair:
    """Laws of x = sM and of y = x·regression + e·noise, e ~ N(0, I).

    Attributes
    ----------
    group
        The S with xS ~ x; it holds the laws of the sources s and M.
    A
        [d, d], the true map: y = xA where nothing is added. It matches the covariances always, and the laws if y = xA
        or x is Gaussian.
    regression, noise
        [d, d]; E[y|x] = x·regression is the best translation.

    Examples
    --------
    >>> pair: LinearPair = gaussian_pair([4.0, 1.0], [9.0, 1.0])
    >>> np.linalg.eigvalsh(pair.covariances[2]).round(9).tolist()     # the spectrum of y
    [1.0, 9.0]
    """

    group: Ambiguity
    A: np.ndarray
    regression: np.ndarray
    noise: np.ndarray

    @property
    def covariances(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Σx, Σxy and Σy of the laws."""
        Sx, T, N = self.group.M.T @ self.group.M, self.regression, self.noise
        return Sx, Sx @ T, T.T @ Sx @ T + N.T @ N

    def draw(self, n: int, seed: int) -> PairSample:
        """Draw n rows of each domain; fewer rows of the same seed are a prefix of more, bit by bit."""

        def block(number: int) -> dict[str, np.ndarray]:
            s = draw_sources(self.group.laws, BLOCK, stream_of(seed, SOURCES, number))
            x = s @ self.group.M
            y = x @ self.regression
            if self.noise.any():
                y += stream_of(seed, ERRORS, number).standard_normal(s.shape) @ self.noise
            return {"x": x, "y": y, "sources": s}

        found = rows(n, block)
        return PairSample({"x": found["x"], "y": found["y"]}, found["sources"])


def linear_pair(
    laws: Sequence[str],
    spectrum_x: ArrayLike = 1.0,
    spectrum_y: ArrayLike | None = None,
    Q: ArrayLike | None = None,
    correlations: ArrayLike = 1.0,
    structure: int = 0,
) -> LinearPair:
    """Plant a pair whose covariances have given spectra, and whose sources have given laws.

    M = RΣx^{1/2} and A = Σx^{-1/2} Q Σy^{1/2}, with uniformly distributed R and eigenvectors of Σx and Σy. For
    correlations ρ, y = [(xΣx^{-1/2}Q)·ρ + e·√(1 − ρ²)]Σy^{1/2} with e ~ N(0, I): Σy does not depend on ρ, and ρ are the
    canonical correlations.

    Parameters
    ----------
    laws
        Of the d sources, names as in `theory.ambiguity.sources.draw_sources`.
    spectrum_x, spectrum_y
        Eigenvalues of Σx and Σy: d positive numbers, or one for all. By default that of y is that of x.
    Q
        [d, d], orthogonal, the transpose of Q_*; by default uniformly distributed.
    correlations
        ρ: d numbers in [0, 1], or one for all; 1 is y = xA.
    structure
        Seed of R, Q and the eigenvectors; rows have a seed of their own.

    Raises
    ------
    ValueError
        An unknown law, or an argument of the wrong length or range.

    Examples
    --------
    >>> pair = linear_pair(["exponential", "-exponential"], spectrum_x=[4.0, 1.0])
    >>> streams = pair.draw(5, seed=0).streams
    >>> bool(np.allclose(streams["x"] @ pair.A, streams["y"])), str(pair.group)
    (True, 'O(0) ⊕ H of order 2')
    """
    laws = check_laws(laws)
    d = len(laws)
    x = _numbers("spectrum_x", spectrum_x, d)
    y = _numbers("spectrum_y", x if spectrum_y is None else spectrum_y, d)
    for name, values in (("spectrum_x", x), ("spectrum_y", y)):
        if not (values > 0).all():
            raise ValueError(f"{name} has the eigenvalue {values.min():g}; pass positive ones")
    rho = _numbers("correlations", correlations, d)
    if not ((rho >= 0) & (rho <= 1)).all():
        raise ValueError(f"correlations {rho.min():g} to {rho.max():g} are not all in [0, 1]; a sign belongs into Q")
    with one_thread(d):
        R, Vx, Vy, drawn = (haar(d, stream_of(structure, STRUCTURE, key)) for key in range(4))
    turn = drawn if Q is None else np.asarray(Q, dtype=np.float64)
    if turn.shape != (d, d) or not np.abs(turn.T @ turn - np.eye(d)).max() <= tolerance(1.0, d):
        raise ValueError(f"Q of shape {turn.shape} is not orthogonal of order {d}; pass such a matrix")
    with one_thread(d):
        whiten, colour = (Vx / np.sqrt(x)) @ Vx.T, (Vy * np.sqrt(y)) @ Vy.T
        return LinearPair(
            group=Ambiguity(laws, R @ (Vx * np.sqrt(x)) @ Vx.T),
            A=whiten @ turn @ colour,
            regression=whiten @ (turn * rho) @ colour,
            noise=np.sqrt(1 - rho**2)[:, None] * colour,
        )


def gaussian_pair(
    spectrum_x: Sequence[float],
    spectrum_y: ArrayLike | None = None,
    Q: ArrayLike | None = None,
    correlations: ArrayLike = 1.0,
    structure: int = 0,
) -> LinearPair:
    """Plant a pair of Gaussian domains, ambiguous up to O(d) (theorem C1); arguments as in `linear_pair`.

    Examples
    --------
    >>> pair = gaussian_pair([2.0, 1.0, 0.5])
    >>> str(pair.group), float(pair.covariances[0].trace().round(12))
    ('O(3) ⊕ H of order 1', 3.5)
    """
    return linear_pair(["gaussian"] * len(spectrum_x), spectrum_x, spectrum_y, Q, correlations, structure)


def _numbers(name: str, values: ArrayLike, d: int) -> np.ndarray:
    found = np.asarray(values, dtype=np.float64)
    if found.shape not in {(), (d,)} or not np.isfinite(found).all():
        raise ValueError(f"{name} has shape {found.shape} or is not finite; pass one number, or one for each of {d}")
    return np.broadcast_to(found, (d,))
