"""What the rule for the number of pairs reads of one stream: its spectrum, and whether it holds sparse codes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.linalg import eigh, rank_of, svd

# Share of exact zeros from which non-negative rows count as sparse codes.
SPARSE = 0.5
Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Stream:
    """Rows of one stream.

    Parameters
    ----------
    name
        What messages call it.
    rows
        (n, d), finite float64; not all the same.

    Examples
    --------
    >>> stream = Stream("x", np.array([[1.0, 0.0], [-1.0, 0.0]]))
    >>> stream.rank, stream.whitened.tolist(), stream.sparse
    (1, [[1.0], [-1.0]], False)
    """

    name: str
    rows: np.ndarray

    @property
    def sparse(self) -> bool:
        """Whether these are sparse codes: non-negative, and mostly exactly 0."""
        return bool((self.rows >= 0).all() and (self.rows == 0).mean() > SPARSE)

    @cached_property
    def centred(self) -> np.ndarray:
        """Rows about their mean."""
        return self.rows - self.rows.mean(0)

    @cached_property
    def principal(self) -> tuple[np.ndarray, np.ndarray]:
        """Positive eigenvalues of the covariance, descending, and their eigenvectors (d, rank)."""
        n, d = self.rows.shape
        if d > n:  # a d×d matrix need not fit into memory
            _, s, Vt = svd(self.centred)
            values, vectors = s**2 / n, Vt.T
        else:
            values, vectors = eigh(self.centred.T @ self.centred / n)
        rank = rank_of(values)
        return values[:rank], vectors[:, :rank]

    @property
    def spectrum(self) -> np.ndarray:
        """Positive eigenvalues of the covariance."""
        return self.principal[0]

    @property
    def rank(self) -> int:
        """Number of dimensions that the rows vary in."""
        return len(self.spectrum)

    @property
    def coordinates(self) -> tuple[Map, Map]:
        """Rows (m, d) → whitened principal coordinates (m, rank), and back into the span of these rows.

        Examples
        --------
        >>> into, back = Stream("x", np.array([[3.0, 1.0], [-1.0, 1.0]])).coordinates
        >>> into(np.array([[5.0, 7.0]])), back(np.array([[2.0]]))
        (array([[2.]]), array([[5., 1.]]))
        """
        mean, (values, vectors) = self.rows.mean(0), self.principal
        scale = np.sqrt(values)
        return lambda rows: (rows - mean) @ vectors / scale, lambda found: found * scale @ vectors.T + mean

    @cached_property
    def whitened(self) -> np.ndarray:
        """Rows in principal coordinates of variance 1 (n, rank), the largest of each column positive."""
        values, vectors = self.principal
        found = self.centred @ vectors / np.sqrt(values)
        return found * np.where(found[np.abs(found).argmax(0), range(self.rank)] < 0, -1.0, 1.0)
