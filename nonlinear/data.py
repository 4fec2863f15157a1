"""Streams of rows: in memory or read from disk batch by batch, normalised the same way everywhere."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch

NORMALISATIONS = ("variance", "unit", "none")
BLOCK = 4096
# Rows from which the mean and the scale of a larger stream are estimated.
ENOUGH = 200_000


class Rows(Protocol):
    """Rows of one stream, wherever they are kept.

    Examples
    --------
    >>> rows: Rows = Array(np.eye(3), "x")
    >>> rows.name, len(rows), rows.dim
    ('x', 3, 3)
    """

    name: str

    def __len__(self) -> int: ...

    @property
    def dim(self) -> int:
        """Number of columns."""
        ...

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the given rows, finite real numbers [len(rows), dim]."""
        ...


class Array:
    """An array in memory as a stream.

    Raises
    ------
    ValueError
        Not two-dimensional and real, or with NaN or infinite values.

    Examples
    --------
    >>> Array(np.eye(3), "x").take(np.array([2, 0]))[:, 0].tolist()
    [0.0, 1.0]
    """

    def __init__(self, array: np.ndarray, name: str = "the array"):
        self.array, self.name = np.asarray(array), name
        if self.array.ndim != 2 or self.array.dtype.kind not in "fiub":
            raise ValueError(
                f"{name} has shape {self.array.shape} and dtype {self.array.dtype}; pass real rows × columns"
            )
        if not np.isfinite(self.array).all():
            raise ValueError(f"{name} has NaN or infinite values; remove or impute them")

    def __len__(self) -> int:
        return len(self.array)

    @property
    def dim(self) -> int:
        """Number of columns."""
        return self.array.shape[1]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the given rows."""
        return self.array[rows]


class Normaliser:
    """Affine map of one stream, fitted once, stored with the model, applied everywhere.

    Parameters
    ----------
    kind
        "variance": subtract the mean and scale to E‖x‖² = d; "unit": scale every row to norm 1, zero rows stay;
        "none".
    mean, scale
        [d], and a positive number.

    Examples
    --------
    >>> n = Normaliser.fit(Array(np.array([[1.0, 3.0], [3.0, 1.0]])), "variance")
    >>> n(torch.tensor([[3.0, 1.0]])).tolist(), n.back(torch.tensor([[1.0, -1.0]])).tolist()
    ([[1.0, -1.0]], [[3.0, 1.0]])
    """

    def __init__(self, kind: str, mean: np.ndarray, scale: float):
        self.kind, self.mean, self.scale = kind, np.asarray(mean, dtype=np.float64), float(scale)

    @classmethod
    def fit(cls, rows: Rows, kind: str) -> "Normaliser":
        """Estimate mean and scale on the rows, or on 200 000 evenly spaced ones.

        Raises
        ------
        ValueError
            Unknown kind.
        """
        if kind not in NORMALISATIONS:
            raise ValueError(f"normalisation is {kind!r}; use one of {', '.join(NORMALISATIONS)}")
        zero = np.zeros(rows.dim)
        if kind != "variance":
            return cls(kind, zero, 1.0)
        chosen = np.arange(0, len(rows), -(-len(rows) // ENOUGH))
        blocks = [chosen[a : a + BLOCK] for a in range(0, len(chosen), BLOCK)]
        # Sums start from one of the rows: what rounding leaves of a constant stream would be taken for variance.
        origin = np.asarray(rows.take(chosen[:1])[0], dtype=np.float64)
        mean = origin + sum(((rows.take(b) - origin).sum(0) for b in blocks), zero) / len(chosen)
        square = sum(float(((rows.take(b) - mean) ** 2).sum()) for b in blocks) / len(chosen)
        return cls(kind, mean, np.sqrt(rows.dim / square) if square > 0 else 1.0)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise rows."""
        if self.kind == "unit":
            norm = x.norm(dim=-1, keepdim=True)
            return x / torch.where(norm > 0, norm, 1)
        return (x - self.mean_like(x)) * self.scale

    def back(self, x: torch.Tensor) -> torch.Tensor:
        """Undo it; rows of norm 1 keep their norm."""
        return x / self.scale + self.mean_like(x)

    def mean_like(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mean in the type and on the device of x."""
        return torch.as_tensor(self.mean, dtype=x.dtype, device=x.device)


class Streams:
    """Normalised streams of one seed, resident on the device where they fit.

    Parameters
    ----------
    rows
        Stream → rows.
    normalisers
        Stream → its map.
    device, dtype
        Of the batches.
    resident
        Largest number of bytes kept on the device; beyond it every batch is read from its source.

    Examples
    --------
    >>> x = Array(np.array([[1.0], [3.0]]))
    >>> streams = Streams({"x": x}, {"x": Normaliser.fit(x, "variance")})
    >>> streams.batch({"x": np.array([1, 1])})["x"].tolist()
    [[1.0], [1.0]]
    """

    def __init__(
        self,
        rows: Mapping[str, Rows],
        normalisers: Mapping[str, Normaliser],
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        resident: int = 4 << 30,
    ):
        self.rows, self.normalisers, self.device, self.dtype = dict(rows), dict(normalisers), device, dtype
        size = sum(len(r) * r.dim for r in rows.values()) * torch.finfo(dtype).bits // 8
        self._kept = {s: self._all(s) for s in rows} if size <= resident else {}

    def _all(self, s: str) -> torch.Tensor:
        rows = self.rows[s]
        kept = torch.empty(len(rows), rows.dim, dtype=self.dtype, device=self.device)
        for start in range(0, len(rows), BLOCK):
            block = np.arange(start, min(start + BLOCK, len(rows)))
            kept[start : start + len(block)] = self._read(s, block)
        return kept

    def _read(self, s: str, rows: np.ndarray) -> torch.Tensor:
        # Ascending row numbers are kinder to a mapped file; float64 until normalised, so that both ways agree.
        order = np.argsort(rows, kind="stable")
        block = torch.from_numpy(np.asarray(self.rows[s].take(rows[order]), dtype=np.float64))
        back = torch.empty_like(block)
        back[torch.from_numpy(order)] = self.normalisers[s](block)
        return back.to(device=self.device, dtype=self.dtype)

    def batch(self, rows: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """Stream → normalised rows of the given numbers."""
        if self._kept:
            return {s: self._kept[s].index_select(0, torch.from_numpy(r).to(self.device)) for s, r in rows.items()}
        return {s: self._read(s, r) for s, r in rows.items()}


def stack(batches: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Batches of several seeds as one, with the seeds as first axis; a single one is not copied.

    Examples
    --------
    >>> stack([{"x": torch.ones(2, 3)}, {"x": torch.ones(2, 3)}])["x"].shape
    torch.Size([2, 2, 3])
    """
    if len(batches) == 1:
        return {s: x.unsqueeze(0) for s, x in batches[0].items()}
    return {s: torch.stack([b[s] for b in batches]) for s in batches[0]}
