"""Lemma 1: reconstruction fixes the principal subspace; whitening does not select the principal directions."""

import numpy as np
from matplotlib.figure import Figure

from proofs_check.figures.linear_case import SETTING, pair, panels, through, trained
from proofs_check.figures.style import BLUE, GREEN, ORANGE, styled
from theory.solvers import pca

CONFIGURATION = f"{SETTING}; right: k = 2, whitened coders"


@styled
def figure(seed: int = 0) -> Figure:
    """Left: the least loss is the PCA tail; right: angles of trained whitened encoders, a rotation off the directions.

    Examples
    --------
    >>> CONFIGURATION.endswith("k = 2, whitened coders")
    True
    """
    X, Y, m = pair(seed)
    made, (left, right) = panels(2)
    ranks = range(1, 5)
    closed = [pca.solve(m.Sx, k).optimum + pca.solve(m.Sy, k).optimum for k in ranks]
    through(left, list(ranks), closed, [trained(X, Y, k, {"REC": 1.0}, seed=seed).losses for k in ranks])
    left.set(xlabel="codes k", ylabel="reconstruction loss, both domains", xticks=ranks)
    left.set_title("the principal subspace is reached …")

    V = np.linalg.eigh(m.Sx)[1][:, ::-1]
    W = trained(X, Y, 2, {"REC": 1.0}, "whitened", seed=seed).coders["Wx"]
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    to_span = np.degrees(np.arccos(np.clip(np.linalg.norm(V[:, :2].T @ unit, axis=1), 0, 1)))
    to_direction = np.degrees(np.arccos(np.clip(np.abs(V[:, :2].T @ unit).max(axis=1), 0, 1)))
    columns = np.arange(1, 3)
    for shift, angles, marker, colour, label in (
        (-0.1, to_span, "s", BLUE, "to the principal plane"),
        (0.1, to_direction, "o", GREEN, "to the nearest principal direction"),
    ):
        right.plot((columns + shift) * np.ones_like(angles), angles, marker, color=colour, fillstyle="none")
        right.plot([], [], marker, color=colour, fillstyle="none", label=label)
    right.axhline(0, color=ORANGE, linestyle="--", label="as the paper states it")
    right.set(xlabel="column of the encoder", ylabel="angle in degrees", xticks=columns, xlim=(0.5, 2.5), ylim=(-3, 62))
    right.set_title("… its directions are not (whitened)")
    right.legend(loc="upper right")
    return made
