"""How many pairs two files need: the interval of the rule, and where laws could begin to help."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from proofs_check.figures.style import BLUE, DOUBLE, ORANGE, save, styled


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Interval of the number of pairs on a logarithmic axis, with the pairs that matched laws would need.

    Their square is filled where random slices see the laws, and a cross where laws cannot help.

    Examples
    --------
    >>> needed = {"low": 12.0, "median": 20.0, "high": None}
    >>> laws = {"pairs": 1.0, "helps": True, "components_help": True}
    >>> document = {"kind": "rows", "target": 0.8, "paired": False, "needed": needed, "laws": laws}
    >>> [label.get_text() for label in figure(document).axes[0].get_yticklabels()]
    ['laws matched exactly', 'ridge regression alone']
    """
    made = Figure(figsize=(DOUBLE, 2.4), layout="constrained")
    axes, needed, laws = made.subplots(), document["needed"], document["laws"]
    low, median, high = (needed[name] for name in ("low", "median", "high"))
    right = high or 4 * (median or low or 1.0)
    if low is not None:
        axes.plot([low, right], [1, 1], color=BLUE, linewidth=3, solid_capstyle="butt")
        if high is None:
            axes.annotate("", (1.15 * right, 1), (right, 1), arrowprops={"arrowstyle": "->", "color": BLUE})
    if median is not None:
        axes.plot(median, 1, "o", color=BLUE, markersize=9)
    names = ["ridge regression alone" if document["kind"] == "rows" else "matching atoms"]
    if laws.get("pairs") is not None:
        marker = "s" if laws["components_help"] else "x"
        axes.plot(laws["pairs"], 0, marker, color=ORANGE, markersize=9, fillstyle="full" if laws["helps"] else "none")
        names.insert(0, "laws matched exactly")
    axes.set(
        xscale="log",
        xlabel="matched pairs",
        yticks=range(2 - len(names), 2),
        yticklabels=names,
        ylim=(1.5 - len(names), 1.6),
    )
    title = f"pairs for R² = {document['target']:g}, {'paired' if document['paired'] else 'unpaired'} files"
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return made


def draw(document: Mapping[str, Any], path: Path) -> None:
    """Write the figure as PNG."""
    save(figure(document), path, dpi=150)
