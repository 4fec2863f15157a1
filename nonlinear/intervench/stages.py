"""What is computed, stage by stage: numbers of every test row, from which any resample of the rows gives the scores."""

from typing import Any

import numpy as np

from nonlinear.intervench.domains import Bench
from nonlinear.intervench.probe import Probe, fit
from nonlinear.intervench.spaces import Concept, Latent, sparse_probe

Rows = dict[str, np.ndarray]


def reconstruction(bench: Bench) -> Rows:
    """Squared errors and probe losses of reconstructions, translations and cycles.

    Returns
    -------
    ``total/j``: ‖x_j − mean‖²; ``error/i/j``: ‖x_j − g_j f_i(x_i)‖²; ``cycle/i/j``: ‖x_i − g_i f_j g_j f_i(x_i)‖²;
    ``loss/i/j``, ``loss/j``, ``loss0/j``: cross-entropy of a linear probe of x_j on translations, on x_j, and on
    decode(0); ``dense/j``, ``majority/j``: whether it is right on x_j, and whether the largest class is.
    """
    found: Rows = {}
    for j in bench.names:
        domain, x, y = bench.domains[j], bench.X[j, "test"], bench.y(j, "test")
        found[f"total/{j}"] = ((x - x.mean(0)) ** 2).sum(1)
        probe = fit(bench.X[j, "fit"], bench.y(j, "fit"), bench.n_classes, bench.config.penalty)
        found[f"loss/{j}"] = probe.losses(x, y)
        found[f"loss0/{j}"] = probe.losses(np.broadcast_to(domain.b, x.shape), y)
        found[f"dense/{j}"] = probe.predict(x) == y
        found[f"majority/{j}"] = y == np.bincount(bench.y(j, "fit")).argmax()
        for i in bench.names:
            estimate = domain.decode(bench.Z[i, "test"])
            found[f"error/{i}/{j}"] = ((x - estimate) ** 2).sum(1)
            found[f"loss/{i}/{j}"] = probe.losses(estimate, y)
            if i != j:
                back = bench.domains[i].decode(domain.codes(estimate))
                found[f"cycle/{i}/{j}"] = ((bench.X[i, "test"] - back) ** 2).sum(1)
    return found


def probing(bench: Bench, space: Latent | Concept, i: str) -> Rows:
    """Sparse probes of stream i over all budgets, on every stream.

    Returns
    -------
    ``probe/space/k/i/j``: whether the probe of i, carried over to j, is right; ``ceiling/space/i/j``: the same for the
    atoms of i with weights fitted on j, at the headline budget; ``atoms/space/i``: the atoms [C, k].
    """
    config, found = bench.config, {}
    order = space.order(i, "class", max(config.budgets))
    for k in config.budgets:
        probe = sparse_probe(space, i, order, k)
        for j in bench.names:
            found[f"probe/{space.name}/{k}/{i}/{j}"] = _right(space, probe, i, j)
            if k == config.headline and i != j:
                refitted = sparse_probe(space, j, order, k)
                found[f"ceiling/{space.name}/{i}/{j}"] = _right(space, refitted, j, j)
    found[f"atoms/{space.name}/{i}"] = order
    return found


def _right(space: Any, probe: Probe, i: str, j: str) -> np.ndarray:
    bench = space.bench
    return space.transferred(probe, i, j).predict(space.features(j, "test")) == bench.y(j, "test")
