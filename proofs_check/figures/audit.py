"""The audit's figure: canonical spectrum, R² of every closed form, and Lemma 4's path from CCA to PCA."""

import math
from collections.abc import Iterable
from pathlib import Path, PurePath

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from proofs_check.figures.style import BLUE, DOUBLE, GREEN, GREY, ORANGE, save, styled

FLOOR = -1.2
FACETS = {
    "REC": {"REC x": BLUE, "REC y": ORANGE},
    "TR": {"TR x→y": BLUE, "TR y→x": ORANGE},
    "CC": {"CC": BLUE},
    "CYC": {"CYC x": BLUE, "CYC y": ORANGE},
}
CURVES = {
    "REC x": (BLUE, "-", "o"),
    "REC y": (ORANGE, "-", "s"),
    "TR x→y": (BLUE, "--", "o"),
    "TR y→x": (ORANGE, "--", "s"),
    "CC": (GREEN, ":", "^"),
}
NAMES = {"REC": "reconstruction", "TR": "translation", "CC": "consistency", "CYC": "full cycle"}


def draw(document: dict, path: str | Path) -> None:
    """Draw the JSON document of an audit into a PNG file.

    Parameters
    ----------
    document
        As ``audit_document.document`` returns it, or read from ``audit.json``.
    path
        Name of the PNG file.
    """
    save(figure(document), path, dpi=160)


@styled
def figure(document: dict) -> Figure:
    """Return the figure of an audit's document; its notes alone where nothing could be measured."""
    made = Figure(figsize=(DOUBLE, 8), layout="constrained")
    if not any(m["value"] is not None for form in document["forms"] for m in form["measures"].values()):
        made.text(0.5, 0.5, "\n".join(document["notes"]), ha="center")
        return made
    above, below = made.subfigures(2, 1, height_ratios=(1.5, 1), squeeze=False).flat
    _forms(above, document)
    left, right = below.subplots(1, 2)
    _spectrum(left, document)
    _path(right, document)
    inputs, rows = document["inputs"], document["rows"]
    made.suptitle(
        f"x: {PurePath(inputs['x']['name']).name}    y: {PurePath(inputs['y']['name']).name}    "
        f"k = {document['rank']['used']}, {rows['train']} training rows, {rows['test']} held-out rows"
    )
    return made


def _spectrum(axes: Axes, document: dict) -> None:
    spectrum, k = document["spectrum"], document["rank"]["used"]
    styles = {
        "null_train": ("shuffled pairs, training", "--", GREY),
        "null_test": ("shuffled pairs, held-out", "x", GREY),
        "train": ("training", "-", BLUE),
        "test": ("held-out", ".", ORANGE),
    }
    for key, (label, style, colour) in styles.items():
        values = [float("nan") if v is None else v for v in spectrum[key]]
        axes.plot(range(1, len(values) + 1), values, style, color=colour, label=label)
    axes.axvline(k + 0.5, color="black", linewidth=0.8, linestyle=":", label=f"k = {k}")
    axes.axhline(0, color="black", linewidth=0.6)
    if len(spectrum["train"]) > 100:
        axes.set_xscale("log")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="component", ylabel="correlation", ylim=(None, 1.04), xlim=(0.5, None))
    axes.set_title("Canonical correlations", loc="left")
    axes.legend(loc="upper right", frameon=True, framealpha=1, edgecolor="none")


def _forms(figure, document: dict) -> None:
    forms = document["forms"]
    facets = figure.subplots(1, len(FACETS), sharey=True)
    for axes, (name, parts) in zip(facets, FACETS.items(), strict=True):
        for number, (measure, colour) in enumerate(parts.items()):
            shift = (number - (len(parts) - 1) / 2) * 0.3
            for row, form in enumerate(forms):
                _dot(axes, form["measures"][measure], row + shift, colour, "os"[number])
        for boundary in _groups(forms):
            axes.axhline(boundary - 0.5, color="0.85", linewidth=0.8)
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set(xlim=(_lowest(forms, parts) - 0.12, 1.08), xlabel="R²")
        axes.set_title(NAMES[name], loc="left")
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    facets[0].set_yticks(range(len(forms)), [form["label"] for form in forms])
    facets[0].set_ylim(len(forms) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=BLUE, marker="o", label="x, x→y, CC (95 % interval)"),
        Line2D([], [], color=ORANGE, marker="s", label="y, y→x (95 % interval)"),
        Line2D([], [], color="black", marker="o", markerfacecolor="white", linestyle="", label="left free by the form"),
        Line2D([], [], color=GREY, marker="|", markersize=7, linestyle="", label="shuffled pairs"),
        Line2D([], [], color="black", marker="<", linestyle="", label=f"below {FLOOR}"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)


def _lowest(forms: list[dict], parts: Iterable[str]) -> float:
    shown = (
        v for f in forms for p in parts for v in (f["measures"][p]["value"], f["measures"][p]["null"]) if v is not None
    )
    return max(FLOOR, min([*shown, 0.0]))


def _groups(forms: list[dict]) -> list[int]:
    return [i for i in range(1, len(forms)) if forms[i]["key"] != forms[i - 1]["key"]]


def _dot(axes: Axes, measure: dict, row: float, colour: str, marker: str) -> None:
    value, interval, null = measure["value"], measure["interval"], measure["null"]
    if value is None:
        return
    if null is not None:
        axes.plot(max(null, FLOOR), row, "|", color=GREY, markersize=7)
    if interval and interval[0] is not None:
        axes.plot([max(end, FLOOR) for end in interval], [row, row], color=colour, linewidth=1.5)
    face = colour if measure["determined"] else "white"
    axes.plot(
        max(value, FLOOR), row, "<" if value < FLOOR else marker, color=colour, markerfacecolor=face, markersize=4
    )  # fmt: skip


def _path(axes: Axes, document: dict) -> None:
    forms = {form["key"]: form for form in document["forms"] if form["weight"] is None}
    path = sorted((f for f in document["forms"] if f["key"] == "consistency_tradeoff"), key=lambda f: f["weight"])
    axes.set_title("Lemma 4 from CCA to PCA: held-out R² over λ", loc="left")
    if not path:
        axes.text(0.5, 0.5, "no λ was asked for", ha="center", transform=axes.transAxes)
        return
    stops = [forms["cca"], *path, forms["pca"]]
    for name, (colour, style, marker) in CURVES.items():
        shown = [(i, f["measures"][name]) for i, f in enumerate(stops)]
        points = [(i, max(m["value"], FLOOR)) for i, m in shown if m["value"] is not None and m["determined"]]
        if points:
            axes.plot(*zip(*points, strict=True), style, color=colour)
            axes.plot([], [], style, color=colour, marker=marker, label=name)
        for i, value in points:
            open_ = i not in (0, len(stops) - 1) and not path[i - 1]["certificate"]["certified"]
            axes.plot(i, value, marker, color=colour, markerfacecolor="white" if open_ else colour, markersize=4)
    axes.set_xticks(range(len(stops)), ["CCA", *(_tick(form) for form in path), "PCA"], fontsize="small")
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set(xlabel="λ\nproved: F is maximal (filled);\n≤: room that is left above F", ylabel="R²")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(ncols=2)


def _tick(form: dict) -> str:
    certificate = form["certificate"]
    if certificate["certified"]:
        return f"{form['weight']:g}\nproved"
    percent = max(100 * (certificate["F_upper"] / certificate["F"] - 1), 1e-12)
    digit = 10.0 ** math.floor(math.log10(percent))
    # Rounded up, as the bound that it is.
    return f"{form['weight']:g}\n≤ {math.ceil(percent / digit) * digit:.1g} %"
