"""Each classical fact that proofs lean on, on generated members, against competitors or a second route.

What is tested is a finite-dimensional or piecewise instance of the fact; it would expose a fact that is misstated.
"""

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check.axioms import AXIOMS, cite
from proofs_check.ledger import load
from theory.linalg import tolerance

TESTED = {}
SEEDS, SIZES = st.integers(0, 2**32 - 1), st.integers(1, 6)
DECAYS = st.sampled_from([0.0, 1.0, 3.0])


def axiom(name, examples=30):
    """Mark the test of an axiom."""

    def mark(test):
        TESTED[name] = test
        return settings(deadline=None, max_examples=examples)(test)

    return mark


def orthonormal(rng, d, k):
    return np.linalg.qr(rng.normal(size=(d, k)))[0]


def spectrum(d, decay):
    """Values j^{-decay}, with a zero at the end; decay 0 is a tie."""
    values = np.arange(1, d + 1) ** -decay
    values[-1] *= d < 3 or decay == 0
    return values


@axiom("spectral theorem")
@given(SEEDS, SIZES, DECAYS)
def test_spectral_theorem(seed, d, decay):
    """The eigenvectors that LAPACK's divide and conquer finds are orthonormal and rebuild S, ties or not."""
    rng = np.random.default_rng(seed)
    Q = orthonormal(rng, d, d)
    for S in (Q * spectrum(d, decay) @ Q.T, rng.integers(-2, 3, size=(d, d)).astype(float)):
        S = (S + S.T) / 2
        values, vectors = scipy.linalg.eigh(S, driver="evd")
        bound = tolerance(1 + np.abs(S).sum(), d)
        assert np.abs(vectors.T @ vectors - np.eye(d)).max() <= bound
        assert np.abs(vectors * values @ vectors.T - S).max() <= bound


@axiom("singular value decomposition")
@given(SEEDS, SIZES, SIZES, SIZES)
def test_singular_value_decomposition(seed, d, n, rank):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(d, rank)) @ rng.normal(size=(rank, n))
    P, s, Qt = scipy.linalg.svd(A, full_matrices=False, lapack_driver="gesvd")
    bound = tolerance(1 + np.abs(A).sum(), d + n)
    assert (s >= 0).all()
    assert np.abs(P.T @ P - np.eye(len(s))).max() <= bound
    assert np.abs(Qt @ Qt.T - np.eye(len(s))).max() <= bound
    assert np.abs(P * s @ Qt - A).max() <= bound
    assert np.abs(np.sort(np.abs(scipy.linalg.eigvalsh(A.T @ A)))[::-1][: len(s)] - s**2).max() <= bound * (1 + s[0])


@axiom("Ky Fan")
@given(SEEDS, st.integers(2, 6), st.integers(1, 6), DECAYS, st.floats(0, 2))
def test_ky_fan(seed, d, k, decay, turn):
    """Competitors stay below; a competitor falls short by at least gap × (lost share of the top space)."""
    rng, k = np.random.default_rng(seed), min(k, d)
    Q, values = orthonormal(rng, d, d), spectrum(d, decay)
    S, best = Q * values @ Q.T, values[:k].sum()
    gap = values[k - 1] - values[k] if k < d else 0.0
    bound = tolerance(1 + values.sum(), d)
    for U in (orthonormal(rng, d, k), np.linalg.qr(Q[:, :k] + turn * rng.normal(size=(d, k)))[0]):
        lost = k - np.linalg.norm(Q[:, :k].T @ U) ** 2
        assert best - np.trace(U.T @ S @ U) >= gap * lost - bound
    tied = np.flatnonzero(np.isclose(values, values[k - 1], rtol=0, atol=1e-12))
    basis = Q[:, :k].copy()
    inside = Q[:, tied] @ orthonormal(rng, len(tied), len(tied))
    basis[:, tied[0] :] = inside[:, : k - tied[0]]  # any part of the tied eigenspace will do
    assert abs(np.trace(basis.T @ S @ basis) - best) <= bound


