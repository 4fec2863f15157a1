"""E4: how many known pairs do sparse coders need, and do distributional terms help? Linear translators: `gaussian`.

Arms with m anchors train REC on all rows and TR + CC on the anchors, at the same steps, rows and exposures; with the
terms of laws, or without. Beside them stand autoencoders that never saw a pair, whose atoms are matched afterwards by
their codes at the anchors: this is the translator of theorem C5.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nonlinear.evaluation import Evaluation
from nonlinear.experiments.arms import CALIBRATION, STILL, Arm
from nonlinear.experiments.outcomes import change
from nonlinear.experiments.setting import arm
from nonlinear.experiments.transfer import linear_projectors
from nonlinear.experiments.unidentifiability import LAW, WEIGHTS, objective
from nonlinear.matching import match
from nonlinear.train import train
from theory.ambiguity.permutations import distinct_columns, expected_distinct_columns
from theory.linalg import tolerance
from theory.similarity import r_squared

# One pair in a thousand of the 8192 rows is 8; (K/s) ln K is 37 (theorem C5).
COUNTS = (0, 8, 16, 37, 74, 148, 296, 592)
# Anchors per batch, at most: half of it.
PER_BATCH = 64
MATCHED_COUNTS = (8, 16, 37)
# Those that the claims are about.
JUDGED = (0, 8, 148)
# Random sets of anchors per seed, over which the matched autoencoders are averaged.
DRAWS = 32
# Of ridge regression, among which leave-one-out on the anchors chooses.
PENALTIES = tuple(10.0**k for k in range(-4, 4))
SETTINGS: Mapping[str, Any] = {"counts": list(MATCHED_COUNTS), "draws": DRAWS}


def anchored(m: int, laws: bool, generator: str = "linear") -> Arm:
    """Return the arm with m anchors, with the terms of laws or without.

    Examples
    --------
    >>> anchored(8, laws=False).name, sorted(anchored(0, laws=True).config["weights"])
    ('linear, 8 anchors', ['REC', 'dCC', 'dTR'])
    """
    weights = {"REC": 1.0} | (dict.fromkeys(("TR", "CC"), 1.0) if m else {})
    weights |= LAW if laws else {}
    pairs: dict[str, Any] = {"anchors": tuple(range(m)), "matched": min(m, PER_BATCH)} if m else {"paired": 0.0}
    label = f"{m} anchors{' + laws' if laws else ''}"
    return arm(generator, label, weights=weights, **pairs)


def weights() -> list[Arm]:
    """Return 148 anchors alone, and with dTR at its weight and dCC at every one.

    Examples
    --------
    >>> [a.name for a in weights()][1]
    'linear, 148 anchors + 10·dTR + 1·dCC'
    """
    alone, found = anchored(148, laws=False), []
    for w in WEIGHTS:
        terms = {**alone.config["weights"], "dTR": LAW["dTR"], "dCC": w}
        name = f"{alone.name} + {LAW['dTR']:g}·dTR + {w:g}·dCC"
        found.append(replace(alone, name=name, config={**alone.config, "weights": terms}))
    return [alone, *found]


def grid() -> list[Arm]:
    """Return every number of anchors, with the terms of laws and without.

    Examples
    --------
    >>> len(grid()) == 2 * len(COUNTS)
    True
    """
    return [anchored(m, laws) for m in COUNTS for laws in (False, True)]


def predicted_share(n_atoms: int, sparsity: int, m: int) -> float:
    """Share of the way from a random matching of atoms to the true one that m anchors lead (theorem C5a).

    (F − 1)/(K − 1), with F the expected number of different activity columns: the amplitudes of the two streams vary
    independently of each other, so that only which atoms are active tells them apart. One stays in its place by chance.

    Examples
    --------
    >>> round(predicted_share(32, 3, 8), 3), round(predicted_share(32, 3, 37), 3)
    (0.397, 0.989)
    """
    return (expected_distinct_columns(n_atoms, sparsity, m) - 1) / (n_atoms - 1)


def matched_atoms(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Train one autoencoder per stream without pairs, and match their atoms by m anchors.

    Returns
    -------
    list
        Per seed: ``seed``; ``share_m`` for m of ``MATCHED_COUNTS``: where R²_CC of the matched codes stands between
        that of a random matching (0) and that of the best one, by all training rows (1), mean over sets of anchors;
        ``identity_share_m``: with every atom matched to the one of its own number; ``shuffled_share_m``: with the codes
        of one stream at the anchors shuffled; ``untrained_share_m``: R²_CC of the matched coders of the start, on the
        scale of the trained ones; ``best`` and ``random``: R²_CC at the two ends (and ``untrained_``); ``change``.
        ``draws``: m → for every set of anchors its share, what theorem C5a predicts of this very set, and the share of
        shuffled anchors.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> data = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}
    >>> arm = Arm("demo", data, {"system": "sae", "n_atoms": 8, "sparsity": 2, "batch": 64, "steps": 5}, 256, 64)
    >>> with patch(f"{__name__}.objective", lambda: arm):     # small coders, five steps
    ...     (unit,) = matched_atoms([0])
    >>> unit["share_8"] < unit["share_37"], abs(unit["shuffled_share_37"]) < 0.2
    (True, True)
    """
    one, found = objective(), []
    for seed, moved, codes in separate_codes(one, seeds):
        unit: dict[str, Any] = {"seed": seed, "change": moved}
        for name, (known, fresh) in codes.items():
            ends = (unit["random"], unit["best"]) if name else None
            numbers = shares(known, fresh, one.latents(seed), seed, ends, MATCHED_COUNTS, DRAWS)
            unit |= {name + key: value for key, value in numbers.items() if not (name and key == "draws")}
        found.append(unit)
    return found


