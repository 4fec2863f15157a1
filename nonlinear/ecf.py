"""The characteristic-function distance for training: a backward pass of its own, so that nothing grows with the t-grid.

Importing this module makes it the form that `theory.discrepancy` uses for torch tensors; `discrepancy.ecf.dispatch
(object)` stays the reference that tests compare with. Vectorised sines and cosines are faster than powers of
exp(iht) by recurrence, which complex arithmetic slows down.
"""

import numpy as np
import torch

from theory import discrepancy


@discrepancy.ecf.register
def ecf(values: torch.Tensor, nodes: np.ndarray) -> torch.Tensor:
    """Empirical characteristic function of each column, as `theory.discrepancy.ecf` and with its signature.

    Parameters
    ----------
    values
        Sample [n, S]; half precisions are raised to float32.
    nodes
        The T values of t.

    Returns
    -------
    torch.Tensor
        Complex [T, S], differentiable in ``values`` and mapped by `torch.func.vmap`; O(n·S) memory, also across
        backward.

    Examples
    --------
    >>> ecf(torch.tensor([[1.0], [-1.0]]), np.array([0.0, 1.0])).real[0]
    tensor([1.])

    """
    values = discrepancy.as_sample(values)
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    return torch.complex(*_ECF.apply(values, [float(t) for t in nodes]))


class _ECF(torch.autograd.Function):
    """Mean cosine and mean sine of t·x, node by node; the same cosines and sines again on the way back."""

    @staticmethod
    def forward(values, nodes):
        parts = [(angle.cos().sum(0), angle.sin_().sum(0)) for angle in (t * values for t in nodes)]
        return torch.stack([c for c, _ in parts]) / len(values), torch.stack([s for _, s in parts]) / len(values)

    @staticmethod
    def setup_context(ctx, inputs, output):
        values, ctx.nodes = inputs
        ctx.save_for_backward(values)

    @staticmethod
    def vmap(info, in_dims, values, nodes):
        # Columns do not see each other: those of all members of a batch are the columns of one sample.
        columns = values.movedim(in_dims[0], 1)
        parts = _ECF.apply(columns.flatten(1), nodes)
        return tuple(part.unflatten(1, columns.shape[1:]) for part in parts), (1, 1)

    @staticmethod
    def backward(ctx, by_cos, by_sin):
        (values,) = ctx.saved_tensors
        total = torch.zeros_like(values)
        column = torch.tensor(ctx.nodes, dtype=values.dtype, device=values.device)[:, None]
        slopes = zip(column * (by_cos / len(values)), column * (by_sin / len(values)), strict=True)
        for t, (c, s) in zip(ctx.nodes, slopes, strict=True):
            angle = t * values
            total.add_(angle.cos().mul_(s)).sub_(angle.sin().mul_(c))
        return total, None
