"""The rule for rows of two embeddings: ridge regression alone, or with losses of laws."""

from math import isfinite

import numpy as np
from scipy.stats import ks_2samp

from theory import visible_laws
from theory.anchors.answer import Counter, Show
from theory.anchors.stream import Stream
from theory.anchors_needed import LEAST_CEILING, Needed, pairs_alone, pairs_with_laws, pairs_with_shares

# Rows per dimension from which moments count, rows that slices compare, level of the test of equal laws.
PER_DIMENSION, COMPARED, LEVEL = 10, 8192, 1e-3
# Share of the variance of y that may lie beyond the rank of x.
BEYOND = 0.01
MEAN_CEILING = 1 - (1 - LEAST_CEILING) / 3  # of the ceilings that `pairs_alone` draws


def interval(
    x: Stream, y: Stream, target: float, rng: np.random.Generator, ceiling: float | None = None
) -> tuple[Needed, float | None]:
    """Return the pairs needed by both spectra, and the ceiling as it was given.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((400, 3))
    >>> s = Stream("x", X)
    >>> needed, _ = interval(s, s, 0.5, np.random.default_rng(0))
    >>> needed.low <= needed.median <= needed.high
    True
    """
    return pairs_alone(x.spectrum, y.spectrum, target, rng, ceiling), ceiling


def paired_interval(x: Stream, y: Stream, target: float, rng: np.random.Generator) -> tuple[Needed, float]:
    """Return the pairs needed by what the principal directions of x explain of y, and R² of all rows.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((400, 3))
    >>> needed, ceiling = paired_interval(Stream("x", X), Stream("y", X), 0.5, np.random.default_rng(0))
    >>> round(ceiling, 6), needed.median < 10
    (1.0, True)
    """
    shares = explained(x, y)
    return pairs_with_shares(x.spectrum, shares, target, rng), float(shares.sum())


def explained(x: Stream, y: Stream) -> np.ndarray:
    """Shares (rank of x) of the variance of y by the principal directions of x, by adjusted R².

    Those below 0 are set to 0, so that many weak directions together seem to explain a little. There have to be more
    rows than dimensions of x by two, or these explain everything.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((2000, 2))
    >>> explained(Stream("x", X * [2, 1]), Stream("y", X * [1, 3])).round(1)
    array([0.1, 0.9])
    """
    n, total = len(x.rows), float(y.spectrum.sum())
    if n <= x.rank + 1:
        raise ValueError(
            f"{n} pairs for the {x.rank} dimensions of {x.name} explain anything; pass more pairs, or none"
        )
    raw = np.sum((x.whitened.T @ y.centred / n) ** 2, axis=1) / total
    missing = max(1 - float(raw.sum()), 0.0) / (n - x.rank - 1)
    return np.maximum(raw - missing, 0.0)


def sizes(x: Stream, y: Stream) -> dict[str, list[int]]:
    """Ranks, as plain data.

    Examples
    --------
    >>> s = Stream("x", np.array([[1.0, 0.0], [-1.0, 0.0]]))
    >>> sizes(s, s)
    {'rank': [1, 1]}
    """
    return {"rank": [x.rank, y.rank]}


def failures(x: Stream, y: Stream) -> list[str]:
    """Hypotheses of the rule that fail, in words: enough rows, y = xA, equal laws of the whitened rows.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((400, 3))
    >>> failures(Stream("x", X[:200]), Stream("y", X[200:]))
    []
    """
    found = []
    for s in (x, y):
        if len(s.rows) < PER_DIMENSION * s.rank:
            found.append(
                f"enough rows: {s.name} has {len(s.rows)} for rank {s.rank}, and fewer than {PER_DIMENSION} each "
                "distort a spectrum"
            )
    beyond = float(y.spectrum[x.rank :].sum() / y.spectrum.sum())
    if beyond > BEYOND:
        found.append(
            f"y = xA: y has rank {y.rank} and x {x.rank}, so {beyond:.0%} of the variance of y is out of reach of x"
        )
    if x.rank == y.rank and not found and not alike(x, y):
        found.append(
            "equal whitened laws: whitened rows of x and of y differ in their lengths, so y is no linear image of x "
            "alone (noise does this, too): more pairs may be needed, and no loss of laws can be matched exactly"
        )
    return found


