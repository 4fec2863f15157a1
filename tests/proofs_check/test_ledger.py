"""The rules by which evidence becomes a verdict; each test fails if its rule is broken."""

import itertools
import sys
import types
from fractions import Fraction
from graphlib import CycleError

import pytest

import proofs_check.claims
from proofs_check.axioms import cite
from proofs_check.evidence import KINDS, Counterexample, Mutant, Mutants, Necessity, Numeric, Run, Step
from proofs_check.ledger import Claim, Verdict, judge, load, order

RUN = Run()
GOOD = {
    "proof": Step("z3", "core", True),
    "numeric": Numeric("members", 5, 0.5),
    "mutants": Mutants([Mutant("drop", "", False, 9.0)] * 3),
    "counterexample": Counterexample("x = 1", {"h": True}, {"c": False}, Fraction(1, 2)),
    "family": Numeric("around", 5, 2.0, kind="family"),
}
BAD = {
    "proof": Step("z3", "core", False),
    "numeric": Numeric("members", 5, 2.0, "AssertionError"),
    "mutants": Mutants([Mutant("drop", "", False, 9.0)] * 2),
    "counterexample": Counterexample("x = 1", {"h": True}, {"c": False}, 0.5),
    "family": Numeric("around", 5, 0.5, kind="family"),
}
TRUE, FALSE = ("proof", "numeric", "mutants"), ("counterexample", "family")


def claim(name, kinds=TRUE, expect=Verdict.VERIFIED, records=GOOD, **more):
    made = Claim(name, "", "", "", "", expect, **more)
    for kind in kinds:
        made.by(kind)(lambda run, kind=kind: records[kind])
    return made


def found(*claims, leave_out=()):
    """Records of the claims, except the (claim, kind) pairs left out."""
    kinds = {c.id: [k for k in c.evidence if (c.id, k) not in leave_out] for c in claims}
    return {c.id: {k: c.collect(k, RUN) for k in kinds[c.id]} for c in claims}


def verdicts(*claims, leave_out=()):
    return judge(claims, found(*claims, leave_out=leave_out))


def test_a_true_claim_with_all_its_evidence_is_verified():
    assert verdicts(claim("A")) == {"A": Verdict.VERIFIED}


def test_axioms_are_not_hidden():
    made = claim("A", ("numeric", "mutants"), axioms=("Ky Fan",))
    made.by("proof")(lambda run: [GOOD["proof"], cite("Ky Fan")])
    above = claim("B", requires=("A",))
    assert verdicts(made, above) == {"A": Verdict.MODULO_AXIOMS, "B": Verdict.MODULO_AXIOMS}


@pytest.mark.parametrize("kind", TRUE)
def test_a_failing_record_breaks_the_claim(kind):
    made = claim("A", [k for k in TRUE if k != kind])
    made.by(kind)(lambda run: [GOOD[kind], BAD[kind]])
    assert verdicts(made)["A"] == Verdict.BROKEN
    assert verdicts(made, leave_out={("A", k) for k in TRUE if k != kind})["A"] == Verdict.BROKEN, "also in a subset"


@pytest.mark.parametrize("kind", FALSE)
def test_a_failing_record_breaks_a_refutation(kind):
    made = claim("A", FALSE, records=GOOD | {kind: BAD[kind]})
    assert verdicts(made, claim("A-corrected", corrects="A"))["A"] == Verdict.BROKEN


@pytest.mark.parametrize("kind", TRUE)
def test_a_missing_kind_leaves_the_claim_open(kind):
    assert verdicts(claim("A", [k for k in TRUE if k != kind]))["A"] == Verdict.OPEN


def test_hypotheses_need_necessity():
    made = claim("A", hypotheses=("h",))
    assert verdicts(made)["A"] == Verdict.OPEN
    made.by("necessity")(lambda run: Necessity({"h": GOOD["counterexample"]}))
    assert verdicts(made)["A"] == Verdict.VERIFIED


