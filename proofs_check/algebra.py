"""The typed free *-algebra over ℚ and the checker of its certificates: the trusted base of every matrix proof.

A space is a name and stands for *any* dimension; two names are two different spaces, so that a proof can use neither a
square shape nor a small dimension. A letter is a matrix between two spaces, a word is a product that fits, a polynomial
is {(scalars, word): coefficient}; the empty word is the identity. The space ``"1"`` holds the central scalars:
parameters (λ), dimensions (``dim k`` = Tr 1_k) and traces, each kept as one word chosen among its rotations and
transposes, because Tr(AB) = Tr(BA) and Tr(A) = Tr(Aᵀ).

A goal g = 0 follows from hypotheses h = 0 if g = Σ c·s·a·h·b, under a trace if the goal is scalar. The list of all
(c, s, a, h, b) is a certificate: whoever found it, ``check`` expands the sum again and accepts only the exact zero
(C. Hofstadler, C. G. Raab, G. Regensburger, Certifying operator identities via noncommutative Gröbner bases, 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


class Letter(NamedTuple):
    """A matrix symbol from the space ``column`` to the space ``row``.

    Examples
    --------
    >>> W = Letter("W", "x", "k")
    >>> (W.T.row, W.T.column), W.T.T == W
    (('k', 'x'), True)
    """

    name: str
    row: str
    column: str
    symmetric: bool = False
    star: bool = False

    @property
    def T(self) -> Letter:
        """The transpose; a symmetric letter is its own."""
        return self if self.symmetric else Letter(self.name, self.column, self.row, False, not self.star)


Word = tuple[Letter, ...]
Scalars = tuple[str | Word, ...]
Step = tuple[Fraction, Scalars, Word, str, bool, Word]


def transpose(word: Word) -> Word:
    """Return the word of the transpose: (AB)ᵀ = BᵀAᵀ.

    Examples
    --------
    >>> A, B = Letter("A", "x", "k"), Letter("B", "k", "y")
    >>> transpose((A, B)) == (B.T, A.T)
    True
    """
    return tuple(letter.T for letter in reversed(word))


def fits(word: Word, row: str, column: str) -> bool:
    """Whether the word maps ``column`` to ``row``; no letter touches the scalars, symmetric letters are square.

    Examples
    --------
    >>> A, B = Letter("A", "x", "k"), Letter("B", "k", "y")
    >>> fits((A, B), "x", "y"), fits((B, A), "k", "k")
    (True, False)
    """
    sane = all("1" not in (x.row, x.column) and (x.row == x.column or not x.symmetric) for x in word)
    return sane and [*(x.row for x in word), column] == [row, *(x.column for x in word)]


@dataclass(frozen=True)
class Poly:
    """A polynomial of words from ``column`` to ``row``; ``+ - * .T``, where numbers are multiples of the identity.

    Raises
    ------
    TypeError
        If spaces do not fit, or a coefficient is not rational.

    Examples
    --------
    >>> W, S = letter("W", "x", "k"), letter("S", "x", "x", symmetric=True)
    >>> (W.T * S * W - 1).T == W.T * S * W - 1
    True

    """

    row: str
    column: str
    terms: Mapping[tuple[Scalars, Word], Fraction | int]

    def __post_init__(self):
        for (scalars, word), c in self.terms.items():
            traces = all(isinstance(s, str) or (s and fits(s, s[0].row, s[0].row)) for s in scalars)
            if not (traces and fits(word, self.row, self.column) and isinstance(c, int | Fraction)):
                raise TypeError(f"no map from {self.column} to {self.row} over the rationals: {c} {scalars} {word}")

    def __add__(self, other: Poly | int | Fraction) -> Poly:
        q = other if isinstance(other, Poly) else one(self.row, other)
        if (self.row, self.column) != (q.row, q.column):
            raise TypeError(f"cannot add {self.row}×{self.column} and {q.row}×{q.column}")
        return collect(self.row, self.column, [*self.terms.items(), *q.terms.items()])

    def __mul__(self, other: Poly | int | Fraction) -> Poly:
        q = other if isinstance(other, Poly) else one("1", other)
        if self.column != q.row and "1" not in (self.row, q.row):
            raise TypeError(f"cannot multiply {self.row}×{self.column} by {q.row}×{q.column}")
        row, column = (q if self.row == "1" else self).row, (self if q.row == "1" else q).column
        pairs = [(m, c, n, d) for m, c in self.terms.items() for n, d in q.terms.items()]
        return collect(row, column, [((m[0] + n[0], m[1] + n[1]), c * d) for m, c, n, d in pairs])

    def __sub__(self, other: Poly | int | Fraction) -> Poly:
        return self + other * -1

    def __rsub__(self, other: int | Fraction) -> Poly:
        return self * -1 + other

    __radd__, __rmul__, __matmul__ = __add__, __mul__, __mul__

    @property
    def T(self) -> Poly:
        """The transpose."""
        return Poly(self.column, self.row, {(s, transpose(w)): c for (s, w), c in self.terms.items()})


def collect(row: str, column: str, pairs: Iterable[tuple[tuple[Scalars, Word], Fraction | int]]) -> Poly:
    """Return Σ c·m over the pairs (m, c): scalars sorted, equal monomials added, zeros dropped.

    Examples
    --------
    >>> collect("1", "1", [((("λ",), ()), 2), ((("μ",), ()), 1), ((("λ",), ()), -2)]) == scalar("μ")
    True
    """
    terms: dict[tuple[Scalars, Word], Fraction | int] = {}
    for (scalars, word), c in pairs:
        monomial = (tuple(sorted(scalars, key=lambda s: (not isinstance(s, str), s))), word)
        terms[monomial] = terms.get(monomial, 0) + c
    return Poly(row, column, {m: c for m, c in terms.items() if c})


def one(space: str, c: Fraction | int = 1) -> Poly:
    """Return c times the identity of a space; ``one("1")`` is the number 1.

    Examples
    --------
    >>> A = letter("A", "x", "k")
    >>> one("x") * A == A == A * one("k"), one("1", 2) * A == A + A
    (True, True)
    """
    return Poly(space, space, {((), ()): c})


def letter(name: str, row: str, column: str, symmetric: bool = False) -> Poly:
    """Return the polynomial of a single letter.

    Examples
    --------
    >>> S, A = letter("S", "x", "x", symmetric=True), letter("A", "x", "x")
    >>> S.T == S, A.T == A
    (True, False)
    """
    return Poly(row, column, {((), (Letter(name, row, column, symmetric),)): 1})


def scalar(name: str) -> Poly:
    """Return a central parameter such as λ; 1/(1+λ) is another one, ν, with the hypothesis (1+λ)ν − 1 = 0.

    Examples
    --------
    >>> A = letter("A", "x", "k")
    >>> scalar("λ") * A == A * scalar("λ")
    True
    """
    return Poly("1", "1", {((name,), ()): 1})


def trace(p: Poly) -> Poly:
    """Return Tr p, a scalar polynomial: every word becomes the least of its rotations and their transposes.

    Examples
    --------
    >>> A, B = letter("A", "x", "k"), letter("B", "k", "x")
    >>> trace(A * B) == trace(B * A) == trace(A.T * B.T)
    True
    """
    if p.row != p.column:
        raise TypeError(f"no trace of a map from {p.column} to {p.row}")
    if p.row == "1":
        return p
    turns = {w: [v[i:] + v[:i] for v in (w, transpose(w)) for i in range(len(w))] for _, w in p.terms}
    return collect("1", "1", [(((*s, min(turns[w], default=f"dim {p.row}")), ()), c) for (s, w), c in p.terms.items()])


def check(goal: Poly, hypotheses: Mapping[str, Poly], steps: Iterable[Step], identity: bool = False) -> bool:
    """Whether the steps (c, s, a, name of h, starred, b) add up to the goal, Σ c·s·a·h·b or its trace, exactly.

    A goal that is zero by itself is accepted as a declared ``identity`` only: anything else has to use a hypothesis.

    Raises
    ------
    TypeError
        If a product does not fit, or is not square under the trace.

    Examples
    --------
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> goal, h = trace(u.T * Q.T * Q * u) - trace(u.T * u), {"orthogonal": Q.T * Q - 1}
    >>> check(goal, h, [(1, (), (Letter("u", "k", "n").T,), "orthogonal", False, (Letter("u", "k", "n"),))])
    True
    >>> check(goal, h, [])
    False

    """
    rest = goal
    for c, scalars, a, name, star, b in steps:
        left, right = (Poly(w[0].row, w[-1].column, {((), w): 1}) if w else one("1") for w in (a, b))
        product = left * (hypotheses[name].T if star else hypotheses[name]) * right
        closed = trace(product) if goal.row == "1" else one(goal.row) * product
        rest = rest - Poly("1", "1", {(scalars, ()): c}) * closed
    return not rest.terms and identity == (not goal.terms)
