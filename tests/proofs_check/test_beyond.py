"""The page of theorems beyond the paper: every theorem has its claims, its simulations and its training."""

import re

from proofs_check import page
from proofs_check.beyond import ELSEWHERE, TRAINED, beyond
from proofs_check.evidence import Run
from proofs_check.ledger import Claim, Verdict, load
from proofs_check.report import assemble
from proofs_check.runner import Finding

from .test_synthetic import Tags, finding

# Letters and numbers of the theorems of ours, as the mathematics counts them.
THEOREMS = [
    f"{letter}{n}" for letter, last in (("A", 4), ("B", 6), ("C", 6), ("D", 3), ("F", 3)) for n in range(1, last + 1)
]
# They predict an expectation, which simulation can meet or miss.
EXPECTATIONS = {"C2", "C3", "C4", "C5", "C6", "D1", "D2", "D3", "F1", "F2", "F3"}
ROW = {
    "case": "d = 6 < 7",
    "predicted": -0.25,
    "mean": -0.24,
    "low": -0.3,
    "high": -0.18,
    "draws": 9,
    "inside": True,
    "as_stated": True,
}


def named(claim):
    return claim.id.partition(".")[0]


def test_every_theorem_is_in_the_ledger_and_on_the_page():
    claims = load()
    assert list(TRAINED) == THEOREMS
    assert set(THEOREMS) <= {named(c) for c in claims}
    simulated = {named(c) for c in claims if "simulated" in c.evidence}
    assert simulated >= EXPECTATIONS
    empirical = {c.id for c in claims if c.empirical}
    assert {i for ids in TRAINED.values() for i in ids} <= empirical
    ours = {c.id for c in claims if c.id.startswith("E9.")}
    assert ours == {i for ids in TRAINED.values() for i in ids if i.startswith("E9.")}
    assert all("trained" in next(c for c in claims if c.id == i).evidence for i in ELSEWHERE.values())


def made(*names):
    claims, found = [], {}
    for name in names:
        claims.append(Claim(name, f"title of {name} < 1", "a = b", "says & means", "ours", Verdict.VERIFIED))
        kind = "experiment" if name.startswith("E") else "simulated"
        claims[-1].by(kind)(lambda run: [])
        rows = [ROW, ROW | {"inside": False, "case": "outside"}]
        details = {"statement": "s", "rows": rows, "inside": {}, "outside": {}}
        found[name] = {
            kind: [finding(name, "R²_TR", mean=0.5) if kind == "experiment" else Finding(name, kind, True, "", details)]
        }
    return assemble(claims, found, Run())


def test_a_theorem_gathers_its_parts():
    (first, second) = beyond(made("C2.i", "C2.ii", "E4.i", "F1"))
    assert (first.name, [c.id for c in first.claims]) == ("C2", ["C2.i", "C2.ii"])
    assert [r["case"] for r in first.simulated] == ["d = 6 < 7"] * 2
    assert [f.claim.id for f in first.trained] == ["E4.i"]
    assert (second.name, second.trained, second.asked) == ("F1", [], False)


def test_the_page_shows_predicted_beside_simulated_and_trained():
    text = page.render(made("C2.i", "E4.i", "F1", "C3.i"))
    tags = Tags(text)
    (section,) = re.findall(r"<h3>Predicted, simulated, trained</h3>.*?</table>", text, re.DOTALL)
    words = re.sub(r"<[^>]*>|\s+", " ", section)
    words = re.sub(r" +", " ", words)
    assert "d = 6 &lt; 7: predicted -0.25 , simulated -0.24 [-0.3, -0.18]" in words
    assert "E4.i title of E4.i &lt; 1" in words
    assert "0.5 [0.25, 0.75] ; predicted ≥ -0.5 &amp; more" in words
    assert words.count("nothing of it is trained") == 1
    assert words.count("not part of this run") == 1
    assert "outside" not in words
    assert tags is not None


def test_without_theorems_there_is_no_table():
    assert "Predicted, simulated, trained" not in page.render(made("E4.i"))
