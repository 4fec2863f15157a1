"""The sliced characteristic-function distance for training: powers by recurrence and a hand-written backward.

On equispaced nodes t_k = t_0 + k h the terms exp(i t_k x) are powers of one number, so a pass costs one sine and cosine
per entry and then complex products. The gradient is a polynomial in the same number, evaluated by Horner's rule:
nothing of size n·S·T is ever stored. `theory.discrepancy` is the reference that tests compare with.
"""

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from theory import discrepancy


def ecf(values: torch.Tensor, nodes: np.ndarray) -> torch.Tensor:
    """Empirical characteristic function of each column, as `theory.discrepancy.ecf` and with its signature.

    Parameters
    ----------
    values
        Sample [n, S]; half precisions are raised to float32.
    nodes
        The T values of t. Nodes that are not equispaced take the reference path.

    Returns
    -------
    torch.Tensor
        Complex [T, S], once differentiable in ``values``; O(n·S) memory, also across backward.

    Examples
    --------
    >>> ecf(torch.tensor([[1.0], [-1.0]]), np.array([0.0, 1.0])).real[0]
    tensor([1.])

    """
    values = discrepancy.as_sample(values)
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    nodes = np.asarray(nodes, dtype=np.float64)
    step = (nodes[-1] - nodes[0]) / max(len(nodes) - 1, 1)
    rounding = 4 * np.finfo(np.float64).eps * np.abs(nodes).max()
    if np.abs(nodes - (nodes[0] + step * np.arange(len(nodes)))).max() > rounding:
        return discrepancy.ecf.dispatch(object)(values, nodes)
    return _EquispacedECF.apply(values, float(nodes[0]), float(step), len(nodes))


def sliced_ecf(
    a: torch.Tensor,
    b: torch.Tensor,
    slices: torch.Tensor | None,
    grid: discrepancy.TGrid,
    unbiased: bool = False,
) -> torch.Tensor:
    """Mean distance of the projected samples; the fast form of `theory.discrepancy.sliced_ecf`, same arguments.

    Parameters
    ----------
    a, b
        Samples [n, d] and [m, d].
    slices
        Unit columns [d, S]; None compares the columns of a and b as they are.
    grid
        Nodes and weights of the t-integral; fast where the nodes are equispaced.
    unbiased
        U-statistic in place of the V-statistic.

    Returns
    -------
    torch.Tensor
        0-d, differentiable in a, b and slices.

    Raises
    ------
    ValueError
        As the reference.

    Examples
    --------
    >>> float(sliced_ecf(torch.eye(3), torch.eye(3), None, discrepancy.t_grid()))
    0.0

    """
    if slices is not None:
        a, b = discrepancy.project(a, slices), discrepancy.project(b, slices)
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"both samples need the same number of columns, not {a.shape[1]} and {b.shape[1]}")
    phi_a, phi_b = ecf(a, grid.nodes), ecf(b, grid.nodes)
    distances = discrepancy.distance_from_ecf(phi_a, phi_b, a.shape[0], b.shape[0], grid, unbiased)
    return distances.sum() / max(len(distances), 1)


class _EquispacedECF(torch.autograd.Function):
    """φ̂(t_0 + k h), k < count, with z = exp(i h x) saved and its powers recomputed."""

    @staticmethod
    def forward(ctx, values, start, step, count):
        ones = torch.ones_like(values)
        z = torch.polar(ones, step * values)
        power = torch.polar(ones, start * values)
        phi = [power.mean(0)]
        for _ in range(count - 1):
            power = power.mul_(z)
            phi.append(power.mean(0))
        ctx.save_for_backward(values, z)
        ctx.grid = start, step, count
        return torch.stack(phi)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        # dφ_k/dx = i t_k z_0 z^k / n, so the gradient is Re z_0 Σ_k c_k z^k with c_k = conj(grad_k) i t_k / n.
        values, z = ctx.saved_tensors
        start, step, count = ctx.grid
        nodes = start + step * torch.arange(count, dtype=values.dtype, device=values.device)
        coefficients = 1j * nodes[:, None] * grad.conj() / values.shape[0]
        total = coefficients[-1].expand_as(z).contiguous()
        for c in coefficients[:-1].flip(0):
            total.mul_(z).add_(c)
        if start:
            total.mul_(torch.polar(torch.ones_like(values), start * values))
        return total.real, None, None, None
