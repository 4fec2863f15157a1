"""The experiments by name: which runs each consists of, at the small scale of the claims and at the full one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nonlinear.experiments import (
    anchoring,
    blindness,
    cycle,
    digits,
    duality,
    gaussian,
    identified,
    leaking,
    methods,
    noisy,
    pairs,
    recovery,
    scenes,
    unidentifiability,
)
from nonlinear.experiments.arms import Arm, Progress, settings, units
from nonlinear.experiments.rowwise import summary
from nonlinear.experiments.store import Store

Measured = list[dict[str, Any]]
# What a document leaves out of the units: rows are summed up, their nulls stand in the claims, maps are for tests.
ROWS = "rowwise", "shuffled_region", "untrained_region"
LEFT_OUT = *ROWS, "regression", "draws", "left", "maps", *(f"maps_{m}" for m in gaussian.ANCHORS)


def _each(function: Callable[[int], dict[str, Any]]) -> Callable[[Sequence[int]], Measured]:
    return lambda seeds: [function(seed) for seed in seeds]


# Runs that are no arms of sparse coders: what they depend on, and the function of the seeds that measures them.
OTHERS: Mapping[str, tuple[Mapping[str, Any], Callable[[Sequence[int]], Measured]]] = {
    "cycle_only": (cycle.SETTINGS["cycle_only"], _each(cycle.cycle_only)),
    "covariance_matched": (cycle.SETTINGS["covariance_matched"], _each(cycle.covariance_matched)),
    **{name: (gaussian.SETTINGS, _each(run)) for name, run in gaussian.RUNS.items()},
    "matched atoms": (anchoring.SETTINGS, anchoring.matched_atoms),
    "leak weights": (leaking.SETTINGS, leaking.weights),
    "leak of sets": (leaking.SETTINGS, leaking.sets),
    "leak map": (leaking.MAP_SETTINGS, _each(leaking.leak_map)),
    "twin atoms": (recovery.SETTINGS, recovery.recovered),
    "noisy anchors": (noisy.SETTINGS, noisy.gains),
    "noise map": (noisy.MAP_SETTINGS, noisy.noise_map),
    "components": (identified.SETTINGS, identified.components),
    "component map": (identified.MAP_SETTINGS, identified.component_map),
    "sliced test": (blindness.SETTINGS, _each(blindness.sliced_test)),
    "sliced test map": (blindness.MAP_SETTINGS, _each(blindness.measured_map)),
    "ridge and Procrustes": ({"penalties": list(anchoring.PENALTIES)}, anchoring.closed_forms),
    "pairs needed": (pairs.SETTINGS, pairs.on_planted),
    "pairs needed, real embeddings": (pairs.REAL_SETTINGS, lambda seeds: pairs.on_embeddings(seeds[:5])),
    "pairs needed, real embeddings, one seed": (pairs.REAL_SETTINGS, lambda seeds: pairs.on_embeddings(seeds[:1])),
}


@dataclass(frozen=True)
class Task:
    """One run of an experiment: an arm of sparse coders, or another run by name.

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
        fixed = {k: [list(p) for p in v] if k == "spectra" else v for k, v in OTHERS[self.name][0].items()}
        return {"experiment": self.name, **fixed, "seeds": list(seeds)}

    def run(self, seeds: Sequence[int], store: Store, on_progress: Progress = lambda text, share: None) -> Measured:
        """Numbers of every seed, from the store or measured now."""
        if self.arm is not None:
            return units(self.arm, seeds, store, on_progress)
        return store.get(self.name, self.settings(seeds), lambda: OTHERS[self.name][1](seeds))

    def result(self, seeds: Sequence[int], found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the numbers for a document: rows of a seed are summed up."""
        short = [{k: v for k, v in u.items() if k not in LEFT_OUT} for u in found]
        document = {"name": self.name, "settings": self.settings(seeds), "units": short}
        rows = [dict(u) for u in found if "rowwise" in u]
        return document | ({"rowwise": summary(rows)} if rows else {})


@dataclass(frozen=True)
class Experiment:
    """Runs by scale, and the empirical claims that they belong to.

    Parameters
    ----------
    claims, text
        Families of the claims, and one line.
    scales
        Scale → function that lists the runs; every experiment has "small", the runs of its claims.

    Examples
    --------
    >>> demo = Experiment(("E1",), "one line", {"small": lambda: [Task("gaussian laws")]})
    >>> [task.name for task in demo.scales["small"]()]
    ['gaussian laws']
    """

    claims: tuple[str, ...]
    text: str
    scales: Mapping[str, Callable[[], list[Task]]]


def tasks(experiment: str, scale: str) -> list[Task]:
    """Runs of an experiment.

    Parameters
    ----------
    experiment
        One of EXPERIMENTS.
    scale
        "small": the arms of the claims; "full": the map around them; of some also "weights" of the terms of laws, or
        "rates" of learning.

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
    scales = EXPERIMENTS[experiment].scales
    if scale not in scales:
        raise ValueError(f"{experiment} has no scale {scale!r}; use {' or '.join(scales)}")
    return scales[scale]()


def _arms(arms: Sequence[Arm]) -> list[Task]:
    return [Task(arm.name, arm) for arm in arms]


def _duality() -> list[Task]:
    objectives = "REC", "REC+TR", "REC+CC", "REC+TR+CC"
    return _arms([duality.arm(generator, o) for generator in duality.GENERATORS for o in objectives])


def _cycle(*generators: str) -> list[Task]:
    sparse = [duality.arm(generator, o) for generator in generators for o in ("REC", "REC+TR", "REC+CYC")]
    return [*_arms(sparse), Task("cycle_only"), Task("covariance_matched")]


def _unidentifiability() -> list[Task]:
    known = [unidentifiability.objective(*terms) for terms in ((), ("TR",), ("CC",))]
    laws = [unidentifiability.law(t, s) for t in ("dTR", "dCC") for s in ("disjoint", "aligned")]
    return [*_arms([*known, *laws]), Task("gaussian laws")]


def _anchoring() -> list[Task]:
    arms = [anchoring.anchored(m, laws) for m in anchoring.JUDGED for laws in (False, True)]
    return [*_arms(arms), Task("gaussian anchors"), Task("matched atoms"), Task("ridge and Procrustes")]


def _beyond() -> list[Task]:
    numbers = [*(anchoring.anchored(m, laws=False) for m in (8, 148)), identified.many()]
    runs = "leak weights", "leak of sets", "twin atoms", "noisy anchors", "components", "sliced test"
    return [*map(Task, runs), *_arms(numbers)]


def _digits() -> list[Task]:
    rows = [digits.arm(row) for row in ("none", "TR", "CC", "CYC", "dTR", "dCC", "mixed")]
    halves = [digits.arm(row, "halves") for row in ("TR", "CC")]
    return _arms([*rows, digits.arm("TR+CC", anchors=digits.ANCHORS), *halves])


def _scenes() -> list[Task]:
    return _arms([scenes.arm(), scenes.arm(148), scenes.arm(row="none")])


EXPERIMENTS: Mapping[str, Experiment] = {
    "duality": Experiment(
        ("E1",),
        "translation against consistency, over generators",
        {"small": _duality, "full": lambda: _arms(duality.grid())},
    ),
    "cycle": Experiment(
        ("E2",),
        "closed cycles without translation",
        {"small": lambda: _cycle("linear"), "full": lambda: _cycle(*duality.GENERATORS)},
    ),
    "unidentifiability": Experiment(
        ("E3",),
        "laws against pairs, by what the batches share",
        {
            "small": _unidentifiability,
            "full": lambda: [*_arms(unidentifiability.grid()), Task("gaussian laws"), Task("gaussian leaks")],
            "weights": lambda: _arms(unidentifiability.weights()),
        },
    ),
    "anchoring": Experiment(
        ("E4",),
        "how many known pairs, and whether laws help",
        {
            "small": _anchoring,
            "weights": lambda: _arms(anchoring.weights()),
            "full": lambda: [
                *_arms(anchoring.grid()),
                Task("gaussian curve"),
                Task("matched atoms"),
                Task("ridge and Procrustes"),
            ],
        },
    ),
    "methods": Experiment(
        ("E5", "E6"),
        "the systems side by side, and joint selection (E6)",
        {
            "small": lambda: _arms([methods.method(name) for name in methods.METHODS]),
            "full": lambda: _arms(methods.grid()),
            "rates": lambda: _arms(methods.rates()),
        },
    ),
    "beyond": Experiment(
        ("E9",),
        "theorems beyond the paper, trained: the leak of shared points, noisy anchors, what identifies a translation",
        {
            "small": _beyond,
            "full": lambda: [*_beyond(), *map(Task, ("leak map", "noise map", "component map", "sliced test map"))],
        },
    ),
    "pairs": Experiment(
        (),
        "the rule for the number of pairs beside outcomes",
        {
            "small": lambda: [Task("pairs needed"), Task("pairs needed, real embeddings, one seed")],
            "full": lambda: [Task("pairs needed"), Task("pairs needed, real embeddings")],
        },
    ),
    "digits": Experiment(
        ("E7",),
        "the same questions on real embeddings, scored by the benchmark",
        {"small": _digits, "full": lambda: _arms(digits.grid())},
    ),
    "scenes": Experiment(
        ("E8",),
        "images translated into the space of captions",
        {"small": _scenes, "full": lambda: _arms(scenes.grid())},
    ),
}
