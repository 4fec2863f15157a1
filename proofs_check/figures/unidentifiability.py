"""E3: R² of what distributional losses train, by what the two sides of a batch share; below it, how well laws match."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from proofs_check.figures.seeds import COLOURS, LOWEST, generator, handle, mean, numbers, title
from proofs_check.figures.style import BLUE, DOUBLE, GREEN, ORANGE, styled
from theory.ambiguity.rotations import (
    expected_anchors_r_squared,
    expected_matched_r_squared,
    matched_r_squared_deviation,
)

SAMPLINGS = "disjoint", "independent", "aligned"
# The paper's synthetic table, R²_TR under dTR and R²_CC under dCC.
PRINTED = 0.99
TERMS = {"dTR": ("TR", "R² of translation"), "dCC": ("CC", "R² of consistency")}
ROWS = {"4096": ("o", BLUE), "256": ("s", ORANGE)}
# Of the sparse coders, by generator and start.
MARKERS = {
    ("linear", "independent"): "o",
    ("linear", "same"): "s",
    ("ReLU bottleneck", "independent"): "^",
    ("ReLU bottleneck", "same"): "D",
}
# Clip of distances over their floor, which are drawn on a logarithmic axis.
LEAST = 0.3
Results = Sequence[Mapping[str, Any]]


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Points with t-intervals: Gaussian translators, sparse coders under dTR, and under dCC.

    Lines of the first: theorem C2 for no anchors, all pairs and d/2 anchors, with the deviation of one map as a band.
    """
    made = Figure(figsize=(DOUBLE, 8.8), layout="constrained")
    first, second = made.subfigures(2, 1, squeeze=False).flat
    ratios = {"height_ratios": (2.2, 1)}
    pairs = [first.subplots(2, 1, **ratios), *second.subplots(2, 2, sharey="row", **ratios).T]
    _gaussian(pairs[0][0], pairs[0][1], document["results"])
    handles = {}
    for term, (above, below) in zip(TERMS, pairs[1:], strict=True):
        handles |= {h.get_label(): h for h in _sparse(above, below, document["results"], term)}
    top, bottom = zip(*pairs, strict=True)
    for axes in top:
        axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axes.set(ylim=(LOWEST - 0.15, 1.15))
    for axes in bottom:
        axes.axhline(1, color="black", linewidth=0.8, zorder=0)
        axes.set(yscale="log", ylim=(LEAST, 200))
        axes.set_yticks((1, 10, 100), ("1", "10", "100"))
    for axes in bottom[:2]:
        axes.set_ylabel("distance of the laws,\nover its floor")
    second.legend(handles=handles.values(), loc="outside lower center", ncols=3)
    made.suptitle(title(document))
    return made


def _gaussian(above: Axes, below: Axes, results: Results) -> None:
    runs = {r["name"]: r for r in results if r["name"] in ("gaussian laws", "gaussian leaks")}
    laws, leaks = (runs.get(n, {"units": []})["units"] for n in ("gaussian laws", "gaussian leaks"))
    for number, sampling in enumerate(SAMPLINGS):
        for k, (rows, (marker, colour)) in enumerate(ROWS.items()):
            for form in ("biased", "unbiased"):
                at = number + 0.3 * (k - 0.5) + 0.12 * ((form == "unbiased") - 0.5)
                values = numbers(leaks, f"{sampling}, {form}, {rows}")
                mean(above, at, values, marker, colour, filled=form == "biased")
        if not leaks:
            # The same fit as "…, biased, 4096", of which the document has the difference from disjoint batches.
            key = {"disjoint": None, "independent": "independent_leak", "aligned": "leak"}[sampling]
            values = [u["r2"] + (u[key] if key else 0.0) for u in laws]
            mean(above, number, values, "o", BLUE)
    mean(below, 0, numbers(laws, "over_floor"), "o", BLUE, lowest=LEAST)
    ticks: list[str] = list(SAMPLINGS)
    for name, label, marker in (("pairs", "TR on\nall pairs", "D"), ("regression", "d/2 pairs,\nregressed", "^")):
        if values := numbers(laws, f"{name}_r2"):
            mean(above, len(ticks), values, marker, GREEN)
            mean(below, len(ticks), numbers(laws, f"{name}_over_floor"), marker, GREEN, lowest=LEAST)
            ticks.append(label)
    for run in list(runs.values())[:1]:
        _theory(above, run["settings"]["width"], regressed=len(ticks) > 4)
    _finish(above, below, ticks, "Gaussian rows, linear translators, dTR", "R² of translation")
    if leaks:
        handles = [handle(m, c, f"{rows} points") for rows, (m, c) in ROWS.items()]
        handles.append(handle("o", "0.3", "unbiased form", filled=False))
        above.legend(handles=handles, loc="lower right")


