"""A trained system and the rows that it is evaluated on, seen in blocks and as a sample."""

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
import torch

from nonlinear.blocks import EvaluationView, Points, RowNumbers, layout_of
from nonlinear.coders import Coders
from nonlinear.data import Rows, Streams
from nonlinear.gauge import unit_gauge
from nonlinear.model import Model
from nonlinear.parameters import atoms_of


class Evaluation:
    """One seed of a model on rows in their own units; nothing of the size of the data is kept but row numbers.

    Parameters
    ----------
    model, sources, ids, seed_index
        As in :func:`nonlinear.evaluate.evaluate`.
    block
        Points at a time.
    sample
        Points of the sample.
    seed
        Of the sample and of the slices.

    Raises
    ------
    ValueError
        Streams that the model does not have, or of other widths; a seed, block or sample that cannot be.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(40, 3)))}
    >>> model = train(Config(system="sae", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1), x)
    >>> run = Evaluation(model, x, block=16)
    >>> [len(view.x("x")) for view in run.blocks(standalone=True)], run.coincide
    ([16, 16, 8], True)
    """

    def __init__(
        self,
        model: Model,
        sources: Mapping[str, Rows],
        ids: Mapping[str, np.ndarray] | None = None,
        seed_index: int = 0,
        *,
        block: int = 2048,
        sample: int = 2000,
        seed: int = 0,
    ):
        widths, count = {s: rows.dim for s, rows in sources.items()}, len(model.config.seeds)
        if widths != dict(model.shape.widths):
            given, known = (", ".join(f"{n} ({s})" for s, n in w.items()) for w in (widths, model.shape.widths))
            raise ValueError(f"the streams are {given} wide, those of the model {known}; mind the order")
        if not 0 <= seed_index < count:
            raise ValueError(f"seed_index is {seed_index} and the model has {count} seeds; count from 0")
        if block < 1 or sample < 2:
            raise ValueError(f"a block of {block} and a sample of {sample} points; take at least 1 and at least 2")
        self.model, self.shape, self.seed_index = model, model.shape, seed_index
        self.block, self.seed = block, seed
        self.sources = {s: sources[s] for s in self.shape.streams}
        self.points = Points({s: len(r) for s, r in self.sources.items()}, ids)
        self.sampled, layout = self.points.sample(sample, seed)
        self.coders = unit_gauge(model.coders(seed_index))
        if not all(bool(torch.isfinite(p).all()) for p in self.coders.parameters.values()):
            raise ValueError("the weights of the model are not finite; train again")
        weights = next(iter(self.coders.parameters.values()))
        self.layout = layout.to(weights.device)
        normalisers = model.normalisers[seed_index]
        self.streams = Streams(self.sources, normalisers, str(weights.device), weights.dtype, resident=0)

    @property
    def coincide(self) -> bool:
        """Whether the code of a stream never depends on the others."""
        return self.shape.system.sharing in ("independent", "weights") or len(self.shape.streams) == 1

    def blocks(self, standalone: bool) -> Iterator[EvaluationView]:
        """View of every block."""
        for rows in self.points.blocks(self.block):
            yield self._view(rows, self._read(rows), layout_of(rows), standalone, sparse=False)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self.points.number_of_blocks(self.block)

    def sample(self, standalone: bool, *, sparse: bool = False) -> EvaluationView:
        """View of the sample, with sparse or dense codes."""
        return self._view(self.sampled, self._sampled_rows, self.layout, standalone, sparse)

    @cached_property
    def _sampled_rows(self) -> dict[str, torch.Tensor]:
        return self._read(self.sampled)

    def _read(self, rows: RowNumbers) -> dict[str, torch.Tensor]:
        x = self.streams.batch(rows)
        for s, values in x.items():
            if not bool(torch.isfinite(values).all()):
                raise ValueError(f"stream {s!r} has values too large for {values.dtype}; rescale it")
        return x

    def _view(self, rows: RowNumbers, x, layout, standalone: bool, sparse: bool) -> EvaluationView:
        c = self.coders
        fresh = Coders(self.shape, c.parameters, c.sparsity, sparse=sparse, thresholds=c.thresholds)
        return EvaluationView(x, fresh, layout, rows=rows, standalone=standalone, absent=self.absent, seed=self.seed)

    def atoms(self, s: str) -> np.ndarray:
        """Decoder of stream s [m, d], float64."""
        return atoms_of(self.coders.parameters, self.shape, self.shape.owners[s]).double().cpu().numpy()

    @property
    def absent(self) -> dict[tuple[str, str], str]:
        """("encoder" or "decoder", stream) → why it cannot be used."""
        system, (first, *others) = self.shape.system, self.shape.streams
        found: dict[tuple[str, str], str] = {}
        if system.edges == "first":
            found[("decoder", first)] = f"{system.name} decodes no code to its input {first!r}"
            found |= {("encoder", s): f"{system.name} never encodes its output {s!r}" for s in others}
        if system.selection != "batchtopk":
            return found
        for s, code in self.shape.codes.items():
            if not bool(torch.isfinite(self.model.thresholds[code][self.seed_index])):
                found.setdefault(("encoder", s), f"the code of {code!r} has no inference threshold: it was not trained")
        return found
