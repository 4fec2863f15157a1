"""E1 and E2 at a glance: translation against consistency or the full cycle, one point per arm and seed."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from proofs_check.figures.seeds import COLOURS, LOWEST, generator
from proofs_check.figures.style import styled

MARKERS = {"REC": "o", "REC+TR": "^", "REC+CC": "s", "REC+TR+CC": "D", "REC+CYC": "v"}
# What each experiment holds against translation.
ACROSS = {"duality": ("CC", "R² of consistency"), "cycle": ("CYC", "R² of the full cycle")}


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Scatter of an experiment's document, alone."""
    made = Figure(figsize=(4.6, 4), layout="constrained")
    scatter(made.subplots(), document)
    return made


def scatter(axes: Axes, document: Mapping[str, Any]) -> None:
    """Draw the scatter of an experiment's document; colour: generator, marker: what was trained.

    Values below −1.5 are drawn there.
    """
    across, label = ACROSS[document["experiment"]]
    seen: dict[str, set[str]] = {"generator": set(), "objective": set()}
    for result in document["results"]:
        units = [u for u in result["units"] if "r2" in u]
        if not units:
            continue
        objective, source = result["name"].split(", ")[1], generator(result["settings"]["data"])
        seen["generator"].add(source)
        seen["objective"].add(objective)
        x, y = ([max(LOWEST, u["r2"][what]) for u in units] for what in ("TR", across))
        axes.scatter(x, y, marker=MARKERS[objective], s=16, alpha=0.8, linewidths=0.8, **_look(source))
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.axvline(0, color="0.6", linewidth=0.8)
    limits = LOWEST - 0.08, 1.05
    axes.set(xlim=limits, ylim=limits, xlabel="R² of translation", ylabel=label)
    axes.set_title(f"{document['experiment']}, {document['scale']}: one point per arm and seed")
    handles: list = [Patch(alpha=0.8, label=g, **_look(g)) for g in COLOURS if g in seen["generator"]]
    for objective, marker in MARKERS.items():
        if objective in seen["objective"]:
            handles.append(Line2D([], [], marker=marker, linestyle="", color="0.4", label=objective))
    axes.legend(handles=handles, loc="lower left", fontsize="small")


def _look(source: str) -> dict[str, Any]:
    """Filled, open, or filled with a black edge, so that grey tells the generators apart."""
    colour = COLOURS[source]
    face = "none" if source == "ReLU wide" else colour
    return {"facecolor": face, "edgecolor": "black" if source == "ReLU bottleneck" else colour}
