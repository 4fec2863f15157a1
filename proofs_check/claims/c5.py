"""Theorem C5, the ambiguity: which linear maps keep the law of exchangeable sparse codes."""

from functools import cache
from math import factorial

import numpy as np
import z3
from hypothesis import strategies as st
from sympy import Matrix, Rational, binomial, eye, symbols

from proofs_check import laws, scalar
from proofs_check.evidence import Counterexample, Mutant, Mutants, Necessity, Step
from proofs_check.exchangeable import atom_symmetries, codes, linear_symmetries, overlap_symmetries
from proofs_check.ledger import Claim, Verdict
from proofs_check.logic import LogicView, Term, constant, function, prove, proves
from theory.linalg import tolerance

STABILISER = Claim(
    "C5.i",
    "Sparse codes are ambiguous up to a permutation of the atoms",
    "z uniform on {0,1}^K with s ones, 1 ≤ s ≤ K−1: zA ~ z, A linear ⇔ A ∈ S_K, or K = 2s and zA = 1 − zP, P ∈ S_K; "
    "so (g_2 π f_1)#μ_1 = μ_2 for every π ∈ S_K, where f_1(x_1) = z and g_2(z) = x_2",
    "Matching the law of the codes fixes the atoms up to their order, and up to the complement where just half of them "
    "are active (for K = 2 that is the exchange). A translator through the codes may put any permutation in between "
    "and still match the law.",
    "ours; Brouwer, Cohen & Neumaier, Distance-Regular Graphs, Thm 9.1.2 (Johnson graphs)",
    Verdict.VERIFIED,
    hypotheses=("A linear", "uniform support", "1 ≤ s ≤ K−1"),
)
OVERCOMPLETE = Claim(
    "C5.v",
    "A linear translator of overcomplete data has no such ambiguity",
    "x = zD, D ∈ R^{K×d} generic, d < K: xA ~ x, A linear ⇒ A = 1",
    "More atoms than dimensions, and data that are not centred: for all D outside the zeros of some polynomials no "
    "linear map but the identity keeps the law. With d = K all permutations do, and after centring they do at d = K−1.",
    "ours",
    Verdict.VERIFIED,
    hypotheses=("d < K", "D generic", "x not centred", "1 ≤ s ≤ K−1"),
)

SMALL = [(K, s) for K in range(2, 6) for s in range(1, K)]
# Counts are compared: anything below 1 says equal.
COUNT = 0.5
SEEDS = st.integers(0, 2**32 - 1)


def _reals(names: str) -> list[Term]:
    return [constant(name, z3.RealSort()) for name in names.split()]


def _indicator(holds: Term) -> Term:
    return z3.If(holds, 1, 0)


class _Roots:
    """A(e_a − e_b) = e_{p(a,b)} − e_{q(a,b)} for different atoms a, b of an arbitrary set."""

    def __init__(self):
        atom = z3.DeclareSort("atom")
        self.p, self.q = function("p", atom, atom, atom), function("q", atom, atom, atom)
        self.i, self.j, self.k, self.l = (constant(name, atom) for name in "ijkl")

    def image(self, a: Term, b: Term) -> tuple[Term, Term]:
        """Where e_a − e_b has its 1 and its −1 after A."""
        return self.p(a, b), self.q(a, b)

    def proper(self, a: Term, b: Term) -> Term:
        """The image is no 0."""
        return self.p(a, b) != self.q(a, b)

    def sums(self, a: Term, b: Term, c: Term) -> Term:
        """(e_a − e_b) + (e_b − e_c) = e_a − e_c after A, in every coordinate that occurs."""
        first, second, total = self.image(a, b), self.image(b, c), self.image(a, c)

        def at(x: Term, root: tuple[Term, Term]) -> Term:
            return _indicator(x == root[0]) - _indicator(x == root[1])

        return z3.And([at(x, first) + at(x, second) == at(x, total) for x in (*first, *second, *total)])

    def chained(self, a: Term, b: Term, c: Term, forward: bool) -> Term:
        """The two images meet at b's image: A keeps the direction, or turns it around."""
        (p, q), (r, t), (u, w) = self.image(a, b), self.image(b, c), self.image(a, c)
        return z3.And(q == r, u == p, w == t) if forward else z3.And(p == t, u == r, w == q)

    def either(self, a: Term, b: Term, c: Term) -> Term:
        """One of the two."""
        return z3.Or(self.chained(a, b, c, True), self.chained(a, b, c, False))

    def opposite(self, a: Term, b: Term) -> Term:
        """e_b − e_a = −(e_a − e_b) after A."""
        return z3.And(self.p(b, a) == self.q(a, b), self.q(b, a) == self.p(a, b))


