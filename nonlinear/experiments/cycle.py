"""E2: cycle consistency is no surrogate for translation; linear coders against theorems D1 to D3.

Sparse coders are arms of the grid of E1. Linear coders are trained on data whose second moments are exactly the chosen
ones, many starts per data seed, by full-batch quasi-Newton steps, which commute with rotations and signs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nonlinear import linear
from theory.cycle import CycleOptima
from theory.levels import Level
from theory.moments import Moments
from theory.properties import registered
from theory.solvers import reduced_rank

STARTS, MATCHED_STARTS, STEPS = 128, 512, 600
# Two spectra: a generic one for D1 and D3, and for D2 one whose principal parts are round, so that the law of the
# start, which no rotation of them changes, makes Q exactly Haar.
GENERIC = ((3.0, 2.0, 1.0, 0.4), (2.5, 1.5, 0.8, 0.3), (0.9, 0.7, 0.5, 0.3))
ROUND = ((2.0, 2.0, 2.0, 0.4, 0.2), (1.5, 1.5, 1.5, 0.5, 0.25), (0.9, 0.8, 0.6, 0.4, 0.2))


SETTINGS = {
    "cycle_only": {"spectra": GENERIC, "starts": STARTS, "steps": STEPS},
    "covariance_matched": {"spectra": ROUND, "starts": MATCHED_STARTS, "steps": STEPS},
}


@dataclass(frozen=True)
class SameCovariance(Level):
    """Equal covariances: what matching of Gaussian laws asks of centred linear maps, without a batch's noise.

    Examples
    --------
    >>> from theory.view import View
    >>> from theory.whats import CC
    >>> x = np.array([[1.0], [-1.0]])
    >>> view = View({"x": x, "y": 2 * x}, {"x": lambda a: 2 * a, "y": lambda a: -a}, {})
    >>> float(SameCovariance().loss(CC, view, "x", "y"))     # codes 2 and −2: other rows, the same covariance
    0.0
    """

    prefix: str = "v"
    adds: frozenset[str] = frozenset({"pairing"})

    def loss(self, what, view, i, j):
        """Squared Frobenius norm of the difference of the covariances of all rows."""
        a, b = what.sides(view, i, j)
        a, b = a - a.mean(0), b - b.mean(0)
        return ((a.T @ a / len(a) - b.T @ b / len(b)) ** 2).sum()


def exact_pair(seed: int, spectra: tuple[tuple[float, ...], ...], rows: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Rows X, Y whose covariances have exactly the given spectra and canonical correlations, in random position.

    Parameters
    ----------
    seed
        Of the directions.
    spectra
        Of Σx, of Σy, and the canonical correlations ρ, of one length d.
    rows
        At least 2d + 1.

    Returns
    -------
    Two arrays [rows, d], centred.

    Examples
    --------
    >>> X, Y = exact_pair(0, ((2.0, 1.0), (3.0, 1.0), (0.5, 0.1)))
    >>> np.linalg.eigvalsh(X.T @ X / len(X)).round(12).tolist()
    [1.0, 2.0]
    """
    rng = np.random.default_rng([seed, 11])
    x, y, rho = map(np.asarray, spectra)
    d = len(x)
    Z = rng.standard_normal((rows, 2 * d))
    Z, _ = np.linalg.qr(Z - Z.mean(0))
    S, N = np.sqrt(rows) * Z[:, :d], np.sqrt(rows) * Z[:, d:]
    U, V, P, Q = (np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(4))
    X = (S @ U) * np.sqrt(x) @ P
    Y = ((S * rho + N * np.sqrt(1 - rho**2)) @ V) * np.sqrt(y) @ Q
    return X, Y


def cycle_only(seed: int) -> dict[str, Any]:
    """Coders trained for CYC alone on generic data, k = d: theorems D1 and D3 on every start.

    Returns
    -------
    dict
        ``r2_tr``: mean over the starts of R² of the translation x → y; ``linear_part``: that of 2Tr(ΓᵀC₀)/TrΣy, 0 for
        a sign-symmetric law. The same two for reduced-rank regression, the optimum of TR (``regression_``), for the
        coders of the start (``untrained_``), and with the rows of y shuffled once (``shuffled_``). ``formula``: the
        largest |R² − R²(Γ)| of D1; ``r2_cyc``; ``change``: largest change of the loss over the last tenth of the
        steps, in units of the total variance.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.STARTS", 8):
    ...     found = cycle_only(0)
    >>> found["r2_cyc"] > 0.999, found["r2_tr"] < 0 < found["regression_r2_tr"]
    (True, True)
    """
    X, Y = exact_pair(seed, GENERIC)
    moments, rank = Moments.from_arrays(X, Y), X.shape[1]
    fit = linear.train(X, Y, rank, {"CYC": 1.0}, starts=STARTS, seed=seed, steps=STEPS)
    optima, maps = CycleOptima.of(moments, rank), _translations(fit.coders)
    best = reduced_rank.solve(moments, rank).maps
    arms = {
        "": (moments, maps),
        "regression_": (moments, [best["Wx"] @ best["Dy"]]),
        "untrained_": (moments, _translations(fit.initial)),
        "shuffled_": (_shuffled(X, Y, seed), maps),
    }
    found: dict[str, Any] = {"seed": seed}
    for name, (m, translations) in arms.items():
        found[name + "r2_tr"] = float(np.mean([_r2(m, A) for A in translations]))
        found[name + "linear_part"] = float(np.mean([_linear_part(m, A) for A in translations]))
    return found | {
        "formula": max(abs(_r2(moments, A) - optima.r_squared(optima.gamma(A))) for A in maps),
        "r2_cyc": float(np.mean(1 - fit.losses / (np.trace(moments.Sx) + np.trace(moments.Sy)))),
        "change": _change(fit, moments),
    }


