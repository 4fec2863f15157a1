"""Trained translators and matchings, member by member: Hypothesis draws run, rows and group element.

The bands are fixed with the predictions of E3 and E4. The same predicate is put to a control, which has to miss it.
"""

from collections.abc import Iterator

import numpy as np

from nonlinear.experiments import anchoring, gaussian
from nonlinear.linear_pairs import gaussian_pair
from proofs_check.evidence import Numeric, Run
from proofs_check.predictions import Frozen
from proofs_check.trained.experiments import units_of
from theory.ambiguity.rotations import haar, map_r_squared
from theory.discrepancy import random_slices
from theory.moments import Moments

# Rows on either side of a batch and directions of its distance; batches, and rows of one R².
SIDE, SLICES, BATCHES, ROWS = 128, 64, 8, 2048
# Distance over its floor, less 1: sampling moves it by some tenths, a contracted law by several units.
BAND_LAW = 1.0
BAND_R2 = 0.1
# Mean squared error at the anchors, in units of the variance of a row.
BAND_ANCHORS = 0.02
# Share of the way of one set of anchors: a random choice among consistent matchings moves it.
BAND_SHARE = 0.25
# Rows of the sample that no run has seen.
UNSEEN = 2_000_000


def laws(run: Run, frozen: Frozen) -> Numeric:
    """A trained map followed by any rotation keeps the law of y, and its R² is that of the rotation (theorem C1).

    Parameters
    ----------
    run
        Seed, and how many members are drawn.
    frozen
        The predictions, whose seeds were trained.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> true = gaussian_pair([1.0] * gaussian.WIDTH, structure=0).A
    >>> known = {"seed": 0, "maps": [true.tolist()] * gaussian.LAW_STARTS, "regression": (true / 2).tolist()}
    >>> with patch(f"{__name__}.units_of", return_value=[known]):     # true maps in the place of trained ones
    ...     found = laws(Run(examples=3), None)
    >>> found.passed, found.examples
    (True, 3)
    """
    units = units_of("gaussian laws", frozen)
    from hypothesis import strategies as st

    @st.composite
    def members(draw) -> tuple[int, np.ndarray, int]:
        number = draw(st.integers(0, len(units) - 1))
        A = np.array(units[number]["maps"][draw(st.integers(0, gaussian.LAW_STARTS - 1))])
        return number, A @ haar(gaussian.WIDTH, _rng(draw(st.integers(0, 2**31)))), draw(st.integers(0, 1000))

    def check(member: tuple[int, np.ndarray, int]) -> Iterator[tuple[float, float]]:
        number, A, rows = member
        pair, X, Y = _fresh(int(units[number]["seed"]), rows)
        yield abs(_over_floor(A, X, Y, rows) - 1), BAND_LAW
        yield abs(map_r_squared(Moments.from_arrays(X, Y), A) - _r2(A, pair.A)), BAND_R2
        # The control: the regression on half the anchors translates better, and its law is another one.
        yield BAND_LAW, abs(_over_floor(np.array(units[number]["regression"]), X, Y, rows) - 1)

    statement = (
        f"trained maps followed by random rotations: distance of the laws within {BAND_LAW} of its floor, and R² of "
        f"[2Tr(AᵀA_*) − ‖A‖²]/d within {BAND_R2}; the regression on d/2 anchors misses the former"
    )
    return run.holds(statement, members(), check)


