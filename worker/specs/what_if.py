"""A scenario: what an analyst supposes about volume and prices, to see what each technique would cost then."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.errors import UserError
from db.types import Tariff


class TokenPrices(BaseModel):
    """Dollars per million tokens of a model; what is left out falls back as a tariff does."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cached: Decimal | None = Field(None, ge=0)
    batch_input: Decimal | None = Field(None, ge=0)
    batch_output: Decimal | None = Field(None, ge=0)

    @property
    def tariff(self) -> Tariff:
        cached = self.input if self.cached is None else self.cached
        return Tariff(self.input, self.output, cached, self.batch_input, self.batch_output, source="supposed")


class Scenario(BaseModel):
    """Nothing in it was measured; None = as it was booked, or not counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    items_a_month: int = Field(10_000, ge=1, le=10**9)
    months: int = Field(12, ge=1, le=120)
    batch: bool = False  # ask endpoints in batches, whatever the measured jobs did
    tokens: dict[str, TokenPrices] = {}  # "endpoint:model" -> prices; other models as booked
    gpu_hour_usd: Decimal | None = Field(None, ge=0)
    cpu_hour_usd: Decimal | None = Field(None, ge=0)
    label_usd: Decimal | None = Field(None, ge=0)  # of one row that techniques learn from; None: they are there already
    hosting_usd: Decimal = Field(Decimal(0), ge=0)  # a month, of each fine-tuned model


def parse(values: Mapping[str, Any]) -> Scenario:
    """A scenario from its fields. Raises UserError for what can't be supposed."""
    try:
        return Scenario.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{name}: {first['msg']}; a scenario can't have {first['input']!r} there.") from None
