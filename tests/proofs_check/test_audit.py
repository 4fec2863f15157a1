"""The audit's numbers against SciPy, scikit-learn and plain resampling, and on data that are awkward."""

import io
import json
from functools import cache

import numpy as np
import pytest
from rich.console import Console
from scipy import linalg
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score

from proofs_check import heldout, inputs
from proofs_check.audit import Config, audit, split
from proofs_check.audit_document import FIELDS, document
from proofs_check.audit_table import table
from proofs_check.demo import digits
from proofs_check.errors import InputError
from proofs_check.figures.audit import draw
from proofs_check.heldout import GROUPS, Sums, group_rows
from proofs_check.inputs import Rows
from theory.linalg import tolerance

EXACT = Config(rank=3, weights=(0.5,), ridge=0.0)


def data(seed=0, n=300, dx=6, dy=5, shared=4, noise=0.5):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, shared))
    X = Z @ rng.standard_normal((shared, dx)) + noise * rng.standard_normal((n, dx)) + 10.0
    Y = Z @ rng.standard_normal((shared, dy)) + noise * rng.standard_normal((n, dy)) - 5.0
    return X, Y


def run(X, Y, config=EXACT):
    return document(audit(Rows("x", X), Rows("y", Y), config))


@cache
def example():
    return run(*data())


def forms(found):
    return {(f["key"], f["weight"]): f for f in found["forms"]}


def value(found, key, measure, weight=None):
    return forms(found)[key, weight]["measures"][measure]["value"]


def held_out(X, Y, config=EXACT):
    train, test = split(len(X), config.test_fraction, config.seed)
    return X[train], Y[train], X[test], Y[test]


def score(estimate, reference):
    return r2_score(reference, estimate, multioutput="variance_weighted")


def close(a, b, size=10_000.0):
    return abs(a - b) <= tolerance(size, 300)


def test_the_split_is_a_partition_with_both_parts():
    for n in (2, 3, 10, 101):
        for fraction in (0.001, 0.2, 0.999):
            train, test = split(n, fraction, 3)
            assert sorted([*train, *test]) == list(range(n))
            assert len(train) > 0
            assert len(test) > 0
    assert len(split(1000, 0.2, 0)[1]) == 200
    assert split(50, 0.5, 0)[1].tolist() != split(50, 0.5, 1)[1].tolist()


def test_pca_reconstruction_is_that_of_scikit_learn():
    X, Y = data()
    tX, tY, hX, hY = held_out(X, Y)
    for measure, t, h in (("x", tX, hX), ("y", tY, hY)):
        fitted = PCA(3).fit(t)
        expected = score(fitted.inverse_transform(fitted.transform(h)), h)
        assert close(value(example(), "pca", f"REC {measure}"), expected)
        assert close(value(example(), "pca", f"CYC {measure}"), expected)


def test_full_rank_regression_is_ordinary_least_squares():
    X, Y = data(dx=5, dy=5)
    tX, tY, hX, hY = held_out(X, Y)
    found = run(X, Y, Config(rank=5, weights=(), ridge=0.0))
    for measure, a, b, ha, hb in (("TR x→y", tX, tY, hX, hY), ("TR y→x", tY, tX, hY, hX)):
        coefficients = np.linalg.lstsq(a - a.mean(axis=0), b - b.mean(axis=0))[0]
        expected = score((ha - a.mean(axis=0)) @ coefficients + b.mean(axis=0), hb)
        assert close(value(found, "reduced_rank", measure), expected)


def generalised_cca(tX, tY):
    """Canonical directions from the generalised eigenproblem of the joint covariance."""
    dx = tX.shape[1]
    S = np.cov(np.hstack([tX, tY]), rowvar=False, bias=True)
    A, B = S.copy(), np.zeros_like(S)
    A[:dx, :dx] = A[dx:, dx:] = 0
    B[:dx, :dx], B[dx:, dx:] = S[:dx, :dx], S[dx:, dx:]
    values, vectors = linalg.eigh(A, B)
    return values[::-1], vectors[:dx, ::-1], vectors[dx:, ::-1]


