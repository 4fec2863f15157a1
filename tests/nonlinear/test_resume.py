"""A run that is killed, as often and whenever, and resumed ends in the bits of a run that was not."""

import json
import multiprocessing
import os
import random
import shutil
import time

import numpy as np
import pytest
import torch

from nonlinear import checkpoint
from nonlinear.run import CONFIG, METRICS, Run
from nonlinear.train import Trainer, train

from .small import planted, ready, sources, widths_of

PATHS = pytest.mark.parametrize("path", ["sparse", "dense"])
CHANGES = {"steps": 24, "log_every": 3, "checkpoint_every": 6, "dead_after": 40, "seeds": (0, 2), "lr": 0.02}


class Killed(BaseException):
    """Nothing in the package catches it, as nothing catches SIGKILL."""


class Killer:
    """Ends a run at a moment of its life: before, within or after a write, or within a step."""

    def __init__(self, patch):
        self.left, self.torn, self.moments = None, False, 0
        for owner, name in ((os, "replace"), (os, "fsync"), (Trainer, "step")):
            patch.setattr(owner, name, self.around(getattr(owner, name)))
        self.log = Run.log
        patch.setattr(Run, "log", lambda run, line: self.write(run, line))

    def moment(self):
        self.moments += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed

    def around(self, function):
        def killable(*given):
            self.moment()
            result = function(*given)
            self.moment()
            return result

        return killable

    def write(self, run, line):
        try:
            self.moment()
        except Killed:
            if run.folder and self.torn:  # half of the line reached the disk
                with (run.folder / METRICS).open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line)[: len(json.dumps(line)) // 2])
            raise
        self.log(run, line)
        self.moment()


def problem(system, path, optimiser="adam", **changes):
    arrays, _ = planted(80, widths_of(system))
    config = ready(system, arrays, path=path, optimiser=optimiser, **CHANGES | changes).config
    return config, sources(arrays)


def ends_the_same(first, second):
    """Every tensor, the state, the configuration and the metrics, to the bit."""
    (mine, my_state), (theirs, their_state) = (checkpoint.read(folder) for folder in (first, second))
    assert my_state == their_state
    assert mine.keys() == theirs.keys()
    for name, t in mine.items():
        assert t.numpy().tobytes() == theirs[name].numpy().tobytes(), name
    for name in (METRICS, CONFIG, checkpoint.NAME):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert sorted(p.name for p in first.iterdir()) == sorted([METRICS, CONFIG, checkpoint.NAME])


def run_through(config, data, out, ids=None):
    """Start or go on, whatever is there."""
    return train(config, data, ids, out, resume=(out / CONFIG).exists())


@pytest.mark.parametrize(
    ("system", "path", "optimiser"),
    [
        ("cosae", "sparse", "adam"),
        ("cosae", "dense", "adam"),
        ("cosae", "sparse", "sgd"),
        ("cosae", "dense", "sgd"),
        ("usae", "sparse", "adam"),
        ("crosscoder", "dense", "adam"),
    ],
)
def test_killed_at_any_moment(system, path, optimiser, tmp_path, monkeypatch):
    weights = {"REC": 1.0, "TR": 1.0, "CC": 0.1} if optimiser == "sgd" else None
    config, data = problem(system, path, optimiser, weights=weights)
    whole = train(config, data, out=tmp_path / "whole")
    assert "aux" in whole.curve, "no atom died in this run"
    killer, chosen, kills = Killer(monkeypatch), random.Random(f"{system} {path} {optimiser}"), 0
    finished = False
    while not finished:
        killer.left, killer.torn = chosen.randrange(40), chosen.random() < 0.5
        try:
            model = run_through(config, data, tmp_path / "killed")
            finished = True
        except Killed:
            kills += 1
        if kills > 4:
            killer.left = None
            model = run_through(config, data, tmp_path / "killed")
            finished = True
    assert kills >= 3
    ends_the_same(tmp_path / "whole", tmp_path / "killed")
    for name, p in whole.parameters.items():
        assert torch.equal(model.parameters[name], p)
    assert {n: c.tolist() for n, c in model.curve.items()} == {n: c.tolist() for n, c in whole.curve.items()}


def test_killed_once_at_every_moment_of_a_run(tmp_path, monkeypatch):
    config, data = problem("sae", "sparse", steps=8, log_every=2, checkpoint_every=4, seeds=(0,))
    train(config, data, out=tmp_path / "whole")
    killer = Killer(monkeypatch)
    train(config, data, out=tmp_path / "again")
    moments = killer.moments
    assert moments > 30
    for at in range(moments):
        killer.left, killer.torn = at, True
        with pytest.raises(Killed):
            train(config, data, out=tmp_path / str(at))
        killer.left = None
        run_through(config, data, tmp_path / str(at))
        ends_the_same(tmp_path / "whole", tmp_path / str(at))


def lines_of(out):
    return (out / METRICS).read_bytes().count(b"\n") if (out / METRICS).exists() else 0


@PATHS
def test_killed_by_the_system(path, tmp_path):
    config, data = problem("usae", path, steps=80, log_every=2, checkpoint_every=10, seeds=(0,))
    train(config, data, out=tmp_path / "whole")
    context, chosen, out, kills = multiprocessing.get_context("forkserver"), random.Random(path), tmp_path / "killed", 0
    # What a run imports, its first optimiser included, is imported once and not in each process.
    context.set_forkserver_preload(["nonlinear.train", "torch._dynamo", "pytest"])
    while True:
        arguments = {"out": out, "resume": (out / CONFIG).exists()}
        process = context.Process(target=train, args=(config, data), kwargs=arguments)
        process.start()
        if kills < 4:
            wanted = lines_of(out) + chosen.randrange(1, 12)
            while process.is_alive() and lines_of(out) < wanted:
                time.sleep(0.002)
            time.sleep(0.002 * chosen.random())
            process.kill()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -9
        kills += 1
    assert kills >= 3, "the runs ended before they could be killed"
    ends_the_same(tmp_path / "whole", tmp_path / "killed")


def test_a_finished_run_is_resumed_to_itself(tmp_path):
    config, data = problem("cosae", "sparse")
    whole = train(config, data, out=tmp_path / "run")
    before = (tmp_path / "run" / METRICS).read_bytes()
    again = train(config, data, out=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / METRICS).read_bytes() == before
    assert all(torch.equal(p, whole.parameters[n]) for n, p in again.parameters.items())


def test_what_a_killed_write_left_behind_is_removed(tmp_path):
    config, data = problem("sae", "sparse")
    train(config, data, out=tmp_path)
    (tmp_path / ".unfinished-abc").write_bytes(b"half")
    train(config, data, out=tmp_path, resume=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([METRICS, CONFIG, checkpoint.NAME])


def test_metrics_are_one_json_object_a_line(tmp_path):
    config, data = problem("cosae", "sparse")
    model = train(config, data, out=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 9, 12, 15, 18, 21, 24]
    assert np.allclose([line["losses"]["REC"] for line in lines], model.curve["REC"])
    assert all(len(line["dead"]["x"]) == 2 for line in lines)
    assert json.loads((tmp_path / CONFIG).read_text())["system"] == "cosae"


CHANGED = {
    "lr is 0.5 and .* was begun with 0.02; resume with the same configuration": {"lr": 0.5},
    "steps is 30": {"steps": 30},
    "threads is 2": {"threads": 2},
    r"seeds is \[0, 3\]": {"seeds": (0, 3)},
    "path is dense": {"path": "dense"},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A configuration, its data and the folder of the run."""
    config, data = problem("sae", "sparse")
    folder = tmp_path_factory.mktemp("finished")
    train(config, data, out=folder)
    return config, data, folder


@pytest.mark.parametrize("message", CHANGED)
@pytest.mark.parametrize("at", ["after a checkpoint", "before the first one"])
def test_another_configuration_is_refused(message, at, finished, tmp_path):
    config, data, run = finished
    shutil.copytree(run, tmp_path, dirs_exist_ok=True)
    if at == "before the first one":
        (tmp_path / checkpoint.NAME).unlink()
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=message) as caught:
        train(config.model_copy(update=CHANGED[message]), data, out=tmp_path, resume=True)
    assert "\n" not in str(caught.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_other_data_are_refused(tmp_path):
    config, data = problem("cosae", "sparse")
    ids = {s: np.arange(80) for s in data}
    train(config, data, ids, out=tmp_path)
    other = sources({s: r.array + (s == "y") for s, r in data.items()})
    for arguments in ((other, ids), ({"x": data["x"], "z": data["y"]}, {"x": ids["x"], "z": ids["y"]}),
                      (data, {"x": ids["x"], "y": np.roll(ids["y"], 1)}), (data, None)):  # fmt: skip
        with pytest.raises(ValueError, match=r"the data are not those that .* was begun with; pass the same files"):
            train(config, *arguments, out=tmp_path, resume=True)
    train(config, data, ids, out=tmp_path, resume=True)


def test_another_machine_is_refused(tmp_path, monkeypatch):
    config, data = problem("sae", "sparse")
    train(config, data, out=tmp_path)
    monkeypatch.setattr("nonlinear.run.environment", lambda device: {"torch": "1.0", "numpy": "1.0", "cpu": "abacus"})
    with pytest.raises(ValueError, match=r"abacus.*the bits would differ; resume it there"):
        train(config, data, out=tmp_path, resume=True)


def test_what_is_not_there_cannot_be_resumed_and_what_is_is_not_overwritten(tmp_path):
    config, data = problem("sae", "sparse")
    with pytest.raises(ValueError, match="holds no run; start one without --resume"):
        train(config, data, out=tmp_path / "none", resume=True)
    with pytest.raises(ValueError, match="there is no folder to resume from"):
        train(config, data, resume=True)
    train(config, data, out=tmp_path / "run")
    with pytest.raises(ValueError, match="holds a run already; go on with --resume"):
        train(config, data, out=tmp_path / "run")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="is a file; name a folder"):
        train(config, data, out=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