def _entries(sign: int, offset: Term) -> list[Term]:
    """An entry of the image of a code, offset + sign·b, is 0 or 1 for b = 0 and for b = 1."""
    return [z3.Or(offset + sign * b == 0, offset + sign * b == 1) for b in (0, 1)]


@STABILISER.by("proof")
def _(run):
    f = _Roots()
    i, j, k, l = f.i, f.j, f.k, f.l  # noqa: E741
    same, proper = f.p(i, j) == f.p(i, k), f.proper(j, k)
    top, left, right, a, b, c = _reals("C(N,k) C(N−1,k−1) C(N−1,k) C(N−2,k−2) C(N−2,k−1) C(N−2,k)")
    N, n_v, n_Av, most = _reals("N n(v) n(Av) n(e_i−e_j)")
    zero, root = z3.Bools("Av=0 Av=e_k−e_l")
    sv, ones, atoms, active = _reals("sv_x ones K s")
    Ai, Aj, εi, εj = symbols("(Ae_i)_x (Ae_j)_x (εe_πi)_x (εe_πj)_x")
    s, entry, total = symbols("s z_x Σz", positive=True)
    return [
        # Of the N equally likely codes each has to be reached, so that A permutes them, and their pairs.
        prove("a difference of two codes with r ones and r minus ones has C(K−2r, s−r) pairs, fewer for greater r",
              [top == left + right, left == a + b, right == b + c, a >= 0, b > 0, c >= 0], top > b),
        prove("pairs go to pairs: if Av = 0 = A0, there are n(v) + N pairs for the N of difference 0; so Av ≠ 0",
              [n_v > 0, n_Av == N, z3.Implies(zero, n_Av >= n_v + N)], z3.Not(zero)),
        prove("n(Av) ≥ n(v), and the roots e_i − e_j have most pairs: A maps roots to roots",
              [n_v == most, n_Av >= n_v, z3.Implies(z3.Not(root), n_Av < most)], root),
        prove("roots that add up to a root: A keeps their direction or turns it around",
              [f.proper(i, j), proper, f.proper(i, k), f.sums(i, j, k)], f.either(i, j, k)),
        prove("direction kept at i, p(i,j) = p(i,k): p(i,·) is one atom π(i)",
              [f.either(i, j, k), same, proper, f.either(i, j, l), f.either(i, k, l)], f.p(i, l) == f.p(i, j)),
        prove("then it is kept at j: A(e_i − e_j) = e_π(i) − e_π(j) for all; turned around at one atom: the same of −A",
              [f.either(i, j, k), same, proper, f.opposite(i, j)], f.p(j, i) == f.p(j, k)),
        scalar.identity("so Ae_i − εe_π(i), ε = ±1, is one vector v for all i: the image of 1_S is ε1_π(S) + sv",
                        (Ai - Aj) - (εi - εj), (Ai - εi) - (Aj - εj)),
        prove("ε = 1: some S has x in π(S) and some has not, 1 ≤ s ≤ K−1: v = 0", _entries(1, sv), sv == 0),
        prove("ε = −1: likewise sv = 1: zA = 1 − zP", _entries(-1, sv), sv == 1),
        prove("and K − s = s", [ones == atoms - active, ones == active], atoms == 2 * active),
        scalar.identity("conversely 1 − z is linear on the codes, Σz·1/s − z", (total / s - entry).subs(total, s),
                        1 - entry),
        _complete(),
        _translator(),
    ]  # fmt: skip