def test_cca_is_that_of_the_generalised_eigenproblem():
    X, Y = data()
    tX, tY, hX, hY = held_out(X, Y)
    rho, Wx, Wy = generalised_cca(tX, tY)
    mx, my = tX.mean(axis=0), tY.mean(axis=0)
    for i in range(5):
        assert close(example()["spectrum"]["train"][i], rho[i])
        assert close(example()["spectrum"]["test"][i], np.corrcoef(hX @ Wx[:, i], hY @ Wy[:, i])[0, 1])
    # Unit variances, then codes and least-squares readouts written out.
    Wx, Wy = (W[:, :3] / np.std(t @ W[:, :3], axis=0) for W, t in ((Wx, tX), (Wy, tY)))
    zx, zy = (hX - mx) @ Wx, (hY - my) @ Wy
    Dx = np.linalg.lstsq((tX - mx) @ Wx, tX - mx)[0]
    Dy = np.linalg.lstsq((tY - my) @ Wy, tY - my)[0]
    expected = {
        "REC x": score(zx @ Dx + mx, hX),
        "REC y": score(zy @ Dy + my, hY),
        "TR x→y": score(zx @ Dy + my, hY),
        "TR y→x": score(zy @ Dx + mx, hX),
        "CC": score(zx, zy),
        "CYC x": score(zx @ Dy @ Wy @ Dx + mx, hX),
        "CYC y": score(zy @ Dx @ Wx @ Dy + my, hY),
    }
    for measure, number in expected.items():
        assert close(value(example(), "cca", measure), number), measure


def test_lemma_4_runs_from_cca_to_pca():
    found = run(*data(), Config(rank=3, weights=(0.0, 1e-3, 1.0, 1e6), ridge=0.0))
    for measure in ("REC x", "TR x→y", "CC"):
        assert close(value(found, "consistency_tradeoff", measure, 0.0), value(found, "cca", measure))
    for measure in ("REC x", "REC y"):
        limit, pca = value(found, "consistency_tradeoff", measure, 1e6), value(found, "pca", measure)
        assert abs(limit - pca) < 1e-4
        assert abs(value(found, "consistency_tradeoff", measure, 1.0) - pca) > 1e-4


def test_the_certificate_is_about_the_f_that_a_plain_polar_iteration_reaches():
    X, Y = data()
    tX, tY, _, _ = held_out(X, Y)
    tX, tY = (t - t.mean(axis=0) for t in (tX, tY))
    tX, tY = (t / np.sqrt(np.mean(np.sum(t**2, axis=1))) for t in (tX, tY))
    n, weight = len(tX), 0.5
    Sx, Sy = tX.T @ tX / n, tY.T @ tY / n
    M = linalg.inv(linalg.sqrtm(Sx)) @ (tX.T @ tY / n) @ linalg.inv(linalg.sqrtm(Sy))
    rng, reached = np.random.default_rng(0), []
    for _ in range(10):
        U, V = linalg.polar(rng.standard_normal((6, 3)))[0], linalg.polar(rng.standard_normal((5, 3)))[0]
        for _ in range(3000):
            U = linalg.polar(M @ V + weight * Sx @ U)[0]
            V = linalg.polar(M.T @ U + weight * Sy @ V)[0]
        reached.append(2 * np.sum(U * (M @ V)) + weight * (np.sum(U * (Sx @ U)) + np.sum(V * (Sy @ V))))
    certificate = forms(example())["consistency_tradeoff", weight]["certificate"]
    assert certificate["certified"]
    assert abs(max(reached) - certificate["F"]) < 1e-8
    assert certificate["F"] <= certificate["F_upper"] + tolerance(10.0, 11)
    assert certificate["F_upper"] - certificate["F"] < 1e-8
    loss = 2 * 3 + weight * 2 - max(reached)
    assert abs(certificate["loss"] - loss) < 1e-8
    assert certificate["loss_lower_bound"] <= certificate["loss"]


def test_shifts_scales_and_the_size_of_blocks_change_nothing(monkeypatch):
    X, Y = data()
    moved = run(1000.0 * X + 1e4, Y / 1000.0 - 7.0)
    monkeypatch.setattr(inputs, "ROWS", 37)
    blocks = run(X, Y)
    for other in (moved, blocks):
        for key, form in forms(example()).items():
            for measure, entry in form["measures"].items():
                again = forms(other)[key]["measures"][measure]
                if entry["value"] is not None and entry["determined"]:
                    assert abs(entry["value"] - again["value"]) < 1e-7
                    assert abs(entry["null"] - again["null"]) < 1e-7


