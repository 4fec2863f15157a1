"""The command that scores coders: journeys, kills, somebody else's coders, and everything wrong."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_digits

from nonlinear.config import Config as Training
from nonlinear.intervench import benchmark, parts
from nonlinear.intervench.coders import joint_of_model, of_model
from nonlinear.intervench.config import Config
from nonlinear.intervench.planted import planted
from nonlinear.model import load
from nonlinear.train import train
from proofs_check.cli import main

from .test_cli import contents, fails_in_one_line, saved
from .test_intervench_shown import SHIPPED, valid

ROOT = Path(__file__).parents[2]
N = 300
DATA = planted(N, 0)
ROWS = {s: rows.array for s, rows in DATA.sources.items()}
CLASSES = np.array([f"class {c}" for c in DATA.labels["A"]])
FORGET = DATA.forget["A"]
TINY = {"n_atoms": 40, "sparsity": 6, "batch": 64, "steps": 40, "threads": 1, "n_slices": 8}
FIELDS = {"subsets": 1, "resamples": 20, "budgets": [1, 5], "counts": [2]}
FAST = [w for name, value in FIELDS.items() for w in ("--set", f"{name}={json.dumps(value)}")]
TRAINED_ON = "these are the rows that the run was trained on: score rows that it has not seen"
RESULTS = ["intervench.csv", "intervench.json", "intervench.png"]
SCORE = ["intervench", "run", "a.npy", "b.npy", "--labels", "y.npy", *FAST, "--out", "s"]
TOLD = ["intervench", "told", "A=a.npy", "B=b.npy", "--labels", "y.npy", *FAST, "--no-baselines", "--out", "s"]
# Accuracy that latent probes of SAELens's SAEs need on their own halves, 20 atoms per class; fixed beforehand.
LEAST = 0.5

MINE = """
from pathlib import Path

import numpy as np


class Coder:
    def __init__(self, D):
        self.dictionary = D

    def encode(self, X):
        Z = X @ self.dictionary.T
        return Z * (Z > 0.2)

    def decode(self, Z):
        return Z @ self.dictionary


class Dead(Coder):
    def encode(self, X):
        return np.zeros((len(X), len(self.dictionary)))


class NaN(Coder):
    def encode(self, X):
        return np.full((len(X), len(self.dictionary)), np.nan)


class NaNLater(Coder):
    def encode(self, X):  # only where rows are translations
        return super().encode(X) * (np.nan if len(X) == 60 and not hasattr(self, "seen") else 1)


class NoDecode:
    def __init__(self, D):
        self.dictionary, self.encode = D, None


class Breaks(Coder):
    def encode(self, X):
        raise RuntimeError("no encoder today")


class Words(Coder):
    def encode(self, X):
        return np.full((len(X), len(self.dictionary)), "code")


class Narrow(Coder):
    def encode(self, X):
        return super().encode(X)[:, 1:]


class Bent(Coder):
    def decode(self, Z):
        return np.tanh(Z @ self.dictionary)


def load(run, names, kind=Coder):
    return {n: kind(np.load(Path(run) / f"{n}.npy")) for n in names}


def some(run, names):
    return load(run, names[:1])


def listed(run, names):
    return list(load(run, names).values())


def raises(run, names):
    return load(run, ["gone"])


def refuses(run, names):
    raise ValueError("this run is none of mine; pass another")


