"""The maximisation behind theorems B, built on data without the solvers, and rivals of its solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from proofs_check.strategies import Pair
from theory.linalg import tolerance


@dataclass(frozen=True)
class TwoBlock:
    """F = λTr(UᵀΣxU) + 2Tr(UᵀMV) + λTr(VᵀΣyV), to be maximised over UᵀU = VᵀV = 1.

    Parameters
    ----------
    Sx, M, Sy
        (rx, rx), (rx, ry) and (ry, ry): covariances and M in whitened coordinates.
    weight
        λ ≥ 0.

    Examples
    --------
    >>> problem = TwoBlock(np.eye(1), np.array([[0.5]]), np.eye(1), 2.0)
    >>> problem.K.tolist(), problem.F(np.array([[1.0]]), np.array([[1.0]]))
    ([[2.0, 0.5], [0.5, 2.0]], 5.0)
    """

    Sx: np.ndarray
    M: np.ndarray
    Sy: np.ndarray
    weight: float

    @property
    def split(self) -> int:
        """Number of rows of U."""
        return len(self.Sx)

    @property
    def K(self) -> np.ndarray:
        """[[λΣx, M], [Mᵀ, λΣy]]."""
        return np.block([[self.weight * self.Sx, self.M], [self.M.T, self.weight * self.Sy]])

    @property
    def J(self) -> np.ndarray:
        """diag(1, −1)."""
        return np.diag(np.where(np.arange(len(self.K)) < self.split, 1.0, -1.0))

    @property
    def constant(self) -> float:
        """λ(TrΣx + TrΣy): the loss is 2k + constant − F."""
        return self.weight * float(np.trace(self.Sx) + np.trace(self.Sy))

    def F(self, U: np.ndarray, V: np.ndarray) -> float:
        """Value of a pair, feasible or not."""
        kept = np.sum(U * (self.Sx @ U)) + np.sum(V * (self.Sy @ V))
        return self.weight * float(kept) + 2 * float(np.sum(U * (self.M @ V)))

    def gradients(self, U: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """MV + λΣxU and MᵀU + λΣyV, half the gradient of F."""
        return self.M @ V + self.weight * self.Sx @ U, self.M.T @ U + self.weight * self.Sy @ V

    def rounding(self, k: int, factor: float = 1.0) -> float:
        """Rounding error of F at k columns, and of products `factor` times as large."""
        return tolerance(2 * k * (1 + float(np.linalg.norm(self.K))) * factor, len(self.K))

    def rival(self, rng: np.random.Generator, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Random feasible pair."""
        U, V = (np.linalg.qr(rng.normal(size=(d, k)))[0] for d in self.M.shape)
        return U, V


def two_block(pair: Pair, weight: float) -> TwoBlock:
    """Problem of a pair of data sets, whitened by the singular value decompositions of the data, not of covariances.

    Examples
    --------
    >>> problem = two_block(Pair(0, 30, 2, 2, 1, 0.0, "tied"), 1.0)
    >>> bool(np.allclose(problem.Sx, np.eye(2))), np.linalg.svd(problem.M)[1].round(9).tolist()
    (True, [0.6, 0.6])
    """
    white, values = [], []
    for data, rank in ((pair.X, pair.rank_x), (pair.Y, pair.rank_y)):
        left, singular, _ = np.linalg.svd(data, full_matrices=False)
        white.append(left[:, :rank])
        values.append(singular[:rank] ** 2 / pair.n)
    return TwoBlock(np.diag(values[0]), white[0].T @ white[1], np.diag(values[1]), weight)


def loss(pair: Pair, Wx: np.ndarray, Wy: np.ndarray, weight: float) -> float:
    """L_CC + λL_REC of two encoders on the data, each decoder by regression.

    Examples
    --------
    >>> pair = Pair(0, 30, 2, 2, 1, 0.0, "tied")
    >>> round(loss(pair, np.zeros((2, 1)), np.zeros((2, 1)), 3.0), 9)
    12.0
    """
    codes = pair.X @ Wx, pair.Y @ Wy
    fits = [z @ np.linalg.lstsq(z, data, rcond=None)[0] for z, data in zip(codes, (pair.X, pair.Y), strict=True)]
    rebuilt = ((pair.X - fits[0]) ** 2).sum() + ((pair.Y - fits[1]) ** 2).sum()
    return float(((codes[0] - codes[1]) ** 2).sum() + weight * rebuilt) / pair.n


def best_direction(problem: TwoBlock, rng: np.random.Generator, starts: int = 3) -> float:
    """Largest F at k = 1 that BFGS finds from random starts (u, v) and (u, −v): no more than F*.

    Examples
    --------
    >>> problem = TwoBlock(np.eye(1), np.array([[0.5]]), np.eye(1), 2.0)
    >>> abs(best_direction(problem, np.random.default_rng(0)) - 5) < 1e-12
    True
    """
    K, split = problem.K, problem.split
    scale = 1 + float(np.linalg.norm(K))

    def descent(w: np.ndarray) -> tuple[float, np.ndarray]:
        blocks = slice(None, split), slice(split, None)
        lengths = [np.linalg.norm(w[b]) for b in blocks]
        z = np.concatenate([w[b] / length for b, length in zip(blocks, lengths, strict=True)])
        g = K @ z
        value = float(z @ g)
        tangent = [(g[b] - z[b] * (z[b] @ g[b])) / length for b, length in zip(blocks, lengths, strict=True)]
        return -value / scale, -2 * np.concatenate(tangent) / scale

    first = rng.normal(size=(starts, len(K)))
    found = [minimize(descent, w, jac=True, options={"gtol": 1e-9}) for w in [*first, *(first @ problem.J)]]
    return -scale * min(float(f.fun) for f in found)
