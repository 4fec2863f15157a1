"""How many pairs two files need: the interval of the rule, and where laws could begin to help."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from proofs_check.figures.style import BLUE, DOUBLE, ORANGE, save, styled


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Interval of the number of pairs on a logarithmic axis, with the pairs that matched laws would need.

    Beside their square stands whether losses of laws can help.

    Examples
    --------
    >>> needed = {"low": 12.0, "median": 20.0, "high": None}
    >>> laws = {"pairs": 1.0, "helps": True, "text": "yes: components are not Gaussian"}
    >>> document = {"kind": "rows", "target": 0.8, "paired": False, "needed": needed, "laws": laws}
    >>> [label.get_text() for label in figure(document).axes[0].get_yticklabels()]
    ['laws matched exactly', 'ridge regression alone']
    """
    made = Figure(figsize=(DOUBLE, 1.9), layout="constrained")
    axes, needed, laws = made.subplots(), document["needed"], document["laws"]
    low, median, high = (needed[name] for name in ("low", "median", "high"))
    right = high or 4 * (median or low or 1.0)
    if low is not None:
        axes.plot([low, right], [1, 1], color=BLUE, linewidth=3, solid_capstyle="butt")
        if high is None:
            axes.annotate("", (1.15 * right, 1), (right, 1), arrowprops={"arrowstyle": "->", "color": BLUE})
    if median is not None:
        axes.plot(median, 1, "o", color=BLUE, markersize=7)
    if low is None:
        axes.text(
            0.5, 1, "no number of pairs is enough", transform=axes.get_yaxis_transform(), ha="center", va="center"
        )
    names = ["ridge regression alone" if document["kind"] == "rows" else "matching atoms"]
    if laws.get("pairs") is not None:
        word = laws["text"].partition(":")[0]
        axes.plot(laws["pairs"], 0, "s", color=ORANGE, markersize=7, fillstyle="full" if laws["helps"] else "none")
        axes.annotate(f"can help: {word}", (laws["pairs"], 0), (8, 0), textcoords="offset points", va="center")
        names.insert(0, "laws matched exactly")
    axes.set(
        xscale="log",
        xlabel="matched pairs",
        yticks=range(2 - len(names), 2),
        yticklabels=names,
        ylim=(1.5 - len(names), 1.6),
    )
    axes.xaxis.set_major_formatter("{x:g}")
    files = "paired" if document["paired"] else "unpaired"
    title = f"pairs for R² = {document['target']:g}, {files} files: median and 90 % interval"
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return made


def draw(document: Mapping[str, Any], path: Path) -> None:
    """Write the figure as PNG."""
    save(figure(document), path, dpi=160)
