"""Every claim's evidence passes, every computed verdict is the expected one, and no row of the audit is missing."""

import hashlib

import pytest

from proofs_check.ledger import STANDING, Claim, Verdict, judge, load
from proofs_check.predictions import FOLDER
from proofs_check.selection import select

CLAIMS = load()
ROMAN = ("i", "ii", "iii", "iv", "v")
# The rows of both audit tables, and the theorems beyond the paper that this release proves.
FALSE_ROWS = set("AppA Eq25 L1.iii L2.ii L4.i L4.ii L4.iv L4.v L5.iii L6.ii L7.i L7.iii S31B".split())
ROWS = (
    {f"P1.{r}" for r in ROMAN[:2]}
    | {f"P2.{r}" for r in ROMAN[:2]}
    | {f"P3.{r}" for r in ROMAN[:1]}
    | {"AppA", "Eq25", "ECF.i", "ECF.ii", "DD.i", "DD.ii"}
    | {f"L{n}.{r}" for n, rows in ((1, 3), (2, 2), (3, 2), (4, 5), (5, 3), (6, 2), (7, 3)) for r in ROMAN[:rows]}
    | {f"S31{letter}" for letter in "ABCD"}
    | {f"{letter}{n + 1}" for letter, rows in (("A", 4), ("B", 6), ("C", 6), ("D", 3), ("F", 3)) for n in range(rows)}
)


def named(ids, row):
    """Ids that are the row or a part of it: "P2.ii" or "P2.ii.atomic"."""
    return {i for i in ids if i == row or i.startswith(f"{row}.")}


@pytest.fixture(scope="session")
def verdicts(claims_evidence):
    """Function (claims) → verdicts of all, judged by the evidence of these and of what they rest on."""

    def judged(claims: list[Claim]):
        found = {c.id: {kind: claims_evidence(c.id, kind) for kind in c.evidence} for c in claims}
        return judge(CLAIMS, found)

    return judged


@pytest.mark.parametrize(
    ("claim", "kind"), [pytest.param(c, kind, id=f"{c.id}-{kind}") for c in CLAIMS for kind in c.evidence]
)
def test_evidence(claims_evidence, claim, kind):
    findings = claims_evidence(claim.id, kind)
    failed = [f"{f.summary}\n{f.details.get('failure', '')}" for f in findings if not f.passed]
    assert findings
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("claim", [pytest.param(c, id=c.id) for c in CLAIMS])
def test_verdict(verdicts, claim):
    assert verdicts(select(CLAIMS, [claim.id]))[claim.id] == claim.expect


def test_enough_claims_are_proved_by_certificate_or_z3(claims_evidence, verdicts):
    computed = verdicts(CLAIMS)
    proved = {
        c.id
        for c in CLAIMS
        if computed[c.id] in STANDING and "proof" in c.evidence
        for f in claims_evidence(c.id, "proof")
        if f.passed and f.details["engine"] in ("certificate", "z3")
    }
    assert len(proved) >= 15, sorted(proved)


def test_no_claim_is_open_or_broken(verdicts):
    computed = verdicts(CLAIMS)
    assert {computed[c.id] for c in CLAIMS if not c.empirical} <= {*STANDING, Verdict.REFUTED}
    assert not {computed[c.id] for c in CLAIMS if c.empirical} & {Verdict.OPEN, Verdict.BROKEN, Verdict.NOT_RUN}


def test_experiments_were_measured_under_the_frozen_predictions(claims_evidence):
    for c in CLAIMS:
        for f in claims_evidence(c.id, "experiment") if c.empirical else ():
            stated = (FOLDER / f"{c.id}.json").read_bytes()
            assert f.details["prediction_hash"] == hashlib.sha256(stated).hexdigest(), c.id


def test_every_row_of_the_audit_is_a_claim():
    ids = {c.id for c in CLAIMS}
    assert {row for row in ROWS if not named(ids, row)} == set()


def test_what_is_false_as_stated_is_refuted_and_corrected():
    refuted = {c.id for c in CLAIMS if c.expect == Verdict.REFUTED}
    corrected = {c.corrects for c in CLAIMS if c.corrects}
    assert refuted == corrected
    assert {row for row in FALSE_ROWS if not named(refuted, row)} == set()


@pytest.mark.parametrize("lemma", range(1, 8))
def test_every_linear_lemma_is_trained(lemma):
    assert any("trained" in c.evidence for c in CLAIMS if c.id.startswith(f"L{lemma}."))


def test_claims_say_what_they_are():
    for c in CLAIMS:
        for text in (c.title, c.formula, c.statement, c.locator):
            assert text.strip(), c.id
        assert len(c.hypotheses) == len(set(c.hypotheses)), c.id
