"""E5 and E6: the systems on the same data, with the same steps and rows, each at the rate that its own objective chose.

A rate is chosen on pilot seeds and validation rows by the lowest training objective, never by what is judged:
``concept-alignment experiment methods --scale rates --pilot`` repeats the choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nonlinear.experiments.arms import Arm
from nonlinear.experiments.setting import GENERATORS, arm

RATES: Sequence[float] = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
# What SPARC trains for two streams, apart from the joint selection.
OWN, CROSS = {"nREC": 0.5}, {"nREC": 0.5, "nTR": 0.5}
METHODS: Mapping[str, Mapping[str, Any]] = {
    "SAE": {"system": "sae"},
    "CoSAE": {"system": "cosae"},
    "USAE": {"system": "usae"},
    "USAE, all update": {"system": "usae", "update": "all"},
    "SAE-A": {"system": "sae-a"},
    "crosscoder": {"system": "crosscoder"},
    "SPARC": {"system": "sparc"},
    "joint selection alone": {"system": "sparc", "weights": OWN},
    "own selection, cross": {"system": "cosae", "selection": "topk", "weights": CROSS},
    "own selection": {"system": "cosae", "selection": "topk", "weights": OWN},
}
# The last four: joint or own selection × with or without cross-reconstruction (E6).
SELECTIONS = tuple(METHODS)[-4:]
CHOSEN: Mapping[str, float] = {
    "SAE": 1e-2,
    "CoSAE": 1e-2,
    "USAE": 1e-2,
    "USAE, all update": 3e-2,
    "SAE-A": 1e-2,
    "crosscoder": 3e-2,
    "SPARC": 3e-2,
    "joint selection alone": 3e-2,
    "own selection, cross": 1e-2,
    "own selection": 3e-2,
}


def method(name: str, generator: str = "linear", lr: float | None = None) -> Arm:
    """Return the arm of a method, at its chosen rate or at another one.

    Examples
    --------
    >>> method("USAE").config["system"], method("SAE", lr=3e-3).name
    ('usae', 'linear, SAE, lr 0.003')
    """
    rate = CHOSEN[name] if lr is None else lr
    one = arm(generator, f"{name}, lr {rate:g}", **METHODS[name], lr=rate)
    return replace(one, parts=("supports",))


def rates() -> list[Arm]:
    """Return every method at every rate, on the linear generator.

    Examples
    --------
    >>> len(rates()) == len(METHODS) * len(RATES)
    True
    """
    return [method(name, lr=rate) for name in METHODS for rate in RATES]


def grid() -> list[Arm]:
    """Return every method on every generator, at the rates chosen on the linear one.

    Examples
    --------
    >>> grid()[-1].name
    'ReLU bottleneck, own selection, lr 0.03'
    """
    return [method(name, generator) for generator in GENERATORS for name in METHODS]
