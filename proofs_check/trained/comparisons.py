"""Records of numbers that are computed from several arms: differences, ratios, one reading of a whole system.

One function of the units reads the measured arms, the control arms and both nulls, so that nothing can be judged by
another rule than the prediction's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nonlinear.experiments.arms import Arm, settings
from nonlinear.experiments.store import settings_hash
from proofs_check.empirical import NULLS, Experiment
from proofs_check.predictions import Frozen
from proofs_check.trained.experiments import trained

# Collapse or scale must not pass for agreement: these stand beside every number, of every measured arm.
BESIDE: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "R² of REC": lambda unit: unit["r2"]["REC"],
    "dead share": lambda unit: unit["dead"],
    "true L0": lambda unit: unit["l0"],
    "code variance": lambda unit: unit["code_variance"],
}
NO_PAIRS = "; no pairs enter, so that shuffling them changes nothing"
Unit = Mapping[str, Any]
# Parts of a unit that a null replaces, beside its R².
PARTS = "shared", "supports", "shuffled_supports", "over_floor", "transfer", "region"


@dataclass(frozen=True)
class Reading:
    """How a number is computed, of which arms, and of which arms its control is.

    Parameters
    ----------
    words
        What the number is, for the record.
    of
        Function of one unit per arm.
    arms, control
        The measured arms, and as many that lack what the prediction credits.
    against
        The control in words; by default the names of its arms.
    control_of
        The control's function, where it is the same arms read otherwise.
    beside
        Further numbers of the measured arms, means over seeds: name → function of a unit.

    Examples
    --------
    >>> Reading("R² of TR", r2("TR"), (), ()).of({"r2": {"TR": 0.5}})
    0.5
    """

    words: str
    of: Callable[..., float]
    arms: tuple[Arm, ...]
    control: tuple[Arm, ...]
    against: str = ""
    control_of: Callable[..., float] | None = None
    beside: Mapping[str, Callable[[Unit], float]] = field(default_factory=dict)


def r2(what: str) -> Callable[[Unit], float]:
    """Read R² of a WHAT by standalone codes.

    Examples
    --------
    >>> r2("TR")({"r2": {"TR": 0.5}})
    0.5
    """
    return lambda unit: unit["r2"][what]


def gain(what: str) -> Callable[[Unit, Unit], float]:
    """Read the R² of the first arm less that of the second, seed by seed.

    Examples
    --------
    >>> gain("TR")({"r2": {"TR": 0.5}}, {"r2": {"TR": 0.75}})
    -0.25
    """
    return lambda first, second: first["r2"][what] - second["r2"][what]


def sparse(frozen: Frozen, arm: Arm, controls: Mapping[str, Arm]) -> list[Experiment]:
    """One record per prediction "R²_WHAT" of an arm.

    Parameters
    ----------
    frozen
        The predictions of the claim.
    arm
        The arm that they are about.
    controls
        Name of each prediction → the arm that has to miss it.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> from proofs_check.predictions import inequality
    >>> seeds = ((0, 0), (1, 1), (2, 2))
    >>> stated = Frozen("E0", "why", seeds, 0.1, (), {"R²_TR": inequality(">=", 0.0, 0.5)}, "a1")
    >>> unit = {"change": 0.0, "dead": 0.0, "l0": 2.0, "code_variance": 1.0, "shuffled": {"TR": -1.0}}
    >>> unit |= {"r2": {"REC": 0.9, "TR": 0.75}, "untrained": {"TR": -0.5}}
    >>> known = {"TR": [unit] * 3, "REC": [unit | {"r2": {"REC": 0.9, "TR": -0.25}}] * 3}     # made up
    >>> arms = {name: Arm(name, {}, {"system": "sae"}) for name in known}

    >>> with patch(f"{__name__}.trained", return_value=known):
    ...     (record,) = sparse(stated, arms["TR"], {"R²_TR": arms["REC"]})
    >>> record.outcome, record.controls
    ('supported', {'REC': [-0.25, -0.25, -0.25]})
    """
    readings = {}
    for name in frozen.predictions:
        what = name.removeprefix("R²_")
        words = f"{arm.name}: {name} on fresh rows, standalone codes{'' if what in ('TR', 'CC') else NO_PAIRS}"
        readings[name] = Reading(words, r2(what), (arm,), (controls[name],))
    return compare(frozen, readings)


def compare(frozen: Frozen, readings: Mapping[str, Reading]) -> list[Experiment]:
    """One record for every prediction of a claim.

    Parameters
    ----------
    frozen
        The predictions.
    readings
        Name of a prediction → how its number is computed.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> from proofs_check.predictions import inequality
    >>> seeds = ((0, 0), (1, 1), (2, 2))
    >>> stated = Frozen("E0", "why", seeds, 0.1, (), {"gain": inequality(">=", 0.0, 0.5)}, "a1")
    >>> unit = {"change": 0.0, "dead": 0.0, "l0": 2.0, "code_variance": 1.0, "shuffled": {"TR": -1.0}}
    >>> unit |= {"r2": {"REC": 0.9, "TR": 0.75}, "untrained": {"TR": -0.5}}
    >>> known = {"TR": [unit] * 3, "REC": [unit | {"r2": {"REC": 0.9, "TR": -0.25}}] * 3}     # made up
    >>> arms = {name: Arm(name, {}, {"system": "sae"}) for name in known}

    >>> reading = Reading("what TR gains", gain("TR"), (arms["TR"], arms["REC"]), (arms["REC"], arms["REC"]))
    >>> with patch(f"{__name__}.trained", return_value=known):
    ...     (record,) = compare(stated, {"gain": reading})
    >>> record.values, record.controls
    ([1.0, 1.0, 1.0], {'REC less REC': [0.0, 0.0, 0.0]})
    """
    arms = {arm.name: arm for reading in readings.values() for arm in (*reading.arms, *reading.control)}
    units = trained(list(arms.values()), frozen)
    return [_record(frozen, name, reading, units) for name, reading in readings.items()]


def _record(frozen: Frozen, name: str, reading: Reading, units: Mapping[str, Sequence[Unit]]) -> Experiment:
    measured, control = ([units[arm.name] for arm in arms] for arms in (reading.arms, reading.control))
    words = reading.against or " less ".join(arm.name for arm in reading.control)
    seeds = [model for _, model in frozen.seeds]
    return Experiment(
        reading.words,
        frozen,
        name,
        frozen.seeds,
        _values(reading.of, measured),
        {words: _values(reading.control_of or reading.of, control)},
        {
            null: _values(reading.of, [[as_null(u, key) for u in of_arm] for of_arm in measured])
            for null, key in zip(NULLS, ("shuffled", "untrained"), strict=True)
        },
        [u["change"] for of_arm in (*measured, *control) for u in of_arm],
        {
            name + (f", {arm.name}" if number else ""): float(np.mean([of(u) for u in of_arm]))
            for number, (arm, of_arm) in enumerate(zip(reading.arms, measured, strict=True))
            for name, of in {**BESIDE, **reading.beside}.items()
        },
        frozen.sha256,
        settings_hash([settings(arm, seeds) for arm in reading.arms]),
    )


def _values(of: Callable[..., float], units: Sequence[Sequence[Unit]]) -> list[float]:
    return [float(of(*row)) for row in zip(*units, strict=True)]


def as_null(unit: Unit, null: str) -> dict[str, Any]:
    """Return a unit with the numbers of a null in their places; what a null does not touch stays.

    Examples
    --------
    >>> as_null({"r2": {"REC": 0.9, "TR": 0.5}, "shuffled": {"TR": -1.0}}, "shuffled")["r2"]
    {'REC': 0.9, 'TR': -1.0}
    """
    found = dict(unit) | {"r2": {**unit["r2"], **unit[null]}}
    for part in PARTS:
        if f"{null}_{part}" in unit:
            found[part] = {**unit[part], **unit[f"{null}_{part}"]}
    return found
