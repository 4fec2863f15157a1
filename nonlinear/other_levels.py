"""What registered levels beside the instance's R² and the distance of laws say of trained coders: a line each."""

from functools import partial
from typing import Any

from nonlinear.blocks import EvaluationView, by_edges, random_cycle
from nonlinear.plain import Undefined
from theory.levels import Distribution, Instance, Level, UndefinedError
from theory.properties import LEVELS, WHATS
from theory.whats import What

OWN = (Instance().prefix, Distribution().prefix)


class Unpaired:
    """The same view with matched rows shuffled: each row of the first side meets that of another point.

    Examples
    --------
    >>> import numpy as np
    >>> from theory.properties import CC
    >>> from theory.view import View
    >>> x = np.arange(3.0)[:, None]
    >>> view = View({"x": x, "y": x}, {s: lambda a: a for s in "xy"}, {})
    >>> a, b = Unpaired(view, seed=0).paired(CC, "x", "y")
    >>> bool((a == b).any())
    False
    """

    def __init__(self, view, seed: int):
        self._view, self._seed = view, seed

    def __getattr__(self, name: str):
        return getattr(self._view, name)

    def paired(self, what: What, i: str, j: str):
        """Both sides at matched points, shuffled."""
        a, b = self._view.paired(what, i, j)
        first, second = random_cycle(len(a), [self._seed, 7])
        return a[first], b[second]


def other_levels(view: EvaluationView) -> dict[str, Any]:
    """Metric, or else loss, of every WHAT at every level that a user registered, on a sample with codes as tensors.

    Returns
    -------
    Name ("gTR") → stream i → (where there are two) stream j → "value"; "shuffled", the same for shuffled pairs, equal
    where the level does not look at pairs; "measure", the metric's name or "loss"; "best", its value where the property
    holds.

    Examples
    --------
    >>> import numpy as np
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.evaluation import Evaluation
    >>> from nonlinear.train import train
    >>> from theory.properties import registered
    >>> class Mean(Level):
    ...     prefix = "m"
    ...
    ...     def loss(self, what, view, i, j):
    ...         a, b = view.samples(what, i, j)
    ...         return ((a.mean(0) - b.mean(0)) ** 2).sum()
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> model = train(Config(system="sae", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1), {"x": x})
    >>> with registered(Mean()):
    ...     other_levels(Evaluation(model, {"x": x}).sample(standalone=True))["mREC"]["x"]["measure"]
    'loss'
    """
    found: dict[str, Any] = {}
    for level in (level for prefix, level in LEVELS.items() if prefix not in OWN):
        if not (hasattr(level, "metric") or hasattr(level, "loss")):
            continue
        for what in WHATS.values():
            found[level.prefix + what.name] = by_edges(view, what, partial(_entry, level, what, view))
    return found


def _entry(level: Level, what: What, view: EvaluationView, i: str, j: str) -> dict[str, Any] | Undefined:
    own = hasattr(level, "metric")
    read: Any = getattr(level, "metric" if own else "loss")
    try:
        value, shuffled = (float(read(what, v, i, j)) for v in (view, Unpaired(view, view.seed)))
    except UndefinedError as error:
        return Undefined(error)
    best = level.best if own else 0.0
    return {"value": value, "shuffled": shuffled, "measure": level.metric_name if own else "loss", "best": best}
