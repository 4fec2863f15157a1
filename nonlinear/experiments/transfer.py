"""Cross-modal transfer: images translated into the space of captions, and captions found on the patches of images."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.linear_model import RidgeCV

from theory.moments import Moments
from theory.similarity import procrustes

# Of ridge regression, among which leave-one-out on the pairs chooses.
PENALTIES = tuple(10.0**k for k in range(-2, 5))
Map = Callable[[np.ndarray], np.ndarray]


def zero_shot(estimate: np.ndarray, candidates: np.ndarray, truth: np.ndarray, centre: np.ndarray) -> float:
    """Share of rows whose nearest candidate is the true one, by the cosine of centred vectors.

    Parameters
    ----------
    estimate
        Translated rows [n, d].
    candidates
        One row for each class [C, d].
    truth
        Number of the true candidate [n].
    centre
        What is subtracted from both [d]: the mean of the training rows of the target.

    Examples
    --------
    >>> zero_shot(np.array([[2.0, 0.1], [0.0, 3.0]]), np.eye(2), np.array([0, 1]), np.zeros(2))
    1.0
    """
    return float((cosines(estimate - centre, candidates - centre).argmax(1) == truth).mean())


def linear_projectors(
    known: Mapping[str, np.ndarray], m: int, penalties: Sequence[float] = PENALTIES
) -> dict[str, Map]:
    """Linear maps from the first stream to the second that saw the first m pairs.

    Returns
    -------
    dict
        "ridge": with an intercept, its penalty chosen by leave-one-out on the pairs; "procrustes": orthogonal, scaled.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(9, 2))
    >>> bool(np.allclose(linear_projectors({"x": x, "y": x[:, ::-1]}, 9)["procrustes"](x), x[:, ::-1]))
    True
    """
    a, b = (np.asarray(rows[:m], dtype=np.float64) for rows in known.values())
    moments = Moments.from_arrays(a, b)
    Q, scale, _, _ = procrustes(moments)
    ridge = RidgeCV(alphas=penalties).fit(a, b)
    return {"ridge": ridge.predict, "procrustes": lambda x: (x - moments.mean_x) @ Q * scale + moments.mean_y}


def hits(relevance: np.ndarray, covered: np.ndarray) -> float:
    """Share of scenes whose most relevant patch is covered by the object; where nothing is relevant, by chance.

    Parameters
    ----------
    relevance, covered
        [n, patches], numbers and whether the object covers the patch.

    Examples
    --------
    >>> hits(np.array([[0.0, 2.0], [0.0, 0.0]]), np.array([[False, True], [True, False]]))
    0.75
    """
    best = relevance == relevance.max(1, keepdims=True)
    return float(((best & covered).sum(1) / best.sum(1)).mean())


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines [n, C] of the rows of a with those of b; 0 where a row is zero.

    Examples
    --------
    >>> cosines(np.array([[2.0, 0.0], [0.0, 0.0]]), np.eye(2)).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    norms = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    a, b = (np.divide(x, n, out=np.zeros_like(x, dtype=float), where=n > 0) for x, n in zip((a, b), norms, strict=True))
    return a @ b.T


def number_of(combos: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Number of the candidate with the same attributes, for every row.

    Examples
    --------
    >>> number_of(np.array([[1, 0], [0, 1]]), np.array([[0, 1], [1, 0]])).tolist()
    [1, 0]
    """
    known = {tuple(c): number for number, c in enumerate(candidates.tolist())}
    return np.array([known[tuple(c)] for c in combos.tolist()])
