"""Train and evaluate from the command line: the newcomer's journey, kills, extensions, and everything wrong."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.numpy import save_file
from safetensors.torch import load_file

from nonlinear import config as configuration
from nonlinear import train as training
from nonlinear.config import Config
from nonlinear.data import Array
from nonlinear.evaluate import evaluate
from nonlinear.model import load
from nonlinear.systems import SYSTEMS
from nonlinear.train import train
from proofs_check.cli import main
from proofs_check.evaluation_table import tables
from theory.properties import registered

from .test_cli import contents, fails_in_one_line, saved, wait_until

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
N = 120
CODES = np.maximum(RNG.standard_normal((N, 8)) - 0.5, 0)
X, Y, Z = (CODES @ RNG.standard_normal((8, d)) for d in (5, 4, 5))
TINY: dict[str, Any] = {
    "n_atoms": 12, "sparsity": 2, "batch": 16, "steps": 12, "threads": 1, "log_every": 2, "checkpoint_every": 4,
    "n_slices": 8,
}  # fmt: skip
RUN = ["checkpoint.safetensors", "config.json", "metrics.jsonl"]
COSAE = ["train", "cosae", "x.npy", "y.npy", "-c", "tiny.json", "--out", "run"]


def filled(folder):
    """Write three streams and a small configuration into a folder."""
    for name, array in {"x": X, "y": Y, "z": Z, "short": Y[:90], "labels": CODES.argmax(1)}.items():
        saved(folder / f"{name}.npy", array)
    (folder / "tiny.json").write_text(json.dumps(TINY))
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Working folder."""
    monkeypatch.chdir(tmp_path)
    return filled(tmp_path)


@pytest.fixture(scope="module")
def cosae(tmp_path_factory):
    """Folder of a finished run, made once; tests copy it."""
    out = tmp_path_factory.mktemp("cosae") / "run"
    train(Config(system="cosae", **TINY), {"x": Array(X), "y": Array(Y)}, None, out)
    return out


@pytest.fixture
def run(folder, cosae):
    """The finished run, in the working folder."""
    shutil.copytree(cosae, folder / "run")
    return folder / "run"


@pytest.fixture
def own_registry():
    """What plug-ins register is gone after the test, and their modules too."""
    systems = dict(SYSTEMS)
    with registered():
        yield
    SYSTEMS.clear()
    SYSTEMS.update(systems)
    for name in [m for m in sys.modules if m.startswith("concept_alignment_plugin_")]:
        del sys.modules[name]


