"""What intervench.json holds: the source of its JSON schema, and the check of every document that is written."""

import json
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Interval = tuple[FiniteFloat, FiniteFloat]
Score = Literal["S_ext", "S_trans", "S_cons", "S_align"]
Space = Literal["latent", "concept"]
# A class or a value of the attribute, as the user named it.
Name = int | bool | str


class Part(BaseModel):
    """A part of the document: nothing unknown, nothing converted, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Inputs(Part):
    """What was scored, as it was named on the command line."""

    run: str
    adapter: str | None = Field(description="module:function that read the run; null: the run of a train --out.")
    system: str | None = Field(description="System of such a run.")
    seed_of_run: int | None
    files: dict[str, str] = Field(description="Stream → file of its rows.")
    labels: list[str]
    forget: list[str]


class Domain(Part):
    """One stream and its dictionary."""

    rows: NonNegativeInt
    columns: NonNegativeInt
    atoms: NonNegativeInt
    dead: Share = Field(description="Share of the atoms that fire on no training row.")
    ablation_counts: list[NonNegativeInt] = Field(description="Atoms that ablations tried, per class.")
    l0: Annotated[FiniteFloat, Field(ge=0)] = Field(description="Active atoms per test row.")


class Entry(Part):
    """A metric designed on stream i and evaluated on stream j."""

    raw: FiniteFloat | None = Field(description="As measured; null: undefined, nothing to lose or to forget.")
    gated: Share = Field(description="As it enters the aggregates: clipped, 0 where gated or undefined.")
    status: Literal["ok", "gated", "ok, near the gate", "gated, near the gate", "undefined"]
    ci: Interval | None = Field(description="95 % bootstrap interval of the raw value over test rows.")


class Removal(Part):
    """Spurious correlation removal: accuracies on balanced rows, and the share of the gap that is closed."""

    A: Share
    B: Share
    removed: Share
    raw: FiniteFloat | None
    status: Literal["ok", "undefined"]


class Aggregate(Part):
    """Mean of gated values."""

    value: Share
    ci: tuple[Share, Share]
    metrics: list[str]


class Baseline(Part):
    """Scores of coders that learned nothing."""

    metrics: dict[str, dict[str, dict[str, Share]]]
    aggregates: dict[Score, Share]
    n_rows: NonNegativeInt


class Document(Part):
    """Scores of InterVench and InterVenchA; matrices are stream i → stream j: designed on i, evaluated on j."""

    schema_version: Literal[1]
    inputs: Inputs
    config: dict[str, int | FiniteFloat | str | list[int] | None]
    seed: NonNegativeInt
    versions: dict[str, str]
    domains: dict[str, Domain]
    n_pairs: NonNegativeInt
    classes: list[Name]
    attribute: list[Name] = Field(description="Values of the forget attribute; empty: none was given.")
    codes: Literal["standalone", "shared"]
    metrics: dict[str, dict[str, dict[str, Entry]]]
    cycle: dict[str, FiniteFloat] = Field(description="i->j->i → R² of the full cycle.")
    curves: dict[Space, dict[str, dict[str, dict[str, Share]]]] = Field(
        description="Space → i → j → budget → accuracy of the sparse probe."
    )
    ceiling: dict[Space, dict[str, Share]] = Field(description="i->j → accuracy of i's atoms, weights fitted on j.")
    dense_probe: dict[str, Share]
    majority: dict[str, Share]
    selected_atoms: dict[str, list[int] | list[list[int]]] = Field(description="-1: no atom is left to choose.")
    scr: dict[Space, dict[str, dict[str, Removal]]]
    baselines: dict[str, Baseline]
    aggregates: dict[Score, Aggregate]
    warnings: list[str]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Every matrix has an entry for every ordered pair of streams."""
        streams = set(self.domains)
        matrices: list[dict] = [*self.metrics.values(), *self.curves.values(), *self.scr.values()]
        matrices += [m for baseline in self.baselines.values() for m in baseline.metrics.values()]
        if any(set(m) != streams or any(set(row) != streams for row in m.values()) for m in matrices):
            raise ValueError(f"a matrix is not over the streams {', '.join(sorted(streams))}")
        return self


def schema() -> str:
    """JSON schema of the document, as the package holds it.

    Examples
    --------
    >>> from importlib.resources import files
    >>> schema() == files("proofs_check").joinpath("data/intervench.schema.json").read_text(encoding="utf-8")
    True
    """
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | Document.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(schema(), end="")
