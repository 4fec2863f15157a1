"""What a reader has to keep in mind with the data at hand, in words."""

import numpy as np

from proofs_check.audit import Audit
from theory.linalg import whitener

FEW = 20


def notes(audit: Audit) -> list[str]:
    """What a reader has to keep in mind with these data.

    Examples
    --------
    >>> from proofs_check.audit import audit
    >>> from proofs_check.audit_config import Config
    >>> from proofs_check.inputs import Rows
    >>> X = np.random.default_rng(0).standard_normal((15, 2))
    >>> notes(audit(Rows("x", X), Rows("y", X), Config(rank=1, weights=())))
    ['3 held-out rows: too few for intervals; ten are needed']
    """
    found, config = audit.found, audit.config
    said = []
    if not audit.rank:
        constant = " and ".join(d for d, rank in zip("xy", audit.ranks, strict=True) if not rank)
        verb = "do" if " and " in constant else "does"
        said.append(f"{constant} {verb} not vary on the training rows: there is nothing to align, and no closed form")
    elif config.rank and audit.rank < config.rank:
        said.append(
            f"k = {config.rank} exceeds the rank of the training rows (x {audit.ranks[0]}, y {audit.ranks[1]}): "
            f"k = {audit.rank} was used"
        )
    for domain, rank, S in zip("xy", audit.ranks, (audit.raw.Sx, audit.raw.Sy), strict=True):
        if 0 < rank < len(S):
            if _rank_of_rescaled(S) > rank:
                why = "some vary too little beside the others; rescale the columns"
            elif config.ridge:
                why = "directions that do not vary have only the ridge, which decides what the encoders do there"
            else:
                why = "directions that do not vary are left to the encoders"
            said.append(f"{domain} has rank {rank} in {len(S)} columns: {why}")
    train, test = (_mean_square(c[: audit.rank]) for c in (found.correlations_train, found.correlations_test))
    if train - test > 0.1:
        said.append(
            f"CCA overfits: the first {audit.rank} squared correlations average {train:.2f} on the training rows and "
            f"{test:.2f} on held-out ones; trust the latter, and try a larger --ridge or a smaller -k"
        )
    open_weights = [
        f"{form.label} (loss within {gap:.2g})"
        for form in found.forms
        for solution in form.solutions.values()
        if form.weight is not None and not solution.stats["certified"]
        for gap in [solution.optimum - solution.stats["lower_bound"]]
    ]
    if open_weights:
        said.append("no proof of global optimality for " + ", ".join(open_weights))
    if audit.intervals is None and audit.rank:
        said.append(f"{audit.test.n} held-out row{'s' * (audit.test.n > 1)}: too few for intervals; ten are needed")
    elif audit.test.n < FEW:
        said.append(f"{audit.test.n} held-out rows: the numbers are coarse")
    return said


def _rank_of_rescaled(S: np.ndarray) -> int:
    """Rank after every column that varies is scaled to unit variance."""
    varies = np.diag(S) > 0
    scale = np.sqrt(np.diag(S)[varies])
    return len(whitener(S[np.ix_(varies, varies)] / np.outer(scale, scale))[1])


def _mean_square(correlations: np.ndarray) -> float:
    known = correlations[np.isfinite(correlations)]
    return float(np.mean(known**2)) if len(known) else float("nan")
