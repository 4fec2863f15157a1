"""Points as several streams see them, with what is known of each point."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Embedded:
    """Rows of several streams and the labels of their points; row r of every array is point r.

    Attributes
    ----------
    streams
        Name → rows [n, d], float32.
    labels
        Class of each point [n], int64.
    attribute
        Whether a point has the attribute to forget [n], bool.

    Examples
    --------
    >>> Embedded({"x": np.zeros((2, 3), np.float32)}, np.array([4, 7]), np.array([True, False])).labels
    array([4, 7])
    """

    streams: Mapping[str, np.ndarray]
    labels: np.ndarray
    attribute: np.ndarray
