"""Views on which a property holds, near which it fails, and far from which nothing special happens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from proofs_check.transformations import like
from theory.properties import Property, UndefinedError
from theory.view import View

N_POINTS, WIDTHS, N_ATOMS = 12, (5, 4), 3


@dataclass(frozen=True)
class Linear:
    """The coder x → x A, for arrays of any namespace.

    Examples
    --------
    >>> Linear(np.array([[1.0], [2.0]]))(np.array([[3.0, 4.0]]))
    array([[11.]])
    """

    A: np.ndarray

    def __call__(self, x):
        """Rows in, rows out."""
        return x @ like(self.A, x)


@dataclass(frozen=True)
class _Moved:
    """The map x → map(x) + size·tanh(x G): near any given map, and not linear."""

    map: Callable[[Any], Any]
    G: np.ndarray
    size: Any

    def __call__(self, x):
        """Rows in, rows out."""
        return self.map(x) + self.size * array_namespace(x).tanh(x @ like(self.G, x))


def member(prop: Property, rng: np.random.Generator) -> View:
    """View on which the property holds: the WHAT's own, or x_i = z B_i with f_i = B_iᵀ, g_i = B_i, B_i B_iᵀ = 1.

    The streams have different widths unless the level cannot compare the sides then.

    Examples
    --------
    >>> from theory.properties import TR, Instance
    >>> prop = Property(TR, Instance())
    >>> bool(prop.loss(member(prop, np.random.default_rng(0))) < 1e-24)
    True
    """
    if prop.what.member is not None:
        return prop.what.member(rng).replace(sampling="aligned")
    view = _noise_free(rng, *WIDTHS)
    try:
        prop.loss(view)
    except UndefinedError:
        return _noise_free(rng, WIDTHS[0], WIDTHS[0])
    return view


def _noise_free(rng: np.random.Generator, *widths: int) -> View:
    """Two streams of these widths with a common code, and coders that lose nothing; laws compare all points."""
    z = rng.normal(size=(N_POINTS, N_ATOMS))
    B = {s: np.linalg.qr(rng.normal(size=(d, N_ATOMS)))[0].T for s, d in zip("xy", widths, strict=True)}
    encoders, decoders = {s: Linear(B[s].T) for s in B}, {s: Linear(B[s]) for s in B}
    return View({s: z @ B[s] for s in B}, encoders, decoders, sampling="aligned")


def perturbed(view: View, rng: np.random.Generator, size: Any) -> View:
    """Move streams, encoders and decoders along random directions; smooth in `size`, which may be a torch scalar.

    Examples
    --------
    >>> from theory.properties import TR, Instance
    >>> rng, prop = np.random.default_rng(0), Property(TR, Instance())
    >>> view = member(prop, rng)
    >>> bool(prop.loss(perturbed(view, rng, 1e-3)) > 1e-9 > prop.loss(perturbed(view, rng, 0.0)))
    True
    """

    def moved(map_: Callable, rows: Any, width: int) -> _Moved:
        return _Moved(map_, rng.normal(size=(rows.shape[1], width)), size)

    streams = {s: x + size * like(rng.normal(size=tuple(x.shape)), x) for s, x in view.streams.items()}
    encoders = {s: moved(f, view.x(s), view.code(s).shape[1]) for s, f in view.encoders.items()}
    decoders = {s: moved(g, view.code(s), view.x(s).shape[1]) for s, g in view.decoders.items()}
    return view.replace(streams=streams, encoders=encoders, decoders=decoders)


def generic(prop: Property, seed: int) -> View:
    """View far from any member, with coders that are not linear.

    Examples
    --------
    >>> from theory.properties import TR, Instance
    >>> prop = Property(TR, Instance())
    >>> bool(prop.loss(generic(prop, 0)) > 0.1)
    True
    """
    rng = np.random.default_rng([seed, 1])
    return perturbed(member(prop, rng), rng, 1.0)
