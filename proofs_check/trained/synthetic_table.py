"""The paper's synthetic table beside ours: one record for every cell."""

from nonlinear.experiments.arms import Arm
from nonlinear.experiments.unidentifiability import law, objective
from proofs_check.empirical import Experiment
from proofs_check.predictions import Frozen
from proofs_check.synthetic import COLUMNS, PRINTED, cell
from proofs_check.trained.comparisons import Reading, compare, r2


def row(name: str) -> Arm:
    """Return the arm of a row of the table.

    Examples
    --------
    >>> row("dTR").name
    'linear, REC+dTR, disjoint, biased, independent start'
    """
    return law(name) if name.startswith("d") else objective(*(() if name == "none" else (name,)))


def cells(frozen: Frozen) -> list[Experiment]:
    """One record per cell; its control is a row of the table of which another value is printed, or the start.

    Parameters
    ----------
    frozen
        The predictions, one for each cell.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.compare", lambda frozen, readings: readings):     # what is to be read, nothing trained
    ...     readings = cells(None)
    >>> reading = readings["TR: R²_CC"]
    >>> reading.words, reading.control[0].name
    ('linear, REC+TR: R²_CC, printed 0.00', 'linear, REC+CC')
    """
    readings = {}
    for name in PRINTED:
        for column, printed in zip(COLUMNS, PRINTED[name], strict=True):
            arm = row(name)
            words = f"{arm.name}: R²_{column}, printed {printed:.2f}"
            named = cell(name, column)
            if column == "REC":
                start = "coders of the start"
                readings[named] = Reading(words, r2(column), (arm,), (arm,), start, lambda u: u["untrained"]["REC"])
            else:
                control = objective(column) if printed < 0.5 else objective()
                readings[named] = Reading(words, r2(column), (arm,), (control,))
    return compare(frozen, readings)
