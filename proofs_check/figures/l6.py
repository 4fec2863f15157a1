"""Lemma 6: with reconstruction, translation mixes two regressions and two PCAs; the CCA is neither."""

from typing import Any

from matplotlib.figure import Figure

from proofs_check.figures.linear_case import RANK, TRADEOFF, TRADEOFF_STARTS, WEIGHTS, pair, panels, through, trained
from proofs_check.figures.style import styled
from theory.solvers import cca, translation_tradeoff

CONFIGURATION = TRADEOFF


@styled
def figure(seed: int = 0) -> Figure:
    """Draw the least loss over λ, what the CCA's encoders give with their best decoders, and trained coders.

    Examples
    --------
    >>> len(WEIGHTS), RANK  # `figure()` trains at each of them
    (7, 2)
    """
    from nonlinear.linear import loss

    X, Y, m = pair(seed)
    made, (axes,) = panels(1)
    found = translation_tradeoff.path(m, RANK, list(WEIGHTS))
    W = cca.solve(m, RANK).maps
    paper, losses = [], []
    for w in map(float, WEIGHTS):
        terms: dict[Any, float] = {"TR": 1.0, "REC": w}
        Dy = (W["Wx"].T @ m.Sxy + w * W["Wy"].T @ m.Sy) / (1 + w)
        Dx = (W["Wy"].T @ m.Sxy.T + w * W["Wx"].T @ m.Sx) / (1 + w)
        paper.append(float(loss(X, Y, {"Wx": W["Wx"], "Wy": W["Wy"], "Dx": Dx, "Dy": Dy}, terms)) / (1 + w))
        losses.append(trained(X, Y, RANK, terms, "whitened", seed=seed, starts=TRADEOFF_STARTS).losses / (1 + w))
    closed = [float(s.optimum / (1 + w)) for s, w in zip(found, WEIGHTS, strict=True)]
    through(
        axes,
        list(WEIGHTS),
        closed,
        losses,
        paper,
        solved="solver",
        says="the CCA's encoders for every λ (the paper)",
    )
    axes.set(xlabel="reconstruction weight λ", ylabel="(TR + λ REC) / (1 + λ)", xscale="log")
    return made
