"""Exact enumeration of sparse codes, against brute force over all permutations of the codes and known cases."""

from fractions import Fraction
from itertools import permutations
from math import comb, factorial

import numpy as np
import pytest

from proofs_check import exchangeable


@pytest.mark.parametrize(("K", "s"), [(2, 1), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3)])
def test_linear_symmetries_are_those_of_no_larger_rank(K, s):
    """A linear map Z ↦ Z[order] exists iff the columns of Z[order] lie in those of Z."""
    Z = np.array(exchangeable.codes(K, s))
    rank = np.linalg.matrix_rank(Z)
    orders = permutations(range(len(Z)))
    expected = {p for p in orders if np.linalg.matrix_rank(np.hstack([Z, Z[list(p)]])) == rank}
    assert exchangeable.linear_symmetries(Z.tolist()) == expected
    assert exchangeable.atom_symmetries(K, s) == expected
    assert set(exchangeable.overlap_symmetries(K, s)) == expected
    assert len(expected) == factorial(K) * (2 if K == 2 * s >= 4 else 1)


def test_a_map_that_is_not_injective_on_the_points_is_no_symmetry():
    points = [(1, 0), (0, 1), (1, 1), (2, 1)]
    assert exchangeable.linear_symmetries(points) == {(0, 1, 2, 3)}
    square = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    assert len(exchangeable.linear_symmetries(square)) == 8


def test_laws_and_columns():
    law = exchangeable.uniform(4, 2, (1, 3))
    assert len(law) == comb(4, 2) * 4
    assert sum(law.values()) == 1
    assert {tuple(x > 0 for x in c) for c in law} == {tuple(map(bool, c)) for c in exchangeable.codes(4, 2)}
    assert sum(p * c[0] ** 2 for c, p in law.items()) == Fraction(1, 2) * 5
    assert exchangeable.independent(law, 0) == {(): 1}
    assert sum(exchangeable.independent(exchangeable.uniform(3, 1), 3).values()) == 1
    anchors = ((1, 1, 0, 0), (1, 0, 0, 0))
    assert exchangeable.binary_columns(anchors, 4) == [(1, 1), (1, 0), (0, 0), (0, 0)]
    assert exchangeable.amplitude_columns(anchors, 4) == [0, 1, None, None]


def test_r_squared_and_its_expectation():
    law = exchangeable.uniform(3, 1)
    assert exchangeable.r_squared(law, (0, 1, 2)) == 1
    assert exchangeable.r_squared(law, (1, 0, 2)) == -1
    assert exchangeable.r_squared(law, (1, 2, 0)) == -2
    # No anchor: the six permutations have 1, three times −1, twice −2.
    assert exchangeable.expected(law, {(): Fraction(1)}) == (-1, 1)
    one = exchangeable.independent(law, 1)
    assert exchangeable.expected(law, one) == (0, 2)
    assert exchangeable.expected(law, one, allowed=lambda told: exchangeable.consistent(told)[:1]) == (1, 2)
