"""Theorem A4: an instance loss bounds the distributional one."""

from typing import Any

import numpy as np
from sympy import Integral, Matrix, Rational, cos, eye, floor, pi, symbols, zeros
from z3 import Real

from proofs_check import certified, laws, logic, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from theory import discrepancy
from theory.bounds import slice_bound

BOUND = Claim(
    "A4",
    "An instance loss bounds the distributional one",
    "∫|φ̂_{u·a} − φ̂_{u·b}|² w dt ≤ m₂(w)·E⟨u, a−b⟩²; over slices with E uuᵀ = 1/d, at most m₂(w)·E‖a−b‖²/d; m₂ = ∫t²w",
    "Whatever the pairing of the rows, the sliced characteristic-function loss is at most the mean squared distance of "
    "the pairs times the second moment of the weight: instance training lowers the distributional losses as well. "
    "Uniform slices and the columns of a rotation have E uuᵀ = 1/d.",
    "ours; the remark of App. I",
    Verdict.VERIFIED,
    hypotheses=("w ≥ 0", "E uuᵀ = 1/d"),
)


@BOUND.by("proof")
def _(run):
    δ, s, r = symbols("δ s r", real=True)
    reals: list[Any] = [Real(name) for name in ("w", "t²", "|Δφ|²", "E|z|²", "E⟨u,a−b⟩²")]
    w, t2, change, mean, square = reals
    return [
        scalar.identity(
            "|e^{iα} − e^{iβ}|² = 2 − 2cos δ is δ² less twice an integral of 1 − cos ≥ 0, so at most δ² (δ = α − β)",
            δ**2 - (2 - 2 * cos(δ)),
            2 * Integral(1 - cos(r), (r, 0, s), (s, 0, δ)).doit(),
        ),
        certified.step("A4-mean", "|E z|² ≤ E|z|²: what is left is a square"),
        logic.prove(
            "w·|Δφ|² ≤ w·t²·E⟨u,a−b⟩² at every t, and so under the integral",
            [w >= 0, change <= mean, mean <= t2 * square],
            w * change <= w * (t2 * square),
        ),
        certified.step("A4-slices", "isotropic slices average ⟨u, δ⟩² to ‖δ‖²/d"),
    ]


@BOUND.by("numeric")
def _(run):
    def check(member: laws.Samples):
        a = member.a
        b = a + member.rng.uniform(0, 2) * member.rng.normal(size=a.shape)
        frames = [np.linalg.qr(member.rng.normal(size=(member.d, member.d)))[0] for _ in range(3)]
        for grid in (laws.GRID, laws.HERMITE):
            eps, m2 = member.error(grid), grid.second_moment
            per_axis = discrepancy.ecf_distance(a, b, grid)
            yield (per_axis - slice_bound(m2, 1.0) * ((a - b) ** 2).mean(0)).max(), eps
            bound = slice_bound(m2, float(((a - b) ** 2).sum(1).mean()), member.d)
            yield discrepancy.sliced_ecf(a, b, np.hstack(frames), grid) - bound, eps

    return run.holds("slice losses of paired rows, per axis and over rotations", laws.samples(), check)


@BOUND.by("necessity")
def _(run):
    # δ_0 against δ_π at t = ±1: |1 − e^{iπ}|² = 4 on each node, E⟨u,a−b⟩² = π², m₂ = Σ w.
    negative = {1: Rational(-1), -1: Rational(-1)}
    loss, m2 = laws.exact_loss({0: 1}, {pi: 1}, negative), sum(negative.values())
    signed = Counterexample(
        "δ_0 and δ_π, w = −1 at t = ±1: −8 against −2π²",
        {"E uuᵀ = 1/d (d = 1)": _isotropic([Matrix([1])])},
        {"loss ≤ m₂·E‖a−b‖²": bool(loss <= m2 * pi**2)},
        floor(loss - m2 * pi**2),
    )
    # In R^5 the single slice e₁, along which the two points differ.
    positive = {1: Rational(1), -1: Rational(1)}
    loss, m2 = laws.exact_loss({0: 1}, {pi: 1}, positive), sum(positive.values())
    skewed = Counterexample(
        "0 and π·e₁ in R⁵, the slice e₁ alone, w = 1 at t = ±1: 8 against 2π²/5",
        {
            "w ≥ 0": all(w >= 0 for w in positive.values()),
            "E uuᵀ ≠ 1/5": not _isotropic([Matrix([1, 0, 0, 0, 0])]),
        },
        {"loss ≤ m₂·E‖a−b‖²/5": bool(loss <= m2 * pi**2 / 5)},
        floor(loss - m2 * pi**2 / 5),
    )
    return Necessity({"w ≥ 0": signed, "E uuᵀ = 1/d": skewed})


def _isotropic(slices: list[Matrix]) -> bool:
    """E uuᵀ = 1/d for the uniform law on the slices."""
    d = slices[0].rows
    return sum((u * u.T for u in slices), zeros(d)) / len(slices) == eye(d) / d


@BOUND.by("mutants")
def _(run):
    return Mutants([*certified.mutants("A4-mean", run.rng()), *certified.mutants("A4-slices", run.rng())])
