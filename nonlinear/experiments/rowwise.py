"""How far translation determines the codes of one row: ‖a − b‖ ≤ ‖D(a − b)‖/σ_min of the atoms active on either side.

Theorem A2 on each row of a trained pair. The bound is true for any weights; what is measured is how much it says.
"""

from math import comb
from typing import Any

import numpy as np
import torch

from nonlinear.evaluation import Evaluation
from nonlinear.experiments.region import independent, region
from theory import bounds
from theory.linalg import svd

# Rows per seed, and the relative size of a difference of codes that is none.
ROWS, SAME = 256, 1e-6
# Sets of atoms that an exhaustive search for σ_2s looks at, at most.
SEARCH = 200_000
COLUMNS = "translation", "reconstruction", "distance", "image", "sigma", "ell", "largest"


def rowwise(run: Evaluation, start: Evaluation) -> dict[str, Any]:
    """For a sample of matched rows and both decoders, how far translation determines the codes.

    Parameters
    ----------
    run, start
        The trained coders and those of the start, on the same rows.

    Returns
    -------
    dict
        ``rowwise``: see :func:`rows_of`, lists over rows and decoders; ``coherence`` and ``widest``, the largest number
        of active atoms, by decoder; ``sigma_2s`` by decoder, None where the search is too long.

        ``region``: stream decoded to → numbers, see :func:`~nonlinear.experiments.region.region`; ``shuffled_region``
        and ``untrained_region``: the same for shuffled pairs, and for the coders of the start.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> same, config = {"x": x, "y": x}, Config(system="sae-a", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1)
    >>> run = Evaluation(train(config, same), same)
    >>> max(rowwise(run, run)["rowwise"]["distance"])     # one coder, equal rows
    0.0
    """
    rows, decoders = rows_of(run), {s: run.atoms(s).T for s in run.shape.streams[:2]}
    found: dict[str, list] = {name: [] for name in (*COLUMNS, "coherence", "widest", "sigma_2s")}
    for s, D in decoders.items():
        for name in COLUMNS:
            found[name] += rows[s][name].tolist()
        found["coherence"].append(bounds.coherence(D))
        found["widest"].append(int(rows[s]["active"].max(initial=0)))
        found["sigma_2s"].append(_sigma_2s(D, run.model.config.sparsity))
    shuffled, untrained = rows_of(run, shuffle=True), rows_of(start)
    return {
        "rowwise": found,
        "region": {s: region(rows[s], D) for s, D in decoders.items()},
        "shuffled_region": {s: region(shuffled[s], D) for s, D in decoders.items()},
        "untrained_region": {s: region(untrained[s], start.atoms(s).T) for s in decoders},
    }


@torch.no_grad()
def rows_of(run: Evaluation, *, shuffle: bool = False) -> dict[str, dict[str, np.ndarray]]:
    """Errors and constants of matched rows, for the decoder of each of the first two streams.

    Parameters
    ----------
    run
        Coders on rows.
    shuffle
        Hold every row against the partner of the next one.

    Returns
    -------
    dict
        Stream j decoded to → arrays over rows, with codes a of the other stream and b of j, and x_j as the coders see
        it, normalised, less the decoder's offset: ``translation`` ‖Da − x_j‖, ``reconstruction`` ‖Db − x_j‖,
        ``distance`` ‖a − b‖, ``image`` ‖D(a − b)‖; of the atoms active on either side ``sigma`` σ_min (0 where they
        are dependent), ``ell`` σ_max and their number ``active``; ``largest`` √(‖a‖² + ‖b‖²).

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = Array(np.random.default_rng(0).normal(size=(40, 3)))
    >>> same, config = {"x": x, "y": x}, Config(system="sae-a", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1)
    >>> found = rows_of(Evaluation(train(config, same), same))["y"]
    >>> bool(np.array_equal(found["translation"], found["reconstruction"]))     # the codes agree
    True
    """
    view, pair = run.sample(standalone=True), run.shape.streams[:2]
    x, codes = {}, {}
    for s, rows in zip(pair, view.matched(*pair), strict=True):
        offset = view.decode(s, torch.zeros_like(view.code(s)[:1]))
        x[s], codes[s] = view.x(s)[rows][:ROWS].double() - offset.double(), view.code(s)[rows][:ROWS].double()
        if shuffle and s != pair[0]:
            x[s], codes[s] = x[s].roll(1, 0), codes[s].roll(1, 0)
    found = {}
    for i, j in (pair, pair[::-1]):
        a, b, D = codes[i].numpy(), codes[j].numpy(), run.atoms(j).T
        spectra = [_spectrum(D[:, (p != 0) | (q != 0)]) for p, q in zip(a, b, strict=True)]
        columns = {
            "translation": a @ D.T - x[j].numpy(),
            "reconstruction": b @ D.T - x[j].numpy(),
            "distance": a - b,
            "image": (a - b) @ D.T,
            "largest": np.hstack([a, b]),
        }
        found[j] = {name: np.linalg.norm(vectors, axis=1) for name, vectors in columns.items()}
        found[j] |= zip(("sigma", "ell", "active"), np.array(spectra).reshape(-1, 3).T, strict=True)
    return found


def _spectrum(D: np.ndarray) -> tuple[float, float, int]:
    """σ_min, σ_max and number of some atoms."""
    d, number = D.shape
    values = svd(D)[1] if number else np.zeros(1)
    return (float(values[-1]) if number <= d else 0.0), float(values[0]), number


def _sigma_2s(D: np.ndarray, s: int) -> float | None:
    if 2 * s > min(D.shape) or comb(D.shape[1], 2 * s) > SEARCH:
        return None
    return bounds.sparse_sigma(D, s)


def summary(units: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all rows of all seeds: how many bounds say something, and what goes with codes that differ.

    A bound is informative where it is below √(‖a‖² + ‖b‖²), which non-negative codes obey without any decoder. The
    coherence bound is vacuous where (2s − 1)μ ≥ 1, with 2s the largest number of active atoms.

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
    there, differ = independent(sigma), distance > SAME * np.maximum(largest, SAME)
    bound = np.full(len(sigma), np.inf)
    bound[there] = image[there] / sigma[there]
    ratio = bound[differ & there] / distance[differ & there]
    mu = np.concatenate([p["coherence"] for p in parts])
    widest = np.concatenate([p["widest"] for p in parts])
    low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95]) if len(ratio) else (np.nan,) * 3
    return {
        "rows": len(sigma),
        "agree": float(np.mean(~differ)),
        "informative": float(np.mean(bound < largest)),
        "dependent_atoms": float(np.mean(~there)),
        "sigma": {q: float(np.quantile(sigma, v)) for q, v in (("5%", 0.05), ("median", 0.5), ("95%", 0.95))},
        "bound_over_distance": {"5%": float(low), "median": float(middle), "95%": float(high)} if len(ratio) else None,
        "coherence_vacuous": float(np.mean((widest - 1) * mu >= 1)),
    }
