"""The settings of a fine-tune: one frozen model, its presets, and the form that both make on the page."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.errors import UserError
from worker.specs import FROM_TRAIN, FinetunedSpec, describe_bounds, is_endpoint_model, model_name
from worker.specs.base import FROM_TABLE, PRICE, not_said
from worker.specs.forms import CHOICES, FORMS, Form, FormName
from worker.specs.price_bounds import MOST, Bound, Bounds, resolved

GATE_ROWS = 100
"""Rows that the gate prices on both sides in a part, at most; specs.ENDPOINT_VALIDATION where every answer is paid."""
SPREAD = 0.9, 1.25  # of a time that was measured once: machines are not equally busy all day
LOSS_ROWS = 64  # validation rows whose loss is computed at each measurement
FEWEST_ROWS = 8  # on either side: with less there is nothing to learn and nothing to see


class TrainSpec(BaseModel):
    """Everything that decides which weights come out; the same spec on the same rows is the same training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        "smollm2-135m",
        title="Base model",
        description="smollm2-135m, gemma3-270m, a model folder, a hub id, or endpoint:model to tune it there.",
    )
    form: FormName = Field("tokens", title="What it learns to say", description=CHOICES)
    prompt: str = Field("auto", title="Prompt", description="A name from the Prompts page, or name@version.")
    k: int = Field(
        0, ge=0, le=50, title="Neighbours in the prompt", description="Similar known products with their prices."
    )
    neighbour_tokens: int = Field(40, ge=8, le=1000, title="Longest neighbour text (tokens)")
    max_text_tokens: int = Field(110, ge=16, le=4000, title="Longest product text (tokens)")
    min_price: Bound = Field(
        0, ge=0, le=MOST, title="Lowest price considered", description=FROM_TRAIN, json_schema_extra=PRICE
    )
    max_price: Bound = Field(
        0, ge=0, le=MOST, title="Highest price considered", description=FROM_TRAIN, json_schema_extra=PRICE
    )

    currency: str = Field("", exclude_if=not_said, title="Currency of the prices", description=FROM_TABLE)

    rank: int = Field(16, ge=1, le=1024, title="LoRA rank", description="Lower learns less and forgets less.")
    alpha: int = Field(32, ge=1, le=4096, title="LoRA alpha", description="Usually twice the rank.")
    dropout: float = Field(0.0, ge=0, le=0.9, title="LoRA dropout")
    targets: Literal["all-linear", "attention"] = Field("all-linear", title="Layers' parts that learn")
    layers: int = Field(
        10, ge=0, le=1000, title="Upper layers that learn", description="0 = all. The others are computed only once."
    )
    quantisation: Literal["none", "nf4"] = Field(
        "none", title="Base weights", description="nf4 needs a GPU and the package bitsandbytes."
    )
    gradient_checkpointing: bool = Field(False, title="Save memory, lose speed")

    epochs: float = Field(3.0, gt=0, le=100, title="Epochs")
    learning_rate: float = Field(1e-3, gt=0, le=1, title="Learning rate")
    schedule: Literal["linear", "cosine", "constant"] = Field("cosine", title="Learning rate over time")
    warmup: float = Field(0.03, ge=0, le=0.5, title="Warm-up", description="Share of the steps.")
    weight_decay: float = Field(0.0, ge=0, le=1, title="Weight decay")
    batch_tokens: int = Field(2048, ge=128, le=1_000_000, title="Tokens per step")
    seed: int = Field(0, ge=0, title="Seed")

    rows: int = Field(0, ge=0, title="Rows to learn from", description="0 = the whole train side, else a sample.")
    categories: tuple[str, ...] = Field((), title="Only these categories", description="Empty = all.")
    replay: float = Field(
        0.0, ge=0, le=0.9, title="General text among the rows", description="Share; makes it forget less."
    )

    evaluate_every: int = Field(0, ge=0, title="Price validation rows every … steps", description="0 = twice an epoch.")
    evaluate_rows: int = Field(100, ge=4, le=5000, title="Validation rows to price")
    patience: int = Field(
        0, ge=0, le=100, title="Stop early", description="After so many measurements without progress; 0 = never."
    )
    metric: Literal["mae", "median_relative_error", "loss"] = Field("mae", title="Best checkpoint by")

    @property
    def uses_endpoint(self) -> bool:
        """Whether it is tuned behind an endpoint."""
        return is_endpoint_model(self.model)

    @property
    def says(self) -> Form:
        """What it learns to say."""
        return FORMS[self.form]

    @property
    def bounds(self) -> Bounds:
        """What it learns to say; of a job always as its train side decided, because that was written into its spec."""
        return resolved(self.min_price, self.max_price)

    @property
    def hash(self) -> str:
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Preset:
    """Values that belong together, with the reason to take them."""

    label: str
    about: str
    values: dict[str, Any]


