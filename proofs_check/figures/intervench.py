"""The benchmark's figure: a heat map per metric, the scores beside baselines, and sparse probes over their budgets."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, NullLocator

from proofs_check.figures.style import BLUE, DOUBLE, GREY, ORANGE, save, styled
from proofs_check.intervench_table import SCORES, label

# Its lightness rises evenly, so that it reads the same in grey and to the colour-blind.
MAP = colormaps["cividis"]
SPACES = "latent", "concept"
BASELINES = {"identity": "D", "pca": "^", "random": "v"}
MARKS = {"gated": "g", "undefined": "u", "near": "n"}
# Streams up to which a cell has room for its number, and letters of a stream's name.
WRITTEN, LETTERS = 6, 12


def draw(document: Mapping[str, Any], path: str | Path) -> None:
    """Draw the JSON document of a run of the benchmark into a PNG file.

    Parameters
    ----------
    document
        As read from ``intervench.json``.
    path
        Name of the PNG file.
    """
    save(figure(document), path, dpi=160)


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Return the figure of a document."""
    metrics = document["metrics"]
    rows = [[m for m in metrics if m.endswith(f"/{space}")] for space in SPACES]
    rows = [[name, *row] for name, row in zip(("r2", "faithfulness"), rows, strict=True)]
    made = Figure(figsize=(DOUBLE, 6.8), layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.04))
    made.suptitle(_title(document), parse_math=False)
    above, below = made.subfigures(2, 1, height_ratios=(2, 1.1), squeeze=False)[:, 0]
    grid = above.subplots(2, len(rows[0]), squeeze=False)
    for axes_row, names in zip(grid, rows, strict=True):
        for axes, name in zip(axes_row, names, strict=True):
            image = _heat(axes, label(name), metrics[name])
    _name(grid, list(document["domains"]))
    bar = above.colorbar(image, ax=grid, shrink=0.6, pad=0.01)
    bar.set_label("as it counts, clipped\ng: gated, 0; u: undefined, 0; n: near the gate", fontsize="small")
    scores, *curves = below.subplots(1, 3, width_ratios=(1.3, 1, 1))
    _scores(scores, document)
    for axes, space in zip(curves, SPACES, strict=True):
        _curve(axes, document, space)
    for axes, place in ((scores, "left"), (curves[0], "right")):
        handles = axes.get_legend_handles_labels()
        below.legend(*handles, loc=f"outside lower {place}", ncols=3, handlelength=2.5)
    return made


def _title(document: Mapping[str, Any]) -> str:
    run = str(document["inputs"]["run"])
    return (
        f"{run if len(run) < 60 else '…' + run[-60:]}: {document['codes']} codes, {document['n_pairs']} points, "
        f"{len(document['classes'])} classes"
    )


def _name(grid, streams: list[str]) -> None:
    """Name the streams once, on the left and below."""
    names = [s if len(s) <= LETTERS else s[: LETTERS - 1] + "…" for s in streams]
    slanted = max(map(len, names)) * len(names) > 20
    for axes in grid[:, 0]:
        axes.set_yticks(range(len(names)), names, parse_math=False)
        axes.set_ylabel("designed on")
    for axes in grid[-1]:
        axes.set_xticks(range(len(names)), names, parse_math=False)
        axes.tick_params("x", rotation=30 if slanted else 0)
        for tick in axes.get_xticklabels() if slanted else ():
            tick.set_ha("right")
        axes.set_xlabel("evaluated on")
    for axes in grid.flat:
        axes.tick_params(length=0)


def _heat(axes: Axes, title: str, matrix: Mapping[str, Mapping[str, Any]]):
    names = list(matrix)
    image = axes.imshow([[matrix[i][j]["gated"] for j in names] for i in names], cmap=MAP, vmin=0, vmax=1)
    axes.set_title(title, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    for between in range(1, len(names)):
        axes.axhline(between - 0.5, color="white", linewidth=2)
        axes.axvline(between - 0.5, color="white", linewidth=2)
    if len(names) <= WRITTEN:
        for row, i in enumerate(names):
            for column, j in enumerate(names):
                _number(axes, column, row, matrix[i][j], 9 - 0.9 * len(names))
    return image


def _number(axes: Axes, x: float, y: float, entry: Mapping[str, Any], size: float) -> None:
    """Write the value as it counts, and beneath it what was measured if that is another number."""
    colour = "black" if entry["gated"] > 0.5 else "white"
    mark = "".join(letter for word, letter in MARKS.items() if word in entry["status"])
    raw = entry["raw"]
    other = raw is not None and abs(raw - entry["gated"]) >= 0.005
    text = f"{entry['gated']:.2f}" + (f" {mark}" if mark else "")
    axes.text(x, y, text, ha="center", va="bottom" if other else "center", color=colour, fontsize=size)
    if other:
        axes.text(x, y, f"raw {raw:.2f}", ha="center", va="top", color=colour, fontsize=0.72 * size)


def _scores(axes: Axes, document: Mapping[str, Any]) -> None:
    aggregates, baselines = document["aggregates"], document["baselines"]
    for x, found in enumerate(aggregates.values()):
        low, high = found["ci"]
        axes.plot([x, x], [low, high], color=BLUE, linewidth=1.5)
        axes.plot(x, found["value"], "o", color=BLUE, markersize=5, label="coders, 95 % interval" if x == 0 else None)
        axes.text(x - 0.1, found["value"], f"{found['value']:.2f}", ha="right", va="center", fontsize="small")
        for number, (name, marker) in enumerate(BASELINES.items()):
            if name in baselines:
                value, at = baselines[name]["aggregates"][list(aggregates)[x]], x + 0.14 + 0.11 * number
                axes.plot(at, value, marker, color=GREY, fillstyle="none", label=name if x == 0 else None)
    axes.set_xticks(range(len(aggregates)), [f"{name}\n{SCORES[name]}" for name in aggregates], fontsize="small")
    axes.set(xlim=(-0.8, len(aggregates) - 0.4), ylim=(-0.04, 1.04))
    axes.set_title("scores, beside baselines" if baselines else "scores", loc="left")
    _plain(axes)


def _curve(axes: Axes, document: Mapping[str, Any], space: str) -> None:
    curves, headline = document["curves"][space], document["config"]["headline"]
    budgets = list(next(iter(next(iter(curves.values())).values())))
    at = [int(k) for k in budgets]
    for same, colour, line, name in ((True, BLUE, "-", "i→i"), (False, ORANGE, "--", "i→j")):
        lines = [[c[k] for k in budgets] for i, row in curves.items() for j, c in row.items() if (i == j) == same]
        for values in lines:
            axes.plot(at, values, line, color=colour, linewidth=0.8, alpha=0.4)
        if lines:
            mean = [fmean(values) for values in zip(*lines, strict=True)]
            axes.plot(at, mean, line, marker="o", color=colour, label=f"{name}, mean")
    if ceiling := document["ceiling"][space]:
        axes.plot(headline, fmean(ceiling.values()), "*", color="black", markersize=8, label="i→j, ceiling")
    for values, line, name in (("dense_probe", "-.", "dense probe"), ("majority", ":", "largest class")):
        axes.axhline(fmean(document[values].values()), color=GREY, linestyle=line, linewidth=1.2, label=name)
    axes.axvline(headline, color="0.8", linewidth=1, zorder=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(at))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(budgets)
    axes.set(xlabel="atoms per class", ylabel="accuracy", ylim=(-0.04, 1.04))
    axes.set_title(f"sparse probe, {space}", loc="left")
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
