"""LEVEL: how agreement is asked for, at every point or in distribution."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import singledispatch
from typing import Any, ClassVar

from array_api_compat import array_namespace

from theory import discrepancy
from theory.whats import CONCEPT, REPRESENTATION, What


class UndefinedError(ValueError):
    """The level cannot compare the two sides, for instance because their widths differ.

    Examples
    --------
    >>> issubclass(UndefinedError, ValueError)
    True
    """


@singledispatch
def squared_distance(a: Any, b: Any) -> Any:
    """Sum over rows and coordinates of (a − b)²; sparse codes register a form of their own by the type of ``a``.

    Examples
    --------
    >>> import numpy as np
    >>> float(squared_distance(np.eye(2), np.zeros((2, 2))))
    2.0
    """
    return array_namespace(a, b).sum((a - b) ** 2)


class Level:
    """How agreement is asked for: a base with defaults, to which a level adds the readings that exist for it.

    The readings are methods ``(what, view, i, j)`` for one edge: ``loss`` (arrays of any namespace, differentiable,
    0 where the property holds), ``holds`` (exact truth on a finite model), ``residual`` (words or matrices) and
    ``formula`` (z3). A reading that a level does not define is absent. ``gap`` may say how far a property fails on a
    finite model, as a fraction, where the loss is no exact measure of it. ``metric``, of the same arguments, is the
    number that people read instead of the loss (linear CKA, a Jaccard index); ``evaluate`` reports it.

    Attributes
    ----------
    prefix
        Put before the name of the WHAT: "d" makes "dTR".
    metric_name, best
        What the metric is called, and its value where the property holds.
    adds
        Transformations that leave the loss unchanged at this level, whatever the WHAT.
    breaks
        Space → transformations that change the loss at this level although the instance loss is invariant.
    marginal
        Spaces whose coordinates the loss compares one by one; there a zero loss does not imply ``holds`` (eq. 25).
    unbiased
        The loss estimates its limit without bias instead of being 0 on members; it may be negative.
    sparse
        The loss also takes sparse codes, which have ``shape``, ``dtype`` and rows by index but no arithmetic.

    Examples
    --------
    >>> from theory.properties import TR, Property
    >>> class Mean(Level):
    ...     prefix = "m"
    ...
    ...     def loss(self, what, view, i, j):
    ...         a, b = view.samples(what, i, j)
    ...         return ((a.mean(0) - b.mean(0)) ** 2).sum()
    >>> Property(TR, Mean()).name, Property(TR, Mean()).readings
    ('mTR', ('loss',))
    """

    prefix: str = ""
    metric_name: str = "loss"
    best: float = 1.0
    adds: frozenset[str] = frozenset()
    breaks: Mapping[str, frozenset[str]] = {}
    marginal: frozenset[str] = frozenset()
    unbiased: bool = False
    sparse: bool = False


@dataclass(frozen=True)
class Instance(Level):
    """Agreement for almost every point: mean over matched rows of the squared norm of the difference, (3)–(6).

    Examples
    --------
    >>> from theory.view import View
    >>> from theory.whats import CC
    >>> import numpy as np
    >>> view = View({"x": np.zeros((2, 1)), "y": np.ones((2, 1))}, {s: lambda a: a for s in "xy"}, {})
    >>> float(Instance().loss(CC, view, "x", "y")), Instance().holds(CC, view, "x", "y")
    (1.0, False)
    """

    sparse = True

    def loss(self, what: What, view, i: str, j: str):
        """Mean over matched rows of the squared norm, 0 where no row is matched."""
        a, b = view.paired(what, i, j)
        _comparable(what, a, b)
        return squared_distance(a, b) / max(a.shape[0], 1)

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
class Distribution(Level):
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
    prefix
        Another one lets a variant stand beside the default.

    Examples
    --------
    >>> from theory.view import View
    >>> from theory.whats import CC
    >>> import numpy as np
    >>> x = np.array([[1.0], [-1.0]])
    >>> view = View({"x": x, "y": -x}, {s: lambda a: a for s in "xy"}, {}, sampling="aligned")
    >>> Distribution().holds(CC, view, "x", "y"), round(float(Distribution().loss(CC, view, "x", "y")), 12)
    (True, 0.0)
    """

    n_slices: int = 256
    grid: discrepancy.TGrid = field(default_factory=discrepancy.t_grid)
    unbiased: bool = False
    prefix: str = "d"

    adds = frozenset({"pairing"})
    # Finitely many slices, or the coordinate axes, single out directions.
    breaks: ClassVar = {
        REPRESENTATION: frozenset({"rotation of a representation"}),
        CONCEPT: frozenset({"rotation of the codes"}),
    }
    marginal = frozenset({CONCEPT})
    sparse = True

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
        """Equality of the laws that give every row the same weight."""
        a, b = what.sides(view, i, j)
        return _law(a) == _law(b)

    def gap(self, what: What, view, i: str, j: str) -> Fraction:
        """Total variation distance of the two laws: 0 iff the property holds, where the loss may not see it."""
        a, b = (_law(side) for side in what.sides(view, i, j))
        return sum((max(a.get(row, Fraction(0)) - b.get(row, Fraction(0)), Fraction(0)) for row in a), Fraction(0))

    def formula(self, what: What, view, i: str, j: str):
        """Equality of the pushforward measures on every measurable set, built by the view."""
        return view.same_law(*what.sides(view, i, j))


def _law(x) -> dict[tuple, Fraction]:
    return {row: Fraction(count, len(x)) for row, count in Counter(map(tuple, x.tolist())).items()}


def _comparable(what: What, a, b) -> None:
    if a.shape[1:] != b.shape[1:]:
        raise UndefinedError(
            f"{what.name}: the two sides live in spaces of width {a.shape[1]} and {b.shape[1]}, which this level "
            "cannot compare; use a level that compares Gram matrices, or maps into a common space"
        )
