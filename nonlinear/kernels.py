"""Differentiable operations on sparse codes; the dense path beside them is the reference that tests compare with.

A sum over active atoms, forward or backward, is a weighted `embedding_bag`: over the entries row by row for what lives
in rows, over the entries atom by atom for gradients of weights. Nothing of size n × m is kept for the backward pass.
Every sum has one order, so that a GPU gives the same bits at each run.
"""

from typing import Any

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def bags(table: torch.Tensor, index: torch.Tensor, pointers: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted sums of rows of a table: out[b] = Σ weights[e] · table[index[e]] over pointers[b] ≤ e < pointers[b+1].

    Parameters
    ----------
    table
        [r, d].
    index, weights
        [nnz].
    pointers
        [b + 1].

    Examples
    --------
    >>> bags(torch.eye(2), torch.tensor([0, 1, 1]), torch.tensor([0, 2, 3]), torch.tensor([1.0, 2.0, 3.0])).tolist()
    [[1.0, 2.0], [0.0, 3.0]]
    """
    return torch.nn.functional.embedding_bag(
        index, table, pointers, mode="sum", per_sample_weights=weights, include_last_offset=True
    )


def common(keys_a: torch.Tensor, keys_b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask of the keys of a that b has too, and their positions in b; both ascending.

    Examples
    --------
    >>> [found.tolist() for found in common(torch.tensor([1, 4, 6]), torch.tensor([0, 4, 6]))]
    [[False, True, True], [1, 2]]
    """
    if not len(keys_b):
        return torch.zeros_like(keys_a, dtype=torch.bool), keys_b
    place = torch.searchsorted(keys_b, keys_a).clamp_max(len(keys_b) - 1)
    both = keys_b[place] == keys_a
    return both, place[both]


class EncodeAt(Function):
    """Values relu(x Wᵀ + b) at the entries of a support, given the pre-activations there.

    ``apply(x [n, d], W [m, d], b [m], support, pre [nnz])`` returns [nnz].

    Examples
    --------
    >>> from nonlinear.codes import Support
    >>> support = Support.at_positions(torch.tensor([1]), n=1, n_atoms=2)
    >>> W = torch.eye(2, requires_grad=True)
    >>> EncodeAt.apply(torch.tensor([[1.0, 3.0]]), W, torch.zeros(2), support, torch.tensor([3.0])).sum().backward()
    >>> W.grad.tolist()     # the row, for the active atom
    [[0.0, 0.0], [1.0, 3.0]]
    """

    @staticmethod
    def forward(ctx: Any, x, W, b, support, pre):
        """Rectify; what the backward pass needs is x, W and the support."""
        values = pre.clamp_min(0)
        ctx.save_for_backward(x, W, values)
        ctx.support = support
        return values

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        """Gradients in x, W and b."""
        x, W, values = ctx.saved_tensors
        support = ctx.support
        grad = torch.where(values > 0, grad, 0)
        gx = bags(W, support.atoms, support.indptr, grad) if ctx.needs_input_grad[0] else None
        gW = gb = None
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            order, pointers = support.by_atom
            gW = bags(x, support.rows[order], pointers, grad[order])
            # The bias is the weight of a column of ones; adding in place would sum in any order on a GPU.
            gb = bags(x.new_ones(len(x), 1), support.rows[order], pointers, grad[order]).squeeze(1)
        return gx, gW, gb, None, None


class Decode(Function):
    """Rows Σ value · atom. ``apply(values [nnz], D [m, d], support)`` returns [n, d].

    Examples
    --------
    >>> from nonlinear.codes import Support
    >>> support = Support.at_positions(torch.tensor([0, 1]), n=1, n_atoms=2)
    >>> Decode.apply(torch.tensor([2.0, 3.0]), torch.tensor([[1.0, 0.0], [1.0, 1.0]]), support).tolist()
    [[5.0, 3.0]]
    """

    @staticmethod
    def forward(ctx: Any, values, D, support):
        """Sum the atoms of each row."""
        ctx.save_for_backward(values, D)
        ctx.support = support
        return bags(D, support.atoms, support.indptr, values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        """Gradients in the values and in D."""
        values, D = ctx.saved_tensors
        support, grad = ctx.support, grad.contiguous()
        gv = gD = None
        if ctx.needs_input_grad[0]:
            gv = torch.ops.aten._embedding_bag_per_sample_weights_backward(
                grad, D, support.atoms, support.indptr[:-1], support.rows, 0, -1
            )
        if ctx.needs_input_grad[1]:
            order, pointers = support.by_atom
            gD = bags(grad, support.rows[order], pointers, values[order])
        return gv, gD, None


class SquaredDistance(Function):
    """Σ (a − b)² of two sparse codes. ``apply(a, b, keys_a, keys_b)``, keys ascending.

    Examples
    --------
    >>> a, b = torch.tensor([1.0, 2.0]), torch.tensor([5.0])
    >>> float(SquaredDistance.apply(a, b, torch.tensor([0, 3]), torch.tensor([3])))     # 1² + (2 − 5)²
    10.0
    """

    @staticmethod
    def forward(ctx: Any, a, b, keys_a, keys_b):
        """Differences where both are active, squares where one is."""
        both, place = common(keys_a, keys_b)
        difference, rest = a.clone(), b.clone()
        difference[both] -= b[place]
        rest[place] = 0
        ctx.save_for_backward(difference, rest, both, place)
        return (difference**2).sum() + (rest**2).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        """2(a − b) on the support of a; −2(a − b) on that of b."""
        difference, rest, both, place = ctx.saved_tensors
        gb = rest.clone()
        gb[place] = -difference[both]
        return 2 * grad * difference, 2 * grad * gb, None, None


class SparseECF(Function):
    """Characteristic function of every atom, φ̂(t) = 1 + (1/n) Σ_active (e^{itz} − 1): [T, m] in O(nnz·T).

    ``apply(values [nnz], support, nodes [T])``.

    Examples
    --------
    >>> from nonlinear.codes import Support
    >>> support = Support.at_positions(torch.tensor([0]), n=2, n_atoms=1)     # the values π and 0 of one atom
    >>> bool(SparseECF.apply(torch.tensor([torch.pi]), support, [1.0]).abs().max() < 1e-6)     # (e^{iπ} + 1)/2
    True
    """

    @staticmethod
    def forward(ctx: Any, values, support, nodes):
        """One table of cosines and sines, summed atom by atom."""
        ctx.save_for_backward(values)
        ctx.support, ctx.nodes = support, nodes
        order, pointers = support.by_atom
        angles = values[order, None] * torch.as_tensor(np.array(nodes), dtype=values.dtype, device=values.device)
        table = torch.cat([angles.cos() - 1, angles.sin()], 1)
        every = torch.arange(len(order), device=order.device)
        sums = bags(table, every, pointers, torch.ones_like(values)) / max(support.n, 1)
        real, imaginary = sums.T.split(len(nodes))
        return torch.complex(1 + real, imaginary.contiguous())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad):
        """dφ_k/dz = i t_k e^{i t_k z} / n, against the incoming gradient of the same atom."""
        (values,) = ctx.saved_tensors
        support, total = ctx.support, torch.zeros_like(values)
        for t, g in zip(ctx.nodes, grad, strict=True):
            mine = g[support.atoms]
            total += float(t) * (mine.imag * (float(t) * values).cos() - mine.real * (float(t) * values).sin())
        return total / max(support.n, 1), None, None