@pytest.mark.parametrize("kinds", [c for r in (0, 1, 2) for c in itertools.combinations(TRUE, r)])
def test_a_subset_is_not_run(kinds):
    left_out = {("A", k) for k in TRUE if k not in kinds}
    assert verdicts(claim("A"), leave_out=left_out)["A"] == Verdict.NOT_RUN


def test_a_kind_beyond_the_required_ones_has_to_run_too():
    made = claim("A", ("proof", "numeric", "mutants", "family"))
    assert made.required == ("proof", "numeric", "mutants", "family")
    assert verdicts(made, leave_out={("A", "family")})["A"] == Verdict.NOT_RUN


def test_records_that_are_not_there_are_not_run():
    made = claim("A")
    assert judge([made], {"A": found(made)["A"] | {"proof": []}})["A"] == Verdict.NOT_RUN
    assert judge([made], {})["A"] == Verdict.NOT_RUN


def test_refuted_needs_the_correction():
    assert verdicts(claim("A", FALSE))["A"] == Verdict.OPEN
    assert verdicts(claim("A", FALSE), claim("A-corrected", corrects="A"))["A"] == Verdict.REFUTED


@pytest.mark.parametrize(
    ("correction", "verdict"),
    [
        (claim("C", TRUE[:2], corrects="A"), Verdict.OPEN),
        (claim("C", records=BAD, corrects="A"), Verdict.BROKEN),
        (claim("C", FALSE, corrects="A"), Verdict.OPEN),
    ],
    ids=["open", "broken", "itself refuted without a correction"],
)
def test_refuted_needs_the_correction_verified(correction, verdict):
    assert verdicts(claim("A", FALSE), correction)["A"] == verdict


def test_refuted_needs_every_correction():
    a, good, bad = claim("A", FALSE), claim("C", corrects="A"), claim("D", ("proof",), corrects="A")
    assert verdicts(a, good, bad)["A"] == Verdict.OPEN


def test_refuted_needs_the_family():
    made = claim("A", ("counterexample",))
    assert verdicts(made, claim("C", corrects="A"))["A"] == Verdict.OPEN


def test_a_correction_that_did_not_run_decides_nothing():
    a, c = claim("A", FALSE), claim("C", corrects="A")
    assert verdicts(a, c, leave_out={("C", "proof")})["A"] == Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("ancestor", "leave_out", "verdict"),
    [
        (claim("A"), (), Verdict.VERIFIED),
        (claim("A", records=BAD), (), Verdict.BROKEN),
        (claim("A", TRUE[:2]), (), Verdict.OPEN),
        (claim("A"), {("A", "proof")}, Verdict.NOT_RUN),
    ],
    ids=["verified", "broken", "open", "not run"],
)
def test_a_claim_stands_only_on_standing_ancestors(ancestor, leave_out, verdict):
    chain = [claim("C", requires=("B",)), claim("B", requires=("A",)), ancestor]
    assert verdicts(*chain, leave_out=leave_out)["C"] == verdict


def test_a_claim_cannot_stand_on_a_refuted_one():
    a, c, b = claim("A", FALSE), claim("A-corrected", corrects="A"), claim("B", requires=("A",))
    assert verdicts(a, c, b) == {"A": Verdict.REFUTED, "A-corrected": Verdict.VERIFIED, "B": Verdict.OPEN}


def test_a_proof_and_a_counterexample_at_once_are_broken():
    both = claim("A", (*TRUE, *FALSE))
    assert verdicts(both, claim("C", corrects="A"))["A"] == Verdict.BROKEN


def test_the_expected_verdict_decides_nothing():
    for expect in Verdict:
        assert verdicts(claim("A", expect=expect))["A"] == Verdict.VERIFIED
        assert verdicts(claim("A", ("proof",), expect=expect))["A"] == Verdict.OPEN


def test_circles_and_unknown_ids_are_errors():
    with pytest.raises(CycleError):
        order([claim("A", requires=("B",)), claim("B", requires=("A",))])
    with pytest.raises(CycleError):
        order([claim("A", FALSE), claim("C", corrects="A", requires=("A",))])
    with pytest.raises(KeyError, match="Z"):
        order([claim("A", requires=("Z",))])
    with pytest.raises(KeyError, match="Z"):
        order([claim("A", corrects="Z")])


