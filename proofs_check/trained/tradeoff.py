"""Lemmas 4 and 6: consistency or translation, plus reconstruction.

At a large weight a good part of the starts ends at a local optimum, the mirror image of the optimum: the encoders span
their principal subspaces, but the rotation between them lies in the other component of O(k).
"""

import numpy as np

from proofs_check.evidence import Run
from proofs_check.reached import Trained
from proofs_check.trained.measured import (
    best_decoders,
    code_variance,
    decoder_distance,
    floats,
    principal_sines,
    transposed,
)
from proofs_check.trained.planted import TRADEOFF
from proofs_check.trained.setup import BAND, RANK, least, losses, principal, standard, train
from theory.solution import Solution
from theory.solvers import cca, consistency_tradeoff, translation_tradeoff


def l4(run: Run) -> list[Trained]:
    """Consistency plus reconstruction of whitened codes: the trade-off, not the CCA.

    Examples
    --------
    >>> from functools import partial
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.train", partial(train, steps=40)):     # the claim has up to 1000
    ...     records = l4(Run())
    >>> for record in records[::2]:     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    1.29 1.29 1.32
    4.00 4.00 6.03
    22.29 22.29 53.13
    1.96 1.96 2.22
    """
    data = standard(run)
    weights = (0.05, 0.5, 5.0)
    optima = [consistency_tradeoff.solve(data.moments, RANK, weight) for weight in weights]
    aligned = best_decoders(data, train(run, data, {"CC": 1.0}, "whitened").coders, rec=1.0, tr=0.0)
    records = []
    for weight, optimum in zip(weights, optima, strict=True):
        fit = train(run, data, {"CC": 1.0, "REC": weight}, "whitened")
        band = BAND * (2 * RANK + weight * data.variance)
        readouts = best_decoders(data, fit.coders, rec=1.0, tr=0.0)
        records += [
            Trained(
                f"L_CC + {weight}·L_REC of whitened coders, {_proved(optimum)} (control: encoders trained for CC)",
                optimum.optimum,
                floats(fit.losses),
                band,
                control=least(data, aligned, {"CC": 1.0, "REC": weight}),
            ),
            Trained(
                f"λ = {weight}: distance of the decoders from least-squares readouts (control: transposed encoders)",
                0.0,
                decoder_distance(fit.coders, readouts),
                np.sqrt(band / weight),
                control=min(decoder_distance(transposed(fit.coders), readouts)),
            ),
        ]
    return records + _tradeoff_example(run)


def _tradeoff_example(run: Run) -> list[Trained]:
    """L = 2 − 2s + λ(1 + 3s²) with s the second entry of u, hence at λ = 5/9 least at s = 3/5."""
    weights = {"CC": 1.0, "REC": 5 / 9}
    band = BAND * (2 + 5 / 9 * TRADEOFF.variance)
    fit = train(run, TRADEOFF, weights, "whitened", rank=1).coders
    aligned = train(run, TRADEOFF, {"CC": 1.0}, "whitened", rank=1).coders

    def off(coders) -> list[float]:
        return floats(abs(abs(coders["Wx"][:, 1, 0]) - 3 / 5))

    return [
        Trained(
            "X=(2h1,h2), Y=h2, λ=5/9: 88/45 (control: encoders trained for CC, 20/9)",
            88 / 45,
            losses(TRADEOFF, fit, weights),
            band,
            control=least(TRADEOFF, best_decoders(TRADEOFF, aligned, rec=1.0, tr=0.0), weights),
        ),
        Trained(
            "distance of the second entry of u from 3/5 (control: trained for CC)",
            0.0,
            off(fit),
            np.sqrt(band / (3 * 5 / 9)),
            control=min(off(aligned)),
        ),
    ]


def l4_free(run: Run) -> list[Trained]:
    """Consistency plus reconstruction without a constraint: the PCAs, at codes that vanish.

    Examples
    --------
    >>> from functools import partial
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.train", partial(train, steps=100)):     # the claim has up to 1000
    ...     records = l4_free(Run())
    >>> for record in records:     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    2.00 2.00 4.00
    0.00 0.00 1.28
    0.00 0.00 0.98
    """
    data = standard(run)
    tails, gap, spaces = principal(data)
    weights = {"CC": 1.0, "REC": 0.5}
    band = BAND * (2 * RANK + 0.5 * data.variance)
    # Consistent codes cost at least 1 − ρ₁ times their variance.
    variance = band / (1 - cca.solve(data.moments, RANK).spectrum[0])
    fit = train(run, data, weights, "scaled", stall=1e-10)
    aligned = train(run, data, {"CC": 1.0}, "whitened")
    return [
        Trained(
            "L_CC + 0.5·L_REC of free coders: 0.5·(PCA tails) (control: whitened)",
            0.5 * tails,
            floats(fit.losses),
            band,
            attained=False,
            control=train(run, data, weights, "whitened").losses.min(),
        ),
        Trained(
            "variance of their codes (control: at the start)",
            0.0,
            code_variance(data, fit.coders),
            variance,
            attained=False,
            control=min(code_variance(data, fit.initial)),
        ),
        Trained(
            "sine between these encoders and the principal subspaces (control: whitened, trained for CC)",
            0.0,
            principal_sines(fit.coders, spaces),
            np.sqrt(band / (0.5 * gap)),
            control=min(principal_sines(aligned.coders, spaces)),
        ),
    ]


def l6(run: Run) -> list[Trained]:
    """Translation plus reconstruction of whitened codes: the trade-off, not the CCA.

    Examples
    --------
    >>> from functools import partial
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.train", partial(train, steps=40)):     # the claim has up to 1000
    ...     records = l6(Run())
    >>> for record in records[::2]:     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    13.98 13.98 14.42
    20.41 20.41 24.01
    59.57 59.57 118.38
    """
    data = standard(run)
    weights = (0.1, 1.0, 10.0)
    optima = [translation_tradeoff.solve(data.moments, RANK, weight) for weight in weights]
    aligned = train(run, data, {"CC": 1.0}, "whitened").coders
    records = []
    for weight, optimum in zip(weights, optima, strict=True):
        fit = train(run, data, {"TR": 1.0, "REC": weight}, "whitened")
        band = BAND * (1 + weight) * data.variance
        formula, readout = (best_decoders(data, fit.coders, rec=weight, tr=tr) for tr in (1.0, 0.0))
        records += [
            Trained(
                f"L_TR + {weight}·L_REC of whitened coders, {_proved(optimum)} (control: encoders trained for CC)",
                optimum.optimum,
                floats(fit.losses),
                band,
                control=least(data, best_decoders(data, aligned, rec=weight, tr=1.0), {"TR": 1.0, "REC": weight}),
            ),
            Trained(
                f"λ = {weight}: distance of the decoders from the common regression (control: of those for REC alone)",
                0.0,
                decoder_distance(fit.coders, formula),
                np.sqrt(band / (1 + weight)),
                control=min(decoder_distance(readout, formula)),
            ),
        ]
    return records


def _proved(solution: Solution) -> str:
    if solution.stats["certified"]:
        return "certified optimum"
    return f"best value known, at most {solution.optimum - solution.stats['lower_bound']:.2g} above the optimum"
