"""Do atoms fire on the same labels, and do codes find their pair: with codes as trained, and of each stream alone.

A selection that sees all streams of a point puts the pairing into the codes, before anything is learnt. So everything
stands beside the same for standalone codes, and for the coders of the start (E6).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from nonlinear.batch import at
from nonlinear.evaluation import Evaluation
from nonlinear.firing import Firing
from nonlinear.jaccard import LabelCounts
from nonlinear.plain import Undefined
from nonlinear.retrieval import retrieval

# Rows among which a query looks for its own.
GALLERY = 512


@torch.no_grad()
def supports(run: Evaluation, labels: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Measure one seed of a system of two streams or more, first against second where there is a direction.

    Parameters
    ----------
    run
        The system and its rows; equal row numbers are pairs.
    labels
        Stream → multi-hot labels of its rows [n, C].

    Returns
    -------
    dict
        "standalone", and "shared" where these codes differ, → ``label_jaccard`` over all atoms, ``label_jaccard_live``
        over those that fire, ``support_jaccard`` of the two codes of a point, and recall@1 of the true row among
        512, by codes (``recall``) and by cross-reconstructions (``cross_recall``).

    Examples
    --------
    >>> from nonlinear.experiments.arms import Arm
    >>> from nonlinear.train import train
    >>> data = {"n_latents": 8, "sparsity": 2, "domains": {"x": 6, "y": 6}}
    >>> arm = Arm("demo", data, {"system": "sparc", "n_atoms": 8, "sparsity": 2, "batch": 64, "steps": 20}, 256, 64)
    >>> run = Evaluation(train(arm.settings([0]), [arm.sample(0)]), arm.sample(0, test=True))
    >>> found = supports(run, dict.fromkeys("xy", arm.labels(0)))
    >>> found["shared"]["support_jaccard"] > found["standalone"]["support_jaccard"]
    True
    """
    found = {}
    for mode in ("standalone",) if run.coincide else ("standalone", "shared"):
        firing = Firing(run.shape.streams, run.shape.n_atoms)
        counts = LabelCounts({s: v.astype(np.int64) for s, v in labels.items()}, run.shape.n_atoms)
        for view in run.blocks(mode == "standalone"):
            firing.add(view)
            counts.add(view)
        i, j = run.shape.streams[:2]
        classes, pair, view = counts.result(), firing.pair(i, j), run.sample(mode == "standalone")
        rows_i, rows_j = view.matched(i, j)
        z, w, y = (at(v, r)[:GALLERY] for v, r in ((view.code(i), rows_i), (view.code(j), rows_j), (view.x(j), rows_j)))
        numbers = {
            "label_jaccard": _of(classes, "all"),
            "label_jaccard_live": _of(classes, "live"),
            "support_jaccard": _of(pair, "support_jaccard"),
            "recall": _of(retrieval(z.numpy(), w.numpy()), "recall@1"),
            "cross_recall": _of(retrieval(view.decode(j, z).numpy(), y.numpy()), "recall@1"),
        }
        found[mode] = {name: float(v) for name, v in numbers.items() if not isinstance(v, Undefined)}
    return found


def _of(entry: Any, name: str) -> Any:
    return entry if isinstance(entry, Undefined) else entry[name]
