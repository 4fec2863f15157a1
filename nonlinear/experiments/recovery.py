"""E9: how many anchors match the atoms of two autoencoders of the same rows? (theorem C5b; C5a is in `anchoring`).

Active latents have continuous amplitudes. Both autoencoders see the same rows from starts of their own, so that the
codes of the one are those of the other in another order: an anchor tells apart all atoms that it activates, where the
activity alone tells only which are active together.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nonlinear.data import Array
from nonlinear.experiments.anchoring import separate_codes, shares
from nonlinear.experiments.arms import Arm
from nonlinear.experiments.setting import TRAINING
from theory.ambiguity.permutations import expected_distinct_columns

COUNTS, DRAWS = (4, 8, 16, 37), 16
# Where the curves of C5 (a) and (b) are far apart.
FEW = COUNTS[:2]
DATA: Mapping[str, Any] = {
    "n_latents": 32,
    "sparsity": 3,
    "domains": {"x": 24},
    "hidden": (),
    "noise": (0.3, 0.3),
    "dropout": 0.0,
}
# On pilot seeds as near to the prediction as with the steps and the rate of E4.
CONFIG: Mapping[str, Any] = {**TRAINING, "steps": 700, "lr": 1.5e-2, "weights": {"REC": 1.0}}
SETTINGS: Mapping[str, Any] = {
    "counts": list(COUNTS),
    "draws": DRAWS,
    "noise": list(DATA["noise"]),
    "steps": CONFIG["steps"],
    "lr": CONFIG["lr"],
}


class Twins(Arm):
    """An arm whose two streams are one domain's rows.

    Examples
    --------
    >>> rows = twins().sample(0)
    >>> bool((rows["x"].array == rows["y"].array).all()), twins().latents(0).shape
    (True, (8192, 32))
    """

    def sample(self, seed: int, *, test: bool = False) -> dict[str, Array]:
        """Rows to train on, or to measure on, twice."""
        (rows,) = self._draw(seed, test).streams.values()
        return {s: Array(rows, s) for s in ("x", "y")}

    def latents(self, seed: int) -> np.ndarray:
        """Latents of the points to train on [n, K], with their amplitudes."""
        (codes,) = self._draw(seed, False).codes.values()
        return codes


def twins() -> Twins:
    """Return the arm that trains REC alone.

    Examples
    --------
    >>> twins().config["weights"], sorted(twins().generator(0).domains)
    ({'REC': 1.0}, ['x'])
    """
    return Twins("linear, twins, REC", DATA, CONFIG)


def predicted_share(n_atoms: int, sparsity: int, m: int) -> float:
    """Share of the way from a random matching of atoms to the true one that m anchors lead (theorem C5b).

    Examples
    --------
    >>> [round(predicted_share(32, 3, m), 3) for m in (4, 37)]
    [0.336, 0.992]
    """
    return (expected_distinct_columns(n_atoms, sparsity, m, amplitudes=True) - 1) / (n_atoms - 1)


def recovered(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Match the atoms of twin autoencoders by m anchors.

    Returns
    -------
    list
        Per seed what :func:`nonlinear.experiments.anchoring.matched_atoms` does, for m of ``COUNTS``; ``draws`` with
        what theorem C5b predicts of every set. ``activity_share_m``, m of ``FEW``: where the anchors show which atoms
        are active, and no amplitudes: theorem C5a.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> small = {**CONFIG, "n_atoms": 32, "steps": 5}
    >>> with patch(f"{__name__}.twins", lambda: Twins("demo", DATA, small, 512, 128)):     # five steps
    ...     (unit,) = recovered([0])
    >>> unit["share_4"] < unit["share_37"]
    True
    """
    one, found = twins(), []
    for seed, change, codes in separate_codes(one, seeds):
        unit: dict[str, Any] = {"seed": seed, "change": change}
        for name, (known, fresh) in codes.items():
            ends = (unit["random"], unit["best"]) if name else None
            numbers = shares(known, fresh, one.latents(seed), seed, ends, COUNTS, DRAWS)
            unit |= {name + key: value for key, value in numbers.items() if not (name and key == "draws")}
        known, fresh = codes[""]
        x, y = ((z > 0).astype(float) for z in known)
        numbers = shares((x, y), fresh, one.latents(seed) != 0, seed, (unit["random"], unit["best"]), FEW, DRAWS)
        unit |= {f"activity_share_{m}": numbers[f"share_{m}"] for m in FEW}
        found.append(unit)
    return found
