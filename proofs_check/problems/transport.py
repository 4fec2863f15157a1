"""Theorem C1: the linear maps between two Gaussian laws, N(0, Σx) → N(0, Σy) in the same dimension (rows: x ↦ x A)."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, Rx, Ry, Sx, Sy, case

Q, A = letter("Q", "x", "y"), letter("A", "x", "y")
Hx, Hy = letter("Hx", "x", "x", symmetric=True), letter("Hy", "y", "y", symmetric=True)


def _matched(draw: Draw) -> dict[str, Any]:
    draw.size["y"] = draw.size["x"]
    Q, Rx, Ry = draw.stiefel("x", "y"), draw.spd("x"), draw.spd("y")
    Hx, Hy = np.linalg.inv(Rx), np.linalg.inv(Ry)
    return {"Q": Q, "Rx": Rx, "Ry": Ry, "Hx": Hx, "Hy": Hy, "A": Hx @ Q @ Ry}


# every Σx^{-1/2} Q Σy^{1/2} matches the covariances …
case(
    Problem(
        "C1-matched",
        {"inverse root": Rx * Hx - 1, "orthogonal": Q.T * Q - 1},
        (Hx * Q * Ry).T * Sx * (Hx * Q * Ry),
        Sy,
    ),
    other_side=Q * Q.T - 1,
)(_matched)
# … and a map that matches them has this form: Q = Σx^{1/2} A Σy^{-1/2} is orthogonal
case(
    Problem(
        "C1-only-these",
        {"matched": A.T * Sx * A - Sy, "inverse root": Ry * Hy - 1},
        (Rx * A * Hy).T * (Rx * A * Hy),
        one("y"),
    )
)(_matched)
