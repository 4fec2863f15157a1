"""A level: at every point the same coordinates of both sides fire, however strongly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from array_api_compat import array_namespace

from theory.levels import Level, UndefinedError
from theory.whats import CONCEPT, REPRESENTATION


@dataclass(frozen=True)
class SameSupport(Level):
    """Equal sets {c : z_c > 0} at every matched point."""

    prefix: str = "s"
    metric_name: str = "support Jaccard"

    # Supports are about axes.
    breaks: ClassVar[Mapping[str, frozenset[str]]] = {
        REPRESENTATION: frozenset({"rotation of a representation"}),
        CONCEPT: frozenset({"rotation of the codes"}),
    }

    def loss(self, what, view, i, j):
        """Mean over matched rows of the squares that fire on one side only."""
        a, b = self._sides(what, view, i, j)
        xp = array_namespace(a, b)
        alone = xp.where((a > 0) & (b <= 0), a**2, xp.zeros_like(a)) + xp.where(
            (b > 0) & (a <= 0), b**2, xp.zeros_like(b)
        )
        return xp.sum(alone) / max(a.shape[0], 1)

    def holds(self, what, view, i, j):
        """Equal supports at every matched point."""
        a, b = view.paired(what, i, j)
        return a.shape == b.shape and bool(((a > 0) == (b > 0)).all())

    def metric(self, what, view, i, j):
        """Mean over the rows where something fires of (both fire)/(either fires)."""
        a, b = (side > 0 for side in self._sides(what, view, i, j))
        both, either = (a & b).sum(1), (a | b).sum(1)
        if not bool((either > 0).any()):
            raise UndefinedError("nothing fires on matched rows")
        return float((both[either > 0] / either[either > 0]).mean())

    def _sides(self, what, view, i, j):
        a, b = view.paired(what, i, j)
        if a.shape[1:] != b.shape[1:]:
            raise UndefinedError(f"{what.name}: sides of widths {a.shape[1]} and {b.shape[1]} have no common axes")
        return a, b


SAME_SUPPORT = SameSupport()
