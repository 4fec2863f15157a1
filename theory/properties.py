"""A property is WHAT × LEVEL: two things that should agree, and how agreement is asked for.

Each WHAT is written once, against a view; the same lines then run on NumPy and torch arrays, on exact
fractions, on typed words and on z3 terms (Section 3 and Figures 2–4 of the paper).
"""

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from theory.levels import Distribution, Instance, Level, UndefinedError
from theory.whats import CC, CONCEPT, CYC, ORDERED, REC, REPRESENTATION, SELF, TR, UNORDERED, What

__all__ = [
    "CC",
    "CONCEPT",
    "CYC",
    "LEVELS",
    "ORDERED",
    "REC",
    "REPRESENTATION",
    "SELF",
    "TR",
    "UNORDERED",
    "WHATS",
    "Distribution",
    "Instance",
    "Level",
    "Property",
    "UndefinedError",
    "What",
    "all_properties",
    "load_plugins",
    "property_named",
    "register",
    "registered",
]


READINGS = ("loss", "holds", "residual", "formula")


@dataclass(frozen=True)
class Property:
    """A WHAT asked for at a LEVEL; its readings sum (or conjoin) over the edges of the view.

    Examples
    --------
    >>> from theory.view import View
    >>> import numpy as np
    >>> x = np.array([[1.0], [-1.0]])
    >>> view = View({"x": x, "y": -x}, {s: lambda a: a for s in "xy"}, {s: lambda z: z for s in "xy"})
    >>> float(Property(TR, Instance()).loss(view)), Property(TR, Distribution()).holds(view)
    (8.0, True)
    """

    what: What
    level: Any  # a Level, with whichever readings it defines

    @property
    def name(self) -> str:
        """Name used everywhere: "TR" at the instance level, "dTR" in distribution."""
        return self.level.prefix + self.what.name

    @property
    def readings(self) -> tuple[str, ...]:
        """The readings that exist, among loss, holds, residual and formula."""
        return tuple(r for r in READINGS if hasattr(self.level, r))

    @property
    def invariant(self) -> frozenset[str]:
        """Transformations under which the loss is declared unchanged."""
        return (self.what.invariant | self.level.adds) - self.level.breaks.get(self.what.space, frozenset())

    def loss(self, view):
        """Sum over the edges, differentiable where the arrays are."""
        return sum(self._read("loss", view).values())

    def holds(self, view) -> bool:
        """Exact truth on a finite model."""
        return all(self._read("holds", view).values())

    def residual(self, view) -> dict[tuple[str, str], Any]:
        """Difference of the sides, per edge."""
        return self._read("residual", view)

    def formula(self, view) -> dict[tuple[str, str], Any]:
        """Formula per edge."""
        return self._read("formula", view)

    def _read(self, reading: str, view) -> dict[tuple[str, str], Any]:
        if reading not in self.readings:
            raise UndefinedError(f"{self.name} has no reading {reading!r}, only {', '.join(self.readings)}")
        read = getattr(self.level, reading)
        return {(i, j): read(self.what, view, i, j) for i, j in view.edges(self.what.edges)}


WHATS: dict[str, What] = {}
LEVELS: dict[str, Level] = {}


def register(*items) -> None:
    """Add WHATs and LEVELs to the tables from which every product is built by name.

    Parameters
    ----------
    items
        ``What`` records, or instances of a ``Level``.

    Raises
    ------
    TypeError
        When an item is neither; nothing is registered then.
    ValueError
        When a name is taken by something else, or an item lacks what it needs: its name or prefix, a space, edges and
        sides, a reading. Nothing is registered then.

    Examples
    --------
    >>> register(TR)            # registering the same thing again changes nothing
    >>> property_named("dTR").readings
    ('loss', 'holds', 'formula')
    """
    whats, levels = dict(WHATS), dict(LEVELS)
    for item in items:
        if not isinstance(item, What | Level):
            raise TypeError(f"{item!r} is neither a What nor a Level; register records or instances, not classes")
        _complete(item)
        if isinstance(item, What):
            known, key = whats.setdefault(item.name, item), item.name
        else:
            known, key = levels.setdefault(item.prefix, item), item.prefix
        if known != item:
            kind = "name of another what" if isinstance(item, What) else "prefix of another level"
            raise ValueError(f"{key!r} is the {kind}, {type(known).__name__}; choose another one for {item!r}")
    names = [level.prefix + what.name for level in levels.values() for what in whats.values()]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise ValueError(f"{', '.join(twice)} would name two different properties; choose another name or prefix")
    WHATS.update(whats)
    LEVELS.update(levels)