@cache
def _found(K: int, s: int) -> set:
    return linear_symmetries(codes(K, s))


def _complete() -> Step:
    """All linear maps for K ≤ 5, and the number of pairs with a difference for K ≤ 6."""
    accepted = all(_found(K, s) == atom_symmetries(K, s) for K, s in SMALL)
    for K, s in [*SMALL, *((6, s) for s in range(1, 6))]:
        Z = np.array(codes(K, s))
        differences = (Z[:, None] - Z[None]).reshape(-1, K)
        found, pairs = np.unique(differences, axis=0, return_counts=True)
        accepted &= [binomial(K - 2 * r, s - r) for r in (found == 1).sum(1).tolist()] == pairs.tolist()
    counts = ", ".join(f"{K},{s}: {len(_found(K, s))}" for K, s in SMALL)
    return Step("sympy", "the complete cases K ≤ 5: every image of a basis tried", bool(accepted), f"K,s: {counts}")


def _translator() -> Step:
    v = LogicView(("i", "j"))
    x, y, B = v.x("i"), v.x("j"), v.event(v.x("j"))
    π, z = function("π", v.code_sort, v.code_sort), v.encode("i", x)
    back = v.pulled(B, v.code_sort, lambda u: v.decode("j", u))
    return prove(
        "g_2 f_1(x_1) = x_2 and π(z) ~ z, at the event g_2⁻¹(B): g_2 π f_1(x_1) ~ x_2 at B",
        [v.everywhere(v.decode("j", z), y), v.law_at(π(z), z, back)],
        v.law_at(v.decode("j", π(z)), y, B),
    )


@STABILISER.by("numeric")
def _(run):
    def check(member: tuple[int, int, int]):
        K, s, seed = member
        rng, Z = np.random.default_rng(seed), np.array(codes(K, s))
        kept = _overlaps(K, s)
        yield abs(len(kept) - factorial(K) * (2 if K == 2 * s >= 4 else 1)), COUNT
        some = kept[rng.integers(len(kept))]
        yield np.linalg.norm(_fitted(Z, some)), tolerance(len(Z) * K, len(Z))
        # Exchange two codes as well: linear iff the overlaps are kept.
        other = np.array(some)
        pair = rng.permutation(len(Z))[:2]
        other[pair] = other[pair[::-1]]
        linear = np.linalg.norm(_fitted(Z, other)) < 1e-6
        yield linear != (tuple(other.tolist()) in kept), COUNT

    members = st.tuples(st.sampled_from([*SMALL, (6, 2), (6, 3)]), SEEDS).map(lambda m: (*m[0], m[1]))
    return run.holds(
        "permutations of the codes that keep |S ∩ T|, counted by backtracking; least squares finds a map for no other",
        members,
        check,
    )


@cache
def _overlaps(K: int, s: int) -> list:
    return list(overlap_symmetries(K, s))


def _fitted(Z: np.ndarray, order) -> np.ndarray:
    """What the best linear map leaves of the permuted codes."""
    image = Z[list(order)]
    return Z @ np.linalg.lstsq(Z, image)[0] - image


