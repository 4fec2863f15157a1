"""Lemma 5 and Section 3.1(B): translation, and how far its encoders are from those of consistency."""

import numpy as np

from proofs_check.evidence import Run
from proofs_check.reached import Trained
from proofs_check.trained.measured import best_decoders, canonical_sine, floats, whitened_sines
from proofs_check.trained.planted import REGRESSION, Pair, planted
from proofs_check.trained.setup import BAND, CORRELATIONS, RANK, X_TO_Y, least, regression_gap, standard, train
from theory.solvers import cca, reduced_rank


def l5(run: Run) -> list[Trained]:
    """Translation in one direction: reduced-rank regression, which CCA encoders do not achieve.

    Examples
    --------
    >>> for record in l5(Run()):     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    4.92 4.92 5.17
    0.00 0.00 0.50
    3.25 3.25 6.25
    """
    data = standard(run)
    best = reduced_rank.solve(data.moments, RANK)
    band = BAND * data.variance
    fit = train(run, data, {X_TO_Y: 1.0})
    aligned = train(run, data, {"CC": 1.0}, "whitened").coders
    example = train(run, REGRESSION, {X_TO_Y: 1.0}, rank=1)
    aligned_example = train(run, REGRESSION, {"CC": 1.0}, "whitened", rank=1).coders
    return [
        Trained(
            "L_TR x→y of free coders (control: encoders trained for CC)",
            best.optimum,
            floats(fit.losses),
            band,
            control=least(data, best_decoders(data, aligned, rec=0.0, tr=1.0), {X_TO_Y: 1.0}),
        ),
        Trained(
            "sine between encoders trained for TR and Σx^{-1/2}·(top left singular space of N) (control: for CC)",
            0.0,
            whitened_sines(data, fit.coders, {"Wx": best.maps["Wx"]}),
            np.sqrt(band / regression_gap(best.spectrum)),
            control=min(whitened_sines(data, aligned, {"Wx": best.maps["Wx"]})),
        ),
        Trained(
            "X=(h1,h2), Y=(2h1+(3/2)h3,h2), k=1: 13/4 (control: encoders trained for CC, 25/4)",
            13 / 4,
            floats(example.losses),
            BAND * REGRESSION.variance,
            control=least(REGRESSION, best_decoders(REGRESSION, aligned_example, rec=0.0, tr=1.0), {X_TO_Y: 1.0}),
        ),
    ]


def s31b(run: Run) -> list[Trained]:
    """The encoders of consistency and of translation: apart in general, equal where Σx and Σy are multiples of I.

    Examples
    --------
    >>> for record in s31b(Run()):     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    0.50 0.50 0.00
    0.00 0.00 0.50
    """
    data, isotropic = standard(run), planted(run.rng(), [3.0] * 5, [2.0] * 4, CORRELATIONS)
    apart, equal = _between(run, data), _between(run, isotropic)
    statement = "sine between encoders trained for CC and for TR (control: the other covariances)"
    return [
        Trained(statement, *apart, control=min(equal[1])),
        Trained(f"Σx = 3I, Σy = 2I: {statement}", *equal, control=min(apart[1])),
    ]


def _between(run: Run, data: Pair) -> tuple[float, list[float], float]:
    canonical, regression = cca.solve(data.moments, RANK), reduced_rank.solve(data.moments, RANK)
    predicted = whitened_sines(data, {"Wx": canonical.maps["Wx"][None]}, {"Wx": regression.maps["Wx"]})[0]
    band = np.sqrt(BAND * data.variance / regression_gap(regression.spectrum))
    consistent = train(run, data, {"CC": 1.0}, "whitened").coders["Wx"]
    translating = train(run, data, {X_TO_Y: 1.0}).coders["Wx"]
    pairs = zip(consistent, translating, strict=True)
    reached = [whitened_sines(data, {"Wx": a[None]}, {"Wx": b})[0] for a, b in pairs]
    return predicted, reached, band + canonical_sine(BAND * 2 * RANK, canonical.gap)
