"""Lemmas 5 and 6: translation, reduced-rank regression, and translation with reconstruction."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.reconstruction_tradeoff import ISOTROPIC, STIEFEL, variance
from proofs_check.problems.setting import (
    WHITENED,
    Draw,
    Dy,
    M,
    Rx,
    Ry,
    Sx,
    Sxy,
    Sy,
    U,
    V,
    Wx,
    Wy,
    X,
    Y,
    case,
    dim_k,
    reconstruction,
    square,
    translation,
    weight,
)

B, Bols, G = letter("B", "x", "y"), letter("Bols", "x", "y"), letter("G", "k", "k", symmetric=True)
A, C = letter("A", "k", "k"), letter("C", "k", "k")
S, T, K = letter("S", "x", "x", symmetric=True), letter("T", "y", "y", symmetric=True), letter("K", "x", "y")
per_sample, ν, s, t = scalar("1/n"), scalar("1/(1+λ)"), scalar("s"), scalar("t")


# the loss on data depends on the second moments only
@case(
    Problem(
        "L5-moments",
        {
            "moment x": per_sample * X.T * X - S,
            "moment y": per_sample * Y.T * Y - T,
            "cross moment": per_sample * X.T * Y - K,
        },
        per_sample * square(Y - X * Wx * Dy),
        translation(S, K, T, Wx, Dy),
    )
)
def _data(draw: Draw) -> dict[str, Any]:
    X, Y, n = draw.normal("n", "x"), draw.normal("n", "y"), draw.size["n"]
    moments = {"1/n": 1 / n, "S": X.T @ X / n, "T": Y.T @ Y / n, "K": X.T @ Y / n}
    return {"X": X, "Y": Y, "Wx": draw.normal("x", "k"), "Dy": draw.normal("k", "y"), **moments}


# Pythagoras: rank constraints act on the distance to the least-squares solution only
@case(
    Problem(
        "L5-pythagoras",
        {"normal equations": X.T * X * Bols - X.T * Y},
        square(Y - X * B),
        square(Y - X * Bols) + square(X * (Bols - B)),
    )
)
def _regression(draw: Draw) -> dict[str, Any]:
    X, Y = draw.normal("n", "x"), draw.normal("n", "y")
    return {"X": X, "Y": Y, "B": draw.normal("x", "y"), "Bols": np.linalg.pinv(X) @ Y}


# in whitened coordinates: approximate N = M Σy^{1/2} = Σx^{-1/2} Σxy by Σx^{1/2} B
case(
    Problem(
        "L5-whitened",
        {},
        trace(Sy) - 2 * trace(Sxy.T * B) + trace(B.T * Sx * B),
        trace(Sy) - square(M * Ry) + square(M * Ry - Rx * B),
        identity=True,
    )
)(lambda draw: {**draw.whitened(), "B": draw.normal("x", "y")})

# Σx ≻ 0: equal fits are equal products
Hx, other = letter("Hx", "x", "x", symmetric=True), letter("B′", "x", "y")


@case(Problem("L5-cancel", {"equal fits": Rx * B - Rx * other, "inverse root": Hx * Rx - 1}, B, other))
def _cancel(draw: Draw) -> dict[str, Any]:
    root, B = draw.spd("x"), draw.normal("x", "y")
    return {"Rx": root, "Hx": np.linalg.inv(root), "B": B, "B′": B}


# Wx = Σx^{-1/2} U A, Dy = A⁻¹ Uᵀ N with UᵀU = 1: the product projects N on span U, whatever A
RANK = {"coordinates": Rx * Wx - U * A, "inverse": A * C - 1, "Stiefel U": U.T * U - 1}
readout = C * U.T * M * Ry


def _rank(draw: Draw) -> dict[str, Any]:
    v, A = draw.whitened(), draw.invertible("k")
    return {**v, "Wx": v["Wx"] @ A, "A": A, "C": np.linalg.inv(A)}


case(
    Problem("L5-projection", {n: RANK[n] for n in ("coordinates", "inverse")}, Rx * Wx * readout, U * U.T * M * Ry),
    other_side=C * A - 1,
)(_rank)
case(
    Problem("L5-value", RANK, translation(Sx, Sxy, Sy, Wx, readout), trace(Sy) - trace(U.T * M * Sy * M.T * U)),
    other_side=C * A - 1,
)(_rank)


# conversely Σx^{1/2}WxDy = UUᵀN, with UᵀN of full rank (P its right inverse), gives Wx = Σx^{-1/2}UA, A = UᵀΣx^{1/2}Wx
N, P = letter("N", "x", "y"), letter("P", "y", "k")
FORM = {"optimal": Rx * Wx * Dy - U * U.T * N, "Stiefel U": U.T * U - 1, "full rank": U.T * N * P - 1}
basis = U.T * Rx * Wx


def _form(draw: Draw) -> dict[str, Any]:
    Rx, A = draw.spd("x"), draw.invertible("k")
    U, N = draw.stiefel("x", "k"), draw.normal("x", "y")
    Hx, inner = np.linalg.inv(Rx), U.T @ N
    coders = {"Wx": Hx @ U @ A, "Dy": np.linalg.solve(A, inner)}
    return {"Rx": Rx, "Hx": Hx, "U": U, "N": N, "P": np.linalg.pinv(inner), **coders}


case(Problem("L5-basis", FORM, basis * (Dy * P), one("k")))(_form)
case(
    Problem(
        "L5-encoder-form",
        {
            **{name: FORM[name] for name in ("optimal", "full rank")},
            "other side": Dy * P * basis - 1,
            "inverse root": Hx * Rx - 1,
        },
        Wx,
        Hx * U * basis,
    ),
)(_form)


# Σy = t·1: the left singular vectors of N are those of M, and reduced-rank regression recovers the CCA span
@case(
    Problem(
        "L5-isotropic",
        {"isotropic y": ISOTROPIC["isotropic y"]},
        (M * Ry) * (M * Ry).T,
        t * M * M.T,
    )
)
def _isotropic(draw: Draw) -> dict[str, Any]:
    t = draw.number()
    return {"M": draw.coherence(), "Ry": np.sqrt(t) * np.eye(draw.size["y"]), "t": t}


# Lemma 6. All terms with Dy: its best value solves (WxᵀΣxWx + λWyᵀΣyWy) Dy = WxᵀΣxy + λWyᵀΣy
def into_y(D):
    """Return the part of L = L_TR + λ L_REC that depends on the decoder into y.

    Examples
    --------
    >>> into_y(Dy * 0) == (1 + weight) * trace(Sy)
    True
    """
    return translation(Sx, Sxy, Sy, Wx, D) + weight * reconstruction(Sy, Wy, D)


gram, right = Wx.T * Sx * Wx + weight * Wy.T * Sy * Wy, Wx.T * Sxy + weight * Wy.T * Sy
best = letter("D*", "k", "y")


@case(
    Problem(
        "L6-decoder",
        {"normal equations": gram * best - right},
        into_y(Dy),
        into_y(best) + trace((Dy - best).T * gram * (Dy - best)),
    )
)
def _decoder(draw: Draw) -> dict[str, Any]:
    v = {"Rx": draw.spd("x"), "Ry": draw.spd("y"), "M": draw.coherence(), "λ": draw.number()}
    Wx, Wy = draw.normal("x", "k"), draw.normal("y", "k")
    a, b = v["Rx"] @ Wx, v["Ry"] @ Wy
    best = np.linalg.solve(a.T @ a + v["λ"] * b.T @ b, a.T @ v["M"] @ v["Ry"] + v["λ"] * b.T @ v["Ry"])
    return {**v, "Wx": Wx, "Wy": Wy, "Dy": draw.normal("k", "y"), "D*": best}


# … which under whitening is (1+λ) Dy = WxᵀΣxy + λWyᵀΣy
def _weighted(draw: Draw) -> dict[str, Any]:
    v: dict[str, Any] = draw.whitened() | {"λ": draw.number()}
    a, λ = v["U"].T @ v["M"] @ v["Ry"] + v["λ"] * v["V"].T @ v["Ry"], v["λ"]
    return {**v, "1/(1+λ)": 1 / (1 + λ), "D*": a / (1 + λ)}


RECIPROCAL = {"reciprocal": (1 + weight) * ν - 1}
case(
    Problem("L6-whitened-decoder", {**WHITENED, **RECIPROCAL, "normal equations": gram * best - right}, best, ν * right)
)(_weighted)

# and then L = (1+λ)(TrΣx + TrΣy) − Tr(ZᵀK₆Z)/(1+λ): the encoders see a mixture, not M alone
to_x, to_y = ν * (Wy.T * Sxy.T + weight * Wx.T * Sx), ν * right


def mixture(U, V):
    """Return Tr(ZᵀK₆Z).

    Examples
    --------
    >>> mixture(U * -1, V * -1) == mixture(U, V) != mixture(U * -1, V)
    True
    """
    inner = M * Sy * M.T + weight * weight * Sx, M * Sy + Sx * M, M.T * Sx * M + weight * weight * Sy
    return trace(U.T * inner[0] * U) + 2 * weight * trace(U.T * inner[1] * V) + trace(V.T * inner[2] * V)


case(
    Problem(
        "L6-objective",
        {**WHITENED, **RECIPROCAL},
        translation(Sx, Sxy, Sy, Wx, to_y)
        + translation(Sy, Sxy.T, Sx, Wy, to_x)
        + weight * (reconstruction(Sx, Wx, to_x) + reconstruction(Sy, Wy, to_y)),
        (1 + weight) * variance - ν * mixture(U, V),
    )
)(_weighted)


# Σx = s·1, Σy = t·1: what is left is a sum of objectives that the canonical directions maximise together
@case(
    Problem(
        "L6-isotropic",
        {**ISOTROPIC, **STIEFEL},
        mixture(U, V),
        t * square(M.T * U)
        + s * square(M * V)
        + 2 * weight * (s + t) * trace(U.T * M * V)
        + weight * weight * (s + t) * dim_k,
    )
)
def _both(draw: Draw) -> dict[str, Any]:
    s, t, λ = draw.number(), draw.number(), draw.number()
    roots = {"Rx": np.sqrt(s) * np.eye(draw.size["x"]), "Ry": np.sqrt(t) * np.eye(draw.size["y"])}
    directions = {"U": draw.stiefel("x", "k"), "V": draw.stiefel("y", "k")}
    return {**roots, **directions, "M": draw.coherence(), "s": s, "t": t, "λ": λ}


# both ends of the path: K₆ is diag(NNᵀ, MᵀΣxM) + λ·rest, and λ⁻²K₆ is diag(Σx, Σy) + λ⁻¹·rest
μ = scalar("1/λ")
principal = trace(U.T * Sx * U) + trace(V.T * Sy * V)
regressions = square(Ry * M.T * U) + square(Rx * M * V)
cross = 2 * trace(U.T * (M * Sy + Sx * M) * V)


def _free(draw: Draw) -> dict[str, Any]:
    λ = draw.number()
    return {**draw.whitened(), "λ": λ, "1/λ": 1 / λ}


case(Problem("L6-start", {}, mixture(U, V), regressions + weight * (cross + weight * principal), identity=True))(_free)
case(
    Problem(
        "L6-end",
        {"reciprocal": weight * μ - 1},
        μ * μ * mixture(U, V),
        principal + μ * (cross + μ * regressions),
    )
)(_free)
