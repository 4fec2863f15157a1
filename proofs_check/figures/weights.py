"""The choice of a law's weight on pilot seeds: R² and the distance of the laws against it."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from proofs_check.figures.seeds import LOWEST, handle, mean, numbers, title
from proofs_check.figures.style import BLUE, GREEN, ORANGE, styled

# Marker and filled by sampling; colours of the two R² and of the distance.
SAMPLINGS = {"disjoint": ("o", True), "aligned": ("s", False)}
WHATS = {"TR": BLUE, "CC": ORANGE}
TERMS = "dTR", "dCC"


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """One column per law whose weight varies; above R², below the distance of this law over its floor."""
    arms = [(r, r["settings"]["config"]) for r in document["results"]]
    values = {term: {c["weights"][term] for _, c in arms if term in c["weights"]} for term in TERMS}
    varied = [term for term in TERMS if len(values[term]) > 1] or list(TERMS)
    made = Figure(figsize=(4.5 * len(varied), 6), layout="constrained")
    columns = made.subplots(2, len(varied), sharex=True, sharey="row", squeeze=False, height_ratios=(2, 1)).T
    for term, (above, below) in zip(varied, columns, strict=True):
        for result, config in arms:
            if term not in config["weights"]:
                continue
            # Side by side on an axis that is logarithmic in the weight.
            marker, filled = SAMPLINGS[config.get("sampling", "disjoint")]
            at = config["weights"][term] * (1 / 1.08 if filled else 1.08)
            for what, colour in WHATS.items():
                mean(above, at, numbers(result["units"], "r2", what), marker, colour, filled=filled)
            mean(below, at, numbers(result["units"], "over_floor", term), marker, GREEN, filled=filled)
        above.set_title(f"weight of {term}", loc="left")
        above.set_ylim(LOWEST, 1.1)
        above.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        below.axhline(1, color="black", linewidth=0.8, zorder=0)
        below.set(xscale="log", yscale="log", xlabel=f"weight of {term}, that of REC is 1")
    columns[0][0].set_ylabel("R²")
    columns[0][1].set_ylabel("distance of the law\nover its floor")
    handles = [handle("o", colour, f"R²_{what}") for what, colour in WHATS.items()] + [handle("o", GREEN, "distance")]
    handles += [handle(m, "0.4", f"{name} batches", filled=filled) for name, (m, filled) in SAMPLINGS.items()]
    made.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    made.suptitle(title(document))
    return made
