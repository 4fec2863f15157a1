"""Multinomial logistic probes: scikit-learn's where any feature may count, our own where a mask says which may.

Both minimise the mean cross-entropy + (λ/2)·Σ of squared coefficients, the intercepts free: strictly convex in the
coefficients, so that whatever converges gives the same probe.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

# Iterations of L-BFGS, and the largest gradient at which it stops.
STEPS, GRADIENT = 500, 1e-5
# Entries of a feature matrix up to which scikit-learn fits it: it copies what it is given.
HELD = 1 << 27


@dataclass(frozen=True)
class Probe:
    """Logits F Wᵀ + b of features F [n, p].

    Parameters
    ----------
    W, b
        [C, p] and [C].

    Examples
    --------
    >>> Probe(np.array([[1.0], [-1.0]]), np.zeros(2)).predict(np.array([[2.0], [-3.0]]))
    array([0, 1])
    """

    W: np.ndarray
    b: np.ndarray

    def logits(self, F: Any) -> np.ndarray:
        """Logits [n, C] of dense or sparse features."""
        return np.asarray(F @ self.W.T) + self.b

    def predict(self, F: Any) -> np.ndarray:
        """Class of every row; of equal logits the first."""
        return self.logits(F).argmax(1)

    def losses(self, F: Any, y: np.ndarray) -> np.ndarray:
        """Cross-entropy of every row, in nats."""
        return -log_softmax(self.logits(F), axis=1)[np.arange(len(y)), y]


def fit(F: Any, y: np.ndarray, n_classes: int, penalty: float) -> Probe:
    """Probe on all features.

    Parameters
    ----------
    F
        Dense or sparse [n, p].
    y
        Classes 0 … C − 1 [n]; classes that do not occur are never predicted.
    n_classes, penalty
        C and λ.

    Examples
    --------
    >>> F, y = np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> fit(F, y, 2, 1e-3).predict(F)
    array([0, 0, 1, 1])
    """
    found, p = np.unique(y), F.shape[1]
    if len(found) == 1 or p == 0:
        return Probe(np.zeros((n_classes, p)), _prior(y, n_classes))
    if F.shape[0] * p > HELD:
        return fit_masked(by_matrix(F), y, np.isin(np.arange(n_classes), found)[:, None].repeat(p, 1), penalty)
    # Of two classes scikit-learn penalises the one vector w = W₁ − W₀, whose halves ±w/2 have half its squares.
    weight = penalty / 2 if len(found) == 2 else penalty
    model = LogisticRegression(C=1 / (weight * len(y)), tol=GRADIENT, max_iter=STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 500 iterations of a penalised probe are close enough
        model.fit(F, y)
    W, b = np.zeros((n_classes, p)), np.full(n_classes, -np.inf)
    if len(found) == 2:  # one row of coefficients: the logit of the second class over the first
        W[found], b[found] = np.array([-0.5, 0.5])[:, None] * model.coef_, np.array([-0.5, 0.5]) * model.intercept_
    else:
        W[found], b[found] = model.coef_, model.intercept_
    return Probe(W, b)


@dataclass(frozen=True)
class Features:
    """Features F [n, p] by what a gradient needs of them.

    Parameters
    ----------
    shape
        (n, p).
    product
        W [C, p] → F Wᵀ [n, C].
    adjoint
        G [n, C] → GᵀF [C, p].

    Examples
    --------
    >>> F = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> shifted = Features(F.shape, lambda W: F @ W.T + 1, lambda G: G.T @ F)
    >>> shifted.product(np.eye(2)).tolist()
    [[2.0, 3.0], [4.0, 5.0]]
    """

    shape: tuple[int, int]
    product: Callable[[np.ndarray], np.ndarray]
    adjoint: Callable[[np.ndarray], np.ndarray]


def by_matrix(F: Any) -> Features:
    """Features that are there as a dense or sparse matrix.

    Examples
    --------
    >>> F = by_matrix(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> F.product(np.array([[1.0, 1.0]])).tolist(), F.adjoint(np.array([[1.0], [0.0]])).tolist()
    ([[3.0], [7.0]], [[1.0, 2.0]])
    """
    return Features(F.shape, lambda W: np.asarray(F @ W.T), lambda G: np.asarray(F.T @ G).T)


def by_atoms(X: np.ndarray, D: np.ndarray) -> Features:
    """Features X Dᵀ [n, m] of rows and atoms, of which no n × m matrix is made.

    Examples
    --------
    >>> by_atoms(np.eye(2), np.array([[1.0, 2.0]])).product(np.array([[1.0]]))
    array([[1.],
           [2.]])
    """
    return Features((len(X), len(D)), lambda W: X @ (W @ D).T, lambda G: (G.T @ X) @ D.T)


def fit_masked(F: Features, y: np.ndarray, mask: np.ndarray, penalty: float) -> Probe:
    """Probe whose class c uses the features of mask[c] alone, by L-BFGS.

    Parameters
    ----------
    F, y, penalty
        As for :func:`fit`.
    mask
        [C, p], true where a coefficient may be other than 0.

    Examples
    --------
    >>> F, y = np.array([[-1.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    >>> probe = fit_masked(by_matrix(F), y, np.array([[True, False], [True, False]]), 1e-3)
    >>> probe.predict(F), probe.W[:, 1]
    (array([0, 1]), array([0., 0.]))
    """
    n_classes, n = len(mask), len(y)
    rows, present = np.arange(n), np.isin(np.arange(n_classes), y)
    mask = mask & present[:, None]
    free, n_free = mask.nonzero(), int(mask.sum())
    prior = _prior(y, n_classes)

    def unpacked(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        W, b = np.zeros(mask.shape), np.full(n_classes, -np.inf)
        W[free], b[present] = v[:n_free], v[n_free:]
        return W, b

    def objective(v: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = unpacked(v)
        logs = log_softmax(F.product(W) + b, axis=1)
        G = np.exp(logs)
        G[rows, y] -= 1
        G /= n
        loss = -float(logs[rows, y].mean()) + penalty / 2 * float(v[:n_free] @ v[:n_free])
        return loss, np.concatenate([F.adjoint(G)[free] + penalty * v[:n_free], G.sum(0)[present]])

    start = np.concatenate([np.zeros(n_free), prior[present]])
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "gtol": GRADIENT, "ftol": 1e-12}
    )
    return Probe(*unpacked(found.x))


def _prior(y: np.ndarray, n_classes: int) -> np.ndarray:
    """Log frequencies; −∞ for a class that does not occur."""
    with np.errstate(divide="ignore"):
        return np.log(np.bincount(y, minlength=n_classes) / len(y))
