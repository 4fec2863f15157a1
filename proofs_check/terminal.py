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
    "open": "yellow",
    "BROKEN": "bold red",
    "not run": "dim",
}
LETTERS: dict[str, str] = dict(zip(KINDS, "PNHMCFT", strict=True))
LEGEND = "P proof N numeric H hypotheses M mutants C counterexample F family T trained; ! fails - not run"


def show(report: Report, mismatches: Sequence[str], console: Console) -> None:
    """Print one line per claim, the mismatches, and a one-line summary."""
    unicode = console.encoding.lower().startswith("utf")

    def text(words: str, style: str = "") -> Text:
        return Text(words if unicode else words.encode("ascii", "replace").decode(), style=style)

    grid = Table(
        box=box.SIMPLE_HEAD if unicode else None, padding=(0, 1, 0, 0), pad_edge=False, width=min(WIDTH, console.width)
    )
    for name in ("claim", "statement", "verdict", "ok", "".join(LETTERS.values())):
        grid.add_column(
            name,
            no_wrap=True,
            overflow="ellipsis" if unicode else "crop",
            ratio=1 if name == "statement" else None,
        )
    for e in report.claims:
        expected = text("yes") if e.as_expected else text("-" if e.verdict == "not run" else "NO", STYLE["BROKEN"])
        grid.add_row(text(e.id), text(e.title), text(e.verdict, STYLE[e.verdict]), expected, text(_letters(e)))
    console.print(grid)
    for line in (text(LEGEND, "dim"), *(text(m, STYLE["BROKEN"]) for m in mismatches)):
        console.print(line, width=WIDTH)
    console.print(text(summary(report, len(mismatches))), width=WIDTH)


def summary(report: Report, mismatches: int) -> str:
    """Return the whole report in one line."""
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
    return "".join(_mark(entry, kind) for kind in KINDS)


def _mark(entry: Entry, kind: str) -> str:
    if kind in entry.evidence:
        return LETTERS[kind] if all(r["passed"] for r in entry.evidence[kind]) else "!"
    return "-" if kind in entry.missing else "."
