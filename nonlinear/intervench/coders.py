"""What the benchmark asks of a sparse coder, and the coders that it knows: any object, ours, by an adapter."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch

from nonlinear.batch import Layout
from nonlinear.blocks import layout_of
from nonlinear.gauge import unit_gauge
from nonlinear.model import Model
from nonlinear.parameters import atoms_of

NEEDED = "encode", "decode", "dictionary"


class Coder(Protocol):
    """A sparse coder of one stream, in the stream's own units.

    ``encode`` takes rows [n, d] to codes [n, m], row by row; ``decode`` takes codes to rows, decode(Z) = Z·dictionary +
    decode(0); ``dictionary`` is [m, d], rows = atoms. All are NumPy arrays. The benchmark scales atoms to norm 1.

    Examples
    --------
    >>> from nonlinear.intervench.planted import planted
    >>> coder: Coder = planted(9, 0).coders["A"]
    >>> Z = np.eye(52)
    >>> bool(np.allclose(coder.encode(coder.decode(Z)), Z)), coder.dictionary.shape
    (True, (52, 64))
    """

    @property
    def dictionary(self) -> np.ndarray:
        """Atoms [m, d]."""
        ...

    def encode(self, X: np.ndarray) -> np.ndarray:
        """Codes [n, m] of rows [n, d]."""
        ...

    def decode(self, Z: np.ndarray) -> np.ndarray:
        """Rows [n, d] of codes [n, m]."""
        ...


class TrainedCoder:
    """One stream of a trained :class:`~nonlinear.model.Model`, by its encoder alone.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(40, 3)))}
    >>> coder = of_model(train(Config(system="sae", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1), x))["x"]
    >>> coder.dictionary.shape, coder.encode(x["x"].array).shape
    ((4, 3), (40, 4))
    """

    def __init__(self, model: Model, seed_index: int, stream: str):
        self.coders, self.stream = unit_gauge(model.coders(seed_index)), stream
        self.normaliser = model.normalisers[seed_index][stream]
        atoms = atoms_of(self.coders.parameters, model.shape, model.shape.owners[stream])
        self.dictionary = (atoms.double() / self.normaliser.scale).cpu().numpy()
        self._like = next(iter(self.coders.parameters.values()))

    def rows(self, X: np.ndarray) -> torch.Tensor:
        """Rows as the model takes them."""
        return self.normaliser(torch.from_numpy(np.asarray(X, dtype=np.float64))).to(self._like)

    @torch.no_grad()
    def encode(self, X: np.ndarray) -> np.ndarray:
        """Codes [n, m] of rows [n, d]."""
        return self.coders.encode(self.stream, self.rows(X)).cpu().numpy()

    @torch.no_grad()
    def decode(self, Z: np.ndarray) -> np.ndarray:
        """Rows [n, d] of codes [n, m]."""
        z = torch.from_numpy(np.asarray(Z)).to(self._like)
        return self.normaliser.back(self.coders.decode(self.stream, z).double()).cpu().numpy()


def of_model(model: Model, seed_index: int = 0) -> dict[str, TrainedCoder]:
    """Coders of a trained model, by stream.

    Raises
    ------
    ValueError
        A system that does not encode and decode every stream, or rows that were scaled to norm 1.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(40, 3)))}
    >>> fields = {"system": "sae", "n_atoms": 4, "sparsity": 2, "batch": 8, "steps": 5, "threads": 1}
    >>> of_model(train(Config(normalise="unit", **fields), x))
    Traceback (most recent call last):
    ValueError: the run scales rows to norm 1, which decoding cannot undo; train with normalise 'variance'
    """
    if model.config.normalise == "unit":
        raise ValueError("the run scales rows to norm 1, which decoding cannot undo; train with normalise 'variance'")
    if model.shape.system.edges == "first":
        raise ValueError(f"{model.config.system} does not encode and decode every stream; train another system")
    return {s: TrainedCoder(model, seed_index, s) for s in model.shape.streams}


Joint = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]


def joint_of_model(model: Model, seed_index: int = 0) -> Joint | None:
    """Codes that see all streams of a point, rows by stream → codes by stream; None where no code does.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> both = {s: Array(np.random.default_rng(0).normal(size=(40, 3))) for s in "xy"}
    >>> config = Config(system="crosscoder", n_atoms=4, sparsity=2, batch=8, steps=5, threads=1)
    >>> codes = joint_of_model(train(config, both))({s: x.array for s, x in both.items()})
    >>> np.array_equal(codes["x"], codes["y"])     # one code of the summed encoders
    True
    """
    if model.shape.system.sharing not in ("summed", "support"):
        return None
    coders = of_model(model, seed_index)

    @torch.no_grad()
    def joint(X: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = {s: coders[s].rows(x) for s, x in X.items()}
        layout: Layout = layout_of({s: np.arange(len(x)) for s, x in X.items()})
        fresh = unit_gauge(model.coders(seed_index))
        return {s: fresh.code(s, rows, layout).cpu().numpy() for s in rows}

    return joint


Adapter = Callable[[str, Sequence[str]], Mapping[str, Any]]


def adapter(spec: str) -> Adapter:
    """Function (run, names of the streams) → stream → :class:`Coder`, named as ``module:function``.

    Raises
    ------
    ValueError
        No such module or function.

    Examples
    --------
    >>> adapter("statistics:nothing")
    Traceback (most recent call last):
    ValueError: statistics has no function 'nothing'; name one that takes (run, names) → name → coder
    """
    module, colon, function = spec.partition(":")
    if not colon:
        raise ValueError(f"adapter {spec!r} is not module:function; write for instance my_coders:load")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ModuleNotFoundError as error:
        raise ValueError(f"adapter {module!r} cannot be imported ({error}); put its folder on PYTHONPATH") from None
    if not callable(found):
        raise ValueError(f"{module} has no function {function!r}; name one that takes (run, names) → name → coder")
    return cast(Adapter, found)


def checked(name: str, coder: Any, dim: int) -> Coder:
    """Return the coder of a stream of width `dim` if it is one.

    Raises
    ------
    ValueError
        Something is missing, of another size, not finite, or not affine.

    Examples
    --------
    >>> checked("x", object(), 3)
    Traceback (most recent call last):
    ValueError: the coder of 'x' has no encode, decode, dictionary; see nonlinear.intervench.coders.Coder
    """
    if missing := [part for part in NEEDED if not hasattr(coder, part)]:
        raise ValueError(f"the coder of {name!r} has no {', '.join(missing)}; see nonlinear.intervench.coders.Coder")
    D = np.asarray(coder.dictionary)
    if D.ndim != 2 or D.shape[1] != dim:
        raise ValueError(f"the dictionary of {name!r} has shape {D.shape} and rows have {dim} columns; give [m, {dim}]")
    if not np.isfinite(D).all():
        raise ValueError(f"the dictionary of {name!r} has NaN or infinite values; train again")
    Z = np.abs(np.random.default_rng(0).standard_normal((4, len(D))))
    Z[0] = 0
    try:
        decoded = np.asarray(coder.decode(Z), dtype=np.float64)
    except (ValueError, RuntimeError, IndexError) as error:  # what NumPy and torch raise where shapes do not fit
        raise ValueError(
            f"decode of {name!r} does not take [n, {len(D)}]; give codes and dictionary one size"
        ) from error
    if decoded.shape != (4, dim) or not np.isfinite(decoded).all():
        raise ValueError(f"decode of {name!r} gives {decoded.shape} or values that are not finite; give [n, {dim}]")
    expected = Z @ D + decoded[0]
    if np.abs(decoded - expected).max() > 1e-3 * (np.abs(expected).max() + 1e-30):
        raise ValueError(f"decode of {name!r} is not Z·dictionary + decode(0); give the dictionary that it uses")
    return coder
