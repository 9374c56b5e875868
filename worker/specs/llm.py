"""The settings that every technique with a language model has in common."""

from typing import ClassVar, Literal

from pydantic import Field

from db.settings import settings
from db.types import Family
from worker.specs.base import ENDPOINT_ONLY, FROM_TABLE, PRICE, BaseSpec, is_endpoint_model, not_said
from worker.specs.price_bounds import MOST, Bound, Bounds, resolved

MODELS = ("gemma3-270m", "smollm2-135m")
"""Language models that come as packages."""

LOCAL_VALIDATION, ENDPOINT_VALIDATION = 200, 50
"""Validation rows that a technique may ask a model about, on this machine and behind an endpoint, to learn how to read
it: every one takes part of a second, or is paid for."""

FROM_TRAIN = "0 = from the prices of the train side."


class LlmSpec(BaseSpec):
    """A model, a prompt, and how a price is read from what the model says."""

    family = Family.PROMPT
    chunk_items = 64
    uses_llm = True
    drawn: ClassVar[tuple[str, ...]] = ("sample",)
    rare: ClassVar[tuple[str, ...]] = ("recalibrate", "max_text_tokens", "min_price", "max_price", "sample")
    model: str = Field(
        "gemma3-270m", title="Model", description="gemma3-270m, smollm2-135m, a model folder, or endpoint:model."
    )
    prompt: str = Field(
        "auto",
        title="Prompt",
        description="A name from the Prompts page, or name@version; auto fits the kind of model.",
    )
    readout: Literal["auto", "median", "mean", "log-mean", "mode", "greedy"] = Field(
        "median",
        title="Read the price as",
        description="A statistic of the model's distribution; auto = chosen on validation rows; greedy = its text.",
    )
    recalibrate: bool = Field(
        False, title="Recalibrate", description="Correct prices by a line fitted on validation rows."
    )
    max_text_tokens: int = Field(110, ge=16, le=4000, title="Longest product text (tokens)")
    min_price: Bound = Field(
        0, ge=0, le=MOST, title="Lowest price considered", description=FROM_TRAIN, json_schema_extra=PRICE
    )
    max_price: Bound = Field(
        0, ge=0, le=MOST, title="Highest price considered", description=FROM_TRAIN, json_schema_extra=PRICE
    )
    currency: str = Field("", exclude_if=not_said, title="Currency of the prices", description=FROM_TABLE)
    sample: int = Field(
        0, ge=0, title="Fresh sample", description="0 reuses stored answers; another number asks anew.",
        json_schema_extra=ENDPOINT_ONLY,
    )  # fmt: skip
    batch: Literal["off", "on", "then-direct"] = Field(
        "off",
        title="Batch API",
        description="Half the price, up to 24 hours; then-direct asks what the batch left unanswered one by one.",
        json_schema_extra=ENDPOINT_ONLY,
    )
    precision: Literal["auto", "int8", "nf4"] = Field(
        "auto",
        title="Arithmetic",
        description="Of a model on this machine. int8 is faster on many processors, and its answers shift a little "
        "with the rows that are priced together; nf4 takes a quarter of the memory and needs bitsandbytes.",
    )

    @property
    def uses_endpoint(self) -> bool:
        return is_endpoint_model(self.model)

    @property
    def is_by_chance(self) -> bool:
        return self.uses_endpoint  # a model on this machine answers the same again

    @property
    def bounds(self) -> Bounds:
        """What it may say; of a job always as its train side decided, because that was written into its spec."""
        return resolved(self.min_price, self.max_price)

    @property
    def judges(self) -> bool:
        """Whether fitting asks the model about validation rows."""
        return self.recalibrate or self.readout == "auto"

    @property
    def learns(self) -> bool:
        return self.needs_fit or self.judges

    @property
    def calibration_rows(self) -> int:
        most = settings().calibration_rows
        return most // 2 if self.uses_endpoint else most

    @property
    def chunk_size(self) -> int:
        # Answers of an endpoint are stored one by one, so a long chunk loses nothing and keeps the allowed rate up.
        return 1_000 if self.uses_endpoint else self.chunk_items

    @property
    def context(self) -> tuple[int, int]:
        """Priced products that a prompt holds beside its item, and the most tokens of each."""
        return 0, 0

    @property
    def first_step(self) -> tuple[str, int] | None:
        """The prompt that is asked before the price, and the most tokens of its answer; None = there is none."""
        return None

    @property
    def most_rounds(self) -> int:
        """How often the model may be asked until one price is there; 1 without tools."""
        return 1

    def changes(self, form: str = "") -> list[str]:
        return super().changes(form) + describe_bounds(self.bounds)


def describe_bounds(bounds: Bounds) -> list[str]:
    """The bounds as one of the settings that are told: ["$20 to $400"]; [] for those that a table decides itself, which
    nobody chose."""
    return [] if bounds.is_as_learned else [str(bounds)]
