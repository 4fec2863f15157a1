"""Checkpoints: what is written is read, damage is noticed wherever it is, and nothing is lost while writing."""

import errno
import json
import os

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nonlinear import checkpoint
from nonlinear.files import replace
from nonlinear.model import load
from nonlinear.train import train

from .small import NAMES, planted, ready, sources, widths_of

STATE = {"step": 7, "text": "ünïcode", "list": [1, None]}
TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "flag": torch.tensor(True),
    "none": torch.zeros(0, 4),
    "b/c": torch.tensor(3),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    checkpoint.write(folder, TENSORS, STATE)
    return folder, (folder / checkpoint.NAME).read_bytes()


def test_what_is_written_is_read(written):
    tensors, state = checkpoint.read(written[0])
    assert state == STATE
    assert tensors.keys() == TENSORS.keys()
    for name, t in TENSORS.items():
        assert torch.equal(tensors[name], t)
        assert tensors[name].dtype == t.dtype


def test_the_file_is_no_pickle(written):
    assert b"pickle" not in written[1]
    assert int.from_bytes(written[1][:8], "little") < len(written[1])
    assert json.loads(written[1][8 : 8 + int.from_bytes(written[1][:8], "little")])["__metadata__"][checkpoint.FORMAT]


def test_equal_checkpoints_have_equal_bytes(written, tmp_path):
    for _ in range(5):
        checkpoint.write(tmp_path, dict(reversed(TENSORS.items())), STATE)
        assert (tmp_path / checkpoint.NAME).read_bytes() == written[1]


@settings(max_examples=150)
@given(where=st.floats(0, 1), bit=st.integers(0, 7))
def test_one_flipped_bit_is_noticed(written, tmp_path_factory, where, bit):
    content = bytearray(written[1])
    content[min(int(where * len(content)), len(content) - 1)] ^= 1 << bit
    damaged = tmp_path_factory.mktemp("damaged")
    (damaged / checkpoint.NAME).write_bytes(content)
    message, found = "", None
    try:
        found = checkpoint.read(damaged)
    except ValueError as error:
        message = str(error)
    if found is None:
        assert "is damaged" in message or "no checkpoint of this version" in message
        assert "\n" not in message
    else:  # a blank of the header's padding carries no meaning
        assert found[1] == STATE
        assert all(torch.equal(found[0][name], t) for name, t in TENSORS.items())


@settings(max_examples=60)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_noticed(written, tmp_path_factory, share):
    damaged = tmp_path_factory.mktemp("truncated")
    (damaged / checkpoint.NAME).write_bytes(written[1][: int(share * len(written[1]))])
    with pytest.raises(ValueError, match=r"is damaged .*; restore it or train again"):
        checkpoint.read(damaged)


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"has no checkpoint.safetensors; pass the folder that train --out made"):
        load(tmp_path)
    safetensors.torch.save_file({"a": torch.ones(1)}, tmp_path / checkpoint.NAME)
    with pytest.raises(ValueError, match="no checkpoint of this version of concept-alignment"):
        load(tmp_path)
    (tmp_path / checkpoint.NAME).write_bytes(b"")
    with pytest.raises(ValueError, match="is damaged"):
        load(tmp_path)
    (tmp_path / checkpoint.NAME).unlink()
    (tmp_path / checkpoint.NAME).mkdir()
    with pytest.raises(ValueError, match="has no checkpoint"):
        load(tmp_path)


def test_our_format_without_the_contents_of_a_run_is_named(tmp_path):
    checkpoint.write(tmp_path, {"a": torch.ones(1)}, {"step": 1})
    with pytest.raises(ValueError, match=r"the checkpoint cannot be restored: config; .*--plugin"):
        load(tmp_path)


