"""Theorems C1, C2 and C6: what exact anchors, matched rows X and Y = X A, leave of the linear maps between two domains.

In whitened coordinates Y = X Q with Q orthogonal. Orthonormal columns a (x×k) span the rows of X = c aᵀ and b = Qᵀa
those of Y; p and q (f columns each) complete them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import Poly, letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, Rx, Ry, Sx, Sy, X, Y, case, square

a, b, p, q = letter("a", "x", "k"), letter("b", "y", "k"), letter("p", "x", "f"), letter("q", "y", "f")
H, Q, B, A = letter("H", "f", "f"), letter("Q", "x", "y"), letter("B", "x", "y"), letter("A", "x", "y")
c, e, J = letter("c", "n", "k"), letter("e", "k", "n"), letter("J", "x", "n")
fixed, free = a * b.T, p * H * q.T

EXACT = {"anchors": X - c * a.T, "images": Y - c * b.T}
INDEPENDENT = {"independent": e * c - 1}
FRAME = {"frame": a.T * a - 1}
APART = {"apart": a.T * p}
REST_X, REST_Y = {"rest x": p.T * p - 1}, {"rest y": q.T * q - 1}
COMPLETE_X, COMPLETE_Y = {"complete x": a * a.T + p * p.T - 1}, {"complete y": b * b.T + q * q.T - 1}
ROTATION, ORTHOGONAL = {"rotation": H.T * H - 1}, {"orthogonal": Q.T * Q - 1}
MEETS = {"meets": a.T * Q - b.T}


def _anchored(draw: Draw) -> dict[str, Any]:
    """Two completed frames, the rotation between them that H gives, and anchors in general position."""
    size, k = draw.size, draw.size["k"]
    size["y"], size["f"] = size["x"], size["x"] - k
    (a, p), (b, q) = (np.split(draw.stiefel("x", "x"), [k], axis=1) for _ in range(2))
    H, c = draw.stiefel("f", "f"), draw.normal("n", "k")
    Q = a @ b.T + p @ H @ q.T
    e, B, Rx, Ry = np.linalg.pinv(c), draw.normal("x", "y"), draw.spd("x"), draw.spd("y")
    values = {"a": a, "b": b, "p": p, "q": q, "H": H, "Q": Q, "c": c, "e": e, "J": a @ e, "X": c @ a.T, "Y": c @ b.T}
    return {**values, "B": B, "Rx": Rx, "Ry": Ry}


def _theorem(name: str, hypotheses: dict[str, Poly], left: Poly, right: Poly, **also: Poly) -> None:
    case(Problem(name, hypotheses, left, right), **also)(_anchored)


# C1. Every H makes an orthogonal map that meets the anchors …
_theorem("C1-meets", {**EXACT, **FRAME, **APART}, X * (fixed + free), Y)
_theorem(
    "C1-orthogonal",
    {**FRAME, **APART, **REST_X, **ROTATION, **COMPLETE_Y},
    (fixed + free).T * (fixed + free),
    one("y"),
    other_side=H * H.T - 1,
)
# … and every such map has this form, with one H, which is orthogonal
_theorem("C1-frame", {**EXACT, **INDEPENDENT, "met": X * Q - Y}, a.T * Q, b.T)
_theorem(
    "C1-form",
    {**MEETS, "orthogonal": Q * Q.T - 1, **COMPLETE_X, **COMPLETE_Y, **APART},
    Q,
    fixed + p * (p.T * Q * q) * q.T,
    other_side=Q.T * Q - 1,
)
_theorem(
    "C1-rotation",
    {**ORTHOGONAL, **MEETS, **COMPLETE_X, "apart": b.T * q, **REST_Y},
    (p.T * Q * q).T * (p.T * Q * q),
    one("f"),
    other_side=Q * Q.T - 1,
)
_theorem("C1-one-to-one", {**APART, **REST_X, **REST_Y}, p.T * (fixed + free) * q, H)
_theorem("C1-freedom", {**FRAME, **COMPLETE_X}, square(p), scalar("dim x") - scalar("dim k"))
# H = 1 and H = −1 differ by a reflection, where q is a single column
_theorem(
    "C1-reflection",
    {**FRAME, **APART, **REST_X, **COMPLETE_Y},
    (fixed + p * q.T).T * (fixed - p * q.T),
    one("y") - 2 * q * q.T,
)

# C2. The error of a translation is that of its whitened rotation, in the metric of Σy
Hx = letter("Hx", "x", "x", symmetric=True)


@case(
    Problem(
        "C2-error",
        {"inverse root": Rx * Hx - 1},
        trace((Hx * (Q - B) * Ry).T * Sx * (Hx * (Q - B) * Ry)),
        square((Q - B) * Ry),
    ),
    other_side=Hx * Rx - 1,
)
def _error(draw: Draw) -> dict[str, Any]:
    values = _anchored(draw)
    return {**values, "Hx": np.linalg.inv(values["Rx"])}


# H and −H together: any B is as far from the two as from their mean, and a remainder that no B can change
_theorem(
    "C2-pythagoras",
    {**REST_X, **ROTATION},
    square((fixed + free - B) * Ry) + square((fixed - free - B) * Ry),
    2 * square((fixed - B) * Ry) + 2 * square(q.T * Ry),
    other_side=H * H.T - 1,
)
_theorem("C2-remainder", {"truth": Q - fixed - free, **REST_X, **ROTATION}, square((fixed - Q) * Ry), square(q.T * Ry))
# regression on the anchors alone is this mean (J = X⁺, whose JX projects on the rows of X), the smallest map of all
_theorem("C2-regression", {"projector": J * X - a * a.T, "images": X * Q - Y, **MEETS}, J * Y, fixed)
_theorem("C2-smallest", {**MEETS, **FRAME}, square(Q * Ry), square(b.T * Ry) + square((Q - fixed) * Ry))
# where the mean of q qᵀ is isotropic, the remainder is on average the share f/d of the variance
P, mean = letter("P", "y", "y", symmetric=True), scalar("mean")


@case(
    Problem(
        "C2-share",
        {"isotropic": P - mean * one("y"), "rank": trace(P) - scalar("dim f")},
        scalar("dim y") * trace(P * Sy),
        scalar("dim f") * trace(Sy),
    )
)
def _share(draw: Draw) -> dict[str, Any]:
    values, f = _anchored(draw), draw.size["f"]
    # A letter between f and y, so that dim f is read off.
    return {**values, "mean": f / draw.size["y"], "P": f / draw.size["y"] * np.eye(draw.size["y"]), "dim f": f}


# C6. As many anchors as dimensions: one map meets them, the regression on them alone
G = letter("G", "x", "x", symmetric=True)


@case(Problem("C6-determined", {"full rank": G * X.T * X - 1, "met": X * A - Y}, G * X.T * Y, A))
def _determined(draw: Draw) -> dict[str, Any]:
    draw.size["n"] = draw.size["x"] + draw.size["k"]
    X, A = draw.normal("n", "x"), draw.normal("x", "y")
    return {"X": X, "A": A, "Y": X @ A, "G": np.linalg.inv(X.T @ X)}
