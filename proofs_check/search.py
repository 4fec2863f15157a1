"""Finds certificates. Untrusted: whatever comes out is checked by ``algebra.check``.

The goal's monomials are matched against the terms of the hypotheses; every match makes a product s·a·h·b whose other
monomials are matched in turn, round after round within a budget. After each round, linear algebra over ℚ says whether
the goal is a combination of the products so far. Not finding a certificate within a budget proves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from proofs_check.algebra import Poly, Step
from proofs_check.elimination import Span, combination
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

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> A, u = letter("A", "k", "k"), letter("u", "k", "n")
    >>> twice = Problem("twice", {"fixed": A * u - u}, A * A * u, u)
    >>> search(twice, Budget(products=1)) is None, search(twice, Budget(products=2)) is None
    (True, False)
    """

    rounds: int = 8
    slack: int = 4
    degree: int = 1
    products: int = 20000


class Found(NamedTuple):
    """A certificate and the budget that sufficed for it.

    Examples
    --------
    >>> found = Found([], Budget())
    >>> found.steps, found.budget.rounds
    ([], 8)
    """

    steps: list[Step]
    budget: Budget


def search(problem: Problem, budget: Budget = Budget()) -> Found | None:
    """Look for a certificate; deterministic, the smallest slack first.

    Parameters
    ----------
    problem, budget
        The claim, and how far to go.

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
    rules = Rules(problem)
    levels = ((slack, degree) for slack in range(budget.slack + 1) for degree in range(budget.degree + 1))
    tried = (_within(problem, replace(budget, slack=slack, degree=degree), rules) for slack, degree in levels)
    return next((found for found in tried if found), None)


def _within(problem: Problem, budget: Budget, rules: Rules) -> Found | None:
    growing = _Products([problem.goal], budget, rules)
    for rounds in range(1, budget.rounds + 1):
        growing.grow()
        weights = combination(problem.goal.terms, growing.terms)
        if weights is not None:
            return Found(_steps(problem, weights), replace(budget, rounds=rounds))
        if not growing.frontier:
            break
    return None


def search_all(problems: Sequence[Problem], budget: Budget) -> list[list[Step] | None]:
    """Look for certificates of several problems with the same hypotheses and spaces, with one elimination for all.

    The products come from the monomials of all goals, so that nothing within the budget of one of them is missed, as
    long as all goals together have no more products than it allows.

    Examples
    --------
    >>> from proofs_check.algebra import letter
    >>> Q, u = letter("Q", "k", "k"), letter("u", "k", "n")
    >>> true = Problem("isometry", {"orthogonal": Q.T * Q - 1}, u.T * Q.T * Q * u, u.T * u)
    >>> [steps is not None for steps in search_all([true, replace(true, right=2 * true.right)], Budget(rounds=2))]
    [True, False]
    """
    growing = _Products([problem.goal for problem in problems], budget, Rules(problems[0]))
    for _ in range(budget.rounds):
        growing.grow()
    span = Span(growing.terms)
    found = [span.combination(problem.goal.terms) for problem in problems]
    return [
        None if weights is None or problem.identity == bool(problem.goal.terms) else _steps(problem, weights)
        for problem, weights in zip(problems, found, strict=True)
    ]


def _steps(problem: Problem, weights: Mapping[Product, Fraction]) -> list[Step]:
    steps: list[Step] = [(c, p.scalars, p.left, p.hypothesis, p.star, p.right) for p, c in weights.items()]
    if not problem.accepts(steps):
        raise AssertionError(f"{problem.name}: the checker rejects what the search found")
    return steps


class _Products:
    """Products that match the goals, and in every round those that match the monomials of the last round."""

    def __init__(self, goals: Sequence[Poly], budget: Budget, rules: Rules):
        self.frontier = list(dict.fromkeys(m for goal in goals for m in goal.terms))
        self.terms: dict[Product, Mapping[Monomial, Fraction | int]] = {}
        length, degree = (max(sizes) for sizes in zip((0, 0), *map(_size, self.frontier), strict=True))
        self._limit = length + budget.slack, degree + budget.degree
        self._seen, self._most, self._rules = set(self.frontier), budget.products, rules

    def grow(self) -> None:
        fresh = dict.fromkeys(product for m in self.frontier for product in self._rules.matches(m))
        self.frontier = []
        for product in fresh:
            if product in self.terms or self._rules.length(product) > self._limit[0]:
                continue
            terms = self._rules.value(product).terms
            if not terms or any(_beyond(m, self._limit) for m in terms):
                continue
            if len(self.terms) == self._most:
                break
            self.terms[product] = terms
            new = [m for m in terms if m not in self._seen]
            self.frontier += new
            self._seen.update(new)


def _size(monomial: Monomial) -> tuple[int, int]:
    scalars, word = monomial
    return max([len(word), *(len(s) for s in scalars if not isinstance(s, str))]), len(scalars)


def _beyond(monomial: Monomial, limit: tuple[int, int]) -> bool:
    return any(size > most for size, most in zip(_size(monomial), limit, strict=True))


def certify(problem: Problem, directory: Path = CERTIFICATES, budget: Budget = Budget()) -> Found | None:
    """Search, and store what was found as ``<directory>/<problem name>.json``.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from proofs_check.algebra import letter
    >>> A, u = letter("A", "k", "k"), letter("u", "k", "n")
    >>> with TemporaryDirectory() as folder:
    ...     found = certify(Problem("twice", {"fixed": A * u - u}, A * A * u, u), Path(folder))
    ...     len(found.steps), Path(folder, "twice.json").exists()
    (2, True)
    """
    found = search(problem, budget)
    if found:
        directory.mkdir(parents=True, exist_ok=True)
        dump(problem, found.steps, directory / f"{problem.name}.json")
    return found


def _main() -> int:
    """Find and store the certificates of all problems; report those without one (``python -m proofs_check.search``)."""
    from proofs_check.problems import CASES

    missing = 0
    for name, case in sorted(CASES.items()):
        found = certify(case.problem)
        missing += found is None
        print(f"{name}: {f'{len(found.steps)} steps' if found else 'no certificate within the budget'}")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(_main())
