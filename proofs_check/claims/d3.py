"""Theorem D3: training on reconstruction and cycles alone does not learn to translate, at no step."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from sympy import Integer, Max, Rational, diff, symbols
from z3 import And, DeclareSort, Reals

from proofs_check import certified, logic, scalar
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity, Step
from proofs_check.ledger import Claim, Verdict
from proofs_check.simulated import Simulated
from proofs_check.strategies import FULL_RANK, Pair, pairs
from theory.cycle import flip_averaged_r_squared, flipped
from theory.linalg import tolerance
from theory.moments import Moments
from theory.monte_carlo import cycle as monte_carlo

CLAIM = Claim(
    "D3",
    "From a symmetric start, training on reconstruction and cycles has no translation to show, at any step",
    "(W_y, D_y) → (−W_y, −D_y) keeps L_REC and L_CYC and negates W_xD_y and W_yD_x; hence at every step "
    "E R²_TR = −E Tr(AᵀΣxA)/TrΣy ≤ 0, A = W_xD_y",
    "Reconstruction and cycles of linear coders do not see the relative sign of two domains. An optimiser that treats "
    "both signs alike, as gradient descent, momentum and Adam do, keeps a law of starts symmetric, and the two signs "
    "average to no better than the mean of y. Coders of both domains that start alike are no symmetric start, and "
    "distributional losses see the sign unless the laws are symmetric.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("linear coders", "L_REC and L_CYC alone", "symmetric start", "sign-equivariant optimiser"),
)

# Coders with one coefficient each, as the exact examples need them.
W, D, V, E = COEFFICIENTS = symbols("W_x D_x W_y D_y", real=True)
NEGATED = {V: -V, E: -E}
Values = dict[Any, Any]


class _Laws:
    """An arbitrary law of coders, and its images under a step of the optimiser and under the flip."""

    def __init__(self):
        law = DeclareSort("law")
        step, flip = (logic.function(name, law, law) for name in ("step", "flip"))
        some = logic.constant("μ", law)
        self.equivariant = step(flip(some)) == flip(step(some))
        self.symmetric, self.stays = flip(some) == some, flip(step(some)) == step(some)


@CLAIM.by("proof")
def _(run):
    laws, loss = _Laws(), _loss({1: 1}, linear)
    reals: Any = Reals("E_R²(A) E_R²(−A) E_Tr(AᵀΣxA) TrΣy")
    mean, opposite, moment, total = reals
    turned = [
        diff(loss, s).subs(NEGATED, simultaneous=True) - (-1 if s in NEGATED else 1) * diff(loss, s)
        for s in COEFFICIENTS
    ]
    return [
        certified.step("D3-reconstruction", "W_yD_y is the same after the flip"),
        certified.step("D3-cycle", "and so is W_xD_yW_yD_x; W_yD_xW_xD_y likewise"),
        Step(
            "sympy",
            "so that the gradient of L_REC + L_CYC at flipped coders is the flipped gradient; complete for width 1",
            all(map(scalar.vanishes, turned)),
        ),
        logic.prove(
            "induction: a step that commutes with the flip keeps a law symmetric",
            [laws.equivariant, laws.symmetric],
            laws.stays,
        ),
        certified.step("D3-average", "the errors of A = W_xD_y and of its flip add to 2TrΣy + 2Tr(AᵀΣxA)"),
        logic.prove(
            "a symmetric law gives both the same mean, E R² = −E Tr(AᵀΣxA)/TrΣy ≤ 0",
            [mean == opposite, (mean + opposite) * total == -2 * moment, moment >= 0, total > 0],
            And(mean * total == -moment, mean <= 0),
        ),
    ]


@CLAIM.by("numeric")
def _(run):
    def check(pair: Pair):
        shapes = {"Wx": (pair.dx, pair.k), "Dx": (pair.k, pair.dx), "Wy": (pair.dy, pair.k), "Dy": (pair.k, pair.dy)}
        start = monte_carlo.starts(shapes, 0.5, draws=1, rng=pair.rng)
        rate = 0.01 / float(np.trace(pair.moments.Sx) + np.trace(pair.moments.Sy))
        both = (monte_carlo.trained(pair.X, pair.Y, s, rate) for s in (start, flipped(start)))
        for there, back in islice(zip(*both, strict=True), 6):
            gap = max(np.abs(value - back[name]).max() for name, value in flipped(there).items())
            yield gap, tolerance(1.0, 1)
            A = there["Wx"] @ there["Dy"]
            values = monte_carlo.r_squared(pair.X, pair.Y, np.concatenate([A, back["Wx"] @ back["Dy"]]))
            predicted = flip_averaged_r_squared(pair.moments, A[0])
            yield abs(values.mean() - predicted), tolerance(2 - predicted, pair.n + pair.dx + pair.dy)
            yield predicted, tolerance(1.0, 1)

    return run.holds("gradient descent from a start and from its flip stays flipped", pairs(FULL_RANK), check)


@CLAIM.by("simulated")
def _(run):
    rng, draws = run.rng(), 1000
    X = rng.standard_normal((24, 3)) * [1.0, 0.8, 0.5]
    Y = X + 0.4 * rng.standard_normal((24, 3))
    X, Y = X - X.mean(0), Y - Y.mean(0)
    moments = Moments.from_arrays(X, Y)
    start = monte_carlo.starts({"Wx": (3, 2), "Dx": (2, 3), "Wy": (3, 2), "Dy": (2, 3)}, 0.4, draws=draws, rng=rng)
    few = {name: value[:250] for name, value in start.items()}
    alike = {**few, "Wy": few["Wx"], "Dy": few["Dx"]}

    def rows(start, translation=0.0):
        """Closed form and simulation after 0, 10, 20 and 30 steps."""
        for coders in islice(monte_carlo.trained(X, Y, start, 0.05, translation), 0, 31, 10):
            A = coders["Wx"] @ coders["Dy"]
            predicted = float(np.mean([flip_averaged_r_squared(moments, a) for a in A]))
            yield predicted, monte_carlo.flip_averaged_r_squared(X, Y, A)

    apart = list(rows(start))
    return Simulated(
        "E R²_TR of gradient descent on REC + CYC, dx = dy = 3, k = 2, and −E Tr(AᵀΣxA)/TrΣy of these A",
        {f"step {10 * i}": apart[i] for i in (0, 1, 3)},
        {
            "step 30, both domains start alike": list(rows(alike))[-1],
            "step 30, with a translation loss": list(rows(few, 1.0))[-1],
            "step 30, as good as the mean": (0.0, apart[-1][1]),
        },
    )


def linear(value: Any, at: Values) -> Any:
    """A code as it is."""
    del at
    return value


def relu(value: Any, at: Values) -> Any:
    """max(0, ·) near a point."""
    return value if value.subs(at) > 0 else 0 * value


def _loss(data: Values, activation: Callable, at: Values | None = None, paired: bool = False) -> Any:
    """L_REC + L_CYC, and L_TR if paired, on rows x = y."""
    total, at = 0, at or {}
    for v, p in data.items():
        x, y = activation(v * W, at), activation(v * V, at)
        outputs = [x * D, y * E, activation(x * E * V, at) * D, activation(y * D * W, at) * E]
        total += p * sum((v - out) ** 2 for out in outputs + paired * [x * E, y * D])
    return total


def _r_squared(data: Values, activation: Callable, at: Values) -> Any:
    """Of the translation of x on rows x = y of mean 0."""
    errors = (p * (v - activation(v * W, at).subs(at) * at[E]) ** 2 for v, p in data.items())
    return 1 - sum(errors) / sum(p * v**2 for v, p in data.items())


def _starts(a: Any) -> list[Values]:
    return [{W: Integer(1), D: Integer(1), V: sign * a, E: sign * a} for sign in (1, -1)]


def _descended(loss: Any, at: Values, rate: Any) -> Values:
    return {s: at[s] - rate * diff(loss, s).subs(at) for s in COEFFICIENTS}


@CLAIM.by("necessity")
def _(run):
    signs, skewed = {1: Rational(1, 2), -1: Rational(1, 2)}, {5: Rational(1, 6), -1: Rational(5, 6)}
    usual, small = _starts(Integer(1)), _starts(Rational(1, 10))
    rectified = [_descended(_loss(skewed, relu, at), at, Rational(1, 15)) for at in small]
    paired = [_descended(_loss(signs, linear, paired=True), at, Rational(1, 8)) for at in usual]
    clipped = [{s: Max(0, value) for s, value in at.items()} for at in usual]

    def positive(shown, states, start, data=signs, activation=linear):
        before, after = (sum(_r_squared(data, activation, at) for at in side) / len(side) for side in (start, states))
        facts = {"E x = 0": sum(p * v for v, p in data.items()) == 0}
        if len(start) > 1:
            facts |= {
                "the two starts are flips": start[1] == {s: -v if s in NEGATED else v for s, v in start[0].items()}
            }
            facts |= {"E R² ≤ 0 at the start": bool(before <= 0)}
        return Counterexample(shown, facts, {"E R² ≤ 0": bool(after <= 0)}, after)

    both = "x = y = ±1, W_x = D_x = 1, W_y = D_y = ±1"
    return Necessity(
        {
            "linear coders": positive(
                "codes max(0, xW), x = y ∈ {5 (1/6), −1 (5/6)}, W_x = D_x = 1, W_y = D_y = ±1/10: one step of "
                "rate 1/15 on L_REC + L_CYC learns the side of the larger rows faster",
                rectified,
                small,
                skewed,
                relu,
            ),
            "L_REC and L_CYC alone": positive(f"{both}: one step of rate 1/8 with L_TR added", paired, usual),
            "symmetric start": positive("x = y = ±1, all four coders 1: no step taken", usual[:1], usual[:1]),
            "sign-equivariant optimiser": positive(f"{both}: a step that sets negative entries to 0", clipped, usual),
        }
    )


@CLAIM.by("mutants")
def _(run):
    laws, (kept, turned) = _Laws(), _starts(Integer(1))
    # The clipping step and the start from `kept` alone refute them: what should be equal differs by 1 and by 2.
    clipped = float(Max(0, kept[E]) + Max(0, turned[E]))
    variants = [
        ("drop", "any step keeps a law symmetric", [laws.symmetric], clipped),
        ("drop", "a step that commutes with the flip makes any law symmetric", [laws.equivariant], kept[E] - turned[E]),
    ]
    logical = [Mutant(name, text, logic.proves(h, laws.stays), 100 * float(v)) for name, text, h, v in variants]
    names = ("D3-reconstruction", "D3-cycle", "D3-average")
    return Mutants([*logical, *(m for name in names for m in certified.mutants(name, run.rng()))])
