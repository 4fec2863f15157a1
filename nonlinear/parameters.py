"""The tensors of a system, all seeds as one batch: shapes, names, initialisation.

Encoders are stored as [m, d], one row per atom like the decoders, so that an encoder starts as its decoder. Decoders
that the same code is sent through lie side by side in one [m, Σd]: one gather then serves all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nonlinear.systems import System

Parameters = dict[str, torch.Tensor]


class ByStream(dict[str, str]):
    """Stream → something; ValueError for a stream that is not there.

    Examples
    --------
    >>> ByStream(x="shared")["y"]
    Traceback (most recent call last):
    ValueError: unknown stream 'y'; known: x
    """

    def __missing__(self, stream: str) -> str:
        raise ValueError(f"unknown stream {stream!r}; known: {', '.join(self)}")


@dataclass(frozen=True)
class Shape:
    """A system on streams of given widths.

    Parameters
    ----------
    system
        Which one.
    widths
        Stream → number of columns d_i, in order.
    n_atoms
        m, one dictionary size for all streams.
    joint_decoder
        Whether codes are sent through the decoders of several streams.

    Examples
    --------
    >>> from nonlinear.systems import COSAE, SAE_A
    >>> Shape(COSAE, {"x": 3, "y": 2}, 8, True).owners, Shape(SAE_A, {"x": 3, "y": 3}, 8, False).owners
    ({'x': 'x', 'y': 'y'}, {'x': 'shared', 'y': 'shared'})
    """

    system: System
    widths: Mapping[str, int]
    n_atoms: int
    joint_decoder: bool

    @property
    def streams(self) -> list[str]:
        """Names, in order."""
        return list(self.widths)

    @property
    def owners(self) -> dict[str, str]:
        """Stream → the coder that serves it."""
        return ByStream({s: "shared" if self.system.sharing == "weights" else s for s in self.widths})

    @property
    def coders(self) -> dict[str, int]:
        """Coder → width."""
        return {self.owners[s]: d for s, d in self.widths.items()}

    @property
    def codes(self) -> dict[str, str]:
        """Stream → the code of which its own is a part: dead atoms, biases and thresholds are counted per code."""
        return ByStream({s: "joint" if self.system.sharing == "summed" else o for s, o in self.owners.items()})

    @property
    def groups(self) -> list[list[str]]:
        """Coders whose decoders lie side by side."""
        return [list(self.coders)] if self.joint_decoder else [[c] for c in self.coders]

    def group_of(self, coder: str) -> tuple[str, int]:
        """Name of a coder's decoder tensor, and its place there."""
        for group in self.groups:
            if coder in group:
                return "decoder." + "+".join(group), group.index(coder)
        raise ValueError(f"unknown coder {coder!r}; known: {', '.join(self.coders)}")

    @property
    def skips(self) -> list[tuple[str, str]]:
        """Edges with a linear skip."""
        first, *others = self.streams
        return [(first, other) for other in others] if self.system.skip else []


def initial(shape: Shape, seeds: Sequence[int], dtype: torch.dtype, same: bool = False) -> Parameters:
    """Parameters at the start [seeds, …]: random unit atoms, encoders equal to their decoders, zero biases.

    Parameters
    ----------
    shape
        The system and its sizes.
    seeds
        Each one alone determines its slice.
    dtype
        Of the tensors.
    same
        Start all streams from the same atoms, which needs equal widths.

    Raises
    ------
    ValueError
        The same start asked for streams of different widths.

    Examples
    --------
    >>> from nonlinear.systems import SAE
    >>> start = initial(Shape(SAE, {"x": 3}, 4, False), [0, 1], torch.float32)
    >>> {name: tuple(p.shape) for name, p in start.items()}
    {'encoder.x': (2, 4, 3), 'decoder.x': (2, 4, 3), 'offset.x': (2, 3), 'bias.x': (2, 4)}
    """
    m, widths = shape.n_atoms, shape.coders
    if same and len(set(widths.values())) > 1:
        raise ValueError(f"streams of widths {widths} cannot start from the same atoms; use --init independent")
    atoms: dict[str, torch.Tensor] = {}
    for number, (coder, d) in enumerate(widths.items()):
        draws = [np.random.default_rng([seed, 4, 0 if same else number]).standard_normal((m, d)) for seed in seeds]
        drawn = np.stack(draws)
        atoms[coder] = torch.from_numpy(drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)).to(dtype)
    count = len(seeds)
    found = {f"encoder.{c}": atoms[c].clone() for c in widths}
    for group in shape.groups:
        found["decoder." + "+".join(group)] = torch.cat([atoms[c] for c in group], -1).contiguous()
    found |= {f"offset.{c}": torch.zeros(count, d, dtype=dtype) for c, d in widths.items()}
    found |= {f"bias.{c}": torch.zeros(count, m, dtype=dtype) for c in dict.fromkeys(shape.codes.values())}
    found |= {
        f"skip.{i}.{j}": torch.zeros(count, shape.widths[i], shape.widths[j], dtype=dtype) for i, j in shape.skips
    }
    return found


def atoms_of(parameters: Parameters, shape: Shape, coder: str) -> torch.Tensor:
    """Decoder of one coder […, m, d], a view into its group.

    Examples
    --------
    >>> from nonlinear.systems import COSAE
    >>> shape = Shape(COSAE, {"x": 3, "y": 2}, 4, True)
    >>> tuple(atoms_of(initial(shape, [0], torch.float32), shape, "y").shape)
    (1, 4, 2)
    """
    name, place = shape.group_of(coder)
    group = next(g for g in shape.groups if coder in g)
    start = sum(shape.coders[c] for c in group[:place])
    return parameters[name][..., start : start + shape.coders[coder]]


@torch.no_grad()
def normalise_atoms(parameters: Parameters, shape: Shape) -> None:
    """Scale every atom to norm 1, in place; an atom of norm 0 stays.

    Examples
    --------
    >>> from nonlinear.systems import SAE
    >>> p = {"decoder.x": torch.tensor([[[3.0, 4.0], [0.0, 0.0]]])}
    >>> normalise_atoms(p, Shape(SAE, {"x": 2}, 2, False))
    >>> bool(torch.allclose(p["decoder.x"], torch.tensor([[[0.6, 0.8], [0.0, 0.0]]])))
    True
    """
    for coder in shape.coders:
        atoms = atoms_of(parameters, shape, coder)
        norm = atoms.norm(dim=-1, keepdim=True)
        atoms.div_(torch.where(norm > 0, norm, 1))
