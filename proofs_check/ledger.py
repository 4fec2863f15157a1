"""Claims and their verdicts. Verdicts are computed from evidence, never declared."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import Any

from proofs_check.evidence import KINDS, Necessity, Record, Run, Step
from proofs_check.statistics import ALPHA, holm


class Verdict(StrEnum):
    """What the evidence of a statement, or of an empirical claim, amounts to.

    Examples
    --------
    >>> print(Verdict.MODULO_AXIOMS)
    verified modulo axioms
    >>> Verdict("refuted") in STANDING
    False
    """

    VERIFIED = "verified"
    MODULO_AXIOMS = "verified modulo axioms"
    REFUTED = "refuted"
    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"
    OPEN = "open"
    BROKEN = "BROKEN"
    NOT_RUN = "not run"


STANDING = (Verdict.VERIFIED, Verdict.MODULO_AXIOMS)
EMPIRICAL = {"experiment", "numeric"}


@dataclass(frozen=True)
class Claim:
    """One statement, and the functions that produce evidence for or against it.

    A claim with evidence of kind "experiment" is empirical: it says what training gives, and nothing proves it.

    Parameters
    ----------
    id
        "L4.ii"; a correction is named after what it corrects, "L4.ii-corrected".
    title, formula, statement
        A short name; the statement in formulas; the statement in our own words.
    locator
        Where it stands: "Lemma 4(ii), App. D.2.1". For statements of ours, the reference.
    expect
        The verdict known now; it changes only in a commit that quotes the evidence.
    hypotheses
        Names of the hypotheses; necessity evidence covers exactly these.
    axioms
        Names from ``proofs_check.axioms`` on which the proof leans.
    corrects
        Id of the false statement that this one replaces.
    requires
        Ids of the claims used; they have to stand themselves.
    implies
        Property implications (premises, conclusion) that the proof establishes, for the matrix.

    Examples
    --------
    >>> claim = Claim("X1", "demo", "1 = 1", "One is one.", "none", Verdict.VERIFIED)
    >>> @claim.by("proof")
    ... def proof(run):
    ...     return Step("sympy", "1 = 1", True)
    >>> judge([claim], {"X1": {"proof": [proof(Run())]}})["X1"]
    <Verdict.OPEN: 'open'>

    """

    id: str
    title: str
    formula: str
    statement: str
    locator: str
    expect: Verdict
    hypotheses: tuple[str, ...] = ()
    axioms: tuple[str, ...] = ()
    corrects: str = ""
    requires: tuple[str, ...] = ()
    implies: tuple[tuple[tuple[str, ...], str], ...] = ()
    evidence: dict[str, Callable[[Run], Record | Sequence[Record]]] = field(default_factory=dict, compare=False)

    def by(self, kind: str):
        """Register the decorated function as this claim's evidence of the given kind."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of evidence; use one of {', '.join(KINDS)}")

        def register(function):
            if kind in self.evidence:
                raise ValueError(f"{self.id} has {kind} evidence already; return a list from one function instead")
            kinds = {kind, *self.evidence}
            if "experiment" in kinds and not kinds <= EMPIRICAL:
                raise ValueError(f"{self.id} is empirical: it has no {' or '.join(sorted(kinds - EMPIRICAL))} evidence")
            self.evidence[kind] = function
            return function

        return register

    @property
    def empirical(self) -> bool:
        """Whether experiments decide, and not a proof or a counterexample."""
        return "experiment" in self.evidence

    @property
    def family(self) -> str:
        """The statement that this claim is a part of, "E1" for "E1.i"; p-values are adjusted within it."""
        return self.id.partition(".")[0]

    @property
    def required(self) -> tuple[str, ...]:
        """Kinds that this claim needs before it has a verdict."""
        if self.empirical:
            needed = {"experiment"}
        elif "counterexample" in self.evidence:
            needed = {"counterexample", "family"}
        else:
            needed = {"proof", "numeric", "mutants"} | ({"necessity"} if self.hypotheses else set())
        return tuple(k for k in KINDS if k in needed | set(self.evidence))

    def collect(self, kind: str, run: Run) -> list[Record]:
        """Run one kind of evidence now; records of another kind, or none, are an error of the claim file."""
        found = self.evidence[kind](run)
        records: list[Record] = [*found] if isinstance(found, Sequence) else [found]
        wrong = [r for r in records if r.kind != kind]
        if wrong or not records:
            raise TypeError(f"{self.id}: {kind} evidence returned {[r.kind for r in wrong] or 'nothing'}")
        if kind == "necessity":
            covered = {h for r in records if isinstance(r, Necessity) for h in (*r.dropped, *r.structural)}
            if covered != set(self.hypotheses):
                raise ValueError(f"{self.id}: necessity covers {sorted(covered)}, not {sorted(self.hypotheses)}")
        if kind == "proof":
            used = {r.statement for r in records if isinstance(r, Step) and r.engine == "axiom"}
            if used != set(self.axioms):
                raise ValueError(f"{self.id}: the proof uses axioms {sorted(used)}, the claim says {list(self.axioms)}")
            if all(isinstance(r, Step) and r.engine == "axiom" for r in records):
                raise ValueError(
                    f"{self.id}: an axiom alone proves nothing; add the step that leads from it to the claim"
                )
        return records


