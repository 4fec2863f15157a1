"""What is embedded, in which order; a part that goes on; pooling. The models themselves: test_embed_command.py."""

import json
import os
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save

from nonlinear.embed import part as parts
from nonlinear.embed.items import Captions, Images, open_items
from nonlinear.embed.part import Part, header
from nonlinear.embed.pooling import pool, prefix_tokens, untrained
from nonlinear.embed.run import embed


def picture(path, value=0, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (4, 3), value).save(path)
    return path


def test_images_come_in_the_order_of_their_names(tmp_path):
    names = ["b/2.png", "b/10.PNG", "a.png", "B/1.jpg", "b.png", "ä/x.webp"]
    for name in (*names, ".hidden.png", ".cache/1.png"):
        picture(tmp_path / name)
    (tmp_path / "b" / "notes.txt").write_text("no image")
    assert open_items(tmp_path).names == ["B/1.jpg", "a.png", "b.png", "b/10.PNG", "b/2.png", "ä/x.webp"]


def test_linked_folders_are_followed_and_circles_refused(tmp_path):
    picture(tmp_path / "far" / "1.png")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "class").symlink_to(tmp_path / "far")
    assert open_items(tmp_path / "here").names == ["class/1.png"]
    (tmp_path / "far" / "back").symlink_to(tmp_path / "far")
    with pytest.raises(ValueError, match=r"class/back links to a folder that it lies in"):
        open_items(tmp_path / "here")


def test_images_are_upright_and_in_colour(tmp_path):
    upright = Image.new("RGB", (4, 3), (9, 8, 7))
    turned = Image.Exif()
    turned[0x0112] = 6
    upright.save(tmp_path / "1.png", exif=turned)
    picture(tmp_path / "2.png", 77, "L")
    palette = Image.new("P", (4, 3), 1)
    palette.putpalette([0, 0, 0, 5, 6, 7])
    palette.save(tmp_path / "3.png", transparency=b"\x00\x80")
    found = open_items(tmp_path).take(0, 3)
    assert [i.size for i in found] == [(3, 4), (4, 3), (4, 3)]
    assert [i.getpixel((0, 0)) for i in found] == [(9, 8, 7), (77, 77, 77), (5, 6, 7)]


def test_sixteen_bits_are_refused_and_not_clipped(tmp_path):
    picture(tmp_path / "deep.png", 40_000, "I;16")
    with pytest.raises(ValueError, match=r"deep\.png has more than 8 bits"):
        open_items(tmp_path).take(0, 1)


def test_labels_are_the_first_subfolder(tmp_path):
    images = Images(tmp_path, ["cat/x/1.png", "cat/y/1.png", "dog/x/1.png"])
    numbers, classes = images.labels()
    assert (numbers.tolist(), numbers.dtype, classes) == ([0, 0, 1], np.int64, ["cat", "dog"])
    with pytest.raises(ValueError, match=r"0\.png lies in no subfolder"):
        Images(tmp_path, ["0.png", "cat/1.png"]).labels()
    with pytest.raises(ValueError, match=r"all images of .* lie in cat"):
        Images(tmp_path, ["cat/1.png", "cat/2.png"]).labels()


CAPTIONS = {
    "a.txt": "\ufeffa red cat\r\na dog\u2028there\r\n",
    "a.csv": '\ufeffid,text\r\n1,a red cat\r\n2,"a dog\u2028there"\r\n',
    "a.jsonl": '{"text": "a red cat"}\n{"text": "a dog\\u2028there", "id": 2}\n',
}


@pytest.mark.parametrize("name", CAPTIONS)
def test_captions_of_every_format(tmp_path, name):
    (tmp_path / name).write_bytes(CAPTIONS[name].encode())
    items = open_items(tmp_path / name, None if name == "a.txt" else "text")
    assert items.texts == ["a red cat", "a dog\u2028there"]