Codes = tuple[np.ndarray, np.ndarray]


def separate_codes(one: Arm, seeds: Sequence[int]) -> Iterator[tuple[int, float, dict[str, tuple[Codes, Codes]]]]:
    """Train one autoencoder per stream, and yield per seed what the matching of atoms needs.

    The seed; the change of the loss; and trained ("") and at the start ("untrained_") the codes of both streams [n, m]
    on the rows of training, and those on fresh ones.

    Examples
    --------
    >>> data = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}
    >>> arm = Arm("demo", data, {"system": "sae", "n_atoms": 8, "sparsity": 2, "batch": 64, "steps": 5}, 256, 64)

    >>> ((seed, _, codes),) = separate_codes(arm, [0])
    >>> known, fresh = codes[""]
    >>> seed, known[0].shape, fresh[1].shape, sorted(codes)
    (0, (256, 8), (64, 8), ['', 'untrained_'])
    """
    samples = {seed: one.sample(seed) for seed in seeds}
    model = train(one.settings(seeds), list(samples.values()))
    start = train(one.settings(seeds, steps=CALIBRATION, lr=STILL), list(samples.values()))
    for r, seed in enumerate(seeds):
        rows = samples[seed], one.sample(seed, test=True)
        codes = {
            name: (
                _codes(Evaluation(trained, rows[0], seed_index=r)),
                _codes(Evaluation(trained, rows[1], seed_index=r)),
            )
            for name, trained in (("", model), ("untrained_", start))
        }
        yield seed, change(model, r), codes


