"""The synthetic section of the page, from made-up findings whose outcomes are written here and not computed."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from proofs_check import page
from proofs_check.evidence import Run
from proofs_check.ledger import Claim, Verdict, load
from proofs_check.predictions import frozen
from proofs_check.report import assemble
from proofs_check.runner import Finding
from proofs_check.synthetic import QUESTIONS, synthetic

# As printed, row by row: REC, TR, CC.
PAPER = {
    "none": ("0.99", "0.00", "0.00"),
    "TR": ("0.99", "0.99", "0.00"),
    "CC": ("1.00", "0.98", "0.99"),
    "dTR": ("0.99", "0.99", "0.00"),
    "dCC": ("1.00", "0.98", "0.99"),
}
LABELS = ["REC", "REC + TR", "REC + CC", "REC + dTR", "REC + dCC"]
CELLS = [f"{row}: R²_{column}" for row in PAPER for column in ("REC", "TR", "CC")]


def finding(claim: str, name: str, outcome="supported", mean=0.5, reason="as it was <b>judged</b>", p=0.001) -> Finding:
    def arm(role, called, centre):
        return {"role": role, "name": called, "interval": {"mean": centre, "low": centre - 0.25, "high": centre + 0.25}}

    values = [mean] * 3
    details = {
        "statement": "what was trained",
        "name": name,
        "prediction": {"kind": "inequality", "text": f"≥ {mean - 1:g} & more, a control ≤ {mean - 2:g}"},
        "outcome": outcome,
        "reason": reason,
        "p_value": p if outcome == "supported" else 1.0,
        "arms": [arm("measured", name, mean), arm("control", "another arm", -7.0), arm("null", "shuffled pairs", -9.0)],
        "values": values,
        "controls": {"another arm": values},
        "nulls": {"shuffled pairs": values},
        "beside": {},
        "changes": values,
        "converged": 3,
        "seeds": [[0, 0], [1, 1], [2, 2]],
        "frozen": {"why": "it follows", "converged": 0.1},
        "prediction_hash": "ab" * 32,
        "config_hash": "cd" * 32,
    }
    if outcome == "BROKEN":
        details["arms"] = []
    return Finding(claim, "experiment", outcome != "BROKEN", f"{name}: {reason}", details)


def reported(found: dict[str, list[Finding]], title="title of {} < ‖ρ‖", idle=()):
    claims = []
    for name in [*found, *idle]:
        claims.append(Claim(name, title.format(name), "a = b", f"{name} says & means", "Table <1>", Verdict.SUPPORTED))
        claims[-1].by("experiment")(lambda run: [])
    return assemble(claims, {i: {"experiment": findings} for i, findings in found.items()}, Run())


def table(**outcomes) -> list[Finding]:
    """All cells supported but those named, in an order that is not the paper's."""
    chosen = {cell: outcomes.get(re.sub(r"\W+R²", "", cell), "supported") for cell in CELLS}
    found = [finding("E3.vi", cell, chosen[cell], mean=CELLS.index(cell) / 4) for cell in CELLS]
    return found[::-1]


