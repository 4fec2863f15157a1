"""The choice of a law's weight on pilot seeds: R² and the distance of the laws against it."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from proofs_check.figures.seeds import LOWEST, handle, mean, numbers, title
from proofs_check.figures.style import BLUE, DOUBLE, GREEN, ORANGE, SINGLE, styled

# Filled by sampling; marker and colour of the two R².
SAMPLINGS = {"disjoint": True, "aligned": False}
WHATS = {"TR": ("o", BLUE), "CC": ("s", ORANGE)}
TERMS = "dTR", "dCC"


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """One column per law whose weight varies; above R², below the distance of this law over its floor."""
    arms = [(r, r["settings"]["config"]) for r in document["results"]]
    values = {term: {c["weights"][term] for _, c in arms if term in c["weights"]} for term in TERMS}
    varied = [term for term in TERMS if len(values[term]) > 1] or list(TERMS)
    made = Figure(figsize=(DOUBLE if len(varied) > 1 else SINGLE, 4.6), layout="constrained")
    columns = made.subplots(2, len(varied), sharex=True, sharey="row", squeeze=False, height_ratios=(2, 1)).T
    for term, (above, below) in zip(varied, columns, strict=True):
        for result, config in arms:
            if term not in config["weights"]:
                continue
            # Side by side on an axis that is logarithmic in the weight.
            filled = SAMPLINGS[config.get("sampling", "disjoint")]
            at = config["weights"][term] * (1 / 1.08 if filled else 1.08)
            for what, (marker, colour) in WHATS.items():
                mean(
                    above,
                    at * (1 / 1.14 if what == "TR" else 1.14),
                    numbers(result["units"], "r2", what),
                    marker,
                    colour,
                    filled=filled,
                )
            mean(below, at, numbers(result["units"], "over_floor", term), "D", GREEN, filled=filled)
        above.set_title(f"weight of {term}", loc="left")
        above.set_ylim(LOWEST, 1.1)
        above.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        below.axhline(1, color="black", linewidth=0.8, zorder=0)
        below.set(xscale="log", yscale="log", xlabel=f"weight of {term}, that of REC is 1")
    columns[0][0].set_ylabel("R²")
    columns[0][1].set_ylabel("distance of the law\nover its floor")
    handles = [handle(*look, f"R²_{what}") for what, look in WHATS.items()] + [handle("D", GREEN, "distance")]
    seen = {c.get("sampling", "disjoint") for _, c in arms}
    handles += [handle("o", "0.4", f"{s} batches", filled=f) for s, f in SAMPLINGS.items() if s in seen]
    made.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    made.suptitle(title(document).replace(": ", ":\n").replace("; ", ";\n") if len(varied) == 1 else title(document))
    return made