def test_the_ridge_is_relative_to_the_mean_variance_and_zero_is_the_problem_itself():
    X, Y = data()
    config = Config(rank=3, weights=(), ridge=0.3)
    tX, tY, hX, hY = held_out(X, Y, config)
    mx, my = tX.mean(axis=0), tY.mean(axis=0)
    Sx = np.cov(tX, rowvar=False, bias=True)
    A = linalg.solve(Sx + 0.3 * np.mean(np.diag(Sx)) * np.eye(6), (tX - mx).T @ (tY - my) / len(tX))
    found = run(X, Y, Config(rank=5, weights=(), ridge=0.3))
    assert close(value(found, "reduced_rank", "TR x→y"), score((hX - mx) @ A + my, hY))


def test_shuffled_pairs_are_fitted_anew():
    X, Y = data(n=60, dx=40, dy=40, shared=1, noise=1.0)
    found = run(X, Y, Config(rank=2, weights=(), ridge=0.0, shuffles=3))
    spectrum = found["spectrum"]
    # 48 training rows in 40 + 40 dimensions correlate perfectly by chance, also when shuffled; held-out rows do not.
    assert spectrum["train"][0] > 0.999
    assert spectrum["null_train"][0] > 0.999
    assert abs(spectrum["null_test"][0]) < 0.9
    assert any("CCA overfits" in note for note in found["notes"])
    entry = forms(found)["reduced_rank", None]["measures"]["TR x→y"]
    assert entry["null_range"][0] < entry["null"] < entry["null_range"][1]
    # A fit on true pairs would predict shuffled ones far worse than the mean does; a fit on shuffled pairs abstains.
    entry = forms(example())["reduced_rank", None]["measures"]["TR x→y"]
    assert entry["value"] > 0.6
    assert -0.2 < entry["null"] < 0.05
    assert example()["spectrum"]["null_train"][0] < 0.4 < 0.9 < example()["spectrum"]["train"][0]


def test_true_pairs_beat_the_null_and_unrelated_domains_do_not():
    entry = forms(example())["cca", None]["measures"]["TR x→y"]
    assert entry["interval"][0] > 0.3 > 0.1 > entry["null"]
    assert example()["similarity"]["cka"]["value"] > 0.2 > abs(example()["similarity"]["cka"]["null"])
    rng = np.random.default_rng(1)
    found = run(rng.standard_normal((2000, 6)), rng.standard_normal((2000, 5)))
    assert value(found, "reduced_rank", "TR x→y") < 0.02
    assert max(map(abs, found["spectrum"]["test"])) < 0.25
    assert abs(found["similarity"]["mutual_nearest_neighbours"]["value"] - 10 / 399) < 0.02


def test_intervals_are_those_of_resampled_rows():
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((80, 2))
    estimate = reference + 0.5 * rng.standard_normal((80, 2))
    sums = Sums(
        ((reference - estimate) ** 2).sum(1)[None, None], ((reference - reference.mean(0)) ** 2).sum(1)[None, None]
    )
    low, high = sums.intervals(4000, seed=1)[:, 0, 0]
    draws = [score(estimate[rows], reference[rows]) for rows in rng.integers(0, 80, (4000, 80))]
    expected = np.quantile(draws, [0.025, 0.975])
    # R² here keeps the overall mean (order 1/n), and 4000 resamples place a quantile to about 3 % of the width.
    assert abs(low - expected[0]) < 0.12 * (expected[1] - expected[0])
    assert abs(high - expected[1]) < 0.12 * (expected[1] - expected[0])


def test_grouped_rows_give_the_same_interval_width(monkeypatch):
    n = 20 * GROUPS
    groups = group_rows(n, 0)
    assert np.bincount(groups).tolist() == [20] * GROUPS
    rng = np.random.default_rng(0)
    sse, sst = rng.exponential(size=n) * 0.3, rng.exponential(size=n)
    summed = [np.bincount(groups, rows)[None, None] for rows in (sse, sst)]
    low, high = Sums(*summed).intervals(2000, seed=0)[:, 0, 0]
    draws = [1 - sse[rows].sum() / sst[rows].sum() for rows in (rng.integers(0, n, n) for _ in range(1000))]
    assert abs((high - low) / np.diff(np.quantile(draws, [0.025, 0.975]))[0] - 1) < 0.12


def test_intervals_cover_the_value_of_the_population():
    """y = x + e with e of half the variance: R² = 1 − ½/1.5 of the predictor x, for any sample."""
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(100)
        y = x + np.sqrt(0.5) * rng.standard_normal(100)
        sums = Sums(((y - x) ** 2)[None, None], ((y - y.mean()) ** 2)[None, None])
        low, high = sums.intervals(400, seed)[:, 0, 0]
        covered += low <= 1 - 0.5 / 1.5 <= high
    assert 0.89 < covered / 300 < 0.985


