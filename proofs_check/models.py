"""The pool of small exact models on which every property is decided; it supplies the refutations.

A model is a finite uniform Ω, exact rational representations of two streams and arbitrary maps between exact tuples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np

from proofs_check.evidence import Counterexample, Mutant
from theory.properties import Property, all_properties
from theory.view import View

Row = tuple[Fraction, ...]


def rows(*values) -> np.ndarray:
    """Exact rows [n, d] from numbers or tuples of numbers.

    Examples
    --------
    >>> rows(1, "1/2").tolist(), rows((1, 2)).shape
    ([[Fraction(1, 1)], [Fraction(1, 2)]], (1, 2))
    """
    return np.array([[Fraction(c) for c in (v if isinstance(v, tuple) else (v,))] for v in values], dtype=object)


def _rowwise(function: Callable[[Row], Row]) -> Callable[[np.ndarray], np.ndarray]:
    """Lift a map of exact tuples to a map of rows."""
    return lambda x: np.array([[Fraction(c) for c in function(tuple(row))] for row in x], dtype=object)


@dataclass(frozen=True)
class Model:
    """Two streams over a finite uniform Ω.

    Parameters
    ----------
    name
        What the report prints.
    x, y
        Rows of the two streams, one per point.
    f, g
        The two encoders and the two decoders, maps of exact tuples.

    Examples
    --------
    >>> from theory.properties import CC, TR, Instance
    >>> [SPLIT_FEATURES.holds(Property(what, Instance())) for what in (TR, CC)]
    [True, False]
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    f: tuple[Callable, Callable]
    g: tuple[Callable, Callable]

    def view(self) -> View:
        """The model as a view; laws compare all points."""
        pairs = {"x": 0, "y": 1}
        return View(
            {"x": self.x, "y": self.y},
            {s: _rowwise(self.f[p]) for s, p in pairs.items()},
            {s: _rowwise(self.g[p]) for s, p in pairs.items()},
            sampling="aligned",
        )

    def holds(self, prop: Property) -> bool:
        """Exact truth of a property."""
        return prop.holds(self.view())


def scale(c) -> Callable[[Row], Row]:
    """Return the map v ↦ c·v.

    Examples
    --------
    >>> scale("1/2")((3, 4))
    (Fraction(3, 2), Fraction(2, 1))
    """
    return lambda v: tuple(Fraction(c) * a for a in v)


def _affine(c, t) -> Callable[[Row], Row]:
    """Return the map v ↦ c·v + t of numbers."""
    return lambda v: (Fraction(c) * v[0] + Fraction(t),)


def total(z: Row) -> Row:
    """Sum of the entries, as a tuple.

    Examples
    --------
    >>> total((Fraction(1, 2), Fraction(3, 2)))
    (Fraction(2, 1),)
    """
    return (sum(z, Fraction(0)),)


IDENTITY = scale(1)

SPLIT_FEATURES = Model(
    "split features: g(z) = z₁+z₂, f_x(u) = (u,0), f_y(u) = (0,u)",
    rows(1, 2),
    rows(1, 2),
    (lambda v: (v[0], 0), lambda v: (0, v[0])),
    (total, total),
)
REFLECTION = Model(
    "x = y = ±1, y-coders reflected", rows(1, -1), rows(1, -1), (IDENTITY, scale(-1)), (IDENTITY, scale(-1))
)
CODE_REFLECTION = Model(
    "x = ±1, y = −x, identity coders", rows(1, -1), rows(-1, 1), (IDENTITY, IDENTITY), (IDENTITY, IDENTITY)
)
GAUGED_CYCLE = Model(
    "cycle gauge: W_x = 1, D_x = 2, W_y = ½, D_y = 1",
    rows(1, -1),
    rows(1, -1),
    (IDENTITY, scale("1/2")),
    (scale(2), IDENTITY),
)
NO_DECODER = Model("equal codes, wrong decoders", rows(1, -1), rows(1, -1), (IDENTITY, IDENTITY), (scale(2), scale(2)))
COLLAPSED = Model("collapsed codes", rows(1, 2), rows(1, 2), (scale(0), scale(0)), (IDENTITY, IDENTITY))
NON_INJECTIVE_CYCLE = Model(
    "translation through different code scales", rows(1, 2), rows(1, 2), (scale(1), scale(2)), (scale("1/2"), scale(1))
)
UNSEEN = Model(
    "cycle through an unseen point: f_x = 2u, f_y = sign",
    rows(1, -1),
    rows(1, -1),
    (scale(2), lambda v: ((v[0] > 0) - (v[0] < 0),)),
    (scale("1/2"), IDENTITY),
)
MOVED = Model(
    "x = y = ±1, f_x = u, f_y = 2u, g_y = u: TR_xy without REC_y",
    rows(1, -1),
    rows(1, -1),
    (IDENTITY, scale(2)),
    (IDENTITY, IDENTITY),
)
RESCALED_CODES = Model(
    "x = y = ±1, y-codes doubled", rows(1, -1), rows(1, -1), (IDENTITY, scale(2)), (IDENTITY, scale("1/2"))
)


