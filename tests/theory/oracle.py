"""Oracles that share nothing with the solvers: losses on the data, and minimisation over free parameters by SciPy."""

import numpy as np
from scipy.optimize import minimize

from .members import mean_square


def cc(m, maps):
    return mean_square(m.X @ maps["Wx"] - m.Y @ maps["Wy"])


def rec(m, maps):
    return mean_square(m.X - m.X @ maps["Wx"] @ maps["Dx"]) + mean_square(m.Y - m.Y @ maps["Wy"] @ maps["Dy"])


def tr(m, maps):
    return mean_square(m.Y - m.X @ maps["Wx"] @ maps["Dy"]) + mean_square(m.X - m.Y @ maps["Wy"] @ maps["Dx"])


def cyc(m, maps):
    A, B = maps["Wx"] @ maps["Dy"], maps["Wy"] @ maps["Dx"]
    return mean_square(m.X - m.X @ A @ B) + mean_square(m.Y - m.Y @ B @ A)


def whitened(A, X):
    """Encoder A S with unit code covariance on X, by Cholesky."""
    L = np.linalg.cholesky((X @ A).T @ (X @ A) / len(X))
    return np.linalg.solve(L, A.T).T


def readout(Z, T):
    """Least-squares decoder of T from codes Z."""
    return np.linalg.lstsq(Z, T, rcond=None)[0]


def split(theta, shapes):
    """Cut a vector into matrices of the given shapes."""
    edges = np.cumsum([0, *(a * b for a, b in shapes)])
    return [theta[i : i + a * b].reshape(a, b) for i, (a, b) in zip(edges, shapes, strict=False)]


def lowest(loss, shapes, rng, starts=6):
    """Lowest loss that BFGS reaches from random starts over matrices of these shapes."""
    size = sum(a * b for a, b in shapes)
    runs = [
        minimize(lambda theta: loss(*split(theta, shapes)), rng.standard_normal(size), method="BFGS")
        for _ in range(starts)
    ]
    return min(float(run.fun) for run in runs)
