"""Theorems B: the corrected Lemma 4, max F over UᵀU = VᵀV = 1 (a two-block MAXBET problem), and its certificates."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.reconstruction_tradeoff import STIEFEL, objective
from proofs_check.problems.setting import Draw, M, Rx, Ry, Sx, Sy, U, V, case, dim_k, square, weight

Cx, Cy = letter("Cx", "c", "x"), letter("Cy", "c", "y")
γ, μ, ν, ε, a, b = (scalar(name) for name in ("γ", "μ", "1/λ", "ε", "a", "b"))


def _moments(draw: Draw) -> dict[str, Any]:
    values = {"Rx": draw.spd("x"), "Ry": draw.spd("y"), "M": draw.coherence(), "λ": draw.number()}
    return {**values, "U": draw.stiefel("x", "k"), "V": draw.stiefel("y", "k")}


def _blocks(v: dict[str, Any]) -> np.ndarray:
    return np.block([[v["λ"] * v["Rx"] @ v["Rx"], v["M"]], [v["M"].T, v["λ"] * v["Ry"] @ v["Ry"]]])


def _factor(draw: Draw, A: np.ndarray) -> dict[str, Any]:
    values, vectors = np.linalg.eigh(A)
    C = (vectors * np.sqrt(np.clip(values, 0, None))).T
    return {"Cx": C[:, : draw.size["x"]], "Cy": C[:, draw.size["x"] :]}


# B1, the upper bound: for every γ and μ ≥ λ_max(K + γJ), J = diag(1, −1), F ≤ 2kμ
@case(
    Problem(
        "B1-dual",
        {
            **STIEFEL,
            "dual xx": μ * one("x") - weight * Sx - γ * one("x") - Cx.T * Cx,
            "dual xy": M + Cx.T * Cy,
            "dual yy": μ * one("y") - weight * Sy + γ * one("y") - Cy.T * Cy,
        },
        2 * μ * dim_k - objective(U, V),
        square(Cx * U + Cy * V),
    )
)
def _dual(draw: Draw) -> dict[str, Any]:
    values = _moments(draw) | {"γ": float(draw.rng.normal())}
    signs = np.diag([1.0] * draw.size["x"] + [-1.0] * draw.size["y"])
    shifted = _blocks(values) + values["γ"] * signs
    μ = np.linalg.eigvalsh(shifted)[-1] + draw.number()
    return {**values, "μ": μ, **_factor(draw, μ * np.eye(len(shifted)) - shifted)}


# B1 for any λ: adding c to both blocks of K adds 2kc to F
c = scalar("c")
case(
    Problem(
        "B1-lift",
        STIEFEL,
        trace(U.T * (weight * Sx + c * one("x")) * U)
        + 2 * trace(U.T * M * V)
        + trace(V.T * (weight * Sy + c * one("y")) * V),
        objective(U, V) + 2 * c * dim_k,
    )
)(lambda draw: {**_moments(draw), "c": draw.number()})

# B2: with the symmetrised multipliers Λ₁, Λ₂ at (U, V) and 𝓛 + ε = [Cx Cy]ᵀ[Cx Cy] ⪰ 0, no feasible (U′, V′) has
# F(U′, V′) > F(U, V) + 2kε
Λ1, Λ2 = letter("Λ1", "k", "k", symmetric=True), letter("Λ2", "k", "k", symmetric=True)
T1, T2 = letter("T1", "b", "k"), letter("T2", "b", "k")
Up, Vp = letter("U′", "x", "k"), letter("V′", "y", "k")
Gx, Gy = M * V + weight * Sx * U, M.T * U + weight * Sy * V
CERTIFICATE = {
    **STIEFEL,
    "feasible U′": Up.T * Up - 1,
    "feasible V′": Vp.T * Vp - 1,
    "multiplier x": 2 * Λ1 - U.T * Gx - Gx.T * U,
    "multiplier y": 2 * Λ2 - V.T * Gy - Gy.T * V,
    "least x": Λ1 - a * one("k") - T1.T * T1,
    "least y": Λ2 - b * one("k") - T2.T * T2,
    "slack xx": U * Λ1 * U.T + a * (one("x") - U * U.T) + ε * one("x") - weight * Sx - Cx.T * Cx,
    "slack xy": M + Cx.T * Cy,
    "slack yy": V * Λ2 * V.T + b * (one("y") - V * V.T) + ε * one("y") - weight * Sy - Cy.T * Cy,
}


@case(
    Problem(
        "B2-certificate",
        CERTIFICATE,
        objective(U, V) + 2 * ε * dim_k - objective(Up, Vp),
        square(Cx * Up + Cy * Vp)
        + square((one("x") - Up * Up.T) * U * T1.T)
        + square((one("y") - Vp * Vp.T) * V * T2.T),
    )
)
def _certificate(draw: Draw) -> dict[str, Any]:
    v = _moments(draw) | {"U′": draw.stiefel("x", "k"), "V′": draw.stiefel("y", "k")}
    K, blocks = _blocks(v), []
    gradients = (K @ np.vstack([v["U"], v["V"]])).T
    for i, (name, Q) in enumerate((("a", v["U"]), ("b", v["V"])), start=1):
        G = gradients[:, : len(Q)].T if i == 1 else gradients[:, -len(Q) :].T
        multiplier = (Q.T @ G + G.T @ Q) / 2
        least = np.linalg.eigvalsh(multiplier)[0]
        values, vectors = np.linalg.eigh(multiplier - least * np.eye(len(multiplier)))
        root = draw.stiefel("k", "k") @ (vectors * np.sqrt(np.clip(values, 0, None))).T
        v |= {f"Λ{i}": multiplier, f"T{i}": root, name: least}
        blocks.append(Q @ multiplier @ Q.T + least * (np.eye(len(Q)) - Q @ Q.T))
    slack = np.block([[blocks[0], np.zeros(v["M"].shape)], [np.zeros(v["M"].T.shape), blocks[1]]]) - K
    ε = max(0.0, -np.linalg.eigvalsh(slack)[0]) + 0.1
    return {**v, "ε": ε, **_factor(draw, slack + ε * np.eye(len(slack)))}


# F itself is the sum of the multipliers' traces
case(
    Problem(
        "B2-value",
        {name: CERTIFICATE[name] for name in ("multiplier x", "multiplier y")},
        trace(Λ1) + trace(Λ2),
        objective(U, V),
    )
)(_certificate)


# B4: for λ ≠ 0 the canonical directions (M V = U R, …) stay stationary iff their span is Σx-invariant
R, B, Λ = (
    letter("R", "k", "k", symmetric=True),
    letter("B", "k", "k", symmetric=True),
    letter("Λ", "k", "k", symmetric=True),
)


def _stationary(draw: Draw) -> dict[str, Any]:
    v = _moments(draw)
    d, k = draw.size["x"], draw.size["k"]
    U = v["U"]
    P, B, R = U @ U.T, draw.spd("k"), np.diag(draw.rng.uniform(0.1, 0.9, k))
    outside = np.eye(d) - P
    Rx = U @ B @ U.T + outside @ draw.spd("x") @ outside
    M = U @ R @ v["V"].T
    return {**v, "Rx": Rx, "M": M, "R": R, "B": B @ B, "Λ": R + v["λ"] * B @ B, "1/λ": 1 / v["λ"]}


canonical = {"canonical": M * V - U * R}
case(
    Problem("B4-invariant", {**canonical, "invariant": Sx * U - U * B}, M * V + weight * Sx * U, U * (R + weight * B))
)(_stationary)
case(
    Problem(
        "B4-stationary",
        {**canonical, "stationary": M * V + weight * Sx * U - U * Λ, "reciprocal": weight * ν - 1},
        Sx * U,
        ν * U * (Λ - R),
    )
)(_stationary)

# B5: the joint constraint is a relaxation, its stationary points solve a generalised eigenproblem with value 2 Tr Λ
Wx, Wy = letter("Wx", "x", "k"), letter("Wy", "y", "k")
case(Problem("B5-relaxation", STIEFEL, U.T * U + V.T * V, 2 * one("k")))(
    lambda draw: {"U": draw.stiefel("x", "k"), "V": draw.stiefel("y", "k")}
)
JOINT = {"stationary x": M * V + weight * Sx * U - U * Λ, "stationary y": M.T * U + weight * Sy * V - V * Λ}


def _joint(draw: Draw) -> dict[str, Any]:
    v, k = _moments(draw), draw.size["k"]
    values, vectors = np.linalg.eigh(_blocks(v))
    U, V = np.split(np.sqrt(2) * vectors[:, -k:], [draw.size["x"]])
    Wx, Wy = np.linalg.solve(v["Rx"], U), np.linalg.solve(v["Ry"], V)
    return {**v, "U": U, "V": V, "Λ": np.diag(values[-k:]), "Wx": Wx, "Wy": Wy}


case(Problem("B5-value", {**JOINT, "joint": U.T * U + V.T * V - 2 * one("k")}, objective(U, V), 2 * trace(Λ)))(_joint)
case(
    Problem(
        "B5-eigenproblem",
        {"stationary x": JOINT["stationary x"], "coordinates x": Rx * Wx - U, "coordinates y": Ry * Wy - V},
        weight * Sx * Sx * Wx + (Rx * M * Ry) * Wy,
        Sx * Wx * Λ,
    )
)(_joint)

# … and only these solve it if Σx has an inverse root
Hx = letter("Hx", "x", "x", symmetric=True)
case(
    Problem(
        "B5-pencil",
        {
            "pencil x": weight * Sx * Sx * Wx + (Rx * M * Ry) * Wy - Sx * Wx * Λ,
            "coordinates x": Rx * Wx - U,
            "coordinates y": Ry * Wy - V,
            "inverse root": Hx * Rx - 1,
        },
        M * V + weight * Sx * U,
        U * Λ,
    )
)(lambda draw: (v := _joint(draw)) | {"Hx": np.linalg.inv(v["Rx"])})

# B6: the polar step U′ of G = M V + λ Σx U, G = U′ N with N = TᵀT ⪰ 0, never lowers F
N, T = letter("N", "k", "k", symmetric=True), letter("T", "b", "k")


@case(
    Problem(
        "B6-monotone",
        {
            "Stiefel U": U.T * U - 1,
            "Stiefel U′": Up.T * Up - 1,
            "polar": M * V + weight * Sx * U - Up * N,
            "semidefinite": N - T.T * T,
        },
        objective(Up, V) - objective(U, V),
        square((Up - U) * T.T) + weight * square(Rx * (Up - U)),
    )
)
def _polar(draw: Draw) -> dict[str, Any]:
    v = _moments(draw)
    left, values, right = np.linalg.svd(v["M"] @ v["V"] + v["λ"] * v["Rx"] @ v["Rx"] @ v["U"], full_matrices=False)
    root = draw.stiefel("k", "k") @ (right.T * np.sqrt(values)).T
    return {**v, "U′": left @ right, "N": (right.T * values) @ right, "T": root}
