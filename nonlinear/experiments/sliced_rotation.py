"""The translation that a loss of random slices finds, with a few pairs: a rotation of whitened rows, by gradient."""

from collections.abc import Sequence

import numpy as np
import torch

from nonlinear import ecf  # noqa: F401  # the form of the distance for tensors
from nonlinear.experiments.planted_pairs import Translator
from nonlinear.experiments.transfer import Map
from theory.anchors.stream import Stream
from theory.discrepancy import random_slices, sliced_ecf
from theory.levels import Distribution
from theory.linalg import svd

# Declared, not chosen: the weight makes a law that is off as heavy as a pair that is.
STEPS, RATE, SLICES, BATCH, WEIGHT = 400, 0.02, 64, 2048, 100.0


def by_slices(x: Stream, y: Stream, seed: int, steps: int = STEPS, weight: float = WEIGHT) -> Translator:
    """Return the translator that minimises the squared error of the pairs and the sliced distance of the laws.

    It starts at the best rotation for the pairs (Procrustes), at random where they leave it open, with either
    determinant, which no small step changes; that of the smaller loss counts. Batches of x and y show different points,
    and their distance is estimated without bias.

    Parameters
    ----------
    x, y
        Unpaired rows of equal rank.
    seed
        Of batches, slices and of what the pairs leave open.
    steps, weight
        Of Adam; of the distance.

    Raises
    ------
    ValueError
        The ranks differ.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows, turn = rng.exponential(size=(1200, 2)) - 1, np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> x, y = Stream("x", rows[:600]), Stream("y", rows[600:] @ turn)
    >>> translate = by_slices(x, y, seed=0, steps=40)(rows[:3], rows[:3] @ turn, rng)
    >>> bool(np.abs(translate(rows) - rows @ turn).mean() < 0.2)
    True
    """
    if x.rank != y.rank:
        raise ValueError(f"x has rank {x.rank} and y {y.rank}; a rotation needs equal ranks")
    (into_x, _), (into_y, out_of_y) = (s.coordinates for s in (x, y))
    unpaired = [torch.from_numpy(into(s.rows)).float() for into, s in ((into_x, x), (into_y, y))]

    def translator(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Map:
        source, known = into_x(a), into_y(b)
        P, _, Qt = svd(source.T @ known + 1e-6 * np.random.default_rng(seed).standard_normal((x.rank, y.rank)))
        sign = np.ones((2, x.rank))
        sign[1, -1] = -1  # of the direction that the pairs say least about
        pairs = [torch.from_numpy(v).float() for v in (source, known)]
        ends = [_trained(torch.from_numpy(P * s @ Qt).float(), pairs, unpaired, seed, steps, weight) for s in sign]
        found = min(ends, key=lambda end: end[0])[1]
        return lambda rows: out_of_y(into_x(rows) @ found)

    return translator


def _trained(
    start: torch.Tensor,
    pairs: Sequence[torch.Tensor],
    unpaired: Sequence[torch.Tensor],
    seed: int,
    steps: int,
    weight: float,
) -> tuple[float, np.ndarray]:
    """Mean loss of the last tenth of the steps, and the rotation."""
    rng, d, grid, losses = np.random.default_rng(seed), len(start), Distribution().grid, []
    skew = torch.zeros(d, d, requires_grad=True)
    optimiser = torch.optim.Adam([skew], lr=RATE)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = RATE * (1 - step / steps)
        Q = torch.linalg.matrix_exp(skew - skew.T) @ start
        x, y = (v[torch.from_numpy(rng.integers(len(v), size=min(BATCH, len(v))))] for v in unpaired)
        distance = sliced_ecf(x @ Q, y, random_slices(rng, d, SLICES), grid, unbiased=True)
        loss = ((pairs[0] @ Q - pairs[1]) ** 2).mean() + weight * distance
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    found = torch.linalg.matrix_exp(skew - skew.T) @ start
    return float(np.mean(losses[-max(steps // 10, 1) :])), found.detach().double().numpy()
