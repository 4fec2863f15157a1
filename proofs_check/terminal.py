"""The ledger on a terminal: it closes ``verify`` and every ``pytest`` run."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proofs_check.entries import Entry
from proofs_check.evidence import KINDS
from proofs_check.report import Report

WIDTH = 100
STYLE = {
    "verified": "green",
    "verified modulo axioms": "cyan",
    "refuted": "magenta",
    "supported": "green",
    "contradicted": "magenta",
    "inconclusive": "yellow",
    "open": "yellow",
    "BROKEN": "bold red",
    "not run": "dim",
}
LETTERS: dict[str, str] = dict(zip((k for k in KINDS if k != "experiment"), "PNSHMCFT", strict=True))
EMPIRICAL = "Empirical claims: prediction; means over seeds [95 % interval]"
LEGEND = "P proof N numeric S simulated H hypotheses M mutants C counterexample F family T trained; ! fails - not run"


def show(report: Report, mismatches: Sequence[str], console: Console) -> None:
    """Print one line per statement, what was measured for each empirical claim, the mismatches and a summary.

    Examples
    --------
    >>> import io
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.ledger import Claim, Verdict
    >>> from proofs_check.report import assemble
    >>> report = assemble([Claim("C1", "a title", "", "", "", Verdict.OPEN)], {}, Run())
    >>> show(report, ["C1: expected verified"], Console(file=(file := io.StringIO()), width=100))
    >>> for line in file.getvalue().splitlines()[-2:]:
    ...     print(line.rstrip())
    C1: expected verified
    1 claims: 1 open; 1 NOT AS EXPECTED; 0 proved by certificate or z3; 0 mutants killed; seed 0
    """
    unicode = console.encoding.lower().startswith("utf")

    def text(words: str, style: str = "") -> Text:
        return Text(words if unicode else words.encode("ascii", "replace").decode(), style=style)

    def grid(*names: str, fold: bool = False) -> Table:
        width, cut = min(WIDTH, console.width), "ellipsis" if unicode else "crop"
        made = Table(box=box.SIMPLE_HEAD if unicode else None, padding=(0, 1, 0, 0), pad_edge=False, width=width)
        for place, name in enumerate(names):
            wide = place == 1
            made.add_column(name, no_wrap=not (wide and fold), overflow=cut, ratio=1 if wide else None)
        return made

    def row(e: Entry) -> list[Text]:
        expected = text("yes") if e.as_expected else text("-" if e.verdict == "not run" else "NO", STYLE["BROKEN"])
        return [text(e.id), text(e.title), text(e.verdict, STYLE[e.verdict]), expected]

    empirical = [e for e in report.claims if e.source == "empirical"]
    if len(empirical) < len(report.claims) or not empirical:
        table = grid("claim", "statement", "verdict", "ok", "".join(LETTERS.values()))
        for e in report.claims:
            if e.source != "empirical":
                table.add_row(*row(e), text(_letters(e)))
        console.print(table)
        console.print(text(LEGEND, "dim"), width=WIDTH)
    if empirical:
        table = grid("claim", EMPIRICAL, "verdict", "ok", fold=True)
        for e in empirical:
            table.add_row(*row(e))
            for record in (r for records in e.evidence.values() for r in records):
                table.add_row("", text(record["summary"]))
        console.print(table)
    for line in mismatches:
        console.print(text(line, STYLE["BROKEN"]), width=WIDTH)
    console.print(text(summary(report, len(mismatches))), width=WIDTH)


def summary(report: Report, mismatches: int) -> str:
    """Return the whole report in one line.

    Examples
    --------
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.report import assemble
    >>> summary(assemble([], {}, Run()), 0).split(";")[:2]
    ['0 claims: none', ' all as expected']
    """
    c = report.counts
    verdicts = ", ".join(f"{c['verdicts'][v]} {v}" for v in STYLE if v in c["verdicts"])
    agreement = f"{mismatches} NOT AS EXPECTED" if mismatches else "all as expected"
    if report.partial and not mismatches:
        agreement = "partial run: nothing against expectation"
    return (
        f"{c['claims']} claims: {verdicts or 'none'}; {agreement}; {c['proved_by_certificate_or_z3']} proved by "
        f"certificate or z3; {c['mutants_killed']} mutants killed; seed {report.seed}"
    )


def _letters(entry: Entry) -> str:
    """One place per kind: its letter, ! if it failed, - if it is needed but did not run, a dot if it does not apply."""
    return "".join(_mark(entry, kind) for kind in LETTERS)


def _mark(entry: Entry, kind: str) -> str:
    if kind in entry.evidence:
        return LETTERS[kind] if all(r["passed"] for r in entry.evidence[kind]) else "!"
    return "-" if kind in entry.missing else "."
