"""E6: label Jaccard and retrieval under joint selection (SPARC's Global TopK), with the controls that they lack."""

from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen

JACCARD = Claim(
    "E6.i",
    "Joint selection alone makes the label Jaccard 1",
    "live atoms: J ≥ .95 by joint selection alone, and cross-reconstruction adds ≤ .05 to it",
    "Atoms that are selected for all streams of a point at once fire on the same points, hence on the same labels: "
    "nothing is left for cross-reconstruction to add, which under own selection adds much (the control). The null says "
    "the rest: coders of the start, which have learnt nothing, reach nearly as much.",
    "SPARC, label Jaccard on Open Images: .81 joint with cross, .81 joint alone, .32 and .35 by own selection",
    Verdict.SUPPORTED,
)


def _labels(mode: str, name: str = "label_jaccard_live"):
    return lambda unit: unit["supports"][mode][name]


def _beside(name: str, words: str):
    return {
        f"{words}, {kind} codes": _labels(mode, name) for kind, mode in (("joint", "shared"), ("own", "standalone"))
    }


@JACCARD.by("experiment")
def _(run):
    from nonlinear.experiments.methods import method
    from proofs_check.trained.comparisons import Reading, compare

    alone, cross = method("joint selection alone"), method("SPARC")
    own, own_cross = method("own selection"), method("own selection, cross")
    shared, standalone = _labels("shared"), _labels("standalone")
    return compare(
        frozen("E6.i"),
        {
            "label Jaccard": Reading(
                f"{alone.name}: label Jaccard of live atoms, joint codes",
                shared,
                (alone,),
                (own_cross,),
                "",
                standalone,
                _beside("label_jaccard", "of all atoms") | _beside("support_jaccard", "support Jaccard"),
            ),
            "label Jaccard gained": Reading(
                "label Jaccard of live atoms that cross-reconstruction adds, joint codes",
                lambda u, v: shared(u) - shared(v),
                (cross, alone),
                (own_cross, own),
                "what it adds under own selection",
                lambda u, v: standalone(u) - standalone(v),
            ),
        },
    )


ALONE = Claim(
    "E6.ii",
    "Standalone codes lose the agreement of joint ones",
    "joint selection alone: label Jaccard of live atoms falls by ≥ .15 when each stream selects for itself",
    "What a stream's own code agrees about is what training has given; the rest was put in by the selection. The "
    "control, coders that select for themselves, loses nothing by construction.",
    "SPARC evaluates label Jaccard on joint codes",
    Verdict.SUPPORTED,
)


@ALONE.by("experiment")
def _(run):
    from nonlinear.experiments.methods import method
    from proofs_check.trained.comparisons import Reading, compare

    alone, shared, standalone = method("joint selection alone"), _labels("shared"), _labels("standalone")
    reading = Reading(
        f"{alone.name}: label Jaccard of live atoms, joint less standalone codes",
        lambda u: shared(u) - standalone(u),
        (alone,),
        (method("own selection, cross"),),
        "own selection, where nothing changes by construction",
        lambda u: standalone(u) - standalone(u),
    )
    return compare(frozen("E6.ii"), {"label Jaccard lost": reading})


RETRIEVAL = Claim(
    "E6.iii",
    "Joint codes retrieve whatever they were paired with",
    "SPARC, rows of y shuffled: recall@1 of the wrong partner ≥ .3 by joint codes",
    "Given two streams in an order of their own, joint codes find the row that stood beside, though it shows another "
    "point. Such a recall measures the selection: coders of the start reach more than half of it, standalone codes "
    "find it by chance. The rows are shuffled already, so that the null of shuffled pairs is the measured number.",
    "SPARC, retrieval; theorem F2's lesson for evaluation (ours)",
    Verdict.SUPPORTED,
)


@RETRIEVAL.by("experiment")
def _(run):
    from nonlinear.experiments.methods import method
    from proofs_check.trained.comparisons import Reading, compare

    def recall(mode: str):
        return lambda unit: unit["shuffled_supports"][mode]["recall"]

    arm = method("SPARC")
    reading = Reading(
        f"{arm.name}: recall@1 among 512 rows of the shuffled partner, joint codes",
        recall("shared"),
        (arm,),
        (arm,),
        "standalone codes of the same coders",
        recall("standalone"),
        _beside("recall", "recall of the true partner"),
    )
    return compare(frozen("E6.iii"), {"recall of the wrong partner": reading})
