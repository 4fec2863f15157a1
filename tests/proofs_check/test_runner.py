"""Collection of evidence: what is cached, what never is, and what the workers return."""

import functools
import json
import shutil
from fractions import Fraction

import numpy as np
import pytest

from proofs_check import runner
from proofs_check.evidence import Mutant, Mutants, Numeric, Run, Step
from proofs_check.ledger import Claim, Verdict, judge, load

RUN = Run(seed=0, examples=5)
FINGERPRINT = runner.fingerprint.__wrapped__


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONCEPT_ALIGNMENT_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def demo(monkeypatch):
    """A claim whose evidence counts how often it runs, and returns what the test puts there."""
    made = Claim("Demo", "", "", "", "", Verdict.OPEN)
    made.by("proof")(lambda run: demo_calls.append(run) or answer["proof"])
    monkeypatch.setattr(runner, "_claims", lambda: {"Demo": made})
    monkeypatch.setattr(runner, "fingerprint", functools.cache(lambda: "0123456789abcdef" * 4))  # whoever edits now
    demo_calls, answer = [], {"proof": Step("z3", "core", True)}
    made.evidence["calls"], made.evidence["answer"] = demo_calls, answer
    return made


def collect(claim, run=RUN, **more):
    """As the pool does, for the one kind that the demo has, in this process."""
    read = None if more.get("fresh") else runner._read(claim.id, "proof", run)
    return runner.evaluate(claim.id, "proof", run) if read is None else read


def test_a_second_run_reads_the_first(demo):
    first, second = collect(demo), collect(demo)
    assert len(demo.evidence["calls"]) == 1
    assert not first[0].cached
    assert second[0].cached
    assert second[0].details == first[0].details


@pytest.mark.parametrize("other", [Run(seed=1, examples=5), Run(seed=0, examples=6)])
def test_another_seed_or_effort_runs_again(demo, other):
    collect(demo)
    assert not collect(demo, other)[0].cached
    assert demo.evidence["calls"] == [RUN, other]


def test_fresh_ignores_the_cache(demo):
    collect(demo)
    assert not collect(demo, fresh=True)[0].cached


@pytest.mark.parametrize("answer", [Step("z3", "core", False), [Step("z3", "core", True), Step("z3", "core", False)]])
def test_what_failed_is_never_cached(demo, cache, answer):
    demo.evidence["answer"]["proof"] = answer
    assert not all(f.passed for f in collect(demo))
    assert not list(cache.rglob("*.json"))
    demo.evidence["answer"]["proof"] = Step("z3", "core", True)
    assert collect(demo)[0].passed


def test_evidence_that_raises_fails_and_is_shown(demo, cache):
    demo.evidence["proof"] = lambda run: 1 / 0
    (finding,) = collect(demo)
    assert not finding.passed
    assert finding.summary == "ZeroDivisionError: division by zero"
    assert judge([demo], {"Demo": {"proof": [finding]}})["Demo"] == Verdict.BROKEN
    assert not list(cache.rglob("*.json"))


@pytest.mark.parametrize("text", ["", "{", "[]", "[{}]", '{"claim": 1}', "null", "[1]"])
def test_a_damaged_cache_is_no_evidence(demo, cache, text):
    collect(demo)
    (stored,) = cache.rglob("*.json")
    stored.write_text(text)
    (finding,) = collect(demo)
    assert not finding.cached
    assert finding.passed


def test_a_failure_in_the_cache_is_not_read(demo, cache):
    collect(demo)
    (stored,) = cache.rglob("*.json")
    stored.write_text(stored.read_text().replace('"passed": true', '"passed": false'))
    assert not collect(demo)[0].cached


def test_the_cache_lies_under_the_fingerprint(demo, cache):
    collect(demo)
    (stored,) = [p for p in cache.rglob("*") if p.is_file()]
    assert stored.parent.name == runner.fingerprint()[:16]
    assert json.loads(stored.read_text())[0]["passed"] is True


