"""E9.vii: where trained coders lie in the region of theorem A1, and what decides where their codes differ."""

from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen

REGION = Claim(
    "E9.vii",
    "The constants of the active atoms say where codes differ (arms: as the norms of shuffled codes do)",
    "rms min((t + r)/σ_S, √(‖a‖² + ‖b‖²)) ranks arms by C, ρ ≥ .7; under REC + TR, (t + r)/σ_S ranks rows of equally "
    "many atoms by ‖a − b‖ better than t + r does: ρ higher by .25 (linear), .1 (ReLU bottleneck)",
    "Every run lies in the region of theorem A1, as it must. What training decides is how much that says: the bound of "
    "the rows ranks arms by C, which the norms of the codes do not; and where translation alone is trained it is how "
    "nearly dependent the active atoms are, not how well a row translates, that says whose codes differ. Where CC is "
    "trained, nothing of that is left. For shuffled pairs C is all that the norms allow, so that they rank the arms. "
    "Without √(‖a‖² + ‖b‖²) a few nearly dependent rows make up the mean (ρ = .4 over arms, pilot seeds): TR lowers "
    "σ_S. The seeds are those of E1: their R² were known, and none of these numbers.",
    "theorems A1 and A2 (ours)",
    Verdict.SUPPORTED,
)


def _arms():
    from nonlinear.experiments.duality import arm

    objectives = {"linear": ("REC", "REC+TR", "REC+CC"), "ReLU bottleneck": ("REC", "REC+TR", "REC+TR+CC")}
    return tuple(arm(generator, name) for generator, names in objectives.items() for name in names)


@REGION.by("experiment")
def _(run):
    from nonlinear.experiments.duality import arm
    from proofs_check.trained.comparisons import Reading, compare
    from proofs_check.trained.region import by_constants, over_arms

    words = "rank correlation of the ceiling with C, over six arms and both decoders"
    readings = {
        "ρ over arms": Reading(
            words, over_arms("ceiling"), _arms(), _arms(), "√(‖a‖² + ‖b‖²) alone", over_arms("largest")
        )
    }
    for generator, control in (("linear", "REC+CC"), ("ReLU bottleneck", "REC+TR+CC")):
        words = f"{generator}, REC+TR: rank correlation of (t + r)/σ_S with ‖a − b‖ over rows, less that of t + r alone"
        arms = (arm(generator, "REC+TR"),), (arm(generator, control),)
        readings[f"ρ over rows by σ_S, {generator}"] = Reading(words, by_constants, *arms)
    return compare(frozen("E9.vii"), readings)


@REGION.by("numeric")
def _(run):
    from proofs_check.trained.experiments import row_bounds
    from proofs_check.trained.region import run_bounds

    return [run_bounds(run, frozen("E9.vii"), _arms()), row_bounds(run, frozen("E9.vii"), _arms())]
