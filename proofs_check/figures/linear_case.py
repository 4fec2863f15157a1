"""What the figures of the linear lemmas share: one pair of domains, and closed forms drawn through trained coders."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proofs_check.figures.style import BLUE, DOUBLE, GREEN, ORANGE
from theory.moments import Moments

ROWS, WIDTHS, STARTS = 60, (5, 4), 4
SETTING = f"{ROWS} Gaussian rows, widths {WIDTHS[0]} and {WIDTHS[1]}, {STARTS} starts per point, seed 0"
# Of the trade-offs, whose whitened coders have mirror images that trap starts.
RANK, WEIGHTS, TRADEOFF_STARTS = 2, np.geomspace(0.01, 100, 7), 8
TRADEOFF = f"{SETTING}; but {TRADEOFF_STARTS} starts; k = {RANK}, reconstruction weight λ from .01 to 100"


def pair(seed: int, dy: int = WIDTHS[1]) -> tuple[np.ndarray, np.ndarray, Moments]:
    """Two correlated, centred domains [60, 5] and [60, dy] whose variances differ by direction, and their moments.

    Examples
    --------
    >>> X, Y, m = pair(0)
    >>> X.shape, Y.shape, m.dx
    ((60, 5), (60, 4), 5)
    """
    rng = np.random.default_rng(seed)
    dx, shared = WIDTHS[0], rng.normal(size=(ROWS, 3))
    X = (shared @ rng.normal(size=(3, dx)) + rng.normal(size=(ROWS, dx))) * np.geomspace(2.0, 0.5, dx)
    Y = (shared @ rng.normal(size=(3, dy)) + rng.normal(size=(ROWS, dy))) * np.geomspace(0.5, 2.0, dy)
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return X, Y, Moments.from_arrays(X, Y)


def trained(
    X,
    Y,
    rank: int,
    weights: Mapping,
    constraint: str = "none",
    *,
    seed: int = 0,
    starts: int = STARTS,
    steps: int = 600,
    stall: float = 1e-9,
):
    """Linear coders trained by gradient from several starts; torch is imported here.

    Examples
    --------
    >>> X, Y, m = pair(0)
    >>> fit = trained(X, Y, 1, {"REC": 1.0})
    >>> bool(fit.losses.min() < np.trace(m.Sx) + np.trace(m.Sy))
    True
    """
    from nonlinear import linear

    return linear.train(X, Y, rank, weights, constraint, starts=starts, seed=seed, steps=steps, stall=stall)


def panels(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of two columns' width with so many panels side by side.

    Examples
    --------
    >>> len(panels(2)[1])
    2
    """
    made = Figure(figsize=(DOUBLE, 2.9), layout="constrained")
    return made, list(made.subplots(1, count, squeeze=False)[0])


def through(
    axes: Axes,
    at: Sequence[float],
    closed: Sequence[float],
    losses: Sequence[np.ndarray],
    paper: Sequence[float] | None = None,
    *,
    says: str = "as the paper states it",
    solved: str = "closed form",
    legend: Any = "best",
) -> None:
    """Draw a closed form through the losses that training reached, and what the paper states where that differs.

    Parameters
    ----------
    at
        Position of each closed form on the x axis.
    closed, paper
        The corrected minimum; and the stated one, or None.
    losses
        Final losses of all starts [starts], for each position. The best start of each is filled.
    says, solved
        The label of what the paper states, and of what holds instead.
    legend
        Where the legend stands.
    """
    if paper is not None:
        axes.plot(at, paper, "--", color=ORANGE, label=says)
    axes.plot(
        at,
        closed,
        "-",
        color=BLUE,
        gid="closed",
        label=f"{solved}, corrected" if paper is not None else solved,
    )
    for x, found in zip(at, losses, strict=True):
        axes.plot([x] * len(found), found, "o", color=GREEN, fillstyle="none", alpha=0.6)
        axes.plot(x, min(found), "o", color=GREEN, gid="trained")
    axes.plot([], [], "o", color=GREEN, label="trained, best start")
    axes.plot([], [], "o", color=GREEN, fillstyle="none", label="other starts")
    axes.legend(loc=legend)


def missed(made: Figure) -> float:
    """Largest distance of the best trained coders from the closed form that is drawn, over its largest value.

    Examples
    --------
    >>> made, (axes,) = panels(1)
    >>> through(axes, [1, 2], [2.0, 1.0], [np.array([2.0]), np.array([1.5, 1.25])])
    >>> missed(made)
    0.125
    """
    lines = {name: [p for p in made.axes[0].lines if p.get_gid() == name] for name in ("closed", "trained")}
    closed = np.asarray(lines["closed"][0].get_ydata(), dtype=float)
    best = np.array([np.asarray(p.get_ydata(), dtype=float)[0] for p in lines["trained"]])
    return float(np.abs(best - closed).max() / np.abs(closed).max())
