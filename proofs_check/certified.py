"""Stored certificates as evidence: the step of a proof, and the false variants that must have none."""

import numpy as np

from proofs_check.evidence import Mutant, Step
from proofs_check.mutants import judge_mutants
from proofs_check.notation import certificate_text, load
from proofs_check.problems import CASES
from proofs_check.search import CERTIFICATES, search


def step(name: str, statement: str) -> Step:
    """Load the stored certificate of a problem and let the trusted checker decide on it again.

    Parameters
    ----------
    name
        Of the problem in ``proofs_check.problems``, and of the file.
    statement
        What the identity contributes to the claim.

    Raises
    ------
    KeyError, OSError
        When there is no such problem, or no stored certificate.

    Examples
    --------
    >>> found = step("L4-readout", "the decoders")
    >>> found.accepted, found.statement
    (True, 'the decoders (L4-readout)')
    """
    problem = CASES[name].problem
    steps = load(problem, CERTIFICATES / f"{name}.json")
    return Step("certificate", f"{statement} ({name})", problem.accepts(steps), certificate_text(problem, steps))


def mutants(name: str, rng: np.random.Generator) -> list[Mutant]:
    """Judge every false variant of a problem, within the budget that finds the original's certificate.

    Raises
    ------
    LookupError
        When the search does not find the original any more: then finding no variant would say nothing.

    Examples
    --------
    >>> mutants("no-such", np.random.default_rng(0))
    Traceback (most recent call last):
    KeyError: 'no-such'
    """
    case = CASES[name]
    found = search(case.problem)
    if found is None:
        raise LookupError(f"{name}: the search does not find the original's certificate within its budget")
    return judge_mutants(case.problem, case.members, found.budget, rng, also=case.also)
