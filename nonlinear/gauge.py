"""Codes in the gauge of unit atoms: the same coders, with the scale of every atom moved into its encoder."""

import torch

from nonlinear.coders import Coders
from nonlinear.parameters import atoms_of


@torch.no_grad()
def unit_gauge(coders: Coders) -> Coders:
    """Coders that compute the same rows, with codes that compare.

    Where decoders have free norms, a code may shrink while its atoms grow. Here the norms of every atom, summed over
    the decoders that its code is sent through, become 1: for a crosscoder the code value is then its norm-weighted
    activation. An atom of norm 0 stays; systems with unit atoms come back as they are.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.parameters import Shape
    >>> shape = Shape(Config(system="crosscoder").preset, {"x": 1, "y": 1}, 1, True)
    >>> p = {"encoder.x": [[1.0]], "encoder.y": [[1.0]], "decoder.x+y": [[3.0, -1.0]], "bias.joint": [0.5]}
    >>> folded = unit_gauge(Coders(shape, {name: torch.tensor(v) for name, v in p.items()}, 1)).parameters
    >>> folded["decoder.x+y"].tolist(), folded["encoder.x"].tolist(), folded["bias.joint"].tolist()
    ([[0.75, -0.25]], [[4.0]], [2.0])
    """
    shape, p = coders.shape, dict(coders.parameters)
    if shape.system.unit_decoder:
        return coders
    p |= {name: t.clone() for name, t in p.items() if name.startswith("decoder.")}
    for code in dict.fromkeys(shape.codes.values()):
        norms = torch.as_tensor(coders.norms(code))
        scale = torch.where(norms > 0, norms, 1)
        p[f"bias.{code}"] = p[f"bias.{code}"] * scale
        for owner in dict.fromkeys(shape.owners[s] for s, c in shape.codes.items() if c == code):
            p[f"encoder.{owner}"] = p[f"encoder.{owner}"] * scale[:, None]
            atoms_of(p, shape, owner).div_(scale[:, None])
    return Coders(shape, p, coders.sparsity, sparse=coders.sparse, thresholds=coders.thresholds)
