"""Theorem C3: the orthogonal and the least-squares fit of noisy anchors, in the singular basis where Q_* = 1.

Rows of the anchors span the frame J (k×x), a complement is K (x×l); M = S J + N is XᵀY seen from the frame, with the
squared singular values S and the noise N. The fit W = J + Δ has orthonormal rows and M Wᵀ symmetric (polar factor).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, case, square

J, N, Δ = letter("J", "k", "x"), letter("N", "k", "x"), letter("Δ", "k", "x")
S, H = letter("S", "k", "k", symmetric=True), letter("H", "l", "l")
K, L = letter("K", "x", "l"), letter("L", "x", "l")
M, W = S * J + N, J + Δ


def _fit(draw: Draw) -> dict[str, Any]:
    k = draw.size["k"]
    draw.size["l"] = 2 if k == 3 else 3
    draw.size["x"] = k + draw.size["l"]
    frame = draw.stiefel("x", "x").T
    J, K, S, N = frame[:k], frame[k:].T, draw.spd("k"), 0.3 * draw.normal("k", "x")
    P, _, Qt = np.linalg.svd(S @ J + N)
    W, L = P @ Qt[:k], Qt[k:].T
    return {"J": J, "K": K, "S": S, "N": N, "Δ": W - J, "L": L, "H": draw.stiefel("l", "l")}


# Inside the frame the fit solves a Sylvester equation, up to what is quadratic in N and Δ …
case(
    Problem(
        "C3-sylvester",
        {"frame": J * J.T - 1, "orthonormal": W * W.T - 1, "polar": M * W.T - W * M.T},
        S * (Δ * J.T) + (Δ * J.T) * S,
        N * J.T - J * N.T + N * Δ.T - Δ * N.T - S * Δ * Δ.T,
    )
)(_fit)
# … and beyond it the noise is divided by S
case(
    Problem(
        "C3-complement",
        {"frame": J * J.T - 1, "beyond": J * K, "rows": M * W.T * W - M},
        S * Δ * K,
        N * K - (S * J * Δ.T + N * W.T) * Δ * K,
    )
)(_fit)
# The fit completed by H between the complements K and L: its error is that of W, and 2l less what H happens to hit
case(
    Problem(
        "C3-error",
        {
            "frame": J * J.T - 1,
            "orthonormal K": K.T * K - 1,
            "whole": J.T * J + K * K.T - 1,
            "orthonormal L": L.T * L - 1,
            "orthogonal": H.T * H - 1,
        },
        square(J.T * W + K * H * L.T - 1),
        square(Δ) + 2 * scalar("dim l") - 2 * trace(K * H * L.T),
    ),
    other_side=H * H.T - 1,
    beyond=J * K,
    fit=W * W.T - 1,
    rest=W * L,
    rest_whole=W.T * W + L * L.T - 1,
)(_fit)

# Least squares on the anchors alone: X⁺Y − Q_*, X⁺ = G, with projection G X onto the rows
X, E, Q, G = letter("X", "n", "x"), letter("E", "n", "x"), letter("Q", "x", "x"), letter("G", "x", "n")
sigma = scalar("σ")


@case(
    Problem(
        "C3-least-squares",
        {"orthogonal": Q * Q.T - 1, "projection": G * X - X.T * G.T, "pseudo-inverse": G * X * G - G},
        square(G * (X * Q + sigma * E) - Q),
        scalar("dim x") - trace(G * X) + sigma * sigma * square(G * E),
    ),
    other_side=Q.T * Q - 1,
    pseudo_inverse=X * G * X - X,
    symmetric=X * G - G.T * X.T,
)
def _least_squares(draw: Draw) -> dict[str, Any]:
    X = draw.normal("n", "k") @ draw.normal("k", "x")
    return {"X": X, "G": np.linalg.pinv(X), "E": draw.normal("n", "x"), "Q": draw.stiefel("x", "x"), "σ": 0.5}


# Gaussian anchors: a diagonal entry of (XᵀX)⁻¹ is 1/‖(1 − P)a‖², P = B C Bᵀ the projection on the other columns
a, B = letter("a", "n", "k"), letter("B", "n", "y")
C, G11, G21 = letter("C", "y", "y", symmetric=True), letter("G11", "k", "k", symmetric=True), letter("G21", "y", "k")


@case(
    Problem(
        "C3-schur",
        {
            "first row": a.T * a * G11 + a.T * B * G21 - 1,
            "second row": B.T * a * G11 + B.T * B * G21,
            "inverse": C * B.T * B - 1,
        },
        (a.T * a - a.T * B * C * B.T * a) * G11,
        one("k"),
    ),
    other_side=B.T * B * C - 1,
)
def _schur(draw: Draw) -> dict[str, Any]:
    draw.size["n"] = draw.size["k"] + draw.size["y"] + 3
    a, B = draw.normal("n", "k"), draw.normal("n", "y")
    k = a.shape[1]
    X = np.hstack([a, B])
    inverse = np.linalg.inv(X.T @ X)
    return {"a": a, "B": B, "C": np.linalg.inv(B.T @ B), "G11": inverse[:k, :k], "G21": inverse[k:, :k]}
