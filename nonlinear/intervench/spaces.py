"""The two spaces in which the benchmark probes and intervenes: latent, by the dictionary, and concept, by codes."""

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from nonlinear.intervench.domains import Bench
from nonlinear.intervench.probe import Features, Probe, by_atoms, by_matrix, fit_masked
from nonlinear.intervench.pursuit import SELECTIONS, Moments
from theory import moments
from theory.linalg import rank_of, svd


class Space:
    """What both spaces share: the order in which atoms are chosen on the training rows.

    Parameters
    ----------
    bench
        The run.

    Attributes
    ----------
    probes
        Stream → probes that were fitted on it.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> space: Space = Concept(Bench(data.sources, data.coders, data.labels, Config()))
    >>> np.sort(space.order("A", "class", 3)[1]).tolist()     # the three atoms of class 1
    [3, 4, 5]
    """

    name: str

    def __init__(self, bench: Bench):
        self.bench = bench
        self.probes: dict[str, Any] = {}
        self._orders: dict[tuple[str, str], np.ndarray] = {}

    def moments(self, s: str, target: str) -> Moments:
        """Moments of what atoms do on stream s with the indicators of a target, "class" or "attribute"."""
        raise NotImplementedError

    def features(self, s: str, part: str, ablated: np.ndarray | None = None) -> Any:
        """Features of the rows of a part, with or without what some atoms do."""
        raise NotImplementedError

    def by_atom(self, s: str, part: str) -> Features:
        """What all atoms do, as features of a masked probe."""
        raise NotImplementedError

    def transferred(self, probe: Probe, i: str, j: str) -> Probe:
        """Return the probe over atoms of stream i as one on the features of stream j."""
        raise NotImplementedError

    def kept(self, s: str, F: Any, atoms: np.ndarray) -> Any:
        """Return what a probe sees that may use some atoms only."""
        raise NotImplementedError

    def order(self, s: str, target: str, count: int) -> np.ndarray:
        """Atoms [C, count] of stream s for each class or value; −1 where there are no more."""
        known = self._orders.get((s, target))
        if known is None or known.shape[1] < count:
            choose = SELECTIONS[self.bench.config.selection]
            known = self._orders[s, target] = choose(self.moments(s, target), count)
        return known[:, :count]  # both selections are greedy: the first of many are the first of few


class Latent(Space):
    """Rows x̃ themselves; an atom a acts through x̃·d_a. The encoder is never called.

    Parameters
    ----------
    bench
        The run.

    Examples
    --------
    >>> Latent.name
    'latent'
    """

    name = "latent"

    @cached_property
    def _second(self) -> dict[str, tuple[np.ndarray, dict[str, np.ndarray]]]:
        """Stream → covariance of the training rows, and theirs with the indicators of each target: one pass."""
        bench, found = self.bench, {}
        train, size = bench.parts["train"], bench.config.block
        for s, domain in bench.domains.items():
            widths = {name: one_hot.shape[1] for name, one_hot in _targets(bench, s, train[:1]).items()}
            blocks = (train[start : start + size] for start in range(0, len(train), size))
            second = moments.Moments.from_blocks(
                (domain.x(rows), np.concatenate(list(_targets(bench, s, rows).values()), 1)) for rows in blocks
            )
            crosses = np.split(second.Sxy, np.cumsum(list(widths.values()))[:-1], axis=1)
            found[s] = second.Sx, dict(zip(widths, crosses, strict=True))
        return found

    def moments(self, s: str, target: str) -> Moments:
        """Moments of the atoms' projections with the indicators of a target, "class" or "attribute"."""
        S, cross = self._second[s]
        D, shares = self.bench.domains[s].D, _shares(self.bench, s, target)
        images = D @ S
        return Moments((images * D).sum(1), D @ cross[target], shares * (1 - shares), lambda a: images @ D[a].T)

    def features(self, s: str, part: str, ablated: np.ndarray | None = None) -> np.ndarray:
        """Rows of a part [n, d]; without their components in the span of the ablated atoms, after removing b."""
        x = self.bench.X[s, part]
        if ablated is None or not len(ablated):
            return x
        domain = self.bench.domains[s]
        _, values, Qt = svd(domain.D[ablated])
        Q = Qt[: rank_of(values)]
        return x - ((x - domain.b) @ Q.T) @ Q

    def by_atom(self, s: str, part: str) -> Features:
        """Projections on all atoms, as features of a masked probe."""
        return by_atoms(self.bench.X[s, part], self.bench.domains[s].D)

    def transferred(self, probe: Probe, i: str, j: str) -> Probe:
        """Return the probe over atoms of stream i as one on the rows of stream j: θ = D_jᵀw."""
        return Probe(probe.W @ self.bench.domains[j].D, probe.b)

    def kept(self, s: str, F: np.ndarray, atoms: np.ndarray) -> np.ndarray:
        """What a probe sees that may use some atoms only."""
        return F @ self.bench.domains[s].D[atoms].T