@axiom("von Neumann")
@given(SEEDS, st.integers(2, 5), st.integers(2, 5), st.integers(1, 5))
def test_von_neumann(seed, dx, dy, k):
    rng, r = np.random.default_rng(seed), min(dx, dy)
    k = min(k, r)
    P, Q, s = orthonormal(rng, dx, r), orthonormal(rng, dy, r), 2.0 ** -np.arange(r)
    M, best = P * s @ Q.T, s[:k].sum()
    bound = tolerance(1 + s.sum(), dx + dy)

    def value(U, V):
        return np.trace(U.T @ M @ V)

    for _ in range(5):
        assert value(orthonormal(rng, dx, k), orthonormal(rng, dy, k)) <= best + bound
    R = orthonormal(rng, k, k)
    assert abs(value(P[:, :k] @ R, Q[:, :k] @ R) - best) <= bound
    other = orthonormal(rng, k, k)
    if np.abs(R - other).max() > 0.1:  # not one common rotation: not a maximiser
        assert value(P[:, :k] @ R, Q[:, :k] @ other) < best - bound
    # Whatever alternating ascent finds at the maximum is of the stated form.
    U, V = orthonormal(rng, dx, k), orthonormal(rng, dy, k)
    for _ in range(300):
        U, V = scipy.linalg.polar(M @ V)[0], scipy.linalg.polar(M.T @ U)[0]
    if best - value(U, V) <= 1e-12:
        R = P[:, :k].T @ U
        assert np.abs(P[:, :k] @ R - U).max() <= 1e-5
        assert np.abs(Q[:, :k] @ R - V).max() <= 1e-5
        assert np.abs(R.T @ R - np.eye(k)).max() <= 1e-5


@axiom("Eckart–Young")
@given(SEEDS, st.integers(2, 5), st.integers(2, 5), st.integers(1, 4))
def test_eckart_young(seed, d, n, k):
    rng, r = np.random.default_rng(seed), min(d, n)
    P, Q, s = orthonormal(rng, d, r), orthonormal(rng, n, r), 2.0 ** -np.arange(r)
    N, tail = P * s @ Q.T, (s[k:] ** 2).sum()
    truncated = P[:, :k] * s[:k] @ Q[:, :k].T
    bound = tolerance(1 + s.sum(), d + n)
    assert abs(np.linalg.norm(N - truncated) ** 2 - tail) <= bound
    A, B = rng.normal(size=(d, k)), rng.normal(size=(k, n))
    assert np.linalg.norm(N - A @ B) ** 2 >= tail - bound
    for _ in range(60):  # alternating least squares, a descent that knows nothing of singular vectors
        B = np.linalg.lstsq(A, N, rcond=None)[0]
        assert np.linalg.norm(N - A @ B) ** 2 >= tail - bound
        A = np.linalg.lstsq(B.T, N.T, rcond=None)[0].T
    if np.linalg.norm(N - A @ B) ** 2 - tail <= 1e-14:
        assert np.abs(A @ B - truncated).max() <= 1e-5


@axiom("Lusin–Souslin")
@given(st.permutations(range(5)), st.lists(st.booleans(), min_size=5, max_size=5), st.fractions(0, 5))
def test_lusin_souslin(order, flips, point):
    """On piecewise affine injections of [0, 5): the left inverse is piecewise affine on finitely many intervals."""
    pieces = []  # piece i maps [i, i+1) onto half of a unit interval, in either direction
    for i, (place, flip) in enumerate(zip(order, flips, strict=True)):
        slope = Fraction(-1, 2) if flip else Fraction(1, 2)
        pieces.append((Fraction(i), slope, Fraction(2 * place + flip)))

    def forward(x):
        start, slope, offset = pieces[min(int(x), 4)]
        return offset + slope * (x - start)

    def backward(y):
        candidates = [start + (y - offset) / slope for start, slope, offset in pieces]
        (x,) = [x for x, (start, *_) in zip(candidates, pieces, strict=True) if start <= x < start + 1]
        return x

    point = point if point < 5 else Fraction(0)
    assert backward(forward(point)) == point


