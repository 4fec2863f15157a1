"""An experiment at a glance: one point per arm and seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARKERS = {"REC": "o", "REC+TR": "^", "REC+CC": "s", "REC+TR+CC": "D", "REC+CYC": "v"}
COLOURS = {"linear": "#1b6ca8", "ReLU wide": "#c07000", "ReLU bottleneck": "#b03060"}
# What each experiment holds against translation.
ACROSS = {"duality": ("CC", "R² of consistency"), "cycle": ("CYC", "R² of the full cycle")}
LOWEST = -1.5


def draw(document: Mapping[str, Any], path: Path) -> None:
    """Write the figure of an experiment's document as PNG.

    Colour: generator, marker: what was trained. Values below −1.5 are drawn there.

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
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    across, label = ACROSS[document["experiment"]]
    seen: dict[str, set[str]] = {"generator": set(), "objective": set()}
    for result in document["results"]:
        if "r2" not in result["units"][0]:
            continue
        objective, generator = result["name"].split(", ")[1], _generator(result["settings"]["data"])
        seen["generator"].add(generator)
        seen["objective"].add(objective)
        x, y = ([max(LOWEST, u["r2"][what]) for u in result["units"]] for what in ("TR", across))
        axes.scatter(x, y, marker=MARKERS[objective], color=COLOURS[generator], s=26, alpha=0.6, linewidths=0)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.axvline(0, color="0.6", linewidth=0.8)
    limits = LOWEST - 0.08, 1.05
    axes.set(xlim=limits, ylim=limits, xlabel="R² of translation", ylabel=label)
    axes.set_title(f"{document['experiment']}, {document['scale']}: one point per arm and seed", fontsize=10)
    handles: list = [Patch(color=c, alpha=0.6, label=g) for g, c in COLOURS.items() if g in seen["generator"]]
    for objective, marker in MARKERS.items():
        if objective in seen["objective"]:
            handles.append(Line2D([], [], marker=marker, linestyle="", color="0.4", label=objective))
    axes.legend(handles=handles, loc="upper left", fontsize=8, frameon=False)
    figure.savefig(path, dpi=160)


def _generator(data: Mapping[str, Any]) -> str:
    hidden = data.get("hidden", [])
    if not hidden:
        return "linear"
    return "ReLU bottleneck" if min(hidden) < min(data["domains"].values()) else "ReLU wide"
