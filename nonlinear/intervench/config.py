"""Everything that a score depends on beside the data and the coders; what the paper lost is a declared choice here."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Config(BaseModel):
    """A run of the benchmark.

    Raises
    ------
    pydantic.ValidationError
        A field that is unknown or out of range.

    Examples
    --------
    >>> Config().headline in Config().budgets
    True
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(0, ge=0, description="Of the split, the subsets and the resamples.")
    validation: float = Field(0.2, gt=0, lt=1, description="Share of the rows that choose the number of ablated atoms.")
    test: float = Field(0.2, gt=0, lt=1, description="Share of the rows that every number is measured on.")
    rows_per_class: int = Field(200, ge=2, description="Mean number of rows of a class to fit probes on.")
    budgets: tuple[int, ...] = Field((1, 2, 5, 10, 20, 50), description="Atoms per class of the sparse probes.")
    headline: int = Field(5, ge=1, description="The budget whose accuracy counts.")
    counts: tuple[int, ...] = Field(
        (1, 2, 5, 10, 20, 50), description="Atoms per class or value to try; at most a tenth of those that fire."
    )
    selection: Literal["omp", "difference"] = Field("omp", description="How atoms are chosen.")
    faithfulness: Literal["probe", "contrastive"] = Field(
        "probe", description="Loss of a linear probe of the classes, or of finding the other half of a pair."
    )
    retrain: Literal["full", "support", "frozen"] = Field("full", description="Probe after an ablation.")
    subsets: int = Field(3, ge=1, description="Random sets of classes of the targeted perturbation.")
    subset: int | None = Field(None, ge=2, description="Classes in each; default: a fifth, at least 2.")
    gate: float = Field(0.5, ge=0, le=1, description="Sparse-probe accuracy below which an intervention scores 0.")
    penalty: float = Field(1e-3, gt=0, description="λ of every probe.")
    resamples: int = Field(200, ge=20, description="Bootstrap resamples of the test rows.")
    block: int = Field(2048, ge=1, description="Rows encoded at a time; changes no number.")

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        if self.headline not in self.budgets:
            raise ValueError(f"headline {self.headline} is none of the budgets {self.budgets}; add it to them")
        if min(*self.budgets, *self.counts) < 1:
            raise ValueError("budgets and counts have to be at least 1")
        if self.validation + self.test > 0.9:
            raise ValueError("validation and test leave less than a tenth of the rows to fit on; lower one")
        return self
