"""The rule of anchors for rows of two embeddings: ridge regression alone, or with losses of laws."""

from collections.abc import Callable

import numpy as np

from proofs_check.anchors_answer import Answer
from proofs_check.anchors_components import n_gaussian
from proofs_check.anchors_stream import Stream
from theory import visible_laws
from theory.anchors_needed import LEAST_CEILING, Needed, pairs_alone, pairs_with_laws, pairs_with_shares

# Rows per dimension from which moments count, rows per half that slices compare, standard errors that tell laws apart.
PER_DIMENSION, COMPARED, APART = 10, 4096, 5.0
Progress = Callable[[str, float | None], None]


def answer(
    x: Stream, y: Stream, target: float, ceiling: float | None, paired: bool, rng: np.random.Generator, show: Progress
) -> Answer:
    """Answer for rows; see `proofs_check.anchors.anchors`."""
    show("spectra", None)
    failed, notes = _failures(x, y), []
    if paired:
        shares = explained(x, y)
        ceiling = float(shares.sum())
        needed = pairs_with_shares(x.spectrum, shares, target, rng)
        notes.append("The rows are taken as pairs: what x explains of y is measured, not drawn.")
    else:
        needed = pairs_alone(x.spectrum, y.spectrum, target, rng, ceiling)
    laws = _laws(x, y, needed, target, ceiling, rng, show)
    return Answer("rows", target, ceiling, paired, needed, laws, {"rank": [x.rank, y.rank]}, failed, notes)


def explained(x: Stream, y: Stream) -> np.ndarray:
    """Shares (rank of x) of the variance of y by the principal directions of x, about unbiased (adjusted R²)."""
    n, total = len(x.rows), float(y.spectrum.sum())
    raw = np.sum((x.whitened.T @ y.centred / n) ** 2, axis=1) / total
    missing = max(1 - float(raw.sum()), 0.0) / max(n - x.rank - 1, 1)
    return np.maximum(raw - missing, 0.0)


def _failures(x: Stream, y: Stream) -> list[str]:
    found = []
    for s in (x, y):
        if len(s.rows) < PER_DIMENSION * s.rank:
            found.append(
                f"{s.name}: {len(s.rows)} rows for rank {s.rank}; below {PER_DIMENSION} rows each, spectra lie"
            )
    beyond = float(y.spectrum[x.rank :].sum() / y.spectrum.sum())
    if beyond > 0.01:
        found.append(f"y = xA: y has rank {y.rank}, x {x.rank}; {beyond:.0%} of the variance of y is out of reach of x")
    (kx, ex), (ky, ey) = (_lengths(s.whitened) for s in (x, y))
    if x.rank == y.rank and abs(kx - ky) > APART * np.hypot(ex, ey):
        found.append(
            f"equal whitened laws: E‖·‖⁴/(d(d + 2)) is {kx:.3g} of x and {ky:.3g} of y, so y is no linear image of x "
            "alone (noise does this, too); no loss of laws can be matched exactly"
        )
    return found


def _lengths(whitened: np.ndarray) -> tuple[float, float]:
    """Fourth moment of the lengths over that of Gaussian rows, and its standard error."""
    d = whitened.shape[1]
    values = np.sum(whitened**2, axis=1) ** 2 / (d * (d + 2))
    return float(values.mean()), float(values.std() / len(values) ** 0.5)


def _laws(
    x: Stream, y: Stream, needed: Needed, target: float, ceiling: float | None, rng: np.random.Generator, show: Progress
) -> dict:
    seen, gaussian, d = {}, [], x.rank
    for name, s in (("x", x), ("y", y)):
        rows = s.whitened[rng.choice(len(s.rows), min(len(s.rows), 2 * COMPARED), replace=False)]
        seen[name] = visible_laws.rotation(rows, rng, lambda share, n=name: show(f"rotations of {n}", share))
        show(f"components of {name}", None)
        gaussian.append(n_gaussian(rows, rng))
    found = {"rotation": {name: vars(r) for name, r in seen.items()}, "gaussian": None, "pairs": None, "helps": False}
    n, power = min(r.rows for r in seen.values()), min(r.power for r in seen.values())
    sight = f"random slices of {n} rows tell a rotated copy from the rows in {power:.0%} of the cases (5 % are false)"
    visible = all(r.visible for r in seen.values())
    if None in gaussian:
        text = f"{sight}; {d} dimensions are too many to count independent components"
        return found | {"text": f"{'perhaps' if visible else 'no'}: {text}"}
    r = min(max(g for g in gaussian if g is not None), d)
    pairs = pairs_with_laws(d, r, min(target / (ceiling or (1 + LEAST_CEILING) / 2), 1.0))
    helps = visible and pairs < needed.low
    left = f"{d - r} of {d} components are not Gaussian; laws matched exactly would need {pairs:.3g} pair"
    left += ("" if pairs == 1 else "s") + ("" if visible else ", by slices along these components")
    if r == d:
        left = (
            f"no component is other than Gaussian: below {d} pairs, matching laws doubles the error of the pairs alone"
        )
    return found | {
        "gaussian": r,
        "pairs": pairs,
        "helps": helps,
        "text": f"{'yes' if helps else 'no'}: {sight}; {left}",
    }
