"""Linear coders trained by gradient in float64, all starts as one batched model.

Row vectors: codes z = x Wx, reconstruction z Dx, translation x Wx Dy. What is trained is the properties of ``theory``
themselves; a constraint is a parametrisation, so it holds at every step.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from nonlinear import lbfgs
from nonlinear.parametrisation import parametrise
from theory.moments import Moments
from theory.properties import property_named
from theory.view import View

Weights = Mapping[str | tuple[str, str, str], float]


@dataclass(frozen=True, eq=False)
class Fit:
    """Outcome of training from several starts.

    Parameters
    ----------
    coders, initial
        "Wx" [starts, dx, k], "Dx" [starts, k, dx], "Wy", "Dy": at the end, and at the start.
    losses
        Final losses [starts].
    curve
        Losses [steps + 1, starts], from those of the start on; no column increases.

    Examples
    --------
    >>> fit = Fit({"Wx": np.array([[[1.0]], [[2.0]]])}, {}, np.array([3.0, 1.0]), np.array([[4.0, 4.0], [3.0, 1.0]]))
    >>> fit.best, fit.at(fit.best)["Wx"].tolist(), fit.drift.tolist()
    (1, [[2.0]], [1.0, 3.0])
    """

    coders: Mapping[str, np.ndarray]
    initial: Mapping[str, np.ndarray]
    losses: np.ndarray
    curve: np.ndarray

    @property
    def best(self) -> int:
        """Start with the least final loss."""
        return int(np.argmin(self.losses))

    @property
    def drift(self) -> np.ndarray:
        """Decrease of the loss over the last tenth of the steps [starts]."""
        return self.curve[-1 - max(1, len(self.curve) // 10)] - self.curve[-1]

    def at(self, start: int) -> dict[str, np.ndarray]:
        """Coders of one start."""
        return {name: w[start] for name, w in self.coders.items()}

    def measure(self, X: np.ndarray, Y: np.ndarray, weights: Weights) -> np.ndarray:
        """A weighted loss of the trained coders on the given rows, taken as they are [starts]."""
        return np.array([float(loss(X, Y, self.at(s), weights)) for s in range(len(self.losses))])


def linear_view(X, Y, coders: Mapping) -> View:
    """View of the streams "x" and "y" through linear coders; arrays of NumPy or torch.

    Examples
    --------
    >>> maps = {name: np.array([[2.0]]) for name in ("Wx", "Dx", "Wy", "Dy")}
    >>> linear_view(np.array([[1.0]]), np.array([[5.0]]), maps).code("y").tolist()
    [[10.0]]
    """
    Wx, Dx, Wy, Dy = (coders[name] for name in ("Wx", "Dx", "Wy", "Dy"))
    encoders = {"x": lambda a: a @ Wx, "y": lambda a: a @ Wy}
    return View({"x": X, "y": Y}, encoders, {"x": lambda z: z @ Dx, "y": lambda z: z @ Dy})


def loss(X, Y, coders: Mapping, weights: Weights):
    """Weighted sum of properties of linear coders.

    Parameters
    ----------
    X, Y
        Rows [n, dx] and [n, dy].
    coders
        "Wx" [dx, k], "Dx" [k, dx], "Wy", "Dy".
    weights
        Property name → weight; a triple such as ("TR", "x", "y") takes that edge of the property only.

    Raises
    ------
    KeyError
        Unknown property.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> X = np.array([[1.0], [-1.0]])
    >>> maps = {"Wx": one, "Dx": one, "Wy": one, "Dy": 2 * one}
    >>> float(loss(X, X, maps, {"REC": 1.0})), float(loss(X, X, maps, {("TR", "y", "x"): 1.0}))
    (1.0, 0.0)
    """
    view = linear_view(X, Y, coders)
    total = 0.0
    for term, weight in weights.items():
        name, *edge = (term,) if isinstance(term, str) else term
        p = property_named(name)
        total = total + weight * (p.level.loss(p.what, view, *edge) if edge else p.loss(view))
    return total


def train(
    X: np.ndarray,
    Y: np.ndarray,
    rank: int,
    weights: Weights,
    constraint: str = "none",
    *,
    starts: int = 12,
    seed: int = 0,
    steps: int = 1000,
    stall: float = 1e-13,
) -> Fit:
    """Train linear coders from random starts by full-batch quasi-Newton steps.

    Parameters
    ----------
    X, Y
        Matched rows [n, dx] and [n, dy]; they are centred here.
    rank
        Width k of the codes.
    weights
        As in :func:`loss`.
    constraint
        "none", "scaled", "whitened" or "joint", see :func:`nonlinear.parametrisation.parametrise`.
    starts, seed
        Start s is drawn from (seed, s) alone. Its law is invariant under rotations of the codes, and of the
        representations (whitened ones if the constraint whitens).
    steps
        Most iterations.
    stall
        A start rests after ten iterations of smaller decrease than this share of the largest initial loss.

    Raises
    ------
    ValueError
        Unknown constraint, or a rank that whitening cannot reach.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(30, 3))
    >>> fit = train(X, X[:, :2], 1, {"CC": 1.0}, "whitened", starts=3)
    >>> bool(fit.losses.max() < 1e-12)      # Y is part of X, so the first canonical correlation is 1
    True
    """
    moments = Moments.from_arrays(X, Y)
    Xt, Yt = torch.from_numpy(X - moments.mean_x), torch.from_numpy(Y - moments.mean_y)
    model = parametrise(moments, rank, constraint)
    start = torch.from_numpy(np.stack([model.start(np.random.default_rng([seed, s])) for s in range(starts)]))
    value = torch.func.vmap(lambda p: torch.as_tensor(loss(Xt, Yt, model.coders(p), weights)))
    least = stall * float(value(start).max())
    end, curve = lbfgs.minimise(value, start, steps, least)
    # A start may have come to rest against the singular set of the parametrisation: it goes on from elsewhere.
    while model.normal is not None and len(curve) <= steps:
        end, more = lbfgs.minimise(value, torch.func.vmap(model.normalised)(end), steps + 1 - len(curve), least)
        curve = torch.cat([curve, more[1:]])
        if bool((more[0] - more[-1] <= lbfgs.PATIENCE * least).all()):
            break
    initial, trained = ({n: w.numpy() for n, w in torch.func.vmap(model.coders)(p).items()} for p in (start, end))
    return Fit(trained, initial, curve[-1].numpy(), curve.numpy())
