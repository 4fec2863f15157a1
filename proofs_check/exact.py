"""Exact arithmetic on small cases: semidefiniteness of algebraic matrices, and optima on algebraic sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sympy import (
    Add,
    Expr,
    Matrix,
    Poly,
    Symbol,
    diff,
    groebner,
    minimal_polynomial,
    real_roots,
    symbols,
    sympify,
    zeros,
)

from proofs_check.evidence import Step


def is_zero(number: Expr | int) -> bool:
    """Whether a real algebraic number is zero, decided by its minimal polynomial.

    Examples
    --------
    >>> from sympy import sqrt
    >>> is_zero(sqrt(5 + 2 * sqrt(6)) - sqrt(2) - sqrt(3))
    True
    """
    t = Symbol("t")
    number = sympify(number)
    return number == 0 if number.is_Rational else minimal_polynomial(number, t) == t


@dataclass(frozen=True)
class Definiteness:
    """The answer to A ⪰ 0, with what proves it.

    Parameters
    ----------
    matrix
        The symmetric matrix A.
    lower, pivots
        If A ⪰ 0: unit lower triangular L and D ≥ 0 with A = L diag(D) Lᵀ.
    witness
        Otherwise a vector v with vᵀAv < 0.

    Examples
    --------
    >>> Definiteness(Matrix([[0, 1], [1, 0]]), witness=Matrix([1, -1])).semidefinite
    False
    """

    matrix: Matrix
    lower: Matrix | None = None
    pivots: Matrix | None = None
    witness: Matrix | None = None

    @property
    def semidefinite(self) -> bool:
        """The proof, checked again: the factorisation and its signs, or the negative value of the form.

        Raises
        ------
        ArithmeticError
            If the proof does not hold.
        """
        if self.lower is not None and self.pivots is not None:
            rest = self.matrix - self.lower * self.pivots * self.lower.T
            diagonal = self.pivots.is_diagonal() and all(is_zero(d) or d > 0 for d in self.pivots.diagonal())
            if diagonal and all(is_zero(entry) for entry in rest):
                return True
        elif self.witness is not None and (self.witness.T * self.matrix * self.witness)[0] < 0:
            return False
        raise ArithmeticError("neither a factorisation nor a negative direction")


def definiteness(A: Matrix) -> Definiteness:
    """Decide whether a symmetric matrix of real algebraic numbers is positive semidefinite, by LDLᵀ without rounding.

    A zero pivot needs a zero column, so that no pivoting is necessary.

    Examples
    --------
    >>> definiteness(Matrix([[1, 2], [2, 4]])).semidefinite, definiteness(Matrix([[0, 1], [1, 5]])).semidefinite
    (True, False)
    """
    n = A.rows
    rest: Any = A.copy()
    L, D = Matrix.eye(n), zeros(n, n)
    for i in range(n):
        pivot = rest[i, i]
        column = [j for j in range(i + 1, n) if not is_zero(rest[j, i])]
        if is_zero(pivot):
            if column:
                # t² · 0 + 2 t s_ij + s_jj = −1
                direction = zeros(n, 1)
                direction[i], direction[column[0]] = -(rest[column[0], column[0]] + 1) / (2 * rest[i, column[0]]), 1
                return Definiteness(A, witness=L.T.LUsolve(direction))
            continue
        if pivot < 0:
            return Definiteness(A, witness=L.T.LUsolve(Matrix.eye(n)[:, i]))
        D[i, i] = pivot
        for j in range(i + 1, n):
            L[j, i] = rest[j, i] / pivot
        rest -= pivot * L[:, i] * L[:, i].T
    return Definiteness(A, L, D)


def maximum(
    statement: str, F: Expr, variables: Sequence[Symbol], constraints: Sequence[Expr], at: dict[Symbol, Any]
) -> Step:
    """Prove that the maximum of F on the compact set where the constraints vanish is its value at a point.

    All critical values are roots of one polynomial, which a Gröbner basis of the Lagrange conditions eliminates; it is
    accepted if its largest real root is the value at the point, and if the gradients of the constraints are linearly
    independent everywhere on the set, so that every maximum is critical.

    Parameters
    ----------
    statement
        What is shown.
    F, variables, constraints
        Polynomials over ℚ and their variables; the caller answers for compactness.
    at
        A feasible point.

    Examples
    --------
    >>> x, y = symbols("x y")
    >>> best = {x: sympify("3/5"), y: sympify("4/5")}
    >>> maximum("at most 5 on the circle", 3 * x + 4 * y, (x, y), [x**2 + y**2 - 1], best).accepted
    True
    """
    value, multipliers = Symbol("value"), symbols(f"multiplier:{len(constraints)}")
    stationary = [
        diff(F, v) - Add(*(m * diff(g, v) for m, g in zip(multipliers, constraints, strict=True))) for v in variables
    ]
    basis = groebner([*stationary, *constraints, value - F], *multipliers, *variables, value, order="lex")
    critical = [p for p in basis.exprs if p.free_symbols <= {value}]
    jacobian: Any = Matrix([[diff(g, v) for v in variables] for g in constraints])
    size = len(constraints)
    minors = [jacobian[:, list(columns)].det() for columns in combinations(range(len(variables)), size)]
    regular = groebner([*constraints, *minors], *variables, order="grevlex").exprs == [1]
    feasible = all(is_zero(g.subs(list(at.items()))) for g in constraints)
    roots = real_roots(Poly(critical[0], value)) if critical else []
    reached = F.subs(list(at.items()))
    best = bool(roots) and is_zero(max(roots) - reached)
    text = f"critical values: roots of {critical[0] if critical else 'no polynomial'}; value {reached} at {dict(at)}"
    return Step("sympy", statement, regular and feasible and best, text)