uneven = lambda run, names: {n: Coder(c.dictionary[: 40 + i]) for i, (n, c) in enumerate(load(run, names).items())}
dead, nan, no_decode, breaks, words, narrow, bent = (
    lambda run, names, kind=kind: load(run, names, kind) for kind in (Dead, NaN, NoDecode, Breaks, Words, Narrow, Bent)
)
"""


@pytest.fixture(scope="module")
def cosae(tmp_path_factory):
    """Folder of a run, trained once."""
    out = tmp_path_factory.mktemp("cosae") / "run"
    train(Training(system="cosae", **TINY), DATA.sources, None, out)
    return out


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Working folder with planted rows, labels, and an adapter whose run is a folder of dictionaries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    (tmp_path / "told").mkdir()
    for s, coder in DATA.coders.items():
        saved(tmp_path / f"{s.lower()}.npy", ROWS[s])
        saved(tmp_path / "told" / f"{s}.npy", coder.dictionary)
    saved(tmp_path / "y.npy", CLASSES)
    saved(tmp_path / "f.npy", FORGET)
    (tmp_path / "mine.py").write_text(MINE)
    yield tmp_path
    sys.modules.pop("mine", None)


@pytest.fixture
def run(folder, cosae):
    (folder / "run").symlink_to(cosae)
    return folder / "run"


@pytest.fixture
def sketched(monkeypatch):
    """Figures are empty files, which takes no time."""
    monkeypatch.setattr("proofs_check.figures.intervench.draw", lambda found, path: Path(path).touch())


def does(capsys, *words):
    """Run a command that has to succeed and say nothing on stderr; return its stdout."""
    assert main([str(w) for w in words]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def written(out="s"):
    return json.loads((Path(out) / "intervench.json").read_text(), parse_constant=pytest.fail)


# Journeys


def test_a_newcomer_trains_and_scores(folder, capsys):
    words = [w for k, v in TINY.items() for w in ("--set", f"{k}={v}")]
    does(capsys, "train", "cosae", "A=a.npy", "B=b.npy", "--out", "run", *words)
    score = [*SCORE, "--forget", "f.npy"]
    shown = does(capsys, *score)
    assert contents(folder / "s") == RESULTS
    found = written()
    assert valid(SHIPPED, found)

    config, coders = Config(**FIELDS), of_model(load(folder / "run"))
    expected = benchmark.intervench(DATA.sources, coders, CLASSES, config, forget=FORGET, baselines=False)
    inputs = found.pop("inputs")
    assert found.pop("warnings") == [*expected.pop("warnings"), TRAINED_ON]
    assert found | {"baselines": {}} == json.loads(json.dumps(expected))
    assert inputs == {
        "run": "run", "adapter": None, "system": "cosae", "seed_of_run": 0, "files": {"A": "a.npy", "B": "b.npy"},
        "labels": ["y.npy"], "forget": ["f.npy"],
    }  # fmt: skip

    for name, score in found["aggregates"].items():
        (line,) = (line for line in shown.splitlines() if f"{name}," in line)
        cells = [c.strip(" │|") for c in line.strip(" │|").split("│")[1:]]
        beside = [found["baselines"][b]["aggregates"][name] for b in ("identity", "pca", "random")]
        assert cells[0] == f"{score['value']:.2f}"
        assert cells[1] == "{:.2f} to {:.2f}".format(*score["ci"])
        assert cells[2:] == [f"{v:.2f}" for v in beside]

    lines = list(csv.DictReader(io.StringIO((folder / "s" / "intervench.csv").read_text())))
    assert len(lines) == len(found["metrics"]) * 4
    for line in lines:
        name = line["metric"] + (f"/{line['space']}" if line["space"] else "")
        entry = found["metrics"][name][line["i"]][line["j"]]
        assert [line["raw"], line["gated"], line["status"]] == [
            "" if entry["raw"] is None else str(entry["raw"]), str(entry["gated"]), entry["status"],
        ]  # fmt: skip
        assert [line["low"], line["high"]] == [str(v) for v in entry["ci"] or ("", "")]
    assert (folder / "s" / "intervench.png").read_bytes().startswith(b"\x89PNG")


def test_json_alone_on_stdout(run, sketched, capsys):
    printed = does(capsys, *SCORE, "--no-baselines", "--json")
    assert json.loads(printed, parse_constant=pytest.fail) == written()
    assert written()["baselines"] == written()["scr"] == {}
    assert "unlearning/latent" not in written()["metrics"]


def test_labels_of_each_stream_in_the_order_of_the_files(run, sketched, capsys):
    swapped = np.array(["class 1", "class 0", *CLASSES])[
        np.where(DATA.labels["A"] < 2, DATA.labels["A"], np.arange(N) + 2)
    ]
    saved("y2.npy", swapped)
    words = "intervench", "run", "B=b.npy", "A=a.npy", "--labels", "y2.npy", "--labels", "y.npy", *FAST, "--out", "s"
    found = json.loads(does(capsys, *words, "--no-baselines", "--json"))
    classes, coders = {"A": CLASSES, "B": swapped}, of_model(load(run))
    expected = benchmark.intervench(DATA.sources, coders, classes, Config(**FIELDS), baselines=False)
    assert found.pop("inputs")["files"] == {"A": "a.npy", "B": "b.npy"}
    assert found.pop("warnings") == [*expected.pop("warnings"), TRAINED_ON]
    assert found == json.loads(json.dumps(expected))


def test_rows_that_the_run_has_not_seen_are_no_warning(folder, run, capsys):
    fresh = planted(N, 7)
    for s in "AB":
        saved(f"fresh-{s}.npy", fresh.sources[s].array)
    saved("classes.npy", fresh.labels["A"])
    words = "intervench", "run", "fresh-A.npy", "fresh-B.npy", "--labels", "classes.npy", *FAST, "--out", "s"
    assert TRAINED_ON not in json.loads(does(capsys, *words, "--no-baselines", "--json"))["warnings"]


def test_runs_on_rows_of_norm_1_are_refused(folder, capsys):
    train(Training(system="sae", normalise="unit", **TINY | {"steps": 5}), DATA.sources, None, folder / "run")
    fails_in_one_line(capsys, [*SCORE, "--no-baselines"], "the run scales rows to norm 1")


def test_shared_codes_and_one_of_the_seeds(folder, sketched, capsys):
    model = train(
        Training(system="crosscoder", **TINY | {"seeds": (3, 5), "steps": 10}), DATA.sources, None, folder / "run"
    )
    words = [*SCORE, "--no-baselines", "--seed-of-run", "5", "--json"]
    found = [json.loads(does(capsys, *words, "--codes", c)) for c in ("shared", "standalone")]
    expected = benchmark.intervench(
        DATA.sources, of_model(model, 1), CLASSES, Config(**FIELDS), joint=joint_of_model(model, 1), baselines=False
    )
    assert found[0].pop("inputs")["seed_of_run"] == 5
    assert found[0].pop("warnings") == [*expected.pop("warnings"), TRAINED_ON]
    assert found[0] == json.loads(json.dumps(expected))
    assert [d["codes"] for d in found] == ["shared", "standalone"]
    assert found[0]["metrics"]["r2"] != found[1]["metrics"]["r2"]


def test_saes_of_another_library(folder, capsys, monkeypatch):
    """SAELens's two, by the adapter that users copy, found in the current folder."""
    monkeypatch.delitem(sys.modules, "my_saes", raising=False)
    (folder / "my_saes.py").write_text((ROOT / "tests" / "adapters" / "saelens.py").read_text())
    images, y = load_digits(return_X_y=True)
    for name, half in {"left": slice(0, 4), "right": slice(4, 8)}.items():
        saved(folder / f"{name}.npy", images.reshape(-1, 8, 8)[:, :, half].reshape(-1, 32))
    saved(folder / "y.npy", y)
    saes, path = ROOT / "tests" / "data" / "saelens", list(sys.path)
    words = ["--set", "budgets=[5,20]", "--set", "counts=[2]", "--set", "subsets=1", "--no-baselines", "--out", "s"]
    shown = does(
        capsys, "intervench", saes, "left.npy", "right.npy", "--adapter", "my_saes:load", "--labels", "y.npy", *words
    )
    del sys.modules["my_saes"]
    assert sys.path == path
    found = written()
    assert f"{found['aggregates']['S_ext']['value']:.2f}" in shown
    assert all(found["curves"]["latent"][s][s]["20"] > LEAST for s in ("left", "right"))
    assert [found["domains"][s]["atoms"] for s in ("left", "right")] == [128, 128]
    assert found["inputs"]["adapter"] == "my_saes:load"
    assert found["inputs"]["system"] is None


