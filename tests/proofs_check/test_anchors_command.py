"""The command that says how many pairs two files need: its answers, their invariances, and everything wrong."""

import json
import re
import tracemalloc
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LinearRegression

from nonlinear.experiments.planted_pairs import pairs_needed, planted, r_squared_of
from proofs_check import anchors as module
from proofs_check import anchors_command
from proofs_check.anchors import anchors, look_paired, sample
from proofs_check.cli import main
from proofs_check.errors import InputError
from proofs_check.inputs import Rows
from theory.anchors import rule
from theory.anchors_needed import pairs_alone

from .test_cli import contents, fails_in_one_line

N, D = 300, 4


def generator(seed=0):
    return np.random.default_rng(seed)


def rows(seed=0, n=N, d=D, law="standard_normal"):
    """Correlated rows about a mean."""
    return getattr(generator(seed), law)(size=(n, d)) @ generator(99).standard_normal((d, d)) + 3


def codes(seed=0, n=N, rates=(0.1,) * 12):
    rng = generator(seed)
    return (rng.random((n, len(rates))) < rates) * rng.uniform(0.5, 1.5, (n, len(rates)))


def ask(x, y, target=0.6, **options):
    return anchors(Rows("x", x), Rows("y", y), target, **options)


def interval(x, y, target=0.6, seed=0, **options):
    """Of the answer the numbers of pairs alone."""
    rng = generator(seed)
    return [*vars(rule.interval(*sample(Rows("x", x), Rows("y", y), rng), target, rng, **options)[0]).values()]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """A tenth of the draws: each takes milliseconds."""
    monkeypatch.setattr("theory.anchors.rows.pairs_alone", partial(pairs_alone, draws=20))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    np.save("x.npy", rows(0))
    np.save("y.npy", rows(1))
    np.save("a.npy", codes(0))
    np.save("b.npy", codes(1))
    return tmp_path


# Answers


