"""The generated tests, run on every property; and the wrong records that they have to catch."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from array_api_compat import array_namespace

from proofs_check import implications, models
from proofs_check.contract import ContractError, absent, checks
from proofs_check.transformations import TRANSFORMATIONS
from theory.properties import (
    CC,
    LEVELS,
    REC,
    REPRESENTATION,
    TR,
    UNORDERED,
    WHATS,
    Distribution,
    Instance,
    Property,
    UndefinedError,
    What,
    all_properties,
    property_named,
    registered,
)
from theory.view import View

from .extension import STABLE, SameGram

GRAM = SameGram()
BUILT_IN = all_properties()
with registered(STABLE, GRAM):
    EXTENDED = [p for p in all_properties() if p not in BUILT_IN]
UNBIASED = Distribution(unbiased=True, prefix="u")


def generated(properties):
    return [pytest.param(c, id=f"{p.name}: {c.name}") for p in properties for c in checks(p)]


@pytest.mark.parametrize("check", generated(BUILT_IN))
def test_property(check):
    check()


@pytest.mark.parametrize("check", generated([*EXTENDED, Property(CC, UNBIASED), Property(TR, UNBIASED)]))
def test_users_property(check):
    check()


@pytest.mark.parametrize("name", ["STABLE", "mTR", "mCC"])
def test_the_extension_of_docs_keeps_its_contract(name):
    page = (Path(__file__).parents[2] / "docs" / "extend.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", page, flags=re.S)[0]
    with registered():
        exec(block, {})
        found = checks(property_named(name))
        assert models.refute([name], "CC") is not None
        for check in found:
            check()


def test_a_users_what_and_level_combine_with_all_others():
    names = {p.name for p in EXTENDED}
    assert names == {"SC", "dSC", "gREC", "gCYC", "gTR", "gCC", "gSC"}
    assert not names & {p.name for p in all_properties()}, "the extension was not removed"


def test_every_transformation_is_tested_either_way_on_every_property():
    for prop in [*BUILT_IN, *EXTENDED]:
        named = [c.name for c in checks(prop) if "under" in c.name]
        assert len(named) == len(TRANSFORMATIONS), prop.name


@pytest.mark.parametrize(
    ("name", "missing"),
    [("TR", ()), ("dTR", ("residual",)), ("gTR", ("formula",))],
)
def test_absent_readings_are_reported(name, missing):
    with registered(GRAM):
        assert absent(property_named(name)) == missing


def test_an_absent_reading_is_refused_not_zero():
    with pytest.raises(UndefinedError, match="gTR has no reading 'formula', only loss, holds, residual"):
        Property(TR, GRAM).formula(models.REFLECTION.view())


def test_a_users_property_appears_in_the_implication_matrix():
    before = implications.matrix([], {})
    with registered(STABLE, GRAM):
        after = implications.matrix([], {})
    names = {c.premise for c in after}
    assert {"SC", "gCC"} <= names == {c.conclusion for c in after}
    assert len(after) == len(names) * (len(names) - 1)
    assert [c for c in after if not ({c.premise, c.conclusion} & {p.name for p in EXTENDED})] == before

    cells = {(c.premise, c.conclusion): c for c in after}
    for premise, conclusion in [("gCC", "CC"), ("REC", "SC"), ("SC", "REC")]:
        cell = cells[premise, conclusion]
        assert cell.status == "refuted"
        model = next(m for m in models.pool() if m.name == cell.witness)
        with registered(STABLE, GRAM):
            assert model.holds(property_named(premise))
            assert not model.holds(property_named(conclusion))
    assert cells["CC", "gCC"].status == "blank", "equal codes have equal Gram matrices: no model can refute it"


def test_a_name_that_is_registered_again_is_decided_again():
    always = replace(STABLE, sides=lambda v, i, j: (v.code(i), v.code(i)))
    with registered(STABLE):
        assert models.refute(["REC"], "SC") is not None
    with registered(always):
        assert models.refute(["REC"], "SC") is None


RAW = What("RAW", REPRESENTATION, UNORDERED, lambda v, i, j: (v.x(i), v.x(j)), crosses=True)


def test_sides_of_different_widths_need_a_level_that_compares_them():
    view = View({"x": np.eye(3), "y": np.eye(3, 2)}, {}, {})
    for level in (Instance(), Distribution()):
        with pytest.raises(UndefinedError, match="width 3 and 2"):
            Property(RAW, level).loss(view)
    assert Property(RAW, GRAM).loss(view) == pytest.approx(1 / 9)


@dataclass(frozen=True)
class Altered(Instance):
    """Instance level with one reading planted wrong."""

    change: str = ""

    def loss(self, what, view, i, j):
        a, b = view.paired(what, i, j)
        xp, n = array_namespace(a, b), a.shape[0]
        match self.change:
            case "zero":
                return 0.0 * xp.sum(a)
            case "offset":
                return xp.sum((a - b) ** 2) / n + 1e-9
            case "sum":
                return xp.sum((a - b) ** 2)
            case "no rows":
                return xp.sum((a - b) ** 2) / n if n else xp.sum(a) + float("nan")
            case "NumPy only":
                return np.sum((np.asarray(a) - np.asarray(b)) ** 2) / n
            case "double":
                return xp.sum((a - b) ** 2, dtype=xp.float64) / n
            case "stopped":
                return xp.sum((a - (b.detach() if hasattr(b, "detach") else b)) ** 2) / n
            case "root":
                return xp.sum((a - b) ** 2) / (n - 1)
            case "first column":
                return xp.sum((a[:, :1] - b[:, :1]) ** 2) / n
        return super().loss(what, view, i, j)

    def holds(self, what, view, i, j):
        truth = super().holds(what, view, i, j)
        return truth or (self.change == "generous" and bool((abs(view.x(i)) == 1).all()))

    def residual(self, what, view, i, j):
        a, b = what.sides(view, i, j)
        return a + b if self.change == "sign" else a - b

    def formula(self, what, view, i, j):
        a, b = what.sides(view, i, j)
        return view.everywhere(a, a) if self.change == "trivial" else view.everywhere(a, b)


CAUGHT = {
    "zero": "separated from near misses",
    "offset": "zero on members",
    "sum": "unchanged by duplicating the batch",
    "root": "unchanged by duplicating the batch",
    "no rows": "finite where no point is matched",
    "NumPy only": "NumPy = torch, in the dtype of the input",
    "double": "NumPy = torch, in the dtype of the input",
    "stopped": "gradient = central differences",
    "first column": "invariant under rotation of a representation",
    "generous": "loss is 0 iff it holds, on the exact models",
    "sign": "residual = difference, on linear coders",
    "trivial": "formula is true iff it holds, on the exact models",
}


@pytest.mark.parametrize("change", CAUGHT)
def test_a_wrong_reading_is_caught(change):
    found = {c.name: c for c in checks(Property(TR, Altered(change=change)))}
    with pytest.raises(ContractError, match="TR"):
        found[CAUGHT[change]]()


@pytest.mark.parametrize("name", TRANSFORMATIONS)
@pytest.mark.parametrize("prop", [Property(TR, Instance()), Property(CC, Distribution())], ids=lambda p: p.name)
def test_a_wrong_declaration_is_caught_in_either_direction(prop, name):
    bare = type("Bare", (type(prop.level),), {"adds": frozenset(), "breaks": {}})
    wrong = Property(replace(prop.what, invariant=prop.invariant ^ {name}), bare())
    (check,) = (c for c in checks(wrong) if c.name.endswith(f"under {name}"))
    with pytest.raises(ContractError, match=f"under {name}"):
        check()


def test_an_unknown_transformation_is_caught():
    what = replace(REC, invariant=REC.invariant | {"rotation of the codez"})
    with pytest.raises(ContractError, match="rotation of the codez"):
        checks(Property(what, Instance()))[0]()


@pytest.mark.parametrize("value", [1.0, 0.5])
def test_a_metric_that_does_not_tell_members_is_caught(value):
    """One that is best everywhere, and one that is best nowhere."""
    measured = {"metric_name": "agreement", "metric": lambda self, what, view, i, j: value}
    check = next(c for c in checks(Property(TR, type("Measured", (Instance,), measured)())) if "agreement" in c.name)
    with pytest.raises(ContractError, match="TR: agreement is"):
        check()


def test_a_level_that_is_not_marginal_may_not_say_so():
    level = type("Joint", (Instance,), {"marginal": frozenset({REPRESENTATION})})()
    check = next(c for c in checks(Property(TR, level)) if c.name.startswith("loss is 0"))
    with pytest.raises(ContractError, match="marginals only"):
        check()


def test_nothing_was_left_registered():
    assert set(WHATS) == {"REC", "CYC", "TR", "CC"}
    assert set(LEVELS) == {"", "d"}
