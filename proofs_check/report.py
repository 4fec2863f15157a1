"""What a run of the ledger found, as one plain object; it becomes the terminal table, ``claims.json`` and the page."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from proofs_check import algebra, implications, runner
from proofs_check.entries import SOURCES, Entry, axiom, entry, reading_order
from proofs_check.evidence import Run
from proofs_check.ledger import Claim, Verdict, adjusted, judge, load
from proofs_check.output import complete_folder
from proofs_check.runner import Finding

__all__ = ["FILES", "SCHEMA_VERSION", "Entry", "Report", "assemble", "mismatches", "reading_order", "table", "write"]

SCHEMA_VERSION = 1
FILES = ("claims.json", "claims.html")
GIVEN = ((), ("REC",))
Findings = Mapping[str, Mapping[str, Sequence[Finding]]]


@dataclass(frozen=True)
class Report:
    """Everything that ``claims.json`` holds; equal seeds, sources and libraries give an equal report.

    Parameters
    ----------
    partial
        Whether only some claims or kinds of evidence ran; then the others are "not run", which is no verdict.
    commit, sources, versions
        What was run: the commit, the hash of all source files, the trusted base.
    counts
        Claims by origin and verdict, proofs, counterexamples, mutants, generated members, trained starts.
    claims
        In reading order: the paper's statements, each followed by its correction, then ours, then the empirical ones.
    axioms
        Those in use, with the claims that lean on them.
    structural
        Hypotheses without a countermodel, with the reason.
    implications
        One matrix for each set of properties given: {given, cells}.
    contradictions
        Implications that were both proved and refuted.

    Examples
    --------
    >>> report = assemble([Claim("C1", "a title", "", "", "", Verdict.OPEN)], {}, Run(seed=3))
    >>> report.seed, report.counts["verdicts"], report.claims[0].title
    (3, {'open': 1}, 'a title')
    """

    schema_version: int
    partial: bool
    kinds: Sequence[str]
    seed: int
    examples: int
    commit: str
    sources: str
    versions: Mapping[str, str]
    counts: Mapping[str, Any]
    claims: Sequence[Entry]
    axioms: Sequence[Mapping[str, Any]]
    structural: Sequence[Mapping[str, str]]
    implications: Sequence[Mapping[str, Any]]
    contradictions: Sequence[str]


def assemble(
    claims: Sequence[Claim], findings: Findings, run: Run, kinds: Sequence[str] = (), partial: bool = False
) -> Report:
    """Judge the claims by their findings, and gather what a reader needs to follow the verdicts.

    Parameters
    ----------
    claims
        The claims of this run.
    findings
        Claim id → kind → findings, as ``runner.collect`` returns them.
    run
        Seed and effort of the run.
    kinds
        The kinds of evidence that were asked for; all when empty.
    partial
        Whether something was left out; ancestors and corrections that did not run then count as "not run".

    Examples
    --------
    >>> chosen = [c for c in load() if c.id == "P1.i"]
    >>> found = {"P1.i": {"proof": runner.evaluate("P1.i", "proof", Run())}}
    >>> report = assemble(chosen, found, Run(), ["proof"], partial=True)
    >>> report.claims[0].verdict, report.claims[0].missing
    ('not run', ('numeric', 'necessity', 'mutants'))

    """
    known = {c.id: c for c in (*(load() if partial else ()), *claims)}
    # judge asks a record whether it passed, and an experiment for its outcome, which a finding knows as well.
    verdicts = judge(list(known.values()), cast(Any, findings))
    p_values = adjusted(list(known.values()), findings)
    chosen = reading_order(claims)
    entries = [entry(c, known, verdicts, findings.get(c.id, {}), p_values.get(c.id)) for c in chosen]
    matrices, contradictions = [], []
    for given in GIVEN:
        try:
            cells = implications.matrix(claims, verdicts, given)
            matrices.append({"given": list(given), "cells": [asdict(c) for c in cells]})
        except AssertionError as error:  # the run still has to be shown; ``mismatches`` makes it fail
            contradictions.append(str(error))
    return Report(
        schema_version=SCHEMA_VERSION,
        partial=partial,
        kinds=list(kinds),
        seed=run.seed,
        examples=run.examples,
        commit=runner.commit(),
        sources=runner.fingerprint(),
        versions=_trusted(),
        counts=_counts(entries),
        claims=entries,
        axioms=_axioms_in_use(entries),
        structural=_structural(entries),
        implications=matrices,
        contradictions=sorted(set(contradictions)),
    )


def mismatches(report: Report) -> list[str]:
    """One line for each claim whose computed verdict is not the expected one, and for each contradiction.

    In a partial run a claim that could not be judged is none; a BROKEN one always is.

    Examples
    --------
    >>> mismatches(assemble([Claim("C1", "a title", "", "", "", Verdict.VERIFIED)], {}, Run()))
    ['C1: expected verified, computed open. Has no proof or numeric or mutants evidence']
    """
    judged = (e for e in report.claims if not (report.partial and e.verdict == Verdict.NOT_RUN))
    wrong = [f"{e.id}: expected {e.expected}, computed {e.verdict}. {e.why}" for e in judged if not e.as_expected]
    return wrong + [f"contradiction: {c}" for c in report.contradictions]


def write(report: Report, directory: str | Path) -> None:
    """Write ``claims.json`` and ``claims.html``, both or none.

    Raises
    ------
    proofs_check.errors.InputError
        The folder cannot be made or written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(assemble([], {}, Run(seed=3)), folder)
    ...     json.loads(Path(folder, "claims.json").read_text(encoding="utf-8"))["seed"]
    3
    """
    from proofs_check.page import render

    data = json.dumps(asdict(report), ensure_ascii=False, indent=1, allow_nan=False)
    texts = dict(zip(FILES, (data + "\n", render(report)), strict=True))
    with complete_folder(directory, FILES) as folder:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")


def table(report: Report, console) -> None:
    """Print the ledger on a rich console: one line per claim, what is not as expected, and a summary.

    Examples
    --------
    >>> import io
    >>> from rich.console import Console
    >>> claim = Claim("C1", "a title", "", "", "", Verdict.OPEN)
    >>> table(assemble([claim], {}, Run()), Console(file=(file := io.StringIO()), width=80))
    >>> next(line.split() for line in file.getvalue().splitlines() if "C1" in line)
    ['C1', 'a', 'title', 'open', 'yes', '--..-...']
    """
    from proofs_check.terminal import show

    show(report, mismatches(report), console)


def _counts(entries: Sequence[Entry]) -> dict[str, Any]:
    def details(*kinds: str):
        return [(e, r["details"]) for e in entries for k in kinds for r in e.evidence.get(k, ()) if r["passed"]]

    mutants = [m for _, d in details("mutants") for m in d["mutants"]]
    engines = {(e.id, d["engine"]) for e, d in details("proof") if e.verdict != Verdict.BROKEN}
    return {
        "claims": len(entries),
        **{s: _tally(e.verdict for e in entries if e.source == s) for s in SOURCES},
        "verdicts": _tally(e.verdict for e in entries),
        "proved_by_certificate_or_z3": len({i for i, engine in engines if engine in ("certificate", "z3")}),
        "proof_engines": _tally(engine for _, engine in engines),
        "counterexamples": len(details("counterexample")),
        "mutants_killed": sum(m["killed"] for m in mutants),
        "mutants_equivalent": sum(m["equivalent"] for m in mutants),
        "members": sum(d["examples"] for _, d in details("numeric", "family")),
        "trained_starts": sum(len(d["reached"]) for _, d in details("trained")),
    }


def _tally(words) -> dict[str, int]:
    return dict(sorted(Counter(map(str, words)).items()))


def _axioms_in_use(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    users: dict[str, list[str]] = {}
    for e in entries:
        for used in e.axioms:
            users.setdefault(used["name"], []).append(e.id)
    return [{**axiom(name), "claims": users[name]} for name in sorted(users)]


def _structural(entries: Sequence[Entry]) -> list[dict[str, str]]:
    return [
        {"claim": e.id, "hypothesis": hypothesis, "reason": reason}
        for e in entries
        for record in e.evidence.get("necessity", ())
        for hypothesis, reason in record["details"].get("structural", {}).items()
    ]


def _trusted() -> dict[str, str]:
    checker = hashlib.sha256(Path(algebra.__file__).read_bytes()).hexdigest()[:16]
    return {"python": platform.python_version(), "certificate checker (hash)": checker, **runner.versions()}