@STABILISER.by("necessity")
def _(run):
    swapped = (1, 0, 2, 3, 4, 5)
    A = Matrix([[2, 0], [-1, 1]])
    one = Matrix([[1, 1]])
    weights = {(1, 0, 0): Rational(1, 2), (0, 1, 0): Rational(1, 4), (0, 0, 1): Rational(1, 4)}
    exchanged = {(b, a, c): p for (a, b, c), p in weights.items()}
    return Necessity(
        {
            "A linear": Counterexample(
                "K = 4, s = 2: exchange the codes 1100 and 1010 and keep the others",
                {"uniform support: the codes are permuted": sorted(swapped) == list(range(6))},
                {"a permutation of the atoms, or a complement": swapped in atom_symmetries(4, 2)},
                factorial(6) - len(_found(4, 2)),
            ),
            "uniform support": Counterexample(
                "K = 3, s = 1, weights 1/2, 1/4, 1/4: the exchange of the first two atoms changes the law",
                {
                    "1 ≤ s ≤ K−1": all(sum(c) == 1 for c in weights),
                    "the codes are permuted": {*exchanged} == {*weights},
                },
                {"zA ~ z": exchanged == weights},
                laws.total_variation(weights, exchanged),
            ),
            "1 ≤ s ≤ K−1": Counterexample(
                "K = s = 2: the one code 11, A = [[2,0],[−1,1]]",
                {"zA ~ z": one * A == one},
                {"A is a permutation": A.T * A == eye(2)},
                abs((A.T * A - eye(2))[0, 0]),
            ),
        }
    )


@STABILISER.by("mutants")
def _(run):
    f = _Roots()
    i, j, k = f.i, f.j, f.k
    sv, ones, atoms, active = _reals("sv_x ones K s")
    undirected = proves([f.proper(i, j), f.proper(j, k), f.proper(i, k)], f.either(i, j, k))
    signed = proves([sv == 0], z3.And(*_entries(-1, sv)))

    def off(K: int, s: int, claimed: int) -> float:
        return abs(len(_found(K, s)) - claimed) / COUNT

    return Mutants(
        [
            Mutant("drop", "roots need not add up: any permutation of the codes", undirected, off(4, 2, factorial(6))),
            Mutant("drop", "S_K for every s: never 1 − zP", proves(_entries(-1, sv), sv == 0), off(4, 2, 24)),
            Mutant("drop", "1 − zP for every s", proves([ones == atoms - active], ones == active), off(5, 2, 240)),
            Mutant("change", "signed permutations of the atoms", signed, off(3, 1, 48)),
            Mutant("drop", "only the identity", proves(_entries(1, sv), sv != 0), off(3, 2, 1)),
        ]
    )


def _data(K: int, s: int, D, centred: bool = False) -> list[list[int]]:
    """The points zD; less their mean, K times them, where centred."""
    X = np.array(codes(K, s)) @ np.array(D)
    return (K * X - s * np.array(D).sum(0) if centred else X).tolist()


# Its sums of rows are all different, as are those of its first columns.
GENERIC = [[1, 7, -3, 2, 5], [4, -2, 6, 1, -8], [-9, 5, 2, 8, 3], [11, 3, -7, -4, 6], [23, 12, 9, -5, 1]]


def _generic(K: int, d: int) -> list[list[int]]:
    return [row[:d] for row in GENERIC[:K]]


@OVERCOMPLETE.by("proof")
def _(run):
    α, β, γ, u, w, c = _reals("α β γ u w c")
    u2, w2 = _reals("u₂ w₂")
    independent = u * w2 != u2 * w
    cases = [(K, s, d) for K, s in SMALL for d in range(1, K)]
    only = all(len(linear_symmetries(_data(K, s, _generic(K, d)))) == 1 for K, s, d in cases)
    more = all(
        linear_symmetries(points) == atom_symmetries(K, s)
        for K, s in SMALL
        if K > 2
        for points in (_data(K, s, _generic(K, K)), _data(K, s, _generic(K, K - 1), centred=True))
    )
    # Z: the codes as rows, of rank K; σZ: the same rows permuted. σZD = ZDA makes [ZD, σZD] of rank d at most.
    return [
        prove("if that held for all D, Zu ↦ σZu would keep every d-dimensional subspace of the columns of Z, and every "
              "line, the intersection of those through it, d < K: it is one multiple α of the identity",
              [independent, γ * (u + w) == α * u + β * w, γ * (u2 + w2) == α * u2 + β * w2], α == β),
        prove("σZ = cZ has ones: c = 1, so σ = 1, as no two codes are equal; otherwise a minor of [ZD, σZD] is a "
              "polynomial that is not zero, for each of the finitely many σ ≠ 1", [c != 0, z3.Or(c == 0, c == 1)],
              c == 1),
        Step("sympy", "a D of integers, K ≤ 5, every d < K: only the identity", only, f"K,s,d: {cases}"),
        Step("sympy", "with d = K, or centred with d = K−1: all of S_K (S_K × Z₂ if K = 2s)", more, "K = 3, 4, 5"),
    ]  # fmt: skip


