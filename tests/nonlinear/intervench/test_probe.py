"""Probes: ours against scikit-learn's on both sides of the size at which they change, and against their optimality."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from nonlinear.intervench import probe
from nonlinear.intervench.probe import by_atoms, by_matrix, fit, fit_masked

PENALTY, AGREE = 1e-3, 1e-3


def task(seed, n=300, p=8, classes=4):
    rng = np.random.default_rng(seed)
    F, W = rng.standard_normal((n, p)), rng.standard_normal((classes, p))
    return F, (F @ W.T + 2 * rng.gumbel(size=(n, classes))).argmax(1)


def probabilities(found, F):
    return softmax(found.logits(F), axis=1)


def oracle(F, y, penalty=PENALTY):
    """Mean cross-entropy + λ/2·Σ W² by scikit-learn's Newton method, softmax also of two classes.

    Of two classes scikit-learn penalises the one vector w = W₁ − W₀, and 2·(w/2)² is half of w².
    """
    weight = penalty / 2 if len(np.unique(y)) == 2 else penalty
    return LogisticRegression(C=1 / (weight * len(y)), solver="newton-cg", tol=1e-10, max_iter=1000).fit(F, y)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("penalty", [1e-3, 1e-1])
def test_both_fits_agree_with_scikit_learn(classes, penalty):
    F, y = task(classes, classes=classes)
    expected = oracle(F, y, penalty).predict_proba(F)
    mask = np.ones((classes, F.shape[1]), dtype=bool)
    for found in (fit(F, y, classes, penalty), fit_masked(by_matrix(F), y, mask, penalty)):
        np.testing.assert_allclose(probabilities(found, F), expected, atol=AGREE)


@pytest.mark.parametrize("classes", [2, 4])
def test_features_too_many_for_scikit_learn(classes, monkeypatch):
    F, y = task(10 + classes, classes=classes)
    held = probabilities(fit(F, y, classes, PENALTY), F)
    monkeypatch.setattr(probe, "HELD", 0)
    monkeypatch.delattr(probe, "LogisticRegression")
    np.testing.assert_allclose(probabilities(fit(F, y, classes, PENALTY), F), held, atol=AGREE)


def test_sparse_features_and_features_by_atoms():
    F, y = task(3)
    F[F < 0.5] = 0
    rng = np.random.default_rng(5)
    D = rng.standard_normal((12, 8))
    mask = rng.random((4, 12)) < 0.5
    expected = fit_masked(by_matrix(F @ D.T), y, mask, PENALTY)
    found = fit_masked(by_atoms(F, D), y, mask, PENALTY)
    np.testing.assert_allclose(probabilities(found, F @ D.T), probabilities(expected, F @ D.T), atol=AGREE)
    for classes in (
        fit(sparse.csr_matrix(F), y, 4, PENALTY),
        fit_masked(by_matrix(sparse.csr_matrix(F)), y, mask[:, :8] | True, PENALTY),
    ):
        np.testing.assert_allclose(probabilities(classes, F), oracle(F, y).predict_proba(F), atol=AGREE)


def test_a_masked_probe_is_optimal_among_those_of_its_mask():
    F, y = task(6)
    mask = np.random.default_rng(7).random((4, 8)) < 0.5
    found = fit_masked(by_matrix(F), y, mask, PENALTY)
    assert not found.W[~mask].any()
    residual = probabilities(found, F) - np.eye(4)[y]
    gradient = residual.T @ F / len(y) + PENALTY * found.W
    assert np.abs(gradient[mask]).max() <= 1e-4
    assert np.abs(residual.mean(0)).max() <= 1e-4
    assert np.abs(gradient[~mask]).max() > 1e-2  # what the mask forbids would have helped
    same = fit_masked(by_matrix(F), y, np.tile(mask[:1], (4, 1)), PENALTY)
    expected = oracle(F[:, mask[0]], y).predict_proba(F[:, mask[0]])
    np.testing.assert_allclose(probabilities(same, F), expected, atol=AGREE)


def test_classes_that_do_not_occur_are_never_predicted():
    F, y = task(8, classes=3)
    for names in ([0, 2, 4], [1, 3, 3], [2, 2, 2]):
        of = np.array(names)[y]
        for found in (fit(F, of, 5, PENALTY), fit_masked(by_matrix(F), of, np.ones((5, 8), dtype=bool), PENALTY)):
            predicted = probabilities(found, F)
            assert np.isfinite(predicted).all()
            assert set(found.predict(F)) <= set(names)
            assert not predicted[:, np.setdiff1d(np.arange(5), names)].any()


def test_without_features_the_prior_is_left():
    y = np.repeat([0, 1, 2], [5, 3, 2])
    for found in (
        fit(np.zeros((10, 0)), y, 3, PENALTY),
        fit_masked(by_matrix(np.ones((10, 2))), y, np.zeros((3, 2), dtype=bool), PENALTY),
    ):
        F = np.zeros((10, found.W.shape[1]))
        np.testing.assert_allclose(probabilities(found, F), np.tile([0.5, 0.3, 0.2], (10, 1)), atol=1e-6)
        np.testing.assert_allclose(found.losses(F, y), -np.log(np.array([0.5, 0.3, 0.2])[y]), atol=1e-5)
