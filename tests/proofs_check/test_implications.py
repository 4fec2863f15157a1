"""The implication matrix: what is proved, by whom; what is refuted, by which model; what is blank."""

import pytest

from proofs_check import models
from proofs_check.implications import matrix
from proofs_check.ledger import STANDING, Claim, Verdict, load
from theory.properties import all_properties

NAMES = [p.name for p in all_properties()]


def claim(name, *implies):
    return Claim(name, "", "", "", "", Verdict.VERIFIED, implies=implies)


def cells(claims, verdicts=None, given=()):
    verdicts = {c.id: Verdict.VERIFIED for c in claims} if verdicts is None else verdicts
    return {(c.premise, c.conclusion): c for c in matrix(claims, verdicts, given)}


def test_every_ordered_pair_has_one_cell():
    found = matrix([], {})
    assert sorted((c.premise, c.conclusion) for c in found) == sorted((p, q) for p in NAMES for q in NAMES if p != q)
    assert {c.status for c in found} == {"refuted", "blank"}


def test_a_refuted_cell_names_a_model_that_refutes_it():
    by_name = {m.name: m for m in models.pool()}
    properties = {p.name: p for p in all_properties()}
    for cell in (c for c in matrix([], {}, ["REC"]) if c.status == "refuted"):
        model = by_name[cell.witness]
        assert model.holds(properties["REC"])
        assert model.holds(properties[cell.premise])
        assert not model.holds(properties[cell.conclusion])


def test_a_proved_cell_names_its_claim():
    cell = cells([claim("P2", (("TR",), "dTR"))])["TR", "dTR"]
    assert (cell.status, cell.witness) == ("proved", "P2")


def test_proofs_chain():
    found = cells([claim("A", (("TR",), "CYC")), claim("B", (("CYC",), "dCYC"))])
    assert found["TR", "dCYC"].status == "proved"
    assert found["TR", "dCYC"].witness == "B"


def test_premises_join_with_what_is_given():
    rules = [claim("A", (("CC", "REC"), "TR"))]
    assert cells(rules)["CC", "TR"].status == "refuted"
    assert cells(rules, given=["REC"])["CC", "TR"].status == "proved"
    assert ("CC", "REC") not in cells(rules, given=["REC"])


@pytest.mark.parametrize("verdict", [v for v in Verdict if v not in STANDING])
def test_only_claims_that_stand_prove(verdict):
    rules = [claim("A", (("TR",), "dTR"))]
    assert cells(rules, {"A": verdict})["TR", "dTR"].status == "blank"
    assert cells(rules, {})["TR", "dTR"].status == "blank"


@pytest.mark.parametrize("verdict", STANDING)
def test_claims_modulo_axioms_prove_too(verdict):
    assert cells([claim("A", (("TR",), "dTR"))], {"A": verdict})["TR", "dTR"].status == "proved"


def test_proved_and_refuted_at_once_is_an_error():
    with pytest.raises(AssertionError, match="TR ⇒ CC: proved by A, refuted by split features"):
        matrix([claim("A", (("TR",), "CC"))], {"A": Verdict.VERIFIED})


@pytest.mark.parametrize("given", [(), ("REC",), ("REC", "CYC")], ids=" ∧ ".join)
def test_no_implication_that_a_claim_states_is_refuted_by_the_pool(given):
    claims = load()
    found = cells(claims, {c.id: Verdict.VERIFIED for c in claims}, given)
    stated = {(p[0], q) for c in claims for p, q in c.implies if set(p[1:]) <= set(given) and q not in given}
    assert all(found[pair].status == "proved" for pair in stated if pair[0] not in given)
