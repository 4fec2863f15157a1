"""Sparse codes: which atoms are active in which row, and their values."""

from functools import cached_property

import numpy as np
import torch

from nonlinear import kernels, published
from theory import discrepancy, levels


class Support:
    """Active (row, atom) pairs of codes [n, m], row by row with ascending atoms.

    Parameters
    ----------
    indptr
        [n + 1], where each row begins.
    atoms
        [nnz].
    n_atoms
        m.

    Examples
    --------
    >>> support = Support.at_positions(torch.tensor([1, 2, 5]), n=2, n_atoms=3)
    >>> support.indptr.tolist(), support.atoms.tolist(), support.rows.tolist()
    ([0, 2, 3], [1, 2, 2], [0, 0, 1])
    """

    def __init__(self, indptr: torch.Tensor, atoms: torch.Tensor, n_atoms: int):
        self.indptr, self.atoms, self.n_atoms = indptr, atoms, n_atoms

    @classmethod
    def at_positions(cls, positions: torch.Tensor, n: int, n_atoms: int) -> "Support":
        """Support of the given flat positions (ascending) of an n × m matrix."""
        rows = torch.div(positions, n_atoms, rounding_mode="floor")
        support = cls(_pointers(rows, n), positions - rows * n_atoms, n_atoms)
        support.rows = rows
        return support

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    @cached_property
    def rows(self) -> torch.Tensor:
        """Row of each entry [nnz]."""
        return torch.repeat_interleave(torch.arange(self.n, device=self.indptr.device), self.indptr.diff())

    @cached_property
    def keys(self) -> torch.Tensor:
        """Flat positions of the entries [nnz], ascending."""
        return self.rows * self.n_atoms + self.atoms

    @cached_property
    def by_atom(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Order of the entries atom by atom [nnz], and where each atom begins [m + 1]."""
        if self.atoms.is_cuda:
            order = torch.sort(self.atoms, stable=True).indices
        else:  # 16-bit integers are sorted in linear time
            small = self.atoms.numpy().astype(np.uint16 if self.n_atoms <= 1 << 16 else np.int64)
            order = torch.from_numpy(np.argsort(small, kind="stable"))
        return order, _pointers(self.atoms, self.n_atoms)

    def take(self, rows: slice | torch.Tensor) -> tuple["Support", slice | torch.Tensor]:
        """Support of the given rows, and the positions of its entries in this one."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.n)
            if step != 1:
                raise ValueError(f"rows are a slice of step {step}; pass consecutive rows or an index")
            indptr = self.indptr[start : max(stop, start) + 1]
            entries = slice(int(indptr[0]), int(indptr[-1]))
            return Support(indptr - indptr[0], self.atoms[entries], self.n_atoms), entries
        lengths = self.indptr.diff()[rows]
        indptr = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        within = torch.arange(int(indptr[-1]), device=lengths.device)
        entries = within + torch.repeat_interleave(self.indptr[:-1][rows] - indptr[:-1], lengths)
        return Support(indptr, self.atoms[entries], self.n_atoms), entries


class SparseCodes:
    """Codes [n, m] held as a support and the values on it; differentiable in the values.

    They have rows by index, ``shape``, ``dtype`` and ``dense()``, and no arithmetic: a loss that wants that takes the
    dense codes.

    Examples
    --------
    >>> codes = SparseCodes(torch.tensor([1.0, 2.0]), Support.at_positions(torch.tensor([0, 3]), n=2, n_atoms=2))
    >>> codes.dense().tolist(), codes[1:].dense().tolist()
    ([[1.0, 0.0], [0.0, 2.0]], [[0.0, 2.0]])
    """

    def __init__(self, values: torch.Tensor, support: Support):
        self.values, self.support = values, support

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.support.n, self.support.n_atoms

    @property
    def dtype(self) -> torch.dtype:
        """Type of the values."""
        return self.values.dtype

    @property
    def device(self) -> torch.device:
        """Device of the values."""
        return self.values.device

    def __len__(self) -> int:
        return self.support.n

    def __getitem__(self, rows: slice | torch.Tensor) -> "SparseCodes":
        support, entries = self.support.take(rows)
        return SparseCodes(self.values[entries], support)

    def dense(self) -> torch.Tensor:
        """Return the codes as a tensor [n, m]."""
        flat = self.values.new_zeros(self.shape[0] * self.shape[1])
        return flat.index_put((self.support.keys,), self.values).reshape(self.shape)

    def active(self) -> torch.Tensor:
        """Boolean mask [m] of the atoms that are not identically zero."""
        used = torch.zeros(self.shape[1], dtype=torch.bool, device=self.device)
        used[self.support.atoms[self.values.detach() > 0]] = True
        return used


def _pointers(sorted_or_not: torch.Tensor, count: int) -> torch.Tensor:
    return torch.cat([sorted_or_not.new_zeros(1), torch.bincount(sorted_or_not, minlength=count).cumsum(0)])


@levels.squared_distance.register
def _(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.mse_loss(a, b, reduction="sum")  # one pass forward and one back


@levels.squared_distance.register
def _(a: SparseCodes, b: SparseCodes) -> torch.Tensor:
    if a.shape != b.shape:
        raise ValueError(f"codes of shapes {a.shape} and {b.shape} cannot be compared; match their rows first")
    return kernels.SquaredDistance.apply(a.values, b.values, a.support.keys, b.support.keys)


@discrepancy.canonical_ecf.register
def _(a: SparseCodes, b: SparseCodes, grid: discrepancy.TGrid, unbiased: bool = False) -> torch.Tensor:
    if min(len(a), len(b)) < 1 or a.shape[1] != b.shape[1]:
        raise ValueError(f"samples of codes of shapes {a.shape} and {b.shape}; pass rows of the same atoms")
    phi_a, phi_b = (kernels.SparseECF.apply(c.values, c.support, grid.nodes) for c in (a, b))
    distances = discrepancy.distance_from_ecf(phi_a, phi_b, len(a), len(b), grid, unbiased)
    return discrepancy.mean_over_active(distances, a.active() | b.active())


@published.masked_cosine.register
def _(a: SparseCodes, b: SparseCodes) -> torch.Tensor:
    tops, kept = (_strongest(a), _strongest(b)), []
    for z in (a, b):
        out = [z.support.atoms == top[z.support.rows] for top in tops]
        kept.append(z.values * ~(out[0] | out[1]))
    here, there = kernels.common(a.support.keys, b.support.keys)
    partners = torch.zeros_like(kept[0]).index_put((here,), kept[1][there])
    inner = _row_sums(kept[0] * partners, a.support)
    squares = _row_sums(kept[0] ** 2, a.support) * _row_sums(kept[1] ** 2, b.support)
    return inner / torch.where(squares > 0, squares, 1).sqrt()


def _row_sums(values: torch.Tensor, support: Support) -> torch.Tensor:
    """Sum of the values of each row [n]: what atoms of one dimension and size 1 decode to."""
    return kernels.Decode.apply(values, values.new_ones(support.n_atoms, 1), support).squeeze(1)


def _strongest(codes: SparseCodes) -> torch.Tensor:
    """Atom of the largest value of each row [n], the first among equals; −1 where the row is zero."""
    values, rows, atoms = codes.values.detach(), codes.support.rows, codes.support.atoms
    most = values.new_zeros(len(codes)).scatter_reduce(0, rows, values, "amax")
    top = ((values == most[rows]) & (values > 0)).nonzero().squeeze(1)
    none = atoms.new_full((len(codes),), codes.shape[1])
    found = none.scatter_reduce(0, rows[top], atoms[top], "amin")
    return torch.where(found < codes.shape[1], found, -1)