@OVERCOMPLETE.by("numeric")
def _(run):
    def check(member: tuple[int, int, int, int]):
        K, s, d, seed = member
        D = np.random.default_rng(seed).integers(-(10 ** (5 - d)), 10 ** (5 - d), size=(K, d))
        yield abs(len(linear_symmetries(_data(K, s, D))) - 1), COUNT
        alone = len(linear_symmetries(_data(K, s, D, centred=True)))
        symmetric = len(atom_symmetries(K, s)) if d == K - 1 else 2 if K == 2 * s else 1
        yield abs(alone - symmetric), COUNT

    cases = [(K, s, d) for K, s in SMALL for d in range(1, min(K, 4))]
    members = st.tuples(st.sampled_from(cases), SEEDS).map(lambda m: (*m[0], m[1]))
    statement = "integer D: the identity alone; centred, S_K at d = K−1, below it only −1 if K = 2s"
    return run.holds(statement, members, check)


@OVERCOMPLETE.by("necessity")
def _(run):
    def left(shown: str, points, **hypotheses: bool) -> Counterexample:
        count = len(linear_symmetries(points))
        return Counterexample(shown, hypotheses, {"only the identity": count == 1}, count - 1)

    special = [[1, 0], [0, 1], [1, 1]]
    fixed = Matrix([[2, 0], [-1, 1]])
    point = Matrix([_data(3, 3, [[1, 0], [0, 1], [0, 0]])[0]])
    return Necessity(
        {
            "d < K": left("K = d = 3, s = 1, D = 1", _data(3, 1, np.eye(3, dtype=int))),
            "D generic": left("K = 3, s = 1, D = [[1,0],[0,1],[1,1]]", _data(3, 1, special)),
            "x not centred": left("K = 3, s = 1, D = [[1,7],[4,−2],[−9,5]]", _data(3, 1, _generic(3, 2), True)),
            "1 ≤ s ≤ K−1": Counterexample(
                "K = s = 3, d = 2: the one point 11, A = [[2,0],[−1,1]]",
                {"xA ~ x": point * fixed == point},
                {"A = 1": fixed == eye(2)},
                (fixed - eye(2))[0, 0],
            ),
        }
    )


@OVERCOMPLETE.by("mutants")
def _(run):
    α, β, γ, u, w, c = _reals("α β γ u w c")
    every_line = proves([u * w != 0, γ * (u + w) == α * u + β * w], α == β)

    def more(points) -> float:
        return (len(linear_symmetries(points)) - 1) / COUNT

    centred = proves([c != 0, z3.Or(c / 2 == -1 / 2, c / 2 == 1 / 2)], c == 1)
    return Mutants(
        [
            Mutant("drop", "d = K as well: not every line is kept", every_line, more(_data(3, 1, _generic(3, 3)))),
            Mutant("drop", "centred, d = K−1", every_line, more(_data(4, 1, _generic(4, 3), centred=True))),
            Mutant("drop", "centred, K = 2s, d < K−1: entries ±1/2", centred, more(_data(4, 2, _generic(4, 2), True))),
            Mutant("drop", "every D", every_line, more(_data(3, 1, [[1, 0], [0, 1], [1, 1]]))),
        ]
    )
