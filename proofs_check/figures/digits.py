"""E7: translation against consistency on real embeddings, and the benchmark's scores beside the paper's."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proofs_check.figures.seeds import LOWEST, handle, mean, title
from proofs_check.figures.style import BLUE, DOUBLE, GREEN, ORANGE, styled
from proofs_check.real import JOINT, ROWS, SCORES, printed, scores

Results = Sequence[Mapping[str, Any]]
SOURCES = {"digits": "two networks, the same digits", "halves": "left and right halves of the digits"}
# By what is known of pairs: nothing (grey), laws (orange), all of them (blue), some (green); methods are open.
MARKS: Mapping[str, tuple[str, str, bool]] = {
    "none": ("o", "0.45", True),
    "CYC": ("v", "0.45", True),
    "dTR": ("<", ORANGE, True),
    "dCC": (">", ORANGE, True),
    "dTR+dCC": ("D", ORANGE, True),
    "TR": ("s", BLUE, True),
    "CC": ("^", BLUE, True),
    "TR+CC": ("P", BLUE, True),
    "anchors": ("X", GREEN, True),
    "mixed": ("*", GREEN, True),
    "crosscoder": ("o", "black", False),
    "USAE": ("s", "black", False),
    "CoSAE": ("D", "black", False),
}
SIZES = {"*": 55, "P": 34, "X": 34}
# Height of the upper part, and of a row of scores, in inches.
TOP, ROW = 4.1, 0.2
# How the scores of each embedding are drawn: marker, colour, shift across the row.
LOOKS = {"digits": ("o", BLUE, -0.22), "halves": ("s", ORANGE, 0.16), "scenes": ("o", BLUE, -0.22)}
# Above it on both axes, runs are drawn again, larger.
ALIGNED = 0.5


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Points of R²_TR and R²_CC, and, where a run has them, scores with t-intervals beside the paper's vision table."""
    results = document["results"]
    rows = ordered(results)
    made, above, below = parts(len(rows))
    panels = above.subplots(1, 2, sharey=True)
    for axes, (source, words) in zip(panels, SOURCES.items(), strict=True):
        _scatter(axes, [r for r in results if split(r)[0] == source])
        axes.set_title(words, loc="left")
    panels[0].set_ylabel("R² of consistency, a point per seed")
    drawn = dict.fromkeys(MARKS) | {kind(r): _words(r) for r in results}
    handles = [handle(*MARKS[k][:2], words, filled=MARKS[k][2]) for k, words in drawn.items() if words]
    if handles:
        above.legend(handles=handles, loc="outside lower center", ncols=4)
    if below is not None:
        compared(below, results, "vision", rows)
    made.suptitle(title(document) if rows else f"{document['experiment']}, {document['scale']}")
    return made


def parts(rows: int) -> tuple[Figure, Any, Any]:
    """Return a figure, its upper part, and the one below that holds so many rows of scores; None for none."""
    heights = (TOP, ROW * rows + 1.1) if rows else (TOP,)
    made = Figure(figsize=(DOUBLE, sum(heights)), layout="constrained")
    if not rows:
        return made, made, None
    (above,), (below,) = made.subfigures(2, 1, height_ratios=heights, squeeze=False)
    return made, above, below


def split(result: Mapping[str, Any]) -> tuple[str, str]:
    """Embeddings and row of a run, by its name.

    Examples
    --------
    >>> split({"name": "halves, mixed, 148 anchors"})
    ('halves', 'mixed, 148 anchors')
    """
    source, _, row = result["name"].partition(", ")
    return source, row


def kind(result: Mapping[str, Any]) -> str:
    """Key of MARKS of a run.

    Examples
    --------
    >>> kind({"name": "digits, TR+CC, 148 anchors"}), kind({"name": "digits, mixed, 148 anchors"})
    ('anchors', 'mixed')
    """
    name, _, anchors = split(result)[1].partition(", ")
    return "anchors" if anchors and name == "TR+CC" else name


