"""Lemmas 2 and 3: concept consistency, without a constraint and whitened."""

import numpy as np

from proofs_check.evidence import Run
from proofs_check.reached import Trained
from proofs_check.trained.measured import canonical_sine, floats, whitened_sines
from proofs_check.trained.planted import ONLY_ZERO, Pair, planted
from proofs_check.trained.setup import BAND, CORRELATIONS, RANK, SPECTRUM_X, SPECTRUM_Y, standard, train
from theory.linalg import eigh, rank_of
from theory.solvers import cca


def l2(run: Run) -> list[Trained]:
    """Consistency without a constraint: collapse, unless ker[X, −Y] keeps a part of the start.

    Examples
    --------
    >>> for record in l2(Run()):     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    0.00 0.00 0.80
    0.00 0.00 1.41
    0.00 0.00 2.14
    0.00 0.00 0.08
    """
    data, shared = standard(run), planted(run.rng(), SPECTRUM_X, SPECTRUM_Y, (1.0, *CORRELATIONS[1:]))
    fit, whitened = train(run, data, {"CC": 1.0}), train(run, data, {"CC": 1.0}, "whitened")
    return [
        Trained(
            "L_CC of free coders (control: whitened)",
            0.0,
            floats(fit.losses),
            BAND * 2 * RANK,
            control=whitened.losses.min(),
        ),
        _collapse(run, "X=(1,−1,0), Y=(1,1,−2)", ONLY_ZERO, rank=1),
        _collapse(run, "[X, −Y] of full column rank", data, RANK),
        _projection(run, shared),
    ]


def _collapse(run: Run, name: str, data: Pair, rank: int) -> Trained:
    fit = train(run, data, {"CC": 1.0}, rank=rank)
    whitened = train(run, data, {"CC": 1.0}, "whitened", rank=rank)
    return Trained(
        f"{name}: norm of the encoders, 0 being the only minimiser (control: whitened)",
        0.0,
        floats(np.linalg.norm(_stacked(fit.coders), axis=(1, 2))),
        np.sqrt(BAND * 2 * rank / eigh(_quadratic(data))[0][-1]),
        control=np.linalg.norm(_stacked(whitened.coders), axis=(1, 2)).min(),
    )


def _projection(run: Run, data: Pair) -> Trained:
    """Gradients of the quadratic L_CC are orthogonal to the kernel, so the kernel part of the start stays as it was."""
    values, vectors = eigh(_quadratic(data))
    r = rank_of(values)
    kernel = vectors[:, r:]
    fit = train(run, data, {"CC": 1.0})
    start, end = _stacked(fit.initial), _stacked(fit.coders)
    return Trained(
        "Xa = Yb: distance of the encoders from their start projected onto ker[X, −Y] (control: from 0)",
        0.0,
        floats(np.linalg.norm(end - kernel @ (kernel.T @ start), axis=(1, 2))),
        np.sqrt(BAND * 2 * RANK / values[r - 1]),
        control=np.linalg.norm(end, axis=(1, 2)).min(),
    )


def _stacked(coders) -> np.ndarray:
    return np.concatenate([coders["Wx"], coders["Wy"]], axis=1)


def _quadratic(data: Pair) -> np.ndarray:
    """C of L_CC = Tr(WᵀCW), W = [Wx; Wy]."""
    m = data.moments
    return np.block([[m.Sx, -m.Sxy], [-m.Sxy.T, m.Sy]])


def l3(run: Run) -> list[Trained]:
    """Consistency of whitened codes: 2k − 2Σρ and the canonical subspaces.

    Examples
    --------
    >>> from functools import partial
    >>> from unittest.mock import patch
    >>> with patch(f"{__name__}.train", partial(train, steps=40)):     # the claim has up to 1000
    ...     records = l3(Run())
    >>> for record in records:     # predicted, reached, control
    ...     print(f"{record.predicted:.2f} {min(record.reached):.2f} {record.control:.2f}")
    0.80 0.80 1.99
    0.00 0.00 0.86
    """
    data = standard(run)
    best = cca.solve(data.moments, RANK)
    band = BAND * 2 * RANK
    fit, mixed = (train(run, data, weights, "whitened") for weights in ({"CC": 1.0}, {"CC": 1.0, "REC": 1.0}))
    return [
        Trained(
            "L_CC of whitened coders (control: trained for CC + REC)",
            best.optimum,
            floats(fit.losses),
            band,
            control=mixed.measure(data.X, data.Y, {"CC": 1.0}).min(),
        ),
        Trained(
            "sine between encoders trained for CC and the canonical subspaces (control: trained for CC + REC)",
            0.0,
            whitened_sines(data, fit.coders, best.maps),
            canonical_sine(band, best.gap),
            control=min(whitened_sines(data, mixed.coders, best.maps)),
        ),
    ]
