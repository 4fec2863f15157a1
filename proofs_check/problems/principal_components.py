"""Lemma 1: reconstruction, principal components, and what whitening leaves free."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, Sx, U, Wx, X, case, reconstruction, square

S = letter("S", "x", "x", symmetric=True)
W, D = letter("W", "x", "k"), letter("D", "k", "x")
A, C, G = letter("A", "k", "k"), letter("C", "k", "k"), letter("G", "k", "k", symmetric=True)
Vk = letter("Vk", "x", "k")
Λ, Δ, E, L = (letter(name, "k", "k", symmetric=True) for name in ("Λ", "Δ", "E", "L"))
Q = letter("Q", "k", "k")
PRINCIPAL = {"eigenvectors": S * Vk - Vk * Λ, "orthonormal": Vk.T * Vk - 1}


def _principal(draw: Draw) -> dict[str, Any]:
    vectors, values = draw.stiefel("x", "x"), draw.rng.uniform(0.5, 3, draw.size["x"])
    k = draw.size["k"]
    return {"S": (vectors * values) @ vectors.T, "Vk": vectors[:, :k], "Λ": np.diag(values[:k])}


# the loss on data depends on the second moments only
@case(
    Problem(
        "L1-moments",
        {"second moment": scalar("1/n") * X.T * X - S},
        scalar("1/n") * square(X - X * W * D),
        reconstruction(S, W, D),
    )
)
def _data(draw: Draw) -> dict[str, Any]:
    X, n = draw.normal("n", "x"), draw.size["n"]
    return {"X": X, "1/n": 1 / n, "S": X.T @ X / n, "W": draw.normal("x", "k"), "D": draw.normal("k", "x")}


# completing the square: D* = (WᵀSW)⁻¹ Wᵀ S is the unique best decoder of W where WᵀSW ≻ 0
best = G * W.T * S


@case(
    Problem(
        "L1-decoder",
        {"inverse": G * (W.T * S * W) - 1},
        reconstruction(S, W, D),
        reconstruction(S, W, best) + trace((D - best).T * (W.T * S * W) * (D - best)),
    )
)
def _decoder(draw: Draw) -> dict[str, Any]:
    S, W = draw.spd("x"), draw.stiefel("x", "k") @ draw.invertible("k")
    return {"S": S, "W": W, "D": draw.normal("k", "x"), "G": np.linalg.inv(W.T @ S @ W)}


# the value at k eigenvectors, in any basis of their span: the tail of the spectrum where these are the top k
@case(
    Problem(
        "L1-value",
        {**PRINCIPAL, "inverse": A * C - 1},
        reconstruction(S, Vk * A, C * Vk.T),
        trace(S) - trace(Λ),
    ),
    other_side=C * A - 1,
)
def _value(draw: Draw) -> dict[str, Any]:
    A = draw.invertible("k")
    return {**_principal(draw), "A": A, "C": np.linalg.inv(A)}


# with independent columns of X (a left inverse P), data that are projected alike are projected by the same W D
P = letter("P", "x", "n")


@case(
    Problem(
        "L1-cancel",
        {"reconstructed alike": X * W * D - X * Vk * Vk.T, "left inverse": P * X - 1},
        W * D,
        Vk * Vk.T,
    )
)
def _cancel(draw: Draw) -> dict[str, Any]:
    draw.size["n"] = draw.size["x"] + 3
    X = draw.normal("n", "x")
    return {**_coder(draw), "X": X, "P": np.linalg.pinv(X)}


# a coder whose W D is the projection is W = Vk A, D = A⁻¹ Vkᵀ with A = Vkᵀ W; for square matrices a left inverse is a
# right inverse (an axiom), which gives the second hypothesis
PROJECTOR = {
    "projection": W * D - Vk * Vk.T,
    "orthonormal": Vk.T * Vk - 1,
    "two-sided": (D * Vk) * (Vk.T * W) - 1,
}


def _coder(draw: Draw) -> dict[str, Any]:
    Vk, A = draw.stiefel("x", "k"), draw.invertible("k")
    return {"Vk": Vk, "W": Vk @ A, "D": np.linalg.inv(A) @ Vk.T}


case(Problem("L1-encoder-form", PROJECTOR, W, Vk * (Vk.T * W)))(_coder)
case(Problem("L1-decoder-form", PROJECTOR, D, (D * Vk) * Vk.T))(_coder)

# singular S, k ≤ rank S: any P with P X Vk = Vk (the pseudo-inverse of X) gives a left inverse A = Vkᵀ P X W of D Vk;
# it is two-sided, and W differs from Vk A by columns that X annihilates
ALIKE = {"reconstructed alike": X * W * D - X * Vk * Vk.T, "orthonormal": Vk.T * Vk - 1}
ON_ROWS, A_OF_W = {"range": P * X * Vk - Vk}, Vk.T * P * X * W
BOTH_SIDES = {"two-sided": (D * Vk) * A_OF_W - 1}


def _singular(draw: Draw) -> dict[str, Any]:
    rank = draw.size["k"]
    rows, kernel = np.split(draw.stiefel("x", "x"), [rank], axis=1)
    X = draw.rng.standard_normal((draw.size["n"], rank)) @ rows.T
    Vk, A = rows @ draw.stiefel("k", "k"), draw.invertible("k")
    N = kernel @ draw.rng.standard_normal((kernel.shape[1], draw.size["k"]))
    return {"X": X, "P": np.linalg.pinv(X), "Vk": Vk, "W": Vk @ A + N, "D": np.linalg.inv(A) @ Vk.T}


case(Problem("L1-singular-inverse", {**ALIKE, **ON_ROWS}, A_OF_W * (D * Vk), one("k")))(_singular)
case(Problem("L1-singular-encoder", {**ALIKE, **BOTH_SIDES}, X * W, X * Vk * A_OF_W))(_singular)
case(Problem("L1-singular-decoder", {**ALIKE, **ON_ROWS, **BOTH_SIDES}, D, (D * Vk) * Vk.T))(_singular)

# under whitening the decoder is Wᵀ S
WHITE = {**PRINCIPAL, "span": W - Vk * A, "whitened": W.T * S * W - 1}


@case(Problem("L1-whitened-decoder", {**WHITE, "inverse": A * C - 1}, C * Vk.T, W.T * S))
def _whitened(draw: Draw) -> dict[str, Any]:
    values = _principal(draw)
    A = np.diag(np.diag(values["Λ"]) ** -0.5) @ draw.stiefel("k", "k")
    return {**values, "A": A, "C": np.linalg.inv(A), "W": values["Vk"] @ A}


# … and leaves a rotation: every Q gives a whitened W of the same W D
ROOT = {"inverse root": L * L * Λ - 1}
Wq = Vk * L * Q


def _rotated(draw: Draw) -> dict[str, Any]:
    values = _principal(draw)
    return {**values, "L": np.diag(np.diag(values["Λ"]) ** -0.5), "Q": draw.stiefel("k", "k")}


case(
    Problem(
        "L1-rotation-whitened",
        {**PRINCIPAL, **ROOT, "diagonal": L * Λ - Λ * L, "orthogonal": Q.T * Q - 1},
        Wq.T * S * Wq,
        one("k"),
    ),
    other_side=Q * Q.T - 1,
)(_rotated)
case(
    Problem(
        "L1-rotation-free",
        {"eigenvectors": PRINCIPAL["eigenvectors"], **ROOT, "orthogonal": Q * Q.T - 1},
        Wq * Wq.T * S,
        Vk * Vk.T,
    ),
    other_side=Q.T * Q - 1,
)(_rotated)


# … and nothing but a rotation: any whitened basis W = Vk A of the eigenspace is Vk Λ^{-1/2} Q with Q = Λ^{1/2} A
def _white_basis(draw: Draw) -> dict[str, Any]:
    values = _principal(draw)
    L = np.diag(np.diag(values["Λ"]) ** 0.5)
    A = np.linalg.solve(L, draw.stiefel("k", "k"))
    return {**values, "L": L, "E": np.linalg.inv(L), "A": A, "W": values["Vk"] @ A}


case(Problem("L1-rotation-only", {**WHITE, "root": L * L - Λ}, (L * A).T * (L * A), one("k")))(_white_basis)
case(
    Problem("L1-rotation-form", {"span": WHITE["span"], "inverse root": E * L - 1}, W, Vk * E * (L * A)),
    other_side=L * E - 1,
)(_white_basis)


# asking for a diagonal WᵀW as well makes the columns eigenvectors
@case(
    Problem("L1-diagonal", {**WHITE, "inverse": A * C - 1, "Gram": W.T * W - Δ, "Δ inverse": E * Δ - 1}, S * W, W * E)
)
def _diagonal(draw: Draw) -> dict[str, Any]:
    values = _principal(draw)
    order = draw.rng.permutation(draw.size["k"])
    A = (np.diag(np.diag(values["Λ"]) ** -0.5) * draw.rng.choice([-1.0, 1.0], draw.size["k"]))[:, order]
    gram = A.T @ A
    return {**values, "A": A, "C": np.linalg.inv(A), "W": values["Vk"] @ A, "Δ": gram, "E": np.linalg.inv(gram)}


# Lemma 4(ii) for one domain: under whitening the reconstruction still depends on U
@case(
    Problem(
        "L4-reconstruction",
        {"coordinates": letter("Rx", "x", "x", True) * Wx - U, "Stiefel": U.T * U - 1},
        reconstruction(Sx, Wx, Wx.T * Sx),
        trace(Sx) - trace(U.T * Sx * U),
    )
)
def _coordinates(draw: Draw) -> dict[str, Any]:
    return dict(zip(("Rx", "Wx", "U"), draw.encoder("x"), strict=True))
