"""What was measured, for notebooks and figures: documents of experiments, and the verdicts of their claims."""

from collections.abc import Mapping, Sequence
from itertools import chain
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proofs_check.entries import Entry

DISJOINT = "disjoint, biased, independent start"
ALIGNED = "aligned, biased, independent start"
# Experiment → claim → the runs behind it, on whose seeds they were measured. A run stands once.
BEHIND: Mapping[str, Mapping[str, Sequence[str]]] = {
    "duality": {
        "E1.i": ("linear, REC", "linear, REC+TR", "linear, REC+CC"),
        "E1.ii": ("ReLU bottleneck, REC", "ReLU bottleneck, REC+TR", "ReLU bottleneck, REC+TR+CC"),
    },
    "cycle": {
        "E2.i": ("linear, REC", "linear, REC+TR", "linear, REC+CYC"),
        "E2.ii": ("cycle_only",),
        "E2.iii": ("covariance_matched",),
    },
    "unidentifiability": {
        "E3.i": ("gaussian laws",),
        "E3.vi": (
            *("linear, REC", "linear, REC+TR", "linear, REC+CC"),
            *(f"linear, REC+{term}, {batches}" for term in ("dTR", "dCC") for batches in (DISJOINT, ALIGNED)),
        ),
    },
    "anchoring": {
        "E4.i": ("gaussian anchors",),
        "E4.ii": ("matched atoms",),
        "E4.iii": ("linear, 148 anchors", *(f"linear, {m} anchors + laws" for m in (0, 8, 148))),
    },
    "methods": {
        "E5.i": tuple(
            f"linear, {method}"
            for method in (
                *("SAE, lr 0.01", "CoSAE, lr 0.01", "USAE, lr 0.01", "USAE, all update, lr 0.03", "SAE-A, lr 0.01"),
                *("crosscoder, lr 0.03", "SPARC, lr 0.03", "joint selection alone, lr 0.03"),
                *("own selection, cross, lr 0.01", "own selection, lr 0.03"),
            )
        ),
    },
}


def measured(name: str, scale: str = "small") -> dict[str, Any]:
    """Return the document of an experiment, as ``concept-alignment experiment`` writes it.

    Parameters
    ----------
    name
        Of the experiment, "duality" for one.
    scale
        "full": the document that the package holds, with the machine and the commit that gave it. "small": the runs
        behind the claims, from the store that ``verify`` and the tests leave; those that it lacks are trained here, on
        one core.

    Returns
    -------
    dict
        ``experiment``, ``scale``, ``machine``, ``commit``, ``sources``, ``predictions``, and ``results``: for each run
        its name, its settings and the numbers of every seed.

    Raises
    ------
    ValueError
        There is no such scale, or no such experiment at the small one.
    FileNotFoundError
        The package holds no document of it.

    Examples
    --------
    >>> found = measured("methods", "full")
    >>> found["scale"], len(found["results"])
    ('full', 20)
    """
    if scale == "full":
        from proofs_check.figures.catalogue import stored

        return stored(name)
    if scale != "small":
        raise ValueError(f"there is no scale {scale!r}; use small or full")
    if name not in BEHIND:
        raise ValueError(f"no small document of {name!r}; use one of {', '.join(BEHIND)}, or scale full")
    from nonlinear.experiments.grids import tasks
    from proofs_check.experiment_command import document, rounded
    from proofs_check.predictions import frozen
    from proofs_check.trained.experiments import store

    by_name = {task.name: task for task in tasks(name, "small")}
    results = []
    for claim, names in BEHIND[name].items():
        seeds = [model for _, model in frozen(claim).seeds]
        results += [rounded(by_name[n].result(seeds, by_name[n].run(seeds, store()))) for n in names]
    return document(name, "small", results)


def judged(*families: str) -> "list[Entry]":
    """Return the claims of whole families, each with its verdict and evidence, from the cache where it has them.

    Parameters
    ----------
    families
        "E1" for E1.i to E1.iii; Holm's correction is over a family.

    Raises
    ------
    ValueError
        Unknown family.

    Examples
    --------
    >>> judged("E0")
    Traceback (most recent call last):
    ValueError: no claims of E0; families are the ids before the dot, E1 for one
    """
    from proofs_check.evidence import Run
    from proofs_check.ledger import load
    from proofs_check.report import assemble
    from proofs_check.runner import collect

    claims = load()
    if unknown := set(families) - {c.family for c in claims}:
        raise ValueError(f"no claims of {', '.join(sorted(unknown))}; families are the ids before the dot, E1 for one")
    chosen = [c for c in claims if c.family in families]
    return list(assemble(chosen, collect(chosen), Run(), partial=True).claims)


def stated(module: ModuleType) -> str:
    """Return the claims of a module of proofs_check/claims/, each with its formula and, where refuted, counterexamples.

    Raises
    ------
    AssertionError
        A counterexample, computed now, does not pass.

    Examples
    --------
    >>> from proofs_check.claims import l2
    >>> stated(l2).splitlines()[0].split()[:2]
    ['L2.i', 'verified']
    """
    from proofs_check.evidence import Run
    from proofs_check.ledger import Claim, Verdict

    lines = []
    for claim in (c for c in vars(module).values() if isinstance(c, Claim)):
        lines += [f"{claim.id:17} {claim.expect:23} {claim.title}", f"{'':17} {claim.formula}"]
        for record in claim.collect("counterexample", Run()) if claim.expect == Verdict.REFUTED else ():
            if not record.passed:
                raise AssertionError(f"{claim.id}: {record.summary}")
            lines.append(f"{'':17} {record.summary}")
    return "\n".join(lines)


def table(claims: "Sequence[Entry]") -> str:
    """Return predicted beside measured: a line per claim, and under it one per number that was frozen beforehand.

    Measured numbers are means over seeds with 95 % t-intervals.

    Examples
    --------
    >>> print(table([]))
    <BLANKLINE>
    """
    return "\n".join(chain.from_iterable(map(_lines, claims)))


def _lines(claim: "Entry") -> list[str]:
    why = "" if claim.verdict == "supported" else f". {claim.why}"
    lines = [f"{claim.id:8} {claim.title}: {claim.verdict}{why}"]
    for record in claim.evidence.get("experiment", ()):
        details = record["details"]
        measured = next((arm["interval"] for arm in details["arms"] if arm["role"] == "measured"), None)
        if measured is not None:
            interval = f"{measured['mean']:.3g} [{measured['low']:.3g}, {measured['high']:.3g}]"
            predicted = details["prediction"]["text"].partition(",")[0]
            lines.append(f"{'':9}{details['name']}: predicted {predicted}, measured {interval}, {details['outcome']}")
            if details["outcome"] != "supported":
                lines.append(f"{'':11}{details['reason']}")
    return lines
