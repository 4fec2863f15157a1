"""Linear translators of Gaussian rows against theorems C1, C2 and F2 (the linear half of E3 and of E4).

Whitened rows y = xA with A uniformly distributed over the rotations: then E R² of a map with the law of y that meets m
exact anchors is 2m/d − 1, however it was trained, and m/d of the minimum-norm regression on the anchors alone. Any map
that depends on the anchors and on unpaired rows only is independent of what the anchors leave open.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from nonlinear.linear_pairs import gaussian_pair
from nonlinear.translators import Fit, train
from theory.ambiguity.rotations import AnchoredMaps, haar, map_r_squared
from theory.discrepancy import random_slices, sliced_ecf
from theory.leak import expected_distance
from theory.levels import Distribution
from theory.linalg import svd
from theory.moments import Moments

WIDTH, ROWS, FRESH, STARTS, BATCH = 6, 4096, 4096, 16, 128
# Of the run whose spread over the starts is judged, and of those that only their means matter of.
LAW_STARTS, FEW = 32, 8
ANCHORS = (2, 4)
# An instance loss of whole rows is some hundred times a slice's distance; with weight 1 the steps of both would not
# suit one learning rate.
ANCHOR_WEIGHT = 0.3
RIDGE = 1e-2
# Fresh batches and directions over which the distance of the laws is averaged.
BATCHES, SLICES = 16, 16
SETTINGS: Mapping[str, Any] = {
    "width": WIDTH,
    "rows": [ROWS, FRESH],
    "starts": [STARTS, LAW_STARTS, FEW],
    "batch": BATCH,
    "anchor_weight": ANCHOR_WEIGHT,
}


class Pair:
    """Rows of one data seed: y = xA, to train on and to measure on.

    Examples
    --------
    >>> pair = Pair(0, rows=64)
    >>> bool(np.allclose(pair.X @ pair.A, pair.Y))
    True
    """

    def __init__(self, seed: int, rows: int = ROWS):
        made = gaussian_pair([1.0] * WIDTH, structure=seed)
        self.seed, self.A = seed, made.A
        known, fresh = made.draw(rows, 2 * seed).streams, made.draw(FRESH, 2 * seed + 1).streams
        self.X, self.Y = known["x"], known["y"]
        self.fresh_X, self.fresh_Y = fresh["x"], fresh["y"]
        self.moments = Moments.from_arrays(self.fresh_X, self.fresh_Y)
        order = np.random.default_rng([seed, 12]).permutation(FRESH)
        self.shuffled = Moments.from_arrays(self.fresh_X, self.fresh_Y[order])

    def r2(self, maps: np.ndarray, shuffled: bool = False) -> np.ndarray:
        """R² of x ↦ xA on fresh rows, for maps [starts, d, d]."""
        moments = self.shuffled if shuffled else self.moments
        return np.array([map_r_squared(moments, A) for A in maps])

    def over_floor(self, maps: np.ndarray) -> float:
        """Biased distance of the laws of xA and y on fresh disjoint batches, over its expectation for equal laws."""
        return float(np.mean([self._distance(A) for A in maps])) / floor(BATCH // 2)

    def _distance(self, A: np.ndarray) -> float:
        rng, n, values = np.random.default_rng([self.seed, 13]), BATCH // 2, []
        for _ in range(BATCHES):
            rows = rng.permutation(FRESH)[: 2 * n]
            a, b = self.fresh_X[rows[:n]] @ A, self.fresh_Y[rows[n:]]
            values.append(distance(a, b, random_slices(rng, WIDTH, SLICES)))
        return float(np.mean(values))


def distance(a: np.ndarray, b: np.ndarray, slices: np.ndarray) -> float:
    """Sliced distance of two samples [n, d] along directions [d, S], biased.

    Examples
    --------
    >>> a, u = np.array([[0.0], [2.0]]), np.ones((1, 1))
    >>> distance(a, a[::-1], u) < 1e-12 < 0.1 < distance(a, a + 1, u)     # the order of the rows says nothing
    True
    """
    x, y, u = (torch.from_numpy(np.ascontiguousarray(v)) for v in (a, b, slices))
    return float(sliced_ecf(x, y, u, Distribution().grid))


def floor(n: int) -> float:
    """Expected biased distance of two disjoint samples of n rows of N(0, I) (theorem F2).

    Examples
    --------
    >>> floor(64) / floor(128)
    2.0
    """
    grid = Distribution().grid
    phi = np.exp(-(grid.nodes**2) / 2)
    return float(expected_distance(phi, phi, grid, n, n))


def laws(seed: int) -> dict[str, Any]:
    """Translators that match the law of y, without pairs: theorems C1 and C2 at m = 0, and the leak of F2.

    Returns
    -------
    dict
        ``r2``: mean over the starts; ``spread``: variance over the starts, over its prediction 4/d²; ``over_floor``;
        ``change``. The same for the coders of the start (``untrained_``), on shuffled fresh rows (``shuffled_``), for
        TR on all pairs (``pairs_``) and for the minimum-norm regression on d/2 anchors (``regression_``). ``leak`` and
        ``independent_leak``: R² of aligned and of independent batches less that of disjoint ones. ``maps``: the trained
        ones [starts, d, d]; ``regression``: that on the anchors [d, d]. Two nulls are what they are by construction:
        ``shuffled_over_floor``, as no pairs enter, and ``untrained_leak``, about 0, as the starts have one law.
    """
    pair = Pair(seed)
    starts = {"disjoint": LAW_STARTS, "independent": FEW, "aligned": FEW}
    fits = {name: _laws(pair, count, sampling=name) for name, count in starts.items()}
    pairs = train(pair.X, pair.Y, {"TR": ANCHOR_WEIGHT}, starts=FEW, seed=seed, batch=BATCH)
    main, half = fits["disjoint"], _regression(pair, WIDTH // 2)
    found: dict[str, Any] = {"seed": seed, "change": max(f.change for f in (*fits.values(), pairs))}
    arms = {"": main.maps, "untrained_": main.initial, "pairs_": pairs.maps, "regression_": half[None]}
    for name, maps in arms.items():
        found |= {name + "r2": float(pair.r2(maps).mean()), name + "over_floor": pair.over_floor(maps)}
        found[name + "spread"] = _spread(pair.r2(maps))
    found |= {
        "shuffled_r2": float(pair.r2(main.maps, shuffled=True).mean()),
        "shuffled_over_floor": found["over_floor"],
    }
    found["shuffled_spread"] = _spread(pair.r2(main.maps, shuffled=True))
    for name, arm in (("leak", "aligned"), ("independent_leak", "independent")):
        found[name] = float(pair.r2(fits[arm].maps).mean()) - found["r2"]
    found["shuffled_leak"] = float(pair.r2(fits["aligned"].maps, shuffled=True).mean()) - found["shuffled_r2"]
    found["untrained_leak"] = float(pair.r2(fits["aligned"].initial).mean()) - found["untrained_r2"]
    return found | {"maps": main.maps.tolist(), "regression": half.tolist()}


def anchors(seed: int) -> dict[str, Any]:
    """Translators that meet m anchors, with the law of y or without: theorem C2.

    Returns
    -------
    dict
        For every m of ``ANCHORS``: ``both_m`` and ``only_m``: mean R² over the starts with dTR, and on the anchors
        alone; ``ridge_m`` and ``procrustes_m``: ridge regression, and the polar factor completed at random, on the
        anchors alone. ``shuffled_`` and ``untrained_`` before any of the first two: nulls; ``change``.
    """
    pair = Pair(seed)
    found: dict[str, Any] = {"seed": seed, "change": 0.0}
    for m in ANCHORS:
        for name, weights in (("both", {"TR": ANCHOR_WEIGHT, "dTR": 1.0}), ("only", {"TR": ANCHOR_WEIGHT})):
            fit = train(pair.X, pair.Y, weights, range(m), starts=STARTS, seed=seed, batch=BATCH)
            key = f"{name}_{m}"
            found |= {key: float(pair.r2(fit.maps).mean()), f"untrained_{key}": float(pair.r2(fit.initial).mean())}
            found[f"shuffled_{key}"] = float(pair.r2(fit.maps, shuffled=True).mean())
            found["change"] = max(found["change"], fit.change)
            if name == "both":
                found[f"maps_{m}"] = fit.maps.tolist()
        found |= _closed_forms(pair, m)
    return found


def curve(seed: int) -> dict[str, Any]:
    """Return the figure's points: every m from 0 to d, with gradient descent and Adam; keys as in `anchors`."""
    pair = Pair(seed)
    found: dict[str, Any] = {"seed": seed, "change": 0.0}
    for m in range(WIDTH + 1):
        arms = {"both": ({"dTR": 1.0}, {}), "adam": ({"dTR": 1.0}, {"optimiser": "adam", "lr": 0.02}), "only": ({}, {})}
        for name, (weights, how) in arms.items():
            weights = weights | ({"TR": ANCHOR_WEIGHT} if m else {})
            if not weights:
                continue
            fit = train(pair.X, pair.Y, weights, range(m), starts=STARTS, seed=seed, batch=BATCH, **how)
            found[f"{name}_{m}"] = float(pair.r2(fit.maps).mean())
            found["change"] = max(found["change"], fit.change)
        if m:
            found |= _closed_forms(pair, m)
    return found


