"""The matrix of implications between all registered properties."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from proofs_check.figures.style import BLUE, GREY, ORANGE, PALE, styled
from proofs_check.implications import Cell, matrix
from proofs_check.ledger import load

CONFIGURATION = "the exact models of proofs_check/models.py, and the verdicts that the ledger expects; no data"
LOOK = {"proved": (BLUE, "✓"), "refuted": (ORANGE, "×"), "blank": ("white", "")}


@styled
def figure(seed: int = 0, cells: Sequence[Cell] | None = None) -> Figure:
    """Return the grid of which property, by row, implies which, by column.

    Parameters
    ----------
    seed
        Not used: nothing is random here.
    cells
        Of a report; by default those of the verdicts that the claims expect.

    Examples
    --------
    >>> figure().axes[0].get_xlabel()
    'conclusion'
    """
    claims = load()
    found = matrix(claims, {c.id: c.expect for c in claims}) if cells is None else list(cells)
    names = list(dict.fromkeys(c.premise for c in found))
    size = 1.2 + 0.3 * len(names)
    made = Figure(figsize=(size + 0.6, size), layout="constrained")
    axes = made.subplots()
    for n in range(len(names)):
        axes.add_patch(Rectangle((n - 0.5, n - 0.5), 1, 1, facecolor=PALE, edgecolor="white"))
    for c in found:
        x, y = names.index(c.conclusion), names.index(c.premise)
        colour, sign = LOOK[c.status]
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, alpha=0.85, edgecolor=PALE))
        axes.text(x, y, sign, ha="center", va="center", color="white", weight="bold")
    limits = (-0.5, len(names) - 0.5)
    axes.set(xlim=limits, ylim=limits[::-1], aspect="equal", xlabel="conclusion", ylabel="premise")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    words = {"proved": "✓ proved", "refuted": "× refuted by a model", "blank": "not known"}
    shown = {words[s]: LOOK[s][0] for s in words if any(c.status == s for c in found)} | {"itself": PALE}
    handles = [
        Line2D([], [], marker="s", linestyle="", markersize=8, markerfacecolor=face, color=GREY, label=text)
        for text, face in shown.items()
    ]
    made.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1)
    return made
