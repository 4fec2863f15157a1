"""One style for all figures: colours that every eye tells apart, markers that grey does, text that PDF keeps."""

from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

# Okabe & Ito (2008); their greys differ, and a second mark (shape, dash, hatch) always goes with a colour.
BLUE, ORANGE, GREEN, PINK, AMBER = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
GREY, PALE = "0.45", "0.8"
SINGLE, DOUBLE = 3.5, 7.2  # inches: one column of a journal, and two

RC: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "figure.titlesize": 9,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "pdf.fonttype": 42,  # text stays text
    "image.cmap": "cividis",
}


def styled(function):
    """Decorate a function that makes a figure: inside it, Matplotlib has the package's settings.

    Examples
    --------
    >>> @styled
    ... def figure():
    ...     return Figure(figsize=(SINGLE, 2.4), layout="constrained")
    >>> figure().get_layout_engine() is not None
    True
    """
    return rc_context(RC)(function)


@styled
def save(figure: Figure, path: str | Path, dpi: int = 200) -> None:
    """Write a figure as .png or .pdf, by the ending of its name; the same bytes for the same figure.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("a.pdf", "b.pdf"):
    ...         save(Figure(figsize=(1, 1)), Path(folder) / name)
    ...     (Path(folder) / "a.pdf").read_bytes() == (Path(folder) / "b.pdf").read_bytes()
    True
    """
    undated = {"CreationDate": None} if Path(path).suffix == ".pdf" else {}
    figure.savefig(path, dpi=dpi, metadata=undated)
