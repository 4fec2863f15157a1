"""The rule for the number of pairs beside outcomes, on planted settings and on real embeddings; and what laws add.

Unpaired rows of x and of y show different points, and the rule sees nothing else. The outcome is the number of pairs at
which ridge regression (of codes: matching atoms) reaches the target.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, isfinite
from typing import Any

import numpy as np

from nonlinear.components import components, look_gaussian, n_gaussian
from nonlinear.embeddings import digits, towers
from nonlinear.experiments.planted_pairs import (
    DRAWS,
    FRESH,
    PAIRS,
    PENALTIES,
    ROWS,
    Planted,
    Streams,
    Translator,
    mean_r_squared,
    pairs_needed,
    planted,
    r_squared_of,
    ridge,
)
from nonlinear.experiments.sliced_rotation import by_slices
from nonlinear.experiments.transfer import Map
from nonlinear.matching import match
from theory.anchors.rule import interval, rule
from theory.anchors.stream import Stream
from theory.anchors_needed import Needed
from theory.linalg import polar
from theory.similarity import r_squared

TARGETS = 0.5, 0.7
# Of pairs, on which a rotation is trained: half a minute each.
SETS = 1
SOURCES: Mapping[str, Callable[[int, str, int], Any]] = {
    "digits": digits.digits,
    "halves": digits.halves,
    "scenes": towers.embedded,
}
SETTINGS: Mapping[str, Any] = {
    "sets": SETS,
    "rows": ROWS,
    "pairs": PAIRS,
    "fresh": FRESH,
    "draws": DRAWS,
    "penalties": list(PENALTIES),
}
REAL_SETTINGS: Mapping[str, Any] = {**SETTINGS, "targets": list(TARGETS), "sources": list(SOURCES)}


def on_planted(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Prediction and outcome of each planted setting; see `unit`. Seeds 0 to 9 are judged, the rule was made on 100 on.

    Examples
    --------
    >>> on_planted([])
    []
    """
    return [unit(seed, planted(seed)) for seed in seeds]


