"""z3 as a prover of first-order statements: sound on contradictions, on finite models, on the clock."""

import itertools

import pytest
import z3

from proofs_check import logic, models
from proofs_check.claims.p2_atomic import _Atoms
from proofs_check.logic import LogicView, countermodel, finite_sort, instance, prove, proves
from theory.properties import CC, REC, TR, Distribution, Instance, Property, all_properties

INSTANCE = [p for p in all_properties() if p.level.prefix == ""]


def formulas(view=None):
    """Each instance-level property over both streams, as one formula."""
    view = view or LogicView(("x", "y"))
    return {p.name: z3.And(*p.formula(view).values()) for p in INSTANCE}


def test_modus_ponens_and_not_its_converse():
    p, q = z3.Bools("p q")
    assert prove("p, p → q ⊢ q", [p, z3.Implies(p, q)], q).passed
    assert not prove("q, p → q ⊢ p", [q, z3.Implies(p, q)], p).passed


@pytest.mark.parametrize(
    "hypotheses",
    [
        lambda p, f: [p, z3.Not(p)],
        lambda p, f: [z3.BoolVal(False)],
        lambda p, f: [z3.ForAll([z3.Int("n")], f(z3.Int("n")) > z3.Int("n")), f(0) == 0],
        lambda p, f: [f(0) == 0, f(0) == 1],
    ],
)
def test_contradictory_hypotheses_prove_nothing(hypotheses):
    p, f = z3.Bool("p"), z3.Function("f", z3.IntSort(), z3.IntSort())
    given = hypotheses(p, f)
    for goal in (p, z3.Not(p), z3.BoolVal(True), z3.BoolVal(False)):
        assert not prove("anything", given, goal).passed
        assert not proves(given, goal)


def test_a_hypothesis_that_is_not_consumed_is_refused():
    a, b, c = z3.Ints("a b c")
    chain = [a < b, b < c]
    assert prove("transitivity", chain, a < c).passed
    for extra in (c > 0, a < c, a <= b, z3.BoolVal(True)):
        step = prove("transitivity", [*chain, extra], a < c)
        assert not step.passed
        assert f"idle: {extra}" in step.text
        assert proves([*chain, extra], a < c), "a mutant stays proved"
    assert logic.idle_hypotheses([a < b, a < b, b < c], a < c) == [a < b, a < b]


def test_an_identity_says_that_it_has_no_hypotheses():
    a, b = (logic.constant(name, z3.RealSort()) for name in "ab")
    step = prove("the square of a sum", [], (a + b) ** 2 == a * a + 2 * a * b + b * b)
    assert step.passed
    assert step.text.startswith("identity, without hypotheses")


def test_a_countermodel_is_of_the_hypotheses():
    n = z3.Int("n")
    found = countermodel("n > 0 ⇏ n > 1", [n > 0], n > 1)
    assert found.passed
    assert found.text == "[n = 1]"
    assert not countermodel("n > 1 ⇒ n > 0", [n > 1], n > 0).passed
    assert not countermodel("contradictory", [n > 0, n < 0], n > 1).passed


def test_an_unfinished_search_proves_nothing(monkeypatch):
    a, b, c, n = z3.Ints("a b c n")
    fermat = z3.ForAll([a, b, c], z3.Implies(z3.And(a > 0, b > 0, c > 0), a * a * a + b * b * b != c * c * c))
    monkeypatch.setattr(logic, "RESOURCES", 20_000)
    assert not prove("Fermat for cubes", [n > 0], fermat).passed
    assert not proves([n > 0], fermat)
    assert not countermodel("Fermat for cubes", [n > 0], fermat).passed


def test_the_statement_and_the_answer_are_recorded():
    p = z3.Bool("p")
    step = prove("p ⊢ p", [p], p)
    assert (step.engine, step.statement) == ("z3", "p ⊢ p")
    assert step.text.splitlines() == ["p", "¬(p)", "→ unsat"]


@pytest.mark.parametrize("size", [0, 1, 2])
def test_what_z3_proves_no_exact_model_refutes(size):
    read, proved = formulas(), 0
    for premises in itertools.combinations(read, size):
        for conclusion in read:
            if proves([read[p] for p in premises], read[conclusion]):
                assert models.refute(premises, conclusion) is None, (premises, conclusion)
                proved += conclusion not in premises
    assert proved >= {0: 0, 1: 1, 2: 3}[size]  # TR ⇒ CYC; with REC or CYC beside it; CC ∧ REC ⇒ TR


