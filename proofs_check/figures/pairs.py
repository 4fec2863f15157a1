"""The rule for the number of pairs: its interval beside the outcome, planted and real, and what laws did."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proofs_check.figures.style import BLUE, DOUBLE, GREEN, GREY, ORANGE, styled

PLANTED, REAL = "pairs needed", "pairs needed, real embeddings"
# Where an infinite number of pairs is drawn.
MOST = 4096
Units = Sequence[Mapping[str, Any]]


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Intervals on a logarithmic axis with the outcomes; arrows and open circles stand for infinite ones.

    Examples
    --------
    >>> unit = {"seed": 0, "kind": "sparse", "target": 0.5, "needed": 9.0, "low": 5.0, "median": 8.0, "high": None}
    >>> made = figure({"results": [{"name": "pairs needed", "units": [unit]}]})
    >>> [axes.get_title(loc="left") for axes in made.axes]
    ['planted settings and their seeds', 'real embeddings', "at the rule's lower end"]
    """
    units = {result["name"]: result["units"] for result in document["results"]}
    real = next((found for name, found in units.items() if name.startswith(REAL)), [])
    planted = units.get(PLANTED, [])
    made = Figure(figsize=(DOUBLE, max(5.6, 0.16 * len(real))), layout="constrained")
    panels = made.subplot_mosaic([["planted", "real"], ["laws", "real"]])
    _intervals(
        panels["planted"], sorted(planted, key=lambda u: (u["kind"], u["seed"])), lambda u: f"{u['kind']} {u['seed']}"
    )
    panels["planted"].set_title("planted settings and their seeds", loc="left")
    order = sorted(real, key=lambda u: (u["kind"], u["target"], u["seed"]))
    _intervals(panels["real"], order, lambda u: f"{u['kind']}, R² = {u['target']:g}, seed {u['seed']}")
    panels["real"].set_title("real embeddings", loc="left")
    _laws(panels["laws"], [*planted, *real])
    panels["laws"].set_title("at the rule's lower end", loc="left")
    known = {label: mark for axes in panels.values()
             for mark, label in zip(*axes.get_legend_handles_labels(), strict=True)}  # fmt: skip
    made.legend(known.values(), known.keys(), loc="outside lower center", ncols=3)
    return made


def _intervals(axes: Axes, units: Units, name: Any) -> None:
    for at, unit in enumerate(units):
        low, high = unit["low"] or MOST, unit["high"] or MOST
        axes.plot([low, high], [at, at], color=BLUE, linewidth=2.5, solid_capstyle="butt")
        if unit.get("paired_low"):
            axes.plot([unit["paired_low"], unit["paired_high"] or MOST], [at - 0.3] * 2, color=GREEN, linewidth=1)
        if unit["high"] is None:
            axes.plot(MOST, at, ">", color=BLUE, markersize=4)
        filled = "full" if unit["needed"] else "none"
        axes.plot(unit["needed"] or MOST, at, "o", color=ORANGE, markersize=4, fillstyle=filled)
    axes.set(xscale="log", xlabel="pairs needed", yticks=range(len(units)))
    axes.set_yticklabels([name(unit) for unit in units], fontsize="small")
    axes.plot([], [], color=BLUE, linewidth=2.5, label="rule, unpaired files")
    if any(unit.get("paired_low") for unit in units):
        axes.plot([], [], color=GREEN, linewidth=1, label="rule, paired files")
    axes.plot([], [], "o", color=ORANGE, label="outcome")
    if any(not unit["needed"] for unit in units):
        axes.plot([], [], "o", color=ORANGE, fillstyle="none", label=f"outcome: no number is enough (at {MOST})")


def _laws(axes: Axes, units: Units) -> None:
    """Pairs alone against laws with the same pairs, by what the rule said of components."""
    looks = ((True, "^", GREEN, "can help"), (False, "s", ORANGE, "cannot"), (None, "x", GREY, "may help or not"))
    for said, marker, colour, words in looks:
        chosen = [u for u in units if u.get("alone") is not None and u["components_help"] is said]
        x, y = ([u[key] for u in chosen] for key in ("alone", "laws"))
        axes.plot(x, y, marker, color=colour, markersize=4, label=f"rule: laws {words}")
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8)
    axes.set(xlabel="R² of the pairs alone", ylabel="R² of pairs and laws")
