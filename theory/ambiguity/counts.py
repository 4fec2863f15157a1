"""The one check of a number of anchors."""

from operator import index


def not_negative(n_anchors: int) -> int:
    """Return the number as Python's own integer, of which powers are exact; ValueError below 0.

    Examples
    --------
    >>> not_negative(3)
    3
    """
    if n_anchors < 0:
        raise ValueError(f"the number of anchors is {n_anchors}; pass 0 or more")
    return index(n_anchors)
