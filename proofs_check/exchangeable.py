"""Exchangeable sparse codes, exactly: their linear symmetries, and what anchors leave of the permutations of atoms."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from math import prod

import numpy as np
from sympy import Matrix

Code = tuple[int, ...]
Law = Mapping[Code, Fraction]
Order = tuple[int, ...]


def codes(K: int, s: int) -> list[Code]:
    """All binary codes of K atoms, s of them active.

    Examples
    --------
    >>> codes(3, 2)
    [(1, 1, 0), (1, 0, 1), (0, 1, 1)]
    """
    return [tuple(int(i in S) for i in range(K)) for S in combinations(range(K), s)]


def linear_symmetries(points: Sequence[Sequence[int]]) -> set[Order]:
    """Every permutation of the different points, integer rows that span R^d, which a linear map induces.

    A map is determined by the images of a basis, so that all of them are tried; without rounding.

    Examples
    --------
    >>> sorted(linear_symmetries([(1, 0), (0, 1), (1, 1)]))
    [(0, 1, 2), (1, 0, 2)]
    """
    X = np.array(points, dtype=np.int64)
    basis = list(Matrix(X.T.tolist()).rref()[1])
    B = Matrix(X[basis].tolist())
    scale = int(str(B.det()))
    coordinates = X @ np.array(B.adjugate().tolist(), dtype=np.int64)
    images = X[np.array(list(permutations(range(len(X)), len(basis))))]
    moved = coordinates @ images
    found = (moved[:, :, None, :] == scale * X).all(axis=3)
    onto = found.any(axis=1).all(axis=1)
    return {tuple(hit.argmax(axis=1).tolist()) for hit in found[onto]}


def atom_symmetries(K: int, s: int) -> set[Order]:
    """The permutations of the codes which permutations of the atoms induce, with the complement where K = 2s.

    Examples
    --------
    >>> len(atom_symmetries(3, 1)), len(atom_symmetries(4, 2))
    (6, 48)
    """
    listed = {code: n for n, code in enumerate(codes(K, s))}
    found = {tuple(listed[tuple(c[i] for i in p)] for c in listed) for p in permutations(range(K))}
    if K == 2 * s:
        swap = [listed[tuple(1 - b for b in c)] for c in listed]
        found |= {tuple(swap[n] for n in order) for order in found}
    return found


def uniform(K: int, s: int, values: Sequence[int] = (1,)) -> Law:
    """Law of codes with a uniform support and independent active entries, uniform on the values.

    Examples
    --------
    >>> uniform(2, 1) == {(1, 0): Fraction(1, 2), (0, 1): Fraction(1, 2)}, len(uniform(3, 2, (1, 2)))
    (True, 12)
    """
    filled = [
        tuple(next(entries) if on else 0 for on in code)
        for code in codes(K, s)
        for entries in map(iter, product(values, repeat=s))
    ]
    return {code: Fraction(1, len(filled)) for code in filled}


def independent(law: Law, m: int) -> dict[tuple[Code, ...], Fraction]:
    """Law of m independent codes.

    Examples
    --------
    >>> set(independent(uniform(2, 1), 2).values())
    {Fraction(1, 4)}
    """
    return {drawn: prod((law[c] for c in drawn), start=Fraction(1)) for drawn in product(law, repeat=m)}


def binary_columns(anchors: Sequence[Code], K: int) -> list:
    """Column of every atom.

    Examples
    --------
    >>> binary_columns([(1, 0, 0), (0, 1, 0)], 3)
    [(1, 0), (0, 1), (0, 0)]
    """
    return [tuple(a[i] for a in anchors) for i in range(K)]


def amplitude_columns(anchors: Sequence[Code], K: int) -> list:
    """The same with continuous amplitudes, almost surely all different: an atom that was active is like no other.

    Examples
    --------
    >>> amplitude_columns([(1, 1, 0, 0)], 4)
    [0, 1, None, None]
    """
    return [i if any(a[i] for a in anchors) else None for i in range(K)]


def consistent(columns: Sequence) -> list[Order]:
    """Every permutation of the atoms that respects the columns.

    Examples
    --------
    >>> consistent([1, 1, 0])
    [(0, 1, 2), (1, 0, 2)]
    """
    atoms = range(len(columns))
    return [p for p in permutations(atoms) if all(columns[p[i]] == columns[i] for i in atoms)]


def r_squared(law: Law, order: Order) -> Fraction:
    """R² of the permuted codes over the law.

    Examples
    --------
    >>> r_squared(uniform(2, 1), (0, 1)), r_squared(uniform(2, 1), (1, 0))
    (Fraction(1, 1), Fraction(-3, 1))
    """
    atoms = range(len(order))
    mean = [sum(p * c[i] for c, p in law.items()) for i in atoms]
    spread = sum(p * (c[i] - mean[i]) ** 2 for c, p in law.items() for i in atoms)
    return 1 - sum(p * (c[order[i]] - c[i]) ** 2 for c, p in law.items() for i in atoms) / Fraction(spread)


def expected(
    law: Law,
    anchors: Mapping[tuple[Code, ...], Fraction],
    columns: Callable[[Sequence[Code], int], list] = binary_columns,
    allowed: Callable[[Sequence], list[Order]] = consistent,
) -> tuple[Fraction, Fraction]:
    """E R² and the expected number of distinct columns.

    Parameters
    ----------
    law
        Of the codes that measure the R².
    anchors
        Law of the anchor codes.
    columns
        What the anchors tell about every atom.
    allowed
        The permutations, equally likely, that may be taken given the columns.

    Examples
    --------
    >>> law = uniform(3, 1)
    >>> expected(law, independent(law, 1)), expected(law, independent(law, 0))
    ((Fraction(0, 1), Fraction(2, 1)), (Fraction(-1, 1), Fraction(1, 1)))
    """
    K = len(next(iter(law)))

    @cache
    def measured(order: Order) -> Fraction:
        return r_squared(law, order)

    mean = distinct = Fraction(0)
    for drawn, chance in anchors.items():
        told = columns(drawn, K)
        orders = allowed(told)
        mean += chance * sum(map(measured, orders)) / len(orders)
        distinct += chance * len(set(told))
    return mean, distinct


def overlap_symmetries(K: int, s: int) -> Iterable[Order]:
    """Every permutation of the codes that keeps |S ∩ T|: the automorphisms of the Johnson graph, by backtracking.

    Examples
    --------
    >>> len(list(overlap_symmetries(4, 2)))
    48
    """
    Z = np.array(codes(K, s))
    overlap = (Z @ Z.T).tolist()
    image: list[int] = []

    def extend() -> Iterable[Order]:
        n = len(image)
        if n == len(Z):
            yield tuple(image)
            return
        for candidate in range(len(Z)):
            if candidate not in image and all(overlap[candidate][image[k]] == overlap[n][k] for k in range(n)):
                image.append(candidate)
                yield from extend()
                image.pop()

    return extend()
