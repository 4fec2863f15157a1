"""How fast a leaked instance loss turns maps towards the truth, for whitened Gaussian rows (theorem F2)."""

import numpy as np
from scipy.special import roots_jacobi
from scipy.stats import chi

from theory.levels import Distribution

GRID = Distribution().grid


def kept(weights: np.ndarray, steps: int, d: int, angle: float) -> np.ndarray:
    """Part of the angle's sine that gradient descent keeps under an instance loss of some weight (theorem F2).

    At a rotation by θ in one plane the instance loss is ∫ (2 − 2E exp(−t²(1 − cos θ)s)) w dt, where s, the share of a
    random direction in the plane, has the law Beta(1, d/2 − 1), and is 1 for d = 2. Descent follows
    θ ← θ − weight · sin θ · ∫ t² E[s exp(−t²(1 − cos θ)s)] w dt; near the truth the curvature is 2m₂(w)/d.

    Parameters
    ----------
    weights
        Of the instance loss, times the learning rate; any shape.
    steps, d, angle
        Number of steps, width of the rows, and the angle at the start in radians.

    Returns
    -------
    array
        sin θ at the end over that at the start, in the shape of the weights.

    Examples
    --------
    >>> left = kept(np.array([0.0, 0.01]), 9, d=6, angle=1e-4)
    >>> bool(np.allclose(left, [1, (1 - 0.01 * 2 * GRID.second_moment / 6) ** 9]))
    True
    """
    if d > 2:
        nodes, mass = roots_jacobi(16, d / 2 - 2, 0)
        s, mass = (1 + nodes) / 2, mass / mass.sum()
    else:
        s, mass = np.ones(1), np.ones(1)
    theta = np.full(np.shape(weights), angle)
    for _ in range(steps):
        decay = np.exp(-np.multiply.outer(1 - np.cos(theta), np.multiply.outer(GRID.nodes**2, s)))
        slope = (decay * s @ mass) @ (GRID.weights * GRID.nodes**2)
        theta = theta - np.asarray(weights) * np.sin(theta) * slope
    return np.sin(theta) / np.sin(angle)


def lasting_share(d: int) -> float:
    """Share of the leak of one fixed set that pulls rotations towards the truth, for a large set.

    Independent draws of N points hold an instance loss of weight 1/N: the distance of the set's own two empirical laws.
    Its sampling error pushes stretches as well, by 1/√N against a curvature of order 1; these give way, and what they
    take off is again of order 1/N. With H_aa, H_as and H_ss the second derivatives in antisymmetric and symmetric
    directions, the mean of H_aa − H_as H_ss⁻¹ H_sa is that of H_aa times

        1 − d(d + 2) E[r²κ(r)²]/(m₂ ∫ t⁴ e^{−t²} w dt),   κ(r) = ∫ t³ e^{−t²/2} E[α(1 − α²) sin(trα)] w dt/(d − 1),

    r the norm of a row of N(0, I) and α a coordinate of a random direction. In batches of ever new points H_as is 0 on
    average, and nothing is taken off.

    Examples
    --------
    >>> [round(lasting_share(d), 3) for d in (2, 6, 64)]
    [0.747, 0.771, 0.798]
    """
    alpha, mass = roots_jacobi(64, (d - 3) / 2, (d - 3) / 2)
    mass = mass / mass.sum()
    r = chi.ppf((np.arange(2000) + 0.5) / 2000, d)
    t, w = GRID.nodes, GRID.weights
    waves = np.sin(np.multiply.outer(np.multiply.outer(r, t), alpha)) @ (alpha * (1 - alpha**2) * mass) / (d - 1)
    kappa = waves @ (w * t**3 * np.exp(-(t**2) / 2))
    taken = d * (d + 2) * np.mean((r * kappa) ** 2)
    return float(1 - taken / (GRID.second_moment * (w @ (t**4 * np.exp(-(t**2))))))
