"""What distribution matching leaves open of independent components, and how many anchors close it (theorem C4).

Gaussian components are ambiguous up to a rotation, the others up to the signed permutations that keep their laws. One
anchor, a matched pair of rows, tells components without atoms apart; only rotations then need more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from math import factorial, log, prod

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from theory.ambiguity.counts import not_negative
from theory.ambiguity.rotations import haar
from theory.ambiguity.sources import LAWS, check_laws


@dataclass(frozen=True, eq=False)
class Ambiguity:
    """The linear maps S with xS ~ x = sM: M^{-1} P M with P in O(r) ⊕ H, r the number of Gaussian sources (theorem C4).

    H holds the signed permutations of the other sources that keep their laws: ±s_i may stand for s_j iff it has the law
    of s_j. Where y = xA, the linear maps that match the law of y are exactly the SA. For Gaussian x the group is that
    of all rotations and reflections, up to M (theorem C1).

    Parameters
    ----------
    laws
        d names as in `theory.ambiguity.sources.draw_sources`.
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
        return self.classes.get("gaussian", [])

    @property
    def n_gaussian(self) -> int:
        """Number r of Gaussian sources."""
        return len(self.gaussian)

    @property
    def order(self) -> int:
        """Number of elements of H; 1 is the identity alone."""
        return prod(factorial(len(c)) * 2 ** (len(c) * LAWS[name].symmetric) for name, c in self._others.items())

    @cached_property
    def classes(self) -> dict[str, list[int]]:
        """Law without its sign → numbers of the sources that have it."""
        names = [law.removeprefix("-") for law in self.laws]
        return {name: [i for i, other in enumerate(names) if other == name] for name in dict.fromkeys(names)}

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

    @property
    def _others(self) -> dict[str, list[int]]:
        return {name: c for name, c in self.classes.items() if name != "gaussian"}

    def _signs(self, here: Sequence[int], source: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """Signs with which the sources may stand here: all for a symmetric law, else those that undo a minus."""
        if LAWS[self.laws[here[0]].removeprefix("-")].symmetric:
            return product((1, -1), repeat=len(here))
        minus = [law.startswith("-") for law in self.laws]
        return iter([tuple(1 if minus[i] == minus[j] else -1 for i, j in zip(source, here, strict=True))])


def mean_element(laws: Sequence[str], n_anchors: int) -> np.ndarray:
    """E P [d, d], P uniform on the elements of O(r) ⊕ H that meet m exact anchors, over anchors drawn from the laws.

    min(m/r, 1) on the diagonal of the r Gaussian sources. Without atoms one anchor fixes the others, almost surely; no
    anchor leaves k equal asymmetric laws the mean 1/k of all their permutations, and symmetric ones the mean 0. Equal
    two-point laws stay confused as far as they agree on all anchors, so that E of the number of distinct columns
    counts, as for sparse codes (theorem C5).

    Examples
    --------
    >>> mean_element(["gaussian", "exponential", "-exponential"], 0)
    array([[ 0. ,  0. ,  0. ],
           [ 0. ,  0.5, -0.5],
           [ 0. , -0.5,  0.5]])
    """
    laws, m = check_laws(laws), not_negative(n_anchors)
    P = np.zeros((len(laws), len(laws)))
    for name, c in Ambiguity(laws, np.eye(len(laws))).classes.items():
        k, off = len(c), 0.0
        if name == "gaussian":
            stays = min(m / k, 1.0)
        elif LAWS[name].symmetric:
            stays = float(m > 0)
        else:
            stays = _distinct(k, m, LAWS[name].upper) / k
            off = (1 - stays) / max(k - 1, 1)
        sign = [-1 if laws[i].startswith("-") else 1 for i in c]
        P[np.ix_(c, c)] = off * np.outer(sign, sign)
        P[c, c] = stays
    return P


def expected_matched_r_squared(laws: Sequence[str], n_anchors: int, loadings: ArrayLike | None = None) -> float:
    """E R² of a uniformly drawn linear map that has the law of y and meets m exact anchors (theorem C4).

    2E Tr(P)/d − 1 with P of `mean_element`, in whitened y or averaged over Haar Q_*. For laws without atoms other than
    r Gaussian ones: 1 − 2(r − m)/d for 1 ≤ m ≤ r, and for m = 0 if H is trivial; 1 for m ≥ r and m ≥ 1; in general at
    m = 0, 2c/d − 1 with c the number of asymmetric laws that differ also up to sign.

    Parameters
    ----------
    laws
        Those of the d independent sources of x = sM, names as in `theory.ambiguity.sources.draw_sources`; y = xA.
    n_anchors
        m ≥ 0, independent rows of x with their y.
    loadings
        N [d, d] of y = sN for one given Q_*: then 2⟨E P, NNᵀ⟩/Tr NNᵀ − 1. By default NNᵀ ∝ I.

    Raises
    ------
    ValueError
        An unknown law, a negative m, or loadings of another shape or all zero.

    Examples
    --------
    >>> [expected_matched_r_squared(["gaussian"] * 2 + ["laplace", "exponential"], m) for m in (0, 1, 2)]
    [-0.5, 0.5, 1.0]
    >>> expected_matched_r_squared(["exponential", "two-point"], 0)  # asymmetric and different: no anchor is needed
    1.0
    """
    mean = mean_element(laws, n_anchors)
    N = np.eye(len(mean)) if loadings is None else np.asarray(loadings, dtype=np.float64)
    if N.shape != mean.shape or not (N**2).sum() > 0:
        raise ValueError(f"loadings of shape {N.shape} for {len(mean)} sources; pass the d×d matrix of y = sN, not 0")
    return float(2 * np.sum(N * (mean @ N)) / np.sum(N**2) - 1)


def _distinct(k: int, m: int, upper: float) -> float:
    """E of the number of different columns among k of m independent values: a column counts if no earlier one is it."""
    if np.isnan(upper):
        return float(k if m else 1)
    j = np.arange(m + 1)
    weight = j * log(upper) + (m - j) * log(1 - upper)
    chance = np.exp(weight + gammaln(m + 1) - gammaln(j + 1) - gammaln(m - j + 1))
    # Logarithms of factorials have lost some digits, which the sum of the chances gives back.
    return float(chance @ ((1 - np.exp(weight))[:, None] ** np.arange(k)).sum(1) / chance.sum())