REGISTERED: list[Claim] = []


def register_claim(*claims: Claim) -> None:
    """Add claims of your own to those that :func:`load` finds; a plug-in calls it when it is imported.

    Raises
    ------
    TypeError
        When one is no claim.
    ValueError
        When one has no evidence; an id that is taken is found by :func:`load`.

    Examples
    --------
    >>> register_claim(Claim("X2", "demo", "1 = 1", "One is one.", "none", Verdict.VERIFIED))
    Traceback (most recent call last):
    ValueError: claim X2 has no evidence; decorate a function (run) → record with its `.by("proof")`
    """
    for claim in claims:
        if not isinstance(claim, Claim):
            raise TypeError(f"{claim!r} is no Claim; register records of proofs_check.ledger.Claim")
        if not claim.evidence:
            raise ValueError(
                f'claim {claim.id} has no evidence; decorate a function (run) → record with its `.by("proof")`'
            )
        if not any(claim is known for known in REGISTERED):
            REGISTERED.append(claim)


def load() -> list[Claim]:
    """All claims of ``proofs_check.claims``, in the order of files and lines, and then the registered ones.

    Raises
    ------
    ValueError
        When two claims have the same id.

    Examples
    --------
    >>> len({c.id for c in load()}) == len(load()) > 100
    True
    """
    from proofs_check import claims

    modules = [importlib.import_module(f"{claims.__name__}.{m.name}") for m in pkgutil.iter_modules(claims.__path__)]
    found = [c for module in modules for c in vars(module).values() if isinstance(c, Claim)] + REGISTERED
    by_id = {c.id: c for c in found}
    if twice := sorted({c.id for c in found if by_id[c.id] is not c}):
        raise ValueError(f"two claims are called {', '.join(twice)}; give each its own id")
    return list(by_id.values())


def order(claims: Sequence[Claim]) -> list[Claim]:
    """Ancestors and corrections first.

    Raises
    ------
    KeyError
        When a claim names an id that does not exist.
    graphlib.CycleError
        When claims require each other in a circle.

    Examples
    --------
    >>> wrong = Claim("L1", "", "", "", "", Verdict.REFUTED)
    >>> right = Claim("L1-corrected", "", "", "", "", Verdict.VERIFIED, corrects="L1", requires=("P1",))
    >>> [c.id for c in order([wrong, right, Claim("P1", "", "", "", "", Verdict.VERIFIED)])]
    ['P1', 'L1-corrected', 'L1']
    """
    by_id = {c.id: c for c in claims}
    graph: dict[str, set[str]] = {c.id: set(c.requires) for c in claims}
    for c in claims:
        if c.corrects:
            graph[c.corrects].add(c.id)
    return [by_id[i] for i in TopologicalSorter(graph).static_order()]


