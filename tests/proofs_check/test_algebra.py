"""The trusted checker: its algebra against matrices, and everything that it has to refuse."""

import ast
import sys
import tokenize
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check import algebra
from proofs_check.algebra import Letter, Poly, check, collect, letter, one, scalar, trace, transpose
from proofs_check.measure import degradation, residual
from proofs_check.notation import dump, load, poly_text, word_text
from proofs_check.problem import Problem, evaluate
from proofs_check.problems import CASES
from proofs_check.search import CERTIFICATES
from theory.linalg import tolerance

STORED = {name: load(case.problem, CERTIFICATES / f"{name}.json") for name, case in CASES.items()}
PROVED = sorted(name for name, case in CASES.items() if not case.problem.identity)
SIZES = {"x": 3, "y": 4, "k": 2}
LETTERS = [Letter(a + b, a, b) for a in SIZES for b in SIZES] + [Letter("S" + a, a, a, symmetric=True) for a in SIZES]
W, S, Q = letter("W", "x", "k"), letter("S", "x", "x", symmetric=True), letter("Q", "k", "k")


@st.composite
def polynomials(draw, row, column):
    """Random polynomials of words of length 1 to 4 with scalars."""
    pairs = []
    for _ in range(draw(st.integers(1, 3))):
        space, word = row, ()
        for step in range(draw(st.integers(1, 4))):
            last = step == 3 or (space == column and word and draw(st.booleans()))
            if last and space == column:
                break
            options = [x for v in LETTERS for x in {v, v.T} if x.row == space and (step < 3 or x.column == column)]
            word += (draw(st.sampled_from(options)),)
            space = word[-1].column
        if space != column:
            word += (next(x for v in LETTERS for x in (v, v.T) if (x.row, x.column) == (space, column)),)
        scalars = draw(st.sampled_from([(), ("λ",), ("λ", "μ"), ("dim k",)]))
        pairs.append(((scalars, word), Fraction(draw(st.integers(-3, 3)), draw(st.integers(1, 3)))))
    return collect(row, column, pairs)


def matrices(seed):
    rng = np.random.default_rng(seed)
    values = {x.name: rng.standard_normal((SIZES[x.row], SIZES[x.column])) for x in LETTERS}
    values |= {x.name: values[x.name] + values[x.name].T for x in LETTERS if x.symmetric}
    return values | {"λ": rng.standard_normal(), "μ": rng.standard_normal()} | {f"dim {a}": n for a, n in SIZES.items()}


def value(p, values):
    shape = () if p.row == "1" else (SIZES[p.row], SIZES[p.column])
    return evaluate(p, values, np.eye) + np.zeros(shape)


def same(p, expected, values, scale):
    return np.linalg.norm(value(p, values) - expected) <= tolerance(scale, 4)


SEED = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(seed=SEED, p=polynomials("x", "y"), q=polynomials("x", "y"), r=polynomials("y", "k"), m=st.integers(-3, 3))
def test_polynomials_compute_like_matrices(seed, p, q, r, m):
    values = matrices(seed)
    P, Q, R = (value(z, values) for z in (p, q, r))
    a, b, c = (residual(z, values).tolerance / tolerance(1, 4) for z in (p, q, r))
    assert same(p + q, P + Q, values, a + b)
    assert same(p - q, P - Q, values, a + b)
    assert same((p + q) * r, (P + Q) @ R, values, (a + b) * c)
    assert same(m * p, m * P, values, a * abs(m))
    assert same(p.T, np.transpose(P), values, a)
    assert same(p * p.T - m, P @ np.transpose(P) - m * np.eye(3), values, a * a + 3 * abs(m))
    assert same(scalar("λ") * p, values["λ"] * P, values, a * abs(values["λ"]))
    assert same(trace(p * q.T), np.trace(P @ np.transpose(Q)), values, a * b)


@settings(deadline=None)
@given(p=polynomials("x", "y"), q=polynomials("y", "x"), r=polynomials("x", "x"))
def test_traces_are_equal_exactly_when_rotation_and_transpose_make_them_so(p, q, r):
    assert trace(p * q) == trace(q * p)
    assert trace(r) == trace(r.T)
    assert trace(p * q * r) == trace(r * p * q)
    assert trace(p * q + r) == trace(q * p) + trace(r)


def test_a_trace_word_is_not_reversed_without_transposing_its_letters():
    A, B, C = (letter(name, "k", "k") for name in "ABC")
    assert trace(A * B * C) != trace(A * C * B)
    assert trace(A * B) != trace(A * B.T)
    assert trace(A * B * C) == trace(C.T * B.T * A.T)