def test_planted_coders_get_the_known_answer(folder, sketched, capsys):
    """The coders that know their atoms: InterVench's first row, all at least .95; one stream has extraction alone."""
    found = json.loads(does(capsys, *TOLD, "--adapter", "mine:load", "--json"))
    metrics = {name: found["metrics"][name]["A"]["B"]["gated"] for name in ("r2", "probe/latent", "probe/concept")}
    assert min(metrics.values()) >= 0.95
    words = [w for w in TOLD if w != "B=b.npy"]
    alone = json.loads(does(capsys, *words, "--adapter", "mine:load", "--json"))
    assert list(alone["aggregates"]) == ["S_ext"]
    assert alone["metrics"]["r2"]["A"]["A"] == found["metrics"]["r2"]["A"]["A"]


def test_dead_coders_are_scored_and_said_to_be_dead(folder, sketched, capsys):
    shown = does(capsys, *TOLD, "--adapter", "mine:dead")
    found = written()
    assert all(d["dead"] == 1 and d["l0"] == 0 for d in found["domains"].values())
    assert len(found["warnings"]) == 2
    assert all(" ".join(w.split()) in " ".join(shown.split()) for w in found["warnings"])
    assert found["metrics"]["tpp/concept"]["A"]["B"]["status"] == "undefined"


