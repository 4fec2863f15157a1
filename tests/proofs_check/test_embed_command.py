"""Embed by real loading code: tiny random models saved to disk, against forward passes done here, and no network."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

# Read by the hub's client when it is imported.
os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"

import huggingface_hub
import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers.utils import logging

from nonlinear.embed.items import open_items
from nonlinear.embed.run import embed
from nonlinear.embed.tower import Tower
from proofs_check.cli import main

from .test_cli import contents, fails_in_one_line

ROOT = Path(__file__).parents[2]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "blue", "cat", "dog"]
CAPTIONS = ["a red cat", "dog", "a blue dog", "red red red dog", "a cat", "a blue blue cat cat dog", "blue"]
LENGTH = 10
SMALL = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
VISION = SMALL | {"image_size": 16, "patch_size": 8}
TEXT = SMALL | {
    "vocab_size": len(WORDS), "max_position_embeddings": LENGTH,
    "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
}  # fmt: skip


def tokenizer(**special):
    found = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": "[CLS]", "eos_token": "[SEP]"} | special
    return transformers.PreTrainedTokenizerFast(tokenizer_object=found, model_max_length=LENGTH, **names)


def made():
    """Name → model, image processor or not, tokenizer or not."""
    t = transformers
    same = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": {"height": 16, "width": 16}}
    crop = same | {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}
    images, words = t.ViTImageProcessorPil(**same), tokenizer()
    clip = t.CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=5)
    siglip = t.SiglipConfig(text_config=TEXT | {"projection_size": 8}, vision_config=VISION)
    registers = t.Dinov2WithRegistersConfig(**VISION, num_register_tokens=3)
    resnet = t.ResNetConfig(embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1])
    t5 = t.T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    gpt = t.GPT2Config(vocab_size=9, n_positions=LENGTH, n_embd=8, n_layer=1, n_head=2, bos_token_id=2, eos_token_id=3)
    yield "vit", t.ViTModel(t.ViTConfig(**VISION)), images, None
    yield "registers", t.Dinov2WithRegistersModel(registers), images, None
    yield "resnet", t.ResNetModel(resnet), images, None
    yield "bert", t.BertModel(t.BertConfig(**TEXT)), None, words
    yield "gpt", t.GPT2Model(gpt), None, tokenizer(pad_token=None)
    yield "t5", t.T5Model(t5), None, words
    yield "clip", t.CLIPModel(clip), t.CLIPImageProcessorPil(**crop), words
    yield "siglip", t.SiglipModel(siglip), t.SiglipImageProcessorPil(**same), words


@pytest.fixture(scope="module")
def saved_models(tmp_path_factory):
    """Folder of all models, and each as it is in memory."""
    folder, found, level = tmp_path_factory.mktemp("models"), {}, logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    for name, model, *others in made():
        for module in model.modules():  # as in trained ones, no bias is 0
            if getattr(module, "bias", None) is not None:
                torch.nn.init.normal_(module.bias, std=0.1)
        model.save_pretrained(folder / name)
        for other in others:
            if other is not None:
                other.save_pretrained(folder / name)
        found[name] = model.eval().requires_grad_(False)
    logging.set_verbosity(level)
    logging.enable_progress_bar()
    return folder, found


@pytest.fixture
def here(tmp_path, monkeypatch, saved_models):
    """Working folder with links to the models, seven images in two classes and seven captions; no network."""

    def refused(*_):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.chdir(tmp_path)
    for model in saved_models[0].iterdir():
        (tmp_path / model.name).symlink_to(model)
    rng = np.random.default_rng(0)
    for name in ("cat/0", "cat/1", "cat/2", "dog/0", "dog/1", "dog/2", "dog/3"):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    (tmp_path / "captions.txt").write_text("\n".join(CAPTIONS) + "\n")
    return tmp_path


def run(*words):
    assert main(["embed", *map(str, words)]) == 0


def pixels(folder):
    """All images as the models take them: the images have the models' size already."""
    found = [np.asarray(Image.open(p), np.float32) for p in sorted((folder / "photos").rglob("*.png"))]
    return torch.from_numpy(np.stack(found) / 127.5 - 1).permute(0, 3, 1, 2)


def tokens(text, length=None):
    """Token numbers of one caption, by hand."""
    ids = [2, *(WORDS.index(w) for w in text.split()), 3]
    return torch.tensor([ids + [0] * ((length or len(ids)) - len(ids))])