def alike(x: Stream, y: Stream) -> bool:
    """Whether the whitened rows of x and y have as many dimensions and lengths of one law, as under y = xA.

    Kolmogorov and Smirnov's test, which denies equal laws once in a thousand times.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((4000, 3))
    >>> alike(Stream("x", X[:2000]), Stream("y", X[2000:] @ [[1, 2, 0], [0, 1, 0], [0, 0, 1]]))
    True
    >>> alike(Stream("x", X[:2000]), Stream("y", X[2000:] ** 3))
    False
    """
    lengths = (np.sum(s.whitened**2, axis=1) for s in (x, y))
    found = ks_2samp(*lengths, method="asymp")
    return x.rank == y.rank and float(found.pvalue) > LEVEL  # pyright: ignore[reportAttributeAccessIssue]


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
    """Whether losses of laws can spare pairs, why, and the numbers behind it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> s = Stream("x", rng.standard_normal((400, 3)))
    >>> laws(s, s, Needed(2.0, 3.0, 4.0), 0.5, None, rng, lambda rows, rng: 3, lambda text, share: None)["text"]
    'no: every component looks Gaussian, so that below 3 pairs laws raise the error (theorem C2)'
    """
    seen, gaussian, d = {}, [], x.rank
    for name, s in (("x", x), ("y", y)):
        rows = s.whitened[rng.choice(len(s.rows), min(len(s.rows), COMPARED), replace=False)]
        seen[name] = visible_laws.rotation(rows, rng, lambda share, n=name: show(f"rotations of {n}", share))
        show(f"components of {name}", None)
        gaussian.append(count(rows, rng))
    worst = min(seen.values(), key=lambda r: r.power)
    sight = f"random slices of {worst.rows} rows notice {worst.power:.0%} of all rotations (5 % by chance)"
    found = {"rotation": {name: vars(r) for name, r in seen.items()}, "gaussian": None, "pairs": None}
    if not isfinite(needed.low):
        text = "no: all pairs together fall short of the target, and laws add nothing to that"
        return found | {"helps": False, "components_help": False, "text": text}
    if None in gaussian:
        says = f"{sight}; {d} dimensions are too many for these rows to find independent components"
        verdict = (None, "perhaps") if worst.visible else (False, "no")
        return found | {"helps": verdict[0], "components_help": None, "text": f"{verdict[1]}: {says}"}
    r = min(max(g for g in gaussian if g is not None), d)
    pairs = pairs_with_laws(d, r, min(target / (MEAN_CEILING if ceiling is None else ceiling), 1.0))
    found |= {"gaussian": r, "pairs": pairs}
    why = f"laws matched exactly would need {pairs:.3g} pair{'' if pairs == 1 else 's'}, as {d - r} of {d} independent "
    why += "components are not Gaussian"
    if r == d:
        text = f"no: every component looks Gaussian, so that below {d} pairs laws raise the error (theorem C2)"
        return found | {"helps": False, "components_help": False, "text": text}
    if pairs >= needed.low:
        return found | {"helps": False, "components_help": False, "text": f"no: {why}"}
    if not alike(x, y):
        differ = "differ" if x.rank == y.rank else "have other ranks"
        text = f"perhaps: {why}; but the whitened laws of x and y {differ}, so that they cannot be matched exactly"
        return found | {"helps": None if worst.visible else False, "components_help": None, "text": text}
    if not worst.visible:
        text = f"not through random slices: {sight}; but {why}, so that matching components (ICA) can"
        return found | {"helps": False, "components_help": True, "text": text}
    return found | {"helps": True, "components_help": True, "text": f"yes: {why}; {sight}"}
