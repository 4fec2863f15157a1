"""Theorems B1, B3 and B6: what a maximiser of F satisfies, why k = 1 has no duality gap, and the semidefinite bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.reconstruction_tradeoff import objective
from proofs_check.problems.setting import Draw, M, Sx, Sy, U, V, case, square, weight

# B6: a polar step U′ of G = U′N, N = TᵀT, that gains nothing has (U′ − U)Tᵀ = 0; then G = UN, and U is stationary
Up, T = letter("U′", "x", "k"), letter("T", "b", "k")
N = letter("N", "k", "k", symmetric=True)
G = M * V + weight * Sx * U


@case(Problem("B6-fixed", {"polar": G - Up * N, "semidefinite": N - T.T * T, "no gain": (Up - U) * T.T}, G, U * N))
def _fixed(draw: Draw) -> dict[str, Any]:
    U, V, k = draw.stiefel("x", "k"), draw.stiefel("y", "k"), draw.size["k"]
    Rx, weight = draw.spd("x"), draw.number()
    # N has rank k − 1, and U′ differs from U where N vanishes
    T = draw.normal("k", "k")[:-1]
    missing = np.linalg.svd(T)[2][-1:]
    other = np.linalg.svd(U.T)[2][-1:].T
    Up = U @ (np.eye(k) - missing.T @ missing) + other @ missing
    M = (U @ T.T @ T - weight * Rx @ Rx @ U) @ V.T
    return {"U": U, "V": V, "Rx": Rx, "λ": weight, "M": M, "U′": Up, "T": T, "N": T.T @ T}


# B1: S = μ − K − γJ annihilates the maximiser z. Moving w along z leaves wᵀSw alone and can make wᵀJw vanish
S, J = letter("S", "z", "z", symmetric=True), letter("J", "z", "z", symmetric=True)
w, z, t = letter("w", "z", "ray"), letter("z", "z", "ray"), scalar("t")
moved = w + t * z


def _directions(draw: Draw) -> dict[str, Any]:
    d, split = draw.size["z"], draw.size["x"]
    u, v = (a / np.linalg.norm(a) for a in (draw.rng.normal(size=split), draw.rng.normal(size=d - split)))
    z, w = np.concatenate([u, v])[:, None], draw.rng.normal(size=(d, 1))
    J = np.diag([1.0] * split + [-1.0] * (d - split))
    outside = np.eye(d) - z @ z.T / 2
    S, t = outside @ draw.spd("z") @ outside, -(w.T @ J @ w).item() / (2 * (w.T @ J @ z).item())
    return {"S": S, "J": J, "w": w, "z": z, "t": t}


case(Problem("B1-shift", {"kernel": S * z}, trace(moved.T * S * moved), trace(w.T * S * w)))(_directions)
case(
    Problem(
        "B1-balanced",
        {"balanced z": trace(z.T * J * z), "step": 2 * t * trace(w.T * J * z) + trace(w.T * J * w)},
        trace(moved.T * J * moved),
        0 * one("1"),
    )
)(_directions)

# B3: every G = HHᵀ with 0 ⪯ G_xx, G_yy ⪯ 1 of trace k stays below TrA + kα + TrB + kβ where
# diag(A + α, B + β) − K = [Cx Cy]ᵀ[Cx Cy] ⪰ 0, A = AxᵀAx ⪰ 0 and B = AyᵀAy ⪰ 0
Hx, Hy = letter("Hx", "x", "h"), letter("Hy", "y", "h")
Px, Py, Ax, Ay = letter("Px", "p", "x"), letter("Py", "q", "y"), letter("Ax", "a", "x"), letter("Ay", "b", "y")
Cx, Cy = letter("Cx", "c", "x"), letter("Cy", "c", "y")
α, β, k = scalar("α"), scalar("β"), scalar("k")


@case(
    Problem(
        "B3-weak-duality",
        {
            "trace x": trace(Hx * Hx.T) - k,
            "trace y": trace(Hy * Hy.T) - k,
            "cap x": one("x") - Hx * Hx.T - Px.T * Px,
            "cap y": one("y") - Hy * Hy.T - Py.T * Py,
            "dual xx": Ax.T * Ax + α * one("x") - weight * Sx - Cx.T * Cx,
            "dual xy": M + Cx.T * Cy,
            "dual yy": Ay.T * Ay + β * one("y") - weight * Sy - Cy.T * Cy,
        },
        square(Ax) + square(Ay) + α * k + β * k - objective(Hx, Hy),
        square(Cx * Hx + Cy * Hy) + square(Px * Ax.T) + square(Py * Ay.T),
    )
)
def _weak(draw: Draw) -> dict[str, Any]:
    v: dict[str, Any] = {"Rx": draw.spd("x"), "Ry": draw.spd("y"), "M": draw.coherence(), "λ": draw.number()}
    dx, dy, k = draw.size["x"], draw.size["y"], draw.size["k"]
    Ax, Ay = draw.normal("k", "x"), draw.normal("k", "y")
    blocks = [A.T @ A - v["λ"] * R @ R for A, R in ((Ax, v["Rx"]), (Ay, v["Ry"]))]
    slack = np.block([[blocks[0], -v["M"]], [-v["M"].T, blocks[1]]])
    lift = 0.1 - np.linalg.eigvalsh(slack)[0]
    C = np.linalg.cholesky(slack + lift * np.eye(dx + dy)).T
    v |= {"k": float(k), "α": lift, "β": lift, "Ax": Ax, "Ay": Ay, "Cx": C[:, :dx], "Cy": C[:, dx:]}
    for i, d in (("x", dx), ("y", dy)):
        # eigenvalues of G_ii between 0 and 1 with sum k
        tilt = draw.rng.uniform(-1, 1, d)
        shares = k / d + (tilt - tilt.mean()) * min(k / d, 1 - k / d) / 2
        Q, R = draw.stiefel(i, i), draw.stiefel("z", i).T
        v |= {f"H{i}": (Q * np.sqrt(shares)) @ R, f"P{i}": (Q * np.sqrt(1 - shares)).T}
    return v


# … and the encoders themselves are such a G = ZZᵀ, with the same value F
rest = one("x") - U * U.T
case(Problem("B3-relaxation", {"Stiefel U": U.T * U - 1}, rest, rest.T * rest))(
    lambda draw: {"U": draw.stiefel("x", "k")}
)
