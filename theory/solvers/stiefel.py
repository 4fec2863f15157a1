"""Ascent of F = Tr(ZᵀKZ) over pairs Z = [U; V] with orthonormal columns: polar iteration, then Newton steps."""

from collections.abc import Callable
from functools import partial

import numpy as np

from theory.linalg import eigh, polar, symmetric

POLAR_STEPS = 300
NEWTON_STEPS = 100


def blockwise(split: int, Z: np.ndarray, Lu: np.ndarray, Lv: np.ndarray) -> np.ndarray:
    """[U Lu; V Lv].

    Examples
    --------
    >>> blockwise(1, np.ones((2, 1)), np.array([[2.0]]), np.array([[3.0]])).ravel().tolist()
    [2.0, 3.0]
    """
    return np.vstack([Z[:split] @ Lu, Z[split:] @ Lv])


def multipliers(G: np.ndarray, split: int, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Symmetrised multipliers Λ₁ = sym(UᵀG_U), Λ₂ = sym(VᵀG_V) of a gradient G.

    Examples
    --------
    >>> [L.item() for L in multipliers(np.array([[3.0], [5.0]]), 1, np.ones((2, 1)))]
    [3.0, 5.0]
    """
    return symmetric(Z[:split].T @ G[:split]), symmetric(Z[split:].T @ G[split:])


def project(split: int, Z: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Orthogonal projection of A on the tangent directions at Z that are not common rotations Z → ZQ.

    F does not change along common rotations; left in, their curvature (zero only at the optimum) would mislead Newton.

    Examples
    --------
    >>> Z = np.vstack([np.eye(2)[:, :1], np.eye(2)[:, :1]])
    >>> project(2, Z, np.ones((4, 1))).ravel().round(12).tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    tangent = A - blockwise(split, Z, *multipliers(A, split, Z))
    return tangent - Z @ (Z.T @ tangent) / 2


def feasible(split: int, A: np.ndarray) -> np.ndarray:
    """Nearest pair with orthonormal columns, block by block.

    Examples
    --------
    >>> feasible(1, np.array([[2.0], [-3.0]])).ravel().tolist()
    [1.0, -1.0]
    """
    return np.vstack([polar(A[:split]), polar(A[split:])])


def ascend(K: np.ndarray, split: int, Z: np.ndarray, resolution: float) -> np.ndarray:
    """Ascend from Z until the gradient of F/2 is below `resolution`, or rounding ends the progress; F never falls.

    Examples
    --------
    >>> K = np.kron([[1.0, 0.5], [0.5, 1.0]], np.diag([2.0, 1.0]))
    >>> Z = feasible(2, np.array([[1.0], [1.0], [1.0], [1.0]]))
    >>> Z = ascend(K, 2, Z, 1e-9)
    >>> round(float(np.sum(Z * (K @ Z))), 6)
    6.0
    """
    return _newton(K, split, polar_iteration(K, split, Z), resolution)


def polar_iteration(K: np.ndarray, split: int, Z: np.ndarray, steps: int = POLAR_STEPS) -> np.ndarray:
    """U ← polar(K_xx U + K_xy V), V likewise (theorem B6): monotone while K_xx, K_yy ⪰ 0.

    Taking each block's least eigenvalue off its diagonal leaves the maximisers as they are, makes every K admissible,
    and speeds the iteration up.

    Examples
    --------
    >>> K = np.kron([[1.0, 0.5], [0.5, 1.0]], np.diag([2.0, 1.0]))
    >>> Z = polar_iteration(K, 2, feasible(2, np.ones((4, 1))))
    >>> round(float(np.sum(Z * (K @ Z))), 6)
    6.0
    """
    xx, yy = (B - eigh(B)[0][-1] * np.eye(len(B)) for B in (K[:split, :split], K[split:, split:]))
    xy = K[:split, split:]
    U, V = Z[:split], Z[split:]
    before = -np.inf
    for _ in range(steps):
        U = polar(xx @ U + xy @ V)
        G = yy @ V + xy.T @ U
        value = float(np.sum(U * (xx @ U)) + 2 * np.sum(V * G) - np.sum(V * (yy @ V)))
        V = polar(G)
        # The rest is left to Newton steps.
        if value - before <= 1e-5 * abs(value):
            break
        before = value
    return np.vstack([U, V])


def _newton(K: np.ndarray, split: int, Z: np.ndarray, resolution: float) -> np.ndarray:
    """Trust-region Newton on F/2 with truncated conjugate gradients (Absil, Baker & Gallivan 2007)."""
    largest = np.sqrt(2.0 * Z.shape[1])
    radius = largest / 8
    value, gradient, hessian = _second_order(K, split, Z)
    for _ in range(NEWTON_STEPS):
        size = np.linalg.norm(gradient)
        if size <= resolution / 4 or radius < 1e-15:
            break
        step = _steihaug(gradient, hessian, partial(project, split, Z), radius, resolution)
        predicted = float(np.sum(step * gradient) + np.sum(step * hessian(step)) / 2)
        candidate = feasible(split, Z + step)
        new_value, new_gradient, new_hessian = _second_order(K, split, candidate)
        # Close to the optimum the gain drowns in the rounding of F; there a smaller gradient is the progress.
        if predicted <= 1e-13 * abs(value):
            ratio = 1.0 if np.linalg.norm(new_gradient) < size else 0.0
        else:
            ratio = (new_value - value) / predicted
        length = np.linalg.norm(step)
        if ratio < 0.25:
            radius = min(radius, length) / 4
        elif ratio > 0.75 and length > 0.99 * radius:
            radius = min(2 * radius, largest)
        if ratio > 0.1:
            Z, value, gradient, hessian = candidate, new_value, new_gradient, new_hessian
    return Z


def _second_order(K: np.ndarray, split: int, Z: np.ndarray) -> tuple[float, np.ndarray, Callable]:
    """Value, Riemannian gradient and Hessian (a linear map of tangent vectors) of F/2 at Z."""
    G = K @ Z
    Lu, Lv = multipliers(G, split, Z)
    gradient = G - blockwise(split, Z, Lu, Lv)

    def hessian(H: np.ndarray) -> np.ndarray:
        return project(split, Z, K @ H - blockwise(split, H, Lu, Lv))

    return float(np.sum(Z * G)) / 2, project(split, Z, gradient), hessian


def _steihaug(
    gradient: np.ndarray, hessian: Callable, tangent: Callable, radius: float, resolution: float
) -> np.ndarray:
    """Conjugate gradients for −Hess s = gradient, ended at the radius or by a direction along which F curves upwards.

    A curvature below `resolution` is that of a flat direction, of which degenerate optima have many. Residuals are
    projected again: rounding off the tangent space stays while they shrink, and soon it would be all that is left.
    """
    s = np.zeros_like(gradient)
    r = gradient.copy()
    p = r
    rr = float(np.sum(r * r))
    target = max(np.sqrt(rr) * min(0.1, np.sqrt(rr)), resolution / 8)
    for _ in range(gradient.size):
        Hp = hessian(p)
        curvature, flat = -float(np.sum(p * Hp)), resolution * float(np.sum(p * p))
        if abs(curvature) <= flat and s.any():
            break
        alpha = rr / curvature if curvature > 0 else np.inf
        if curvature <= 0 or np.linalg.norm(s + alpha * p) >= radius:
            return s + _to_radius(s, p, radius) * p
        s = s + alpha * p
        r = tangent(r + alpha * Hp)
        rr, before = float(np.sum(r * r)), rr
        if np.sqrt(rr) <= target:
            break
        p = r + (rr / before) * p
    return s


def _to_radius(s: np.ndarray, p: np.ndarray, radius: float) -> float:
    """Positive τ with ‖s + τp‖ = radius."""
    pp, sp, ss = float(np.sum(p * p)), float(np.sum(s * p)), float(np.sum(s * s))
    return (np.sqrt(sp * sp + pp * (radius * radius - ss)) - sp) / pp
