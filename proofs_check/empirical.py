"""Evidence of an empirical claim: what training gave on every seed, against a prediction frozen beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from proofs_check.predictions import MIN_SEEDS, Frozen, Prediction
from proofs_check.statistics import ALPHA, Interval, p_within, t_interval

NULLS = ("shuffled pairs", "untrained coders")


@dataclass(frozen=True)
class Arm:
    """One line of a record: what was measured, a control or a null.

    Examples
    --------
    >>> print(Arm("control", "untrained", t_interval([0.0, 0.0])).interval)
    0 [0, 0]
    """

    role: str
    name: str
    interval: Interval


@dataclass(frozen=True)
class Experiment:
    """Measured numbers, one for each frozen seed, against one frozen prediction.

    The record passes if it is well-formed: that it contradicts the prediction is a result, not a failure.

    Parameters
    ----------
    statement
        What was trained, and what was measured.
    frozen, name
        The predictions of the claim, and the one of them that this record is about.
    seeds, values
        Pairs (data seed, model seed), and for each the measured number; of a difference of two arms the paired one.
    controls
        Name → values of an arm that lacks what the prediction credits. It has to miss the prediction by the margin.
    nulls
        Name → values; the two of ``NULLS`` stand beside every measured number, and are not judged.
    changes
        Relative change of the loss over the last tenth of the steps, of every run behind the values and the controls.
    beside
        Name → number that is read together with the measured one.
    prediction_hash
        Hash of the file of predictions when the values were measured.
    config_hash
        Hash of the configuration that was trained.

    Examples
    --------
    >>> from proofs_check.predictions import inequality
    >>> seeds = ((0, 0), (1, 1), (2, 2))
    >>> stated = Frozen("E0", "why", seeds, 0.01, ("REC",), {"R²": inequality(">=", 0.5, 0.25)}, "a1")
    >>> control, nulls = {"no anchors": [0.2, 0.1, 0.2]}, dict.fromkeys(NULLS, [0.0, 0.1, -0.1])
    >>> measured = [0.9, 0.88, 0.89]
    >>> Experiment("demo", stated, "R²", seeds, measured, control, nulls, [1e-4] * 6, {"REC": 0.99}, "a1", "c1").outcome
    'supported'
    """

    statement: str
    frozen: Frozen
    name: str
    seeds: Sequence[tuple[int, int]]
    values: Sequence[float]
    controls: Mapping[str, Sequence[float]]
    nulls: Mapping[str, Sequence[float]]
    changes: Sequence[float]
    beside: Mapping[str, float]
    prediction_hash: str
    config_hash: str
    kind: str = field(default="experiment", init=False)

    def __post_init__(self):
        if self.name not in self.frozen.predictions:
            named = ", ".join(self.frozen.predictions)
            raise ValueError(f"no prediction of {self.frozen.claim} is called {self.name!r}; use one of {named}")

    @property
    def prediction(self) -> Prediction:
        """The prediction that the values are held against."""
        return self.frozen.predictions[self.name]

    @property
    def problem(self) -> str:
        """Why this is no evidence at all; "" where it is some."""
        arms = [self.values, *self.controls.values(), *self.nulls.values()]
        seeds, stated = [tuple(s) for s in self.seeds], {tuple(s) for s in self.frozen.seeds}
        problems = {
            "measured under other predictions than the file's": self.prediction_hash != self.frozen.sha256,
            "no configuration is named": not self.config_hash,
            "a number is not finite": not np.isfinite([*chain(*arms), *self.changes, *self.beside.values()]).all(),
            "a seed that was not frozen, or one that counts twice": len(stated.intersection(seeds)) != len(seeds),
            "an arm without one value for each seed": not seeds or any(len(arm) != len(seeds) for arm in arms),
            "runs without the change of their loss": len(self.changes) < len(seeds),
            "no control": not self.controls,
            f"without the nulls {' and '.join(NULLS)}": not set(NULLS) <= set(self.nulls),
            f"without {', '.join(self.frozen.beside)} beside it": not set(self.frozen.beside) <= set(self.beside),
        }
        return next((text for text, there in problems.items() if there), "")

    @property
    def passed(self) -> bool:
        """Whether the record is well-formed, whatever its outcome."""
        return not self.problem

    @property
    def converged(self) -> int:
        """Number of runs that have converged."""
        return sum(abs(change) < self.frozen.converged for change in self.changes)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The measured values, the controls and the nulls with their 95 % intervals; none where there is a problem."""
        if self.problem:
            return ()
        named = [("measured", self.name, self.values)]
        named += [("control", name, values) for name, values in self.controls.items()]
        named += [("null", name, values) for name, values in self.nulls.items()]
        return tuple(Arm(role, name, t_interval(values)) for role, name, values in named)

    @property
    def outcome(self) -> str:
        """What this record says alone: supported, contradicted or inconclusive; BROKEN where it is no evidence."""
        return self._judged()[0]

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        return self._judged()[1]

    @property
    def p_value(self) -> float:
        """p-value against a prediction that does not hold; 1 where nothing could support it. At most α: supported."""
        return self._judged()[2]

    def _judged(self) -> tuple[str, str, float]:
        """Outcome, reason, p-value. A control guards only what is supported: it excuses no contradiction."""
        if self.problem:
            return "BROKEN", self.problem, 1.0
        if len(self.seeds) < max(MIN_SEEDS, len(self.frozen.seeds)):
            return "inconclusive", f"{len(self.seeds)} of {max(MIN_SEEDS, len(self.frozen.seeds))} seeds", 1.0
        if self.converged < len(self.changes):
            return "inconclusive", f"{self.converged} of {len(self.changes)} runs converged", 1.0
        if self.prediction.excluded(t_interval(self.values)):
            return "contradicted", "the whole interval lies outside", 1.0
        within = self._within(self.values)
        if within > ALPHA:
            return "inconclusive", "the interval does not lie inside as a whole", within
        for name, values in self.controls.items():
            if self._within(values) <= ALPHA:
                return "inconclusive", f"the control “{name}” also satisfies it", 1.0
            if not self.prediction.missed(t_interval(values)):
                return "inconclusive", f"the control “{name}” does not miss it by the margin", 1.0
        return "supported", "the whole interval lies inside, and every control misses it", within

    def _within(self, values: Sequence[float]) -> float:
        return p_within(values, self.prediction.low, self.prediction.high)

    @property
    def summary(self) -> str:
        """One line."""
        if self.problem:
            return f"{self.name}: {self.problem}"
        measured, *others = self.arms
        return (
            f"{self.name} {measured.interval} over {len(self.seeds)} seeds, predicted {self.prediction.text}; "
            f"{'; '.join(f'{a.role} “{a.name}” {a.interval}' for a in others)}; "
            f"{self.converged} of {len(self.changes)} runs converged: {self.outcome}, {self.reason}"
        )
