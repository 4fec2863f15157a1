"""The pool of exact models against definitions spelled out on tuples, without views or arrays."""

from collections import Counter
from fractions import Fraction
from itertools import product

import pytest

from proofs_check import models
from theory.properties import all_properties

NAMES = ["REC", "CYC", "TR", "CC", "dREC", "dCYC", "dTR", "dCC"]


def spelled_out(model):
    """Truth of every property and of its single edges, from the two lists of tuples and the four maps."""
    x = {s: [tuple(row) for row in rows.tolist()] for s, rows in (("x", model.x), ("y", model.y))}

    def exactly(row):
        return tuple(Fraction(c) for c in row)

    f, g = (dict(zip("xy", maps, strict=True)) for maps in (model.f, model.g))
    edges = {"REC": ("xx", "yy"), "CYC": ("xy", "yx"), "TR": ("xy", "yx"), "CC": ("xy",)}
    truth = {}
    for name, names in edges.items():
        for i, j in names:
            code = [exactly(f[i](u)) for u in x[i]]
            match name:
                case "REC":
                    a, b = [exactly(g[i](z)) for z in code], x[i]
                case "CYC":
                    a, b = [exactly(g[i](exactly(f[j](exactly(g[j](z)))))) for z in code], x[i]
                case "TR":
                    a, b = [exactly(g[j](z)) for z in code], x[j]
                case "CC":
                    a, b = code, [exactly(f[j](u)) for u in x[j]]
            truth[f"{name}_{i if i == j else i + j}"] = a == b
            truth[f"d{name}_{i if i == j else i + j}"] = Counter(a) == Counter(b)
    return truth | {n: all(v for k, v in truth.items() if k.split("_")[0] == n) for n in NAMES}


TRUTH = [spelled_out(m) for m in models.pool()]


def test_every_property_is_decided_as_spelled_out():
    for name in TRUTH[0]:
        decided = models._column(*models._readings()[name])
        wrong = [m.name for m, d, t in zip(models.pool(), decided, TRUTH, strict=True) if d != t[name]]
        assert not wrong, (name, wrong[:3])
    assert set(models._readings()) == set(TRUTH[0])


def test_the_pool_is_exact_and_its_names_tell_models_apart():
    names = [m.name for m in models.pool()]
    assert len(set(names)) == len(names)
    assert {m.name for m in models.NAMED} <= set(names)
    for m in models.pool():
        view = m.view()
        arrays = [m.x, m.y, *(view.code(s) for s in "xy"), *(view.decode(s, view.code(s)) for s in "xy")]
        assert {type(c) for a in arrays for c in a.ravel()} == {Fraction}


def test_every_property_holds_somewhere_and_fails_somewhere():
    for name in NAMES:
        assert {t[name] for t in TRUTH} == {True, False}


@pytest.mark.parametrize("premises", [(), ("REC",), ("CYC",), ("REC", "dTR"), ("REC", "CYC")], ids=" ∧ ".join)
@pytest.mark.parametrize("extra", NAMES)
def test_refute_finds_the_first_countermodel_if_there_is_one(premises, extra):
    for conclusion in ("TR_xy", *NAMES):
        given = (*premises, extra)
        expected = next(
            (m for m, t in zip(models.pool(), TRUTH, strict=True) if all(t[p] for p in given) and not t[conclusion]),
            None,
        )
        assert models.refute(given, conclusion) is expected


def test_the_gap_is_exact_and_zero_iff_the_property_holds():
    for model, truth in list(zip(models.pool(), TRUTH, strict=True))[::7]:
        for name in NAMES:
            gap = models.gap(model, name)
            assert isinstance(gap, Fraction)
            assert gap >= 0
            assert (gap == 0) is truth[name], (model.name, name)


def test_gaps_by_hand():
    # Two points ±1 of which y's decoder returns the double: (2−1)² at either point, on one stream each.
    assert models.gap(models.NO_DECODER, "REC_y") == 1
    assert models.gap(models.NO_DECODER, "REC") == 2
    # Weights (2/3, 1/3) against (1/3, 2/3) differ by a third; instance: one point of three moves by 1 twice.
    assert models.gap(models.Model("", *WEIGHTS, (models.IDENTITY,) * 2, (models.IDENTITY,) * 2), "dTR_xy") == THIRD
    assert models.gap(models.Model("", *WEIGHTS, (models.IDENTITY,) * 2, (models.IDENTITY,) * 2), "TR_xy") == THIRD


WEIGHTS, THIRD = (models.rows(1, 1, 2), models.rows(1, 2, 2)), Fraction(1, 3)


def test_a_counterexample_passes_where_the_model_refutes():
    record = models.counterexample(["TR", "REC"], "CC")
    assert record.passed
    assert record.hypotheses == {"TR": True, "REC": True}
    assert record.conclusion == {"CC": False}


@pytest.mark.parametrize(
    ("premises", "conclusion", "also"),
    [(["CC"], "TR_xy", {}), (["TR"], "REC", {}), (["TR", "REC"], "CC", {"injective": False})],
    ids=["premise fails", "conclusion holds", "further hypothesis fails"],
)
def test_a_model_that_does_not_refute_gives_no_counterexample(premises, conclusion, also):
    assert not models.counterexample(premises, conclusion, models.SPLIT_FEATURES, also).passed


def test_nothing_refutes_a_true_implication():
    with pytest.raises(LookupError, match="no model of the pool refutes CC ∧ REC ⇒ TR"):
        models.counterexample(["CC", "REC"], "TR")


@pytest.mark.parametrize(("target", "streams"), list(product("xy", ("x", "y", "xy"))))
def test_injectivity_is_decided_pair_by_pair(target, streams):
    seen = set()
    for model in [*models.NAMED, *models.pool()[len(models.NAMED) :: 11]]:
        f, g = dict(zip("xy", model.f, strict=True)), dict(zip("xy", model.g, strict=True))[target]
        codes = [f[s](tuple(row)) for s in streams for row in {"x": model.x, "y": model.y}[s].tolist()]
        expected = all(tuple(g(z)) != tuple(g(v)) for z in codes for v in codes if tuple(z) != tuple(v))
        assert models.injective(model, target, streams) is expected, model.name
        seen.add(expected)
    assert seen >= ({True, False} if streams == "xy" else {True})


@pytest.mark.parametrize(
    ("proved", "premises", "conclusion", "killed", "equivalent"),
    [
        (False, ["TR"], "CC", True, False),
        (True, ["TR"], "CC", False, False),
        (True, ["CC", "REC"], "TR", False, True),
        (False, ["CC", "REC"], "TR", False, False),
    ],
    ids=["killed", "proved though false", "equivalent", "undecided"],
)
def test_a_mutant_is_judged_by_engine_and_model(proved, premises, conclusion, killed, equivalent):
    mutant = models.mutant("drop", "", proved, premises, conclusion)
    assert (mutant.killed, mutant.equivalent) == (killed, equivalent)


def test_a_mutant_is_not_killed_by_a_model_that_breaks_its_premises():
    assert not models.mutant("drop", "", False, ["CC"], "TR", models.SPLIT_FEATURES).killed


def test_the_names_in_this_file_are_all_properties():
    assert [p.name for p in all_properties()] == NAMES
