"""What is computed, stage by stage: numbers of every test row, from which any resample of the rows gives the scores."""

from typing import Any

import numpy as np

from nonlinear.intervench.contrast import Contrast
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.probe import Probe, fit
from nonlinear.intervench.spaces import Concept, Latent, sparse_probe

Rows = dict[str, np.ndarray]


def reconstruction(bench: Bench) -> Rows:
    """Squared errors and probe losses of reconstructions, translations and cycles.

    Returns
    -------
    ``total/j``: ‖x_j − mean‖²; ``error/i/j``: ‖x_j − g_j f_i(x_i)‖²; ``cycle/i/j``: ‖x_i − g_i f_j g_j f_i(x_i)‖²;
    ``loss/i/j``, ``loss/j``, ``loss0/j``: loss with translations in the place of x_j, with x_j, and with decode(0): of
    a linear probe of x_j, or contrastive, against the other stream's rows, and then also
    ``loss/codes`` and ``loss0/codes``, of codes themselves and of zeros;
    ``dense/j``, ``majority/j``: whether the probe is right on x_j, and whether the largest class is.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(600, 0)
    >>> rows = reconstruction(Bench(data.sources, data.coders, data.labels, Config()))
    >>> bool(rows["error/A/B"].sum() < 0.01 * rows["total/B"].sum())
    True
    """
    found: Rows = {}
    contrast = Contrast(bench) if bench.config.faithfulness == "contrastive" else None
    fixed = {s: bench.X[s, "test"] for s in bench.names}
    if contrast is not None:
        found["loss/codes"], found["loss0/codes"] = contrast.of_codes()
    for j in bench.names:
        domain, x, y = bench.domains[j], bench.X[j, "test"], bench.y(j, "test")
        found[f"total/{j}"] = ((x - x.mean(0)) ** 2).sum(1)
        probe = fit(bench.X[j, "fit"], bench.y(j, "fit"), bench.n_classes, bench.config.penalty)

        def losses(rows: np.ndarray, j: str = j, probe: Probe = probe) -> np.ndarray:
            return probe.losses(rows, bench.y(j, "test")) if contrast is None else contrast.losses({**fixed, j: rows})

        found[f"loss/{j}"] = losses(x)
        found[f"loss0/{j}"] = losses(np.broadcast_to(domain.b, x.shape))
        found[f"dense/{j}"] = probe.predict(x) == y
        found[f"majority/{j}"] = y == np.bincount(bench.y(j, "train")).argmax()
        for i in bench.names:
            estimate = domain.decode(bench.Z[i, "test"])
            found[f"error/{i}/{j}"] = ((x - estimate) ** 2).sum(1)
            found[f"loss/{i}/{j}"] = losses(estimate)
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

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> bench = Bench(data.sources, data.coders, data.labels, Config(budgets=(3,), headline=3))
    >>> found = probing(bench, Concept(bench), "A")
    >>> bool(found["probe/concept/3/A/B"].mean() > 0.9)     # weights over atoms travel: the codes of A and B are equal
    True
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
