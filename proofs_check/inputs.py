"""Embedding files: opened lazily, checked before use, read in blocks of rows as float64."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proofs_check import formats
from proofs_check.errors import InputError

# Squares of larger values would come near the largest double.
LARGEST = 1e150
ROWS = 1024


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
        return "bfloat16" if self.bfloat16 else self.array.dtype.name

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

    Examples
    --------
    >>> open_rows("no.npy")
    Traceback (most recent call last):
    proofs_check.errors.InputError: no.npy does not exist; check the path
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
                return Rows(name, formats.map_npy(name, path))
            case ".safetensors":
                return Rows(name, *formats.map_safetensors(name, path, key))
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}; check the file") from error
    raise InputError(
        f"{name} is neither .npy nor .safetensors; save the array with numpy.save or safetensors.numpy.save_file"
    )


def open_streams(files: Sequence[str], names: Sequence[str] = ()) -> Mapping[str, Any]:
    """Open [NAME=]FILE arguments; unnamed ones take `names` by position, or else their file's stem.

    Raises
    ------
    InputError
        Another number of files than names, an unknown, doubled or impossible name, or what `open_rows` refuses.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/clip.npy", np.ones((3, 2)))
    ...     found = open_streams([f"{folder}/clip.npy", f"again={folder}/clip.npy"])
    ...     {name: len(rows) for name, rows in found.items()}
    {'clip': 3, 'again': 3}
    """
    found: dict[str, Any] = {}
    if names and len(files) != len(names):
        raise InputError(f"the run has streams {', '.join(names)} and got {len(files)} files; pass one for each")
    for position, spec in enumerate(files):
        name, _, rest = spec.partition("=")
        named = bool(rest) and not Path(spec).exists()
        file = rest if named else spec
        if not named:
            name = names[position] if names else Path(file.rpartition(".safetensors:")[0] or file).stem
        if names and name not in names:
            raise InputError(f"unknown stream {name!r}; the run has {', '.join(names)}")
        if name in found:
            raise InputError(f"two files would be stream {name!r}; name them, as in x={files[0]} y={files[1]}")
        if not name or set(name) & set("/.+"):
            raise InputError(f"stream name {name!r} is empty or has one of / . +; write NAME={file}")
        found[name] = open_rows(file)
    return found


def read_array(path: Path) -> np.ndarray:
    """Read the one array of an .npy file.

    Raises
    ------
    InputError
        Missing, foreign or truncated file, Python objects, or an archive.

    Examples
    --------
    >>> read_array(Path("no.npy"))
    Traceback (most recent call last):
    proofs_check.errors.InputError: no.npy does not exist; check the path
    """
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path") from error
    except (OSError, ValueError, EOFError) as error:
        if str(error).startswith("Object arrays"):
            raise InputError(f"{path} holds Python objects; save text as array.astype(str)") from None
        raise InputError(f"{path} is no readable .npy file; write it with numpy.save") from error
    if not isinstance(found, np.ndarray):
        raise InputError(f"{path} is an archive; save its one array as .npy")
    return found


def check_pair(x: Rows, y: Rows) -> None:
    """Raise :class:`InputError` unless the two have the same number of rows, at least two.

    Examples
    --------
    >>> check_pair(Rows("x", np.ones((3, 1))), Rows("y", np.ones((2, 1))))
    Traceback (most recent call last):
    proofs_check.errors.InputError: x has 3 rows and y has 2; row i of both files has to show the same item
    """
    if len(x) != len(y):
        raise InputError(
            f"{x.name} has {len(x)} rows and {y.name} has {len(y)}; row i of both files has to show the same item"
        )
    if len(x) < 2:
        raise InputError(f"{x.name} and {y.name} have {len(x)} row; at least 2 are needed: one to fit, one to test")


def pairs(x: Rows, y: Rows, rows_x: np.ndarray, rows_y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of the given rows of both files, side by side.

    Examples
    --------
    >>> rows = Rows("x", np.arange(3000.0).reshape(1500, 2))
    >>> [len(x) for x, y in pairs(rows, rows, np.arange(1500), np.arange(1500))]
    [1024, 476]
    """
    for start in range(0, len(rows_x), ROWS):
        block = slice(start, start + ROWS)
        yield x.take(rows_x[block]), y.take(rows_y[block])
