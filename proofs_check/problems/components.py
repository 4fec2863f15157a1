"""Theorem C4: the linear maps S that keep the law of x = s M, for independent sources s of covariance 1 (rows).

N are the loadings of y = s N. Orthonormal columns a (s×k) span the anchors, p completes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.algebra import letter, one, scalar, trace
from proofs_check.problem import Problem
from proofs_check.problems.setting import Draw, case, square

M, Mi, S = letter("M", "s", "x"), letter("M⁻¹", "x", "s"), letter("S", "x", "x")
P, N = letter("P", "s", "s"), letter("N", "s", "y")
a, p, H = letter("a", "s", "k"), letter("p", "s", "f"), letter("H", "f", "f")
LEFT, RIGHT = {"inverse": M * Mi - 1}, {"inverse": Mi * M - 1}
ORTHOGONAL = {"orthogonal": P.T * P - 1}
# True of square matrices, and of no use to the proofs.
SQUARE: dict[str, Any] = {"other_inverse": Mi * M - 1, "other_orthogonal": P * P.T - 1}


def _mixed(draw: Draw) -> dict[str, Any]:
    """A mixture, an orthogonal P, and the S that it makes."""
    draw.size["s"] = draw.size["x"]
    mixing, turn = draw.invertible("x"), draw.stiefel("x", "x")
    inverse = np.linalg.inv(mixing)
    return {"M": mixing, "M⁻¹": inverse, "P": turn, "S": inverse @ turn @ mixing}


# an S that keeps the covariance of x acts on the sources as an orthogonal P …
case(
    Problem(
        "C4-orthogonal",
        {**LEFT, "kept": S.T * M.T * M * S - M.T * M},
        (M * S * Mi).T * (M * S * Mi),
        one("s"),
    )
)(_mixed)
# … of which it is made
case(Problem("C4-form", RIGHT, Mi * (M * S * Mi) * M, S))(_mixed)
# and every orthogonal P keeps the covariance
case(
    Problem("C4-kept", {**LEFT, **ORTHOGONAL}, (Mi * P * M).T * M.T * M * (Mi * P * M), M.T * M),
    **SQUARE,
)(_mixed)


@case(
    Problem("C4-error", ORTHOGONAL, square(P * N - N), 2 * square(N) - 2 * trace(N.T * P * N)),
    other_orthogonal=P * P.T - 1,
)
def _loaded(draw: Draw) -> dict[str, Any]:
    draw.size["s"] = draw.size["x"]
    return {"P": draw.stiefel("x", "x"), "N": draw.normal("x", "y")}


@case(Problem("C4-whitened", {"whitened": N * N.T - 1}, trace(N.T * P * N), trace(P)))
def _whitened(draw: Draw) -> dict[str, Any]:
    draw.size["s"] = draw.size["y"] = draw.size["x"]
    return {"P": draw.normal("x", "x"), "N": draw.stiefel("x", "x")}


@case(
    Problem(
        "C4-average",
        {"frame": a.T * a - 1},
        trace(a * a.T + p * H * p.T) + trace(a * a.T - p * H * p.T),
        2 * scalar("dim k"),
    )
)
def _anchored(draw: Draw) -> dict[str, Any]:
    draw.size["s"], draw.size["f"] = draw.size["x"] + draw.size["k"], draw.size["x"]
    frame = draw.stiefel("s", "s")
    k = draw.size["k"]
    return {"a": frame[:, :k], "p": frame[:, k:], "H": draw.stiefel("f", "f")}
