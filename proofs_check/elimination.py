"""Sparse linear algebra over ℚ: write one vector as a combination of others, with as few of them as a few tries give.

Elimination modulo a prime says which vectors are needed; only these are then solved for exactly.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from random import Random
from typing import Any, Generic, TypeVar

PRIME = 2**61 - 1
# Tries with other orders of the vectors, and the number of vectors up to which they are worth their time.
TRIES, SMALL = 6, 1000
Key = TypeVar("Key", bound=Hashable)
Vector = Mapping[Any, Fraction | int]


def combination(goal: Vector, vectors: Mapping[Key, Vector]) -> dict[Key, Fraction] | None:
    """Return weights with goal = Σ weight·vector, exactly, or None if there are none (modulo the prime).

    Examples
    --------
    >>> combination({"x": 1, "y": 3}, {"a": {"x": 2}, "b": {"x": 1, "y": 1}, "c": {"z": 1}})
    {'a': Fraction(-1, 1), 'b': Fraction(3, 1)}
    >>> combination({"z": 1}, {"a": {"x": 2}})

    """
    order, best = list(vectors), None
    for attempt in range(TRIES if len(vectors) <= SMALL else 1):
        found = Span({k: vectors[k] for k in order}).combination(goal)
        if found is None:
            return None
        best = found if best is None or len(found) < len(best) else best
        Random(attempt).shuffle(order)
    return {k: best[k] for k in vectors if best and k in best}


class Span(Generic[Key]):
    """The span of the vectors, in echelon form modulo the prime, to write many goals in.

    Examples
    --------
    >>> span = Span({"a": {"x": 2}, "b": {"x": 1, "y": 1}})
    >>> span.combination({"y": 1}), span.combination({"z": 1})
    ({'a': Fraction(-1, 2), 'b': Fraction(1, 1)}, None)
    """

    def __init__(self, vectors: Mapping[Key, Vector]):
        self._vectors, self._index = vectors, {}
        self._echelon: dict[int, tuple[dict[int, int], dict[Key, int]]] = {}
        for key, vector in vectors.items():
            made = {key: 1}
            rest = self._reduce(vector, made)
            if rest:
                # the newest coordinate occurs in the fewest rows
                pivot = max(rest)
                inverse = pow(rest[pivot], -1, PRIME)
                row = {i: c * inverse % PRIME for i, c in rest.items()}
                self._echelon[pivot] = row, {k: c * inverse % PRIME for k, c in made.items()}

    def combination(self, goal: Vector) -> dict[Key, Fraction] | None:
        """Return exact nonzero weights with goal = Σ weight·vector, or None if there are none (modulo the prime)."""
        used: dict[Key, int] = {}
        if self._reduce(goal, used):
            return None
        weights = _solve(goal, {k: self._vectors[k] for k in self._vectors if k in used})
        return {k: c for k, c in weights.items() if c}

    def _reduce(self, vector: Vector, made: dict[Key, int]) -> dict[int, int]:
        modular = {m: c.numerator * pow(c.denominator, -1, PRIME) % PRIME for m, c in vector.items()}
        rest = {self._index.setdefault(m, len(self._index)): c for m, c in modular.items()}
        while pivots := [i for i in rest if i in self._echelon]:
            row, source = self._echelon[max(pivots)]
            factor = rest[max(pivots)]
            _subtract(rest, row, factor)
            _subtract(made, source, factor)
        return rest


def _subtract(vector: dict, row: Mapping, factor: int) -> None:
    for key, c in row.items():
        value = (vector.get(key, 0) - factor * c) % PRIME
        if value:
            vector[key] = value
        else:
            vector.pop(key, None)


def _solve(goal: Vector, vectors: Mapping[Key, Vector]) -> dict[Key, Fraction]:
    """Exact weights of independent vectors that span the goal (Gauss–Jordan)."""
    rows: dict[Hashable, dict[Key | None, Fraction]] = {}
    for key, vector in (*vectors.items(), (None, goal)):
        for m, c in vector.items():
            rows.setdefault(m, {})[key] = Fraction(c)
    pending, solved = list(rows.values()), {}
    for key in vectors:
        place = next(i for i, r in enumerate(pending) if r.get(key))
        row = pending.pop(place)
        scale = row[key]
        row = {k: c / scale for k, c in row.items()}
        for other in (*pending, *solved.values()):
            factor = other.get(key, Fraction(0))
            for k, c in row.items() if factor else ():
                other[k] = other.get(k, Fraction(0)) - factor * c
        solved[key] = row
    return {key: row.get(None, Fraction(0)) for key, row in solved.items()}
