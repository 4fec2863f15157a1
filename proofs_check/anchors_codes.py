"""The rule of anchors for two sparse codes whose atoms differ by a permutation."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from proofs_check.anchors_answer import Answer
from proofs_check.anchors_stream import Stream
from theory.anchors_needed import pairs_of_codes
from theory.similarity import r_squared

# Standard errors that tell two firing rates apart.
APART = 4.0
Progress = Callable[[str, float | None], None]


def answer(
    x: Stream, y: Stream, target: float, ceiling: float | None, paired: bool, rng: np.random.Generator, show: Progress
) -> Answer:
    """Answer for codes; see `proofs_check.anchors.anchors`."""
    show("firing rates", None)
    live = [s.rows[:, (s.rows != 0).any(0)] for s in (x, y)]
    rates = [np.sort((z != 0).mean(0)) for z in live]
    failed, notes = _failures(rates, [len(z) for z in live]), []
    if paired:
        ceiling = _matched(*live)
        notes.append(f"The rows are taken as pairs: matched by all of them, the codes agree at R² = {ceiling:.2f}.")
        if ceiling <= target:
            failed.append(f"R² = {target:g} is in reach: all pairs give {ceiling:.2f}")
    p, v = (live[1] != 0).mean(0), live[1].var(0)
    needed = pairs_of_codes(p, v, target, rng, ceiling)
    sizes = {"atoms": [z.shape[1] for z in live], "sparsity": [float((z != 0).sum(1).mean()) for z in live]}
    return Answer("codes", target, ceiling, paired, needed, _laws(p, v, len(live[1]), target), sizes, failed, notes)


def _failures(rates: list[np.ndarray], rows: list[int]) -> list[str]:
    (p, q), (n, m) = rates, rows
    if len(p) != len(q):
        return [f"a permutation of the atoms: x has {len(p)} live ones, y has {len(q)}"]
    error = np.sqrt(p * (1 - p) / n + q * (1 - q) / m) + 1 / min(n, m)
    worst = int(np.abs((p - q) / error).argmax())
    if abs(p[worst] - q[worst]) <= APART * error[worst]:
        return []
    return [
        f"a permutation of the atoms: in the order of their firing rates, number {worst} fires at {p[worst]:.3g} in x "
        f"and at {q[worst]:.3g} in y"
    ]


def _matched(x: np.ndarray, y: np.ndarray) -> float:
    """R² of the columns of x as an estimate of those of y, matched by all rows; of equal numbers, the rest at 0."""
    here, there = linear_sum_assignment(-(x.T @ y))
    estimate = np.zeros_like(y)
    estimate[:, there] = x[:, here]
    return r_squared(estimate, y)


def _laws(rates: np.ndarray, variances: np.ndarray, n: int, target: float) -> dict:
    """Atoms that their firing rate alone tells from all others, by the gaps between sorted rates."""
    order = np.argsort(rates)
    p = rates[order]
    error = np.sqrt(p * (1 - p) / n) + 1 / n
    gap = np.diff(p) > APART * (error[1:] + error[:-1])
    apart = np.concatenate([[True], gap]) & np.concatenate([gap, [True]])
    told = float(variances[order][apart].sum() / variances.sum())
    reached = 1 - 2 * (1 - told)
    helps = reached >= target
    text = (
        f"{'yes' if helps else 'no'}: firing rates tell {int(apart.sum())} of {len(p)} atoms from all others, with "
        f"{told:.0%} of the variance; atoms of one law stay exchangeable whatever the loss of laws"
    )
    return {"helps": bool(helps), "text": text, "told": told, "atoms": int(apart.sum())}
