"""The 2×2 of the paper: where agreement is asked for, and how; and which systems train it."""

import re

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from proofs_check.figures.style import DOUBLE, GREY, PALE, styled
from theory.properties import CONCEPT, REPRESENTATION, Distribution, Instance, all_properties

CONFIGURATION = "the registered properties, and the systems of nonlinear/systems.py for two streams; no data"
FIELDS = {REPRESENTATION: (0.0, -1.4), CONCEPT: (-1.4, -2.0)}  # where each row begins and ends


@styled
def figure(seed: int = 0) -> Figure:
    """Return the four fields with their properties; below each property stand the systems that have it as a loss.

    Parameters
    ----------
    seed
        Not used: nothing is random here.

    Examples
    --------
    >>> texts = [t.get_text() for t in figure().axes[0].texts]
    >>> "TR" in texts, "dCC" in texts
    (True, True)
    """
    made = Figure(figsize=(DOUBLE, 3.6), layout="constrained")
    axes = made.subplots()
    trained = _trained()
    for column, (level, equal) in enumerate({Instance: "=", Distribution: "∼"}.items()):
        for space, (top, bottom) in FIELDS.items():
            axes.add_patch(Rectangle((column, bottom), 1, top - bottom, facecolor="white", edgecolor=GREY))
            there = [p for p in all_properties() if isinstance(p.level, level) and p.what.space == space]
            for number, p in enumerate(there):
                height = top - (number + 0.5) * (top - bottom) / len(there)
                formula = re.sub("_([ij])", r"$_\1$", p.what.text.partition(": ")[2]).replace("=", equal)
                systems = ", ".join(trained.get(p.name, ())) or "–"
                axes.text(column + 0.04, height, p.name, fontsize=9, weight="bold", va="center")
                axes.text(column + 0.2, height + 0.06, formula, va="center")
                axes.text(column + 0.2, height - 0.08, systems, va="center", color=GREY, fontsize=7.5)
    axes.set(xlim=(0, 2), ylim=(-2, 0), xticks=[0.5, 1.5], yticks=[sum(ends) / 2 for ends in FIELDS.values()])
    axes.set_xticklabels(["at every point", "in distribution (∼: equal laws)"], fontsize=9)
    axes.set_yticklabels(["representations", "concepts"], fontsize=9, rotation=90, va="center")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_color(PALE)
    return made


def _trained() -> dict[str, list[str]]:
    """Property → systems; published systems may measure it otherwise (nTR: relative errors, cCC: a cosine)."""
    from nonlinear.published import PUBLISHED
    from nonlinear.systems import SYSTEMS

    found: dict[str, list[str]] = {}
    for system in SYSTEMS.values():
        for name in system.terms(2):
            found.setdefault(PUBLISHED[name].what.name if name in PUBLISHED else name, []).append(system.name)
    return found
