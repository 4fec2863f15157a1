"""The one training loop: any system, CPU or CUDA, several seeds as one model, resumable to the same bits."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from nonlinear import preparation
from nonlinear.config import Config
from nonlinear.data import Normaliser, Rows, Streams, stack
from nonlinear.losses import Edges, stacked
from nonlinear.model import Model
from nonlinear.optimise import Optimiser
from nonlinear.parameters import Shape, normalise_atoms
from nonlinear.run import Run

Sources = Mapping[str, Rows]
Progress = Callable[[str, float], None]


class NotFiniteError(ValueError):
    """The loss became infinite or NaN; the message says at which step, and what is left.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(32, 3)))}
    >>> try:
    ...     train(Config(system="sae", n_atoms=4, sparsity=1, batch=8, threads=1, lr=1e38, optimiser="sgd"), x)
    ... except NotFiniteError as error:
    ...     print(str(error).split(";")[0])
    the loss is not finite at step 2
    """


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
    """A run between two steps; :func:`train` is its short form, with the same arguments.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(32, 3)))}
    >>> trainer = Trainer(Config(system="sae", n_atoms=4, sparsity=1, batch=8, steps=2, threads=1, seeds=(0, 1)), x)
    >>> trainer.step(0)["loss"].shape, trainer.model(1).step
    (torch.Size([2]), 1)
    """

    def __init__(self, config: Config, sources, ids=None, out: str | Path | None = None, resume: bool = False):
        per_seed = [sources] * len(config.seeds) if isinstance(sources, Mapping) else list(sources)
        if len(per_seed) != len(config.seeds):
            raise ValueError(f"{len(per_seed)} data sets for {len(config.seeds)} seeds; pass one, or one per seed")
        widths = {s: rows.dim for s, rows in per_seed[0].items()}
        if not widths:
            raise ValueError("there is no stream; pass at least one")
        self.config, self.objective = config, preparation.objective(config, len(widths))
        preparation.check(config, self.objective, per_seed)
        self.shape = Shape(
            config.preset, widths, config.n_atoms, preparation.many_decoders(config, self.objective, len(widths))
        )
        self.layout, self.shuffles = preparation.batches(config, self.objective, per_seed[0], ids)
        self.sparse, self.hints = preparation.is_sparse(config), [dict[str, float]() for _ in config.seeds]
        different = {id(rows): rows for rows in per_seed}
        self.run_folder = Run(None if out is None else Path(out), config, list(different.values()), resume, ids)
        model, optimiser_state = self.run_folder.begin()
        if model is None:
            fitted = {
                key: {s: Normaliser.fit(r, config.normalise) for s, r in rows.items()}
                for key, rows in different.items()
            }
            model = preparation.start(config, self.shape, [fitted[id(rows)] for rows in per_seed])
        self.normalisers, self.start = model.normalisers, model.step
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
                raise self._not_finite(f"the loss is not finite at step {int(first_bad) + 1}")
            # Sparse codes do not show what is not finite in an encoder, and no loss has seen the last update yet.
            if bad := [n for n, p in self.parameters.items() if not bool(torch.isfinite(p).all())]:
                raise self._not_finite(f"{', '.join(bad)} not finite after step {done}")
            self._log(done, {n: v / (done - since) for n, v in sums.items()})
            sums, since = {}, done
            loss = float(np.mean(self.curve["loss"][-1]))
            on_progress(f"{config.system}, loss {loss:.4g}", done / config.steps)
            # A checkpoint stands where a line of metrics ends, so that a run goes on with whole averages.
            if done - saved >= config.checkpoint_every or done == config.steps:
                self.run_folder.save(self.model(done), self.optimiser.state())
                saved = done
        return self.model(config.steps)

    def _not_finite(self, what: str) -> NotFiniteError:
        mend = "lower the learning rate or a weight, or look for huge values in the data"
        return NotFiniteError(f"{what}; {self.run_folder.left()}; {mend}")

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