@pytest.mark.parametrize("system", NAMES)
def test_a_model_is_loaded_as_it_was(system, tmp_path):
    arrays, _ = planted(80, widths_of(system))
    model = train(ready(system, arrays, seeds=(0, 3), steps=10).config, sources(arrays), out=tmp_path / "run")
    again = load(tmp_path / "run")
    assert again.config == model.config
    assert again.shape == model.shape
    assert again.step == model.step == 10
    first, second = model.tensors(), again.tensors()
    assert first.keys() == second.keys()
    assert all(torch.equal(torch.nan_to_num(t, nan=-1.0) if t.is_floating_point() else t,
                           torch.nan_to_num(second[n], nan=-1.0) if t.is_floating_point() else second[n])
               for n, t in first.items())  # fmt: skip
    assert [n["x"].scale for n in again.normalisers] == [n["x"].scale for n in model.normalisers]
    x = torch.randn(4, model.shape.widths["x"], generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.coders(1).encode("x", x), model.coders(1).encode("x", x))


def test_a_model_from_a_machine_with_another_device_is_loaded_without_it(tmp_path):
    arrays, _ = planted(80, widths_of("sae"))
    train(ready("sae", arrays, steps=8).config, sources(arrays), out=tmp_path)
    tensors, state = checkpoint.read(tmp_path)
    state["config"]["device"] = "cuda:7"
    checkpoint.write(tmp_path, tensors, state)
    if not torch.cuda.is_available():
        assert load(tmp_path).config.device == "cpu"


def test_a_model_moves_as_a_whole_and_leaves_itself_behind():
    arrays, _ = planted(80, widths_of("cosae"))
    model = train(ready("cosae", arrays, steps=4).config, sources(arrays))
    moved = model.to("meta")
    for group in ("parameters", "thresholds", "silent"):
        assert {t.device.type for t in getattr(moved, group).values()} == {"meta"}
        assert {t.device.type for t in getattr(model, group).values()} == {"cpu"}
    assert (moved.config.device, model.config.device) == ("meta", "cpu")
    assert moved.shape == model.shape


@pytest.mark.parametrize("system", ["cosae", "skip-transcoder", "sae-a"])
def test_folded_weights_work_on_rows_in_their_own_units(system):
    arrays, _ = planted(200, widths_of(system))
    arrays = {s: 3 * a + 5 for s, a in arrays.items()}
    config = ready(system, arrays, precision="float64", selection="relu").config
    model = train(config, sources(arrays))
    with torch.no_grad():
        for name, p in model.parameters.items():
            if name.startswith(("skip", "bias", "offset")):
                p += torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(2))
    folded, coders, n = model.folded(), model.coders(), model.normalisers[0]
    x, y = (torch.tensor(arrays[s][:9]) for s in "xy")
    z = coders.encode("x", n["x"](x))
    torch.testing.assert_close(torch.relu(x @ folded["x.encoder"].T + folded["x.encoder_bias"]), z)
    found = z @ folded["y.decoder"] + folded["y.decoder_bias"]
    if system == "skip-transcoder":
        found = found + x @ folded["x.y.skip"]
    torch.testing.assert_close(found, n["y"].back(coders.decode("y", z)))
    with pytest.raises(ValueError, match="cannot be folded into weights"):
        train(config.model_copy(update={"normalise": "unit"}), sources(arrays)).folded()
    assert y.shape[1] == found.shape[1]


def test_a_full_disk_leaves_the_last_checkpoint_and_no_rest(tmp_path, monkeypatch):
    checkpoint.write(tmp_path, TENSORS, STATE)
    before = (tmp_path / checkpoint.NAME).read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            with pytest.raises(OSError, match="No space left on device"):
                checkpoint.write(tmp_path, {"a": torch.ones(3)}, {})
        assert [p.name for p in tmp_path.iterdir()] == [checkpoint.NAME]
        assert (tmp_path / checkpoint.NAME).read_bytes() == before


def test_a_replaced_file_keeps_its_permissions_and_a_new_one_can_be_read_by_others(tmp_path):
    path = tmp_path / "a"
    replace(path, b"one")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    replace(path, b"two")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o600)


def test_numbers_that_json_does_not_know_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        checkpoint.write(tmp_path, {}, {"loss": np.nan})
    assert not list(tmp_path.iterdir())
