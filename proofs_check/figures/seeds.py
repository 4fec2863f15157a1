"""What the figures of experiments share: means over seeds with t-intervals, and how generators are told apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from proofs_check.figures.style import AMBER, BLUE, PINK
from proofs_check.statistics import t_interval

LOWEST = -1.5
COLOURS = {"linear": BLUE, "ReLU wide": AMBER, "ReLU bottleneck": PINK}


def generator(data: Mapping[str, Any]) -> str:
    """Name of a generator, by its layers.

    Examples
    --------
    >>> generator({"domains": {"x": 24, "y": 24}, "hidden": [16]})
    'ReLU bottleneck'
    """
    hidden = data.get("hidden", [])
    if not hidden:
        return "linear"
    return "ReLU bottleneck" if min(hidden) < min(data["domains"].values()) else "ReLU wide"


def numbers(units: Iterable[Mapping[str, Any]], *keys: str) -> list[float]:
    """One number per seed, under nested keys; seeds without it are left out.

    Examples
    --------
    >>> numbers([{"seed": 0, "r2": {"TR": 0.5}}, {"seed": 1}], "r2", "TR")
    [0.5]
    """
    found = []
    for unit in units:
        entry: Any = unit
        for key in keys:
            entry = entry.get(key) if isinstance(entry, Mapping) else None
        if entry is not None:
            found.append(float(entry))
    return found


def mean(
    axes: Axes,
    at: float,
    values: Sequence[float],
    marker: str,
    colour: str,
    *,
    filled: bool = True,
    horizontal: bool = False,
    lowest: float = LOWEST,
    alpha: float = 1.0,
) -> None:
    """Draw the mean of one number per seed with its 95 % t-interval; one seed has no interval, none draws nothing.

    Parameters
    ----------
    at
        Position on the other axis.
    marker, colour, filled, alpha
        How the point looks; open ones are white.
    horizontal
        The values run along the x axis.
    lowest
        A mean below it is drawn there, above a small triangle.
    """
    if not values:
        return
    found = t_interval(values)
    shown, low, high = (max(lowest, v) for v in (found.mean, found.low, found.high))
    width = [[shown - low], [high - shown]] if found.n > 1 else None
    face = colour if filled else "white"
    style = {"color": colour, "markerfacecolor": face, "markersize": 4, "elinewidth": 1, "alpha": alpha}
    if horizontal:
        axes.errorbar(shown, at, xerr=width, fmt=marker, **style)
    else:
        axes.errorbar(at, shown, yerr=width, fmt=marker, **style)
    if found.mean < lowest:
        place, shape = ((lowest - 0.08, at), "<") if horizontal else ((at, lowest - 0.08), "v")
        axes.plot(*place, shape, color="black", markersize=3)


def handle(
    marker: str, colour: str, label: str, *, filled: bool = True, line: Literal["", "-", "--", ":"] = ""
) -> Line2D:
    """Entry of a legend."""
    return Line2D([], [], marker=marker, color=colour, markerfacecolor=colour if filled else "white", markersize=4,
                  linestyle=line, label=label)  # fmt: skip


def title(document: Mapping[str, Any], *, clipped: bool = True) -> str:
    """Return what the figure is of, over how many seeds its means are, and, if asked for, where R² is cut.

    Examples
    --------
    >>> title({"experiment": "methods", "scale": "small", "results": [{"units": [{"seed": 0}, {"seed": 1}]}]})
    'methods, small: means over 2 seeds with 95 % t-intervals; R² below −1.5 is drawn there'
    """
    counts = {len(result["units"]) for result in document["results"]} or {0}
    few, many = min(counts), max(counts)
    head = f"{document['experiment']}, {document['scale']}"
    if many <= 1:
        return f"{head}: one seed, no intervals" if many else f"{head}: no runs"
    cut = f"; R² below −{-LOWEST:g} is drawn there" if clipped else ""
    counted = many if few == many else f"{few} to {many}"
    return f"{head}: means over {counted} seeds with 95 % t-intervals{cut}"
