"""Coders that learned nothing: what a score is worth is what it adds to theirs."""

from collections.abc import Callable

import numpy as np

from nonlinear.intervench.domains import Bench
from theory.linalg import eigh


class Projections:
    """Codes that are projections of rows on directions, in the units of the benchmark: all, or the k largest positive.

    Parameters
    ----------
    directions
        Of norm 1 [m, d].
    mean, scale
        x̃ = (x − mean)·scale.
    k
        Active atoms per code; None: all, signed.

    Examples
    --------
    >>> coder = Projections(np.eye(2), np.ones(2), 4.0)
    >>> coder.decode(coder.encode(np.array([[1.0, 3.0]])))
    array([[1., 3.]])
    >>> Projections(np.eye(2), np.zeros(2), 1.0, 1).encode(np.array([[1.0, 2.0], [-1.0, -2.0]]))
    array([[0., 2.],
           [0., 0.]])
    """

    def __init__(self, directions: np.ndarray, mean: np.ndarray, scale: float, k: int | None = None):
        self.directions, self.mean, self.scale, self.k = directions, mean, scale, k
        self.dictionary = directions / scale

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Codes [n, m]."""
        Z = (X - self.mean) @ self.directions.T * self.scale
        if self.k is None:
            return Z
        kth = np.partition(Z, -self.k, axis=1)[:, -self.k, None]
        return np.where((kth <= Z) & (Z > 0), Z, 0)

    def decode(self, Z: np.ndarray) -> np.ndarray:
        """Rows [n, d]."""
        return Z @ self.dictionary + self.mean


def identity(bench: Bench) -> dict[str, Projections] | None:
    """Coordinates as atoms; None where streams differ in width.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> coder = identity(Bench(data.sources, data.coders, data.labels, Config()))["A"]
    >>> rows = data.sources["A"].array
    >>> bool(np.allclose(coder.decode(coder.encode(rows)), rows))     # nothing is lost
    True
    """
    if len({len(d.b) for d in bench.domains.values()}) > 1:
        return None
    return {s: Projections(np.eye(len(d.b)), d.mean, d.scale) for s, d in bench.domains.items()}


def pca(bench: Bench) -> dict[str, Projections]:
    """Principal directions of the rows to fit on, as many as every stream has and no more than atoms.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> D = pca(Bench(data.sources, data.coders, data.labels, Config()))["A"].directions
    >>> D.shape, bool(np.allclose(D @ D.T, np.eye(52)))
    ((52, 64), True)
    """
    count = min(bench.n_atoms, *(min(bench.X[s, "fit"].shape) for s in bench.names))
    found = {}
    for s, d in bench.domains.items():
        x = bench.X[s, "fit"] - bench.X[s, "fit"].mean(0)
        found[s] = Projections(eigh(x.T @ x)[1][:, :count].T, d.mean, d.scale)
    return found


def random(bench: Bench) -> dict[str, Projections]:
    """As many random directions as there are atoms, with as many active ones as the codes have.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> coder = random(Bench(data.sources, data.coders, data.labels, Config()))["A"]
    >>> coder.directions.shape, coder.k     # 2.7 atoms of the class, 4 of the nuisance, 1 of the attribute
    ((52, 64), 8)
    """
    found = {}
    for number, (s, d) in enumerate(bench.domains.items()):
        D = np.random.default_rng([bench.config.seed, 19, number]).standard_normal(d.D.shape)
        k = int(np.clip(round(bench.Z[s, "train"].nnz / len(bench.parts["train"])), 1, bench.n_atoms))
        found[s] = Projections(D / np.linalg.norm(D, axis=1, keepdims=True), d.mean, d.scale, k)
    return found


BASELINES: dict[str, Callable[[Bench], dict[str, Projections] | None]] = {
    "identity": identity,
    "pca": pca,
    "random": random,
}
