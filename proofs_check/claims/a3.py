"""Theorem A3: translation errors bound the cycle error, and not conversely."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import z3
from hypothesis import strategies as st

from proofs_check import certified
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import constant, prove, proves
from theory.bounds import cycle_bound
from theory.linalg import tolerance
from theory.properties import CYC, TR, Instance
from theory.view import View

CLAIM = Claim(
    "A3",
    "Translation errors bound the cycle error",
    "CYC_i ≤ L·TR_{i→j} + TR_{j→i} (root mean squares; CYC_i through j), |h(u) − h(v)| ≤ L|u − v| for h = g_i f_j; "
    "tight. No multiple of CYC_i + CYC_j bounds TR_{i→j}",
    "Going there with one error and back with another returns within their sum, the first one stretched by the way "
    "back. Conversely the cycles say nothing of the translation: x ↦ −x both ways closes every cycle.",
    "ours; the exact case is CYC.i",
    Verdict.VERIFIED,
    hypotheses=("g_i f_j is L-Lipschitz",),
    requires=("A1",),
)


class _Errors:
    """Root mean squares as real numbers; W is the distance of h(g_j f_i(x_i)) to h(x_j)."""

    def __init__(self):
        names = ("CYC", "TR_ij", "TR_ji", "W", "L")
        self.cycle, self.there, self.back, self.W, self.L = values = [constant(n, z3.RealSort()) for n in names]
        self.signs = [v >= 0 for v in values]
        self.inner = constant("⟨w, s⟩", z3.RealSort())
        self.triangle = [
            self.cycle**2 == self.back**2 + 2 * self.inner + self.W**2,
            self.inner**2 <= self.back**2 * self.W**2,
        ]
        self.stretched = self.W <= self.L * self.there


@CLAIM.by("proof")
def _(run):
    f = _Errors()
    names = ("x_i", "h(u)", "h(x_j)", "h(u) − x_i", "s", "w")
    x, hu, hv, error, s, w = (constant(name, z3.RealSort()) for name in names)
    names = ("|h(u) − h(v)|", "|u − v|", "c", "g_j f_i(c)", "g_i f_j g_j f_i(c)")
    moved, distance, c, there, again = (constant(name, z3.RealSort()) for name in names)
    mean = [constant(name, z3.RealSort()) for name in ("E|h(u) − h(v)|²", "E|u − v|²")]
    return [
        prove("the cycle error is w = h(u) − h(x_j) plus the error back s, u = g_j f_i(x_i); so are the squares",
              [error == hu - x, s == hv - x, w == hu - hv],
              z3.And(error == w + s, error**2 == s**2 + 2 * w * s + w**2)),
        certified.step("A3-telescoping", "for linear coders the first part is the error there, carried back"),
        prove("|h(u) − h(v)|² ≤ L²|u − v|² at every point",
              [moved >= 0, moved <= f.L * distance], moved**2 <= f.L**2 * distance**2),
        prove("hence W ≤ L·TR_{i→j} in the mean of squares",
              [f.there >= 0, f.L >= 0, f.W**2 == mean[0], f.there**2 == mean[1], mean[0] <= f.L**2 * mean[1]],
              f.stretched),
        prove("CYC_i ≤ L·TR_{i→j} + TR_{j→i}, by the inequality of Cauchy and Schwarz in A1",
              [f.back >= 0, f.W >= 0, *f.triangle, f.stretched], f.cycle <= f.L * f.there + f.back),
        prove("conversely u ↦ −u both ways closes both cycles, and misses x_j = x_i = ±c by 2c, as large as one likes",
              [there == -c, again == -there], z3.And(again == c, c - there == 2 * c)),
    ]  # fmt: skip


@CLAIM.by("numeric")
def _(run):
    def check(member: Cycle):
        cycle, bound = member.errors
        yield cycle - bound, member.error
        if member.extreme:
            yield bound - cycle, member.error

    members = st.builds(
        Cycle, st.integers(0, 2**32 - 1), *[st.integers(1, 4)] * 4, st.booleans(), st.sampled_from((0.0, 1e-3, 1.0))
    )
    return run.holds(
        "saturating coders back obey the bound, and linear ones with parallel errors attain it", members, check
    )


@CLAIM.by("necessity")
def _(run):
    # One point: x_i = x_j = 0, translated to 1; h(0) = 0, h(1) = 5, L = 1.
    x, u, h, L = 0, 1, {0: 0, 1: 5}, 1
    cycle, there, back = abs(h[u] - x), abs(u - x), abs(h[x] - x)
    steep = Counterexample(
        "x_i = x_j = 0, g_j f_i(0) = 1, h(0) = 0, h(1) = 5, L = 1",
        {"L ≥ 0": L >= 0, "h stretches by more than L": abs(h[u] - h[x]) > L * abs(u - x)},
        {"CYC_i ≤ L·TR_{i→j} + TR_{j→i}": cycle <= L * there + back},
        cycle - (L * there + back),
    )
    return Necessity({"g_i f_j is L-Lipschitz": steep})


@CLAIM.by("mutants")
def _(run):
    f = _Errors()
    given = [*f.signs, *f.triangle, f.stretched]
    # h(u) = 2u, x_j = 0, x_i = −1, g_j f_i(x_i) = 2; and u ↦ −u on 1.
    x_i, x_j, u = -1, 0, 2
    cycle, there, back = abs(2 * u - x_i), abs(u - x_j), abs(2 * x_j - x_i)
    mirrored = -1
    closed, moved = abs(-mirrored - 1), abs(mirrored - 1)
    return Mutants(
        [
            Mutant("swap", "CYC_i ≤ TR_{i→j} + L·TR_{j→i}", proves(given, f.cycle <= f.there + f.L * f.back),
                   (cycle - (there + 2 * back)) / MARGIN),
            Mutant("drop", "CYC_i ≤ TR_{j→i}", proves(given, f.cycle <= f.back), (cycle - back) / MARGIN),
            Mutant("drop", "CYC_i ≤ L·TR_{i→j}", proves(given, f.cycle <= f.L * f.there), (cycle - 2 * there) / MARGIN),
            Mutant("flip", "TR_{i→j} ≤ CYC_i", proves(given, f.there <= f.cycle), (moved - closed) / MARGIN),
            Mutant("drop", "CYC_i ≤ TR_{i→j} + TR_{j→i}", proves(given, f.cycle <= f.there + f.back),
                   (cycle - (there + back)) / MARGIN),
        ]
    )  # fmt: skip


MARGIN = 1e-3


@dataclass(frozen=True)
class Cycle:
    """Codes and coders of n points: i → j is arbitrary, j → i is y ↦ s(yA)B with slopes of s at most 1.

    At the boundary (``extreme``) s is the identity, and the errors there and back are carried into one direction.
    """

    seed: int
    n: int
    d: int
    e: int
    k: int
    extreme: bool
    noise: float

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(self.seed)
        shapes = (self.n, self.e), (self.e, self.k), (self.k, self.d), (self.n, self.e), (self.n, self.d)
        y, A, B, there, back = (rng.normal(size=shape) for shape in shapes)
        if self.extreme:
            left, _, right = np.linalg.svd(A @ B)
            # Equal multiples of one direction at every point, on the side where the two errors add up.
            there, back = np.tile(left[:, 0], (self.n, 1)), -np.tile(right[0], (self.n, 1)) * rng.uniform(0, 2)
        return y, A, B, self.noise * there, back

    @property
    def error(self) -> float:
        """Rounding error of the errors."""
        return tolerance(float(sum(1 + np.linalg.norm(v) ** 2 for v in self._drawn)), self.n * self.d * self.e * self.k)

    @property
    def errors(self) -> tuple[float, float]:
        """Root-mean-square cycle error, and the bound."""
        y, A, B, there, back = self._drawn
        smooth = (lambda v: v) if self.extreme else np.tanh
        x, moved = smooth(y @ A) @ B + back, y + there
        view = View(
            {"x": x, "y": y},
            {"x": lambda rows: rows, "y": lambda rows: smooth(rows @ A)},
            {"x": lambda codes: codes @ B, "y": lambda codes: moved},
        )
        squares = (Instance().loss(what, view, *edge) for what, edge in ((CYC, "xy"), (TR, "xy"), (TR, "yx")))
        cycle, there, back = (float(square) ** 0.5 for square in squares)
        lip = float(np.linalg.norm(A @ B, 2) if self.extreme else np.linalg.norm(A, 2) * np.linalg.norm(B, 2))
        return cycle, cycle_bound(lip, there, back)
