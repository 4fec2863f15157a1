"""The audit as JSON: documented, versioned, without NaN or infinity."""

import math
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from proofs_check.audit import Audit, neighbour_count
from proofs_check.audit_notes import notes
from proofs_check.closed_forms import Coders
from proofs_check.heldout import MEASURES
from theory.solution import Solution

SCHEMA_VERSION = 1
LIBRARIES = ("concept-alignment", "numpy", "scipy")

# Every key of the document, and what it means; the document carries this text itself.
FIELDS = {
    "schema_version": "Changes when a key changes its meaning or goes away.",
    "fields": "This description.",
    "versions": "Python and the libraries that computed the numbers.",
    "config": "The choices. ridge is in units of the mean variance of a training column.",
    "inputs": "Per domain: file, stored type, rows, columns, rank and constant columns of the training rows.",
    "rows": "Numbers of training and held-out rows.",
    "rank": "Codes k: requested (null: the default) and used, which is never more than the rank of either domain.",
    "forms": "One entry per closed form, fitted on the training rows; its parts are described below.",
    "forms.measures": "R² on the held-out rows about their mean (value), its 95 % percentile bootstrap interval, the "
    "same fit and test on shuffled pairs (null: mean, null_range: least and greatest over the shuffles; the trade-offs "
    "are then solved in the span of the leading 2k directions of PCA, CCA and regressions), determined (false: "
    "the closed form leaves this number free, and the value belongs to the solver's choice), reason (why a value is "
    "null). Intervals cover the held-out rows only, not the fit. For whitened codes CC is about 2ρ − 1 for the mean "
    "correlation ρ: 0 means ρ = ½.",
    "forms.solutions": "Loss at the optimum on the training rows (centred, each domain scaled to unit total variance), "
    "rank (of the covariances with the ridge added, hence full unless the ridge is 0; PCA and cycle use none), "
    "spectral gap at k (null: nothing is left out; below 0 for a trade-off: not proved optimal), "
    "condition (null: infinite), whether the optimum is unique, "
    "and the transforms that it leaves free.",
    "forms.certificate": "For the trade-offs: the loss reached, a lower bound of the global minimum, and whether the "
    "two agree up to rounding; for Lemma 4 also the maximised F and an upper bound, F ≤ F* ≤ F_upper.",
    "spectrum": "Canonical correlations, all of them: on the training rows, and of the same code pairs on the held-out "
    "rows; both again for shuffled pairs (mean over the shuffles). null where a code does not vary.",
    "similarity": "On held-out rows, true and shuffled pairs: debiased linear CKA; share of common nearest neighbours "
    "(cosine; k, at most a quarter of the rows, as given); Procrustes similarity, the squared nuclear norm of "
    "the cross-covariance "
    "over the product of the total variances.",
    "notes": "What to keep in mind with these data, in words.",
}


def document(audit: Audit) -> dict:
    """JSON document of an audit; ``FIELDS`` says what its keys mean.

    Examples
    --------
    >>> from proofs_check.audit import Config, audit
    >>> from proofs_check.inputs import Rows
    >>> X = np.random.default_rng(0).standard_normal((50, 2))
    >>> found = document(audit(Rows("x", X), Rows("y", X), Config(rank=1, weights=())))
    >>> set(found) <= set(FIELDS), round(found["similarity"]["cka"]["value"], 9)
    (True, 1.0)
    """
    config = audit.config
    variances = (np.diag(audit.raw.Sx), np.diag(audit.raw.Sy))
    return _plain(
        {
            "schema_version": SCHEMA_VERSION,
            "fields": FIELDS,
            "versions": {"python": platform.python_version()} | {name: _version(name) for name in LIBRARIES},
            "config": {**vars(config), "weights": list(config.weights)},
            "inputs": {
                domain: {
                    "name": rows.name,
                    "dtype": rows.dtype,
                    "rows": len(rows),
                    "dim": rows.dim,
                    "rank": rank,
                    "constant_columns": int(np.count_nonzero(variance == 0)),
                }
                for domain, rows, rank, variance in zip("xy", (audit.x, audit.y), audit.ranks, variances, strict=True)
            },
            "rows": {"train": audit.train.n, "test": audit.test.n},
            "rank": {"requested": config.rank, "used": audit.rank},
            "forms": _forms(audit),
            "spectrum": {
                "train": audit.found.correlations_train,
                "test": audit.found.correlations_test,
                "null_train": _mean([null.correlations_train for null in audit.nulls]),
                "null_test": _mean([null.correlations_test for null in audit.nulls]),
            },
            "similarity": _similarity(audit),
            "notes": notes(audit),
        }
    )