def ordered(results: Results) -> list[str]:
    """Rows that have scores, in the order of the paper's tables and then by anchors; joint codes before standalone."""
    found = {}
    for result in results:
        row = split(result)[1]
        for joint in (True, False):
            if scores(result["units"], SCORES[0], joint):
                anchors = int("".join(c for c in row.partition(", ")[2] if c.isdigit()) or 0)
                found[row + JOINT * joint] = (list(ROWS).index(kind(result)), anchors, not joint)
    return sorted(found, key=found.__getitem__)


def compared(part: Any, results: Results, table: str, rows: Sequence[str]) -> None:
    """Draw a panel per score, a line per row: means of ours with t-intervals and seeds, the paper's open."""
    known = {ours: paper for paper, (ours, _) in ROWS.items()}
    panels = part.subplots(1, len(SCORES), sharey=True)
    for axes, score in zip(panels, SCORES, strict=True):
        for at, row in enumerate(rows):
            for result in results:
                source, name = split(result)
                if name != row.removesuffix(JOINT):
                    continue
                marker, colour, shift = LOOKS[source]
                values = scores(result["units"], score, row.endswith(JOINT))
                axes.plot(values, [at + shift + 0.16] * len(values), "|", color=colour, markersize=3)
                mean(axes, at + shift, values, marker, colour, horizontal=True, lowest=0.0)
            value = printed(table, known.get(row, row), score)
            if value is not None:
                axes.plot(value, at, "D", color="black", markerfacecolor="none", markersize=5.5)
        for boundary in range(1, len(rows)):
            axes.axhline(boundary - 0.5, color="0.88", linewidth=0.8)
        axes.set(xlim=(-0.03, 1.03), ylim=(len(rows) - 0.5, -0.5), xlabel=f"{score} (0 to 1)")
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="both", length=0)
    panels[0].set_yticks(range(len(rows)), [row.replace(" anchors", " pairs") for row in rows])
    for axes, words in zip(panels, ("extraction", "translation", "consistency"), strict=True):
        axes.set_title(words, loc="left")
    scored = {split(r)[0] for r in results if scores(r["units"], SCORES[0])}
    sources = [s for s in LOOKS if s in scored]
    handles = [handle(*LOOKS[s][:2], f"{s}, mean over seeds") for s in sources]
    handles.append(handle("|", "0.3", "a seed"))
    handles.append(handle("D", "black", f"the paper's {table} table (mixed: 1 pair in 1000)", filled=False))
    part.legend(handles=handles, loc="outside lower center", ncols=4, columnspacing=1.2)


def _scatter(axes: Axes, results: Results) -> None:
    points = [(MARKS[kind(r)], max(LOWEST, u["r2"]["TR"]), max(LOWEST, u["r2"]["CC"]))
              for r in results for u in r["units"]]  # fmt: skip
    _draw(axes, points)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.set(xlim=(LOWEST - 0.05, 1.05), ylim=(LOWEST - 0.05, 1.05), xlabel="R² of translation")
    axes.spines[["top", "right"]].set_visible(False)
    if aligned := [p for p in points if min(p[1:]) > ALIGNED]:
        inset = axes.inset_axes((0.15, 0.55, 0.43, 0.43))
        _draw(inset, aligned)
        ends = [(min(values), max(values)) for values in list(zip(*aligned, strict=True))[1:]]
        half = max(0.1, *(0.6 * (high - low) for low, high in ends))
        inset.set(**{f"{k}lim": (sum(e) / 2 - half, sum(e) / 2 + half) for k, e in zip("xy", ends, strict=True)})
        inset.tick_params(labelsize="small")
        inset.locator_params(nbins=5)
        axes.indicate_inset_zoom(inset, edgecolor="0.5")


def _draw(axes: Axes, points: Sequence[tuple[tuple[str, str, bool], float, float]]) -> None:
    for (marker, colour, filled), x, y in points:
        axes.scatter(x, y, SIZES.get(marker, 20), marker=marker, alpha=0.75, linewidths=1, edgecolors=colour,
                     facecolors=colour if filled else "none")  # fmt: skip


def _words(result: Mapping[str, Any]) -> str:
    return split(result)[1].replace("anchors", "pairs")
