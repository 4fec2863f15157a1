"""A property is WHAT × LEVEL: two things that should agree, and how agreement is asked for.

Each WHAT is written once, against a view; the same lines then run on NumPy and torch arrays, on exact
fractions, on typed words and on z3 terms. See mathematics of the paper, Section 3, Figures 2–4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from theory import discrepancy

REPRESENTATION, CONCEPT = "representation", "concept"
SELF, ORDERED, UNORDERED = "self", "ordered", "unordered"


class UndefinedError(ValueError):
    """The level cannot compare the two sides, for instance because their widths differ."""


@dataclass(frozen=True)
class What:
    """A pair of things that should agree.

    Parameters
    ----------
    name
        Short name, upper case in the paper ("TR").
    space
        Where both sides live: "representation" or "concept".
    edges
        "self" (one stream), "ordered" (i → j) or "unordered" (i < j) pairs of streams.
    sides
        ``sides(view, i, j)`` returns the two sides, asking the view for ``x``, ``code``, ``encode``, ``decode`` only.
    crosses
        Whether the second side shows stream j (then matched points are needed at the instance level).
    invariant
        Names of the transformations (``proofs_check.contract.TRANSFORMATIONS``) that leave the instance loss unchanged;
        all others are declared to change it.
    text
        One line for tables.
    member
        Optional ``member(rng) -> View`` on which the property holds; the default is a set of noise-free coders.

    Examples
    --------
    >>> TR.space, TR.edges, TR.crosses
    ('representation', 'ordered', True)
    """

    name: str
    space: str
    edges: str
    sides: Callable[[Any, str, str], tuple[Any, Any]]
    crosses: bool
    invariant: frozenset[str] = frozenset()
    text: str = ""
    member: Callable[[np.random.Generator], Any] | None = None


@dataclass(frozen=True)
class Instance:
    """Agreement for almost every point: mean over matched rows of the squared norm of the difference, (3)–(6)."""

    prefix: str = ""
    adds: frozenset[str] = frozenset()
    breaks: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def loss(self, what: What, view, i: str, j: str):
        """Mean over matched rows of the squared norm, 0 where no row is matched."""
        a, b = view.paired(what, i, j)
        _comparable(what, a, b)
        return array_namespace(a, b).sum((a - b) ** 2) / max(a.shape[0], 1)

    def holds(self, what: What, view, i: str, j: str) -> bool:
        """Exact equality at every matched point."""
        a, b = view.paired(what, i, j)
        return a.shape[1:] == b.shape[1:] and bool((a == b).all())

    def residual(self, what: What, view, i: str, j: str):
        """Difference of the two sides: a word of the algebra, or a matrix."""
        a, b = what.sides(view, i, j)
        return a - b

    def formula(self, what: What, view, i: str, j: str):
        """First-order formula of the agreement, built by the view."""
        return view.everywhere(*what.sides(view, i, j))


@dataclass(frozen=True)
class Distribution:
    """Equal laws: sliced distance of empirical characteristic functions, (23)–(25).

    Random slices in representation space; in concept space the axes of the atoms active on either side.

    Parameters
    ----------
    n_slices
        Random unit directions, drawn by the view.
    grid
        Nodes and weights of the t-integral.
    unbiased
        Use the unbiased estimate, which may be negative.
    """

    n_slices: int = 256
    grid: discrepancy.TGrid = field(default_factory=discrepancy.t_grid)
    unbiased: bool = False
    prefix: str = "d"
    adds: frozenset[str] = frozenset({"pairing"})
    # Finitely many slices, or the coordinate axes, single out directions.
    breaks: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {
            REPRESENTATION: frozenset({"rotation of a representation"}),
            CONCEPT: frozenset({"rotation of the codes"}),
        }
    )

    def loss(self, what: What, view, i: str, j: str):
        """Sliced ECF distance between the two samples; it never sees which rows are matched."""
        a, b = view.samples(what, i, j)
        _comparable(what, a, b)
        if what.space == CONCEPT:
            return discrepancy.canonical_ecf(a, b, self.grid, self.unbiased)
        slices = view.slices(a.shape[1], self.n_slices)
        xp = array_namespace(a, b)
        slices = xp.asarray(slices, dtype=a.dtype, device=getattr(a, "device", None))
        return discrepancy.sliced_ecf(a, b, slices, self.grid, self.unbiased)

    def holds(self, what: What, view, i: str, j: str) -> bool:
        """Equality of the multisets of rows: the laws of uniformly weighted finite models."""
        a, b = what.sides(view, i, j)
        return sorted(map(tuple, a.tolist())) == sorted(map(tuple, b.tolist()))

    def formula(self, what: What, view, i: str, j: str):
        """Equality of the pushforward measures on every measurable set, built by the view."""
        return view.same_law(*what.sides(view, i, j))


def _comparable(what: What, a, b) -> None:
    if a.shape[1:] != b.shape[1:]:
        raise UndefinedError(
            f"{what.name}: the two sides live in spaces of width {a.shape[1]} and {b.shape[1]}, which this level "
            "cannot compare; use a level that compares Gram matrices, or maps into a common space"
        )


@dataclass(frozen=True)
class Property:
    """A WHAT asked for at a LEVEL; its readings sum (or conjoin) over the edges of the view.

    Examples
    --------
    >>> from theory.view import View
    >>> x = np.array([[1.0], [-1.0]])
    >>> view = View({"x": x, "y": -x}, {s: lambda a: a for s in "xy"}, {s: lambda z: z for s in "xy"})
    >>> float(Property(TR, Instance()).loss(view)), Property(TR, Distribution()).holds(view)
    (8.0, True)
    """

    what: What
    level: Any

    @property
    def name(self) -> str:
        """Name used everywhere: "TR" at the instance level, "dTR" in distribution."""
        return self.level.prefix + self.what.name

    @property
    def readings(self) -> tuple[str, ...]:
        """The readings that exist, among loss, holds, residual and formula."""
        return tuple(r for r in ("loss", "holds", "residual", "formula") if hasattr(self.level, r))

    @property
    def invariant(self) -> frozenset[str]:
        """Transformations under which the loss is declared unchanged."""
        return (self.what.invariant | self.level.adds) - self.level.breaks.get(self.what.space, frozenset())

    def loss(self, view):
        """Sum over the edges, differentiable where the arrays are."""
        return sum(self.level.loss(self.what, view, i, j) for i, j in view.edges(self.what.edges))

    def holds(self, view) -> bool:
        """Exact truth on a finite model."""
        return all(self.level.holds(self.what, view, i, j) for i, j in view.edges(self.what.edges))

    def residual(self, view) -> dict[tuple[str, str], Any]:
        """Difference of the sides, per edge."""
        return {(i, j): self.level.residual(self.what, view, i, j) for i, j in view.edges(self.what.edges)}

    def formula(self, view) -> dict[tuple[str, str], Any]:
        """Formula per edge."""
        return {(i, j): self.level.formula(self.what, view, i, j) for i, j in view.edges(self.what.edges)}


_GAUGE = frozenset({"order of the points", "rotation of a representation", "rotation of the codes", "change of basis"})

REC = What(
    "REC",
    REPRESENTATION,
    SELF,
    lambda v, i, j: (v.decode(i, v.code(i)), v.x(i)),
    crosses=False,
    invariant=_GAUGE | {"pairing", "one stream's basis"},
    text="reconstruction: g_i f_i(x_i) = x_i",
)
CYC = What(
    "CYC",
    REPRESENTATION,
    ORDERED,
    lambda v, i, j: (v.decode(i, v.encode(j, v.decode(j, v.code(i)))), v.x(i)),
    crosses=False,
    invariant=_GAUGE | {"pairing"},
    text="full cycle: g_i f_j g_j f_i(x_i) = x_i",
)
TR = What(
    "TR",
    REPRESENTATION,
    ORDERED,
    lambda v, i, j: (v.decode(j, v.code(i)), v.x(j)),
    crosses=True,
    invariant=_GAUGE,
    text="translation: g_j f_i(x_i) = x_j",
)
CC = What(
    "CC",
    CONCEPT,
    UNORDERED,
    lambda v, i, j: (v.code(i), v.code(j)),
    crosses=True,
    invariant=_GAUGE - {"change of basis"},
    text="concept consistency: f_i(x_i) = f_j(x_j)",
)

WHATS: dict[str, What] = {}
LEVELS: dict[str, Any] = {}


def register(*items) -> None:
    """Add WHATs and LEVELs to the tables from which every product is built by name.

    Parameters
    ----------
    items
        ``What`` records, or level instances (objects with a ``prefix`` and some of the readings).

    Raises
    ------
    ValueError
        When the name or the prefix is taken by something else.

    Examples
    --------
    >>> register(TR)            # registering the same thing again changes nothing
    >>> property_named("dTR").readings
    ('loss', 'holds', 'formula')
    """
    for item in items:
        table, key = (WHATS, item.name) if isinstance(item, What) else (LEVELS, item.prefix)
        if table.setdefault(key, item) != item:
            raise ValueError(f"the name {key!r} is taken by another what or level; choose another one")


def load_plugins() -> None:
    """Register what installed packages offer under the entry point group ``concept_alignment.properties``."""
    for point in entry_points(group="concept_alignment.properties"):
        register(*point.load())


def all_properties() -> list[Property]:
    """Every WHAT at every LEVEL, instance level first."""
    return [Property(what, level) for level in LEVELS.values() for what in WHATS.values()]


def property_named(name: str) -> Property:
    """Property by name, as in "TR" or "dCC".

    Raises
    ------
    KeyError
        One line with the known names.
    """
    known = {p.name: p for p in all_properties()}
    if name not in known:
        raise KeyError(f"unknown property {name!r}; known: {', '.join(known)}")
    return known[name]


register(REC, CYC, TR, CC, Instance(), Distribution())
