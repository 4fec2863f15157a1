"""Reports of made-up claims whose verdicts, counts and reasons are known by hand."""

import io
import json
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from proofs_check import readme, report, runner
from proofs_check.axioms import cite
from proofs_check.empirical import NULLS, Experiment
from proofs_check.entries import reading_order, source
from proofs_check.errors import InputError
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity, Numeric, Run, Step
from proofs_check.ledger import Claim, Verdict, load
from proofs_check.predictions import Frozen, frozen, inequality
from proofs_check.reached import Trained

RUN = Run(seed=3, examples=5)
MUTANTS = Mutants(
    [Mutant("drop", f"variant {i}", False, 10.0 + i) for i in range(3)] + [Mutant("swap", "same thing", True, 0.0)]
)
COUNTER = Counterexample("x_j = (1, 2) <b>", {"whitened": True}, {"L_CC is constant": False}, Fraction(4, 15))


def claim(name: str, expect=Verdict.VERIFIED, **more) -> Claim:
    return Claim(name, f"title of {name} ⇒ ‖ρ‖", "a_b = c", f"what {name} says", f"Lemma {name}", expect, **more)


def true_claim(name: str, expect=Verdict.VERIFIED, axioms=(), engine="certificate", **more) -> Claim:
    made = claim(name, expect, axioms=axioms, **more)
    made.by("proof")(lambda run: [Step(engine, "core", True, "1·W·h·Wᵀ"), *map(cite, axioms)])
    made.by("numeric")(lambda run: Numeric("on members", 5, 0.25))
    made.by("mutants")(lambda run: MUTANTS)
    if made.hypotheses:
        dropped = {made.hypotheses[0]: COUNTER, made.hypotheses[1]: Step("z3", "finite", True, "[Ω = 2 points]")}
        structural = {h: "only infinite models" for h in made.hypotheses[2:]}
        made.by("necessity")(lambda run: Necessity(dropped, structural))
    return made


def false_claim(name: str) -> Claim:
    made = claim(name, Verdict.REFUTED)
    made.by("counterexample")(lambda run: COUNTER)
    made.by("family")(lambda run: Numeric("nearby", 7, 3.0, kind="family"))
    return made


def ledger() -> list[Claim]:
    """Every verdict but "not run": L1.iv fails, L1.v has no evidence."""
    broken = true_claim("L1.iv")
    broken.evidence["numeric"] = lambda run: Numeric("on members", 4, 2.5, "AssertionError: ratio 2.5 on <seed 1>")
    trained = true_claim(
        "L1.i", Verdict.MODULO_AXIOMS, ("Eckart–Young",), requires=("L1.ii",), hypotheses=("CC", "REC", "k ≤ d")
    )
    trained.by("trained")(
        lambda run: Trained("coders", 1.5, [1.5 + 1e-9 * i for i in range(10)] + [2.0], 1e-6, control=1.75)
    )
    return [
        true_claim("B1", engine="sympy"),
        false_claim("L10.i"),
        true_claim("L10.i-corrected", corrects="L10.i", engine="z3"),
        trained,
        true_claim("L1.ii", Verdict.MODULO_AXIOMS, ("von Neumann",)),
        broken,
        claim("L1.v", Verdict.OPEN),
    ]


SEEDS = ((0, 0), (1, 1), (2, 2))
MEASURED = {"supported": 0.9, "contradicted": 0.3, "inconclusive": 0.7}


def empirical_claim(name: str, *outcomes: str, spread=0.01, **more) -> Claim:
    """R² ≥ 0.7 predicted, where a control stays below 0.5; measured as each of the outcomes needs it."""
    stated = Frozen(name, "because of <C2>", SEEDS, 0.01, ("REC",), {"R²": inequality(">=", 0.5, 0.2)}, "ab" * 32)

    def around(mean):
        return [mean - spread, mean, mean + spread]

    fields = {
        "controls": {"no anchors": around(0.4)},
        "nulls": {null: around(-0.8) for null in NULLS},
        "changes": [0.001] * 6,
        "beside": {"REC": 0.987},
        "prediction_hash": "ab" * 32,
        "config_hash": "cd" * 32,
    }
    made = claim(name, Verdict.SUPPORTED)
    made.by("experiment")(
        lambda run: [
            Experiment("shared codes", stated, "R²", SEEDS, around(MEASURED[outcome]), **(fields | more))
            for outcome in outcomes
        ]
    )
    return made


