"""The losses of one batch under one seed's parameters: properties through a view, dead atoms, sparsity penalty."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

import nonlinear.ecf  # noqa: F401  registers the form of the distributional losses that torch tensors take
from nonlinear import selection
from nonlinear.batch import BatchView, Layout, at
from nonlinear.coders import Coders
from nonlinear.parameters import Parameters, Shape, atoms_of
from nonlinear.published import Relative, trainable
from theory.levels import Distribution
from theory.properties import Property

Edges = list[tuple[str, str]] | None


@dataclass(frozen=True)
class Objective:
    """What is minimised: Σ weight · property, plus the loss of dead atoms and an L1 penalty.

    Parameters
    ----------
    terms
        Properties and their weights.
    sparsity
        k of TopK and BatchTopK.
    aux_weight, aux_k, dead_after
        Weight and atoms per row of the reconstruction by dead atoms; an atom is dead that did not fire on this many
        rows.
    l1
        Weight of the penalty on code values.

    Examples
    --------
    >>> Objective.of({"REC": 1.0, "dTR": 0.5}, sparsity=4, n_slices=8).terms[1][0].level.n_slices
    8
    """

    terms: tuple[tuple[Property, float], ...]
    sparsity: int
    aux_weight: float = 1 / 32
    aux_k: int = 64
    dead_after: int = 10_000_000
    l1: float = 0.0

    @classmethod
    def of(cls, weights: Mapping[str, float], *, unbiased: bool = False, n_slices: int = 256, **rest) -> "Objective":
        """Build it from names; ValueError for an unknown one. Weights of 0 are left out."""
        terms = []
        for name, weight in weights.items():
            try:
                p = trainable(name)
            except KeyError as error:
                raise ValueError(error.args[0]) from None
            if isinstance(p.level, Distribution):
                p = replace(p, level=replace(p.level, unbiased=unbiased, n_slices=n_slices))
            if weight:
                terms.append((p, weight))
        return cls(tuple(terms), **rest)


def losses(
    objective: Objective,
    coders: Coders,
    x: Mapping[str, torch.Tensor],
    layout: Layout,
    *,
    edges: Edges = None,
    silent: Mapping[str, torch.Tensor] | None = None,
    seed=0,
) -> dict[str, torch.Tensor]:
    """Every loss of a batch, unweighted, and their weighted sum "loss".

    Parameters
    ----------
    objective, coders
        What is minimised, and the coders of one seed.
    x, layout
        Stream → rows [n_i, d_i], and which of them are pairs.
    edges
        Those that are trained; None: all.
    silent
        Code → rows since each atom fired [m]; None leaves the loss of dead atoms out.
    seed
        Of the slices.

    Returns
    -------
    Name → 0-d tensor.

    Examples
    --------
    >>> from nonlinear.blocks import layout_of
    >>> from nonlinear.systems import SAE
    >>> p = {"encoder.x": torch.eye(2), "bias.x": torch.zeros(2), "decoder.x": torch.eye(2), "offset.x": torch.zeros(2)}
    >>> coders, layout = Coders(Shape(SAE, {"x": 2}, 2, False), p, sparsity=1), layout_of({"x": [0]})
    >>> float(losses(Objective.of({"REC": 1.0}, sparsity=1), coders, {"x": torch.tensor([[3.0, 2.0]])}, layout)["REC"])
    4.0
    """
    view = BatchView(x, coders, layout, edges, seed)
    dense = _DenseView(view) if coders.sparse else view
    found, total = {}, torch.zeros((), dtype=next(iter(x.values())).dtype, device=next(iter(x.values())).device)
    for p, weight in objective.terms:
        sparse = p.what.sparse and p.level.sparse
        found[p.name] = torch.as_tensor(p.loss(view if sparse else dense)) + torch.zeros_like(total)
        total = total + weight * found[p.name]
    if silent is not None and objective.aux_weight:
        found["aux"] = total.new_zeros(()) + _auxiliary(objective, view, silent)
        total = total + objective.aux_weight * found["aux"]
    if objective.l1:
        found["L1"] = coders.penalty()
        total = total + objective.l1 * found["L1"]
    return found | {"loss": total}


class _DenseView(BatchView):
    """The same batch with codes as tensors, for a loss that wants arithmetic on them."""

    def __init__(self, view: BatchView):
        super().__init__(view.streams, view.coders, view.layout, view.only, view.seed)

    def code(self, i: str):
        if i not in self._codes:
            self._codes[i] = self._dense(super().code(i), i, self.x(i))
        return self._codes[i]

    def encode(self, i: str, x):
        return self._dense(super().encode(i, x), i, x)

    def _dense(self, z, i: str, x):
        found = z.dense()
        self.coders.remember(found, i, x)
        return found


def _auxiliary(objective: Objective, view: BatchView, silent: Mapping[str, torch.Tensor]) -> Any:
    shape, total, pairs = view.coders.shape, 0.0, _autoencoders(view)
    # Where reconstruction is relative and a mean over streams (SPARC), so is this: the two have to be of one scale.
    relative = any(isinstance(p.level, Relative) for p, _ in objective.terms)
    for i, j in pairs:
        rows_i, rows_j = view.matched(i, j) if i != j else (slice(None), slice(None))
        rows, W, b = view.coders.inputs(i, view.streams, view.layout)
        target = at(view.x(j), rows_j)
        residual = target - at(view.decode(j, view.code(i)), rows_i)
        D = atoms_of(view.coders.parameters, shape, shape.owners[j])
        unit = _squared_norms(target) if relative else None
        total = total + auxiliary_loss(objective, at(rows, rows_i), residual, W, b, D, silent[shape.codes[i]], unit)
    return total / len(pairs) if relative else total


def _squared_norms(x: torch.Tensor) -> torch.Tensor:
    norms = (x**2).sum(1)
    return torch.where(norms > 0, norms, 1)


def _autoencoders(view: BatchView) -> list[tuple[str, str]]:
    """(code, target) pairs whose residual dead atoms learn: self edges, else the edges there are."""
    own = list(view.edges("self"))
    return own or list(view.edges("ordered"))


def auxiliary_loss(
    objective: Objective,
    rows: torch.Tensor,
    residual: torch.Tensor,
    W: torch.Tensor,
    b: torch.Tensor,
    D: torch.Tensor,
    silent: torch.Tensor,
    unit: torch.Tensor | None = None,
) -> torch.Tensor:
    """Reconstruct the residual, as a constant and without the bias, by the strongest dead atoms of each row (AuxK).

    Parameters
    ----------
    objective
        For `aux_k` and `dead_after`; the 4·aux_k atoms that are silent for longest take part.
    rows, residual
        [n, d] and [n, e].
    W, b, D
        Encoder [m, d], bias [m], decoder [m, e].
    silent
        Rows since each atom fired [m].
    unit
        What the squared norm of each row is counted in [n]; None: 1.

    Returns
    -------
    Mean over rows of the squared norm; exactly 0 when no atom is dead.

    Examples
    --------
    >>> one = torch.ones(1, 1)
    >>> objective = Objective((), sparsity=1, dead_after=5)
    >>> given = objective, one, one, one, torch.zeros(1), one / 2
    >>> dead, alive = (auxiliary_loss(*given, torch.tensor([n])) for n in (9, 5))
    >>> float(dead), float(alive)
    (0.25, 0.0)
    """
    k = min(objective.aux_k, len(silent))
    longest = silent.topk(min(4 * k, len(silent))).indices
    dead = silent[longest] > objective.dead_after
    z = torch.relu(rows @ W[longest].mT + b[longest]) * dead
    z = z * selection.mask(z, "topk", k)
    squares = ((residual.detach() - z @ D[longest]) ** 2).sum(1)
    squares = squares if unit is None else squares / unit
    return squares.sum() / max(len(rows), 1) * dead.any()


def stacked(
    objective: Objective,
    shape: Shape,
    parameters: Parameters,
    x: Mapping[str, torch.Tensor],
    layout: Layout,
    *,
    sparse: bool,
    edges: Edges,
    silent: Mapping[str, torch.Tensor] | None,
    seed: int,
    hints: list[dict[str, float]],
    half: bool = False,
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Losses, fired atoms and least kept scores of all seeds, each with the seeds as first axis.

    The dense path maps over the seeds at once; the sparse path, whose codes differ in size, takes them in turn.

    Examples
    --------
    >>> from nonlinear.blocks import layout_of
    >>> from nonlinear.systems import SAE
    >>> p = {"encoder.x": torch.eye(2), "bias.x": torch.zeros(2), "decoder.x": torch.eye(2), "offset.x": torch.zeros(2)}
    >>> two, x = {name: torch.stack([v, 0 * v]) for name, v in p.items()}, torch.tensor([[[3.0, 2.0]], [[3.0, 2.0]]])
    >>> how = {"sparse": False, "edges": None, "silent": None, "seed": 0, "hints": [{}, {}]}
    >>> given = Objective.of({"REC": 1.0}, sparsity=1), Shape(SAE, {"x": 2}, 2, False), two, {"x": x}
    >>> stacked(*given, layout_of({"x": [0]}), **how)[0]["REC"].tolist()     # the second seed's coders are 0
    [4.0, 13.0]
    """

    def one(p, rows, quiet, hint):
        coders = Coders(shape, p, objective.sparsity, sparse=sparse, hints=hint, half=half)
        found = losses(objective, coders, rows, layout, edges=edges, silent=quiet or None, seed=seed)
        return found, coders.fired, coders.least

    count = len(next(iter(parameters.values())))
    if not sparse and count > 1:
        return torch.func.vmap(lambda p, rows, quiet: one(p, rows, quiet, {}), randomness="error")(
            parameters, dict(x), dict(silent or {})
        )
    parts = [one(_slice(parameters, r), _slice(x, r), _slice(silent or {}, r), hints[r]) for r in range(count)]
    return tuple({name: torch.stack([part[n][name] for part in parts]) for name in parts[0][n]} for n in range(3))  # pyright: ignore[reportReturnType]


def _slice(tensors: Mapping[str, torch.Tensor], r: int) -> dict[str, torch.Tensor]:
    # A single slice is a view, whose gradient costs nothing; indexing would copy the whole tensor there and back.
    return {name: t.squeeze(0) if len(t) == 1 else t[r] for name, t in tensors.items()}
