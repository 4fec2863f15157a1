"""Interventions: atoms chosen on one stream are ablated on every stream, and probes say what is left.

Atoms are chosen by their codes, in both spaces: what never fires stands for nothing. Only the set of atoms travels. How
many are ablated is chosen on the validation rows of the stream that they are chosen on, by the score itself; the test
rows choose nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nonlinear.intervench.domains import Bench
from nonlinear.intervench.probe import Probe, fit
from nonlinear.intervench.spaces import Space
from nonlinear.intervench.stages import Rows

# Accuracy over chance below which there is nothing to lose or to forget.
FLOOR = 0.02
# Atoms per class or value, at most, as a share of those that fire: what removes most of them is not targeted.
SHARE = 0.1


@dataclass(frozen=True, eq=False)
class _Task:
    """What a probe has to tell: the classes, those of a subset, or the values of the attribute.

    Parameters
    ----------
    target
        "class" or "attribute".
    classes
        Classes [c] that count; None: all.
    """

    target: str
    classes: np.ndarray | None = None

    def y(self, bench: Bench, s: str, part: str) -> np.ndarray:
        """Return what is to be told, for every row of a part."""
        return bench.y(s, part) if self.target == "class" else bench.a(s, part)

    def rows(self, bench: Bench, s: str, part: str) -> np.ndarray:
        """Rows of a part that count."""
        y = self.y(bench, s, part)
        return np.ones(len(y), dtype=bool) if self.classes is None else np.isin(y, self.classes)

    def accuracy(self, right: np.ndarray, y: np.ndarray) -> float:
        """Share of the rows that are right; balanced over the values of an attribute."""
        if self.target == "class":
            return float(right.mean())
        return float(np.mean([right[y == v].mean() for v in np.unique(y)]))

    def chance(self, y_train: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether the most frequent class, or for an attribute no value more than another, is right."""
        if self.target == "class":
            return (y == np.bincount(y_train).argmax()).astype(float)
        return np.full(len(y), 1 / len(np.unique(y_train)))


@dataclass(eq=False)
class _Probes:
    """Probes of the tasks on one stream, with and without atoms.

    Parameters
    ----------
    space, s
        Where.
    """

    space: Space
    s: str

    def __post_init__(self):
        self._whole: dict[Any, Probe] = {}

    def right(self, task: _Task, part: str, ablated: np.ndarray | None, support: np.ndarray) -> np.ndarray:
        """Whether the probe is right, for every row of a part that counts.

        Parameters
        ----------
        ablated
            Atoms; None: none.
        support
            Atoms that a probe of ``retrain="support"`` may use.
        """
        space, s, bench = self.space, self.s, self.space.bench
        mode, rows = bench.config.retrain, task.rows(bench, s, part)
        left = support if ablated is None else np.setdiff1d(support, ablated)

        def seen(part: str, ablated: np.ndarray | None) -> Any:
            F = space.features(s, part, ablated)[task.rows(bench, s, part)]
            return space.kept(s, F, left) if mode == "support" else F

        if mode == "frozen" or ablated is None:
            key = task.target, None if task.classes is None else tuple(task.classes), tuple(left)
            if key not in self._whole:
                self._whole[key] = self._fit(task, seen("fit", None))
            probe = self._whole[key]
        else:
            probe = self._fit(task, seen("fit", ablated))
        return probe.predict(seen(part, ablated)) == task.y(bench, s, part)[rows]

    def _fit(self, task: _Task, F: Any) -> Probe:
        bench = self.space.bench
        y = task.y(bench, self.s, "fit")[task.rows(bench, self.s, "fit")]
        return fit(F, y, int(y.max()) + 1, bench.config.penalty)


def unlearning(bench: Bench, space: Space, i: str, codes: Space) -> Rows:
    """Ablate the atoms of stream i for the forget attribute, and measure utility and forget task on every stream.

    Parameters
    ----------
    bench, space, i
        The run; where probes look; where atoms are chosen,
    codes
        by their codes.

    Returns
    -------
    ``unlearning/space/i/j/task``: right after the ablation; ``…/before``: before it, which depends on i where probes
    may use chosen atoms only; ``unlearning/j/task``: by chance; ``ablated/unlearning/space/i``: the atoms. Tasks:
    "utility", "forget".

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> from nonlinear.intervench.spaces import Concept
    >>> data = planted(300, 0)
    >>> bench = Bench(data.sources, data.coders, data.labels, Config(counts=(1,)), data.forget)
    >>> found = unlearning(bench, Concept(bench), "A", Concept(bench))
    >>> set(found["ablated/unlearning/concept/A"].tolist()) <= {50, 51}     # the atoms of the attribute
    True
    """
    counts = counts_of(bench, i)
    order = codes.order(i, "attribute", max(counts))
    tasks = {"utility": _Task("class"), "forget": _Task("attribute")}
    support = {"utility": _union(space.order(i, "class", bench.config.headline)), "forget": _union(order)}
    sets = [_union(order[:, :n]) for n in counts]
    S = sets[_best(space, i, [[(tasks, support, S)] for S in sets])]
    found = _measured(space, i, "unlearning", tasks, support, S)
    return found | {f"ablated/unlearning/{space.name}/{i}": S}