# Model, pooling → rows of all images, by a forward pass of the model in memory.
BY_IMAGE = {
    ("vit", None): lambda m, x: m(x).last_hidden_state[:, 0],
    ("vit", "mean"): lambda m, x: m(x).last_hidden_state[:, 1:].mean(1),
    ("vit", "pooler"): lambda m, x: torch.tanh(m.pooler.dense(m(x).last_hidden_state[:, 0])),
    ("registers", "mean"): lambda m, x: m(x).last_hidden_state[:, 4:].mean(1),
    ("resnet", "mean"): lambda m, x: m(x).last_hidden_state.mean((2, 3)),
    ("resnet", "pooler"): lambda m, x: m(x).last_hidden_state.mean((2, 3)),
    ("clip", None): lambda m, x: m.visual_projection(m.vision_model(x).pooler_output),
    ("clip", "cls"): lambda m, x: m.vision_model(x).last_hidden_state[:, 0],
    ("siglip", None): lambda m, x: m.vision_model(x).pooler_output,
    ("siglip", "mean"): lambda m, x: m.vision_model(x).last_hidden_state.mean(1),
}
# Model, pooling → row of one caption alone, without padding except where SigLIP wants it.
BY_CAPTION = {
    ("bert", None): lambda m, s: m(tokens(s)).last_hidden_state.mean(1),
    ("bert", "cls"): lambda m, s: m(tokens(s)).last_hidden_state[:, 0],
    ("gpt", None): lambda m, s: m(tokens(s)).last_hidden_state.mean(1),
    ("t5", None): lambda m, s: m.encoder(tokens(s)).last_hidden_state.mean(1),
    ("clip", None): lambda m, s: m.text_projection(m.text_model(tokens(s)).last_hidden_state[:, -1]),
    ("clip", "mean"): lambda m, s: m.text_model(tokens(s)).last_hidden_state.mean(1),
    ("siglip", None): lambda m, s: m.text_model(tokens(s, LENGTH)).pooler_output,
    ("siglip", "mean"): lambda m, s: m.text_model(tokens(s, LENGTH)).last_hidden_state[:, : tokens(s).shape[1]].mean(1),
}


