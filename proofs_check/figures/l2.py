"""Lemma 2: consistency alone collapses, and only rotations leave it as it is."""

import numpy as np
from matplotlib.figure import Figure

from proofs_check.figures.linear_case import SETTING, pair, panels, trained
from proofs_check.figures.style import BLUE, GREEN, ORANGE, styled

MAPS = 40
CONFIGURATION = f"{SETTING}; k = 2; {MAPS} random maps of the codes"


@styled
def figure(seed: int = 0) -> Figure:
    """Left: losses of trained coders fall to 0; right: the loss after a common map of the codes, over that before.

    Examples
    --------
    >>> figure().axes[1].get_xscale()
    'log'
    """
    from nonlinear.linear import loss

    X, Y, _ = pair(seed)
    made, (left, right) = panels(2)
    fit = trained(X, Y, 2, {"CC": 1.0}, seed=seed, steps=60)
    left.plot(fit.curve, color=GREEN, linewidth=1)
    left.plot([], [], color=GREEN, label="trained, each start")
    left.set(xlabel="steps", ylabel="consistency loss", yscale="log", xlim=(0, None))
    left.set_title("without a constraint codes vanish")
    left.legend()

    rng = np.random.default_rng(seed)
    start = {name: w[0] for name, w in fit.initial.items()}
    before = float(loss(X, Y, start, {"CC": 1.0}))
    found: dict[str, list[tuple[float, float]]] = {"rotation": [], "invertible": []}
    for _ in range(MAPS):
        A = rng.normal(size=(2, 2))
        for name, B in (("rotation", np.linalg.qr(A)[0]), ("invertible", A)):
            moved = start | {s: start[s] @ B for s in ("Wx", "Wy")}
            found[name].append((np.linalg.cond(B), float(loss(X, Y, moved, {"CC": 1.0})) / before))
    for name, marker, colour in (("rotation", "s", BLUE), ("invertible", "o", GREEN)):
        right.plot(*zip(*found[name], strict=True), marker, color=colour, fillstyle="none", label=name)
    right.axhline(1, color=ORANGE, linestyle="--", label="any of them (the paper)")
    right.set(xlabel="condition number of the map", ylabel="loss after / loss before", xscale="log", yscale="log")
    right.set_title("only rotations change nothing")
    right.set_ylim(0.01, None)
    right.legend(loc="lower right")
    return made