_THREE_B = "meta-llama/Llama-3.2-3B"
_COURSE: dict[str, Any] = {
    "model": _THREE_B,
    "layers": 0,
    "quantisation": "nf4",
    "dropout": 0.1,
    "learning_rate": 1e-4,
    "schedule": "cosine",
    "warmup": 0.01,
    "weight_decay": 0.001,
}

PRESETS: dict[str, Preset] = {
    "quick": Preset("Quick", "SmolLM2-135M on two ordinary cores: minutes to hours; the estimate says which.", {}),
    "course-lite": Preset(
        "Course, lite",
        "QLoRA of a 3B model on 20,000 rows, as in the course behind Pricewright; needs a GPU.",
        _COURSE
        | {"rows": 20_000, "rank": 32, "alpha": 64, "targets": "attention", "epochs": 1.0, "batch_tokens": 4096},
    ),
    "course-full": Preset(
        "Course, full",
        "The same at full size: all rows, rank 256, three epochs; needs a large GPU for hours to days.",
        _COURSE | {"rank": 256, "alpha": 512, "epochs": 3.0, "batch_tokens": 32_768, "gradient_checkpointing": True},
    ),
    "cheap-gpu": Preset(
        "Cheap GPU",
        "QLoRA of a 3B model in 12 GB of GPU memory: small steps, activations computed twice.",
        _COURSE | {"rank": 16, "alpha": 32, "epochs": 2.0, "batch_tokens": 2048, "gradient_checkpointing": True},
    ),
}
"""Name -> preset; the first is the one a bare machine can run."""


def parse(values: dict[str, Any], preset: str = "quick") -> TrainSpec:
    """A spec from a preset and what differs from it. Raises UserError naming the first bad field."""
    if preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    try:
        return TrainSpec.model_validate(PRESETS[preset].values | values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{where or 'spec'}: {first['msg']}.") from error


def describe(spec: TrainSpec) -> str:
    """What differs from the quick preset, in a line: "quantiles, k=5, rows=2000"."""
    values, standard = spec.model_dump(), TrainSpec.model_validate({}).model_dump()
    changed = [
        model_name(str(value)) if name in ("model", "form") else f"{name}={value}"
        for name, value in values.items()
        if value != standard.get(name)
        and name not in ("min_price", "max_price", "currency")
        and not (name == "prompt" and str(value).startswith("listing@"))
    ]
    return ", ".join([*([spec.form] if spec.form == standard["form"] else []), *changed, *describe_bounds(spec.bounds)])


TRAINED = ("prompt", "max_text_tokens", "min_price", "max_price", "currency", "k", "neighbour_tokens")
"""Fields that TrainSpec and FinetunedSpec share; how else neighbours are searched is the default in training."""


def asking(trained: TrainSpec) -> FinetunedSpec:
    """How an adapter of this training asks: for the examples of a training, which must look just so."""
    values = {name: getattr(trained, name) for name in TRAINED}
    values |= {"min_price": trained.bounds.lowest, "max_price": trained.bounds.highest}
    return FinetunedSpec.model_validate(values | {"model": trained.model})
