"""C4: the group of independent components by characteristic functions, its means by enumeration and by simulation."""

from fractions import Fraction
from itertools import permutations, product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from theory.ambiguity import components
from theory.ambiguity.components import Ambiguity, mean_element
from theory.ambiguity.rotations import map_r_squared
from theory.ambiguity.sources import LAWS, draw_sources
from theory.linalg import tolerance
from theory.moments import Moments
from theory.monte_carlo import components as simulation

from .members import orthonormal

SIGNED_LAWS = [sign + law for law in LAWS for sign in ("", "-")]
FEW = settings(deadline=None, max_examples=40)
LISTS = st.lists(st.sampled_from(SIGNED_LAWS), min_size=1, max_size=4)
PHI = {
    "gaussian": lambda t: np.exp(-(t**2) / 2),
    "uniform": lambda t: np.sinc(sqrt(3) * t / np.pi),
    "laplace": lambda t: 1 / (1 + t**2 / 2),
    "exponential": lambda t: np.exp(-1j * t) / (1 - 1j * t),
    "chi-square": lambda t: np.exp(-1j * t / sqrt(2)) / np.sqrt(1 - sqrt(2) * 1j * t),
    "gamma-2": lambda t: np.exp(-1j * t * sqrt(2)) / (1 - 1j * t / sqrt(2)) ** 2,
    "gamma-4": lambda t: np.exp(-2j * t) / (1 - 0.5j * t) ** 4,
    "two-point": lambda t: (2 * np.exp(-1j * t / sqrt(2)) + np.exp(2j * t / sqrt(2))) / 3,
    "rare": lambda t: (9 * np.exp(-1j * t / 3) + np.exp(3j * t)) / 10,
}


def characteristic(laws, t):
    """E exp(i s·t) of independent sources, at the columns of t [d, T]."""
    signs = [-1 if law.startswith("-") else 1 for law in laws]
    return np.prod([PHI[law.removeprefix("-")](e * row) for law, e, row in zip(laws, signs, t, strict=True)], axis=0)


def gaussian(laws):
    return [i for i, law in enumerate(laws) if law.endswith("gaussian")]


# The group


@FEW
@given(LISTS, st.integers(0, 2**32 - 1))
def test_drawn_elements_keep_the_characteristic_function(laws, seed):
    rng, d = np.random.default_rng(seed), len(laws)
    M = orthonormal(rng, d, d) * rng.uniform(0.5, 2, d)
    t = rng.standard_normal((d, 5))
    S = Ambiguity(tuple(laws), M).draw(rng)
    change = characteristic(laws, M @ S @ t) - characteristic(laws, M @ t)
    assert np.abs(change).max() <= tolerance(1 + np.abs(M @ t).max(), 10 * d, gap=0.25)


@FEW
@given(st.lists(st.sampled_from(SIGNED_LAWS), min_size=1, max_size=3))
def test_no_other_signed_permutation_keeps_it(laws):
    d = len(laws)
    t = 3 * np.random.default_rng(0).standard_normal((d, 40))
    others = [i for i in range(d) if i not in gaussian(laws)]
    kept = set()
    for source, signs in product(permutations(range(d)), product((1, -1), repeat=d)):
        P = np.zeros((d, d), dtype=int)
        P[source, range(d)] = signs
        change = np.abs(characteristic(laws, P @ t) - characteristic(laws, t)).max()
        assert not 1e-9 < change < 1e-3
        if change <= 1e-9:
            kept.add(P[np.ix_(others, others)].tobytes())
    assert len(kept) == Ambiguity(tuple(laws), np.eye(d)).order


def test_a_rotation_that_is_no_signed_permutation_keeps_gaussians_only():
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    t = 2 * np.random.default_rng(1).standard_normal((2, 40))
    for laws in product(LAWS, repeat=2):
        change = np.abs(characteristic(laws, turn @ t) - characteristic(laws, t)).max()
        assert (change < 1e-12) == (set(laws) == {"gaussian"})
        assert change < 1e-12 or change > 1e-3


