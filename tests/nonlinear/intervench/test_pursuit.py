"""Which atoms a target takes: against scikit-learn's pursuit, from moments that are those of the rows."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import orthogonal_mp_gram

from nonlinear.intervench.config import Config
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.planted import CLASSES, PER_CLASS, VALUES, planted
from nonlinear.intervench.pursuit import Moments, by_difference, pursue
from nonlinear.intervench.spaces import Concept, Latent

from .shared import SPACES, imperfect


def moments_of(F, T):
    """Moments of features [n, m] and targets [n, C], by their definition."""
    F, T = F - F.mean(0), T - T.mean(0)
    S = F.T @ F / len(F)
    return Moments(np.diag(S), F.T @ T / len(F), (T**2).mean(0), lambda a: S[:, a])


def correlated(seed, n=300, m=30, targets=4):
    """Correlated features of unequal scale, and targets that depend on some of them."""
    rng = np.random.default_rng(seed)
    F = rng.standard_normal((n, m)) @ (np.eye(m) + 0.3 * rng.standard_normal((m, m))) * rng.uniform(0.1, 10, m)
    W = rng.standard_normal((m, targets)) * (rng.random((m, targets)) < 0.3)
    return F, F / F.std(0) @ W + rng.standard_normal((n, targets))


@pytest.mark.parametrize("seed", range(4))
def test_pursuit_takes_what_scikit_learn_takes(seed):
    F, T = correlated(seed)
    order = pursue(moments_of(F, T), 8)
    standard = (F - F.mean(0)) / F.std(0)
    gram, cross = standard.T @ standard / len(F), standard.T @ (T - T.mean(0)) / len(F)
    for c, atoms in enumerate(order):
        assert len(set(atoms)) == 8
        for k in range(1, 9):
            expected = np.flatnonzero(orthogonal_mp_gram(gram, cross[:, c], n_nonzero_coefs=k))
            assert set(atoms[:k]) == set(expected)


def test_pursuit_ends_where_nothing_is_left():
    F, _ = correlated(7, m=6)
    F = np.column_stack([F, np.zeros(len(F)), np.full(len(F), 3.0), F[:, 0] + F[:, 1]])
    T = np.column_stack([F[:, 2] - 2 * F[:, 4], np.zeros(len(F)), F[:, 0]])
    order = pursue(moments_of(F, T), 9)
    assert {2, 4} <= set(order[0])  # a greedy choice may pass by others first
    assert (order[1] == -1).all()
    assert order[2].tolist() == [0] + [-1] * 8
    # Neither what does not vary nor what follows from the atoms that are there
    assert not {6, 7} & set(order.ravel())
    for atoms in order:
        taken = atoms[atoms >= 0]
        assert np.linalg.matrix_rank(F[:, taken]) == len(taken) == len(set(taken))


def test_difference_ranks_by_the_difference_of_means():
    rng = np.random.default_rng(8)
    y = rng.integers(0, 3, 400)
    F = rng.standard_normal((400, 10)) * rng.uniform(0.1, 10, 10) + np.eye(3, 10)[y] * rng.uniform(0, 3, 10)
    order = by_difference(moments_of(F, np.eye(3)[y]), 10)
    for c in range(3):
        gap = np.abs(F[y == c].mean(0) - F[y != c].mean(0)) / F.std(0)
        assert order[c].tolist() == np.argsort(-gap).tolist()


def test_moments_of_both_spaces_are_those_of_their_features():
    data = imperfect(600)
    bench = Bench(data.sources, data.coders, data.labels, Config(block=100), data.forget)
    train = bench.parts["train"]
    one_hot = {"class": np.eye(CLASSES)[data.labels["B"][train]], "attribute": np.eye(VALUES)[data.forget["B"][train]]}
    for s in "AB":
        domain = bench.domains[s]
        x = (data.sources[s].array[train] - domain.mean) * domain.scale
        features = {
            "latent": x @ domain.D.T,
            "concept": data.coders[s].encode(data.sources[s].array[train]) * domain.norms,
        }
        for space in (Latent(bench), Concept(bench)):
            for target, T in one_hot.items():
                found, expected = space.moments(s, target), moments_of(features[space.name], T)
                atoms = np.arange(bench.n_atoms)
                for a, b in (
                    (found.variance, expected.variance),
                    (found.cross, expected.cross),
                    (found.target, expected.target),
                    (found.columns(atoms), expected.columns(atoms)),
                ):
                    np.testing.assert_allclose(a, b, atol=1e-9 * np.abs(b).max())


@pytest.mark.parametrize("selection", ["omp", "difference"])
def test_the_atoms_of_a_class_come_first(selection):
    data = planted(1500, 4)
    bench = Bench(data.sources, data.coders, data.labels, Config(selection=selection), data.forget)
    for space in (Latent(bench), Concept(bench)):
        assert space.name in SPACES
        order = space.order("A", "class", 3)
        expected = np.arange(CLASSES * PER_CLASS).reshape(CLASSES, PER_CLASS)
        np.testing.assert_array_equal(np.sort(order, 1), expected)
        assert set(space.order("A", "attribute", 1).ravel()) <= {bench.n_atoms - 2, bench.n_atoms - 1}
        np.testing.assert_array_equal(space.order("A", "class", 6)[:, :3], order)


def test_codes_stay_sparse():
    data = planted(100, 0)
    bench = Bench(data.sources, data.coders, data.labels, Config())
    assert all(sparse.issparse(Z) for Z in bench.Z.values())