def leaks(seed: int) -> dict[str, Any]:
    """Return R² by sampling and form of the loss, from 4096 points and from 256: "aligned, biased, 256" and so on."""
    found: dict[str, Any] = {"seed": seed, "change": 0.0}
    for rows in (256, ROWS):
        pair = Pair(seed, rows)
        for sampling in ("disjoint", "independent", "aligned"):
            for unbiased in (False, True):
                fit = _laws(pair, STARTS, sampling=sampling, unbiased=unbiased)
                form = "unbiased" if unbiased else "biased"
                found[f"{sampling}, {form}, {rows}"] = float(pair.r2(fit.maps).mean())
                found["change"] = max(found["change"], fit.change)
    return found


RUNS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "gaussian laws": laws,
    "gaussian anchors": anchors,
    "gaussian curve": curve,
    "gaussian leaks": leaks,
}


def _laws(pair: Pair, starts: int, **how: Any) -> Fit:
    return train(pair.X, pair.Y, {"dTR": 1.0}, starts=starts, seed=pair.seed, batch=BATCH, **how)


def _spread(r2: np.ndarray) -> float:
    return float(r2.var(ddof=1)) * WIDTH**2 / 4 if len(r2) > 1 else 0.0


def _regression(pair: Pair, m: int) -> np.ndarray:
    moments = Moments.from_arrays(pair.X, pair.Y)
    return AnchoredMaps.of(moments, pair.X[:m], pair.Y[:m]).map(np.zeros((WIDTH - m, WIDTH - m)))


def _closed_forms(pair: Pair, m: int) -> dict[str, float]:
    return {f"ridge_{m}": float(pair.r2(_ridge(pair, m)[None])[0]), f"procrustes_{m}": _procrustes(pair, m)}


def _ridge(pair: Pair, m: int) -> np.ndarray:
    X, Y = pair.X[:m], pair.Y[:m]
    return X.T @ np.linalg.solve(X @ X.T + RIDGE * np.eye(m), Y)


def _procrustes(pair: Pair, m: int) -> float:
    """Mean R² over completions of the polar factor of the anchors' cross moments."""
    P, _, Qt = svd(pair.X[:m].T @ pair.Y[:m])
    rng = np.random.default_rng([pair.seed, 14])
    maps = [P[:, :m] @ Qt[:m] + P[:, m:] @ haar(WIDTH - m, rng) @ Qt[m:] if m < WIDTH else P @ Qt for _ in range(64)]
    return float(pair.r2(np.array(maps)).mean())