def constant(n, d):
    return np.full((n, d), 0.1)


rng = np.random.default_rng(0)
A, B = data(n=60)
AWKWARD = {
    "two rows": (A[:2], B[:2]),
    "three rows": (A[:3], B[:3]),
    "five rows": (A[:5], B[:5]),
    "one column each": (A[:, :1], B[:, :1]),
    "constant y": (A, constant(60, 4)),
    "constant x and y": (constant(60, 2), constant(60, 4)),
    "constant on the training rows only": (np.eye(60)[:, split(60, 0.2, 0)[1][:1]], B),
    "some constant columns": (np.hstack([A, constant(60, 3), constant(60, 1) * 1e9]), B),
    "duplicate columns": (np.hstack([A, A, 2 * A]), B),
    "x is y": (A, A),
    "identical rows": (np.repeat(A[:2], 30, axis=0), B),
    "all eigenvalues tied": (np.tile([[1.0, 0], [-1, 0], [0, 1], [0, -1]], (30, 1)), np.tile(B[:4], (30, 1))),
    "fewer rows than columns": (rng.standard_normal((12, 50)), rng.standard_normal((12, 40))),
    "very unequal scales": (A * np.logspace(0, 12, 6), B),
    "large offset": (A + 1e8, B),
    "bytes": (rng.integers(-128, 128, (60, 3)).astype(np.int8), rng.integers(0, 256, (60, 2)).astype(np.uint8)),
    "half precision": (A.astype(np.float16), B.astype(np.float16)),
    "binary": (rng.integers(0, 2, (60, 3)).astype(bool), B),
    "integers beyond float32": (rng.integers(2**40, 2**41, (60, 3)), B),
    "orthogonal domains": (np.eye(4)[np.arange(64) % 4][:, :2], np.eye(4)[np.arange(64) // 4 % 4][:, :2]),
}  # fmt: skip


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_data_are_answered(name, ridge, tmp_path):
    X, Y = AWKWARD[name]
    found = run(X, Y, Config(weights=(0.0, 1.0), ridge=ridge))
    json.dumps(found, allow_nan=False)
    table(found)
    if ridge:
        draw(found, tmp_path / "audit.png")
    train, _ = split(len(X), 0.2, 0)
    for domain, rows in (("x", X), ("y", Y)):
        centred = rows[train].astype(float) - rows[train].astype(float).mean(axis=0)
        scale = max(np.abs(rows[train].astype(float)).max(), 1e-300) * 1e-12
        if name not in ("very unequal scales", "large offset"):
            assert found["inputs"][domain]["rank"] == np.linalg.matrix_rank(centred, tol=scale * len(centred))
    used = found["rank"]["used"]
    assert used == min(16, max(1, len(train) // 10), found["inputs"]["x"]["rank"], found["inputs"]["y"]["rank"])
    assert bool(found["forms"]) == (used > 0)
    for form in found["forms"]:
        for entry in form["measures"].values():
            assert (entry["value"] is None) == (entry["reason"] is not None)
            assert entry["value"] is None or entry["value"] <= 1 + 1e-9
    for entry in found["similarity"].values():
        assert (entry["value"] is None) == (entry["reason"] is not None)


def test_rank_deficient_columns_do_not_change_the_answer_but_are_said_to_leave_it_open():
    X, Y = data()
    clean = run(X, Y)
    wide = run(np.hstack([X, X[:, :2], constant(len(X), 1)]), Y)
    assert wide["inputs"]["x"] | {"name": ""} == {
        "name": "", "dtype": "float64", "rows": 300, "dim": 9, "rank": 6, "constant_columns": 1
    }  # fmt: skip
    assert forms(clean)["cca", None]["solutions"]["both"]["unique"] is True
    assert forms(wide)["cca", None]["solutions"]["both"]["unique"] is False
    for i in range(5):
        assert abs(wide["spectrum"]["test"][i] - clean["spectrum"]["test"][i]) < 1e-8
    assert abs(value(wide, "reduced_rank", "TR x→y") - value(clean, "reduced_rank", "TR x→y")) < 1e-8


def test_a_rank_beyond_that_of_the_data_is_lowered_and_said():
    X, Y = data(shared=2, noise=0.0)
    found = run(X, Y, Config(rank=5, weights=(1.0,)))
    assert found["rank"] == {"requested": 5, "used": 2}
    assert any("k = 2 was used" in note for note in found["notes"])
    assert value(found, "reduced_rank", "TR x→y") > 0.99


def test_values_that_a_form_leaves_free_are_marked():
    marked = {
        (key[0], measure.split()[0])
        for key, form in forms(example()).items()
        for measure, entry in form["measures"].items()
        if entry["value"] is not None and not entry["determined"]
    }
    assert marked == {("pca", "TR"), ("pca", "CC"), ("cycle", "REC"), ("cycle", "TR"), ("cycle", "CC")}


def test_free_values_do_depend_on_the_choice_and_the_others_do_not():
    """Signs of the columns do not change the data's law, but the solvers' arbitrary signs may follow them."""
    X, Y = data(5)
    flipped = run(X * [1, -1, 1, -1, 1, -1], Y)
    straight = run(X, Y)
    for key, form in forms(straight).items():
        for measure, entry in form["measures"].items():
            if entry["determined"] and entry["value"] is not None:
                assert abs(entry["value"] - forms(flipped)[key]["measures"][measure]["value"]) < 1e-6


def test_the_document_is_documented_versioned_and_repeatable():
    assert set(example()) == {key for key in FIELDS if "." not in key}
    assert {key.split(".")[1] for key in FIELDS if key.startswith("forms.")} < set(example()["forms"][0])
    assert example()["schema_version"] == 1
    assert example() == run(*data())
    assert example()["forms"] != run(*data(), Config(rank=3, weights=(0.5,), ridge=0.0, seed=1))["forms"]


def test_the_demo_is_real_and_rank_deficient():
    x, y = digits()
    assert (len(x), len(y), x.dim, y.dim) == (1797, 1797, 32, 32)
    assert x.array.reshape(-1, 8, 4)[0].sum() + y.array.reshape(-1, 8, 4)[0].sum() == 294
    found = document(audit(x, y, Config(rank=2, weights=())))
    assert found["inputs"]["x"]["rank"] < 32 > found["inputs"]["y"]["rank"]
    assert found["inputs"]["x"]["constant_columns"] > 0
    assert found["spectrum"]["test"][0] > 0.7


def test_measures_are_the_edges_of_the_four_properties():
    assert [m.name for m in heldout.MEASURES] == ["REC x", "REC y", "TR x→y", "TR y→x", "CC", "CYC x", "CYC y"]


@pytest.mark.parametrize("choice", [{"weights": (1e200,)}, {"ridge": 1e100}, {"ridge": float("nan")}, {"ridge": -1.0}])
def test_weights_and_ridges_beyond_double_precision_are_refused(choice):
    with pytest.raises(InputError, match="between 0 and 1e"):
        run(*data(), Config(**choice))


def test_the_largest_weight_and_ridge_are_answered():
    json.dumps(run(*data(), Config(weights=(1e12,), ridge=0.0)), allow_nan=False)
    json.dumps(run(*data(), Config(weights=(1e12,), ridge=1e12)), allow_nan=False)


def test_few_held_out_rows_leave_no_neighbours_to_agree_by_chance():
    X, Y = data(n=30)
    similarity = run(X, Y)["similarity"]["mutual_nearest_neighbours"]
    assert (similarity["rows"], similarity["k"]) == (6, 1)
    assert run(X[:15], Y[:15])["similarity"]["mutual_nearest_neighbours"]["value"] is None


def test_a_narrow_terminal_keeps_the_numbers_whole():
    found = run(*data(), Config(rank=1, weights=(0.12345678,)))
    console = Console(file=io.StringIO(), width=80)
    console.print(table(found))
    assert "…" not in console.file.getvalue()


def test_columns_that_vary_too_little_are_told_from_constant_ones():
    X, Y = data()
    scaled = " ".join(run(X * [1e12, 1, 1, 1, 1, 1], Y)["notes"])
    repeated = " ".join(run(np.hstack([X, X]), Y)["notes"])
    assert "rescale" in scaled
    assert "left to the encoders" in repeated
    assert "rescale" not in repeated


def test_a_repeated_weight_is_tried_once_and_weights_are_sorted():
    assert run(*data(), Config(rank=2, weights=(2.0, 1.0, 2.0)))["config"]["weights"] == [1.0, 2.0]