class Tags(HTMLParser):
    """Checks that tags nest, and gathers ids, links, table cells with their classes, and text."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.cells: list[list[str]] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if tag == "a" else []
        if tag == "td":
            self.cells.append([values.get("class", ""), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data
        if "td" in self.open:
            self.cells[-1][1] += data


def section(text: str) -> str:
    (found,) = re.findall(r'<section id="synthetic">.*?</section>', text, re.DOTALL)
    return found


def test_rows_are_the_paper_s_in_its_order():
    made = synthetic(reported({"E3.vi": table()}))
    assert made is not None
    assert list(made.rows) == LABELS
    assert tuple(made.columns) == ("REC", "TR", "CC")
    cells = [c for row in made.rows.values() for c in row]
    assert [f"{c.printed:.2f}" for c in cells] == [value for row in PAPER.values() for value in row]
    arms = [c.arm or {} for c in cells]
    assert [(arm["role"], arm["interval"]["mean"]) for arm in arms] == [("measured", i / 4) for i in range(15)]
    assert [c.name for c in made.rows["REC"]] == ["REC: R²_REC", "REC: R²_TR", "REC: R²_CC"]
    assert made.table.id == "E3.vi"
    assert (made.tally, made.reasons, made.questions) == ({"stands": 15}, {}, {})


def test_the_cells_are_the_records_of_the_claim_and_the_questions_name_claims():
    assert list(frozen("E3.vi").predictions) == CELLS
    known = {c.id: c for c in load()}
    asked = [i for ids in QUESTIONS.values() for i in ids]
    assert all(known[i].empirical for i in asked)
    assert len(set(asked)) == len(asked) == 22


def test_outcomes_in_plain_words_with_their_reasons():
    found = table(TR_TR="contradicted", dTR_CC="inconclusive", dCC_CC="inconclusive", CC_CC="BROKEN")
    made = synthetic(reported({"E3.vi": found}))
    assert made is not None
    words = [[c.word for c in row] for row in made.rows.values()]
    assert words == [
        ["stands", "stands", "stands"],
        ["stands", "does not", "stands"],
        ["stands", "stands", "BROKEN"],
        ["stands", "stands", "open"],
        ["stands", "stands", "open"],
    ]
    assert list(made.tally.items()) == [("stands", 11), ("does not", 1), ("open", 2), ("BROKEN", 1)]
    judged = "as it was <b>judged</b>"
    assert made.reasons == {
        ("does not", judged): ["REC + TR: R²_TR"],
        ("BROKEN", judged): ["REC + CC: R²_CC"],
        ("open", judged): ["REC + dTR: R²_CC", "REC + dCC: R²_CC"],
    }
    assert made.rows["REC + CC"][2].arm is None
    assert made.table.verdict == "BROKEN"


@pytest.mark.parametrize("found", [{}, {"E3.v": [finding("E3.v", "R²_TR")]}], ids=["empty", "another claim"])
def test_nothing_where_the_table_was_not_measured(found):
    report = reported(found)
    assert synthetic(report) is None
    text = page.render(report)
    assert 'href="#synthetic"' not in text
    assert 'id="synthetic"' not in text
    Tags(text)


def test_nothing_where_the_table_is_a_claim_that_did_not_run():
    report = reported({"E3.v": [finding("E3.v", "R²_TR")]}, idle=["E3.vi"])
    assert [e.id for e in report.claims] == ["E3.v", "E3.vi"]
    assert synthetic(report) is None


def test_evidence_that_raised_leaves_every_cell_not_run():
    error = "ValueError: <no store>"
    made = synthetic(reported({"E3.vi": [Finding("E3.vi", "experiment", False, error, {"error": error})]}))
    assert made is not None
    assert made.tally == {"not run": 15}
    assert list(made.reasons) == [("not run", "no record")]
    assert made.table.verdict == "BROKEN"


def test_a_record_that_is_missing_is_not_run():
    made = synthetic(reported({"E3.vi": [f for f in table() if f.details["name"] != "TR: R²_CC"]}))
    assert made is not None
    assert [c.word for c in made.rows["REC + TR"]] == ["stands", "stands", "not run"]


def findings() -> dict[str, list[Finding]]:
    return {
        "E3.vi": table(dTR_TR="contradicted", none_CC="inconclusive"),
        "E3.i": [finding("E3.i", "first", mean=2.0), finding("E3.i", "second", "contradicted", mean=3.0)],
        "E3.ii": [finding("E3.ii", "gained", mean=4.0)],
        "E5.ii": [finding("E5.ii", "ahead", "inconclusive", mean=5.0, reason="2 of 3 runs converged")],
        "E6.i": [finding("E6.i", "label <Jaccard>", "BROKEN")],
        "E1.iii": [finding("E1.iii", "elsewhere", mean=6.0)],
    }


def test_findings_with_the_record_that_decides_first():
    made = synthetic(reported(findings()))
    assert made is not None
    found = {q: [f.claim.id for f in fs] for q, fs in made.questions.items()}
    assert list(found.values()) == [["E3.i", "E3.ii"], ["E5.ii"], ["E6.i"]]
    assert list(found) == [q for q in QUESTIONS if q in found]
    by_id = {f.claim.id: f for fs in made.questions.values() for f in fs}
    means = [(d["name"], arm["interval"]["mean"]) for d, arm in by_id["E3.i"].readings]
    assert means == [("second", 3.0), ("first", 2.0)]
    assert by_id["E3.i"].claim.verdict == "contradicted"
    assert by_id["E6.i"].readings == []


def test_the_largest_p_value_decides_where_no_record_alone_has_the_verdict():
    both = {i: [finding(i, "first", p=0.03), finding(i, "second", p=0.04)] for i in ("E3.i", "E3.ii")}
    made = synthetic(reported({"E3.vi": table(), **both}))
    assert made is not None
    ((first, _),) = made.questions.values()
    # Holm's method over the three claims of E3 makes .04 · 2 of .04.
    assert (first.claim.verdict, first.claim.p_value) == ("inconclusive", pytest.approx(0.08))
    assert [d["name"] for d, _ in first.readings] == ["second", "first"]
    alone = synthetic(reported({"E3.vi": table(), "E3.i": both["E3.i"]}))
    assert alone is not None
    ((only,),) = alone.questions.values()
    assert only.claim.verdict == "supported"
    assert [d["name"] for d, _ in only.readings] == ["first", "second"]


def test_page_with_the_section():
    text = page.render(reported(findings()))
    found = Tags(text)
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert "#synthetic" in found.links
    assert text.index('id="statements"') < text.index('id="synthetic"') < text.index('id="empirical"')
    shown = Tags(section(text))
    assert [i for i in shown.links if i != "#E3.vi"] == ["#E3.i", "#E3.ii", "#E6.i", "#E5.ii"]
    cells = [(kind, " ".join(words.split())) for kind, words in shown.cells]
    assert len(cells) == 15
    assert cells[0] == ("ok", "✓ stands0.99 0 [-0.25, 0.25]")
    assert cells[2] == ("open", "≈ open0.00 0.5 [0.25, 0.75]")
    assert cells[10] == ("refuted", "✗ does not0.99 2.5 [2.25, 2.75]")
    words = " ".join(shown.words.split())
    for piece in (
        "15 cells: stands 13, does not 1, open 1.",
        "open (as it was <b>judged</b>): REC: R²CC.",
        "does not (as it was <b>judged</b>): REC + dTR: R²TR.",
        "contradictedE3.i title of E3.i < ‖ρ‖ second 3 [2.75, 3.25]; predicted ≥ 2 & more (1 of 2) E3.i says",
        "gained 4 [3.75, 4.25]; predicted ≥ 3 & more E3.ii says & means (Table <1>)",
        "ahead 5 [4.75, 5.25]; predicted ≥ 4 & more. ahead: 2 of 3 runs converged E5.ii says",
        "ahead 5 [4.75, 5.25]; predicted ≥ 4 & more, a control ≤ 3. Inconclusive: 2 of 3 runs converged.",
        "BROKENE6.i",
    ):
        assert piece in words, piece
    assert "elsewhere" not in words
    assert "-7" not in words


def test_every_cell_says_in_text_what_its_colour_says():
    found = table(TR_TR="contradicted", dTR_CC="inconclusive", CC_CC="BROKEN")[1:]
    said = {"ok": "✓ stands", "refuted": "✗ does not", "open": "≈ open", "broken": "! BROKEN", "notrun": "– not run"}
    cells = Tags(section(page.render(reported({"E3.vi": found})))).cells
    assert {kind for kind, _ in cells} == set(said)
    assert all(said[kind] in words for kind, words in cells)
    style = (Path(page.__file__).parent / "templates" / "claims.css").read_text(encoding="utf-8")
    for kind in said:
        assert f"#synthetic td.{kind} {{ background: var(--{kind}-bg); color: var(--{kind}); }}" in style


def test_section_escapes_what_claims_and_records_say():
    hostile = "<script>alert(1)</script>"
    found = {
        "E3.vi": [finding("E3.vi", CELLS[0], "inconclusive", reason=hostile)],
        "E3.i": [finding("E3.i", hostile, reason=hostile)],
    }
    text = section(page.render(reported(found, title=f"{hostile} {{}}")))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 5
