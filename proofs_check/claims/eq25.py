"""Equation (25): the distributional loss on canonical axes sees the marginals of the codes only."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from sympy import Integer, Matrix, Rational, diff, exp, pi, simplify, symbols
from z3 import (
    ArraySort,
    BoolSort,
    Const,
    DeclareSort,
    ForAll,
    Function,
    Implies,
    Lambda,
    Not,
    Real,
    RealSort,
    Select,
)

from proofs_check import laws, logic
from proofs_check.axioms import cite
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from theory import discrepancy
from theory.linalg import tolerance

CANONICAL = Claim(
    "Eq25",
    "The loss on canonical axes operationalises dCC",
    "(1/|U|) Σ_{k∈U} ∫|φ̂_{f_i(x_i)_k} − φ̂_{f_j(x_j)_k}|² w dt = 0 ⇒ f_i#μ_i = f_j#μ_j, U the active atoms",
    "The paper takes the axes of the active atoms as slices, because atoms are meaningful by themselves, and lets the "
    "loss stand for equal laws of the codes. It compares the law of each atom alone, never two atoms together; and "
    "atoms that only the other domain uses escape it unless U is the union over both.",
    "eq. (25), App. F",
    Verdict.REFUTED,
)
MARGINALS = Claim(
    "Eq25-corrected",
    "It operationalises equal marginals, and dCC where the atoms are independent",
    "L = 0, w > 0 a.e., U the union of the active atoms ⇒ equal laws of every atom; independent on both sides ⇒ dCC",
    "Zero loss means that every atom has the same law in both domains. That is equality of the joint laws if the atoms "
    "are independent in both; in general it takes random slices in concept space as well.",
    "correction of eq. (25)",
    Verdict.MODULO_AXIOMS,
    hypotheses=("L = 0", "w > 0", "union of the active atoms", "independent atoms"),
    axioms=("vanishing integral", "characteristic functions"),
    corrects="Eq25",
)


class _Formulas:
    """Characteristic functions of two laws of codes over any set of atoms; complex values are an unordered sort.

    Of a product nothing is used but that it is a function of the family of its factors, so any number of atoms fits.
    """

    def __init__(self):
        atom, value = DeclareSort("atom"), DeclareSort("C")
        frequencies = ArraySort(atom, RealSort())
        marginal: list[Any] = [Function(f"φ_{s}ₖ", atom, RealSort(), value) for s in "PQ"]
        joint: list[Any] = [Function(f"φ_{s}", frequencies, value) for s in "PQ"]
        size: Any = Function("|z − z′|²", value, value, RealSort())
        weight: Any = Function("w", RealSort(), RealSort())
        times: Any = Function("∏", ArraySort(atom, value), value)
        used: Any = Function("k ∈ U", atom, BoolSort())
        k, t, ξ = Const("k", atom), Real("t"), Const("ξ", frequencies)
        z, zz = Const("z", value), Const("z′", value)
        self.metric = ForAll([z, zz], (size(z, zz) == 0) == (z == zz))
        self.zero = ForAll([k, t], Implies(used(k), weight(t) * size(marginal[0](k, t), marginal[1](k, t)) == 0))
        self.positive = ForAll([t], weight(t) > 0)
        # an atom outside the union is 0 in both domains, with the same law δ_0
        self.union = ForAll([k, t], Implies(Not(used(k)), marginal[0](k, t) == marginal[1](k, t)))
        self.independent = [
            ForAll([ξ], joint[s](ξ) == times(Lambda([k], marginal[s](k, Select(ξ, k))))) for s in (0, 1)
        ]
        self.marginals = ForAll([k, t], marginal[0](k, t) == marginal[1](k, t))
        self.laws = ForAll([ξ], joint[0](ξ) == joint[1](ξ))


@MARGINALS.by("proof")
def _(run):
    f = _Formulas()
    return [
        cite("vanishing integral"),
        logic.prove(
            "L = 0, w > 0 and the union give equal characteristic functions of every atom",
            [f.metric, f.zero, f.positive, f.union],
            f.marginals,
        ),
        logic.prove(
            "for independent atoms, φ_P(ξ) = ∏ φ_Pk(ξ_k), they give equal joint characteristic functions",
            [f.marginals, *f.independent],
            f.laws,
        ),
        cite("characteristic functions"),
    ]


@CANONICAL.by("counterexample")
def _(run):
    return [_dependent(), _gaussian(), _one_domain()]


def _dependent() -> Counterexample:
    P, Q = laws.uniform((0, 0), (1, 1)), laws.uniform((0, 1), (1, 0))
    marginals = [laws.total_variation(laws.projected(P, u), laws.projected(Q, u)) for u in ((1, 0), (0, 1))]
    return Counterexample(
        "codes (0,0), (1,1) against (0,1), (1,0), each with probability ½",
        {"every atom has the same law, so L = 0 for any w": all(tv == 0 for tv in marginals)},
        {"dCC": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


def _gaussian() -> Counterexample:
    """The loss does not even see the covariance of two atoms."""
    ξ, t = symbols("ξ1 ξ2", real=True), symbols("t", real=True)
    covariances = [Matrix([[1, c], [c, 1]]) for c in (Rational(1, 2), Rational(-1, 2))]
    P, Q = (exp(-(Matrix([ξ]) * S * Matrix(ξ))[0] / 2) for S in covariances)
    on_axes = [simplify((P - Q).subs({ξ[k]: t, ξ[1 - k]: 0})) for k in (0, 1)]
    # E z₁z₂ = −∂₁∂₂φ(0)
    mixed = [-diff(φ, *ξ).subs(dict.fromkeys(ξ, 0)) for φ in (P, Q)]
    return Counterexample(
        "centred Gaussian codes of variance 1, correlation ½ against −½",
        {
            "both are Gaussian laws": all(bool(S.is_positive_definite) for S in covariances),
            "every atom has the same characteristic function, so L = 0 for any w": all(d == 0 for d in on_axes),
        },
        {"dCC, as for E z₁z₂": bool(mixed[0] == mixed[1])},
        abs(mixed[0] - mixed[1]),
    )


def _one_domain() -> Counterexample:
    P, Q = laws.uniform((1, 0)), laws.uniform((1, 1))
    active = [k for k in (0, 1) if any(code[k] for code in P)]
    compared = [laws.total_variation(*(laws.projected(law, _axis(k)) for law in (P, Q))) for k in active]
    return Counterexample(
        "code (1,0) against (1,1), U = the atoms active in the first domain",
        {"L = 0 on U, for any w": bool(active) and all(tv == 0 for tv in compared)},
        {"dCC": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


def _axis(k: int) -> tuple[int, int]:
    return (1, 0) if k == 0 else (0, 1)


@CANONICAL.by("family")
def _(run):
    def check(member):
        seed, n, atoms = member
        rng = np.random.default_rng(seed)
        a = np.sort(np.abs(rng.normal(size=(n, atoms))), axis=0)
        b = np.column_stack([a[:, 0], *(np.roll(a[:, k], k) for k in range(1, atoms))])
        # The columns hold the same numbers in another order: a loss at the rounding error of their sums counts as zero.
        eps = tolerance(4 * laws.GRID.mass, 2 * n * len(laws.GRID.nodes))
        yield eps, max(float(discrepancy.canonical_ecf(a, b, laws.GRID)), eps / 1e6)
        shared = {tuple(row) for row in a.tolist()} & {tuple(row) for row in b.tolist()}
        yield 1 - len(shared) / n, 1 / 2  # total variation of the two empirical laws

    members = st.tuples(st.integers(0, 2**32 - 1), st.integers(3, 8), st.integers(2, 3))
    return run.violates("codes whose atoms are paired up differently: zero loss, other laws", members, check)


@MARGINALS.by("numeric")
def _(run):
    def check(member):
        seed, sizes, equal = member
        rng = np.random.default_rng(seed)
        values = [2.0 * rng.integers(0, 3, size=n) for n in sizes]
        # Repeated rows: other rows, the same law.
        others = [
            np.tile(v, 2) if same else 2.0 * rng.integers(0, 3, size=len(v))
            for v, same in zip(values, equal[: len(values)], strict=True)
        ]
        a, b = (np.hstack([rows, np.zeros((len(rows), 1))]) for rows in (_independent(values), _independent(others)))
        loss = float(discrepancy.canonical_ecf(a, b, laws.HERMITE))
        eps = tolerance(4 * laws.HERMITE.mass, (len(a) + len(b)) * 60)
        gaps = [_gap(v[:, None], w[:, None]) for v, w in zip(values, others, strict=True)]
        active = [gap for v, w, gap in zip(values, others, gaps, strict=True) if v.any() or w.any()]
        # On 2Z the Gram matrix of exp(−δ²/2) is at least 1 − 2(e⁻² + e⁻⁸ + …) > 0.7.
        if active:
            yield 0.7 * laws.HERMITE.mass * np.mean([(gap**2).sum() for gap in active]), loss + eps
        joint = np.abs(_gap(a, b)).sum() / 2
        yield joint, sum(np.abs(gap).sum() / 2 for gap in gaps) + tolerance(1, len(a) + len(b))
        # Three values an atom: TV ≤ ½√3‖p − q‖, and the mean of squares is at least the square of the mean.
        yield joint, len(active) * (3 * (loss + eps) / (4 * 0.7 * laws.HERMITE.mass)) ** 0.5 + 1e-12

    atoms = st.lists(st.integers(1, 4), min_size=1, max_size=3)
    members = st.tuples(st.integers(0, 2**32 - 1), atoms, st.tuples(*[st.booleans()] * 3))
    return run.holds(
        "product laws on (2Z)^K, an idle atom besides: the loss is at least 0.7√(2π) times the mean of ‖p_k − q_k‖², "
        "TV(joint) ≤ Σ TV(atoms), and so the loss bounds TV(joint)",
        members,
        check,
    )


def _independent(columns: list[np.ndarray]) -> np.ndarray:
    """Rows of all combinations, whose empirical law is the product of the columns' laws."""
    return np.stack([c.ravel() for c in np.meshgrid(*columns, indexing="ij")], axis=1)


