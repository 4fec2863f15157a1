"""Exact laws against floating point, and the SymPy engine on things it must not accept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, cos, pi, sin, symbols

from proofs_check import laws, scalar
from theory.discrepancy import TGrid, ecf_distance, random_slices, sliced_ecf
from theory.linalg import tolerance

POINTS = st.lists(st.integers(-3, 3), min_size=1, max_size=4)


@settings(deadline=None, max_examples=25)
@given(POINTS, POINTS, st.lists(st.tuples(st.integers(0, 6), st.integers(-2, 3)), min_size=1, max_size=3, unique=True))
def test_exact_loss_is_the_distance_of_samples(p, q, grid):
    nodes, weights = [pi * t / 6 for t, _ in grid], [w for _, w in grid]
    combined = {}
    for t, w in zip(nodes, weights, strict=True):
        combined[t] = combined.get(t, 0) + w
    exact = float(laws.exact_loss(laws.uniform(*p), laws.uniform(*q), combined))
    found = ecf_distance(np.array(p)[:, None], np.array(q)[:, None], TGrid([float(t) for t in nodes], weights))
    assert abs(exact - found[0]) <= tolerance(12 * len(grid), 8)


@settings(deadline=None, max_examples=25)
@given(POINTS, POINTS)
def test_total_variation_decides_equality(p, q):
    exact = laws.total_variation(laws.uniform(*p), laws.uniform(*q))
    by_hand = sum(abs(Rational(p.count(x), len(p)) - Rational(q.count(x), len(q))) for x in {*p, *q}) / 2
    assert exact == by_hand
    assert (exact == 0) == (sorted(p * len(q)) == sorted(q * len(p)))


def test_projection_adds_up_the_weights():
    law = laws.projected(laws.uniform((0, 1), (1, 0), (1, 1), (0, 0)), (1, -1))
    assert law == {-1: Rational(1, 4), 0: Rational(1, 2), 1: Rational(1, 4)}


@pytest.mark.parametrize("d", [1, 2, 3])
def test_all_slices_is_the_limit_of_random_ones(d):
    rng = np.random.default_rng(0)
    a, b = 2.0 * rng.integers(0, 3, size=(3, d)), 2.0 * rng.integers(0, 3, size=(4, d))
    per_slice = np.array([sliced_ecf(a, b, random_slices(rng, d, 50), laws.HERMITE) for _ in range(40)])
    error = 4 * per_slice.std() / np.sqrt(40)
    assert abs(per_slice.mean() - laws.all_slices_loss(a, b)) <= error + tolerance(4 * laws.HERMITE.mass, 7 * 60)


def test_engine_accepts_identities_and_nothing_else():
    x, y = symbols("x y", real=True)
    assert scalar.identity("", sin(2 * x), 2 * sin(x) * cos(x)).passed
    assert not scalar.identity("", sin(2 * x), 2 * sin(x)).passed
    assert not scalar.identity("", x * y, x * y + Rational(1, 10**12)).passed
    doubled, same = scalar.mutants(
        x + y, [("double", "", 2 * x + y), ("equivalent", "", y + x)], np.random.default_rng(0)
    )
    assert (doubled.killed, same.equivalent) == (True, True)


def test_members_are_what_they_say():
    draws = laws.Draws(0, 2, 3)
    a, b, chance = draws.columns
    assert (a.shape, b.shape, chance.shape) == ((2, 3**5), (3, 3**5), (3**5,))
    assert abs(chance.sum() - 1) <= tolerance(1.0, 3**5)
    # The mean of a row under all outcomes is the mean of its law.
    phi_p, phi_q = draws.characteristic(TGrid([1e-6], [1.0]))
    assert abs(chance @ a[0] - phi_p[0].imag / 1e-6) <= 1e-9
    assert abs(chance @ b[2] - phi_q[0].imag / 1e-6) <= 1e-9
