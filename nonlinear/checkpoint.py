"""Checkpoints: one safetensors file, its header a JSON document, replaced atomically. No pickle."""

import json
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from nonlinear.files import replace

FORMAT = "concept-alignment checkpoint 1"
NAME = "checkpoint.safetensors"


def write(folder: Path, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Replace the checkpoint of a run.

    Parameters
    ----------
    folder
        Of the run.
    tensors
        Contiguous ones, of any device.
    state
        Plain data, as JSON.

    Raises
    ------
    OSError
        Not written, for instance because the disk is full; the last one is still there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as run:
    ...     for step in (1, 2):
    ...         write(Path(run), {"a": torch.ones(2)}, {"step": step})
    ...     [path.name for path in Path(run).iterdir()] == [NAME], read(Path(run))[1]
    (True, {'step': 2})
    """
    kept = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    text = json.dumps(state, allow_nan=False)
    # One entry: safetensors writes several in random order, and equal checkpoints should have equal bytes.
    header = {"state": text, "checksum": _checksum(kept, text)}
    replace(folder / NAME, save(kept, {FORMAT: json.dumps(header)}))


def _checksum(tensors: dict[str, torch.Tensor], text: str) -> str:
    value = zlib.crc32(text.encode())
    for name in sorted(tensors):
        value = zlib.crc32(tensors[name].numpy().reshape(-1).view("uint8").data, zlib.crc32(name.encode(), value))
    return f"{value:08x}"


def read(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and state of a run's checkpoint.

    Raises
    ------
    ValueError
        No checkpoint there, a damaged file, or somebody else's.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as run:
    ...     write(Path(run), {"a": torch.ones(2)}, {"step": 3})
    ...     read(Path(run))[1]
    {'step': 3}
    """
    path = Path(folder) / NAME
    if not path.is_file():
        raise ValueError(f"{folder} has no {NAME}; pass the folder that train --out made")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if FORMAT not in header:
                raise ValueError(f"{path} is no checkpoint of this version of concept-alignment; train again")
            header = json.loads(header[FORMAT])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            if header["checksum"] != _checksum(tensors, header["state"]):
                raise OSError("its checksum is another one")
            return tensors, json.loads(header["state"])
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}); restore it or train again") from error
