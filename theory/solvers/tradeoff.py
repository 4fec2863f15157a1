"""What the two trade-off lemmas share: from a MAXBET solution to encoders and decoders, and the path over λ."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from theory.linalg import check_weight
from theory.solution import Solution, join
from theory.solvers import maxbet
from theory.solvers.whitened import Whitened


def solution(
    problem: str,
    white: Whitened,
    pair: Solution,
    decoders: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    loss: tuple[float, float],
    stats: Mapping[str, float],
) -> Solution:
    """Trade-off solution from the MAXBET `pair`, where the loss is loss[0] − loss[1]·F.

    Examples
    --------
    >>> from theory.moments import Moments
    >>> from theory.solvers.whitened import whiten
    >>> white = whiten(Moments.from_arrays([[2.0], [-2.0]], [[1.0], [-1.0]]))
    >>> pair = maxbet.solve([[0.0, white.M[0, 0]], [white.M[0, 0], 0.0]], 1, 1)
    >>> cca = solution("cca", white, pair, lambda Wx, Wy: (Wx.T, Wy.T), (2.0, 1.0), {})
    >>> abs(round(cca.optimum, 9)), bool(np.allclose(2 * cca.maps["Wx"], cca.maps["Wy"]))     # x = 2y
    (0.0, True)
    """
    constant, unit = loss
    optimum = constant - unit * pair.optimum
    Wx, Wy = white.Px @ pair.maps["U"], white.Py @ pair.maps["V"]
    Dx, Dy = decoders(Wx, Wy)
    separate = pair.free == maxbet.SEPARATE
    return Solution(
        problem=problem,
        maps={"Wx": Wx, "Dx": Dx, "Wy": Wy, "Dy": Dy},
        optimum=optimum,
        rank=white.rank,
        spectrum=pair.spectrum,
        gap=pair.gap,
        condition=white.condition,
        unique=white.full and pair.unique,
        free=join(
            f"Wx {'Q₁' if separate else 'Q'}, Wy {'Q₂' if separate else 'Q'} in O(k), with the decoders to match",
            white.kernel_text,
            "" if pair.unique else "uniqueness on the ranges not proved",
        ),
        stats={
            "certificate_gap": unit * pair.stats["certificate_gap"],
            "certified": pair.stats["certified"],
            "lower_bound": optimum - unit * (pair.stats["upper_bound"] - pair.optimum),
            "stationarity": pair.stats["stationarity"],
            "starts": pair.stats["starts"],
            "rank_x": len(white.lx),
            "rank_y": len(white.ly),
            **stats,
        },
    )


def continuation(
    solve_pair: Callable[[float, list[maxbet.Pair]], Solution], weights: Sequence[float]
) -> list[Solution]:
    """MAXBET solutions at every weight, each one a start for its neighbours.

    The first pass goes up the weights; the second comes down and tries again what carries no certificate.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def solve_pair(weight, starts):
    ...     return SimpleNamespace(maps={"U": weight, "V": weight}, stats={"certified": True}, starts=starts)
    >>> [(pair.maps["U"], pair.starts) for pair in continuation(solve_pair, [2.0, 0.5])]
    [(2.0, [(0.5, 0.5)]), (0.5, [])]
    """
    weights = [check_weight("weight", weight) for weight in weights]
    order = sorted(range(len(weights)), key=weights.__getitem__)
    pairs: dict[int, Solution] = {}
    starts: list[maxbet.Pair] = []
    for i in order:
        pairs[i] = solve_pair(weights[i], starts)
        starts = [(pairs[i].maps["U"], pairs[i].maps["V"])]
    for above, i in zip(order[:0:-1], order[-2::-1], strict=True):
        if not pairs[i].stats["certified"]:
            again = solve_pair(weights[i], [(pairs[above].maps["U"], pairs[above].maps["V"])])
            pairs[i] = max(pairs[i], again, key=lambda pair: pair.optimum)
    return [pairs[i] for i in range(len(weights))]
