"""Measurements on trained linear coders, every start at once: angles between subspaces, code size, best decoders."""

from collections.abc import Iterable, Mapping

import numpy as np

from proofs_check.trained.planted import Pair
from theory.linalg import root, subspace_distance


def floats(values: Iterable) -> list[float]:
    """Plain floats.

    Examples
    --------
    >>> floats(np.array([1, 2]))
    [1.0, 2.0]
    """
    return [float(v) for v in values]


def principal_sines(coders: Mapping, targets: Mapping[str, np.ndarray]) -> list[float]:
    """Per start the sine of the largest angle between the encoders named by the targets and their targets.

    Examples
    --------
    >>> axes = np.eye(2)
    >>> principal_sines({"Wx": axes[:, :1][None], "Wy": axes[:, 1:][None]}, {"Wx": axes[:, :1], "Wy": axes[:, :1]})
    [1.0]
    """
    pairs = zip(
        *([subspace_distance(W, target) for W in coders[name]] for name, target in targets.items()), strict=True
    )
    return floats(map(max, pairs))


def whitened_sines(data: Pair, coders: Mapping, targets: Mapping[str, np.ndarray]) -> list[float]:
    """As `principal_sines`, after Σ^{1/2}: between the spaces spanned by the whitened encoders.

    Examples
    --------
    >>> data = Pair(np.array([[2.0, 0.0], [0.0, 1.0], [-2.0, 0.0], [0.0, -1.0]]), np.eye(4)[:, :1] - 0.25)
    >>> a, b = np.array([[1.0], [2.0]]), np.array([[1.0], [-2.0]])
    >>> [round(s, 9) for s in whitened_sines(data, {"Wx": a[None]}, {"Wx": b})]
    [1.0]
    """
    roots = {"Wx": root(data.moments.Sx), "Wy": root(data.moments.Sy)}
    return principal_sines(
        {name: roots[name] @ coders[name] for name in targets}, {n: roots[n] @ w for n, w in targets.items()}
    )


def canonical_sine(excess: float, gap: float) -> float:
    """Largest sine to the canonical subspaces that L_CC ≤ 2k − 2Σρ + excess leaves, where gap = ρ_k − ρ_{k+1}.

    With Z = [U; V]/√2 the loss is 2k − 2Tr(ZᵀHZ), H = [[0, M], [Mᵀ, 0]], so that ‖P_Z − P_Z*‖²_F ≤ excess/gap. The
    diagonal blocks are halves of P_U − P_U* and P_V − P_V*, whose singular values come in pairs.

    Examples
    --------
    >>> canonical_sine(0.01, 0.5)
    0.2
    """
    return float(np.sqrt(2 * excess / gap))


def code_variance(data: Pair, coders: Mapping) -> list[float]:
    """E‖x Wx‖² + E‖y Wy‖² per start.

    Examples
    --------
    >>> data = Pair(np.array([[1.0], [-1.0]]), np.array([[2.0], [-2.0]]))
    >>> code_variance(data, {"Wx": np.ones((1, 1, 1)), "Wy": np.ones((1, 1, 1))})
    [5.0]
    """
    return floats(((data.X @ coders["Wx"]) ** 2 + (data.Y @ coders["Wy"]) ** 2).sum((1, 2)) / len(data.X))


def best_decoders(data: Pair, coders: Mapping, rec: float, tr: float) -> dict[str, np.ndarray]:
    """Keep the encoders and choose the decoders that minimise rec·L_REC + tr·L_TR, by least squares.

    Examples
    --------
    >>> data, one = Pair(np.array([[1.0], [-1.0]]), np.array([[2.0], [-2.0]])), np.ones((1, 1, 1))
    >>> found = best_decoders(data, {"Wx": one, "Wy": one}, rec=1.0, tr=0.0)
    >>> [round(float(found[name].item()), 9) for name in ("Dx", "Dy")]
    [1.0, 1.0]
    """
    codes = data.X @ coders["Wx"], data.Y @ coders["Wy"]

    def decode(own: np.ndarray, other: np.ndarray, target: np.ndarray) -> np.ndarray:
        sources, targets = ((np.sqrt(rec) * own, np.sqrt(tr) * other), (np.sqrt(rec) * target, np.sqrt(tr) * target))
        return np.linalg.lstsq(np.concatenate(sources), np.concatenate(targets), rcond=None)[0]

    Dx = np.stack([decode(zx, zy, data.X) for zx, zy in zip(*codes, strict=True)])
    Dy = np.stack([decode(zy, zx, data.Y) for zx, zy in zip(*codes, strict=True)])
    return {"Wx": coders["Wx"], "Dx": Dx, "Wy": coders["Wy"], "Dy": Dy}


def transposed(coders: Mapping) -> dict[str, np.ndarray]:
    """Decoders that are the transposed encoders.

    Examples
    --------
    >>> transposed({"Wx": np.ones((1, 3, 2)), "Wy": np.ones((1, 4, 2))})["Dy"].shape
    (1, 2, 4)
    """
    Wx, Wy = coders["Wx"], coders["Wy"]
    return {"Wx": Wx, "Dx": Wx.swapaxes(1, 2), "Wy": Wy, "Dy": Wy.swapaxes(1, 2)}


def decoder_distance(coders: Mapping, others: Mapping) -> list[float]:
    """Per start the Frobenius norm of the difference of the decoders (Dx and Dy together).

    Examples
    --------
    >>> zero = {"Dx": np.zeros((1, 1, 1)), "Dy": np.zeros((1, 1, 1))}
    >>> decoder_distance({"Dx": np.full((1, 1, 1), 3.0), "Dy": np.full((1, 1, 1), 4.0)}, zero)
    [5.0]
    """
    squares = (((coders[name] - others[name]) ** 2).sum((1, 2)) for name in ("Dx", "Dy"))
    return floats(np.sqrt(sum(squares)))
