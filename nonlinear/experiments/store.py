"""Results of training runs on disk, by the hash of everything that they depend on: computed once, by one process."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nonlinear.files import locked, replace

SOURCES = Path(__file__).parents[1], Path(__file__).parents[2] / "theory"


class Store:
    """A folder of results.

    Parameters
    ----------
    folder
        Made if missing; None: nothing is kept.

    Examples
    --------
    >>> Store(None).get("demo", {"steps": 2}, lambda: {"loss": 0.5})["loss"]
    0.5
    """

    def __init__(self, folder: Path | None):
        self.folder = folder

    def path(self, name: str, settings: Any) -> Path:
        """Return the file of a result; the store needs a folder."""
        if self.folder is None:
            raise ValueError("this store keeps nothing; give it a folder")
        words = "".join(c if c.isalnum() else "-" for c in name)
        return self.folder / f"{words}-{settings_hash(settings)[:16]}.json"

    def get(self, name: str, settings: Any, compute: Callable[[], Any], *, wait: bool = True) -> Any:
        """Result of these settings, from disk or computed now; another process that wants it waits.

        Parameters
        ----------
        name
            For readers of the folder.
        settings
            Plain data that the result depends on, beside the sources of this package.
        compute
            Returns plain data.
        wait
            Otherwise None is returned while another process computes it.
        """
        if self.folder is None:
            return compute()
        path = self.path(name, settings)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = locked(path.with_suffix(".lock"), wait)
            lock.__enter__()
        except BlockingIOError:
            return None
        except OSError:  # a read-only home only costs time
            return compute()
        try:
            found = _read(path)
            if found is None:
                found = compute()
                content = json.dumps({"name": name, "settings": settings, "result": found}, allow_nan=False)
                replace(path, content.encode())
        finally:
            lock.__exit__(None, None, None)
        return found


@cache
def sources_hash() -> str:
    """Hash of the sources of nonlinear/ and theory/ and of the versions of NumPy and torch.

    Examples
    --------
    >>> len(bytes.fromhex(sources_hash()))
    32
    """
    digest = hashlib.sha256(f"{np.__version__} {torch.__version__}".encode())
    for folder in SOURCES:
        for path in sorted(folder.rglob("*.py")):
            digest.update(str(path.relative_to(folder.parent)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def settings_hash(settings: Any) -> str:
    """Hash of settings together with :func:`sources_hash`.

    Examples
    --------
    >>> settings_hash({"a": 1, "b": 2}) == settings_hash({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256((sources_hash() + json.dumps(settings, sort_keys=True)).encode()).hexdigest()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["result"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
