"""Embedding files: opened lazily, checked before use, read in blocks of rows as float64."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from proofs_check.errors import InputError

BFLOAT16 = "bfloat16"
# Squares of larger values would come near the largest double.
LARGEST = 1e150
ROWS = 1024

SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "|b1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one embedding file, in memory or mapped from disk.

    Parameters
    ----------
    name
        As the user wrote it; error messages begin with it.
    array
        [n, d], real; bfloat16 as its 16 bits.
    bfloat16
        Whether `array` holds bfloat16 bits.

    Examples
    --------
    >>> rows = Rows("x", np.arange(6, dtype=np.int8).reshape(3, 2))
    >>> rows.take(np.array([2, 0]))
    array([[4., 5.],
           [0., 1.]])
    """

    name: str
    array: np.ndarray
    bfloat16: bool = False

    def __len__(self) -> int:
        return len(self.array)

    @property
    def dim(self) -> int:
        """Number of columns."""
        return self.array.shape[1]

    @property
    def dtype(self) -> str:
        """Name of the stored type."""
        return BFLOAT16 if self.bfloat16 else self.array.dtype.name

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the given rows as float64 [len(rows), d].

        Raises
        ------
        InputError
            NaN, infinite or huge values among them.
        """
        block = self.array[rows]
        if self.bfloat16:
            block = (block.astype(np.uint32) << 16).view(np.float32)
        block = block.astype(np.float64)
        low, high = block.min(initial=0.0), block.max(initial=0.0)
        if not (np.isfinite(low) and np.isfinite(high)):
            row, column = np.argwhere(~np.isfinite(block))[0]
            raise InputError(
                f"{self.name} has {block[row, column]} at row {rows[row]}, column {column}; "
                "drop such rows from both files, or impute them"
            )
        if max(-low, high) > LARGEST:
            raise InputError(f"{self.name} has values beyond {LARGEST:.0e}, whose squares overflow; rescale it")
        return block


def open_rows(spec: str | Path) -> Rows:
    """Open ``FILE.npy``, ``FILE.safetensors`` (with one tensor) or ``FILE.safetensors:KEY`` without reading its rows.

    Raises
    ------
    InputError
        Missing, foreign, truncated or pickled file; no real two-dimensional array in it.
    """
    name, key = str(spec), None
    path = Path(name)
    if not path.exists() and ".safetensors:" in name:
        stem, _, key = name.rpartition(".safetensors:")
        path = Path(stem + ".safetensors")
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder; pass an .npy or .safetensors file inside it")
        if not path.exists():
            raise InputError(f"{name} does not exist; check the path")
        if not path.is_file():
            raise InputError(f"{name} is no regular file; save the array as .npy or .safetensors")
        match path.suffix.lower():
            case ".npy":
                return _open_npy(name, path)
            case ".safetensors":
                return _open_safetensors(name, path, key)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}; check the file") from error
    raise InputError(
        f"{name} is neither .npy nor .safetensors; save the array with numpy.save or safetensors.numpy.save_file"
    )


def check_pair(x: Rows, y: Rows) -> None:
    """Raise :class:`InputError` unless the two have the same number of rows, at least two."""
    if len(x) != len(y):
        raise InputError(
            f"{x.name} has {len(x)} rows and {y.name} has {len(y)}; row i of both files has to show the same item"
        )
    if len(x) < 2:
        raise InputError(f"{x.name} and {y.name} have {len(x)} row; at least 2 are needed: one to fit, one to test")


def pairs(x: Rows, y: Rows, rows_x: np.ndarray, rows_y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of the given rows of both files, side by side."""
    for start in range(0, len(rows_x), ROWS):
        block = slice(start, start + ROWS)
        yield x.take(rows_x[block]), y.take(rows_y[block])


def _open_npy(name: str, path: Path) -> Rows:
    foreign = InputError(f"{name} is no valid .npy file; write it again with numpy.save")
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            if version not in read:
                raise foreign
            shape, fortran, dtype = read[version](file)
        except InputError:
            raise
        except Exception as error:  # NumPy parses the header as Python text: damage raises many types
            raise foreign from error
        offset = file.tell()
    _check_dtype(name, dtype)
    return Rows(name, _mapped(name, path, dtype, shape, offset, path.stat().st_size - offset, "F" if fortran else "C"))


def _open_safetensors(name: str, path: Path, key: str | None) -> Rows:
    tensors, start = _safetensors_header(name, path)
    if key is None:
        if len(tensors) != 1:
            shown = ", ".join(sorted(tensors)[:8]) + (", …" if len(tensors) > 8 else "")
            raise InputError(f"{name} holds {len(tensors)} tensors ({shown}); choose one as {path}:KEY")
        key = next(iter(tensors))
    if key not in tensors:
        raise InputError(f"{path} has no tensor {key!r}; it holds {', '.join(sorted(tensors)[:8])}")
    try:
        kind, shape = tensors[key]["dtype"], tuple(tensors[key]["shape"])
        begin, end = tensors[key]["data_offsets"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name} has a damaged header; write the file again") from error
    if kind not in SAFETENSORS:
        raise InputError(f"{name} has dtype {kind}; convert it to a real type, float32 for instance")
    array = _mapped(name, path, np.dtype(SAFETENSORS[kind]), shape, start + begin, end - begin, "C")
    return Rows(name, array, bfloat16=kind == "BF16")


def _safetensors_header(name: str, path: Path) -> tuple[dict, int]:
    """Tensor descriptions by key, and where the data begin."""
    foreign = InputError(f"{name} is no valid .safetensors file, or is truncated; write it again")
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else size
        if length > size - 8:
            raise foreign
        try:
            header = json.loads(file.read(length))
            header.pop("__metadata__", None)
        except (ValueError, AttributeError) as error:
            raise foreign from error
    return header, 8 + length


def _check_dtype(name: str, dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise InputError(f"{name} holds pickled Python objects; save a plain numeric array")
    if dtype.kind not in "fiub":
        raise InputError(f"{name} has dtype {dtype}; convert it to a real type, float32 for instance")


def _mapped(name: str, path: Path, dtype: np.dtype, shape, offset: int, available: int, order) -> np.ndarray:
    """Read-only memory map, after checking that shape and file agree."""
    if len(shape) != 2 or not all(isinstance(s, int) and s >= 0 for s in shape):
        raise InputError(f"{name} has shape {tuple(shape)}; reshape it to two dimensions, rows × features")
    if 0 in shape:
        raise InputError(f"{name} is empty (shape {tuple(shape)}); pass at least 2 rows and 1 column")
    needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if available < needed or offset + needed > path.stat().st_size:
        raise InputError(f"{name} is truncated: shape {tuple(shape)} needs {needed} bytes; copy or write it again")
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape, order=order))
