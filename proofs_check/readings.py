"""Whether the readings of a property say the same: each function returns the first disagreement, or an empty text."""

from dataclasses import replace
from functools import reduce
from itertools import chain, combinations
from typing import Any

import numpy as np

from proofs_check import models
from proofs_check.algebra import letter
from proofs_check.coders import member
from proofs_check.problem import evaluate
from theory.linalg import tolerance
from theory.properties import SELF, Property, UndefinedError
from theory.view import View


class _Rounded(View):
    """Exact sides, handed to the loss as floats."""

    def paired(self, what, i, j):
        """Both sides at matched points, in float64."""
        return tuple(np.asarray(a, dtype=float) for a in super().paired(what, i, j))

    def samples(self, what, i, j):
        """Both sides as samples, in float64."""
        return tuple(np.asarray(a, dtype=float) for a in super().samples(what, i, j))


def loss_against_truth(prop: Property) -> str:
    """On exact models: the loss is 0 iff the property holds.

    Where the level compares coordinates one by one, a loss of 0 decides nothing unless there is one coordinate; then it
    has to be 0 on two laws that differ in their dependence alone.

    Examples
    --------
    >>> from theory.levels import Instance
    >>> from theory.properties import WHATS
    >>> class Shifted(Instance):
    ...     def loss(self, what, view, i, j):
    ...         return 1 + super().loss(what, view, i, j)

    >>> loss_against_truth(Property(WHATS["CC"], Instance())), loss_against_truth(Property(WHATS["CC"], Shifted()))
    ('', 'CC: loss 1, but holds = True, on equal codes, wrong decoders')
    """
    if prop.what.space in prop.level.marginal and not _blind(prop):
        return f"{prop.name}: declared to compare marginals only, but tells apart two laws that have the same"
    for model in _some(4):
        exact = model.view()
        view = _Rounded(exact.streams, exact.encoders, exact.decoders, sampling="aligned")
        for i, j in view.edges(prop.what.edges):
            a, b = prop.what.sides(exact, i, j)
            try:
                loss = float(prop.level.loss(prop.what, view, i, j))
            except UndefinedError:
                continue
            truth = prop.level.holds(prop.what, exact, i, j)
            largest = max(float(abs(v)) for side in (a, b) for v in side.ravel())
            zero = abs(loss) <= tolerance(1 + largest**2, len(a))
            blind = prop.what.space in prop.level.marginal and a.shape[1] > 1
            if zero != truth and not (zero and blind):
                return f"{prop.name}: loss {loss:.3g}, but holds = {truth}, on {model.name}"
    return ""


def _blind(prop: Property) -> bool:
    """Whether the loss is 0 on two different laws of the plane with the same marginals."""
    equal, opposite = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    what = replace(prop.what, sides=lambda v, i, j: (equal, opposite), edges=SELF, crosses=False)
    stand_in = Property(what, prop.level)
    view = View({"x": equal}, {}, {}, sampling="aligned")
    return not stand_in.holds(view) and abs(float(stand_in.loss(view))) <= tolerance(1.0, 2)


def _some(stride: int) -> list[models.Model]:
    """The named models of the pool, and some of the others; a stride prime to 5 meets every map in every place."""
    return [*models.NAMED, *models.pool()[len(models.NAMED) :: stride]]


def residual_against_numbers(prop: Property) -> str:
    """On linear coders: the residual of words, evaluated, is the residual of the numbers; on members it vanishes.

    Examples
    --------
    >>> from theory.levels import Instance
    >>> from theory.properties import WHATS
    >>> class Blind(Instance):
    ...     def residual(self, what, view, i, j):
    ...         return 0 * super().residual(what, view, i, j)
    >>> residual_against_numbers(Property(WHATS["CC"], Instance()))
    ''
    >>> residual_against_numbers(Property(WHATS["CC"], Blind()))
    "CC: the residual on ('i', 'j') vanishes on generic coders"
    """
    rng = np.random.default_rng(0)
    view = member(prop, rng)
    largest = max(float(np.abs(r).max()) for r in prop.residual(view).values())
    if not largest <= tolerance(1 + max(float((x**2).sum(1).max()) for x in view.streams.values()), 24):
        return f"{prop.name}: the residual is {largest:.3g} on a member"
    shapes = {f"X_{s}": (7, d) for s, d in zip("ij", (5, 4), strict=True)}
    shapes |= {f"W_{s}": (shapes[f"X_{s}"][1], 3) for s in "ij"} | {f"D_{s}": (3, shapes[f"X_{s}"][1]) for s in "ij"}
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    dims = {"dim n": 7, "dim x_i": 5, "dim x_j": 4, "dim k": 3}
    letters = {f"X_{s}": letter(f"X_{s}", "n", f"x_{s}") for s in "ij"}
    letters |= {f"W_{s}": letter(f"W_{s}", f"x_{s}", "k") for s in "ij"}
    letters |= {f"D_{s}": letter(f"D_{s}", "k", f"x_{s}") for s in "ij"}
    words, numbers = prop.residual(_linear(letters)), prop.residual(_linear(values))
    for edge, word in words.items():
        found, expected = evaluate(word, values | dims, np.eye), numbers[edge]
        if not np.abs(expected).max() > 0:
            return f"{prop.name}: the residual on {edge} vanishes on generic coders"
        error = float(np.abs(found - expected).max())
        if not error <= tolerance(1 + float(np.abs(expected).max()), 7 * 5) or found.shape != expected.shape:
            return f"{prop.name}: the residual on {edge} as words and as numbers differ by {error:.3g}"
    return ""