@pytest.mark.parametrize("law", LAWS)
def test_laws_are_what_their_record_says(law):
    s = draw_sources([law, "-" + law], 4000, np.random.default_rng(2))
    assert (kstest(s[:, 0], -s[:, 0]).pvalue > 1e-3) == LAWS[law].symmetric
    assert kstest(s[:, 0], -s[:, 1]).pvalue > 1e-3
    atoms = np.unique(s[:, 0])
    assert (len(atoms) == 2) == (LAWS[law].upper == LAWS[law].upper)
    if len(atoms) == 2:
        share = (s[:, 0] == atoms[1]).mean()
        assert abs(share - LAWS[law].upper) < 5 * (share * (1 - share) / len(s)) ** 0.5


# Means over the group


def listed(laws):
    """H with both signs of all Gaussian sources together: its mean is that of O(r) ⊕ H."""
    g = gaussian(laws)
    for P in Ambiguity(tuple(laws), np.eye(len(laws))).signed_permutations():
        for sign in (1, -1) if g else (1,):
            Q = P.copy()
            Q[g, g] = sign
            yield Q


@FEW
@given(LISTS)
def test_the_mean_without_anchors_by_enumeration(laws):
    elements = np.array([*listed(laws)])
    np.testing.assert_allclose(mean_element(laws, 0), elements.mean(0), atol=1e-15)


@FEW
@given(LISTS, st.integers(0, 2**32 - 1))
def test_r_squared_without_anchors_by_enumeration(laws, seed):
    """Σy and Q_* are arbitrary: R² of each map from second moments."""
    rng, d = np.random.default_rng(seed), len(laws)
    M, A = rng.standard_normal((2, d, d)) + 3 * np.eye(d)
    Sx = M.T @ M
    moments = Moments(9, np.zeros(d), np.zeros(d), Sx, Sx @ A, A.T @ Sx @ A)
    group = Ambiguity(tuple(laws), M)
    values = [map_r_squared(moments, group.element(P) @ A) for P in listed(laws)]
    found = components.expected_matched_r_squared(laws, 0, M @ A)
    assert abs(found - np.mean(values)) <= tolerance(10, d, gap=1 / (np.linalg.cond(M) ** 2 * np.linalg.cond(A)))


@pytest.mark.parametrize("m", [0, 1, 2])
@pytest.mark.parametrize("laws", [["two-point"] * 2, ["two-point", "-two-point", "two-point"], ["-two-point"]])
def test_anchors_with_atoms_by_enumeration(laws, m):
    """Values −1 (2/3) and 2 (1/3), in exact arithmetic; a minus makes 1 and −2 of them."""
    d, total = len(laws), np.zeros((len(laws),) * 2)
    sign = [-1 if law.startswith("-") else 1 for law in laws]
    for values in product((-1, 2), repeat=m * d):
        chance = Fraction(2 ** values.count(-1), 3 ** len(values))
        anchors = np.array(values, dtype=int).reshape(m, d) * sign
        allowed = []
        for source in permutations(range(d)):
            P = np.zeros((d, d), dtype=int)
            P[source, range(d)] = [sign[i] * sign[j] for i, j in zip(source, range(d), strict=True)]
            if (anchors @ P == anchors).all():
                allowed.append(P)
        total += float(chance) * np.mean(allowed, axis=0)
    np.testing.assert_allclose(mean_element(laws, m), total, atol=1e-14)