class Concept(Space):
    """Codes z; an atom acts through its own column.

    Parameters
    ----------
    bench
        The run.

    Examples
    --------
    >>> Concept.name
    'concept'
    """

    name = "concept"

    def __init__(self, bench: Bench):
        super().__init__(bench)
        # The scale of active codes, which keeps the penalty comparable; the same factor for all atoms.
        self.unit = {s: _active_scale(bench.Z[s, "train"]) for s in bench.names}

    def moments(self, s: str, target: str) -> Moments:
        """Moments of the codes with the indicators of a target, "class" or "attribute"."""
        bench, Z = self.bench, self.bench.Z[s, "train"]
        n, mean = len(bench.parts["train"]), np.asarray(Z.mean(0)).ravel()
        shares = _shares(bench, s, target)
        one_hot = _targets(bench, s, bench.parts["train"])[target]
        cross = np.asarray(Z.T @ one_hot) / n - np.outer(mean, shares)
        variance = np.asarray(Z.multiply(Z).mean(0)).ravel() - mean**2
        by_column = sparse.csc_matrix(Z)

        def columns(a: np.ndarray) -> np.ndarray:
            return np.asarray((Z.T @ by_column[:, a]).todense()) / n - np.outer(mean, mean[a])

        return Moments(np.maximum(variance, 0), cross, shares * (1 - shares), columns)

    def features(self, s: str, part: str, ablated: np.ndarray | None = None) -> sparse.csr_matrix:
        """Codes of a part [n, m] over their scale; without those of the ablated atoms."""
        keep = np.ones(self.bench.n_atoms) / self.unit[s]
        if ablated is not None:
            keep[ablated] = 0
        found = self.bench.Z[s, part].copy()
        found.data *= keep[found.indices]
        return found

    def by_atom(self, s: str, part: str) -> Features:
        """Codes as features of a masked probe."""
        return by_matrix(self.features(s, part))

    def transferred(self, probe: Probe, i: str, j: str) -> Probe:
        """Return the probe over atoms of stream i as one on the codes of stream j: the same weights."""
        return Probe(probe.W * (self.unit[j] / self.unit[i]), probe.b)

    def kept(self, s: str, F: sparse.csr_matrix, atoms: np.ndarray) -> sparse.csr_matrix:
        """What a probe sees that may use some atoms only."""
        return F[:, atoms]


def sparse_probe(space: Space, s: str, order: np.ndarray, k: int) -> Probe:
    """Probe of stream s that uses, for each class, its first k atoms in the given order.

    Examples
    --------
    >>> from nonlinear.intervench.config import Config
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> space = Concept(Bench(data.sources, data.coders, data.labels, Config()))
    >>> probe = sparse_probe(space, "A", space.order("A", "class", 3), 3)
    >>> (probe.predict(space.features("A", "test")) == space.bench.y("A", "test")).mean() > 0.9
    np.True_
    """
    mask = np.zeros((len(order), space.bench.n_atoms), dtype=bool)
    for c, atoms in enumerate(order[:, :k]):
        mask[c, atoms[atoms >= 0]] = True
    return fit_masked(space.by_atom(s, "fit"), space.bench.y(s, "fit"), mask, space.bench.config.penalty)


def _targets(bench: Bench, s: str, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Indicators of the classes, and of the values of the attribute, of some rows."""
    found = {"class": _one_hot(bench.labels[s][rows], bench.n_classes)}
    if bench.forget is not None:
        found["attribute"] = _one_hot(bench.forget[s][rows], 1 + max(int(a.max()) for a in bench.forget.values()))
    return found


def _shares(bench: Bench, s: str, target: str) -> np.ndarray:
    return _targets(bench, s, bench.parts["train"])[target].mean(0)


def _one_hot(y: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count)[y]


def _active_scale(Z: sparse.csr_matrix) -> float:
    found = float(np.sqrt((Z.data**2).mean())) if Z.nnz else 0.0
    return found if found > 0 else 1.0