# Name and content of the file, column, what the line has to say.
BAD = {
    "nothing": ("a.txt", "", None, "has no caption; write one per line"),
    "no rows": ("a.csv", "text\n", "text", "has no caption; write one per row"),
    "no header": ("a.csv", "", "text", "has no column 'text'; it has none"),
    "a gap": ("a.txt", "a\n\nb\n", None, "caption 2 of 3 is empty"),
    "another column": ("a.csv", "id,text\n1,a\n", "caption", "no column 'caption'; it has id, text"),
    "another column, no rows": ("a.csv", "id,text\n", "caption", "no column 'caption'; it has id, text"),
    "another key": ("a.jsonl", '{"text": "a"}\n{"txt": "b"}\n', "text", "line 2 has no column 'text'; it has txt"),
    "a short row": ("a.csv", "id,text\n1,a\n2\n", "text", "line 3: column 'text' holds no text"),
    "a number": ("a.jsonl", '{"text": 3}\n', "text", "line 1: column 'text' holds no text"),
    "a list": ("a.jsonl", "[1]\n", "text", "line 1 is no JSON object"),
    "no JSON": ("a.jsonl", '{"text": "a"}\n{"text"', "text", "line 2 is no JSON;"),
    "no CSV": ("a.csv", 'text\n"a"b\n', "text", "line 2"),
    "no column named": ("a.csv", "text\na\n", None, "name the captions' one with --column"),
    "a column of lines": ("a.txt", "a\n", "text", "leave --column out"),
    "another format": ("a.parquet", "a", None, "neither a folder of images nor a file of captions"),
    "not there": (None, "", None, "does not exist"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_captions(tmp_path, case):
    name, text, column, words = BAD[case]
    if name:
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        open_items(tmp_path / (name or "gone.txt"), column)


def test_other_bytes_are_named(tmp_path):
    (tmp_path / "a.txt").write_bytes("ä\n".encode("latin-1"))
    with pytest.raises(ValueError, match="not in UTF-8"):
        open_items(tmp_path / "a.txt")


def test_both_headers_are_those_of_the_formats_own_writers(tmp_path):
    rows = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.save(tmp_path / "x.npy", rows)
    assert header(".npy", 5, 3) + rows.tobytes() == (tmp_path / "x.npy").read_bytes()
    assert header(".safetensors", 5, 3) + rows.tobytes() == save({"embeddings": rows})


ROWS = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)


def filled(out, upto=7, settings=None, name=b"item", batch=2, count=7):
    part = Part(out, settings or {"model": "a"}, count, lambda row: name + b"%d" % row)
    started = part.rows
    while part.rows < upto:
        part.append(ROWS[part.rows : part.rows + batch])
    part.close()
    if part.rows == count:
        part.finish({"rows": count})
    return started


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_a_part_goes_on_to_the_same_bytes(tmp_path, suffix):
    filled(tmp_path / f"whole{suffix}")
    out = tmp_path / f"x{suffix}"
    assert [filled(out, upto) for upto in (2, 4, 4, 7)] == [0, 2, 4, 4]
    assert out.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    found = np.load(out) if suffix == ".npy" else load_file(out)["embeddings"]
    np.testing.assert_array_equal(found, ROWS)
    assert json.loads((tmp_path / f"x{suffix}.json").read_text()) == {"rows": 7}
    assert sorted(p.name for p in tmp_path.iterdir() if p.name[0] == "x") == [f"x{suffix}", f"x{suffix}.json"]


def test_rows_after_the_last_note_are_done_again(tmp_path):
    out = tmp_path / "x.npy"
    part = Part(out, {"model": "a"}, 7, lambda row: b"item%d" % row)
    part.append(ROWS[:2])  # noted at once
    part.append(np.full((2, 3), 9, np.float32))  # on disk, and not noted when the power fails
    part.file.close()
    assert (tmp_path / "x.npy.part").stat().st_size > len(header(".npy", 7, 3)) + 2 * 12
    assert filled(out) == 2
    np.testing.assert_array_equal(np.load(out), ROWS)


def test_notes_are_taken_as_time_passes(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(parts.time, "monotonic", lambda: now[0])
    part = Part(tmp_path / "x.npy", {"model": "a"}, 7, lambda row: b"%d" % row)
    noted = []
    for now[0] in (0.0, 1.0, parts.EVERY + 0.5, parts.EVERY + 1):
        part.append(ROWS[part.rows : part.rows + 1])
        noted.append(json.loads(part.state.read_text())["rows"])
    part.close()
    assert noted == [1, 1, 3, 3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"model": "b"}}, "was begun with model a and this is b"),
        ({"settings": {"model": "a", "pool": "cls"}}, "was begun with pool None and this is cls"),
        ({"name": b"other"}, "was begun with other items"),
        ({"count": 6}, "was begun with other items"),
        ({"count": 1}, "was begun with other items"),
    ],
)
def test_a_part_of_something_else_is_refused(tmp_path, changes, words):
    filled(tmp_path / "x.npy", 4)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=words):
        filled(tmp_path / "x.npy", **changes)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    (tmp_path / "x.npy.part").unlink()  # as the message says
    filled(tmp_path / "x.npy", upto=changes.get("count", 7), batch=1, **changes)
    assert not (tmp_path / "x.npy.part.json").exists()


