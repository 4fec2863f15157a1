"""E3: distributional losses do not give instance alignment (Section 4, synthetic table; theorems C1, C2, C5 and F2)."""

from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen

GAUSSIAN = Claim(
    "E3.i",
    "Equal laws without translation, Gaussian rows",
    "dTR trained on disjoint points: E R²_TR = −1, Var R²_TR = 4/d², and the loss at its floor",
    "Linear translators trained until their image has the law of y, as far as a batch can tell, land anywhere in the "
    "group of maps that keep this law: R² scatters around −1 as a uniformly drawn rotation's does. "
    "A second run; like the first (seeds 0 to 9, p = .053) it meets every prediction alone, but the p-value "
    "of the spread is too large after Holm's correction.",
    "theorems C1 and C2 at m = 0 (ours)",
    Verdict.INCONCLUSIVE,
)


@GAUSSIAN.by("experiment")
def _(run):
    from nonlinear.experiments import gaussian
    from proofs_check.trained.experiments import mean_of, other

    mean, spread, distance = frozen("E3.i").predictions
    pairs, half = "trained on all pairs", "regression on d/2 anchors, which contracts the law"
    columns = {
        mean: ("r2", "pairs_r2", pairs),
        spread: ("spread", "pairs_spread", pairs),
        distance: ("over_floor", "regression_over_floor", half),
    }
    beside = {
        "starts": lambda units: float(gaussian.LAW_STARTS),
        "distance over its floor, trained on all pairs": mean_of("pairs_over_floor"),
        "R²_TR of the regression": mean_of("regression_r2"),
    }
    statement = "linear translators trained for dTR on disjoint points, over starts"
    return other(frozen("E3.i"), statement, "gaussian laws", columns, beside)


@GAUSSIAN.by("numeric")
def _(run):
    from proofs_check.trained.group import laws

    return laws(run, frozen("E3.i"))


LEAK = Claim(
    "E3.ii",
    "Matched batches leak pairs into the distributional loss",
    "R²_TR(aligned) − R²_TR(disjoint) ≥ .75 at the same loss, rows and steps",
    "The same translators, on batches whose two sides show the same points, learn to translate: the loss holds an "
    "instance loss of weight 1/n, whatever the order of the rows. Independent draws from a large set do not. A "
    "first run on seeds 0 to 9 gave 1.48 [1.41, 1.55].",
    "theorem F2 (ours)",
    Verdict.SUPPORTED,
)


@LEAK.by("experiment")
def _(run):
    from proofs_check.trained.experiments import mean_of, other

    (name,) = frozen("E3.ii").predictions
    columns = {name: ("leak", "independent_leak", "independent batches of 4096 points, less disjoint ones")}
    beside = {"R²_TR, disjoint": mean_of("r2")}
    statement = "linear translators trained for dTR on matched batches"
    return other(frozen("E3.ii"), statement, "gaussian laws", columns, beside)


TRANSLATION = Claim(
    "E3.iii",
    "Translations near the law of y without translation, sparse coders",
    "REC + dTR trained on disjoint points: R²_TR ≤ 0",
    "Sparse coders trained to reconstruct and to translate in law translate worse than the mean does. The "
    "distance of the laws ends at 2.7 of its floor, from 25 without dTR. The second of two runs: the first, on seeds 0 "
    "to 4, met both predictions, but p was .055 after Holm; that it was a first try enters no correction.",
    "Section 4, synthetic experiments: R²_TR .99 under dTR; theorem C5 at m = 0",
    Verdict.SUPPORTED,
)


@TRANSLATION.by("experiment")
def _(run):
    return _unaligned(frozen("E3.iii"), "TR", "distance of the laws")


CONSISTENCY = Claim(
    "E3.iv",
    "Codes near one marginal law without consistency, sparse coders",
    "REC + dCC trained on disjoint points: R²_CC ≤ 0",
    "Sparse coders trained to reconstruct and to use every atom alike in law do not fire alike: a permutation of the "
    "atoms of equal law costs nothing.",
    "Section 4, synthetic experiments: R²_CC .99 under dCC; theorem C5 at m = 0",
    Verdict.SUPPORTED,
)


@CONSISTENCY.by("experiment")
def _(run):
    return _unaligned(frozen("E3.iv"), "CC", "distance of the marginal laws")


PAPER = Claim(
    "E3.v",
    "Distributional losses align sparse coders, by the leak at least",
    "REC + dTR and REC + dCC trained on matched batches: R²_TR > .1 and R²_CC > .1",
    "The paper reports instance alignment under distributional losses. The leak of matched batches is the setting that "
    "favours this most: it moves R² up from that of disjoint points, and far from aligned.",
    "Section 4, synthetic experiments: R²_TR .99 under dTR, R²_CC .99 under dCC",
    Verdict.CONTRADICTED,
)


@PAPER.by("experiment")
def _(run):
    from nonlinear.experiments.unidentifiability import law
    from proofs_check.trained.comparisons import Reading, compare, r2

    readings = {
        f"R²_{what}": Reading(
            f"{law(f'd{what}', 'aligned').name}: R²_{what}",
            r2(what),
            (law(f"d{what}", "aligned"),),
            (law(f"d{what}"),),
        )
        for what in ("TR", "CC")
    }
    return compare(frozen("E3.v"), readings)


TABLE = Claim(
    "E3.vi",
    "The paper's synthetic table, cell by cell",
    "each printed R² ≥ .98 is ≥ .8, each printed .00 is ≤ 0",
    "The five rows of the table on a linear generator, distributional losses on disjoint points. Sizes and weights of "
    "the paper are lost: what is held against it is its pattern. A law leaves the permutations of equal atoms (E3.iii, "
    "E3.iv; theorem C5), and sparse codes of a linear generator are almost determined by what they decode to (E1.i).",
    "Section 4, table of the synthetic experiments",
    Verdict.CONTRADICTED,
)


@TABLE.by("experiment")
def _(run):
    from proofs_check.trained.synthetic_table import cells

    return cells(frozen("E3.vi"))


def _unaligned(stated, what: str, distance: str):
    """R² of a WHAT and the distance of its laws over the floor, trained for the latter on disjoint points."""
    from nonlinear.experiments.unidentifiability import law, objective
    from proofs_check.trained.comparisons import Reading, compare, r2

    arm = law(f"d{what}")
    return compare(
        stated,
        {
            f"R²_{what}": Reading(f"{arm.name}: R²_{what}", r2(what), (arm,), (objective(what),)),
            f"distance d{what} over its floor": Reading(
                f"{arm.name}: {distance} on 1000 + 1000 fresh rows",
                lambda unit: unit["over_floor"][f"d{what}"],
                (arm,),
                (objective(),),
            ),
        },
    )
