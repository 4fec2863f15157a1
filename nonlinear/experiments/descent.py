"""Linear translators by gradient descent on disjoint points, every start with its own batches and its own anchors (E9).

`nonlinear.translators` trains starts that share their anchors; here the starts of all seeds are one batched model.
"""

from collections.abc import Sequence

import numpy as np
import torch

import nonlinear.ecf  # noqa: F401  # the form of the distance for tensors
from nonlinear.linear_pairs import linear_pair
from theory.ambiguity.rotations import map_r_squared
from theory.discrepancy import ecf_distance, random_slices
from theory.moments import Moments
from theory.quadrature import TGrid, t_grid

POINTS, FRESH = 16384, 4096
# Rows of a side and directions of a batch. A coarse grid suffices for laws of variance 1.
SIDE, SLICES, GRID = 128, 8, t_grid(points=7)
RATE, MOMENTUM, SCALE, LINES = 0.5, 0.9, 0.1, 10
TRAINING = {"points": POINTS, "side": SIDE, "slices": SLICES, "rate": RATE, "scale": SCALE}


class Rows:
    """Rows x = sM and y = xA of one data seed, whitened: to train on, to choose by, and to measure on.

    Examples
    --------
    >>> rows = Rows(0, ["gaussian"] * 3, points=64)
    >>> round(float(rows.r2(rows.pair.A[None])[0]), 12)
    1.0
    """

    def __init__(self, seed: int, laws: Sequence[str], points: int = POINTS):
        self.seed, self.pair = seed, linear_pair(laws, structure=seed)
        known, fresh = (self.pair.draw(n, 2 * seed + k).streams for k, n in enumerate((points, FRESH)))
        self.X, self.Y = known["x"], known["y"]
        order = np.random.default_rng([seed, 12]).permutation(FRESH)
        self.moments, self.shuffled = (Moments.from_arrays(fresh["x"], y) for y in (fresh["y"], fresh["y"][order]))

    def r2(self, maps: np.ndarray, shuffled: bool = False) -> np.ndarray:
        """R² of x ↦ xA on fresh rows, for maps [starts, d, d]."""
        return np.array([map_r_squared(self.shuffled if shuffled else self.moments, A) for A in maps])

    def starts(self, count: int) -> np.ndarray:
        """Return small maps [count, d, d] to train from; their law is invariant under rotations."""
        d = len(self.pair.A)
        return SCALE * np.random.default_rng([self.seed, 62]).standard_normal((count, d, d)) / np.sqrt(d)


def descend(
    rows: Sequence[Rows],
    initial: np.ndarray,
    steps: int,
    anchors: tuple[np.ndarray, np.ndarray] | None = None,
    weight: float = 0.0,
    *,
    laws: bool = True,
    side: int = SIDE,
    slices: int = SLICES,
    grid: TGrid = GRID,
) -> tuple[np.ndarray, np.ndarray]:
    """Train maps by gradient descent with momentum, the rate falling to 0: dTR on disjoint points, TR on the anchors.

    Parameters
    ----------
    rows, initial
        Of every seed, and maps x ↦ xA [seeds, starts, d, d]. Every start has its own batches, those of a seed whatever
        the other seeds; x comes from the first half of the points, and y from the second.
    steps
        Number of steps.
    anchors, weight
        Rows of x and of y [seeds, starts, m, d], other ones for every start; the weight of their mean squared error.
    laws
        Whether there is the distributional term.
    side, slices, grid
        Rows of either side and directions of a step, and the t-grid.

    Returns
    -------
    maps [seeds, starts, d, d], and the losses [LINES, seeds] of each tenth of the steps, means over the starts.

    Examples
    --------
    >>> rows = [Rows(0, ["gaussian"] * 2, points=256)]
    >>> x = np.eye(2)[None, None]
    >>> maps, _ = descend(rows, 0.1 * x, 100, (x, x @ rows[0].pair.A), 1.0, laws=False)
    >>> bool(np.abs(maps[0, 0] - rows[0].pair.A).max() < 1e-3)          # two anchors fix a map of two dimensions
    True
    """
    seeds, starts, d, _ = initial.shape
    half = len(rows[0].X) // 2
    generators = [np.random.default_rng([r.seed, 61]) for r in rows]
    X, Y = (torch.from_numpy(np.stack([getattr(r, s) for r in rows])).float() for s in "XY")
    owner = torch.arange(seeds)[:, None, None]
    known = [torch.from_numpy(a).float() for a in anchors or ()]
    A = torch.from_numpy(initial).float().requires_grad_()
    optimiser = torch.optim.SGD([A], RATE, momentum=MOMENTUM)
    losses = []
    for step in range(steps):
        loss = torch.zeros(seeds, starts)
        if known:
            loss = loss + weight * ((known[0] @ A - known[1]) ** 2).sum(-1).mean(-1)
        if laws:
            drawn = [_draw(g, starts, side, half, d, slices) for g in generators]
            here, there, u = (torch.from_numpy(np.stack(part)) for part in zip(*drawn, strict=True))
            # Columns do not see each other: those of all maps are the columns of one sample.
            a, b = ((z @ u).movedim(2, 0) for z in (X[owner, here] @ A, Y[owner, there]))
            loss = loss + ecf_distance(a.flatten(1), b.flatten(1), grid).unflatten(0, a.shape[1:]).mean(-1)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.param_groups[0]["lr"] = RATE * (steps - step) / steps
        optimiser.step()
        losses.append(loss.detach().mean(1).double().numpy())
    curve = np.array([np.mean(part, axis=0) for part in np.array_split(np.array(losses), LINES)])
    return A.detach().double().numpy(), curve


def change(curve: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Change of the losses [LINES, seeds] from the last tenth but one to the last one, in units of a scale [seeds].

    Examples
    --------
    >>> change(np.array([[4.0], [2.0], [1.0]]), np.array([4.0]))
    array([0.25])
    """
    return np.abs(curve[-1] - curve[-2]) / scale


def _draw(
    rng: np.random.Generator, starts: int, side: int, half: int, d: int, slices: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of either side [starts, side], and directions [starts, d, slices]."""
    here, there = rng.integers(half, size=(2, starts, side))
    u = random_slices(rng, d, starts * slices).reshape(d, starts, slices).swapaxes(0, 1)
    return here, half + there, np.ascontiguousarray(u, dtype=np.float32)
