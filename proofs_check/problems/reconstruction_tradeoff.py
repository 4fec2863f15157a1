"""Lemma 4: concept consistency with reconstruction, L = L_CC + λ L_REC."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import (
    WHITENED,
    Draw,
    M,
    Sx,
    Sy,
    U,
    V,
    Wx,
    Wy,
    case,
    consistency,
    dim_k,
    reconstruction,
    weight,
)

Dx, Dy = letter("Dx", "k", "x"), letter("Dy", "k", "y")
Gx, Gy = letter("Gx", "k", "k", symmetric=True), letter("Gy", "k", "k", symmetric=True)
ε, η, s, t = scalar("ε"), scalar("1/ε"), scalar("s"), scalar("t")
variance = trace(Sx) + trace(Sy)


def loss(Wx, Wy, Dx, Dy):
    """Return L_CC + λ L_REC in second moments.

    Examples
    --------
    >>> from proofs_check.notation import poly_text
    >>> poly_text(loss(Wx * 0, Wy * 0, Dx, Dy)) == poly_text(weight * variance)
    True
    """
    return consistency(Wx, Wy) + weight * (reconstruction(Sx, Wx, Dx) + reconstruction(Sy, Wy, Dy))


def objective(U, V):
    """Return F = Tr(ZᵀKZ), Z = [U; V], K = [[λΣx, M], [Mᵀ, λΣy]].

    Examples
    --------
    >>> objective(U * -1, V * -1) == objective(U, V) != objective(U * -1, V)
    True
    """
    return weight * trace(U.T * Sx * U) + 2 * trace(U.T * M * V) + weight * trace(V.T * Sy * V)


def _weighted(draw: Draw) -> dict[str, Any]:
    return {**draw.whitened(), "λ": draw.number()}


# with the best decoders Wᵀ Σ the loss is 2k + λ(TrΣx + TrΣy) − F: λ multiplies a term that depends on U and V
case(
    Problem(
        "L4-objective",
        WHITENED,
        loss(Wx, Wy, Wx.T * Sx, Wy.T * Sy),
        2 * dim_k + weight * variance - objective(U, V),
    )
)(_weighted)

# (iii) given any encoders, the decoders (WᵀΣW)⁻¹WᵀΣ are optimal, whatever λ ≥ 0
best_x, best_y = Gx * Wx.T * Sx, Gy * Wy.T * Sy


@case(
    Problem(
        "L4-readout",
        {"inverse x": Gx * (Wx.T * Sx * Wx) - 1, "inverse y": Gy * (Wy.T * Sy * Wy) - 1},
        loss(Wx, Wy, Dx, Dy) - loss(Wx, Wy, best_x, best_y),
        weight * trace((Dx - best_x).T * (Wx.T * Sx * Wx) * (Dx - best_x))
        + weight * trace((Dy - best_y).T * (Wy.T * Sy * Wy) * (Dy - best_y)),
    )
)
def _readout(draw: Draw) -> dict[str, Any]:
    values = {"Rx": draw.spd("x"), "Ry": draw.spd("y"), "M": draw.coherence(), "λ": draw.number()}
    for i in "xy":
        R, W = values[f"R{i}"], draw.stiefel(i, "k") @ draw.invertible("k")
        values |= {f"W{i}": W, f"D{i}": draw.normal("k", i), f"G{i}": np.linalg.inv(W.T @ R @ R @ W)}
    return values


# (i) unwhitened, W = εW₀ and D = D₀/ε: consistency vanishes with ε², reconstruction stays
@case(
    Problem(
        "L4-scale",
        {"reciprocal": ε * η - 1},
        loss(ε * Wx, ε * Wy, η * Dx, η * Dy),
        ε * ε * consistency(Wx, Wy) + weight * (reconstruction(Sx, Wx, Dx) + reconstruction(Sy, Wy, Dy)),
    )
)
def _scale(draw: Draw) -> dict[str, Any]:
    values = {"Rx": draw.spd("x"), "Ry": draw.spd("y"), "M": draw.coherence(), "λ": draw.number(), "ε": draw.number()}
    coders = {"Wx": draw.normal("x", "k"), "Wy": draw.normal("y", "k")}
    return {**values, **coders, "Dx": draw.normal("k", "x"), "Dy": draw.normal("k", "y"), "1/ε": 1 / values["ε"]}


# (ii) corrected: reconstruction is constant under whitening if Σx = s·1 and Σy = t·1, and CCA is then optimal
ISOTROPIC = {"isotropic x": Sx - s * one("x"), "isotropic y": Sy - t * one("y")}
STIEFEL = {name: WHITENED[name] for name in ("Stiefel U", "Stiefel V")}


@case(
    Problem(
        "L4-isotropic",
        {**ISOTROPIC, **STIEFEL},
        objective(U, V),
        2 * trace(U.T * M * V) + weight * (s + t) * dim_k,
    )
)
def _isotropic(draw: Draw) -> dict[str, Any]:
    s, t, λ = draw.number(), draw.number(), draw.number()
    roots = {"Rx": np.sqrt(s) * np.eye(draw.size["x"]), "Ry": np.sqrt(t) * np.eye(draw.size["y"])}
    values = {"U": draw.stiefel("x", "k"), "V": draw.stiefel("y", "k"), "M": draw.coherence()}
    return {**roots, **values, "s": s, "t": t, "λ": λ}


# F as the quadratic form of K on the stacked Z = [U; V]: Jx and Jy embed the two spaces in their sum
Jx, Jy, K, Z = (
    letter("Jx", "z", "x"),
    letter("Jy", "z", "y"),
    letter("K", "z", "z", symmetric=True),
    letter("Z", "z", "k"),
)


@case(
    Problem(
        "L4-stacked",
        {
            "embedding x": Jx.T * Jx - 1,
            "embedding y": Jy.T * Jy - 1,
            "blocks": Jx.T * Jy,
            "stacked": Jx * U + Jy * V - Z,
            "quadratic form": weight * (Jx * Sx * Jx.T + Jy * Sy * Jy.T) + Jx * M * Jy.T + Jy * M.T * Jx.T - K,
        },
        trace(Z.T * K * Z),
        objective(U, V),
    )
)
def _stacked(draw: Draw) -> dict[str, Any]:
    values = _isotropic(draw) | {"Rx": draw.spd("x"), "Ry": draw.spd("y")}
    eye, dx = np.eye(draw.size["z"]), draw.size["x"]
    Sx, Sy, M, λ = values["Rx"] @ values["Rx"], values["Ry"] @ values["Ry"], values["M"], values["λ"]
    K = np.block([[λ * Sx, M], [M.T, λ * Sy]])
    return {**values, "Jx": eye[:, :dx], "Jy": eye[:, dx:], "K": K, "Z": np.vstack([values["U"], values["V"]])}


# k = rank Σx: U spans the range of Σx, and the reconstruction is exact
@case(Problem("L4-full-rank", {"range": U * U.T * Sx - Sx}, trace(U.T * Sx * U), trace(Sx)))
def _full_rank(draw: Draw) -> dict[str, Any]:
    U = draw.stiefel("x", "k")
    return {"U": U, "Rx": U @ draw.spd("k") @ U.T}


# Σx = s·E, E the projection on its range, which holds U: reconstruction is the same for every U
E = letter("E", "x", "x", symmetric=True)


@case(
    Problem(
        "L4-isotropic-range",
        {"isotropic": Sx - s * E, "inside": E * U - U, "Stiefel U": U.T * U - 1},
        trace(U.T * Sx * U),
        s * dim_k,
    )
)
def _isotropic_range(draw: Draw) -> dict[str, Any]:
    d, k, s = draw.size["x"], draw.size["k"], draw.number()
    Q = draw.stiefel("x", "x")[:, : max(k, d - 1)]
    U = Q @ np.linalg.qr(draw.rng.standard_normal((Q.shape[1], k)))[0]
    return {"E": Q @ Q.T, "Rx": np.sqrt(s) * Q @ Q.T, "U": U, "s": s}


# and otherwise not: U = [C p] and U′ = [C q], p and q eigenvectors of variances s and t, differ by s − t
C, p, q, dim_p = letter("C", "x", "c"), letter("p", "x", "p"), letter("q", "x", "p"), scalar("dim p")
exchanged = letter("U′", "x", "k")


@case(
    Problem(
        "L4-exchange",
        {
            "columns": U * U.T - C * C.T - p * p.T,
            "exchanged": exchanged * exchanged.T - C * C.T - q * q.T,
            "eigenvector p": Sx * p - s * p,
            "eigenvector q": Sx * q - t * q,
            "unit p": p.T * p - 1,
            "unit q": q.T * q - 1,
        },
        trace(U.T * Sx * U) - trace(exchanged.T * Sx * exchanged),
        (s - t) * dim_p,
    )
)
def _exchange(draw: Draw) -> dict[str, Any]:
    k = draw.size["k"] = min(draw.size["k"], draw.size["x"] - 1)
    vectors, roots = draw.stiefel("x", "x"), draw.rng.uniform(0.5, 2, draw.size["x"])
    C, p, q = np.split(vectors[:, : k + 1], [k - 1, k], axis=1)
    values = {"s": roots[k - 1] ** 2, "t": roots[k] ** 2, "C": C, "p": p, "q": q}
    return {**values, "Rx": (vectors * roots) @ vectors.T, "U": np.hstack([C, p]), "U′": np.hstack([C, q])}
