"""Which property implies which: proved by a claim, refuted by a model, or blank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofs_check import models
from proofs_check.ledger import STANDING, Claim, Verdict
from theory.properties import all_properties


@dataclass(frozen=True)
class Cell:
    """One ordered pair: status "proved", "refuted" or "blank" (no countermodel found, which is no proof).

    Examples
    --------
    >>> Cell("TR", "CC", "blank", "").status
    'blank'
    """

    premise: str
    conclusion: str
    status: str
    witness: str


def matrix(claims: Sequence[Claim], verdicts: Mapping[str, Verdict], given: Sequence[str] = ()) -> list[Cell]:
    """Implication matrix of all properties, each premise joined with the properties ``given``.

    A proof is a chain of implications whose claims stand; a refutation is a model of the pool.

    Raises
    ------
    AssertionError
        When an implication is both proved and refuted: some evidence is wrong.

    Examples
    --------
    >>> claim = Claim("X1", "", "", "", "", Verdict.VERIFIED, implies=((("TR",), "dTR"),))
    >>> cells = {(c.premise, c.conclusion): c for c in matrix([claim], {"X1": Verdict.VERIFIED})}
    >>> [(cells[pair].status, cells[pair].witness) for pair in (("TR", "dTR"), ("TR", "CYC"))]
    [('proved', 'X1'), ('blank', '')]
    >>> cells["TR", "CC"].witness.partition(":")[0]     # the model that refutes it
    'split features'
    """
    names = [p.name for p in all_properties()]
    rules = [(set(p), c, claim.id) for claim in claims if verdicts.get(claim.id) in STANDING for p, c in claim.implies]
    cells = []
    for premise in names:
        known = {premise: "", **{g: "" for g in given}}
        while new := [(c, i) for p, c, i in rules if c not in known and p <= set(known)]:
            for conclusion, claim_id in new:
                known.setdefault(conclusion, claim_id)
        for conclusion in names:
            if conclusion == premise or conclusion in given:
                continue
            model = models.refute([premise, *given], conclusion)
            if conclusion in known and model:
                raise AssertionError(
                    f"{premise} ⇒ {conclusion}: proved by {known[conclusion]}, refuted by {model.name}"
                )
            if conclusion in known:
                cells.append(Cell(premise, conclusion, "proved", known[conclusion]))
            elif model:
                cells.append(Cell(premise, conclusion, "refuted", model.name))
            else:
                cells.append(Cell(premise, conclusion, "blank", ""))
    return cells
