"""What the rule of anchors reads of one file: a sample of rows, their spectrum, and whether they are sparse codes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from proofs_check.errors import InputError
from proofs_check.inputs import Rows
from theory.linalg import eigh, rank_of

MOST_ROWS, MOST_NUMBERS, LEAST_ROWS = 20_000, 2**25, 20
# Share of exact zeros from which non-negative rows count as sparse codes.
SPARSE = 0.5


@dataclass(frozen=True, eq=False)
class Stream:
    """A random sample of the rows of one file (n, d).

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
        values, vectors = eigh(self.centred.T @ self.centred / len(self.rows))
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

    @cached_property
    def whitened(self) -> np.ndarray:
        """Rows in principal coordinates of variance 1 (n, rank)."""
        values, vectors = self.principal
        found = self.centred @ vectors / np.sqrt(values)
        return found * np.where(found[np.abs(found).argmax(0), range(self.rank)] < 0, -1.0, 1.0)


def sample(x: Rows, y: Rows, rng: np.random.Generator) -> tuple[Stream, Stream]:
    """Random rows of both files, the same ones if they have equally many.

    Raises
    ------
    InputError
        Fewer than 20 rows, rows that do not vary, or unusable values.
    """
    found, chosen = [], None
    for rows in (x, y):
        if len(rows) < LEAST_ROWS:
            raise InputError(f"{rows.name} has {len(rows)} rows; at least {LEAST_ROWS} are needed, and 10 per column")
        count = min(len(rows), MOST_ROWS, max(MOST_NUMBERS // max(rows.dim, 1), LEAST_ROWS))
        if chosen is None or len(x) != len(y):
            chosen = np.sort(rng.choice(len(rows), count, replace=False))
        stream = Stream(rows.name, rows.take(chosen))
        if not np.ptp(stream.rows, axis=0).any():
            raise InputError(f"the rows of {rows.name} are all the same; nothing can be aligned")
        found.append(stream)
    return found[0], found[1]