def test_a_damaged_part_is_refused(tmp_path):
    filled(tmp_path / "x.npy", 4)
    os.truncate(tmp_path / "x.npy.part", 100)
    with pytest.raises(ValueError, match=r"x\.npy\.part is truncated; delete it"):
        filled(tmp_path / "x.npy")
    (tmp_path / "x.npy.part.json").write_text("{")
    with pytest.raises(ValueError, match=r"x\.npy\.part\.json is damaged; delete it and"):
        filled(tmp_path / "x.npy")


def test_nothing_remains_of_a_part_without_rows(tmp_path):
    filled(tmp_path / "x.npy", 0)
    assert list(tmp_path.iterdir()) == []


def test_what_a_model_fails_on_is_named(tmp_path):
    class Model:
        settings: ClassVar = {"model": "mine"}
        n_cut = staticmethod(len)

        def __call__(self, texts):
            if "c" in texts:
                raise IndexError("index out of range in self")
            return np.ones((len(texts), 2), np.float32)

    with pytest.raises(ValueError, match="mine fails on 'c' to 'd': index out of range in self; look at them"):
        embed(Model(), Captions(tmp_path, list("abcd")), tmp_path / "x.npy", batch=2)  # pyright: ignore
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.npy.part", "x.npy.part.json"]


HIDDEN = torch.arange(24.0).reshape(1, 6, 4)
OUTPUT = SimpleNamespace(last_hidden_state=HIDDEN, pooler_output=None)


def test_tokens_before_the_patches():
    pixels = torch.zeros(1, 3, 32, 16)
    assert prefix_tokens(HIDDEN, pixels, 16) == 4  # CLS and three registers
    assert prefix_tokens(HIDDEN, pixels, (8, 16)) == 2
    assert prefix_tokens(HIDDEN, pixels, 4) is None  # a pyramid: fewer tokens than patches
    assert prefix_tokens(HIDDEN, pixels, None) is None
    assert prefix_tokens(HIDDEN[None], pixels, 16) is None


def test_means_leave_out_what_is_no_patch_and_no_word():
    assert pool("mean", OUTPUT, prefix=2).tolist() == [[14, 15, 16, 17]]
    assert pool("mean", OUTPUT).tolist() == [[10, 11, 12, 13]]
    assert pool("mean", OUTPUT, mask=torch.tensor([[1, 1, 0, 0, 0, 0]])).tolist() == [[2, 3, 4, 5]]
    assert pool("mean", SimpleNamespace(last_hidden_state=HIDDEN.reshape(1, 4, 2, 3))).tolist() == [
        [2.5, 8.5, 14.5, 20.5]
    ]


@pytest.mark.parametrize(
    ("how", "output", "words"),
    [
        ("cls", OUTPUT, "no CLS token; pass --pool pooler"),
        ("pooler", OUTPUT, "no pooled output; pass --pool mean"),
        ("projected", HIDDEN, "no single vector per item"),
        ("mean", SimpleNamespace(pooler_output=HIDDEN), "no hidden states; pass --pool pooler"),
    ],
)
def test_what_a_tower_lacks(how, output, words):
    with pytest.raises(ValueError, match=words):
        pool(how, output, prefix=0)


def test_weights_count_where_they_are_used():
    missing = {"text.pooler.dense.weight", "text.a", "image.b"}
    assert untrained(missing, "text", "mean") == ["text.a"]
    assert untrained(missing, "text", "pooler") == ["text.a", "text.pooler.dense.weight"]
    assert untrained(missing, "", "mean") == ["image.b", "text.a"]
