"""Proposition 3: the distributional losses are squared maximum mean discrepancies, and for which weights."""

import numpy as np
from hypothesis import strategies as st
from sympy import (
    Function,
    I,
    Integer,
    Rational,
    conjugate,
    cos,
    exp,
    im,
    integrate,
    pi,
    re,
    simplify,
    sin,
    sqrt,
    symbols,
)

from proofs_check import certified, laws, scalar
from proofs_check.evidence import Counterexample, Mutants, Necessity
from proofs_check.ledger import Claim, Verdict
from theory import discrepancy, mmd
from theory.discrepancy import TGrid

SQUARED = Claim(
    "P3.i",
    "On one slice the loss is a squared MMD",
    "P, Q of finite support, w ≥ 0 even, integrable: ∫|φ_P − φ_Q|² w dt = E k(x,x′) + E k(y,y′) − 2E k(x,y), "
    "k(δ) = ∫e^{itδ} w dt real, ⪰ 0",
    "The weighted distance of characteristic functions is the squared distance of kernel means, for the kernel that is "
    "the Fourier transform of the weight: at every t, with a cosine and a sine as features, and so under the integral. "
    "Claimed for laws of finite support only, as every batch is.",
    "Proposition 3, App. H.2",
    Verdict.VERIFIED,
    hypotheses=("w ≥ 0", "w even", "w integrable"),
)
ANY_WEIGHT = Claim(
    "P3.ii",
    "Integrability and w ≥ 0 are all that the weight needs",
    "w ≥ 0 integrable: ∫|φ_P − φ_Q|² w dt = E k(x,x′) + E k(y,y′) − 2E k(x,y), k(δ) = ∫e^{itδ} w dt",
    "The proposition asks of the weight that it be integrable, and its proof that it be non-negative. But for a weight "
    "that is not even the three terms are a complex number: for w = 1 on [0,1] and two points at distance 1 it is "
    "0.317 ± 0.919i, and the loss is 0.317.",
    "Proposition 3 and its proof, App. H.2",
    Verdict.REFUTED,
)
SYMMETRISED = Claim(
    "P3.ii-corrected",
    "Any weight acts through its symmetrised half, with the real part of the kernel",
    "P, Q of finite support, w integrable, w(t) + w(−t) ≥ 0: ∫|φ_P − φ_Q|² w dt is the squared MMD of "
    "Re k, k(δ) = ∫e^{itδ} w dt",
    "The integrand is even, so only w(t) + w(−t) counts; if that is nowhere negative, proposition 3 holds with Re k. "
    "If it is negative somewhere, the loss can be negative.",
    "correction of Proposition 3, App. H.2",
    Verdict.VERIFIED,
    hypotheses=("w(t) + w(−t) ≥ 0",),
    corrects="P3.ii",
    requires=("P3.i",),
)
t, x, y, δ = symbols("t x y δ", real=True)
ahead, behind = symbols("w₊ w₋", real=True)  # w(t) and w(−t), t > 0
KERNEL = ahead * exp(I * t * δ) + behind * exp(-I * t * δ)
POINTS = KERNEL.subs(δ, 0) - KERNEL  # half of 2k(0) − 2k(δ), at ±t
PAIR = (ahead + behind) * (1 - cos(t * δ))  # half of |1 − e^{itδ}|² w, at ±t


@SQUARED.by("proof")
def _(run):
    w = symbols("w", nonnegative=True)
    return [
        scalar.identity(
            "the features √w cos tx, √w sin tx have the inner product w cos t(x − y)",
            sqrt(w) * cos(t * x) * sqrt(w) * cos(t * y) + sqrt(w) * sin(t * x) * sqrt(w) * sin(t * y),
            w * cos(t * (x - y)),
        ),
        scalar.identity(
            "for an even weight it is what ±t contribute to k", KERNEL.subs(behind, ahead), 2 * ahead * cos(t * δ)
        ),
        scalar.identity(
            "|z|² of z = Σ(p − q)e^{itx} is the squared norm of its cosine and sine parts",
            (x + I * y) * conjugate(x + I * y),
            x**2 + y**2,
        ),
        certified.step("P3-mmd", "the squared distance of the feature means of p and q is the sum of three terms"),
        certified.step("P3-semidefinite", "a kernel with features is positive semidefinite"),
    ]


@SQUARED.by("numeric")
def _(run):
    def check(member: laws.Samples):
        nodes, weights = member.rng.uniform(0, 3, size=4), member.rng.uniform(0, 2, size=4)
        even = TGrid(np.concatenate([nodes, -nodes]), np.concatenate([weights, weights]))
        loss, (value, gram) = discrepancy.ecf_distance(member.a, member.b, even), _three_terms(member, even)
        eps = member.error(even)
        yield abs(loss[0] - value), eps
        yield -float(np.linalg.eigvalsh((gram + gram.conj().T) / 2).min()), eps
        closed = mmd.mmd2(member.a[:, :1], member.b[:, :1], lambda u, v: mmd.ecf_kernel(u - v.T, even))
        yield abs(loss[0] - closed), eps

    return run.holds(
        "the sums over pairs of points, with complex exponentials on random even grids", laws.samples(), check
    )


@SQUARED.by("necessity")
def _(run):
    # −1 on [−1, 1], for δ_0 and δ_π
    weight, (low, high) = Integer(-1), (-1, 1)
    negative = integrate(weight * (2 - 2 * cos(pi * t)), (t, low, high))
    return Necessity(
        {
            "w even": _one_sided(),
            "w ≥ 0": Counterexample(
                "w = −1 on [−1,1], δ_0 and δ_π: the loss is −4",
                {
                    "w even": bool(weight.subs(t, -t) == weight and low == -high),
                    "w integrable": bool(integrate(abs(weight), (t, low, high)).is_finite),
                },
                {"the loss is a squared distance": bool(negative >= 0)},
                -negative,
            ),
        },
        {"w integrable": "without it neither side is defined; a finite grid is always integrable"},
    )


