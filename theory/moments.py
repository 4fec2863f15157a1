"""Second moments of a pair of domains: the only thing that an instance-level loss of linear coders depends on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import get_blas_funcs

from theory.linalg import check_weight

# Rows centred and multiplied at a time: enough for BLAS to run at full speed, few enough to stay in cache.
ROWS = 256
(syrk,) = get_blas_funcs(("syrk",), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Moments:
    """Means and centred second moments (divided by n, in float64) of row-aligned X (n×dx) and Y (n×dy).

    Attributes
    ----------
    n
        Number of rows.
    mean_x, mean_y
        (dx,) and (dy,).
    Sx, Sxy, Sy
        (dx, dx), (dx, dy), (dy, dy); Sx = (1/n) Σ (x − mean)ᵀ(x − mean), and so on.

    Examples
    --------
    >>> m = Moments.from_arrays([[1.0], [-1.0]], [[2.0], [0.0]])
    >>> float(m.Sx[0, 0]), float(m.Sxy[0, 0]), float(m.mean_y[0])
    (1.0, 1.0, 1.0)
    """

    n: int
    mean_x: np.ndarray
    mean_y: np.ndarray
    Sx: np.ndarray
    Sxy: np.ndarray
    Sy: np.ndarray

    @property
    def dx(self) -> int:
        """Dimension of x."""
        return len(self.mean_x)

    @property
    def dy(self) -> int:
        """Dimension of y."""
        return len(self.mean_y)

    @classmethod
    def from_arrays(cls, X: ArrayLike, Y: ArrayLike) -> "Moments":
        """Moments of two row-aligned arrays of real numbers; memory-mapped arrays are read in blocks.

        Raises
        ------
        ValueError
            If they are not two-dimensional, are empty, not real, of unequal row counts, or have NaN or infinite values.
        """
        return cls.from_blocks([(X, Y)])

    @classmethod
    def from_blocks(cls, blocks: Iterable[tuple[ArrayLike, ArrayLike]]) -> "Moments":
        """Moments of a stream of row-aligned blocks (X_b, Y_b), in O((dx+dy)²) memory.

        Each block is centred by its own mean; the shift between the means enters as one further row (Chan, Golub &
        LeVeque 1983), so that a large common offset costs no accuracy. Raises ValueError as `from_arrays` does.
        """
        gram, seen = None, 0
        for X, Y in blocks:
            X, Y = _checked(X, "X"), _checked(Y, "Y")
            if len(X) != len(Y):
                raise ValueError(f"X has {len(X)} rows and Y has {len(Y)}; pass row-aligned arrays")
            if gram is None:
                gram = _Gram(X.shape[1], Y.shape[1])
            for start in range(0, len(X), ROWS):
                gram.add(X[start : start + ROWS], Y[start : start + ROWS], seen + start)
            seen += len(X)
        if gram is None or gram.n == 0:
            raise ValueError("no rows; pass at least one block with at least one row")
        return gram.moments()

    def merge(self, other: "Moments") -> "Moments":
        """Moments of the union of two disjoint sets of rows."""
        if (self.dx, self.dy) != (other.dx, other.dy):
            raise ValueError(
                f"dimensions {(self.dx, self.dy)} and {(other.dx, other.dy)} differ; merge moments of the same domains"
            )
        n = self.n + other.n
        a, b = self.n / n, other.n / n
        shift_x, shift_y = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        return Moments(
            n,
            self.mean_x + b * shift_x,
            self.mean_y + b * shift_y,
            a * self.Sx + b * other.Sx + a * b * np.outer(shift_x, shift_x),
            a * self.Sxy + b * other.Sxy + a * b * np.outer(shift_x, shift_y),
            a * self.Sy + b * other.Sy + a * b * np.outer(shift_y, shift_y),
        )

    def swapped(self) -> "Moments":
        """Return the same moments with the two domains exchanged."""
        return Moments(self.n, self.mean_y, self.mean_x, self.Sy, self.Sxy.T, self.Sx)

    def ridged(self, ridge_x: float, ridge_y: float) -> "Moments":
        """Moments of the data plus independent white noise of these variances: Σ + ridge·I in place of Σ."""
        ridge_x, ridge_y = check_weight("ridge", ridge_x), check_weight("ridge", ridge_y)
        return replace(self, Sx=self.Sx + ridge_x * np.eye(self.dx), Sy=self.Sy + ridge_y * np.eye(self.dy))


class _Gram:
    """Running mean and centred Gram matrix of the joined rows [x y]; one symmetric product makes all three moments."""

    def __init__(self, dx: int, dy: int):
        self.n, self.dx, self.dy = 0, dx, dy
        self.origin, self.mean = np.zeros(dx + dy), np.zeros(dx + dy)
        self.gram = np.zeros((dx + dy, dx + dy), order="F")
        self.rows = np.empty((ROWS + 1, dx + dy))

    def add(self, X: np.ndarray, Y: np.ndarray, first_row: int) -> None:
        if (X.shape[1], Y.shape[1]) != (self.dx, self.dy):
            raise ValueError(
                f"a block has {X.shape[1]} + {Y.shape[1]} columns where {self.dx} + {self.dy} came before; "
                "give every block the same columns"
            )
        b = len(X)
        rows = self.rows[:b]
        if self.n == 0:
            self.origin[: self.dx], self.origin[self.dx :] = X[0], Y[0]
        # Means are taken relative to the first row: a common offset then has no rounding, constant columns are zero.
        with np.errstate(invalid="ignore", over="ignore"):
            np.subtract(X, self.origin[: self.dx], out=rows[:, : self.dx], dtype=np.float64)
            np.subtract(Y, self.origin[self.dx :], out=rows[:, self.dx :], dtype=np.float64)
            mean = rows.mean(axis=0)
            rows -= mean
            shift = mean - self.mean
        if not np.isfinite(shift).all():
            name = "X" if not np.isfinite(shift[: self.dx]).all() else "Y"
            raise ValueError(
                f"{name} has NaN or infinite values in rows {first_row} to {first_row + b - 1}; remove or impute them"
            )
        self.rows[b] = np.sqrt(self.n * b / (self.n + b)) * shift
        self.gram = syrk(1.0, self.rows[: b + 1].T, beta=1.0, c=self.gram, overwrite_c=1)
        self.n += b
        self.mean += (b / self.n) * shift

    def moments(self) -> Moments:
        if not np.isfinite(self.gram).all():
            raise ValueError("the squares of the values overflow; rescale X and Y")
        upper = np.triu(self.gram) / self.n
        S = upper + np.triu(upper, 1).T
        dx = self.dx
        mean = self.origin + self.mean
        return Moments(
            self.n,
            mean[:dx],
            mean[dx:],
            np.ascontiguousarray(S[:dx, :dx]),
            np.ascontiguousarray(S[:dx, dx:]),
            np.ascontiguousarray(S[dx:, dx:]),
        )


def _checked(A: ArrayLike, name: str) -> np.ndarray:
    A = np.asanyarray(A)
    if A.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {A.dtype}; pass an array of real numbers")
    if A.ndim != 2 or A.shape[1] == 0:
        raise ValueError(f"{name} has shape {A.shape}; pass a two-dimensional array, rows × features")
    return A
