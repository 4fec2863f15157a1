"""Proposition 1 for linear coders, and the algebra behind the quantitative duality A1 and A3."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, Dx, Dy, Wx, Wy, X, Y, case, square

Inv = letter("Inv", "y", "k")
CC, REC = {"consistency": X * Wx - Y * Wy}, {"reconstruction y": Y * Wy * Dy - Y}
TR, BACK = {"translation": X * Wx * Dy - Y}, {"translation back": Y * Wy * Dx - X}


def _agreeing(draw: Draw) -> dict[str, Any]:
    """Data of rank k with common codes, coders that reconstruct them exactly, and a right inverse of the decoder."""
    codes, Dx, Dy = draw.normal("n", "k"), draw.normal("k", "x"), draw.normal("k", "y")
    inverse_x, inverse_y = np.linalg.pinv(Dx), np.linalg.pinv(Dy)
    Wx = inverse_x + (np.eye(len(inverse_x)) - inverse_x @ Dx) @ draw.normal("x", "k")
    Wy = inverse_y + (np.eye(len(inverse_y)) - inverse_y @ Dy) @ draw.normal("y", "k")
    return {"X": codes @ Dx, "Y": codes @ Dy, "Wx": Wx, "Wy": Wy, "Dx": Dx, "Dy": Dy, "Inv": inverse_y}


case(Problem("P1-consistency-gives-translation", {**CC, **REC}, X * Wx * Dy, Y))(_agreeing)
case(Problem("P1-translation-gives-consistency", {**TR, **REC, "injective": Dy * Inv - 1}, X * Wx, Y * Wy))(_agreeing)
case(Problem("P1-translation-gives-cycle", {**TR, **BACK}, X * Wx * Dy * Wy * Dx, X))(_agreeing)

# A1, columns are samples. A left inverse B of the decoder turns the two residuals into the difference of the codes …
D, B, E = letter("D", "d", "k"), letter("B", "k", "d"), letter("E", "c", "k")
a, b, x = letter("a", "k", "n"), letter("b", "k", "n"), letter("x", "d", "n")
least, largest = scalar("σ²"), scalar("ℓ²")


def _codes(draw: Draw) -> dict[str, Any]:
    draw.size |= {"d": draw.size["x"], "e": draw.size["y"]}
    shapes = {"D": "dk", "a": "kn", "b": "kn", "x": "dn"}
    return {name: draw.normal(*spaces) for name, spaces in shapes.items()}


@case(Problem("A1-left-inverse", {"left inverse": B * D - 1}, a - b, B * (D * a - x) - B * (D * b - x)))
def _left(draw: Draw) -> dict[str, Any]:
    v = _codes(draw)
    return {**v, "B": np.linalg.pinv(v["D"])}


# … and with DᵀD between σ² and ℓ², ‖D(a−b)‖² lies between σ²C² and ℓ²C²
def _between(draw: Draw) -> dict[str, Any]:
    v = _codes(draw)
    gram = v["D"].T @ v["D"]
    low, high = np.linalg.eigvalsh(gram)[[0, -1]] * [0.9, 1.1]
    return {**v, "σ²": low, "ℓ²": high, "gram": gram}


def _root(A: np.ndarray) -> np.ndarray:
    return np.linalg.cholesky(A).T


@case(
    Problem(
        "A1-lower",
        {"least": D.T * D - least * one("k") - E.T * E},
        square(D * (a - b)),
        least * square(a - b) + square(E * (a - b)),
    )
)
def _lower(draw: Draw) -> dict[str, Any]:
    v = _between(draw)
    return {**v, "E": _root(v["gram"] - v["σ²"] * np.eye(len(v["gram"])))}


@case(
    Problem(
        "A1-upper",
        {"largest": largest * one("k") - D.T * D - E.T * E},
        square(D * (a - b)),
        largest * square(a - b) - square(E * (a - b)),
    )
)
def _upper(draw: Draw) -> dict[str, Any]:
    v = _between(draw)
    return {**v, "E": _root(v["ℓ²"] * np.eye(len(v["gram"])) - v["gram"])}


# the triangle behind T ≤ R + ℓC, with the residuals t of translation and r of reconstruction
t, r = letter("t", "d", "n"), letter("r", "d", "n")


@case(Problem("A1-triangle", {"translation": D * a - x - t, "reconstruction": D * b - x - r}, t, r + D * (a - b)))
def _triangle(draw: Draw) -> dict[str, Any]:
    v = _codes(draw)
    return {**v, "t": v["D"] @ v["a"] - v["x"], "r": v["D"] @ v["b"] - v["x"]}


# the telescoped cycle behind A3, with the residuals t of the translation i → j and s of j → i
xi, xj, back = letter("xi", "d", "n"), letter("xj", "e", "n"), letter("s", "d", "n")
Fi, Gi, Fj, Gj = letter("Fi", "k", "d"), letter("Gi", "d", "k"), letter("Fj", "k", "e"), letter("Gj", "e", "k")
there = letter("t", "e", "n")


@case(
    Problem(
        "A3-telescoping",
        {"translation": Gj * Fi * xi - xj - there, "translation back": Gi * Fj * xj - xi - back},
        Gi * Fj * Gj * Fi * xi - xi,
        Gi * Fj * there + back,
    )
)
def _telescoping(draw: Draw) -> dict[str, Any]:
    _codes(draw)
    shapes = {"xi": "dn", "xj": "en", "Fi": "kd", "Gi": "dk", "Fj": "ke", "Gj": "ek"}
    v = {name: draw.normal(*spaces) for name, spaces in shapes.items()}
    return {**v, "t": v["Gj"] @ v["Fi"] @ v["xi"] - v["xj"], "s": v["Gi"] @ v["Fj"] @ v["xj"] - v["xi"]}