def test_values():
    def r2(laws, m):
        return components.expected_matched_r_squared(laws, m)

    mixed = ["gaussian"] * 3 + ["laplace", "exponential"]
    assert [r2(mixed, m) for m in range(5)] == pytest.approx([2 * 1 / 5 - 1, 1 / 5, 3 / 5, 1, 1], abs=1e-15)
    different = ["gaussian", "exponential", "-two-point"]  # H trivial: 1 − 2r/d
    assert [r2(different, m) for m in range(3)] == pytest.approx([1 / 3, 1, 1], abs=1e-15)
    assert [r2(["gaussian"] * 4, m) for m in range(5)] == pytest.approx([m / 2 - 1 for m in range(5)])
    assert r2(["exponential", "-two-point"], 0) == 1
    assert r2(["exponential", "-exponential"], 0) == r2(["two-point", "-two-point"], 0) == 0
    assert r2(["laplace"], 0) == r2(["uniform", "laplace"], 0) == -1
    # Two fair columns of (2/3, 1/3) agree with probability 5/9: E of the number of distinct ones is 2 − (5/9)^m.
    assert [r2(["two-point"] * 2, m) for m in range(4)] == pytest.approx([1 - (5 / 9) ** m for m in range(4)])
    assert r2(["two-point"] * 5, 2000) == pytest.approx(1, abs=1e-12)


# Simulation


@pytest.mark.parametrize("m", range(4))
@pytest.mark.parametrize(
    "laws",
    [["gaussian"] * 3 + ["laplace"] * 2, ["two-point"] * 2 + ["-two-point"], ["exponential"] * 3 + ["-uniform"]],
)
def test_the_simulation_contains_the_closed_form(laws, m):
    rng = np.random.default_rng([3, m])
    N = rng.standard_normal((len(laws),) * 2)
    for loadings in (None, N):
        predicted = components.expected_matched_r_squared(laws, m, loadings)
        found = simulation.expected_matched_r_squared(laws, m, loadings, draws=2000, rng=rng)
        if found.error:
            assert found.contains(predicted)
            assert found.error < 0.05
        else:
            assert predicted == pytest.approx(found.mean, abs=1e-12)


def test_the_simulation_tells():
    rng = np.random.default_rng(4)
    found = simulation.expected_matched_r_squared(["gaussian"] * 3, 2, draws=2000, rng=rng)
    # One reflection is left: R² is 1 or 1 − 4/3, as likely.
    assert found.error * (found.draws - 1) ** 0.5 == pytest.approx(2 / 3, abs=0.01)
    assert not found.contains(components.expected_matched_r_squared(["gaussian"] * 3, 1))
    atoms = simulation.expected_matched_r_squared(["two-point"] * 3, 1, draws=2000, rng=rng)
    assert not atoms.contains(components.expected_matched_r_squared(["exponential"] * 3, 1))


def test_simulated_elements_meet_their_anchors():
    rng, laws = np.random.default_rng(5), ("gaussian", "two-point", "gaussian", "two-point", "uniform", "gaussian")
    anchors = draw_sources(laws, 600, rng).reshape(300, 2, 6)
    g = [0, 2, 5]
    P = simulation._permutations(Ambiguity(laws, np.eye(6)), anchors, rng)
    P[np.ix_(range(300), g, g)] = simulation._rotations(anchors[:, :, g], rng)
    np.testing.assert_allclose(anchors @ P, anchors, atol=1e-12)
    np.testing.assert_allclose(P.transpose(0, 2, 1) @ P, np.broadcast_to(np.eye(6), P.shape), atol=1e-12)
    assert 0 < np.abs(P[:, 1, 3]).mean() < 0.5


def test_guards():
    with pytest.raises(ValueError, match="pass 0 or more"):
        components.expected_matched_r_squared(["laplace"], -1)
    with pytest.raises(ValueError, match="unknown law 'cauchy'"):
        components.mean_element(["cauchy"], 0)
    for loadings in (np.eye(3), np.zeros((2, 2)), np.full((2, 2), np.nan)):
        with pytest.raises(ValueError, match="d×d matrix of y = sN"):
            components.expected_matched_r_squared(["laplace"] * 2, 0, loadings)
