"""Changes of a view under which a loss is declared invariant, or declared to change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from theory.view import View

Transformation = Callable[[View, np.random.Generator], View]


def like(A: np.ndarray, x: Any) -> Any:
    """Return the NumPy array A in the namespace, dtype and on the device of x.

    Examples
    --------
    >>> import torch
    >>> like(np.eye(2), torch.zeros(1, dtype=torch.float32)).dtype
    torch.float32
    """
    return array_namespace(x).asarray(A, dtype=x.dtype, device=device(x))


@dataclass(frozen=True)
class Between:
    """The map x → map(x A) B, where None stands for the identity.

    Examples
    --------
    >>> Between(np.abs, A=-2 * np.eye(1), B=3 * np.eye(1))(np.array([[1.0]]))
    array([[6.]])
    """

    map: Callable[[Any], Any]
    A: np.ndarray | None = None
    B: np.ndarray | None = None

    def __call__(self, x):
        """Rows in, rows out."""
        y = self.map(x if self.A is None else x @ like(self.A, x))
        return y if self.B is None else y @ like(self.B, y)


def _order_of_the_points(view: View, rng: np.random.Generator) -> View:
    lengths = {len(x) for x in view.streams.values()}
    orders = {n: rng.permutation(n) for n in lengths}  # one order per length, so that rows without ids stay aligned
    streams = {s: x[orders[len(x)]] for s, x in view.streams.items()}
    return view.replace(streams=streams, ids={s: view.ids(s)[orders[len(x)]] for s, x in view.streams.items()})


def _pairing(view: View, rng: np.random.Generator) -> View:
    *_, last = view.streams
    n = len(view.x(last))
    order = rng.permutation(n)
    moved = np.empty(n, dtype=int)
    moved[order] = np.roll(order, 1)  # one cycle: no row keeps its place
    return view.replace(streams=view.streams | {last: view.x(last)[moved]})


def _rotation_of_a_representation(view: View, rng: np.random.Generator) -> View:
    s = rng.choice(list(view.streams))
    Q = _rotation(rng, view.x(s).shape[1])
    return view.replace(
        streams=view.streams | {s: view.x(s) @ like(Q, view.x(s))},
        encoders=view.encoders | {s: Between(view.encoders[s], A=Q.T)},
        decoders=view.decoders | {s: Between(view.decoders[s], B=Q)},
    )


def _rotation_of_the_codes(view: View, rng: np.random.Generator) -> View:
    return _recoded(view, {s: A for A in [_rotation(rng, _n_atoms(view))] for s in view.streams})


def _change_of_basis(view: View, rng: np.random.Generator) -> View:
    return _recoded(view, {s: A for A in [_invertible(rng, _n_atoms(view))] for s in view.streams})


def _one_streams_basis(view: View, rng: np.random.Generator) -> View:
    return _recoded(view, {rng.choice(list(view.streams)): _invertible(rng, _n_atoms(view))})


def _recoded(view: View, bases: Mapping[str, np.ndarray]) -> View:
    encoders = {s: Between(view.encoders[s], B=A) for s, A in bases.items()}
    decoders = {s: Between(view.decoders[s], A=np.linalg.inv(A)) for s, A in bases.items()}
    return view.replace(encoders=view.encoders | encoders, decoders=view.decoders | decoders)


def _n_atoms(view: View) -> int:
    return view.code(next(iter(view.streams))).shape[1]


def _rotation(rng: np.random.Generator, d: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def _invertible(rng: np.random.Generator, d: int) -> np.ndarray:
    # Singular values from 1/2 to 2: far from orthogonal, and well conditioned.
    return _rotation(rng, d) * np.geomspace(0.5, 2.0, d) @ _rotation(rng, d) if d > 1 else np.full((1, 1), 2.0)


TRANSFORMATIONS: dict[str, Transformation] = {
    "order of the points": _order_of_the_points,
    "pairing": _pairing,
    "rotation of a representation": _rotation_of_a_representation,
    "rotation of the codes": _rotation_of_the_codes,
    "change of basis": _change_of_basis,
    "one stream's basis": _one_streams_basis,
}
