"""Lemma 7 and theorems D: cycles, what they fix and what they leave free."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import Poly, letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import (
    Draw,
    Dx,
    Dy,
    Rx,
    Sx,
    Sxy,
    Sy,
    Wx,
    Wy,
    case,
    reconstruction,
    square,
    translation,
)

Vx, Vy = letter("Vx", "x", "k"), letter("Vy", "y", "k")
Γ, Δ, A1, C1, A2, C2, C = (letter(name, "k", "k") for name in ("Γ", "Δ", "A1", "C1", "A2", "C2", "C"))
Λx, Λy = letter("Λx", "k", "k", symmetric=True), letter("Λy", "k", "k", symmetric=True)
A, B = Vx * Γ * Vy.T, Vy * Δ * Vx.T
S = letter("S", "x", "x", symmetric=True)
FRAMES = {"orthonormal x": Vx.T * Vx - 1, "orthonormal y": Vy.T * Vy - 1}


def _inverses(draw: Draw, *pairs: str) -> dict[str, Any]:
    values: dict[str, Any] = {"Vx": draw.stiefel("x", "k"), "Vy": draw.stiefel("y", "k")}
    for name, inverse in (pair.split() for pair in pairs):
        values[name] = draw.invertible("k")
        values[inverse] = np.linalg.inv(values[name])
    return values


def _maps(draw: Draw) -> dict[str, Any]:
    v = _inverses(draw, "Γ Δ")
    return {**v, "S": (v["Vx"] * draw.rng.uniform(1, 2, draw.size["k"])) @ v["Vx"].T}


# A = VxΓVyᵀ and B = VyΓ⁻¹Vxᵀ go around the cycle as the two projections, for every invertible Γ
case(
    Problem("L7-cycle-x", {"inverse": Γ * Δ - 1, "orthonormal y": FRAMES["orthonormal y"]}, A * B, Vx * Vx.T),
    other_side=Δ * Γ - 1,
)(_maps)
case(
    Problem("L7-cycle-y", {"inverse": Δ * Γ - 1, "orthonormal x": FRAMES["orthonormal x"]}, B * A, Vy * Vy.T),
    other_side=Γ * Δ - 1,
)(_maps)


# their loss is the tail of the spectrum if the columns of Vx are eigenvectors (L1-optimal: no coder of rank r has less)
@case(
    Problem(
        "L7-value",
        {"inverse": Γ * Δ - 1, **FRAMES, "eigenvectors": S * Vx - Vx * Λx},
        reconstruction(S, A, B),
        trace(S) - trace(Λx),
    ),
    other_side=Δ * Γ - 1,
)
def _value(draw: Draw) -> dict[str, Any]:
    S, Vx, values = draw.eigenpairs("x")
    return {**_inverses(draw, "Γ Δ"), "S": S, "Vx": Vx, "Λx": np.diag(values[: draw.size["k"]])}


# the encoders and decoders behind such maps, and their demi-cycle VxCVxᵀ, where C is any invertible matrix
CODERS = {
    "encoder x": Wx - Vx * A1,
    "decoder x": Dx - C2 * Δ * Vx.T,
    "encoder y": Wy - Vy * A2,
    "decoder y": Dy - C1 * Γ * Vy.T,
}
INVERSES = {"inverse 1": A1 * C1 - 1, "inverse 2": A2 * C2 - 1, "inverse Γ": Γ * Δ - 1}


def _coders(draw: Draw) -> dict[str, Any]:
    v = _inverses(draw, "A1 C1", "A2 C2", "Γ Δ")
    coders = {"Wx": v["Vx"] @ v["A1"], "Dx": v["C2"] @ v["Δ"] @ v["Vx"].T}
    return {**v, **coders, "Wy": v["Vy"] @ v["A2"], "Dy": v["C1"] @ v["Γ"] @ v["Vy"].T}


def _some(hypotheses: dict[str, Poly], *names: str) -> dict[str, Poly]:
    return {name: hypotheses[name] for name in names}


case(
    Problem("L7-map", {**_some(CODERS, "encoder x", "decoder y"), **_some(INVERSES, "inverse 1")}, Wx * Dy, A),
    other_side=C1 * A1 - 1,
)(_coders)
case(
    Problem("L7-map-back", {**_some(CODERS, "encoder y", "decoder x"), **_some(INVERSES, "inverse 2")}, Wy * Dx, B),
    other_side=C2 * A2 - 1,
)(_coders)


@case(
    Problem(
        "L7-demi-cycle",
        {
            **_some(CODERS, "encoder x", "decoder x"),
            **_some(INVERSES, "inverse 2", "inverse Γ"),
            "chosen": A1 - C * Γ * A2,
        },
        Wx * Dx,
        Vx * C * Vx.T,
    ),
    other_side_2=C2 * A2 - 1,
    other_side_Γ=Δ * Γ - 1,
)
def _demi(draw: Draw) -> dict[str, Any]:
    v = _inverses(draw, "A2 C2", "Γ Δ") | {"C": draw.normal("k", "k")}
    A1 = v["C"] @ v["Γ"] @ v["A2"]
    return {**v, "A1": A1, "Wx": v["Vx"] @ A1, "Dx": v["C2"] @ v["Δ"] @ v["Vx"].T}


# conversely: a coder whose cycles are the projections has the form above; two-sided inverses of square matrices are the
# axiom behind the third hypothesis of each
TURN = Wx * Dy * Wy * Dx, Wy * Dx * Wx * Dy


case(
    Problem(
        "L7-encoder-form",
        {
            "cycle x": TURN[0] - Vx * Vx.T,
            "orthonormal x": FRAMES["orthonormal x"],
            "two-sided": (Dy * Wy * Dx * Vx) * (Vx.T * Wx) - 1,
        },
        Wx,
        Vx * (Vx.T * Wx),
    )
)(_coders)
case(
    Problem(
        "L7-decoder-form",
        {
            "cycle y": TURN[1] - Vy * Vy.T,
            "orthonormal y": FRAMES["orthonormal y"],
            "two-sided": (Dy * Vy) * (Vy.T * Wy * Dx * Wx) - 1,
        },
        Dy,
        (Dy * Vy) * Vy.T,
    )
)(_coders)
# with reconstruction as well, the demi-cycle is the projection, and C = 1
case(
    Problem(
        "L7-with-reconstruction",
        {"orthonormal x": FRAMES["orthonormal x"], "both": Vx * C * Vx.T - Vx * Vx.T},
        C,
        one("k"),
    )
)(lambda draw: {"Vx": draw.stiefel("x", "k"), "C": np.eye(draw.size["k"])})


# D1: the translation error of a cycle-optimal map, and its best value by completing the square
Λ, H, L = (letter(name, "k", "k", symmetric=True) for name in ("Λ", "H", "L"))
C0 = letter("C0", "k", "k")
error = trace(Sy) - 2 * trace(Sxy.T * A) + trace(A.T * Sx * A)


@case(
    Problem(
        "D1-error",
        {
            "orthonormal y": FRAMES["orthonormal y"],
            "variances": Vx.T * Sx * Vx - Λ,
            "covariances": Vx.T * Sxy * Vy - C0,
        },
        error,
        trace(Sy) - 2 * trace(Γ.T * C0) + trace(Γ.T * Λ * Γ),
    )
)
def _error(draw: Draw) -> dict[str, Any]:
    v = _inverses(draw, "Γ Δ") | {"Rx": draw.spd("x"), "Ry": draw.spd("y"), "M": draw.coherence()}
    a, b = v["Rx"] @ v["Vx"], v["Ry"] @ v["Vy"]
    return {**v, "Λ": a.T @ a, "C0": a.T @ v["M"] @ b}


@case(
    Problem(
        "D1-best",
        {"root": L * L - Λ, "inverse root": L * H - 1},
        2 * trace(Γ.T * C0) - trace(Γ.T * Λ * Γ),
        square(H * C0) - square(L * Γ - H * C0),
    ),
    other_side=H * L - 1,
)
def _best(draw: Draw) -> dict[str, Any]:
    L = draw.spd("k")
    return {"L": L, "Λ": L @ L, "H": np.linalg.inv(L), "Γ": draw.normal("k", "k"), "C0": draw.normal("k", "k")}


# Γ and −Γ together lose their coherent parts, and what is left is a square
Γ2 = letter("Γ2", "k", "k")


@case(
    Problem(
        "D1-flip",
        {"opposite": Γ2 + Γ, "root": L * L - Λ},
        2 * trace(Γ.T * C0) - trace(Γ.T * Λ * Γ) + 2 * trace(Γ2.T * C0) - trace(Γ2.T * Λ * Γ2),
        -2 * square(L * Γ),
    )
)
def _opposite(draw: Draw) -> dict[str, Any]:
    L, Γ = draw.spd("k"), draw.normal("k", "k")
    return {"L": L, "Λ": L @ L, "Γ": Γ, "Γ2": -Γ, "C0": draw.normal("k", "k")}


# every neighbourhood of the best Γ = H²C0 holds invertible ones, at which the square is as small as one likes
ε = scalar("ε")
case(
    Problem("D1-near", {"inverse root": L * H - 1}, square(L * (H * H * C0 + ε * Γ) - H * C0), ε * ε * square(L * Γ)),
    other_side=H * L - 1,
)(lambda draw: {**_best(draw), "ε": draw.number()})


# D2: Γ = Λx^{-1/2} Q Λy^{1/2} matches the covariances, whatever the rotation
Q, Ly = letter("Q", "k", "k"), letter("Ly", "k", "k", symmetric=True)


@case(
    Problem(
        "D2-matched",
        {"inverse root": H * Λ * H - 1, "orthogonal": Q.T * Q - 1, "root": Ly * Ly - Λy},
        (H * Q * Ly).T * Λ * (H * Q * Ly),
        Λy,
    ),
    other_side=Q * Q.T - 1,
    diagonal=H * Λ - Λ * H,
)
def _matched(draw: Draw) -> dict[str, Any]:
    L, Ly = draw.spd("k"), draw.spd("k")
    return {"Λ": L @ L, "H": np.linalg.inv(L), "Q": draw.stiefel("k", "k"), "Ly": Ly, "Λy": Ly @ Ly}


# its error is linear in the rotation, Tr(QᵀC), C = Λx^{-1/2} C0 Λy^{1/2}
ROTATED = {
    "matched": Γ - H * Q * Ly,
    "inverse root": H * Λ * H - 1,
    "orthogonal": Q.T * Q - 1,
    "root": Ly * Ly - Λy,
    "coherence": C - H * C0 * Ly,
}


@case(Problem("D2-error", ROTATED, 2 * trace(Γ.T * C0) - trace(Γ.T * Λ * Γ), 2 * trace(Q.T * C) - trace(Λy)))
def _rotated(draw: Draw) -> dict[str, Any]:
    v = _matched(draw) | {"C0": draw.normal("k", "k")}
    return {**v, "Γ": v["H"] @ v["Q"] @ v["Ly"], "C": v["H"] @ v["C0"] @ v["Ly"]}


# with Q = PQ′ it is Tr(Pᵀ·CQ′ᵀ), and CQ′ᵀ has the norm of C: an average over P is all that is needed
case(Problem("D2-norm", {"orthogonal": Q.T * Q - 1}, square(C * Q.T), square(C)), other_side=Q * Q.T - 1)(
    lambda draw: {"Q": draw.stiefel("k", "k"), "C": draw.normal("k", "k")}
)


# D3: flipping the signs of one domain's coder leaves reconstruction and cycles alone and flips the translation
sign = scalar("sign")
flipped, SIGNED = (sign * Wy, sign * Dy), {"a sign": sign * sign - 1}


def _signed(draw: Draw) -> dict[str, Any]:
    shapes = {"Wx": "xk", "Dx": "kx", "Wy": "yk", "Dy": "ky"}
    return {"sign": -1.0, **{name: draw.normal(*spaces) for name, spaces in shapes.items()}}


case(Problem("D3-reconstruction", SIGNED, flipped[0] * flipped[1], Wy * Dy))(_signed)
case(Problem("D3-cycle", SIGNED, Wx * flipped[1] * flipped[0] * Dx, Wx * Dy * Wy * Dx))(_signed)


# the errors of a translation and of the flipped one average to that of the mean, and a square more
E = letter("E", "k", "y")


@case(
    Problem(
        "D3-average",
        {"flipped decoder": E + Dy},
        translation(Sx, Sxy, Sy, Wx, Dy) + translation(Sx, Sxy, Sy, Wx, E),
        2 * trace(Sy) + 2 * square(Rx * Wx * Dy),
    )
)
def _average(draw: Draw) -> dict[str, Any]:
    v = {"Rx": draw.spd("x"), "Ry": draw.spd("y"), "M": draw.coherence(), "Wx": draw.normal("x", "k")}
    Dy = draw.normal("k", "y")
    return {**v, "Dy": Dy, "E": -Dy}


# conversely, the two maps of any minimiser are inverse to each other between the principal subspaces
F, H = letter("F", "x", "y"), letter("H", "y", "x")


@case(
    Problem(
        "L7-maps-inverse",
        {"cycle x": F * H - Vx * Vx.T, "cycle y": H * F - Vy * Vy.T, "orthonormal x": FRAMES["orthonormal x"]},
        Vx.T * F * Vy * Vy.T * H * Vx,
        one("k"),
    )
)
def _maps_inverse(draw: Draw) -> dict[str, Any]:
    v = _inverses(draw, "Γ Δ")
    return {"Vx": v["Vx"], "Vy": v["Vy"], "F": v["Vx"] @ v["Γ"] @ v["Vy"].T, "H": v["Vy"] @ v["Δ"] @ v["Vx"].T}


# where Σx ≻ 0 (a left inverse P of X), the optimal projection of the rows fixes the product of the two maps
P, X = letter("P", "x", "n"), letter("X", "n", "x")


@case(
    Problem("L7-cancel", {"cycle": X * F * H - X * Vx * Vx.T, "left inverse": P * X - 1}, F * H, Vx * Vx.T),
)
def _cancel(draw: Draw) -> dict[str, Any]:
    draw.size["n"] = draw.size["x"] + 3
    X = draw.normal("n", "x")
    return {**_maps_inverse(draw), "X": X, "P": np.linalg.pinv(X)}


# k > dx = r: the x-cycle is 1, and the y-cycle alone puts both maps between the principal subspaces
WIDE = {"cycle x": F * H - 1, "cycle y": H * F - Vy * Vy.T}


def _wide(draw: Draw) -> dict[str, Any]:
    draw.size["k"] = draw.size["x"]
    draw.size["y"] = draw.size["x"] + 2
    Vy, G = draw.stiefel("y", "k"), draw.invertible("x")
    return {"Vy": Vy, "F": G @ Vy.T, "H": Vy @ np.linalg.inv(G)}


case(Problem("L7-wide-map", WIDE, F, F * Vy * Vy.T))(_wide)
case(Problem("L7-wide-map-back", WIDE, H, Vy * Vy.T * H))(_wide)