def _theory(axes: Axes, d: int, regressed: bool) -> None:
    """Theorem C2: what to expect without pairs, with all of them, and of a regression on d/2."""
    alone, known, band = *(expected_matched_r_squared(d, m) for m in (0, d)), matched_r_squared_deviation(d, 0)
    axes.axhline(alone, color="black", linewidth=1, label="2m/d − 1 at m = 0")
    axes.axhline(known, color="black", linewidth=1, label="2m/d − 1 at m = d")
    axes.axhspan(alone - band, alone + band, color="0.92", zorder=0, label="±2/d")
    small = {"fontsize": "small", "transform": axes.get_yaxis_transform()}
    axes.text(0.02, 1.02, "theory: all pairs", va="bottom", **small)
    axes.text(0.02, alone - band - 0.02, "theory: the law alone, −1 ± 2/d of one map", va="top", **small)
    if regressed:
        half = expected_anchors_r_squared(d, d // 2)
        axes.plot((3.6, 4.4), (half, half), "--", color="black", linewidth=1, label="m/d at m = d/2")
        axes.text(4, half + 0.07, "theory: m/d", ha="center", va="bottom", fontsize="small")


def _sparse(above: Axes, below: Axes, results: Results, term: str) -> list[Line2D]:
    what, label = TERMS[term]
    found: dict[tuple[str, str, bool], dict[str, Results]] = {}
    seen = set()
    for result in results:
        config = result["settings"].get("config")
        if config is None:
            continue
        source, terms = generator(result["settings"]["data"]), set(config["weights"]) - {"REC"}
        start = config.get("init", "independent")
        if terms in (set(), {what}):
            values = numbers(result["units"], "r2", what), numbers(result["units"], "over_floor", term)
            for axes, known in zip((above, below), values, strict=True):
                _reference(axes, known, MARKERS[source, start], COLOURS[source], "--" if terms else ":")
            seen.add((source, start))
        elif terms == {term}:
            series = source, start, bool(config.get("unbiased", False))
            found.setdefault(series, {})[config["sampling"]] = result["units"]
            seen.add((source, start))
    for k, ((source, start, unbiased), by_sampling) in enumerate(found.items()):
        for sampling, units in by_sampling.items():
            at = SAMPLINGS.index(sampling) + 0.7 * ((k + 0.5) / len(found) - 0.5)
            style = {"marker": MARKERS[source, start], "colour": COLOURS[source], "filled": not unbiased}
            mean(above, at, numbers(units, "r2", what), **style)
            mean(below, at, numbers(units, "over_floor", term), **style, lowest=LEAST)
    above.axhline(PRINTED, color="black", linewidth=1)
    above.text(0.02, PRINTED + 0.02, "paper: .99", fontsize="small", va="bottom", transform=above.get_yaxis_transform())
    _finish(above, below, list(SAMPLINGS), f"Sparse coders, REC + {term}", label)
    handles = [handle("", "0.3", "REC + TR or CC on all pairs", line="--"), handle("", "0.3", "REC alone", line=":")]
    handles += [handle(m, COLOURS[key[0]], f"{key[0]}, {key[1]} start") for key, m in MARKERS.items() if key in seen]
    if any(unbiased for _, _, unbiased in found):
        handles.append(handle("o", "0.3", "unbiased form", filled=False))
    return handles


def _reference(axes: Axes, values: Sequence[float], marker: str, colour: str, style: str) -> None:
    """Mean as a line, with the generator's marker at its end: generators differ in grey, too."""
    if values:
        level = sum(values) / len(values)
        axes.axhline(level, color=colour, linestyle=style, linewidth=1.2)
        axes.plot(1, level, marker, color=colour, markersize=4, clip_on=False, transform=axes.get_yaxis_transform())


def _finish(above: Axes, below: Axes, ticks: list[str], head: str, label: str) -> None:
    above.set_title(f"{head}: {label}", loc="left")
    above.set_xticks(range(len(ticks)), [""] * len(ticks))
    below.set_xticks(range(len(ticks)), ticks)
    for axes in (above, below):
        axes.set_xlim(-0.6, len(ticks) - 0.4)
        axes.spines[["top", "right"]].set_visible(False)