def judge(claims: Sequence[Claim], results: Mapping[str, Mapping[str, Sequence[Record]]]) -> dict[str, Verdict]:
    """Verdict of every claim from the records collected so far (claim id → kind → records).

    Examples
    --------
    >>> claim = Claim("X1", "", "", "", "", Verdict.VERIFIED)
    >>> for kind in ("proof", "numeric", "mutants"):
    ...     _ = claim.by(kind)(lambda run: [])
    >>> judge([claim], {})["X1"], judge([claim], {"X1": {"proof": [Step("z3", "1 = 2", False)]}})["X1"]
    (<Verdict.NOT_RUN: 'not run'>, <Verdict.BROKEN: 'BROKEN'>)
    """
    verdicts: dict[str, Verdict] = {}
    p_values = adjusted(claims, results)
    for claim in order(claims):
        corrections = [verdicts[c.id] for c in claims if c.corrects == claim.id]
        verdicts[claim.id] = _verdict(claim, results.get(claim.id, {}), verdicts, corrections, p_values.get(claim.id))
    return {c.id: verdicts[c.id] for c in claims}


def adjusted(claims: Sequence[Claim], results: Mapping[str, Mapping[str, Sequence[Any]]]) -> dict[str, float]:
    """Return the p-values of the empirical claims by Holm's method, for those families that ran as a whole.

    Examples
    --------
    >>> from types import SimpleNamespace as Record
    >>> numbers = {"E1.i": 0.01, "E1.ii": 0.03}
    >>> claims = [Claim(i, "", "", "", "", Verdict.SUPPORTED, evidence={"experiment": print}) for i in numbers]
    >>> found = {i: {"experiment": [Record(passed=True, p_value=p)]} for i, p in numbers.items()}
    >>> adjusted(claims, found)
    {'E1.i': 0.02, 'E1.ii': 0.03}
    >>> adjusted(claims, {"E1.i": found["E1.i"]})     # half a family
    {}
    """
    families: dict[str, dict[str, Sequence[Any]]] = {}
    for c in claims:
        if c.empirical:
            families.setdefault(c.family, {})[c.id] = results.get(c.id, {}).get("experiment", ())
    found: dict[str, float] = {}
    for records in families.values():
        if all(records.values()):
            # A claim holds where all its records do, so that its p-value is the largest; a failure supports nothing.
            largest = [max(r.p_value if r.passed else 1.0 for r in rs) for rs in records.values()]
            found |= zip(records, holm(largest), strict=True)
    return found


def _verdict(claim, records, verdicts, corrections, p_value) -> Verdict:
    if any(not r.passed for found in records.values() for r in found):
        return Verdict.BROKEN
    if any(kind not in claim.evidence for kind in claim.required):
        return Verdict.OPEN
    if any(not records.get(kind) for kind in claim.required):
        return Verdict.NOT_RUN
    ancestors = [verdicts[i] for i in claim.requires]
    if "counterexample" in claim.evidence:
        if "proof" in claim.evidence:
            return Verdict.BROKEN
        ancestors += corrections
        if not corrections:
            return Verdict.OPEN
    for worst in (Verdict.BROKEN, Verdict.NOT_RUN):
        if worst in ancestors:
            return worst
    if claim.empirical:
        return _measured(records["experiment"], ancestors, p_value)
    if not all(v in STANDING for v in ancestors):
        return Verdict.OPEN
    if "counterexample" in claim.evidence:
        return Verdict.REFUTED
    return Verdict.MODULO_AXIOMS if claim.axioms or Verdict.MODULO_AXIOMS in ancestors else Verdict.VERIFIED


def _measured(records, ancestors, p_value) -> Verdict:
    if any(r.outcome == Verdict.CONTRADICTED for r in records):
        return Verdict.CONTRADICTED
    if p_value is None:
        return Verdict.NOT_RUN
    stand = all(v in (*STANDING, Verdict.SUPPORTED) for v in ancestors)
    return Verdict.SUPPORTED if stand and p_value <= ALPHA else Verdict.INCONCLUSIVE
