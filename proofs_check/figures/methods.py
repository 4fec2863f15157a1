"""E5 and E6: the systems side by side, by codes of one stream alone and by joint ones; and how rates are chosen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proofs_check.figures.seeds import LOWEST, generator, handle, mean, numbers, title
from proofs_check.figures.style import BLUE, DOUBLE, GREEN, GREY, ORANGE, styled

WHATS = {"REC": ("o", BLUE), "TR": ("s", ORANGE), "CC": ("^", GREEN)}
JACCARD = "label_jaccard_live"
NULL: Mapping[str, Any] = {"marker": "|", "color": GREY, "markersize": 6, "markeredgewidth": 1.2, "zorder": 3}
# Panels of rates side by side.
ACROSS = 5
Units = Sequence[Mapping[str, Any]]


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Points with t-intervals: R² and the Jaccard index of labels, methods as rows; at scale "rates", over the rate."""
    if document["scale"] == "rates":
        return _rates(document)
    found: dict[str, dict[str, Units]] = {}
    for result in document["results"]:
        source = generator(result["settings"]["data"])
        found.setdefault(source, {})[_method(result["name"])] = result["units"]
    made = Figure(figsize=(DOUBLE, 0.9 + 4.2 * max(len(found), 1)), layout="constrained")
    panels = made.subplots(max(len(found), 1), 2, width_ratios=(1.7, 1), sharex="col", squeeze=False)
    for (left, right), (source, methods) in zip(panels, found.items(), strict=False):
        names = _ordered(methods)
        for row, name in enumerate(names):
            _row(left, right, row, methods[name])
        _finish(left, right, names, source)
    for axes in panels.flat[2 * len(found) :]:
        axes.set_axis_off()
    handles = [handle(m, c, f"R²_{what}") for what, (m, c) in WHATS.items()]
    handles += [
        handle("D", BLUE, "label Jaccard"),
        handle("o", "0.3", "joint codes", filled=False),
        Line2D([], [], **NULL, linestyle="", label="untrained coders"),
    ]
    made.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.2)
    made.suptitle(title(document))
    return made


def _row(left: Axes, right: Axes, row: int, units: Units) -> None:
    for k, (what, (marker, colour)) in enumerate(WHATS.items()):
        for key, null, shift in (("r2", "untrained", -0.06), ("shared", "untrained_shared", 0.06)):
            at = row + 0.28 * (k - 1) + shift
            _null(left, at, numbers(units, null, what))
            mean(left, at, numbers(units, key, what), marker, colour, horizontal=True, filled=key == "r2")
    for mode, shift in (("standalone", -0.12), ("shared", 0.12)):
        _null(right, row + shift, numbers(units, "untrained_supports", mode, JACCARD))
        values = numbers(units, "supports", mode, JACCARD)
        mean(right, row + shift, values, "D", BLUE, horizontal=True, filled=mode == "standalone")


def _null(axes: Axes, at: float, values: Sequence[float]) -> None:
    if values:
        axes.plot(max(LOWEST, sum(values) / len(values)), at, **NULL)


def _finish(left: Axes, right: Axes, names: list[str], source: str) -> None:
    left.set_yticks(range(len(names)), names)
    right.set_yticks(range(len(names)), [""] * len(names))
    left.set_title(f"{source}: agreement", loc="left")
    right.set_title("same labels on the atoms that fire", loc="left")
    left.set(xlim=(LOWEST - 0.15, 1.05), xlabel="R²")
    right.set(xlim=(-0.02, 1.04), xlabel="Jaccard index")
    left.axvline(0, color="black", linewidth=0.6)
    for axes in (left, right):
        for boundary in range(1, len(names)):
            axes.axhline(boundary - 0.5, color="0.85", linewidth=0.8)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="both", length=0, labelbottom=True)


def _rates(document: Mapping[str, Any]) -> Figure:
    found: dict[str, dict[float, Units]] = {}
    for result in document["results"]:
        method, rate = _method(result["name"]), result["settings"]["config"]["lr"]
        found.setdefault(method, {})[rate] = result["units"]
    names = _ordered(found)
    blocks = max(1, math.ceil(len(names) / ACROSS))
    made = Figure(figsize=(DOUBLE, 0.7 + 3.4 * blocks), layout="constrained")
    across = min(ACROSS, max(len(names), 1))
    parts = [
        part.subplots(2, across, sharex=True, sharey="row", squeeze=False)
        for part in made.subfigures(blocks, 1, squeeze=False).flat
    ]
    pairs = [pair for panels in parts for pair in zip(*panels, strict=True)]
    for (above, below), name in zip(pairs, names, strict=False):
        means = {rate: numbers(units, "validation") for rate, units in found[name].items()}
        means = {rate: sum(v) / len(v) for rate, v in means.items() if v}
        least = min(means, key=means.__getitem__, default=None)
        for rate, units in found[name].items():
            mean(above, rate, numbers(units, "r2", "CC"), *WHATS["CC"])
            mean(above, rate, numbers(units, "shared", "CC"), *WHATS["CC"], filled=False)
            if least is not None:
                values = [v / means[least] for v in numbers(units, "validation")]
                mean(below, rate, values, "o", BLUE, lowest=0.5)
        for axes in (above, below):
            axes.set_xscale("log")
            axes.grid(color="0.92")
            axes.set_axisbelow(True)
            if least is not None:
                axes.axvline(least, color="0.5", linestyle=":", linewidth=1)
        above.set_title(name.replace(", ", ",\n").replace("selection alone", "selection\nalone"))
        above.set_ylim(LOWEST - 0.15, 1.05)
        below.set_yscale("log")
        below.yaxis.set_major_formatter("{x:g}")
        below.set_xlabel("learning rate")
    for above, below in pairs[len(names) :]:
        above.remove()
        below.remove()
    for panels in parts:
        panels[0][0].set_ylabel("R² of consistency")
        panels[1][0].set_ylabel("validation objective,\nover its least mean")
    handles = [
        handle("^", GREEN, "R²_CC"),
        handle("^", GREEN, "joint codes", filled=False),
        handle("o", BLUE, "validation objective"),
        handle("", "0.5", "the rate where it is least", line=":"),
    ]
    made.legend(handles=handles, loc="outside lower center", ncols=4)
    made.suptitle(title(document))
    return made


def _method(name: str) -> str:
    """Method of an arm by its name, "linear, USAE, all update, lr 0.03"."""
    return name.partition(", ")[2].rpartition(", lr ")[0]


def _ordered(found: Mapping[str, Any]) -> list[str]:
    from nonlinear.experiments.methods import METHODS

    return [name for name in METHODS if name in found]
