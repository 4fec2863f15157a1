"""Everything that is measured on one kind of codes, standalone or shared: one pass over the blocks, and the sample."""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

from nonlinear.annotations import Annotations
from nonlinear.dictionaries import compare_decoders
from nonlinear.evaluation import Evaluation
from nonlinear.firing import Firing
from nonlinear.jaccard import LabelCounts
from nonlinear.matching import Matching, against_identity, to_truth
from nonlinear.metrics import Agreements
from nonlinear.other_levels import other_levels
from nonlinear.plain import Undefined
from nonlinear.sampled import distances, most_firing, retrievals, shuffled_supports
from theory.whats import CONCEPT, SELF

# Atoms among which the Hungarian matching looks: those that fire most often in the sample.
MATCHED_ATOMS = 2048


def evaluate_codes(
    run: Evaluation, standalone: bool, known: Annotations, tick: Callable[[float], None] = lambda share: None
) -> dict[str, Any]:
    """Fields of one mode, as :func:`nonlinear.evaluate.evaluate` documents them.

    Parameters
    ----------
    run
        Model and rows.
    standalone
        Whether a code sees its own stream only.
    known
        Labels and truth.
    tick
        Called with the share done.

    Returns
    -------
    Nested mappings with :class:`~nonlinear.plain.Undefined` where a number does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(64, 3)))}
    >>> model = train(Config(system="sae", n_atoms=6, sparsity=2, batch=16, steps=20, threads=1), x)
    >>> evaluate_codes(Evaluation(model, x), True, Annotations(x))["firing_entropy"]
    'a single stream has codes'
    """
    names, sampled, m = run.shape.streams, run.sample(standalone), run.shape.n_atoms
    agreements, firing = Agreements(names), Firing(names, m)
    matching = Matching(names, most_firing(sampled, MATCHED_ATOMS), known.codes)
    counts = None if known.labels is None else LabelCounts(known.labels, m)
    for number, view in enumerate(run.blocks(standalone)):
        for part in (agreements, firing, matching, counts):
            if part is not None:
                part.add(view)
        tick((number + 1) / (run.n_blocks + 1))
    absent = {s: why for (part, s), why in run.absent.items() if part == "encoder"}
    streams = {s: Undefined(absent[s]) if s in absent else firing.stream(s) for s in names}
    found = {
        "r2": _beside(agreements, streams),
        "distances": distances(sampled, run.sample(standalone, sparse=True)),
        "levels": other_levels(sampled),
        "streams": {s: _with_truth(entry, run, s, known, firing, matching) for s, entry in streams.items()},
        "pairs": _pairs(run, firing, matching, shuffled_supports(sampled, run.seed), absent),
        "firing_entropy": firing.entropy(),
        "retrieval": retrievals(sampled),
    }
    tick(1.0)
    return found if counts is None else found | {"label_jaccard": counts.result()}


def _beside(agreements: Agreements, streams: Mapping[str, Any]) -> dict[str, Any]:
    """Put beside every R² of codes what tells agreement from collapse and from scale."""
    r2 = agreements.result()
    for what in agreements.whats:
        if what.space != CONCEPT or what.edges == SELF:
            continue
        for i, row in r2[what.name].items():
            for j, entry in row.items():
                if not isinstance(entry, Undefined):
                    entry["beside"] = {s: _guards(r2["REC"][s], streams[s]) for s in (i, j)}
    return r2


def _guards(reconstruction: Any, stream: Any) -> dict[str, Any]:
    rec = reconstruction if isinstance(reconstruction, Undefined) else reconstruction["value"]
    return {"REC": rec} | {name: stream[name] for name in ("dead", "l0", "code_variance")}


def _with_truth(entry: Any, run: Evaluation, s: str, known: Annotations, firing: Firing, matching: Matching) -> Any:
    if isinstance(entry, Undefined) or (known.atoms is None and known.codes is None):
        return entry
    truth = to_truth(
        firing.live(s)[matching.chosen],
        true_atoms=None if known.atoms is None else known.atoms[s],
        atoms=run.atoms(s)[matching.chosen],
        codes=matching.truth.get(s),
    )
    return entry | {"truth": truth}


def _pairs(run: Evaluation, firing: Firing, matching: Matching, shuffled, absent: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {i: {} for i in run.shape.streams[:-1]}
    for i, j in combinations(run.shape.streams, 2):
        why = next((absent[s] for s in (i, j) if s in absent), None)
        entry = Undefined(why) if why else firing.pair(i, j)
        if not isinstance(entry, Undefined):
            first, second = firing.live(i), firing.live(j)
            correlation, chosen = matching.pairs[i, j].matrix(), matching.chosen
            entry |= {
                "support_jaccard_shuffled": shuffled.get((i, j), Undefined("no matched rows in the sample")),
                "decoders": compare_decoders(run.atoms(i), run.atoms(j), first | second),
                "matching": against_identity(correlation, first[chosen], second[chosen]),
            }
        found[i][j] = entry
    return found
