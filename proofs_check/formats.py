"""The two file formats of embeddings, mapped read-only; every damage becomes one clear line."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from proofs_check.errors import InputError

BF16 = "BF16"
SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", BF16: "<u2", "BOOL": "|b1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip
NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def map_npy(name: str, path: Path) -> np.ndarray:
    """Map the array of an .npy file.

    Raises
    ------
    InputError
        Foreign, truncated or pickled file, or no real two-dimensional array in it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/x.npy", np.eye(2))
    ...     map_npy("x", Path(folder, "x.npy")).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    foreign = InputError(f"{name} is no valid .npy file; write it again with numpy.save")
    with path.open("rb") as file:
        try:
            shape, fortran, dtype = NPY_HEADERS[np.lib.format.read_magic(file)](file)
        except Exception as error:  # NumPy parses the header as Python text: damage raises many types
            raise foreign from error
        offset = file.tell()
    if dtype.hasobject:
        raise InputError(f"{name} holds pickled Python objects; save a plain numeric array")
    if dtype.kind not in "fiub":
        raise InputError(f"{name} has dtype {dtype}; convert it to a real type, float32 for instance")
    return _mapped(name, path, dtype, shape, offset, path.stat().st_size, "F" if fortran else "C")


def map_safetensors(name: str, path: Path, key: str | None) -> tuple[np.ndarray, bool]:
    """Map one tensor of a .safetensors file; bfloat16 comes as its 16 bits, and True beside them.

    Raises
    ------
    InputError
        Foreign or truncated file, an unknown or ambiguous key, or no real two-dimensional tensor under it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from safetensors.numpy import save_file
    >>> with TemporaryDirectory() as folder:
    ...     save_file({"rows": np.eye(2)}, f"{folder}/x.safetensors")
    ...     array, bfloat16 = map_safetensors("x", Path(folder, "x.safetensors"), "rows")
    ...     array.tolist(), bfloat16
    ([[1.0, 0.0], [0.0, 1.0]], False)
    """
    tensors, start = _header(name, path)
    if key is None:
        if len(tensors) != 1:
            raise InputError(f"{name} holds {len(tensors)} tensors ({_keys(tensors)}); choose one as {path}:KEY")
        key = next(iter(tensors))
    if key not in tensors:
        raise InputError(f"{path} has no tensor {key!r}; it holds {_keys(tensors)}")
    match tensors[key]:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(begin), int(end)]} if 0 <= begin <= end:
            pass
        case _:
            raise InputError(f"{name} has a damaged header; write the file again")
    if kind not in SAFETENSORS:
        raise InputError(f"{name} has dtype {kind}; convert it to a real type, float32 for instance")
    return _mapped(name, path, np.dtype(SAFETENSORS[kind]), shape, start + begin, start + end, "C"), kind == BF16


def _keys(tensors: dict) -> str:
    return ", ".join(sorted(tensors)[:8]) + (", …" if len(tensors) > 8 else "")


def _header(name: str, path: Path) -> tuple[dict[str, Any], int]:
    """Tensor records by key, and where the data begin."""
    foreign = InputError(f"{name} is no valid .safetensors file, or is truncated; write it again")
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else size
        if length > size - 8:
            raise foreign
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise foreign from error
    if not isinstance(header, dict):
        raise foreign
    header.pop("__metadata__", None)
    return header, 8 + length


def _mapped(name: str, path: Path, dtype: np.dtype, shape, start: int, end: int, order) -> np.ndarray:
    """Map the bytes from `start`, after checking that the shape fits between there and `end`."""
    if len(shape) != 2 or not all(type(s) is int and s >= 0 for s in shape):
        raise InputError(f"{name} has shape {tuple(shape)}; reshape it to two dimensions, rows × features")
    if 0 in shape:
        raise InputError(f"{name} is empty (shape {tuple(shape)}); pass at least 2 rows and 1 column")
    needed = shape[0] * shape[1] * dtype.itemsize
    if start + needed > min(end, path.stat().st_size):
        raise InputError(f"{name} is truncated: shape {tuple(shape)} needs {needed} bytes; copy or write it again")
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", offset=start, shape=tuple(shape), order=order))
