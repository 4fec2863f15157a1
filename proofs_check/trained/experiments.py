"""Records of the empirical claims: arms from the store that all commands share, against frozen predictions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nonlinear.experiments.arms import Arm, settings, units
from nonlinear.experiments.grids import Task
from nonlinear.experiments.rowwise import summary
from nonlinear.experiments.store import Store, settings_hash
from proofs_check.empirical import NULLS, Experiment
from proofs_check.evidence import Numeric, Run
from proofs_check.predictions import Frozen
from proofs_check.runner import cache_dir
from theory.linalg import tolerance

NO_PAIRS = "; no pairs enter, so that shuffling them changes nothing"
Units = Sequence[Mapping[str, Any]]


def store() -> Store:
    """Where verify, pytest and the notebooks keep what they trained."""
    return Store(cache_dir() / "experiments")


def trained(arm: Arm, frozen: Frozen) -> Units:
    """What was measured of an arm on the seeds of the predictions."""
    return units(arm, [model for _, model in frozen.seeds], store())


def sparse(frozen: Frozen, arm: Arm, controls: Mapping[str, Arm]) -> list[Experiment]:
    """One record per prediction "R²_WHAT" of an arm of sparse coders.

    Parameters
    ----------
    frozen
        The predictions of the claim.
    arm
        The arm that they are about.
    controls
        Name of each prediction → the arm that has to miss it.
    """
    measured, found = trained(arm, frozen), []
    others = {name: trained(control, frozen) for name, control in controls.items()}
    for name in frozen.predictions:
        what = name.removeprefix("R²_")
        control = others[name]
        found.append(
            Experiment(
                f"{arm.name}: {name} on fresh rows, standalone codes{'' if what in ('TR', 'CC') else NO_PAIRS}",
                frozen,
                name,
                frozen.seeds,
                _r2(measured, what),
                {controls[name].name: _r2(control, what)},
                {
                    # What does not cross streams does not see the pairs.
                    NULLS[0]: [u["shuffled"].get(what, u["r2"][what]) for u in measured],
                    NULLS[1]: [u["untrained"][what] for u in measured],
                },
                [u["change"] for u in (*measured, *control)],
                {
                    "R² of REC": float(np.mean([u["r2"]["REC"] for u in measured])),
                    "dead share": float(np.mean([u["dead"] for u in measured])),
                    "true L0": float(np.mean([u["l0"] for u in measured])),
                    "code variance": float(np.mean([u["code_variance"] for u in measured])),
                },
                frozen.sha256,
                settings_hash(settings(arm, [model for _, model in frozen.seeds])),
            )
        )
    return found


def row_bounds(run: Run, frozen: Frozen, arms: Sequence[Arm]) -> Numeric:
    """Theorem A2 row by row: σ_min of the atoms active on either side bounds ‖a − b‖ by ‖D(a − b)‖.

    Hypothesis draws the arm, the seed and the row with its decoder. True for any weights; what training decides is how
    many of the bounds say something, and the statement reports it.
    """
    from hypothesis import strategies as st

    measured = {arm.name: trained(arm, frozen) for arm in arms}
    found = {name: summary([dict(u) for u in units]) for name, units in measured.items()}
    shares = "; ".join(
        f"{name}: {s['informative']:.0%} of {s['rows']} rows, σ_min {s['sigma']['5%']:.2g} at its 5 % quantile, "
        f"coherence bound vacuous for {s['coherence_vacuous']:.0%} of the decoders"
        for name, s in found.items()
    )

    @st.composite
    def rows(draw) -> dict[str, float]:
        unit = draw(st.sampled_from(measured[draw(st.sampled_from(sorted(measured)))]))["rowwise"]
        row = draw(st.integers(0, len(unit["distance"]) - 1))
        return {name: unit[name][row] for name in ("distance", "image", "sigma", "largest")}

    def check(row: dict[str, float]):
        error = tolerance(1 + row["largest"], 64)
        yield row["sigma"] * row["distance"] - row["image"], error
        yield row["distance"] - row["largest"], error

    statement = f"σ_min·‖a − b‖ ≤ ‖D(a − b)‖ on trained rows; below √(‖a‖² + ‖b‖²) it says something, {shares}"
    return run.holds(statement, rows(), check)


def linear(
    frozen: Frozen,
    statement: str,
    words: str,
    name: str,
    columns: Mapping[str, tuple[str, str]],
    beside: Mapping[str, Callable[[Units], float]],
) -> list[Experiment]:
    """One record per prediction about linear coders.

    Parameters
    ----------
    frozen, statement, words
        The predictions, what was trained, and the control in words.
    name
        Of the runs, see :data:`nonlinear.experiments.grids.LINEAR`.
    columns
        Prediction → the name of its measured number, and the prefix that makes it the control's.
    beside
        Name → function of all units.
    """
    seeds = [data for data, _ in frozen.seeds]
    task = Task(name)
    measured = task.run(seeds, store())
    return [
        Experiment(
            f"{statement}: {number}",
            frozen,
            number,
            frozen.seeds,
            _column(measured, key),
            {words: _column(measured, control + key)},
            {NULLS[0]: _column(measured, "shuffled_" + key), NULLS[1]: _column(measured, "untrained_" + key)},
            [u["change"] for u in measured],
            {what: of(measured) for what, of in beside.items()},
            frozen.sha256,
            settings_hash(task.settings(seeds)),
        )
        for number, (key, control) in columns.items()
    ]


def _column(measured: Units, key: str) -> list[float]:
    return [float(u[key]) for u in measured]


def _r2(measured: Units, what: str) -> list[float]:
    return [float(u["r2"][what]) for u in measured]
