"""E1 and the region of theorem A1: how far codes differ, within what their rows allow, beside R² of the same runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proofs_check.figures import scatter
from proofs_check.figures.seeds import COLOURS, generator, handle
from proofs_check.figures.style import BLUE, DOUBLE, GREEN, ORANGE, styled

# By what was trained: the colours of Okabe and Ito, which differ for every eye, and the markers of the scatter.
OBJECTIVES = {"REC": "0.35", "REC+TR": ORANGE, "REC+CC": BLUE, "REC+TR+CC": GREEN}
# Least share of C at which a lower bound is drawn: the axes are logarithmic.
LEAST = 0.02
TICKS = [digit * 10.0**power for power in range(-4, 5) for digit in (1, 2, 5)]


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Scatter of R²; then by generator the interval for C against C, a dot and a line per arm and seed.

    Documents of runs without these numbers have the scatter alone.
    """
    shown = [(r, generator(r["settings"]["data"])) for r in document["results"] if any(map(bounds, r["units"]))]
    sources = [source for source in COLOURS if source in {s for _, s in shown}]
    if not sources:
        return scatter.figure(document)
    made = Figure(figsize=(DOUBLE, 6.8), layout="constrained")
    first, *panels = made.subplots(2, 2).flat
    scatter.scatter(first, document)
    ends = [end for r, _ in shown for found in map(bounds, r["units"]) for end in found or ()]
    edges = min(ends) / 1.1, max(ends) * 1.1
    for source, axes in zip(sources, panels, strict=False):
        _intervals(axes, [r for r, s in shown if s == source])
        axes.plot(edges, edges, color="0.7", linewidth=0.8, zorder=0)
        axes.set(xscale="log", yscale="log", xlim=edges, ylim=edges)
        ticks = [t for t in TICKS if edges[0] <= t <= edges[1]]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(ticks, [f"{t:g}" for t in ticks])
            axis.set_ticks([], minor=True)
        axes.set_title(f"{source}: C and what the rows allow")
        axes.set(
            xlabel="measured C = rms ‖a − b‖", ylabel="allowed: rms |t − r|/ℓ to\nrms min((t + r)/σ, √(‖a‖² + ‖b‖²))"
        )
    for axes in panels[len(sources) :]:
        axes.remove()
    seen = [o for o in OBJECTIVES if any(objective(r) == o for r, _ in shown)]
    handles = [handle(scatter.MARKERS[o], OBJECTIVES[o], o, line="-") for o in seen]
    handles.append(handle("_", "black", "√(‖a‖² + ‖b‖²), whatever the decoder"))
    made.legend(handles=handles, loc="outside lower center", ncols=5)
    return made


def bounds(unit: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """C, what it is at least and at most by both decoders, and √(‖a‖² + ‖b‖²); None without C > 0.

    Examples
    --------
    >>> x = {"C": 1.0, "floor": 0.25, "ceiling": 2.0, "largest": 3.0}
    >>> bounds({"region": {"x": x, "y": x | {"floor": 0.5, "ceiling": 2.5}}})
    (1.0, 0.5, 2.0, 3.0)
    """
    of = list(unit.get("region", {}).values())
    if not of or of[0]["C"] <= 0:
        return None
    C, largest = of[0]["C"], of[0]["largest"]
    return C, max(LEAST * C, *(d["floor"] for d in of)), min(d["ceiling"] for d in of), largest


def objective(result: Mapping[str, Any]) -> str:
    """What was trained, by the name of the arm.

    Examples
    --------
    >>> objective({"name": "linear, REC+TR, K 24 in 24"})
    'REC+TR'
    """
    return result["name"].split(", ")[1]


def _intervals(axes: Axes, results: Sequence[Mapping[str, Any]]) -> None:
    """Draw C on the diagonal, and through it what it may be."""
    for result in results:
        trained = objective(result)
        colour, marker = OBJECTIVES[trained], scatter.MARKERS[trained]
        for C, floor, ceiling, largest in filter(None, map(bounds, result["units"])):
            axes.vlines(C, floor, ceiling, color=colour, linewidth=1, alpha=0.5)
            axes.plot(C, C, marker, color=colour, markersize=3.5)
            axes.plot(C, largest, "_", color="black", markersize=5)
