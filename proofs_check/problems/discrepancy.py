"""Characteristic-function losses: a squared MMD, its bias as a V-statistic, its bound by an instance loss.

Atoms or rows are the space n, features cos(t·) and sin(t·), each scaled by √w, are x, and the columns k hold laws.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, case, square

K, F = letter("K", "n", "n", symmetric=True), letter("F", "n", "x")
p, q, r, v = (letter(name, "n", "k") for name in "pqrv")
a, b = letter("a", "x", "k"), letter("b", "x", "k")
GRAM = {"Gram": K - F * F.T}


def _laws(draw: Draw) -> dict[str, Any]:
    F = draw.normal("n", "x")
    return {"F": F, "K": F @ F.T, **{name: draw.normal("n", "k") for name in "pqrv"}}


# the distance of the feature means is the three-term sum over pairs
case(Problem("P3-mmd", GRAM, square(F.T * (p - q)), trace(p.T * K * p) + trace(q.T * K * q) - 2 * trace(p.T * K * q)))(
    _laws
)
# a Gram matrix of features is positive semidefinite
case(Problem("P3-semidefinite", GRAM, trace(v.T * K * v), square(F.T * v)))(_laws)


# the triangle p, q, r in feature space …
@case(
    Problem(
        "P3-triangle",
        {"first side": F.T * (p - q) - a, "second side": F.T * (q - r) - b},
        square(F.T * (p - r)),
        square(a) + square(b) + 2 * trace(a.T * b),
    )
)
def _triangle(draw: Draw) -> dict[str, Any]:
    laws = _laws(draw)
    F, p, q, r = (laws[name] for name in "Fpqr")
    return {**laws, "a": F.T @ (p - q), "b": F.T @ (q - r)}


# … whose mixed term Cauchy–Schwarz bounds: what remains of a beside b has a square, which is not negative
@case(
    Problem(
        "P3-Cauchy-Schwarz",
        {},
        square(a * trace(b.T * b) - b * trace(a.T * b)),
        square(b) * (square(a) * square(b) - trace(a.T * b) * trace(a.T * b)),
        identity=True,
    )
)
def _sides(draw: Draw) -> dict[str, Any]:
    return {"a": draw.normal("x", "k"), "b": draw.normal("x", "k")}


# E|Σ_j z_j|² for independent z_j of modulus 1 and |E z_j|² = f: E z_j z_l* is 1 on the diagonal and f beside it
o, G, f = letter("o", "n", "k"), letter("G", "n", "n", symmetric=True), scalar("f")
dim_n, dim_k = scalar("dim n"), scalar("dim k")


@case(
    Problem(
        "ECF-second-moment",
        {"independent rows": G - (1 - f) * one("n") - f * (o * o.T), "ones": o.T * o - dim_n * one("k")},
        trace(o.T * G * o),
        dim_k * (dim_n * (1 - f) + dim_n * dim_n * f),
    )
)
def _rows(draw: Draw) -> dict[str, Any]:
    n, f = draw.size["n"], draw.rng.uniform(0, 1)
    o = np.sqrt(n) * draw.stiefel("n", "k")
    return {"o": o, "f": f, "G": (1 - f) * np.eye(n) + f * o @ o.T}


# rows of two batches that show one point are J on average, all others c; S marks the h places of the first kind
S, π = letter("S", "n", "m"), letter("π", "m", "k")
cross, J, c, h, dim_m = letter("cross", "n", "m"), scalar("J"), scalar("c"), scalar("h"), scalar("dim m")


@case(
    Problem(
        "F2-cross",
        {
            "shared points": cross - c * (o * π.T) - (J - c) * S,
            "ones of a": o.T * o - dim_n * one("k"),
            "ones of b": π.T * π - dim_m * one("k"),
            "places": trace(o.T * S * π) - h,
        },
        trace(o.T * cross * π),
        c * dim_k * dim_n * dim_m + (J - c) * h,
    )
)
def _places(draw: Draw) -> dict[str, Any]:
    draw.size["m"] = draw.size["n"] - 2
    o, π = (np.sqrt(draw.size[s]) * draw.stiefel(s, "k") for s in "nm")
    J, c, S = draw.number(), draw.number(), draw.normal("n", "m")
    return {"o": o, "π": π, "S": S, "J": J, "c": c, "h": np.trace(o.T @ S @ π), "cross": c * o @ π.T + (J - c) * S}


# the mean square is the square of the mean and the spread about it
Z = letter("Z", "n", "x")


@case(
    Problem("A4-mean", {"unit": o.T * o - 1}, square(Z), square(o.T * Z) + square(Z - o * o.T * Z)),
)
def _spread(draw: Draw) -> dict[str, Any]:
    return {"o": draw.stiefel("n", "k"), "Z": draw.normal("n", "x")}


# slices with E uuᵀ = 1/d see every direction alike
U2 = letter("U2", "x", "x", symmetric=True)
δ = letter("δ", "x", "n")


@case(
    Problem("A4-slices", {"isotropic": U2 - scalar("1/d") * one("x")}, trace(δ.T * U2 * δ), scalar("1/d") * square(δ))
)
def _slices(draw: Draw) -> dict[str, Any]:
    d = draw.size["x"]
    return {"U2": np.eye(d) / d, "1/d": 1 / d, "δ": draw.normal("x", "n")}