def _unit(z: Row) -> Row:
    return (Fraction(z[0] / abs(z[0])),)


def _foreign_reflected(z: Row) -> Row:
    return z if abs(z[0]) == 1 else (-z[0] / 2,)


FOREIGN_CODES = Model(
    "x = y = ±1, codes u and 2u, g_y = sign, g_x = u on ±1 and −u/2 on ±2",
    rows(1, -1),
    rows(1, -1),
    (IDENTITY, scale(2)),
    (_foreign_reflected, _unit),
)
UNBALANCED = Model(
    "one point twice, codes moved", rows(1, 1, 2), rows(1, 2, 1), (IDENTITY, IDENTITY), (IDENTITY, IDENTITY)
)

NAMED = (
    SPLIT_FEATURES,
    REFLECTION,
    CODE_REFLECTION,
    GAUGED_CYCLE,
    NO_DECODER,
    COLLAPSED,
    NON_INJECTIVE_CYCLE,
    UNSEEN,
    MOVED,
    RESCALED_CODES,
    FOREIGN_CODES,
    UNBALANCED,
)


@cache
def pool() -> tuple[Model, ...]:
    """The named models, then every pair of scalar affine coders on two tiny pairs of streams.

    Examples
    --------
    >>> len(pool()) == len(NAMED) + 2 * 5**4
    True
    """
    maps = {
        "u": _affine(1, 0),
        "−u": _affine(-1, 0),
        "2u": _affine(2, 0),
        "u/2": _affine("1/2", 0),
        "u+1": _affine(1, 1),
    }
    tiny = {"x = y = ±1": (rows(1, -1), rows(1, -1)), "x = (1,2), y = (2,1)": (rows(1, 2), rows(2, 1))}
    found: list[Model] = list(NAMED)
    for (data, (x, y)), choice in product(tiny.items(), product(maps, repeat=4)):
        fx, fy, gx, gy = choice
        name = f"{data}: f_x = {fx}, f_y = {fy}, g_x = {gx}, g_y = {gy}"
        found.append(Model(name, x, y, (maps[fx], maps[fy]), (maps[gx], maps[gy])))
    return tuple(found)


def _readings() -> dict[str, tuple[Property, tuple[tuple[str, str], ...]]]:
    """Names that can be decided: "TR" over all edges, and "TR_xy" on one edge ("REC_y" on one stream)."""
    found = {}
    for p in all_properties():
        if "holds" not in p.readings:
            continue
        edges = tuple(REFLECTION.view().edges(p.what.edges))
        found[p.name] = (p, edges)
        found |= {f"{p.name}_{i if i == j else i + j}": (p, ((i, j),)) for i, j in edges}
    return found


@cache
def _column(prop: Property, edges: tuple[tuple[str, str], ...]) -> tuple[bool, ...]:
    """Truth of a property on the whole pool; the key is the property itself, so a new one is decided by itself."""
    return tuple(all(prop.level.holds(prop.what, view, i, j) for i, j in edges) for view in _views())


