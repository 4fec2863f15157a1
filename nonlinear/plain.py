"""A report as plain data: numbers, or null with the reason beside it; never NaN or infinity."""

from collections.abc import Mapping
from typing import Any

import numpy as np

QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}


class Undefined(str):
    """Stands for a number that does not exist; its text is the reason.

    Examples
    --------
    >>> plain({"a": {"b": Undefined("nothing fired")}})
    ({'a': {'b': None}}, {'a/b': 'nothing fired'})
    """


def plain(tree: Any, path: str = "") -> tuple[Any, dict[str, str]]:
    """Replace what is undefined by None.

    Parameters
    ----------
    tree
        Nested mappings and sequences of numbers, texts, None and :class:`Undefined`.
    path
        Of the tree itself.

    Returns
    -------
    The tree as JSON takes it, and path ("a/b") → reason of every None that it put there.

    Examples
    --------
    >>> plain({"a": np.float32(0.5), "b": [np.int64(1), float("inf")]})
    ({'a': 0.5, 'b': [1, None]}, {'b/1': 'the value is not finite'})
    """
    if isinstance(tree, Undefined):
        return None, {path: str(tree)}
    if isinstance(tree, Mapping | list | tuple):
        items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
        parts = {str(key): plain(value, f"{path}/{key}" if path else str(key)) for key, value in items}
        reasons = {where: why for _, below in parts.values() for where, why in below.items()}
        values = {key: value for key, (value, _) in parts.items()}
        return (values if isinstance(tree, Mapping) else list(values.values())), reasons
    if isinstance(tree, np.generic):
        tree = tree.item()
    if isinstance(tree, float) and not np.isfinite(tree):
        return None, {path: "the value is not finite"}
    return tree, {}


def quantiles(values: np.ndarray, nothing: str) -> dict[str, float] | Undefined:
    """Extremes, quartiles, 5 % and 95 % of some numbers; undefined, for the given reason, where there are none.

    Examples
    --------
    >>> quantiles(np.arange(5.0), "no atom fired")["q75"]
    3.0
    """
    if not len(values):
        return Undefined(nothing)
    found = np.quantile(np.asarray(values, dtype=np.float64), list(QUANTILES.values()))
    return dict(zip(QUANTILES, found.tolist(), strict=True))


def mean(values: np.ndarray, nothing: str) -> float | Undefined:
    """Mean of some numbers; undefined, for the given reason, where there are none.

    Examples
    --------
    >>> mean(np.array([1.0, 2.0]), ""), mean(np.zeros(0), "no atom fired")
    (1.5, 'no atom fired')
    """
    return float(np.mean(values, dtype=np.float64)) if len(values) else Undefined(nothing)
