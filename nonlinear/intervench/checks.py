"""What can be wrong with labels, and what a reader of the scores has to know."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from nonlinear.data import Rows
from nonlinear.intervench.config import Config
from nonlinear.intervench.domains import LEAST, Bench, Parts, split
from nonlinear.intervench.interventions import subsets

# Cramér's V from which an attribute is no longer taken for independent of the classes.
DEPENDENT = 0.2
By = dict[str, np.ndarray]


def labels(sources: Mapping[str, Rows], given: Any) -> tuple[By, list[Any]]:
    """Classes 0 … C − 1 of every row of every stream, and their names.

    Raises
    ------
    ValueError
        Streams of unequal length, labels of another length or kind, a single class.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> labels({"x": Array(np.eye(3))}, np.array(["cat", "dog", "cat"]))
    ({'x': array([0, 1, 0])}, ['cat', 'dog'])
    """
    sizes = {s: len(rows) for s, rows in sources.items()}
    if len(set(sizes.values())) > 1:
        words = ", ".join(f"{s} {n}" for s, n in sizes.items())
        raise ValueError(
            f"the streams have unequal numbers of rows ({words}); scores need pairs, row r of all one point"
        )
    found, names = _encoded(sizes, given, "labels")
    if len(names) < 2:
        raise ValueError(f"the labels have a single class, {names[0]!r}; give at least two")
    return found, names


def attribute(sources: Mapping[str, Rows], given: Any, y: By) -> tuple[By, list[Any]]:
    """Values 0 … V − 1 of the forget attribute of every row of every stream, and their names.

    Raises
    ------
    ValueError
        Another length or kind, a single value, or the same partition of the rows as the classes.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> rows, y = {"x": Array(np.eye(4))}, {"x": np.array([0, 0, 1, 1])}
    >>> attribute(rows, ["old", "new", "old", "new"], y)
    ({'x': array([1, 0, 1, 0])}, ['new', 'old'])
    >>> attribute(rows, ["new", "new", "old", "old"], y)
    Traceback (most recent call last):
    ValueError: the forget attribute is the label itself; give one that is independent of the classes
    """
    found, names = _encoded({s: len(rows) for s, rows in sources.items()}, given, "forget")
    if len(names) < 2:
        raise ValueError(f"the forget attribute has a single value, {names[0]!r}; give at least two")
    for s in sources:
        if len(np.unique(np.stack([y[s], found[s]]), axis=1).T) == len(np.unique(y[s])) == len(np.unique(found[s])):
            raise ValueError("the forget attribute is the label itself; give one that is independent of the classes")
    return found, names


def enough(y: By, names: list[Any], config: Config, given: Parts | None = None) -> None:
    """Raise ValueError unless every part has rows of every class, of every stream.

    Examples
    --------
    >>> try:
    ...     enough({"x": np.arange(20) % 2}, ["cat", "dog"], Config())
    ... except ValueError as error:
    ...     print(str(error).split(";")[0])
    class 'cat' has 2 rows of 'x' among the validation rows, and needs 5
    """
    parts = split(next(iter(y.values())), config, given)
    for s, of in y.items():
        for part in ("fit", "validation", "test"):
            counts = np.bincount(of[parts[part]], minlength=len(names))
            if counts.min() < LEAST:
                c = int(counts.argmin())
                raise ValueError(
                    f"class {names[c]!r} has {counts[c]} rows of {s!r} among the {part} rows, and needs {LEAST}; "
                    "give more rows of it, or leave the class out"
                )


def warnings(bench: Bench) -> list[str]:
    """Say what makes scores mean less than they seem to.

    Examples
    --------
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(300, 0, "dead encoders")
    >>> warnings(Bench(data.sources, data.coders, data.labels, Config()))[0]
    "no atom of 'A' ever fires: the encoder is dead, and only latent probes mean something"
    """
    found = []
    if bench.joint is not None:
        found.append(
            "codes see all streams of a point: entries off the diagonal are in part true by construction, also for "
            "unrelated streams; score shuffled rows beside them"
        )
    if not subsets(bench):
        found.append("TPP is left out: it needs a subset and a rest of at least two classes each")
    if len({len(d.b) for d in bench.domains.values()}) > 1:
        found.append("the baseline of coordinates is left out: the streams differ in width")
    if (chance := max(np.bincount(y).max() / len(y) for y in bench.labels.values())) >= bench.config.gate:
        found.append(f"the gate {bench.config.gate:g} is no higher than the largest class ({chance:.2f}): raise it")
    for s, domain in bench.domains.items():
        if not bench.Z[s, "train"].nnz:
            found.append(f"no atom of {s!r} ever fires: the encoder is dead, and only latent probes mean something")
        if not (domain.norms > 0).any():
            found.append(f"all atoms of {s!r} are zero: its dictionary says nothing")
        if bench.forget is not None and (v := _cramer(bench.labels[s], bench.forget[s])) > DEPENDENT:
            found.append(
                f"the forget attribute depends on the classes of {s!r} (Cramér's V {v:.2f}): forgetting costs utility"
            )
    return found


def _encoded(sizes: Mapping[str, int], given: Any, what: str) -> tuple[By, list[Any]]:
    if isinstance(given, Mapping) and (missing := [s for s in sizes if s not in given]):
        raise ValueError(
            f"{what} of stream {missing[0]!r} are missing; give them for every stream, or one vector for all"
        )
    by = {s: np.asarray(given[s] if isinstance(given, Mapping) else given) for s in sizes}
    for s, values in by.items():
        if values.ndim != 1 or len(values) != sizes[s]:
            raise ValueError(
                f"{what} have shape {values.shape} and stream {s!r} has {sizes[s]} rows; give one for each row"
            )
        if values.dtype.kind not in "iubU":
            raise ValueError(f"{what} have dtype {values.dtype}; give whole numbers or text")
    names = np.unique(np.concatenate(list(by.values())))
    return {s: np.searchsorted(names, values) for s, values in by.items()}, names.tolist()


def _cramer(y: np.ndarray, a: np.ndarray) -> float:
    """Cramér's V of two partitions.

    Examples
    --------
    >>> _cramer(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])), _cramer(np.array([0, 1]), np.array([1, 0]))
    (0.0, 1.0)
    """
    table = np.zeros((int(y.max()) + 1, int(a.max()) + 1))
    np.add.at(table, (y, a), 1)
    expected = np.outer(table.sum(1), table.sum(0)) / len(y)
    chi2 = float(((table - expected) ** 2 / np.where(expected > 0, expected, 1)).sum())
    return float(np.sqrt(chi2 / len(y) / max(min(table.shape) - 1, 1)))
