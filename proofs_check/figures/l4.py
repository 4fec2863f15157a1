"""Lemma 4: reconstruction moves whitened coders from the CCA to the PCA; the trade-off does not disappear."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.linalg import subspace_angles

from proofs_check.figures.linear_case import RANK, TRADEOFF, TRADEOFF_STARTS, WEIGHTS, pair, panels, through, trained
from proofs_check.figures.style import BLUE, ORANGE, styled
from theory.solvers import cca, consistency_tradeoff, pca

CONFIGURATION = TRADEOFF


@styled
def figure(seed: int = 0) -> Figure:
    """Left: the least loss over λ, and what the CCA's encoders give; right: angles to the CCA and the PCA.

    Examples
    --------
    >>> len(WEIGHTS), RANK  # `figure()` trains at each of them
    (7, 2)
    """
    from nonlinear.linear import loss

    X, Y, m = pair(seed)
    made, (left, right) = panels(2)
    found = consistency_tradeoff.path(m, RANK, list(WEIGHTS))
    still = cca.solve(m, RANK)
    kept = {"Wx": still.maps["Wx"], "Wy": still.maps["Wy"]}
    kept |= {"Dx": kept["Wx"].T @ m.Sx, "Dy": kept["Wy"].T @ m.Sy}
    size = 1 + WEIGHTS
    terms: list[dict[Any, float]] = [{"CC": 1.0, "REC": float(w)} for w in WEIGHTS]
    paper = np.array([float(loss(X, Y, kept, t)) for t in terms])
    fits = [trained(X, Y, RANK, t, "whitened", seed=seed, starts=TRADEOFF_STARTS) for t in terms]
    losses = [fit.losses / s for fit, s in zip(fits, size, strict=True)]
    closed = np.array([s.optimum for s in found]) / size
    through(
        left,
        list(WEIGHTS),
        list(closed),
        losses,
        list(paper / size),
        solved="solver",
        says="the CCA for every λ (the paper)",
        legend="upper left",
    )
    left.set(xlabel="reconstruction weight λ", ylabel="(CC + λ REC) / (1 + λ)", xscale="log", ylim=(0, 19))
    ends = {"solver, to the CCA": still.maps["Wx"], "solver, to the PCA": pca.solve(m.Sx, RANK).maps["W"]}
    for (label, W), line in zip(ends.items(), ("-", ":"), strict=True):
        angles = [np.degrees(subspace_angles(s.maps["Wx"], W)[0]) for s in found]
        right.plot(WEIGHTS, angles, line, color=BLUE, label=label)
    right.set(
        xlabel="reconstruction weight λ", ylabel="largest angle of span Wx, degrees", xscale="log", ylim=(-3, 105)
    )
    right.axhline(0, color=ORANGE, linestyle="--", label="to the CCA, as the paper states it")
    right.legend(loc="upper center")
    return made