def perturbation(bench: Bench, space: Space, i: str, codes: Space) -> Rows:
    """Targeted probe perturbation: ablate the atoms of stream i for a subset of the classes.

    Forget task: to tell the classes of the subset from each other; utility: those of its complement. An atom counts for
    a class if it goes with it, not against it.

    Returns
    -------
    As of :func:`unlearning`, with ``tpp/r`` for subset r in place of ``unlearning``, and ``subset/r``: its classes.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> from nonlinear.intervench.spaces import Concept
    >>> data = planted(300, 0)
    >>> bench = Bench(data.sources, data.coders, data.labels, Config(counts=(1,), subsets=1))
    >>> found = perturbation(bench, Concept(bench), "A", Concept(bench))
    >>> (found["ablated/tpp/0/concept/A"] // 3).tolist() == found["subset/0"].tolist()     # three atoms for each class
    True
    """
    counts = counts_of(bench, i)
    moments, order = codes.moments(i, "class"), codes.order(i, "class", max(counts)).copy()
    for c in range(len(order)):
        order[c][moments.cross[order[c], c] <= 0] = -1
    whole = _union(order[:, : bench.config.headline])
    chosen = subsets(bench)

    def design(r: int, n: int) -> tuple[dict[str, _Task], dict[str, np.ndarray], np.ndarray]:
        C = chosen[r]
        others = np.setdiff1d(np.arange(bench.n_classes), C)
        tasks = {"utility": _Task("class", others), "forget": _Task("class", C)}
        return tasks, {"utility": whole, "forget": whole}, _union(_firsts(order[C], n))

    best = _best(space, i, [[design(r, n) for r in range(len(chosen))] for n in counts])
    found: Rows = {}
    for r, C in enumerate(chosen):
        tasks, support, S = design(r, counts[best])
        found |= _measured(space, i, f"tpp/{r}", tasks, support, S)
        found |= {f"subset/{r}": C, f"ablated/tpp/{r}/{space.name}/{i}": S}
    return found


def subsets(bench: Bench) -> list[np.ndarray]:
    """Random sets of classes; none where there are fewer than four classes.

    With one class against the rest and a probe trained anew, even an oracle scores 0: both sides need two classes.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> bench = Bench(data.sources, data.coders, data.labels, Config(subsets=3, subset=4))
    >>> [len(classes) for classes in subsets(bench)]
    [4, 4, 4]
    """
    C, config = bench.n_classes, bench.config
    size = config.subset or max(2, C // 5)
    if C < 4 or size > C - 2:
        return []
    rng = np.random.default_rng([config.seed, 13])
    return [np.sort(rng.choice(C, size, replace=False)) for _ in range(config.subsets)]


def forgetting(A: float, A_ablated: float, A_0: float, B: float, B_ablated: float, B_0: float) -> float:
    """S_u·S_f clipped to [0, 1]: utility kept (A) times forget task lost (B); 0 where either was at chance before.

    Examples
    --------
    >>> forgetting(1.0, 0.75, 0.5, 1.0, 0.5, 0.5), forgetting(0.5, 0.5, 0.5, 1.0, 0.5, 0.5)
    (0.5, 0.0)
    """
    if min(A - A_0, B - B_0) < FLOOR:
        return 0.0
    kept, lost = (A_ablated - A_0) / (A - A_0), 1 - (B_ablated - B_0) / (B - B_0)
    return float(np.clip(kept * lost, 0, 1)) if min(kept, lost) > 0 else 0.0


def _best(space: Space, i: str, designs: Sequence[Sequence[tuple]]) -> int:
    """Number of the first design with the best mean score on the validation rows of stream i."""
    probes = _probes(space, i)

    def score(tasks: dict[str, _Task], support: dict[str, np.ndarray], S: np.ndarray) -> float:
        numbers: list[float] = []
        for name, task in tasks.items():
            y = {p: task.y(space.bench, i, p)[task.rows(space.bench, i, p)] for p in ("train", "validation")}
            rights = [probes.right(task, "validation", ablated, support[name]) for ablated in (None, S)]
            rights.append(task.chance(y["train"], y["validation"]))
            numbers += [task.accuracy(r, y["validation"]) for r in rights]
        return forgetting(*numbers)

    found = [np.mean([score(*one) for one in design]) if design else 0.0 for design in designs]
    return int(np.argmax(np.round(np.array(found), 9)))


def _measured(space: Space, i: str, name: str, tasks: dict, support: dict, S: np.ndarray) -> Rows:
    found: Rows = {}
    for j in space.bench.names:
        probes = _probes(space, j)
        for t, task in tasks.items():
            rows = task.rows(space.bench, j, "test")
            y = {p: task.y(space.bench, j, p)[task.rows(space.bench, j, p)] for p in ("train", "test")}
            numbers = {
                f"{name}/{space.name}/{i}/{j}/{t}": probes.right(task, "test", S, support[t]),
                f"{name}/{space.name}/{i}/{j}/{t}/before": probes.right(task, "test", None, support[t]),
                f"{name}/{j}/{t}": task.chance(y["train"], y["test"]),
            }
            for key, values in numbers.items():
                found[key] = np.zeros(len(rows))
                found[key][rows] = values
    return found


def counts_of(bench: Bench, i: str) -> list[int]:
    """Numbers of atoms to try: those of the configuration that are a small share of the atoms of i that fire.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> counts_of(Bench(data.sources, data.coders, data.labels, Config(counts=(1, 5, 20))), "A")     # of 52 atoms
    [1, 5]
    """
    fire = np.count_nonzero(bench.Z[i, "train"].getnnz(0))
    found = [n for n in sorted(bench.config.counts) if n <= SHARE * fire]
    return found or [min(bench.config.counts)]


def _probes(space: Space, s: str) -> _Probes:
    """_Probes of a stream: those of what is not ablated are fitted once."""
    return space.probes.setdefault(s, _Probes(space, s))


def _union(order: np.ndarray) -> np.ndarray:
    return np.unique(order[order >= 0])


def _firsts(order: np.ndarray, n: int) -> np.ndarray:
    """First n atoms of every row that are there."""
    return np.array([a for atoms in order for a in atoms[atoms >= 0][:n]], dtype=int)
