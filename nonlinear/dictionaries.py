"""The decoders of two streams side by side: which of them an atom belongs to, and whether it points the same way."""

from typing import Any

import numpy as np

from nonlinear.plain import Undefined, quantiles
from nonlinear.retrieval import unit_rows


def compare_decoders(first: np.ndarray, second: np.ndarray, live: np.ndarray) -> dict[str, Any]:
    """Relative decoder norm and cosine of each live atom (Lindsey et al. 2024), as quantiles over these.

    Parameters
    ----------
    first, second
        Atoms [m, d_i] and [m, d_j] of two streams.
    live
        Mask [m] of the atoms that count.

    Returns
    -------
    "relative_norm": ‖second‖ / (‖first‖ + ‖second‖); an atom of norm 0 in both is left out. "cosine": where the widths
    are equal.

    Examples
    --------
    >>> found = compare_decoders(np.eye(2), np.array([[0.0, 3.0], [0.0, 1.0]]), np.array([True, True]))
    >>> found["relative_norm"]["max"], found["cosine"]["median"]
    (0.75, 0.5)
    """
    norms = np.linalg.norm(first[live], axis=1), np.linalg.norm(second[live], axis=1)
    there = norms[0] + norms[1] > 0
    relative = norms[1][there] / (norms[0] + norms[1])[there]
    if first.shape[1] == second.shape[1]:
        cosine = quantiles((unit_rows(first[live]) * unit_rows(second[live])).sum(axis=1), "no atom fired")
    else:
        cosine = Undefined(f"the decoders are of widths {first.shape[1]} and {second.shape[1]}")
    return {"relative_norm": quantiles(relative, "no atom fired"), "cosine": cosine}
