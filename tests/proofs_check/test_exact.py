"""Exact semidefiniteness and exact optima, against floating point and against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Matrix, Rational, eye, sqrt, symbols, zeros

from proofs_check.exact import Definiteness, definiteness, is_zero, maximum


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 5), rank=st.integers(0, 5), shift=st.integers(-2, 2))
def test_definiteness_agrees_with_the_eigenvalues(seed, n, rank, shift):
    rng = np.random.default_rng(seed)
    F = rng.integers(-3, 4, size=(n, rank))
    A = F @ F.T + shift * np.eye(n, dtype=int)
    least = np.linalg.eigvalsh(A.astype(float))[0]
    verdict = definiteness(Matrix(A.tolist())).semidefinite
    # integer matrices this small have no nonzero eigenvalue within 1e-9 of zero
    assert verdict == (least > -1e-9)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 5))
def test_a_negative_direction_hidden_behind_zero_pivots_is_found(seed, n):
    rng = np.random.default_rng(seed)
    A = zeros(n, n)
    i, j = sorted(rng.choice(n, 2, replace=False).tolist())
    A[i, j] = A[j, i] = int(rng.integers(1, 4))
    A[j, j] = int(rng.integers(0, 9))
    found = definiteness(A)
    assert not found.semidefinite
    assert (found.witness.T * A * found.witness)[0] < 0


def test_a_wrong_proof_is_not_accepted():
    A = Matrix([[1, 2], [2, 1]])
    for forged in (Definiteness(A, eye(2), eye(2)), Definiteness(A, witness=Matrix([1, 1])), Definiteness(A)):
        with pytest.raises(ArithmeticError):
            assert forged.semidefinite


def test_negative_pivots_are_no_proof():
    A = Matrix([[-1]])
    with pytest.raises(ArithmeticError):
        assert Definiteness(A, eye(1), A).semidefinite


def test_zero_of_an_algebraic_number():
    assert is_zero((1 + sqrt(2)) * (sqrt(2) - 1) - 1)
    assert not is_zero(sqrt(2) - Rational(665857, 470832))


def test_the_dual_of_the_loose_relaxation_is_feasible_with_value_8_plus_root_2():
    K = Matrix([[5, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1]])
    K[1, 3] = K[3, 1] = K[2, 4] = K[4, 2] = Rational(1, 2)
    α, b = 1 + sqrt(2) / 2, 1 + sqrt(2) / 4
    a = 5 - α
    dual = Matrix.diag(a + α, α, α, b, b) - K
    assert definiteness(dual).semidefinite
    assert a > 0
    assert is_zero(a + 2 * α + 2 * b - (8 + sqrt(2)))
    G = Matrix.diag(1, Rational(1, 2), Rational(1, 2), 1, 1)
    G[1, 3] = G[3, 1] = G[2, 4] = G[4, 2] = 1 / sqrt(2)
    assert definiteness(G).semidefinite
    assert is_zero((K * G).trace() - (8 + sqrt(2)))
    assert not definiteness(dual - eye(5) / 1000).semidefinite


s, c, n1, n2, n3, m = symbols("s c n1 n2 n3 m")


def test_the_trade_off_leaves_the_canonical_direction():
    weight = Rational(5, 9)
    F = 2 * s + weight * (4 * c**2 + s**2) + weight
    best = maximum("F", F, (s, c), [s**2 + c**2 - 1], {s: Rational(3, 5), c: Rational(4, 5)})
    assert best.accepted
    assert 2 + 6 * weight - F.subs({s: Rational(3, 5), c: Rational(4, 5)}) == Rational(88, 45)
    assert not maximum("F", F, (s, c), [s**2 + c**2 - 1], {s: 1, c: 0}).accepted


def test_the_value_of_the_case_without_tight_relaxation():
    # m stands for |n1|: both signs of a square root of n1², of which the larger value counts
    F = 9 + m - 4 * n1**2
    sphere = [n1**2 + n2**2 + n3**2 - 1, m - n1]
    point = {n1: Rational(1, 8), m: Rational(1, 8), n2: sqrt(63) / 8, n3: 0}
    found = maximum("F", F, (n1, n2, n3, m), sphere, point)
    assert found.accepted
    assert F.subs(point) == Rational(145, 16)


def test_a_point_off_the_set_or_a_singular_set_is_refused():
    assert not maximum("s", s, (s, c), [s**2 + c**2 - 1], {s: 2, c: 0}).accepted
    # on the cusp c³ = s² (cut to s² + c² ≤ 1 or not) the maximum of −c is at the singular point, which is not critical
    assert not maximum("−c", -c, (s, c), [s**2 - c**3], {s: 0, c: 0}).accepted