def _linear(symbols) -> View:
    """Linear coders over matrices or over letters."""

    def times(A):
        return lambda x: x @ A

    encoders = {s: times(symbols[f"W_{s}"]) for s in "ij"}
    decoders = {s: times(symbols[f"D_{s}"]) for s in "ij"}
    return View({s: symbols[f"X_{s}"] for s in "ij"}, encoders, decoders)


def formula_against_truth(prop: Property) -> str:
    """On exact models, told to z3 as tables: the formula is satisfiable iff the property holds.

    Examples
    --------
    >>> from theory.levels import Instance
    >>> from theory.properties import WHATS
    >>> class Never(Instance):
    ...     def holds(self, what, view, i, j):
    ...         return False
    >>> formula_against_truth(Property(WHATS["REC"], Never())).partition(", on ")[0]
    "REC: the formula on ('x', 'x') is sat, but holds = False"
    """
    for model in _some(31):
        view = model.view()
        for i, j in view.edges(prop.what.edges):
            truth = prop.level.holds(prop.what, view, i, j)
            answer = _decide(prop, model, i, j)
            if answer != ("sat" if truth else "unsat"):
                return f"{prop.name}: the formula on {i, j} is {answer}, but holds = {truth}, on {model.name}"
    return ""


def _decide(prop: Property, model: models.Model, i: str, j: str) -> str:
    """z3's answer to the formula on a model given as tables: points, values and maps as far as the sides ask."""
    import z3

    from proofs_check.logic import RESOURCES, LogicView

    logic, view = LogicView(tuple(model.view().streams)), model.view()
    constants: dict[str, dict[tuple, z3.ExprRef]] = {}
    facts: list[Any] = []

    def constant(sort: z3.SortRef, row) -> z3.ExprRef:
        known = constants.setdefault(sort.name(), {})
        return known.setdefault(tuple(row), z3.Const(f"{sort.name()}{len(known)}", sort))

    def traced(function, symbol: z3.FuncDeclRef):
        def call(x):
            y = function(x)
            for a, b in zip(x, y, strict=True):
                facts.append(symbol(constant(symbol.domain(0), a)) == constant(symbol.range(), b))
            return y

        return call

    points = [constant(logic.point_sort, (n,)) for n in range(len(model.x))]
    for s, x in view.streams.items():
        facts += [logic.r[s](p) == constant(logic.r[s].range(), row) for p, row in zip(points, x, strict=True)]
    encoders = {s: traced(f, logic.f[s]) for s, f in view.encoders.items()}
    decoders = {s: traced(g, logic.g[s]) for s, g in view.decoders.items()}
    prop.what.sides(view.replace(encoders=encoders, decoders=decoders), i, j)
    facts += [z3.Distinct(*known.values()) for known in constants.values()]
    facts.append(z3.ForAll([logic.omega], z3.Or(*(logic.omega == p for p in points))))

    formula = prop.level.formula(prop.what, logic, i, j)
    if z3.is_quantifier(formula) and formula.var_sort(0).kind() == z3.Z3_ARRAY_SORT:
        # "For every event": there are finitely many, so they are listed, and z3 has no quantified sets to search.
        values = list(constants[formula.var_sort(0).domain().name()].values())
        empty = z3.K(values[0].sort(), z3.BoolVal(False))
        subsets = chain.from_iterable(combinations(values, size) for size in range(len(values) + 1))
        events = (reduce(lambda event, v: z3.Store(event, v, True), subset, empty) for subset in subsets)
        formula = z3.And(*(z3.substitute_vars(formula.body(), event) for event in events))
    points_in = z3.Var(0, logic.mass.domain(0))
    share: Any = z3.Sum(*(z3.If(z3.Select(points_in, p), z3.RealVal(1), z3.RealVal(0)) for p in points))
    solver = z3.Solver()
    solver.set("rlimit", RESOURCES)
    solver.add(*facts, z3.substitute_funs(formula, (logic.mass, share / len(points))))
    return str(solver.check())
