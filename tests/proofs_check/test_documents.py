"""Documents for notebooks and figures: what is behind the claims, and predicted beside measured."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from nonlinear.experiments.grids import EXPERIMENTS, tasks
from nonlinear.experiments.store import Store
from proofs_check import documents
from proofs_check.evidence import Counterexample
from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen
from proofs_check.report import Entry


@pytest.mark.parametrize("name", documents.BEHIND)
def test_every_run_is_one_of_the_small_grid_and_every_claim_one_of_the_experiment(name):
    small = [task.name for task in tasks(name, "small")]
    behind = [run for runs in documents.BEHIND[name].values() for run in runs]
    assert len(set(behind)) == len(behind)
    assert set(behind) <= set(small)
    assert {claim.partition(".")[0] for claim in documents.BEHIND[name]} <= set(EXPERIMENTS[name].claims)


def test_the_small_document_reads_the_store_at_the_seeds_of_the_claims(tmp_path, monkeypatch):
    monkeypatch.setattr("proofs_check.trained.experiments.store", lambda: Store(tmp_path))
    task = next(t for t in tasks("cycle", "small") if t.name == "cycle_only")
    seeds = [data for data, _ in frozen("E2.ii").seeds]
    Store(tmp_path).get(task.name, task.settings(seeds), lambda: [{"seed": s, "r2_tr": 1 / 3} for s in seeds])
    monkeypatch.setattr(documents, "BEHIND", {"cycle": {"E2.ii": ("cycle_only",)}})
    found = documents.measured("cycle")
    assert (found["experiment"], found["scale"]) == ("cycle", "small")
    assert found["results"][0]["units"] == [{"seed": s, "r2_tr": 0.333333} for s in seeds]
    assert found["predictions"]["E2.ii"] == frozen("E2.ii").sha256


@pytest.mark.parametrize(("name", "scale", "words"), [("nope", "small", "duality"), ("cycle", "huge", "small or full")])
def test_what_is_unknown_is_named(name, scale, words):
    with pytest.raises(ValueError, match=words):
        documents.measured(name, scale)


def test_an_unknown_family_is_named():
    with pytest.raises(ValueError, match="no claims of E0"):
        documents.judged("E0")


def test_a_line_holds_prediction_and_interval():
    arms = [
        {"role": "control", "name": "REC", "interval": {"mean": 9, "low": 9, "high": 9}},
        {"role": "measured", "name": "R²", "interval": {"mean": 0.51234, "low": 0.4, "high": 0.6}},
    ]
    details = {"name": "R²", "prediction": {"text": "≥ 0.3, a control ≤ 0.1"}, "outcome": "supported", "arms": arms}
    broken = {"name": "R²", "prediction": {"text": ""}, "outcome": "BROKEN", "arms": []}
    claim = entry("E1.i", "Translation", [details, broken])
    assert documents.table([claim]).splitlines() == [
        "E1.i     Translation: supported",
        "         R²: predicted ≥ 0.3, measured 0.512 [0.4, 0.6], supported",
    ]
    missed = details | {"outcome": "inconclusive", "reason": "a control satisfies the prediction"}
    claim = replace(entry("E1.i", "Translation", [missed]), verdict="inconclusive", why="R² is inconclusive")
    assert documents.table([claim]).splitlines() == [
        "E1.i     Translation: inconclusive. R² is inconclusive",
        "         R²: predicted ≥ 0.3, measured 0.512 [0.4, 0.6], inconclusive",
        "           a control satisfies the prediction",
    ]


def test_statements_of_a_lemma_with_their_counterexamples_which_have_to_pass():
    refuted = Claim("L0.i", "a title", "x = y", "", "", Verdict.REFUTED)
    record = Counterexample("x = 1, y = −1", {"x² = y²": True}, {"x = y": False}, margin=2)
    shown = [record]
    refuted.by("counterexample")(lambda run: shown[0])
    module = SimpleNamespace(CLAIM=refuted, OTHER=1)
    assert [line.strip() for line in documents.stated(module).splitlines()] == [
        "L0.i              refuted                 a title",
        "x = y",
        record.summary,
    ]
    shown[0] = replace(record, margin=0)
    with pytest.raises(AssertionError, match=r"L0\.i: x = 1"):
        documents.stated(module)


def entry(name: str, title: str, details: list[dict]) -> Entry:
    fields = dict.fromkeys(Entry.__dataclass_fields__, "")
    records = {"experiment": [{"passed": True, "summary": "", "details": d} for d in details]}
    return Entry(**fields | {"id": name, "title": title, "verdict": "supported", "evidence": records})  # pyright: ignore[reportArgumentType]