def test_rows(folder, capsys):
    assert main(["anchors", "x.npy", "y.npy", "-t", "0.6", "--out", "o"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    first, second, third = printed.out.splitlines()  # nothing is folded, and no hypothesis fails
    assert re.fullmatch(
        r"R² = 0\.6 by ridge regression of y on x needs about \d+ pairs \(90 % interval: \d+ to \d+\)", first
    )
    assert second == "R² of all pairs: unknown, taken between 0.8 and 1; if it is less, more pairs are needed than this"
    assert third.startswith("Can losses of laws help? no: every component looks Gaussian, so that below 4 pairs laws ")
    assert contents(folder / "o") == ["anchors.json", "anchors.png"]
    assert (folder / "o" / "anchors.png").read_bytes().startswith(b"\x89PNG")


def test_codes(folder, capsys):
    assert main(["anchors", "a.npy", "b.npy", "-t", "0.6", "--out", "o", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "codes"
    assert found["sizes"]["atoms"] == [12, 12]
    assert found["needed"]["low"] < found["needed"]["median"] < found["needed"]["high"]
    assert json.loads((folder / "o" / "anchors.json").read_text()) == found
    assert contents(folder / "o") == ["anchors.json", "anchors.png"]


def test_json_is_all_there_is_on_stdout_and_the_seed_decides(folder, capsys):
    printed = []
    for seed in ("3", "3", "4"):
        assert main(["anchors", "x.npy", "y.npy", "--json", "--seed", seed]) == 0
        printed.append(capsys.readouterr())
    assert [p.err for p in printed] == ["", "", ""]
    assert printed[0].out == printed[1].out != printed[2].out
    found = json.loads(printed[0].out, parse_constant=pytest.fail)
    assert found["schema_version"] == anchors_command.SCHEMA_VERSION
    assert [i["name"] for i in found["inputs"]] == ["x.npy", "y.npy"]
    assert (found["seed"], found["target"], found["ceiling"], found["paired"]) == (3, 0.8, None, False)
    assert set(found["laws"]) >= {"helps", "components_help", "text", "rotation", "gaussian", "pairs"}


def test_without_a_folder_nothing_is_written(folder, capsys):
    before = contents(folder)
    assert main(["anchors", "x.npy", "y.npy"]) == 0
    assert contents(folder) == before


def test_isotropic_rows_by_theorem_c2():
    """d·R² pairs and the intercept, over the excess of practice."""
    X = generator().standard_normal((2000, 20))
    low, median, high = interval(X[:1000], X[1000:], 0.5, ceiling=1.0)
    assert 0.9 * 10 + 1 < low < median < high < 1.3 * 10 + 1


@pytest.mark.parametrize(("seed", "kind"), [(117, "rows"), (111, "codes")])
def test_paired_files_are_measured(seed, kind):
    """A pilot setting: the interval covers the outcome, and is narrower than that of unpaired files."""
    setting = planted(seed)
    outcome = pairs_needed(setting)
    rng, answers = generator(), {}
    for paired, streams in ((False, setting.unpaired), (True, setting.pairs)):
        x, y = sample(*(Rows(name, rows) for name, rows in streams.items()), rng)
        needed, ceiling = rule.interval(x, y, setting.target, rng, paired=paired)
        assert needed.low <= outcome <= needed.high
        answers[paired] = needed.high / needed.low
    assert x.sparse is (kind == "codes")
    assert ceiling == pytest.approx(r_squared_of(setting, 2048), abs=0.02)
    assert answers[True] < answers[False]


def test_paired_files(folder, capsys):
    np.save("y.npy", rows(0) @ generator(5).standard_normal((D, 3)) + generator(6).standard_normal((N, 3)))
    assert main(["anchors", "x.npy", "y.npy", "-t", "0.5", "--paired", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["paired"]
    x, y = np.load("x.npy"), np.load("y.npy")
    assert list(found["needed"].values()) == interval(x, y, 0.5, paired=True)
    assert found["ceiling"] == pytest.approx(LinearRegression().fit(x, y).score(x, y), abs=0.1)
    assert found["notes"] == [
        "x has rank 4 and y 3: whether their whitened laws agree was not tested.",
        "The rows are taken as pairs: what x says of y is measured, not drawn.",
    ]


def test_paired_rows_in_another_order_say_nothing():
    X = rows(0)
    found = ask(X, X[generator().permutation(N)], paired=True)
    assert found.ceiling < 0.1
    assert found.needed.low == float("inf")
    assert not found.laws["helps"]
    assert found.failed == [f"a target below what all pairs give, {found.ceiling:.2f}: 0.6 is asked for"]


def test_out_of_reach_in_words(folder, capsys):
    np.save("z.npy", rows(0)[::-1])
    assert main(["anchors", "x.npy", "z.npy", "--paired"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "R² = 0.8 by ridge regression of y on x is out of reach of any number of pairs; ask for less"
    assert out[2].startswith("Can losses of laws help? no: all pairs together fall short")
    assert main(["anchors", "x.npy", "y.npy", "-t", "0.99999", "--out", "o"]) == 0
    assert "is out of reach" in capsys.readouterr().out
    assert json.loads((folder / "o" / "anchors.json").read_text())["needed"] == {
        "low": None,
        "median": None,
        "high": None,
    }
    for target, words in (("0.9", r"about \d+"), ("0.98", "an unknown number of")):
        assert main(["anchors", "x.npy", "y.npy", "-t", target, "--out", "o"]) == 0
        assert re.search(rf"needs {words} pairs \(90 % interval: \d+ or more\)", capsys.readouterr().out)


def test_unequal_lengths_are_answered_and_pairs_are_noticed(capsys):
    assert ask(rows(0), rows(1, n=211)).notes == []
    assert ask(rows(0), rows(1)).notes == []
    assert ask(rows(0), rows(0) * 2).notes == [
        "The rows look like pairs, which was not used: if they are, add --paired."
    ]


def test_many_columns_are_compared_by_gram_matrices():
    X = generator().standard_normal((60, 5000))
    assert look_paired(X, X + generator(1).standard_normal((60, 5000)), generator(2))
    assert not look_paired(X, generator(1).standard_normal((60, 5000)), generator(2))


# Invariances: rows that are all taken


@pytest.mark.parametrize("kind", ["unpaired", "paired"])
def test_bases_units_and_origins_do_not_matter(kind):
    X, Y = rows(0), rows(0) @ generator(5).standard_normal((D, 3)) + generator(6).standard_normal((N, 3))
    Q = np.linalg.qr(generator(7).standard_normal((D, D)))[0]
    R = np.linalg.qr(generator(8).standard_normal((3, 3)))[0]
    first = interval(X, Y, 0.4, paired=kind == "paired")
    order = generator(9).permutation(N)
    for x, y in ((X @ Q, Y), (X, 7 * Y), (X, Y @ R), (0.1 * X - 5, Y + 2), (X[order], Y[order])):
        assert interval(x, y, 0.4, paired=kind == "paired") == pytest.approx(first, rel=1e-6)
    assert interval(X @ np.diag([1, 1, 1, 9]), Y, 0.4, paired=kind == "paired") != pytest.approx(first, rel=1e-2)


def test_the_pairing_is_read_only_if_it_is_asked_for():
    X, Y = rows(0), rows(0) @ generator(5).standard_normal((D, 3))
    order = generator(9).permutation(N)
    assert interval(X, Y[order]) == pytest.approx(interval(X, Y), rel=1e-6)
    assert interval(X[order], Y) == pytest.approx(interval(X, Y), rel=1e-6)
    assert interval(X, Y[order], paired=True) != pytest.approx(interval(X, Y, paired=True), rel=1e-2)


def test_codes_do_not_depend_on_orders_or_units():
    X, Y = codes(0), codes(1)
    first = interval(X, Y)
    for y in (Y[::-1], Y[:, ::-1], 5 * Y):
        assert interval(X, y) == pytest.approx(first, rel=1e-6)
    dead = np.insert(Y, 3, 0.0, axis=1)
    assert interval(np.insert(X, 0, 0.0, axis=1), dead) == pytest.approx(first, rel=1e-6)


# Hypotheses and laws


def names(found):
    return [line.split(":")[0] for line in found]


def failing(x, y):
    x, y = rule.Stream("x", x), rule.Stream("y", y)
    return (rule.codes if x.sparse else rule.rows).failures(x, y)


def test_hypotheses_that_fail_are_named():
    X = generator(0).standard_normal((900, 6))
    sphere = generator(1).standard_normal((900, 6))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    assert failing(X, generator(3).standard_normal((900, 6))) == []
    assert names(failing(X, sphere)) == ["equal whitened laws"]
    assert names(failing(X[:, :3], X)) == ["y = xA"]
    assert names(failing(X, X[:, :3])) == []
    assert names(failing(X[:50], X)) == ["enough rows"]
    assert names(failing(codes(0), codes(1, rates=(0.1,) * 13))) == ["a permutation of the atoms"]
    (other,) = failing(codes(0), codes(1, rates=(0.1,) * 11 + (0.45,)))
    assert re.fullmatch(r"a permutation of the atoms: .* number 11 fires at 0\.1\d+ in x and at 0\.4\d+ in y", other)


def test_more_directions_in_y_are_out_of_reach():
    found = ask(generator(0).standard_normal((300, 3)), generator(3).standard_normal((300, 6)))
    assert found.sizes == {"rank": [3, 6]}
    assert re.fullmatch(
        r"y = xA: y has rank 6 and x 3, so 4\d% of the variance of y is out of reach of x", *found.failed
    )
    assert found.needed.low == float("inf")


def test_few_rows_of_many_gaussian_dimensions_are_no_other_law():
    """Whitening by few rows shortens them; n + 1 over n − 1 undoes it."""
    X = generator(0).standard_normal((5000, 100))
    assert failing(X[:1000], X[1000:]) == []


def test_laws():
    gaussian = ask(rows(0), rows(1)).laws
    assert (gaussian["helps"], gaussian["components_help"], gaussian["gaussian"]) == (False, False, D)
    skewed = ask(*(rows(s, 2000, 8, "exponential") for s in (0, 1)), 0.8).laws
    assert (skewed["helps"], skewed["components_help"], skewed["gaussian"], skewed["pairs"]) == (True, True, 0, 1.0)
    assert skewed["text"].startswith("yes: laws matched exactly would need 1 pair, as 8 of 8")
    exchangeable = ask(codes(0), codes(1)).laws
    assert (exchangeable["helps"], exchangeable["told"]) == (False, 0.0)
    rates = np.linspace(0.02, 0.6, 8)
    different = ask(codes(0, 8000, rates), codes(1, 8000, rates)).laws
    assert (different["helps"], different["told"], different["atoms"]) == (True, 1.0, 8)


def test_laws_that_slices_do_not_see():
    found = ask(*(rows(s, 800, 24, "exponential") for s in (0, 1)), 0.5, ceiling=1.0).laws
    assert (found["helps"], found["components_help"]) == (False, True)
    assert found["text"].startswith("not through random slices: random slices of 400 rows notice")


def test_laws_that_differ_make_no_promise():
    x, y = rows(0, 2000, 8, "exponential"), rows(1, 2000, 8)
    y = np.sign(y) * np.abs(y) ** 3
    assert names(failing(x, y)) == ["equal whitened laws"]
    found = ask(x, y, 0.8).laws
    assert (found["helps"], found["components_help"]) == (None, None)
    assert found["text"].endswith("the whitened laws of x and y differ, so that they cannot be matched exactly")
    fewer = ask(rows(0, 2000, 8, "exponential"), rows(1, 2000, 7, "exponential"), 0.8).laws
    assert fewer["components_help"] is None


def test_too_many_dimensions_are_not_counted(monkeypatch):
    monkeypatch.setattr("nonlinear.components.WIDEST", 3)
    found = ask(rows(0), rows(1)).laws
    assert (found["helps"], found["components_help"], found["gaussian"]) == (False, None, None)
    assert "4 dimensions are too many" in found["text"]


# Input


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32])
def test_types(folder, dtype, capsys):
    X = (100 * rows(0)).astype(dtype)
    np.save("x.npy", X)
    assert interval(X, X) == pytest.approx(interval(X.astype(float), X), rel=1e-12)
    assert main(["anchors", "x.npy", "y.npy"]) == 0


def test_bfloat16(folder, capsys):
    save_file({"k": torch.from_numpy(rows(0)).bfloat16()}, "x.safetensors")
    assert main(["anchors", "x.safetensors:k", "y.npy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["needed"]["median"] == pytest.approx(ask(rows(0), rows(1), 0.8).needed.median, rel=0.05)


def test_constant_columns_count_for_nothing():
    X, Y = rows(0), rows(1)
    wider = np.insert(X, 2, 5.5, axis=1)
    assert interval(wider, np.insert(Y, 0, -0.1, axis=1)) == pytest.approx(interval(X, Y), rel=1e-6)
    assert ask(wider, Y).sizes == {"rank": [D, D]}


def test_more_columns_than_rows():
    X = generator().standard_normal((40, 100))
    found = ask(X, X[::-1])
    assert found.sizes == {"rank": [39, 39]}
    assert names(found.failed) == ["enough rows", "enough rows"]
    assert found.needed.low > 10
    assert found.laws["components_help"] is None
    with pytest.raises(InputError, match=r"^40 pairs explain anything by the 39 dimensions of x; pass more rows"):
        ask(X, X, paired=True)


def test_a_feature_that_one_row_shows_is_no_trouble():
    X = rows(0)
    X[:, 1] = 0
    X[7, 1] = 1.0
    assert ask(X, rows(1)).laws["text"]


def test_wide_files_need_no_square_matrix():
    X = generator().standard_normal((25, 4000))
    tracemalloc.start()
    stream = rule.Stream("x", X)
    assert stream.rank == 24
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * X.nbytes < 8 * 4000**2
    assert np.allclose(stream.whitened.T @ stream.whitened / 25, np.eye(24))


def test_unrelated_pairs_explain_nothing():
    """Two hundred rows of 20 dimensions explain a tenth of anything; the adjustment takes it away."""
    X, Y = generator(0).standard_normal((200, 20)), generator(1).standard_normal((200, 20))
    shares = rule.rows.explained(rule.Stream("x", X), rule.Stream("y", Y))
    assert shares.sum() < 0.03 < 0.07 < LinearRegression().fit(X, Y).score(X, Y)


def test_one_column():
    found = ask(rows(0, d=1), rows(1, d=1), 0.5, ceiling=1.0)
    assert found.sizes == {"rank": [1, 1]}
    assert 1 <= found.needed.low <= found.needed.high < 4


def test_large_files_are_sampled(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    taken = []
    original = Rows.take
    monkeypatch.setattr(Rows, "take", lambda self, chosen: taken.append(chosen) or original(self, chosen))
    x, y = sample(Rows("x", rows(0)), Rows("y", rows(1, n=90)), generator())
    assert (len(x.rows), len(y.rows)) == (100, 90)
    assert len(set(taken[0])) == 100
    sample(Rows("x", rows(0)), Rows("y", rows(1)), generator())
    assert np.array_equal(taken[2], taken[3])  # of as many rows the same ones, which may be pairs
    monkeypatch.setattr(module, "MOST_NUMBERS", 50 * 8)
    x, y = sample(Rows("x", rows(0)), Rows("y", rows(1, d=8)), generator())
    assert len(x.rows) == len(y.rows) == 50  # the wider file decides
    assert interval(rows(0), rows(1), seed=1) != interval(rows(0), rows(1), seed=2)


def test_progress_is_reported():
    seen = []
    ask(rows(0), rows(1), on_progress=lambda text, share: seen.append((text, share)))
    assert [*dict.fromkeys(text for text, _ in seen)] == [
        "rows",
        "spectra",
        "rotations of x",
        "components of x",
        "rotations of y",
        "components of y",
    ]
    assert all(share is None or 0 < share <= 1 for _, share in seen)


def with_value(value):
    X = rows(0)
    X[7, 2] = value
    return X


BAD = {
    "missing file": (["x.npy", "none.npy"], "none.npy does not exist"),
    "NaN": (["nan.npy", "y.npy"], "nan.npy has nan at row 7, column 2"),
    "infinity": (["x.npy", "inf.npy"], "inf.npy has inf at row 7, column 2"),
    "pickle": (["pickled.npy", "y.npy"], "pickled Python objects"),
    "one column list": (["flat.npy", "y.npy"], "reshape it to two dimensions"),
    "codes beside rows": (["a.npy", "y.npy"], "a.npy holds sparse codes and y.npy does not"),
    "rows beside codes": (["x.npy", "b.npy"], "b.npy holds sparse codes and x.npy does not"),
    "target 0": (["x.npy", "y.npy", "-t", "0"], "target 0 is not between 0 and 1"),
    "target 1": (["x.npy", "y.npy", "-t", "1"], "target 1 is not between 0 and 1"),
    "target nan": (["x.npy", "y.npy", "-t", "nan"], "target nan is not between 0 and 1"),
    "no number": (["x.npy", "y.npy", "-t", "much"], "'--target'"),
    "ceiling below the target": (["x.npy", "y.npy", "--ceiling", "0.8"], "ceiling 0.8 is not between the target 0.8"),
    "ceiling above 1": (["x.npy", "y.npy", "--ceiling", "1.1"], "ceiling 1.1 is not between"),
    "ceiling of pairs": (["x.npy", "y.npy", "--ceiling", "0.9", "--paired"], "pass no ceiling"),
    "pairs of unequal lengths": (
        ["x.npy", "short.npy", "--paired"],
        "short.npy has 25; --paired needs the same points",
    ),
    "few rows": (["x.npy", "few.npy"], "few.npy has 19 rows; at least 20"),
    "constant rows": (["same.npy", "y.npy"], "the rows of same.npy are all the same"),
    "negative seed": (["x.npy", "y.npy", "--seed", "-1"], "--seed -1 is negative"),
    "one file": (["x.npy"], "Y"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_line(folder, capsys, case):
    np.save("nan.npy", with_value(np.nan))
    np.save("inf.npy", with_value(np.inf))
    np.save("pickled.npy", np.array([[None] * D] * N), allow_pickle=True)
    np.save("flat.npy", np.ones(N))
    np.save("short.npy", rows(1, n=25))
    np.save("few.npy", rows(1, n=19))
    np.save("same.npy", np.ones((N, D)))
    before = contents(folder)
    arguments, message = BAD[case]
    fails_in_one_line(capsys, ["anchors", *arguments, "--out", "new/o"], message)
    assert contents(folder) == before


def test_brackets_in_names_are_printed(folder, capsys):
    np.save("[bold]x[0].npy", rows(0, n=30))
    assert main(["anchors", "[bold]x[0].npy", "y.npy"]) == 0
    assert "enough rows: [bold]x[0].npy has 30 for rank 4" in capsys.readouterr().out
