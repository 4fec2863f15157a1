"""E9: how much of an instance loss the batches leak into a distributional one (theorem F2).

Whitened Gaussian rows, y = xA. Among the maps with the law of y, A times rotations, nothing but the leak pulls towards
A. Maps that start at a known angle from A therefore measure its weight: under plain gradient descent the angle closes
at the rate weight × curvature of the instance loss, whatever else the distributional loss holds.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch

import nonlinear.ecf  # noqa: F401  # the form of the distance for tensors
from nonlinear.batch import ALL, Layout, Shuffle
from nonlinear.experiments.gaussian import WIDTH, Pair
from nonlinear.experiments.relaxation import GRID, kept
from nonlinear.strata import SAMPLINGS, strata
from nonlinear.translators import train
from theory.ambiguity.rotations import haar
from theory.discrepancy import random_slices, sliced_ecf

# Rows of either side of a batch; points of a set that no run exhausts, and of those that every run does; how many of
# these per seed.
SIZES, SIDE, MANY, FEW, SETS = (16, 64), 32, 4096, 64, 8
# Of the start from the truth, in radians; the learning rate, and random directions per step.
ANGLE, RATE, SLICES = 0.25, 1.0, 8
# Per set of points; more where the batches are small, or nothing but noise moves the maps.
STARTS, MORE = 8, 16
# Weights among which a measured one is looked up, in units of 1/steps.
WEIGHTS = np.linspace(-1.0, 6.0, 281)
# Of the map: rows of a side, points, and the forms of the loss.
MAP_SIZES, MAP_POINTS, FORMS = (16, 32, 64, 128, 256), (256, 1024, 4096), {"biased": False, "unbiased": True}
SETTINGS: Mapping[str, Any] = {
    "width": WIDTH,
    "sizes": list(SIZES),
    "points": [MANY, FEW, SETS],
    "side": SIDE,
    "angle": ANGLE,
    "starts": [STARTS, MORE],
    "rate": RATE,
    "slices": SLICES,
}
MAP_SETTINGS: Mapping[str, Any] = {
    "width": WIDTH,
    "sizes": list(MAP_SIZES),
    "points": list(MAP_POINTS),
    "starts": STARTS,
}


def descend(
    X: np.ndarray,
    Y: np.ndarray,
    initial: np.ndarray,
    steps: int,
    side: int,
    sampling: str,
    unbiased: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Plain gradient descent of dTR from given maps, all seeds and starts as one batched model.

    Parameters
    ----------
    X, Y
        Rows [seeds, N, d]; row r of both shows point r.
    initial
        Maps x ↦ xA [seeds, starts, d, d].
    steps, side
        Number of steps, and of rows of x and of y in each.
    sampling, unbiased
        Points of the two sides, see :func:`nonlinear.strata.strata`, and the form of the loss.

    Returns
    -------
    maps [seeds, starts, d, d] at the end, and the losses [steps, seeds], means over the starts.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(1, 64, 2))
    >>> maps, _ = descend(X, X, np.array([[[[0.8, 0.6], [-0.6, 0.8]]]]), 40, 8, "aligned")
    >>> bool(np.abs(maps - np.eye(2)).max() < 0.05)
    True
    """
    seeds, starts = initial.shape[:2]
    points = np.arange(X.shape[1])
    whole = sampling == "aligned"
    kinds = strata({"x": points, "y": points}, points, side if whole else 2 * side, sampling)
    layout = Layout(["x", "y"], kinds)
    shown = {"x": ALL, "y": ALL} if whole else {"x": layout.side("x", 0), "y": layout.side("y", 1)}
    shuffles = [Shuffle(kinds, number) for number in range(seeds * starts)]
    owner = torch.arange(seeds).repeat_interleave(starts)[:, None]
    rows = {"x": torch.from_numpy(X).float(), "y": torch.from_numpy(Y).float()}
    A = torch.from_numpy(initial).float().flatten(0, 1)
    losses = []
    for step in range(steps):
        numbers = [shuffle.rows(step) for shuffle in shuffles]
        x, y = (rows[s][owner, torch.from_numpy(np.stack([n[s][shown[s]] for n in numbers]))] for s in "xy")
        slices = torch.from_numpy(random_slices(np.random.default_rng([step, 52]), X.shape[2], SLICES)).float()

        def loss(a: torch.Tensor, x: torch.Tensor, y: torch.Tensor, slices: torch.Tensor = slices):
            value = sliced_ecf(x @ a, y, slices, GRID, unbiased)
            return value, value.detach()

        gradient, values = torch.func.vmap(torch.func.grad(loss, has_aux=True))(A, x, y)
        A = A - RATE * gradient
        losses.append(values.unflatten(0, (seeds, starts)).mean(1).double().numpy())
    return A.unflatten(0, (seeds, starts)).double().numpy(), np.array(losses)