def measured_ledger() -> list[Claim]:
    return [
        empirical_claim("E1.i", "supported", "supported"),
        empirical_claim("E1.ii", "supported", "contradicted"),
        empirical_claim("E2", "inconclusive"),
        empirical_claim("E3", "supported", controls={"no anchors": [0.8, 0.81, 0.82]}),
        empirical_claim("E4", "supported", beside={"REC": float("nan")}),
    ]


@pytest.fixture
def collect(monkeypatch, tmp_path):
    """Run the evidence of made-up claims through the runner itself."""
    monkeypatch.setenv("CONCEPT_ALIGNMENT_CACHE", str(tmp_path / "cache"))
    # Whoever edits now: `test_runner.py` tests it, and to hash all sources takes longer than what is tested here.
    monkeypatch.setattr(runner, "fingerprint", cache(lambda: "0123456789abcdef" * 4))

    def collected(claims, kinds=(), partial=False, chosen=None):
        monkeypatch.setattr(runner, "_claims", lambda: {c.id: c for c in claims})
        monkeypatch.setattr(report, "load", lambda: claims)
        ran = chosen or claims
        found = {c.id: {k: runner.evaluate(c.id, k, RUN) for k in c.evidence if not kinds or k in kinds} for c in ran}
        return report.assemble(ran, found, RUN, kinds, partial)

    return collected


def by_id(made) -> dict:
    return {e.id: e for e in made.claims}


def test_verdicts_reasons_and_mismatches(collect):
    made = collect(ledger())
    entries = by_id(made)
    assert {i: e.verdict for i, e in entries.items()} == {
        "L1.i": "verified modulo axioms",
        "L1.ii": "verified modulo axioms",
        "L1.iv": "BROKEN",
        "L1.v": "open",
        "L10.i": "refuted",
        "L10.i-corrected": "verified",
        "B1": "verified",
    }
    assert [line.split(":")[0] for line in report.mismatches(made)] == ["L1.iv"]
    assert "ratio 2.5" not in entries["L1.i"].why
    assert entries["L1.i"].why == "Proved by certificate, given Eckart–Young; it fails without CC or REC"
    assert entries["L1.iv"].why.startswith("Its numeric evidence fails: on members")
    assert entries["L1.v"].why == "Has no proof or numeric or mutants evidence"
    assert "4/15" in entries["L10.i"].why
    assert entries["L10.i"].corrections == ("L10.i-corrected",)


def test_a_claim_rests_on_its_ancestors_and_corrections(collect):
    claims = [false_claim("L2.i"), true_claim("L2.i-corrected", corrects="L2.i", requires=("L1.iv",)), *ledger()]
    entries = by_id(collect(claims))
    assert entries["L2.i-corrected"].verdict == entries["L2.i"].verdict == "BROKEN"
    assert entries["L2.i-corrected"].why == "Rests on L1.iv, which is BROKEN"
    assert entries["L2.i"].why == "Rests on L2.i-corrected, which is BROKEN"


def test_axioms_own_before_inherited(collect):
    made = collect(ledger())
    first = by_id(made)["L1.i"].axioms
    assert [(a["name"], a["via"]) for a in first] == [("Eckart–Young", ""), ("von Neumann", "L1.ii")]
    assert all(a["reference"] and a["statement"] for a in first)
    assert {a["name"]: a["claims"] for a in made.axioms} == {
        "Eckart–Young": ["L1.i"],
        "von Neumann": ["L1.i", "L1.ii"],
    }
    assert made.structural == [{"claim": "L1.i", "hypothesis": "k ≤ d", "reason": "only infinite models"}]


