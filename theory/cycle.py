"""What cycle consistency predicts for translation: the optima of Lemma 7, judged by R² (theorems D1, D2 and D3).

The problem itself and its principal subspaces are solved in `theory.solvers.cycle`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from theory.linalg import check_rank
from theory.moments import Moments
from theory.solvers.cycle import solve


@dataclass(frozen=True, eq=False)
class CycleOptima:
    """The translations A = Vx Γ Vyᵀ that minimise the full cycle loss, Γ any invertible r×r matrix.

    The cycle does not choose among them. R² is that of x ↦ xA on centred data, against all of y.

    Attributes
    ----------
    Vx, Vy
        (dx, r) and (dy, r) top-r eigenvectors of Σx and Σy; Γ is relative to these bases.
    variances_x, variances_y
        (r,) their eigenvalues Λx, Λy, descending.
    cross
        (r, r) C₀ = VxᵀΣxyVy.
    total
        TrΣy > 0.

    Examples
    --------
    >>> X = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> optima = CycleOptima.of(Moments.from_arrays(X, -X), rank=1)
    >>> sign = float(np.sign(optima.cross[0, 0]))
    >>> round(optima.r_squared([[sign]]), 12), round(optima.r_squared([[-sign]]), 12), optima.supremum
    (0.8, -2.4, 0.8)
    """

    Vx: np.ndarray
    Vy: np.ndarray
    variances_x: np.ndarray
    variances_y: np.ndarray
    cross: np.ndarray
    total: float

    @classmethod
    def of(cls, moments: Moments, rank: int) -> "CycleOptima":
        """Optima with r = `rank` codes, 1 ≤ r ≤ the smaller rank of Σx and Σy.

        Where an eigenvalue λ_r = λ_{r+1} is tied, these are the optima of one choice of principal subspace.

        Raises
        ------
        ValueError
            If the rank is out of range.
        """
        solution = solve(moments, rank)
        check_rank(rank, solution.rank, "the smaller rank of Σx and Σy")
        Vx, Vy = solution.maps["Wx"], solution.maps["Wy"]
        lx, ly = (np.sum(V * (S @ V), axis=0) for V, S in ((Vx, moments.Sx), (Vy, moments.Sy)))
        return cls(Vx, Vy, lx, ly, Vx.T @ moments.Sxy @ Vy, float(np.trace(moments.Sy)))

    def map(self, gamma: ArrayLike) -> np.ndarray:
        """Translation A = Vx Γ Vyᵀ (dx, dy)."""
        return self.Vx @ np.asarray(gamma, dtype=np.float64) @ self.Vy.T

    def gamma(self, A: ArrayLike) -> np.ndarray:
        """Γ = VxᵀAVy (r, r) of a translation A = WxDy (dx, dy)."""
        return self.Vx.T @ np.asarray(A, dtype=np.float64) @ self.Vy

    def r_squared(self, gamma: ArrayLike) -> float:
        """R²(Γ) = [2Tr(ΓᵀC₀) − Tr(ΓᵀΛxΓ)]/TrΣy (theorem D1)."""
        G = np.asarray(gamma, dtype=np.float64)
        return 2 * float(np.sum(G * self.cross)) / self.total - self._explained(G @ G.T)

    @property
    def best(self) -> np.ndarray:
        """Λx^{-1}C₀ (r, r), where R² is largest; a limit of optima, and one of them iff C₀ is invertible."""
        return self.cross / self.variances_x[:, None]

    @property
    def supremum(self) -> float:
        """Supremum of R² over the optima, ‖Λx^{-1/2}C₀‖_F²/TrΣy (theorem D1)."""
        return float(np.sum(self.cross**2 / self.variances_x[:, None])) / self.total

    def expected_r_squared(self, second_moment: ArrayLike) -> float:
        """E R² = −Tr(Λx E[ΓΓᵀ])/TrΣy ≤ 0 if Γ and −Γ have one law (theorem D1).

        Parameters
        ----------
        second_moment
            (r, r) E[ΓΓᵀ], finite.
        """
        return -self._explained(np.asarray(second_moment, dtype=np.float64))

    def matched_gamma(self, Q: ArrayLike) -> np.ndarray:
        """Γ = Λx^{-1/2}QΛy^{1/2}, Q orthogonal (r, r): the covariance of xA is that of the principal part of y."""
        return np.asarray(Q, dtype=np.float64) / np.sqrt(self.variances_x)[:, None] * np.sqrt(self.variances_y)

    def matched_r_squared(self) -> tuple[float, float]:
        """Mean −Σ_{i≤r}λ_i(Σy)/TrΣy and variance 4‖C‖_F²/(r Tr²Σy) of R² for `matched_gamma` of a Haar Q (theorem D2).

        C = Λx^{-1/2}C₀Λy^{1/2}, and Q is uniform on all of O(r): on SO(r) alone the variance of r = 2 is another one,
        and for r = 1 there is no symmetry left.
        """
        C = self.matched_gamma(self.cross)
        variance = 4 * float(np.sum(C**2)) / (len(C) * self.total**2)
        return -float(self.variances_y.sum()) / self.total, variance

    def _explained(self, square: np.ndarray) -> float:
        return float(self.variances_x @ np.diag(square)) / self.total


def flipped(maps: Mapping[str, Any]) -> dict[str, Any]:
    """Linear coders with (Wy, Dy) → (−Wy, −Dy): REC and CYC stay as they are, both translations change sign.

    An optimiser that commutes with signs, sees only such losses and starts from a law that is symmetric under this flip
    is symmetric at every step: its E R² of translation is that of `flip_averaged_r_squared` (theorem D3). Coders of the
    two domains that start alike are no symmetric start.

    Parameters
    ----------
    maps
        Coders by name, as in `theory.solution.Solution`; Wy and Dy are negated, the others returned as they are.

    Examples
    --------
    >>> flipped({"Wx": 1.0, "Dx": 1.0, "Wy": 2.0, "Dy": 0.5})
    {'Wx': 1.0, 'Dx': 1.0, 'Wy': -2.0, 'Dy': -0.5}
    """
    return {name: -value if name in ("Wy", "Dy") else value for name, value in maps.items()}


def flip_averaged_r_squared(moments: Moments, A: ArrayLike) -> float:
    """Mean R² of a translation A and its negative: −Tr(AᵀΣxA)/TrΣy ≤ 0, whatever pairs with what (theorem D3).

    nan if y does not vary.

    Parameters
    ----------
    moments
        Second moments of the rows that are judged; Σxy is not used.
    A
        (dx, dy) = WxDy at any step of training.

    Examples
    --------
    >>> flip_averaged_r_squared(Moments.from_arrays([[1.0], [-1.0]], [[2.0], [-2.0]]), [[2.0]])
    -1.0
    """
    A, total = np.asarray(A, dtype=np.float64), float(np.trace(moments.Sy))
    return -float(np.sum(A * (moments.Sx @ A))) / total if total > 0 else float("nan")