def does(capsys, *words):
    """Run a command that has to succeed and say nothing on stderr; return its stdout."""
    assert main([str(w) for w in words]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def metrics(out):
    return [json.loads(line) for line in (Path(out) / "metrics.jsonl").read_text().splitlines()]


def parameters(out):
    found = load_file(Path(out) / "checkpoint.safetensors")
    return {n: t for n, t in found.items() if n.startswith("parameter/")}


def same_weights(a, b, tolerance=1e-4):
    a, b = parameters(a), parameters(b)
    return a.keys() == b.keys() and all(torch.allclose(a[n], b[n], atol=tolerance) for n in a)


def same_run(a, b):
    """Whether two runs left the same bytes."""
    return all((Path(a) / n).read_bytes() == (Path(b) / n).read_bytes() for n in RUN)


def test_losses_without_a_pair_are_named(folder, capsys):
    printed = does(capsys, *COSAE, "--paired", "0")
    assert "TR, CC: 0 throughout, because no batch has a pair" in printed


# The newcomer


def test_a_newcomer_trains_and_evaluates(folder, capsys):
    printed = does(capsys, *COSAE)
    assert printed.startswith("run: step 12, ")
    assert printed.endswith("next: concept-alignment evaluate run x.npy y.npy\n")
    assert "throughout" not in printed
    assert sorted(p.name for p in (folder / "run").iterdir()) == RUN
    assert [line["step"] for line in metrics("run")] == [2, 4, 6, 8, 10, 12]
    assert set(metrics("run")[0]["losses"]) >= {"loss", "REC", "TR", "CC", "dTR", "dCC"}
    assert json.loads((folder / "run" / "config.json").read_text())["sparsity"] == 2

    shown = does(capsys, "evaluate", "run", "x.npy", "y.npy", "--labels", "labels.npy", "--out", "found")
    printed = does(capsys, "evaluate", "run", "x.npy", "y.npy", "--labels", "labels.npy", "--json")
    document = json.loads(printed, parse_constant=pytest.fail)
    assert document == json.loads((folder / "found" / "evaluation.json").read_text())
    assert [p.name for p in (folder / "found").iterdir()] == ["evaluation.json"]
    model = train(Config(system="cosae", **TINY), {"x": Array(X), "y": Array(Y)})
    assert document == evaluate(model, {"x": Array(X), "y": Array(Y)}, labels=CODES.argmax(1))
    r2 = document["standalone"]["r2"]
    entries = [r2["REC"]["x"], r2["REC"]["y"], r2["TR"]["x"]["y"], r2["CC"]["y"]["x"]]
    assert all(f"{entry['value']:.2f}" in shown for entry in entries)
    assert f"{r2['TR']['y']['x']['shuffled']:.2f}" in shown


def test_several_seeds_train_as_one_and_are_evaluated_one_by_one(folder, capsys):
    does(capsys, *COSAE, "--seed", "3", "--seed", "5")
    found = [json.loads(does(capsys, "evaluate", "run", "x.npy", "y.npy", "--seed", s, "--json")) for s in (3, 5)]
    assert [d["training_seed"] for d in found] == [3, 5]
    assert found[0]["standalone"] != found[1]["standalone"]
    fails_in_one_line(capsys, ["evaluate", "run", "x.npy", "y.npy"], "seeds 3, 5, not 0")


def test_streams_are_named_by_the_file_or_by_the_user(folder, capsys):
    save_file({"deep": X, "late": Z}, folder / "both.safetensors")
    words = ["train", "sae", "-c", "tiny.json", "--out"]
    does(capsys, *words, "a", "x.npy", "y.npy")
    does(capsys, *words, "b", "one=x.npy", "y.npy")
    does(capsys, *words, "c", "deep=both.safetensors:deep", "late=both.safetensors:late")
    assert ["+".join(load(r).shape.streams) for r in "abc"] == ["x+y", "one+y", "deep+late"]
    saved(folder / "u=v.npy", X)
    does(capsys, *words, "d", "w=u=v.npy")
    fails_in_one_line(capsys, [*words, "e", "both.safetensors:deep", "both.safetensors:late"], "name them, as in x=")


def test_evaluation_takes_other_files_by_position_or_by_name(folder, run, capsys):
    saved(folder / "left.npy", X[::2])
    saved(folder / "right.npy", Y[::2])
    by_position = does(capsys, "evaluate", run, "left.npy", "right.npy", "--json")
    assert json.loads(by_position)["streams"] == {"x": {"rows": 60, "width": 5}, "y": {"rows": 60, "width": 4}}
    assert does(capsys, "evaluate", run, "y=right.npy", "x=left.npy", "--json") == by_position
    assert does(capsys, "evaluate", run, "x=left.npy", "right.npy", "--json") == by_position


# Configuration


def test_a_configuration_is_the_same_as_toml_as_json_and_as_flags(folder, capsys):
    fields = TINY | {"lr": 0.01, "weights": {"REC": 1.0, "TR": 0.5}, "seeds": [4], "sampling": "independent"}
    (folder / "run.json").write_text(json.dumps(fields))
    lines = [f"{k} = {json.dumps(v)}" for k, v in fields.items() if k != "weights"]
    (folder / "run.toml").write_text("\n".join([*lines, "[weights]", "REC = 1.0", "TR = 0.5"]))
    flags = ["-m", 12, "-k", 2, "--batch", 16, "--steps", 12, "--lr", 0.01, "-w", "REC=1", "-w", "TR=0.5", "--seed", 4]
    flags += ["--sampling", "independent", "--set", "threads=1", "--set", "log_every=2", "--set", "checkpoint_every=4"]
    words = ["train", "cosae", "x.npy", "y.npy", "--out"]
    does(capsys, *words, "a", "--config", "run.json")
    does(capsys, *words, "b", "--config", "run.toml")
    does(capsys, *words, "c", *flags, "--set", "n_slices=8")
    assert same_run("a", "b")
    assert same_run("a", "c")


def test_flags_win_over_the_file(folder, capsys):
    (folder / "run.json").write_text(json.dumps(TINY | {"weights": {"REC": 1, "CC": 3}, "system": "sparc"}))
    words = ["train", "cosae", "x.npy", "y.npy", "-c", "run.json", "--out", "run"]
    does(capsys, *words, "--steps", "6", "-w", "TR=2", "--set", "lr=0.5", "--lr", "0.25")
    found = json.loads((folder / "run" / "config.json").read_text())
    assert (found["steps"], found["weights"], found["system"], found["lr"]) == (6, {"TR": 2.0}, "cosae", 0.25)
    assert found["n_slices"] == 8


# Field → (arguments, value).
FIELDS = {
    "system": ([], "sparc"),
    "n_atoms": (["--atoms", "32"], 32),
    "sparsity": (["--sparsity", "3"], 3),
    "weights": (["--weight", "dCC=2"], {"dCC": 2.0}),
    "selection": (["--set", "selection=relu"], "relu"),
    "update": (["--set", "update=all"], "all"),
    "l1": (["--set", "l1=0.5"], 0.5),
    "batch": (["--batch", "8"], 8),
    "steps": (["--steps", "5"], 5),
    "lr": (["--lr", "0.5"], 0.5),
    "warmup": (["--set", "warmup=0.5"], 0.5),
    "decay": (["--set", "decay=0.5"], 0.5),
    "optimiser": (["--set", "optimiser=sgd"], "sgd"),
    "seeds": (["--seed", "1", "--seed", "2"], (1, 2)),
    "init": (["--set", "init=same"], "same"),
    "paired": (["--paired", "0.5"], 0.5),
    "anchors": (["--anchors", "anchors.npy"], (4, 2)),
    "matched": (["--set", "matched=3"], 3),
    "sampling": (["--sampling", "aligned"], "aligned"),
    "unbiased": (["--set", "unbiased=true"], True),
    "n_slices": (["--set", "n_slices=9"], 9),
    "aux_weight": (["--set", "aux_weight=0"], 0.0),
    "aux_k": (["--set", "aux_k=7"], 7),
    "dead_after": (["--set", "dead_after=11"], 11),
    "threshold_rate": (["--set", "threshold_rate=0.5"], 0.5),
    "normalise": (["--set", "normalise=unit"], "unit"),
    "precision": (["--set", "precision=float64"], "float64"),
    "device": (["--device", "cpu"], "cpu"),
    "path": (["--set", "path=dense"], "dense"),
    "threads": (["--set", "threads=3"], 3),
    "log_every": (["--set", "log_every=6"], 6),
    "checkpoint_every": (["--set", "checkpoint_every=13"], 13),
}


def test_every_field_of_a_configuration_can_be_set(folder, capsys, monkeypatch):
    saved(folder / "anchors.npy", np.array([4, 2]))
    asked = []
    trained = SimpleNamespace(step=0, curve={})
    monkeypatch.setattr(training, "train", lambda chosen, *_, **__: asked.append(chosen) or trained)
    assert set(FIELDS) == set(Config.model_fields)
    default = configuration.read(None, system="sae")
    for field, (arguments, value) in FIELDS.items():
        does(capsys, "train", "sparc", "x.npy", "y.npy", "--out", "run", *arguments)
        assert getattr(asked[-1], field) == value
        same = field in ("device",)  # a machine without a GPU has only one
        assert (value == getattr(default, field)) == same, f"{field} = {value} is the default and shows nothing"
    assert contents(folder) == sorted(
        [*(f"{n}.npy" for n in ("x", "y", "z", "short", "labels", "anchors")), "tiny.json"]
    )


def test_help_names_the_defaults_that_hold(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = does(capsys, "train", "--help")
    fields = {"atoms": "n_atoms", "seed": "seeds"}
    found = re.findall(r"--(\w+) .*Default: (\S+?)\.? *│", shown)
    assert len(found) == 8
    for flag, said in found:
        default = getattr(configuration.read(None, system="sae"), fields.get(flag) or flag)
        default = default[0] if isinstance(default, tuple) else default
        assert str(default) == said or float(default) == float(said)


def test_help_of_every_command_imports_no_torch_and_speaks_no_python():
    words = [["--help"], *([c, "--help"] for c in ("audit", "verify", "train", "evaluate", "experiment", "list"))]
    script = f"import sys; from proofs_check.cli import main; print([main(w) for w in {words}], file=sys.stderr);"
    script += "print([m for m in ('torch', 'numpy', 'nonlinear') if m in sys.modules], file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == f"{[0] * 7}\n[]\n"
    assert not re.search(r"\b(None|NoneType|Path\]|Optional|typing|dict)\b", done.stdout)
    assert all(w in done.stdout for w in ("train cosae", "--resume", "evaluate run", "systems"))


# Kill and resume

SLOW = """
import time
from nonlinear.train import Trainer

step = Trainer.step

def slow(self, number):
    time.sleep(0.05)
    return step(self, number)

Trainer.step = slow
"""
# Moment → what the killed process does just then, to itself.
MOMENTS = {
    "while a checkpoint is written": """
import os, signal
from nonlinear import files

replace, calls = os.replace, []

def last(source, target):
    calls.append(target)
    if str(target).endswith("checkpoint.safetensors") and len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(source, target)

files.os.replace = last
""",
    "while a line of metrics is written": """
import os, signal
from nonlinear.run import Run

def log(self, line, whole=Run.log):
    whole(self, line)
    if line["step"] == 6:
        path = self.folder / "metrics.jsonl"
        os.truncate(path, path.stat().st_size - 20)
        os.kill(os.getpid(), signal.SIGKILL)

Run.log = log
""",
    "before the first checkpoint": """
import os, signal
from nonlinear.run import Run

def log(self, line, whole=Run.log):
    whole(self, line)
    os.kill(os.getpid(), signal.SIGKILL)

Run.log = log
""",
}


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_a_killed_run_goes_on_to_the_same_bytes(folder, cosae, capsys):
    (folder / "slow.py").write_text(SLOW)
    words = [sys.executable, "-m", "proofs_check.cli", *COSAE, "--plugin", "slow.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(words, cwd=folder, env=ENVIRONMENT, text=True, **pipes)
    try:
        assert wait_until((folder / "run" / "checkpoint.safetensors").exists, 120)
        assert process.poll() is None, process.communicate()
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 4 <= load("run").step < 12
    fails_in_one_line(capsys, COSAE, "holds a run already; go on with --resume")
    assert does(capsys, *COSAE, "--resume").startswith("run: step 12, ")
    assert contents(folder / "run") == RUN
    assert same_run("run", cosae)
    does(capsys, *COSAE, "--resume")  # what is finished stays as it is
    assert same_run("run", cosae)


# A process for each folder, forked where torch is imported already, which takes longest.
FORKS = """
import os, sys
import torch._dynamo
import nonlinear.train
from proofs_check.cli import main

words, *folders = sys.argv[1:]
for folder in folders:
    if os.fork() == 0:
        os.chdir(folder)
        os._exit(main(words.split()))
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Moment → folder of a run whose process was killed just then."""
    folders = {moment: filled(tmp_path_factory.mktemp("killed")) for moment in MOMENTS}
    for moment, folder in folders.items():
        (folder / "kill.py").write_text(MOMENTS[moment])
    words = [sys.executable, "-c", FORKS, " ".join([*COSAE, "--plugin", "kill.py"]), *map(str, folders.values())]
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{-signal.SIGKILL}\n" * len(MOMENTS), "")
    return folders


@pytest.mark.parametrize("moment", MOMENTS)
def test_it_does_so_from_any_moment(killed, cosae, capsys, monkeypatch, moment):
    monkeypatch.chdir(killed[moment])
    assert not same_run("run", cosae) if moment != "before the first checkpoint" else contents(Path("run")) == RUN[1:]
    does(capsys, *COSAE, "--resume")
    assert contents(Path("run")) == RUN
    assert same_run("run", cosae)


# A user's own properties and systems, as docs/extend.md writes them

PROPERTY, SYSTEM = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "extend.md").read_text(encoding="utf-8"), flags=re.S
)


def test_the_property_of_docs_trains_and_is_evaluated_by_name(folder, capsys, own_registry):
    (folder / "mine.py").write_text(PROPERTY)
    fails_in_one_line(capsys, [*COSAE, "-w", "dSTABLE=1"], "unknown property 'dSTABLE'; known: REC")
    words = [*COSAE, "-w", "dSTABLE=1", "-w", "mTR=1", "--steps", 200, "--lr", 0.01, "--set", "log_every=20"]
    with registered():
        assert does(capsys, *words, "--plugin", "mine.py").endswith("x.npy y.npy --plugin mine.py\n")
    losses = [line["losses"] for line in metrics("run")]
    assert set(losses[0]) >= {"loss", "dSTABLE", "mTR"}
    assert "REC" not in losses[0]
    assert losses[-1]["mTR"][0] < losses[0]["mTR"][0] / 2
    with registered():
        shown = does(capsys, "evaluate", "run", "x.npy", "y.npy", "--plugin", "mine.py")
    assert "STABLE x →" in shown
    assert "dSTABLE y →" in shown
    assert main(["evaluate", "run", "x.npy", "y.npy"]) == 0
    shown = capsys.readouterr()
    assert "STABLE" not in shown.out
    assert shown.err == "note: the run was trained for dSTABLE, mTR, unknown here; repeat --plugin\n"


def test_a_user_s_system_trains_by_name(folder, capsys, own_registry):
    (folder / "mine.py").write_text(SYSTEM)
    words = ["train", "halves", *COSAE[2:]]
    fails_in_one_line(capsys, words, "unknown system 'halves'; known: sae")
    does(capsys, *words, "--plugin", "mine.py")
    last = {name: value for name, (value,) in metrics("run")[-1]["losses"].items()}
    assert last["loss"] == pytest.approx(0.5 * last["REC"] + 0.25 * last["CC"] + last.get("AuxK", 0) / 32)
    assert "halves, 12 atoms" in does(capsys, "evaluate", "run", "x.npy", "y.npy")
    assert "halves" in does(capsys, "list", "systems")


@pytest.mark.parametrize(
    ("name", "source", "word"),
    [
        ("gone.py", None, "does not exist"),
        ("mine.txt", "", "is no Python file"),
        ("mine.py", "raise RuntimeError('two\nlines')", "cannot be loaded: SyntaxError"),
        ("mine.py", "1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("mine.py", "from theory.properties import register, What, REC\nregister(REC.sides)", "TypeError"),
        ("mine.py", SYSTEM.replace("halves", "cosae"), "the name 'cosae' is taken"),
    ],
)
def test_a_broken_plugin_ends_in_one_line(folder, capsys, own_registry, name, source, word):
    if source is not None:
        (folder / name).write_text(source)
    before = [p for p in contents(folder) if "__pycache__" not in p]
    fails_in_one_line(capsys, [*COSAE, "--plugin", name], word)
    assert [p for p in contents(folder) if "__pycache__" not in p] == before


# Which rows are pairs


def test_ids_say_which_rows_are_pairs(folder, run, capsys):
    order = np.random.default_rng(1).permutation(N)
    saved(folder / "mixed.npy", Y[order])
    saved(folder / "ids_x.npy", np.arange(N))
    saved(folder / "ids_y.npy", order)
    words = ["train", "cosae", "x.npy", "y=mixed.npy", "-c", "tiny.json", "--out"]
    ids = ["--ids", "ids_x.npy", "--ids", "ids_y.npy"]
    does(capsys, *words, "with", *ids)
    does(capsys, *words, "without")
    assert same_weights("with", run)
    assert not same_weights("without", run)
    known = json.loads(does(capsys, "evaluate", run, "x.npy", "mixed.npy", *ids, "--json"))
    plain = json.loads(does(capsys, "evaluate", run, "x.npy", "y.npy", "--json"))
    r2 = [d["standalone"]["r2"]["CC"]["x"]["y"] for d in (known, plain)]
    assert r2[0]["value"] == pytest.approx(r2[1]["value"], rel=1e-6)


def test_only_anchors_are_pairs(folder, capsys):
    anchors = np.arange(0, N, 10)
    others = np.setdiff1d(np.arange(N), anchors)
    mixed, spoilt = Y.copy(), Y.copy()
    mixed[others] = Y[np.random.default_rng(1).permutation(others)]
    spoilt[anchors] = Y[anchors[::-1]]
    for name, array in {"anchors": anchors, "mixed": mixed, "spoilt": spoilt}.items():
        saved(folder / f"{name}.npy", array)
    words = ["--anchors", "anchors.npy", "--set", "matched=6", "-w", "TR=1", "-c", "tiny.json"]
    words += ["--set", "selection=topk"]  # BatchTopK would choose among all rows of the batch
    for name in ("y", "mixed", "spoilt"):
        does(capsys, "train", "cosae", "x.npy", f"y={name}.npy", "--out", f"run_{name}", *words)
    assert json.loads((folder / "run_y" / "config.json").read_text())["anchors"] == anchors.tolist()
    assert same_weights("run_y", "run_mixed")
    assert not same_weights("run_y", "run_spoilt")


def test_streams_of_unequal_length_train_unpaired(folder, capsys):
    words = ["train", "cosae", "x.npy", "short.npy", "-c", "tiny.json", "--out", "run"]
    does(capsys, *words, "--paired", "0", "-w", "REC=1", "-w", "dTR=1", "-w", "dCC=1")
    shown = does(capsys, "evaluate", "run", "x.npy", "short.npy")
    assert "0 of 210 points" in shown
    assert "TR short→x, CC short→x (no point is shown by both 'short' and 'x')" in " ".join(shown.split())


# Bad input

# Name → (arguments after `train`, what the line has to say).
TRAINING = {
    "unequal lengths": (["cosae", "x.npy", "short.npy"], "120 (x), 90 (short) rows, and pairs are needed"),
    "unequal lengths, shared code": (["crosscoder", "x.npy", "short.npy"], "pairs are needed"),
    "anchor out of range": (["cosae", "x.npy", "y.npy", "--anchors", "far.npy"], "anchor 120 is no point"),
    "anchor twice": (["cosae", "x.npy", "y.npy", "--anchors", "twice.npy"], "an anchor occurs twice"),
    "anchors no whole numbers": (["cosae", "x.npy", "y.npy", "--anchors", "x.npy"], "vector of whole numbers"),
    "anchors missing": (["cosae", "x.npy", "y.npy", "--anchors", "gone.npy"], "gone.npy does not exist"),
    "fraction above 1": (["cosae", "x.npy", "y.npy", "--paired", "1.5"], "paired 1.5 is not between 0 and 1"),
    "fraction negative": (["cosae", "x.npy", "y.npy", "--paired", "-0.1"], "paired -0.1 is not between"),
    "fraction NaN": (["cosae", "x.npy", "y.npy", "--paired", "nan"], "paired nan is not between"),
    "fraction of no pair": (["cosae", "x.npy", "y.npy", "--paired", "0.001"], "is no pair; raise it"),
    "sparsity above atoms": (["cosae", "x.npy", "y.npy", "-k", "13"], "sparsity 13 exceeds the 12 atoms"),
    "sparsity zero": (["cosae", "x.npy", "y.npy", "-k", "0"], "sparsity: "),
    "unknown system": (["cosea", "x.npy", "y.npy"], "unknown system 'cosea'; known: sae"),
    "unknown property": (["cosae", "x.npy", "y.npy", "-w", "RT=1"], "unknown property 'RT'; known: REC"),
    "unknown field": (["cosae", "x.npy", "y.npy", "--set", "stpes=3"], "unknown field 'stpes' of a configuration"),
    "unknown choice": (["cosae", "x.npy", "y.npy", "--sampling", "other"], "sampling: input should be 'disjoint'"),
    "unknown device": (["cosae", "x.npy", "y.npy", "--device", "abacus"], "device 'abacus' is not here; use cpu"),
    "unknown file field": (["cosae", "x.npy", "y.npy", "-c", "bad.json"], "unknown field 'stpes'"),
    "no JSON": (["cosae", "x.npy", "y.npy", "-c", "no.json"], "no.json is no valid JSON"),
    "no TOML": (["cosae", "x.npy", "y.npy", "-c", "no.toml"], "no.toml is no valid TOML"),
    "no configuration": (["cosae", "x.npy", "y.npy", "-c", "gone.toml"], "gone.toml cannot be read"),
    "no number": (["cosae", "x.npy", "y.npy", "-w", "REC=much"], "--weight REC=much is not NAME=NUMBER"),
    "no weight": (["cosae", "x.npy", "y.npy", "-w", "REC"], "--weight REC is not NAME=NUMBER"),
    "negative weight": (["cosae", "x.npy", "y.npy", "-w", "REC=-1"], "must be finite and not negative"),
    "NaN weight": (["cosae", "x.npy", "y.npy", "-w", "REC=nan"], "must be finite and not negative"),
    "every weight 0": (["cosae", "x.npy", "y.npy", "-w", "REC=0"], "every weight is 0"),
    "no equals": (["cosae", "x.npy", "y.npy", "--set", "lr"], "--set lr is not FIELD=VALUE"),
    "lr negative": (["cosae", "x.npy", "y.npy", "--lr", "-1"], "lr: input should be greater than 0"),
    "seed twice": (["cosae", "x.npy", "y.npy", "--seed", "1", "--seed", "1"], "are negative or repeated"),
    "one stream": (["cosae", "x.npy"], "needs at least two streams"),
    "no stream": (["cosae"], "Missing argument"),
    "widths differ": (["sae-a", "x.npy", "y.npy"], "make them equal"),
    "same name": (["cosae", "x.npy", "sub/x.npy"], "two files would be stream 'x'"),
    "name with a slash": (["cosae", "a/b=x.npy", "y.npy"], "stream name 'a/b'"),
    "missing file": (["cosae", "x.npy", "gone.npy"], "gone.npy does not exist"),
    "zero rows": (["cosae", "x.npy", "zero.npy"], "empty"),
    "NaN row": (["cosae", "x.npy", "nan.npy"], "nan at row 70, column 2"),
    "NaN row, rows unread by the normalisation": (["sae", "nan.npy", "--set", "normalise=none"], "nan at row 70"),
    "infinite row": (["sae", "inf.npy"], "inf at row 70, column 2"),
    "ids of one stream": (["cosae", "x.npy", "y.npy", "--ids", "ids.npy"], "1 --ids for 2 streams"),
    "ids too short": (["cosae", "x.npy", "short.npy", "--ids", "ids.npy", "--ids", "ids.npy"], "'short' has 90 rows"),
    "id twice": (["cosae", "x.npy", "y.npy", "--ids", "ids.npy", "--ids", "same.npy"], "occurs twice within stream"),
    "infinite at once": (["sae", "x.npy", "-w", "REC=1e38"], "not finite at step 1; no checkpoint had been written"),
    "nothing to resume": (["cosae", "x.npy", "y.npy", "--resume"], "holds no run; start one without --resume"),
}


@pytest.fixture
def bad(folder):
    """Files with something wrong."""
    spoilt = X.copy()
    spoilt[70, 2] = np.nan
    infinite = X.copy()
    infinite[70, 2] = np.inf
    (folder / "sub").mkdir()
    arrays = {"sub/x": X, "zero": X[:0], "nan": spoilt, "inf": infinite, "far": np.array([0, N])}
    arrays |= {"twice": np.array([3, 3]), "ids": np.arange(N), "same": np.zeros(N, dtype=int)}
    for name, array in arrays.items():
        saved(folder / f"{name}.npy", array)
    (folder / "bad.json").write_text(json.dumps({"stpes": 3}))
    (folder / "no.json").write_text("{")
    (folder / "no.toml").write_text("lr = ")
    return folder


@pytest.mark.parametrize("case", TRAINING)
def test_bad_training_ends_in_one_line_and_leaves_nothing(bad, capsys, case):
    arguments, word = TRAINING[case]
    config = [] if "-c" in arguments else ["-c", "tiny.json"]
    before = contents(bad)
    fails_in_one_line(capsys, ["train", *arguments, *config, "--out", "new/run"], word)
    assert contents(bad) == before


@pytest.mark.parametrize(("out", "word"), [("x.npy", "x.npy is a file"), ("x.npy/run", "Not a directory")])
def test_a_folder_that_cannot_be_made(folder, capsys, out, word):
    before = contents(folder)
    fails_in_one_line(capsys, [*COSAE[:-1], out], word)
    assert contents(folder) == before
    assert np.array_equal(np.load("x.npy"), X)


def test_files_of_the_user_survive_a_failed_start(bad, capsys):
    (bad / "run").mkdir()
    (bad / "run" / "mine.txt").write_text("mine")
    fails_in_one_line(capsys, ["train", "sae", "nan.npy", "-c", "tiny.json", "--out", "run"], "nan at row 70")
    assert contents(bad / "run") == ["mine.txt"]


def test_a_run_stopped_at_its_start_survives_a_wrong_resume(bad, cosae, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as early:
        early.setattr("nonlinear.run.Run.log", stop)
        assert main(COSAE) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert contents(Path("run")) == RUN[1:]
    fails_in_one_line(capsys, [*COSAE[:2], "x=nan.npy", *COSAE[3:], "--resume"], "nan at row 70")
    assert contents(Path("run")) == RUN[1:]
    does(capsys, *COSAE, "--resume")
    assert same_run("run", cosae)


def test_an_infinite_loss_names_the_step_and_keeps_the_last_checkpoint(folder, capsys):
    words = ["train", "sae", "x.npy", "-c", "tiny.json", "--out", "run", "--steps", "60", "--lr", "3"]
    words += [
        w for f in ("optimiser=sgd", "warmup=0", "decay=0", "log_every=1", "checkpoint_every=1") for w in ("--set", f)
    ]
    assert main(words) == 2
    printed = capsys.readouterr()
    (bad, kept) = map(
        int, re.findall(r"not finite at step (\d+); the checkpoint of step (\d+) is kept", printed.err)[0]
    )
    assert 1 < bad == kept + 1
    assert printed.err.count("\n") == 1
    assert load("run").step == kept == metrics("run")[-1]["step"]
    assert all(bool(torch.isfinite(p).all()) for p in parameters("run").values())


def flipped(path):
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


# Name → (what happens to the checkpoint, what the line has to say).
DAMAGES = {
    "one bit": (flipped, "is damaged"),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-1]), "is damaged"),
    "empty": (lambda p: p.write_bytes(b""), "is damaged"),
    "text": (lambda p: p.write_text("these are not the weights that you look for"), "is damaged"),
    "somebody else's": (lambda p: save_file({"a": X}, p), "is no checkpoint of this version"),
    "somebody else's format": (lambda p: save_file({"a": X}, p, {"format": "pt"}), "is no checkpoint of this version"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_or_foreign_checkpoint_is_noticed(folder, run, capsys, case):
    damage, word = DAMAGES[case]
    damage(run / "checkpoint.safetensors")
    before = {p: p.read_bytes() for p in run.iterdir()}
    fails_in_one_line(capsys, [*COSAE, "--resume"], word)
    fails_in_one_line(capsys, ["evaluate", "run", "x.npy", "y.npy", "--out", "found"], word)
    assert {p: p.read_bytes() for p in run.iterdir()} == before
    assert not (folder / "found").exists()


# Name → (arguments after `train`, what the line has to say).
RESUMED = {
    "other field": (["cosae", "x.npy", "y.npy", "--lr", "0.5"], "lr is 0.5 and run was begun with 0.001"),
    "other weights": (["cosae", "x.npy", "y.npy", "-w", "TR=1"], "weights is {'TR': 1.0} and run was begun with"),
    "other threads": (["cosae", "x.npy", "y.npy", "--set", "threads=2"], "threads is 2 and run was begun with 1"),
    "other system": (["sparc", "x.npy", "y.npy"], "system is sparc and run was begun with cosae"),
    "other data": (["cosae", "x.npy", "y=z.npy"], "the data are not those"),
    "other order": (["cosae", "x.npy", "y=mixed.npy"], "the data are not those"),
    "other name": (["cosae", "x.npy", "w=y.npy"], "the data are not those"),
    "other ids": (["cosae", "x.npy", "y.npy", "--ids", "ids.npy", "--ids", "ids.npy"], "the data are not those"),
}


@pytest.mark.parametrize("case", RESUMED)
def test_a_run_goes_on_only_as_it_was(folder, run, capsys, case):
    arguments, word = RESUMED[case]
    saved(folder / "mixed.npy", Y[::-1])
    saved(folder / "ids.npy", np.arange(N))
    before = {p: p.read_bytes() for p in run.iterdir()}
    fails_in_one_line(capsys, ["train", *arguments, "-c", "tiny.json", "--out", "run", "--resume"], word)
    assert {p: p.read_bytes() for p in run.iterdir()} == before


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_full_disk_loses_nothing(folder, cosae, capsys, monkeypatch, at):
    """The first two files are the configuration and the empty metrics, the others are checkpoints."""
    calls = count(1)

    def sync(_):
        if next(calls) == at:
            raise OSError(28, "No space left on device")

    before = contents(folder)
    with monkeypatch.context() as full:
        full.setattr("nonlinear.files.os.fsync", sync)
        fails_in_one_line(capsys, COSAE, "the disk is full; make room")
    if at < 3:
        assert contents(folder) == before
    else:
        assert contents(Path("run")) == (RUN[1:] if at == 3 else RUN)
        assert at == 3 or load("run").step == 4
    does(capsys, *COSAE, *["--resume"] * (at > 2))
    assert same_run("run", cosae)


def test_a_disk_that_is_full_for_metrics_loses_nothing(folder, cosae, capsys, monkeypatch):
    def half(self, mode="r", *rest, whole=Path.open, **options):
        if mode == "a" and self.name == "metrics.jsonl" and self.stat().st_size > 500:
            with whole(self, mode, *rest, **options) as file:
                file.write('{"step": 6, "lo')
            raise OSError(28, "No space left on device")
        return whole(self, mode, *rest, **options)

    with monkeypatch.context() as full:
        full.setattr(Path, "open", half)
        fails_in_one_line(capsys, COSAE, "the disk is full; make room")
    assert not (folder / "run" / "metrics.jsonl").read_text().endswith("\n")
    does(capsys, *COSAE, "--resume")
    assert same_run("run", cosae)


# Name → (arguments after `evaluate`, what the line has to say).
EVALUATION = {
    "one file": (["run", "x.npy"], "the run has streams x, y and got 1 files"),
    "three files": (["run", "x.npy", "y.npy", "z.npy"], "the run has streams x, y and got 3 files"),
    "no file": (["run"], "Missing argument"),
    "widths": (
        ["run", "y.npy", "x.npy"],
        "the streams are 4 (x), 5 (y) wide, those of the model 5 (x), 4 (y); mind the order",
    ),
    "unknown stream": (["run", "x.npy", "w=y.npy"], "unknown stream 'w'; the run has x, y"),
    "same stream": (["run", "y=y.npy", "y.npy"], "two files would be stream 'y'"),
    "no run": (["sub", "x.npy", "y.npy"], "sub has no checkpoint.safetensors; pass the folder"),
    "no folder": (["gone", "x.npy", "y.npy"], "gone has no checkpoint.safetensors; pass the folder"),
    "a file as run": (["x.npy", "x.npy", "y.npy"], "x.npy has no checkpoint.safetensors; pass the folder"),
    "unknown seed": (["run", "x.npy", "y.npy", "--seed", "1"], "the run has seeds 0, not 1"),
    "missing file": (["run", "x.npy", "gone.npy"], "gone.npy does not exist"),
    "zero rows": (["run", "x.npy", "none.npy"], "empty"),
    "NaN row": (["run", "nan.npy", "y.npy"], "nan at row 70, column 2"),
    "labels too few": (["run", "x.npy", "y.npy", "--labels", "few.npy"], "labels"),
    "labels no classes": (["run", "x.npy", "y.npy", "--labels", "real.npy"], "save classes, or one column per class"),
    "labels in an archive": (["run", "x.npy", "y.npy", "--labels", "many.npz"], "many.npz is an archive; save"),
    "labels missing": (["run", "x.npy", "y.npy", "--labels", "gone.npy"], "gone.npy does not exist"),
    "ids of one stream": (["run", "x.npy", "y.npy", "--ids", "ids.npy"], "1 --ids for 2 streams"),
    "id twice": (["run", "x.npy", "y.npy", "--ids", "ids.npy", "--ids", "same.npy"], "occurs twice within stream"),
}


@pytest.mark.parametrize("case", EVALUATION)
def test_bad_evaluation_ends_in_one_line_and_leaves_nothing(bad, run, capsys, case):
    arguments, word = EVALUATION[case]
    for name, array in {"none": Y[:0], "few": np.arange(5), "real": X[:, 0]}.items():
        saved(bad / f"{name}.npy", array)
    np.savez(bad / "many.npz", a=Y)
    before = contents(bad)
    fails_in_one_line(capsys, ["evaluate", *arguments, "--out", "new/found"], word)
    assert contents(bad) == before


@pytest.mark.parametrize(
    ("out", "word"), [("x.npy", "x.npy is a file"), ("taken", "is a folder where a file has to go")]
)
def test_an_evaluation_that_cannot_be_written_is_found_before_the_work(folder, run, capsys, monkeypatch, out, word):
    (folder / "taken" / "evaluation.json").mkdir(parents=True)
    monkeypatch.setattr("nonlinear.evaluate.evaluate", lambda *_, **__: pytest.fail("the work began"))
    fails_in_one_line(capsys, ["evaluate", "run", "x.npy", "y.npy", "--out", out], word)


def test_an_error_of_ours_is_not_disguised(folder, monkeypatch):
    def broken(*_, **__):
        raise KeyError("mine")

    monkeypatch.setattr(training, "train", broken)
    with pytest.raises(KeyError):
        main(COSAE)


# The tables


def text(document, width=200):
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(*tables(document), sep="\n")
    return console.export_text()


def evaluated(system, arrays, **changes):
    sources = {s: Array(a) for s, a in arrays.items()}
    return evaluate(train(Config(system=system, **TINY | changes), sources), sources)


def test_tables_show_both_kinds_of_codes_where_they_differ():
    document = evaluated("crosscoder", {"x": X, "y": Y, "z": Z})
    standalone, shared = text(document).split("shared codes: ")
    for part, mode in ((standalone, "standalone"), (shared, "shared")):
        found = document[mode]
        for i, j in (("x", "y"), ("z", "x")):
            assert f"{found['r2']['TR'][i][j]['value']:.2f}" in part
        assert f"{found['streams']['z']['l0']:.2f}" in part
        assert f"{found['pairs']['y']['z']['support_jaccard']:.2f}" in part
    assert "standalone codes: " in standalone
    assert ("recall@1" in standalone, "recall@1" in shared) == (True, False)
    assert "shared codes" not in text(evaluated("sae", {"x": X, "y": Y}))


def test_every_number_of_a_matrix_stands_in_its_row_and_column():
    document = evaluated("sae", {"x": X, "y": Y, "z": Z})
    values = {}
    for n, (i, j) in enumerate((i, j) for i in "xyz" for j in "xyz" if i != j):
        values[i, j] = document["standalone"]["r2"]["TR"][i][j]["value"] = 100 + n
    lines = [line for line in text(document, width=60).splitlines() if "TR " in line and "dTR" not in line]
    shown = {line.split("TR ")[1][0]: [c.strip(" │|") for c in re.split("[│|]", line)[2:5]] for line in lines}
    assert shown == {i: [f"{values[i, j]:.2f}" if i != j else "" for j in "xyz"] for i in "xyz"}


def test_one_note_for_every_reason():
    document = evaluated("transcoder", {"x": X, "y": Y})
    notes = [line for line in text(document).splitlines() if line.startswith("note: ")]
    assert len(notes) == 2
    assert notes[0].startswith("note: not defined: REC x, dREC x, reconstruction x (transcoder decodes no code to its")
    assert re.search(r"REC y, CYC x→y, CYC y→x, TR y→x and \d+ more \(transcoder never encodes", notes[1])
    assert not [line for line in text(evaluated("sae", {"x": X})).splitlines() if line.startswith("note: ")]


def test_dead_codes_are_dashes_with_a_reason():
    sources = {"x": Array(np.ones((40, 3)), "x"), "y": Array(np.ones((40, 2)), "y")}
    document = evaluate(train(Config(system="cosae", selection="topk", **TINY), sources), sources)
    assert document["standalone"]["r2"]["REC"]["x"]["value"] is None
    shown = text(document)
    assert [c.strip() for c in re.findall(r"REC .*", shown)[0].split("│")[1:3]] == ["–", "–"]
    assert "(the reference does not vary on the evaluated rows)" in shown


def test_names_of_streams_are_no_markup():
    assert "→ [red]x" in text(evaluated("sae", {"[red]x": X, "[/]": Y}))
