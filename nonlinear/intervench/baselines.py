"""Coders that learned nothing: what a score is worth is what it adds to theirs."""

from collections.abc import Callable

import numpy as np

from nonlinear.intervench.domains import Bench
from theory.linalg import eigh


class Projections:
    """Codes that are projections of centred rows on the atoms, all of them or the k largest positive ones.

    Parameters
    ----------
    dictionary
        Atoms [m, d].
    mean
        [d].
    k
        Atoms per code; None: all, signed.

    Examples
    --------
    >>> Projections(np.eye(2), np.zeros(2), 1).encode(np.array([[1.0, 2.0], [-1.0, -2.0]]))
    array([[0., 2.],
           [0., 0.]])
    """

    def __init__(self, dictionary: np.ndarray, mean: np.ndarray, k: int | None = None):
        self.dictionary, self.mean, self.k = dictionary, mean, k

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Codes [n, m]."""
        Z = (X - self.mean) @ self.dictionary.T
        if self.k is None:
            return Z
        kth = np.partition(Z, -self.k, axis=1)[:, -self.k, None]
        return np.where((kth <= Z) & (Z > 0), Z, 0)

    def decode(self, Z: np.ndarray) -> np.ndarray:
        """Rows [n, d]."""
        return Z @ self.dictionary + self.mean


def identity(bench: Bench) -> dict[str, Projections] | None:
    """Coordinates as atoms; None where streams differ in width."""
    if len({len(d.b) for d in bench.domains.values()}) > 1:
        return None
    return {s: Projections(np.eye(len(d.b)) / d.scale, d.mean) for s, d in bench.domains.items()}


def pca(bench: Bench) -> dict[str, Projections]:
    """Principal directions of the rows to fit on, as many as every stream has and no more than atoms."""
    count = min(bench.n_atoms, *(min(bench.X[s, "fit"].shape) for s in bench.names))
    found = {}
    for s, d in bench.domains.items():
        x = bench.X[s, "fit"]
        vectors = eigh(np.cov(x, rowvar=False))[1][:, :count]
        found[s] = Projections(vectors.T / d.scale, d.mean)
    return found


def random(bench: Bench) -> dict[str, Projections]:
    """As many random directions as there are atoms, with as many active ones as the codes have."""
    found = {}
    for number, (s, d) in enumerate(bench.domains.items()):
        rng = np.random.default_rng([bench.config.seed, 19, number])
        D = rng.standard_normal(d.D.shape)
        k = int(np.clip(round(bench.Z[s, "train"].nnz / len(bench.parts["train"])), 1, bench.n_atoms))
        found[s] = Projections(D / np.linalg.norm(D, axis=1, keepdims=True) / d.scale, d.mean, k)
    return found


BASELINES: dict[str, Callable[[Bench], dict[str, Projections] | None]] = {
    "identity": identity,
    "pca": pca,
    "random": random,
}
