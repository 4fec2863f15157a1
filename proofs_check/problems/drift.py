"""Theorem B4: how the canonical subspaces move as soon as reconstruction has a weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, M, case, weight

# M = ARBᵀ + PDQᵀ, cut after the k-th canonical pair; U = A + PX and V = B + QY span what the two subspaces became.
# In these bases stationarity of the spans reads MVH + λΣxU = UL, where H compares the rotations of the two sides.
S = letter("S", "x", "x", symmetric=True)
A, B, P, Q = letter("A", "x", "k"), letter("B", "y", "k"), letter("P", "x", "p"), letter("Q", "y", "q")
R, D = letter("R", "k", "k", symmetric=True), letter("D", "p", "q")
X, Y, H, L = letter("X", "p", "k"), letter("Y", "q", "k"), letter("H", "k", "k"), letter("L", "k", "k")
U, V = A + P * X, B + Q * Y


@case(
    Problem(
        "B4-equations",
        {
            "canonical": M - A * R * B.T - P * D * Q.T,
            "left top": A.T * A - 1,
            "left rest": P.T * P - 1,
            "left apart": A.T * P,
            "right top": B.T * B - 1,
            "right rest": Q.T * Q - 1,
            "right apart": B.T * Q,
            "stationary": M * V * H + weight * S * U - U * L,
        },
        X * (R * H + weight * A.T * S * U) - D * Y * H,
        weight * P.T * S * U,
    )
)
def _moved(draw: Draw) -> dict[str, Any]:
    k, left, right = draw.size["k"], draw.stiefel("x", "x"), draw.stiefel("y", "y")
    v = {"A": left[:, :k], "P": left[:, k:], "B": right[:, :k], "Q": right[:, k:], "λ": draw.number()}
    draw.size |= {"p": draw.size["x"] - k, "q": draw.size["y"] - k}
    v |= {"R": np.diag(draw.rng.uniform(0.6, 0.9, k)), "D": 0.3 * draw.normal("p", "q")}
    v |= {"X": draw.normal("p", "k"), "Y": draw.normal("q", "k"), "H": draw.invertible("k")}
    M = v["A"] @ v["R"] @ v["B"].T + v["P"] @ v["D"] @ v["Q"].T
    U, V = v["A"] + v["P"] @ v["X"], v["B"] + v["Q"] @ v["Y"]
    # L such that UᵀΣxU comes out symmetric; then Σx = S solves λSU = UL − MVH, completed outside span U
    target = U.T @ M @ V @ v["H"]
    L = np.linalg.solve(U.T @ U, target + draw.spd("k"))
    image, inverse = (U @ L - M @ V @ v["H"]) / v["λ"], np.linalg.pinv(U)
    outside = np.eye(len(U)) - U @ inverse
    S = image @ inverse + (image @ inverse).T - inverse.T @ (U.T @ image) @ inverse + outside @ draw.spd("x") @ outside
    return {**v, "M": M, "L": L, "S": S}


# at first order H = 1: XR − DY = a and YR − DᵀX = b, of which the components are the two formulas
a, b = letter("a", "p", "k"), letter("b", "q", "k")


@case(
    Problem(
        "B4-drift",
        {"first order x": X * R - D * Y - a, "first order y": Y * R - D.T * X - b},
        X * R * R - D * D.T * X,
        a * R + D * b,
    )
)
def _drift(draw: Draw) -> dict[str, Any]:
    draw.size |= {"p": draw.size["x"], "q": draw.size["y"]}
    v = {"R": draw.spd("k"), "D": draw.normal("p", "q"), "X": draw.normal("p", "k"), "Y": draw.normal("q", "k")}
    return {**v, "a": v["X"] @ v["R"] - v["D"] @ v["Y"], "b": v["Y"] @ v["R"] - v["D"].T @ v["X"]}