@axiom("characteristic functions")
@given(SEEDS, st.integers(1, 3), st.integers(1, 2), st.booleans())
def test_characteristic_functions(seed, K, d, equal):
    """Measures on the lattice {−K..K}^d: Parseval on a grid of frequencies, so that no difference is lost."""
    rng, side = np.random.default_rng(seed), 2 * K + 1
    atoms = np.stack(np.meshgrid(*[np.arange(-K, K + 1)] * d), -1).reshape(-1, d)
    v = rng.integers(0, 4, size=len(atoms))
    w = v if equal else rng.integers(0, 4, size=len(atoms))
    grid = 2 * np.pi / side * atoms
    phi, psi = (np.exp(1j * grid @ atoms.T) @ mass for mass in (v, w))
    bound = tolerance(float((v + w).sum() ** 2) + 1, len(atoms))
    assert abs((np.abs(phi - psi) ** 2).mean() - ((v - w) ** 2).sum()) <= bound
    assert ((np.abs(phi - psi) ** 2).max() > 0.5) == bool((v != w).any())
    # All slices see it too: the transform of the projection on u, at t, is the transform at t u.
    u = rng.normal(size=d)
    projected = sum(m * np.exp(1.3j * (a @ u)) for m, a in zip(v, atoms, strict=True))
    assert abs(projected - np.exp(1j * (atoms @ (1.3 * u))) @ v) <= bound


@axiom("vanishing integral")
@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(0.1, 5))
def test_vanishing_integral(centre, height, slope):
    """A hat that is not 0 has a positive integral against a Gaussian weight; against one that vanishes there, 0."""
    half = height / slope

    def hat(t):
        return max(0.0, height - slope * abs(t - centre))

    def weight(t):
        return math.exp(-(t**2) / 2)

    total = scipy.integrate.quad(lambda t: hat(t) * weight(t), centre - half, centre + half, points=[centre])[0]
    least = min(weight(centre - half), weight(centre + half))
    assert total >= height * half * least * (1 - 1e-6) > 0
    assert scipy.integrate.quad(lambda t: hat(t) * (abs(t - centre) > half), -10, 10)[0] == 0


@axiom("identity theorem")
@given(SEEDS, st.integers(1, 4), st.floats(0.5, 2), st.complex_numbers(max_magnitude=3))
def test_identity_theorem(seed, K, a, z):
    """φ_P − φ_Q on integer atoms: its power series reaches every complex number, and it is 0 on no interval."""
    rng = np.random.default_rng(seed)
    atoms, change = np.arange(K), rng.integers(-3, 4, size=K)
    moments = [int((change * atoms**m).sum()) for m in range(60)]
    series = sum(moment * (1j * z) ** m / math.factorial(m) for m, moment in enumerate(moments))
    bound = tolerance((1 + float(np.abs(change).sum())) * math.exp(K * abs(z)), 60 * K)
    assert abs(series - change @ np.exp(1j * z * atoms)) <= bound
    # The derivatives at 0 are the moments: all 0 only if there is no difference (Vandermonde, exactly).
    assert any(moments[:K]) == bool(change.any())
    t = np.linspace(-a, a, 50)
    assert (np.abs(np.exp(1j * np.outer(t, atoms)) @ change).max() > 1e-6) == bool(change.any())


def test_the_identity_theorem_needs_compact_support():
    """Pólya: the 2-periodic continuation of 1 − |t| agrees with (1 − |t|)₊ on [−1, 1] only."""
    odd = np.arange(1, 20001, 2)
    t = np.array([0.0, 0.3, 0.9, 1.5])
    periodic = 0.5 + (4 / (np.pi * odd) ** 2) @ np.cos(np.pi * np.outer(odd, t))
    assert np.abs(periodic[:3] - np.maximum(1 - t[:3], 0)).max() < 1e-4
    assert periodic[3] > 0.4


@axiom("distribution functions")
@given(SEEDS, st.integers(1, 6), st.booleans())
def test_distribution_functions(seed, K, equal):
    """Laws on a lattice: the distribution function gives back the mass of every set of atoms, and so the law."""
    rng = np.random.default_rng(seed)
    v = rng.multinomial(12, np.full(K, 1 / K))
    w = v if equal else rng.multinomial(12, np.full(K, 1 / K))
    t = np.arange(-1, K) + 0.5
    F, G = (np.array([mass[np.arange(K) <= s].sum() for s in t]) for mass in (v, w))
    assert (F == G).all() == (v == w).all()
    chosen = rng.random(K) < 0.5
    assert np.diff(F)[chosen].sum() == v[chosen].sum()


