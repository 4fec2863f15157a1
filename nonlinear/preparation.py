"""From a configuration and data to everything that a training loop needs before its first step."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from nonlinear.batch import Layout, Shuffle
from nonlinear.config import Config
from nonlinear.data import Normaliser, Rows
from nonlinear.losses import Objective
from nonlinear.model import Model
from nonlinear.parameters import Shape, initial
from nonlinear.strata import labelled_points, point_ids, strata
from theory.levels import Distribution
from theory.whats import REPRESENTATION, SELF

Sources = Mapping[str, Rows]
# Atoms per active one from which sparse codes are faster, by device.
SPARSE_FROM = {"cpu": 8, "cuda": 100}


def objective(config: Config, n_streams: int) -> Objective:
    """Return what a configuration minimises on so many streams; ValueError for an unknown property.

    Examples
    --------
    >>> [p.name for p, _ in objective(Config(system="cosae"), 2).terms]
    ['REC', 'TR', 'CC', 'dTR', 'dCC']
    """
    return Objective.of(
        config.weights if config.weights is not None else config.preset.terms(n_streams),
        unbiased=config.unbiased,
        n_slices=config.n_slices,
        sparsity=config.sparsity,
        aux_weight=config.aux_weight,
        aux_k=config.aux_k,
        dead_after=config.dead_after,
        l1=config.l1,
    )


def check(config: Config, objective: Objective, per_seed: Sequence[Sources]) -> None:
    """Raise ValueError unless the data suit the system and each other.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> config = Config(system="cosae")
    >>> check(config, objective(config, 1), [{"x": Array(np.eye(2))}])
    Traceback (most recent call last):
    ValueError: cosae with TR, CC, dTR, dCC needs at least two streams; pass another file
    """
    system, widths = config.preset, {s: r.dim for s, r in per_seed[0].items()}
    if len({tuple((s, len(r), r.dim) for s, r in rows.items()) for rows in per_seed}) > 1:
        raise ValueError("the data sets of the seeds differ in streams or sizes; they train as one batch")
    if system.sharing == "weights" and len(set(widths.values())) > 1:
        raise ValueError(f"{system.name} is one coder for all streams, and their widths are {widths}; make them equal")
    if not objective.terms:
        raise ValueError("every weight is 0; give one property a weight")
    if system.edges == "first" and (own := [p.name for p, _ in objective.terms if p.what.edges == SELF]):
        raise ValueError(f"{system.name} goes from one stream to others and has no {', '.join(own)}; give TR a weight")
    crossing = [p.name for p, _ in objective.terms if p.what.edges != SELF]
    if len(widths) < 2 and (crossing or system.edges != "all"):
        raise ValueError(f"{system.name} with {', '.join(crossing)} needs at least two streams; pass another file")


def many_decoders(config: Config, objective: Objective, n_streams: int) -> bool:
    """Whether a code is sent through several decoders: then they are kept side by side.

    Examples
    --------
    >>> [many_decoders(config, objective(config, 2), 2) for config in (Config(system="cosae"), Config(system="sae"))]
    [True, False]
    """
    system = config.preset
    if system.sharing == "weights" or system.update == "source" or (system.edges == "first" and n_streams < 3):
        return False
    whats = [p.what for p, _ in objective.terms]
    return system.sharing == "summed" or any(w.space == REPRESENTATION and w.edges != SELF for w in whats)


def batches(config: Config, objective: Objective, rows: Sources, ids) -> tuple[Layout, list[Shuffle]]:
    """Layout of the batches, and one shuffle per seed.

    Raises
    ------
    ValueError
        Ids, anchors or fractions that do not suit the data.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> config, rows = Config(system="sae", batch=4), {"x": Array(np.eye(8))}
    >>> layout, (shuffle,) = batches(config, objective(config, 1), rows, None)
    >>> layout.rows, sorted(np.concatenate([shuffle.rows(step)["x"] for step in (0, 1)]).tolist())
    ({'x': 4}, [0, 1, 2, 3, 4, 5, 6, 7])
    """
    lengths = {s: len(r) for s, r in rows.items()}
    joint = config.preset.sharing in ("summed", "support")
    needed = joint or any(p.what.crosses and not isinstance(p.level, Distribution) for p, _ in objective.terms)
    asked = config.anchors is not None or config.paired > 0
    known = point_ids(lengths, ids, needed and asked)
    shared = ids is not None or len(set(lengths.values())) == 1
    layouts, shuffles = [], []
    for seed in config.seeds:
        labelled = np.zeros(0, dtype=int)
        if len(lengths) > 1 and shared and asked:
            labelled = labelled_points(known, config.paired, config.anchors, seed)
        found = strata(known, labelled, config.batch, config.sampling, matched=config.matched, seed=seed)
        layouts.append(Layout(list(lengths), found, config.sampling == "aligned"))
        shuffles.append(Shuffle(found, seed))
    if len({tuple((k.side, k.count, *k.rows) for k in layout.strata) for layout in layouts}) > 1:
        raise ValueError("the seeds' batches differ in layout; train them one by one")
    return layouts[0].to(config.device), shuffles


def is_sparse(config: Config) -> bool:
    """Whether to train on sparse codes: asked for, or faster.

    Examples
    --------
    >>> [is_sparse(Config(system="sae", n_atoms=n, sparsity=4)) for n in (16, 2**20)]
    [False, True]
    """
    if config.path != "auto":
        return config.path == "sparse"
    least = SPARSE_FROM[config.device.split(":")[0]]
    # Several small models are faster mapped over as one dense batch.
    large = len(config.seeds) == 1 or config.n_atoms * config.batch >= 1 << 20
    return config.preset.selection != "relu" and config.n_atoms >= least * config.sparsity and large


def start(config: Config, shape: Shape, normalisers: list[dict[str, Normaliser]]) -> Model:
    """Return the model before its first step.

    Examples
    --------
    >>> config = Config(system="sae", n_atoms=4, sparsity=1)
    >>> model = start(config, Shape(config.preset, {"x": 3}, 4, False), [{}])
    >>> model.step, model.silent["x"].sum().item(), bool(model.thresholds["x"].isnan().all())
    (0, 0, True)
    """
    count, codes = len(config.seeds), dict.fromkeys(shape.codes.values())
    return Model(
        config,
        shape,
        initial(shape, config.seeds, config.dtype, config.init == "same"),
        {c: torch.full((count,), torch.nan, dtype=config.dtype) for c in codes},
        {c: torch.zeros(count, config.n_atoms, dtype=torch.int64) for c in codes},
        normalisers,
        0,
        {},
    )
