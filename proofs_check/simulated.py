"""Evidence of a predicted expectation: closed form and simulation side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from theory.monte_carlo.estimate import Estimate

Rows = Mapping[str, tuple[float, Estimate]]


@dataclass(frozen=True)
class Simulated:
    """Predicted numbers, each with the interval of a simulation.

    Parameters
    ----------
    statement
        What is predicted, and what was simulated.
    inside
        Case → (predicted, simulated), under the hypotheses: every interval has to contain its prediction.
    outside
        Case → (predicted, simulated) where a hypothesis fails, a leading order has left its regime, or a rival formula
        predicts: every interval has to miss, so that the simulation can tell.

    Examples
    --------
    >>> mean = Estimate(0.51, 0.01, 400)
    >>> Simulated("a fair coin", {"heads": (0.5, mean)}, {"if it were biased": (0.6, mean)}).passed
    True
    >>> Simulated("a fair coin", {"heads": (0.5, mean)}, {}).passed
    False
    """

    statement: str
    inside: Rows
    outside: Rows
    kind: str = field(default="simulated", init=False)

    @property
    def passed(self) -> bool:
        """All inside, none outside, and there are both; an undefined number is neither."""
        numbers = [x for cases in (self.inside, self.outside) for p, e in cases.values() for x in (p, e.low, e.high)]
        return (
            bool(self.inside and self.outside)
            and all(map(isfinite, numbers))
            and all(e.contains(predicted) for predicted, e in self.inside.values())
            and not any(e.contains(predicted) for predicted, e in self.outside.values())
        )

    @property
    def rows(self) -> list[dict[str, object]]:
        """Plain rows: case, predicted, mean, low, high, draws, inside, as_stated."""
        return [
            {
                "case": case,
                "predicted": float(predicted),
                "mean": e.mean,
                "low": e.low,
                "high": e.high,
                "draws": e.draws,
                "inside": inside,
                "as_stated": e.contains(predicted) == inside,
            }
            for inside, cases in ((True, self.inside), (False, self.outside))
            for case, (predicted, e) in cases.items()
        ]

    @property
    def summary(self) -> str:
        """One line."""
        shown = "; ".join(
            f"{r['case']}: predicted {r['predicted']:.4g}, simulated {r['mean']:.4g} [{r['low']:.4g}, {r['high']:.4g}]"
            + ("" if r["inside"] else " (has to miss)")
            + ("" if r["as_stated"] else " FAILED")
            for r in self.rows
        )
        return f"{self.statement}. {shown}"
