"""The strategy does produce what the tests rely on."""

import numpy as np
import pytest
from hypothesis import find, given, settings

from .members import REGIMES, covariance, members


@settings(deadline=None, max_examples=100)
@given(members())
def test_planted_ranks_and_ties(member):
    X, Y = member.X, member.Y
    assert np.linalg.matrix_rank(X, tol=1e-8 * np.linalg.norm(X)) == member.rank_x
    assert np.linalg.matrix_rank(Y, tol=1e-8 * np.linalg.norm(Y)) == member.rank_y
    assert member.k <= min(member.rank_x, member.rank_y)
    np.testing.assert_allclose(X.mean(0), 0, atol=1e-12 * max(1, np.abs(X).max()))
    if member.regime == "tied":
        np.testing.assert_allclose(covariance(X, X), 4 * np.eye(X.shape[1]), atol=1e-12)
        values = np.linalg.svd(covariance(X, Y), compute_uv=False) / 6
        np.testing.assert_allclose(values, 0.6, atol=1e-12)
    if member.regime == "null":
        np.testing.assert_allclose(covariance(X, Y), 0, atol=1e-12)
    if member.regime == "short":
        assert member.n <= min(X.shape[1], Y.shape[1])


@pytest.mark.parametrize("regime", REGIMES)
def test_every_regime_has_members_with_fewer_and_with_most_codes(regime):
    settings_ = settings(deadline=None, max_examples=300, database=None)
    find(members((regime,)), lambda m: m.k == min(m.rank_x, m.rank_y), settings=settings_)
    if regime != "full":
        find(members((regime,)), lambda m: m.k < min(m.rank_x, m.rank_y), settings=settings_)
        find(members((regime,)), lambda m: m.X.shape[1] != m.Y.shape[1], settings=settings_)
