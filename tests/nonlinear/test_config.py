"""Configurations: from files and flags, one line for what is wrong, and the learning rate."""

import json

import pytest
import torch

from nonlinear.config import Config, device_here, environment, read


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_and_flags_on_top_of_it(tmp_path):
    toml = write(tmp_path / "a.toml", 'system = "cosae"\nn_atoms = 64\nseeds = [3, 1]\n[weights]\nREC = 2\ndCC = 0.5\n')
    config = read(toml, sparsity=5, path="dense")
    assert (config.system, config.n_atoms, config.sparsity, config.seeds, config.path) == (
        "cosae",
        64,
        5,
        (3, 1),
        "dense",
    )
    assert config.weights == {"REC": 2.0, "dCC": 0.5}
    assert read(toml, n_atoms=128).n_atoms == 128
    again = write(tmp_path / "b.json", config.model_dump_json())
    assert read(again) == config
    assert read(None, **json.loads(config.model_dump_json())) == config


def test_changes_of_a_preset():
    assert Config(system="cosae").preset.selection == "batchtopk"
    assert Config(system="cosae", selection="topk").preset.selection == "topk"
    assert Config(system="usae", update="all").preset.update == "all"


WRONG = {
    "unknown system 'sea'; known: sae, transcoder": {"system": "sea"},
    r"sparsity 9 exceeds the 8 atoms; lower it \(-k\) or raise n_atoms \(-m\)": {"n_atoms": 8, "sparsity": 9},
    "paired 1.5 is not between 0 and 1": {"paired": 1.5},
    "paired -0.1 is not between 0 and 1": {"paired": -0.1},
    "paired nan is not between 0 and 1": {"paired": float("nan")},
    "must be finite and not negative": {"weights": {"REC": -1.0}},
    "weights {'REC': inf} must be finite": {"weights": {"REC": float("inf")}},
    "negative or repeated": {"seeds": (1, 1)},
    "seeds .* are negative": {"seeds": (-1,)},
    "device 'tpu' is not here; use cpu": {"device": "tpu"},
    "warmup 0.6 and decay 0.6 exceed the run": {"warmup": 0.6, "decay": 0.6},
    "n_atoms: input should be greater than or equal to 1, not 0": {"n_atoms": 0},
    "batch: input should be greater than or equal to 2, not 1": {"batch": 1},
    "lr: .*greater than 0, not 0": {"lr": 0.0},
    "steps: input should be a valid integer": {"steps": "many"},
    "sampling: input should be 'disjoint', 'independent' or 'aligned', not 'paired'": {"sampling": "paired"},
    "selection: input should be 'relu', 'topk' or 'batchtopk', not 'best'": {"selection": "best"},
    "unknown field 'atoms' of a configuration; known: system, n_atoms": {"atoms": 3},
    "only the source's parameters can learn": {"update": "source"},
    "a support shared by streams is chosen point by point": {"system": "sparc", "selection": "batchtopk"},
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_one_line(message):
    with pytest.raises(ValueError, match=message) as caught:
        read(None, **{"system": "cosae"} | WRONG[message])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "system = ", "a.toml is no valid TOML"),
        ("a.json", "{", "a.json is no valid JSON"),
        ("a.json", "[1]", "a.json holds no table of fields"),
        ("a.toml", 'systems = "sae"', "unknown field 'systems'|system: field required"),
        ("a.toml", "n_atoms = 3", "system: field required"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path / name, text))


def test_a_file_that_is_missing_or_binary_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"a.toml cannot be read: No such file or directory; check the path"):
        read(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"b.toml is no valid TOML"):
        read(tmp_path / "b.toml")


def test_learning_rate_rises_stays_and_falls():
    config = Config(system="sae", steps=100, lr=2.0, warmup=0.1, decay=0.2)
    assert [config.lr_at(s) for s in (0, 4, 9, 10, 50, 80)] == pytest.approx([0.2, 1.0, 2.0, 2.0, 2.0, 2.0])
    assert [config.lr_at(s) for s in (90, 99)] == pytest.approx([1.0, 0.1])
    flat = Config(system="sae", steps=3, lr=2.0, warmup=0.0, decay=0.0)
    assert {flat.lr_at(s) for s in range(3)} == {2.0}
    assert min(Config(system="sae", steps=1).lr_at(0) for _ in range(1)) > 0


def test_threads_are_part_of_it():
    assert Config(system="sae").threads == torch.get_num_threads()
    assert {"torch", "numpy", "cpu"} == environment().keys()


def test_a_device_that_is_not_here_becomes_the_cpu():
    assert device_here("cpu") == "cpu"
    assert device_here("cuda") == ("cuda" if torch.cuda.is_available() else "cpu")
