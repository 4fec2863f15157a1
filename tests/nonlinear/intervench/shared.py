"""Planted runs that the tests of the benchmark share, and ways to read and compare their documents."""

from functools import cache

import numpy as np

from nonlinear.data import Array
from nonlinear.intervench.benchmark import intervench
from nonlinear.intervench.config import Config
from nonlinear.intervench.planted import ATOMS, Planted, PlantedCoder, planted

DIAGONAL, OFF = (("A", "A"), ("B", "B")), (("A", "B"), ("B", "A"))
EDGES = DIAGONAL + OFF
SPACES = "latent", "concept"
SCORES = "S_ext", "S_trans", "S_cons"
SMALL = Config(rows_per_class=50, subsets=1, budgets=(2, 5), headline=5, counts=(2, 5, 10), resamples=20, penalty=1e-2)
# Where only the way through the benchmark counts: probes that converge in a few steps.
CHEAP = SMALL.model_copy(update={"rows_per_class": 20, "budgets": (5,), "counts": (5,), "penalty": 0.1})


def score(data, config=SMALL, **more):
    """The document of planted data, without baselines."""
    return intervench(data.sources, data.coders, data.labels, config, forget=data.forget, baselines=False, **more)


def known(situation, seed=0):
    """The document of a situation at the size of the table."""
    return _known(situation, seed)


@cache
def _known(situation, seed):
    return score(planted(4000, 3, situation), Config(rows_per_class=100, budgets=(5,), subsets=1, seed=seed))


def value(found, name):
    return found["aggregates"][name]["value"]


def entry(found, metric, edge):
    return found["metrics"][metric][edge[0]][edge[1]]


def imperfect(n=1500, seed=5):
    """Planted data whose scores are neither 0 nor 1: some atoms of B elsewhere, some that A never uses."""
    data = planted(n, seed)
    order, deaf = np.arange(ATOMS), np.arange(0, ATOMS, 4)
    order[0:30:3] = np.roll(order[0:30:3], 1)
    a, b = data.coders["A"], data.coders["B"]

    def half_deaf(X):
        Z = a.encode(X)
        Z[:, deaf] = 0
        return Z

    coders = {
        "A": PlantedCoder(a.dictionary, half_deaf),
        "B": PlantedCoder(b.dictionary[order], lambda X: b.encode(X)[:, order]),
    }
    return with_coders(data, coders)


def with_coders(data, coders, sources=None):
    return Planted(sources or data.sources, coders, data.labels, data.forget)


def mapped(data, rows, dictionary, codes):
    """Planted data whose rows, dictionaries and codes went through maps.

    Maps: (s, X) → rows and back, as a pair; (s, D) → dictionary; (s, Z) → codes.
    """
    to, back = rows
    sources = {s: Array(to(s, rows.array), s) for s, rows in data.sources.items()}

    def coder(s, old):
        encode = lambda X: codes(s, old.encode(back(s, X)))  # noqa: E731
        return PlantedCoder(dictionary(s, old.dictionary), encode)

    return with_coders(data, {s: coder(s, old) for s, old in data.coders.items()}, sources)


SAME_ROWS = (lambda s, X: X, lambda s, X: X)


def numbers(found, rename=lambda s: s):
    """Everything that a document measures, flat; `rename` says which domain stands for which."""
    flat = {f"{name}/{k}": s[k] for name, s in found["aggregates"].items() for k in ("value", "ci")}
    for metric, rows in found["metrics"].items():
        for i, row in rows.items():
            for j, e in row.items():
                flat |= {f"{metric}/{rename(i)}{rename(j)}/{k}": v for k, v in e.items()}
    for kind in ("curves", "scr"):
        for space, rows in found[kind].items():
            for i, row in rows.items():
                for j, e in row.items():
                    flat |= {f"{kind}/{space}/{rename(i)}{rename(j)}/{k}": v for k, v in e.items()}
    for path, v in found["cycle"].items():
        flat["cycle/" + "".join(map(rename, path.split("->")))] = v
    for space, rows in found["ceiling"].items():
        flat |= {f"ceiling/{space}/" + "".join(map(rename, path.split("->"))): v for path, v in rows.items()}
    for kind in ("dense_probe", "majority"):
        flat |= {f"{kind}/{rename(s)}": v for s, v in found[kind].items()}
    return flat


def difference(one, other):
    """Largest difference of two flat documents; ∞ where names, words or what is undefined differ."""
    if one.keys() != other.keys():
        return np.inf
    worst = 0.0
    for key, a in one.items():
        b = other[key]
        if a is None or b is None or isinstance(a, str):
            worst = max(worst, 0.0 if a == b else np.inf)
        else:
            worst = max(worst, float(np.abs(np.subtract(a, b)).max()))
    return worst


def finite(document):
    """Whether no number in plain data is NaN or infinite."""
    if isinstance(document, dict):
        return all(map(finite, document.values()))
    if isinstance(document, list):
        return all(map(finite, document))
    return not isinstance(document, float) or bool(np.isfinite(document))
