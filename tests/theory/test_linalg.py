"""The rank, whitening and tolerance policy against SciPy, planted spectra and the defining equations."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from theory import linalg
from theory.linalg import tolerance

from .members import orthonormal

MANY = settings(deadline=None, max_examples=60)


@st.composite
def spectra(draw):
    """A covariance with a planted spectrum: exponent, rank, ties and scale; returns (S, values descending, rank)."""
    d = draw(st.integers(1, 8))
    r = draw(st.integers(0, d))
    decay = draw(st.sampled_from([0.0, 1.0, 4.0]))
    scale = draw(st.sampled_from([1e-8, 1.0, 1e6]))
    values = np.zeros(d)
    values[:r] = scale * np.arange(1, r + 1) ** -decay
    Q = orthonormal(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), d, d)
    return (Q * values) @ Q.T, values, r


@st.composite
def matrices(draw):
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).standard_normal((rows, columns))


@MANY
@given(spectra())
def test_eigh_recovers_the_planted_spectrum(member):
    S, planted, _ = member
    values, V = linalg.eigh(S)
    allowed = tolerance(planted[0], len(S))
    np.testing.assert_allclose(values, planted, atol=allowed, rtol=0)
    np.testing.assert_allclose((V * values) @ V.T, S, atol=allowed, rtol=0)
    np.testing.assert_allclose(V.T @ V, np.eye(len(S)), atol=tolerance(1, len(S)), rtol=0)


@MANY
@given(spectra())
def test_rank_and_whitener(member):
    S, planted, r = member
    P, values = linalg.whitener(S)
    assert P.shape == (len(S), r)
    if r == 0:
        return
    condition = planted[0] / planted[r - 1]
    allowed = tolerance(condition, len(S))
    np.testing.assert_allclose(P.T @ S @ P, np.eye(r), atol=allowed, rtol=0)
    np.testing.assert_allclose(S @ P, P * values, atol=allowed * planted[0] ** 0.5, rtol=0)
    assert linalg.rank_of(planted) == r


@MANY
@given(spectra(), st.sampled_from([0.0, 0.5]))
def test_inverse_root_squares_to_the_pseudo_inverse(member, relative_ridge):
    S, planted, r = member
    ridge = relative_ridge * planted[0]
    R, rank = linalg.inverse_root(S, ridge)
    full = len(S) if ridge > 0 else r
    assert rank == full
    kept = planted[:full] + ridge
    inverse = scipy.linalg.pinvh(S + ridge * np.eye(len(S)), rtol=1e-9) if full else np.zeros_like(S)
    scale = kept.max(initial=0) / kept.min(initial=np.inf) ** 2 if full else 0.0
    np.testing.assert_allclose(R @ R, inverse, atol=tolerance(scale, len(S)), rtol=0)
    np.testing.assert_allclose(R, R.T, atol=tolerance(np.abs(R).max(), len(S)), rtol=0)
    assert np.linalg.eigvalsh(R).min() >= -tolerance(np.abs(R).max(), len(S))


@MANY
@given(spectra())
def test_root_is_the_positive_semidefinite_square_root(member):
    S, planted, _ = member
    R = linalg.root(S)
    np.testing.assert_allclose(R @ R, S, atol=tolerance(planted[0], len(S)), rtol=0)
    assert np.linalg.eigvalsh(R).min() >= -tolerance(planted[0] ** 0.5, len(S))


def test_rank_cutoff_is_relative_and_scales_with_the_size():
    eps = np.finfo(float).eps
    for scale in (1e-200, 1.0, 1e200):
        assert linalg.rank_of(scale * np.array([1.0, 0.9 * 64 * 3 * eps, 0.0])) == 1
        assert linalg.rank_of(scale * np.array([1.0, 1.1 * 64 * 3 * eps, 0.0])) == 2
    assert linalg.rank_of(np.zeros(3)) == 0
    assert linalg.rank_of([]) == 0


def test_tolerance_grows_with_scale_and_size_and_with_the_inverse_gap():
    assert tolerance(2.0, 3, gap=0.5, factor=10) == 10 * np.finfo(float).eps * 3 * 2.0 / 0.5


@MANY
@given(matrices())
def test_polar_is_scipys_and_the_best_orthonormal_match(A):
    if A.shape[0] < A.shape[1]:
        A = A.T
    U = linalg.polar(A)
    smallest = np.linalg.svd(A, compute_uv=False)[-1] / np.linalg.norm(A)
    expected = scipy.linalg.polar(A)[0]
    np.testing.assert_allclose(U, expected, atol=tolerance(1, len(A), gap=max(smallest, 1e-12)), rtol=0)
    rng = np.random.default_rng(0)
    for _ in range(10):
        assert np.sum(orthonormal(rng, *A.shape) * A) <= np.sum(U * A) + tolerance(np.linalg.norm(A), len(A))


@MANY
@given(matrices(), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_subspace_distance_is_the_sine_of_the_largest_angle(A, k, seed):
    d = len(A)
    k = min(k, d)
    rng = np.random.default_rng(seed)
    A, B = orthonormal(rng, d, k), orthonormal(rng, d, k)
    projectors = np.linalg.norm(A @ A.T - B @ B.T, 2)
    assert abs(linalg.subspace_distance(A @ rng.standard_normal((k, k)), B) - projectors) <= 1e-8
    assert abs(np.sin(scipy.linalg.subspace_angles(A, B).max()) - linalg.subspace_distance(A, B)) <= tolerance(1, d)
    assert linalg.subspace_distance(A, np.column_stack([A, A])) <= tolerance(1, d)
    if k < d:
        assert linalg.subspace_distance(A, orthonormal(rng, d, k + 1)) == 1.0


def test_subspace_distance_resolves_tiny_angles():
    # A difference of projectors would return about 1e-8 here.
    assert linalg.subspace_distance([[1.0], [0.0]], [[1.0], [1e-12]]) == pytest.approx(1e-12, rel=1e-3)


@MANY
@given(matrices())
def test_extreme_gains_bound_every_direction_and_are_attained(D):
    low, high = linalg.sigma_min(D), linalg.sigma_max(D)
    v = np.random.default_rng(0).standard_normal((D.shape[1], 50))
    gains = np.linalg.norm(D @ v, axis=0) / np.linalg.norm(v, axis=0)
    allowed = tolerance(high, max(D.shape))
    assert (gains >= low - allowed).all()
    assert (gains <= high + allowed).all()
    assert abs(high - np.sqrt(scipy.linalg.eigvalsh(D.T @ D)[-1])) <= tolerance(high, max(D.shape))
    least = scipy.linalg.eigvalsh(D.T @ D)[0]
    assert abs(low**2 - least) <= tolerance(high**2, max(D.shape))
    if D.shape[1] > D.shape[0]:
        assert low == 0.0


@pytest.mark.parametrize("rank", [0, -1, 4, 2.5, "2", None])
def test_check_rank_names_the_mend(rank):
    with pytest.raises(ValueError, match=r"^rank .*(choose|pass)[^\n]*$"):
        linalg.check_rank(rank, 3, "the dimension")


def test_check_rank_accepts_numpy_integers():
    assert linalg.check_rank(np.int64(3), 3, "the dimension") == 3


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_check_weight_refuses(weight):
    with pytest.raises(ValueError, match="non-negative finite"):
        linalg.check_weight("weight", weight)


def test_one_thread_limits_blas_up_to_a_size_and_restores_it():
    def blas():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas()
    assert before
    with linalg.one_thread(512):
        assert set(blas()) == {1}
    assert blas() == before
    with linalg.one_thread(5000):
        assert blas() == before
