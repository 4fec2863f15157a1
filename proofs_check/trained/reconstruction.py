"""Lemmas 1 and 7: reconstruction and full cycles of free coders."""

import numpy as np

from proofs_check.evidence import Run
from proofs_check.reached import Trained
from proofs_check.trained.measured import best_decoders, floats, principal_sines
from proofs_check.trained.planted import planted
from proofs_check.trained.setup import (
    BAND,
    CORRELATIONS,
    RANK,
    SPECTRUM_X,
    SPECTRUM_Y,
    least,
    principal,
    standard,
    train,
)
from theory.solvers import cycle


def l1(run: Run) -> list[Trained]:
    """Reconstruction: the PCA tails and the principal subspaces.

    Examples
    --------
    >>> for record in l1(Run()):     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    4.00 4.00 10.47
    0.00 0.00 0.98
    """
    data = standard(run)
    tails, gap, spaces = principal(data)
    band = BAND * data.variance
    fit, aligned = train(run, data, {"REC": 1.0}), train(run, data, {"CC": 1.0}, "whitened")
    return [
        Trained(
            "L_REC of free coders (control: encoders trained for CC)",
            tails,
            floats(fit.losses),
            band,
            control=least(data, best_decoders(data, aligned.coders, rec=1.0, tr=0.0), {"REC": 1.0}),
        ),
        Trained(
            "sine between encoders trained for REC and the principal subspaces (control: trained for CC)",
            0.0,
            principal_sines(fit.coders, spaces),
            np.sqrt(band / gap),
            control=min(principal_sines(aligned.coders, spaces)),
        ),
    ]


def l7(run: Run) -> list[Trained]:
    """Full cycles: the two PCA tails and subspaces, but not the PCA as autoencoders unless REC is added.

    Examples
    --------
    >>> from functools import partial
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.train", partial(train, steps=60)):     # the claim has up to 1000
    ...     records = l7(Run())
    >>> for record in records[:2]:
    ...     print(f"predicted {record.predicted:.2f}, reached {min(record.reached):.2f}")
    predicted 4.00, reached 4.00
    predicted 2.50, reached 2.50
    """
    data, narrow = standard(run), planted(run.rng(), SPECTRUM_X, SPECTRUM_Y[:2], CORRELATIONS[:2])
    tails, gap, spaces = principal(data)
    best, best_narrow = cycle.solve(data.moments, RANK), cycle.solve(narrow.moments, RANK + 1)
    band = BAND * data.variance
    fit, both, translating = (train(run, data, weights) for weights in ({"CYC": 1}, {"CYC": 1, "REC": 1}, {"TR": 1}))

    def product_sines(coders) -> list[float]:
        A = coders["Wx"] @ coders["Dy"]
        U, _, Vt = np.linalg.svd(A)
        return principal_sines({"Wx": U[..., :RANK], "Wy": Vt[:, :RANK].swapaxes(1, 2)}, spaces)

    return [
        Trained(
            "L_CYC of free coders (control: trained for TR)",
            best.optimum,
            floats(fit.losses),
            band,
            control=translating.measure(data.X, data.Y, {"CYC": 1.0}).min(),
        ),
        Trained(
            "L_CYC of free coders, k=3 > dy=2 (control: the value stated, with k in place of min(k, dx, dy))",
            best_narrow.optimum,
            floats(train(run, narrow, {"CYC": 1.0}, rank=3).losses),
            BAND * narrow.variance,
            control=sum(SPECTRUM_X[3:]),
        ),
        Trained(
            "sine between the spaces of WxDy and the principal subspaces (control: trained for TR)",
            0.0,
            product_sines(fit.coders),
            np.sqrt(band / gap),
            control=min(product_sines(translating.coders)),
        ),
        Trained(
            "L_REC after training for CYC + REC: the PCA tails (control: after training for CYC alone)",
            tails,
            floats(both.measure(data.X, data.Y, {"REC": 1.0})),
            band,
            control=fit.measure(data.X, data.Y, {"REC": 1.0}).min(),
        ),
    ]
