"""Scores by hand: products, gates, what is undefined, and intervals against explicit resampling."""

from fractions import Fraction

import numpy as np
import pytest

from nonlinear.intervench.config import Config
from nonlinear.intervench.scores import SPACES, Resamples, Scores, interval
from theory.similarity import r_squared

N = 40
CONFIG = Config(resamples=50)


def right(count, among=None):
    """Numbers of N rows of which `count` are right, the first ones of those that are meant."""
    rows, found = np.arange(N) if among is None else among, np.zeros(N)
    found[rows[:count]] = 1
    return found


Y = np.repeat(np.arange(4), 10)
A = np.arange(N) % 4 == 0  # a quarter of the rows: accuracies are balanced over both values
INSIDE = np.flatnonzero(Y < 2)
OUTSIDE = np.flatnonzero(Y >= 2)


def rows_by_hand(probe=32):
    """Everything that one stream "x" leaves behind, both spaces alike."""
    rng = np.random.default_rng(0)
    rows = {"total/x": rng.random(N) + 1, "error/x/x": rng.random(N)}
    rows |= {"loss/x": np.full(N, 0.5), "loss/x/x": np.full(N, 0.75), "loss0/x": np.full(N, 1.5)}
    for s in SPACES:
        rows[f"probe/{s}/5/x/x"] = right(probe)
        # Utility from 36/40 to 30/40, by chance 10/40; forget: of value 1 from 10/10 to 6/10, of value 0 from 24/30
        # to 18/30, by chance a half
        rows[f"unlearning/{s}/x/x/utility/before"], rows[f"unlearning/{s}/x/x/utility"] = right(36), right(30)
        rows[f"unlearning/{s}/x/x/forget/before"] = right(10, np.flatnonzero(A)) + right(24, np.flatnonzero(~A))
        rows[f"unlearning/{s}/x/x/forget"] = right(6, np.flatnonzero(A)) + right(18, np.flatnonzero(~A))
        for r in (0, 1):
            rows[f"tpp/{r}/{s}/x/x/utility/before"], rows[f"tpp/{r}/{s}/x/x/utility"] = (
                right(k, OUTSIDE) for k in (18, 14)
            )
            rows[f"tpp/{r}/{s}/x/x/forget/before"] = right(20, INSIDE)
            rows[f"tpp/{r}/{s}/x/x/forget"] = right(12 + 2 * r, INSIDE)
    rows |= {"unlearning/x/utility": right(10), "unlearning/x/forget": np.full(N, 0.5)}
    for r in (0, 1):
        rows |= {f"subset/{r}": np.array([0, 1])}
        rows |= {f"tpp/{r}/x/utility": right(10, OUTSIDE), f"tpp/{r}/x/forget": right(10, INSIDE)}
    return rows


def scored(rows, config=CONFIG):
    return Scores(rows, ["x"], {"x": Y}, {"x": A.astype(int)}, config)


def one(rows, metric, config=CONFIG):
    return scored(rows, config).entry(metric, ("x", "x"))


@pytest.mark.parametrize("s", SPACES)
def test_products_by_hand(s):
    rows = rows_by_hand()
    before, after = (1 + Fraction(24, 30)) / 2, (Fraction(6, 10) + Fraction(18, 30)) / 2
    kept = (Fraction(30, 40) - Fraction(1, 4)) / (Fraction(36, 40) - Fraction(1, 4))
    lost = 1 - (after - Fraction(1, 2)) / (before - Fraction(1, 2))
    assert one(rows, f"unlearning/{s}")["raw"] == pytest.approx(float(kept * lost), abs=1e-12)
    kept = Fraction(14 - 10, 18 - 10)
    lost = [1 - Fraction(12 + 2 * r - 10, 20 - 10) for r in (0, 1)]
    assert one(rows, f"tpp/{s}")["raw"] == pytest.approx(float(kept * sum(lost) / 2), abs=1e-12)


def test_r2_and_faithfulness_by_hand():
    rows = rows_by_hand()
    assert one(rows, "r2")["raw"] == pytest.approx(1 - rows["error/x/x"].sum() / rows["total/x"].sum(), abs=1e-12)
    assert one(rows, "faithfulness")["raw"] == pytest.approx(0.75, abs=1e-12)
    rng = np.random.default_rng(1)
    x, estimate = rng.standard_normal((N, 3)) + 5, rng.standard_normal((N, 3)) + 4
    rows |= {"total/x": ((x - x.mean(0)) ** 2).sum(1), "error/x/x": ((x - estimate) ** 2).sum(1)}
    assert one(rows, "r2")["raw"] == pytest.approx(r_squared(estimate, x), abs=1e-12)
    assert one(rows, "r2")["gated"] == 0


