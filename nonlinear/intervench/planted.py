"""Planted data whose atoms are known, and the situations in which the benchmark has to give a known answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nonlinear.data import Array
from theory.ambiguity.rotations import haar

# Ten classes of three atoms each, atoms that say nothing, and one atom for each value of an attribute.
CLASSES, PER_CLASS, NUISANCE, VALUES = 10, 3, 20, 2
ATOMS = CLASSES * PER_CLASS + NUISANCE + VALUES
WIDTH = 64
# Dimensions that are fewer than atoms.
NARROW = 24
# Probability that an atom of the class, or one of the nuisance, is active; white noise; and what counts as active.
ACTIVE, IDLE, NOISE, LEAST = 0.9, 0.2, 0.02, 0.2


@dataclass(frozen=True, eq=False)
class PlantedCoder:
    """A coder that was told its atoms.

    Parameters
    ----------
    dictionary
        Atoms [m, d].
    encoder
        Rows → codes.

    Examples
    --------
    >>> coder = PlantedCoder(2 * np.eye(2), lambda X: X / 2)
    >>> coder.decode(coder.encode(np.array([[3.0, 1.0]]))).tolist()
    [[3.0, 1.0]]
    """

    dictionary: np.ndarray
    encoder: Callable[[np.ndarray], np.ndarray]

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Codes [n, m]."""
        return self.encoder(X)

    def decode(self, Z: np.ndarray) -> np.ndarray:
        """Rows [n, d]."""
        return Z @ self.dictionary


@dataclass(frozen=True, eq=False)
class Planted:
    """Two domains "A" and "B" that show the same points, and their coders.

    Parameters
    ----------
    sources, coders
        By domain.
    labels, forget
        Class and attribute of every row, by domain.

    Examples
    --------
    >>> data: Planted = planted(20, 0)
    >>> np.bincount(data.labels["A"]).tolist(), data.labels["A"] is data.labels["B"]
    ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2], True)
    """

    sources: Mapping[str, Array]
    coders: Mapping[str, Any]
    labels: Mapping[str, np.ndarray]
    forget: Mapping[str, np.ndarray]


def planted(n: int, seed: int, situation: str = "oracle") -> Planted:
    """Draw planted data with the coders of a situation.

    Parameters
    ----------
    n, seed
        Points, and what they and the atoms are drawn by.
    situation
        One of SITUATIONS.

    Raises
    ------
    ValueError
        Unknown situation.

    Examples
    --------
    >>> data = planted(50, 0)
    >>> data.sources["A"].dim, data.coders["B"].dictionary.shape, len(data.labels["A"])
    (64, (52, 64), 50)
    """
    if situation not in SITUATIONS:
        raise ValueError(f"unknown situation {situation!r}; known: {', '.join(SITUATIONS)}")
    rng = np.random.default_rng([seed, 29])
    y, a = rng.permutation(np.arange(n) % CLASSES), rng.permutation(np.arange(n) % VALUES)
    Z = _codes(y, a, rng)
    sources, coders = {}, {}
    for s in "AB":
        D = haar(WIDTH, rng)[:ATOMS]
        X = Z @ D + NOISE * rng.standard_normal((n, WIDTH))
        sources[s], coders[s] = Array(X, s), PlantedCoder(D, _by_projection(D))
    data = Planted(sources, coders, dict.fromkeys("AB", y), dict.fromkeys("AB", a))
    return SITUATIONS[situation](data, rng)


def overcomplete(n: int, seed: int, same_gram: bool) -> Planted:
    """Draw planted data of more atoms than dimensions, with coders that know the codes of every row.

    Codes and decoders are perfect in either case; weights of a latent probe travel only where both dictionaries have
    one Gram D Dᵀ.

    Parameters
    ----------
    n, seed
        Points, and what they and the atoms are drawn by.
    same_gram
        The atoms of B are those of A, rotated; otherwise they are drawn anew.

    Examples
    --------
    >>> data = overcomplete(50, 0, same_gram=True)
    >>> D, E = data.coders["A"].dictionary, data.coders["B"].dictionary
    >>> D.shape, np.allclose(D, E), np.allclose(D @ D.T, E @ E.T)
    ((52, 24), False, True)
    """
    rng = np.random.default_rng([seed, 31])
    y, a = rng.permutation(np.arange(n) % CLASSES), rng.permutation(np.arange(n) % VALUES)
    Z, atoms = _codes(y, a, rng), _unit(rng)
    sources, coders = {}, {}
    for s, D in {"A": atoms, "B": atoms @ haar(NARROW, rng) if same_gram else _unit(rng)}.items():
        X = Z @ D + NOISE * rng.standard_normal((n, NARROW))
        sources[s], coders[s] = Array(X, s), PlantedCoder(D, _by_row(X, Z))
    return Planted(sources, coders, dict.fromkeys("AB", y), dict.fromkeys("AB", a))


