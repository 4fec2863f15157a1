"""What needs many rows at once, on a random sample of them: distances of laws, retrieval, shuffled supports."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import torch

from nonlinear.batch import at
from nonlinear.blocks import EvaluationView, by_edges, random_cycle
from nonlinear.firing import UNSHARED, support_jaccard
from nonlinear.plain import Undefined, mean
from nonlinear.retrieval import retrieval
from theory import discrepancy
from theory.levels import Distribution, UndefinedError
from theory.properties import WHATS
from theory.whats import CONCEPT, What

LEVEL = Distribution()


def distances(dense: EvaluationView, sparse: EvaluationView, whats: Iterable[What] | None = None) -> dict[str, Any]:
    """Sliced characteristic-function distance of every WHAT on every edge, between disjoint points.

    Parameters
    ----------
    dense, sparse
        The same sample with codes as tensors and as sparse codes, where a WHAT takes these.
    whats
        All registered ones by default.

    Returns
    -------
    Name ("dTR") → stream i → (where there are two) stream j → "biased" (the loss of training), "unbiased" (about 0 for
    equal laws, negative at times), "floor" (their difference, an unbiased estimate of the bias: what the loss is for
    equal laws), and the rows on either side.

    Examples
    --------
    >>> import torch
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.evaluation import Evaluation
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> model = train(Config(system="sae", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1), {"x": x})
    >>> view = Evaluation(model, {"x": x}).sample(standalone=True)
    >>> distances(view, view)["dREC"]["x"]["rows"]
    [20, 20]
    """
    found: dict[str, Any] = {}
    for what in WHATS.values() if whats is None else whats:
        view = sparse if what.sparse else dense
        found[LEVEL.prefix + what.name] = by_edges(view, what, partial(_distance, view, what))
    return found


def _distance(view: EvaluationView, what: What, i: str, j: str) -> dict[str, Any] | Undefined:
    first, second = view.disjoint(i, j if what.crosses else i)
    rows = [len(view.x(i)[first]), len(view.x(j if what.crosses else i)[second])]
    if min(rows) < 2:
        return Undefined("fewer than two rows on a side of the sample")
    try:
        biased, unbiased = _forms(what, view, i, j)
    except UndefinedError as error:
        return Undefined(error)
    return {"biased": biased, "unbiased": unbiased, "floor": biased - unbiased, "rows": rows}


def _forms(what: What, view: EvaluationView, i: str, j: str) -> tuple[float, float]:
    """Biased and unbiased distance; along random slices from one pass over the rows."""
    if what.space == CONCEPT:
        biased, unbiased = (float(replace(LEVEL, unbiased=u).loss(what, view, i, j)) for u in (False, True))
        return biased, unbiased
    a, b = view.samples(what, i, j)
    if a.shape[1] != b.shape[1]:
        raise UndefinedError(f"{what.name}: the two sides are of widths {a.shape[1]} and {b.shape[1]}")
    slices = torch.as_tensor(view.slices(a.shape[1], LEVEL.n_slices), dtype=a.dtype, device=a.device)
    phi, psi = (discrepancy.ecf(discrepancy.project(side, slices), LEVEL.grid.nodes) for side in (a, b))
    forms = (discrepancy.distance_from_ecf(phi, psi, len(a), len(b), LEVEL.grid, u) for u in (False, True))
    biased, unbiased = (float(distances.mean()) for distances in forms)
    return biased, unbiased


def retrievals(view: EvaluationView) -> dict[str, Any]:
    """Retrieval between streams at the matched rows of the sample.

    Returns
    -------
    "latent": from the codes of i to those of j. "reconstruction": from the decoded rows of i to its own.
    "cross_reconstruction": from the rows decoded from the codes of i to those of j.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.evaluation import Evaluation
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> model = train(Config(system="sae", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1), {"x": x, "y": x})
    >>> found = retrievals(Evaluation(model, {"x": x, "y": x}).sample(standalone=True))
    >>> sorted(found), 0 <= found["latent"]["x"]["y"]["recall@1"] <= 1
    (['cross_reconstruction', 'latent', 'reconstruction'], True)
    """
    names = list(view.streams)
    return {
        "latent": {i: {j: _latent(view, i, j) for j in names if j != i} for i in names},
        "reconstruction": {i: _decoded(view, i, i) for i in names},
        "cross_reconstruction": {i: {j: _decoded(view, i, j) for j in names if j != i} for i in names},
    }


def _latent(view: EvaluationView, i: str, j: str) -> dict[str, Any] | Undefined:
    try:
        return _between(view, view.code(i), view.code(j), i, j)
    except UndefinedError as error:
        return Undefined(error)


def _decoded(view: EvaluationView, i: str, j: str) -> dict[str, Any] | Undefined:
    try:
        return _between(view, view.decode(j, view.code(i)), view.x(j), i, j)
    except UndefinedError as error:
        return Undefined(error)


def _between(view: EvaluationView, a, b, i: str, j: str):
    rows_i, rows_j = view.matched(i, j)
    return retrieval(at(a, rows_i).cpu().numpy(), at(b, rows_j).cpu().numpy())


def shuffled_supports(view: EvaluationView, seed: int) -> dict[tuple[str, str], float | Undefined]:
    """Mean support Jaccard of two streams when every row meets the row of another point, at random.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.evaluation import Evaluation
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> model = train(Config(system="sae", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1), {"x": x, "y": x})
    >>> found = shuffled_supports(Evaluation(model, {"x": x, "y": x}).sample(standalone=True), seed=0)
    >>> list(found), 0 < found["x", "y"] < 1
    ([('x', 'y')], True)
    """
    found: dict[tuple[str, str], float | Undefined] = {}
    for i, j in combinations(view.streams, 2):
        if not {i, j} <= set(view.coded):
            continue
        rows_i, rows_j = view.matched(i, j)
        a, b = at(view.code(i), rows_i) != 0, at(view.code(j), rows_j) != 0
        if len(a) < 2:
            found[i, j] = Undefined(UNSHARED.format(i, j))
            continue
        first, second = random_cycle(len(a), [seed, 6])
        found[i, j] = mean(support_jaccard(a[first], b[second]), "no atom fired")
    return found


def most_firing(view: EvaluationView, count: int) -> np.ndarray:
    """Numbers, ascending, of the up to `count` atoms that fire most often in the sample, summed over the streams.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import torch
    >>> codes = {"x": torch.tensor([[1.0, 0, 2], [3, 0, 0]]), "y": torch.tensor([[0.0, 0, 1], [0, 0, 1]])}
    >>> most_firing(SimpleNamespace(coded=["x", "y"], code=codes.get), 2)
    array([0, 2])
    """
    if not view.coded:
        return np.zeros(0, dtype=int)
    frequency = sum((view.code(s) != 0).double().mean(0).cpu().numpy() for s in view.coded)
    return np.sort(np.argsort(-np.asarray(frequency), kind="stable")[:count])
