"""Trained coders in the region of theorem A1: what holds for any weights, and what predictions are about."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nonlinear.experiments.arms import Arm
from nonlinear.experiments.region import rank_correlation
from proofs_check.evidence import Numeric, Run
from proofs_check.predictions import Frozen
from proofs_check.trained.comparisons import Unit
from proofs_check.trained.experiments import trained
from theory.linalg import tolerance


def run_bounds(run: Run, frozen: Frozen, arms: Sequence[Arm]) -> Numeric:
    """Theorem A1 on every run, and the bounds on C that its rows give: floor ≤ C ≤ ceiling.

    Hypothesis draws the arm, the seed and the decoder. True for any weights.

    Parameters
    ----------
    run
        Seed, and how many decoders are drawn.
    frozen, arms
        The predictions, whose seeds were trained, and the arms.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> of = {"T": 3.0, "R": 1.0, "C": 2.0, "ell": 2.0, "sigma": 1.0, "floor": 1.5, "ceiling": 3.0, "largest": 4.0}
    >>> with patch(f"{__name__}.trained", return_value={"demo": [{"region": {"x": of}}]}):     # one decoder, made up
    ...     found = run_bounds(Run(examples=3), None, [])
    >>> found.passed, found.statement.partition("means: ")[2]
    (True, 'demo: T 3.00, R 1.00, C 2.00 in [1.50, 3.00], √ 4.00')
    """
    from hypothesis import strategies as st

    units = trained(arms, frozen)
    shown = "; ".join(f"{name}: {_shown(of_arm)}" for name, of_arm in units.items())

    @st.composite
    def runs(draw) -> dict[str, Any]:
        unit = draw(st.sampled_from(units[draw(st.sampled_from(sorted(units)))]))["region"]
        return unit[draw(st.sampled_from(sorted(unit)))]

    def check(of: dict[str, Any]):
        T, R, C = of["T"], of["R"], of["C"]
        error = tolerance(1 + T + R + of["ell"] * of["largest"], 64)
        yield abs(T - R) - of["ell"] * C, error
        yield of["sigma"] * C - (T + R), error
        yield abs(T - R) - of["ell"] * of["floor"], error
        yield of["floor"] - C, error
        yield C - of["ceiling"], error
        yield of["ceiling"] - of["largest"], error

    statement = f"|T − R| ≤ ℓC, σC ≤ T + R and floor ≤ C ≤ ceiling ≤ √(‖a‖² + ‖b‖²) on every run; means: {shown}"
    return run.holds(statement, runs(), check)


def _shown(units: Sequence[Unit]) -> str:
    T, R, C, floor, ceiling, largest = (
        np.mean([u["region"][s][name] for u in units for s in u["region"]])
        for name in ("T", "R", "C", "floor", "ceiling", "largest")
    )
    return f"T {T:.2f}, R {R:.2f}, C {C:.2f} in [{floor:.2f}, {ceiling:.2f}], √ {largest:.2f}"


def over_arms(bound: str) -> Callable[..., float]:
    """Read the rank correlation of a bound with C, over arms and decoders of one seed.

    Examples
    --------
    >>> one, two = ({"region": {"x": {"C": c, "ceiling": 2 * c, "largest": 5 - c}}} for c in (1.0, 2.0))
    >>> over_arms("ceiling")(one, two), over_arms("largest")(one, two)
    (1.0, -1.0)
    """

    def read(*units: Unit) -> float:
        points = [of for unit in units for of in unit["region"].values()]
        return rank_correlation([of[bound] for of in points], [of["C"] for of in points])

    return read


def by_constants(unit: Unit) -> float:
    """Read how much better (t + r)/σ_S ranks rows by ‖a − b‖ than t + r alone, mean over decoders.

    Among rows of equally many active atoms, see :func:`~nonlinear.experiments.region.region`.

    Examples
    --------
    >>> by_constants({"region": {"x": {"rank": 0.75, "rank_alone": 0.25}, "y": {"rank": 0.5, "rank_alone": 0.25}}})
    0.375
    """
    return float(np.mean([of["rank"] - of["rank_alone"] for of in unit["region"].values()]))
