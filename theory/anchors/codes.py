"""The rule for two sparse codes whose atoms differ by a permutation."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from theory.anchors.answer import Counter, Show
from theory.anchors.stream import Stream
from theory.anchors_needed import Needed, pairs_of_codes
from theory.similarity import r_squared

# Standard errors that tell two firing rates apart.
APART = 4.0


def interval(
    x: Stream, y: Stream, target: float, rng: np.random.Generator, ceiling: float | None = None
) -> tuple[Needed, float | None]:
    """Return the pairs needed by the firing rates and variances of y, and the ceiling as it was given.

    Examples
    --------
    >>> z = np.random.default_rng(0).random((200, 6)) * (np.random.default_rng(1).random((200, 6)) < 0.3)
    >>> s = Stream("z", z)
    >>> needed, _ = interval(s, s, 0.5, np.random.default_rng(0))
    >>> needed.low <= needed.median <= needed.high
    True
    """
    z = live(y)
    return pairs_of_codes((z != 0).mean(0), z.var(0), target, rng, ceiling), ceiling


def paired_interval(x: Stream, y: Stream, target: float, rng: np.random.Generator) -> tuple[Needed, float]:
    """Return the pairs needed where all rows measure the ceiling, and the ceiling.

    Examples
    --------
    >>> z = np.random.default_rng(0).random((200, 6)) * (np.random.default_rng(1).random((200, 6)) < 0.3)
    >>> s = Stream("z", z)
    >>> paired_interval(s, Stream("y", z[:, ::-1]), 0.5, np.random.default_rng(0))[1]
    1.0
    """
    ceiling = matched(live(x), live(y))
    return interval(x, y, target, rng, ceiling)[0], ceiling


def sizes(x: Stream, y: Stream) -> dict[str, list]:
    """Live atoms, and mean numbers of active ones.

    Examples
    --------
    >>> s = Stream("z", np.array([[1.0, 0.0, 0.0], [1.0, 2.0, 0.0]]))
    >>> sizes(s, s)
    {'atoms': [2, 2], 'sparsity': [1.5, 1.5]}
    """
    codes = [live(s) for s in (x, y)]
    return {"atoms": [z.shape[1] for z in codes], "sparsity": [float((z != 0).sum(1).mean()) for z in codes]}


def live(s: Stream) -> np.ndarray:
    """Columns of the atoms that fire.

    Examples
    --------
    >>> live(Stream("z", np.array([[1.0, 0.0], [2.0, 0.0]]))).tolist()
    [[1.0], [2.0]]
    """
    return s.rows[:, (s.rows != 0).any(0)]


def failures(x: Stream, y: Stream) -> list[str]:
    """Hypotheses of the rule that fail, in words: as many live atoms, with the same firing rates.

    Examples
    --------
    >>> z = Stream("z", np.array([[1.0, 0.0], [1.0, 2.0]]))
    >>> failures(z, z), failures(z, Stream("y", z.rows[:, :1]))
    ([], ['a permutation of the atoms: x has 2 live ones, y has 1'])
    """
    codes = [live(s) for s in (x, y)]
    (p, q), (n, m) = [np.sort((z != 0).mean(0)) for z in codes], [len(z) for z in codes]
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


def matched(x: np.ndarray, y: np.ndarray) -> float:
    """R² of the columns of x as an estimate of those of y, matched by all rows; of unequal numbers, the rest at 0.

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    >>> matched(x, x[:, ::-1])
    1.0
    """
    here, there = linear_sum_assignment(-(x.T @ y))
    estimate = np.zeros_like(y)
    estimate[:, there] = x[:, here]
    return r_squared(estimate, y)


def laws(
    x: Stream,
    y: Stream,
    needed: Needed,
    target: float,
    ceiling: float | None,
    rng: np.random.Generator,
    count: Counter,
    show: Show,
) -> dict:
    """Whether firing rates alone tell enough atoms of y from all others, and the numbers behind it.

    Examples
    --------
    >>> s, rng = Stream("z", (np.arange(1000)[:, None] < [100, 500, 900]) * 1.0), np.random.default_rng(0)
    >>> needed = Needed(2.0, 3.0, 4.0)
    >>> found = laws(s, s, needed, 0.8, None, rng, lambda rows, rng: None, lambda text, share: None)
    >>> found["helps"], found["atoms"]     # they fire at rates of 0.1, 0.5 and 0.9
    (True, 3)
    """
    z = live(y)
    rates, variances = (z != 0).mean(0), z.var(0)
    order = np.argsort(rates)
    p = rates[order]
    error = np.sqrt(p * (1 - p) / len(z)) + 1 / len(z)
    gap = np.diff(p) > APART * (error[1:] + error[:-1])
    apart = np.concatenate([[True], gap]) & np.concatenate([gap, [True]])
    told = float(variances[order][apart].sum() / variances.sum())
    helps = 1 - 2 * (1 - told) >= target
    text = (
        f"{'yes' if helps else 'no'}: firing rates tell {int(apart.sum())} of {len(p)} atoms from all others, with "
        f"{told:.0%} of the variance; atoms of one law stay exchangeable whatever the loss of laws"
    )
    return {"helps": bool(helps), "text": text, "told": told, "atoms": int(apart.sum())}