def test_axioms_come_from_the_nearest_of_all_ancestors(collect):
    chain = [
        true_claim("A1", axioms=("von Neumann", "Ky Fan")),
        true_claim("A2", axioms=("Ky Fan",), requires=("A1",)),
        true_claim("A3", axioms=("von Neumann",), requires=("A2",)),
    ]
    found = by_id(collect(chain))["A3"].axioms
    assert [(a["name"], a["via"]) for a in found] == [("von Neumann", ""), ("Ky Fan", "A2")]
    chain[1] = true_claim("A2", requires=("A1",))
    chain[2] = true_claim("A3", requires=("A2",))
    found = by_id(collect(chain))["A3"].axioms
    assert [(a["name"], a["via"]) for a in found] == [("Ky Fan", "A1"), ("von Neumann", "A1")]


def test_an_unknown_axiom_breaks_the_claim_and_not_the_report(collect):
    bad = true_claim("L1.i", axioms=("wishful thinking",))
    made = collect([bad])
    assert by_id(made)["L1.i"].verdict == "BROKEN"
    assert "wishful thinking" in report.mismatches(made)[0]


def test_counts(collect):
    counts = collect(ledger()).counts
    assert counts["paper"] == {"BROKEN": 1, "open": 1, "refuted": 1, "verified modulo axioms": 2}
    assert (counts["correction"], counts["ours"]) == ({"verified": 1}, {"verified": 1})
    # B1 is proved by SymPy alone, L1.iv is BROKEN.
    assert counts["proved_by_certificate_or_z3"] == 3
    assert (counts["mutants_killed"], counts["mutants_equivalent"]) == (5 * 3, 5)
    assert counts["members"] == 4 * 5 + 7
    assert (counts["counterexamples"], counts["trained_starts"]) == (1, 11)


def test_a_partial_run_judges_only_what_ran(collect):
    claims = ledger()
    proofs = collect(claims, kinds=["proof"], partial=True)
    assert by_id(proofs)["L1.iv"].verdict == "not run"
    assert by_id(proofs)["L1.iv"].missing == ("numeric", "mutants")
    assert report.mismatches(proofs) == []
    numeric = collect(claims, kinds=["numeric"], partial=True)
    assert [line.split(":")[0] for line in report.mismatches(numeric)] == ["L1.iv"]
    # Alone, the false claim has no correction that ran.
    alone = collect(claims, partial=True, chosen=[claims[1]])
    assert by_id(alone)["L10.i"].verdict == "not run"
    assert report.mismatches(alone) == []


def test_in_a_full_run_what_did_not_run_counts(collect):
    made = collect(ledger(), kinds=["proof"], partial=False)
    assert {line.split(":")[0] for line in report.mismatches(made)} == set(by_id(made)) - {"L1.v"}


def test_a_proof_against_a_countermodel_is_a_mismatch(collect):
    impossible = true_claim("B9", implies=((("TR",), "CC"),))
    made = collect([impossible])
    assert any("TR ⇒ CC" in line and "B9" in line for line in report.mismatches(made))


def test_implications_come_from_claims_that_stand(collect):
    rule = true_claim("P1.i", implies=((("CC", "REC"), "TR"),))
    cells = {
        tuple(m["given"]): {(c["premise"], c["conclusion"]): c for c in m["cells"]}
        for m in collect([rule]).implications
    }
    assert cells["REC",]["CC", "TR"]["status"] == "proved"
    assert cells["REC",]["CC", "TR"]["witness"] == "P1.i"
    assert cells[()]["CC", "TR"]["status"] == "refuted"
    rule.evidence["numeric"] = lambda run: Numeric("on members", 0, 0.0)
    without = {m["given"][0]: m["cells"] for m in collect([rule]).implications if m["given"]}
    assert not [c for c in without["REC"] if c["status"] == "proved"]


def test_same_bytes_from_a_cold_and_a_warm_cache(collect, tmp_path):
    claims = ledger()
    collect(claims)
    report.write(collect(claims), tmp_path / "cold")
    warm = {c.id: {k: runner._read(c.id, k, RUN) or runner.evaluate(c.id, k, RUN) for k in c.evidence} for c in claims}
    assert any(f.cached for kinds in warm.values() for found in kinds.values() for f in found)
    report.write(report.assemble(claims, warm, RUN), tmp_path / "warm")
    for name in report.FILES:
        assert (tmp_path / "cold" / name).read_bytes() == (tmp_path / "warm" / name).read_bytes()


