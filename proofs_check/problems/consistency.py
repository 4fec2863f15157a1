"""Lemmas 2 and 3: concept consistency, what leaves it unchanged, and canonical correlations."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import (
    WHITENED,
    Draw,
    M,
    U,
    V,
    Wx,
    Wy,
    X,
    Y,
    case,
    consistency,
    dim_k,
    square,
    zero,
)

A, Q = letter("A", "k", "k"), letter("Q", "k", "k")
R = letter("R", "k", "k", symmetric=True)
c, per_sample = scalar("c"), scalar("1/n")
S, T, K = letter("S", "x", "x", symmetric=True), letter("T", "y", "y", symmetric=True), letter("K", "x", "y")


def _data(draw: Draw) -> dict[str, Any]:
    X, Y, n = draw.normal("n", "x"), draw.normal("n", "y"), draw.size["n"]
    moments = {"1/n": 1 / n, "S": X.T @ X / n, "T": Y.T @ Y / n, "K": X.T @ Y / n}
    return {"X": X, "Y": Y, "Wx": draw.normal("x", "k"), "Wy": draw.normal("y", "k"), **moments}


# the loss on data depends on the second moments only
case(
    Problem(
        "L2-moments",
        {
            "moment x": per_sample * X.T * X - S,
            "moment y": per_sample * Y.T * Y - T,
            "cross moment": per_sample * X.T * Y - K,
        },
        per_sample * square(X * Wx - Y * Wy),
        trace(Wx.T * S * Wx) + trace(Wy.T * T * Wy) - 2 * trace(Wx.T * K * Wy),
    )
)(_data)


def loss(Wx, Wy):
    """Return ‖X Wx − Y Wy‖²_F, n times the loss.

    Examples
    --------
    >>> loss(Wx, Wy) == square(X * Wx) + square(Y * Wy) - 2 * trace(Wx.T * X.T * Y * Wy)
    True
    """
    return square(X * Wx - Y * Wy)


def _coders(draw: Draw) -> dict[str, Any]:
    return {name: value for name, value in _data(draw).items() if name in ("X", "Y", "Wx", "Wy")}


@case(
    Problem("L2-orthogonal", {"orthogonal": Q * Q.T - 1}, loss(Wx * Q, Wy * Q), loss(Wx, Wy)),
    other_side=Q.T * Q - 1,
)
def _orthogonal(draw: Draw) -> dict[str, Any]:
    return {**_coders(draw), "Q": draw.stiefel("k", "k")}


# what any A does to the loss: invariance for all encoders of some X ≠ 0 needs AAᵀ = 1
@case(
    Problem(
        "L2-any-transform",
        {},
        loss(Wx * A, Wy * A) - loss(Wx, Wy),
        trace((X * Wx - Y * Wy) * (A * A.T - 1) * (X * Wx - Y * Wy).T),
        identity=True,
    )
)
def _any(draw: Draw) -> dict[str, Any]:
    return {**_coders(draw), "A": draw.normal("k", "k")}


# scale matters: the loss is not invariant under A = c 1, and collapses with c
@case(Problem("L2-scaling", {}, loss(c * Wx, c * Wy), c * c * loss(Wx, Wy), identity=True))
def _scaling(draw: Draw) -> dict[str, Any]:
    return {**_coders(draw), "c": draw.number()}


# the zero set X Wx = Y Wy has loss 0, and any A keeps it (a fortiori the invertible ones)
EQUAL = {"agreement": X * Wx - Y * Wy}


def _equal(draw: Draw) -> dict[str, Any]:
    left, right = draw.stiefel("x", "k"), draw.stiefel("y", "k")
    codes = draw.normal("n", "k")
    inside = draw.invertible("k")
    X, Y = draw.normal("n", "x"), draw.normal("n", "y")
    X, Y = X + (codes - X @ left) @ left.T, Y + (codes - Y @ right) @ right.T
    return {"X": X, "Y": Y, "Wx": left @ inside, "Wy": right @ inside, "A": draw.normal("k", "k")}


case(Problem("L2-zero-set", EQUAL, loss(Wx * A, Wy * A), zero))(_equal)
case(Problem("L2-zero-set-invariant", EQUAL, X * Wx * A, Y * Wy * A))(_equal)


# independent columns of [X, −Y]: rows P of a left inverse recover Wx from the difference of the codes, so only 0 agrees
P = letter("P", "x", "n")


@case(Problem("L2-only-zero", {"left inverse": P * X - 1, "annihilates": P * Y}, P * (X * Wx - Y * Wy), Wx))
def _injective(draw: Draw) -> dict[str, Any]:
    draw.size["n"] = draw.size["z"] + 2
    values = _coders(draw)
    return {**values, "P": np.linalg.pinv(np.hstack([values["X"], -values["Y"]]))[: draw.size["x"]]}


# a dependency X a = Y b between the columns makes further minimisers a e, b e, different from 0 for a unit row e
a, b, e = letter("a", "x", "j"), letter("b", "y", "j"), letter("e", "j", "k")


def _dependent(draw: Draw) -> dict[str, Any]:
    equal, j = _equal(draw), draw.size["k"]
    return {"X": equal["X"], "Y": equal["Y"], "a": equal["Wx"], "b": equal["Wy"], "e": draw.rng.normal(size=(j, j + 1))}


case(Problem("L2-dependency", {"combination": X * a - Y * b}, X * (a * e), Y * (b * e)))(_dependent)
case(Problem("L2-dependency-nonzero", {"unit rows": e * e.T - 1}, a * e * e.T, a))(
    lambda draw: {"a": draw.normal("x", "k"), "e": draw.stiefel("x", "k").T}
)


# Lemma 3: under whitening the loss is 2k − 2 Tr(UᵀMV), with U = Σx^{1/2} Wx and V = Σy^{1/2} Wy
@case(Problem("L3-objective", WHITENED, consistency(Wx, Wy), 2 * dim_k - 2 * trace(U.T * M * V)))
def _whitened(draw: Draw) -> dict[str, Any]:
    return draw.whitened()


# a common rotation changes neither the objective nor feasibility
@case(
    Problem("L3-rotation", {"orthogonal": Q * Q.T - 1}, trace((U * Q).T * M * V * Q), trace(U.T * M * V)),
    other_side=Q.T * Q - 1,
)
def _rotation(draw: Draw) -> dict[str, Any]:
    return {
        "U": draw.stiefel("x", "k"),
        "V": draw.stiefel("y", "k"),
        "M": draw.coherence(),
        "Q": draw.stiefel("k", "k"),
    }


@case(
    Problem("L3-rotation-feasible", {"orthogonal": Q.T * Q - 1, "Stiefel": U.T * U - 1}, (U * Q).T * U * Q, one("k")),
    other_side=Q * Q.T - 1,
)
def _feasible(draw: Draw) -> dict[str, Any]:
    return {"U": draw.stiefel("x", "k"), "Q": draw.stiefel("k", "k")}


# the optimum. M = A R Bᵀ + N is cut at the top k singular triples; ρ ≤ R bounds N, which the factor [Cx Cy] of the
# positive semidefinite matrix [[ρ(1−AAᵀ), −N], [−Nᵀ, ρ(1−BBᵀ)]] says; then 2 Tr R − 2 Tr(UᵀMV) is a sum of squares
A, B, N = letter("A", "x", "k"), letter("B", "y", "k"), letter("N", "x", "y")
T, Cx, Cy = letter("T", "b", "k"), letter("Cx", "c", "x"), letter("Cy", "c", "y")
ρ = scalar("ρ")
SINGULAR = {
    "Stiefel U": U.T * U - 1,
    "Stiefel V": V.T * V - 1,
    "left vectors": A.T * A - 1,
    "right vectors": B.T * B - 1,
    "decomposition": A * R * B.T + N - M,
    "top": R - ρ * one("k") - T.T * T,
    "tail xx": ρ * (one("x") - A * A.T) - Cx.T * Cx,
    "tail xy": N + Cx.T * Cy,
    "tail yy": ρ * (one("y") - B * B.T) - Cy.T * Cy,
}
Z = A.T * U - B.T * V


@case(
    Problem(
        "L3-optimal",
        SINGULAR,
        2 * trace(R) - 2 * trace(U.T * M * V),
        ρ * square(Z)
        + square(T * Z)
        + square(Cx * U + Cy * V)
        + square((one("x") - U * U.T) * A * T.T)
        + square((one("y") - V * V.T) * B * T.T),
    )
)
def _singular(draw: Draw) -> dict[str, Any]:
    k, (left, values, right) = draw.size["k"], np.linalg.svd(draw.coherence())
    (ρ, tail), pairs = (values[k - 1], values[k:]), len(values) - k
    u, v = left[:, k:].T, right[k:]
    # the root of [[ρ, −s], [−s, ρ]] is [[a, b], [b, a]]
    a, b = ((np.sqrt(ρ + tail) + sign * np.sqrt(ρ - tail)) / 2 * sign for sign in (1, -1))
    paired = [np.vstack([p[:, None] * w[:pairs], q[:, None] * w[:pairs]]) for w, p, q in ((u, a, b), (v, b, a))]
    single = [np.sqrt(ρ) * w[pairs:] for w in (u, v)]
    Cx = np.vstack([paired[0], single[0], np.zeros((len(single[1]), len(left)))])
    Cy = np.vstack([paired[1], np.zeros((len(single[0]), len(right))), single[1]])
    A, B, R, N = left[:, :k], right[:k].T, np.diag(values[:k]), (u[:pairs].T * tail) @ v[:pairs]
    return {
        **{"M": A @ R @ B.T + N, "A": A, "B": B, "R": R, "N": N, "ρ": ρ, "T": np.sqrt(R - ρ * np.eye(k))},
        **{"Cx": Cx, "Cy": Cy, "U": draw.stiefel("x", "k"), "V": draw.stiefel("y", "k")},
    }


# … and is attained at the top k singular triples themselves
@case(
    Problem(
        "L3-attained",
        {**{h: SINGULAR[h] for h in ("left vectors", "right vectors", "decomposition")}, "rest": A.T * N},
        trace(A.T * M * B),
        trace(R),
    )
)
def _attained(draw: Draw) -> dict[str, Any]:
    values = _singular(draw)
    return {name: values[name] for name in ("M", "A", "B", "R", "N")}


# rank M = s < k, that is ρ_k = 0: M = G L² Hᵀ with s singular pairs. The optima are U = G q + Px p, V = H q + Py p,
# where q, p are the rows of an orthogonal matrix and Px, Py complete G and H independently of each other
G, H, Px, Py = letter("G", "x", "s"), letter("H", "y", "s"), letter("Px", "x", "t"), letter("Py", "y", "t")
q, p, L = letter("q", "s", "k"), letter("p", "t", "k"), letter("L", "s", "s", symmetric=True)
POSITIVE = {"positive part": G * L * L * H.T - M, "left vectors": G.T * G - 1, "right vectors": H.T * H - 1}


def _low_rank(draw: Draw) -> dict[str, Any]:
    k = draw.size["k"]
    (G, Px), (H, Py) = (np.split(draw.stiefel(space, "k"), [k - 1], axis=1) for space in "xy")
    q, p = np.split(draw.stiefel("k", "k"), [k - 1])
    L = np.diag(draw.rng.uniform(0.3, 0.9, k - 1) ** 0.5)
    return {"G": G, "Px": Px, "H": H, "Py": Py, "q": q, "p": p, "L": L, "M": G @ L @ L @ H.T}


@case(
    Problem(
        "L3-null-free",
        {
            **POSITIVE,
            "coordinates x": G * q + Px * p - U,
            "coordinates y": H * q + Py * p - V,
            "null x": G.T * Px,
            "null y": H.T * Py,
            "orthonormal rows": q * q.T - 1,
        },
        trace(U.T * M * V),
        trace(L * L),
    )
)
def _null_free(draw: Draw) -> dict[str, Any]:
    v = _low_rank(draw)
    return {**v, "U": v["G"] @ v["q"] + v["Px"] @ v["p"], "V": v["H"] @ v["q"] + v["Py"] @ v["p"]}


# conversely, only these: equality asks for G = U Uᵀ G, H = V Vᵀ H and Uᵀ G = Vᵀ H, whose transpose is q
@case(
    Problem(
        "L3-null-only",
        {**POSITIVE, "Stiefel U": SINGULAR["Stiefel U"], "Stiefel V": SINGULAR["Stiefel V"]},
        2 * trace(L * L) - 2 * trace(U.T * M * V),
        square((U.T * G - V.T * H) * L) + square((one("x") - U * U.T) * G * L) + square((one("y") - V * V.T) * H * L),
    )
)
def _null_only(draw: Draw) -> dict[str, Any]:
    return {**_low_rank(draw), "U": draw.stiefel("x", "k"), "V": draw.stiefel("y", "k")}