def test_the_streams_of_the_view_are_arbitrary():
    """Nothing is proved about coders or streams without hypotheses, and every property can fail and hold."""
    read = formulas()
    for name, formula in read.items():
        assert not proves([], formula), name
        assert not proves([], z3.Not(formula)), name


def test_injectivity_is_joint():
    view = LogicView(("i", "j"))
    a, b = view.code("i"), view.code("j")
    joint, apart = view.injective("j", a, b), [view.injective("j", a), view.injective("j", b)]
    assert proves([joint], z3.And(*apart))
    assert not proves(apart, joint)


def test_equal_laws_are_weaker_than_equal_sides():
    view = LogicView(("i", "j"))
    points, laws = (Property(TR, level).formula(view)["i", "j"] for level in (Instance(), Distribution()))
    assert proves([points], laws)
    assert not proves([laws], points)


def test_equal_laws_at_one_event_are_an_instance():
    view = LogicView(("i", "j"))
    a, b = CC.sides(view, "i", "j")
    laws = Property(CC, Distribution()).formula(view)["i", "j"]
    event = view.event(a, "C")
    assert z3.simplify(instance(laws, event)).eq(z3.simplify(view.law_at(a, b, event)))


def test_the_instances_of_a_measure_are_consistent():
    """They prove finite additivity, and not everything."""
    view = LogicView(("i", "j"))
    p, q, n = (z3.Select(z3.Const(s, z3.ArraySort(view.point_sort, z3.BoolSort())), view.omega) for s in "pqn")
    rules = [view.split(p, q), view.splits(p, q, n)]
    assert not proves(rules, z3.BoolVal(False))
    assert proves(rules, view.measure(p) == view.measure(z3.And(p, q)) + view.measure(z3.And(p, z3.Not(q))))
    assert not proves(rules, view.measure(p) == view.measure(q))


@pytest.mark.parametrize(
    ("formula", "terms"), [(z3.Bool("p"), 1), (z3.Exists([z3.Int("n")], z3.Int("n") > 0), 1)], ids=["free", "exists"]
)
def test_only_universal_formulas_have_instances(formula, terms):
    with pytest.raises((ValueError, AttributeError)):
        instance(formula, *[z3.IntVal(0)] * terms)


def test_an_instance_needs_a_term_per_variable():
    a, b = z3.Ints("a b")
    with pytest.raises(ValueError, match="not a ∀ over 1 variables"):
        instance(z3.ForAll([a, b], a < b), a)
    assert str(instance(z3.ForAll([a, b], a < b), z3.IntVal(1), z3.IntVal(2))) == "1 < 2"


def test_finite_sorts_have_exactly_their_elements():
    sort = finite_sort("Three", 3)
    a, b, c, d = (z3.Const(s, sort) for s in "abcd")
    three = countermodel("three different elements", [], z3.Not(z3.Distinct(a, b, c)))
    assert three.passed
    assert prove("no four", [], z3.Not(z3.Distinct(a, b, c, d))).passed


def test_reconstruction_is_read_from_the_one_definition():
    view = LogicView(("i", "j"))
    formula = Property(REC, Instance()).formula(view)["i", "i"]
    expected = z3.ForAll([view.omega], view.g["i"](view.f["i"](view.r["i"](view.omega))) == view.r["i"](view.omega))
    assert formula.eq(expected)


def test_an_answer_that_another_seed_contradicts_proves_and_refutes_nothing(monkeypatch):
    a = z3.Int("a")
    solver = z3.Solver()
    assert solver.check() == z3.sat
    monkeypatch.setattr(logic, "_answers", lambda assertions, resources: {"unsat": solver, "sat": solver})
    assert not prove("anything", [a > 0], a > 0).passed
    assert not countermodel("anything", [a > 0], a < 0).passed
    assert not logic.proves([a > 0], a > 0)


def test_answers_do_not_depend_on_what_was_asked_before():
    def asked():
        f = _Atoms()
        return [str(prove("p", [*f.heaviest().values()], f.S[f.p] == f.p).text).splitlines()[-1] for _ in range(2)]

    first = asked()
    for n in range(50):
        logic.proves([z3.Int(f"n{n}") > n], z3.Int(f"n{n}") > n - 1)
    assert asked() == first == ["→ unsat"] * 2
