"""E9's maps: where laws help noisy anchors (C3), which components laws identify (C4), what slices still see (F3)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from proofs_check.figures.seeds import LOWEST, handle, mean, numbers, title
from proofs_check.figures.style import AMBER, BLUE, DOUBLE, GREEN, ORANGE, PINK, styled
from proofs_check.statistics import t_interval

EXPERIMENT = "beyond"
Units = Sequence[Mapping[str, Any]]
# By dimension, by law of the components, and the number of rows of a sample.
DIMENSIONS = {4: ("o", BLUE), 6: ("s", ORANGE), 8: ("^", GREEN), 16: ("D", PINK)}
LAWS = {"exponential": ("o", BLUE), "two-point": ("s", ORANGE), "laplace": ("^", GREEN), "uniform": ("D", AMBER)}
ROWS = 16384
# Level of the sliced test, and the dimension from which F3's expansion means something.
LEVEL, MEANT = 0.05, 64


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Points with t-intervals; lines: what the theorems predict."""
    units = {result["name"]: result["units"] for result in document["results"]}
    noise = units.get("noise map", [])
    levels = sorted({float(found[1]) for unit in noise for key in unit if (found := re.search(r"σ ([\d.]+)", key))})
    made = Figure(figsize=(DOUBLE, 8.2), layout="constrained")
    above, middle, below = made.subfigures(3, 1, height_ratios=(1, 0.95, 1), squeeze=False).flat
    panels = above.subplots(1, max(len(levels), 1), sharey=True, squeeze=False)[0]
    for axes, sigma in zip(panels, levels, strict=False):
        _noise(axes, noise, sigma)
    panels[0].set_ylabel("R² with laws minus\nthat of the best ridge")
    handles = [handle(*look, f"d = {d}") for d, look in DIMENSIONS.items()]
    handles.append(handle("", "0.3", "orthogonal fit, by theorem C3", line="-"))
    above.legend(handles=handles, loc="outside lower center", ncols=5)
    _components(middle, [*units.get("components", []), *units.get("component map", [])])
    signal, power = below.subplots(1, 2)
    _slices(signal, power, units.get("sliced test map", []))
    handles = [handle(*look, law) for law, look in LAWS.items()]
    handles += [
        handle("", "0.3", "theorem F3, next order", line="-"),
        handle("", "0.3", "the same below its range", line=":"),
        handle("", "0.6", "level of the test", line="--"),
    ]
    below.legend(handles=handles, loc="outside lower center", ncols=4)
    made.suptitle(title({**document, "results": [{"units": u} for name, u in units.items() if "map" in name]}))
    return made


def _noise(axes: Axes, units: Units, sigma: float) -> None:
    for d, (marker, colour) in DIMENSIONS.items():
        words = rf"d {d}, σ {sigma:g}, m (\d+)"
        counts = sorted({int(found[1]) for unit in units for key in unit if (found := re.search(words, key))})
        curve = []
        for m in counts:
            setting = f"d {d}, σ {sigma:g}, m {m}"
            # Side by side on a logarithmic axis.
            at = m / d * 1.02 ** (list(DIMENSIONS).index(d) - 1.5)
            mean(axes, at, numbers(units, f"over_ridge, {setting}"), marker, colour)
            predicted, ridge = (numbers(units, f"{key}, {setting}") for key in ("predicted", "ridge"))
            curve.append((at, sum(predicted) / len(predicted) - sum(ridge) / len(ridge)))
        if curve:
            axes.plot(*zip(*curve, strict=True), color=colour, linewidth=0.8)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.axvline(1, color="0.8", linewidth=0.8, zorder=0)
    axes.set(xscale="log", xlabel="anchors / dimensions", ylim=(-1.1, 0.45))
    axes.set_title(f"noise σ = {sigma:g}")
    axes.set_xticks((0.5, 1, 2, 4), ("½", "1", "2", "4"))
    axes.minorticks_off()


def _components(part: SubFigure, units: Units) -> None:
    from nonlinear.experiments.identified import LAWS as JUDGED
    from nonlinear.experiments.identified import OTHER_LAWS

    axes = part.subplots()
    families = {name: laws for name, laws in {**JUDGED, **OTHER_LAWS}.items() if numbers(units, f"reached_{name}")}
    for at, name in enumerate(families):
        for theory in set(numbers(units, f"predicted_{name}")):
            axes.plot((at - 0.35, at + 0.35), (theory, theory), color="black", linewidth=1)
        mean(axes, at, numbers(units, f"reached_{name}"), "o", BLUE)
        best = numbers(units, f"best_{name}")
        axes.plot([at + 0.15] * len(best), best, "x", color=ORANGE)
        mean(axes, at - 0.15, numbers(units, f"mean_{name}"), "s", GREEN, filled=False)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.set_xticks(range(len(families)), [",\n".join(laws) for laws in families.values()])
    axes.set(xlim=(-0.6, len(families) - 0.4), ylim=(min(LOWEST, -1.75), 1.2), ylabel="R² of translation")
    axes.set_title("translators trained for equal laws, no pairs, by the laws of the components", loc="left")
    handles = [
        handle("s", GREEN, "all starts", filled=False),
        handle("o", BLUE, "starts whose laws are equal"),
        handle("x", ORANGE, "the start of least loss, by seed"),
        handle("", "black", "theorem C4", line="-"),
    ]
    part.legend(handles=handles, loc="outside lower center", ncols=4)


def _slices(signal: Axes, power: Axes, units: Units) -> None:
    """Signals are drawn where their interval excludes 0."""
    found = [unit["tests"] for unit in units]
    words = rf"(\d+) dimensions, {ROWS} rows"
    sizes = sorted({int(m[1]) for tests in found for key in tests if (m := re.search(words, key))})
    for k, (law, (marker, colour)) in enumerate(LAWS.items()):
        keys = {d: f"{law}, {d} dimensions, {ROWS} rows" for d in sizes if d >= 16}
        for axes, what in ((signal, "signal"), (power, "power")):
            theory = [(d, numbers(found, key, f"next_{what}")) for d, key in keys.items()]
            theory = [(d, sum(v) / len(v)) for d, v in theory if v]
            for line, curve in (
                (":", [t for t in theory if t[0] <= MEANT]),
                ("-", [t for t in theory if t[0] >= MEANT]),
            ):
                axes.plot([d for d, _ in curve], [v for _, v in curve], line, color=colour, linewidth=0.8)
            for d, key in keys.items():
                values = numbers(found, key, what)
                if values and (axes is power or t_interval(values).low > 0):
                    mean(axes, d * 1.05 ** (k - 1.5), values, marker, colour, lowest=0.0)
    power.axhline(LEVEL, color="0.6", linestyle="--", linewidth=1, zorder=0)
    signal.set(yscale="log", ylim=(1e-7, 1e-1), title=f"distance that a rotation leaves, {ROWS} rows")
    power.set(title=f"power of the sliced test, {ROWS} rows", ylim=(0, 1.05))
    for axes in (signal, power):
        axes.set(xscale="log", xlabel="dimensions")
        axes.set_xticks(sizes[1:], [str(d) for d in sizes[1:]])
        axes.minorticks_off()
