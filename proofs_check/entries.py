"""One claim as the report shows it: its place, its verdict, the reason, the axioms under it, its evidence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from proofs_check.axioms import AXIOMS
from proofs_check.evidence import KINDS
from proofs_check.ledger import STANDING, Claim, Verdict
from proofs_check.runner import Finding

PAPER = ("P", "AppA", "Eq", "ECF", "L", "S31")
SOURCES = ("paper", "correction", "ours", "empirical")
NUMBERED = re.compile(r"(P|Eq|L)(?=\d)|AppA|ECF|S31")


@dataclass(frozen=True)
class Entry:
    """One claim with its verdict and everything that led to it.

    Parameters
    ----------
    source
        "paper", "correction" (of a statement of the paper), "ours" or "empirical".
    why
        The verdict's reason in one line.
    axioms
        Name, statement and reference of each axiom; ``via`` names the ancestor that brings it, "" for the claim's own.
    corrections
        Ids of the claims that replace this one.
    missing
        Kinds of evidence that the claim needs and did not get in this run.
    p_value
        Of an empirical claim whose family ran: the p-value by Holm's method over the family.
    evidence
        Kind → records as {passed, summary, details}.

    Examples
    --------
    >>> claim = Claim("C1", "a title", "x = y", "", "", Verdict.VERIFIED)
    >>> found = entry(claim, {"C1": claim}, {"C1": Verdict.OPEN}, {}, None)
    >>> found.verdict, found.as_expected, found.why
    ('open', False, 'Has no proof or numeric or mutants evidence')
    """

    id: str
    title: str
    formula: str
    statement: str
    locator: str
    source: str
    verdict: str
    expected: str
    as_expected: bool
    why: str
    hypotheses: Sequence[str]
    axioms: Sequence[Mapping[str, str]]
    corrects: str
    corrections: Sequence[str]
    requires: Sequence[str]
    implies: Sequence[tuple[Sequence[str], str]]
    missing: Sequence[str]
    p_value: float | None
    evidence: Mapping[str, Sequence[Mapping[str, Any]]]


def reading_order(claims: Sequence[Claim]) -> list[Claim]:
    """Order the paper's statements by number, each followed by its corrections, then ours, then what is measured.

    Examples
    --------
    >>> claims = [Claim(i, "", "", "", "", Verdict.OPEN) for i in ("C1", "L10.i", "L2.i", "P1")]
    >>> [c.id for c in reading_order(claims)]
    ['P1', 'L2.i', 'L10.i', 'C1']
    """
    by_id = {c.id: c for c in claims}

    def key(claim: Claim):
        root = claim.corrects if claim.corrects in by_id else claim.id
        numbered = NUMBERED.match(root)
        rank = PAPER.index(numbered.group()) if numbered else len(PAPER)
        natural = [(word, int(number or 0)) for word, number in re.findall(r"(\D+)(\d*)", root)]
        return claim.empirical, rank, natural, bool(claim.corrects), claim.id

    return sorted(claims, key=key)


def source(claim: Claim) -> str:
    """Return "paper", "correction", "ours" or "empirical".

    Examples
    --------
    >>> [source(Claim(i, "", "", "", "", Verdict.OPEN)) for i in ("L4.ii", "C1")]
    ['paper', 'ours']
    """
    if claim.empirical:
        return "empirical"
    if claim.corrects:
        return "correction"
    return "paper" if NUMBERED.match(claim.id) else "ours"


def axiom(name: str) -> dict[str, str]:
    """Name, statement and reference.

    Examples
    --------
    >>> axiom("square inverse")["reference"]
    'Horn & Johnson, Matrix Analysis, 0.5'
    """
    # An unknown name makes the proof evidence fail, and that failure has to reach the report.
    return asdict(AXIOMS[name]) if name in AXIOMS else {"name": name, "statement": "unknown axiom", "reference": ""}


def entry(
    claim: Claim,
    known: Mapping[str, Claim],
    verdicts: Mapping[str, Verdict],
    found: Mapping[str, Sequence[Finding]],
    p_value: float | None,
) -> Entry:
    """Return the claim as the report shows it; ``known`` holds its ancestors and corrections, too.

    Examples
    --------
    >>> claim = Claim("C1", "", "", "", "", Verdict.OPEN)
    >>> entry(claim, {"C1": claim}, {"C1": Verdict.OPEN}, {}, None).source
    'ours'
    """
    corrections = tuple(c.id for c in known.values() if c.corrects == claim.id)
    return Entry(
        **{f: getattr(claim, f) for f in ("id", "title", "formula", "statement", "locator", "corrects")},
        source=source(claim),
        verdict=str(verdicts[claim.id]),
        expected=str(claim.expect),
        as_expected=verdicts[claim.id] == claim.expect,
        why=_why(claim, verdicts, found, corrections, p_value),
        hypotheses=claim.hypotheses,
        axioms=_axioms(claim, known),
        corrections=corrections,
        requires=claim.requires,
        implies=claim.implies,
        missing=tuple(k for k in claim.required if k not in found),
        p_value=p_value,
        evidence={
            kind: [{"passed": f.passed, "summary": f.summary, "details": f.details} for f in found[kind]]
            for kind in KINDS
            if kind in found
        },
    )


def _axioms(claim: Claim, known: Mapping[str, Claim]) -> list[dict[str, str]]:
    """Own axioms, then those of the ancestors, nearest first, each once."""
    via: dict[str, str] = dict.fromkeys(claim.axioms, "")
    queue = list(claim.requires)
    for ancestor in queue:
        via = {a: ancestor for a in known[ancestor].axioms} | via
        queue += [r for r in known[ancestor].requires if r not in queue]
    ordered = sorted(via, key=lambda name: (via[name] != "", name))
    return [{**axiom(name), "via": via[name]} for name in ordered]


def _why(claim: Claim, verdicts, found: Mapping[str, Sequence[Finding]], corrections: Sequence[str], p_value) -> str:
    failed = [f for records in found.values() for f in records if not f.passed]
    if failed:
        return f"Its {failed[0].kind} evidence fails: {failed[0].summary}"
    verdict = verdicts[claim.id]
    if verdict == Verdict.REFUTED:
        return found["counterexample"][0].summary
    if verdict in STANDING:
        engines = sorted({f.details["engine"] for f in found["proof"]} - {"axiom"})
        given = f", given {' and '.join(claim.axioms)}" if claim.axioms else ""
        dropped = [h for f in found.get("necessity", ()) for h in f.details["dropped"]]
        needed = f"; it fails without {' or '.join(dropped)}" if dropped else ""
        return f"Proved by {' and '.join(engines)}{given}{needed}"
    unregistered = [k for k in claim.required if k not in claim.evidence]
    if unregistered:
        return f"Has no {' or '.join(unregistered)} evidence"
    missing = [k for k in claim.required if k not in found]
    if missing:
        return f"Not judged: {', '.join(missing)} did not run"
    if {"proof", "counterexample"} <= set(claim.evidence):
        return "Has both a proof and a counterexample"
    stand = (*STANDING, Verdict.SUPPORTED) if claim.empirical else STANDING
    weak = [f"{i}, which is {verdicts[i]}" for i in (*claim.requires, *corrections) if verdicts[i] not in stand]
    if claim.empirical:
        return _why_measured(claim, verdict, found["experiment"], p_value, weak)
    return f"Rests on {', and on '.join(weak)}" if weak else "Has no correction"


def _why_measured(claim: Claim, verdict: Verdict, records: Sequence[Finding], p_value, weak: Sequence[str]) -> str:
    deciding = [f for f in records if f.outcome == verdict]
    adjusted = "" if p_value is None else f"p = {p_value:.2g} by Holm's method over {claim.family}"
    if verdict == Verdict.SUPPORTED:
        names = ", ".join(f.details["name"] for f in deciding)
        return f"{names}: as predicted, and every control misses it; {adjusted}"
    if deciding:
        return f"{deciding[0].details['name']}: {deciding[0].details['reason']}"
    if weak:
        return f"Rests on {', and on '.join(weak)}"
    if p_value is None:
        return f"Not judged: other claims of {claim.family} did not run"
    return f"Supported alone, but {adjusted}"
