"""The folder of a run: config.json, metrics.jsonl, checkpoint.safetensors; and going on from it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nonlinear import checkpoint
from nonlinear.config import Config, environment
from nonlinear.data import Rows
from nonlinear.files import replace
from nonlinear.model import Model

METRICS, CONFIG = "metrics.jsonl", "config.json"
# Rows that stand for a data set when a run goes on.
SAMPLED = 64


class Run:
    """Where a run writes, or nowhere.

    Parameters
    ----------
    folder
        Made if missing; None: nothing is written.
    config
        Of the run.
    data
        The different data sets of the seeds.
    ids
        As of :func:`nonlinear.train.train`.
    resume
        Whether to go on from the checkpoint there.

    Raises
    ------
    ValueError
        Something is there and `resume` is not asked for, or nothing is there and it is.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     run = Run(Path(base), Config(system="sae"), [{"x": Array(np.eye(2))}], resume=False)
    ...     _ = run.begin()
    ...     sorted(path.name for path in Path(base).iterdir()), run.left()
    (['config.json', 'metrics.jsonl'], 'no checkpoint had been written')
    """

    def __init__(
        self,
        folder: Path | None,
        config: Config,
        data: Sequence[Mapping[str, Rows]],
        resume: bool,
        ids: Mapping[str, np.ndarray] | None = None,
    ):
        if resume and folder is None:
            raise ValueError("there is no folder to resume from; name it with --out")
        self.folder, self.config, self.resume = folder, config, resume
        self.data = [fingerprint(rows, ids) for rows in data] if folder else []
        if folder and folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file; name a folder with --out")
        if folder and not resume and (folder / checkpoint.NAME).exists():
            raise ValueError(f"{folder} holds a run already; go on with --resume, or name another folder with --out")

    def begin(self) -> tuple[Model | None, dict[str, torch.Tensor]]:
        """Model and optimiser state to go on from, or None; the metrics after them are cut off.

        Raises
        ------
        ValueError
            The checkpoint is damaged, or of another configuration, data or machine.
        """
        if self.folder is None:
            return None, {}
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(".unfinished-*"):  # of a run that was killed while it wrote
            left.unlink()
        if self.resume and (self.folder / checkpoint.NAME).exists():
            tensors, state = checkpoint.read(self.folder)
            self._same(state)
            model = Model.restored(tensors, state)
            moments = {n.removeprefix("optimiser/"): t for n, t in tensors.items() if n.startswith("optimiser/")}
        elif self.resume and not (self.folder / CONFIG).exists():
            raise ValueError(f"{self.folder} holds no run; start one without --resume")
        else:
            if self.resume:  # killed before the first checkpoint
                self._differs(json.loads((self.folder / CONFIG).read_text(encoding="utf-8")))
            model, moments = None, {}
        text = self.config.model_dump_json(indent=2) + "\n"
        replace(self.folder / CONFIG, text.encode())
        replace(self.folder / METRICS, self._kept(model.step if model else 0).encode())
        return model, moments

    def _kept(self, step: int) -> str:
        path, kept = self.folder / METRICS, []  # pyright: ignore[reportOptionalOperand]
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError):
                break  # the line that was being written when the run was killed
        return "".join(kept)

    def _same(self, state: Mapping[str, Any]) -> None:
        self._differs(state["config"])
        if state.get("data") != self.data:
            raise ValueError(f"the data are not those that {self.folder} was begun with; pass the same files")
        was, now = state.get("environment"), environment(self.config.device)
        if was != now:
            raise ValueError(
                f"{self.folder} was begun with {was} and this is {now}: the bits would differ; resume it there"
            )

    def _differs(self, stored: Mapping[str, Any]) -> None:
        mine = json.loads(self.config.model_dump_json())
        for name, value in mine.items():
            if json.loads(json.dumps(stored.get(name))) != value:
                raise ValueError(
                    f"{name} is {value} and {self.folder} was begun with {stored.get(name)}; "
                    "resume with the same configuration, or begin another run with another --out"
                )

    def save(self, model: Model, moments: Mapping[str, torch.Tensor]) -> None:
        """Replace the checkpoint."""
        if self.folder:
            tensors = model.tensors() | {f"optimiser/{name}": t for name, t in moments.items()}
            about = {"data": self.data, "environment": environment(self.config.device)}
            checkpoint.write(self.folder, tensors, model.state() | about)

    def log(self, line: Mapping[str, Any]) -> None:
        """Append a line of metrics."""
        if self.folder:
            with (self.folder / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def left(self) -> str:
        """What a run that stops here leaves behind."""
        if self.folder and (self.folder / checkpoint.NAME).exists():
            return f"the checkpoint of step {checkpoint.read(self.folder)[1]['step']} is kept"
        return "no checkpoint had been written"


def fingerprint(rows: Mapping[str, Rows], ids: Mapping[str, np.ndarray] | None = None) -> dict[str, Any]:
    """Sizes of a data set, and a hash of up to 64 rows of each stream and of all ids.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> fingerprint({"x": Array(np.eye(2))})["x"]["rows"]
    2
    """
    found = {}
    for s, r in rows.items():
        chosen = np.unique(np.linspace(0, len(r) - 1, SAMPLED).astype(int))
        digest = hashlib.sha256(np.ascontiguousarray(r.take(chosen), dtype=np.float64).tobytes())
        if ids is not None:
            digest.update(np.ascontiguousarray(ids[s], dtype=np.int64).tobytes())
        found[s] = {"rows": len(r), "columns": r.dim, "sha256": digest.hexdigest()}
    return found
