"""The experiments by name: which runs each consists of, at the small scale of the claims and at the full one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nonlinear.experiments import cycle, duality
from nonlinear.experiments.arms import Arm, Progress, settings, units
from nonlinear.experiments.rowwise import summary
from nonlinear.experiments.store import Store

LINEAR: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "cycle_only": cycle.cycle_only,
    "covariance_matched": cycle.covariance_matched,
}


@dataclass(frozen=True)
class Task:
    """One run of an experiment: an arm of sparse coders, or a function of linear coders by name.

    Examples
    --------
    >>> Task("cycle_only").settings([0, 1])["starts"]
    128
    """

    name: str
    arm: Arm | None = None

    def settings(self, seeds: Sequence[int]) -> dict[str, Any]:
        """Return what the numbers depend on, as plain data."""
        if self.arm is not None:
            return settings(self.arm, seeds)
        fixed = {k: [list(p) for p in v] if k == "spectra" else v for k, v in cycle.SETTINGS[self.name].items()}
        return {"experiment": self.name, **fixed, "seeds": list(seeds)}

    def run(self, seeds: Sequence[int], store: Store, on_progress: Progress = lambda text, share: None) -> list[dict]:
        """Numbers of every seed, from the store or measured now."""
        if self.arm is not None:
            return units(self.arm, seeds, store, on_progress)
        return store.get(self.name, self.settings(seeds), lambda: [LINEAR[self.name](seed) for seed in seeds])

    def result(self, seeds: Sequence[int], found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the numbers for a document: rows of a seed are summed up."""
        short = [{k: v for k, v in u.items() if k != "rowwise"} for u in found]
        document = {"name": self.name, "settings": self.settings(seeds), "units": short}
        rows = [dict(u) for u in found if "rowwise" in u]
        return document | ({"rowwise": summary(rows)} if rows else {})


def tasks(experiment: str, scale: str) -> list[Task]:
    """Runs of an experiment.

    Parameters
    ----------
    experiment
        "duality" (E1) or "cycle" (E2).
    scale
        "small": the arms of the claims; "full": the map over generators.

    Raises
    ------
    ValueError
        Unknown name or scale.

    Examples
    --------
    >>> [t.name for t in tasks("cycle", "small")][-2:]
    ['cycle_only', 'covariance_matched']
    """
    if experiment not in EXPERIMENTS:
        raise ValueError(f"unknown experiment {experiment!r}; known: {', '.join(EXPERIMENTS)}")
    if scale not in ("small", "full"):
        raise ValueError(f"scale is {scale!r}; use small or full")
    return EXPERIMENTS[experiment](scale)


def _arms(arms: Sequence[Arm]) -> list[Task]:
    return [Task(arm.name, arm) for arm in arms]


def _duality(scale: str) -> list[Task]:
    if scale == "full":
        return _arms(duality.grid())
    objectives = "REC", "REC+TR", "REC+CC", "REC+TR+CC"
    return _arms([duality.arm(generator, o) for generator in duality.GENERATORS for o in objectives])


def _cycle(scale: str) -> list[Task]:
    generators = ("linear",) if scale == "small" else tuple(duality.GENERATORS)
    sparse = [duality.arm(generator, o) for generator in generators for o in ("REC", "REC+TR", "REC+CYC")]
    return [*_arms(sparse), *(Task(name) for name in LINEAR)]


EXPERIMENTS: Mapping[str, Callable[[str], list[Task]]] = {"duality": _duality, "cycle": _cycle}
