"""Maximum mean discrepancy: the kernel of the characteristic-function distance, and the plain RBF kernel.

``∫ |φ_P − φ_Q|² w dt`` is the squared MMD of ``k(x − y) = Re ∫ exp(it(x − y)) w dt``, a kernel wherever
``w(t) + w(−t) ≥ 0``. Its root is a pseudo-metric; the square is not (it breaks the triangle inequality on three point
masses). Whether it separates laws depends on w: see claim P3.
"""

import math
from collections.abc import Callable

from array_api_compat import array_namespace

from theory.discrepancy import Array, TGrid, as_sample


def ecf_kernel(differences: Array, grid: TGrid) -> Array:
    """``Re ∫ exp(itδ) w dt = Σ_k weights[k] cos(nodes[k] δ)``, the kernel whose MMD² is ``ecf_distance``.

    Never characteristic: finitely many values of φ do not determine a law. On nodes in τZ, 0 and 2π/τ coincide.

    Parameters
    ----------
    differences
        δ = x − y, any shape, in the units of the data.
    grid
        Nodes and weights.

    Returns
    -------
    array
        The shape of ``differences``.

    Examples
    --------
    >>> import numpy as np
    >>> float(ecf_kernel(np.array(math.pi), TGrid([1.0, 2.0], [0.5, 2.0])))
    1.5

    """
    xp = array_namespace(differences)
    total = xp.zeros_like(differences)
    for t, weight in zip(grid.nodes.tolist(), grid.weights.tolist(), strict=True):
        total = total + weight * xp.cos(t * differences)
    return total


def gaussian_ecf_kernel(differences: Array) -> Array:
    """``∫ exp(itδ) exp(−t²/2) dt = √(2π) exp(−δ²/2)`` over the whole line: the limit of `ecf_kernel` for finer grids.

    Examples
    --------
    >>> import numpy as np
    >>> float(gaussian_ecf_kernel(np.array(0.0))) == math.sqrt(2 * math.pi)
    True

    """
    return math.sqrt(2 * math.pi) * array_namespace(differences).exp(-(differences**2) / 2)


def rbf_kernel(x: Array, y: Array, bandwidth: float) -> Array:
    """Gram matrix ``exp(−‖x_i − y_j‖² / (2 bandwidth²))``.

    Parameters
    ----------
    x, y
        Samples [n, d] and [m, d].
    bandwidth
        Positive, in the units of the data.

    Returns
    -------
    array
        [n, m].

    Raises
    ------
    ValueError
        When the bandwidth is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> float(rbf_kernel(np.zeros((1, 2)), np.ones((1, 2)), 1.0)[0, 0]) == math.exp(-1)
    True

    """
    if not bandwidth > 0:
        raise ValueError(f"the bandwidth must be positive, not {bandwidth}")
    xp = array_namespace(x, y)
    squares = xp.sum(x**2, axis=1)[:, None] + xp.sum(y**2, axis=1)[None, :] - 2 * (x @ y.T)
    return xp.exp(-xp.clip(squares, 0) / (2 * bandwidth**2))  # the expanded square can round below zero


def mmd2(
    a: Array, b: Array, kernel: Callable[[Array, Array], Array], unbiased: bool = False, block: int = 1024
) -> Array:
    """Squared MMD of two samples under any kernel, in quadratic time (Gretton et al., 2012, eqs. 3 and 5).

    Parameters
    ----------
    a, b
        Samples [n, d] and [m, d].
    kernel
        ``kernel(x, y)`` returns the Gram matrix of two blocks of rows.
    unbiased
        U-statistic (no row meets itself; can be negative) in place of the V-statistic (all pairs).
    block
        Rows of a Gram matrix held at a time: the memory is O(block · max(n, m)).

    Returns
    -------
    array
        0-d.

    Raises
    ------
    ValueError
        Samples that are not 2-D or are empty; unbiased with a single row.

    Examples
    --------
    >>> import numpy as np
    >>> far = mmd2(np.zeros((1, 1)), np.full((1, 1), 50.0), lambda x, y: gaussian_ecf_kernel(x - y.T))
    >>> float(far) == 2 * math.sqrt(2 * math.pi)
    True

    """
    a, b = as_sample(a), as_sample(b)
    n, m = a.shape[0], b.shape[0]
    if unbiased and min(n, m) < 2:
        raise ValueError(f"the unbiased MMD needs at least 2 rows on each side, not {n} and {m}")
    within_a = _gram_sum(a, a, kernel, block, skip_diagonal=unbiased) / (n * (n - unbiased))
    within_b = _gram_sum(b, b, kernel, block, skip_diagonal=unbiased) / (m * (m - unbiased))
    return within_a + within_b - 2 * _gram_sum(a, b, kernel, block) / (n * m)


def rbf_mmd2(a: Array, b: Array, bandwidth: float, unbiased: bool = False) -> Array:
    """`mmd2` of a [n, d] and b [m, d] under `rbf_kernel`; 0-d.

    Examples
    --------
    >>> import numpy as np
    >>> float(rbf_mmd2(np.zeros((1, 2)), np.ones((1, 2)), 1.0)) == 2 - 2 * math.exp(-1)
    True

    """
    return mmd2(a, b, lambda x, y: rbf_kernel(x, y, bandwidth), unbiased)


def _gram_sum(x: Array, y: Array, kernel: Callable, block: int, skip_diagonal: bool = False) -> Array:
    xp = array_namespace(x, y)
    total = 0.0
    for start in range(0, x.shape[0], block):
        gram = kernel(x[start : start + block, :], y)
        total = total + xp.sum(gram)
        if skip_diagonal:
            total = total - xp.sum(xp.linalg.diagonal(gram, offset=start))
    return total
