"""The common setting of the experiments on laws, anchors and methods (E3 to E6): two streams of one width, one budget.

Our choices; the paper's sizes and weights are lost. Pilot seeds 100 to 104 were looked at, and no others.
"""

from collections.abc import Mapping
from typing import Any

from nonlinear.experiments.arms import Arm

GENERATORS: Mapping[str, Mapping[str, Any]] = {
    "linear": {"n_latents": 32, "sparsity": 3, "domains": {"x": 24, "y": 24}, "hidden": ()},
    "ReLU bottleneck": {"n_latents": 32, "sparsity": 3, "domains": {"x": 24, "y": 24}, "hidden": (16,)},
}
TRAINING: Mapping[str, Any] = {
    "system": "cosae",
    "n_atoms": 64,
    "sparsity": 3,
    "batch": 128,
    "steps": 1000,
    "lr": 1e-2,
    "decay": 0.5,
    "n_slices": 32,
    "dead_after": 10_000,
}


def arm(generator: str, label: str, **config: Any) -> Arm:
    """Return an arm of a generator, with changes to the common configuration.

    Examples
    --------
    >>> arm("linear", "REC", weights={"REC": 1.0}).name
    'linear, REC'
    """
    return Arm(f"{generator}, {label}", GENERATORS[generator], {**TRAINING, **config})