def test_json_holds_the_report(collect, tmp_path):
    made = collect(ledger())
    report.write(made, tmp_path)
    data = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert (data["schema_version"], data["seed"], data["examples"]) == (report.SCHEMA_VERSION, 3, 5)
    assert {"z3-solver", "sympy", "hypothesis", "python", "certificate checker (hash)"} <= set(data["versions"])
    assert [c["id"] for c in data["claims"]] == [e.id for e in made.claims]
    counterexample = data["claims"][4]["evidence"]["counterexample"][0]
    assert counterexample["details"]["margin"] == "4/15"
    assert counterexample["passed"] is True


class Page(HTMLParser):
    """Checks that tags nest, and gathers ids, links, resources and text."""

    VOID = ("meta", "input", "br", "link", "img")

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.resources: list[str] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name == "href" and tag == "a":
                self.links.append(value)
            elif name in ("src", "srcset", "href", "data", "action"):
                self.resources.append(value)
        if tag in ("script", "iframe", "object", "base"):
            self.resources.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def page(made, tmp_path) -> tuple[Page, str]:
    report.write(made, tmp_path)
    text = (tmp_path / "claims.html").read_text(encoding="utf-8")
    return Page(text), text


def test_page_is_well_formed_and_needs_nothing_from_outside(collect, tmp_path):
    found, text = page(collect(ledger()), tmp_path)
    assert found.resources == []
    assert not re.search(r"url\(|@import|https?:", text)
    assert len(found.ids) == len(set(found.ids))
    assert {c.id for c in ledger()} <= set(found.ids)
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)


def test_page_shows_what_a_reader_needs(collect, tmp_path):
    made = collect(ledger())
    found, _ = page(made, tmp_path)
    words = " ".join(found.words.split())
    for e in made.claims:
        assert e.title in words
        assert e.statement in words
        assert e.locator in words
    for piece in (
        "it fails by 4/15",
        "1·W·h·Wᵀ",
        "Eckart & Young 1936",
        "through L1.ii",
        "split features",
        "variant 2",
        "91 % of 11 starts",
        "The control reaches 1.75",
        "AssertionError: ratio 2.5 on <seed 1>",
        "only infinite models",
        "[Ω = 2 points]",
        "expected verified",
        "Instead: title of L10.i-corrected",
    ):
        assert piece in words, piece


def test_page_escapes_what_claims_say(collect, tmp_path):
    hostile = true_claim("L1.i")
    object.__setattr__(hostile, "title", "<script>alert(1)</script> & a < b")
    found, text = page(collect([hostile, *ledger()[4:]]), tmp_path)
    assert "<script" not in text
    assert "<script>alert(1)</script> & a < b" in found.words


def test_partial_runs_and_empty_ones_have_a_page(collect, tmp_path):
    claims = ledger()
    found, _ = page(collect(claims, kinds=["proof"], partial=True, chosen=[claims[3]]), tmp_path)
    assert "Partial run of proof evidence" in found.words
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)


