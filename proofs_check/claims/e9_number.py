"""E9.vi: the number of known pairs counts, and not their share (theorem C6, trained)."""

from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen

NUMBER = Claim(
    "E9.vi",
    "148 pairs align sparse coders as well among 151 552 points as among 8192",
    "R²_TR and R²_CC of 148 anchors among 151 552 points less those of the same 148 among 8192: 0",
    "Sparse coders trained for REC on all rows and for TR and CC on the same anchors, at equal steps and exposures. "
    "148 of 151 552 are the share of 8 of 8192, which do not align: the number decides, where the share would not. "
    "A second run, on six seeds and with the bound of convergence .2 of E4.iii, whose arms these are: in the first, "
    ".007 and .000 on ten seeds, one control of 40 runs had not converged (.11; bound .1). Its largest change is .05.",
    "theorem C6 (ours); on Section 5, a tenth of a percent of matched pairs",
    Verdict.SUPPORTED,
)


@NUMBER.by("experiment")
def _(run):
    from nonlinear.experiments.anchoring import anchored
    from nonlinear.experiments.identified import many
    from proofs_check.trained.comparisons import Reading, compare, gain

    few, eight = (anchored(m, laws=False) for m in (148, 8))
    readings = {
        f"R²_{what} of 148 among many, less among few": Reading(
            f"R²_{what} of {many().name}, less that of 8192", gain(what), (many(), few), (eight, few)
        )
        for what in ("TR", "CC")
    }
    return compare(frozen("E9.vi"), readings)