@pytest.mark.parametrize(("name", "pool"), BY_IMAGE)
def test_rows_of_images(here, saved_models, name, pool):
    run(
        "--model", name, "--data", "photos", "--out", "x.safetensors", "--batch", 3, *(["--pool", pool] if pool else [])
    )
    expected = BY_IMAGE[name, pool](saved_models[1][name], pixels(here)).numpy()
    np.testing.assert_allclose(load_file("x.safetensors")["embeddings"], expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3, "rows that do not differ would show nothing"


@pytest.mark.parametrize(("name", "pool"), BY_CAPTION)
def test_rows_of_captions(here, saved_models, name, pool):
    run("--model", name, "--data", "captions.txt", "--out", "y.npy", "--batch", 3, *(["--pool", pool] if pool else []))
    expected = torch.cat([BY_CAPTION[name, pool](saved_models[1][name], s) for s in CAPTIONS]).numpy()
    found = np.load("y.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3


def test_what_is_said_of_the_rows(here, capsys):
    run("--model", "vit", "--data", "photos", "--out", "new/x.npy", "--labels", "labels.npy", "--dtype", "bfloat16")
    assert np.load("labels.npy").tolist() == [0, 0, 0, 1, 1, 1, 1]
    printed = capsys.readouterr().out
    assert "new/x.npy: 7 images × 8 by vit (cls, bfloat16)\nfirst: cat/0.png\nlast:  dog/3.png\n" in printed
    assert "labels.npy: 2 classes, cat, dog" in printed
    found = json.loads((here / "new" / "x.npy.json").read_text())
    told = ("model", "revision", "pool", "dtype", "device", "rows", "columns", "first", "last", "batch")
    assert [found[k] for k in told] == ["vit", None, "cls", "bfloat16", "cpu", 7, 8, "cat/0.png", "dog/3.png", 32]
    assert found["environment"]["transformers"] == transformers.__version__
    assert contents(here / "new") == ["x.npy", "x.npy.json"]
    half = np.load("new/x.npy")
    run("--model", "vit", "--data", "photos", "--out", "new/x.npy")
    again = json.loads((here / "new" / "x.npy.json").read_text())
    assert (again["items"], again["sha256"]) == (found["items"], found["sha256"])
    np.testing.assert_allclose(half, np.load("new/x.npy"), atol=0.1)
    assert (half != np.load("new/x.npy")).any()


def test_long_captions_are_cut_and_counted(here, capsys, saved_models):
    (here / "long.csv").write_text("id,text\n1,a dog\n2," + "a red cat " * 4 + "\n3," + "cat " * (LENGTH - 2) + "\n")
    run("--model", "bert", "--data", "long.csv", "--column", "text", "--out", "y.npy")
    assert "1 captions are longer than the model takes, and were cut" in capsys.readouterr().out
    cut = saved_models[1]["bert"](torch.tensor([[2, 4, 5, 7, 4, 5, 7, 4, 5, 3]])).last_hidden_state.mean(1)
    np.testing.assert_allclose(np.load("y.npy")[1:2], cut, atol=1e-5)


@pytest.mark.parametrize(("name", "data"), [("clip", "photos"), ("bert", "captions.txt")])
def test_what_is_killed_goes_on_to_the_same_bytes(here, capsys, name, data):
    words = ["--model", name, "--data", data, "--batch", 2, "--threads", 1, "--out"]
    run(*words, "whole.safetensors")
    capsys.readouterr()
    begun = []

    def stop_at(row):
        def stop(text, _):
            begun.append(int(text.split()[0]))
            assert not (here / "x.safetensors").exists()
            if begun[-1] == row:
                for kind in (".part", ".part.json"):  # as a kill that nobody can catch would leave them
                    shutil.copy(f"x.safetensors{kind}", f"killed.safetensors{kind}")
                raise KeyboardInterrupt

        return stop

    items = open_items(here / data)
    tower = Tower(name, items.kind)
    for row in (2, 4):
        with pytest.raises(KeyboardInterrupt):
            embed(tower, items, here / "x.safetensors", batch=2, threads=1, on_progress=stop_at(row))
    assert begun == [0, 2, 2, 4]
    other = {"clip": "cls", "bert": "pooler"}[name]
    fails_in_one_line(
        capsys, ["embed", *words, "x.safetensors", "--pool", other], f"and this is {other}; pass the same"
    )
    for out in ("x", "killed"):
        run(*words, f"{out}.safetensors")
        for kind in ("", ".json"):
            assert (here / f"{out}.safetensors{kind}").read_bytes() == (here / f"whole.safetensors{kind}").read_bytes()
    assert not list(here.glob("*.part*")) + list(here.glob("*.lock"))


def test_an_image_that_cannot_be_read_is_replaced_and_the_run_goes_on(here, capsys):
    words = ["--model", "vit", "--data", "photos", "--batch", 2, "--out"]
    run(*words, "whole.npy")
    capsys.readouterr()
    bad = here / "photos" / "dog" / "1.png"
    whole = bad.read_bytes()
    bad.write_bytes(whole[:200])
    fails_in_one_line(capsys, ["embed", *words, "x.npy"], "photos/dog/1.png is no readable image; replace it")
    assert json.loads((here / "x.npy.part.json").read_text())["rows"] == 4
    bad.write_bytes(whole)
    fails_in_one_line(capsys, ["embed", *words[:5], 3, "--out", "x.npy"], "was begun with batch 2 and this is 3")
    first = here / "photos" / "cat" / "0.png"
    kept = first.read_bytes()
    first.write_bytes(bad.read_bytes() + b" ")
    fails_in_one_line(
        capsys, ["embed", *words, "x.npy"], "was begun with other items; pass the same, or delete x.npy.part"
    )
    first.write_bytes(kept)
    run(*words, "x.npy")
    assert (here / "x.npy").read_bytes() == (here / "whole.npy").read_bytes()


def test_one_process_writes_a_file(here, capsys):
    items = open_items(here / "captions.txt")

    def another(text, _):
        if text.startswith("0"):
            words = ["embed", "--model", "bert", "--data", "captions.txt", "--out", "x.npy"]
            fails_in_one_line(capsys, words, "another process is writing x.npy")

    embed(Tower("bert", "captions"), items, here / "x.npy", on_progress=another)
    assert np.load("x.npy").shape == (7, 8)


def test_a_full_disk(here, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nonlinear.embed.part.Part.append", full)
    words = ["embed", "--model", "bert", "--data", "captions.txt", "--out", "x.npy"]
    fails_in_one_line(capsys, words, "the disk is full; make room, and the same command goes on")


def altered(here, name, change=lambda tensors: tensors, **config):
    """Make the folder "altered": a copy of a model with changed weights, and other fields in its configuration."""
    shutil.copytree(here / name, here / "altered")
    weights, fields = here / "altered" / "model.safetensors", here / "altered" / "config.json"
    save_file(change(load_file(weights)), weights, metadata={"format": "pt"})
    fields.write_text(json.dumps(json.loads(fields.read_text()) | config))


def without(*parts):
    return lambda tensors: {n: t for n, t in tensors.items() if not any(p in n for p in parts)}


def pickled(here):
    altered(here, "vit")
    torch.save({}, here / "altered" / "pytorch_model.bin")
    (here / "altered" / "model.safetensors").unlink()


def with_code(here):
    altered(here, "vit", model_type="mine", auto_map={"AutoConfig": "mine.Config", "AutoModel": "mine.Model"})
    (here / "altered" / "mine.py").write_text("open('ran', 'w')\n")


def truncated(here):
    altered(here, "vit")
    os.truncate(here / "altered" / "model.safetensors", 300)


def lacking(name, *files):
    def make(here):
        altered(here, name)
        for file in files:
            (here / "altered" / file).unlink()

    return make


def flat(here):
    shutil.copy(here / "photos" / "dog" / "0.png", here / "photos" / "0.png")


# What is wrong → (what makes it so, options beside those of VIT or of BERT, what the line has to say).
VIT = {"--model": "vit", "--data": "photos", "--out": "x.npy"}
BERT = VIT | {"--model": "bert", "--data": "captions.txt"}
ALTERED = {"--model": "altered"}
WRONG = {
    "no such path": (None, VIT | {"--model": "./gone"}, "./gone does not exist; check the path"),
    "no such deep path": (None, VIT | {"--model": "models/vit/best"}, "models/vit/best does not exist"),
    "no such name": (None, VIT | {"--model": "some/one"}, "some/one is neither a folder here nor a model that"),
    "no possible name": (None, VIT | {"--model": "some one"}, "some one is neither a folder here nor a model that"),
    "a file": (None, VIT | {"--model": "captions.txt"}, "captions.txt is no folder; pass the one that holds config"),
    "a revision of a folder": (None, VIT | {"--revision": "main"}, "vit is a folder here and has no revision 'main'"),
    "no model": (None, VIT | {"--model": "photos"}, "photos holds no model.safetensors"),
    "pickled weights": (pickled, VIT | ALTERED, "altered holds pickled weights (.bin) only"),
    "code": (with_code, VIT | ALTERED, "altered has no model that transformers can load"),
    "truncated weights": (truncated, VIT | ALTERED, "altered has no model that transformers can load"),
    "missing weights": (
        lambda h: altered(h, "vit", without("attention")), VIT | ALTERED,
        "altered has no trained weights for layers.0.attention",
    ),
    "an untrained pooler": (
        lambda h: altered(h, "vit", without("pooler")), VIT | ALTERED | {"--pool": "pooler"},
        "for pooler.dense.bias and 1 more; pass --pool cls",
    ),
    "no processor": (lacking("vit", "preprocessor_config.json"), VIT | ALTERED, "altered has no image processor"),
    "no tokenizer": (lacking("bert", "tokenizer.json", "tokenizer_config.json"), BERT | ALTERED, "has no tokenizer"),
    "NaN": (
        lambda h: altered(h, "vit", lambda t: {n: v * (np.nan if n == "layernorm.bias" else 1) for n, v in t.items()}),
        VIT | ALTERED, "altered gave NaN or infinity for 'cat/0.png'",
    ),
    "captions for images": (None, VIT | {"--data": "captions.txt"}, "vit (ViTModel) takes pixel_values and has no"),
    "images for captions": (None, BERT | {"--data": "photos"}, "bert (BertModel) takes input_ids and has no tower for"),
    "no shared space": (None, VIT | {"--pool": "projected"}, "vit has one tower and no shared space; pass --pool cls"),
    "no CLS token": (None, VIT | {"--model": "resnet"}, "resnet has no CLS token; pass --pool pooler or --pool mean"),
    "no pooler": (None, BERT | {"--model": "t5", "--pool": "pooler"}, "t5 has no pooled output; pass --pool mean"),
    "a first token that sees nothing": (
        None, BERT | {"--model": "clip", "--pool": "cls"}, "clip gives all captions one row"
    ),
    "another pooling": (None, VIT | {"--pool": "max"}, "unknown pooling 'max'; choose one of projected, cls, mean"),
    "another dtype": (None, VIT | {"--dtype": "int8"}, "unknown dtype 'int8'; choose one of float32"),
    "another device": (None, VIT | {"--device": "tpu"}, "device 'tpu' is not here; use cpu"),
    "no batch": (None, VIT | {"--batch": 0}, "--batch 0 and --threads None have to be at least 1"),
    "a pickle": (None, VIT | {"--out": "x.pt"}, "x.pt is neither .safetensors nor .npy"),
    "a folder": (lambda h: (h / "x.npy").mkdir(), VIT, "x.npy is a folder; name a file with --out"),
    "no image": (lambda h: (h / "empty").mkdir(), VIT | {"--data": "empty"}, "empty has no image; the suffixes are"),
    "classes of captions": (None, BERT | {"--labels": "l.npy"}, "captions have none; leave it out"),
    "classes without folders": (flat, VIT | {"--labels": "l.npy"}, "photos/0.png lies in no subfolder"),
    "classes in another format": (None, VIT | {"--labels": "l.csv"}, "l.csv is no .npy file"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_ends_in_one_line(here, capsys, case):
    make, options, line = WRONG[case]
    if make:
        make(here)
    before = contents(here)
    fails_in_one_line(capsys, ["embed", *(str(w) for pair in options.items() for w in pair)], line)
    assert contents(here) == before, "nothing is left, and no code of the model ran"


def test_a_pooler_that_is_not_used_may_be_untrained(here):
    altered(here, "vit", without("pooler"))
    for name in ("vit", "altered"):
        run("--model", name, "--data", "photos", "--out", f"{name}.npy")
    np.testing.assert_array_equal(np.load("altered.npy"), np.load("vit.npy"))


def test_without_the_extra(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    line = "embed needs transformers and Pillow; run: pip install 'concept-alignment[embed]'"
    fails_in_one_line(capsys, ["embed", *(w for pair in VIT.items() for w in pair)], line)


def test_a_name_is_fetched_without_code_and_pickles(here, monkeypatch):
    repository = ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "spiece.model", "README.md",
                  "pytorch_model.bin", "modeling.py", "onnx/config.json", "tf_model.h5"]  # fmt: skip
    asked = []

    def fetch(name, revision, allow_patterns, ignore_patterns):
        asked.append((name, revision))
        wanted = huggingface_hub.utils.filter_repo_objects(
            repository, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns
        )
        assert list(wanted) == repository[:5]
        shutil.copytree(here / "vit", here / "cache" / "5e1f")
        return str(here / "cache" / "5e1f")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    run("--model", "some/vit", "--data", "photos", "--out", "x.npy", "--revision", "v1")
    run("--model", "vit", "--data", "photos", "--out", "y.npy")
    assert asked == [("some/vit", "v1")]
    assert json.loads((here / "x.npy.json").read_text())["revision"] == "5e1f"
    assert (here / "x.npy").read_bytes() == (here / "y.npy").read_bytes()


def test_the_journey_from_two_models_to_a_report(here, capsys):
    run("--model", "vit", "--data", "photos", "--out", "a.safetensors", "--labels", "labels.npy")
    run("--model", "clip", "--data", "photos", "--out", "b.safetensors")
    train = ["train", "cosae", "a.safetensors", "b.safetensors", "--out", "run", "-m", "8", "-k", "2"]
    assert main([*train, "--steps", "3", "--batch", "4"]) == 0
    assert main(["evaluate", "run", "a.safetensors", "b.safetensors", "--labels", "labels.npy"]) == 0
    assert "CYC" in capsys.readouterr().out


def test_help_is_instant_and_says_when_the_network_is_used():
    code = """
import sys
from proofs_check.cli import main
main(["embed", "--help"])
assert not {"torch", "transformers", "PIL"} & set(sys.modules)
"""
    environment = os.environ | {"COLUMNS": "200", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "never touches the network" in done.stdout
