"""E9: what identifies a translation: components that differ and are asymmetric (theorem C4), a number of pairs (C6).

Linear translators, trained for dTR alone on mixtures x = sM of independent components, no pair known. Where each
component is asymmetric and none has the law of another one or of its negative, the laws fix the translation; but
gradient descent ends as well in maps that exchange or reflect components, so that starts are told apart by their loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nonlinear.experiments.anchoring import anchored
from nonlinear.experiments.arms import VALIDATION, Arm
from nonlinear.experiments.descent import GRID, TRAINING, Rows, change, descend
from theory.ambiguity.components import Ambiguity, expected_matched_r_squared
from theory.discrepancy import distance_from_ecf, ecf, plugin_bias, random_slices

# The second differs from the first in one law, the negative of another one; the third has only second moments.
LAWS: Mapping[str, tuple[str, ...]] = {
    "different": ("rare", "exponential", "two-point"),
    "mirrored": ("rare", "-rare", "two-point"),
    "gaussian": ("gaussian", "gaussian", "gaussian"),
}
OTHER_LAWS: Mapping[str, tuple[str, ...]] = {
    "skewed": ("exponential", "-chi-square", "two-point"),
    "equal": ("exponential", "exponential", "exponential"),
    "symmetric": ("uniform", "laplace", "gaussian"),
    "one Gaussian": ("rare", "exponential", "gaussian"),
    "four": ("rare", "exponential", "-gamma-2", "two-point"),
}
STARTS, STEPS, BATCH_SLICES = 32, 200, 4
# Starts have reached equal laws if their own loss is at most so many times its floor; R² from which one translates.
REACHED, TRANSLATES = 4.0, 0.9
# Distance to a signed permutation, in units of its own size.
NEAR = 0.1
# Rows of either side and directions of the loss by which starts are chosen.
ROWS, SLICES = 4096, 16
SETTINGS: Mapping[str, Any] = {**TRAINING, "starts": STARTS, "steps": STEPS, "laws": [list(v) for v in LAWS.values()]}
MAP_SETTINGS: Mapping[str, Any] = {**SETTINGS, "laws": [list(v) for v in OTHER_LAWS.values()]}
# 148 of so many points are the share of 8 in 8192.
MANY = 148 * 8192 // 8


def many(points: int = MANY) -> Arm:
    """Return the arm with 148 anchors alone among more points; the anchors are the same rows.

    Examples
    --------
    >>> many().name
    'linear, 148 anchors of 151552 points'
    """
    few = anchored(148, laws=False)
    return replace(few, name=f"{few.name} of {points} points", rows=points)


def components(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Translators trained for equal laws without pairs, by the laws of the components.

    Returns
    -------
    list
        Per seed: ``seed``; for every name of ``LAWS``: ``best_name``: R² of the start with the least own loss, on rows
        of its own; ``reached_name``: mean R² of the starts whose laws are equal as far as that loss can
        tell; ``translates_name``: share of the starts with R² of ``TRANSLATES`` or more; ``mean_name``: mean R² of all;
        ``near_name``: share of the starts near a signed permutation of the components, the true one or another;
        ``over_name``: least loss over its floor; ``predicted_name``: expected R² by theorem C4. The same
        starts on shuffled fresh rows (``shuffled_``), and untrained (``untrained_``). ``change``: largest of the
        losses, in units of their first tenth.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch.multiple(__name__, STARTS=4, LAWS={"different": LAWS["different"]}):
    ...     (found,) = components([0])
    >>> found["best_different"] > 0.9, found["predicted_different"]
    (True, 1.0)
    """
    return _measured(seeds, LAWS)