@axiom("Darmois–Skitovich")
@given(SEEDS, st.integers(1, 3), st.booleans())
def test_darmois_skitovich(seed, d, uncorrelated):
    """Laws on finitely many integers, none Gaussian, in whole numbers: two sums are independent iff they share none."""
    rng = np.random.default_rng(seed)
    sources = [list(zip(rng.permutation(7)[:n] - 3, rng.integers(1, 5, n), strict=True)) for n in rng.integers(2, 4, d)]
    a, b = rng.integers(-2, 3, (2, d))
    if uncorrelated and d > 1:  # the first two sources have one law, and a·b = 0
        sources[1] = sources[0]
        a[:2], b[:] = rng.integers(1, 3, 2), 0
        b[:2] = -a[1], a[0]
    joint = Counter()
    for outcome in itertools.product(*sources):
        values, weights = np.array(outcome).T
        joint[int(values @ a), int(values @ b)] += int(np.prod(weights))
    left, right = Counter(), Counter()
    for (x, y), weight in joint.items():
        left[x] += weight
        right[y] += weight
    total = left.total()
    independent = all(joint[x, y] * total == left[x] * right[y] for x in left for y in right)
    assert independent == (not (a * b).any())


def test_darmois_skitovich_excepts_gaussian_sources():
    """s_1 + s_2 and s_1 − s_2 of N(0, 1) share both, and their characteristic function is a product."""
    t, u = np.random.default_rng(0).normal(size=(2, 50))
    sums = np.exp(-((t + u) ** 2) / 2) * np.exp(-((t - u) ** 2) / 2)
    assert np.abs(sums - np.exp(-(t**2)) * np.exp(-(u**2))).max() <= tolerance(1.0, 10)


@axiom("square inverse")
@given(SEEDS, SIZES, st.integers(0, 30))
def test_square_inverse(seed, d, count):
    """Exact products of elementary integer matrices; and the rectangular case, where it fails."""
    rng = np.random.default_rng(seed)
    A = B = np.array([[int(i == j) for j in range(d)] for i in range(d)], dtype=object)
    for _ in range(count):
        i, j, c = rng.integers(0, d), rng.integers(0, d), int(rng.integers(-2, 3))
        E, inverse = (np.array([[int(a == b) for b in range(d)] for a in range(d)], dtype=object) for _ in "EF")
        if i == j:
            E[i, i] = inverse[i, i] = -1
        else:
            E[i, j], inverse[i, j] = c, -c
        A, B = A @ E, inverse @ B
    unit = np.eye(d, dtype=int)
    assert (A @ B == unit).all()
    assert (B @ A == unit).all()
    wide, tall = np.eye(d, d + 1, dtype=int), np.eye(d + 1, d, dtype=int)
    assert (wide @ tall == unit).all()
    assert not (tall @ wide == np.eye(d + 1)).all()


def test_every_axiom_has_a_test():
    assert set(TESTED) == set(AXIOMS)


def test_every_axiom_has_a_statement_and_a_reference():
    for name, found in AXIOMS.items():
        assert found.name == name
        assert len(found.statement) > 10
        assert any(c.isdigit() for c in found.reference), name


def test_a_citation_shows_statement_and_reference():
    step = cite("Ky Fan")
    assert (step.engine, step.statement) == ("axiom", "Ky Fan")
    assert AXIOMS["Ky Fan"].reference in step.text


def test_claims_declare_axioms_that_exist(closing_lines):
    used = {a for c in load() for a in c.axioms}
    assert used <= set(AXIOMS)
    closing_lines("axioms that no claim uses").append(", ".join(sorted(set(AXIOMS) - used)) or "none")


@pytest.mark.parametrize("name", sorted(TESTED))
def test_the_tests_of_axioms_draw_members(name):
    assert hasattr(TESTED[name], "hypothesis")
