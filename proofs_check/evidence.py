"""The kinds of evidence, as records that decide by themselves whether they passed.

A claim's evidence functions take a :class:`Run` and return one record of their kind, or a list of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.empirical import Experiment
from proofs_check.reached import Trained
from proofs_check.simulated import Simulated

KINDS = ("proof", "numeric", "simulated", "necessity", "mutants", "counterexample", "family", "trained", "experiment")
ENGINES = ("certificate", "z3", "sympy", "axiom")


@dataclass(frozen=True)
class Step:
    """One argument of a proof.

    Parameters
    ----------
    engine
        "certificate", "z3", "sympy" (exact engines), or "axiom" (a cited classical fact).
    statement
        What this step establishes.
    accepted
        The engine's answer, computed now.
    text
        What a reader may check by hand: the certificate, the negated formula, the identity.

    Raises
    ------
    ValueError
        When no engine has that name.

    Examples
    --------
    >>> step = Step("sympy", "(a + b)² = a² + 2ab + b²", True)
    >>> step.passed, step.summary
    (True, 'sympy: (a + b)² = a² + 2ab + b²')
    >>> Step("by hand", "obvious", True)
    Traceback (most recent call last):
    ValueError: no engine is called 'by hand'; use one of certificate, z3, sympy, axiom
    """

    engine: str
    statement: str
    accepted: bool
    text: str = ""
    kind: str = field(default="proof", init=False)

    def __post_init__(self):
        if self.engine not in ENGINES:
            raise ValueError(f"no engine is called {self.engine!r}; use one of {', '.join(ENGINES)}")

    @property
    def passed(self) -> bool:
        """Whether the engine accepted; an expression that is merely truthy is no answer."""
        return self.accepted is True

    @property
    def summary(self) -> str:
        """One line."""
        return f"{self.engine}: {self.statement}"


@dataclass(frozen=True)
class Numeric:
    """Generated members against the conclusion (kind numeric), or against its negation (kind family).

    ``worst`` is the largest residual/tolerance over all members, and has to stay ≤ 1; for a family it is the smallest
    violation/margin, and has to stay ≥ 1.

    Examples
    --------
    >>> Numeric("residuals vanish", 40, 0.02).summary
    'residuals vanish (40 members, largest residual/tolerance 0.02)'
    >>> Numeric("residuals vanish", 40, 1.5).passed, Numeric("they do not", 40, 1.5, kind="family").passed
    (False, True)
    """

    statement: str
    examples: int
    worst: float
    failure: str = ""
    kind: str = "numeric"

    @property
    def passed(self) -> bool:
        """Every member behaved, and there were members."""
        within = self.worst >= 1 if self.kind == "family" else self.worst <= 1
        return not self.failure and self.examples > 0 and within

    @property
    def summary(self) -> str:
        """One line."""
        ratio = "smallest violation/margin" if self.kind == "family" else "largest residual/tolerance"
        return f"{self.statement} ({self.examples} members, {ratio} {self.worst:.2g}){self.failure and ' FAILED'}"


@dataclass(frozen=True)
class Counterexample:
    """An exact model on which the hypotheses hold and the conclusion fails by a margin.

    Parameters
    ----------
    shown
        The model, as a reader needs it to repeat the computation.
    hypotheses, conclusion
        Name → exact truth value, computed.
    margin
        How far the conclusion fails: a positive int or Fraction (or an exact SymPy number).

    Examples
    --------
    >>> Counterexample("x = ½", {"x > 0": True}, {"x ≥ 1": False}, Fraction(1, 2)).summary
    'x = ½: fails “x ≥ 1” by 1/2'
    >>> Counterexample("x = ½", {"x > 0": True}, {"x ≥ 1": False}, 0.5).passed     # a float is not exact
    False
    """

    shown: str
    hypotheses: Mapping[str, bool]
    conclusion: Mapping[str, bool]
    margin: Any
    kind: str = field(default="counterexample", init=False)

    @property
    def passed(self) -> bool:
        """Hypotheses true, some conclusion false, exact positive margin."""
        exact = isinstance(self.margin, int | Fraction) or bool(getattr(self.margin, "is_Rational", False))
        exact = exact and not isinstance(self.margin, bool)
        values = [*self.hypotheses.values(), *self.conclusion.values()]
        boolean = all(isinstance(v, bool | np.bool_) for v in values)
        broken = len(self.conclusion) > 0 and not all(self.conclusion.values())
        return boolean and exact and self.margin > 0 and all(self.hypotheses.values()) and broken

    @property
    def summary(self) -> str:
        """One line."""
        failing = ", ".join(name for name, holds in self.conclusion.items() if not holds)
        return f"{self.shown}: fails “{failing}” by {self.margin}"


@dataclass(frozen=True)
class Necessity:
    """What happens without each hypothesis: an exact countermodel, or the reason why there can be none.

    Parameters
    ----------
    dropped
        Hypothesis → counterexample in which all the others hold (or a z3 countermodel, as a :class:`Step`).
    structural
        Hypothesis → why no finite exact model can violate it.

    Examples
    --------
    >>> found = Counterexample("x = −1", {"x ≠ 0": True}, {"1/x > 0": False}, 1)
    >>> Necessity({"x > 0": found}, {"x is finite": "every exact x is"}).summary
    'without “x > 0”: x = −1: fails “1/x > 0” by 1; “x is finite” is structural: every exact x is'
    """

    dropped: Mapping[str, Counterexample | Step]
    structural: Mapping[str, str] = field(default_factory=dict)
    kind: str = field(default="necessity", init=False)

    @property
    def passed(self) -> bool:
        """Every countermodel passed; a cited fact is none."""
        cited = any(isinstance(c, Step) and c.engine == "axiom" for c in self.dropped.values())
        return not cited and all(c.passed for c in self.dropped.values())

    @property
    def summary(self) -> str:
        """One line."""
        parts = [f"without “{h}”: {c.summary}" for h, c in self.dropped.items()]
        return "; ".join(parts + [f"“{h}” is structural: {why}" for h, why in self.structural.items()])


@dataclass(frozen=True)
class Mutant:
    """A variant of the claim that should be false.

    Parameters
    ----------
    name, text
        The operation (flip, drop, double, unstar, swap, …) and the mutated statement.
    proved
        Whether the engine that proved the claim proves the mutant within the same budget.
    violation
        The largest violation/margin seen on members; above 1 the mutant is refuted numerically.

    Examples
    --------
    >>> flipped = Mutant("flip", "x² < 0", proved=False, violation=12.0)
    >>> flipped.killed, Mutant("double", "2x² ≥ 0", proved=True, violation=0.0).equivalent
    (True, True)
    """

    name: str
    text: str
    proved: bool
    violation: float

    @property
    def killed(self) -> bool:
        """Not proved and numerically refuted."""
        return not self.proved and self.violation > 1

    @property
    def equivalent(self) -> bool:
        """A true variant, recorded with its proof and never counted as killed."""
        return self.proved and not self.violation > 1


@dataclass(frozen=True)
class Mutants:
    """All mutants of a claim: at least three killed, none left undecided, none both proved and refuted.

    Examples
    --------
    >>> flipped, same = Mutant("flip", "x² < 0", False, 12.0), Mutant("double", "2x² ≥ 0", True, 0.0)
    >>> Mutants([flipped, flipped, flipped, same]).summary
    '3 false variants killed, 1 true ones recognised'
    >>> Mutants([flipped, same]).passed     # too few
    False
    """

    mutants: Sequence[Mutant]
    kind: str = field(default="mutants", init=False)

    @property
    def passed(self) -> bool:
        """The rule above."""
        decided = all(m.killed or m.equivalent for m in self.mutants)
        return decided and sum(m.killed for m in self.mutants) >= 3

    @property
    def summary(self) -> str:
        """One line."""
        killed, same = sum(m.killed for m in self.mutants), sum(m.equivalent for m in self.mutants)
        alive = [m.text for m in self.mutants if not (m.killed or m.equivalent)]
        return f"{killed} false variants killed, {same} true ones recognised" + (
            f", undecided: {'; '.join(alive)}" if alive else ""
        )


Record = Step | Numeric | Simulated | Counterexample | Necessity | Mutants | Trained | Experiment


@dataclass(frozen=True)
class Run:
    """Seed and effort of one evaluation; the only source of randomness that evidence may use.

    Examples
    --------
    >>> from hypothesis import strategies
    >>> drawn = strategies.integers(1, 9)
    >>> run = Run(examples=5)
    >>> run.holds("x is below 10", drawn, lambda x: [(x, 10)]).passed
    True
    >>> run.holds("x is below 0.5", drawn, lambda x: [(x, 0.5)]).failure
    'AssertionError: ratio 2 on 1'
    """

    seed: int = 0
    examples: int = 40

    def rng(self) -> np.random.Generator:
        """Fresh generator from the seed."""
        return np.random.default_rng(self.seed)

    def holds(self, statement: str, strategy, check: Callable[[Any], Iterable[tuple[float, float]]]) -> Numeric:
        """Hypothesis draws members; ``check(member)`` yields (residual, tolerance) pairs, all residual ≤ tolerance."""
        return self._drawn(statement, strategy, check, "numeric")

    def violates(self, statement: str, strategy, check: Callable[[Any], Iterable[tuple[float, float]]]) -> Numeric:
        """Hypothesis draws members; ``check(member)`` yields (violation, margin) pairs, all violation ≥ margin > 0."""
        return self._drawn(statement, strategy, check, "family")

    def _drawn(self, statement, strategy, check, kind) -> Numeric:
        from hypothesis import HealthCheck, Phase, given, seed, settings

        ratios: list[float] = []

        @settings(
            max_examples=self.examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            print_blob=False,
        )
        @seed(self.seed)
        @given(strategy)
        def test(member):
            pairs = list(check(member))
            assert pairs, "a check that compares nothing is no evidence"
            values = []
            for value, bound in pairs:
                usable = bound > 0 and np.isfinite(bound) and np.isfinite(value)
                assert usable, f"value {value}, bound {bound}"
                values.append(float(value / bound))
            worst = min(values) if kind == "family" else max(values)
            assert worst >= 1 if kind == "family" else worst <= 1, f"ratio {worst:.3g} on {member!r}"
            ratios.append(worst)

        failure = ""
        try:
            test()
        except Exception as error:  # any failure of a member is the finding, whatever its type
            failure = f"{type(error).__name__}: {error}"[:600]
        worst = (min if kind == "family" else max)(ratios, default=float("nan"))
        return Numeric(statement, len(ratios), worst, failure, kind)
