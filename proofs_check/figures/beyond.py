"""E9: the weight of the leak and what it does to R², and the shares of atoms that anchors match."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proofs_check.figures.seeds import LOWEST, handle, mean, numbers, title
from proofs_check.figures.style import BLUE, DOUBLE, GREEN, ORANGE, styled
from theory.ambiguity.permutations import expected_distinct_columns

SAMPLINGS = "aligned", "independent", "disjoint"
# Run, key, label, and what theorem F2 says: of independent draws with the share that a fixed set leaves (E9.ii).
WEIGHTS = (
    ("leak weights", "aligned_16", "aligned,\nn = 16", 1.0),
    ("leak weights", "aligned_64", "aligned,\nn = 64", 1.0),
    ("leak weights", "unbiased_64", "aligned,\nn = 64,\nunbiased", 1.0),
    ("leak of sets", "independent", "indepen-\ndent,\nN = 64", 0.77),
    ("leak of sets", "disjoint", "disjoint,\nn = 32", 0.0),
)
# Of the map, by the number of points.
LOOK = {"256": ("^", ORANGE), "1024": ("s", GREEN), "4096": ("o", BLUE)}
# Of the twin autoencoders: atoms, of which active.
ATOMS, ACTIVE = 32, 3
Units = Sequence[Mapping[str, Any]]


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Points with t-intervals; lines: theorems F2, C5 (a) and C5 (b)."""
    units = {result["name"]: result["units"] for result in document["results"]}
    made = Figure(figsize=(DOUBLE, 6.2), layout="constrained")
    (above,), (below,) = made.subfigures(2, 1, squeeze=False)
    left, right = above.subplots(1, 2)
    _weights(left, units)
    _shares(right, units.get("twin atoms", []))
    panels = below.subplots(1, len(SAMPLINGS), sharey=True)
    for axes, sampling in zip(panels, SAMPLINGS, strict=True):
        _map(axes, units.get("leak map", []), sampling)
    panels[0].set_ylabel("R² of translation")
    handles = [handle(*look, f"{points} points") for points, look in LOOK.items()]
    handles.append(handle("o", "0.3", "unbiased form", filled=False))
    below.legend(handles=handles, loc="outside lower center", ncols=4)
    made.suptitle(title(document))
    return made


def _weights(axes: Axes, units: Mapping[str, Units]) -> None:
    for at, (name, key, _, theory) in enumerate(WEIGHTS):
        axes.plot((at - 0.3, at + 0.3), (theory, theory), color="black", linewidth=1)
        mean(axes, at, numbers(units.get(name, []), key), "o", BLUE)
    axes.legend(
        handles=[handle("o", BLUE, "measured"), handle("", "black", "theory (F2)", line="-")],
        loc="lower left",
    )
    axes.set_xticks(range(len(WEIGHTS)), [label for _, _, label, _ in WEIGHTS])
    axes.set(ylabel="weight × rows (n or N)", title="weight of the leaked instance loss", ylim=(-0.2, 1.3))


def _shares(axes: Axes, units: Units) -> None:
    counts = range(1, 41)
    looks: dict[str, tuple[str, str, Literal["-", "--"], str]]
    looks = {"amplitudes": ("", "o", "-", BLUE), "activity": ("activity_", "s", "--", ORANGE)}
    for words, (key, marker, line, colour) in looks.items():
        curve = [(expected_distinct_columns(ATOMS, ACTIVE, m, words == "amplitudes") - 1) / (ATOMS - 1) for m in counts]
        axes.plot(counts, curve, line, color=colour, linewidth=1)
        for m in counts:
            mean(axes, m, numbers(units, f"{key}share_{m}"), marker, colour)
    axes.set(
        xlabel="anchors (known pairs)",
        ylabel="share of atoms, from chance to all",
        title="atoms of twin autoencoders, matched",
        ylim=(0, 1.05),
    )
    handles = [handle(m, c, f"by {words}", line=line) for words, (_, m, line, c) in looks.items()]
    axes.legend(handles=handles, title="measured, theory (C5)", loc="lower right")


def _map(axes: Axes, units: Units, sampling: str) -> None:
    for number, (points, (marker, colour)) in enumerate(LOOK.items()):
        for form in ("biased", "unbiased"):
            for n in (16, 32, 64, 128, 256):
                at = n * 1.08 ** (2 * number - 2 + (form == "unbiased"))
                values = numbers(units, f"{sampling}, {form}, {n}, {points}")
                mean(axes, at, values, marker, colour, filled=form == "biased")
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.set(xscale="log", xlabel="rows of a side", title=sampling, ylim=(LOWEST - 0.15, 1.35))
    axes.set_xticks((16, 32, 64, 128, 256), ("16", "32", "64", "128", "256"))
    axes.minorticks_off()
