"""E1: the breakdown of duality in trained coders (Section 4.1, synthetic table)."""

from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen

TRANSLATION = Claim(
    "E1.i",
    "Translation without consistency, linear generator",
    "REC + TR trained: R²_TR ≥ .8 and R²_CC ≤ 0",
    "Coders trained to reconstruct and to translate translate well, and their codes do not agree. Sparse codes of a "
    "linear generator are almost determined by what they decode to, so the paper's .00 is held against that.",
    "Section 4, synthetic experiments: R²_TR .99, R²_CC .00",
    Verdict.CONTRADICTED,
)


@TRANSLATION.by("experiment")
def _(run):
    from nonlinear.experiments.duality import arm
    from proofs_check.trained.comparisons import sparse

    controls = {"R²_TR": arm("linear", "REC"), "R²_CC": arm("linear", "REC+CC")}
    return sparse(frozen("E1.i"), arm("linear", "REC+TR"), controls)


@TRANSLATION.by("numeric")
def _(run):
    from nonlinear.experiments.duality import arm
    from proofs_check.trained.experiments import row_bounds

    return row_bounds(run, frozen("E1.i"), [arm("linear", objective) for objective in ("REC+TR", "REC+CC", "REC")])


BOTTLENECK = Claim(
    "E1.ii",
    "Translation without consistency, ReLU bottleneck",
    "REC + TR trained: R²_TR > .1 and R²_CC ≤ 0",
    "The same through a ReLU bottleneck, where the rows are no linear image of sparse codes: what translates does not "
    "fire alike.",
    "Section 4, synthetic experiments: R²_TR .99, R²_CC .00",
    Verdict.INCONCLUSIVE,
)


@BOTTLENECK.by("experiment")
def _(run):
    from nonlinear.experiments.duality import arm
    from proofs_check.trained.comparisons import sparse

    controls = {"R²_TR": arm("ReLU bottleneck", "REC"), "R²_CC": arm("ReLU bottleneck", "REC+TR+CC")}
    return sparse(frozen("E1.ii"), arm("ReLU bottleneck", "REC+TR"), controls)


CONSISTENCY = Claim(
    "E1.iii",
    "Consistency gives translation, linear generator",
    "REC + CC trained: R²_CC ≥ .7 and R²_TR ≥ .5",
    "Coders trained to reconstruct and to fire alike translate, though nothing asked them to.",
    "Section 4, synthetic experiments: R²_TR .98, R²_CC .99; Proposition 1 (⇐)",
    Verdict.SUPPORTED,
)


@CONSISTENCY.by("experiment")
def _(run):
    from nonlinear.experiments.duality import arm
    from proofs_check.trained.comparisons import sparse

    control = arm("linear", "REC")
    return sparse(frozen("E1.iii"), arm("linear", "REC+CC"), {"R²_CC": control, "R²_TR": control})
