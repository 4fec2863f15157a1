"""One arm of an experiment: a system trained on synthetic data, all seeds as one model, and what is measured of it.

The unit is a pair (data seed, model seed); here both are the same number. Every arm of a grid has the same data, steps
and rows; what is measured is measured on fresh rows, which no choice has seen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nonlinear.config import Config
from nonlinear.data import Array
from nonlinear.evaluation import Evaluation
from nonlinear.experiments.rowwise import rowwise
from nonlinear.experiments.store import Store
from nonlinear.firing import Firing
from nonlinear.metrics import Agreements
from nonlinear.model import Model
from nonlinear.sparse_generator import SparseGenerator
from nonlinear.train import train

Progress = Callable[[str, float], None]
# Learning rate of the null "untrained coders": the weights stay, and thresholds are calibrated.
STILL = 1e-12
# Steps of that null, and lines of the loss curve from which convergence is read.
CALIBRATION, LINES = 20, 20


@dataclass(frozen=True)
class Arm:
    """What is trained, and on what.

    Parameters
    ----------
    name
        Unique within an experiment.
    data
        Fields of :class:`~nonlinear.sparse_generator.SparseGenerator`, without the structure seed.
    config
        Fields of :class:`~nonlinear.config.Config`, without seeds.
    rows, test_rows
        Drawn per seed to train on, and to measure on.

    Examples
    --------
    >>> arm = Arm("demo", {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}, {"system": "sae"})
    >>> sorted(arm.sample(0, test=True))
    ['x', 'y']
    """

    name: str
    data: Mapping[str, Any] = field(hash=False)
    config: Mapping[str, Any] = field(hash=False)
    rows: int = 8192
    test_rows: int = 2048

    def generator(self, seed: int) -> SparseGenerator:
        """Return the generator of one data seed."""
        return SparseGenerator(**self.data, structure=seed)

    def sample(self, seed: int, *, test: bool = False) -> dict[str, Array]:
        """Rows of every stream to train on, or to measure on."""
        drawn = self.generator(seed).draw(self.test_rows if test else self.rows, seed=2 * seed + test)
        return {s: Array(x, s) for s, x in drawn.streams.items()}

    def settings(self, seeds: Sequence[int], **changes: Any) -> Config:
        """Return the configuration with these seeds, on one thread: arms share the cores."""
        steps = int(self.config.get("steps", Config.model_fields["steps"].default))
        fixed = {"seeds": tuple(seeds), "threads": 1, "log_every": max(1, steps // LINES)}
        return Config(**{**self.config, **fixed, **changes})


def measure(
    arm: Arm,
    seeds: Sequence[int],
    on_progress: Progress = lambda text, share: None,
) -> list[dict[str, Any]]:
    """Train an arm and measure every seed.

    Parameters
    ----------
    arm, seeds
        What is trained.
    on_progress
        Called with a text and the share done.

    Returns
    -------
    list
        Per seed: ``seed``; ``r2``: "REC", "TR", "CC" and "CYC", means over edges; ``shuffled`` and ``untrained``: the
        same for shuffled pairs and for the weights of the start; ``l0``, ``dead``, ``code_variance``: means over
        streams; ``change``: relative change of the loss over the last tenth of the steps; ``losses``: the last means;
        ``rowwise``: see :func:`~nonlinear.experiments.rowwise.rowwise`.

    Examples
    --------
    >>> data = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}
    >>> arm = Arm("demo", data, {"system": "sae", "n_atoms": 8, "sparsity": 2, "batch": 64, "steps": 20}, 256, 64)
    >>> sorted(measure(arm, [0])[0]["r2"])
    ['CC', 'CYC', 'REC', 'TR']
    """
    samples = {seed: arm.sample(seed) for seed in seeds}
    tests = {seed: arm.sample(seed, test=True) for seed in seeds}
    data = [samples[seed] for seed in seeds]
    model = train(arm.settings(seeds), data, on_progress=lambda text, share: on_progress(arm.name, 0.95 * share))
    start = train(arm.settings(seeds, steps=CALIBRATION, lr=STILL), data)
    found = []
    for r, seed in enumerate(seeds):
        run, null = Evaluation(model, tests[seed], seed_index=r), Evaluation(start, tests[seed], seed_index=r)
        numbers, before = agreement(run), agreement(null)
        unit = {"seed": seed, "r2": numbers["value"], "shuffled": numbers["shuffled"], "untrained": before["value"]}
        losses = {name: float(values[-1, r]) for name, values in model.curve.items()}
        unit |= firing(run) | {"change": change(model, r), "losses": losses}
        found.append(unit | rowwise(run))
        on_progress(arm.name, 0.95 + 0.05 * (r + 1) / len(seeds))
    return found


def units(
    arm: Arm, seeds: Sequence[int], store: Store, on_progress: Progress = lambda text, share: None
) -> list[dict[str, Any]]:
    """Measure an arm, or read what was measured of it before."""
    return store.get(arm.name, settings(arm, seeds), lambda: measure(arm, seeds, on_progress))


def settings(arm: Arm, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what the numbers of an arm depend on, as plain data.

    Examples
    --------
    >>> settings(Arm("demo", {}, {"system": "sae"}), [0])["seeds"]
    [0]
    """
    data = {name: list(v) if isinstance(v, tuple) else v for name, v in arm.data.items()}
    return {"data": data, "config": dict(arm.config), "rows": [arm.rows, arm.test_rows], "seeds": list(seeds)}


@torch.no_grad()
def agreement(run: Evaluation) -> dict[str, dict[str, float]]:
    """Means over edges of R² of every WHAT by standalone codes, and of its mean for shuffled pairs."""
    counted = Agreements(run.shape.streams)
    for view in run.blocks(standalone=True):
        counted.add(view)
    found: dict[str, dict[str, float]] = {"value": {}, "shuffled": {}}
    for name, entries in counted.result().items():
        edges = [e for e in entries.values() if "value" in e] or [e for row in entries.values() for e in row.values()]
        for key in found:
            values = [float(e[key]) for e in edges if key in e]
            if values:
                found[key][name] = float(np.mean(values))
    return found


@torch.no_grad()
def firing(run: Evaluation) -> dict[str, float]:
    """True L0, share of dead atoms and code variance on the measured rows, means over streams."""
    counted = Firing(run.shape.streams, run.shape.n_atoms)
    for view in run.blocks(standalone=True):
        counted.add(view)
    streams = [counted.stream(s) for s in run.shape.streams]
    return {name: float(np.mean([s[name] for s in streams])) for name in ("l0", "dead", "code_variance")}


def change(model: Model, seed_index: int) -> float:
    """Relative change of the mean loss from the interval before the last tenth of the steps to the last one."""
    losses = np.asarray(model.curve["loss"])[:, seed_index]
    before = losses[max(0, len(losses) - 1 - max(1, len(losses) // 10))]
    return float((losses[-1] - before) / abs(before)) if before else 0.0
