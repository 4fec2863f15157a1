"""Free parameters → linear coders that satisfy a constraint at every step of training."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from theory.linalg import whitener
from theory.moments import Moments

Named = dict[str, Tensor]
CONSTRAINTS = ("none", "scaled", "whitened", "joint")


@dataclass(frozen=True)
class Parametrisation:
    """Named free parameters and the coders that they stand for.

    Parameters
    ----------
    shapes
        Name → shape.
    scales
        Name → standard deviation of a random start.
    build
        Named parameters → coders "Wx" [dx, k], "Dx" [k, dx], "Wy", "Dy".
    normal
        Named parameters → other parameters of the same coders, as far as can be from where the map is singular; None
        if it never is.

    Examples
    --------
    >>> tied = Parametrisation({"W": (2, 1)}, {"W": 1.0}, lambda p: {"Wx": p["W"], "Dx": p["W"].T})
    >>> tied.coders(torch.tensor([3.0, 4.0]))["Dx"].tolist(), tied.start(np.random.default_rng(0)).shape
    ([[3.0, 4.0]], (2,))
    """

    shapes: Mapping[str, tuple[int, ...]]
    scales: Mapping[str, float]
    build: Callable[[Named], Named]
    normal: Callable[[Named], Named] | None = None

    def coders(self, p: Tensor) -> Named:
        """Coders of one flat vector of parameters."""
        return self.build(self._named(p))

    def normalised(self, p: Tensor) -> Tensor:
        """Flat parameters of the same coders, by `normal`."""
        if self.normal is None:
            return p
        free = self.normal(self._named(p))
        return torch.cat([free[name].reshape(-1) for name in self.shapes])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Flat normal parameters."""
        return np.concatenate([self.scales[n] * rng.normal(size=shape).ravel() for n, shape in self.shapes.items()])

    def _named(self, p: Tensor) -> Named:
        parts = p.split([math.prod(shape) for shape in self.shapes.values()])
        return {n: q.reshape(s) for (n, s), q in zip(self.shapes.items(), parts, strict=True)}


def parametrise(moments: Moments, rank: int, constraint: str) -> Parametrisation:
    """Parametrise linear coders of two streams.

    Parameters
    ----------
    moments
        Of the training rows; the constraints refer to Σx and Σy.
    rank
        Width k of the codes.
    constraint
        - "none": the coders are the parameters;
        - "scaled": no constraint either, but the scale of the codes is a parameter of its own, W = eˢA and D = e⁻ˢB, so
          that a loss whose infimum lies at vanishing codes can be followed there;
        - "whitened": WxᵀΣxWx = WyᵀΣyWy = I;
        - "joint": WxᵀΣxWx + WyᵀΣyWy = 2I.

    Raises
    ------
    ValueError
        Unknown constraint, or a rank that whitening cannot reach.

    Examples
    --------
    >>> moments = Moments.from_arrays([[2.0], [-2.0]], [[1.0], [-1.0]])
    >>> coders = parametrise(moments, 1, "whitened").coders(torch.tensor([7.0, -3.0, 3.0, 1.0], dtype=torch.float64))
    >>> [round(float(coders[name]), 12) for name in ("Wx", "Wy", "Dx")]
    [0.5, -1.0, 3.0]
    """
    dx, dy = moments.dx, moments.dy
    # Codes of about unit variance, and reconstructions of about the size of the data.
    size_x, size_y = math.sqrt(np.trace(moments.Sx)), math.sqrt(np.trace(moments.Sy))
    decoders = {"Dx": (rank, dx), "Dy": (rank, dy)}
    decoder_scales = {"Dx": size_x / math.sqrt(rank * dx), "Dy": size_y / math.sqrt(rank * dy)}
    match constraint:
        case "none" | "scaled":
            shapes = {"Wx": (dx, rank), "Wy": (dy, rank)} | decoders
            scales = {"Wx": 1 / size_x, "Wy": 1 / size_y} | decoder_scales
            if constraint == "none":
                return Parametrisation(shapes, scales, lambda free: free)
            return Parametrisation(shapes | {"s": ()}, scales | {"s": 0.0}, _rescaled)
        case "whitened" | "joint":
            Px, Py = whitener(moments.Sx)[0], whitener(moments.Sy)[0]
            rx, ry = Px.shape[1], Py.shape[1]
            if not 1 <= rank <= (min(rx, ry) if constraint == "whitened" else rx + ry):
                raise ValueError(f"{rank} codes cannot be whitened: Σx, Σy have ranks {rx}, {ry}; choose fewer codes")
            Px, Py = torch.from_numpy(Px), torch.from_numpy(Py)
            size = 1.0 if constraint == "whitened" else math.sqrt(2)

            def normal(free: Named) -> Named:
                if constraint == "whitened":
                    return free | {"Wx": orthonormal(free["Wx"]), "Wy": orthonormal(free["Wy"])}
                U, V = orthonormal(torch.cat([free["Wx"], free["Wy"]])).split([rx, ry])
                return free | {"Wx": U, "Wy": V}

            def build(free: Named) -> Named:
                free = normal(free)
                return free | {"Wx": size * Px @ free["Wx"], "Wy": size * Py @ free["Wy"]}

            shapes = {"Wx": (rx, rank), "Wy": (ry, rank)} | decoders
            return Parametrisation(shapes, {"Wx": 1.0, "Wy": 1.0} | decoder_scales, build, normal)
    raise ValueError(f"constraint is {constraint!r}; use one of {', '.join(CONSTRAINTS)}")


def orthonormal(A: Tensor) -> Tensor:
    """QR factor with a positive diagonal of R: Haar distributed for normal A, singular where A loses column rank.

    Examples
    --------
    >>> orthonormal(torch.tensor([[-2.0], [0.0]])).tolist()
    [[-1.0], [0.0]]
    """
    Q, R = torch.linalg.qr(A)
    return Q * torch.sign(torch.diagonal(R))


def _rescaled(free: Named) -> Named:
    e = torch.exp(free["s"])
    return {name: w * e if name[0] == "W" else w / e for name, w in free.items() if name != "s"}
