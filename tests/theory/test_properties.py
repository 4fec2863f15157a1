"""Losses against the paper's formulas written out, exact truth against hand-made models, and the tables of names."""

import math
from fractions import Fraction
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import properties
from theory.discrepancy import TGrid, t_grid
from theory.linalg import tolerance
from theory.properties import (
    CC,
    CONCEPT,
    CYC,
    REC,
    REPRESENTATION,
    SELF,
    TR,
    Distribution,
    Instance,
    Level,
    Property,
    What,
    all_properties,
    property_named,
    register,
    registered,
)
from theory.view import View

NAMES = ["REC", "CYC", "TR", "CC", "dREC", "dCYC", "dTR", "dCC"]


@st.composite
def systems(draw):
    """Three streams of different widths with one row per point, and coders that are not linear."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    d = {s: draw(st.integers(1, 5)) for s in "abc"}
    W = {s: rng.normal(size=(d[s], m)) for s in d}
    D = {s: rng.normal(size=(m, d[s])) for s in d}
    x = {s: rng.normal(size=(n, d[s])) for s in d}
    f = {s: lambda v, s=s: np.maximum(v @ W[s], 0) for s in d}
    g = {s: lambda z, s=s: z @ D[s] + 1 for s in d}
    return x, f, g


def written_out(x, f, g):
    """Formulas (3)–(6), sample by sample."""
    n = len(x["a"])

    def mean(difference):
        return sum(sum(float(c) ** 2 for c in difference[r]) for r in range(n)) / n

    pairs = [(i, j) for i in x for j in x if i != j]
    return {
        "REC": sum(mean(x[i] - g[i](f[i](x[i]))) for i in x),
        "TR": sum(mean(x[j] - g[j](f[i](x[i]))) for i, j in pairs),
        "CYC": sum(mean(x[i] - g[i](f[j](g[j](f[i](x[i]))))) for i, j in pairs),
        "CC": sum(mean(f[i](x[i]) - f[j](x[j])) for i, j in pairs if i < j),
    }


@settings(deadline=None, max_examples=60)
@given(systems())
def test_instance_losses_are_formulas_3_to_6(system):
    view = View(*system)
    for name, expected in written_out(*system).items():
        assert abs(float(property_named(name).loss(view)) - expected) <= tolerance(1 + expected, 60), name


def slice_distance(u, v, grid):
    """One slice of (23): Σ_t w(t) |mean exp(itu) − mean exp(itv)|², with complex numbers of the standard library."""
    total = 0.0
    for t, w in zip(grid.nodes, grid.weights, strict=True):
        phi = [sum(complex(math.cos(t * c), math.sin(t * c)) for c in side) / len(side) for side in (u, v)]
        total += w * abs(phi[0] - phi[1]) ** 2
    return total


@settings(deadline=None, max_examples=15)
@given(systems(), st.integers(0, 3))
def test_distributional_losses_are_formulas_23_to_25(system, seed):
    x, f, g = system
    level = Distribution(n_slices=3, grid=t_grid(2.0, 4))
    view = View(x, f, g, sampling="aligned", seed=seed)
    expected = 0.0
    for i, j in ((i, j) for i in x for j in x if i != j):
        translated, U = g[j](f[i](x[i])), view.slices(x[j].shape[1], 3)
        expected += sum(slice_distance(translated @ u, x[j] @ u, level.grid) for u in U.T) / 3
    assert abs(float(Property(TR, level).loss(view)) - expected) <= tolerance(1 + expected, 400)

    expected = 0.0
    for i, j in (("a", "b"), ("a", "c"), ("b", "c")):
        a, b = f[i](x[i]), f[j](x[j])
        active = [k for k in range(a.shape[1]) if a[:, k].any() or b[:, k].any()]
        expected += sum(slice_distance(a[:, k], b[:, k], level.grid) for k in active) / max(len(active), 1)
    assert abs(float(Property(CC, level).loss(view)) - expected) <= tolerance(1 + expected, 400)


def exact(*values):
    return np.array([[Fraction(c) for c in v] for v in values], dtype=object)


SIDES = What("SIDES", CONCEPT, SELF, lambda v, i, j: v.code(i), crosses=False)


def held(level, a, b):
    return level.holds(SIDES, View({"s": a}, {"s": lambda x: (a, b)}, {}), "s", "s")


@pytest.mark.parametrize(
    ("a", "b", "equal", "same_law"),
    [
        (exact((1, 2), (3, 4)), exact((1, 2), (3, 4)), True, True),
        (exact((1, 2), (3, 4)), exact((3, 4), (1, 2)), False, True),
        (exact((1, 1), (0, 0)), exact((1, 0), (0, 1)), False, False),
        (exact((1,), (1,), (2,)), exact((1,), (2,), (2,)), False, False),
        (exact((1,), (2,)), exact((1,), (1 + Fraction(1, 10**30),)), False, False),
    ],
)
def test_truth_on_exact_rows(a, b, equal, same_law):
    assert held(Instance(), a, b) is equal
    assert held(Distribution(), a, b) is same_law
    assert (Distribution().gap(SIDES, View({"s": a}, {"s": lambda x: (a, b)}, {}), "s", "s") == 0) is same_law


def test_laws_of_different_numbers_of_rows():
    """Twice as many rows of the same weights are the same law; equal sets of rows with other weights are not."""
    a = exact((1,), (2,))
    assert held(Distribution(), a, exact((1,), (2,), (2,), (1,)))
    assert not held(Distribution(), a, exact((1,), (2,), (2,)))


def test_the_gap_of_laws_is_their_total_variation():
    a, b = exact((1,), (1,), (2,)), exact((1,), (3,), (3,))
    view = View({"s": a}, {"s": lambda x: (a, b)}, {})
    assert Distribution().gap(SIDES, view, "s", "s") == Fraction(2, 3)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_losses_keep_the_dtype_and_give_gradients(name):
    import torch

    dtype = getattr(torch, name)
    W = torch.randn(3, 2, dtype=dtype, generator=torch.Generator().manual_seed(0), requires_grad=True)
    x = torch.ones(4, 3, dtype=dtype)
    view = View({"a": x, "b": 2 * x}, dict.fromkeys("ab", lambda v: v @ W), dict.fromkeys("ab", lambda z: z @ W.T))
    for prop in all_properties():
        loss = prop.loss(view)
        assert loss.dtype == dtype, prop.name
        (gradient,) = torch.autograd.grad(loss, W, retain_graph=True)
        assert torch.isfinite(gradient).all(), prop.name


def test_the_products_and_their_readings():
    assert [p.name for p in all_properties()] == NAMES
    assert property_named("TR") == Property(TR, Instance())
    assert property_named("CYC").what is CYC
    for prop in all_properties():
        distributional = prop.name.startswith("d")
        assert prop.readings == (
            ("loss", "holds", "formula") if distributional else ("loss", "holds", "residual", "formula")
        )


def test_the_unbiased_level_is_the_unbiased_distance():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 1)), rng.normal(size=(4, 1))
    grid = TGrid([0.5, 1.5], [1.0, 0.25])
    view = View({"a": a, "b": b}, dict.fromkeys("ab", lambda x: x), {}, sampling="aligned")

    def kernel(u, v):
        return sum(w * math.cos(t * (u - v)) for t, w in zip(grid.nodes, grid.weights, strict=True))

    pairs = [(r, s) for r in range(4) for s in range(4)]
    within = sum(kernel(x[r, 0], x[s, 0]) / 12 for x in (a, b) for r, s in pairs if r != s)
    expected = within - 2 * sum(kernel(a[r, 0], b[s, 0]) for r, s in pairs) / 16
    level = Distribution(grid=grid, unbiased=True, prefix="u")
    assert float(Property(CC, level).loss(view)) == pytest.approx(expected, rel=1e-12)


def test_registration_is_by_name_and_undone():
    before = all_properties()
    what = What("ONE", REPRESENTATION, SELF, REC.sides, crosses=False)
    with registered(what):
        assert property_named("dONE").what is what
        register(what)  # again: nothing changes
    assert all_properties() == before


def test_registration_is_undone_after_an_error():
    before = all_properties()
    with pytest.raises(RuntimeError), registered(What("ONE", REPRESENTATION, SELF, REC.sides, crosses=False)):
        raise RuntimeError
    assert all_properties() == before


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([What("TR", REPRESENTATION, SELF, REC.sides, crosses=False)], ValueError, "'TR' is the name of another what"),
        ([Distribution(n_slices=7)], ValueError, "'d' is the prefix of another level, Distribution"),
        ([What("dTR", REPRESENTATION, SELF, REC.sides, crosses=False)], ValueError, "dTR would name two different"),
        ([type("Unnamed", (Level,), {"loss": None})()], ValueError, "'Unnamed' lacks a prefix such as 'd'"),
        ([type("Blank", (Level,), {"prefix": "b"})()], ValueError, "'Blank' lacks a reading: define loss, holds"),
        ([type("Nameless", (Level,), {"prefix": "b", "holds": 1, "metric": 1})()], ValueError, "lacks metric_name"),
        ([What("NEW", "concepts", "all", None, crosses=False)], ValueError, "space 'representation' or.*edges.*sides"),
        ([Instance], TypeError, "not classes"),
        (["TR"], TypeError, "neither a What nor a Level"),
        ([What("NEW", REPRESENTATION, SELF, REC.sides, crosses=False), "x"], TypeError, "neither"),
    ],
)
def test_bad_registrations_change_nothing(items, error, message):
    before = all_properties()
    with pytest.raises(error, match=message):
        register(*items)
    assert all_properties() == before


def test_unknown_names_list_the_known_ones():
    with pytest.raises(KeyError, match="unknown property 'XTR'; known: REC, CYC, TR, CC, dREC"):
        property_named("XTR")


class Point:
    """An entry point whose object is made by a function."""

    value = "package.module:name"

    def __init__(self, load):
        self.load = load


@pytest.fixture
def installed(monkeypatch):
    def install(load):
        def entry_points(group):
            assert group == "concept_alignment.plugins"
            return [Point(load)]

        monkeypatch.setattr(properties, "entry_points", entry_points)

    return install


def module_that_registers(what):
    register(what)
    return ModuleType("plugin")


@pytest.mark.parametrize("offer", [lambda what: (what,), lambda what: what, module_that_registers])
def test_installed_packages_register_by_entry_point(installed, offer):
    what = What("PLUGIN", REPRESENTATION, SELF, REC.sides, crosses=False)
    installed(lambda: offer(what))
    with registered():
        properties.load_plugins()
        properties.load_plugins()  # again: nothing changes
        assert property_named("dPLUGIN").what is what
    assert [p.name for p in all_properties()] == NAMES


@pytest.mark.parametrize(
    "offer", [lambda: len, lambda: None, lambda: (TR, "x"), lambda: 1 / 0, lambda: import_module("no.such")]
)
def test_a_broken_plugin_is_named(installed, offer):
    installed(offer)
    with pytest.raises(ValueError, match=r"the plug-in package\.module:name cannot be loaded: \w+Error: ."):
        properties.load_plugins()
    assert [p.name for p in all_properties()] == NAMES
