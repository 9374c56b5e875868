"""What can be set about the question how much data it needs? One frozen model; the same on the same rows = one job."""

import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.errors import UserError
from worker.train_specs import TrainSpec

FINETUNE = "finetuned"
WAYS = {FINETUNE: "Fine-tuning", "rag": "RAG", "neighbours": "Nearest neighbours", "ridge": "Ridge on words"}
"""Way -> what a reader calls it."""

RUNG = "rung "  # and its place among the rungs: names in the job's result

FEWEST_MEASURED = 20  # rows: with fewer an average error says nothing

CHEAP = TrainSpec(form="quantiles", epochs=1.0, evaluate_every=1_000_000, evaluate_rows=20)  # type: ignore[call-arg]
"""One pass, measured once at its end: a checkpoint chosen by errors would make the curve too good."""


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
    ways: tuple[str, ...] = Field(tuple(WAYS), title="Compared ways")

    @property
    def hash(self) -> str:
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def rungs(self, rows: int) -> list[tuple[str, int]]:
        """(way, rows) with 1/8, 1/4, 1/2 and all of the rows; small parts first, so that a curve is seen early."""
        return [(way, rows >> halved) for halved in (3, 2, 1, 0) for way in self.ways]


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
    if spec.train.is_hosted:
        raise UserError("Growing parts are trained on a model that is here: every part at an endpoint would be paid.")
    return spec
