"""A file of rows that grows batch by batch beside its goal, goes on after a kill, and appears there at once."""

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nonlinear.files import replace

# Seconds between two notes of what is done; a kill costs at most the rows since the last one.
EVERY = 5.0
SUFFIXES = ".safetensors", ".npy"


def header(suffix: str, rows: int, columns: int) -> bytes:
    """Bytes before the float32 values of a .npy or .safetensors file; there the tensor is called "embeddings".

    Examples
    --------
    >>> np.load(io.BytesIO(header(".npy", 1, 2) + np.ones((1, 2), "<f4").tobytes()))
    array([[1., 1.]], dtype=float32)
    """
    if suffix == ".npy":
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (rows, columns)})
        return file.getvalue()
    tensor = {"dtype": "F32", "shape": [rows, columns], "data_offsets": [0, 4 * rows * columns]}
    text = json.dumps({"embeddings": tensor}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the values begin at a multiple of 8, as the format's own writer has it
    return len(text).to_bytes(8, "little") + text


class Part:
    """Rows on their way to `out`: OUT.part, and OUT.part.json with their number and all that they depend on.

    Parameters
    ----------
    out
        .npy or .safetensors.
    settings
        Plain data; a part that was begun with others is refused.
    count
        Rows of the whole.
    identity
        Function (row) → bytes that tell its item from others; a part whose rows are of other items is refused.

    Raises
    ------
    ValueError
        A part of other settings or items is there, or a damaged one.
    OSError
        The folder cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     for _ in range(2):  # the second goes on where the first one stopped
    ...         part = Part(Path(base) / "x.npy", {"model": "a"}, 2, bytes)
    ...         part.append(np.full((1, 3), part.rows, np.float32))
    ...         part.close()
    ...     part.finish({"model": "a"})
    ...     np.load(Path(base) / "x.npy")[:, 0]
    array([0., 1.], dtype=float32)
    """

    def __init__(self, out: Path, settings: Mapping[str, Any], count: int, identity: Callable[[int], bytes]):
        self.out, self.settings, self.count, self.identity = out, json.loads(json.dumps(settings)), count, identity
        self.items = hashlib.sha256()
        self.path, self.state = (out.with_name(out.name + suffix) for suffix in (".part", ".part.json"))
        self.rows, self.columns, self.saved = 0, 0, -EVERY
        if self.state.exists() and self.path.exists():
            self._go_on()
        self.file = self.path.open("r+b" if self.rows else "wb")
        self.file.seek(self._size())

    def _size(self) -> int:
        if not self.rows:
            return 0
        return len(header(self.out.suffix.lower(), self.count, self.columns)) + 4 * self.rows * self.columns

    def _go_on(self) -> None:
        anew = f"or delete {self.path} to begin anew"
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
            stored, count, items = state["settings"], state["count"], state["items"]
            self.rows = int(state["rows"])
            self.columns = int(state["columns"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.state} is damaged; delete it and {self.path} to begin anew") from error
        if self.path.stat().st_size < self._size():
            raise ValueError(f"{self.path} is truncated; delete it to begin anew")
        for name in sorted(stored.keys() | self.settings.keys()):
            if stored.get(name) != self.settings.get(name):
                raise ValueError(
                    f"{self.path} was begun with {name} {stored.get(name)} and this is {self.settings.get(name)}; "
                    f"pass the same, {anew}"
                )
        for row in range(min(self.rows, self.count)):
            self.items.update(self.identity(row))
        if count != self.count or items != self.items.hexdigest():
            raise ValueError(f"{self.path} was begun with other items; pass the same, {anew}")

    def append(self, rows: np.ndarray) -> None:
        """Write the next rows [b, d], float32."""
        if not self.rows:
            self.columns = rows.shape[1]
            self.file.write(header(self.out.suffix.lower(), self.count, self.columns))
        self.file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
        for row in range(self.rows, self.rows + len(rows)):
            self.items.update(self.identity(row))
        self.rows += len(rows)
        if time.monotonic() - self.saved >= EVERY:
            self.save()

    def save(self) -> None:
        """Note what is done, after it is on disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        state = {
            "settings": self.settings, "count": self.count, "items": self.items.hexdigest(),
            "rows": self.rows, "columns": self.columns,
        }  # fmt: skip
        replace(self.state, json.dumps(state, indent=2).encode())
        self.saved = time.monotonic()

    def close(self) -> None:
        """Stop here; without a row nothing remains."""
        if self.rows:
            self.save()
        self.file.close()
        if not self.rows:
            self.path.unlink()

    def finish(self, document: Mapping[str, Any]) -> None:
        """Move the whole, closed, to its place, beside a description in OUT.json."""
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        replace(self.out.with_name(self.out.name + ".json"), text.encode("utf-8", "backslashreplace"))
        os.replace(self.path, self.out)
        self.state.unlink()
