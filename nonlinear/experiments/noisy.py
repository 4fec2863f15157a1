"""E9: where matching the laws begins to help when the known pairs are noisy (theorem C3); linear translators.

Whitened Gaussian rows, y = xA with A orthogonal, and m anchors whose y has noise of standard deviation σ. Fitted alone
they give least squares. With the distributional loss, weighed so that the anchors cannot bend the law, they give an
orthogonal map, drawn at random where they leave it open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from nonlinear.experiments.descent import GRID, TRAINING, Rows, change, descend
from theory.ambiguity.noisy_anchors import least_squares_error, procrustes_error, squared_singular_values
from theory.ambiguity.rotations import haar
from theory.linalg import svd

WIDTH = 6
# Steps on the anchors alone, at a weight that suits the rate, and steps after them, of both arms. There the weight has
# to be far below the curvature of dTR, about .01, or the anchors bend the law.
ALONE, ALONE_WEIGHT, STEPS, WEIGHT = 400, 0.3, 150, 0.01


@dataclass(frozen=True)
class Setting:
    """Number of anchors, their noise, and how many sets of them each seed has.

    Examples
    --------
    >>> Setting(3, 0.1, 8).width
    6
    """

    anchors: int
    sigma: float
    draws: int
    width: int = WIDTH


# Half as many anchors as dimensions, one fewer, one more, and twice as many.
JUDGED = Setting(3, 0.1, 40), Setting(5, 0.1, 24), Setting(7, 0.1, 16), Setting(12, 0.3, 12)
MAP = tuple(
    Setting(m, sigma, 16, d)
    for d, sigma in product((4, 6, 8, 16), (0.05, 0.1, 0.2, 0.4))
    for m in sorted({d // 2, d - 2, d - 1, d, d + 1, d + 2, 3 * d // 2, 2 * d, 4 * d})
)
SCHEDULE = {**TRAINING, "steps": [ALONE, STEPS], "weights": [ALONE_WEIGHT, WEIGHT]}
SETTINGS: Mapping[str, Any] = {**SCHEDULE, "cases": [list(vars(s).values()) for s in JUDGED]}
MAP_SETTINGS: Mapping[str, Any] = {**SCHEDULE, "cases": [list(vars(s).values()) for s in MAP]}


def gains(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """What matching the laws gains over the anchors alone, by their number.

    Returns
    -------
    list
        Per seed: ``seed``, and for the m of ``JUDGED``, means over sets of anchors: ``both_m``, ``only_m``, ``ridge_m``
        and ``procrustes_m``: R² with the laws, of the anchors alone, of ridge with its best penalty, and of the
        orthogonal fit; ``gain_m``: both − only; ``over_ridge_m``: both − ridge; ``ratio_m`` and ``ridge_ratio_m``: of
        1 − R², both and ridge to only; ``predicted_m`` and ``predicted_only_m``: R² by theorem C3, given these anchors.
        ``shuffled_`` and ``untrained_``: of shuffled fresh rows, and of the maps of the start, where ``gain`` is 0 and
        ``ratio`` 1 by construction. ``change``: largest of the losses, in units of their value with all maps 0.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.JUDGED", (Setting(3, 0.1, 1),)):     # one set of three anchors
    ...     (found,) = gains([0])
    >>> found["gain_3"] == found["both_3"] - found["only_3"], found["untrained_gain_3"]
    (True, 0.0)
    """
    found: list[dict[str, Any]] = [{"seed": seed, "change": 0.0} for seed in seeds]
    data = [Rows(seed, ["gaussian"] * WIDTH) for seed in seeds]
    for case in JUDGED:
        for unit, numbers in zip(found, measured(data, case), strict=True):
            moved = max(unit["change"], numbers.pop("change"))
            unit |= {f"{key}_{case.anchors}": value for key, value in numbers.items()} | {"change": moved}
    return found


def noise_map(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return the same over dimensions, noise and numbers of anchors: keys "gain, d 6, σ 0.1, m 3" and so on.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.MAP", (Setting(3, 0.1, 1),)):
    ...     (found,) = noise_map([0])
    >>> gain, both, only = (found[f"{name}, d 6, σ 0.1, m 3"] for name in ("gain", "both", "only"))
    >>> gain == both - only
    True
    """
    found: list[dict[str, Any]] = [{"seed": seed, "change": 0.0} for seed in seeds]
    for d in sorted({case.width for case in MAP}):
        data = [Rows(seed, ["gaussian"] * d) for seed in seeds]
        for case in (c for c in MAP if c.width == d):
            for unit, numbers in zip(found, measured(data, case), strict=True):
                moved = max(unit["change"], numbers.pop("change"))
                words = f"d {d}, σ {case.sigma:g}, m {case.anchors}"
                unit |= {f"{key}, {words}": v for key, v in numbers.items() if "_" not in key or "over" in key}
                unit["change"] = moved
    return found