@pytest.mark.parametrize(
    "ill_typed",
    [
        lambda: W + W.T,
        lambda: W * W,
        lambda: W - 1,
        lambda: one("k") + W * W.T,
        lambda: W * W.T + one("k"),
        lambda: one("k") + one("x"),
        lambda: W * W.T + scalar("λ"),
        lambda: W * W.T + (W - W),
        lambda: (W - W) * W,
        lambda: one("k") * one("x"),
        lambda: trace(W),
        lambda: trace(W - W),
        lambda: letter("R", "x", "k", symmetric=True),
        lambda: letter("s", "1", "1"),
        lambda: letter("s", "k", "1"),
        lambda: W * 0.5,
        lambda: W + 0.5,
        lambda: scalar("λ") + W * W.T,
        lambda: Poly("x", "k", {((), ()): 1}),
        lambda: Poly("x", "x", {((), (Letter("W", "x", "k"),)): 1}),
        lambda: Poly("k", "k", {((), (Letter("W", "x", "k"), Letter("W", "x", "k"))): 1}),
        lambda: Poly("1", "1", {(((Letter("W", "x", "k"),),), ()): 1}),
        lambda: Poly("1", "1", {(((),), ()): 1}),
        lambda: Problem("p", {}, W, W.T),
        lambda: Problem("p", {}, W, letter("W", "x", "k") * letter("W", "k", "k")),
        lambda: Problem("p", {"W": W.T * W - 1}, W, W),
    ],
)
def test_what_does_not_fit_is_refused(ill_typed):
    with pytest.raises(TypeError):
        ill_typed()


@pytest.mark.parametrize("name", sorted(CASES))
def test_stored_certificates_are_accepted(name):
    problem = CASES[name].problem
    assert problem.accepts(STORED[name])
    assert problem.identity == (not STORED[name])


