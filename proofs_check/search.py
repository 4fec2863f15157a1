"""Finds certificates. Untrusted: whatever comes out is checked by ``algebra.check``.

The goal's monomials are matched against the terms of the hypotheses; every match makes a product s·a·h·b whose other
monomials are matched in turn, round after round within a budget. After each round, linear algebra over ℚ says whether
the goal is a combination of the products so far.
Not finding a certificate within a budget proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from proofs_check.algebra import Poly, Scalars, Step, Word, one, trace, transpose
from proofs_check.elimination import combination
from proofs_check.notation import dump
from proofs_check.problem import Problem

CERTIFICATES = Path(__file__).parent / "data" / "certificates"
Monomial = tuple[Scalars, Word]


@dataclass(frozen=True)
class Budget:
    """How far the search goes.

    Parameters
    ----------
    rounds
        Generations of matches.
    slack
        By how much a word may be longer than the longest one of the goal.
    degree
        By how much the scalar factors, traces and dimensions included, may outnumber those of the goal.
    products
        Most products s·a·h·b.

    """

    rounds: int = 8
    slack: int = 4
    degree: int = 1
    products: int = 20000


class Found(NamedTuple):
    """A certificate and the budget that sufficed for it."""

    steps: list[Step]
    budget: Budget


class _Product(NamedTuple):
    """The product s·a·h·b: a step without its coefficient."""

    scalars: Scalars
    left: Word
    hypothesis: str
    star: bool
    right: Word


def search(problem: Problem, budget: Budget = Budget()) -> Found | None:
    """Look for a certificate; deterministic.

    Returns
    -------
    Found or None
        The steps, accepted by the checker, with the budget at which the search stopped; None says only that there is no
        certificate within the budget.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> found = search(Problem("isometry", {"orthogonal": Q.T * Q - 1}, u.T * Q.T * Q * u, u.T * u))
    >>> len(found.steps), found.budget.rounds
    (1, 1)

    """
    if not problem.goal.terms:
        return Found([], replace(budget, rounds=0, slack=0, degree=0)) if problem.identity else None
    levels = ((slack, degree) for slack in range(budget.slack + 1) for degree in range(budget.degree + 1))
    tried = (_within(problem, replace(budget, slack=slack, degree=degree)) for slack, degree in levels)
    return next((found for found in tried if found), None)


def _within(problem: Problem, budget: Budget) -> Found | None:
    goal = problem.goal
    length, degree = (max(sizes) for sizes in zip(*map(_size, goal.terms), strict=True))
    limit = length + budget.slack, degree + budget.degree
    products: dict[_Product, Poly] = {}
    seen, frontier = set(goal.terms), list(goal.terms)
    for rounds in range(1, budget.rounds + 1):
        fresh = dict.fromkeys(p for m in frontier for p in _matches(problem, m))
        frontier = []
        for product in fresh:
            value = _expand(problem, product)
            if product in products or not value.terms or any(_beyond(m, limit) for m in value.terms):
                continue
            if len(products) == budget.products:
                break
            products[product] = value
            new = [m for m in value.terms if m not in seen]
            frontier += new
            seen.update(new)
        weights = combination(goal.terms, {product: p.terms for product, p in products.items()})
        if weights is not None:
            steps: list[Step] = [(c, p.scalars, p.left, p.hypothesis, p.star, p.right) for p, c in weights.items()]
            if not problem.accepts(steps):
                raise AssertionError(f"{problem.name}: the checker rejects what the search found")
            return Found(steps, replace(budget, rounds=rounds))
        if not frontier:
            break
    return None


def _size(monomial: Monomial) -> tuple[int, int]:
    scalars, word = monomial
    return max([len(word), *(len(s) for s in scalars if not isinstance(s, str))]), len(scalars)


def _beyond(monomial: Monomial, limit: tuple[int, int]) -> bool:
    return any(size > most for size, most in zip(_size(monomial), limit, strict=True))


def _expand(problem: Problem, product: _Product) -> Poly:
    h = problem.hypotheses[product.hypothesis]
    value = _poly(product.left) * (h.T if product.star else h) * _poly(product.right)
    closed = trace(value) if problem.kind == "trace" else one(problem.goal.row) * value
    return Poly("1", "1", {(product.scalars, ()): 1}) * closed


def _poly(word: Word) -> Poly:
    return Poly(word[0].row, word[-1].column, {((), word): 1}) if word else one("1")


def _matches(problem: Problem, monomial: Monomial) -> Iterator[_Product]:
    """All products that contain the monomial."""
    for name, h in problem.hypotheses.items():
        variants = [(False, h)]
        # under a trace the transposed word is the same word
        if problem.kind == "matrix" and h.T not in (h, h * -1):
            variants.append((True, h.T))
        for star, p in variants:
            for inner, word in p.terms:
                for scalars, left, right in _places(problem, monomial, p, inner, word):
                    yield _Product(scalars, left, name, star, right)


def _places(problem: Problem, monomial: Monomial, p: Poly, inner: Scalars, word: Word):
    """Where a term (inner, word) of the hypothesis p occurs in the monomial: what remains around it."""
    scalars, outer = monomial
    if p.row == "1":
        for rest in _without(scalars, inner):
            yield rest, outer, ()
    elif problem.kind == "matrix":
        spaces = [problem.goal.row, *(x.column for x in outer)]
        for rest in _without(scalars, inner):
            for i in range(len(outer) - len(word) + 1):
                if outer[i : i + len(word)] == word and spaces[i] == p.row:
                    yield rest, outer[:i], outer[i + len(word) :]
    else:
        for factor in dict.fromkeys(scalars):
            for rest in _without(scalars, (*inner, factor)):
                for turned in _turns(factor, p.row):
                    if turned[: len(word)] == word:
                        yield rest, (), turned[len(word) :]


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


def certify(problem: Problem, directory: Path = CERTIFICATES, budget: Budget = Budget()) -> Found | None:
    """Search, and store what was found as ``<directory>/<problem name>.json``."""
    found = search(problem, budget)
    if found:
        directory.mkdir(parents=True, exist_ok=True)
        dump(problem, found.steps, directory / f"{problem.name}.json")
    return found
