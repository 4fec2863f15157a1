"""The figure of an experiment: which module draws it, and the file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from proofs_check.figures import (
    anchoring,
    beyond,
    digits,
    methods,
    pairs,
    region,
    scatter,
    scenes,
    unidentifiability,
    weights,
)
from proofs_check.figures.style import save

FIGURES: Mapping[str, Callable[[Mapping[str, Any]], Figure]] = {
    "duality": region.figure,
    "cycle": scatter.figure,
    "unidentifiability": unidentifiability.figure,
    "anchoring": anchoring.figure,
    "methods": methods.figure,
    "beyond": beyond.figure,
    "pairs": pairs.figure,
    "digits": digits.figure,
    "scenes": scenes.figure,
}


def draw(document: Mapping[str, Any], path: str | Path) -> None:
    """Write the figure of an experiment's document as PNG; runs that the document lacks are left out.

    Parameters
    ----------
    document
        As ``experiment_command.document`` returns it, or read from ``NAME.json``.
    path
        Name of the PNG file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> unit = {"seed": 0, "r2": {"TR": 0.9, "CC": 0.6}}
    >>> arm = {"name": "linear, REC+TR", "units": [unit], "settings": {"data": {"hidden": []}}}
    >>> with TemporaryDirectory() as base:
    ...     draw({"experiment": "duality", "scale": "small", "results": [arm]}, Path(base) / "a.png")
    ...     (Path(base) / "a.png").stat().st_size > 1000
    True
    """
    save(figure(document), path, dpi=160)


def figure(document: Mapping[str, Any]) -> Figure:
    """Return the figure of a document: of its experiment, or of the choice of weights.

    Examples
    --------
    >>> len(figure({"experiment": "anchoring", "scale": "weights", "results": []}).axes)
    4
    """
    return weights.figure(document) if document["scale"] == "weights" else FIGURES[document["experiment"]](document)
