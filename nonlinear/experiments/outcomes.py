"""What is read of trained coders on fresh rows: agreement, distance of the laws, firing, loss, convergence."""

import numpy as np
import torch

from nonlinear import preparation
from nonlinear.evaluation import Evaluation
from nonlinear.firing import Firing
from nonlinear.metrics import Agreements
from nonlinear.model import Model
from nonlinear.sampled import distances
from theory.whats import CC, TR


@torch.no_grad()
def agreement(run: Evaluation, standalone: bool = True) -> dict[str, dict[str, float]]:
    """Means over edges of R² of every WHAT, and of its mean for shuffled pairs.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> same, config = {"x": x, "y": x}, Config(system="sae-a", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1)
    >>> agreement(Evaluation(train(config, same), same))["value"]["CC"]     # one coder, equal rows
    1.0
    """
    counted = Agreements(run.shape.streams)
    for view in run.blocks(standalone):
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
    """True L0, share of dead atoms and code variance on the measured rows, means over streams.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(40, 3)))}
    >>> config = Config(system="sae", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1)
    >>> found = firing(Evaluation(train(config, x), x))
    >>> 0 < found["l0"] <= 4, 0 <= found["dead"] < 1
    (True, True)
    """
    counted = Firing(run.shape.streams, run.shape.n_atoms)
    for view in run.blocks(standalone=True):
        counted.add(view)
    streams = [counted.stream(s) for s in run.shape.streams]
    return {name: float(np.mean([s[name] for s in streams])) for name in ("l0", "dead", "code_variance")}


@torch.no_grad()
def over_floor(run: Evaluation) -> dict[str, float]:
    """Biased distance of the laws over its value for equal laws, of "dTR" and "dCC", means over edges.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> same, config = {"x": x, "y": x}, Config(system="sae-a", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1)
    >>> found = over_floor(Evaluation(train(config, same), same))
    >>> 0 < found["dCC"] < found["dTR"]     # one law of codes; decoders of five steps do not give the rows back
    True
    """
    found = distances(run.sample(standalone=True), run.sample(standalone=True, sparse=True), (TR, CC))
    ratios = {n: [e["biased"] / e["floor"] for row in rows.values() for e in row.values()] for n, rows in found.items()}
    return {name: float(np.mean(values)) for name, values in ratios.items()}


@torch.no_grad()
def objective(run: Evaluation) -> float:
    """Weighted sum of the properties that a system trains, on a sample of rows and by the codes that it trains.

    Edges that a system draws at random all count, so that the value compares configurations of one system only.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> same, fields = {"x": x, "y": x}, {"n_atoms": 4, "sparsity": 2, "batch": 8, "steps": 5, "threads": 1}
    >>> objective(Evaluation(train(Config(system="sae-a", weights={"CC": 1.0}, **fields), same), same))
    0.0
    """
    view = run.sample(standalone=False)
    terms = preparation.objective(run.model.config, len(run.shape.streams)).terms
    return float(sum(weight * float(p.loss(view)) for p, weight in terms))


def change(model: Model, seed_index: int) -> float:
    """Relative change of the mean loss from the interval before the last tenth of the steps to the last one.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> change(SimpleNamespace(curve={"loss": np.array([[4.0], [2.0], [1.0]])}), 0)
    -0.5
    """
    losses = np.asarray(model.curve["loss"])[:, seed_index]
    before = losses[max(0, len(losses) - 1 - max(1, len(losses) // 10))]
    return float((losses[-1] - before) / abs(before)) if before else 0.0
