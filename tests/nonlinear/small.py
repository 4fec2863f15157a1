"""Small systems, batches and planted data that the tests of the trainer share."""

import numpy as np
import torch

from nonlinear.config import Config
from nonlinear.data import Array, stack
from nonlinear.losses import stacked
from nonlinear.systems import SYSTEMS
from nonlinear.train import Trainer

NAMES = tuple(SYSTEMS)
WIDTHS = {"x": 5, "y": 4, "z": 6}
TINY = {
    "n_atoms": 24,
    "sparsity": 3,
    "batch": 16,
    "steps": 20,
    "log_every": 4,
    "checkpoint_every": 8,
    "n_slices": 8,
    "threads": 1,
}


def planted(n, widths, n_atoms=12, active=2, seed=0):
    """Streams that decode one sparse code of values in [1, 2] by random unit atoms: arrays by stream, and the code."""
    rng = np.random.default_rng(seed)
    places = rng.random((n, n_atoms)).argsort(1)[:, :active]
    codes = np.zeros((n, n_atoms))
    np.put_along_axis(codes, places, rng.uniform(1, 2, size=places.shape), 1)
    atoms = {s: rng.normal(size=(n_atoms, d)) for s, d in widths.items()}
    return {s: codes @ (a / np.linalg.norm(a, axis=1, keepdims=True)) for s, a in atoms.items()}, codes


def widths_of(system, streams="xy"):
    """Different widths where the system takes them."""
    return {s: 5 if SYSTEMS[system].sharing == "weights" else WIDTHS[s] for s in streams}


def sources(arrays):
    return {s: Array(a, s) for s, a in arrays.items()}


def ready(system, arrays, ids=None, out=None, *, perturbed=True, **changes):
    """Trainer whose parameters are moved a little, the same way for the same system, so that none is special."""
    trainer = Trainer(Config(system=system, **TINY | changes), sources(arrays), ids, out)
    if perturbed:
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for p in trainer.parameters.values():
                p += 0.2 * torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p)
    return trainer


def batch_of(trainer, step=0):
    return stack([s.batch(k.rows(step)) for s, k in zip(trainer.streams, trainer.shuffles, strict=True)])


def computed(trainer, step=0, silent=None):
    """Losses, fired atoms and least kept scores at one step."""
    return stacked(
        trainer.objective, trainer.shape, trainer.parameters, batch_of(trainer, step), trainer.layout,
        sparse=trainer.sparse, edges=trainer.edges(step), silent=silent, seed=step, hints=trainer.hints,
    )  # fmt: skip


def measured(trainer, step=0, silent=None):
    """The same, detached, and the gradients as second; nothing moves."""
    trainer.optimiser.zero()
    found, fired, least = computed(trainer, step, silent)
    found["loss"].sum().backward()
    gradients = {n: torch.zeros_like(p) if p.grad is None else p.grad.clone() for n, p in trainer.parameters.items()}
    return {n: v.detach() for n, v in found.items()}, gradients, fired, least


def r2(found, wanted):
    """1 − Σ‖wanted − found‖² / Σ‖wanted − mean‖²."""
    found, wanted = (np.asarray(a, dtype=float) for a in (found, wanted))
    return 1 - ((wanted - found) ** 2).sum() / ((wanted - wanted.mean(0)) ** 2).sum()
