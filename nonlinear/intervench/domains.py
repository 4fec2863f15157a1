"""Domains as the benchmark sees them: centred, scaled to E‖x‖² = d, atoms of norm 1, rows split once.

The gauge is fixed here: codes are multiplied by the norms of their atoms in these units, so that neither the scale of a
dictionary nor that of a stream enters a score.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from nonlinear.data import Normaliser, Rows
from nonlinear.intervench.coders import Coder, Joint, checked
from nonlinear.intervench.config import Config

PARTS = "train", "validation", "test"
Parts = Mapping[str, np.ndarray]
# Rows of a class that every part needs.
LEAST = 5


@dataclass(frozen=True, eq=False)
class Domain:
    """One stream with its coder, in the units of the benchmark.

    Parameters
    ----------
    name, rows, coder
        As given, in their own units.
    mean, scale
        x̃ = (x − mean)·scale, from the training rows.
    D, norms, b
        Atoms of norm 1 [m, d], their norms before [m], and decode(0) [d].

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> from nonlinear.intervench.planted import PlantedCoder
    >>> coder = PlantedCoder(2 * np.eye(2), lambda X: X / 2)
    >>> domain = Domain.of("x", Array(np.eye(2)), coder, Normaliser("variance", np.zeros(2), 1.0))
    >>> domain.norms.tolist(), domain.codes(np.eye(2)).toarray().tolist()     # codes of atoms of norm 1
    ([2.0, 2.0], [[1.0, 0.0], [0.0, 1.0]])
    """

    name: str
    rows: Rows
    coder: Coder
    mean: np.ndarray
    scale: float
    D: np.ndarray
    norms: np.ndarray
    b: np.ndarray

    @classmethod
    def of(cls, name: str, rows: Rows, coder: Any, units: Normaliser) -> "Domain":
        """Bring a coder into the given units."""
        coder = checked(name, coder, rows.dim)
        D = np.asarray(coder.dictionary, dtype=np.float64) * units.scale
        norms = np.linalg.norm(D, axis=1)
        b = (np.asarray(coder.decode(np.zeros((1, len(D)))), dtype=np.float64)[0] - units.mean) * units.scale
        return cls(name, rows, coder, units.mean, units.scale, D / np.where(norms > 0, norms, 1)[:, None], norms, b)

    def x(self, rows: np.ndarray) -> np.ndarray:
        """Rows [len(rows), d] in the units of the benchmark."""
        order = np.argsort(rows, kind="stable")  # ascending row numbers are kinder to a mapped file
        found = np.empty((len(rows), self.rows.dim))
        found[order] = (self.rows.take(rows[order]) - self.mean) * self.scale
        return found

    def own(self, x: np.ndarray) -> np.ndarray:
        """Rows in their own units."""
        return x / self.scale + self.mean

    def codes(self, x: np.ndarray) -> sparse.csr_matrix:
        """Codes of rows in the units of the benchmark, by the encoder alone."""
        return self.folded(self.coder.encode(self.own(x)))

    def folded(self, Z: np.ndarray) -> sparse.csr_matrix:
        """Codes for atoms of norm 1.

        Raises
        ------
        ValueError
            Codes of another shape or not finite.
        """
        Z = np.asarray(Z)
        if Z.ndim != 2 or Z.shape[1] != len(self.D):
            raise ValueError(f"encode of {self.name!r} gives shape {Z.shape}; give [n, {len(self.D)}]")
        if not np.isfinite(Z).all():
            raise ValueError(f"encode of {self.name!r} gives NaN or infinite codes; train again or mend the encoder")
        found = sparse.csr_matrix(Z, dtype=np.float64)
        found.data *= self.norms[found.indices]
        return found

    def decode(self, Z: sparse.csr_matrix) -> np.ndarray:
        """Rows [n, d] of folded codes."""
        return np.asarray(Z @ self.D) + self.b


class _Some:
    """Some of the rows of a stream."""

    def __init__(self, rows: Rows, chosen: np.ndarray):
        self.rows, self.chosen, self.name, self.dim = rows, chosen, rows.name, rows.dim

    def __len__(self) -> int:
        return len(self.chosen)

    def take(self, rows: np.ndarray) -> np.ndarray:
        return self.rows.take(self.chosen[rows])


def split(y: np.ndarray, config: Config, given: Parts | None = None) -> dict[str, np.ndarray]:
    """Row numbers of "train", "validation" and "test", and "fit": some of the training rows of each class.

    Parameters
    ----------
    y
        Classes [n].
    config
        Shares and seed.
    given
        The first three; otherwise they are drawn, stratified by class.

    Examples
    --------
    >>> parts = split(np.arange(100) % 2, Config(rows_per_class=10))
    >>> {name: len(rows) for name, rows in parts.items()}
    {'train': 60, 'validation': 20, 'test': 20, 'fit': 20}
    """
    rng = np.random.default_rng([config.seed, 11])
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*PARTS, "fit")}
    n_classes = int(y.max()) + 1
    n_train = len(given["train"]) if given is not None else len(y) * (1 - config.test - config.validation)
    # The classes keep their proportions, so that the probes' prior is that of the rows that they are judged on.
    share = min(1.0, config.rows_per_class * n_classes / max(n_train, 1))
    for c in range(n_classes):
        if given is None:
            rows = rng.permutation(np.flatnonzero(y == c))
            a, b = round(len(rows) * config.test), round(len(rows) * (config.test + config.validation))
            chosen = dict(zip(("test", "validation", "train"), np.split(rows, [a, b]), strict=True))
        else:  # every class and part by itself: what test rows are labelled decides nothing about the others
            chosen = {name: given[name][y[given[name]] == c] for name in PARTS}
            chosen["train"] = np.random.default_rng([config.seed, 11, c]).permutation(chosen["train"])
        for name in PARTS:
            found[name].append(chosen[name])
        found["fit"].append(chosen["train"][: max(round(share * len(chosen["train"])), LEAST)])
    return {name: np.sort(np.concatenate(rows)) for name, rows in found.items()}


class Bench:
    """Domains, labels and codes of one run.

    Parameters
    ----------
    sources, coders
        Stream → rows, and stream → :class:`~nonlinear.intervench.coders.Coder`; row r of all streams is one point.
    labels, forget
        Stream → class, and value of the forget attribute, of every row [n]; whole numbers.
    config
        Everything else.
    joint
        Codes that see all streams of a point, in place of those of each encoder alone.
    parts
        Rows to learn on, to choose on and to measure on, see :func:`split`.

    Attributes
    ----------
    parts
        Name → row numbers, see :func:`split`.
    X
        (stream, part) → rows in the units of the benchmark, of "fit", "validation" and "test".
    Z
        (stream, part) → codes, of all parts.

    Examples
    --------
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0)
    >>> bench = Bench(data.sources, data.coders, data.labels, Config())
    >>> bench.n_atoms, bench.n_classes, bench.Z["A", "test"].shape
    (52, 10, (60, 52))
    """

    def __init__(
        self,
        sources: Mapping[str, Rows],
        coders: Mapping[str, Any],
        labels: Mapping[str, np.ndarray],
        config: Config,
        forget: Mapping[str, np.ndarray] | None = None,
        joint: Joint | None = None,
        parts: Parts | None = None,
    ):
        self.config = config
        self.labels, self.n_classes = labels, 1 + max(int(y.max()) for y in labels.values())
        self.forget = forget
        self.parts = split(next(iter(labels.values())), config, parts)
        self.sources = dict(sources)
        train = self.parts["train"]
        self.units = {s: Normaliser.fit(_Some(rows, train), "variance") for s, rows in sources.items()}
        self._take(coders, joint)
        self.X = {(s, p): d.x(self.parts[p]) for s, d in self.domains.items() for p in ("fit", "validation", "test")}

    def with_coders(self, coders: Mapping[str, Any], config: Config) -> "Bench":
        """Return the same run with other coders, whose training rows are those that probes are fitted on."""
        other = copy(self)
        other.config = config
        other.parts = self.parts | {"train": self.parts["fit"]}
        other._take(coders, None)
        return other

    def _take(self, coders: Mapping[str, Any], joint: Joint | None) -> None:
        self.joint = joint
        if missing := [s for s in self.sources if s not in coders]:
            raise ValueError(f"there is no coder of stream {missing[0]!r}; give one for every stream")
        self.domains = {s: Domain.of(s, rows, coders[s], self.units[s]) for s, rows in self.sources.items()}
        self.names = list(self.domains)
        sizes = {len(d.D) for d in self.domains.values()}
        if len(sizes) > 1:
            counts = " and ".join(map(str, sorted(sizes)))
            raise ValueError(f"the dictionaries have {counts} atoms; give all streams equally many")
        self.n_atoms = sizes.pop()
        self.Z = self._codes()

    def _codes(self) -> dict[tuple[str, str], sparse.csr_matrix]:
        blocks: dict[tuple[str, str], list[sparse.csr_matrix]] = {}
        for part in PARTS:
            for start in range(0, len(self.parts[part]), self.config.block):
                rows = self.parts[part][start : start + self.config.block]
                x = {s: d.x(rows) for s, d in self.domains.items()}
                for s, z in self.code(x).items():
                    blocks.setdefault((s, part), []).append(z)
        found = {key: sparse.csr_matrix(sparse.vstack(parts)) for key, parts in blocks.items()}
        within = np.searchsorted(self.parts["train"], self.parts["fit"])
        return found | {(s, "fit"): found[s, "train"][within] for s in self.domains}

    def code(self, x: Mapping[str, np.ndarray]) -> dict[str, sparse.csr_matrix]:
        """Codes of the rows of one block, by stream."""
        if self.joint is None:
            return {s: d.codes(x[s]) for s, d in self.domains.items()}
        Z = self.joint({s: d.own(x[s]) for s, d in self.domains.items()})
        return {s: d.folded(Z[s]) for s, d in self.domains.items()}

    def y(self, s: str, part: str) -> np.ndarray:
        """Classes of a part."""
        return self.labels[s][self.parts[part]]

    def a(self, s: str, part: str) -> np.ndarray:
        """Values of the forget attribute of a part."""
        if self.forget is None:
            raise ValueError("there is no forget attribute; pass one")
        return self.forget[s][self.parts[part]]