def small(seed: int) -> list[tuple[float, float, float, float]]:
    """Two-dimensional coders trained for CYC from four starts, for tests of theorem D1 on many data sets.

    Returns
    -------
    list
        Per start: R² of the rows themselves, R²(Γ), the loss over the total variance, and the scale of R².

    Examples
    --------
    >>> r2, formula, loss, _ = small(0)[0]
    >>> abs(r2 - formula) < 1e-9, loss < 1e-6
    (True, True)
    """
    X, Y = exact_pair(seed, ((2.0, 0.7), (1.5, 0.5), (0.9, 0.4)), rows=8)
    moments = Moments.from_arrays(X, Y)
    fit = linear.train(X, Y, 2, {"CYC": 1.0}, starts=4, seed=seed, steps=300)
    optima, total = CycleOptima.of(moments, 2), float(np.trace(moments.Sx) + np.trace(moments.Sy))
    found = []
    for A, loss in zip(_translations(fit.coders), fit.losses, strict=True):
        r2 = 1 - float(((Y - X @ A) ** 2).sum() / (Y**2).sum())
        found.append((r2, optima.r_squared(optima.gamma(A)), float(loss) / total, 1 + float((A**2).sum())))
    return found


def covariance_matched(seed: int) -> dict[str, Any]:
    """Coders trained for CYC and equal covariances of translations, k < d: theorem D2.

    Returns
    -------
    dict
        ``mean``: of R² over the starts, over its prediction −EV_k(Y); ``log_variance``: logarithm of the variance over
        its prediction. The same two for coders that match no covariance (``alone_``), for those of the start
        (``untrained_``), and with the rows of y shuffled once (``shuffled_``). ``change`` as above.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.MATCHED_STARTS", 8):
    ...     found = covariance_matched(0)
    >>> abs(found["mean"] - 1) < 0.2 < abs(found["alone_mean"] - 1)
    True
    """
    X, Y = exact_pair(seed, ROUND)
    moments, rank = Moments.from_arrays(X, Y), 3
    expected, variance = CycleOptima.of(moments, rank).matched_r_squared()
    with registered(SameCovariance()):
        fit = linear.train(X, Y, rank, {"CYC": 1.0, "vTR": 1.0}, starts=MATCHED_STARTS, seed=seed, steps=STEPS)
    alone = linear.train(X, Y, rank, {"CYC": 1.0}, starts=MATCHED_STARTS, seed=seed, steps=STEPS)
    arms = {
        "": (moments, fit.coders),
        "alone_": (moments, alone.coders),
        "untrained_": (moments, fit.initial),
        "shuffled_": (_shuffled(X, Y, seed), fit.coders),
    }
    found: dict[str, Any] = {"seed": seed, "change": max(_change(fit, moments), _change(alone, moments))}
    for name, (m, coders) in arms.items():
        r2 = np.array([_r2(m, A) for A in _translations(coders)])
        found[name + "mean"] = float(r2.mean()) / expected
        found[name + "log_variance"] = float(np.log(r2.var(ddof=1) / variance))
    return found


def _shuffled(X: np.ndarray, Y: np.ndarray, seed: int) -> Moments:
    return Moments.from_arrays(X, np.random.default_rng([seed, 12]).permutation(Y))


def _translations(coders) -> np.ndarray:
    return coders["Wx"] @ coders["Dy"]


def _r2(moments: Moments, A: np.ndarray) -> float:
    """R² of x ↦ xA on centred data, from second moments."""
    return _linear_part(moments, A) - float(np.sum(A * (moments.Sx @ A)) / np.trace(moments.Sy))


def _linear_part(moments: Moments, A: np.ndarray) -> float:
    """2Tr(AᵀΣxy)/TrΣy, which changes its sign with A."""
    return 2 * float(np.sum(A * moments.Sxy) / np.trace(moments.Sy))


def _change(fit: linear.Fit, moments: Moments) -> float:
    """Largest change of a start's loss over the last tenth of its steps, in units of the total variance."""
    return float(np.abs(fit.drift).max() / (np.trace(moments.Sx) + np.trace(moments.Sy)))
