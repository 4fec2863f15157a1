"""Everything that a training run depends on, checked before it starts; the same fields as a file and as flags."""

import json
import platform
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nonlinear.systems import SYSTEMS, System

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


class Config(BaseModel):
    """A training run, apart from its data.

    Raises
    ------
    pydantic.ValidationError
        A field that is unknown or out of range; :func:`read` turns it into one line.

    Examples
    --------
    >>> Config(system="cosae", n_atoms=64, sparsity=4).steps
    2000
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = Field(description="Preset; concept-alignment list systems shows all.")
    n_atoms: int = Field(1024, ge=1, description="Atoms m of every dictionary.")
    sparsity: int = Field(16, ge=1, description="Atoms k per code, of TopK and BatchTopK.")
    weights: dict[str, float] | None = Field(None, description="Property → weight, in place of the preset's.")
    selection: Literal["relu", "topk", "batchtopk"] | None = Field(None, description="In place of the preset's.")
    update: Literal["all", "source"] | None = Field(None, description="In place of the preset's (USAE).")
    l1: float = Field(0.0, ge=0, description="Weight of the L1 penalty (ReLU).")
    batch: int = Field(1024, ge=2, description="Rows of each stream per step.")
    steps: int = Field(2000, ge=1, description="Steps.")
    lr: float = Field(1e-3, gt=0, description="Learning rate.")
    warmup: float = Field(0.05, ge=0, le=1, description="Share of the steps over which it rises from 0.")
    decay: float = Field(0.2, ge=0, le=1, description="Share of the steps over which it falls to 0 at the end.")
    optimiser: Literal["adam", "sgd"] = Field("adam", description="Adam, or plain gradient descent.")
    seeds: tuple[int, ...] = Field((0,), min_length=1, description="One model per seed, trained as one batch.")
    init: Literal["independent", "same"] = Field("independent", description="Atoms of the streams at the start.")
    paired: float = Field(1.0, description="Share of the points whose rows are known to be pairs.")
    anchors: tuple[int, ...] | None = Field(None, description="Ids of the points known to be pairs, instead.")
    matched: int | None = Field(None, ge=0, description="Matched rows per batch; default: their share, at least 1.")
    sampling: Literal["disjoint", "independent", "aligned"] = Field(
        "disjoint", description="Points that a distributional term compares (F2: shared points leak an instance loss)."
    )
    unbiased: bool = Field(False, description="U-statistics in place of V-statistics in distributional terms.")
    n_slices: int = Field(256, ge=1, description="Random directions of a distributional term.")
    aux_weight: float = Field(1 / 32, ge=0, description="Weight of the reconstruction by dead atoms.")
    aux_k: int = Field(64, ge=1, description="Dead atoms per row in it.")
    dead_after: int = Field(1_000_000, ge=1, description="Rows without firing after which an atom is dead.")
    threshold_rate: float = Field(0.01, gt=0, le=1, description="Rate of the running mean of BatchTopK's threshold.")
    normalise: Literal["variance", "unit", "none"] = Field("variance", description="Per stream, stored with the model.")
    precision: Literal["float32", "float64", "bfloat16"] = Field(
        "float32", description="bfloat16 multiplies in it and keeps float32 weights."
    )
    device: str = Field("cpu", description="cpu or cuda.")
    path: Literal["auto", "sparse", "dense"] = Field("auto", description="Sparse codes, or the dense reference.")
    threads: int = Field(default_factory=torch.get_num_threads, ge=1, description="Threads of torch.")
    log_every: int = Field(50, ge=1, description="Steps between two lines of metrics.jsonl.")
    checkpoint_every: int = Field(500, ge=1, description="Steps between two checkpoints.")

    @field_validator("system")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in SYSTEMS:
            raise ValueError(f"unknown system {name!r}; known: {', '.join(SYSTEMS)}")
        return name

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if min(seeds) < 0 or len(set(seeds)) < len(seeds):
            raise ValueError(f"seeds {seeds} are negative or repeated; pass different whole numbers ≥ 0")
        return seeds

    @field_validator("device")
    @classmethod
    def _there(cls, device: str) -> str:
        if device_here(device) != device:
            raise ValueError(f"device {device!r} is not here; use cpu" + (" or cuda" * torch.cuda.is_available()))
        return device

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        _ = self.preset  # a change of the preset that does not go together with the rest of it
        if self.sparsity > self.n_atoms:
            raise ValueError(
                f"sparsity {self.sparsity} exceeds the {self.n_atoms} atoms; lower it (-k) or raise n_atoms (-m)"
            )
        if not 0 <= self.paired <= 1:
            raise ValueError(f"paired {self.paired:g} is not between 0 and 1; 0.001 pairs a point in a thousand")
        if self.weights is not None and not all(0 <= w < np.inf for w in self.weights.values()):
            raise ValueError(f"weights {self.weights} must be finite and not negative")
        if self.warmup + self.decay > 1:
            raise ValueError(f"warmup {self.warmup:g} and decay {self.decay:g} exceed the run; lower one")
        return self

    @property
    def preset(self) -> System:
        """The system, with this run's changes."""
        changes = {k: v for k in ("selection", "update") if (v := getattr(self, k)) is not None}
        return replace(SYSTEMS[self.system], **changes)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return DTYPES[self.precision]

    def lr_at(self, step: int) -> float:
        """Learning rate of a step: rises, stays, falls."""
        warm, cool = self.warmup * self.steps, self.decay * self.steps
        rise = min(1.0, (step + 1) / warm) if warm else 1.0
        fall = min(1.0, (self.steps - step) / cool) if cool else 1.0
        return self.lr * min(rise, fall)


def device_here(device: str) -> str:
    """Return the device where this machine has it, else the CPU.

    Examples
    --------
    >>> device_here("abacus")
    'cpu'
    """
    return device if device.split(":")[0] == "cuda" and torch.cuda.is_available() else "cpu"


def read(path: str | Path | None, /, **changes) -> Config:
    """Configuration from a TOML or JSON file (or None), with changes on top.

    Raises
    ------
    ValueError
        One line: what is wrong, in the file or in a field, and how to mend it.

    Examples
    --------
    >>> read(None, system="sae", sparsity=2000)
    Traceback (most recent call last):
    ValueError: sparsity 2000 exceeds the 1024 atoms; lower it (-k) or raise n_atoms (-m)
    """
    fields: dict = {}
    if path is not None:
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8")
            fields = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror or error}; check the path") from error
        except ValueError as error:
            raise ValueError(f"{file} is no valid {'JSON' if file.suffix == '.json' else 'TOML'}: {error}") from error
        if not isinstance(fields, dict):
            raise ValueError(f"{file} holds no table of fields; write name = value lines")
    try:
        return Config(**fields | changes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            known = ", ".join(Config.model_fields)
            raise ValueError(f"unknown field {where!r} of a configuration; known: {known}") from None
        if first["type"] == "value_error":
            raise ValueError(message) from None
        raise ValueError(f"{where}: {message[0].lower() + message[1:]}, not {first.get('input')!r}") from None


def environment(device: str = "cpu") -> dict[str, str]:
    """What bit-identical continuation on a device needs to be the same, beside the configuration.

    Examples
    --------
    >>> sorted(environment())
    ['cpu', 'numpy', 'torch']
    """
    cpu = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    gpu = {} if device == "cpu" else {"gpu": torch.cuda.get_device_name(device)}
    return {"torch": torch.__version__, "numpy": np.__version__, "cpu": cpu} | gpu
