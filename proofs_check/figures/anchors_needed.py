"""How many pairs two files need: the interval of the rule, and where laws could begin to help."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from proofs_check.figures.audit import BLUE, ORANGE


def figure(document: Mapping[str, Any]) -> Figure:
    """Interval of the number of pairs on a logarithmic axis, with the pairs that matched laws would need."""
    made = Figure(figsize=(7, 2.4), layout="constrained")
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
        axes.plot(laws["pairs"], 0, "s" if laws["helps"] else "x", color=ORANGE, markersize=9)
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
    figure(document).savefig(path, dpi=150)