def test_there_is_one_stored_certificate_per_problem():
    assert {path.stem for path in CERTIFICATES.glob("*.json")} == set(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_stored_file_is_what_would_be_written_now(name, tmp_path):
    dump(CASES[name].problem, STORED[name], tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text("utf-8") == (CERTIFICATES / f"{name}.json").read_text("utf-8")


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_forged_certificates_are_refused(data):
    problem = CASES[data.draw(st.sampled_from(PROVED))].problem
    steps = list(STORED[problem.name])
    i = data.draw(st.integers(0, len(steps) - 1))
    c, scalars, a, name, star, b = steps[i]
    h = problem.hypotheses[name]
    forgeries = [
        [*steps[:i], *steps[i + 1 :]],
        [*steps, steps[i]],
        [*steps[:i], (-c, scalars, a, name, star, b), *steps[i + 1 :]],
        [*steps[:i], (c + Fraction(1, 7), scalars, a, name, star, b), *steps[i + 1 :]],
        [*steps[:i], (c, (*scalars, "λ"), a, name, star, b), *steps[i + 1 :]],
        [],
    ]
    if h.row == h.column != "1" and (a or b):
        forgeries.append([*steps[:i], (c, scalars, (*a, *a[-1:]) if a else b[:1], name, star, b), *steps[i + 1 :]])
    forged = data.draw(st.sampled_from(forgeries))
    try:
        accepted = problem.accepts(forged)
    except TypeError:
        return
    assert not accepted


@pytest.mark.parametrize("name", PROVED)
def test_a_certificate_proves_only_its_own_goal(name):
    problem, steps = CASES[name].problem, STORED[name]
    for factor in (0, -1, 2):
        assert not check(problem.goal * factor, problem.hypotheses, steps)
    assert not check(problem.goal, problem.hypotheses, steps, identity=True)


def test_nothing_is_proved_by_nothing_unless_declared_an_identity():
    zero = W - W
    assert not check(zero, {}, [])
    assert check(zero, {}, [], identity=True)
    assert not check(W, {}, [], identity=True)
    # steps that cancel do not make a tautology a theorem
    step = (Fraction(1), (), (), "orthogonal", False, ())
    undo = (Fraction(-1), (), (), "orthogonal", False, ())
    assert not check(Q - Q, {"orthogonal": Q.T * Q - 1}, [step, undo])


def test_a_step_must_fit_and_must_exist():
    goal, h = Q.T * Q * Q - Q, {"orthogonal": Q.T * Q - 1}
    good = (Fraction(1), (), (), "orthogonal", False, (Letter("Q", "k", "k"),))
    assert check(goal, h, [good])
    with pytest.raises(TypeError):
        check(goal, h, [(*good[:2], (Letter("W", "k", "x"),), *good[3:])])
    with pytest.raises(TypeError):
        check(trace(goal), h | {"W": W}, [(*good[:3], "W", False, ())])
    with pytest.raises(TypeError):
        check(goal, h, [(0.5, *good[1:])])
    with pytest.raises(KeyError):
        check(goal, h, [(*good[:3], "unknown", *good[4:])])


def test_a_scalar_hypothesis_stands_beside_the_identity_of_the_goal():
    λ, ν = scalar("λ"), scalar("ν")
    goal = (1 + λ) * ν * one("k") - one("k")
    step = (Fraction(1), (), (), "reciprocal", False, ())
    assert check(goal, {"reciprocal": (1 + λ) * ν - 1}, [step])
    assert not check(goal + one("k"), {"reciprocal": (1 + λ) * ν - 1}, [step])


def test_one_name_in_two_spaces_is_two_letters():
    assert letter("A", "x", "x") != letter("A", "k", "k")
    h = {"zero": letter("A", "x", "k")}
    with pytest.raises(TypeError):
        check(letter("A", "x", "y"), h, [(Fraction(1), (), (), "zero", False, ())])


@settings(deadline=None, max_examples=60)
@given(seed=SEED, name=st.sampled_from(PROVED), exponent=st.floats(-6, 0))
def test_a_certificate_bounds_the_damage_of_violated_hypotheses(seed, name, exponent):
    case, rng = CASES[name], np.random.default_rng(seed)
    values = dict(case.members(rng))
    for x in case.problem.letters:
        noise = 10**exponent * rng.standard_normal(values[x.name].shape)
        values[x.name] = values[x.name] + (noise + noise.T if x.symmetric else noise)
    full = case.problem.with_dimensions(values)
    goal = residual(case.problem.goal, full)
    assert goal.value <= degradation(case.problem, STORED[name], values) + goal.tolerance


@settings(deadline=None, max_examples=40)
@given(seed=SEED, name=st.sampled_from(PROVED))
def test_the_bound_vanishes_on_members(seed, name):
    case = CASES[name]
    values = case.members(np.random.default_rng(seed))
    full = case.problem.with_dimensions(values)
    assert all(residual(h, full).ratio <= 1 for h in case.problem.hypotheses.values())
    # members are well conditioned: nothing is left of the bound but rounding
    assert degradation(case.problem, STORED[name], values) <= 1e-8


@pytest.mark.parametrize("name", sorted(CASES))
def test_certificates_survive_the_file(name, tmp_path):
    steps = [(Fraction(-2, 3), ("λ", *s), a, h, not star, b) for _, s, a, h, star, b in STORED[name]]
    dump(CASES[name].problem, steps, tmp_path / "file.json")
    assert load(CASES[name].problem, tmp_path / "file.json") == steps


def test_trace_scalars_survive_the_file(tmp_path):
    u = Letter("u", "k", "n")
    problem = Problem(
        "p", {"h": letter("u", "k", "n")}, trace(letter("u", "k", "n") * letter("u", "k", "n").T), one("1")
    )
    steps = [(Fraction(1), ((u, u.T), "λ"), (u.T,), "h", False, ())]
    dump(problem, steps, tmp_path / "file.json")
    assert load(problem, tmp_path / "file.json") == steps


def test_a_file_with_an_unknown_letter_is_refused(tmp_path):
    name = "L3-objective"
    text = (CERTIFICATES / f"{name}.json").read_text("utf-8").replace("Wxᵀ Rx M", "Wxᵀ Rx N")
    (tmp_path / "file.json").write_text(text, "utf-8")
    with pytest.raises(KeyError):
        load(CASES[name].problem, tmp_path / "file.json")


def test_text_is_what_a_reader_expects():
    assert poly_text(W.T * S * W - 1) == "Wᵀ S W − 1_k"
    assert poly_text(W - W) == "0"
    assert poly_text(Fraction(1, 2) * one("1") - scalar("λ")) == "−λ + 1/2"
    assert poly_text(trace(one("k") * 3)) == "3 k"
    assert word_text(transpose((Letter("A", "x", "y"), Letter("B", "y", "x")))) == "Bᵀ Aᵀ"


def test_dimensions_must_agree():
    with pytest.raises(ValueError, match="several dimensions"):
        CASES["L3-rotation"].problem.with_dimensions(
            {"U": np.eye(3, 2), "V": np.eye(4, 2), "M": np.eye(3, 4), "Q": np.eye(3)}
        )


def test_replacing_a_side_changes_the_goal():
    problem = CASES["L3-objective"].problem
    assert replace(problem, right=2 * problem.right).goal == problem.left - 2 * problem.right


def test_the_trusted_base_is_small_and_depends_on_nothing():
    path = Path(algebra.__file__)
    tree = ast.parse(path.read_text("utf-8"))
    imported = {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert imported <= sys.stdlib_module_names
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = [n.body[0] for n in ast.walk(tree) if isinstance(n, documented) and ast.get_docstring(n) is not None]
    prose = {line for text in texts for line in range(text.lineno, (text.end_lineno or text.lineno) + 1)}
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open("rb") as file:
        tokens = [t for t in tokenize.tokenize(file.readline) if t.type not in layout | {tokenize.ENCODING}]
    assert len({line for t in tokens for line in range(t.start[0], t.end[0] + 1)} - prose) <= 80
