"""One arm of an experiment: a system trained on synthetic data, all seeds as one model, and what is measured of it.

The unit is a pair (data seed, model seed); here both are the same number. Every arm of a grid has the same data, steps
and rows; what is measured is measured on fresh rows, which no choice has seen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nonlinear.config import Config
from nonlinear.data import Array
from nonlinear.evaluation import Evaluation
from nonlinear.experiments.outcomes import agreement, change, firing, objective, over_floor
from nonlinear.experiments.rowwise import rowwise
from nonlinear.experiments.store import Store
from nonlinear.experiments.supports import supports
from nonlinear.model import Model
from nonlinear.sparse_generator import Sample, SparseGenerator
from nonlinear.train import train

Progress = Callable[[str, float], None]
# Learning rate of the null "untrained coders": the weights stay, and thresholds are calibrated.
STILL = 1e-12
# Steps of that null, and lines of the loss curve from which convergence is read.
CALIBRATION, LINES = 20, 20
# Seed of the validation rows of data seed 0; those of training and of measuring are 2·seed and 2·seed + 1.
VALIDATION = 1_000_000


@dataclass(frozen=True)
class Arm:
    """What is trained, and on what.

    Parameters
    ----------
    name
        Unique within an experiment.
    data
        Fields of :class:`~nonlinear.sparse_generator.SparseGenerator`, without the structure seed.
    config
        Fields of :class:`~nonlinear.config.Config`, without seeds.
    rows, test_rows
        Drawn per seed to train on, and to measure on.
    parts
        What is measured beside R²: "rowwise", "supports".

    Examples
    --------
    >>> arm = Arm("demo", {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}, {"system": "sae"})
    >>> sorted(arm.sample(0, test=True))
    ['x', 'y']
    """

    name: str
    data: Mapping[str, Any] = field(hash=False)
    config: Mapping[str, Any] = field(hash=False)
    rows: int = 8192
    test_rows: int = 2048
    parts: tuple[str, ...] = ()

    def generator(self, seed: int) -> SparseGenerator:
        """Return the generator of one data seed."""
        return SparseGenerator(**self.data, structure=seed)

    def sample(self, seed: int, *, test: bool = False) -> dict[str, Array]:
        """Rows of every stream to train on, or to measure on."""
        return _arrays(self._draw(seed, test))

    def labels(self, seed: int) -> np.ndarray:
        """Latents of the points to measure on [n, K], true where active."""
        return self._draw(seed, True).latents

    def latents(self, seed: int) -> np.ndarray:
        """Latents of the points to train on [n, K], true where active."""
        return self._draw(seed, False).latents

    def validation(self, seed: int) -> dict[str, Array]:
        """Rows of every stream by which a configuration may be chosen."""
        return _arrays(self.generator(seed).draw(self.test_rows, seed=VALIDATION + seed))

    def beside(self, model: Model, start: Model, seed: int, seed_index: int) -> dict[str, Any]:
        """Numbers of one seed, trained and at the start, that an arm of this kind has beside the common ones."""
        return {}

    def _draw(self, seed: int, test: bool) -> Sample:
        return self.generator(seed).draw(self.test_rows if test else self.rows, seed=2 * seed + test)

    def settings(self, seeds: Sequence[int], **changes: Any) -> Config:
        """Return the configuration with these seeds, on one thread: arms share the cores."""
        steps = int(self.config.get("steps", Config.model_fields["steps"].default))
        fixed = {"seeds": tuple(seeds), "threads": 1, "log_every": max(1, steps // LINES)}
        return Config(**{**self.config, **fixed, **changes})


def measure(
    arm: Arm,
    seeds: Sequence[int],
    on_progress: Progress = lambda text, share: None,
) -> list[dict[str, Any]]:
    """Train an arm and measure every seed.

    Parameters
    ----------
    arm, seeds
        What is trained.
    on_progress
        Called with a text and the share done.

    Returns
    -------
    list
        Per seed: ``seed``; ``r2``: "REC", "TR", "CC" and "CYC" of standalone codes, means over edges; ``shared``: the
        same for codes that see all streams of a point, where they differ; ``over_floor``: sliced distance of the laws,
        "dTR" and "dCC", over its value for equal laws; ``supports``, if it is among the parts: see
        :func:`~nonlinear.experiments.supports.supports`. Their nulls: ``shuffled`` and ``untrained`` (R²),
        ``shuffled_shared``, ``untrained_shared`` and so on: for shuffled pairs, and for the coders of the start.

        ``l0``, ``dead``, ``code_variance``: means over streams; ``validation``: own training objective on validation
        rows, without the loss of dead atoms; ``change``: relative change of the loss over the last tenth of the steps;
        ``losses``: the last means; ``rowwise`` and ``region``, if among the parts: see
        :func:`~nonlinear.experiments.rowwise.rowwise`.

    Examples
    --------
    >>> data = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}
    >>> arm = Arm("demo", data, {"system": "sae", "n_atoms": 8, "sparsity": 2, "batch": 64, "steps": 20}, 256, 64)
    >>> sorted(measure(arm, [0])[0]["r2"])
    ['CC', 'CYC', 'REC', 'TR']
    """
    samples = {seed: arm.sample(seed) for seed in seeds}
    tests = {seed: arm.sample(seed, test=True) for seed in seeds}
    data = [samples[seed] for seed in seeds]
    model = train(arm.settings(seeds), data, on_progress=lambda text, share: on_progress(arm.name, 0.9 * share))
    # Its losses are of no interest: few slices.
    start = train(arm.settings(seeds, steps=CALIBRATION, lr=STILL, n_slices=1), data)
    found = []
    for r, seed in enumerate(seeds):
        run, null = (Evaluation(m, tests[seed], seed_index=r) for m in (model, start))
        unit = {"seed": seed, "r2": agreement(run)["value"], "over_floor": over_floor(run)} | firing(run)
        unit |= {"shuffled": agreement(run)["shuffled"], "untrained": agreement(null)["value"]}
        unit["untrained_over_floor"] = over_floor(null)
        if not run.coincide:
            joint = agreement(run, standalone=False)
            unit |= {"shared": joint["value"], "shuffled_shared": joint["shuffled"]}
            unit["untrained_shared"] = agreement(null, standalone=False)["value"]
        if "supports" in arm.parts:
            labels = dict.fromkeys(run.shape.streams, arm.labels(seed))
            unit |= {"supports": supports(run, labels), "untrained_supports": supports(null, labels)}
            apart, theirs = shuffled(tests[seed], labels, seed)
            for name, coders in (("shuffled_supports", model), ("untrained_shuffled_supports", start)):
                unit[name] = supports(Evaluation(coders, apart, seed_index=r), theirs)
        if "rowwise" in arm.parts:
            unit |= rowwise(run, null)
        unit |= arm.beside(model, start, seed, r)
        unit["validation"] = objective(Evaluation(model, arm.validation(seed), seed_index=r))
        losses = {name: float(values[-1, r]) for name, values in model.curve.items()}
        found.append(unit | {"change": change(model, r), "losses": losses})
        on_progress(arm.name, 0.9 + 0.1 * (r + 1) / len(seeds))
    return found


def shuffled(
    rows: Mapping[str, Array], labels: Mapping[str, np.ndarray], seed: int
) -> tuple[dict[str, Array], dict[str, np.ndarray]]:
    """Rows and labels of the points in an order of its own for every stream but the first.

    Examples
    --------
    >>> both = {s: Array(np.arange(6.0)[:, None], s) for s in "xy"}
    >>> apart, theirs = shuffled(both, dict.fromkeys("xy", np.arange(6)), seed=0)
    >>> bool((apart["y"].array[:, 0] == theirs["y"]).all()), bool((theirs["x"] == theirs["y"]).all())
    (True, False)
    """
    (first, x), *others = rows.items()
    found, theirs = {first: x}, {first: labels[first]}
    for number, (s, y) in enumerate(others):
        order = np.random.default_rng([seed, 17, number]).permutation(len(y))
        found[s], theirs[s] = Array(y.take(order), s), labels[s][order]
    return found, theirs


def units(
    arm: Arm, seeds: Sequence[int], store: Store, on_progress: Progress = lambda text, share: None
) -> list[dict[str, Any]]:
    """Measure an arm, or read what was measured of it before.

    Examples
    --------
    >>> arm = Arm("demo", {}, {})
    >>> class Known(Store):
    ...     def get(self, name, settings, compute, *, wait=True):
    ...         return [{"seed": seed} for seed in settings["seeds"]]
    >>> units(arm, [0, 1], Known(None))     # what is known is not trained again
    [{'seed': 0}, {'seed': 1}]
    """
    return store.get(arm.name, settings(arm, seeds), lambda: measure(arm, seeds, on_progress))


def together(arms: Sequence[Arm], seeds: Sequence[int], store: Store) -> dict[str, list[dict[str, Any]]]:
    """Units of several arms by name: those that another process is measuring are left for last.

    Examples
    --------
    >>> class Known(Store):
    ...     def get(self, name, settings, compute, *, wait=True):
    ...         return [name] if wait else None     # another process measures it
    >>> together([Arm("demo", {}, {})], [0], Known(None))
    {'demo': ['demo']}
    """
    found = {a.name: store.get(a.name, settings(a, seeds), lambda a=a: measure(a, seeds), wait=False) for a in arms}
    return {a.name: found[a.name] or units(a, seeds, store) for a in arms}


def settings(arm: Arm, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what the numbers of an arm depend on, as plain data.

    Examples
    --------
    >>> settings(Arm("demo", {}, {"system": "sae"}), [0])["seeds"]
    [0]
    """
    data = {name: list(v) if isinstance(v, tuple) else v for name, v in arm.data.items()}
    config = {name: list(v) if isinstance(v, tuple) else v for name, v in arm.config.items()}
    return {
        "data": data,
        "config": config,
        "rows": [arm.rows, arm.test_rows],
        "parts": list(arm.parts),
        "seeds": list(seeds),
    }


def _arrays(drawn: Sample) -> dict[str, Array]:
    return {s: Array(x, s) for s, x in drawn.streams.items()}
