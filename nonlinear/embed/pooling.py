"""From what a tower returns for a batch to one vector per item."""

from collections.abc import Mapping
from typing import Any

import torch

# "projected" is a two-tower model's own embedding, in the space that its images and captions share.
POOLS = "projected", "cls", "mean", "pooler"


def prefix_tokens(hidden: torch.Tensor, pixels: torch.Tensor, patch_size: Any) -> int | None:
    """Tokens before those of the patches (CLS, registers), or None where the tower has no grid of such patches.

    Parameters
    ----------
    hidden
        [b, tokens, d], the last hidden state.
    pixels
        [b, channels, height, width].
    patch_size
        Of the model's configuration: a number, a pair, or None.

    Examples
    --------
    >>> prefix_tokens(torch.zeros(1, 5, 8), torch.zeros(1, 3, 32, 32), 16)
    1
    """
    if hidden.ndim != 3 or pixels.ndim != 4 or patch_size is None:
        return None
    high, wide = (patch_size, patch_size) if isinstance(patch_size, int) else patch_size
    extra = hidden.shape[1] - (pixels.shape[2] // high) * (pixels.shape[3] // wide)
    return extra if extra >= 0 else None


def pool(
    how: str, output: Any, mask: torch.Tensor | None = None, prefix: int | None = None, who: str = "the model"
) -> torch.Tensor:
    """One row per item, float32 [b, d].

    Parameters
    ----------
    how
        "projected" and "pooler": the output's `pooler_output`; "cls": the first token; "mean": the mean over patches or
        over the positions of a feature map, for texts over the tokens that are no padding.
    output
        Of the tower: a tensor, or something with `last_hidden_state` and `pooler_output`.
    mask
        [b, tokens], 0 at padding; None for images.
    prefix
        As of :func:`prefix_tokens`; for images.
    who
        Name of the model, for the error.

    Raises
    ------
    ValueError
        The tower has nothing of that kind.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> output = SimpleNamespace(last_hidden_state=torch.tensor([[[1.0], [3.0], [9.0]]]))
    >>> pool("mean", output, mask=torch.tensor([[1, 1, 0]]))
    tensor([[2.]])
    """
    if how in ("projected", "pooler"):
        found = output if isinstance(output, torch.Tensor) else getattr(output, "pooler_output", None)
        if not isinstance(found, torch.Tensor):
            raise ValueError(f"{who} has no pooled output; pass --pool mean")
        found = found.float().flatten(1) if found.ndim == 4 else found.float()
        if found.ndim != 2:
            raise ValueError(f"{who} gives no single vector per item with --pool {how}; pass --pool mean")
        return found
    hidden = getattr(output, "last_hidden_state", None)
    if not isinstance(hidden, torch.Tensor):
        raise ValueError(f"{who} returns no hidden states; pass --pool pooler")
    hidden = hidden.float()
    if how == "cls":
        if mask is None and not prefix:
            raise ValueError(f"{who} has no CLS token; pass --pool pooler or --pool mean")
        return hidden[:, 0]
    if hidden.ndim == 4:
        return hidden.mean((2, 3))
    if mask is None:
        return hidden[:, prefix or 0 :].mean(1)
    kept = mask.to(hidden)[:, :, None]
    return (hidden * kept).sum(1) / kept.sum(1)


def untrained(missing: set[str], tower: str, how: str) -> list[str]:
    """Names of the weights that a row depends on and the checkpoint lacks, so that they would be random.

    Parameters
    ----------
    missing
        Names of all weights that the checkpoint lacks.
    tower
        Name of the part of the model that is used, or "" for all of it.
    how
        The pooling; a missing pooler matters where it is used only.

    Examples
    --------
    >>> untrained({"pooler.dense.weight", "decoder.weight"}, "encoder", "mean")
    []
    """
    used = [name for name in sorted(missing) if not tower or name.startswith(tower + ".")]
    return [name for name in used if how == "pooler" or "pooler" not in name.split(".")]


def named(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a function takes by name.

    Examples
    --------
    >>> named({"input_ids": 1, "token_type_ids": 2}, {"input_ids": None, "kwargs": None})
    {'input_ids': 1}
    """
    return {name: value for name, value in inputs.items() if name in parameters}