def component_map(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return the same for ``OTHER_LAWS``.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch.multiple(__name__, STARTS=4, OTHER_LAWS={"equal": OTHER_LAWS["equal"]}):
    ...     (found,) = component_map([0])
    >>> round(found["predicted_equal"], 3), found["best_equal"] <= 1
    (-0.333, True)
    """
    return _measured(seeds, OTHER_LAWS)


def _measured(seeds: Sequence[int], families: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"seed": seed, "change": 0.0} for seed in seeds]
    for name, laws in families.items():
        data = [Rows(seed, laws) for seed in seeds]
        start = np.stack([rows.starts(STARTS) for rows in data])
        maps, curve = descend(data, start, STEPS, slices=BATCH_SLICES)
        for unit, rows, trained, initial, moved in zip(found, data, maps, start, change(curve, curve[0]), strict=True):
            own = own_losses(rows, trained)
            numbers = chosen(rows.r2(trained), own) | {"over": float(own.min())}
            numbers["near"] = float(np.mean(off_permutations(rows, trained) < NEAR))
            nulls = {
                "shuffled_": chosen(rows.r2(trained, shuffled=True), own),
                "untrained_": chosen(rows.r2(initial), own_losses(rows, initial)),
            }
            for prefix, of in {"": numbers, **nulls}.items():
                unit |= {f"{prefix}{key}_{name}": float(value) for key, value in of.items()}
            unit[f"predicted_{name}"] = expected_matched_r_squared(laws, 0)
            unit["change"] = max(unit["change"], float(moved))
    return found


def own_losses(rows: Rows, maps: np.ndarray) -> np.ndarray:
    """Distance of the laws of xA and y over its expectation for equal laws, for maps [starts, d, d].

    It is taken on disjoint rows that nothing else sees.

    Examples
    --------
    >>> rows = Rows(0, ["exponential"] * 2, points=64)
    >>> own, zero = own_losses(rows, np.stack([rows.pair.A, 0 * rows.pair.A]))
    >>> bool(0.1 < own < 3 < 100 < zero)
    True
    """
    streams = rows.pair.draw(2 * ROWS, VALIDATION + rows.seed).streams
    u = random_slices(np.random.default_rng([rows.seed, 65]), len(rows.pair.A), SLICES)
    x, y = (torch.from_numpy(z).float() for z in (streams["x"][:ROWS] @ (maps @ u), streams["y"][ROWS:] @ u))
    phi = ecf(y, GRID.nodes)
    floor = float(plugin_bias(phi, phi, ROWS, ROWS, GRID).mean())
    distances = (distance_from_ecf(ecf(a, GRID.nodes), phi, ROWS, ROWS, GRID) for a in x)
    return np.array([float(d.mean()) for d in distances]) / floor


def chosen(r2: np.ndarray, own: np.ndarray) -> dict[str, float]:
    """R² of the start with the least own loss, means of those that reached its floor and of all, share of good ones.

    Examples
    --------
    >>> chosen(np.array([1.0, 0.5, -1.0]), np.array([0.9, 2.0, 9.0]))["reached"]
    0.75
    """
    return {
        "best": float(r2[own.argmin()]),
        "reached": float(r2[own <= max(REACHED, own.min())].mean()),
        "translates": float(np.mean(r2 >= TRANSLATES)),
        "mean": float(r2.mean()),
    }


def off_permutations(rows: Rows, maps: np.ndarray) -> np.ndarray:
    """Squared distance of maps [starts, d, d] to the nearest one that permutes and reflects components, over d.

    Examples
    --------
    >>> rows = Rows(0, ["exponential", "two-point"], points=64)
    >>> off_permutations(rows, np.stack([-rows.pair.A, 0 * rows.pair.A])).round(12).tolist()
    [0.0, 1.0]
    """
    M, d = rows.pair.group.M, len(rows.pair.A)
    # Signs are free and the components equal: all signed permutations.
    every = np.array(list(Ambiguity(("uniform",) * d, np.eye(d)).signed_permutations()))
    local = M @ maps @ np.linalg.inv(M @ rows.pair.A)
    return ((local[:, None] - every) ** 2).sum((-1, -2)).min(1) / d
