"""WHAT: the pairs of things that should agree, each written once against a view."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

REPRESENTATION, CONCEPT = "representation", "concept"
SELF, ORDERED, UNORDERED = "self", "ordered", "unordered"


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
        Optional ``member(rng) -> View`` on which the property holds, of NumPy arrays and of coders that accept arrays
        of any namespace; the default is a pair of streams with a common code and noise-free coders.
    sparse
        The sides only decode codes or return them, so that codes may be sparse instead of arrays.

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
    sparse: bool = False


_GAUGE = frozenset({"order of the points", "rotation of a representation", "rotation of the codes", "change of basis"})

REC = What(
    "REC",
    REPRESENTATION,
    SELF,
    lambda v, i, j: (v.decode(i, v.code(i)), v.x(i)),
    crosses=False,
    invariant=_GAUGE | {"pairing", "one stream's basis"},
    text="reconstruction: g_i f_i(x_i) = x_i",
    sparse=True,
)
CYC = What(
    "CYC",
    REPRESENTATION,
    ORDERED,
    lambda v, i, j: (v.decode(i, v.encode(j, v.decode(j, v.code(i)))), v.x(i)),
    crosses=False,
    invariant=_GAUGE | {"pairing"},
    text="full cycle: g_i f_j g_j f_i(x_i) = x_i",
    sparse=True,
)
TR = What(
    "TR",
    REPRESENTATION,
    ORDERED,
    lambda v, i, j: (v.decode(j, v.code(i)), v.x(j)),
    crosses=True,
    invariant=_GAUGE,
    text="translation: g_j f_i(x_i) = x_j",
    sparse=True,
)
CC = What(
    "CC",
    CONCEPT,
    UNORDERED,
    lambda v, i, j: (v.code(i), v.code(j)),
    crosses=True,
    invariant=_GAUGE - {"change of basis"},
    text="concept consistency: f_i(x_i) = f_j(x_j)",
    sparse=True,
)
