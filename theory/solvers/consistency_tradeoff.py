"""Lemma 4, corrected: concept consistency plus reconstruction under whitening moves from CCA to PCA with the weight."""

from collections.abc import Sequence

import numpy as np

from theory.moments import Moments
from theory.solution import Solution, gap_at
from theory.solvers import maxbet, tradeoff
from theory.solvers.whitened import whiten


def solve(moments: Moments, rank: int, weight: float, ridge: float = 0.0) -> Solution:
    """Minimise E‖x Wx − y Wy‖² + λ(E‖x − x Wx Dx‖² + E‖y − y Wy Dy‖²) subject to WxᵀΣxWx = WyᵀΣyWy = I_k.

    With W = Σ^{-1/2}U the loss is 2k + λ(TrΣx + TrΣy) − Tr(ZᵀKZ), Z = [U; V], K = [[λΣx, M], [Mᵀ, λΣy]]: the CCA at
    λ = 0, the two PCAs as λ → ∞, and in between neither (Lemma 4, corrected; theorems B1, B2, B6). Decoders are the
    least-squares readouts D = WᵀΣ. k = 1 is exact; k > 1 carries a certificate.

    Parameters
    ----------
    moments
        Second moments of the pair.
    rank
        Number of codes k, at most the rank of either covariance.
    weight
        Nonnegative λ, in units of 1/variance.
    ridge
        Variance added to every coordinate of both domains; the problem solved has Σ + ridge·I for Σ.

    Returns
    -------
    Solution with maps Wx, Dx, Wy, Dy; `spectrum` = correlations of the k code pairs, which are rotated to be diagonal.
    `stats`: certified (1 if the optimum is proved global up to rounding), certificate_gap (2kε of theorem B2),
    lower_bound on the minimal loss, consistency and reconstruction (the two losses at the solution), stationarity.

    Raises
    ------
    ValueError
        If k or λ is out of range, or whitening that many codes is infeasible.

    Examples
    --------
    >>> m = Moments.from_arrays([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]], [[1.0], [-1.0], [1.0], [-1.0]])
    >>> round(45 * solve(m, 1, 5 / 9).optimum, 9)
    88.0
    """
    return path(moments, rank, [weight], ridge)[0]


def path(moments: Moments, rank: int, weights: Sequence[float], ridge: float = 0.0) -> list[Solution]:
    """Solve at every weight, in the given order; the solution at one weight starts the next (see `solve`).

    Examples
    --------
    >>> m = Moments.from_arrays([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]], [[1.0], [-1.0], [1.0], [-1.0]])
    >>> [round(float(s.spectrum[0]), 9) for s in path(m, 1, [0.0, 5 / 9])]
    [1.0, 0.6]
    """
    white = whiten(moments, ridge)
    k = white.feasible(rank)
    noisy = moments.ridged(ridge, ridge)
    total = float(np.trace(noisy.Sx) + np.trace(noisy.Sy))

    def pair_at(weight: float, starts: list[maxbet.Pair]) -> Solution:
        K = np.block([[weight * np.diag(white.lx), white.M], [white.M.T, weight * np.diag(white.ly)]])
        return maxbet.solve(K, len(white.lx), k, starts=starts)

    def at(weight: float, pair: Solution) -> Solution:
        consistency = 2 * k - 2 * float(pair.spectrum.sum())
        U, V = pair.maps["U"], pair.maps["V"]
        kept = float(np.sum(white.lx[:, None] * U**2) + np.sum(white.ly[:, None] * V**2))
        return tradeoff.solution(
            "consistency_tradeoff",
            white,
            pair,
            lambda Wx, Wy: (Wx.T @ noisy.Sx, Wy.T @ noisy.Sy),
            (2 * k + weight * total, 1.0),
            {"consistency": consistency, "reconstruction": total - kept},
        )

    return [at(weight, pair) for weight, pair in zip(weights, tradeoff.continuation(pair_at, weights), strict=True)]


def drift(moments: Moments, rank: int, ridge: float = 0.0) -> dict[str, np.ndarray]:
    """First-order drift of the CCA subspaces: span Wx moves to span(Wx + λTx) + O(λ²), Wy likewise (theorem B4).

    Tx = Σx^{-1/2}U_⊥X with X_ij = (ρ_j a_ij + ρ_i b_ij)/(ρ_j² − ρ_i²), Ty = Σy^{-1/2}V_⊥Y with
    Y_ij = (ρ_j b_ij + ρ_i a_ij)/(ρ_j² − ρ_i²), a = U_⊥ᵀΣxU_k, b = V_⊥ᵀΣyV_k, and zeros where a direction has no
    partner on the other side. Both vanish, and the CCA stays stationary for λ > 0, iff span U_k is Σx-invariant and
    span V_k is Σy-invariant.

    Returns
    -------
    Wx, Tx (dx, k) and Wy, Ty (dy, k), Tx and Ty per unit of weight; Wx and Wy are a CCA.

    Raises
    ------
    ValueError
        If k is out of range or infeasible, or there is no gap ρ_k > ρ_{k+1}.

    Examples
    --------
    >>> m = Moments.from_arrays([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]], [[1.0], [-1.0], [1.0], [-1.0]])
    >>> bool(abs(drift(m, 1)["Tx"]).max() < 1e-12)
    True
    """
    white = whiten(moments, ridge)
    k = white.feasible(rank)
    U, rho, Vt = np.linalg.svd(white.M)
    if gap_at(rho, k) <= white.rounding:
        raise ValueError(f"the canonical correlations {k} and {k + 1} are tied; choose a rank with a gap after it")
    a = U[:, k:].T @ (white.lx[:, None] * U[:, :k])
    b = Vt[k:] @ (white.ly[:, None] * Vt[:k].T)
    rows = max(len(a), len(b))
    a, b = (np.pad(c, ((0, rows - len(c)), (0, 0))) for c in (a, b))
    first, rest = rho[:k], np.pad(rho[k:], (0, rows - len(rho[k:])))[:, None]
    X = (first * a + rest * b) / (first**2 - rest**2)
    Y = (first * b + rest * a) / (first**2 - rest**2)
    return {
        "Wx": white.Px @ U[:, :k],
        "Tx": white.Px @ U[:, k:] @ X[: len(U) - k],
        "Wy": white.Py @ Vt[:k].T,
        "Ty": white.Py @ Vt[k:].T @ Y[: len(Vt) - k],
    }
