"""The rules by which evidence becomes a verdict; each test fails if its rule is broken."""

import itertools
import sys
import types
from dataclasses import dataclass
from fractions import Fraction
from graphlib import CycleError

import pytest

import proofs_check.claims
from proofs_check.axioms import cite
from proofs_check.evidence import KINDS, Counterexample, Mutant, Mutants, Necessity, Numeric, Run, Step
from proofs_check.ledger import Claim, Verdict, adjusted, judge, load, order
from proofs_check.selection import select

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


@dataclass(frozen=True)
class Measured:
    """All that the judge asks of an experiment, be it a record or what was read from the cache."""

    p_value: float
    outcome: str = ""
    passed: bool = True
    kind: str = "experiment"


def empirical(name, *records, **more):
    """A claim with one experiment for each p-value or record."""
    made = Claim(name, "", "", "", "", Verdict.SUPPORTED, **more)
    made.by("experiment")(lambda run: [r if isinstance(r, Measured) else Measured(r) for r in records])
    return made


class TestEmpirical:
    def test_small_p_values_support(self):
        assert verdicts(empirical("E1", 0.05)) == {"E1": Verdict.SUPPORTED}
        assert verdicts(empirical("E1", 0.051)) == {"E1": Verdict.INCONCLUSIVE}

    def test_every_record_has_to_support(self):
        assert verdicts(empirical("E1", 0.01, 0.04))["E1"] == Verdict.SUPPORTED
        assert verdicts(empirical("E1", 0.01, 0.06, 0.01))["E1"] == Verdict.INCONCLUSIVE

    def test_one_contradiction_contradicts(self):
        records = 0.01, Measured(1.0, "contradicted"), Measured(1.0, "inconclusive")
        assert verdicts(empirical("E1", *records))["E1"] == Verdict.CONTRADICTED

    def test_a_contradiction_is_no_failure_and_a_failure_no_contradiction(self):
        records = Measured(1.0, "contradicted"), Measured(1.0, "BROKEN", passed=False)
        assert verdicts(empirical("E1", *records))["E1"] == Verdict.BROKEN

    def test_p_values_are_adjusted_within_a_family(self):
        family = empirical("E1.i", 0.03), empirical("E1.ii", 0.03)
        assert set(verdicts(*family).values()) == {Verdict.INCONCLUSIVE}
        assert set(verdicts(empirical("E1.i", 0.03), empirical("E2.i", 0.03)).values()) == {Verdict.SUPPORTED}
        assert verdicts(empirical("E1.i", 0.01), empirical("E1.ii", 0.04), empirical("E1.iii", 0.3)) == {
            "E1.i": Verdict.SUPPORTED,
            "E1.ii": Verdict.INCONCLUSIVE,
            "E1.iii": Verdict.INCONCLUSIVE,
        }

    def test_a_claim_counts_once_and_by_its_largest_p_value(self):
        claims = empirical("E1.i", 0.001, 0.02, 0.001), empirical("E1.ii", 0.04)
        assert adjusted(claims, found(*claims)) == pytest.approx({"E1.i": 0.04, "E1.ii": 0.04})

    def test_failures_and_contradictions_stay_in_their_family(self):
        for other in (Measured(0.001, "BROKEN", passed=False), Measured(1.0, "contradicted")):
            assert verdicts(empirical("E1.i", 0.03), empirical("E1.ii", other))["E1.i"] == Verdict.INCONCLUSIVE
            assert verdicts(empirical("E1.i", 0.02), empirical("E1.ii", other))["E1.i"] == Verdict.SUPPORTED

    def test_statements_are_in_no_family(self):
        assert verdicts(empirical("E1.i", 0.03), claim("E1.ii"))["E1.i"] == Verdict.SUPPORTED

    def test_a_family_that_ran_in_part_supports_nothing(self):
        claims = empirical("E1.i", 0.001), empirical("E1.ii", 0.001)
        half = verdicts(*claims, leave_out={("E1.ii", "experiment")})
        assert half == {"E1.i": Verdict.NOT_RUN, "E1.ii": Verdict.NOT_RUN}
        claims = empirical("E1.i", Measured(1.0, "contradicted")), empirical("E1.ii", 0.001)
        assert verdicts(*claims, leave_out={("E1.ii", "experiment")})["E1.i"] == Verdict.CONTRADICTED

    def test_whoever_asks_for_a_claim_gets_its_family(self):
        known = empirical("E1.i", 0.01), empirical("E1.ii", 0.01), empirical("E2", 0.01), claim("E1.iii")
        assert [c.id for c in select(known, ["E1.i"])] == ["E1.i", "E1.ii"]
        assert [c.id for c in select(known, ["E1.iii"])] == ["E1.iii"]

    def test_numeric_evidence_may_stand_beside(self):
        for record, verdict in ((GOOD, Verdict.SUPPORTED), (BAD, Verdict.BROKEN)):
            made = empirical("E1", 0.01)
            made.by("numeric")(lambda run, record=record: record["numeric"])
            assert made.required == ("numeric", "experiment")
            assert verdicts(made)["E1"] == verdict
            assert verdicts(made, leave_out={("E1", "experiment")})["E1"] in (Verdict.NOT_RUN, Verdict.BROKEN)
        assert verdicts(made, leave_out={("E1", "numeric")})["E1"] == Verdict.NOT_RUN

    @pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("experiment", "numeric")])
    def test_nothing_proves_or_refutes_it(self, kind):
        with pytest.raises(ValueError, match=f"E1 is empirical: it has no {kind} evidence"):
            empirical("E1", 0.01).by(kind)(lambda run: None)
        with pytest.raises(ValueError, match=f"A is empirical: it has no {kind} evidence"):
            claim("A", (kind,), records=dict.fromkeys(KINDS)).by("experiment")(lambda run: None)

    @pytest.mark.parametrize(
        ("ancestor", "leave_out", "verdict"),
        [
            (claim("A"), (), Verdict.SUPPORTED),
            (claim("A", records=BAD), (), Verdict.BROKEN),
            (claim("A", TRUE[:2]), (), Verdict.INCONCLUSIVE),
            (claim("A"), {("A", "proof")}, Verdict.NOT_RUN),
            (empirical("A", 0.01), (), Verdict.SUPPORTED),
            (empirical("A", 0.06), (), Verdict.INCONCLUSIVE),
            (empirical("A", Measured(1.0, "contradicted")), (), Verdict.INCONCLUSIVE),
        ],
        ids=["verified", "broken", "open", "not run", "supported", "inconclusive", "contradicted"],
    )
    def test_it_is_supported_only_on_what_stands(self, ancestor, leave_out, verdict):
        assert verdicts(empirical("E1", 0.01, requires=("A",)), ancestor, leave_out=leave_out)["E1"] == verdict

    def test_no_statement_stands_on_an_experiment(self):
        assert verdicts(claim("A", requires=("E1",)), empirical("E1", 0.01))["A"] == Verdict.OPEN
        assert verdicts(claim("A", FALSE), empirical("E1", 0.01, corrects="A"))["A"] == Verdict.OPEN


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
