"""Planted settings that validate the rule of `concept-alignment anchors`: how many pairs does each need.

A setting is a function of its seed alone. Seeds 0 to 9 are judged; the rule was made on seeds 100 to 139.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV

from nonlinear.experiments.transfer import Map
from nonlinear.matching import match
from theory.ambiguity.rotations import haar
from theory.ambiguity.sources import draw_sources
from theory.similarity import r_squared

JUDGED = tuple(range(10))
KINDS = ("gaussian", "components", "sparse", "codes")
# Unpaired rows of each stream, pairs to draw from, and rows to judge on; sets of pairs per number; step of the numbers.
ROWS, PAIRS, FRESH = 4096, 2048, 2048
DRAWS, STEP = 24, 1.15
# Wide enough for whitened rows and for rows of variance 100: leave-one-out chooses.
PENALTIES = tuple(10.0**k for k in range(-4, 5))
SKEWED = ("exponential", "two-point", "-exponential")
Streams = Mapping[str, np.ndarray]
# From m rows of x and of y, and a generator for what they leave open, to a map of rows.
Translator = Callable[[np.ndarray, np.ndarray, np.random.Generator], Map]


@dataclass(frozen=True, eq=False)
class Planted:
    """One setting: rows without pairs, pairs, fresh rows, the R² that is asked for.

    Attributes
    ----------
    kind, target, facts
        One of KINDS; the R²; the numbers that it was drawn with.
    unpaired, pairs, fresh
        Stream → rows: those of "x" and "y" in `unpaired` show different points.

    Examples
    --------
    >>> x = np.ones((2, 3))
    >>> setting = Planted("gaussian", 0.5, {"d": 3}, {"x": x, "y": x}, {"x": x, "y": x}, {"x": x, "y": x})
    >>> setting.kind in KINDS, sorted(setting.pairs)
    (True, ['x', 'y'])
    """

    kind: str
    target: float
    facts: Mapping[str, Any]
    unpaired: Streams
    pairs: Streams
    fresh: Streams


def planted(seed: int) -> Planted:
    """Draw a setting: kinds take turns, sizes, spectra, alignment, noise and target are random.

    Examples
    --------
    >>> one = planted(100)
    >>> one.kind, one.unpaired["x"].shape[0], 0.4 <= one.target <= 0.8
    ('gaussian', 4096, True)
    """
    rng = np.random.default_rng([seed, 77])
    kind = KINDS[seed % len(KINDS)]
    target = float(rng.uniform(0.4, 0.8))
    facts, draw = (_dense if kind in KINDS[:2] else _sparse if kind == "sparse" else _codes)(kind, rng)
    x, y, both = draw(ROWS), draw(ROWS), draw(PAIRS + FRESH)
    return Planted(
        kind,
        target,
        facts,
        {"x": x["x"], "y": y["y"]},
        {s: r[:PAIRS] for s, r in both.items()},
        {s: r[PAIRS:] for s, r in both.items()},
    )


def pairs_needed(setting: Planted, seed: int = 0) -> float:
    """Least number of pairs whose mean R² reaches the target, interpolated; inf if all pairs do not.

    Of codes the R² is that of columns matched by the pairs, otherwise that of ridge regression, its penalty chosen by
    leave-one-out; means over sets of pairs.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(PAIRS, 2))
    >>> both = {"x": x, "y": 2 * x}
    >>> 2 < pairs_needed(Planted("gaussian", 0.8, {}, both, both, both)) < 4     # three points give a map of the plane
    True
    """
    before, m = (1.0, 0.0), 2
    while m <= PAIRS:
        value = r_squared_of(setting, m, seed)
        if value >= setting.target:
            share = (setting.target - before[1]) / max(value - before[1], 1e-9)
            return float(before[0] * (m / before[0]) ** share)
        before, m = (float(m), max(value, 0.0)), max(m + 1, round(m * STEP))
    return float("inf")


def r_squared_of(setting: Planted, m: int, seed: int = 0) -> float:
    """Mean R² on fresh rows over sets of m pairs.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(PAIRS, 2))
    >>> both = {"x": x, "y": 2 * x}
    >>> r_squared_of(Planted("gaussian", 0.8, {}, both, both, both), 9) > 0.999
    True
    """
    return mean_r_squared(setting, m, matching if setting.kind == "codes" else ridge, seed)


def mean_r_squared(setting: Planted, m: int, translator: Translator, seed: int = 0, draws: int | None = None) -> float:
    """Mean R² on fresh rows of what a translator makes of sets of m pairs, `DRAWS` of them unless it is said.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(PAIRS, 2))
    >>> both = {"x": x, "y": 2 * x}
    >>> known = Planted("gaussian", 0.8, {}, both, both, both)
    >>> mean_r_squared(known, 2, lambda a, b, rng: lambda rows: 2 * rows)
    1.0
    """
    rng = np.random.default_rng([seed, m, 78])
    values = []
    for _ in range(DRAWS if draws is None else draws):
        rows = rng.choice(PAIRS, m, replace=False)
        x, y = (r[rows] for r in setting.pairs.values())
        values.append(r_squared(translator(x, y, rng)(setting.fresh["x"]), setting.fresh["y"]))
    return float(np.mean(values))


def ridge(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Map:
    """Ridge regression with an intercept, its penalty chosen by leave-one-out.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(9, 2))
    >>> ridge(x, 2 * x + 1, np.random.default_rng(0))(np.array([[10.0, -1.0]])).round(1).tolist()
    [[21.0, -1.0]]
    """
    return RidgeCV(alphas=PENALTIES).fit(x, y).predict


def matching(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Map:
    """Atoms of x for those of y; those that no pair activates are assigned at random.

    Examples
    --------
    >>> z = np.eye(3)
    >>> matching(z, z[:, [2, 0, 1]], np.random.default_rng(0))(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 1.0, 2.0]]
    """
    order = rng.permutation(x.shape[1])
    here, there = match(x[:, order].T @ y)
    found = np.empty(len(there), dtype=int)
    found[there] = order[here]
    return lambda codes: codes[:, found]


def _dense(kind: str, rng: np.random.Generator):
    d = int(rng.integers(8, 65))
    decay_x, decay_y = rng.uniform(0, 1.2, 2)
    aligned = bool(rng.random() < 0.5)
    rho = float(np.sqrt(rng.uniform(0.85, 1.0)))
    laws = ["gaussian"] * d if kind == "gaussian" else [SKEWED[i] for i in rng.integers(0, len(SKEWED), d)]
    mix, turn, Vx, Vy = (haar(d, rng) for _ in range(4))
    Q = np.eye(d) if aligned else turn
    root_x, root_y = (np.arange(1, d + 1) ** (-a / 2) for a in (decay_x, decay_y))
    facts = {"d": d, "decay": [float(decay_x), float(decay_y)], "aligned": aligned, "ceiling": rho**2}

    def draw(n: int) -> dict[str, np.ndarray]:
        s = draw_sources(laws, n, rng) @ mix
        noisy = rho * s @ Q + np.sqrt(1 - rho**2) * rng.standard_normal((n, d))
        return {"x": (s * root_x) @ Vx, "y": (noisy * root_y) @ Vy}

    return facts, draw


def _sparse(kind: str, rng: np.random.Generator):
    d = int(rng.integers(16, 65))
    K = int(rng.integers(d // 2, d + 1))
    s = int(rng.integers(2, min(6, K // 2) + 1))
    noise = float(rng.uniform(0, 0.3))
    maps = {name: rng.standard_normal((K, d)) / np.sqrt(K) for name in "xy"}

    def draw(n: int) -> dict[str, np.ndarray]:
        shared = _latents(n, K, s, rng)
        return {name: (shared * (1 + noise * rng.standard_normal((n, K)))) @ M for name, M in maps.items()}

    return {"d": d, "K": K, "s": s, "noise": noise}, draw


def _codes(kind: str, rng: np.random.Generator):
    K = int(rng.integers(16, 129))
    s = int(rng.integers(2, min(8, K // 4) + 1))
    noise = float(rng.uniform(0, 0.3))
    order = rng.permutation(K)

    def draw(n: int) -> dict[str, np.ndarray]:
        shared = _latents(n, K, s, rng) * rng.uniform(0.5, 1.5, (n, K))
        x, y = (shared * np.maximum(1 + noise * rng.standard_normal((n, K)), 0) for _ in range(2))
        return {"x": x, "y": y[:, order]}

    return {"K": K, "s": s, "noise": noise}, draw


def _latents(n: int, K: int, s: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform s-subsets of K, as 0 and 1."""
    return (rng.random((n, K)).argsort(1) < s).astype(np.float64)