def _unit(rng: np.random.Generator) -> np.ndarray:
    D = rng.standard_normal((ATOMS, NARROW))
    return D / np.linalg.norm(D, axis=1, keepdims=True)


def _by_row(X: np.ndarray, Z: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the encoder that gives a row the code of the nearest row of X."""
    squares = (X**2).sum(1)
    return lambda rows: Z[(2 * rows @ X.T - squares).argmax(1)]


def _codes(y: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = len(y)
    Z = np.zeros((n, ATOMS))
    for c in range(CLASSES):
        Z[:, c * PER_CLASS : (c + 1) * PER_CLASS] = (y == c)[:, None] & (rng.random((n, PER_CLASS)) < ACTIVE)
    Z[:, CLASSES * PER_CLASS : -VALUES] = rng.random((n, NUISANCE)) < IDLE
    Z[np.arange(n), ATOMS - VALUES + a] = 1
    return Z * rng.uniform(0.5, 1.5, Z.shape)


def _by_projection(D: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    def encode(X: np.ndarray) -> np.ndarray:
        Z = X @ D.T
        return np.where(Z > LEAST, Z, 0.0)

    return encode


def _with_b(data: Planted, coder: PlantedCoder) -> Planted:
    return replace(data, coders={**data.coders, "B": coder})


def _through(data: Planted, s: str, M: np.ndarray, D: np.ndarray | None = None) -> PlantedCoder:
    """Return the coder of s with codes z M, and atoms D."""
    coder = data.coders[s]
    return PlantedCoder(M.T @ coder.dictionary if D is None else D, lambda X: coder.encode(X) @ M)


def _permuted(data: Planted, rng: np.random.Generator) -> Planted:
    return _with_b(data, _through(data, "B", np.eye(ATOMS)[rng.permutation(ATOMS)]))


def _rotated(data: Planted, rng: np.random.Generator) -> Planted:
    return _with_b(data, _through(data, "B", haar(ATOMS, rng)))


def _split(data: Planted, rng: np.random.Generator) -> Planted:
    """Every atom is there twice; A uses the first copies, B the second ones."""
    halves = {"A": np.eye(ATOMS, 2 * ATOMS), "B": np.eye(ATOMS, 2 * ATOMS, k=ATOMS)}
    twice = {s: np.concatenate([c.dictionary] * 2) for s, c in data.coders.items()}
    return replace(data, coders={s: _through(data, s, M, twice[s]) for s, M in halves.items()})


def _garbage(data: Planted, rng: np.random.Generator) -> Planted:
    garbage = {s: rng.standard_normal((ATOMS, WIDTH)) for s in data.coders}
    return replace(data, coders={s: PlantedCoder(D, data.coders[s].encoder) for s, D in garbage.items()})


def _dead(data: Planted, rng: np.random.Generator) -> Planted:
    silent = {s: PlantedCoder(c.dictionary, lambda X: np.zeros((len(X), ATOMS))) for s, c in data.coders.items()}
    return replace(data, coders=silent)


def _shuffled(data: Planted, rng: np.random.Generator) -> Planted:
    order = rng.permutation(len(data.labels["B"]))
    return replace(
        data,
        sources={**data.sources, "B": Array(data.sources["B"].array[order], "B")},
        labels={**data.labels, "B": data.labels["B"][order]},
        forget={**data.forget, "B": data.forget["B"][order]},
    )


def _within_classes(data: Planted, rng: np.random.Generator) -> Planted:
    order = np.arange(ATOMS)
    for c in range(CLASSES):
        order[c * PER_CLASS : (c + 1) * PER_CLASS] = np.roll(order[c * PER_CLASS : (c + 1) * PER_CLASS], 1)
    return _with_b(data, _through(data, "B", np.eye(ATOMS)[order]))


SITUATIONS: Mapping[str, Callable[[Planted, np.random.Generator], Planted]] = {
    "oracle": lambda data, rng: data,
    "permuted": _permuted,
    "rotated": _rotated,
    "split": _split,
    "garbage decoders": _garbage,
    "dead encoders": _dead,
    "pairs shuffled": _shuffled,
    "permuted within classes": _within_classes,
}
