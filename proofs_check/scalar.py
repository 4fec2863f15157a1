"""Commutative identities through SymPy: an identity as a step of a proof, and its false variants."""

from collections.abc import Sequence

import numpy as np
from sympy import Expr, expand, lambdify, simplify

from proofs_check.evidence import Mutant, Step

MARGIN = 1e-6


def vanishes(expression: Expr) -> bool:
    """Whether SymPy reduces the expression to zero; an answer "no" says nothing about its truth.

    Examples
    --------
    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> vanishes((x + y) ** 2 - x**2 - 2 * x * y - y**2), vanishes(x - y)
    (True, False)
    """
    return expand(expression, complex=True) == 0 or simplify(expression) == 0


def identity(statement: str, left: Expr, right: Expr) -> Step:
    """Accept left = right iff the difference reduces to zero.

    Examples
    --------
    >>> from sympy import cos, sin, symbols
    >>> x = symbols("x", real=True)
    >>> identity("Pythagoras", sin(x) ** 2, 1 - cos(x) ** 2).accepted
    True
    """
    return Step("sympy", statement, vanishes(left - right), f"{left} = {right}")


def mutants(truth: Expr, variants: Sequence[tuple[str, str, Expr]], rng: np.random.Generator) -> list[Mutant]:
    """Judge variants (operation, text, expression) of an expression: reducible to it, or far from it on random numbers.

    Parameters
    ----------
    truth
        The expression that the claim asserts; its symbols and those of the variants take values between 1/4 and 3/4.
    variants
        What should differ from it.
    rng
        Source of the four draws.

    Examples
    --------
    >>> from sympy import symbols
    >>> x = symbols("x")
    >>> variants = [("double", "2x²", 2 * x**2), ("rewrite", "x·x", x * x)]
    >>> [(m.killed, m.equivalent) for m in mutants(x**2, variants, np.random.default_rng(0))]
    [(True, False), (False, True)]
    """
    symbols = sorted(truth.free_symbols.union(*(v.free_symbols for _, _, v in variants)), key=str)
    draws = rng.uniform(0.25, 0.75, size=(4, len(symbols)))
    return [
        Mutant(
            operation,
            text,
            vanishes(variant - truth),
            max(abs(complex(lambdify(symbols, variant - truth)(*draw))) for draw in draws) / MARGIN,
        )
        for operation, text, variant in variants
    ]
