"""The untrusted search: it finds planted proofs, finds none of false claims, and its mutants are false."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from sympy import LeviCivita, Matrix, Rational

from proofs_check.algebra import Letter, letter, one, scalar, trace
from proofs_check.elimination import combination
from proofs_check.measure import residual
from proofs_check.mutants import drop_hypotheses, judge_mutants, mutants
from proofs_check.notation import load
from proofs_check.problem import Problem, bound
from proofs_check.problems import CASES
from proofs_check.problems.setting import Draw, zero
from proofs_check.search import Budget, certify, search

SEED = st.integers(0, 2**32 - 1)
W, S, D = letter("W", "x", "k"), letter("S", "x", "x", symmetric=True), letter("D", "k", "x")
A, B, Q = (letter(name, "k", "k") for name in "ABQ")


@settings(deadline=None)
@given(seed=SEED, rows=st.integers(1, 6), columns=st.integers(1, 6), inside=st.booleans())
def test_combinations_are_exact_and_exist_exactly_when_the_rank_says_so(seed, rows, columns, inside):
    rng = np.random.default_rng(seed)
    M = rng.integers(-2, 3, size=(rows, columns))
    goal = M @ rng.integers(-3, 4, size=columns) if inside else rng.integers(-3, 4, size=rows)
    vectors = {j: {i: Fraction(int(M[i, j]), 3) for i in range(rows) if M[i, j]} for j in range(columns)}
    found = combination({i: int(g) for i, g in enumerate(goal) if g}, vectors)
    exists = Matrix(M.tolist()).rank() == Matrix(np.column_stack([M, goal]).tolist()).rank()
    event(f"in the span: {exists}")
    assert (found is not None) == exists
    if found is not None:
        total = [
            sum(Rational(c.numerator, 3 * c.denominator) * int(M[i, j]) for j, c in found.items()) for i in range(rows)
        ]
        assert total == goal.tolist()


PLANTS = {"isometry": W.T * S * W - 1, "square": A * B - 1, "root": D * W - A, "kernel": S * W * B}


@settings(deadline=None, max_examples=60)
@given(data=st.data(), traced=st.booleans())
def test_planted_consequences_are_found(data, traced):
    names = data.draw(st.lists(st.sampled_from(sorted(PLANTS)), min_size=1, max_size=3, unique=True))
    goal = 0 * one("k")
    for name in names:
        h, c = PLANTS[name], data.draw(st.sampled_from([Fraction(-2), Fraction(1, 3), Fraction(1)]))
        left = one("k") if h.row == "k" else W.T
        sandwich = (
            data.draw(st.sampled_from([A, B, A.T, one("k")])) * left * h * data.draw(st.sampled_from([A, B, one("k")]))
        )
        goal = goal + c * sandwich
    sides = (trace(goal), zero) if traced else (goal, 0 * one("k"))
    problem = Problem("planted", PLANTS, *sides, identity=not sides[0].terms)
    found = search(problem)
    assert found is not None
    assert problem.accepts(found.steps)
    again = search(problem, found.budget)
    assert again is not None
    assert again.steps == found.steps


SQUARE, ORTHOGONAL = {"one side": A * B - 1}, {"orthogonal": Q.T * Q - 1}
# Σ sign(σ) A_σ1 A_σ2 A_σ3 A_σ4 vanishes on all 2×2 matrices
FOUR = [letter(f"A{i}", "k", "k") for i in range(4)]
STANDARD = sum(int(LeviCivita(*s)) * FOUR[s[0]] * FOUR[s[1]] * FOUR[s[2]] * FOUR[s[3]] for s in permutations(range(4)))
FALSE = {
    "a left inverse is a right inverse": Problem("p", {"DW": D * W - 1}, W * D, one("x")),
    "… of a square matrix, which algebra alone does not know": Problem("p", SQUARE, B * A, one("k")),
    "matrices commute": Problem("p", SQUARE, A * Q, Q * A),
    "the trace is multiplicative": Problem("p", SQUARE, trace(A * Q), trace(A) * trace(Q)),
    "Tr 1 = 1": Problem("p", SQUARE, trace(A * B), one("1")),
    "dimensions agree": Problem("p", {"DW": D * W - 1}, trace(W * D), scalar("dim x")),
    "an isometry keeps every vector": Problem("p", ORTHOGONAL, Q * A, A),
    "what holds for 2×2 matrices": Problem("p", SQUARE, STANDARD, 0 * one("k")),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_or_unprovable_claims_have_no_certificate(name):
    assert FALSE[name].goal.terms
    assert search(FALSE[name], Budget(rounds=4, slack=2)) is None


def test_scalars_take_part():
    λ, ν = scalar("λ"), scalar("ν")
    problem = Problem("p", {"reciprocal": (1 + λ) * ν - 1}, ν * A + λ * ν * A, A)
    found = search(problem)
    assert found is not None
    assert len(found.steps) == 1
    assert search(replace(problem, right=2 * A)) is None


def test_a_trace_hypothesis_takes_part():
    problem = Problem("p", {"traceless": trace(A) - scalar("t"), **ORTHOGONAL}, trace(Q * A * Q.T), scalar("t"))
    assert search(problem) is not None


def test_budgets_limit_the_search():
    problem = CASES["L1-diagonal"].problem
    assert search(problem, Budget(rounds=2)) is None
    assert search(problem, Budget(slack=2)) is None
    assert search(problem, Budget(products=20)) is None


def test_certify_writes_what_load_reads(tmp_path):
    problem = CASES["L5-pythagoras"].problem
    found = certify(problem, tmp_path)
    assert found is not None
    assert load(problem, tmp_path / "L5-pythagoras.json") == found.steps
    assert certify(FALSE["matrices commute"], tmp_path, Budget(rounds=2)) is None
    assert [path.name for path in tmp_path.iterdir()] == ["L5-pythagoras.json"]


def test_the_standard_identity_is_a_trap():
    rng = np.random.default_rng(0)
    for size, vanishes in ((2, True), (3, False)):
        values = {f"A{i}": rng.standard_normal((size, size)) for i in range(4)}
        value, tolerance = residual(STANDARD, values)
        assert (value <= tolerance) == vanishes


def test_the_bound_multiplies_what_stands_in_the_steps():
    u, x = Letter("u", "k", "n"), Letter("W", "x", "k")
    steps = [(Fraction(-1, 2), ("λ", "λ"), (x,), "h", True, (u, u.T)), (Fraction(3), (), (), "g", False, ())]
    assert bound(steps, {"h": 5.0, "g": 0.5}, {"λ": 2.0, "W": 7.0, "u": 3.0}) == 0.5 * 4 * 7 * 5 * 9 + 1.5


@cache
def proof(name):
    """What the search finds for a stored problem."""
    return search(CASES[name].problem)


@pytest.mark.parametrize("name", sorted(CASES))
def test_mutants_of_every_problem_are_killed_or_proved(name):
    case = CASES[name]
    found = proof(name)
    assert found is not None
    judged = judge_mutants(case.problem, case.members, found.budget, np.random.default_rng(1), also=case.also)
    # a claim needs three kills over all its problems; one problem has to contribute at least one
    assert any(m.killed for m in judged)
    assert not [m.text for m in judged if not (m.killed or m.equivalent)]


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_hypothesis_is_idle(name):
    case = CASES[name]
    found = proof(name)
    assert found is not None
    assert not [h for h, still in drop_hypotheses(case.problem, found.budget).items() if still]


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if not case.problem.identity))
def test_without_the_hypotheses_the_claim_is_false_on_some_matrices(name):
    """A claim that survives random matrices would be an identity in disguise."""
    case, rng = CASES[name], np.random.default_rng(3)
    values = dict(case.members(rng))
    for x in case.problem.letters:
        noise = rng.standard_normal(values[x.name].shape)
        values[x.name] = values[x.name] + (noise + noise.T if x.symmetric else noise)
    for s in values.keys() & set(case.problem.scalars):
        values[s] = values[s] + rng.standard_normal()
    value, tolerance = residual(case.problem.goal, case.problem.with_dimensions(values))
    assert value > 1e3 * tolerance


def test_mutants_differ_from_the_claim_and_from_each_other():
    goals = [m.goal for _, m in mutants(CASES["L5-pythagoras"].problem)]
    original = CASES["L5-pythagoras"].problem.goal
    assert all(g.terms and g not in (original, original * -1) for g in goals)
    assert all(g != h for i, g in enumerate(goals) for h in goals[:i])


def test_every_operation_occurs():
    problem = Problem("p", {"orthogonal": Q.T * Q - 1}, Q.T * Q * A * B, A * B)
    assert {name for name, _ in mutants(problem)} == {"flip", "drop", "double", "unstar", "swap"}


def test_a_true_variant_is_reported_as_equivalent_with_its_proof():
    problem = Problem("p", {"orthogonal": Q.T * Q - 1, "other side": Q * Q.T - 1}, trace(Q * A * Q.T), trace(A))

    def members(rng):
        return {"Q": np.linalg.qr(rng.standard_normal((3, 3)))[0], "A": rng.standard_normal((3, 3))}

    judged = judge_mutants(problem, members, Budget(rounds=2), np.random.default_rng(0))
    same = [m for m in judged if m.equivalent]
    assert {m.name for m in same} == {"swap"}
    assert all(m.killed for m in judged if m not in same)


def test_members_that_break_a_hypothesis_or_the_claim_refute_nothing():
    problem = Problem("p", {"orthogonal": Q.T * Q - 1}, A.T * Q.T * Q * A, A.T * A)

    def members(rng):
        return {"Q": rng.standard_normal((3, 3)), "A": rng.standard_normal((3, 3))}

    with pytest.raises(ValueError, match="misses “orthogonal”"):
        judge_mutants(problem, members, Budget(rounds=2), np.random.default_rng(0))
    with pytest.raises(ValueError, match="misses “claim”"):
        judge_mutants(replace(problem, hypotheses={}), members, Budget(rounds=2), np.random.default_rng(0))


def test_draws_cover_the_cases_that_matter():
    draws = [Draw(np.random.default_rng(seed)) for seed in range(60)]
    sizes = [d.size for d in draws]
    assert all(s["k"] > 1 and len({s["x"], s["y"], s["n"]}) == 3 for s in sizes)
    assert any(s["k"] == min(s["x"], s["y"]) for s in sizes)
    assert any(s["k"] < min(s["x"], s["y"]) for s in sizes)
    assert any(s["n"] < s["x"] for s in sizes)
    assert any(s["x"] < s["y"] for s in sizes)
    assert any(s["x"] > s["y"] for s in sizes)
    ranks = [np.linalg.matrix_rank(d.whitened()["Rx"]) - d.size["x"] for d in draws]
    assert {0, -1} == set(ranks)
