"""What is known about evaluated rows from elsewhere: their classes, and the atoms and codes that made them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nonlinear.data import Rows


class Annotations:
    """Labels and truth, one array per stream.

    Parameters
    ----------
    sources
        Stream → rows.
    ids, labels, truth
        As in :func:`nonlinear.evaluate.evaluate`.

    Attributes
    ----------
    labels, codes, atoms
        Stream → array; None where nothing is known.

    Raises
    ------
    ValueError
        A stream without its part, not one entry per row, atoms of another width, or one array for streams with ids.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> known = Annotations({s: Array(np.eye(3)) for s in "xy"}, None, labels=[2, 0, 1], truth=None)
    >>> known.labels["y"].tolist(), known.codes
    ([2, 0, 1], None)
    """

    def __init__(
        self,
        sources: Mapping[str, Rows],
        ids: Mapping[str, np.ndarray] | None = None,
        labels: Any = None,
        truth: Mapping[str, Any] | None = None,
    ):
        truth = truth or {}
        if unknown := truth.keys() - {"atoms", "codes"}:
            raise ValueError(f"truth has the unknown part {min(unknown)!r}; give atoms, codes or both")
        self._sources, self._has_ids = sources, ids is not None
        self.labels = self._per_row(labels, "labels")
        self.codes = self._per_row(truth.get("codes"), "true codes")
        self.atoms = self._atoms(truth.get("atoms"))
        for s, codes in (self.codes or {}).items():
            if codes.ndim != 2 or codes.dtype.kind not in "biuf" or not np.isfinite(codes).all():
                raise ValueError(f"the true codes of {s!r} are no finite numbers, rows × atoms")
            if self.atoms is not None and len(self.atoms[s]) != codes.shape[1]:
                raise ValueError(
                    f"{s!r} has {len(self.atoms[s])} true atoms and codes of {codes.shape[1]}; give one each"
                )

    def _per_row(self, values: Any, what: str) -> dict[str, np.ndarray] | None:
        if values is None:
            return None
        if not isinstance(values, Mapping):
            if self._has_ids:
                raise ValueError(f"with ids the {what} need one array per stream, in the order of its rows")
            values = dict.fromkeys(self._sources, np.asarray(values))
        found = {}
        for s, rows in self._sources.items():
            if s not in values:
                raise ValueError(f"stream {s!r} has no {what}; give them for every stream")
            found[s] = np.asarray(values[s])
            if not found[s].ndim or len(found[s]) != len(rows):
                raise ValueError(
                    f"stream {s!r} has {len(rows)} rows and {what} of shape {found[s].shape}; give one entry per row"
                )
        return found

    def _atoms(self, values: Mapping[str, Any] | None) -> dict[str, np.ndarray] | None:
        if values is None:
            return None
        found = {}
        for s, rows in self._sources.items():
            found[s] = np.asarray(values[s] if s in values else (), dtype=np.float64)
            if found[s].shape[1:] != (rows.dim,) or not len(found[s]) or not np.isfinite(found[s]).all():
                raise ValueError(f"the true atoms of {s!r} are no finite numbers, K × {rows.dim}; give them per stream")
        return found
