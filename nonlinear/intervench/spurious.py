"""Spurious correlation removal: a probe learned where classes go with an attribute, without the atoms that carry it.

Reported, and not part of any aggregate: where no probe falls for the correlation there is nothing to remove.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nonlinear.intervench.domains import Bench
from nonlinear.intervench.interventions import FLOOR, Space
from nonlinear.intervench.probe import fit
from nonlinear.intervench.stages import Rows


def correlations(bench: Bench, space: Space, i: str) -> Rows:
    """Accuracies on balanced rows of probes of two groups of classes.

    Group 1 is the second half of the classes. Dataset A has the rows to fit on whose group is that of the attribute
    (group 1 ⇔ any value but the first), dataset B as many rows of all four kinds alike.

    Returns
    -------
    ``scr/space/i/j/A``, ``…/B``, ``…/removed``: whether the sparse probe learned on A, on B, and on A without the atoms
    that go with the attribute more than with the group, is right; 0 outside the balanced test rows ``scr/j``.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> from nonlinear.intervench.spaces import Concept
    >>> data = planted(300, 0)
    >>> bench = Bench(data.sources, data.coders, data.labels, Config(), data.forget)
    >>> bool((correlations(bench, Concept(bench), "A")["ablated/scr/concept/A"] >= 30).all())     # no atom of a class
    True
    """
    order = space.order(i, "class", bench.config.headline)
    support = np.unique(order[order >= 0])
    S = support[_carries(space, i)[support]]
    found: Rows = {}
    for j in bench.names:
        groups = {p: (bench.y(j, p) >= (bench.n_classes + 1) // 2).astype(int) for p in ("fit", "test")}
        values = {p: np.minimum(bench.a(j, p), 1) for p in ("fit", "test")}
        A = np.flatnonzero(groups["fit"] == values["fit"])
        B, test = (_balanced(groups[p], values[p], bench.config.seed) for p in ("fit", "test"))
        F = {p: space.features(j, p) for p in ("fit", "test")}
        for name, rows, atoms in (("A", A, support), ("B", B, support), ("removed", A, np.setdiff1d(support, S))):
            right = np.zeros(len(groups["test"]))
            if len(np.unique(groups["fit"][rows])) == 2 and len(test):
                seen = {p: space.kept(j, F[p], atoms) for p in F}
                probe = fit(seen["fit"][rows], groups["fit"][rows], 2, bench.config.penalty)
                right[test] = probe.predict(seen["test"][test]) == groups["test"][test]
            found[f"scr/{space.name}/{i}/{j}/{name}"] = right
        found[f"scr/{j}"] = np.isin(np.arange(len(groups["test"])), test)
    return found | {f"ablated/scr/{space.name}/{i}": S}


def scored(rows: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, Any]:
    """(A_removed − A_A)/(A_B − A_A) by space, i and j; None where the probe does not fall for the correlation.

    Examples
    --------
    >>> right = {"A": [1.0, 0.0], "B": [1.0, 1.0], "removed": [1.0, 1.0]}
    >>> rows = {f"scr/{s}/x/x/{k}": np.array(v) for s in ("latent", "concept") for k, v in right.items()}
    >>> scored(rows | {"scr/x": np.array([True, True])}, ["x"])["latent"]["x"]["x"]["raw"]
    1.0
    """
    found: dict[str, Any] = {}
    for s in ("latent", "concept"):
        for i in names:
            for j in names:
                test, kinds = rows[f"scr/{j}"].astype(bool), ("A", "B", "removed")
                right = [rows[f"scr/{s}/{i}/{j}/{k}"][test] for k in kinds]
                A, B, removed = (float(r.mean()) if len(r) else 0.0 for r in right)
                fell = B - A >= FLOOR
                entry = {"A": A, "B": B, "removed": removed, "raw": (removed - A) / (B - A) if fell else None}
                entry["status"] = "ok" if fell else "undefined"
                found.setdefault(s, {}).setdefault(i, {})[j] = entry
    return found


def _carries(space: Space, i: str) -> np.ndarray:
    """Whether an atom goes with the attribute more than with the group of the class [m]."""
    bench = space.bench
    group = np.arange(bench.n_classes) >= (bench.n_classes + 1) // 2
    with_group = np.abs(space.moments(i, "class").cross[:, group].sum(1))
    return np.abs(space.moments(i, "attribute").cross[:, 1:].sum(1)) > with_group


def _balanced(group: np.ndarray, value: np.ndarray, seed: int) -> np.ndarray:
    """Rows, as many of each kind as of the rarest."""
    kinds = [np.flatnonzero((group == g) & (value == v)) for g in (0, 1) for v in (0, 1)]
    rng, least = np.random.default_rng([seed, 23]), min(map(len, kinds))
    return np.sort(np.concatenate([rng.permutation(k)[:least] for k in kinds]))
