"""Random rows that depend on their seed and their number alone, not on how many of them are drawn."""

from collections.abc import Callable, Mapping
from operator import index
from typing import Any

import numpy as np

from theory.linalg import one_thread

# Whole blocks are computed and the last one is cut: the same products in the same order, hence the same bits.
BLOCK = 1024


def stream_of(seed: int, *key: int) -> np.random.Generator:
    """Independent random stream of a seed for each key.

    Examples
    --------
    >>> stream_of(0, 1).random() == stream_of(0, 1).random(), stream_of(0, 1).random() == stream_of(0, 1, 0).random()
    (True, False)
    """
    # Keys apart from the entropy: default_rng([5]) and default_rng([5, 0]) are one stream.
    return np.random.default_rng(np.random.SeedSequence(check_seed(seed), spawn_key=key))


def rows(n: int, draw: Callable[[int], Mapping[Any, np.ndarray]]) -> dict[Any, np.ndarray]:
    """Rows 0 to n − 1 of a random table that is drawn block by block; fewer rows are a prefix of more, bit by bit.

    Parameters
    ----------
    n
        Number of rows, at least 1.
    draw
        Number of a block → its arrays [1024, …]. It runs on one BLAS thread.

    Raises
    ------
    ValueError
        n is not a whole number ≥ 1.

    Examples
    --------
    >>> rows(2, lambda block: {"x": np.arange(BLOCK) + BLOCK * block})["x"]
    array([0, 1])
    """
    n, found = whole("n", n), {}
    with one_thread(BLOCK):
        for number, start in enumerate(range(0, n, BLOCK)):
            for name, block in draw(number).items():
                if number == 0:
                    found[name] = np.empty((n, *block.shape[1:]), block.dtype)
                found[name][start : start + BLOCK] = block[: n - start]
    return found


def whole(name: str, number: int, least: int = 1) -> int:
    """Return a whole number that is at least `least`, or raise the ValueError that names it.

    Examples
    --------
    >>> whole("width of domain 'x'", 0)
    Traceback (most recent call last):
    ValueError: width of domain 'x' is 0; pass a whole number ≥ 1
    """
    try:
        if index(number) >= least:
            return index(number)
    except TypeError:
        pass
    raise ValueError(f"{name} is {number!r}; pass a whole number ≥ {least}")


def check_seed(seed: int) -> int:
    """Return a seed, a whole number ≥ 0, or raise ValueError.

    Examples
    --------
    >>> check_seed(-1)
    Traceback (most recent call last):
    ValueError: the seed is -1; pass a whole number ≥ 0
    """
    return whole("the seed", seed, 0)
