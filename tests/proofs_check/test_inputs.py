"""Embedding files are read as what they hold, lazily, and whatever else they are is said in one line."""

import json
import mmap
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from proofs_check import inputs
from proofs_check.errors import InputError
from proofs_check.inputs import Rows, check_pair, open_rows, pairs

REAL = ["f8", "f4", "f2", ">f4", ">i2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "bool", "g"]


def members(dtype, n=7, d=3):
    return (np.random.default_rng(0).standard_normal((n, d)) * 20).astype(dtype)


def mapped(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", REAL)
def test_npy_of_every_real_type_is_mapped_and_read_exactly(tmp_path, dtype, order):
    A = np.asarray(members(dtype), order=order)
    np.save(tmp_path / "a.npy", A)
    rows = open_rows(tmp_path / "a.npy")
    assert mapped(rows.array)
    assert (len(rows), rows.dim) == (7, 3)
    taken = rows.take(np.array([5, 0, 5]))
    assert taken.dtype == np.float64
    assert taken.tolist() == A[[5, 0, 5]].astype(np.float64).tolist()


@pytest.mark.parametrize("dtype", [t for t in REAL if not t.startswith(">") and t != "g"])
def test_safetensors_of_every_real_type_is_mapped_and_read_exactly(tmp_path, dtype):
    A = members(dtype)
    save_file({"layer": A}, tmp_path / "a.safetensors", metadata={"made": "here"})
    rows = open_rows(tmp_path / "a.safetensors")
    assert mapped(rows.array)
    assert rows.take(np.arange(7)).tolist() == A.astype(np.float64).tolist()


def test_bfloat16_agrees_with_torch(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    A = (torch.randn(40, 5, generator=torch.Generator().manual_seed(0)) * 1e3).to(torch.bfloat16)
    save_torch({"a": A}, str(tmp_path / "a.safetensors"))
    rows = open_rows(tmp_path / "a.safetensors")
    assert rows.dtype == "bfloat16"
    assert rows.take(np.arange(40)).tolist() == A.double().tolist()


def test_one_of_several_tensors_is_chosen_by_key(tmp_path):
    path = tmp_path / "ab.safetensors"
    A, B = members("f4"), members("i2", d=5)
    save_file({"a": A, "layers.3": B}, path)
    assert open_rows(f"{path}:layers.3").take(np.arange(7)).tolist() == B.tolist()
    with pytest.raises(InputError, match=r"2 tensors \(a, layers.3\)"):
        open_rows(path)
    with pytest.raises(InputError, match=r"no tensor .b.; it holds a, layers\.3"):
        open_rows(f"{path}:b")


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_blocks_are_the_rows_in_order_whatever_their_size(monkeypatch, block):
    monkeypatch.setattr(inputs, "ROWS", block)
    X, Y = members("f4"), members("f8", d=2)
    order = np.array([3, 1, 6, 0])
    blocks = list(pairs(Rows("x", X), Rows("y", Y), order, order[::-1]))
    assert np.concatenate([b[0] for b in blocks]).tolist() == X[order].tolist()
    assert np.concatenate([b[1] for b in blocks]).tolist() == Y[order[::-1]].tolist()
    assert max(len(b[0]) for b in blocks) == min(block, 4)


@pytest.mark.parametrize(
    ("value", "word"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e200, "squares"), (-1e200, "squares")]
)
def test_values_that_cannot_be_used_are_located(value, word):
    X = members("f8")
    X[4, 2] = value
    assert Rows("x", X).take(np.array([0, 1])).shape == (2, 3)
    with pytest.raises(InputError, match=word) as raised:
        Rows("x", X).take(np.array([0, 6, 4]))
    if not np.isfinite(value):
        assert "row 4, column 2" in str(raised.value)


def test_pairs_need_equal_row_counts_and_two_rows():
    x = Rows("x", members("f4"))
    with pytest.raises(InputError, match="x has 7 rows and y has 6"):
        check_pair(x, Rows("y", members("f4", n=6)))
    with pytest.raises(InputError, match="at least 2"):
        check_pair(Rows("x", members("f4", n=1)), Rows("y", members("f4", n=1)))
    check_pair(x, x)


def safetensors_bytes(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


TENSOR = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
BROKEN_SAFETENSORS = {
    "empty": (b"", "truncated"),
    "short": (b"\x01\x02", "truncated"),
    "text": (b"these are not the bytes you are looking for", "no valid"),
    "header cut": (safetensors_bytes({"a": TENSOR})[:20], "truncated"),
    "header no JSON": (safetensors_bytes(b"{no"), "no valid"),
    "header a list": (safetensors_bytes([1]), "no valid"),
    "header a number": (safetensors_bytes(b"12"), "no valid"),
    "header not text": (safetensors_bytes(b"\xff\xfe\xfd"), "no valid"),
    "tensor no record": (safetensors_bytes({"a": 3}, b"\0" * 16), "damaged"),
    "tensor without dtype": (safetensors_bytes({"a": {"shape": [2, 2], "data_offsets": [0, 16]}}), "damaged"),
    "offsets three": (safetensors_bytes({"a": {**TENSOR, "data_offsets": [0, 1, 2]}}, b"\0" * 16), "damaged"),
    "offsets text": (safetensors_bytes({"a": {**TENSOR, "data_offsets": ["0", "16"]}}, b"\0" * 16), "damaged"),
    "offsets negative": (safetensors_bytes({"a": {**TENSOR, "data_offsets": [-16, 0]}}, b"\0" * 16), "damaged"),
    "shape a number": (safetensors_bytes({"a": {**TENSOR, "shape": 4}}, b"\0" * 16), "damaged"),
    "data cut": (safetensors_bytes({"a": TENSOR}, b"\0" * 15), "truncated"),
    "shape too large": (safetensors_bytes({"a": {**TENSOR, "shape": [2**40, 2**40]}}, b"\0" * 16), "truncated"),
    "complex": (safetensors_bytes({"a": {**TENSOR, "dtype": "C64", "data_offsets": [0, 32]}}, b"\0" * 32), "dtype C64"),
    "float8": (safetensors_bytes({"a": {**TENSOR, "dtype": "F8_E4M3", "data_offsets": [0, 4]}}, b"\0" * 4), "float32"),
    "dtype a list": (safetensors_bytes({"a": {**TENSOR, "dtype": []}}, b"\0" * 16), "damaged"),
    "one dimension": (safetensors_bytes({"a": {**TENSOR, "shape": [4]}}, b"\0" * 16), "two dimensions"),
    "no rows": (safetensors_bytes({"a": {**TENSOR, "shape": [0, 4], "data_offsets": [0, 0]}}), "empty"),
    "no tensors": (safetensors_bytes({}), "0 tensors"),
}


@pytest.mark.parametrize("case", BROKEN_SAFETENSORS)
def test_broken_safetensors_are_refused(tmp_path, case):
    content, word = BROKEN_SAFETENSORS[case]
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=word):
        open_rows(tmp_path / "a.safetensors")


def test_any_damage_to_an_npy_file_is_refused_or_harmless(tmp_path):
    np.save(tmp_path / "a.npy", members("f4"))
    whole = (tmp_path / "a.npy").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(128)] = rng.integers(256)
        (tmp_path / "b.npy").write_bytes(damaged)
        try:
            rows = open_rows(tmp_path / "b.npy")
            rows.take(np.arange(len(rows)))
        except InputError:
            refused += 1
    assert refused > 100
    for length in range(len(whole)):
        (tmp_path / "b.npy").write_bytes(whole[:length])
        with pytest.raises(InputError):
            open_rows(tmp_path / "b.npy")


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", members("f4"))

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(InputError, match="Permission denied"):
        open_rows(tmp_path / "a.npy")