def test_an_unwritable_cache_only_costs_time(demo, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONCEPT_ALIGNMENT_CACHE", str(tmp_path / "file"))
    assert collect(demo)[0].passed
    assert not collect(demo)[0].cached


@pytest.fixture
def tree(tmp_path, monkeypatch):
    root = tmp_path / "tree"
    for name in runner.PACKAGES:
        (root / name).mkdir(parents=True)
        (root / name / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(runner, "__file__", str(root / "proofs_check" / "runner.py"))
    return root


@pytest.mark.parametrize("package", runner.PACKAGES)
def test_any_change_of_any_source_changes_the_fingerprint(tree, package):
    fingerprint = FINGERPRINT
    before = fingerprint()
    assert fingerprint() == before
    (tree / package / "a.py").write_text("x = 2\n")
    changed = fingerprint()
    (tree / package / "a.py").write_text("x = 1\n")
    assert fingerprint() == before != changed
    shutil.move(tree / package / "a.py", tree / package / "b.py")
    assert fingerprint() != before


def test_certificates_and_library_versions_change_the_fingerprint(tree, monkeypatch):
    fingerprint = FINGERPRINT
    before = fingerprint()
    (tree / "proofs_check" / "certificate.json").write_text("{}")
    with_certificate = fingerprint()
    monkeypatch.setattr(runner, "versions", lambda: {"numpy": "0"})
    assert len({before, with_certificate, fingerprint()}) == 3


def test_what_ran_before_an_edit_is_not_stored_as_evidence_of_the_edited_sources(tree, demo, cache, monkeypatch):
    monkeypatch.setattr(runner, "fingerprint", functools.cache(FINGERPRINT))
    assert collect(demo)[0].passed
    (stored,) = cache.rglob("*.json")
    (tree / "theory" / "a.py").write_text("x = 2\n")
    assert collect(demo, fresh=True)[0].passed
    assert collect(demo, Run(seed=7))[0].passed
    assert list(cache.rglob("*.json")) == [stored]


def test_versions_name_the_trusted_base():
    assert set(runner.versions()) == set(runner.TRUSTED) >= {"hypothesis", "sympy", "z3-solver"}


def test_findings_are_plain_data():
    record = Mutants([Mutant("drop", "a", False, np.float64(3.5)), Mutant("flip", "b", True, float("inf"))])
    plain = runner._plain(record)
    assert plain["mutants"][0] == {
        "name": "drop",
        "text": "a",
        "proved": False,
        "violation": 3.5,
        "killed": True,
        "equivalent": False,
    }
    assert plain["mutants"][1]["violation"] == "inf"
    assert plain["passed"] is False
    assert runner._plain(Fraction(88, 45)) == "88/45"
    assert runner._plain({1: (np.int64(2), np.bool_(True), None)}) == {"1": [2, True, None]}
    assert runner._plain(Numeric("s", 1, float("nan")))["worst"] == "nan"
    json.dumps(plain, allow_nan=False)


def test_workers_return_what_this_process_finds(cache):
    claims = [c for c in load() if c.id in ("P1.i", "P1.ii")]
    seen = []
    found = runner.collect(claims, ["proof"], RUN, workers=2, on_progress=lambda *task: seen.append(task))
    assert sorted(seen) == [("P1.i", "proof"), ("P1.ii", "proof")]
    for c in claims:
        for finding, record in zip(found[c.id]["proof"], c.collect("proof", RUN), strict=True):
            assert (finding.passed, finding.summary) == (True, record.summary)
            assert finding.details == runner._plain(record)
            assert not finding.cached
    if runner.fingerprint() == runner.fingerprint.__wrapped__():  # nobody edits the sources while this runs
        again = runner.collect(claims, ["proof"], RUN)
        assert all(f.cached for kinds in again.values() for found in kinds.values() for f in found)


def test_the_commit_is_that_of_the_checkout():
    commit = runner.commit()
    assert commit == "" or len(commit.removesuffix("+changes")) == 40