def anchors(run: Run, frozen: Frozen) -> Numeric:
    """A trained map that meets m anchors still meets them after any rotation of what they leave open (theorem C1).

    Parameters
    ----------
    run, frozen
        As in `laws`.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> true = gaussian_pair([1.0] * gaussian.WIDTH, structure=0).A
    >>> known = {"seed": 0} | {f"maps_{m}": [true.tolist()] * gaussian.STARTS for m in gaussian.ANCHORS}
    >>> with patch(f"{__name__}.units_of", return_value=[known]):     # true maps in the place of trained ones
    ...     found = anchors(Run(examples=3), None)
    >>> found.passed, found.examples
    (True, 3)
    """
    units = units_of("gaussian anchors", frozen)
    from hypothesis import strategies as st

    @st.composite
    def members(draw) -> tuple[int, int, np.ndarray, int]:
        number, m = draw(st.integers(0, len(units) - 1)), draw(st.sampled_from(gaussian.ANCHORS))
        A = np.array(units[number][f"maps_{m}"][draw(st.integers(0, gaussian.STARTS - 1))])
        return number, m, A, draw(st.integers(0, 2**31))

    def check(member: tuple[int, int, np.ndarray, int]) -> Iterator[tuple[float, float]]:
        number, m, A, drawn = member
        seed, d = int(units[number]["seed"]), gaussian.WIDTH
        pair, X, Y = _fresh(seed, drawn % 1000)
        known = pair.draw(gaussian.ROWS, 2 * seed).streams
        a, b = known["x"][:m], known["y"][:m]
        basis = np.linalg.svd(b)[2]
        H = np.eye(d)
        H[m:, m:] = haar(d - m, _rng(drawn))
        moved = A @ basis.T @ H @ basis
        yield _error(a @ moved, b), BAND_ANCHORS
        yield abs(_over_floor(moved, X, Y, drawn % 1000) - 1), BAND_LAW
        yield abs(map_r_squared(Moments.from_arrays(X, Y), moved) - _r2(moved, pair.A)), BAND_R2
        # The control: a rotation of everything keeps the law and leaves the anchors.
        yield BAND_ANCHORS, _error(a @ A @ haar(d, _rng(drawn)), b)

    statement = (
        f"trained maps that meet m anchors, rotated where these leave them free: anchors met within {BAND_ANCHORS}, "
        f"law within {BAND_LAW} of its floor, R² within {BAND_R2}; a rotation of everything misses the anchors"
    )
    return run.holds(statement, members(), check)


def matchings(run: Run, frozen: Frozen) -> Numeric:
    """The matching by one set of anchors leads as far as the different columns of these anchors allow (theorem C5).

    Parameters
    ----------
    run, frozen
        As in `laws`.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> drawn = [[0.7, 0.75, 0.05]] * anchoring.DRAWS     # share of the way, its prediction, share of shuffled anchors
    >>> with patch(f"{__name__}.units_of", return_value=[{"draws": {"16": drawn, "37": drawn}}]):
    ...     found = matchings(Run(examples=3), None)
    >>> found.passed, found.worst < 1
    (True, True)
    """
    units = units_of("matched atoms", frozen)
    from hypothesis import strategies as st

    @st.composite
    def members(draw) -> tuple[float, float, float]:
        unit = units[draw(st.integers(0, len(units) - 1))]
        count = draw(st.sampled_from(anchoring.MATCHED_COUNTS[1:]))
        share, predicted, shuffled = unit["draws"][str(count)][draw(st.integers(0, anchoring.DRAWS - 1))]
        return share, predicted, shuffled

    def check(member: tuple[float, float, float]) -> Iterator[tuple[float, float]]:
        share, predicted, shuffled = member
        yield abs(share - predicted), BAND_SHARE
        yield BAND_SHARE, abs(shuffled - predicted)

    statement = (
        f"share of the way by one set of 16 or 37 anchors, within {BAND_SHARE} of (distinct columns − 1)/(K − 1) of "
        "this set; with one stream's anchors shuffled it misses"
    )
    return run.holds(statement, members(), check)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 41])


def _fresh(seed: int, rows: int):
    pair = gaussian_pair([1.0] * gaussian.WIDTH, structure=seed)
    fresh = pair.draw(ROWS, UNSEEN + rows).streams
    return pair, fresh["x"], fresh["y"]


def _over_floor(A: np.ndarray, X: np.ndarray, Y: np.ndarray, rows: int) -> float:
    slices = random_slices(_rng(rows), gaussian.WIDTH, SLICES)
    sides = zip(np.split(X @ A, 2 * BATCHES)[::2], np.split(Y, 2 * BATCHES)[1::2], strict=True)
    return float(np.mean([gaussian.distance(a, b, slices) for a, b in sides])) / gaussian.floor(SIDE)


def _r2(A: np.ndarray, true: np.ndarray) -> float:
    return float(2 * np.sum(A * true) - np.sum(A * A)) / gaussian.WIDTH


def _error(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a - b) ** 2).sum(axis=1).mean()) / gaussian.WIDTH
