"""What each kind of evidence has to show before it passes."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import strategies as st

from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity, Numeric, Run, Step
from proofs_check.reached import Trained

RUN = Run(seed=1, examples=20)
NUMBERS = st.integers(1, 9)


class TestStep:
    def test_passes_as_the_engine_says(self):
        assert Step("z3", "1 = 1", True).passed
        assert not Step("z3", "1 = 2", False).passed

    @pytest.mark.parametrize("answer", [1, "unsat", sympy.Symbol("x"), sympy.Eq(sympy.Symbol("x"), 1), None])
    def test_an_expression_is_no_answer(self, answer):
        assert not Step("sympy", "x = 1", answer).passed

    def test_engines_are_known(self):
        with pytest.raises(ValueError, match="no engine is called 'intuition'; use one of certificate, z3, sympy"):
            Step("intuition", "it is clear", True)


class TestNumeric:
    def test_members_within_tolerance(self):
        record = RUN.holds("n ≤ 10", NUMBERS, lambda n: [(n, 10.0)])
        assert record.passed
        assert record.examples > 1
        assert record.worst <= 0.9

    def test_the_worst_member_is_reported(self):
        assert RUN.holds("n ≤ 10", st.just(7), lambda n: [(1.0, 10.0), (n, 10.0), (2.0, 10.0)]).worst == 0.7
        assert RUN.violates("n ≥ 5", st.just(7), lambda n: [(20.0, 5.0), (n, 5.0)]).worst == 1.4

    @pytest.mark.parametrize(
        ("check", "message"),
        [
            (lambda n: [(n, 5.0)], "ratio"),
            (lambda n: [(0.0, 1.0), (n, 5.0)], "ratio"),
            (lambda n: [], "compares nothing"),
            (lambda n: [(float("nan"), 1.0)], "value nan"),
            (lambda n: [(0.0, float("inf"))], "bound inf"),
            (lambda n: [(0.0, 0.0)], "bound 0.0"),
            (lambda n: [(0.0, -1.0)], "bound -1.0"),
            (lambda n: [(0.0, float("nan"))], "bound nan"),
            (lambda n: 1 / 0, "ZeroDivisionError"),
        ],
        ids=["above", "one above", "nothing", "nan", "infinite bound", "no bound", "negative", "nan bound", "raises"],
    )
    def test_a_member_that_fails_fails_the_record(self, check, message):
        record = RUN.holds("statement", NUMBERS, check)
        assert not record.passed
        assert message in record.failure

    def test_a_strategy_without_members_fails(self):
        record = RUN.holds("statement", NUMBERS.filter(lambda n: n > 9), lambda n: [(0.0, 1.0)])
        assert not record.passed
        assert record.examples == 0

    def test_a_family_violates_on_every_member(self):
        assert RUN.violates("n ≥ 1", NUMBERS, lambda n: [(n, 1.0)]).passed
        assert not RUN.violates("n ≥ 2", NUMBERS, lambda n: [(n, 2.0)]).passed

    @pytest.mark.parametrize(
        ("worst", "kind", "passed"),
        [
            (1.0, "numeric", True),
            (1.1, "numeric", False),
            (math.nan, "numeric", False),
            (1.0, "family", True),
            (0.9, "family", False),
            (math.nan, "family", False),
        ],
    )
    def test_the_ratio_itself_decides(self, worst, kind, passed):
        assert Numeric("by hand", 5, worst, kind=kind).passed is passed

    def test_no_examples_or_a_failure_never_pass(self):
        assert not Numeric("by hand", 0, 0.5).passed
        assert not Numeric("by hand", 5, 0.5, failure="one").passed

    def test_members_belong_to_the_seed(self):
        def drawn(seed):
            members = []
            Run(seed, 10).holds("", st.integers(0, 10**9), lambda n: members.append(n) or [(0.0, 1.0)])
            return members

        assert drawn(0) == drawn(0) != drawn(1)


def counterexample(margin=Fraction(1, 3), hypotheses=True, conclusion=False):
    return Counterexample("x = 1", {"h": hypotheses}, {"c": conclusion}, margin)


class TestCounterexample:
    @pytest.mark.parametrize("margin", [1, Fraction(1, 10**9), sympy.Rational(1, 7)])
    def test_exact_margins_pass(self, margin):
        assert counterexample(margin).passed

    @pytest.mark.parametrize("margin", [0.5, np.float64(0.5), sympy.Float(0.5), sympy.sqrt(2), True])
    def test_inexact_margins_are_rejected(self, margin):
        assert not counterexample(margin).passed

    @pytest.mark.parametrize("margin", [0, -1, Fraction(-1, 2)])
    def test_a_margin_is_positive(self, margin):
        assert not counterexample(margin).passed

    def test_hypotheses_hold_and_a_conclusion_fails(self):
        assert not counterexample(hypotheses=False).passed
        assert not counterexample(conclusion=True).passed
        assert not Counterexample("x = 1", {"h": True}, {}, 1).passed
        assert Counterexample("x = 1", {}, {"c": True, "d": False}, 1).passed

    @pytest.mark.parametrize("value", [1, "yes", sympy.Symbol("x")])
    def test_truth_values_are_computed(self, value):
        assert not counterexample(hypotheses=value).passed


class TestNecessity:
    def test_every_countermodel_passes(self):
        assert Necessity({"h": counterexample(), "g": Step("z3", "finite", True)}).passed
        assert not Necessity({"h": counterexample(), "g": counterexample(0.5)}).passed
        assert not Necessity({"g": Step("z3", "finite", False)}).passed

    def test_a_cited_fact_is_no_countermodel(self):
        assert not Necessity({"g": cite("Ky Fan")}).passed


KILLED = Mutant("flip", "−", proved=False, violation=10.0)
EQUIVALENT = Mutant("swap", "=", proved=True, violation=0.1)
UNDECIDED = Mutant("drop", "?", proved=False, violation=0.9)
IMPOSSIBLE = Mutant("drop", "!", proved=True, violation=5.0)


class TestMutants:
    def test_three_killed(self):
        assert Mutants([KILLED] * 3).passed
        assert Mutants([KILLED] * 3 + [EQUIVALENT]).passed
        assert not Mutants([KILLED] * 2 + [EQUIVALENT]).passed
        assert not Mutants([]).passed

    @pytest.mark.parametrize("other", [UNDECIDED, IMPOSSIBLE, Mutant("drop", "nan", False, math.nan)])
    def test_none_left_undecided(self, other):
        assert not Mutants([KILLED] * 3 + [other]).passed

    def test_a_mutant_that_is_only_unproved_or_only_violated_is_alive(self):
        assert KILLED.killed
        assert not KILLED.equivalent
        assert EQUIVALENT.equivalent
        assert not EQUIVALENT.killed
        for mutant in (UNDECIDED, IMPOSSIBLE):
            assert not mutant.killed
            assert not mutant.equivalent


def trained(reached, **more):
    return Trained("demo", 1.0, reached, 0.1, **more)


class TestTrained:
    def test_the_best_start_reaches_the_optimum(self):
        record = trained([1.05] + [2.0] * 9)
        assert record.passed
        assert record.share == 0.1

    @pytest.mark.parametrize(
        "reached",
        [[1.2] * 10, [1.0] * 9 + [0.8], [1.0] * 9, [1.0] * 9 + [math.nan], [1.0] * 9 + [math.inf]],
        ids=["not reached", "below", "nine starts", "nan", "inf"],
    )
    def test_what_does_not_pass(self, reached):
        assert not trained(reached).passed

    def test_an_infimum_is_not_undercut(self):
        assert trained([1.05] * 10, attained=False).passed
        assert not trained([0.95] * 10, attained=False).passed
        assert trained([0.95] * 10).passed

    def test_the_control_misses(self):
        assert trained([1.0] * 10, control=1.5).passed
        assert not trained([1.0] * 10, control=1.05).passed
        assert not trained([1.0] * 10, control=math.nan).passed
