"""Counts of verdicts in README.md and their tables in docs/verdicts.md, written from the claims.

``python -m proofs_check.readme [FOLDER]`` renews both. They show the expected verdicts; ``verify`` and the tests hold
the computed ones against them.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from proofs_check.entries import reading_order, source
from proofs_check.ledger import Claim, Verdict, load
from proofs_check.output import replace_text
from proofs_check.predictions import FOLDER, frozen

BEGIN, END = "<!-- ledger:begin -->", "<!-- ledger:end -->"


def counts(claims: Sequence[Claim]) -> str:
    """Return a Markdown list: how many statements of each source have which verdict.

    Examples
    --------
    >>> print(counts([Claim("C1", "", "", "", "", Verdict.OPEN)]))
    - 1 theorems beyond the paper: 1 open
    """
    titles = {
        "paper": "statements of the paper",
        "correction": "statements in place of refuted ones",
        "ours": "theorems beyond the paper",
        "empirical": "predictions about training, frozen beforehand",
    }
    found = {key: [c for c in claims if source(c) == key] for key in titles}
    return "\n".join(
        f"- {len(found[key])} {title}: {_tally(found[key])}" for key, title in titles.items() if found[key]
    )


def tables(claims: Sequence[Claim]) -> str:
    """Return three Markdown tables: the paper's statements with what replaces them, ours, the empirical.

    Examples
    --------
    >>> tables([Claim("C1", "a title", "", "", "", Verdict.OPEN)]).splitlines()[-1]
    '| C1 | a title | open |'
    """
    ordered = reading_order(claims)
    paper = [c for c in ordered if source(c) == "paper"]
    ours, empirical = ([c for c in ordered if source(c) == s] for s in ("ours", "empirical"))
    lines = [f"The paper's {len(paper)} statements: {_tally(paper)}.", ""]
    lines += ["| | statement | verdict | what holds instead |"]
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
            "| | prediction | verdict | pilot seen | converged below |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {c.id} | {_text(c.title)} ({_text(c.locator)}) | {_verdict(c)} | {_conditions(c)} |" for c in empirical
        ]
    return "\n".join(lines)


def _named(correction: Claim) -> str:
    """The title of a correction, after its id where that is not the corrected one's with a suffix."""
    prefix = "" if correction.id.startswith(correction.corrects) else f"{correction.id}: "
    return prefix + _text(correction.title)


def updated(text: str, body: str) -> str:
    """Return the text with the body between its markers.

    Raises
    ------
    ValueError
        The two markers are not there once each, in order.

    Examples
    --------
    >>> updated(f"head {BEGIN} old {END} tail", "new").split()[4:5]
    ['new']
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in head + tail:
        raise ValueError(f"the text needs one line {BEGIN} and after it one line {END}; put them where the verdicts go")
    return f"{head}{begin}\n{body}\n{end}{tail}"


DOCUMENTS: Mapping[str, Callable[[Sequence[Claim]], str]] = {"README.md": counts, "docs/verdicts.md": tables}


def main(folder: str = ".") -> None:
    """Rewrite what stands between the markers of both documents of the folder, each all at once.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     (Path(folder) / "docs").mkdir()
    ...     for name in DOCUMENTS:
    ...         _ = (Path(folder) / name).write_text(f"{BEGIN} {END}", encoding="utf-8")
    ...     main(folder)
    ...     lines = (Path(folder) / "README.md").read_text(encoding="utf-8").splitlines()
    >>> print(lines[1])     # doctest: +ELLIPSIS
    - ... statements of the paper: ... verified, ...
    """
    claims = load()
    for name, body in DOCUMENTS.items():
        file = Path(folder) / name
        replace_text(file, updated(file.read_text(encoding="utf-8"), body(claims)))


def _tally(claims: Sequence[Claim]) -> str:
    """How many have which verdict, in the order of the verdicts."""
    count = Counter(c.expect for c in claims)
    return ", ".join(f"{count[v]} {v}" for v in Verdict if v in count)


def _text(words: str) -> str:
    for character in "\\|*<":
        words = words.replace(character, "\\" + character)
    return words


def _conditions(claim: Claim) -> str:
    """Whether its bounds were written with pilot outcomes in sight, and when its runs count as converged."""
    if not (FOLDER / f"{claim.id}.json").exists():
        return "– | –"
    stated = frozen(claim.id)
    return f"{'yes' if 'pilot' in stated.why.lower() else ''} | {stated.converged:g}"


def _verdict(claim: Claim) -> str:
    return f"**{claim.expect}**" if claim.expect in (Verdict.REFUTED, Verdict.CONTRADICTED) else str(claim.expect)


if __name__ == "__main__":
    main(*sys.argv[1:])
