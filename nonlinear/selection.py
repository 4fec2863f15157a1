"""Which atoms a code keeps: ReLU, TopK, BatchTopK.

One rule for ties everywhere: among equal scores the first in row-major order is kept, exactly as many as asked for, and
a score of zero never passes. `mask` is the dense form, which `torch.func.vmap` maps over seeds; `positions` finds the
same entries without a full sort (Bussmann et al. 2024 for BatchTopK).
"""

import numpy as np
import torch

KINDS = ("relu", "topk", "batchtopk")
# Share of the last threshold above which the next one is looked for, as it moves by less from batch to batch; and the
# share above which the one found is beyond doubt, whatever the rounding.
CLOSE, SURE = 0.95, 0.96


def mask(scores: torch.Tensor, kind: str, sparsity: int, *, signed: bool = False) -> torch.Tensor:
    """Boolean mask of the kept entries.

    Parameters
    ----------
    scores
        [n, m]; not differentiated.
    kind
        "relu": every positive score; "topk": the `sparsity` largest of each row; "batchtopk": the n·`sparsity` largest
        of all.
    sparsity
        Number k of atoms per row.
    signed
        Keep negative scores too, as the joint selection of SPARC does ("topk" only).

    Examples
    --------
    >>> mask(torch.tensor([[3.0, 2.0, 2.0], [0.0, 1.0, -1.0]]), "topk", 2).int().tolist()
    [[1, 1, 0], [0, 1, 0]]
    >>> mask(torch.tensor([[3.0, 2.0, 2.0], [0.0, 1.0, -1.0]]), "batchtopk", 1).int().tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    scores = scores.detach()
    if kind == "relu":
        return scores > 0
    if kind == "topk":
        kept = _largest(scores, sparsity)
    elif kind == "batchtopk":
        kept = _largest(scores.reshape(1, -1), scores.shape[0] * sparsity).reshape(scores.shape)
    else:
        raise ValueError(f"selection is {kind!r}; use one of {', '.join(KINDS)}")
    return kept if signed else kept & (scores > 0)


def _largest(scores: torch.Tensor, k: int) -> torch.Tensor:
    """Mask of the k largest of each row, the first ones among equals."""
    if k >= scores.shape[-1]:
        return torch.ones_like(scores, dtype=torch.bool)
    kth = scores.topk(k, dim=-1, sorted=False).values.amin(-1, keepdim=True)
    above, tied = scores > kth, scores == kth
    room = k - above.sum(-1, keepdim=True)
    return above | (tied & (tied.cumsum(-1) <= room))


def positions(
    scores: torch.Tensor, kind: str, sparsity: int, hint: float = 0.0, *, signed: bool = False
) -> tuple[torch.Tensor, float]:
    """Flat positions of the kept entries, ascending, and the threshold as a hint for the next batch.

    Parameters
    ----------
    scores, kind, sparsity, signed
        As in :func:`mask`, with the same result.
    hint
        Threshold of an earlier batch: it decides how fast the answer is found, never which one.

    Examples
    --------
    >>> positions(torch.tensor([[3.0, 2.0], [0.0, 1.0]]), "batchtopk", 1)
    (tensor([0, 1]), 2.0)
    """
    m = scores.shape[1]
    if signed or kind == "relu" or scores.is_cuda:
        return mask(scores, kind, sparsity, signed=signed).reshape(-1).nonzero().squeeze(1), 0.0
    if kind == "batchtopk":
        return batch_positions(scores, scores.new_zeros(m), sparsity, hint)
    if kind != "topk":
        raise ValueError(f"selection is {kind!r}; use one of {', '.join(KINDS)}")
    values = scores.numpy()
    least = np.finfo(values.dtype).smallest_subnormal
    if sparsity < m:
        least = np.maximum(np.partition(values, m - sparsity, axis=1)[:, m - sparsity, None], least)
    found = np.flatnonzero(values >= least)
    if sparsity < m and np.bincount(found // m, minlength=1).max() > sparsity:  # ties
        return mask(scores, kind, sparsity).reshape(-1).nonzero().squeeze(1), 0.0
    return torch.from_numpy(found), 0.0


def batch_positions(
    products: torch.Tensor, bias: torch.Tensor, sparsity: int, hint: float = 0.0
) -> tuple[torch.Tensor, float]:
    """BatchTopK of `products` [n, m] + `bias` [m], on a CPU; the sum is formed at the candidates only.

    Returns positions and a hint as :func:`positions` does.

    Examples
    --------
    >>> batch_positions(torch.tensor([[3.0, 2.0], [0.0, 1.0]]), torch.tensor([0.0, 3.0]), 1)
    (tensor([1, 3]), 4.0)
    """
    n, m = products.shape
    flat, k, least = products.reshape(-1), n * sparsity, CLOSE * hint if hint > 0 else 0.0
    # NumPy compares several times faster than torch where one side is broadcast.
    found = torch.from_numpy(np.flatnonzero(products.numpy() > (least - bias).numpy()))
    values = flat[found] + bias[found % m]
    kth = float(np.partition(values.numpy(), len(found) - k)[len(found) - k]) if len(found) > k else 0.0
    if hint > 0 and kth < SURE * hint:
        return batch_positions(products, bias, sparsity)
    if len(found) <= k:
        kept = values > 0
        return found[kept], float(values[kept].min()) if bool(kept.any()) else 0.0
    kept = values > kth
    room = k - int(kept.sum())
    kept[(values == kth).nonzero().squeeze(1)[:room]] = True
    return found[kept], kth
