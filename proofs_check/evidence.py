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
    """All mutants of a claim: at least three killed, none left undecided, none both proved and refuted."""

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
    """Seed and effort of one evaluation; the only source of randomness that evidence may use."""

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
