"""Lemma 5: translation is reduced-rank regression; the CCA's encoder does not reach it."""

import numpy as np
from matplotlib.figure import Figure

from proofs_check.figures.linear_case import SETTING, pair, panels, through, trained
from proofs_check.figures.style import styled
from theory.solvers import cca, reduced_rank

CONFIGURATION = SETTING
EDGE = ("TR", "x", "y")


@styled
def figure(seed: int = 0) -> Figure:
    """Draw the least loss of x → y over k, what the CCA's encoder gives with its best decoder, and trained coders.

    Examples
    --------
    >>> figure().axes[0].get_ylabel()
    'translation loss x → y'
    """
    X, Y, m = pair(seed)
    made, (axes,) = panels(1)
    ranks = range(1, 5)
    closed = [reduced_rank.solve(m, k).optimum for k in ranks]
    paper = []
    for k in ranks:
        W = cca.solve(m, k).maps["Wx"]
        paper.append(float(np.trace(m.Sy) - ((W.T @ m.Sxy) ** 2).sum()))  # codes are white
    losses = [trained(X, Y, k, {EDGE: 1.0}, seed=seed).losses for k in ranks]
    through(axes, list(ranks), closed, losses, paper, says="with the CCA's encoder (the paper)")
    axes.set(xlabel="codes k", ylabel="translation loss x → y", xticks=ranks)
    return made
