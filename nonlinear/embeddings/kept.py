"""Arrays that were computed once, on disk by the hash of all that they depend on."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nonlinear.files import cache_dir, locked, replace

Arrays = dict[str, np.ndarray]


def kept(name: str, settings: Mapping[str, Any], compute: Callable[[], Arrays], folder: Path | None = None) -> Arrays:
    """Arrays of these settings, from disk or computed now; another process that wants them waits.

    Parameters
    ----------
    name
        For readers of the folder.
    settings
        Plain data that the arrays depend on, beside the sources of this folder and the versions of its libraries.
    compute
        Returns name → array.
    folder
        By default "embeddings" in the cache.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     _ = kept("demo", {"n": 2}, lambda: {"x": np.ones(2)}, Path(base))
    ...     kept("demo", {"n": 2}, dict, Path(base))
    {'x': array([1., 1.])}
    """
    folder = cache_dir() / "embeddings" if folder is None else folder
    digest = hashlib.sha256((_sources() + json.dumps(settings, sort_keys=True)).encode()).hexdigest()
    path = folder / f"{name}-{digest[:16]}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock")):
            if (found := _read(path)) is None:
                found = {k: np.ascontiguousarray(v) for k, v in compute().items()}
                replace(path, save(found))
            return found
    except OSError:  # a read-only home only costs time
        return compute()


def _read(path: Path) -> Arrays | None:
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError):
        return None


@cache
def _sources() -> str:
    digest = hashlib.sha256(f"{np.__version__} {torch.__version__} {sklearn.__version__}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
