"""Lemma 7: the cycle's minimum is two PCA tails, cut at the narrower domain, and it leaves translation open."""

import numpy as np
from matplotlib.figure import Figure

from proofs_check.figures.linear_case import SETTING, pair, panels, through, trained
from proofs_check.figures.style import GREEN, GREY, styled
from theory.solvers import cycle, pca

CONFIGURATION = f"{SETTING}; but y of width 2"
DY = 2


@styled
def figure(seed: int = 0) -> Figure:
    """Left: the least cycle loss over k and the stated tails of order k; right: R² of translation of the same coders.

    Examples
    --------
    >>> DY  # the narrower domain, where the tails are cut
    2
    """
    X, Y, m = pair(seed, DY)
    made, (left, right) = panels(2)
    ranks = range(1, 5)
    closed = [cycle.solve(m, k).optimum for k in ranks]
    paper = [pca.solve(m.Sx, k).optimum + (pca.solve(m.Sy, k).optimum if k <= DY else 0.0) for k in ranks]
    fits = [trained(X, Y, k, {"CYC": 1.0}, seed=seed, stall=1e-13) for k in ranks]
    through(left, list(ranks), closed, [f.losses for f in fits], paper, says="tails after k (the paper)")
    left.set(xlabel="codes k", ylabel="full cycle loss", xticks=ranks)
    for k, fit in zip(ranks, fits, strict=True):
        errors = ((X @ fit.coders["Wx"] @ fit.coders["Dy"] - Y) ** 2).sum((1, 2))
        right.plot([k] * len(errors), np.maximum(1 - errors / (Y**2).sum(), -10), "o", color=GREEN, fillstyle="none")
    right.axhline(0, color=GREY, linewidth=0.8)
    right.set(xlabel="codes k", ylabel="R² of translation x → y", xticks=ranks, ylim=(-10.5, 1.2))
    right.set_title("trained cycles; below −10 drawn there")
    return made
