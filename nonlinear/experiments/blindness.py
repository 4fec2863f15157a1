"""Power of the sliced test against a random rotation, by dimension: measured beside what theorem F3 predicts.

Pairs of samples of n rows: x of independent components of one law, y of the same law, turned by a Haar-distributed
rotation or (the null) not. Every trial has rows, slices and a rotation of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

import nonlinear.ecf  # noqa: F401  # the form of the distance for tensors
from nonlinear.config import device_here
from nonlinear.random_rows import stream_of, whole
from theory import blindness
from theory.discrepancy import ecf_distance
from theory.quadrature import TGrid

LEVEL = 0.05
# Numbers in the largest tensor of a block of trials: 256 MB.
BLOCK = 2**26
# Dimension → rows and trials: as many rows as keep the predicted power of exponential components.
JUDGED, JUDGED_SLICES = {64: (600, 160), 128: (2400, 32)}, 32
SETTINGS: Mapping[str, Any] = {"judged": [[d, *v] for d, v in JUDGED.items()], "slices": JUDGED_SLICES}
MEASURED = "signal", "signal_error", "power", "predicted_signal", "next_signal", "predicted_power", "next_power"
Draw = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
# Each fills an empty tensor; centred, of variance 1, as in theory.ambiguity.sources.
LAWS: Mapping[str, Draw] = {
    "gaussian": lambda x, g: x.normal_(generator=g),
    "exponential": lambda x, g: x.exponential_(generator=g) - 1,
    "laplace": lambda x, g: (x.exponential_(generator=g) - torch.empty_like(x).exponential_(generator=g)) / 2**0.5,
    "uniform": lambda x, g: x.uniform_(-(3**0.5), 3**0.5, generator=g),
    "two-point": lambda x, g: (3 * (x.uniform_(generator=g) < 1 / 3) - 1) / 2**0.5,
}
SCALES: Mapping[str, Mapping[str, Any]] = {
    "small": {"d": (8, 64, 256), "n": (128,), "slices": 32, "trials": 100},
    "full": {"d": (8, 16, 32, 64, 128, 256, 512, 1024), "n": (1024, 16384), "slices": 256, "trials": 1000},
}
MAP_SETTINGS: Mapping[str, Any] = {k: list(v) if isinstance(v, tuple) else v for k, v in SCALES["full"].items()}


def power(
    law: str,
    d: int,
    n: int,
    slices: int,
    trials: int,
    seed: int,
    device: str = "cpu",
    grid: TGrid = blindness.GRID,
) -> dict[str, Any]:
    """Power of the sliced test at a level of 5 %, measured against its empirical null, with the predictions.

    Parameters
    ----------
    law
        Of every component, one of ``LAWS``.
    d, n, slices
        Dimension, rows of each sample, independent uniform directions of each trial.
    trials
        Pairs of samples with a rotation, and as many without; at least 2.
    seed, device
        Of the generator; the numbers depend on both.
    grid
        Nodes and weights of the t-integral.

    Returns
    -------
    dict
        The arguments; ``signal``: mean unbiased distance of the turned pairs, and ``signal_error``, its standard error;
        ``null_mean``, ``null_sd``; ``power``: share of the turned pairs above the 95 % quantile of the others;
        ``level``: share of the others above the normal quantile times the predicted noise. ``predicted_signal``,
        ``predicted_sd`` and ``predicted_power`` to leading order, and ``next_signal``, ``next_power`` to the next one;
        predictions mean something for d ≥ 64.

    Raises
    ------
    ValueError
        Unknown law, or a number out of range.

    Examples
    --------
    >>> found = power("exponential", 4, 64, 8, 50, seed=0)
    >>> found["power"] > 0.5, abs(found["level"] - 0.05) < 0.15
    (True, True)
    """
    if law not in LAWS:
        raise ValueError(f"no law is called {law!r}; use one of {', '.join(LAWS)}")
    whole("number of trials", trials, 2)
    sizes = d, n, slices
    generator = torch.Generator(device)
    generator.manual_seed(int(stream_of(seed, *sizes, *law.encode()).integers(2**62)))
    drawn = [
        np.concatenate([_distances(law, *sizes, size, turned, generator, grid) for size in _blocks(trials, *sizes)])
        for turned in (True, False)
    ]
    signal, null = drawn
    skewness, kurtosis, *higher = blindness.CUMULANTS[law]
    sd = float(blindness.null_variance(d, n, slices, grid) ** 0.5)
    threshold = float(np.quantile(null, 1 - LEVEL))
    found = {
        "signal": float(signal.mean()),
        "signal_error": float(signal.std(ddof=1) / trials**0.5),
        "null_mean": float(null.mean()),
        "null_sd": float(null.std(ddof=1)),
        "power": float((signal > threshold).mean()),
        "level": float((null > blindness.threshold(LEVEL) * sd).mean()),
        "predicted_sd": sd,
    }
    for name, more in (("predicted", None), ("next", higher)):
        found[f"{name}_signal"] = float(blindness.expected_signal(d, skewness, kurtosis, grid, more))
        found[f"{name}_power"] = float(blindness.power(d, n, slices, skewness, kurtosis, LEVEL, grid, more))
    return {"law": law, "d": d, "n": n, "slices": slices, "trials": trials, "seed": seed, **found}


def grid(
    scale: str = "small",
    laws: Sequence[str] = ("exponential", "laplace", "uniform", "two-point"),
    seed: int = 0,
    device: str = "cpu",
) -> list[dict[str, Any]]:
    """`power` of every law, dimension and number of rows of a scale.

    Examples
    --------
    >>> [sorted(SCALES[scale]) for scale in SCALES]
    [['d', 'n', 'slices', 'trials'], ['d', 'n', 'slices', 'trials']]
    """
    if scale not in SCALES:
        raise ValueError(f"no scale is called {scale!r}; use {' or '.join(SCALES)}")
    s = SCALES[scale]
    return [power(law, d, n, s["slices"], s["trials"], seed, device) for law in laws for n in s["n"] for d in s["d"]]


def sliced_test(seed: int) -> dict[str, Any]:
    """What slices see of a rotation of exponential components, where theorem F3 predicts one power: rows ∝ d².

    Returns
    -------
    dict
        ``signal_d`` for the d of ``JUDGED``: mean unbiased distance of the turned pairs over its prediction (next
        order). ``laplace_d``: the same of Laplace components of the same d and n, over the same prediction.
        ``shuffled_signal_d``: of pairs that are not turned; ``untrained_signal_d``: of normal components. ``power_d``:
        share of the turned pairs above the 95 % quantile of the others. No coder is trained.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch.dict(JUDGED, {8: (128, 40)}, clear=True):     # 8 dimensions, 128 rows, 40 trials
    ...     found = sliced_test(0)
    >>> found["laplace_8"] < found["signal_8"], abs(found["shuffled_signal_8"]) < found["signal_8"]
    (True, True)
    """
    found: dict[str, Any] = {"seed": seed, "change": 0.0}
    for d, (n, trials) in JUDGED.items():
        asked = {"exponential": trials, "laplace": trials // 4, "gaussian": trials // 4}
        runs = {law: power(law, d, n, JUDGED_SLICES, count, seed) for law, count in asked.items()}
        predicted = runs["exponential"]["next_signal"]
        found |= {
            f"signal_{d}": runs["exponential"]["signal"] / predicted,
            f"laplace_{d}": runs["laplace"]["signal"] / predicted,
            f"shuffled_signal_{d}": runs["exponential"]["null_mean"] / predicted,
            f"untrained_signal_{d}": runs["gaussian"]["signal"] / predicted,
            f"power_{d}": runs["exponential"]["power"],
            f"predicted_power_{d}": runs["exponential"]["next_power"],
        }
    return found


def measured_map(seed: int) -> dict[str, Any]:
    """Return `grid` of the full scale as ``tests``, by law, dimensions and rows; on a GPU if there is one.

    It takes some minutes there, and hours on a CPU.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> with patch.dict(SCALES, full={"d": (4,), "n": (64,), "slices": 8, "trials": 8}):     # one test of each law
    ...     tests = measured_map(0)["tests"]
    >>> len(tests), 0 <= tests["laplace, 4 dimensions, 64 rows"]["power"] <= 1
    (4, True)
    """
    device = device_here("cuda")
    shown = "cpu" if device == "cpu" else torch.cuda.get_device_name()
    found = grid("full", seed=seed, device=device)
    tests = {f"{r['law']}, {r['d']} dimensions, {r['n']} rows": {k: r[k] for k in MEASURED} for r in found}
    return {"seed": seed, "change": 0.0, "device": shown, "tests": tests}


def _distances(
    law: str, d: int, n: int, slices: int, trials: int, turned: bool, generator: torch.Generator, grid: TGrid
) -> np.ndarray:
    """Unbiased sliced distances [trials]."""
    u = torch.empty(trials, d, slices, device=generator.device).normal_(generator=generator)
    u = u / torch.linalg.vector_norm(u, dim=1, keepdim=True)
    # The slices of all trials are columns of one sample.
    a, b = (
        (LAWS[law](torch.empty(trials, n, d, device=generator.device), generator) @ along).movedim(0, 1).flatten(1)
        for along in (u, _turn(u, generator) if turned else u)
    )
    found = ecf_distance(a, b, grid, unbiased=True)
    return found.unflatten(0, (trials, slices)).double().mean(1).cpu().numpy()


def _turn(u: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Slices [trials, d, S] turned by Haar-distributed rotations, which is as good as turning the rows.

    Of a rotation only its values on the span of the slices matter: a uniformly distributed frame.
    """
    trials, d, S = u.shape
    frame, R = torch.linalg.qr(torch.empty(trials, d, min(d, S), device=u.device).normal_(generator=generator))
    frame = frame * torch.diagonal(R, dim1=1, dim2=2).sign()[:, None, :]
    return frame @ (u if d <= S else torch.linalg.qr(u)[1])


def _blocks(trials: int, d: int, n: int, slices: int) -> list[int]:
    """Numbers of trials that are held at once."""
    size = max(1, BLOCK // (max(d, slices) * max(n, d)))
    return [min(size, trials - start) for start in range(0, trials, size)]
