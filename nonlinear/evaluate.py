"""Evaluation of a trained system on given rows: one document of plain data, computed in blocks."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from nonlinear.annotations import Annotations
from nonlinear.data import Rows
from nonlinear.evaluate_codes import evaluate_codes
from nonlinear.evaluation import Evaluation
from nonlinear.model import Model
from nonlinear.plain import plain

SCHEMA_VERSION = 1
MODES = ("standalone", "shared")


@torch.no_grad()
def evaluate(
    model: Model,
    sources: Mapping[str, Rows],
    ids: Mapping[str, np.ndarray] | None = None,
    seed_index: int = 0,
    labels: Any = None,
    truth: Mapping[str, Any] | None = None,
    mode: str = "both",
    block: int = 2048,
    *,
    sample: int = 2000,
    seed: int = 0,
    on_progress: Callable[[str, float], None] = lambda text, share: None,
) -> dict[str, Any]:
    """Evaluate one seed of a model on rows, in blocks: memory does not grow with their number, but for row numbers.

    Parameters
    ----------
    model
        Of :func:`nonlinear.train.train` or :func:`nonlinear.model.load`.
    sources
        Stream → rows in their own units; the model's normalisation is applied.
    ids
        Stream → id of the point that each row shows; by default row r of every stream shows point r. Streams of
        different lengths without ids have no matched rows.
    seed_index
        Which of the model's seeds.
    labels
        Class [n] of each row, or multi-hot [n, C]; or one such array per stream, which ids need.
    truth
        "atoms": stream → true atoms [K, d] in the units of the rows; "codes": true codes [n, K], or one array per
        stream. Either may be missing.
    mode
        "standalone": every code is computed from its own stream alone, as at inference. "shared": from all streams of
        its point, as in training (crosscoder, SPARC). "both".
    block
        Points at a time; the result does not depend on it.
    sample
        Points, drawn at random, of distances of laws, retrieval and shuffled supports.
    seed
        Of the sample, the shuffle and the slices.
    on_progress
        Called with a text and the share done.

    Returns
    -------
    dict
        Plain data with the fields below; a number that does not exist is None, and ``undefined`` says why. Codes are
        compared in the gauge of unit atoms (:mod:`nonlinear.gauge`), rows in the normalised units.

        ``schema_version``, ``system``, ``training_seed``, ``steps``, ``atoms``, ``sparsity``: what was evaluated.
        ``streams``: stream → ``rows``, ``width``. ``points``, ``matched_points``: all, and those that two streams show.
        ``sample``: ``points`` asked for, ``rows`` by stream, ``seed``.

        ``standalone`` and ``shared`` hold the following, or ``same_as`` where a system knows no difference:

        - ``r2``: WHAT (REC, CYC, TR, CC and what else is registered) → stream i → stream j (none for REC) → ``value``,
          1 − Σ‖a − b‖²/Σ‖b − mean b‖² with b on side j, raw, negative at times; ``shuffled``, its mean over all
          permutations of the pairs after coding; ``rows``; for codes also ``beside``, without which agreement may be
          collapse or scale: both streams' ``REC``, ``dead``, ``l0``, ``code_variance``. The codes in CYC are re-encoded
          standalone.
        - ``distances``: "d" + WHAT → i → j → ``biased``, ``unbiased``, ``floor`` (the bias), ``rows`` of both sides, of
          disjoint points of the sample.
        - ``levels``: for every registered level beside these two, name → i → j → ``value`` of its metric or loss,
          ``shuffled``, ``measure`` and ``best`` (:mod:`nonlinear.other_levels`), on the sample.
        - ``streams``: stream → ``rows``; ``l0``, mean number of non-zero entries; ``dead``, share of the atoms that
          fire on no evaluated row; ``firing``, quantiles of the frequencies of the others; ``code_variance``,
          mean ‖z − mean z‖²; with truth ``truth``: ``cosine`` and ``correlation`` of true atoms and codes with their
          Hungarian matches among the live atoms, ``correlation_by_cosine`` under the first matching.
        - ``pairs``: i → j, i before j, at matched rows: ``rows``; ``support_jaccard``, mean over rows of
          both/either, and ``support_jaccard_shuffled``; ``cofiring``, per stream the mean over atoms of
          both/own firings; ``iou``, of both/either firings; ``decoders``: quantiles of ``relative_norm`` of j's
          decoder and of ``cosine``; ``matching`` of atoms by the correlation of codes: ``matched``, ``identity``,
          ``fixed`` (:func:`nonlinear.matching.against_identity`).
        - ``firing_entropy``: quantiles over live atoms of −Σ p_s log p_s/log S of the streams' firing frequencies.
        - ``label_jaccard``, with labels: ``all`` atoms, dead ones 0, and ``live`` ones.
        - ``retrieval``: ``latent``, ``reconstruction``, ``cross_reconstruction`` → i → j → recall@1/5/10,
          ``median_rank``, ``mrr``, ``gallery``, at matched rows of the sample.

        ``undefined``: path of a None ("standalone/r2/TR/y/x") → reason.

    Raises
    ------
    ValueError
        Rows, ids, labels or truth that do not fit the model or each other.

    Examples
    --------
    >>> from nonlinear.config import Config
    >>> from nonlinear.data import Array
    >>> from nonlinear.train import train
    >>> x = {"x": Array(np.random.default_rng(0).normal(size=(64, 3)))}
    >>> model = train(Config(system="sae", n_atoms=6, sparsity=2, batch=16, steps=20, threads=1), x)
    >>> found = evaluate(model, x)
    >>> found["standalone"]["r2"]["REC"]["x"]["rows"], found["shared"]
    (64, {'same_as': 'standalone'})
    """
    if mode not in (*MODES, "both"):
        raise ValueError(f"mode is {mode!r}; use one of {', '.join(MODES)}, both")
    run = Evaluation(model, sources, ids, seed_index, block=block, sample=sample, seed=seed)
    known = Annotations(run.sources, ids, labels, truth)
    wanted = MODES if mode == "both" else (mode,)
    computed = ["standalone"] if run.coincide else list(wanted)
    found = _header(run, sample)
    for number, name in enumerate(computed):

        def tick(share: float, name: str = name, number: int = number) -> None:
            on_progress(f"evaluating {name} codes", (number + share) / len(computed))

        found[name] = evaluate_codes(run, name == "standalone", known, tick)
    if run.coincide and "shared" in wanted:
        found["shared"] = {"same_as": "standalone"}
    document, reasons = plain(found)
    return document | {"undefined": reasons}


def _header(run: Evaluation, sample: int) -> dict[str, Any]:
    config = run.model.config
    return {
        "schema_version": SCHEMA_VERSION,
        "system": config.system,
        "training_seed": config.seeds[run.seed_index],
        "steps": run.model.step,
        "atoms": run.shape.n_atoms,
        "sparsity": config.sparsity,
        "streams": {s: {"rows": len(rows), "width": rows.dim} for s, rows in run.sources.items()},
        "points": run.points.count,
        "matched_points": len(run.points.shared),
        "sample": {"points": sample, "rows": {s: len(r) for s, r in run.sampled.items()}, "seed": run.seed},
    }
