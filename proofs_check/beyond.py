"""The theorems beyond the paper on one screen: what each predicts, what simulation gives, what training gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proofs_check.synthetic import Finding, _finding

if TYPE_CHECKING:
    from proofs_check.entries import Entry
    from proofs_check.report import Report

# Theorem → the empirical claims that hold a number of it, or a hypothesis, against training.
TRAINED: Mapping[str, Sequence[str]] = {
    "A1": ("E9.vii",),
    "A2": ("E1.i", "E1.ii"),
    "A3": (),
    "A4": (),
    "B1": (),
    "B2": (),
    "B3": (),
    "B4": (),
    "B5": (),
    "B6": (),
    "C1": ("E3.i",),
    "C2": ("E4.i",),
    "C3": ("E9.iv",),
    "C4": ("E9.v",),
    "C5": ("E4.ii", "E9.iii"),
    "C6": ("E4.iii", "E4.iv", "E4.v", "E9.vi"),
    "D1": ("E2.ii",),
    "D2": ("E2.iii",),
    "D3": ("E2.i", "E2.ii"),
    "F1": (),
    "F2": ("E3.ii", "E9.i", "E9.ii"),
    "F3": ("E9.viii",),
}
# What Lemma 4's trade-off is trained for stands with the lemma itself.
ELSEWHERE: Mapping[str, str] = {theorem: "L4.iii" for theorem in ("B1", "B2", "B6")}


@dataclass(frozen=True)
class Theorem:
    """One theorem: its claims, rows of their simulations, findings of training.

    Parameters
    ----------
    name
        "C2".
    claims
        Entries of the ledger whose id is the name, or begins with it and a dot.
    simulated
        Rows of `proofs_check.simulated.Simulated`, those inside the hypotheses.
    trained
        Empirical claims, with the records that hold numbers.
    elsewhere
        Id of a claim of the paper that holds trained evidence, or "".
    asked
        Whether there are empirical claims of it, in this report or not.

    Examples
    --------
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.ledger import Claim, Verdict
    >>> from proofs_check.report import assemble
    >>> (theorem,) = beyond(assemble([Claim("C2.i", "laws and anchors", "", "", "", Verdict.OPEN)], {}, Run()))
    >>> theorem.name, theorem.claims[0].title, theorem.asked, theorem.trained
    ('C2', 'laws and anchors', True, [])
    """

    name: str
    claims: Sequence["Entry"]
    simulated: Sequence[Mapping[str, Any]]
    trained: Sequence[Finding]
    elsewhere: str
    asked: bool


def beyond(report: "Report") -> list[Theorem]:
    """Gather the theorems of a report; those none of whose claims is part of it are left out.

    Examples
    --------
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.report import assemble
    >>> beyond(assemble([], {}, Run()))
    []
    """
    by_id = {e.id: e for e in report.claims}
    found = []
    for name, ids in TRAINED.items():
        claims = [e for e in report.claims if e.id.partition(".")[0] == name]
        rows = [
            row
            for e in claims
            for record in e.evidence.get("simulated", ())
            for row in record["details"].get("rows", ())
            if row["inside"]
        ]
        trained = [_finding(by_id[i]) for i in ids if i in by_id]
        elsewhere = ELSEWHERE.get(name, "")
        if claims:
            found.append(Theorem(name, claims, rows, trained, elsewhere if elsewhere in by_id else "", bool(ids)))
    return found
