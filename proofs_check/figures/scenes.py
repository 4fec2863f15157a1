"""E8: zero-shot accuracy and localisation against the number of pairs, and the scores beside the paper's."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proofs_check.figures.digits import compared, ordered, parts, split
from proofs_check.figures.seeds import handle, mean, numbers, title
from proofs_check.figures.style import BLUE, GREEN, ORANGE, styled

Results = Sequence[Mapping[str, Any]]
# (key of COUNTED, number of known pairs, units) of every run that knows pairs for both properties.
Known = Sequence[tuple[str, int, Sequence[Mapping[str, Any]]]]
# Captions of all combinations of attributes, among which zero-shot accuracy looks.
CANDIDATES = 216
# What knows the pairs: marker, colour, filled, shift on the logarithmic axis, and what it is.
COUNTED: Mapping[str, tuple[str, str, bool, float, str]] = {
    "TR+CC": ("o", BLUE, True, 0.93, "coders, TR + CC on the pairs"),
    "mixed": ("s", ORANGE, True, 1.08, "the same, with laws"),
    "all": ("D", BLUE, False, 1.16, "coders, TR + CC, every point a pair"),
}
MAPS = {
    "ridge": ("^", GREEN, True, 0.86, "ridge regression on the pairs"),
    "procrustes": ("v", "0.35", False, 1.0, "Procrustes on the pairs"),
}
OTHER = ("X", "0.35", False, 1.25, "codes, another scene's caption")
CAPTION, ALONE, CHANCE = "the scene's own caption", "coders that know no pair", "chance"
LEVELS: Mapping[str, tuple[str, Literal["-", "--", ":"]]] = {
    CAPTION: ("0.35", "-"),
    ALONE: ("0.35", "--"),
    CHANCE: ("black", ":"),
}
VIEWS = {"hits": "localisation, one scene", "pair": "two scenes side by side"}


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Means with t-intervals over the number of known pairs; scores, where a run has them, beside the paper's table."""
    results = document["results"]
    rows = ordered(results)
    made, above, below = parts(len(rows))
    first, *others = above.subplots(1, 1 + len(VIEWS), width_ratios=(1.25, 1, 1))
    known = _counted(results)
    counts = sorted({m for _, m, _ in known})
    _accuracy(first, results, known)
    for axes, (view, words) in zip(others, VIEWS.items(), strict=True):
        _hits(axes, results, known, view)
        axes.set_title(words, loc="left")
    others[0].set_ylabel("share of scenes where the object is hit")
    others[1].sharey(others[0])
    for axes in (first, *others):
        axes.set_ylim(-0.02, min(1.02, axes.get_ylim()[1]))
        if counts:
            axes.set_xscale("log")
            axes.set_xlim(counts[0] / 1.5, counts[-1] * 1.5)
            axes.set_xticks(counts, [str(m) for m in counts])
            axes.set_xticks([], minor=True)
        axes.set_xlabel("known pairs")
        axes.grid(axis="y", color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    _legend(above, results, known)
    if below is not None:
        compared(below, results, "multimodal", rows)
    made.suptitle(title(document, clipped=False))
    return made


def _counted(results: Results) -> Known:
    found = []
    for result in results:
        row, _, anchors = split(result)[1].partition(", ")
        if row in COUNTED:
            settings = result["settings"]
            m = len(settings["config"]["anchors"]) if anchors else settings["rows"][0]
            found.append((row if anchors else "all", m, result["units"]))
    return found


def _accuracy(axes: Axes, results: Results, known: Known) -> None:
    _means(axes, known, ("transfer", "coders"))
    for name in MAPS:
        _maps(axes, known, name, ("transfer", name))
    units = [u for r in results for u in r["units"]]
    _level(axes, numbers(units, "transfer", "caption"), CAPTION)
    _level(axes, numbers(_alone(results), "transfer", "coders"), ALONE)
    if numbers(units, "transfer", "coders"):
        _level(axes, [1 / CANDIDATES], CHANCE)
    axes.set_title("zero-shot, unseen combinations", loc="left")
    axes.set_ylabel(f"accuracy among {CANDIDATES} captions")


def _hits(axes: Axes, results: Results, known: Known, view: str) -> None:
    _means(axes, known, ("transfer", f"{view}_codes"))
    _maps(axes, known, "ridge", ("transfer", f"{view}_ridge"))
    marker, colour, filled, shift, _ = OTHER
    for key, m, units in known:
        if key != "mixed":
            at = m * shift if key == "all" else m / shift
            mean(axes, at, numbers(units, "shuffled_transfer", f"{view}_codes"), marker, colour, filled=filled)
    _level(axes, numbers(_alone(results), "transfer", f"{view}_codes"), ALONE)
    _level(axes, numbers([u for r in results for u in r["units"]], "transfer", f"{view}_chance"), CHANCE)


def _means(axes: Axes, known: Known, keys: tuple[str, str]) -> None:
    for name, (marker, colour, filled, shift, _) in COUNTED.items():
        curve = sorted((m, numbers(units, *keys)) for key, m, units in known if key == name)
        _curve(axes, [(m * shift, values) for m, values in curve if values], marker, colour, filled)


def _maps(axes: Axes, known: Known, name: str, keys: tuple[str, str]):
    """A map is the same in all runs with as many pairs."""
    marker, colour, filled, shift, _ = MAPS[name]
    by_count = {m: values for _, m, units in known if (values := numbers(units, *keys))}
    _curve(axes, [(m * shift, by_count[m]) for m in sorted(by_count)], marker, colour, filled)


def _curve(axes: Axes, curve: Sequence[tuple[float, list[float]]], marker: str, colour: str, filled: bool) -> None:
    if len(curve) > 1:
        axes.plot([x for x, _ in curve], [sum(v) / len(v) for _, v in curve], color=colour, linewidth=0.8, alpha=0.6)
    for x, values in curve:
        mean(axes, x, values, marker, colour, filled=filled, lowest=0.0)


def _level(axes: Axes, values: Sequence[float], name: str) -> None:
    colour, style = LEVELS[name]
    if values:
        axes.axhline(sum(values) / len(values), color=colour, linestyle=style, linewidth=1.2, zorder=0)


def _alone(results: Results) -> list[Mapping[str, Any]]:
    return [u for r in results if split(r)[1] == "none" for u in r["units"]]


def _legend(part: Any, results: Results, known: Known) -> None:
    shown = [COUNTED[key] for key in COUNTED if any(key == k for k, _, _ in known)]
    shown += [*MAPS.values(), OTHER] if known else []
    handles = [handle(marker, colour, words, filled=filled) for marker, colour, filled, _, words in shown]
    levels = [name for name in LEVELS if results and (name != ALONE or _alone(results))]
    handles += [handle("", LEVELS[name][0], name, line=LEVELS[name][1]) for name in levels]
    if handles:
        part.legend(handles=handles, loc="outside lower center", ncols=3)