class Starts:
    """Rows of some seeds, and maps at one angle from the truth.

    Parameters
    ----------
    seeds, points, sets
        Of the rows; points of a set, and sets per seed.
    count
        Of the maps per set.
    shuffled
        Rows of y of other points: pairs that are none. Another order would not do, as draws do not see it.

    Examples
    --------
    >>> starts = Starts([0, 1], 64, 3, sets=4)
    >>> starts.X.shape, starts.maps.shape
    ((8, 64, 6), (8, 3, 6, 6))
    """

    def __init__(self, seeds: Sequence[int], points: int, count: int, sets: int = 1, shuffled: bool = False):
        pairs = [Pair(seed, points * sets) for seed in seeds]
        self.seeds = len(seeds)
        self.A = np.repeat([pair.A for pair in pairs], sets, axis=0)
        self.X = np.concatenate([np.split(pair.X, sets) for pair in pairs])
        others = [pair.fresh_Y[: points * sets] if shuffled else pair.Y for pair in pairs]
        self.Y = np.concatenate([np.split(Y, sets) for Y in others])
        turned = [[pair.A @ R for R in _rotations(pair.seed, count * sets)] for pair in pairs]
        self.maps = np.array(turned).reshape(-1, count, WIDTH, WIDTH)

    def left(self, maps: np.ndarray) -> np.ndarray:
        """Part of the turn against the truth that maps still have [seeds, starts], the starts of all sets."""
        before, now = (_skew(self.A[:, None].swapaxes(-1, -2) @ m) for m in (self.maps, maps))
        return ((before * now).sum((2, 3)) / (before**2).sum((2, 3))).reshape(self.seeds, -1)

    def weight(self, steps: int, *how: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Descend, and return the weight of the instance loss that explains what is left of the turn [seeds].

        With it what is left [seeds, starts], and the change of the loss over the last tenth of the steps [seeds].
        """
        maps, losses = descend(self.X, self.Y, self.maps, steps, *how)
        left, tried = self.left(maps), WEIGHTS / steps
        losses = losses.reshape(steps, self.seeds, -1).mean(2)
        tenth = max(1, steps // 10)
        last, before, first = losses[-tenth:], losses[-2 * tenth : -tenth], losses[:tenth]
        change = (last.mean(0) - before.mean(0)) / np.abs(first.mean(0))
        return np.interp(-left.mean(1), -kept(RATE * tried, steps, WIDTH, ANGLE), tried), left, change


# Points, sets, starts, unit of the weight, and how to descend.
Runs = Mapping[str, tuple[int, int, int, int, tuple[int, int, str, bool]]]


def _aligned(n: int, starts: int, unbiased: bool = False) -> tuple[int, int, int, int, tuple[int, int, str, bool]]:
    return MANY, 1, starts, n, (n, n, "aligned", unbiased)


def weights(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Weight of the instance loss that matched batches leak.

    Returns
    -------
    list
        Per seed: ``seed``; ``aligned_n``: n × weight for row-matched batches of n of ``SIZES``, ``unbiased_n``: in the
        unbiased form, n the larger; ``disjoint``: n × weight for disjoint points, n = ``SIDE``, and ``disjoint_n`` in
        units of 1/n, a control. ``shuffled_`` before each: of pairs that are none; ``untrained_``: of the maps of the
        start, 0 by construction. ``left``: key → part of the turn that each start keeps. ``change``: largest of the
        loss over the last tenth of the steps.
    """
    small, large = SIZES
    runs: Runs = {
        f"aligned_{small}": _aligned(small, MORE),
        f"aligned_{large}": _aligned(large, STARTS),
        f"unbiased_{large}": _aligned(large, STARTS, unbiased=True),
        "disjoint": (MANY, 1, MORE, SIDE, (FEW, SIDE, "disjoint", False)),
    }
    found = _measure(seeds, runs)
    for one in found:
        one |= {f"disjoint_{n}": one["disjoint"] * n / SIDE for n in SIZES}
    return found


def sets(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Weight of the instance loss that independent draws from small sets leak; disjoint points beside it.

    Returns
    -------
    list
        Per seed as `weights`: in units of 1/``FEW``, ``independent`` for draws of as many points, mean over ``SETS``
        sets, and ``many`` for draws of ``MANY``; ``disjoint``; ``aligned_n`` for the smaller n of ``SIZES``.
    """
    how = FEW, SIDE, "independent", False
    runs: Runs = {
        "independent": (FEW, SETS, STARTS, FEW, how),
        "many": (MANY, 1, STARTS, FEW, how),
        "disjoint": (MANY, 1, STARTS, SIDE, (FEW, SIDE, "disjoint", False)),
        f"aligned_{SIZES[0]}": _aligned(SIZES[0], STARTS),
    }
    return _measure(seeds, runs)


def _measure(seeds: Sequence[int], runs: Runs) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"seed": seed, "change": 0.0, "left": {}} for seed in seeds]
    for key, (points, number, count, unit, how) in runs.items():
        measured = Starts(seeds, points, count, number).weight(*how)
        null = Starts(seeds, points, STARTS, shuffled=True).weight(*how)
        for one, value, left, change, other in zip(found, *measured, null[0], strict=True):
            one["left"][key] = left.tolist()
            one |= {key: float(unit * value), f"shuffled_{key}": float(unit * other), f"untrained_{key}": 0.0}
            one["change"] = max(one["change"], abs(float(change)))
    return found


def leak_map(seed: int) -> dict[str, Any]:
    """R² of translators from random starts by sampling, form, rows of a side and points: "aligned, biased, 16, 256"."""
    found: dict[str, Any] = {"seed": seed, "change": 0.0}
    for points in MAP_POINTS:
        pair = Pair(seed, points)
        for sampling, (form, unbiased), n in product(SAMPLINGS, FORMS.items(), MAP_SIZES):
            batch = n if sampling == "aligned" else 2 * n
            if batch <= points:
                how: dict[str, Any] = {"sampling": sampling, "unbiased": unbiased, "batch": batch, "starts": STARTS}
                fit = train(pair.X, pair.Y, {"dTR": 1.0}, seed=seed, **how)
                found[f"{sampling}, {form}, {n}, {points}"] = float(pair.r2(fit.maps).mean())
                found["change"] = max(found["change"], fit.change)
    return found


def _rotations(seed: int, count: int) -> list[np.ndarray]:
    """Rotations by ``ANGLE`` in uniformly distributed planes."""
    rng, turn = np.random.default_rng([seed, 51]), np.eye(WIDTH)
    turn[:2, :2] = [[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]]
    bases = [haar(WIDTH, rng) for _ in range(count)]
    return [H.T @ turn @ H for H in bases]


def _skew(M: np.ndarray) -> np.ndarray:
    return (M - M.swapaxes(-1, -2)) / 2
