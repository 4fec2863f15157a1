"""False variants of a claim: a proof method that also proves these proves nothing.

A mutant changes one term of one side. It is killed if the search finds no certificate within the budget that found the
original *and* the members of the claim refute it numerically; a mutant with a certificate is a true variant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from proofs_check.algebra import Poly, Scalars, Word, collect, trace
from proofs_check.evidence import Mutant
from proofs_check.measure import residual
from proofs_check.notation import poly_text
from proofs_check.problem import Problem
from proofs_check.search import Budget, search_all

Members = Callable[[np.random.Generator], Mapping[str, Any]]


def mutants(problem: Problem) -> list[tuple[str, Problem]]:
    """Return (operation, mutated problem), each goal once up to a factor, none trivial or a multiple of the original.

    The operations: flip a sign, drop a term, double a coefficient, unstar a square letter, swap two adjacent ones.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> A, u = letter("A", "k", "k"), letter("u", "k", "n")
    >>> [(name, poly_text(m.right)) for name, m in mutants(Problem("demo", {"fixed": A * u - u}, A * A * u, u))]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('flip', 'u'), ('drop', 'u'), ('double', 'u'), ('unstar', 'u'), ('unstar', 'u'), ('drop', '0'), ('double', '2 u')]
    """
    found: dict[Any, tuple[str, Problem]] = {}
    known = {_direction(problem.goal), ()}
    for side in ("left", "right"):
        p: Poly = getattr(problem, side)
        for name, changed in _changes(p):
            mutant = replace(problem, **{side: changed}, identity=False)
            direction = _direction(mutant.goal)
            if direction not in known:
                found.setdefault(direction, (name, mutant))
    return list(found.values())


def _direction(p: Poly) -> tuple:
    """Return the polynomial up to a factor; () for zero."""
    terms = sorted(p.terms.items(), key=str)
    return tuple((m, Fraction(c) / terms[0][1]) for m, c in terms)


def _changes(p: Poly) -> Iterator[tuple[str, Poly]]:
    for (scalars, word), c in p.terms.items():
        term = Poly(p.row, p.column, {(scalars, word): c})
        yield from (("flip", p - 2 * term), ("drop", p - term), ("double", p + term))
        for name, changed in _reworded(scalars, word):
            yield name, p - term + collect(p.row, p.column, [(changed, c)])


def _reworded(scalars: Scalars, word: Word) -> Iterator[tuple[str, tuple[Scalars, Word]]]:
    """The monomial with one letter transposed, or two neighbours exchanged, in the word or under one of its traces."""
    for name, changed in _edits(word, cyclic=False):
        yield name, (scalars, changed)
    for i, s in enumerate(scalars):
        for name, changed in _edits(() if isinstance(s, str) else s, cyclic=True):
            ((factors, _),) = trace(Poly(changed[0].row, changed[0].row, {((), changed): 1})).terms
            yield name, ((*scalars[:i], *factors, *scalars[i + 1 :]), word)


def _edits(word: Word, cyclic: bool) -> Iterator[tuple[str, Word]]:
    for i, x in enumerate(word):
        if x.row == x.column and not x.symmetric:
            yield "unstar", (*word[:i], x.T, *word[i + 1 :])
    for i in range(0 if cyclic else 1, len(word)):
        if len({s for x in (word[i - 1], word[i]) for s in (x.row, x.column)}) == 1:
            exchanged = list(word)
            exchanged[i - 1], exchanged[i] = word[i], word[i - 1]
            yield "swap", tuple(exchanged)


def judge_mutants(
    problem: Problem,
    members: Members,
    budget: Budget,
    rng: np.random.Generator,
    draws: int = 4,
    also: Mapping[str, Poly] = MappingProxyType({}),
) -> list[Mutant]:
    """Search for a certificate of every mutant, and look for a member that refutes it.

    Parameters
    ----------
    problem
        The claim.
    members
        ``members(rng)`` draws matrices and parameters that satisfy the hypotheses, by name.
    budget
        The one that found the original's certificate.
    rng
        Source of the draws.
    draws
        Number of members.
    also
        Further polynomials that vanish on the members but do not follow by algebra, such as CA − 1 for square matrices
        with AC = 1: they let the search recognise a mutant as true, and no proof of the claim uses them.

    Raises
    ------
    ValueError
        If a member breaks a hypothesis or the claim itself: then it refutes nothing.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> A, u = letter("A", "k", "k"), letter("u", "k", "n")
    >>> problem = Problem("fixed", {"fixed": A * u - u}, A * u, u)
    >>> def members(rng):
    ...     return {"A": np.diag([1.0, 2.0]), "u": np.array([[1.0], [0.0]])}
    >>> judged = judge_mutants(problem, members, Budget(rounds=1), np.random.default_rng(0), draws=1)
    >>> {m.text: m.killed for m in judged}["A u = 2 u"]
    True
    """
    known = {**problem.hypotheses, **also}
    drawn = [problem.with_dimensions(members(rng)) for _ in range(draws)]
    for values in drawn:
        for name, p in {**known, "claim": problem.goal}.items():
            value, tolerance = residual(p, values)
            if not value <= tolerance:
                raise ValueError(f"{problem.name}: a member misses “{name}” by {value:.1e} > {tolerance:.1e}")
    changed = [(name, replace(mutant, hypotheses=known)) for name, mutant in mutants(problem)]
    certificates = search_all([mutant for _, mutant in changed], budget)
    return [
        Mutant(
            name,
            f"{poly_text(mutant.left)} = {poly_text(mutant.right)}",
            steps is not None,
            max(residual(mutant.goal, values).ratio for values in drawn),
        )
        for (name, mutant), steps in zip(changed, certificates, strict=True)
    ]


def drop_hypotheses(problem: Problem, budget: Budget) -> dict[str, bool]:
    """Whether the search still finds a certificate without each of the hypotheses in turn.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> problem = Problem("isometry", {"orthogonal": Q.T * Q - 1}, u.T * Q.T * Q * u, u.T * u)
    >>> drop_hypotheses(problem, Budget(rounds=2))
    {'orthogonal': False}
    """
    without = {n: {m: h for m, h in problem.hypotheses.items() if m != n} for n in problem.hypotheses}
    return {n: search_all([replace(problem, hypotheses=rest)], budget) != [None] for n, rest in without.items()}
