"""Predictions of the empirical claims, frozen in files before anything is measured."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from proofs_check.statistics import Interval

FOLDER = Path(__file__).parent / "data" / "predictions"
MIN_SEEDS = 3
PILOT = range(100, 105)  # the seeds on which configurations may be chosen


@dataclass(frozen=True)
class Prediction:
    """Where the mean over seeds has to lie, and where that of a control has to.

    Parameters
    ----------
    kind, text
        "number", "inequality" or "sign"; the prediction as it is shown.
    low, high
        It holds between these limits.
    below, above
        A control misses it by the margin up to the one, or from the other on.

    Examples
    --------
    >>> predicted = number(0.5, 0.125, 0.25)
    >>> predicted.excluded(Interval(0.7, 0.65, 0.75, 3)), predicted.missed(Interval(0.7, 0.65, 0.75, 3))
    (True, False)
    """

    kind: str
    text: str
    low: float
    high: float
    below: float
    above: float

    def excluded(self, interval: Interval) -> bool:
        """Whether the whole interval lies where the prediction does not hold."""
        return interval.high < self.low or interval.low > self.high

    def missed(self, control: Interval) -> bool:
        """Whether the whole interval of a control misses the prediction by the margin."""
        return control.high <= self.below or control.low >= self.above


def number(value: float, band: float, margin: float) -> Prediction:
    """A number in closed form, met within the band; a control stays outside by the margin.

    Examples
    --------
    >>> number(0.5, 0.125, 0.25)  # doctest: +NORMALIZE_WHITESPACE
    Prediction(kind='number', text='0.5 ± 0.125, a control outside ± 0.375',
        low=0.375, high=0.625, below=0.125, above=0.875)
    """
    _check(value, band=band, margin=margin)
    text = f"{value:.4g} ± {band:g}, a control outside ± {band + margin:g}"
    return Prediction("number", text, value - band, value + band, value - band - margin, value + band + margin)


def inequality(relation: str, bound: float, margin: float) -> Prediction:
    """At least bound + margin (relation ">="), or at most bound − margin ("<="); a control does not pass the bound.

    Examples
    --------
    >>> inequality(">=", 0.5, 0.25).text, inequality("<=", 0.5, 0.25).text
    ('≥ 0.75, a control ≤ 0.5', '≤ 0.25, a control ≥ 0.5')
    """
    _check(bound, margin=margin)
    if relation == ">=":
        low = bound + margin
        return Prediction("inequality", f"≥ {low:g}, a control ≤ {bound:g}", low, math.inf, bound, math.inf)
    if relation == "<=":
        high = bound - margin
        return Prediction("inequality", f"≤ {high:g}, a control ≥ {bound:g}", -math.inf, high, -math.inf, bound)
    raise ValueError(f"{relation!r} is no relation of a prediction; use >= or <=")


def sign(sign: str, margin: float) -> Prediction:
    """The sign that the paper reports, "+" or "-"; up to the margin a value has none, and there a control stays.

    Examples
    --------
    >>> sign("+", 0.0).text, sign("-", 0.5).text
    ('> 0, a control ≤ 0', '< -0.5, a control ≥ -0.5')
    """
    if not 0 <= margin < math.inf:
        raise ValueError(f"the margin of a sign has to be finite and ≥ 0; got {margin}")
    if sign == "+":
        low = math.nextafter(margin, math.inf)
        return Prediction("sign", f"> {margin:g}, a control ≤ {margin:g}", low, math.inf, margin, math.inf)
    if sign == "-":
        high, shown = math.nextafter(-margin, -math.inf), f"{-margin or 0:g}"
        return Prediction("sign", f"< {shown}, a control ≥ {shown}", -math.inf, high, -math.inf, -margin)
    raise ValueError(f"{sign!r} is no sign; use + or -")


def _check(value: float, **sizes: float) -> None:
    if not math.isfinite(value) or not all(0 < size < math.inf for size in sizes.values()):
        raise ValueError(f"a prediction needs a finite number and positive {' and '.join(sizes)}; got {value}, {sizes}")


KINDS = {"number": number, "inequality": inequality, "sign": sign}


@dataclass(frozen=True)
class Frozen:
    """The predictions of one claim, as their file states them.

    Parameters
    ----------
    claim, why
        Id of the claim; what the predictions follow from.
    seeds
        The units, pairs (data seed, model seed): all of them are measured, and no others.
    converged
        A run has converged if its loss changed by less than this share over the last tenth of its steps.
    beside
        Numbers that have to stand beside the measured one, so that collapse or scale cannot pass for agreement.
    predictions
        Name of the measured number → prediction.
    sha256
        Hash of the file.

    Examples
    --------
    >>> stated = Frozen("E0", "symmetry", [(0, 0)], 0.01, ["REC"], {"R²": inequality(">=", 0.5, 0.25)}, "")
    >>> stated.predictions["R²"].text
    '≥ 0.75, a control ≤ 0.5'
    """

    claim: str
    why: str
    seeds: Sequence[tuple[int, int]]
    converged: float
    beside: Sequence[str]
    predictions: Mapping[str, Prediction]
    sha256: str


def frozen(claim: str, folder: Path = FOLDER) -> Frozen:
    """Read ``<claim>.json``: an object with ``why``, ``seeds``, ``converged``, ``beside`` and ``predictions``.

    Each of the named predictions is ``{"kind": "number", "value": …, "band": …, "margin": …}``,
    ``{"kind": "inequality", "relation": ">=", "bound": …, "margin": …}`` or
    ``{"kind": "sign", "sign": "+", "margin": …}``.

    Raises
    ------
    ValueError
        There is no such file, or it says less, more or something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> stated = {"why": "symmetry", "seeds": [[0, 0], [1, 1], [2, 2]], "converged": 0.01, "beside": ["REC"]}
    >>> stated["predictions"] = {"R²": {"kind": "inequality", "relation": ">=", "bound": 0.5, "margin": 0.25}}
    >>> with TemporaryDirectory() as base:
    ...     _ = (Path(base) / "E0.json").write_text(json.dumps(stated))
    ...     frozen("E0", Path(base)).predictions["R²"].text
    '≥ 0.75, a control ≤ 0.5'
    """
    path = folder / f"{claim}.json"
    try:
        content = path.read_bytes()
        stated = json.loads(content)
        seeds = tuple((int(data), int(model)) for data, model in stated.pop("seeds"))
        converged = float(stated.pop("converged"))
        predictions = {name: _prediction(**words) for name, words in stated.pop("predictions").items()}
        hashed = hashlib.sha256(content).hexdigest()
        found = Frozen(claim, seeds=seeds, converged=converged, predictions=predictions, sha256=hashed, **stated)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path.name} states no predictions ({reason}); write it as frozen() says") from error
    if len(set(seeds)) != len(seeds) or len(seeds) < MIN_SEEDS or set(chain(*seeds)) & set(PILOT):
        raise ValueError(f"{path.name}: state {MIN_SEEDS} or more different seeds, none of {PILOT[0]} to {PILOT[-1]}")
    if not predictions or not 0 < converged < 1:
        raise ValueError(f"{path.name}: state a prediction, and for convergence a share between 0 and 1")
    return found


def _prediction(kind: str, **words) -> Prediction:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of prediction; use one of {', '.join(KINDS)}")
    return KINDS[kind](**words)
