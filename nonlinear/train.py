"""The one training loop: any system, CPU or CUDA, several seeds as one model, resumable to the same bits."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from nonlinear.batch import Layout, Shuffle
from nonlinear.config import Config
from nonlinear.data import Normaliser, Rows, Streams, stack
from nonlinear.losses import Edges, Objective, stacked
from nonlinear.model import Model
from nonlinear.optimise import Optimiser
from nonlinear.parameters import Shape, initial, normalise_atoms
from nonlinear.run import Run
from nonlinear.strata import labelled_points, point_ids, strata
from theory.levels import Distribution
from theory.whats import REPRESENTATION, SELF

Sources = Mapping[str, Rows]
Progress = Callable[[str, float], None]
# Atoms per active one from which sparse codes are faster, by device.
SPARSE_FROM = {"cpu": 8, "cuda": 100}


class NotFiniteError(ValueError):
    """The loss became infinite or NaN; the message says at which step, and what is left."""


def train(
    config: Config,
    sources: Sources | Sequence[Sources],
    ids: Mapping[str, np.ndarray] | None = None,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    on_progress: Progress = lambda text, share: None,
) -> Model:
    """Train a system.

    Parameters
    ----------
    config
        Everything but the data.
    sources
        Stream → rows; or one such mapping per seed, of equal sizes.
    ids
        Stream → id of the point that each row shows; by default row r of every stream shows point r.
    out
        Folder for config.json, metrics.jsonl and the checkpoint; None keeps the model in memory only.
    resume
        Go on from the checkpoint in `out`, to the same bits as without the interruption.
    on_progress
        Called with a text and the share done.

    Raises
    ------
    ValueError
        Data and configuration that do not fit each other, or a checkpoint of another run.
    NotFiniteError
        The loss is not finite.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> X = np.random.default_rng(0).normal(size=(64, 4))
    >>> config = Config(system="sae", n_atoms=8, sparsity=2, batch=16, steps=20, threads=1)
    >>> train(config, {"x": Array(X)}).step
    20
    """
    before = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        return Trainer(config, sources, ids, out, resume).run(on_progress)
    finally:
        torch.set_num_threads(before)


class Trainer:
    """A run between two steps; :func:`train` is its short form, with the same arguments."""

    def __init__(self, config: Config, sources, ids=None, out: str | Path | None = None, resume: bool = False):
        per_seed = [sources] * len(config.seeds) if isinstance(sources, Mapping) else list(sources)
        if len(per_seed) != len(config.seeds):
            raise ValueError(f"{len(per_seed)} data sets for {len(config.seeds)} seeds; pass one, or one per seed")
        widths = {s: rows.dim for s, rows in per_seed[0].items()}
        if not widths:
            raise ValueError("there is no stream; pass at least one")
        self.config, self.objective = config, _objective(config, len(widths))
        _check(config, self.objective, per_seed)
        self.shape = Shape(config.preset, widths, config.n_atoms, _many_decoders(config, self.objective, len(widths)))
        self.layout, self.shuffles = _batches(config, self.objective, per_seed[0], ids)
        self.sparse, self.hints = _is_sparse(config), [dict[str, float]() for _ in config.seeds]
        different = {id(rows): rows for rows in per_seed}
        self.run_folder = Run(None if out is None else Path(out), config, list(different.values()), resume, ids)
        model, optimiser_state = self.run_folder.begin()
        if model is None:
            fitted = {
                key: {s: Normaliser.fit(r, config.normalise) for s, r in rows.items()}
                for key, rows in different.items()
            }
            model = _start(config, self.shape, [fitted[id(rows)] for rows in per_seed])
        self.normalisers, self.start, self.curve = model.normalisers, model.step, {}
        self.curve = {name: list(c) for name, c in model.curve.items()}
        made = {}
        for rows, normalisers in zip(per_seed, model.normalisers, strict=True):
            if id(rows) not in made:
                made[id(rows)] = Streams(rows, normalisers, config.device, config.dtype)
        self.streams = [made[id(rows)] for rows in per_seed]
        self.thresholds = {c: t.to(config.device) for c, t in model.thresholds.items()}
        self.silent = {c: t.to(config.device) for c, t in model.silent.items()}
        self.parameters = {n: p.to(config.device).detach().requires_grad_() for n, p in model.parameters.items()}
        self.optimiser = Optimiser(config, self.shape, self.parameters, optimiser_state)

    def run(self, on_progress: Progress = lambda text, share: None) -> Model:
        """Train from where the state is to the end."""
        config, sums = self.config, dict[str, torch.Tensor]()
        since, saved = self.start, self.start
        first_bad = torch.full((), config.steps, device=config.device)
        for step in range(self.start, config.steps):
            found = self.step(step)
            bad = ~torch.isfinite(found["loss"]).all()
            first_bad = torch.where(bad & (first_bad == config.steps), step, first_bad)
            sums = sums | {name: sums[name] + v if name in sums else v for name, v in found.items()}
            done = step + 1
            if done % config.log_every and done < config.steps:
                continue
            if int(first_bad) < config.steps:
                raise NotFiniteError(
                    f"the loss is not finite at step {int(first_bad) + 1}; {self.run_folder.left()}; "
                    "lower the learning rate or a weight, or look for huge values in the data"
                )
            # Sparse codes do not show what is not finite in an encoder, and no loss has seen the last update yet.
            if bad := [n for n, p in self.parameters.items() if not bool(torch.isfinite(p).all())]:
                raise NotFiniteError(
                    f"{', '.join(bad)} not finite after step {done}; {self.run_folder.left()}; "
                    "lower the learning rate or a weight, or look for huge values in the data"
                )
            self._log(done, {n: v / (done - since) for n, v in sums.items()})
            sums, since = {}, done
            loss = float(np.mean(self.curve["loss"][-1]))
            on_progress(f"{config.system}, loss {loss:.4g}", done / config.steps)
            # A checkpoint stands where a line of metrics ends, so that a run goes on with whole averages.
            if done - saved >= config.checkpoint_every or done == config.steps:
                self.run_folder.save(self.model(done), self.optimiser.state())
                saved = done
        return self.model(config.steps)

    def step(self, step: int) -> dict[str, torch.Tensor]:
        """One step; returns the losses [seeds] of its batch."""
        config, edges = self.config, self.edges(step)
        x = stack([s.batch(k.rows(step)) for s, k in zip(self.streams, self.shuffles, strict=True)])
        found, fired, least = stacked(
            self.objective, self.shape, self.parameters, x, self.layout,
            sparse=self.sparse, edges=edges, silent=self.silent if self._some_dead() else None,
            seed=step, hints=self.hints, half=config.precision == "bfloat16",
        )  # fmt: skip
        self.optimiser.zero()
        found["loss"].sum().backward()
        source = edges[0][0] if edges and config.preset.update == "source" else None
        self.optimiser.step(config.lr_at(step), source)
        if config.preset.unit_decoder:
            normalise_atoms(self.parameters, self.shape)
        self._count(fired, least)
        return {name: v.detach() for name, v in found.items()}

    def edges(self, step: int) -> Edges:
        """Edges that a step trains; None: all."""
        names, kind = self.shape.streams, self.config.preset.edges
        if kind == "all":
            return None
        source = names[0]
        if kind == "source":  # one draw for all seeds, so that they stay one model
            source = names[int(np.random.default_rng([5, step]).integers(len(names)))]
        return [(source, t) for t in names if kind == "source" or t != source]

    def model(self, step: int) -> Model:
        """Model as it is now."""
        curve = {name: np.array(values) for name, values in self.curve.items()}
        parameters = {name: p.detach() for name, p in self.parameters.items()}
        return Model(self.config, self.shape, parameters, self.thresholds, self.silent, self.normalisers, step, curve)

    def _some_dead(self) -> bool:
        if self.config.aux_weight == 0:
            return False
        # The largest count is read on the CPU only: on a GPU that would wait for the device at every step.
        return self.config.device != "cpu" or any(int(s.max()) > self.config.dead_after for s in self.silent.values())

    @torch.no_grad()
    def _count(self, fired: Mapping[str, torch.Tensor], least: Mapping[str, torch.Tensor]) -> None:
        rate, dead_after = self.config.threshold_rate, self.config.dead_after
        for code, alive in fired.items():
            streams = [s for s, c in self.shape.codes.items() if c == code]
            rows = self.layout.n_points if code == "joint" else sum(self.layout.rows[s] for s in streams)
            revived = alive & (self.silent[code] > dead_after)
            if self.config.device != "cpu" or bool(revived.any()):
                self.optimiser.forget(code, revived)
            self.silent[code] = torch.where(alive, 0, self.silent[code] + rows)
            known, now = self.thresholds[code], least[code].to(self.thresholds[code])
            mean = torch.where(torch.isnan(known), now, (1 - rate) * known + rate * now)
            self.thresholds[code] = torch.where(torch.isfinite(now), mean, known)

    def _log(self, done: int, means: Mapping[str, torch.Tensor]) -> None:
        for name in self.curve.keys() - means.keys():  # no atom is dead any more
            self.curve[name].append(np.zeros(len(self.config.seeds)))
        past = len(self.curve.get("loss", ()))
        for name, v in means.items():
            zeros = [np.zeros(len(self.config.seeds)) for _ in range(past)]
            self.curve.setdefault(name, zeros).append(v.double().cpu().numpy())
        # Sorted, because a curve that comes from a checkpoint has its names in another order.
        dead = {c: (s > self.config.dead_after).double().mean(-1).tolist() for c, s in self.silent.items()}
        losses = {name: values[-1].tolist() for name, values in sorted(self.curve.items())}
        self.run_folder.log({"step": done, "losses": losses, "dead": dead})


def _objective(config: Config, n_streams: int) -> Objective:
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


def _check(config: Config, objective: Objective, per_seed: Sequence[Sources]) -> None:
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


def _many_decoders(config: Config, objective: Objective, n_streams: int) -> bool:
    """Whether a code is sent through several decoders: then they are kept side by side."""
    system = config.preset
    if system.sharing == "weights" or system.update == "source" or (system.edges == "first" and n_streams < 3):
        return False
    whats = [p.what for p, _ in objective.terms]
    return system.sharing == "summed" or any(w.space == REPRESENTATION and w.edges != SELF for w in whats)


def _batches(config: Config, objective: Objective, rows: Sources, ids) -> tuple[Layout, list[Shuffle]]:
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


def _is_sparse(config: Config) -> bool:
    if config.path != "auto":
        return config.path == "sparse"
    least = SPARSE_FROM[config.device.split(":")[0]]
    large = config.n_atoms * config.batch >= 1 << 20
    return config.preset.selection != "relu" and config.n_atoms >= least * config.sparsity and large


def _start(config: Config, shape: Shape, normalisers: list[dict[str, Normaliser]]) -> Model:
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