def on_embeddings(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Prediction and outcome on real embeddings, for every seed, source and target; see `unit`.

    Beside them ``all``: R² of all pairs; ``paired_low``, ``paired_median``, ``paired_high``, ``paired_covered``: of the
    rule that may use the pairs.
    """
    found = []
    for seed in seeds:
        for source in SOURCES:
            streams = embedded(source, seed)
            for target in TARGETS:
                setting = Planted(source, target, {}, *streams)
                x, y = (Stream(name, rows) for name, rows in setting.pairs.items())
                needed, ceiling = interval(x, y, target, np.random.default_rng(seed), paired=True)
                one = unit(seed, setting)
                every = ridge(x.rows, y.rows, np.random.default_rng(0))(setting.fresh["x"])
                one |= {"all": r_squared(every, setting.fresh["y"]), "ceiling": ceiling}
                found.append(one | {f"paired_{name}": v for name, v in beside(needed, one["needed"]).items()})
    return found


def embedded(source: str, seed: int) -> tuple[Streams, Streams, Streams]:
    """Unpaired rows, pairs and fresh rows of two streams, "x" and "y"; all but the last are of the training part.

    Examples
    --------
    >>> unpaired, pairs, fresh = embedded("halves", 0)
    >>> [len(streams["x"]) for streams in (unpaired, pairs, fresh)] == [ROWS, PAIRS, FRESH]
    True
    """
    shown = [SOURCES[source](seed, part, n).streams for part, n in (("train", 2 * ROWS + PAIRS), ("test", FRESH))]
    (x, y), (fresh_x, fresh_y) = ([rows.astype(np.float64) for rows in streams.values()] for streams in shown)
    first, second, third = slice(ROWS), slice(ROWS, 2 * ROWS), slice(2 * ROWS, None)
    return {"x": x[first], "y": y[second]}, {"x": x[third], "y": y[third]}, {"x": fresh_x, "y": fresh_y}


def unit(seed: int, setting: Planted) -> dict[str, Any]:
    """Prediction beside outcome.

    Returns
    -------
    dict
        ``seed``, ``kind``, ``target``; ``needed`` (None: all pairs fall short); what `beside` returns; ``failed``:
        names of the hypotheses that fail; what the rule says of laws: ``helps`` (through random slices),
        ``components_help`` (if matched exactly), ``gaussian`` of ``dimension`` components, ``power`` of slices.
        ``pairs``: as many as the interval begins with; ``alone``, ``laws``: mean R² of as many pairs alone, and of laws
        with them (`by_laws`, of codes `by_rates`); ``helped``: whether the latter is higher. ``slices``,
        ``slices_alone``, ``slices_helped``: the same of a loss of random slices (`by_slices`), on one set of pairs.
    """
    x, y = (Stream(name, rows) for name, rows in setting.unpaired.items())
    answer = rule(x, y, setting.target, np.random.default_rng(seed), n_gaussian)
    outcome = pairs_needed(setting)
    found = {"seed": seed, "kind": setting.kind, "target": setting.target, "needed": finite(outcome)}
    found |= beside(answer.needed, found["needed"])
    found["failed"] = "; ".join(line.split(":")[0] for line in answer.failed)
    laws = answer.laws
    found |= {"helps": laws["helps"], "components_help": laws.get("components_help", laws["helps"])}
    found |= {"gaussian": laws.get("gaussian"), "dimension": x.rank}
    found["power"] = min((r["power"] for r in laws.get("rotation", {}).values()), default=None)
    if isfinite(answer.needed.low):
        found["pairs"] = m = min(ceil(answer.needed.low), PAIRS)
        found["alone"] = r_squared_of(setting, m)
        by = by_rates(x, y) if answer.kind == "codes" else by_laws(x, y, seed)
        found["laws"] = mean_r_squared(setting, m, by)
        found["helped"] = found["laws"] > found["alone"]
        if answer.kind == "rows" and x.rank == y.rank:
            found["slices"] = mean_r_squared(setting, m, by_slices(x, y, seed), draws=SETS)
            found["slices_alone"] = mean_r_squared(setting, m, ridge, draws=SETS)
            found["slices_helped"] = found["slices"] > found["slices_alone"]
    return found


def beside(needed: Needed, outcome: float | None) -> dict[str, Any]:
    """Interval, whether it covers the outcome (None: infinite), and its ratio; None for what is infinite.

    Examples
    --------
    >>> beside(Needed(4.0, 5.0, 8.0), 6.0)
    {'low': 4.0, 'median': 5.0, 'high': 8.0, 'covered': True, 'ratio': 2.0}
    """
    covered = needed.low <= (float("inf") if outcome is None else outcome) <= needed.high
    found = {name: finite(value) for name, value in vars(needed).items()}
    return found | {"covered": covered, "ratio": finite(needed.high / needed.low) if isfinite(needed.low) else None}


def by_laws(x: Stream, y: Stream, seed: int) -> Translator:
    """Return the translator whose independent components of x stand for those of y, as theorem C4 has it.

    Components are found without pairs (FastICA). Pairs tell which of those that are not Gaussian belong together, with
    which sign, and rotate the Gaussian ones (Procrustes). A loss of laws has to find what FastICA finds.

    Examples
    --------
    >>> s, turn = np.random.default_rng(0).exponential(size=(2, 3000, 2)), np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> translator = by_laws(Stream("x", s[0]), Stream("y", s[1] @ turn), 0)
    >>> translate = translator(s[0, :4], s[0, :4] @ turn, np.random.default_rng(0))     # four pairs, two components
    >>> r_squared(translate(s[1]), s[1] @ turn) > 0.95
    True
    """
    (into_x, _), (into_y, out_of_y) = (s.coordinates for s in (x, y))
    turn_x, turn_y = (components(into(s.rows), seed) for into, s in ((into_x, x), (into_y, y)))
    others_x, others_y = ~look_gaussian(into_x(x.rows) @ turn_x), ~look_gaussian(into_y(y.rows) @ turn_y)

    def translator(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Map:
        agreement, Q = (into_x(a) @ turn_x).T @ (into_y(b) @ turn_y), np.zeros((x.rank, y.rank))
        block = agreement[np.ix_(others_x, others_y)]
        here, there = match(np.abs(block))
        signs = np.where(block[here, there] < 0, -1.0, 1.0)
        Q[np.flatnonzero(others_x)[here], np.flatnonzero(others_y)[there]] = signs
        rest = np.ix_(~others_x, ~others_y)
        Q[rest] = polar(agreement[rest]) if agreement[rest].size else 0.0
        found = turn_x @ Q @ turn_y.T
        return lambda rows: out_of_y(into_x(rows) @ found)

    return translator


def by_rates(x: Stream, y: Stream) -> Translator:
    """Return the translator that matches atoms in the order of their firing rates; it asks no pairs.

    Examples
    --------
    >>> z = np.array([[1.0, 0.0], [1.0, 2.0]])
    >>> translate = by_rates(Stream("x", z), Stream("y", z[:, ::-1]))(z, z, np.random.default_rng(0))
    >>> translate(z).tolist()
    [[0.0, 1.0], [2.0, 1.0]]
    """
    here, there = (np.argsort((s.rows != 0).mean(0)) for s in (x, y))

    def translate(codes: np.ndarray) -> np.ndarray:
        found = np.zeros((len(codes), y.rows.shape[1]))
        for k, atom in zip(here[::-1], there[::-1], strict=False):
            found[:, atom] = codes[:, k]
        return found

    return lambda a, b, rng: translate


def finite(value: float) -> float | None:
    """Return the value, or None if it is infinite.

    Examples
    --------
    >>> finite(2.0), finite(float("inf"))
    (2.0, None)
    """
    return value if isfinite(value) else None
