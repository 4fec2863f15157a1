"""First-order statements through z3: proofs for arbitrary sets, and finite countermodels.

The view below is the same object that arrays use; its streams are z3 terms, so a property's definition is read once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import z3

from proofs_check.evidence import Step
from theory.view import View

# z3's own count of steps, about a second: unlike a time limit it gives the same answer on every machine.
RESOURCES = 2_000_000
# What a proof without one of its hypotheses may take: more than any of the claims' proofs takes with them.
IDLE_RESOURCES = 200_000
# Every question is put several times, each time in a context of its own: the answer then does not depend on what the
# process asked before. z3 5.4 has answered both sat and unsat to one question with λ-terms: unsat counts if no seed
# contradicts it.
SEEDS = range(4)

# z3 annotates a sum or a conjunction as anything that its sorts could ever give.
Term = Any


class LogicView(View):
    """Streams over arbitrary sets: a point ω, representations r_i(ω), coders as uninterpreted functions.

    Parameters
    ----------
    names
        Streams.
    representation
        Stream → its z3 sort; by default one uninterpreted sort each.

    Examples
    --------
    >>> from theory.properties import CC, REC, TR, Instance, Property
    >>> v = LogicView(("i", "j"))
    >>> cc, rec, tr = (Property(what, Instance()).formula(v) for what in (CC, REC, TR))
    >>> prove("CC ∧ REC ⇒ TR", [cc["i", "j"], rec["j", "j"]], tr["i", "j"]).accepted
    True

    """

    def __init__(self, names=("i", "j"), representation: Mapping[str, z3.SortRef] | None = None):
        self.point_sort = z3.DeclareSort("Ω")
        self.code_sort = z3.DeclareSort("Z")
        sorts = representation or {s: z3.DeclareSort(f"X_{s}") for s in names}
        self.omega = z3.Const("ω", self.point_sort)
        self.r = {s: z3.Function(f"r_{s}", self.point_sort, sorts[s]) for s in names}
        self.f = {s: z3.Function(f"f_{s}", sorts[s], self.code_sort) for s in names}
        self.g = {s: z3.Function(f"g_{s}", self.code_sort, sorts[s]) for s in names}
        # A set function with values in an unordered sort: equality of laws needs nothing else of a measure.
        self.mass = z3.Function("μ", z3.ArraySort(self.point_sort, z3.BoolSort()), z3.RealSort())
        super().__init__({s: self.r[s](self.omega) for s in names}, self.f, self.g)

    def everywhere(self, a: Term, b: Term) -> Term:
        """∀ω: a(ω) = b(ω)."""
        return z3.ForAll([self.omega], a == b)

    def preimage(self, side: Term, event: Term) -> Term:
        """{ω : side(ω) ∈ event} as a set of points."""
        return z3.Lambda([self.omega], z3.Select(event, side))

    def law_at(self, a: Term, b: Term, event: Term) -> Term:
        """μ(a ∈ event) = μ(b ∈ event): one instance of :meth:`same_law`."""
        return self.mass(self.preimage(a, event)) == self.mass(self.preimage(b, event))

    def same_law(self, a: Term, b: Term) -> Term:
        """∀ events B: μ(a ∈ B) = μ(b ∈ B)."""
        event = self.event(a)
        return z3.ForAll([event], self.law_at(a, b, event))

    def event(self, side: Term, name: str = "B") -> Term:
        """Arbitrary event in the space of a side."""
        return z3.Const(f"{name}_{side.sort()}", z3.ArraySort(side.sort(), z3.BoolSort()))

    def pulled(self, event: Term, sort: z3.SortRef, maps: Callable[[Term], Term]) -> Term:
        """{u : maps(u) ∈ event}; choosing it as the event of a hypothesis pushes both of its laws through the map."""
        u = z3.Const("u", sort)
        return z3.Lambda([u], z3.Select(event, maps(u)))

    def measure(self, condition: Term) -> Term:
        """μ{ω : condition}."""
        return self.mass(z3.Lambda([self.omega], condition))

    def null(self, condition: Term) -> Term:
        """The condition holds almost nowhere: μ{ω : condition} = 0."""
        return self.measure(condition) == 0

    def almost_everywhere(self, a: Term, b: Term) -> Term:
        """a = b almost everywhere."""
        return self.null(a != b)

    def split(self, p: Term, q: Term) -> Term:
        """Instance of the axioms of a measure: μ{p} = μ{p ∧ q} + μ{p ∧ ¬q}, both parts ≥ 0."""
        inside, outside = (self.measure(z3.And(p, r)) for r in (q, z3.Not(q)))
        return z3.And(self.measure(p) == inside + outside, inside >= 0, outside >= 0)

    def splits(self, p: Term, q: Term, n: Term) -> Term:
        """The instances by which μ{p} = μ{q} for conditions that agree where n fails, μ{n} = 0."""
        parts = (z3.And(p, z3.Not(q)), z3.And(q, z3.Not(p)))
        return z3.And(self.split(p, q), self.split(q, p), *(self.split(n, part) for part in parts))

    def injective(self, j: str, *sides: Term) -> Term:
        """g_j is injective on the union of the sets of values that the sides take."""
        other = z3.Const("ω'", self.point_sort)
        pairs = [(a, z3.substitute(b, (self.omega, other))) for a in sides for b in sides]
        claims = [z3.Implies(self.g[j](a) == self.g[j](b), a == b) for a, b in pairs]
        return z3.ForAll([self.omega, other], z3.And(*claims))


def _solver(seed: int, resources: int) -> z3.Solver:
    solver = z3.Solver(ctx=z3.Context())
    solver.set("rlimit", resources)
    solver.set("random_seed", seed)
    return solver


def constant(name: str, sort: z3.SortRef) -> Term:
    """Arbitrary element of a sort.

    Examples
    --------
    >>> str(constant("ω", z3.DeclareSort("Ω")))
    'ω'
    """
    return z3.Const(name, sort)


def function(name: str, *sorts: z3.SortRef) -> Callable[..., Term]:
    """Arbitrary function; the last sort is that of its values.

    Examples
    --------
    >>> f = function("f", z3.IntSort(), z3.BoolSort())
    >>> f(z3.IntVal(0)).sort()
    Bool
    """
    return z3.Function(name, *sorts)


def instance(formula: Term, *terms: Term) -> Term:
    """Instance of a ∀ formula, one term per bound variable.

    What follows from instances of the hypotheses at terms over a fresh constant follows for all its values.

    Raises
    ------
    ValueError
        When the formula is not ∀, or the number of terms is not that of its variables.

    Examples
    --------
    >>> a, b = z3.Ints("a b")
    >>> instance(z3.ForAll([a, b], a < b), b, z3.IntVal(3))
    b < 3

    """
    if not formula.is_forall() or formula.num_vars() != len(terms):
        raise ValueError(f"not a ∀ over {len(terms)} variables: {formula}")
    return z3.substitute_vars(formula.body(), *reversed(terms))


def prove(statement: str, hypotheses: list, goal) -> Step:
    """Accept the goal iff it follows, the hypotheses are not seen to contradict each other, and each is consumed.

    z3 has to answer `unsat` on hypotheses ∧ ¬goal under some seed and `sat` under none, and not so on the hypotheses
    alone: contradictory hypotheses would prove anything. A hypothesis is idle if the goal is proved without it, within
    the smaller budget :data:`IDLE_RESOURCES`; a step that lists one claims to use what it does not. Without hypotheses
    the goal is an identity, and the text says so.

    Examples
    --------
    >>> a, b = z3.Ints("a b")
    >>> prove("only the first is used", [a > b, b > 0], a >= b).accepted
    False

    """
    accepted, answer = _decided(hypotheses, goal)
    idle = idle_hypotheses(hypotheses, goal) if accepted else []
    given = [str(h) for h in hypotheses] or ["identity, without hypotheses"]
    text = "\n".join([*given, f"¬({goal})", f"→ {answer}", *(f"idle: {h}" for h in idle)])
    return Step("z3", statement, accepted and not idle, text)


def _decided(hypotheses: list, goal) -> tuple[bool, str]:
    """Whether the goal is proved from hypotheses that z3 does not refute; and its answers."""
    consistent = not _refuted(hypotheses)[0]
    proved, answers = _refuted([*hypotheses, z3.Not(goal)])
    return consistent and proved, answers


def _refuted(assertions: list, resources: int | None = None) -> tuple[bool, str]:
    """Whether some seed answers unsat to the assertions together and none sat; and the different answers."""
    answers = _answers(assertions, RESOURCES if resources is None else resources)
    return "unsat" in answers and "sat" not in answers, ", ".join(sorted(answers))


def _answers(assertions: list, resources: int) -> dict[str, z3.Solver]:
    """Answers of all seeds, each with a solver that gave it."""
    found: dict[str, z3.Solver] = {}
    for seed in SEEDS:
        solver = _solver(seed, resources)
        solver.add(*(z3.BoolVal(a, solver.ctx) if isinstance(a, bool) else a.translate(solver.ctx) for a in assertions))
        found.setdefault(str(solver.check()), solver)
    return found


def idle_hypotheses(hypotheses: list, goal) -> list:
    """Those without which the goal is still proved, one left out at a time.

    Examples
    --------
    >>> a, b = z3.Ints("a b")
    >>> idle_hypotheses([a > b, b > 0], a >= b)
    [b > 0]
    """
    negated = z3.Not(goal)
    rest = ([*hypotheses[:n], *hypotheses[n + 1 :], negated] for n in range(len(hypotheses)))
    return [h for h, others in zip(hypotheses, rest, strict=True) if _refuted(others, IDLE_RESOURCES)[0]]


def countermodel(statement: str, hypotheses: list, goal) -> Step:
    """Accept iff z3 finds a finite model of hypotheses ∧ ¬goal; the model is the text.

    Examples
    --------
    >>> a, b = z3.Ints("a b")
    >>> countermodel("≥ is not >", [a >= b], a > b).accepted, countermodel("> is ≥", [a > b], a >= b).accepted
    (True, False)
    """
    answers = _answers([*hypotheses, z3.Not(goal)], RESOURCES)
    accepted = "sat" in answers and "unsat" not in answers
    text = str(answers["sat"].model()) if accepted else ", ".join(sorted(answers))
    return Step("z3", statement, accepted, text)


def proves(hypotheses: list, goal) -> bool:
    """Whether z3 proves the goal, idle hypotheses or not; for mutants.

    Examples
    --------
    >>> a, b = z3.Ints("a b")
    >>> proves([a > b], a >= b), proves([a >= b], a > b)
    (True, False)
    """
    return _decided(hypotheses, goal)[0]


def finite_sort(name: str, size: int) -> z3.SortRef:
    """Sort with exactly `size` named elements.

    Examples
    --------
    >>> finite_sort("E", 2).num_constructors()
    2
    """
    return z3.EnumSort(name, [f"{name}{i}" for i in range(size)])[0]
