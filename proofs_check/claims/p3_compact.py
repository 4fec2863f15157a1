"""Proposition 3: a weight on a bounded interval tells compactly supported laws apart."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import itj0y0
from sympy import Integer, pi
from z3 import And, Const, DeclareSort, Exists, ForAll, Function, Implies, Real, RealSort

from proofs_check import laws, logic
from proofs_check.axioms import cite
from proofs_check.claims.p3_characteristic import bounded_weight, gaussian_apart, two_slices
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from theory.discrepancy import TGrid, ecf_distance
from theory.linalg import tolerance

CLAIM = Claim(
    "P3.v",
    "Bounded frequencies are enough for compactly supported laws",
    "P, Q of compact support, w > 0 a.e. on [−a,a], σ(u) uniform: ∫∫|φ_P(tu) − φ_Q(tu)|² w(t) dt dσ(u) = 0 ⇒ P = Q",
    "The characteristic function of a law of compact support continues to an entire function along every slice; where "
    "two of them agree on an interval, they agree everywhere. In general they need not, see P3.iv.",
    "Proposition 3, App. H.2: when the kernel is characteristic",
    Verdict.MODULO_AXIOMS,
    hypotheses=("L = 0", "all slices", "w > 0 on [−a,a]", "compact support"),
    axioms=("vanishing integral", "identity theorem", "characteristic functions"),
)


class _Formulas:
    """|φ_P − φ_Q|² at the frequencies tu, a weight, and the identity theorem for every slice."""

    def __init__(self):
        frequency, direction = DeclareSort("ξ"), DeclareSort("u")
        scaled: Any = Function("t·u", RealSort(), direction, frequency)
        gap: Any = Function("|φ_P − φ_Q|²", frequency, RealSort())
        weight: Any = Function("w", RealSort(), RealSort())
        a, t, u, ξ = Real("a"), Real("t"), Const("u", direction), Const("ξ", frequency)
        inside = And(-a <= t, t <= a)
        self.zero = ForAll([t, u], weight(t) * gap(scaled(t, u)) == 0)
        self.positive = ForAll([t], Implies(inside, weight(t) > 0))
        self.covered = ForAll([ξ], Exists([t, u], ξ == scaled(t, u)))
        self.agree = ForAll([t, u], Implies(inside, gap(scaled(t, u)) == 0))
        along = ForAll([t], gap(scaled(t, u)) == 0)
        self.entire = ForAll([u], Implies(ForAll([t], Implies(inside, gap(scaled(t, u)) == 0)), along))
        self.equal = ForAll([ξ], gap(ξ) == 0)


@CLAIM.by("proof")
def _(run):
    f = _Formulas()
    return [
        cite("vanishing integral"),
        logic.prove("L = 0 and w > 0 on [−a,a]: φ_P(tu) = φ_Q(tu) for |t| ≤ a", [f.zero, f.positive], f.agree),
        cite("identity theorem"),
        logic.prove("hence for all t, and every ξ is some tu", [f.agree, f.entire, f.covered], f.equal),
        cite("characteristic functions"),
    ]


@CLAIM.by("numeric")
def _(run):
    def check(member):
        seed, d, a, step = member
        rng = np.random.default_rng(seed)
        lattice = np.stack(np.meshgrid(*[np.array([0.0, step])] * d), axis=-1).reshape(-1, d)
        atoms = np.vstack([lattice, 2 * step * np.eye(d)[:1]])
        p, q = (rng.multinomial(6, np.full(len(atoms), 1 / len(atoms))) for _ in range(2))
        nodes, weights = np.polynomial.legendre.leggauss(60)
        angles = np.linspace(0, np.pi, 64, endpoint=False)
        slices = np.ones((1, 1)) if d == 1 else np.stack([np.cos(angles), np.sin(angles)])
        first, second = (np.repeat(atoms, count, axis=0) @ slices for count in (p, q))
        loss = float(ecf_distance(first, second, TGrid(a * nodes, a * weights)).mean())
        # ∫ cos(tδ) dt over [−a,a] on the line, ∫ J₀(tδ) dt in the plane.
        δ = np.linalg.norm(atoms[:, None] - atoms, axis=-1)
        gram = 2 * a * np.sinc(a * δ / np.pi) if d == 1 else 2 * _ratio(a, δ)
        change = (p - q) / 6
        eps = tolerance(8 * a, 12 * 60)
        least = float(np.linalg.eigvalsh(gram)[0])
        yield abs(loss - change @ gram @ change), eps
        yield LEAST, least
        yield least * (change**2).sum(), loss + eps

    members = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 2), st.floats(1, 2), st.floats(1, 3))
    return run.holds(
        "w = 1 on [−a,a], laws of 3 or 5 atoms on the line and in the plane, all slices: "
        "the loss is at least λ‖P − Q‖², λ > 0 the least eigenvalue of the kernel in closed form",
        members,
        check,
    )


# Smallest eigenvalue that is told from rounding.
LEAST = 1e-9


def _ratio(a: float, δ: np.ndarray) -> np.ndarray:
    """∫₀^a J₀(tδ) dt."""
    return np.where(δ > 0, itj0y0(a * δ)[0] / np.where(δ > 0, δ, 1), a)


@CLAIM.by("necessity")
def _(run):
    return Necessity(_missing())


def _missing() -> dict[str, Counterexample]:
    P, Q, grid = {Integer(0): Integer(1)}, {2 * pi: Integer(1)}, dict.fromkeys(range(5), Integer(1))
    return {
        "L = 0": gaussian_apart(),
        "all slices": two_slices(),
        "w > 0 on [−a,a]": Counterexample(
            "δ_0 and δ_2π on the line, w on t = 0, …, 4 only",
            {"L = 0": laws.exact_loss(P, Q, grid) == 0},
            {"P = Q": laws.total_variation(P, Q) == 0},
            laws.total_variation(P, Q),
        ),
        "compact support": bounded_weight(),
    }


@CLAIM.by("mutants")
def _(run):
    f, models = _Formulas(), _missing()
    given = {
        "L = 0": f.zero,
        "all slices": f.covered,
        "w > 0 on [−a,a]": f.positive,
        "compact support": f.entire,
    }

    def without(name: str) -> Mutant:
        proved = logic.proves([h for other, h in given.items() if other != name], f.equal)
        model = models[name]
        return Mutant("drop", f"without “{name}”", proved, float(100 * model.margin) if model.passed else 0.0)

    return Mutants([without(name) for name in given])