def _forms(audit: Audit) -> list[dict]:
    found = audit.found
    if found.sums is None:
        return []
    values = found.sums.r_squared()
    nulls = np.array([null.sums.r_squared() for null in audit.nulls if null.sums is not None])
    entries = []
    for f, form in enumerate(found.forms):
        measures = {}
        for m, measure in enumerate(MEASURES):
            hidden = form.hides.get(measure.what.name)
            value, shuffled = values[f, m], nulls[:, f, m]
            measures[measure.name] = {
                "value": value,
                "interval": None if audit.intervals is None or np.isnan(value) else audit.intervals[:, f, m],
                "null": _mean(shuffled),
                "null_range": None if np.isnan(shuffled).any() else [shuffled.min(), shuffled.max()],
                "determined": measure.what.name in form.fixes,
                "reason": hidden or ("the reference does not vary on the held-out rows" if np.isnan(value) else None),
            }
        entries.append(
            {
                "key": form.key,
                "label": form.label,
                "weight": form.weight,
                "measures": measures,
                "solutions": {name or "both": _solution(s) for name, s in form.solutions.items()},
                "certificate": _certificate(audit, form),
            }
        )
    return entries


def _solution(solution: Solution) -> dict:
    names = ("optimum", "rank", "gap", "condition", "unique", "free")
    return {"loss" if name == "optimum" else name: getattr(solution, name) for name in names}


def _certificate(audit: Audit, form: Coders) -> dict | None:
    if form.weight is None:
        return None
    solution = form.solutions[""]
    stats = solution.stats
    found = {
        "loss": solution.optimum,
        "loss_lower_bound": stats["lower_bound"],
        "certified": bool(stats["certified"]),
    }
    if form.key == "consistency_tradeoff":
        # L = 2k + λ(TrΣx + TrΣy) − F, and the two traces are 1 + ridge each.
        F = 2 * audit.rank + form.weight * 2 * (1 + audit.config.ridge) - solution.optimum
        found |= {"F": F, "F_upper": F + solution.optimum - stats["lower_bound"]}
    return found


def _similarity(audit: Audit) -> dict:
    rows = min(audit.test.n, audit.config.subsample)
    few = {
        "cka": "fewer than 4 held-out rows, or a domain that does not vary beyond its own sampling noise",
        "mutual_nearest_neighbours": "fewer than 4 held-out rows",
        "procrustes": "a domain does not vary on the held-out rows",
    }
    details = {
        "cka": {"rows": audit.test.n},
        "mutual_nearest_neighbours": {"rows": rows, "k": neighbour_count(audit.config, rows)},
        "procrustes": {"rows": audit.test.n},
    }
    return {
        name: {
            "value": (value := getattr(audit.found, "neighbours" if name.startswith("mutual") else name)),
            "null": _mean([getattr(null, "neighbours" if name.startswith("mutual") else name) for null in audit.nulls]),
            "reason": few[name] if math.isnan(value) else None,
            **details[name],
        }
        for name in few
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _mean(values: Sequence | np.ndarray) -> np.ndarray:
    return np.mean(np.asarray(values, dtype=float), axis=0)


def _plain(value) -> Any:
    """Plain JSON types; what is not finite becomes null."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v) for v in value] if np.ndim(value) or isinstance(value, list | tuple) else _plain(value.item())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
