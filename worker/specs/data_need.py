"""The settings of the question how much data is needed: one frozen model; the same on the same rows = one job."""

import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.errors import UserError
from worker.specs import model_name
from worker.specs.finetune import TrainSpec

FINETUNE = "finetuned"
WAYS = {FINETUNE: "Fine-tuning", "rag": "RAG", "neighbours": "Nearest neighbours", "ridge": "Ridge on words"}
"""Way -> what a reader calls it."""

FEWEST_MEASURED = 20  # rows: with fewer an average error says nothing

CHEAP = TrainSpec(form="quantiles", epochs=1.0, evaluate_every=1_000_000, evaluate_rows=20)
"""One pass over the largest part, measured once at its end: a checkpoint chosen by errors would make the curve too
good."""

MOST_EPOCHS = 10  # of the largest part: the smallest takes about 8 times as many
MOST_OF_PART = 100.0  # epochs: a TrainSpec allows no more


class DataNeedSpec(BaseModel):
    """What is trained on growing parts of the train side, and on how many rows all of it is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: TrainSpec = CHEAP
    rows: int = Field(
        0, ge=0, title="Rows to learn from", description="The largest part; 0 = the whole train side. Less is faster."
    )
    measured: int = Field(
        150,
        ge=FEWEST_MEASURED,
        le=5000,
        title="Rows to measure on",
        description="Of the validation side; more narrow the intervals.",
    )
    seen: int = Field(
        1_000,
        ge=0,
        le=1_000_000,
        title="Rows that a fine-tune sees",
        description="At least, repeated ones counted; with fewer it has hardly begun to learn.",
    )
    ways: tuple[str, ...] = Field(tuple(WAYS), title="Compared ways")

    @property
    def hash(self) -> str:
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def rungs(self, rows: int) -> list[tuple[str, int]]:
        """(way, rows) with 1/8, 1/4, 1/2 and all of the rows; small parts first, so that a curve is seen early."""
        return [(way, rows >> halved) for halved in (3, 2, 1, 0) for way in self.ways]

    def training(self, rows: int, largest: int) -> TrainSpec:
        """The training of a part: as many passes over its rows as make about as many steps as the largest part takes.

        With one pass for each, an eighth of the rows would mean an eighth of the steps and a head that is hardly
        trained: the curve would show what more steps bring, not more rows. The other ways take no steps, so that
        fine-tuning would seem to pass them too early. And with few rows in all, no part would learn anything: 320 rows
        seen once left the head where it began (docs/experiments.md, "Fine-tuning").
        """
        return self.train.model_copy(update={"epochs": min(MOST_OF_PART, self.rows_seen(largest) / rows)})

    def rows_seen(self, largest: int) -> float:
        """Rows that the fine-tune of each part sees, repeated ones counted."""
        return max(self.train.epochs * largest, self.seen)

    @property
    def meaning(self) -> str:
        """What the names of the ways stand for here, in sentences for a reader: others would have other curves."""
        model = model_name(self.train.model)
        ways = (
            f"“{WAYS[FINETUNE]}” here is one way to do it: {model} learns to say {self.train.says.phrase}, and sees "
            "the rows of a small part more often, so that each part takes about as many training steps."
        )
        if "rag" not in self.ways:
            return ways
        return (
            f"{ways} “{WAYS['rag']}” asks the same {model} as it comes, with the neighbours that the Run page offers "
            "at first; RAG on the Trade-offs page may ask another model, and then errs by other amounts."
        )


def parse(values: dict[str, object]) -> DataNeedSpec:
    """Raises UserError naming the first bad field."""
    try:
        spec = DataNeedSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{'.'.join(map(str, first['loc'])) or 'spec'}: {first['msg']}.") from error
    unknown = [way for way in spec.ways if way not in WAYS]
    if unknown or FINETUNE not in spec.ways:
        raise UserError(f"ways: choose {FINETUNE} and some of {', '.join(w for w in WAYS if w != FINETUNE)}.")
    if spec.train.epochs > MOST_EPOCHS:
        raise UserError(f"train.epochs: at most {MOST_EPOCHS}; the smallest part takes 8 times as many.")
    if spec.train.uses_endpoint:
        raise UserError("Growing parts are trained on a model that is here: every part at an endpoint would be paid.")
    return spec
