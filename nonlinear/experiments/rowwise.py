"""How far translation determines the codes of one row: ‖a − b‖ ≤ ‖D(a − b)‖/σ_min of the atoms active on either side.

Theorem A2 on each row of a trained pair. The bound is true for any weights; what is measured is how much it says.
"""

from math import comb
from typing import Any

import numpy as np
import torch

from nonlinear.evaluation import Evaluation
from theory import bounds
from theory.linalg import sigma_min, tolerance

# Rows per seed, and the relative size of a difference of codes that is none.
ROWS, SAME = 256, 1e-6
# Sets of atoms that an exhaustive search for σ_2s looks at, at most.
SEARCH = 200_000


@torch.no_grad()
def rowwise(run: Evaluation) -> dict[str, Any]:
    """For a sample of matched rows and both decoders, how far translation determines the codes.

    Returns
    -------
    dict
        ``rowwise``: ``distance`` ‖a − b‖, ``image`` ‖D(a − b)‖, ``sigma`` σ_min of the atoms active on either side (0
        where they are dependent) and ``largest`` √(‖a‖² + ‖b‖²), lists over rows and decoders; ``coherence`` and
        ``widest``, the largest number of active atoms, by decoder; ``sigma_2s`` by decoder, None where the search is
        too long.
    """
    view = run.sample(standalone=True)
    names, columns = run.shape.streams, {"distance": [], "image": [], "sigma": [], "largest": []}
    by_decoder: dict[str, list] = {"coherence": [], "widest": [], "sigma_2s": []}
    i, j = names[0], names[1]
    rows_i, rows_j = view.matched(i, j)
    a, b = (z[rows][:ROWS].double().numpy() for z, rows in ((view.code(i), rows_i), (view.code(j), rows_j)))
    for target in (i, j):
        D = run.atoms(target).T
        sizes = []
        for p, q in zip(a, b, strict=True):
            active = np.flatnonzero((p != 0) | (q != 0))
            sizes.append(len(active))
            columns["distance"].append(float(np.linalg.norm(p - q)))
            columns["image"].append(float(np.linalg.norm(D @ (p - q))))
            columns["sigma"].append(sigma_min(D[:, active]) if len(active) else 0.0)
            columns["largest"].append(float(np.hypot(np.linalg.norm(p), np.linalg.norm(q))))
        by_decoder["coherence"].append(bounds.coherence(D))
        by_decoder["widest"].append(max(sizes, default=0))
        by_decoder["sigma_2s"].append(_sigma_2s(D, run.model.config.sparsity))
    return {"rowwise": columns | by_decoder}


def _sigma_2s(D: np.ndarray, s: int) -> float | None:
    if 2 * s > min(D.shape) or comb(D.shape[1], 2 * s) > SEARCH:
        return None
    return bounds.sparse_sigma(D, s)


def summary(units: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all rows of all seeds: how many bounds say something, and what goes with codes that differ.

    A bound is informative where it is below √(‖a‖² + ‖b‖²), which non-negative codes obey without any decoder. The
    coherence bound is vacuous where
    (2s − 1)μ ≥ 1, with 2s the largest number of active atoms.

    Examples
    --------
    >>> rows = {"distance": [1.0, 1.0], "image": [0.5, 0.5], "sigma": [0.5, 0.1], "largest": [2.0, 2.0]}
    >>> found = summary([{"rowwise": rows | {"coherence": [0.9], "widest": [4], "sigma_2s": [None]}}])
    >>> found["informative"], found["coherence_vacuous"], found["bound_over_distance"]["median"]
    (0.5, 1.0, 3.0)
    """
    parts = [u["rowwise"] for u in units]
    distance, image, sigma, largest = (
        np.concatenate([p[name] for p in parts]) for name in ("distance", "image", "sigma", "largest")
    )
    independent, differ = sigma > tolerance(1.0, 64), distance > SAME * np.maximum(largest, SAME)
    bound = np.full(len(sigma), np.inf)
    bound[independent] = image[independent] / sigma[independent]
    ratio = bound[differ & independent] / distance[differ & independent]
    mu = np.concatenate([p["coherence"] for p in parts])
    widest = np.concatenate([p["widest"] for p in parts])
    low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95]) if len(ratio) else (np.nan,) * 3
    return {
        "rows": len(sigma),
        "agree": float(np.mean(~differ)),
        "informative": float(np.mean(bound < largest)),
        "dependent_atoms": float(np.mean(~independent)),
        "sigma": {q: float(np.quantile(sigma, v)) for q, v in (("5%", 0.05), ("median", 0.5), ("95%", 0.95))},
        "bound_over_distance": {"5%": float(low), "median": float(middle), "95%": float(high)} if len(ratio) else None,
        "coherence_vacuous": float(np.mean((widest - 1) * mu >= 1)),
    }
