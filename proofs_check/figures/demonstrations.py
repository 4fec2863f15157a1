"""The figures that commands draw of a user's files, here of data that come with the package."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

POINTS = 800
SITUATION = "permuted within classes"


def audit(seed: int = 0) -> Figure:
    """Return the figure of ``audit --demo``."""
    from proofs_check.audit import Config
    from proofs_check.audit import audit as run
    from proofs_check.audit_document import document
    from proofs_check.demo import digits
    from proofs_check.figures.audit import figure

    return figure(document(run(*digits(), Config(seed=seed))))


def anchors(seed: int = 0) -> Figure:
    """Return the figure of ``anchors`` for both halves of the digits."""
    from proofs_check.anchors import anchors as answer
    from proofs_check.anchors_command import document
    from proofs_check.demo import digits
    from proofs_check.figures.anchors_needed import figure

    halves = digits()
    found = answer(*halves, target=0.5, seed=seed)
    return figure(document(found, [(rows.name, len(rows), rows.dim) for rows in halves], seed))


def intervench(seed: int = 0) -> Figure:
    """Return the figure of ``intervench`` for coders that were told their atoms."""
    from nonlinear.intervench.benchmark import intervench as score
    from nonlinear.intervench.config import Config
    from nonlinear.intervench.planted import planted
    from proofs_check.figures.intervench import figure

    data = planted(POINTS, seed, SITUATION)
    found = score(data.sources, data.coders, data.labels, Config.model_validate({"seed": seed}), forget=data.forget)
    return figure({"inputs": {"run": f"planted, {SITUATION}"}, **found})


# Name → from what, module that draws it, and how.
DEMONSTRATIONS: Mapping[str, tuple[str, str, Callable[[], Figure]]] = {
    "audit": ("scikit-learn's digits, left half against right half, as audit --demo; seed 0", "audit", audit),
    "anchors": ("the same halves, as anchors --target 0.5; seed 0", "anchors_needed", anchors),
    "intervench": (
        f"{POINTS} planted points, coders that know their atoms, {SITUATION} on one side; seed 0",
        "intervench",
        intervench,
    ),
}
