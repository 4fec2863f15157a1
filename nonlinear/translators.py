"""Linear translators x ↦ xA, trained for equal laws, for anchors or for both; all starts as one batched model.

Plain gradient descent on small batches, because what is studied is the batch: which points it shows on either side of
a distributional term (theorem F2), and how many of them are known pairs (theorem C2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nonlinear.batch import BatchView, Layout, Shuffle
from nonlinear.losses import Objective
from nonlinear.strata import labelled_points, strata

LINES = 20
MOMENTUM, DECAY = 0.9, 0.5


@dataclass(frozen=True, eq=False)
class Fit:
    """Outcome of training from several starts.

    Parameters
    ----------
    maps, initial
        A [starts, dx, dy]: at the end, and at the start.
    curve
        Mean loss of each twentieth of the steps [20, starts]; of each step where there are fewer.

    Examples
    --------
    >>> fit = Fit(np.ones((1, 2, 2)), np.zeros((1, 2, 2)), np.array([[4.0], [2.0], [2.0], [1.0]]))
    >>> fit.change     # from 2 to 1, in units of 4
    0.25
    """

    maps: np.ndarray
    initial: np.ndarray
    curve: np.ndarray

    @property
    def change(self) -> float:
        """Largest change of a start's mean loss over the last tenth of the steps, in units of its first mean loss."""
        before = self.curve[max(0, len(self.curve) - 3)]
        return float(np.abs((self.curve[-1] - before) / self.curve[0]).max())


class _Translator:
    """Coders whose code is the row itself, and whose only decoder is A."""

    def __init__(self, A: torch.Tensor):
        self.A = A

    def code(self, i: str, x: Mapping[str, torch.Tensor], layout: Layout) -> torch.Tensor:
        return x[i]

    def decode(self, j: str, z: torch.Tensor) -> torch.Tensor:
        return z @ self.A


def train(
    X: np.ndarray,
    Y: np.ndarray,
    weights: Mapping[str, float],
    anchors: Sequence[int] | None = None,
    *,
    sampling: str = "disjoint",
    unbiased: bool = False,
    starts: int = 16,
    seed: int = 0,
    scale: float = 0.1,
    batch: int = 128,
    n_slices: int = 8,
    steps: int = 400,
    lr: float = 0.5,
    optimiser: str = "sgd",
) -> Fit:
    """Train translators x ↦ xA, edge x → y only.

    Parameters
    ----------
    X, Y
        Rows [n, dx] and [n, dy]; row r of both shows point r. They are taken as they are: centre them.
    weights
        Property → weight, of "TR" (at the matched rows of the batch) and "dTR" (eq. 23).
    anchors
        Points whose pairs are known: all of them are in every batch. None: all pairs are known, which the
        distributional term sees only by its sampling.
    sampling
        Points that the two sides of dTR show, see :func:`nonlinear.strata.strata`.
    unbiased, n_slices
        Form of dTR, and its random directions per step.
    starts, seed, scale
        Start s is scale·N(0, 1/dx) in every entry, drawn from (seed, s) alone; its law is invariant under rotations.
    batch, steps, lr
        Rows of each stream per step, steps, and the learning rate, which falls to 0 over the second half.
    optimiser
        "sgd": gradient descent with momentum, which commutes with rotations; "adam", which does not.

    Raises
    ------
    ValueError
        Streams of different lengths, an unknown optimiser, another property than TR and dTR, anchors or a batch that do
        not suit the points, or a loss that is not finite.

    Notes
    -----
    On m < dx anchors alone the result is the minimum-norm regression, plus the part of the start that no anchor sees.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(64, 2))
    >>> fit = train(X, -X, {"TR": 1.0}, anchors=[0, 1], starts=2, batch=16, steps=400)
    >>> bool(np.abs(fit.maps + np.eye(2)).max() < 1e-3)          # two anchors fix a map of two dimensions
    True
    """
    if optimiser not in ("sgd", "adam"):
        raise ValueError(f"optimiser is {optimiser!r}; use sgd or adam")
    if not weights.keys() <= {"TR", "dTR"} or not any(weights.values()):
        raise ValueError(f"weights are {dict(weights)}; give TR, dTR or both a positive weight")
    if len(X) != len(Y) or steps < 1:
        raise ValueError(
            f"{len(X)} rows of x, {len(Y)} of y and {steps} steps; pass matched rows and at least one step"
        )
    points = np.arange(len(X))
    ids = {"x": points, "y": points}
    known = points if anchors is None else points[:0]
    if anchors:
        known = labelled_points(ids, 1.0, list(anchors), seed)
    kinds = strata(ids, known, batch, sampling, matched=None if anchors is None else len(known), seed=seed)
    layout = Layout(["x", "y"], kinds, sampling == "aligned")
    # Every start has its own batches: a common order would lead all starts the same way.
    shuffles = [Shuffle(kinds, seed * starts + s) for s in range(starts)]
    terms = Objective.of(weights, sparsity=1, unbiased=unbiased, n_slices=n_slices).terms
    rows = {"x": torch.from_numpy(X).float(), "y": torch.from_numpy(Y).float()}
    shape = (X.shape[1], Y.shape[1])
    drawn = [np.random.default_rng([seed, 21, s]).standard_normal(shape) for s in range(starts)]
    initial = scale * np.stack(drawn) / np.sqrt(shape[0])
    A = torch.from_numpy(initial).float().requires_grad_()
    inner = torch.optim.SGD([A], lr, momentum=MOMENTUM) if optimiser == "sgd" else torch.optim.Adam([A], lr)
    sums, curve, done, lines = torch.zeros(starts), [], 0, min(LINES, steps)
    for step in range(steps):
        numbers = [shuffle.rows(step) for shuffle in shuffles]
        here = {s: x[torch.from_numpy(np.stack([n[s] for n in numbers]))] for s, x in rows.items()}

        def value(a: torch.Tensor, here: Mapping[str, torch.Tensor], step: int = step) -> torch.Tensor:
            view = BatchView(here, _Translator(a), layout, [("x", "y")], step)
            return sum((w * torch.as_tensor(p.loss(view)) for p, w in terms), torch.zeros(()))

        losses = torch.func.vmap(value)(A, here)
        inner.zero_grad()
        losses.sum().backward()
        inner.param_groups[0]["lr"] = lr * min(1.0, (steps - step) / (DECAY * steps))
        inner.step()
        sums, done = sums + losses.detach(), done + 1
        if step + 1 == round((len(curve) + 1) * steps / lines):
            curve.append((sums / done).double().numpy())
            sums, done = torch.zeros(starts), 0
    if not np.isfinite(curve).all():
        raise ValueError(f"the loss is not finite; lower the learning rate {lr:g}, or look for huge values in the rows")
    return Fit(A.detach().double().numpy(), initial, np.array(curve))
