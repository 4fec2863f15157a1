"""Retrieval by cosine: at which rank a query finds the row that shows the same point."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from nonlinear.plain import Undefined
from theory.linalg import tolerance

RECALL_AT = (1, 5, 10)


def unit_rows(x: ArrayLike) -> np.ndarray:
    """Rows scaled to norm 1, in float64; rows of zeros stay.

    Examples
    --------
    >>> unit_rows([[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    x = np.asarray(x, dtype=np.float64)
    norm = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.divide(x, norm, out=np.zeros_like(x), where=norm > 0)


def retrieval(queries: ArrayLike, gallery: ArrayLike) -> dict[str, float | int] | Undefined:
    """Recall@1/5/10, median rank and mean reciprocal rank of the true row among all rows of the gallery.

    Among rows of equal cosine (up to rounding) the order is random, and expectations over it are returned: codes that
    are all zero score chance, not 1.

    Parameters
    ----------
    queries, gallery
        [n, d]; row r of the gallery is the true one of query r.

    Returns
    -------
    The numbers by name, and the size of the gallery n: chance is k/n for recall@k. Undefined for n < 2.

    Examples
    --------
    >>> found = retrieval([[1.0, 0.1], [0.1, 1.0]], [[2.0, 0.0], [0.0, 5.0]])
    >>> found["recall@1"], found["median_rank"], found["mrr"], found["gallery"]
    (1.0, 1.0, 1.0, 2)
    >>> retrieval(np.zeros((4, 2)), np.eye(4)[:, :2])["recall@1"]
    0.25
    """
    a, b = unit_rows(queries), unit_rows(gallery)
    if len(b) < 2:
        return Undefined("fewer than two matched rows in the sample")
    similarity = a @ b.T
    own = np.diagonal(similarity)[:, None]
    slack = tolerance(1.0, a.shape[1])
    better = (similarity > own + slack).sum(axis=1)
    tied = (similarity >= own - slack).sum(axis=1) - better
    reciprocal = (digamma(better + tied + 1) - digamma(better + 1)) / tied
    recall = {f"recall@{k}": float(np.clip((k - better) / tied, 0, 1).mean()) for k in RECALL_AT}
    return recall | {
        "median_rank": float(np.median(better + (tied + 1) / 2)),
        "mrr": float(reciprocal.mean()),
        "gallery": len(b),
    }
