"""E9.vii: where trained coders lie in the region of theorem A1, and what decides where their codes differ."""

from proofs_check.ledger import Claim, Verdict
from proofs_check.predictions import frozen

REGION = Claim(
    "E9.vii",
    "The constants of the active atoms say where codes differ",
    "rms min((t + r)/σ_S, √(‖a‖² + ‖b‖²)) ranks arms by C, ρ ≥ .7; under REC + TR, (t + r)/σ_S ranks rows of equally "
    "many atoms by ‖a − b‖ better than t + r does: ρ higher by .25 (linear), .1 (ReLU bottleneck)",
    "What the region of theorem A1 says of trained coders, measured on the arms of E1.",
    "theorems A1 and A2 (ours)",
    Verdict.NOT_RUN,
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
