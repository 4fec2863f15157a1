"""E4: R² against the number of known pairs, of Gaussian translators and of sparse coders, with the theorems' curves."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proofs_check.figures.seeds import LOWEST, handle, mean, numbers, title
from proofs_check.figures.style import BLUE, DOUBLE, GREEN, ORANGE, styled
from theory.ambiguity.permutations import identifying_anchors
from theory.ambiguity.rotations import expected_anchors_r_squared, expected_matched_r_squared

Results = Sequence[Mapping[str, Any]]
# Fits of the Gaussian runs: marker, colour, filled, shift along m, and what they are.
FITS = {
    "both": ("o", BLUE, True, -0.08, "TR on anchors + dTR"),
    "adam": ("D", BLUE, False, 0.0, "the same, Adam"),
    "procrustes": ("v", GREEN, False, 0.08, "Procrustes, rest at random"),
    "only": ("s", ORANGE, True, -0.05, "TR on anchors alone"),
    "ridge": ("^", GREEN, True, 0.05, "ridge on anchors"),
}
MAPS = {"ridge": ("^", "ridge"), "procrustes": ("v", "Procrustes with a scale")}
ARMS = {False: ("o", BLUE, "TR + CC on anchors"), True: ("s", ORANGE, "with dTR + dCC")}


@styled
def figure(document: Mapping[str, Any]) -> Figure:
    """Points with t-intervals over the number of anchors, and theory as lines.

    Above: 2m/d − 1 and m/d (theorem C2). Below: theorem C5a between the measured R²_CC of randomly and of best matched
    atoms, and (K/s) ln K, near which the anchors are enough.
    """
    made = Figure(figsize=(DOUBLE, 7.6), layout="constrained")
    above, below = made.subplots(2, 1, height_ratios=(1, 1.25))
    _gaussian(above, document["results"])
    _sparse(below, document["results"])
    for axes in (above, below):
        axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axes.set(ylim=(LOWEST - 0.15, 1.1), xlabel="anchors m (known pairs)")
        axes.spines[["top", "right"]].set_visible(False)
    made.suptitle(title(document))
    return made


def _gaussian(axes: Axes, results: Results) -> None:
    runs = {r["name"]: r for r in results}
    run = runs.get("gaussian curve") or runs.get("gaussian anchors")
    axes.set_title("Gaussian rows, linear translators", loc="left")
    axes.set_ylabel("R² of translation")
    if run is None:
        return
    d = run["settings"]["width"]
    counts = range(d + 1)
    axes.plot(counts, [expected_matched_r_squared(d, m) for m in counts], "-", color="black", label="2m/d − 1")
    axes.plot(counts, [expected_anchors_r_squared(d, m) for m in counts], "--", color="black", label="m/d")
    handles = axes.get_legend_handles_labels()[0]
    keys = dict.fromkeys(key for unit in run["units"] for key in unit)
    for name, (marker, colour, filled, shift, label) in FITS.items():
        known = [int(found[1]) for key in keys if (found := re.fullmatch(rf"{name}_(\d+)", key))]
        for m in known:
            mean(axes, m + shift, numbers(run["units"], f"{name}_{m}"), marker, colour, filled=filled)
        if known:
            handles.append(handle(marker, colour, label, filled=filled))
    axes.set_xticks(counts)
    _legend(axes, handles)


def _legend(axes: Axes, handles: Sequence[Artist]) -> None:
    """Beside the axes, where it hides no point."""
    if handles:
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1, 0.5))


def _sparse(axes: Axes, results: Results) -> None:
    arms = [r for r in results if "config" in r["settings"]]
    matched = next((r["units"] for r in results if r["name"] == "matched atoms"), [])
    handles, counts = [], set()
    for result in arms:
        config = result["settings"]["config"]
        m, laws = len(config.get("anchors", ())), "dTR" in config["weights"]
        marker, colour, _ = ARMS[laws]
        # Side by side on an axis that is logarithmic in 1 + m.
        at = (1 + m) * (1.06 if laws else 1 / 1.06) - 1
        mean(axes, at, numbers(result["units"], "r2", "TR"), marker, colour, filled=False)
        mean(axes, at, numbers(result["units"], "r2", "CC"), marker, colour)
        counts.add(m)
    for laws, (marker, colour, label) in ARMS.items():
        if any(laws == ("dTR" in r["settings"]["config"]["weights"]) for r in arms):
            handles += [
                handle(marker, colour, f"R²_CC, {label}"),
                handle(marker, colour, f"R²_TR, {label}", filled=False),
            ]
    shares = {int(k.removeprefix("share_")) for u in matched for k in u if k.startswith("share_")}
    for m in shares:
        values = [u["random"] + u[f"share_{m}"] * (u["best"] - u["random"]) for u in matched if f"share_{m}" in u]
        mean(axes, m, values, "D", GREEN)
        counts.add(m)
    if matched:
        handles.append(handle("D", GREEN, "R²_CC, atoms of REC\nmatched by anchors"))
    linear = next((r["units"] for r in results if r["name"] == "ridge and Procrustes"), [])
    for name, (marker, label) in MAPS.items():
        known = {int(k.removeprefix(f"{name}_")) for u in linear for k in u if k.startswith(f"{name}_")}
        for m in sorted(known):
            mean(axes, m, numbers(linear, f"{name}_{m}"), marker, "0.35", filled=False)
        if known:
            counts |= known
            handles.append(handle(marker, "0.35", f"R²_TR, {label}\non the anchors alone", filled=False))
    if arms:
        data = arms[0]["settings"]["data"]
        handles += _theory(axes, data["n_latents"], data["sparsity"], matched, max(counts))
    axes.set_xscale("function", functions=(np.log1p, np.expm1))
    axes.set_xlim(-0.15, 1.15 * max(counts, default=1))
    axes.set_xticks(sorted(counts))
    axes.set_title("Sparse coders", loc="left")
    axes.set_ylabel("R² of consistency, of translation (open)")
    _legend(axes, handles)


def _theory(axes: Axes, n_atoms: int, sparsity: int, matched: Sequence[Mapping[str, Any]], largest: int) -> list:
    from nonlinear.experiments.anchoring import predicted_share

    enough = identifying_anchors(n_atoms, sparsity)
    handles = [axes.axvline(enough, color="0.5", linestyle=":", label=f"(K/s) ln K = {enough:.0f}")]
    low, high = numbers(matched, "random"), numbers(matched, "best")
    if low and high:
        start, end = float(np.mean(low)), float(np.mean(high))
        counts = sorted({*range(min(largest, 64) + 1), largest})
        values = [start + (end - start) * predicted_share(n_atoms, sparsity, m) for m in counts]
        handles += axes.plot(counts, values, "-", color=GREEN, label="theorem C5a for matched atoms")
    return handles
