"""E9.i, E9.ii: the weight of the instance loss that batches leak, read from trained maps (theorem F2)."""

from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen

# Part of the turn that one start keeps, against the closed form: batches of 16 move it by .05 on pilot seeds.
BAND = 0.2

ALIGNED = Claim(
    "E9.i",
    "Matched batches of n leak an instance loss of weight 1/n, trained",
    "n × weight = 1 for batches of 16 and of 64, biased and unbiased",
    "Gaussian rows, y = xA. Nothing in the distributional loss but the leak tells A from A times a rotation, so that "
    "the rate at which maps turn back to A measures its weight: n steps undo one and the same part of a turn, whatever "
    "n. The unbiased form is no remedy; it moves maps off the rotations by O(1/n), so that 1 is a leading order there.",
    "theorem F2 (ours)",
    Verdict.SUPPORTED,
)

SETS = Claim(
    "E9.ii",
    "Independent draws of N points leak .72 of 1/N (predicted .77 within .15), disjoint points 0 within .15, trained",
    "N × weight = .77 within .15 for independent draws of 64 points, n × weight = 0 within .15 for disjoint points",
    "The loss of independent draws holds an instance loss of weight 1/N, which alone would make 1 of .77. But the set "
    "never changes, so that stretches of the map give way to its sampling error, and this takes a share off the pull "
    "on rotations (d = 6). The rest, to .72, is that planes differ in their pull. Drawn from 4096 points the leak is "
    "lost in the noise; disjoint points leak nothing in theory, and what is measured there is noise, .04. A second "
    "run: the first gave .72 [.61, .83], an interval too wide for the band.",
    "theorem F2 (ours), with the share by which a fixed set relaxes",
    Verdict.SUPPORTED,
)


def _left(words: dict[str, str]) -> dict:
    """Part of the turn that is left, mean over starts and seeds, by the words beside which it stands."""
    from numpy import mean

    return {
        f"part of the turn left, {name}": lambda units, key=key: float(mean([u["left"][key] for u in units]))
        for name, key in words.items()
    }


@ALIGNED.by("experiment")
def _(run):
    from nonlinear.experiments.leaking import SIZES
    from proofs_check.trained.experiments import other

    disjoint = "disjoint points, 32 rows on a side"
    columns = {f"n × weight, batches of {n}": (f"aligned_{n}", f"disjoint_{n}", disjoint) for n in SIZES}
    columns["n × weight, batches of 64, unbiased"] = ("unbiased_64", "disjoint_64", disjoint)
    beside = {f"batches of {n}": f"aligned_{n}" for n in SIZES} | {"disjoint points": "disjoint"}
    statement = "linear translators trained for dTR alone, from turns of .25 against the truth"
    return other(frozen("E9.i"), statement, "leak weights", columns, _left(beside))


@ALIGNED.by("numeric")
def _(run):
    from hypothesis import strategies as st

    from nonlinear.experiments.leaking import ANGLE, SIZES, WIDTH
    from nonlinear.experiments.relaxation import kept
    from proofs_check.trained.experiments import units_of

    units = units_of("leak weights", frozen("E9.i"))
    keys = {f"aligned_{n}": n for n in SIZES} | {f"unbiased_{SIZES[-1]}": SIZES[-1]}

    @st.composite
    def members(draw):
        key = draw(st.sampled_from(sorted(keys)))
        left = draw(st.sampled_from(units))["left"]
        return keys[key], draw(st.sampled_from(left[key])), sum(left["disjoint"]) / len(left["disjoint"])

    def check(member):
        n, left, disjoint = member
        predicted = float(kept(1 / n, n, WIDTH, ANGLE))
        yield abs(left - predicted), BAND
        # The control: disjoint points, mean over the starts of a seed.
        yield BAND, abs(disjoint - predicted)

    statement = (
        f"part of the turn that a single start keeps after n steps, within {BAND} of what an instance loss of weight "
        "1/n leaves; disjoint points leave more"
    )
    return run.holds(statement, members(), check)


@SETS.by("experiment")
def _(run):
    from proofs_check.trained.experiments import other

    few, none = frozen("E9.ii").predictions
    columns = {
        few: ("independent", "many", "independent draws of 4096 points, 64 × weight"),
        none: ("disjoint", "aligned_16", "matched batches of 16"),
    }
    beside = _left({"independent draws": "independent", "disjoint points": "disjoint"})
    statement = "linear translators trained for dTR alone, from turns of .25 against the truth"
    return other(frozen("E9.ii"), statement, "leak of sets", columns, beside)