# Kill and go on


def stopped(monkeypatch, at, number):
    """Progress that sends a signal to its own process at the given stage."""

    @contextmanager
    def progress():
        calls = []

        def moved(text, share):
            calls.append(text)
            if len([c for c in calls if ": " in c]) == at:
                calls.clear()
                signal.raise_signal(number)

        yield moved

    monkeypatch.setattr("proofs_check.progress.progress", progress)


@pytest.fixture(autouse=True)
def _interruptible():
    """A shell that starts a job in the background may have it ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole():
    """Files of a run that was not stopped, and how many stages it had; empty until a test has made one."""
    return {}


@pytest.mark.parametrize(("at", "number", "code"), [(2, signal.SIGINT, 130), (9, signal.SIGTERM, 143)])
def test_what_is_stopped_goes_on_to_the_same_numbers(folder, sketched, capsys, monkeypatch, whole, at, number, code):
    words = [*TOLD, "--adapter", "mine:load", "--forget", "f.npy"]
    done, replace = [], parts.replace
    monkeypatch.setattr(parts, "replace", lambda path, content: (done.append(path), replace(path, content)))
    if not whole:
        does(capsys, *words)
        whole |= {name: (folder / "s" / name).read_bytes() for name in RESULTS} | {"stages": len(done)}
    words[words.index("s")] = "t"
    with monkeypatch.context() as patched:
        stopped(patched, at, number)
        if number == signal.SIGTERM:
            with pytest.raises(SystemExit) as ended:
                main(words)
            assert ended.value.code == code
        else:
            assert main(words) == code
    capsys.readouterr()
    kept = contents(folder / "t")
    assert len(kept) == at  # the folder of parts, and one file for each stage that is done
    assert not set(RESULTS) & set(kept)
    (folder / "t" / "unfinished" / ".unfinished-x").write_bytes(b"half")  # by a process that was killed outright
    done.clear()
    does(capsys, *words)
    assert len(done) == whole["stages"] - (at - 1)
    assert contents(folder / "t") == RESULTS
    assert all((folder / "t" / name).read_bytes() == whole[name] for name in RESULTS)


def test_other_settings_do_not_go_on_from_these_stages(folder, sketched, capsys, monkeypatch):
    words, computed, replace = [*TOLD, "--adapter", "mine:load"], [], parts.replace
    (folder / "s").mkdir()
    (folder / "s" / "intervench.json").write_text("old")
    with monkeypatch.context() as patched:
        stopped(patched, 6, signal.SIGINT)
        assert main(words) == 130
    capsys.readouterr()
    assert (folder / "s" / "intervench.json").read_text() == "old"  # until there are new ones
    monkeypatch.setattr(parts, "replace", lambda path, content: (computed.append(path), replace(path, content)))
    found = json.loads(does(capsys, *words, "--seed", "1", "--json"))
    expected = benchmark.intervench(
        DATA.sources, DATA.coders, CLASSES, Config(seed=1, **FIELDS), baselines=False, parts=folder / "other"
    )
    assert found["aggregates"] == expected["aggregates"]
    assert len(computed) % 2 == 0
    assert {p.name for p in computed[: len(computed) // 2]} == {p.name for p in computed[len(computed) // 2 :]}
    assert contents(folder / "s") == RESULTS


def test_a_full_disk_keeps_the_stages(folder, sketched, capsys, monkeypatch):
    words, calls, replace = [*TOLD, "--adapter", "mine:load"], [], parts.replace

    def full(path, content):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        replace(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(parts, "replace", full)
        fails_in_one_line(capsys, words, "the disk is full; make room, and the same command goes on")
    assert len(contents(folder / "s")) == 3
    does(capsys, *words)
    assert contents(folder / "s") == RESULTS


# Everything wrong

# Name → (arguments after the good ones, what the line has to say); an option given again replaces what was there.
BAD = {
    "another length": (["--labels", "few.npy"], "labels have shape (7,) and stream 'A' has 300 rows"),
    "one class": (["--labels", "one.npy"], "labels have a single class, 0"),
    "few rows": (["--labels", "rare.npy"], "class 1 has 1 rows of 'A' among the fit rows"),
    "fractions": (["--labels", "real.npy"], "labels have dtype float64"),
    "columns": (["--labels", "columns.npy"], "labels have shape (300, 2)"),
    "objects": (["--labels", "objects.npy"], "objects.npy holds Python objects; save text as array.astype(str)"),
    "an archive": (["--labels", "archive.npz"], "archive.npz is an archive"),
    "no labels file": (["--labels", "gone.npy"], "gone.npy does not exist"),
    "text as labels": (["--labels", "mine.py"], "mine.py is no readable .npy file"),
    "labels thrice": (["--labels", "y.npy", "--labels", "y.npy", "--labels", "y.npy"], "3 --labels for 2 streams"),
    "forget is the label": (["--forget", "y.npy"], "the forget attribute is the label itself"),
    "forget one value": (["--forget", "one.npy"], "the forget attribute has a single value"),
    "forget another length": (["--forget", "few.npy"], "forget have shape (7,)"),
    "unknown field": (["--set", "headlin=5"], "unknown field 'headlin'; known: seed, validation"),
    "no field": (["--set", "headline"], "--set headline is not FIELD=VALUE"),
    "field out of range": (["--set", "gate=2"], "gate: input should be less than or equal to 1, not 2"),
    "fields that contradict": (["--set", "headline=7"], "headline 7 is none of the budgets (1, 5); add it to them"),
    "negative seed": (["--seed", "-1"], "seed: input should be greater than or equal to 0, not -1"),
    "codes": (["--codes", "both"], "--codes both is neither standalone nor shared"),
    "shared codes of an adapter": (["--codes", "shared"], "--codes shared and --seed-of-run are for runs of train"),
    "seed of an adapter": (["--seed-of-run", "0"], "--codes shared and --seed-of-run are for runs of train"),
    "no module": (["--adapter", "nobody:load"], "adapter 'nobody' cannot be imported (No module named 'nobody')"),
    "no function": (["--adapter", "mine:lode"], "mine has no function 'lode'"),
    "no colon": (["--adapter", "mine"], "adapter 'mine' is not module:function; write mine:load, say"),
    "a file": (["--adapter", "my/mine.py:dead"], "is not module:function; write mine:dead, say"),
    "no name": (["--adapter", ":load"], "adapter ':load' is not module:function"),
    "a module that breaks": (["--adapter", "broken:load"], "broken:load: ZeroDivisionError: division by zero (broken"),
    "a coder short": (["--adapter", "mine:some"], "adapter mine:some returns no coder for B; its names are A"),
    "no mapping": (["--adapter", "mine:listed"], "adapter mine:listed returns list; return a mapping"),
    "raises": (["--adapter", "mine:raises"], "adapter mine:raises: FileNotFoundError: [Errno 2] No such file"),
    "refuses": (["--adapter", "mine:refuses"], "adapter mine:refuses: this run is none of mine; pass another (mine.py"),
    "a method short": (["--adapter", "mine:no_decode"], "the coder of 'A' has no decode; see nonlinear.intervench"),
    "breaks": (["--adapter", "mine:breaks"], "mine:breaks, stream A: encode: RuntimeError: no encoder today (mine.py"),
    "NaN codes": (["--adapter", "mine:nan"], "encode of 'A' gives NaN or infinite codes"),
    "words": (["--adapter", "mine:words"], "stream A: encode gives dtype <U4; give a NumPy array of real numbers"),
    "narrow codes": (["--adapter", "mine:narrow"], "encode of 'A' gives shape (180, 51); give [n, 52]"),
    "bent": (["--adapter", "mine:bent"], "decode of 'A' is not Z·dictionary + decode(0)"),
    "uneven": (["--adapter", "mine:uneven"], "the dictionaries have 40 and 41 atoms"),
}  # fmt: skip
# Name → (all arguments before --out, what the line has to say).
RUNS = {
    "unpaired": (["run", "a.npy", "short.npy"], "the streams have unequal numbers of rows (A 300, B 200); scores"),
    "widths": (["run", "a.npy", "narrow.npy"], "the streams are {'A': 64, 'B': 9} wide, those of the run {'A': 64, "),
    "one file": (["run", "a.npy"], "the run has streams A, B and got 1 files"),
    "unknown stream": (["run", "a.npy", "C=b.npy"], "unknown stream 'C'; the run has A, B"),
    "missing file": (["run", "a.npy", "gone.npy"], "gone.npy does not exist"),
    "NaN row": (["run", "a.npy", "nan.npy"], "nan.npy has nan at row 3, column 1"),
    "no run": (["told", "a.npy", "b.npy"], "told has no checkpoint.safetensors; pass the folder"),
    "another seed": (["run", "a.npy", "b.npy", "--seed-of-run", "4"], "the run has seeds 0, not 4"),
    "no shared codes": (["run", "a.npy", "b.npy", "--codes", "shared"], "a code of cosae sees one stream alone"),
    "transcoder": (["one_way", "a.npy", "b.npy"], "transcoder does not encode and decode every stream"),
    "no labels": (["run", "a.npy", "b.npy"], "Missing option '--labels'"),
}  # fmt: skip


@pytest.fixture
def bad(folder):
    B = ROWS["B"].copy()
    B[3, 1] = np.nan
    arrays = {
        "few": np.arange(7), "one": np.zeros(N, int), "rare": np.arange(N) < 1, "real": FORGET + 0.5, "nan": B,
        "columns": np.stack([FORGET] * 2, 1), "short": ROWS["B"][:200], "narrow": ROWS["B"][:, :9],
    }  # fmt: skip
    arrays["rare"] = (np.arange(N) < 1).astype(int)
    for name, array in arrays.items():
        saved(folder / f"{name}.npy", array)
    saved(folder / "objects.npy", CLASSES.astype(object), allow_pickle=True)
    np.savez(folder / "archive.npz", CLASSES)
    (folder / "broken.py").write_text("1 / 0\n")
    sys.modules.pop("broken", None)
    return folder


def replaced(words, more):
    """Words in which an option that is given again replaces the earlier one."""
    words = list(words)
    for option in {w for w in more if w in ("--labels", "--adapter")}:
        at = words.index(option)
        del words[at : at + 2]
    return [*words, *more]


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_line_and_leaves_nothing(bad, capsys, monkeypatch, case):
    more, word = BAD[case]
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before, path = contents(bad), list(sys.path)
    fails_in_one_line(capsys, replaced([*TOLD, "--adapter", "mine:load"], more), word)
    assert contents(bad) == before
    assert sys.path == path


@pytest.mark.parametrize("case", RUNS)
def test_a_run_that_does_not_fit_ends_in_one_line(bad, run, capsys, case):
    more, word = RUNS[case]
    if case == "transcoder":
        train(Training(system="transcoder", **TINY | {"steps": 2}), DATA.sources, None, bad / "one_way")
    before = contents(bad)
    labels = [] if case == "no labels" else ["--labels", "y.npy"]
    fails_in_one_line(capsys, ["intervench", *more, *labels, *FAST, "--out", "new/s"], word)
    assert contents(bad) == before


def test_codes_that_are_wrong_after_a_while_leave_nothing_either(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(
        benchmark.stages, "reconstruction", lambda bench: bench.domains["A"].folded(np.full((1, 52), np.nan))
    )
    before = contents(folder)
    fails_in_one_line(capsys, [*TOLD, "--adapter", "mine:load"], "encode of 'A' gives NaN")
    assert contents(folder) == before


@pytest.mark.parametrize(("out", "word"), [("y.npy", "y.npy is a file"), ("taken", "is a folder where a file has to")])
def test_an_output_that_cannot_be_written_is_found_before_the_work(run, capsys, monkeypatch, out, word):
    Path("taken/intervench.csv").mkdir(parents=True)
    monkeypatch.setattr(benchmark, "intervench", lambda *_, **__: pytest.fail("the work began"))
    fails_in_one_line(capsys, [*SCORE[:-1], out], word)


def test_errors_of_ours_are_not_disguised(run, monkeypatch):
    whole = benchmark.intervench

    def wrong(*words, **options):
        return whole(*words, **options) | {"n_pairs": -1}

    monkeypatch.setattr(benchmark, "intervench", wrong)
    with pytest.raises(ValidationError, match="n_pairs"):
        main([*SCORE, "--no-baselines"])
    assert [p.name for p in Path("s").iterdir()] == ["unfinished"]  # the scores are not lost with the document


# Another value of every field.
OTHERS = {
    "seed": 3, "validation": 0.1, "test": 0.3, "rows_per_class": 50, "budgets": (2, 5), "headline": 10, "counts": (3,),
    "selection": "difference", "retrain": "frozen", "subsets": 2, "subset": 4, "gate": 0.25, "penalty": 0.5,
    "resamples": 30, "block": 64, "faithfulness": "contrastive",
}  # fmt: skip


def test_every_field_of_a_configuration_can_be_set(folder, capsys, monkeypatch):
    asked = []

    def noted(*words, **_):
        asked.append(words[3])
        raise ValueError("enough")

    monkeypatch.setattr(benchmark, "intervench", noted)
    assert set(OTHERS) == set(Config.model_fields)
    words = [*TOLD[:6], "--out", "s", "--adapter", "mine:load"]
    for field, value in OTHERS.items():
        assert getattr(Config(), field) != value
        flags = ["--seed", "3"] if field == "seed" else ["--set", f"{field}={json.dumps(value).strip(chr(34))}"]
        fails_in_one_line(capsys, [*words, *flags], "enough")
        assert getattr(asked[-1], field) == value


def test_help_teaches_and_imports_nothing_heavy():
    script = "import sys; from proofs_check.cli import main; main(['intervench', '--help']);"
    script += "print([m for m in ('torch', 'numpy', 'matplotlib', 'nonlinear') if m in sys.modules], file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    shown = " ".join(done.stdout.split())
    assert all(w in shown for w in ("S_ext", "S_trans", "S_cons", "S_align", "intervench run clip.npy", "my_saes:load"))
