"""Atoms matched by amplitudes: the predicted curve by permutations, planted codes on it, and what a run reports."""

import json
from itertools import combinations

import numpy as np
import pytest

from nonlinear.experiments import recovery
from nonlinear.experiments.anchoring import shares
from nonlinear.experiments.arms import Arm


def codes(n, K, s, rng):
    """Uniform s-of-K supports with continuous amplitudes."""
    z = np.zeros((n, K))
    for row in z:
        row[rng.choice(K, s, replace=False)] = rng.uniform(0.5, 1.5, s)
    return z


@pytest.mark.parametrize(("K", "s", "m"), [(5, 1, 2), (6, 2, 1), (5, 2, 3)])
def test_the_predicted_share_by_enumeration(K, s, m):
    """Over all supports of m anchors: atoms that are never active are permuted, one of them stays by chance."""
    supports = list(combinations(range(K), s))
    fixed = []
    for chosen in np.ndindex(*[len(supports)] * m):
        silent = K - len(set().union(*(supports[c] for c in chosen)))
        fixed.append(K - silent + (silent > 0))
    assert recovery.predicted_share(K, s, m) == pytest.approx((np.mean(fixed) - 1) / (K - 1))


@pytest.mark.parametrize(("amplitudes", "other"), [(True, False), (False, True)])
def test_planted_codes_are_on_the_curve_that_their_anchors_show(amplitudes, other):
    """Twelve atoms in two orders: amplitudes lead to the curve of C5 (b), activity to that of C5 (a), and not both."""
    rng = np.random.default_rng(0)
    z, order = codes(400, 12, 2, rng), rng.permutation(12)
    shown = z if amplitudes else (z > 0).astype(float)
    fresh = codes(2000, 12, 2, rng)
    known = shown, shown[:, order]
    # From a matching by chance, whose R² an average of many gives, to the planted one.
    found = shares(known, (fresh, fresh[:, order]), z, 0, None, (3, 6), 300)
    seen = {a: [expected(12, 2, m, a) for m in (3, 6)] for a in (True, False)}
    reached = [found["share_3"], found["share_6"]]
    np.testing.assert_allclose(reached, seen[amplitudes], atol=0.03)
    assert np.abs(np.subtract(reached, seen[other])).min() > 0.06
    for m in (3, 6):
        assert found[f"shuffled_share_{m}"] < 0.2
        assert np.mean([p for _, p, _ in found["draws"][str(m)]]) == pytest.approx(seen[True][m == 6], abs=0.03)


def expected(K, s, m, amplitudes, draws=4000):
    """Share by Monte Carlo: distinct columns of m codes, less one, over K − 1."""
    rng, found = np.random.default_rng(1), []
    for _ in range(draws):
        z = codes(m, K, s, rng)
        found.append(len({tuple(column if amplitudes else column > 0) for column in z.T}))
    return (np.mean(found) - 1) / (K - 1)


def test_twins_see_the_same_rows_whose_latents_have_amplitudes():
    one = recovery.twins()
    for test in (False, True):
        rows = one.sample(5, test=test)
        np.testing.assert_array_equal(rows["x"].array, rows["y"].array)
    z, atoms = one.latents(5), one.generator(5).atoms["x"]
    np.testing.assert_allclose(one.sample(5)["x"].array, z @ atoms, atol=1e-10)
    assert (np.count_nonzero(z, axis=1) == 3).all()
    active = z[z != 0]
    assert len(np.unique(active)) == len(active)
    assert abs(active.mean() - 1) < 0.02
    assert abs(active.std() - 0.3) < 0.02
    assert isinstance(one, Arm)


def test_what_a_run_reports(monkeypatch):
    small = {"n_latents": 8, "sparsity": 2, "domains": {"x": 8}, "hidden": (), "noise": (0.3, 0.3), "dropout": 0.0}
    config = {"system": "cosae", "weights": {"REC": 1.0}, "n_atoms": 16, "sparsity": 2, "batch": 64, "steps": 400}
    one = recovery.Twins("small", small, config | {"lr": 2e-2}, rows=512, test_rows=256)
    monkeypatch.setattr(recovery, "twins", lambda: one)
    for name, value in {"COUNTS": (2, 6, 512), "FEW": (2,), "DRAWS": 4}.items():
        monkeypatch.setattr(recovery, name, value)
    (found,) = recovery.recovered([5])
    json.dumps(found, allow_nan=False)
    names = {"best", "random"} | {f"{k}share_{m}" for k in ("", "identity_", "shuffled_") for m in (2, 6, 512)}
    assert set(found) == {"seed", "change", "draws", "activity_share_2"} | names | {f"untrained_{n}" for n in names}
    assert found["seed"] == 5
    assert {m: np.shape(v) for m, v in found["draws"].items()} == {m: (4, 3) for m in ("2", "6", "512")}
    assert found["share_2"] < found["share_512"] == pytest.approx(1.0)
    assert found["untrained_best"] < found["best"]
