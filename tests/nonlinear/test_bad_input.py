"""Bad input to a training run: one line that says what is wrong and how to mend it, and nothing lost."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from nonlinear import checkpoint
from nonlinear.data import Array
from nonlinear.model import load
from nonlinear.run import CONFIG, METRICS
from nonlinear.strata import labelled_points, point_ids, strata
from nonlinear.train import NotFiniteError, Trainer, train

from .small import planted, ready, sources, widths_of

PATHS = pytest.mark.parametrize("path", ["sparse", "dense"])


def arrays_of(system, n=80, streams="xy"):
    return planted(n, widths_of(system, streams))[0]


def config_of(system, **changes):
    return ready(system, arrays_of(system)).config.model_copy(update=changes)


def refused(message, system="cosae", arrays=None, ids=None, **changes):
    """The line of a run that does not start."""
    data = sources(arrays_of(system) if arrays is None else arrays)
    with pytest.raises(ValueError, match=message) as caught:
        train(config_of(system, **changes), data, ids)
    assert type(caught.value) is not NotFiniteError
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def unequal():
    arrays = arrays_of("cosae")
    return {"x": arrays["x"], "y": arrays["y"][:70]}


@pytest.mark.parametrize("system", ["cosae", "usae", "transcoder", "crosscoder", "sparc"])
def test_unequal_lengths_where_pairs_are_needed(system, unequal):
    message = refused(r"the streams have 80 \(x\), 70 \(y\) rows, and pairs are needed", system, unequal)
    assert "give the ids" in message


@pytest.mark.parametrize("path", ["sparse", "dense"])
def test_unequal_lengths_train_where_no_pairs_are_needed(path, unequal):
    for system, changes in (("sae", {}), ("cosae", {"paired": 0.0}), ("cosae", {"weights": {"REC": 1.0, "dCC": 1.0}})):
        assert train(config_of(system, path=path, **changes), sources(unequal)).step == 20
    ids = {"x": np.arange(80), "y": np.arange(10, 80)}
    assert train(config_of("cosae", path=path), sources(unequal), ids).step == 20


ROWS = {s: np.arange(80) for s in "xy"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"anchors": (3, 80)}, "anchor 80 is no point that two streams show; name points from 0 to 79"),
        ({"anchors": (-1,)}, "anchor -1 is no point"),
        ({"anchors": (3, 5, 3)}, "an anchor occurs twice; name each point once"),
        ({"paired": 0.001}, "a fraction 0.001 of the 80 points that two streams show is no pair; raise it, or pass 0"),
        ({"matched": 17}, "17 matched rows do not fit into a batch of 16; choose between 0 and 16"),
        ({"matched": 3, "paired": 0.0}, "3 matched rows are asked for, and no pair is known"),
        ({"weights": {"REC": 0.0}}, "every weight is 0; give one property a weight"),
        ({"weights": {"XC": 1.0}}, "unknown property 'XC'; known: REC, CYC, TR, CC, dREC, .*nTR, cCC"),
        ({"weights": {}}, "every weight is 0"),
        ({"batch": 2, "anchors": (3,)}, "all rows of stream 'y' stand on one side; take larger batches"),
        ({"batch": 2, "unbiased": True}, "needs at least 2 rows on each side"),
        ({"init": "same"}, r"streams of widths {'x': 5, 'y': 4} cannot start from the same atoms"),
        ({"seeds": (0, 1, 2)}, "2 data sets for 3 seeds; pass one, or one per seed"),
    ],
    ids=str,
)
def test_settings_that_the_data_do_not_allow(changes, message):
    if "seeds" in changes:
        data = sources(arrays_of("cosae"))
        with pytest.raises(ValueError, match=message):
            train(config_of("cosae", **changes), [data, data])
    else:
        refused(message, **changes)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_fractions_outside_the_unit_interval(fraction):
    with pytest.raises(ValueError, match=r"the paired fraction .* is not between 0 and 1"):
        labelled_points(ROWS, fraction, None, 0)


def test_anchors_that_are_no_whole_numbers():
    for anchors in ([0.5], [[1, 2]], ["a"]):
        with pytest.raises(ValueError, match="anchors must be a list of point ids, whole numbers"):
            labelled_points(ROWS, 1.0, anchors, 0)  # pyright: ignore[reportArgumentType]


def test_streams_that_do_not_suit_the_system():
    arrays = arrays_of("cosae")
    refused("sae-a is one coder for all streams, and their widths are {'x': 5, 'y': 4}", "sae-a", arrays)
    for system in ("cosae", "transcoder", "usae"):
        refused("needs at least two streams", system, {"x": arrays["x"]})
    refused("transcoder goes from one stream to others and has no REC", "transcoder", weights={"REC": 1.0, "TR": 1.0})
    refused("there is no stream", "sae", {})


def test_streams_without_enough_rows():
    arrays = arrays_of("cosae")
    refused("stream 'y' has no rows", "sae", {"x": arrays["x"], "y": arrays["y"][:0]})
    refused("stream 'x' has no rows", "cosae", {s: a[:0] for s, a in arrays.items()})
    refused("all rows of stream 'y' stand on one side", "cosae", {s: a[:1] for s, a in arrays.items()})
    assert train(config_of("cosae"), sources({s: a[:2] for s, a in arrays.items()})).step == 20


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ({"x": np.arange(80)}, "stream 'y' has no ids; give the ids of every stream or of none"),
        ({"x": np.arange(80), "y": np.arange(79)}, "stream 'y' has 80 rows; give one whole number per row"),
        ({"x": np.arange(80), "y": np.arange(80) / 2}, "give one whole number per row as its ids"),
        ({"x": np.arange(80), "y": np.arange(80) // 2}, "an id occurs twice within stream 'y'"),
        ({"x": np.arange(80), "y": np.arange(80), "z": np.arange(80)}, "ids of an unknown stream 'z'; known: x, y"),
    ],
)
def test_ids_that_do_not_fit(ids, message):
    refused(message, ids=ids)
    with pytest.raises(ValueError, match=message):
        point_ids({"x": 80, "y": 80}, ids, paired=True)


def test_an_unknown_stream_is_named():
    model = train(config_of("cosae"), sources(arrays_of("cosae")))
    for coder in (model.coders(), model.coders(sparse=True)):
        with pytest.raises(ValueError, match="unknown stream 'q'; known: x, y"):
            coder.encode("q", torch.zeros(1, 5))
        with pytest.raises(ValueError, match="unknown stream 'q'; known: x, y"):
            coder.decode("q", coder.encode("x", torch.zeros(1, 5)))


def test_a_few_matched_rows_for_many_sets_of_streams():
    ids = {"x": np.arange(40), "y": np.arange(20, 60), "z": np.arange(40, 80)}
    with pytest.raises(ValueError, match="2 sets of streams show labelled points, and a batch has 1 matched rows"):
        strata(ids, labelled_points(ids, 1.0, None, 0), 16, matched=1)


def test_seeds_whose_batches_differ():
    ids = {"x": np.arange(80), "y": np.r_[np.arange(40), np.arange(100, 140)], "z": np.r_[np.arange(38, 78), 100:140]}
    refused("the seeds' batches differ in layout; train them one by one", arrays=arrays_of("cosae", streams="xyz"),
            ids=ids, seeds=tuple(range(12)), paired=0.1, weights={"REC": 1.0, "CC": 1.0})  # fmt: skip


def diverging(path, tmp_path, **changes):
    """A run whose loss becomes infinite, the step at which it does, and its folder."""
    settings = {"path": path, "optimiser": "sgd", "lr": 20.0, "warmup": 0.0, "steps": 60, "log_every": 4}
    config = config_of("cosae", **settings | {"checkpoint_every": 4, "weights": {"REC": 1.0, "TR": 1.0}} | changes)
    data, first = sources(arrays_of("cosae")), None
    trainer = Trainer(config, data)
    for step in range(60):
        if not bool(torch.isfinite(trainer.step(step)["loss"]).all()):
            first = step + 1
            break
    assert first is not None
    assert first > 4
    return config, data, first, tmp_path / "run"


@PATHS
@pytest.mark.parametrize("seeds", [(0,), (0, 1)], ids=str)
def test_an_infinite_loss_stops_at_its_step_and_leaves_the_last_good_checkpoint(path, seeds, tmp_path):
    config, data, first, out = diverging(path, tmp_path, seeds=seeds)
    good = (first - 1) // 4 * 4
    with pytest.raises(NotFiniteError) as caught:
        train(config, data, out=out)
    message = str(caught.value)
    assert f"the loss is not finite at step {first}" in message or f"not finite after step {good}" in message
    assert "lower the learning rate" in message
    assert "\n" not in message
    model = load(out)
    assert f"the checkpoint of step {model.step} is kept" in message
    assert 0 < model.step <= good
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters.values())
    assert model.step == len((out / METRICS).read_text().splitlines()) * 4


@PATHS
def test_an_infinite_loss_before_any_checkpoint(path, tmp_path):
    config, data, first, out = diverging(path, tmp_path)
    config = config.model_copy(update={"checkpoint_every": 60, "log_every": 60})
    with pytest.raises(NotFiniteError, match=f"not finite at step {first}; no checkpoint had been written"):
        train(config, data, out=out)


@PATHS
@pytest.mark.parametrize("name", ["encoder.x", "bias.y", "decoder.x+y", "offset.x"])
def test_weights_that_are_not_finite_are_never_saved(path, name, tmp_path, monkeypatch):
    config, data = config_of("cosae", path=path), sources(arrays_of("cosae"))
    step = Trainer.step

    def breaks(trainer, number):
        found = step(trainer, number)
        if number == 15:  # the last step before a line of metrics and a checkpoint: no loss has seen it
            with torch.no_grad():
                trainer.parameters[name][0].reshape(-1)[0] = torch.nan
        return found

    monkeypatch.setattr(Trainer, "step", breaks)
    with pytest.raises(NotFiniteError, match=f"{name.replace('+', '.')} not finite after step 16.*step 8 is kept"):
        train(config, data, out=tmp_path)
    assert load(tmp_path).step == 8


def test_huge_values_in_the_data_stop_the_first_step():
    arrays = {s: a * 1e30 for s, a in arrays_of("cosae").items()}
    with pytest.raises(NotFiniteError, match=r"at step 1; no checkpoint had been written; .*huge values in the data"):
        train(config_of("cosae", normalise="none"), sources(arrays))
    assert train(config_of("cosae"), sources(arrays)).step == 20  # normalised, they are no matter


def test_values_that_are_not_finite_are_refused_before_anything_starts():
    with pytest.raises(ValueError, match="x has NaN or infinite values; remove or impute them"):
        Array(np.array([[np.nan]]), "x")


DAMAGE = {
    "is damaged": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "is damaged .*checksum": lambda path: path.write_bytes(path.read_bytes()[:-4] + b"abcd"),
    "no checkpoint of this version": lambda path: foreign(path),
}


def foreign(path):
    from safetensors.torch import save_file

    save_file({"weight": torch.ones(2)}, path)


@pytest.mark.parametrize("message", DAMAGE)
def test_a_damaged_or_foreign_checkpoint_is_not_resumed_and_nothing_is_touched(message, tmp_path):
    config, data = config_of("cosae"), sources(arrays_of("cosae"))
    train(config, data, out=tmp_path)
    DAMAGE[message](tmp_path / checkpoint.NAME)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=message) as caught:
        train(config, data, out=tmp_path, resume=True)
    assert "\n" not in str(caught.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


class FullDisk:
    """A disk that takes no more bytes from the given write on; files are written until then."""

    def __init__(self, patch, after):
        self.left, opened = after, Path.open
        patch.setattr(os, "fsync", self.around(os.fsync))
        patch.setattr(Path, "open", lambda path, *given, **named: self.file(opened(path, *given, **named)))

    def check(self):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    def around(self, function):
        def limited(*given):
            self.check()
            return function(*given)

        return limited

    def file(self, file):
        if file.writable():
            file.write = self.around(file.write)
        return file


def test_a_full_disk_loses_nothing_whenever_it_comes(tmp_path, monkeypatch):
    config, data = config_of("sae", seeds=(0,), steps=12, log_every=2, checkpoint_every=4), sources(arrays_of("sae"))
    train(config, data, out=tmp_path / "whole")
    failures = 0
    for after in range(40):
        out, ended = tmp_path / str(after), False
        with monkeypatch.context() as patch:
            FullDisk(patch, after)
            try:
                train(config, data, out=out)
                ended = True
            except OSError as error:
                failures += 1
                line = str(error)
        if not ended:
            assert "No space left on device" in line
            if (out / checkpoint.NAME).exists():
                step = load(out).step
                steps = [int(t.split(",")[0].split(":")[1]) for t in (out / METRICS).read_text().splitlines()]
                assert steps[: step // 2] == list(range(2, step + 1, 2))
            train(config, data, out=out, resume=(out / CONFIG).exists())
        for name in (CONFIG, METRICS):
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
        mine, theirs = checkpoint.read(out)[0], checkpoint.read(tmp_path / "whole")[0]
        assert all(torch.equal(torch.nan_to_num(t), torch.nan_to_num(theirs[n])) for n, t in mine.items())
        if ended:
            break
    assert failures >= 10
