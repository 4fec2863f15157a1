"""Evidence of a predicted optimum: what training reaches from several starts, against it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Trained:
    """What gradient training reaches from several starts, against a value predicted in closed form.

    Parameters
    ----------
    statement
        What was trained, on what.
    predicted
        The closed-form optimum (or infimum).
    reached
        Final losses, one per start, at least ten.
    tolerance
        Band fixed beforehand, in the units of the loss.
    attained
        False when the prediction is an infimum that no finite coder attains: then the best start has to come within
        the tolerance *above* it.
    control
        Best value that a control reaches (something else trained, or a rival prediction): judged like the best start,
        it has to miss.

    Examples
    --------
    >>> found = Trained("PCA", 4.0, [4.0] * 9 + [4.5], 0.01, control=10.0)
    >>> found.passed, found.share
    (True, 0.9)
    >>> Trained("PCA", 4.0, [4.0] * 9 + [3.5], 0.01).passed     # a start below the optimum
    False
    """

    statement: str
    predicted: float
    reached: Sequence[float]
    tolerance: float
    attained: bool = True
    control: float | None = None
    kind: str = field(default="trained", init=False)

    @property
    def share(self) -> float:
        """Share of the starts that end within the band."""
        return float(np.mean(np.abs(np.asarray(self.reached) - self.predicted) <= self.tolerance))

    @property
    def passed(self) -> bool:
        """No start below the optimum, the best one at it, at least ten of them, all finite; the control misses."""
        reached = np.asarray(self.reached, dtype=float)
        enough = len(reached) >= 10 and bool(np.isfinite(reached).all())
        missed = self.control is None or (bool(np.isfinite(self.control)) and not self._hit(self.control))
        return enough and missed and self._hit(float(reached.min()))

    def _hit(self, best: float) -> bool:
        low = self.predicted - self.tolerance if self.attained else self.predicted
        return low <= best <= self.predicted + self.tolerance

    @property
    def summary(self) -> str:
        """One line."""
        word = "optimum" if self.attained else "infimum, not attained"
        return (
            f"{self.statement}: predicted {word} {self.predicted:.6g}, best {min(self.reached):.6g}, "
            f"{self.share:.0%} of {len(self.reached)} starts within {self.tolerance:.1g}"
            + ("" if self.control is None else f"; control {self.control:.6g}")
        )
