"""The verdict table of README.md, written from the claims: ``python -m proofs_check.readme [README.md]``.

It shows the expected verdicts; ``verify`` and the tests hold the computed ones against them.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from proofs_check.entries import reading_order, source
from proofs_check.ledger import Claim, Verdict, load
from proofs_check.output import replace_text

BEGIN, END = "<!-- ledger:begin -->", "<!-- ledger:end -->"


def block(claims: Sequence[Claim]) -> str:
    """Return the Markdown between the markers: the paper's statements with what replaces them, ours, the empirical."""
    ordered = reading_order(claims)
    paper = [c for c in ordered if source(c) == "paper"]
    ours, empirical = ([c for c in ordered if source(c) == s] for s in ("ours", "empirical"))
    count = Counter(c.expect for c in paper)
    tally = ", ".join(f"{count[v]} {v}" for v in Verdict if v in count)
    lines = [f"The paper's {len(paper)} statements: {tally}.", "", "| | statement | verdict | what holds instead |"]
    lines += ["|---|---|---|---|"]
    for c in paper:
        instead = "; ".join(f"{_named(d)} ({d.expect})" for d in ordered if d.corrects == c.id)
        lines.append(f"| {c.id} | {_text(c.title)} ({_text(c.locator)}) | {_verdict(c)} | {instead} |")
    lines += ["", "Beyond the paper:", "", "| | statement | verdict |", "|---|---|---|"]
    lines += [f"| {c.id} | {_text(c.title)} | {_verdict(c)} |" for c in ours]
    if empirical:
        lines += [
            "",
            "Empirical, against predictions frozen beforehand:",
            "",
            "| | prediction | verdict |",
            "|---|---|---|",
        ]
        lines += [f"| {c.id} | {_text(c.title)} ({_text(c.locator)}) | {_verdict(c)} |" for c in empirical]
    return "\n".join(lines)


def _named(correction: Claim) -> str:
    """The title of a correction, after its id where that is not the corrected one's with a suffix."""
    prefix = "" if correction.id.startswith(correction.corrects) else f"{correction.id}: "
    return prefix + _text(correction.title)


def updated(text: str, claims: Sequence[Claim]) -> str:
    """Return the text with the block between its markers renewed.

    Raises
    ------
    ValueError
        The two markers are not there once each, in order.

    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in head + tail:
        raise ValueError(f"the text needs one line {BEGIN} and after it one line {END}; put them where the table goes")
    return f"{head}{begin}\n{block(claims)}\n{end}{tail}"


def main(path: str = "README.md") -> None:
    """Rewrite the block of the file, all at once."""
    file = Path(path)
    replace_text(file, updated(file.read_text(encoding="utf-8"), load()))


def _text(words: str) -> str:
    for character in "\\|*<":
        words = words.replace(character, "\\" + character)
    return words


def _verdict(claim: Claim) -> str:
    return f"**{claim.expect}**" if claim.expect in (Verdict.REFUTED, Verdict.CONTRADICTED) else str(claim.expect)


if __name__ == "__main__":
    main(*sys.argv[1:])