def measured(data: Sequence[Rows], case: Setting) -> list[dict[str, float]]:
    """Train both arms of one setting on every seed; keys as in `gains`, without the number of anchors.

    Examples
    --------
    >>> (found,) = measured([Rows(0, ["gaussian"] * 6, points=1024)], Setting(3, 0.1, 2))
    >>> abs(found["only"] - found["predicted_only"]) < 0.05
    True
    """
    known = [noisy_anchors(rows, case) for rows in data]
    X, Y = (np.stack(part) for part in zip(*known, strict=True))
    start = np.stack([rows.starts(case.draws) for rows in data])
    zero = (Y**2).sum(-1).mean((1, 2))
    first, _ = descend(data, start, ALONE, (X, Y), ALONE_WEIGHT, laws=False)
    only, moved = descend(data, first, STEPS, (X, Y), WEIGHT, laws=False)
    both, bent = descend(data, first, STEPS, (X, Y), WEIGHT)
    # With all maps 0, TR is the mean square of y, and dTR the distance of N(0, 1) from a point.
    point = GRID.weights @ (1 - np.exp(-(GRID.nodes**2) / 2)) ** 2
    moves = np.maximum(change(moved, WEIGHT * zero), change(bent, WEIGHT * zero + point))
    found = []
    for number, rows in enumerate(data):
        a, b = X[number], Y[number]
        arms = {"both": both[number], "only": only[number], "ridge": ridge(a, b, case.sigma)}
        spectra = [squared_singular_values(one) for one in a]
        null = {**arms, "both": start[number], "only": start[number]}
        unit = {"change": float(moves[number])} | _numbers({name: rows.r2(maps) for name, maps in arms.items()})
        for prefix, maps, shuffled in (("shuffled_", arms, True), ("untrained_", null, False)):
            numbers = _numbers({name: rows.r2(m, shuffled) for name, m in maps.items()})
            unit |= {prefix + key: value for key, value in numbers.items()}
        unit["procrustes"] = float(rows.r2(procrustes(a, b, np.random.default_rng([rows.seed, 64]))).mean())
        for key, error in (("predicted", procrustes_error), ("predicted_only", least_squares_error)):
            unit[key] = float(np.mean([1 - error(s, case.width, case.sigma) / case.width for s in spectra]))
        found.append(unit)
    return found


def noisy_anchors(rows: Rows, case: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Sets of anchors of one seed [draws, m, d] of x, and of y with its noise; they are no points of the rows.

    Examples
    --------
    >>> rows = Rows(0, ["gaussian"] * 6, points=64)
    >>> x, y = noisy_anchors(rows, Setting(3, 0.0, 2))
    >>> x.shape, bool(np.allclose(x @ rows.pair.A, y))
    ((2, 3, 6), True)
    """
    rng = np.random.default_rng([rows.seed, 63, case.anchors])
    X, noise = rng.standard_normal((2, case.draws, case.anchors, case.width))
    return X, X @ rows.pair.A + case.sigma * noise


def ridge(X: np.ndarray, Y: np.ndarray, sigma: float) -> np.ndarray:
    """Ridge maps of stacked anchors with the best penalty dσ² (theorem C3).

    Examples
    --------
    >>> ridge(np.eye(2)[None], np.eye(2)[None], 0.5)[0].diagonal().tolist()
    [0.6666666666666666, 0.6666666666666666]
    """
    Xt, d = X.swapaxes(-1, -2), X.shape[-1]
    return np.linalg.solve(Xt @ X + d * sigma**2 * np.eye(d), Xt @ Y)


def procrustes(X: np.ndarray, Y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Orthogonal maps nearest to stacked anchors, a Haar draw where these leave them open.

    Examples
    --------
    >>> A = procrustes(np.eye(3)[None, :1], np.eye(3)[None, 1:2], np.random.default_rng(0))[0]
    >>> bool(np.allclose(A @ A.T, np.eye(3))), A[0].round(12).tolist()
    (True, [0.0, 1.0, 0.0])
    """
    r = min(X.shape[1:])
    found = []
    for x, y in zip(X, Y, strict=True):
        P, _, Qt = svd(x.T @ y)
        found.append(P[:, :r] @ Qt[:r] + P[:, r:] @ haar(x.shape[1] - r, rng) @ Qt[r:])
    return np.array(found)


def _numbers(r2: Mapping[str, np.ndarray]) -> dict[str, float]:
    mean = {name: float(values.mean()) for name, values in r2.items()}
    return {
        **mean,
        "gain": mean["both"] - mean["only"],
        "over_ridge": mean["both"] - mean["ridge"],
        "ratio": (1 - mean["both"]) / (1 - mean["only"]),
        "ridge_ratio": (1 - mean["ridge"]) / (1 - mean["only"]),
    }
