"""Independent sources, and the linear maps that keep the law of what is mixed from them (theorem C4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from math import factorial, prod, sqrt

import numpy as np
from numpy.typing import ArrayLike

from theory.ambiguity.rotations import haar

# Law → (symmetric, draw), centred and of variance 1. "two-point" is −1 (2/3), 2 (1/3), divided by √2.
LAWS = {
    "gaussian": (True, lambda rng, n: rng.standard_normal(n)),
    "uniform": (True, lambda rng, n: rng.uniform(-sqrt(3), sqrt(3), n)),
    "laplace": (True, lambda rng, n: rng.laplace(scale=sqrt(0.5), size=n)),
    "exponential": (False, lambda rng, n: rng.standard_exponential(n) - 1),
    "two-point": (False, lambda rng, n: np.where(rng.random(n) < 1 / 3, 2.0, -1.0) / sqrt(2)),
}


def draw_sources(laws: Sequence[str], n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw [n, d] independent sources: centred, of variance 1, one law per column.

    Parameters
    ----------
    laws
        d names from LAWS, with a leading minus for the law of −s.

    Examples
    --------
    >>> draw_sources(["-exponential", "uniform"], 3, np.random.default_rng(0)).max() < sqrt(3)
    np.True_
    """
    columns = [(-1 if law.startswith("-") else 1) * LAWS[law.removeprefix("-")][1](rng, n) for law in laws]
    return np.stack(columns, axis=1)


def check_laws(laws: Sequence[str]) -> tuple[str, ...]:
    """Return the laws as a tuple, or raise ValueError if there are none or one is unknown."""
    if isinstance(laws, str) or not len(laws):
        raise ValueError(f"laws are {laws!r}; pass a list with the law of each source")
    if unknown := [law for law in laws if law.removeprefix("-") not in LAWS]:
        raise ValueError(f"unknown law {unknown[0]!r}; use one of {', '.join(LAWS)}, or one with a leading minus")
    return tuple(laws)


@dataclass(frozen=True, eq=False)
class Ambiguity:
    """The linear maps S with xS ~ x = sM: M^{-1} P M with P in O(r) ⊕ H, r the number of Gaussian sources (theorem C4).

    H holds the signed permutations of the other sources that keep their laws: ±s_i may stand for s_j iff it has the law
    of s_j. Where y = xA, the linear maps that match the law of y are exactly the SA. For Gaussian x the group is that
    of all rotations and reflections, up to M (theorem C1).

    Parameters
    ----------
    laws
        d names as in `draw_sources`.
    M
        [d, d], invertible.

    Examples
    --------
    >>> group = Ambiguity(("gaussian", "gaussian", "two-point", "-two-point"), np.eye(4))
    >>> print(group)
    O(2) ⊕ H of order 2
    >>> [P.tolist() for P in group.signed_permutations()][1][2:]
    [[0, 0, 0, -1], [0, 0, -1, 0]]
    """

    laws: tuple[str, ...]
    M: np.ndarray

    def __str__(self) -> str:
        return f"O({self.n_gaussian}) ⊕ H of order {self.order}"

    @property
    def gaussian(self) -> list[int]:
        """Numbers of the Gaussian sources."""
        return self._classes.get("gaussian", [])

    @property
    def n_gaussian(self) -> int:
        """Number r of Gaussian sources."""
        return len(self.gaussian)

    @property
    def order(self) -> int:
        """Number of elements of H; 1 is the identity alone."""
        return prod(factorial(len(c)) * 2 ** (len(c) * LAWS[name][0]) for name, c in self._others.items())

    def signed_permutations(self) -> Iterator[np.ndarray]:
        """Yield each element of H once, the identity first: [d, d] of 0 and ±1, with ones at the Gaussian sources."""
        choices = [[(c, p, e) for p in permutations(c) for e in self._signs(c, p)] for c in self._others.values()]
        for choice in product(*choices):
            P = np.eye(len(self.laws), dtype=int)
            for here, source, signs in choice:
                P[here, here] = 0
                P[source, here] = signs
            yield P

    def element(self, P: ArrayLike, Q: ArrayLike | None = None) -> np.ndarray:
        """S [d, d] of a P in H and a Q [r, r] in O(r), the identity if left out."""
        local = np.array(P, dtype=np.float64)
        if Q is not None:
            local[np.ix_(self.gaussian, self.gaussian)] = Q
        return np.linalg.solve(self.M, local @ self.M)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """S of a P that is uniform on O(r) ⊕ H."""
        P = np.eye(len(self.laws), dtype=int)
        for c in self._others.values():
            source = rng.permutation(c).tolist()
            signs = list(self._signs(c, source))
            P[c, c] = 0
            P[source, c] = signs[rng.integers(len(signs))]
        return self.element(P, haar(self.n_gaussian, rng))

    @cached_property
    def _classes(self) -> dict[str, list[int]]:
        names = [law.removeprefix("-") for law in self.laws]
        return {name: [i for i, other in enumerate(names) if other == name] for name in dict.fromkeys(names)}

    @property
    def _others(self) -> dict[str, list[int]]:
        return {name: c for name, c in self._classes.items() if name != "gaussian"}

    def _signs(self, here: Sequence[int], source: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Signs with which the sources may stand here: all for a symmetric law, else those that undo a minus."""
        if LAWS[self.laws[here[0]].removeprefix("-")][0]:
            return product((1, -1), repeat=len(here))
        minus = [law.startswith("-") for law in self.laws]
        return iter([tuple(1 if minus[i] == minus[j] else -1 for i, j in zip(source, here, strict=True))])