@cache
def _views() -> tuple[View, ...]:
    return tuple(model.view() for model in pool())


def refute(premises: Sequence[str], conclusion: str) -> Model | None:
    """First model of the pool where the premises hold and the conclusion fails, if there is one.

    Examples
    --------
    >>> refute(["TR", "REC"], "CC").name
    'split features: g(z) = z₁+z₂, f_x(u) = (u,0), f_y(u) = (0,u)'
    >>> refute(["TR"], "CYC") is None
    True
    """
    readings = _readings()
    columns = [_column(*readings[name]) for name in (*premises, conclusion)]
    for model, *truth, concluded in zip(pool(), *columns, strict=True):
        if all(truth) and not concluded:
            return model
    return None


def injective(model: Model, target: str, streams: str) -> bool:
    """Exact: no two different codes of the given streams have the same image under the target's decoder.

    Examples
    --------
    >>> injective(SPLIT_FEATURES, "y", "x"), injective(SPLIT_FEATURES, "y", "xy")
    (True, False)
    """
    view = model.view()
    codes = {tuple(z) for s in streams for z in view.code(s).tolist()}
    return len({tuple(view.decode(target, rows(z))[0]) for z in codes}) == len(codes)


def gap(model: Model, name: str) -> Fraction:
    """How far a property fails, exactly: the level's own ``gap`` if it has one, else its loss.

    Examples
    --------
    >>> gap(SPLIT_FEATURES, "TR"), gap(REFLECTION, "CC")
    (Fraction(0, 1), Fraction(4, 1))
    """
    prop, edges = _readings()[name]
    view, measure = model.view(), getattr(prop.level, "gap", prop.level.loss)
    return sum((Fraction(measure(prop.what, view, i, j)) for i, j in edges), Fraction(0))


def counterexample(
    premises: Sequence[str], conclusion: str, model: Model | None = None, also: Mapping[str, bool] | None = None
) -> Counterexample:
    """Counterexample record to premises ⇒ conclusion, on the given model or the first of the pool.

    Parameters
    ----------
    premises, conclusion
        Names of properties, on all edges ("TR") or on one ("TR_xy", "REC_y").
    model
        By default the first model of the pool that refutes the implication.
    also
        Further exact hypotheses, computed by the caller.

    Raises
    ------
    LookupError
        When no model of the pool refutes it.

    Examples
    --------
    >>> found = counterexample(["TR", "REC"], "CC")
    >>> found.passed, found.hypotheses, found.conclusion
    (True, {'TR': True, 'REC': True}, {'CC': False})
    """
    model = model or refute(premises, conclusion)
    if model is None:
        raise LookupError(f"no model of the pool refutes {' ∧ '.join(premises)} ⇒ {conclusion}")
    view, readings = model.view(), _readings()

    def true(name: str) -> bool:
        prop, edges = readings[name]
        return all(prop.level.holds(prop.what, view, i, j) for i, j in edges)

    hypotheses = {p: true(p) for p in premises} | dict(also or {})
    return Counterexample(model.name, hypotheses, {conclusion: true(conclusion)}, gap(model, conclusion))


def mutant(
    operation: str,
    text: str,
    proved: bool,
    premises: Sequence[str],
    conclusion: str,
    model: Model | None = None,
    also: Mapping[str, bool] | None = None,
) -> Mutant:
    """Judge a variant of an implication between properties by an exact model.

    Parameters
    ----------
    operation, text
        As in :class:`Mutant`.
    proved
        Whether the engine proves the variant.
    premises, conclusion, model, also
        As in :func:`counterexample`; the violation is the exact margin, in hundredths, 0 without a countermodel.

    Examples
    --------
    >>> mutant("drop", "TR ⇒ CC", False, ["TR"], "CC").killed
    True
    """
    try:
        found = counterexample(premises, conclusion, model, also)
    except LookupError:
        return Mutant(operation, text, proved, 0.0)
    return Mutant(operation, text, proved, float(found.margin * 100) if found.passed else 0.0)
