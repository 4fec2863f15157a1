"""A trained system: its weights, thresholds and normalisation, from memory or from the folder of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nonlinear import checkpoint
from nonlinear.coders import Coders
from nonlinear.config import Config, device_here, read
from nonlinear.data import Normaliser
from nonlinear.parameters import Parameters, Shape, atoms_of


@dataclass(frozen=True, eq=False)
class Model:
    """A trained system, one per seed.

    Parameters
    ----------
    config, shape
        How it was made, and its sizes.
    parameters
        Name → tensor [seeds, …].
    thresholds
        Code → inference threshold [seeds], NaN where none is known yet.
    silent
        Code → rows since each atom fired [seeds, m].
    normalisers
        Per seed: stream → its map.
    step
        Steps trained.
    curve
        Mean losses by name [logged intervals, seeds].

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(32, 3)))}
    >>> model = train(Config(system="sae", n_atoms=4, sparsity=1, batch=8, steps=2, threads=1), x)
    >>> {name: tuple(w.shape) for name, w in model.folded().items()}
    {'x.encoder': (4, 3), 'x.encoder_bias': (4,), 'x.decoder': (4, 3), 'x.decoder_bias': (3,)}
    """

    config: Config
    shape: Shape
    parameters: Parameters
    thresholds: Mapping[str, torch.Tensor]
    silent: Mapping[str, torch.Tensor]
    normalisers: list[dict[str, Normaliser]]
    step: int
    curve: Mapping[str, np.ndarray]

    def coders(self, seed_index: int = 0, *, sparse: bool = False) -> Coders:
        """Coders of one seed for inference: a code does not depend on its batch."""
        parameters = {name: p[seed_index].detach() for name, p in self.parameters.items()}
        thresholds = {code: t[seed_index] for code, t in self.thresholds.items()}
        return Coders(self.shape, parameters, self.config.sparsity, sparse=sparse, thresholds=thresholds)

    def folded(self, seed_index: int = 0) -> dict[str, torch.Tensor]:
        """Weights that take and give rows in their own units, without the normalisation.

        Per stream s: "s.encoder" [m, d], "s.encoder_bias" [m], "s.decoder" [m, d], "s.decoder_bias" [d]; with a linear
        skip from i to j "i.j.skip" [d_i, d_j], and then j's decoder bias is that of translations.

        Raises
        ------
        ValueError
            Rows were scaled to norm 1, which is not affine.
        """
        found: dict[str, torch.Tensor] = {}
        p = {name: t[seed_index].detach() for name, t in self.parameters.items()}
        for s, n in self.normalisers[seed_index].items():
            if n.kind == "unit":
                raise ValueError("rows scaled to norm 1 cannot be folded into weights; train with normalise 'variance'")
            owner, code = self.shape.owners[s], self.shape.codes[s]
            W, mean = p[f"encoder.{owner}"] * n.scale, n.mean_like(p[f"encoder.{owner}"])
            found[f"{s}.encoder"], found[f"{s}.encoder_bias"] = W, p[f"bias.{code}"] - W @ mean
            found[f"{s}.decoder"] = atoms_of(p, self.shape, owner) / n.scale
            found[f"{s}.decoder_bias"] = p[f"offset.{owner}"] / n.scale + mean
        for i, j in self.shape.skips:
            a, b = (self.normalisers[seed_index][s] for s in (i, j))
            S = found[f"{i}.{j}.skip"] = p[f"skip.{i}.{j}"] * (a.scale / b.scale)
            found[f"{j}.decoder_bias"] = found[f"{j}.decoder_bias"] - a.mean_like(S) @ S
        return found

    def to(self, device: str) -> "Model":
        """Return the same model with its tensors on a device."""
        config = self.config.model_copy(update={"device": device})
        groups = (self.parameters, self.thresholds, self.silent)
        parameters, thresholds, silent = ({name: t.to(device) for name, t in group.items()} for group in groups)
        return replace(self, config=config, parameters=parameters, thresholds=thresholds, silent=silent)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything but the configuration, by name."""
        found = {f"parameter/{name}": p for name, p in self.parameters.items()}
        found |= {f"threshold/{code}": t for code, t in self.thresholds.items()}
        found |= {f"silent/{code}": t for code, t in self.silent.items()}
        found |= {f"curve/{name}": torch.from_numpy(np.asarray(c)) for name, c in self.curve.items()}
        for r, normalisers in enumerate(self.normalisers):
            found |= {f"mean/{r}/{s}": torch.tensor(n.mean) for s, n in normalisers.items()}
        return found

    def state(self) -> dict[str, Any]:
        """The rest, as plain data."""
        return {
            "config": self.config.model_dump(),
            "widths": dict(self.shape.widths),
            "joint_decoder": self.shape.joint_decoder,
            "scales": [{s: n.scale for s, n in normalisers.items()} for normalisers in self.normalisers],
            "step": self.step,
        }

    @classmethod
    def restored(cls, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]) -> "Model":
        """Inverse of :meth:`tensors` and :meth:`state`.

        Raises
        ------
        ValueError
            Something is missing from them.
        """
        try:
            config = read(None, **state["config"] | {"device": device_here(state["config"]["device"])})
            shape = Shape(config.preset, state["widths"], config.n_atoms, state["joint_decoder"])
            normalisers = [
                {
                    s: Normaliser(config.normalise, tensors[f"mean/{r}/{s}"].numpy(), scale)
                    for s, scale in scales.items()
                }
                for r, scales in enumerate(state["scales"])
            ]
            parts = {
                kind: {n.removeprefix(kind + "/"): t for n, t in tensors.items() if n.startswith(kind + "/")}
                for kind in ("parameter", "threshold", "silent", "curve")
            }
            curve = {name: c.numpy() for name, c in parts["curve"].items()}
            step = int(state["step"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the checkpoint cannot be restored: {error.args[0] if error.args else error}; a system of your own "
                "needs its file (--plugin), anything else a new run"
            ) from error
        return cls(config, shape, parts["parameter"], parts["threshold"], parts["silent"], normalisers, step, curve)


def load(run: str | Path) -> Model:
    """Model of a run, on the device that it was trained on where this machine has it, else on the CPU.

    Raises
    ------
    ValueError
        No checkpoint, a damaged one, or somebody else's.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(32, 3)))}
    >>> with TemporaryDirectory() as run:
    ...     model = train(Config(system="sae", n_atoms=4, sparsity=1, batch=8, steps=2, threads=1), x, out=run)
    ...     all(torch.equal(w, model.parameters[name]) for name, w in load(run).parameters.items())
    True
    """
    model = Model.restored(*checkpoint.read(Path(run)))
    return model.to(model.config.device)
