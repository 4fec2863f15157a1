"""The benchmark: from streams, coders and labels to one document of scores."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nonlinear.config import environment
from nonlinear.data import Rows
from nonlinear.intervench import checks, interventions, spurious, stages
from nonlinear.intervench.baselines import BASELINES
from nonlinear.intervench.coders import Joint
from nonlinear.intervench.config import Config
from nonlinear.intervench.domains import Bench
from nonlinear.intervench.parts import Parts, fingerprint
from nonlinear.intervench.scores import SPACES, Scores
from nonlinear.intervench.spaces import Concept, Latent

SCHEMA_VERSION = 1
Progress = Callable[[str, float], None]
Labels = np.ndarray | Mapping[str, np.ndarray]


def intervench(
    sources: Mapping[str, Rows],
    coders: Mapping[str, Any],
    labels: Labels,
    config: Config | None = None,
    *,
    forget: Labels | None = None,
    joint: Joint | None = None,
    baselines: bool = True,
    split: Mapping[str, np.ndarray] | None = None,
    parts: Path | None = None,
    on_progress: Progress = lambda text, share: None,
) -> dict[str, Any]:
    """Score the extraction, translation and consistency of sparse coders.

    Parameters
    ----------
    sources
        Stream → rows; row r of all streams shows the same point.
    coders
        Stream → :class:`~nonlinear.intervench.coders.Coder`.
    labels
        Class of every row [n], the same for all streams or one vector per stream; whole numbers or text.
    config
        Everything else.
    forget
        Attribute of every row, independent of the classes, for unlearning and spurious correlations; None: without.
    joint
        Codes that see all streams of a point, in place of those of each encoder alone.
    baselines
        Score the identity, principal components and a random dictionary, too.
    split
        Row numbers of "train", "validation" and "test", where rows are not to be split at random.
    parts
        Folder in which stages are kept; what is stopped goes on from it. Whoever has stored the document removes them,
        by :meth:`~nonlinear.intervench.parts.Parts.clear`.
    on_progress
        Called with a text and the share done.

    Returns
    -------
    Plain data without NaN: ``schema_version``, ``config``, ``versions``, ``domains``, ``n_pairs``, ``metrics`` (name →
    i → j → entry: designed on i, evaluated on j), ``cycle``, ``curves``, ``ceiling``, ``selected_atoms``, ``scr``,
    ``baselines``, ``aggregates``, ``warnings``.

    Raises
    ------
    ValueError
        Streams, labels and coders that do not fit each other; in one line.

    Examples
    --------
    >>> from nonlinear.data import Array
    >>> from nonlinear.intervench.planted import planted
    >>> data = planted(600, seed=0)
    >>> found = intervench(data.sources, data.coders, data.labels, Config(subsets=1, resamples=20), baselines=False)
    >>> found["aggregates"]["S_ext"]["value"] > 0.9
    True
    """
    config = config or Config.model_validate({})
    y, names = checks.labels(sources, labels)
    a, values = checks.attribute(sources, forget, y) if forget is not None else (None, [])
    checks.enough(y, names, config, split)
    bench = Bench(sources, coders, y, config, a, joint, split)
    warnings = checks.warnings(bench)
    kept = Parts(parts, fingerprint(bench))
    runs: dict[str, Any] = {"the coders": lambda b: {}} | (dict(BASELINES) if baselines else {})
    n_stages, done = sum(1 for _ in _stages(bench)), 0
    scored: dict[str, dict[str, Any]] = {}
    for name, make in runs.items():
        run = bench if name == "the coders" else _with(bench, make(bench))
        rows: dict[str, np.ndarray] = {}
        for stage, compute in _stages(run) if run else ():
            on_progress(f"{name}: {stage}", done / (n_stages * len(runs)))
            rows |= kept.get(f"{name}-{stage}", compute)
            done += 1
        if run:
            scored[name] = _scored(bench, rows) if run is bench else _summary(run, rows)
    document = {
        "schema_version": SCHEMA_VERSION,
        "config": config.model_dump(mode="json"),
        "seed": config.seed,
        "versions": environment(),
        "domains": {s: _domain(bench, s) for s in bench.names},
        "n_pairs": len(next(iter(y.values()))),
        "classes": names,
        "attribute": values,
        "codes": "standalone" if joint is None else "shared",
        **scored.pop("the coders"),
        "baselines": scored,
        "warnings": warnings,
    }
    return document


def _stages(bench: Bench) -> Iterator[tuple[str, Callable[[], dict[str, np.ndarray]]]]:
    yield "reconstruction", partial(stages.reconstruction, bench)
    spaces = Latent(bench), Concept(bench)
    for space in spaces:
        for i in bench.names:
            yield f"probes-{space.name}-{i}", partial(stages.probing, bench, space, i)
            if bench.forget is not None:
                yield f"unlearning-{space.name}-{i}", partial(interventions.unlearning, bench, space, i, spaces[1])
                yield f"scr-{space.name}-{i}", partial(spurious.correlations, bench, space, i)
            if interventions.subsets(bench):
                yield f"tpp-{space.name}-{i}", partial(interventions.perturbation, bench, space, i, spaces[1])


def _scores(bench: Bench, rows: Mapping[str, np.ndarray]) -> Scores:
    y = {s: bench.y(s, "test") for s in bench.names}
    a = None if bench.forget is None else {s: bench.a(s, "test") for s in bench.names}
    return Scores(rows, bench.names, y, a, bench.config)


def _scored(bench: Bench, rows: Mapping[str, np.ndarray]) -> dict[str, Any]:
    scores, names = _scores(bench, rows), bench.names
    off = [(i, j) for i in names for j in names if i != j]

    def matrix(entry: Callable[[str, str], Any]) -> dict[str, dict[str, Any]]:
        return {i: {j: entry(i, j) for j in names} for i in names}

    return {
        "metrics": {m: matrix(lambda i, j, m=m: scores.entry(m, (i, j))) for m in scores.raw},
        "cycle": {f"{i}->{j}->{i}": float(scores.cycle(i, j)[0][0]) for i, j in off},
        "curves": {S: matrix(lambda i, j, s=S: scores.curve("probe", s, i, j)) for S in SPACES},
        "ceiling": {S: {f"{i}->{j}": float(rows[f"ceiling/{S}/{i}/{j}"].mean()) for i, j in off} for S in SPACES},
        "dense_probe": {j: float(rows[f"dense/{j}"].mean()) for j in names},
        "majority": {j: float(rows[f"majority/{j}"].mean()) for j in names},
        "selected_atoms": {
            key: values.tolist()
            for key, values in sorted(rows.items())
            if key.startswith(("atoms/", "ablated/", "subset/"))
        },
        "scr": spurious.scored(rows, names) if bench.forget is not None else {},
        "aggregates": scores.aggregates(),
    }


def _summary(bench: Bench, rows: Mapping[str, np.ndarray]) -> dict[str, Any]:
    scores = _scores(bench, rows)
    values = {
        m: {i: {j: scores.entry(m, (i, j))["gated"] for j in bench.names} for i in bench.names} for m in scores.raw
    }
    return {
        "metrics": values,
        "aggregates": {name: s["value"] for name, s in scores.aggregates().items()},
        "n_rows": sum(len(bench.parts[p]) for p in ("train", "validation", "test")),
    }


def _domain(bench: Bench, s: str) -> dict[str, Any]:
    domain, Z = bench.domains[s], bench.Z[s, "test"]
    active = bench.Z[s, "train"].getnnz(0)
    return {
        "rows": len(domain.rows),
        "columns": len(domain.b),
        "atoms": bench.n_atoms,
        "dead": float((active == 0).mean()),
        "ablation_counts": interventions.counts_of(bench, s),
        "l0": Z.nnz / len(bench.parts["test"]),
    }


def _with(bench: Bench, coders: Mapping[str, Any] | None) -> Bench | None:
    """Return a run of other coders, with less to choose from: the headline number of atoms, on one subset."""
    if coders is None:
        return None
    fewer = bench.config.model_copy(update={"counts": (bench.config.headline,), "subsets": 1})
    return bench.with_coders(coders, fewer)
