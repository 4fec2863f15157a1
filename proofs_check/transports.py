"""Finite systems of points, translations and classes of maps, on which distributional translation is enumerated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from hypothesis import strategies as st

Map = tuple[int, ...]
Classes = Mapping[str, frozenset[Map]]

PAIRS = ("ii", "ij", "ji", "jj")


def after(s: Map, t: Map) -> Map:
    """s ∘ t.

    >>> after((1, 0), (0, 0, 1))
    (1, 1, 0)
    """
    return tuple(s[v] for v in t)


def all_maps(size_i: int, size_j: int) -> Classes:
    """Every map between the two spaces.

    Examples
    --------
    >>> {pair: len(maps) for pair, maps in all_maps(2, 3).items()}
    {'ii': 4, 'ij': 9, 'ji': 8, 'jj': 27}
    """
    sizes = {"i": size_i, "j": size_j}
    return {a + b: frozenset(product(range(sizes[b]), repeat=sizes[a])) for a, b in PAIRS}


def only(**maps: Iterable[Map]) -> Classes:
    """Exactly the given maps, by pair of streams.

    Examples
    --------
    >>> sorted(only(ij=[(1, 0)])["ij"]), sorted(only(ij=[(1, 0)])["jj"])
    ([(1, 0)], [])
    """
    return {pair: frozenset(maps.get(pair, ())) for pair in PAIRS}


def closure(classes: Mapping[str, Iterable[Map]]) -> Classes:
    """Smallest classes that contain the given ones and every composition.

    >>> sorted(closure({"ii": [(1, 2, 0)]})["ii"])
    [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    """
    found = {pair: set(classes.get(pair, ())) for pair in PAIRS}
    while True:
        new = {
            pair: {after(s, t) for middle in "ij" for t in found[pair[0] + middle] for s in found[middle + pair[1]]}
            - found[pair]
            for pair in PAIRS
        }
        if not any(new.values()):
            return {pair: frozenset(maps) for pair, maps in found.items()}
        for pair in PAIRS:
            found[pair] |= new[pair]


@dataclass(frozen=True)
class Transport:
    """Points with two representations, a translation T_* of one into the other, and the classes F of allowed maps.

    Parameters
    ----------
    points
        (x_i, x_j, weight) of every point; the representations are the numbers 0, 1, …
    T
        T_*, the image of every x_i.
    F
        Pair of streams → allowed maps between their spaces; "ij" holds the translations i → j.

    Examples
    --------
    >>> swapped = Transport(((0, 0, 1), (1, 1, 1)), (0, 1), all_maps(2, 2))
    >>> sorted(swapped.solutions), swapped.solutions == swapped.orbit, swapped.exact
    ([(0, 1), (1, 0)], True, False)
    """

    points: tuple[tuple[int, int, int], ...]
    T: Map
    F: Classes

    @cached_property
    def support(self) -> tuple[tuple[int, int, int], ...]:
        """Points of positive weight."""
        return tuple(p for p in self.points if p[2] > 0)

    def law(self, values: Iterable[int]) -> dict[int, int]:
        """Mass of each value, given one value per point of positive weight."""
        masses: dict[int, int] = {}
        for value, (_, _, weight) in zip(values, self.support, strict=True):
            masses[value] = masses.get(value, 0) + weight
        return masses

    @property
    def target(self) -> Map:
        """x_j at the points of positive weight."""
        return tuple(j for _, j, _ in self.support)

    def seen(self, t: Map) -> Map:
        """Restrict a map on the space of i to the points of positive weight, so that equal means almost everywhere."""
        return tuple(t[i] for i, _, _ in self.support)

    @property
    def hypotheses(self) -> dict[str, bool]:
        """Exact truth of what the characterisation supposes."""
        inverses = [r for r in self.F["ji"] if all(r[self.T[i]] == i for i, _, _ in self.support)]
        return {
            "x_j = T_*(x_i)": all(self.T[i] == j for i, j, _ in self.support),
            "T_* ∈ F": self.T in self.F["ij"],
            "F closed under composition": closure(self.F) == dict(self.F),
            "T_*⁻¹ ∈ F": bool(inverses),
        }

    @property
    def stabiliser(self) -> frozenset[Map]:
        """S ∈ F with S#μ_j = μ_j."""
        return frozenset(s for s in self.F["jj"] if self.law(after(s, self.target)) == self.law(self.target))

    @property
    def solutions(self) -> frozenset[Map]:
        """T ∈ F with T#μ_i = μ_j, almost everywhere: what distributional translation allows."""
        return frozenset(t for t in map(self.seen, self.F["ij"]) if self.law(t) == self.law(self.target))

    @property
    def orbit(self) -> frozenset[Map]:
        """S∘T_* for S in the stabiliser, almost everywhere."""
        return frozenset(self.seen(after(s, self.T)) for s in self.stabiliser)

    @property
    def exact(self) -> bool:
        """Whether dTR ⇒ TR on F."""
        return self.solutions <= {self.target}

    @property
    def trivial(self) -> bool:
        """Whether every S in the stabiliser is the identity almost everywhere."""
        return all(after(s, self.target) == self.target for s in self.stabiliser)


@st.composite
def transports(draw) -> Transport:
    """Systems that satisfy every hypothesis: T_*, an inverse almost everywhere and random maps generate the classes.

    Examples
    --------
    >>> from hypothesis import find
    >>> found = find(transports(), lambda t: len(t.support) == 2)
    >>> all(found.hypotheses.values()), found.solutions == found.orbit
    (True, True)
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    seen = draw(st.integers(1, 3))
    size = {s: draw(st.integers(seen, 3)) for s in "ij"}
    images = rng.permutation(size["j"])[:seen]
    T = _integers([*images, *rng.integers(size["j"], size=size["i"] - seen)])
    back = rng.integers(size["i"], size=size["j"])
    back[images] = np.arange(seen)
    points = tuple((i, T[i], int(rng.integers(1, 3)) if i < seen else 0) for i in range(size["i"]))
    generators = {p: [_integers(rng.integers(size[p[1]], size=size[p[0]]))] * draw(st.integers(0, 1)) for p in PAIRS}
    generators["ij"], generators["ji"] = [*generators["ij"], T], [*generators["ji"], _integers(back)]
    return Transport(points, T, closure(generators))


def _integers(values: Iterable) -> Map:
    return tuple(int(v) for v in values)