def _gap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Difference of the two empirical laws at each point that either has."""
    _, inverse = np.unique(np.concatenate([a, b]), axis=0, return_inverse=True)
    return np.bincount(inverse.ravel(), np.repeat([1 / len(a), -1 / len(b)], [len(a), len(b)]))


def _factorises(law: laws.Law) -> bool:
    """Whether the atoms are independent: the law is the product of its marginals."""
    K = len(next(iter(law)))
    marginals = [laws.projected(law, tuple(int(k == i) for i in range(K))) for k in range(K)]
    product: dict[tuple, Any] = {(): Integer(1)}
    for marginal in marginals:
        product = {(*x, v): p * q for x, p in product.items() for v, q in marginal.items()}
    return laws.total_variation(law, product) == 0


def _one_independent() -> Counterexample:
    P, Q = laws.uniform((0, 0), (0, 1), (1, 0), (1, 1)), laws.uniform((0, 0), (1, 1))
    compared = [laws.total_variation(*(laws.projected(law, _axis(k)) for law in (P, Q))) for k in (0, 1)]
    return Counterexample(
        "codes uniform on {0,1}² against (0,0), (1,1) with probability ½ each",
        {"L = 0, for any w": all(tv == 0 for tv in compared), "the first has independent atoms": _factorises(P)},
        {"dCC": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


def _periodic() -> Counterexample:
    P, Q = laws.uniform((Integer(0),)), laws.uniform((4 * pi,))
    grid = {Rational(k, 2): Integer(1) for k in range(5)}
    return Counterexample(
        "one atom, the codes 0 and 4π, w on t = 0, ½, 1, 3/2, 2 only",
        {
            "L = 0": laws.exact_loss(laws.projected(P, (1,)), laws.projected(Q, (1,)), grid) == 0,
            "independent atoms": _factorises(P) and _factorises(Q),
        },
        {"dCC": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


def _unequal() -> Counterexample:
    P, Q = laws.uniform((0, 1)), laws.uniform((1, 1))
    return Counterexample(
        "two atoms, the codes (0,1) and (1,1)",
        {"independent atoms": _factorises(P) and _factorises(Q)},
        {"dCC": laws.total_variation(P, Q) == 0},
        laws.total_variation(P, Q),
    )


@MARGINALS.by("necessity")
def _(run):
    return Necessity(
        {
            "independent atoms": _dependent(),
            "union of the active atoms": _one_domain(),
            "w > 0": _periodic(),
            "L = 0": _unequal(),
        }
    )


@MARGINALS.by("mutants")
def _(run):
    f = _Formulas()
    variants = [
        ("drop", "equal marginals alone", [f.marginals], f.laws, _dependent()),
        ("drop", "independent on one side only", [f.marginals, f.independent[0]], f.laws, _one_independent()),
        ("drop", "without the union", [f.metric, f.zero, f.positive], f.marginals, _one_domain()),
        ("drop", "without w > 0", [f.metric, f.zero, f.union], f.marginals, _periodic()),
        ("drop", "without L = 0", [f.metric, f.positive, f.union], f.marginals, _unequal()),
    ]
    # Total variation 1 refutes; 1/100 keeps the scale of the other mutants' margins.
    return Mutants(
        [
            Mutant(name, text, logic.proves(h, goal), float(100 * model.margin) if model.passed else 0.0)
            for name, text, h, goal, model in variants
        ]
    )
