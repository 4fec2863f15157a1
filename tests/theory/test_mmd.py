"""MMD against scikit-learn's kernels and plain sums, and the two forms of the ECF distance against each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from theory import discrepancy, mmd
from theory.linalg import tolerance

GRID = discrepancy.t_grid()


@st.composite
def samples(draw):
    """Two samples [n, d] and [m, d] with n, m ≥ 2, and the number of Gram rows held at a time."""
    n, m, d = draw(st.integers(2, 9)), draw(st.integers(2, 9)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)), draw(st.integers(1, 12))


def pair_means(gram, a, b, unbiased):
    """MMD² with explicit loops over ordered pairs."""

    def mean(x, skip):
        values = [gram[x][i, j] for i in range(len(gram[x])) for j in range(gram[x].shape[1]) if not (skip and i == j)]
        return math.fsum(values) / len(values)

    return mean("aa", unbiased) + mean("bb", unbiased) - 2 * mean("ab", False)


@settings(deadline=None, max_examples=30)
@given(samples(), st.floats(0.3, 3.0), st.booleans())
def test_mmd_is_the_mean_over_pairs_for_any_block(drawn, bandwidth, unbiased):
    a, b, block = drawn
    for oracle, kernel in (
        (lambda x, y: rbf_kernel(x, y, gamma=0.5 / bandwidth**2), lambda x, y: mmd.rbf_kernel(x, y, bandwidth)),
        (laplacian_kernel, laplacian_kernel),
    ):
        gram = {"aa": oracle(a, a), "bb": oracle(b, b), "ab": oracle(a, b)}
        found = mmd.mmd2(a, b, kernel, unbiased, block)
        # The expanded squares lose ‖x‖² eps, at most 10² here, over the squared bandwidth.
        assert abs(found - pair_means(gram, a, b, unbiased)) <= tolerance(100 / bandwidth**2 + 4, len(a) + len(b))
    assert (
        abs(
            mmd.rbf_mmd2(a, b, bandwidth, unbiased)
            - mmd.mmd2(a, b, lambda x, y: mmd.rbf_kernel(x, y, bandwidth), unbiased)
        )
        == 0
    )


@settings(deadline=None, max_examples=30)
@given(samples(), st.booleans())
def test_linear_and_quadratic_time_forms_agree(drawn, unbiased):
    a, b, block = drawn
    for column in range(a.shape[1]):
        x, y = a[:, [column]], b[:, [column]]
        quadratic = mmd.mmd2(x, y, lambda u, v: mmd.ecf_kernel(u - v.T, GRID), unbiased, block)
        linear = discrepancy.ecf_distance(x, y, GRID, unbiased)[0]
        assert abs(linear - quadratic) <= tolerance(4 * GRID.mass, (len(a) + len(b)) * 17)


@pytest.mark.parametrize("delta", [0.0, 0.4, -1.7, 6.0])
def test_kernels_are_the_integrals(delta):
    fine = discrepancy.t_grid(3.0, 4001)
    truncated = quad(lambda t: math.cos(t * delta) * math.exp(-(t**2) / 2), -3, 3, epsabs=1e-12)[0]
    assert abs(mmd.ecf_kernel(np.array(delta), fine) - truncated) <= 1e-5  # h²/12 times the second derivative
    whole = quad(lambda t: math.cos(t * delta) * math.exp(-(t**2) / 2), -12, 12, epsabs=1e-12)[0]
    assert abs(mmd.gaussian_ecf_kernel(np.array(delta)) - whole) <= 1e-9
    hermite = discrepancy.TGrid(*np.polynomial.hermite_e.hermegauss(100))
    assert abs(mmd.ecf_kernel(np.array(delta), hermite) - whole) <= 1e-9


def test_kernel_keeps_shape_and_dtype():
    differences = np.zeros((2, 3, 4), dtype=np.float32)
    assert mmd.ecf_kernel(differences, GRID).shape == (2, 3, 4)
    assert mmd.ecf_kernel(differences, GRID).dtype == np.float32
    assert mmd.gaussian_ecf_kernel(differences).dtype == np.float32


def test_rbf_mmd_of_gaussians_has_its_closed_form_on_average():
    # X ~ N(0, 1), Y ~ N(1, 1), bandwidth 1: E k(X, X') = E k(Y, Y') = 3^{-1/2}, E k(X, Y) = 3^{-1/2} exp(−1/6).
    n, replicates = 6, 4000
    rng = np.random.default_rng(0)
    found = np.array(
        [mmd.rbf_mmd2(rng.normal(size=(n, 1)), 1 + rng.normal(size=(n, 1)), 1.0, True) for _ in range(replicates)]
    )
    expected = 2 / math.sqrt(3) * (1 - math.exp(-1 / 6))
    assert abs(found.mean() - expected) <= 4 * found.std() / math.sqrt(replicates)


def test_positive_definite_iff_the_symmetrised_weight_is_non_negative():
    points = np.linspace(-4, 4, 12)
    differences = np.subtract.outer(points, points)
    # Negative on one side only, w(t) + w(−t) ≥ 0: a kernel all the same.
    mixed = discrepancy.TGrid([-1.0, 1.0, 0.5], [-0.5, 1.0, 1.0])
    assert np.linalg.eigvalsh(mmd.ecf_kernel(differences, mixed)).min() >= -tolerance(12 * 2.5, 12)
    indefinite = discrepancy.TGrid([-1.0, 1.0], [-1.0, 0.5])
    assert np.linalg.eigvalsh(mmd.ecf_kernel(differences, indefinite)).min() < -0.1
    assert discrepancy.ecf_distance(np.array([[0.0]]), np.array([[1.0]]), indefinite)[0] < -0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: mmd.rbf_mmd2(x[:1], x, 1.0, unbiased=True), "at least 2 rows on each side, not 1 and 3"),
        (lambda x: mmd.rbf_mmd2(x, x, 0.0), "bandwidth must be positive"),
        (lambda x: mmd.rbf_mmd2(x, x, math.nan), "bandwidth must be positive"),
        (lambda x: mmd.rbf_mmd2(x[:0], x, 1.0), "at least 1 row"),
    ],
)
def test_bad_input_is_named_in_one_line(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((3, 2)))
