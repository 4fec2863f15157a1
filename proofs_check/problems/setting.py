"""What the linear statements share: letters, losses in second moments, random members, and the register of problems.

Rows are samples: codes z = X Wx (Wx: x×k), reconstructions z Dx (Dx: k×x). Every covariance is written as the square of
its symmetric root, Sx = Rx², and Sxy = Rx M Ry, which any pair of data sets allows; an encoder enters the whitened
coordinates as U = Rx Wx, so that singular covariances are included.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from proofs_check.algebra import Poly, letter, scalar, trace
from proofs_check.mutants import Members
from proofs_check.problem import Problem

X, Y = letter("X", "n", "x"), letter("Y", "n", "y")
Rx, Ry = letter("Rx", "x", "x", symmetric=True), letter("Ry", "y", "y", symmetric=True)
M = letter("M", "x", "y")
Wx, Wy = letter("Wx", "x", "k"), letter("Wy", "y", "k")
Dx, Dy = letter("Dx", "k", "x"), letter("Dy", "k", "y")
U, V = letter("U", "x", "k"), letter("V", "y", "k")
Sx, Sy, Sxy = Rx * Rx, Ry * Ry, Rx * M * Ry
weight, dim_k = scalar("λ"), scalar("dim k")

# U = Rx Wx says only what U is: the encoder seen in whitened coordinates
WHITENED = {
    "coordinates x": Rx * Wx - U,
    "coordinates y": Ry * Wy - V,
    "Stiefel U": U.T * U - 1,
    "Stiefel V": V.T * V - 1,
}


def translation(S: Poly, C: Poly, T: Poly, W: Poly, D: Poly) -> Poly:
    """Return E‖y − x W D‖² for covariances S of x and T of y, and cross-covariance C.

    Examples
    --------
    >>> W, D = letter("W", "x", "k"), letter("D", "k", "y")
    >>> zero == translation(Sx, Sxy, Sy, W, D) - trace(Sy) + 2 * trace(D.T * W.T * Sxy) - trace(D.T * W.T * Sx * W * D)
    True
    """
    return trace(T) - 2 * trace(C.T * W * D) + trace(D.T * W.T * S * W * D)


def reconstruction(S: Poly, W: Poly, D: Poly) -> Poly:
    """Return E‖x − x W D‖².

    Examples
    --------
    >>> W, D = letter("W", "x", "k"), letter("D", "k", "x")
    >>> reconstruction(Sx, W, D) == translation(Sx, Sx, Sx, W, D)
    True
    """
    return translation(S, S, S, W, D)


def consistency(V: Poly, W: Poly) -> Poly:
    """Return E‖x V − y W‖².

    Examples
    --------
    >>> consistency(Wx, Wy) == consistency(Wx * -1, Wy * -1) != consistency(Wx * -1, Wy)
    True
    """
    return trace(V.T * Sx * V) + trace(W.T * Sy * W) - 2 * trace(V.T * Sxy * W)


zero = Poly("1", "1", {})


def square(A: Poly) -> Poly:
    """Return ‖A‖²_F.

    Examples
    --------
    >>> square(Wx) == square(Wx.T) == trace(Wx * Wx.T)
    True
    """
    return trace(A.T * A)


class Case(NamedTuple):
    """A problem, a generator of matrices that satisfy its hypotheses, and more facts for its mutants (``also``).

    Examples
    --------
    >>> from proofs_check.problems import CASES
    >>> drawn = CASES["L4-readout"].members(np.random.default_rng(0))
    >>> drawn["Gx"].shape == (drawn["Wx"].shape[1],) * 2
    True
    """

    problem: Problem
    members: Members
    also: Mapping[str, Poly]


CASES: dict[str, Case] = {}
Fill = Callable[["Draw"], dict[str, Any]]


def case(problem: Problem, **also: Poly) -> Callable[[Fill], Fill]:
    """Register the decorated function, which fills a draw's sizes with matrices, as the members of the problem.

    Examples
    --------
    >>> from proofs_check.problems import CASES
    >>> case(CASES["L4-readout"].problem)(lambda draw: {})
    Traceback (most recent call last):
    ValueError: two problems are called L4-readout
    """

    def register(function: Fill) -> Fill:
        if problem.name in CASES:
            raise ValueError(f"two problems are called {problem.name}")
        CASES[problem.name] = Case(problem, lambda rng: function(Draw(rng)), also)
        return function

    return register


class Draw:
    """Random matrices between spaces of random dimensions: dx, dy, k all different and k > 1, or k = min(dx, dy).

    Examples
    --------
    >>> draw = Draw(np.random.default_rng(0))
    >>> U = draw.stiefel("x", "k")
    >>> U.shape == (draw.size["x"], draw.size["k"]), bool(np.allclose(U.T @ U, np.eye(draw.size["k"])))
    (True, True)
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        choices = [(9, 4, 3, 2), (7, 3, 5, 2), (11, 5, 4, 3), (6, 3, 4, 3), (4, 5, 6, 2)]
        n, x, y, k = choices[rng.integers(len(choices))]
        self.size = {"n": n, "x": x, "y": y, "k": k, "z": x + y}

    def normal(self, row: str, column: str) -> np.ndarray:
        """Draw independent standard normal entries."""
        return self.rng.standard_normal((self.size[row], self.size[column]))

    def stiefel(self, row: str, column: str) -> np.ndarray:
        """Draw orthonormal columns."""
        return np.linalg.qr(self.normal(row, column))[0]

    def spd(self, space: str, low: float = 0.5, high: float = 3.0) -> np.ndarray:
        """Draw a symmetric matrix with eigenvalues between two bounds."""
        Q = self.stiefel(space, space)
        return (Q * self.rng.uniform(low, high, len(Q))) @ Q.T

    def invertible(self, space: str) -> np.ndarray:
        """Draw a square matrix with singular values between 1/2 and 2."""
        return self.spd(space, 0.5, 2.0) @ self.stiefel(space, space)

    def coherence(self) -> np.ndarray:
        """Draw M with canonical correlations between 0 and 1."""
        A = self.normal("x", "y")
        return A / np.linalg.norm(A, 2) * self.rng.uniform(0.3, 0.95)

    def number(self) -> float:
        """Draw a positive parameter."""
        return float(self.rng.uniform(0.3, 2.0))

    def encoder(self, space: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw R, W, U with R W = U on the Stiefel manifold; R is singular in half of the draws that allow it."""
        d, k = self.size[space], self.size["k"]
        rank = d - int(d > k and self.rng.integers(2))
        Q, values = self.stiefel(space, space), self.rng.uniform(0.7, 1.7, d)
        values[rank:] = 0
        inner = np.linalg.qr(self.rng.standard_normal((rank, k)))[0]
        lifted = np.vstack([inner / values[:rank, None], self.rng.standard_normal((d - rank, k))])
        return (Q * values) @ Q.T, Q @ lifted, Q[:, :rank] @ inner

    def eigenpairs(self, space: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw S, its top k eigenvectors, and all its eigenvalues in descending order."""
        vectors = self.stiefel(space, space)
        values = np.sort(self.rng.uniform(0.5, 3, len(vectors)))[::-1]
        return (vectors * values) @ vectors.T, vectors[:, : self.size["k"]], values

    def whitened(self) -> dict[str, Any]:
        """Draw second moments and whitened encoders."""
        Rx, Wx, U = self.encoder("x")
        Ry, Wy, V = self.encoder("y")
        return {"Rx": Rx, "Ry": Ry, "M": self.coherence(), "Wx": Wx, "Wy": Wy, "U": U, "V": V}
