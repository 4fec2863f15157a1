"""Hypotheses as rewriting rules: at which places of a monomial, in a word or under a trace, a term of h occurs."""

from collections.abc import Iterator
from typing import NamedTuple

from proofs_check.algebra import Poly, Scalars, Word, one, trace, transpose
from proofs_check.problem import Problem

Monomial = tuple[Scalars, Word]


class Product(NamedTuple):
    """The product s·a·h·b: a step without its coefficient.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> rules = Rules(Problem("isometry", {"orthogonal": Q.T * Q - 1}, u.T * Q.T * Q * u, u.T * u))
    >>> ((_, word),) = u.terms
    >>> product = Product((), (word[0].T,), "orthogonal", False, word)
    >>> rules.value(product) == u.T * (Q.T * Q - 1) * u, rules.length(product)
    (True, 4)
    """

    scalars: Scalars
    left: Word
    hypothesis: str
    star: bool
    right: Word


class Rules:
    """The hypotheses as rewriting rules: for a monomial, the products that contain it. Remembers its answers.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> problem = Problem("isometry", {"orthogonal": Q.T * Q - 1}, u.T * Q.T * Q * u, u.T * u)
    >>> [p.hypothesis for m in problem.left.terms for p in Rules(problem).matches(m)][:1]
    ['orthogonal']
    """

    def __init__(self, problem: Problem):
        self.trace, self.row = problem.kind == "trace", problem.goal.row
        self.variants = [(name, False, h) for name, h in problem.hypotheses.items()]
        # under a trace the transposed word is the same word
        if not self.trace:
            self.variants += [(n, True, h.T) for n, _, h in self.variants if h.T not in (h, h * -1)]
        self._matches: dict[Monomial, list[Product]] = {}
        self._values: dict[Product, Poly] = {}
        self._longest = {name: max(len(w) for _, w in h.terms) for name, _, h in self.variants}
        self._polys = {(name, star): h for name, star, h in self.variants}

    def matches(self, monomial: Monomial) -> list[Product]:
        """Return the products that have the monomial as a term."""
        if monomial not in self._matches:
            self._matches[monomial] = list(self._find(monomial))
        return self._matches[monomial]

    def length(self, product: Product) -> int:
        """Length of the longest word of the product, before anything cancels under a trace."""
        return len(product.left) + self._longest[product.hypothesis] + len(product.right)

    def value(self, product: Product) -> Poly:
        """Return the product, expanded and closed."""
        if product not in self._values:
            self._values[product] = self._expand(product, self._polys[product.hypothesis, product.star])
        return self._values[product]

    def _find(self, monomial: Monomial) -> Iterator[Product]:
        for name, star, h in self.variants:
            for inner, word in h.terms:
                for scalars, left, right in self._places(monomial, h.row, inner, word):
                    yield Product(scalars, left, name, star, right)

    def _expand(self, product: Product, h: Poly) -> Poly:
        left, right = (
            Poly(w[0].row, w[-1].column, {((), w): 1}) if w else one("1") for w in (product.left, product.right)
        )
        value = left * h * right
        return Poly("1", "1", {(product.scalars, ()): 1}) * (trace(value) if self.trace else one(self.row) * value)

    def _places(self, monomial: Monomial, space: str, inner: Scalars, word: Word):
        """Where a term (inner, word) of a hypothesis that begins in the space occurs: what remains around it."""
        scalars, outer = monomial
        if self.trace and space != "1":
            for factor in dict.fromkeys(scalars):
                for rest in _without(scalars, (*inner, factor)):
                    for turned in _turns(factor, space):
                        if turned[: len(word)] == word:
                            yield rest, (), turned[len(word) :]
            return
        spaces = [self.row, *(x.column for x in outer)]
        for rest in _without(scalars, inner):
            if space == "1":
                yield rest, outer, ()
                continue
            for i in range(len(outer) - len(word) + 1):
                if outer[i : i + len(word)] == word and spaces[i] == space:
                    yield rest, outer[:i], outer[i + len(word) :]


def _turns(factor: str | Word, space: str) -> list[Word]:
    """Words that begin in the space and have the trace ``factor``."""
    if isinstance(factor, str):
        return [()] if factor == f"dim {space}" else []
    turns = [w[i:] + w[:i] for w in (factor, transpose(factor)) for i in range(len(w))]
    return [w for w in dict.fromkeys(turns) if w[0].row == space]


def _without(scalars: Scalars, part: Scalars) -> list[Scalars]:
    """Return what is left of the scalars without the part: one answer, or none."""
    rest = list(scalars)
    for s in part:
        if s not in rest:
            return []
        rest.remove(s)
    return [tuple(rest)]