def closed_forms(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """R²_TR of linear maps on the anchors of the arms alone, no coder trained.

    Returns
    -------
    list
        Per seed: ``seed``, and for every m > 0 of ``COUNTS`` ``ridge_m`` and ``procrustes_m``: of ridge regression
        with an intercept, its penalty chosen by leave-one-out on the anchors, and of the orthogonal Procrustes map with
        a scale; means over both directions on fresh rows.

    Examples
    --------
    >>> found = closed_forms([0])[0]
    >>> found["ridge_8"] < found["ridge_74"] < found["ridge_592"] < 1     # more anchors, better maps
    True
    """
    found = []
    for seed in seeds:
        one = objective()
        known, fresh = ({s: a.array for s, a in one.sample(seed, test=test).items()} for test in (False, True))
        unit: dict[str, Any] = {"seed": seed}
        for m in COUNTS[1:]:
            unit |= {f"{name}_{m}": value for name, value in linear_maps(known, fresh, m).items()}
        found.append(unit)
    return found


def linear_maps(known: Mapping[str, np.ndarray], fresh: Mapping[str, np.ndarray], m: int) -> dict[str, float]:
    """R² on fresh rows of linear maps between two streams that saw the first m known pairs, means over directions.

    Returns
    -------
    dict
        "ridge" and "procrustes", as in :func:`closed_forms`.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 2))
    >>> pairs = {"x": x, "y": x[:, ::-1]}
    >>> round(linear_maps(pairs, pairs, 9)["procrustes"], 6)
    1.0
    """
    x, y = known
    found: dict[str, list[float]] = {}
    for i, j in ((x, y), (y, x)):
        for name, f in linear_projectors({i: known[i], j: known[j]}, m, PENALTIES).items():
            found.setdefault(name, []).append(r_squared(f(fresh[i]), fresh[j]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _codes(run: Evaluation) -> Codes:
    with torch.no_grad():
        parts = [[view.code(s).double().numpy() for s in run.shape.streams] for view in run.blocks(standalone=True)]
    x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
    return x, y


def shares(
    known: Codes,
    fresh: Codes,
    latents: np.ndarray,
    seed: int,
    ends: tuple[float, float] | None,
    counts: Sequence[int],
    draws: int,
) -> dict[str, Any]:
    """Shares of the way between the two ends, or between the codes' own; see `matched_atoms`.

    Parameters
    ----------
    known, fresh
        Codes of both streams, by which atoms are matched at anchors among these rows, and which are judged.
    latents
        What tells atoms apart at these rows [n, K]: the activity, or the amplitudes that both streams share.
    seed, counts, draws
        Of the sets of anchors, their sizes, and how many of each.

    Examples
    --------
    >>> Z = np.random.default_rng(0).random((40, 5))
    >>> found = shares((Z, Z[:, ::-1]), (Z, Z[:, ::-1]), Z, seed=0, ends=None, counts=[20], draws=2)
    >>> round(found["best"], 9), round(found["share_20"], 9)     # the same atoms in another order: 20 anchors find it
    (1.0, 1.0)
    """
    rng = np.random.default_rng([seed, 31])
    m = known[0].shape[1]
    best = _r2(fresh, _matching(known, rng))
    random = float(np.mean([_r2(fresh, rng.permutation(m)) for _ in range(draws)]))
    low, high = ends or (random, best)
    span = max(high - low, tolerance(1.0, m))
    found: dict[str, Any] = {"best": best, "random": random, "draws": {}}
    for count in counts:
        drawn = []
        for _ in range(draws):
            rows = rng.choice(len(latents), count, replace=False)
            x, y = known[0][rows], known[1][rows]
            # The rows are in random order: each anchor meets the next one, never itself.
            share, null = ((_r2(fresh, _matching((x, b), rng)) - low) / span for b in (y, np.roll(y, 1, axis=0)))
            predicted = (distinct_columns(latents[rows]) - 1) / (latents.shape[1] - 1)
            drawn.append([share, predicted, null])
        reached, _, nulls = zip(*drawn, strict=True)
        found |= {f"share_{count}": float(np.mean(reached)), f"shuffled_share_{count}": float(np.mean(nulls))}
        found[f"identity_share_{count}"] = (_r2(fresh, np.arange(m)) - low) / span
        found["draws"][str(count)] = drawn
    return found


def _matching(codes: Codes, rng: np.random.Generator) -> np.ndarray:
    """Atom of x for every atom of y: the permutation with the least squared distance at the anchors.

    Atoms that no anchor activates are assigned at random, as the anchors leave them.
    """
    x, y = codes
    order = rng.permutation(x.shape[1])
    rows, columns = match(x[:, order].T @ y)
    found = np.empty(len(columns), dtype=int)
    found[columns] = order[rows]
    return found


def _r2(codes: Codes, atoms: np.ndarray) -> float:
    x, y = codes
    return r_squared(x[:, atoms], y)
