"""Finds certificates. Untrusted: whatever comes out is checked by ``algebra.check``.

The goal's monomials are matched against the terms of the hypotheses; every match makes a product s·a·h·b whose other
monomials are matched in turn, round after round within a budget. After each round, linear algebra over ℚ says whether
the goal is a combination of the products so far. Not finding a certificate within a budget proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from proofs_check.algebra import Poly, Step
from proofs_check.elimination import combination
from proofs_check.notation import dump
from proofs_check.problem import Problem
from proofs_check.rewriting import Monomial, Product, Rules

CERTIFICATES = Path(__file__).parent / "data" / "certificates"


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


def search(problem: Problem, budget: Budget = Budget(), rules: Rules | None = None) -> Found | None:
    """Look for a certificate; deterministic, the smallest slack first.

    Parameters
    ----------
    problem, budget
        The claim, and how far to go.
    rules
        Matches to share between problems with the same hypotheses and spaces.

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
    rules = rules or Rules(problem)
    levels = ((slack, degree) for slack in range(budget.slack + 1) for degree in range(budget.degree + 1))
    tried = (_within(problem, replace(budget, slack=slack, degree=degree), rules) for slack, degree in levels)
    return next((found for found in tried if found), None)


def _within(problem: Problem, budget: Budget, rules: Rules) -> Found | None:
    goal = problem.goal
    length, degree = (max(sizes) for sizes in zip(*map(_size, goal.terms), strict=True))
    limit = length + budget.slack, degree + budget.degree
    products: dict[Product, Poly] = {}
    seen, frontier = set(goal.terms), list(goal.terms)
    for rounds in range(1, budget.rounds + 1):
        fresh = {product: value for m in frontier for product, value in rules.matches(m)}
        frontier = []
        for product, value in fresh.items():
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


def certify(problem: Problem, directory: Path = CERTIFICATES, budget: Budget = Budget()) -> Found | None:
    """Search, and store what was found as ``<directory>/<problem name>.json``."""
    found = search(problem, budget)
    if found:
        directory.mkdir(parents=True, exist_ok=True)
        dump(problem, found.steps, directory / f"{problem.name}.json")
    return found


def main() -> int:
    """Find and store the certificates of all problems; report those without one (``python -m proofs_check.search``)."""
    from proofs_check.problems import CASES

    missing = 0
    for name, case in sorted(CASES.items()):
        found = certify(case.problem)
        missing += found is None
        print(f"{name}: {f'{len(found.steps)} steps' if found else 'no certificate within the budget'}")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
