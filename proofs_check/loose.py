"""The exact example of theorems B2 and B3: an optimum that is known, and that no dual certificate reaches.

(dx, dy, k) = (3, 2, 2), λ = 1, Σx = diag(5, 1, 1), Σy = 1, M = [0; ½·1]. F ≤ 9 + |m| − 4m² ≤ 145/16, where m is the
determinant of the last two rows of U.
"""

from typing import Any

from sympy import Matrix, Rational, diag, eye, groebner, sqrt, symbols, zeros
from z3 import Or, Reals

from proofs_check import logic
from proofs_check.evidence import Step
from proofs_check.exact import is_zero

SX, SY = diag(5, 1, 1), eye(2)
M = Matrix.vstack(zeros(1, 2), eye(2) / 2)
K = Matrix.vstack(Matrix.hstack(SX, M), Matrix.hstack(M.T, SY))
VALUE = Rational(145, 16)
U = Matrix([[3 * sqrt(7) / 8, 0], [Rational(-1, 8), 0], [0, 1]])
V = diag(-1, 1)
Z = Matrix.vstack(U, V)


def _vanishes(statement: str, expression: Any, constraints: list[Any]) -> Step:
    """Accept if the expression is a combination of the constraints, with polynomials for coefficients."""
    variables = sorted({x for c in constraints for x in c.free_symbols}, key=str)
    basis = groebner(constraints, *variables, order="grevlex")
    return Step("sympy", statement, basis.contains(expression), f"{expression} ∈ ⟨{', '.join(map(str, constraints))}⟩")


def optimum() -> list[Step]:
    """F* = 145/16 over all feasible pairs, without a parametrisation of them.

    >>> all(step.accepted for step in optimum())
    True
    """
    u: Any = Matrix(3, 2, symbols("u1:4(1:3)"))
    v: Any = Matrix(2, 2, symbols("v1:3(1:3)"))
    orthonormal, orthogonal = (list((A.T * A - eye(2)).vech()) for A in (u, v))
    rows = u[1:, :]
    first, m, δ = (u[0, :] * u[0, :].T)[0], rows.det(), v.det()
    aligned = (v.T * rows).trace()
    across = v[0, 0] * (rows[1, 0] - δ * rows[0, 1]) - v[1, 0] * (rows[0, 0] + δ * rows[1, 1])
    value = (u.T * SX * u).trace() + 2 * (u.T * M * v).trace() + (v.T * SY * v).trace()
    reals: Any = Reals("r m δ p q")
    r, det, sign, p, q = reals
    reached = (Z.T * K * Z).trace()
    return [
        _vanishes("the first row of U has r = 1 − m²", first + m**2 - 1, orthonormal),
        _vanishes(
            "F = 4r + 4 + p with p = Tr(Vᵀ·last rows)", value - 4 * first - 4 - aligned, orthonormal + orthogonal
        ),
        _vanishes("δ = det V is 1 or −1", δ**2 - 1, orthogonal),
        _vanishes(
            "p² + q² = 1 + m² + 2δm for some q",
            aligned**2 + across**2 - 1 - m**2 - 2 * δ * m,
            orthonormal + orthogonal,
        ),
        logic.prove(
            "hence F ≤ 9 + |m| − 4m² ≤ 145/16",
            [r + det**2 == 1, Or(sign == 1, sign == -1), p**2 + q**2 == 1 + det**2 + 2 * sign * det],
            16 * (4 * r + 4 + p) <= 145,
        ),
        Step(
            "sympy",
            "which U = [(3√7/8, 0), (−1/8, 0), (0, 1)], V = diag(−1, 1) attain",
            U.T * U == eye(2) == V.T * V and is_zero(reached - VALUE),
            f"F = {reached}",
        ),
    ]