def test_nothing_half_written(collect, tmp_path, monkeypatch):
    from proofs_check import page as pages

    made = collect(ledger())
    report.write(made, tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    assert set(before) == set(report.FILES)
    monkeypatch.setattr(pages, "render", lambda made: 1 / 0)
    for folder in ("out", "new"):
        with pytest.raises(ZeroDivisionError):
            report.write(made, tmp_path / folder)
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_way_is_one_line(collect, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        report.write(collect(ledger()), tmp_path / "file")


def printed(made, encoding="utf-8", width=100) -> str:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding, write_through=True), width=width)
    report.table(made, console)
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_terminal_table(collect, encoding, width):
    text = printed(collect(ledger()), encoding, width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    assert "\x1b" not in text
    for c in ledger():
        assert sum(line.split()[:1] == [c.id] for line in lines) == 1
    row = {line.split()[0]: line.split() for line in lines if line.split()}
    assert row["L1.i"][-1] == "PN.HM..T"
    assert row["L10.i"][-1] == ".....CF."
    assert row["L1.iv"][-2:] == ["NO", "P!..M..."]
    flowing = " ".join(text.split())
    assert "1 NOT AS EXPECTED" in flowing
    assert "3 proved by certificate or z3" in flowing
    assert "L1.iv: expected verified, computed BROKEN" in flowing


def test_empirical_verdicts_and_reasons(collect):
    made = collect([*ledger(), *measured_ledger()])
    entries = by_id(made)
    assert {i: e.verdict for i, e in entries.items() if e.source == "empirical"} == {
        "E1.i": "supported",
        "E1.ii": "contradicted",
        "E2": "inconclusive",
        "E3": "inconclusive",
        "E4": "BROKEN",
    }
    assert made.counts["empirical"] == {"BROKEN": 1, "contradicted": 1, "inconclusive": 2, "supported": 1}
    assert made.counts["paper"] == collect(ledger()).counts["paper"]
    # t = 0.2·√3/0.01 and P(|T| > t) = 1 − t/√(t² + 2) with two degrees of freedom; a family of two doubles it.
    p = entries["E1.i"].evidence["experiment"][0]["details"]["p_value"]
    assert p == pytest.approx(1 - (1 + 2 / 1200) ** -0.5, rel=1e-9)
    assert entries["E1.i"].p_value == pytest.approx(2 * p)
    assert (
        entries["E1.i"].why == "R², R²: as predicted, and every control misses it; p = 0.0017 by Holm's method over E1"
    )
    assert entries["E1.ii"].why == "R²: the whole interval lies outside"
    assert entries["E2"].why == "R²: the interval does not lie inside as a whole"
    assert entries["E3"].why == "R²: the control “no anchors” also satisfies it"
    assert entries["E4"].why == "Its experiment evidence fails: R²: a number is not finite"
    assert entries["L1.i"].p_value is None
    assert [line.split(":")[0] for line in report.mismatches(made)] == ["L1.iv", "E1.ii", "E2", "E3", "E4"]


def test_what_the_family_or_an_ancestor_takes_away(collect):
    # Alone p = 1 − t/√(t² + 2) with t = 0.2·√3/0.07, which is 0.039.
    control = {"no anchors": [0.39, 0.4, 0.41]}
    wide = [empirical_claim(f"E1.{i}", "supported", spread=0.07, controls=control) for i in ("i", "ii")]
    entries = by_id(collect(wide))
    assert {e.verdict for e in entries.values()} == {"inconclusive"}
    assert entries["E1.i"].why == "Supported alone, but p = 0.077 by Holm's method over E1"
    assert by_id(collect(wide[:1]))["E1.i"].verdict == "supported"
    alone = by_id(collect(wide, partial=True, chosen=wide[:1]))["E1.i"]
    assert (alone.verdict, alone.why) == ("not run", "Not judged: other claims of E1 did not run")
    resting = empirical_claim("E2", "supported")
    object.__setattr__(resting, "requires", ("L1.v",))
    found = by_id(collect([resting, claim("L1.v", Verdict.OPEN)]))["E2"]
    assert (found.verdict, found.why) == ("inconclusive", "Rests on L1.v, which is open")


def test_outcomes_survive_the_cache(collect, tmp_path):
    claims = measured_ledger()
    cold = collect(claims)
    warm = {c.id: {"experiment": runner._read(c.id, "experiment", RUN)} for c in claims[:4]}
    assert all(f.cached for kinds in warm.values() for f in kinds["experiment"]), "what contradicts is stored, too"
    assert runner._read("E4", "experiment", RUN) is None
    warm["E4"] = {"experiment": runner.evaluate("E4", "experiment", RUN)}
    again = report.assemble(claims, warm, RUN)
    assert [(e.id, e.verdict, e.why) for e in again.claims] == [(e.id, e.verdict, e.why) for e in cold.claims]
    for made, folder in ((cold, "cold"), (again, "warm")):
        report.write(made, tmp_path / folder)
    for name in report.FILES:
        assert (tmp_path / "cold" / name).read_bytes() == (tmp_path / "warm" / name).read_bytes()


def test_page_shows_what_was_measured(collect, tmp_path):
    made = collect([*ledger(), *measured_ledger()])
    found, text = page(made, tmp_path)
    words = " ".join(found.words.split())
    assert len(found.ids) == len(set(found.ids))
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert "<C2>" not in text
    section = words[words.index("What training gives") : words.index("The evidence")]
    for piece in (
        "≥ 0.7, a control ≤ 0.5",
        "0.9 [0.875, 0.925]",
        "3 seeds",
        "no anchors: 0.4 [0.375, 0.425]",
        "shuffled pairs: -0.8 [-0.825, -0.775] untrained coders: -0.8",
        "6 of 6",
        "✓ supported",
        "✗ contradicted",
        "≈ inconclusive",
        "the control “no anchors” also satisfies it",
        "a number is not finite",
    ):
        assert piece in section, piece
    for piece in ("0.89, 0.9, 0.91", "because of <C2>", "REC 0.987", "abababababababab", "cdcdcdcdcdcdcdcd", "(2, 2)"):
        assert piece in words, piece
    assert "Empirical claims" not in page(collect(ledger()), tmp_path)[0].words


def test_json_holds_what_was_measured(collect, tmp_path):
    report.write(collect(measured_ledger()), tmp_path)
    data = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    (record,) = data["claims"][2]["evidence"]["experiment"]
    details = record["details"]
    assert record["passed"] is True
    assert (details["outcome"], details["values"]) == ("inconclusive", [0.69, 0.7, 0.71])
    assert (details["seeds"], details["prediction_hash"]) == ([[0, 0], [1, 1], [2, 2]], "ab" * 32)
    assert details["arms"][0]["interval"]["mean"] == pytest.approx(0.7)


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_terminal_shows_what_was_measured(collect, encoding, width):
    text = printed(collect([*ledger(), *measured_ledger()]), encoding, width)
    assert max(map(len, text.splitlines())) <= width
    flowing = " ".join(text.split())
    assert flowing.index("L1.i") < flowing.index("Empirical claims: prediction") < flowing.index("E1.i")
    row = {line.split()[0]: line.split() for line in text.splitlines() if line.split()}
    assert [row[i][-2:] for i in ("E1.i", "E1.ii", "E2")] == [
        ["supported", "yes"],
        ["contradicted", "NO"],
        ["inconclusive", "NO"],
    ]
    for piece in ("[0.875, 0.925]", "6 of 6 runs converged", "shuffled pairs", "1 supported, 1 contradicted"):
        assert piece in flowing
    assert "Empirical" not in printed(collect(ledger()), encoding, width)
    only = printed(collect(measured_ledger()), encoding, width)
    assert "statement" not in only


def test_importing_the_report_is_light():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import proofs_check.report, sys; print({'torch', 'jinja2', 'rich'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(report.__file__).parent.parent,
    )
    assert done.stdout.strip() == "set()"


def test_what_is_measured_comes_last_and_is_neither_the_paper_s_nor_ours():
    measured = [empirical_claim(name, "supported") for name in ("E2", "E1.i")]
    claims = [*measured, claim("F1"), claim("A1"), claim("L1.i")]
    assert [c.id for c in reading_order(claims)] == ["L1.i", "A1", "F1", "E1.i", "E2"]
    assert source(measured[0]) == "empirical"


@given(st.permutations(["P1.i", "AppA", "P2.i", "Eq25", "ECF.biased", "L2.i", "L2.i-corrected", "L10.i", "S31A", "A1"]))
def test_reading_order(shuffled):
    claims = [claim(i, corrects=i.removesuffix("-corrected") if "-" in i else "") for i in shuffled]
    expected = ["P1.i", "P2.i", "AppA", "Eq25", "ECF.biased", "L2.i", "L2.i-corrected", "L10.i", "S31A", "A1"]
    assert [c.id for c in reading_order(claims)] == expected


@pytest.mark.parametrize(("name", "origin"), [("P1.i", "paper"), ("S31C", "paper"), ("DD.i", "ours"), ("A1", "ours")])
def test_source(name, origin):
    assert source(claim(name)) == origin
    assert source(claim(f"{name}-corrected", corrects=name)) == "correction"


def test_verdicts_between_their_markers():
    text = f"# T\n{readme.BEGIN}\nstale row\n{readme.END}\ntail <!-- x -->\n"
    new = readme.updated(text, readme.tables(ledger()))
    assert readme.updated(new, readme.tables(ledger())) == new
    assert new.startswith(f"# T\n{readme.BEGIN}\n")
    assert new.endswith(f"\n{readme.END}\ntail <!-- x -->\n")
    assert "stale row" not in new
    refuted = next(line for line in new.splitlines() if line.startswith("| L10.i "))
    assert "**refuted**" in refuted
    assert "title of L10.i-corrected ⇒ ‖ρ‖ (verified)" in refuted
    assert "| L10.i-corrected |" not in new
    assert new.index("| L10.i ") < new.index("Beyond the paper") < new.index("| B1 ")


def test_a_third_table_where_something_is_measured():
    claims = [*ledger(), *measured_ledger()]
    object.__setattr__(claims[-1], "expect", Verdict.CONTRADICTED)
    text = readme.tables(claims)
    assert text.startswith(readme.tables(ledger()))
    new = text.removeprefix(readme.tables(ledger()))
    assert new.startswith(
        "\n\nEmpirical, against predictions frozen beforehand:\n\n| | prediction | verdict | pilot seen |"
    )
    stated = frozen("E1.i")
    seen = "yes" if "pilot" in stated.why else ""
    assert f"| E1.i | title of E1.i ⇒ ‖ρ‖ (Lemma E1.i) | supported | {seen} | {stated.converged:g} |" in new
    assert "| E4 | title of E4 ⇒ ‖ρ‖ (Lemma E4) | **contradicted** | – | – |" in new


@pytest.mark.parametrize("text", ["", readme.BEGIN, readme.END + readme.BEGIN, readme.BEGIN + readme.END * 2])
def test_a_document_without_its_markers(text):
    with pytest.raises(ValueError, match="put them where the verdicts go"):
        readme.updated(text, "body")


def test_counts_by_source_and_verdict():
    claims = [*ledger(), *measured_ledger()]
    object.__setattr__(claims[-1], "expect", Verdict.CONTRADICTED)
    lines = readme.counts(claims).splitlines()
    assert [line.split(" ", 2)[2].partition(":")[0] for line in lines] == [
        "statements of the paper",
        "statements in place of refuted ones",
        "theorems beyond the paper",
        "predictions about training, frozen beforehand",
    ]
    for line, origin in zip(lines, ("paper", "correction", "ours", "empirical"), strict=True):
        expected = Counter(str(c.expect) for c in claims if source(c) == origin)
        listed = dict(reversed(part.split(" ", 1)) for part in line.partition(": ")[2].split(", "))
        assert {verdict: int(n) for verdict, n in listed.items()} == expected
        assert line.startswith(f"- {expected.total()} ")


def test_main_rewrites_only_what_the_markers_hold(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in readme.DOCUMENTS:
        (tmp_path / name).write_text(f"before\n{readme.BEGIN}{readme.END}\nafter\n", encoding="utf-8")
        (tmp_path / name).chmod(0o644)
    readme.main(str(tmp_path))
    for name, body in readme.DOCUMENTS.items():
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text == f"before\n{readme.BEGIN}\n{body(load())}\n{readme.END}\nafter\n"
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o644
    assert {p.name for p in tmp_path.rglob("*")} == {"README.md", "docs", "verdicts.md"}


@pytest.mark.parametrize("name", readme.DOCUMENTS)
def test_the_documents_verdicts_are_current(name):
    text = (Path(readme.__file__).parent.parent / name).read_text(encoding="utf-8")
    assert readme.updated(text, readme.DOCUMENTS[name](load())) == text, "run python -m proofs_check.readme"