def _complete(item: What | Level) -> None:
    """Raise a ValueError that says what the item lacks."""
    if isinstance(item, What):
        needs = {
            "a name such as 'TR'": item.name.isidentifier(),
            f"the space {REPRESENTATION!r} or {CONCEPT!r}": item.space in (REPRESENTATION, CONCEPT),
            f"edges {SELF!r}, {ORDERED!r} or {UNORDERED!r}": item.edges in (SELF, ORDERED, UNORDERED),
            "sides, a function (view, i, j) → the two things that should agree": callable(item.sides),
        }
    else:
        needs = {
            "a prefix such as 'd' (only the instance level has none)": item.prefix or isinstance(item, Instance),
            f"a reading: define {', '.join(READINGS)}, or some of them": any(hasattr(item, r) for r in READINGS),
            "metric_name, what its metric is called": not hasattr(item, "metric") or item.metric_name != "loss",
        }
    if missing := [text for text, there in needs.items() if not there]:
        raise ValueError(f"{getattr(item, 'name', type(item).__name__)!r} lacks {'; and '.join(missing)}")


@contextmanager
def registered(*items):
    """Register items for the length of a ``with`` block, as notebooks and tests do.

    Examples
    --------
    >>> with registered(What("RAW", REPRESENTATION, UNORDERED, lambda v, i, j: (v.x(i), v.x(j)), crosses=True)):
    ...     property_named("dRAW").name
    'dRAW'
    >>> "RAW" in WHATS
    False
    """
    whats, levels = dict(WHATS), dict(LEVELS)
    register(*items)
    try:
        yield
    finally:
        for name in WHATS.keys() - whats:
            del WHATS[name]
        for prefix in LEVELS.keys() - levels:
            del LEVELS[prefix]


def load_plugins() -> None:
    """Register what installed packages offer under the entry point group ``concept_alignment.plugins``.

    An entry point names a WHAT, a LEVEL, several of them, or a module that registers what it has when imported: by
    :func:`register`, ``nonlinear.systems.register_system`` or ``proofs_check.ledger.register_claim``.

    Raises
    ------
    ValueError
        When one cannot be imported or registered: its name, and what went wrong.

    Examples
    --------
    >>> load_plugins()
    """
    for point in entry_points(group="concept_alignment.plugins"):
        try:
            found = point.load()
            if not isinstance(found, ModuleType):
                register(*(found if isinstance(found, Iterable) else (found,)))
        except Exception as error:  # whatever a stranger's module raises
            why = f"{type(error).__name__}: {error}"
            raise ValueError(f"the plug-in {point.value} cannot be loaded: {why}") from error


def all_properties() -> list[Property]:
    """Every WHAT at every LEVEL, instance level first.

    Examples
    --------
    >>> [p.name for p in all_properties()][:4]
    ['REC', 'CYC', 'TR', 'CC']
    """
    return [Property(what, level) for level in LEVELS.values() for what in WHATS.values()]


def property_named(name: str) -> Property:
    """Property by name, as in "TR" or "dCC".

    Raises
    ------
    KeyError
        One line with the known names.

    Examples
    --------
    >>> property_named("dCC").what.space
    'concept'
    """
    known = {p.name: p for p in all_properties()}
    if name not in known:
        raise KeyError(f"unknown property {name!r}; known: {', '.join(known)}")
    return known[name]


register(REC, CYC, TR, CC, Instance(), Distribution())
