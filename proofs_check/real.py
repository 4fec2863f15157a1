"""The paper's real embeddings on one screen: its printed scores beside ours, then what each conclusion came to.

It reads a report and stored experiments and judges nothing: every score is the mean of a stored run, and every word on
a conclusion follows from the verdicts of its claims.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from proofs_check.synthetic import WORDS as OUTCOMES
from proofs_check.synthetic import Finding, _finding

if TYPE_CHECKING:
    from proofs_check.report import Report

DATA = Path(__file__).parent / "data"
PAPER = json.loads((DATA / "paper_real.json").read_text(encoding="utf-8"))
SCORES: tuple[str, ...] = tuple(PAPER["columns"])
TABLES = PAPER["tables"]
# Table → row → printed scores; the methods are scored on the vision encoders.
PRINTED: Mapping[str, Mapping[str, Sequence[float]]] = {
    "vision": {**TABLES["vision"], **TABLES["methods"]},
    "multimodal": TABLES["multimodal"],
}
# Under every score: name of a table of the paper or of our embeddings, and whether it is the paper's.
COLUMNS = {name: name in PRINTED for name in ("vision", "digits", "halves", "multimodal", "scenes")}
# Where each experiment is stored, once it has run; and the embeddings in it.
FILES = {"digits": "digits-full.json", "halves": "digits-full.json", "scenes": "scenes-full.json"}
JOINT = ", joint codes"
# Rows: as the paper names them, then as ours are (a run's name after that of its embeddings), and what is trained.
ROWS: Mapping[str, tuple[str, str]] = {
    "none": ("none", "REC"),
    "TR": ("TR", "REC + TR"),
    "CC": ("CC", "REC + CC"),
    "CYC": ("CYC", "REC + CYC"),
    "dTR": ("dTR", "REC + dTR"),
    "dCC": ("dCC", "REC + dCC"),
    "TR+CC": ("TR+CC", "REC + TR + CC"),
    "dTR+dCC": ("dTR+dCC", "REC + dTR + dCC"),
    "anchors": ("TR+CC, 148 anchors", "TR + CC, few pairs"),
    "mixed": ("mixed, 148 anchors", "mixed, few pairs"),
    "crosscoder, joint codes": ("crosscoder, joint codes", "crosscoder, joint"),
    "crosscoder": ("crosscoder", "crosscoder, alone"),
    "USAE": ("USAE", "USAE"),
    "CoSAE": ("CoSAE", "CoSAE"),
}
FEW = "Few pairs: 1 in 1000 of the paper's, also of its CoSAE; 148 of our 4096, while our CoSAE knows them all."
# What the paper concludes, and the claims that test it; the page sets every second one in its right column.
CONCLUSIONS = {
    "Training translation does not give consistency": ("E7.i", "E7.iii"),
    "Training consistency does not give translation": ("E7.ii",),
    "Cycle consistency is no surrogate for alignment": ("E7.iv",),
    "Distributional losses alone do not align": ("E7.v",),
    "Few known pairs restore the alignment": ("E7.vi",),
    "Once anchored, distributional losses help by more than .05": ("E7.vii",),
    "Coders transfer across modalities": ("E8.i",),
    "They keep up with a dense linear projector": ("E8.ii", "E8.iii"),
    "Codes locate what a caption means (SPARC)": ("E8.iv", "E8.v"),
}
WORDS = {**OUTCOMES, "supported": "carries over"}


@dataclass(frozen=True)
class Score:
    """A printed score, or the mean of ours over seeds.

    Parameters
    ----------
    mean, sd
        Between 0 and 1; no deviation of a printed score or of a single seed.
    seeds
        How many; 0 of a printed score.

    Examples
    --------
    >>> Score(0.2174).seeds, Score(0.5, sd=0.01, seeds=3).mean
    (0, 0.5)
    """

    mean: float
    sd: float | None = None
    seeds: int = 0


@dataclass(frozen=True)
class Conclusion:
    """A conclusion of the paper, and what its claims say of it.

    Parameters
    ----------
    text
        What the paper concludes.
    outcome
        A verdict: that of all its claims, or "inconclusive" where they differ.
    word
        The outcome in a word: "carries over", "does not", "in part", "open", "not run" or "BROKEN".
    findings
        Its claims, with the records that hold numbers.

    Examples
    --------
    >>> Conclusion("cycles close", *judged(["supported", "contradicted"]), []).word
    'in part'
    """

    text: str
    outcome: str
    word: str
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Real:
    """What the section shows.

    Parameters
    ----------
    scores, columns, sure, few
        SCORES; COLUMNS; table of the paper → how sure its rows' labels are; what few pairs are.
    rows
        What is trained → scores, for each of SCORES those of COLUMNS; None where there is no number.
    seeds
        Embeddings → number of seeds; those that were not run have none.
    conclusions
        Without those none of whose claims is part of the report.

    Examples
    --------
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.ledger import Claim, Verdict
    >>> from proofs_check.report import assemble
    >>> from proofs_check.runner import Finding as Record
    >>> claim = Claim("E7.ii", "consistency", "", "", "", Verdict.SUPPORTED, evidence={"experiment": print})
    >>> measured = Record("E7.ii", "experiment", True, "", {"outcome": "supported"})
    >>> found = real(assemble([claim], {"E7.ii": {"experiment": [measured]}}, Run()), Path("no such folder"))
    >>> [c.text for c in found.conclusions], found.rows["REC + TR"][0].mean
    (['Training consistency does not give translation'], 0.9016)
    """

    scores: Sequence[str]
    columns: Mapping[str, bool]
    sure: Mapping[str, str]
    few: str
    rows: Mapping[str, Sequence[Score | None]]
    seeds: Mapping[str, int]
    conclusions: Sequence[Conclusion]


def real(report: "Report", experiments: Path = DATA / "experiments") -> Real | None:
    """Gather the section from a report and the stored experiments; None where no claim of E7 or E8 was measured.

    Parameters
    ----------
    report
        Of a whole run or of a part of it.
    experiments
        Folder with the documents of ``concept-alignment experiment``; those that it lacks were not run.

    Examples
    --------
    >>> from proofs_check.evidence import Run
    >>> from proofs_check.report import assemble
    >>> real(assemble([], {}, Run())) is None
    True
    """
    by_id = {e.id: e for e in report.claims}
    asked = [i for ids in CONCLUSIONS.values() for i in ids]
    if not any("experiment" in by_id[i].evidence for i in asked if i in by_id):
        return None
    results = {source: _stored(experiments / name) for source, name in FILES.items()}
    conclusions = []
    for text, ids in CONCLUSIONS.items():
        verdicts = [by_id[i].verdict if i in by_id else "not run" for i in ids]
        if findings := [_finding(by_id[i]) for i in ids if i in by_id]:
            conclusions.append(Conclusion(text, *judged(verdicts), findings))
    return Real(
        SCORES,
        COLUMNS,
        PAPER["confidence"],
        FEW,
        {ROWS[row][1]: [_score(row, s, c, results) for s in SCORES for c in COLUMNS] for row in ROWS},
        {source: len({u["seed"] for r in found for u in r["units"]}) for source, found in results.items()},
        conclusions,
    )


def judged(verdicts: Sequence[str]) -> tuple[str, str]:
    """Return the outcome of a conclusion and its word, by the verdicts of its claims.

    Examples
    --------
    >>> judged(["supported", "supported"]), judged(["supported", "contradicted"])
    (('supported', 'carries over'), ('inconclusive', 'in part'))
    """
    for outcome in ("BROKEN", "not run"):
        if outcome in verdicts:
            return outcome, WORDS[outcome]
    (first, *others) = sorted(set(verdicts))
    if not others:
        return first, WORDS[first]
    return "inconclusive", WORDS["inconclusive"] if "inconclusive" in verdicts else "in part"


def printed(table: str, row: str, score: str) -> float | None:
    """Return what the paper prints; None where it prints nothing.

    Examples
    --------
    >>> printed("vision", "TR", "S_cons"), printed("multimodal", "USAE", "S_ext")
    (0.2174, None)
    """
    values = PRINTED[table].get(row)
    return None if values is None else values[SCORES.index(score)]


def scores(units: Sequence[Mapping[str, Any]], score: str, joint: bool = False) -> list[float]:
    """Return one score per seed, by standalone or joint codes; seeds without it are left out.

    Examples
    --------
    >>> scores([{"seed": 0, "scores": {"S_ext": 0.5}}, {"seed": 1}], "S_ext")
    [0.5]
    """
    key = "shared_scores" if joint else "scores"
    return [float(u[key][score]) for u in units if score in u.get(key, ())]


def _score(row: str, score: str, column: str, results: Mapping[str, Sequence[Mapping[str, Any]]]) -> Score | None:
    if column in PRINTED:
        value = printed(column, row, score)
        return None if value is None else Score(value)
    name = f"{column}, {ROWS[row][0]}"
    found = (r["units"] for r in results[column] if r["name"] == name.removesuffix(JOINT))
    values = scores(next(found, []), score, name.endswith(JOINT))
    return Score(mean(values), stdev(values) if len(values) > 1 else None, len(values)) if values else None


def _stored(path: Path) -> Sequence[Mapping[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
