"""Stages that are done, on disk until all are: a run that is stopped goes on from them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy import sparse

from nonlinear.experiments.store import sources_hash
from nonlinear.files import replace
from nonlinear.intervench.domains import PARTS, Bench
from nonlinear.intervench.stages import Rows


class Parts:
    """Files of a folder, one for each stage; those of another fingerprint do not count.

    Parameters
    ----------
    folder
        Made when the first stage is done; None: nothing is kept.
    fingerprint
        Of everything that the stages depend on.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     parts = Parts(Path(base) / "parts", "a1")
    ...     _ = parts.get("first", lambda: {"x": np.ones(2)})
    ...     found = parts.get("first", dict)
    ...     parts.clear()
    ...     found, list(Path(base).iterdir())
    ({'x': array([1., 1.])}, [])
    """

    def __init__(self, folder: Path | None, fingerprint: str):
        self.folder, self.fingerprint = folder, fingerprint

    def get(self, name: str, compute: Callable[[], Rows]) -> Rows:
        """Numbers of a stage, from its file or computed now."""
        if self.folder is None:
            return compute()
        path = self.folder / f"{self.fingerprint[:16]}-{name}.safetensors"
        try:
            return load(path.read_bytes())
        except (OSError, SafetensorError):
            found = {key: np.ascontiguousarray(v) for key, v in compute().items()}
            self.folder.mkdir(parents=True, exist_ok=True)
            replace(path, save(found))
            return found

    def clear(self) -> None:
        """Remove what is no longer needed."""
        if self.folder is not None and self.folder.exists():
            # A killed process leaves what it was writing.
            for path in (*self.folder.glob("*.safetensors"), *self.folder.glob(".unfinished-*")):
                path.unlink()
            if not any(self.folder.iterdir()):
                self.folder.rmdir()


def fingerprint(bench: Bench) -> str:
    """Hash of all that the stages depend on: sources, settings, labels, splits, codes and dictionaries.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> given = [planted(300, 0).sources, planted(300, 0).coders, planted(300, 0).labels]
    >>> first, again, other = (fingerprint(Bench(*given, Config(seed=seed))) for seed in (0, 0, 1))
    >>> first == again, first == other
    (True, False)
    """
    digest = hashlib.sha256(
        sources_hash().encode() + json.dumps(bench.config.model_dump(mode="json"), sort_keys=True).encode()
    )
    for s in bench.names:
        digest.update(s.encode())
        arrays = [bench.labels[s], bench.domains[s].D, bench.domains[s].b]
        arrays += [bench.X[s, part] for part in ("fit", "validation", "test")]
        arrays += [values for part in PARTS for values in _entries(bench.Z[s, part])]
        arrays += [] if bench.forget is None else [bench.forget[s]]
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _entries(Z: sparse.csr_matrix) -> tuple[np.ndarray, ...]:
    return Z.data, Z.indices, Z.indptr