def _one_sided() -> Counterexample:
    """w = 1 on [0, π/2], for δ_0 and δ_1; the three terms are compared with the loss itself."""
    weight = Integer(1)
    k = {d: integrate(weight * exp(I * d * t), (t, 0, pi / 2)) for d in (-1, 0)}
    loss, terms = integrate(weight * (2 - 2 * cos(t)), (t, 0, pi / 2)), simplify(2 * k[0] - 2 * k[-1])
    return Counterexample(
        f"w = 1 on [0, π/2], δ_0 and δ_1: the three terms are {terms}, the loss is {loss}",
        {"w ≥ 0": bool(weight >= 0), "w integrable": bool(k[0].is_finite)},
        {"the three terms are the loss": bool(simplify(terms - loss) == 0)},
        abs(im(terms)),
    )


@SQUARED.by("mutants")
def _(run):
    return Mutants([*certified.mutants("P3-mmd", run.rng()), *certified.mutants("P3-semidefinite", run.rng())])


@ANY_WEIGHT.by("counterexample")
def _(run):
    return _one_sided()


@ANY_WEIGHT.by("family")
def _(run):
    def check(member):
        end, distance = member
        nodes, weights = np.polynomial.legendre.leggauss(40)
        k = (np.exp(-1j * distance * end * (nodes + 1) / 2) * weights).sum() * end / 2
        yield abs(2 * end - 2 * k - (2 * end - 2 * np.sin(distance * end) / distance)), 0.99 * _imaginary(end, distance)

    return run.violates(
        "w = 1 on [0, c], δ_0 and δ_x: the three terms differ from the loss by 2(1 − cos cx)/x",
        st.tuples(st.floats(0.2, 2.0), st.floats(0.2, 1.5)),
        check,
    )


def _imaginary(end: float, distance: float) -> float:
    return 2 * (1 - np.cos(end * distance)) / distance


@SYMMETRISED.by("proof")
def _(run):
    a, b = symbols("a b", real=True)
    w = Function("w", real=True)
    half = (w(t) + w(-t)) / 2
    return [
        scalar.identity(
            "φ(−t) = φ(t)*, so ±t contribute |φ_P − φ_Q|² with the sum of their weights",
            ahead * (a + I * b) * conjugate(a + I * b) + behind * (a - I * b) * conjugate(a - I * b),
            (ahead + behind) * (a**2 + b**2),
        ),
        scalar.identity("the symmetrised half is even", half.subs(t, -t), half),
        scalar.identity("its kernel is the real part of k", re(KERNEL), (ahead + behind) * cos(t * δ)),
        scalar.identity("for two points the loss is 2Re k(0) − 2Re k(δ)", re(POINTS), PAIR),
        certified.step("P3-semidefinite", "where the half is non-negative it has features, and Re k is semidefinite"),
    ]


@SYMMETRISED.by("numeric")
def _(run):
    def check(member: laws.Samples):
        nodes, total = member.rng.uniform(0, 3, size=4), member.rng.uniform(0, 2, size=4)
        odd = member.rng.normal(size=4)
        lopsided = TGrid(np.concatenate([nodes, -nodes]), np.concatenate([total / 2 + odd, total / 2 - odd]))
        loss, (value, gram) = discrepancy.ecf_distance(member.a, member.b, lopsided), _three_terms(member, lopsided)
        eps = member.error(lopsided)
        yield abs(loss[0] - value.real), eps
        yield -float(np.linalg.eigvalsh(np.real(gram)).min()), eps

    return run.holds("lopsided weights, negative on one side, whose sums over ±t are not", laws.samples(), check)


@SYMMETRISED.by("necessity")
def _(run):
    lopsided = {1: Rational(1), -1: Rational(-2)}
    loss = laws.exact_loss({0: 1}, {pi: 1}, lopsided)
    found = Counterexample(
        "w(1) = 1, w(−1) = −2, δ_0 and δ_π: the loss is −4",
        {"w integrable": all(bool(w.is_finite) for w in lopsided.values())},
        {"the loss is a squared distance": bool(loss >= 0)},
        -loss,
    )
    return Necessity({"w(t) + w(−t) ≥ 0": found})


@SYMMETRISED.by("mutants")
def _(run):
    variants = [
        ("drop", "k in place of Re k", POINTS),
        ("swap", "Im k in place of Re k", im(POINTS)),
        ("flip", "w(t) − w(−t) in place of the sum", (ahead - behind) * (1 - cos(t * δ))),
        ("drop", "w(−t) does not count", ahead * (1 - cos(t * δ))),
        ("double", "the sum counts twice", 2 * PAIR),
        ("change", "|k| in place of Re k", ahead + behind - abs(KERNEL)),
        ("equivalent", "Re k(−δ) in place of Re k(δ)", re(POINTS.subs(δ, -δ))),
    ]
    return Mutants(scalar.mutants(PAIR, variants, run.rng()))


def _three_terms(member: laws.Samples, grid: TGrid) -> tuple[complex, np.ndarray]:
    """E k(x,x′) + E k(y,y′) − 2E k(x,y) of the first coordinates, by the complex kernel; and its Gram matrix."""
    points = np.concatenate([member.a[:, 0], member.b[:, 0]])
    gram = np.exp(1j * np.subtract.outer(points, points)[..., None] * grid.nodes) @ grid.weights
    n = member.n
    return gram[:n, :n].mean() + gram[n:, n:].mean() - 2 * gram[:n, n:].mean(), gram