def test_two_losses_are_no_gain():
    """Utility below chance, and more told of what should be forgotten: the product of two negatives is no score."""
    rows = rows_by_hand()
    for s in SPACES:
        rows[f"unlearning/{s}/x/x/utility"], rows[f"unlearning/{s}/x/x/forget"] = right(2), np.ones(N)
    found = one(rows, "unlearning/latent")
    assert found["raw"] < 0
    assert found["gated"] == 0


@pytest.mark.parametrize("count", range(14, 28))
def test_the_gate(count):
    accuracy, rows = count / N, rows_by_hand(probe=count)
    for metric in ("unlearning/latent", "tpp/concept"):
        found, open_ = one(rows, metric), one(rows_by_hand(), metric)
        expected = ("gated" if accuracy < 0.5 else "ok") + (", near the gate" if 18 <= count <= 22 else "")
        assert found["status"] == expected
        assert found["raw"] == open_["raw"]
        assert found["gated"] == (0 if accuracy < 0.5 else open_["gated"])
        assert found["ci"] == open_["ci"]
        assert one(rows, metric, CONFIG.model_copy(update={"gate": 0.0}))["gated"] == open_["gated"]
    assert one(rows, "probe/latent")["gated"] == accuracy


def test_each_space_has_its_own_gate():
    rows = rows_by_hand() | {"probe/concept/5/x/x": right(4)}
    assert one(rows, "tpp/latent")["status"] == "ok"
    assert one(rows, "tpp/concept")["status"] == "gated"


@pytest.mark.parametrize("task", ["utility", "forget"])
def test_what_was_at_chance_before_is_undefined(task):
    rows = rows_by_hand()
    rows["unlearning/latent/x/x/" + task + "/before"] = rows[f"unlearning/x/{task}"]
    for r in (0, 1):
        rows[f"tpp/{r}/latent/x/x/{task}/before"] = rows[f"tpp/{r}/x/{task}"]
    undefined = {"raw": None, "gated": 0.0, "status": "undefined", "ci": None}
    for metric in ("unlearning", "tpp"):
        assert one(rows, f"{metric}/latent") == undefined
        assert one(rows, f"{metric}/concept")["status"] == "ok"
    # Near the gate or not, what is undefined is undefined
    assert one(rows | {"probe/latent/5/x/x": right(20)}, "tpp/latent") == undefined
    others = [one(rows, m)["gated"] for m in scored(rows).raw]
    assert scored(rows).aggregates()["S_ext"]["value"] == pytest.approx(sum(others) / 8, abs=1e-12)


def test_a_subset_that_is_undefined_counts_as_nothing():
    rows = rows_by_hand()
    whole = one(rows, "tpp/latent")["raw"]
    rows["tpp/1/latent/x/x/forget/before"] = rows["tpp/1/x/forget"]
    alone = 0.5 * (1 - 0.2)
    assert one(rows, "tpp/latent")["raw"] == pytest.approx(alone / 2, abs=1e-12)
    assert whole > alone / 2


def test_streams_that_do_not_vary_or_lose_nothing_are_undefined():
    rows = rows_by_hand() | {"total/x": np.zeros(N), "loss0/x": np.full(N, 0.51)}
    for metric in ("r2", "faithfulness"):
        assert one(rows, metric) == {"raw": None, "gated": 0.0, "status": "undefined", "ci": None}


def test_resamples_are_rows_drawn_with_replacement():
    rng = np.random.default_rng(2)
    values, where = rng.standard_normal(60), rng.random(60) < 0.3
    means = Resamples(60, Config(resamples=400))
    for w, mean, some in zip(means.W, means.of(values), means.of(values, where), strict=True):
        assert w.sum() == 60
        rows = np.repeat(np.arange(60), w.astype(int))
        assert mean == pytest.approx(values[rows].mean(), abs=1e-12)
        assert some == pytest.approx(values[rows][where[rows]].mean(), abs=1e-12)
    assert means.of(values)[0] == pytest.approx(values.mean(), abs=1e-12)
    # The standard error of a mean, whose estimate from 400 resamples is itself good to 3.5 %
    assert means.of(values)[1:].std() == pytest.approx(values.std() / np.sqrt(60), rel=0.15)
    assert not Resamples(3, CONFIG).of(np.ones(3), np.zeros(3, dtype=bool)).any()


def test_intervals_of_scores_are_those_of_resampled_rows():
    rows, config = rows_by_hand(), Config(resamples=300)
    weights = Resamples(N, config).W[1:].astype(int)
    expected = []
    for w in weights:
        r = np.repeat(np.arange(N), w)
        expected.append(1 - rows["error/x/x"][r].sum() / rows["total/x"][r].sum())
    assert one(rows, "r2", config)["ci"] == pytest.approx(np.quantile(expected, [0.025, 0.975]), abs=1e-12)
    aggregate = scored(rows, config).aggregates()["S_ext"]
    assert aggregate["ci"][0] < aggregate["value"] < aggregate["ci"][1]
    assert interval(np.arange(201.0)) == [5.0, 195.0]
