"""Records of the empirical claims: arms from the store that all commands share, against frozen predictions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nonlinear.experiments.arms import Arm, together
from nonlinear.experiments.grids import Task
from nonlinear.experiments.rowwise import COLUMNS, summary
from nonlinear.experiments.store import Store, settings_hash
from nonlinear.files import cache_dir
from proofs_check.empirical import NULLS, Experiment
from proofs_check.evidence import Numeric, Run
from proofs_check.predictions import Frozen
from theory.linalg import tolerance

Units = Sequence[Mapping[str, Any]]
Column = tuple[str, str, str]
Beside = Mapping[str, Callable[[Units], float]]


def store() -> Store:
    """Where verify, pytest and the notebooks keep what they trained.

    Examples
    --------
    >>> store().folder.name
    'experiments'
    """
    return Store(cache_dir() / "experiments")


def trained(arms: Sequence[Arm], frozen: Frozen) -> dict[str, Units]:
    """What was measured of some arms on the seeds of the predictions, by the arms' names.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> stated = Frozen("E0", "why", ((0, 0),), 0.1, (), {}, "")
    >>> data = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}
    >>> arm = Arm("demo", data, {"system": "sae", "n_atoms": 8, "sparsity": 2, "batch": 64, "steps": 5}, 256, 64)
    >>> with patch(f"{__name__}.store", lambda: Store(None)):     # keep nothing
    ...     found = trained([arm], stated)
    >>> [sorted(unit["r2"]) for unit in found["demo"]]
    [['CC', 'CYC', 'REC', 'TR']]
    """
    return dict(together(arms, [model for _, model in frozen.seeds], store()))


def row_bounds(run: Run, frozen: Frozen, arms: Sequence[Arm]) -> Numeric:
    """Theorem A2 row by row, by σ_S and ℓ_S of the atoms active on either side: σ_S‖a − b‖ ≤ ‖D(a − b)‖ and more.

    Hypothesis draws the arm, the seed and the row with its decoder. True for any weights; what training decides is how
    many of the bounds say something, and the statement reports it.

    Parameters
    ----------
    run
        Seed, and how many rows are drawn.
    frozen, arms
        The predictions, whose seeds were trained, and the arms.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> row = {"translation": 3.0, "reconstruction": 1.0, "distance": 2.0, "image": 3.0, "sigma": 1.0, "ell": 2.0}
    >>> rows = {name: [value] for name, value in {**row, "largest": 4.0}.items()}
    >>> unit = {"rowwise": rows | {"coherence": [0.5], "widest": [4], "sigma_2s": [None]}}
    >>> with patch(f"{__name__}.trained", return_value={"demo": [unit]}):     # one row, made up
    ...     found = row_bounds(Run(examples=3), None, [])
    >>> found.passed, found.statement.partition("demo: ")[2].partition(",")[0]
    (True, '100% of 1 rows')
    """
    from hypothesis import strategies as st

    rows_of = trained(arms, frozen)
    found = {name: summary([dict(u) for u in units]) for name, units in rows_of.items()}
    shares = "; ".join(
        f"{name}: {s['informative']:.0%} of {s['rows']} rows, σ_min {s['sigma']['5%']:.2g} at its 5 % quantile, "
        f"coherence bound vacuous for {s['coherence_vacuous']:.0%} of the decoders"
        for name, s in found.items()
    )

    @st.composite
    def rows(draw) -> dict[str, float]:
        unit = draw(st.sampled_from(rows_of[draw(st.sampled_from(sorted(rows_of)))]))["rowwise"]
        row = draw(st.integers(0, len(unit["distance"]) - 1))
        return {name: unit[name][row] for name in COLUMNS}

    def check(row: dict[str, float]):
        t, r, c, w = (row[name] for name in ("translation", "reconstruction", "distance", "image"))
        error = tolerance(1 + row["largest"] + t + r, 64)
        yield row["sigma"] * c - w, error
        yield w - (t + r), error
        yield abs(t - r) - row["ell"] * c, error
        yield c - row["largest"], error

    statement = (
        "σ_S‖a − b‖ ≤ ‖D(a − b)‖ ≤ t + r and |t − r| ≤ ℓ_S‖a − b‖ on trained rows; the first says something below "
        f"√(‖a‖² + ‖b‖²), {shares}"
    )
    return run.holds(statement, rows(), check)


def units_of(name: str, frozen: Frozen) -> Units:
    """What was measured of a run that is no arm of sparse coders, on the seeds of the predictions.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> stated = Frozen("E0", "why", ((0, 0), (1, 1)), 0.1, (), {}, "")
    >>> with patch(f"{__name__}.store", lambda: Store(None)):     # keep nothing
    ...     units = units_of("ridge and Procrustes", stated)
    >>> [unit["ridge_8"] < unit["ridge_592"] for unit in units]
    [True, True]
    """
    return Task(name).run([data for data, _ in frozen.seeds], store())


def mean_of(key: str) -> Callable[[Units], float]:
    """Read the mean of a number over all units.

    Examples
    --------
    >>> mean_of("r2")([{"r2": 0.25}, {"r2": 0.75}])
    0.5
    """
    return lambda units: sum(u[key] for u in units) / len(units)


def other(frozen: Frozen, statement: str, name: str, columns: Mapping[str, Column], beside: Beside) -> list[Experiment]:
    """One record per prediction about runs that are no arms of sparse coders.

    Parameters
    ----------
    frozen, statement
        The predictions, and what was trained.
    name
        Of the runs, see :data:`nonlinear.experiments.grids.OTHERS`.
    columns
        Prediction → key of its measured number, key of the control's, and the control in words. The nulls have the
        first key after "shuffled_" and "untrained_".
    beside
        Name → function of all units.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> from proofs_check.predictions import inequality
    >>> seeds = ((0, 0), (1, 1), (2, 2))
    >>> stated = Frozen("E0", "why", seeds, 0.1, (), {"R²": inequality(">=", 0.0, 0.5)}, "a1")
    >>> unit = {"change": 0.0, "r2": 0.75, "regression_r2": -0.25, "shuffled_r2": -1.0, "untrained_r2": -1.0}
    >>> with patch(f"{__name__}.units_of", return_value=[unit | {"r2": r2} for r2 in (0.75, 0.8, 0.85)]):
    ...     (record,) = other(stated, "maps", "cycle_only", {"R²": ("r2", "regression_r2", "regression")}, {})
    >>> record.outcome, record.values
    ('supported', [0.75, 0.8, 0.85])
    """
    units, config_hash = units_of(name, frozen), settings_hash(Task(name).settings([data for data, _ in frozen.seeds]))
    return [
        Experiment(
            f"{statement}: {number}",
            frozen,
            number,
            frozen.seeds,
            _column(units, key),
            {words: _column(units, control)},
            {NULLS[0]: _column(units, "shuffled_" + key), NULLS[1]: _column(units, "untrained_" + key)},
            [u["change"] for u in units],
            {what: of(units) for what, of in beside.items()},
            frozen.sha256,
            config_hash,
        )
        for number, (key, control, words) in columns.items()
    ]


def _column(units: Units, key: str) -> list[float]:
    return [float(u[key]) for u in units]
