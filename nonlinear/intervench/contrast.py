"""The contrastive loss of two streams, for towers whose downstream task is to find the other half of a pair.

Linear heads take both streams to their canonical directions, in closed form from the rows to fit on, and a temperature
is chosen on the same rows; then both are fixed. A row's loss is the mean cross-entropy of finding its partner among the
rows of its batch, in both directions (Radford et al. 2021). The batches are fixed blocks of the test rows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from nonlinear.intervench.domains import Bench
from theory.moments import Moments
from theory.solvers import cca

# Rows that compete, and canonical directions at most.
BATCH, RANK = 256, 32
# Added to the covariances, in the units of the benchmark, where a coordinate has variance 1.
RIDGE = 1e-2
# Logarithm of the factor of the cosines.
FACTORS = (0.0, 7.0)


class Contrast:
    """Heads and temperature of one run of two streams.

    Parameters
    ----------
    bench
        The run.

    Raises
    ------
    ValueError
        Another number of streams.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(600, 0)
    >>> contrast = Contrast(Bench(data.sources, data.coders, data.labels, Config()))
    >>> x = {s: contrast.bench.X[s, "test"] for s in "AB"}
    >>> bool(contrast.losses(x).mean() < 0.5 < contrast.losses({**x, "B": x["B"][::-1]}).mean())
    True
    """

    def __init__(self, bench: Bench):
        if len(bench.names) != 2:
            raise ValueError(f"a contrastive loss needs two streams, not {len(bench.names)}; use faithfulness 'probe'")
        self.bench = bench
        known = [bench.X[s, "fit"] for s in bench.names]
        moments = Moments.from_arrays(known[0], known[1])
        rank = min(RANK, *(x.shape[1] for x in known))
        found = cca.solve(moments, rank, RIDGE)
        weights = np.sqrt(found.spectrum[:rank])
        self.heads = {s: found.maps[name] * weights for s, name in zip(bench.names, ("Wx", "Wy"), strict=True)}
        first, second = (x @ self.heads[s] for s, x in zip(bench.names, known, strict=True))
        self.factor = best_factor(first, second)

    def losses(self, x: Mapping[str, np.ndarray]) -> np.ndarray:
        """Loss of every row [n] of the two streams, in nats."""
        first, second = (x[s] @ self.heads[s] for s in self.bench.names)
        return row_losses(first, second, self.factor)

    def of_codes(self) -> tuple[np.ndarray, np.ndarray]:
        """Loss of every test row [n] where codes stand for what the heads make, and where all codes are zero.

        Codes have a temperature of their own.
        """
        known, (a, b) = ([self.bench.Z[s, p].toarray() for s in self.bench.names] for p in ("fit", "test"))
        factor = best_factor(known[0], known[1])
        return row_losses(a, b, factor), row_losses(0 * a, 0 * b, factor)


def row_losses(a: np.ndarray, b: np.ndarray, factor: float) -> np.ndarray:
    """Mean cross-entropy of both directions, for every row of a and its partner in b.

    Parameters
    ----------
    a, b
        [n, k]; rows of zeros have cosine 0 with all others.
    factor
        Of the cosines, the inverse temperature.

    Examples
    --------
    >>> bool(np.allclose(row_losses(np.zeros((4, 2)), np.eye(4, 2), 10.0), np.log(4)))
    True
    """
    a, b = (_unit(x) for x in (a, b))
    found = []
    for start in range(0, len(a), BATCH):
        logits = factor * a[start : start + BATCH] @ b[start : start + BATCH].T
        own = np.diag(logits)
        found.append((logsumexp(logits, 1) + logsumexp(logits, 0)) / 2 - own)
    return np.concatenate(found)


def best_factor(a: np.ndarray, b: np.ndarray) -> float:
    """Factor with the least mean loss.

    Examples
    --------
    >>> best_factor(np.eye(4), np.eye(4)) > 10, best_factor(np.eye(4), np.eye(4)[::-1]) < 1.1     # pairs, and none
    (True, True)
    """

    def loss(log_factor: float) -> float:
        return float(row_losses(a, b, float(np.exp(log_factor))).mean())

    found: Any = minimize_scalar(loss, bounds=FACTORS, method="bounded")
    return float(np.exp(found.x))


def _unit(x: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, norms, out=np.zeros_like(x, dtype=float), where=norms > 0)
