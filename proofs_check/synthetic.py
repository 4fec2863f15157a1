"""The paper's synthetic section on one screen: its printed table beside ours, then what each of its questions came to.

It reads a report and judges nothing: every number, verdict and reason here is one that a claim's evidence gave.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proofs_check.entries import Entry
    from proofs_check.report import Report

PAPER = json.loads((Path(__file__).parent / "data" / "paper_synthetic.json").read_text(encoding="utf-8"))
COLUMNS: tuple[str, ...] = tuple(PAPER["columns"])
# Row → printed R² of each column. A row is named after the loss that joins REC, "none" where REC stands alone.
PRINTED: Mapping[str, tuple[float, ...]] = {name: tuple(values) for name, values in PAPER["rows"].items()}
TABLE = "E3.vi"
# What is asked, and the claims that answer; the page sets every second question in its right column.
QUESTIONS = {
    "Do distributional losses align?": ("E3.i", "E3.ii", "E3.iii", "E3.iv", "E3.v"),
    "Do known pairs align, and do laws help them?": ("E4.i", "E4.ii", "E4.iii", "E4.iv", "E4.v"),
    "Does translation give consistency, or a cycle translation?": ("E1.i", "E1.ii", "E2.i"),
    "How do the methods compare?": ("E5.i", "E5.ii", "E5.iii", "E5.iv", "E5.v", "E5.vi"),
    "What does joint selection give?": ("E6.i", "E6.ii", "E6.iii"),
}
WORDS = {
    "supported": "stands",
    "contradicted": "does not",
    "inconclusive": "open",
    "BROKEN": "BROKEN",
    "not run": "not run",
}


@dataclass(frozen=True)
class Cell:
    """A printed value, and what training gave in its place.

    Parameters
    ----------
    name
        The cell in words, "REC + TR: R²_CC".
    printed
        R² as the paper prints it.
    arm
        The measured {role, name, interval}; None where no record holds numbers.
    outcome, word, reason
        Of the record, "not run" where there is none; the outcome in a word of ``WORDS``.

    Examples
    --------
    >>> Cell(cell("dTR", "CC"), 0.5, None, "not run", WORDS["not run"], "").name
    'dTR: R²_CC'
    """

    name: str
    printed: float
    arm: Mapping[str, Any] | None
    outcome: str
    word: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """A claim, and those of its records that hold numbers, the one that decides first.

    Parameters
    ----------
    claim
        Its entry in the report.
    readings
        Pairs (details of a record, its measured arm).

    Examples
    --------
    >>> arm = {"role": "measured", "name": "R²_CC", "interval": {"mean": 0.5, "low": 0.25, "high": 0.75}}
    >>> found = Finding(None, [({"outcome": "supported", "arms": [arm]}, arm)])
    >>> [(details["outcome"], arm["interval"]["mean"]) for details, arm in found.readings]
    [('supported', 0.5)]
    """

    claim: "Entry"
    readings: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]


@dataclass(frozen=True)
class Synthetic:
    """What the section shows.

    Parameters
    ----------
    table
        The claim about the table.
    columns, rows
        Names of the columns; name of each row → its cells.
    tally
        Number of cells by word.
    reasons
        (word, reason) → names of the cells that do not stand and have both.
    questions
        Question → findings, without those that are not part of the report.

    Examples
    --------
    >>> from proofs_check import runner
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.ledger import Claim, Verdict
    >>> from proofs_check.report import assemble
    >>> claim = Claim("E3.vi", "the table", "", "", "", Verdict.SUPPORTED, evidence={"experiment": print})
    >>> measured = {"name": cell("TR", "CC"), "outcome": "supported", "reason": "", "arms": []}
    >>> record = runner.Finding("E3.vi", "experiment", True, "", measured)
    >>> found = synthetic(assemble([claim], {"E3.vi": {"experiment": [record]}}, Run()))
    >>> found.columns, found.tally
    (('REC', 'TR', 'CC'), {'stands': 1, 'not run': 14})
    """

    table: "Entry"
    columns: Sequence[str]
    rows: Mapping[str, Sequence[Cell]]
    tally: Mapping[str, int]
    reasons: Mapping[tuple[str, str], Sequence[str]]
    questions: Mapping[str, Sequence[Finding]]


def cell(row: str, column: str) -> str:
    """Return the name of a cell; by its row's name it is that of its record.

    Examples
    --------
    >>> cell("dTR", "CC")
    'dTR: R²_CC'
    """
    return f"{row}: R²_{column}"


def synthetic(report: "Report") -> Synthetic | None:
    """Gather the section from a report; None where the table was not measured.

    Parameters
    ----------
    report
        Of a whole run or of a part of it: claims that it lacks are left out.

    Examples
    --------
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.report import assemble
    >>> synthetic(assemble([], {}, Run())) is None
    True
    """
    by_id = {e.id: e for e in report.claims}
    if TABLE not in by_id or "experiment" not in by_id[TABLE].evidence:
        return None
    records = {d["name"]: d for d in _records(by_id[TABLE])}
    rows = {label(row): [_cell(row, c, records) for c in COLUMNS] for row in PRINTED}
    tally = Counter(c.word for cells in rows.values() for c in cells)
    reasons: dict[tuple[str, str], list[str]] = {}
    for c in (c for cells in rows.values() for c in cells):
        if c.outcome != "supported":
            reasons.setdefault((c.word, c.reason), []).append(c.name)
    return Synthetic(
        by_id[TABLE],
        COLUMNS,
        rows,
        {word: tally[word] for word in WORDS.values() if word in tally},
        reasons,
        {q: found for q, ids in QUESTIONS.items() if (found := [_finding(by_id[i]) for i in ids if i in by_id])},
    )


def label(row: str) -> str:
    """Return the losses of a row.

    Examples
    --------
    >>> label("none"), label("dTR")
    ('REC', 'REC + dTR')
    """
    return "REC" if row == "none" else f"REC + {row}"


def _records(claim: "Entry") -> Iterator[Mapping[str, Any]]:
    """Details of the experiment's records; evidence that raised has none, but an error."""
    return (r["details"] for r in claim.evidence.get("experiment", ()) if "name" in r["details"])


def _cell(row: str, column: str, records: Mapping[str, Mapping[str, Any]]) -> Cell:
    printed = PRINTED[row][COLUMNS.index(column)]
    name = cell(label(row), column)
    if (found := records.get(cell(row, column))) is None:
        return Cell(name, printed, None, "not run", WORDS["not run"], "no record")
    outcome = found["outcome"]
    return Cell(name, printed, _measured(found), outcome, WORDS[outcome], found["reason"])


def _finding(claim: "Entry") -> Finding:
    readings = [(d, arm) for d in _records(claim) if (arm := _measured(d))]

    def decides(reading: tuple[Mapping[str, Any], Mapping[str, Any]]) -> tuple[bool, float]:
        details, _ = reading
        # Where no record alone has the claim's verdict, Holm's method took it from the largest p-value.
        decisive = details["outcome"] == claim.verdict
        return decisive, 0.0 if decisive else details["p_value"]

    return Finding(claim, sorted(readings, key=decides, reverse=True))


def _measured(details: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((arm for arm in details["arms"] if arm["role"] == "measured"), None)
