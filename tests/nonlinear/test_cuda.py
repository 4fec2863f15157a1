"""A GPU gives the numbers of the CPU, and its own bits again; nothing here is needed where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nonlinear import checkpoint
from nonlinear.coders import Coders
from nonlinear.config import Config
from nonlinear.data import Streams
from nonlinear.evaluate import evaluate
from nonlinear.intervench.benchmark import intervench
from nonlinear.intervench.coders import joint_of_model, of_model
from nonlinear.intervench.config import Config as Benchmark
from nonlinear.model import load
from nonlinear.preparation import is_sparse
from nonlinear.run import METRICS
from nonlinear.systems import SYSTEMS
from nonlinear.train import Trainer, train
from proofs_check.cli import main

from .small import NAMES, batch_of, measured, planted, ready, sources, widths_of

DEVICE = "cuda"
pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"),
    # Said once of the thread that runs backward, before it has a context of its own.
    pytest.mark.filterwarnings("default:Attempting to run cuBLAS"),
]
SYSTEM = pytest.mark.parametrize("system", NAMES)
PATH = pytest.mark.parametrize("path", ["sparse", "dense"])
# Two devices add in two orders. On a CPU, 30 steps in float32 end within 4e-7 of those in float64, losses, parameters
# and selections: 25 times as much is allowed in float32. Products in TF32 would be off by 1e-4 and more.
RTOL = {"float32": 1e-5, "float64": 1e-10}
STEPS = {"float32": 30, "float64": 10}
ALL = {"REC": 1.0, "TR": 0.5, "CC": 0.3, "CYC": 0.2, "dTR": 0.4, "dCC": 0.6, "dCYC": 0.1, "nTR": 0.2, "cCC": 0.7}
RUN = {"dead_after": 40, "lr": 0.02, "steps": 30}
PAIRING = {
    "a fraction": {"paired": 0.3, "sampling": "aligned"},
    "anchors": {"anchors": (3, 5, 8, 20), "matched": 4},
    "no pairs": {"paired": 0.0},
    "independent": {"sampling": "independent", "unbiased": True},
}


def pair(system, arrays, ids=None, **changes):
    """The same run on the CPU and on the GPU."""
    return [ready(system, arrays, ids, device=device, **RUN | changes) for device in ("cpu", DEVICE)]


def close(mine, theirs, rtol, what):
    mine, theirs = (torch.as_tensor(t).detach().cpu() for t in (mine, theirs))
    assert mine.dtype == theirs.dtype, what
    torch.testing.assert_close(mine, theirs, rtol=rtol, atol=rtol, equal_nan=True, msg=lambda m: f"{what}: {m}")


def kept(trainer, step):
    """Which entries the codes of a batch keep, by stream, for the first seed."""
    parameters = {n: p[0].detach() for n, p in trainer.parameters.items()}
    coders = Coders(trainer.shape, parameters, trainer.config.sparsity, sparse=trainer.sparse)
    x = {s: rows[0] for s, rows in batch_of(trainer, step).items()}
    codes = {s: coders.code(s, x, trainer.layout) for s in x}
    return {s: ((z.dense() if trainer.sparse else z) != 0).cpu() for s, z in codes.items()}


def alike(cpu, gpu, steps):
    """Every loss, which atoms fire at every step, and at the end all that is learnt; returns the losses on the GPU."""
    rtol, seen = RTOL[cpu.config.precision], []
    for step in range(steps):
        mine, theirs = gpu.step(step), cpu.step(step)
        assert all(v.device.type == DEVICE for v in mine.values())
        assert mine.keys() - {"aux"} == theirs.keys() - {"aux"}
        for name, value in mine.items():  # a GPU does not ask whether an atom is dead, and then aux is 0
            close(value, theirs.get(name, torch.zeros_like(value, device="cpu")), rtol, f"{name} at step {step}")
        for code, silent in gpu.silent.items():
            assert torch.equal(silent.cpu(), cpu.silent[code]), f"other atoms fired at step {step}"
            close(gpu.thresholds[code], cpu.thresholds[code], rtol, "threshold")
        seen.append({name: value.cpu() for name, value in mine.items()})
    here, there = kept(cpu, steps), kept(gpu, steps)
    assert all(torch.equal(there[s], mask) for s, mask in here.items()), "other entries are kept"
    for name, p in gpu.parameters.items():
        close(p, cpu.parameters[name], rtol, name)
    return seen


@SYSTEM
@PATH
@pytest.mark.parametrize("precision", RTOL)
def test_steps_are_those_of_the_cpu(system, path, precision):
    arrays, _ = planted(400, widths_of(system))
    seen = alike(*pair(system, arrays, path=path, precision=precision), STEPS[precision])
    assert max(float(losses["aux"].max()) for losses in seen) > 0, "no atom died in this run"
    assert seen[-1]["loss"] != seen[0]["loss"]


@SYSTEM
@PATH
@pytest.mark.parametrize("pairing", PAIRING)
def test_every_loss_with_every_pairing(system, path, pairing):
    weights = {n: w for n, w in ALL.items() if not (SYSTEMS[system].edges == "first" and n == "REC")}
    arrays, _ = planted(80, widths_of(system))
    changes = {"path": path, "precision": "float64", "weights": weights, "l1": 0.01} | PAIRING[pairing]
    seen = alike(*pair(system, arrays, **changes), steps=2)
    assert {*weights, "aux", "L1", "loss"} == seen[-1].keys()


@SYSTEM
@PATH
def test_streams_that_show_different_points(system, path):
    arrays, _ = planted(80, widths_of(system, "xyz"))
    ids = {"x": np.arange(0, 60), "y": np.arange(20, 80), "z": np.arange(40, 90)}
    ids = {s: np.random.default_rng(0).permutation(v) for s, v in ids.items()}
    alike(*pair(system, {s: a[: len(ids[s])] for s, a in arrays.items()}, ids, path=path, precision="float64"), steps=3)


@SYSTEM
@PATH
def test_several_seeds_as_one_batch(system, path):
    arrays, _ = planted(80, widths_of(system))
    cpu, gpu = pair(system, arrays, path=path, precision="float64", seeds=(4, 9))
    seen = alike(cpu, gpu, steps=10)
    assert seen[-1]["loss"].shape == (2,)


@PATH
@pytest.mark.parametrize("selection", ["relu", "topk", "batchtopk"])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_every_selection_and_optimiser(path, selection, optimiser):
    arrays, _ = planted(80, widths_of("cosae"))
    changes = {"path": path, "precision": "float64", "selection": selection, "optimiser": optimiser}
    alike(*pair("cosae", arrays, **changes), steps=5)


@PATH
@pytest.mark.parametrize("system", ["sae", "cosae"])
def test_products_are_not_rounded_to_ten_bits(system, path):
    # Wide enough for tensor cores. With every positive entry kept, no tie is decided by rounding.
    assert not torch.backends.cuda.matmul.allow_tf32
    arrays, _ = planted(512, {"x": 64, "y": 96}, n_atoms=128, active=4)
    sizes = {"n_atoms": 512, "batch": 256, "sparsity": 8, "n_slices": 64, "selection": "relu"}
    cpu, gpu = (measured(t) for t in pair(system, arrays, path=path, **sizes))
    for mine, theirs in zip(gpu[:2], cpu[:2], strict=True):
        for name, value in mine.items():
            size = float(theirs[name].abs().max())
            close(value / size, theirs[name] / size, RTOL["float32"], name)


@PATH
def test_bfloat16_is_near_float32(path):
    arrays, _ = planted(400, {"x": 16, "y": 24})
    found = [
        ready("cosae", arrays, device=DEVICE, path=path, precision=precision, selection="relu").step(0)
        for precision in ("float32", "bfloat16")
    ]
    for name, value in found[0].items():
        close(found[1][name], value, 0.1, name)
    assert not torch.equal(found[0]["loss"], found[1]["loss"])


@pytest.mark.parametrize("system", ["cosae", "usae", "crosscoder", "sae-a", "sparc"])
@PATH
def test_a_run_that_was_killed_ends_in_the_same_bits(system, path, tmp_path, monkeypatch):
    arrays, _ = planted(80, widths_of(system))
    changes = {"steps": 24, "log_every": 3, "checkpoint_every": 6, "path": path}
    weights = None if system != "sae-a" else {"REC": 1.0, "cCC": 0.5}
    config = ready(system, arrays, device=DEVICE, weights=weights, **RUN | changes).config
    whole = train(config, sources(arrays), out=tmp_path / "whole")
    step = Trainer.step

    def killed(trainer, number):
        if number == 14:
            raise KeyboardInterrupt
        return step(trainer, number)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", killed)
        with pytest.raises(KeyboardInterrupt):
            train(config, sources(arrays), out=tmp_path / "killed")
    assert checkpoint.read(tmp_path / "killed")[1]["step"] == 12
    again = train(config, sources(arrays), out=tmp_path / "killed", resume=True)
    for name, p in whole.parameters.items():
        assert p.device.type == DEVICE
        assert torch.equal(p, again.parameters[name]), name
    for name in (METRICS, checkpoint.NAME):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()


def same(mine, theirs, atol, path=""):
    """Two documents with equal keys, texts and whole numbers, and numbers that are close."""
    if isinstance(theirs, dict):
        assert mine.keys() == theirs.keys(), path
        for key, value in theirs.items():
            same(mine[key], value, atol, f"{path}/{key}")
    elif isinstance(theirs, list):
        assert len(mine) == len(theirs), path
        for number, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            same(a, b, atol, f"{path}/{number}")
    elif isinstance(theirs, float):
        assert mine == pytest.approx(theirs, rel=atol, abs=atol), path
    else:
        assert mine == theirs, path


@SYSTEM
def test_a_checkpoint_of_the_gpu_is_evaluated_the_same_on_the_cpu(system, tmp_path, monkeypatch):
    arrays, codes = planted(300, widths_of(system))
    config = ready(system, arrays, device=DEVICE, precision="float64", lr=0.02).config
    model = train(config, sources(arrays), out=tmp_path)
    here, there = load(tmp_path), load(tmp_path).to("cpu")
    for name, p in model.parameters.items():
        assert here.parameters[name].device == p.device
        assert there.parameters[name].device.type == "cpu"
        assert torch.equal(here.parameters[name], p)
        assert torch.equal(there.parameters[name], p.cpu())
    labels = np.arange(300) % 3
    documents = [
        evaluate(m, sources(arrays), labels=labels, truth={"codes": codes}, sample=120, block=64)
        for m in (model, here, there)
    ]
    same(documents[1], documents[0], 0.0)
    same(documents[0], documents[2], 1e-9)
    if not SYSTEMS[system].skip and SYSTEMS[system].edges != "first":
        assert documents[0]["standalone"]["r2"]["REC"]["x"]["value"] is not None
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert load(tmp_path).config.device == "cpu"
    assert all(p.device.type == "cpu" for p in load(tmp_path).parameters.values())


@pytest.mark.parametrize("system", ["cosae", "crosscoder", "sparc"])
def test_coders_of_the_benchmark(system):
    arrays, _ = planted(300, widths_of(system))
    model = train(ready(system, arrays, device=DEVICE, precision="float64").config, sources(arrays))
    gpu, cpu = of_model(model), of_model(model.to("cpu"))
    for s, coder in gpu.items():
        Z = coder.encode(arrays[s])
        close(Z, cpu[s].encode(arrays[s]), 1e-10, "codes")
        close(coder.decode(Z), cpu[s].decode(Z), 1e-10, "rows")
        close(coder.dictionary, cpu[s].dictionary, 1e-12, "atoms")
    joint = joint_of_model(model)
    if system != "cosae":
        theirs = joint_of_model(model.to("cpu"))(arrays)
        for s, Z in joint(arrays).items():
            close(Z, theirs[s], 1e-10, "shared codes")


def test_intervench():
    arrays, codes = planted(600, {"x": 12, "y": 10})
    labels = codes[:, :3].argmax(1)
    model = train(ready("cosae", arrays, device=DEVICE, precision="float64", steps=60, lr=0.02).config, sources(arrays))
    found = [
        intervench(sources(arrays), of_model(m), labels, Benchmark(subsets=1, resamples=20), baselines=False)
        for m in (model, model.to("cpu"))
    ]
    # Codes differ by 1e-15, and probes end where a gradient is below 1e-5.
    same(found[0]["aggregates"], found[1]["aggregates"], 1e-3)
    same(found[0]["cycle"], found[1]["cycle"], 1e-9)


def test_sparse_codes_begin_at_a_hundred_atoms_per_active_one():
    sizes = {"system": "sae", "sparsity": 4, "device": DEVICE}
    assert [is_sparse(Config(n_atoms=m, **sizes)) for m in (396, 400)] == [False, True]


def test_rows_that_do_not_fit_are_read_batch_by_batch():
    arrays, _ = planted(80, widths_of("cosae"))
    trainer = ready("cosae", arrays, device=DEVICE)
    streams, rows = trainer.streams[0], trainer.shuffles[0].rows(3)
    read = Streams(streams.rows, streams.normalisers, DEVICE, torch.float32, resident=0).batch(rows)
    for s, x in streams.batch(rows).items():
        assert x.device.type == DEVICE
        assert torch.equal(x, read[s])


def test_the_command_line(tmp_path, monkeypatch, capsys):
    arrays, _ = planted(200, widths_of("cosae"))
    monkeypatch.chdir(tmp_path)
    for s, a in arrays.items():
        np.save(f"{s}.npy", a)
    sizes = ["-m", "24", "-k", "3", "--batch", "16", "--steps", "8"]
    assert main(["train", "cosae", "x.npy", "y.npy", "--out", "run", "--device", DEVICE, *sizes]) == 0
    assert json.loads(Path("run/config.json").read_text())["device"] == DEVICE
    capsys.readouterr()
    assert main(["evaluate", "run", "x.npy", "y.npy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["standalone"]["r2"]["TR"]["x"]["y"]["rows"] == 200
    assert main(["train", "cosae", "x.npy", "y.npy", "--out", "run", "--device", DEVICE, *sizes, "--resume"]) == 0


WORDS = ["[PAD]", "[UNK]", "a", "red", "blue", "cat", "dog"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}


def towers(folder):
    """Random towers: with a convolution of patches, of convolutions alone, and of words."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    torch.manual_seed(0)
    vit = transformers.ViTModel(transformers.ViTConfig(**SMALL, image_size=32, patch_size=8))
    resnet = transformers.ResNetModel(
        transformers.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1])
    )
    bert = transformers.BertModel(
        transformers.BertConfig(**SMALL, vocab_size=len(WORDS), max_position_embeddings=8, pad_token_id=0)
    )
    for name, model in (("vit", vit), ("resnet", resnet), ("bert", bert)):
        model.save_pretrained(folder / name)
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, model_max_length=8, pad_token="[PAD]", unk_token="[UNK]"
    )
    fast.save_pretrained(folder / "bert")


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory):
    """Function (model, kind, device, pool) → rows of seven items, from a tower that is read anew."""
    folder = tmp_path_factory.mktemp("towers")
    towers(folder)
    from transformers import BatchFeature

    from nonlinear.embed import tower as towers_here

    def prepare(images, return_tensors):
        return BatchFeature({"pixel_values": torch.stack(images)})

    pixels = torch.randn(7, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    items = {
        "images": list(pixels),
        "captions": ["a red cat", "dog", "a blue dog", "red red red dog", "a cat", "blue cat cat dog", "blue"],
    }

    def rows(model, kind, device, pool):
        with pytest.MonkeyPatch.context() as patch:  # images are prepared on the CPU, whatever the device
            patch.setattr(towers_here, "image_processor", lambda *_: prepare)
            tower = towers_here.Tower(str(folder / model), kind, pool, device)
        assert tower.settings["device"] == device
        assert ("gpu" in tower.settings["environment"]) == (device != "cpu")
        return tower(items[kind])

    return rows


@pytest.mark.parametrize(
    "tower",
    [("vit", "images", "cls"), ("vit", "images", "mean"), ("resnet", "images", "mean"), ("bert", "captions", "mean")],
)
def test_towers(embeddings, tower):
    model, kind, pool = tower
    gpu, cpu = embeddings(model, kind, DEVICE, pool), embeddings(model, kind, "cpu", pool)
    assert gpu.dtype == np.float32
    assert np.ptp(cpu, axis=0).max() > 1e-3, "rows that do not differ would show nothing"
    # A tenth of what convolutions in TF32 would be off by.
    np.testing.assert_allclose(gpu, cpu, rtol=1e-4, atol=1e-5 * np.abs(cpu).max())
    assert embeddings(model, kind, DEVICE, pool).tobytes() == gpu.tobytes()
