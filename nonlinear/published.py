"""Levels that published systems train on: the same agreements, measured otherwise.

They are known by name to every configuration ("nTR", "cCC") and are not part of the tables of `theory.properties`.
"""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, ClassVar

from array_api_compat import array_namespace

from theory.properties import CC, CYC, REC, TR, Level, Property, property_named


@dataclass(frozen=True)
class Relative(Level):
    """Squared error of each matched row over its squared norm (SPARC's nMSE); a row of zeros counts its error alone.

    Examples
    --------
    >>> import numpy as np
    >>> from theory.view import View
    >>> view = View({"x": np.array([[2.0]])}, {"x": lambda x: x}, {"x": lambda z: z / 2})
    >>> float(Property(REC, Relative()).loss(view))
    0.25
    """

    prefix: str = "n"
    sparse: ClassVar = True  # of representations, which are arrays whatever their codes are

    def loss(self, what, view, i, j):
        """Mean over matched rows."""
        a, b = view.paired(what, i, j)
        xp = array_namespace(a, b)
        size = xp.sum(b**2, axis=1)
        return xp.sum(xp.sum((a - b) ** 2, axis=1) / xp.where(size > 0, size, xp.ones_like(size))) / max(b.shape[0], 1)


@singledispatch
def masked_cosine(a: Any, b: Any) -> Any:
    """Cosine of each pair of rows [n] after the largest coordinate of either side is set to 0 in both.

    Two rows of which one is zero have cosine 0. Sparse codes register a form of their own by the type of ``a``.

    Examples
    --------
    >>> import numpy as np
    >>> masked_cosine(np.array([[3.0, 1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 2.0, 1.0]])).round(6).tolist()
    [1.0]
    """
    xp = array_namespace(a, b)
    atoms = xp.arange(a.shape[1], device=getattr(a, "device", None))
    top = [(atoms[None, :] == xp.argmax(z, axis=1)[:, None]) & (z != 0) for z in (a, b)]
    kept = xp.astype(~(top[0] | top[1]), a.dtype)
    a, b = a * kept, b * kept
    squares = xp.sum(a**2, axis=1) * xp.sum(b**2, axis=1)
    return xp.sum(a * b, axis=1) / xp.sqrt(xp.where(squares > 0, squares, xp.ones_like(squares)))


@dataclass(frozen=True)
class MaskedCosine(Level):
    """One minus the mean :func:`masked_cosine` of matched rows, 0 where none is: the alignment penalty of SAE-A.

    Examples
    --------
    >>> import numpy as np
    >>> from theory.view import View
    >>> same = View({s: np.array([[3.0, 1.0, 2.0]]) for s in "xy"}, {s: lambda x: x for s in "xy"}, {})
    >>> float(Property(CC, MaskedCosine()).loss(same))
    0.0
    """

    prefix: str = "c"
    sparse: ClassVar = True

    def loss(self, what, view, i, j):
        """Mean over matched rows."""
        a, b = view.paired(what, i, j)
        cosines = masked_cosine(a, b)
        return (a.shape[0] - cosines.sum()) / max(a.shape[0], 1)


PUBLISHED = {p.name: p for p in [Property(w, Relative()) for w in (REC, CYC, TR)] + [Property(CC, MaskedCosine())]}


def trainable(name: str) -> Property:
    """Property by name: the registered ones, and those of published systems.

    Raises
    ------
    KeyError
        One line with the known names.

    Examples
    --------
    >>> trainable("nTR").name, trainable("dCC").name
    ('nTR', 'dCC')
    """
    if name in PUBLISHED:
        return PUBLISHED[name]
    try:
        return property_named(name)
    except KeyError as error:
        raise KeyError(f"{error.args[0]}; and {', '.join(PUBLISHED)}") from None
