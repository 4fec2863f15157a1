"""Trained coders in the region of theorem A1: rows against written-out numbers, bounds that hold and are attained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from nonlinear.data import Streams
from nonlinear.evaluation import Evaluation
from nonlinear.experiments.arms import Arm, measure
from nonlinear.experiments.region import rank_correlation, region
from nonlinear.experiments.rowwise import rows_of
from nonlinear.train import train

DATA = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 5}, "hidden": ()}
CONFIG = {"system": "cosae", "n_atoms": 8, "sparsity": 3, "batch": 32, "steps": 200, "lr": 3e-3}
CONFIG["weights"] = {"REC": 1.0, "TR": 1.0, "CC": 1.0}
ARM = Arm("tiny", DATA, CONFIG, rows=256, test_rows=128, parts=("rowwise",))


@pytest.fixture(scope="module")
def trained():
    """A model, its evaluation, and rows, codes, decoded rows of all 128 points by the coders alone."""
    model, test = train(ARM.settings([0]), [ARM.sample(0)]), ARM.sample(0, test=True)
    x = Streams(test, model.normalisers[0]).batch({s: np.arange(128) for s in "xy"})
    coders = model.coders(0)
    codes = {s: coders.encode(s, x[s]) for s in "xy"}
    decoded = {(i, j): coders.decode(j, codes[i]).numpy() for i in "xy" for j in "xy"}
    run = Evaluation(model, test)
    return run, {s: v.numpy() for s, v in x.items()}, {s: z.numpy() for s, z in codes.items()}, decoded


def lengths(values):
    return np.sort(np.sqrt((np.asarray(values, dtype=float) ** 2).sum(1)))


@pytest.mark.parametrize(("i", "j"), [("x", "y"), ("y", "x")])
def test_rows_written_out(trained, i, j):
    run, x, codes, decoded = trained
    rows = rows_of(run)[j]
    expected = {
        "translation": decoded[i, j] - x[j],
        "reconstruction": decoded[j, j] - x[j],
        "distance": codes[i] - codes[j],
        "image": decoded[i, j] - decoded[j, j],
        "largest": np.hstack([codes[i], codes[j]]),
    }
    for name, vectors in expected.items():
        np.testing.assert_allclose(np.sort(rows[name]), lengths(vectors), atol=2e-5, err_msg=name)
    assert np.abs(run.coders.parameters[f"offset.{j}"].numpy()).max() > 1e-3  # an offset that one would miss
    atoms = run.atoms(j).astype(float)
    spectra = []
    for a, b in zip(codes[i], codes[j], strict=True):
        active = atoms[(a > 0) | (b > 0)]
        values = np.linalg.eigvalsh(active @ active.T) if len(active) else [0.0]
        spectra.append((np.sqrt(max(values[0], 0)), np.sqrt(values[-1]), len(active)))
    for name, values in zip(("sigma", "ell", "active"), np.transpose(spectra), strict=True):
        # A root of a Gram matrix has half the digits near 0.
        np.testing.assert_allclose(np.sort(rows[name]), np.sort(values), atol=1e-6, err_msg=name)


def test_columns_belong_to_the_same_row(trained):
    for rows in rows_of(trained[0]).values():
        t, r, w = rows["translation"], rows["reconstruction"], rows["image"]
        slack = np.minimum(t + r - w, w - np.abs(t - r))
        assert slack.min() > -1e-9
        assert np.roll(w, 1)[w > 0].tolist() != w[w > 0].tolist()
        assert np.minimum(t + r - np.roll(w, 1), np.roll(w, 1) - np.abs(t - r)).min() < -0.1
        assert (rows["sigma"] * rows["distance"] <= w + 1e-9).all()
        assert (w <= rows["ell"] * rows["distance"] + 1e-9).all()


def test_shuffled_pairs_reconstruct_as_before_and_translate_worse(trained):
    run = trained[0]
    rows, shuffled = rows_of(run), rows_of(run, shuffle=True)
    for s in "xy":
        np.testing.assert_allclose(np.sort(shuffled[s]["reconstruction"]), np.sort(rows[s]["reconstruction"]))
        for name in ("translation", "distance"):
            assert (shuffled[s][name] ** 2).mean() > 1.2 * (rows[s][name] ** 2).mean()


def test_units_hold_both_decoders_and_both_nulls():
    (unit,) = measure(ARM, [0])
    assert set(unit["region"]) == set(unit["shuffled_region"]) == set(unit["untrained_region"]) == {"x", "y"}
    # ‖a − b‖ knows no direction, and E‖x_j − g_j f_i(x_i)‖² is the numerator of R².
    assert unit["region"]["x"]["C"] == pytest.approx(unit["region"]["y"]["C"])
    assert unit["shuffled_region"]["x"]["C"] > 1.1 * unit["region"]["x"]["C"]
    test = Streams(ARM.sample(0, test=True), train(ARM.settings([0]), [ARM.sample(0)]).normalisers[0])
    x = test.batch({s: np.arange(128) for s in "xy"})
    variance = {s: float(((v - v.mean(0)) ** 2).sum(1).mean()) for s, v in x.items()}
    for part, r2 in (("region", unit["r2"]), ("untrained_region", unit["untrained"])):
        found = np.mean([1 - unit[part][s]["T"] ** 2 / variance[s] for s in "xy"])
        assert found == pytest.approx(r2["TR"], abs=1e-4)


def rows_from(a, b, x, D):
    spectra = [np.linalg.svd(D[:, (p > 0) | (q > 0)])[1] for p, q in zip(a, b, strict=True)]
    sizes = ((a > 0) | (b > 0)).sum(1)
    d = len(D)
    return {
        "translation": np.linalg.norm(a @ D.T - x, axis=1),
        "reconstruction": np.linalg.norm(b @ D.T - x, axis=1),
        "distance": np.linalg.norm(a - b, axis=1),
        "largest": np.sqrt((a**2).sum(1) + (b**2).sum(1)),
        "sigma": [s[-1] if 0 < n <= d else 0.0 for s, n in zip(spectra, sizes, strict=True)],
        "ell": [s[0] if n else 0.0 for s, n in zip(spectra, sizes, strict=True)],
        "active": sizes,
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 6), st.floats(0.1, 1.0))
def test_any_codes_lie_between_floor_and_ceiling(seed, d, m, density):
    rng = np.random.default_rng(seed)
    D, x = rng.normal(size=(d, m)), rng.normal(size=(7, d))
    a, b = (np.abs(rng.normal(size=(7, m))) * (rng.uniform(size=(7, m)) < density) for _ in range(2))
    of = region(rows_from(a, b, x, D), D)
    error = 1e-9 * (1 + of["T"] + of["R"] + of["ell"] * of["largest"])
    assert abs(of["T"] - of["R"]) <= of["ell"] * of["floor"] + error
    assert of["floor"] <= of["C"] + error
    assert of["C"] <= of["ceiling"] + error
    assert of["ceiling"] <= of["largest"] + error
    assert of["sigma"] * of["C"] <= of["T"] + of["R"] + error
    assert (of["sigma"] == 0) if m > d else (of["sigma"] > 0)


@pytest.mark.parametrize("upper", [True, False])
def test_both_bounds_are_attained(upper):
    """Codes that differ along the singular vector of σ, or of ℓ, with x_j on the line through both images."""
    D = np.array([[1.0, 0.0], [0.0, 0.5]])
    delta = np.array([0.0, 1.0]) if upper else np.array([1.0, 0.0])
    b = np.array([[2.0, 2.0], [3.0, 1.0]])
    a = b + delta
    x = (a + b) / 2 @ D.T if upper else b @ D.T
    of = region(rows_from(a, b, x, D), D)
    assert of["C"] == pytest.approx(1.0)
    assert of["ceiling" if upper else "floor"] == pytest.approx(1.0)
    assert (of["reached"] == pytest.approx(1.0)) == upper
    assert of["informative"] == 1.0


def test_numbers_by_hand():
    rows = {
        "translation": [3.0, 1.0, 0.0],
        "reconstruction": [1.0, 1.0, 0.0],
        "distance": [3.0, 4.0, 0.0],
        "sigma": [1.0, 0.0, 0.0],
        "ell": [2.0, 2.0, 0.0],
        "largest": [6.0, 5.0, 0.0],
        "active": [2, 4, 0],
    }
    of = region(rows, np.eye(2, 3))
    mean = {"T": 10, "R": 2, "C": 25, "floor": 1, "ceiling": 16 + 25, "largest": 36 + 25}
    for name, square in mean.items():
        assert of[name] == pytest.approx(np.sqrt(square / 3)), name
    assert of["uncapped"] == pytest.approx(4.0)
    assert (of["informative"], of["dependent"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert of["reached"] == pytest.approx(np.sqrt(25 / 41))
    assert (of["ell"], of["sigma"]) == (pytest.approx(1.0), 0.0)
    assert region({**rows, "sigma": [0.0] * 3}, np.eye(2))["uncapped"] is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=12))
def test_rank_correlation_is_spearman_s(pairs):
    x, y = np.array(pairs, dtype=float).T
    if np.ptp(x) and np.ptp(y):
        assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y)[0], abs=1e-9)
    else:
        assert rank_correlation(x, y) == 0.0


def test_ranks_within_strata_see_no_differences_between_them():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], 200)
    x, y = rng.normal(size=(2, 600)) + 10 * label
    assert rank_correlation(x, y) > 0.85
    assert abs(rank_correlation(x, y, label)) < 0.1
    # Without ties: the mean of the correlations inside, each by its n − 1/n.
    label = np.repeat([0, 1, 2], [20, 180, 400])
    z = x + rng.normal(size=600) * (1 + 3 * label)
    inside = [spearmanr(x[label == k], z[label == k])[0] for k in range(3)]
    assert np.ptp(inside) > 0.3
    weights = [n - 1 / n for n in (20, 180, 400)]
    assert rank_correlation(x, z, label) == pytest.approx(np.average(inside, weights=weights), abs=1e-9)


def test_the_bound_ranks_rows_by_the_constants_and_the_errors_alone_do_not():
    rng = np.random.default_rng(1)
    sigma, t = rng.uniform(0.1, 1, 400), rng.uniform(0.9, 1.1, 400)
    rows = {"translation": t, "reconstruction": t, "distance": 1 / sigma, "sigma": sigma, "ell": np.ones(400)}
    rows |= {"largest": np.full(400, 30.0), "active": rng.integers(2, 5, 400)}
    of = region(rows, np.eye(2))
    assert of["rank"] > 0.95
    assert abs(of["rank_alone"]) < 0.15
    # What only the number of atoms decides is no merit of either.
    n = rows["active"]
    of = region({**rows, "distance": n + rng.uniform(size=400) / 9, "sigma": rng.uniform(0.9, 1, 400) / n}, np.eye(2))
    assert abs(of["rank"]) < 0.15
    of = region({**rows, "distance": n + rng.uniform(size=400) / 9, "translation": t + n}, np.eye(2))
    assert abs(of["rank_alone"]) < 0.15
