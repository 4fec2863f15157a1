"""Theorem C1: what distribution matching leaves open of two Gaussian domains, and what anchors take of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.linalg import null_space
from sympy import Matrix, Rational, diag, eye
from z3 import Or, Real

from proofs_check import certified, laws, logic
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from theory.ambiguity.rotations import AnchoredMaps
from theory.linalg import tolerance
from theory.moments import Moments

ANCHORED = Claim(
    "C1",
    "m exact anchors leave the rotations of d − m dimensions",
    "x, y, A_* as in S31C-corrected; x̃ (m×d), rank m, the anchors in whitened coordinates, ỹ = x̃Q_*: "
    "{Q ∈ O(d) : x̃Q = ỹ} = {F + PHRᵀ : H ∈ O(d − m)}, one H for each Q; F = x̃⁺ỹ, P and R orthonormal bases of the "
    "complements of the rows of x̃ and ỹ; m = d − 1: two maps, 1 − 2rrᵀ apart",
    "Each independent matched pair takes one dimension from the rotations that equal laws leave open, so that d − 1 "
    "pairs leave the map and its mirror image, and d pairs the map alone. What the anchors do not reach stays as free "
    "as it was.",
    "ours",
    Verdict.MODULO_AXIOMS,
    hypotheses=("Σx^{-1/2}x spherical", "Σx ≻ 0", "exact anchors", "independent anchors"),
    requires=("S31C-corrected",),
)


@ANCHORED.by("proof")
def _(run):
    h: Any = Real("h")
    return [
        certified.step("C1-meets", "x̃ = caᵀ with aᵀa = 1, ỹ = cbᵀ: every Q = abᵀ + pHqᵀ meets the anchors"),
        certified.step("C1-orthogonal", "and is orthogonal if H is"),
        certified.step("C1-frame", "conversely, independent anchors (c has a left inverse) give aᵀQ = bᵀ"),
        certified.step("C1-form", "which with QQᵀ = 1 gives Q = abᵀ + pHqᵀ, where H = pᵀQq"),
        certified.step("C1-rotation", "and this H is orthogonal"),
        certified.step("C1-one-to-one", "different H make different Q"),
        certified.step("C1-freedom", "H has Tr pᵀp = d − m rows"),
        certified.step("C2-regression", "the part that all of them share is x̃⁺ỹ = abᵀ"),
        logic.prove("d − m = 1: H is 1 or −1", [h * h == 1], Or(h == 1, h == -1)),
        certified.step("C1-reflection", "and the two maps differ by 1 − 2qqᵀ, a reflection"),
    ]


@dataclass(frozen=True)
class Anchored:
    """Whitened domains y = xQ_*, m anchors, and diagonal covariances that distort them; determined by ``repr``."""

    seed: int
    d: int
    m: int
    decay: float

    @property
    def rng(self) -> np.random.Generator:
        """Generator of what the members are compared with."""
        return np.random.default_rng([self.seed, 1])

    @cached_property
    def planted(self) -> tuple[Moments, np.ndarray, np.ndarray, np.ndarray]:
        """Moments, whitened anchors (m, d), roots of the two covariances (their diagonals)."""
        rng = np.random.default_rng(self.seed)
        Q = _rotation(rng, self.d)
        # Singular values between 1/2 and 2, so that the anchors are independent with room to spare.
        left, right = _rotation(rng, self.m), _rotation(rng, self.d)
        anchors = (left * rng.uniform(0.5, 2, self.m)) @ right[: self.m]
        rx, ry = (np.arange(1, self.d + 1) ** -self.decay for _ in range(2))
        mean_x, mean_y = rng.normal(size=(2, self.d))
        moments = Moments(1, mean_x, mean_y, np.diag(rx**2), rx[:, None] * Q * ry, np.diag(ry**2))
        return moments, anchors, rx, ry

    @property
    def truth(self) -> np.ndarray:
        """Q_*."""
        m, _, rx, ry = self.planted
        return m.Sxy / rx[:, None] / ry

    @property
    def maps(self) -> AnchoredMaps:
        """What the anchors leave, from rows in the coordinates of the data."""
        m, anchors, rx, ry = self.planted
        return AnchoredMaps.of(m, anchors * rx + m.mean_x, anchors @ self.truth * ry + m.mean_y)


def _rotation(rng: np.random.Generator, d: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


@ANCHORED.by("numeric")
def _(run):
    def check(member: Anchored):
        _, anchors, rx, ry = member.planted
        maps, rng, f = member.maps, member.rng, member.d - member.m
        eps = tolerance(member.d, member.d, gap=(rx.min() * ry.min()) ** 2 / 16)
        yield abs(maps.freedom - f), 0.5
        Q = rx[:, None] * maps.map(_rotation(rng, f)) / ry
        yield np.linalg.norm(Q.T @ Q - np.eye(member.d)), eps
        yield np.linalg.norm(anchors @ (Q - member.truth)), eps
        # Q_* followed by any rotation that keeps the images of the anchors has the stated form.
        N = null_space(anchors @ member.truth) if member.m else np.eye(member.d)
        other = member.truth @ (np.eye(member.d) - N @ N.T + N @ _rotation(rng, f) @ N.T)
        H = maps.free_x.T @ other @ maps.free_y
        yield np.linalg.norm(H.T @ H - np.eye(f)), eps
        yield np.linalg.norm(rx[:, None] * maps.map(H) / ry - other), eps
        if f == 1:
            one, mirrored = (rx[:, None] * maps.map([[h]]) / ry for h in (1.0, -1.0))
            yield abs(np.linalg.det(one.T @ mirrored) + 1), eps

    members = st.integers(1, 6).flatmap(
        lambda d: st.builds(
            Anchored,
            st.integers(0, 2**32 - 1),
            st.just(d),
            st.integers(0, d),
            st.sampled_from((0.0, 1.0)),
        )
    )
    return run.holds("rotations about the anchors, from a null space, against the stated form", members, check)


@ANCHORED.by("necessity")
def _(run):
    skewed = {-1: Rational(2, 3), 2: Rational(1, 3)}
    mirrored = {-x: p for x, p in skewed.items()}
    flat, A = Matrix([[1, 0]]), Matrix([1, 7])
    e1, stretched, repeated = Matrix([[1, 0]]), Matrix([[2, 0]]), Matrix([[1, 0], [2, 0]])
    mirror = diag(1, -1)
    return Necessity(
        {
            "Σx^{-1/2}x spherical": Counterexample(
                "x = y of independent components in {−1 (2/3), 2 (1/3)}, the anchor (1,0) ↦ (1,0): Q = diag(1,−1)",
                {
                    "Σx = 1, up to the scale 2": sum(p * x**2 for x, p in skewed.items()) == 2,
                    "Q ∈ O(2) meets the anchor": mirror * mirror.T == eye(2) and e1 * mirror == e1,
                    "independent anchors": e1.rank() == 1,
                },
                {"law(xQ) = law(y)": mirrored == skewed},
                laws.total_variation(skewed, mirrored),
            ),
            "Σx ≻ 0": Counterexample(
                "x = (±1, 0), y = ±1, the anchor (1,0) ↦ 1 (m = rank Σx = 1): A = (1,7)ᵀ besides A_* = (1,0)ᵀ",
                {
                    "A matches the covariance": (A.T * diag(1, 0) * A)[0] == 1,
                    "A meets the anchor": (flat * A)[0] == 1,
                    "independent anchors": flat.rank() == 1,
                },
                {"one map is left": Matrix([1, 0]) == A},
                A[1],
            ),
            "exact anchors": Counterexample(
                "x̃ = (1,0), ỹ = (2,0): no Q ∈ O(2) meets it, since ‖x̃Q‖ = ‖x̃‖; diag(1,±1) misses it by 1",
                {"independent anchors": e1.rank() == 1, "another length": e1.norm() != stretched.norm()},
                {"F + PHRᵀ meets the anchor": any(e1 * diag(1, h) == stretched for h in (1, -1))},
                stretched.norm() - e1.norm(),
            ),
            "independent anchors": Counterexample(
                "d = 2, x̃ = ỹ = [[1,0],[2,0]]: two maps are left, diag(1, ±1)",
                {
                    "exact anchors, met by both": all(repeated * diag(1, h) == repeated for h in (1, -1)),
                    "both orthogonal": mirror * mirror.T == eye(2),
                },
                {"m = d = 2 anchors leave one map": mirror == eye(2)},
                2 - repeated.rank(),
            ),
        }
    )


@ANCHORED.by("mutants")
def _(run):
    names = ("C1-form", "C1-rotation", "C1-frame", "C1-freedom", "C1-reflection")
    return Mutants([m for name in names for m in certified.mutants(name, run.rng())])
