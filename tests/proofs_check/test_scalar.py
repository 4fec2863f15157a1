"""Commutative identities: true ones are accepted, near misses are not, and mutants are judged on numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, Rational, cos, exp, sin, solve, sqrt, symbols

from proofs_check.scalar import identity, mutants, vanishes

x, y, a, b, λ, ρi, ρj = symbols("x y a b λ ρi ρj", real=True)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sin(x) ** 2 + cos(x) ** 2, 1 + 0 * x),
        (abs(exp(I * x) - 1) ** 2, 2 - 2 * cos(x)),
        ((x**3 - y**3) / (x - y), x**2 + x * y + y**2),
        (sqrt(3 + 2 * sqrt(2)), 1 + sqrt(2)),
    ],
)
def test_true_identities_are_accepted_and_near_misses_are_not(left, right):
    assert identity("true", left, right).accepted
    assert not identity("off", left, right + Rational(1, 10**12)).accepted
    assert not identity("scaled", left, 2 * right).accepted


@settings(deadline=None, max_examples=30)
@given(coefficients=st.lists(st.integers(-4, 4), min_size=1, max_size=4), shift=st.integers(-3, 3))
def test_polynomials_vanish_exactly_when_their_coefficients_do(coefficients, shift):
    p = sum(c * (x - shift) ** i for i, c in enumerate(coefficients))
    expanded = sum(
        c * x**i
        for i, c in enumerate(
            np.polynomial.Polynomial(coefficients)(np.polynomial.Polynomial([-shift, 1])).coef.astype(int).tolist()
        )
    )
    assert vanishes(p - expanded)
    assert vanishes(p) == (not any(coefficients))


def test_the_drift_of_the_canonical_directions():
    """B4: the two first-order stationarity conditions have the stated solution, which is symmetric under x ↔ y."""
    X, Y = symbols("X Y")
    solution = solve([ρi * Y + λ * a - X * ρj, ρi * X + λ * b - Y * ρj], [X, Y])
    assert identity("X", solution[X], λ * (ρj * a + ρi * b) / (ρj**2 - ρi**2)).accepted
    assert identity("Y", solution[Y], λ * (ρj * b + ρi * a) / (ρj**2 - ρi**2)).accepted
    assert not identity("X", solution[X], λ * (ρj * a - ρi * b) / (ρj**2 - ρi**2)).accepted


def test_mutants_are_killed_unless_they_are_the_same():
    truth = (x + y) ** 2
    variants = [("flip", "(x−y)²", (x - y) ** 2), ("expand", "x²+2xy+y²", x**2 + 2 * x * y + y**2)]
    flip, expanded = mutants(truth, variants, np.random.default_rng(0))
    assert flip.killed
    assert not flip.equivalent
    assert expanded.equivalent
    assert not expanded.killed
