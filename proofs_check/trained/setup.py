"""What the trained rows share: the data, one call that trains, and the bands.

The band of a loss is 1e-6 of its scale (total variance, and 2k for whitened codes): ten orders above rounding, and far
below the distance of the rival predictions. The band of a subspace follows from that of the loss: a loss within δ of
the optimum keeps the sine of the largest angle below √(δ/gap). Every control goes through the same judgement.
"""

import numpy as np

from proofs_check.evidence import Run
from proofs_check.trained.planted import Pair, planted
from theory.solvers import pca

BAND = 1e-6
RANK = 2
SPECTRUM_X, SPECTRUM_Y, CORRELATIONS = (5.0, 3.0, 1.5, 0.7, 0.3), (4.0, 2.0, 1.0, 0.5), (0.9, 0.7, 0.4, 0.2)
X_TO_Y = ("TR", "x", "y")


def standard(run: Run) -> Pair:
    """Data of a run, with principal and canonical directions unrelated.

    Examples
    --------
    >>> np.linalg.eigvalsh(standard(Run()).moments.Sx).round(9).tolist()
    [0.3, 0.7, 1.5, 3.0, 5.0]
    """
    return planted(run.rng(), SPECTRUM_X, SPECTRUM_Y, CORRELATIONS)


def train(run: Run, data: Pair, weights, constraint: str = "none", rank: int = RANK, **options):
    """Twelve starts of linear coders; torch is imported here.

    Examples
    --------
    >>> data = standard(Run())
    >>> fit = train(Run(), data, {"CC": 1.0}, "whitened", rank=1)
    >>> bool(abs(fit.losses.min() - 0.2) < BAND)
    True
    """
    from nonlinear import linear

    return linear.train(data.X, data.Y, rank, weights, constraint, seed=run.seed, **options)


def losses(data: Pair, coders, weights) -> list[float]:
    """Loss of the coders, per start.

    Examples
    --------
    >>> sizes = {"Wx": (5, 2), "Dx": (2, 5), "Wy": (4, 2), "Dy": (2, 4)}
    >>> zero = {name: np.zeros((1, *size)) for name, size in sizes.items()}
    >>> data = standard(Run())
    >>> round(losses(data, zero, {"REC": 1.0})[0], 9) == round(data.variance, 9)
    True
    """
    from nonlinear.linear import loss

    starts = range(len(coders["Wx"]))
    return [float(loss(data.X, data.Y, {name: w[s] for name, w in coders.items()}, weights)) for s in starts]


def least(data: Pair, coders, weights) -> float:
    """Least loss of the coders over the starts.

    Examples
    --------
    >>> sizes = {"Wx": (5, 2), "Dx": (2, 5), "Wy": (4, 2), "Dy": (2, 4)}
    >>> zero = {name: np.zeros((1, *size)) for name, size in sizes.items()}
    >>> least(standard(Run()), zero, {"CC": 1.0})
    0.0
    """
    return min(losses(data, coders, weights))


def principal(data: Pair) -> tuple[float, float, dict[str, np.ndarray]]:
    """Both PCA tails together, the smaller gap, and the principal subspaces.

    Examples
    --------
    >>> tails, gap, spaces = principal(standard(Run()))
    >>> round(tails, 9), round(gap, 9), spaces["Wx"].shape
    (4.0, 1.0, (5, 2))
    """
    x, y = pca.solve(data.moments.Sx, RANK), pca.solve(data.moments.Sy, RANK)
    return x.optimum + y.optimum, min(x.gap, y.gap), {"Wx": x.maps["W"], "Wy": y.maps["W"]}


def regression_gap(sigma: np.ndarray) -> float:
    """σ_k² − σ_{k+1}².

    Examples
    --------
    >>> regression_gap(np.array([3.0, 2.0, 1.0]))
    3.0
    """
    return float(sigma[RANK - 1] ** 2 - sigma[RANK] ** 2)