def test_ancestors_and_corrections_come_first():
    names = [c.id for c in order([claim("B", FALSE, requires=("A",)), claim("A"), claim("C", corrects="B")])]
    assert names.index("B") == 2


class TestCollect:
    def test_a_kind_is_named_once_and_known(self):
        made = claim("A")
        with pytest.raises(ValueError, match="'hope' is no kind of evidence; use one of proof, numeric"):
            made.by("hope")
        with pytest.raises(ValueError, match="A has proof evidence already"):
            made.by("proof")(lambda run: GOOD["proof"])

    @pytest.mark.parametrize("wrong", [[], [GOOD["proof"], GOOD["numeric"]], GOOD["family"]])
    def test_evidence_is_of_its_kind_and_not_empty(self, wrong):
        made = claim("A", ())
        made.by("proof")(lambda run: wrong)
        with pytest.raises(TypeError, match="A: proof evidence returned"):
            made.collect("proof", RUN)

    def test_none_is_no_evidence(self):
        made = claim("A", ())
        made.by("numeric")(lambda run: None)
        with pytest.raises((TypeError, AttributeError)):
            made.collect("numeric", RUN)

    @pytest.mark.parametrize(
        "record",
        [
            Necessity({"h": GOOD["counterexample"]}),
            Necessity({"h": GOOD["counterexample"], "g": GOOD["counterexample"], "f": GOOD["counterexample"]}),
            Necessity({"h": GOOD["counterexample"]}, {"f": "structural"}),
        ],
        ids=["one missing", "one too many", "another one"],
    )
    def test_necessity_covers_exactly_the_hypotheses(self, record):
        made = claim("A", (), hypotheses=("h", "g"))
        made.by("necessity")(lambda run: record)
        with pytest.raises(ValueError, match="A: necessity covers"):
            made.collect("necessity", RUN)

    def test_structural_hypotheses_count_as_covered(self):
        made = claim("A", (), hypotheses=("h", "g"))
        made.by("necessity")(lambda run: [Necessity({"h": GOOD["counterexample"]}), Necessity({}, {"g": "why"})])
        assert len(made.collect("necessity", RUN)) == 2

    def test_an_axiom_alone_proves_nothing(self):
        made = claim("A", (), axioms=("Ky Fan",))
        made.by("proof")(lambda run: cite("Ky Fan"))
        with pytest.raises(ValueError, match="an axiom alone proves nothing"):
            made.collect("proof", RUN)

    @pytest.mark.parametrize(
        ("declared", "used"), [((), ("Ky Fan",)), (("Ky Fan",), ()), (("Eckart–Young",), ("Ky Fan",))]
    )
    def test_the_axioms_used_are_the_axioms_declared(self, declared, used):
        made = claim("A", (), axioms=declared)
        made.by("proof")(lambda run: [GOOD["proof"], *map(cite, used)])
        with pytest.raises(ValueError, match="A: the proof uses axioms"):
            made.collect("proof", RUN)

    def test_unknown_axioms_cannot_be_cited(self):
        with pytest.raises(KeyError):
            cite("folklore")


class TestLoad:
    def test_ids_are_unique_and_every_reference_exists(self):
        claims = load()
        ids = [c.id for c in claims]
        assert len(ids) == len(set(ids))
        assert order(claims)
        for c in claims:
            assert set(c.evidence) <= set(KINDS)
            assert c.corrects == "" or c.id != c.corrects

    def test_two_claims_of_one_name_are_an_error(self, monkeypatch):
        module = types.ModuleType("proofs_check.claims.twice")
        module.a, module.b = claim("X"), claim("X", FALSE)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        info = types.SimpleNamespace(name="twice")
        monkeypatch.setattr("pkgutil.iter_modules", lambda path: [info] if path == proofs_check.claims.__path__ else [])
        with pytest.raises(ValueError, match="two claims are called X"):
            load()
        module.b = module.a  # one claim under two names, as an import makes it
        assert load() == [module.a]
