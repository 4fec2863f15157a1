"""Independent sources with finitely many values, in exact arithmetic: their joint laws, and the maps that keep them."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product
from math import prod
from typing import Any

from proofs_check.laws import Law

Matrix = Sequence[Sequence[Any]]
SignedPermutation = tuple[tuple[int, ...], tuple[int, ...]]

# Laws of mean 0 and variance 8; the last two are symmetric.
SKEWED: Law = {-2: Fraction(2, 3), 4: Fraction(1, 3)}
STEEP: Law = {-1: Fraction(8, 9), 8: Fraction(1, 9)}
WIDE: Law = {-4: Fraction(1, 4), 0: Fraction(1, 2), 4: Fraction(1, 4)}
FLAT: Law = {-4: Fraction(3, 16), -2: Fraction(1, 4), 0: Fraction(1, 8), 2: Fraction(1, 4), 4: Fraction(3, 16)}


def scaled(law: Law, c: Any) -> Law:
    """Law of c·s.

    >>> scaled(WIDE, -1) == WIDE, scaled(SKEWED, -1) == SKEWED
    (True, False)
    """
    return {c * x: p for x, p in law.items()}


def joint(*laws: Law) -> Law:
    """Law of independent sources, on tuples.

    Examples
    --------
    >>> joint({1: Fraction(1, 2), -1: Fraction(1, 2)}, {0: Fraction(1)})
    {(1, 0): Fraction(1, 2), (-1, 0): Fraction(1, 2)}
    """
    return {
        tuple(x for x, _ in s): prod((p for _, p in s), start=Fraction(1)) for s in product(*(w.items() for w in laws))
    }


def moved(law: Law, P: Matrix) -> Law:
    """Law of sP, for a law on tuples.

    >>> moved(joint(SKEWED, SKEWED), [[0, 1], [1, 0]]) == joint(SKEWED, SKEWED)
    True
    """
    found: dict[Any, Fraction] = {}
    for s, p in law.items():
        image = tuple(sum(a * row[j] for a, row in zip(s, P, strict=True)) for j in range(len(P[0])))
        found[image] = found.get(image, Fraction(0)) + p
    return found


def marginals(law: Law) -> list[Law]:
    """Law of each source.

    Examples
    --------
    >>> marginals(joint(SKEWED, WIDE)) == [SKEWED, WIDE]
    True
    """
    d = len(next(iter(law)))
    images = [moved(law, [[int(j == i)] for j in range(d)]) for i in range(d)]
    return [{x: p for (x,), p in image.items()} for image in images]


def moment(law: Law, *powers: int) -> Fraction:
    """E of a product of powers of the sources.

    >>> [str(moment(joint(law), 2)) for law in (SKEWED, STEEP, WIDE, FLAT)]
    ['8', '8', '8', '8']
    """
    return sum((p * prod(x**k for x, k in zip(s, powers, strict=True)) for s, p in law.items()), Fraction(0))


def square(law: Law) -> Fraction:
    """E‖s‖².

    Examples
    --------
    >>> square(joint(SKEWED, WIDE))
    Fraction(16, 1)
    """
    return sum((p * sum(x**2 for x in s) for s, p in law.items()), Fraction(0))


def conditions(law: Law, *left_out: str) -> dict[str, bool]:
    """Exact truth of what theorem C4 supposes of the sources, but for what is left out.

    Examples
    --------
    >>> [name for name, holds in conditions(joint(SKEWED, WIDE)).items() if not holds]
    ['no s_i ~ −s_i']
    """
    single = marginals(law)
    pairs = [(a, b) for i, a in enumerate(single) for b in single[i + 1 :]]
    found = {
        "s_i independent": joint(*single) == law,
        "E s_i = 0": all(moment(joint(a), 1) == 0 for a in single),
        "Var s_i = 1": len({moment(joint(a), 2) for a in single}) == 1,  # up to a common scale, which M absorbs
        "no s_i ~ −s_i": all(scaled(a, -1) != a for a in single),
        "no s_i ~ s_j": all(a != b for a, b in pairs),
        "no s_i ~ −s_j": all(scaled(a, -1) != b for a, b in pairs),
    }
    return {name: holds for name, holds in found.items() if name not in left_out}


def signed_permutations(d: int) -> Iterator[SignedPermutation]:
    """All (σ, e): e_j s_σ(j) stands for s_j.

    Examples
    --------
    >>> len(list(signed_permutations(3)))
    48
    """
    yield from product(permutations(range(d)), product((1, -1), repeat=d))


def matrix(source: Sequence[int], signs: Sequence[int]) -> list[list[int]]:
    """P of a signed permutation, for rows s ↦ sP.

    Examples
    --------
    >>> matrix((1, 0), (1, -1))
    [[0, -1], [1, 0]]
    """
    d = len(source)
    return [[signs[j] if source[j] == i else 0 for j in range(d)] for i in range(d)]


def group(*laws: Law) -> list[list[list[int]]]:
    """Signed permutations that keep the joint law of independent sources, by pushforward.

    >>> group(SKEWED, scaled(SKEWED, -1))
    [[[1, 0], [0, 1]], [[0, -1], [-1, 0]]]
    """
    law = joint(*laws)
    return [P for P in (matrix(*g) for g in signed_permutations(len(laws))) if moved(law, P) == law]
