"""Lemma 3: whitened consistency is canonical correlation analysis."""

from matplotlib.figure import Figure

from proofs_check.figures.linear_case import SETTING, pair, panels, through, trained
from proofs_check.figures.style import BLUE, styled
from theory.solvers import cca

CONFIGURATION = SETTING


@styled
def figure(seed: int = 0) -> Figure:
    """Left: the least loss 2k − 2Σρ_i and trained coders; right: the canonical correlations.

    Examples
    --------
    >>> figure().axes[1].get_ylabel()
    'canonical correlation ρ'
    """
    X, Y, m = pair(seed)
    made, (left, right) = panels(2)
    ranks = range(1, 5)
    closed = [cca.solve(m, k).optimum for k in ranks]
    losses = [trained(X, Y, k, {"CC": 1.0}, "whitened", seed=seed).losses for k in ranks]
    through(left, list(ranks), closed, losses)
    left.set(xlabel="codes k", ylabel="whitened consistency loss", xticks=ranks)
    left.set_title("2k − 2Σρ")
    right.stem(list(ranks), cca.solve(m, 4).spectrum, linefmt=BLUE, basefmt=" ")
    right.set(xlabel="component", ylabel="canonical correlation ρ", xticks=ranks, ylim=(0, 1.05))
    return made
