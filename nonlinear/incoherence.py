"""How crowded the atoms of a dictionary are."""

import numpy as np
from numpy.typing import ArrayLike

from theory.bounds import coherence
from theory.linalg import rank_of, svd


def incoherence(atoms: ArrayLike) -> dict[str, float]:
    """Rank, overcompleteness and coherence of atoms.

    Parameters
    ----------
    atoms
        [K, d].

    Returns
    -------
    dict
        "rank" of the atoms; "overcompleteness" K/rank; "coherence" μ, the largest |cosine| of two atoms; "welch", its
        least possible value √((K − rank)/(rank(K − 1))) (Welch 1974). Codes of s atoms are unique if (2s − 1)μ < 1
        (theorem A2).

    Raises
    ------
    ValueError
        An atom is zero.

    Examples
    --------
    >>> incoherence([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    {'rank': 2, 'overcompleteness': 1.5, 'coherence': 0.8, 'welch': 0.5}
    """
    D = np.asarray(atoms, dtype=np.float64)
    if not D.any(axis=1).all():
        raise ValueError("an atom is zero and has no direction; leave it out")
    K, r = len(D), rank_of(svd(D)[1])
    welch = float(np.sqrt((K - r) / (r * (K - 1)))) if K > r else 0.0
    return {"rank": r, "overcompleteness": K / r, "coherence": coherence(D.T), "welch": welch}
