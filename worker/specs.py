"""One frozen model per technique: its full configuration. The hash is its identity; the fields make the form."""

import hashlib
import json
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from db.errors import UserError
from db.types import Family


class BaseSpec(BaseModel):
    """Shared by all specs. Field titles, descriptions and bounds are shown on the Run page and in `--help`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    family: ClassVar[Family]
    label: ClassVar[str]  # what people read
    about: ClassVar[str]  # one sentence: what it does and when it is a good choice
    needs_fit: ClassVar[bool] = True
    uses_llm: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("title", "description", "category", "brand")  # others come empty, unread
    chunk_items: ClassVar[int]  # items per chunk: a few seconds of work, so that progress moves and retries are cheap

    @property
    def hash(self) -> str:
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


class ConstantSpec(BaseSpec):
    family = Family.BASELINE
    label = "Category median"
    chunk_items = 20_000
    about = "The median price of the category: what any model has to beat."
    reads = ("category",)
    technique: Literal["constant"] = "constant"
    by: Literal["category", "all"] = Field("category", title="Median of", description="Each category, or all items.")
    min_items: int = Field(5, ge=1, le=1000, title="Items a category needs", description="Else the overall median.")


class RidgeSpec(BaseSpec):
    family = Family.BASELINE
    label = "Ridge on words"
    chunk_items = 5_000
    about = "Linear regression of log price on TF-IDF of words and letter groups: trains in seconds, hard to beat."
    technique: Literal["ridge"] = "ridge"
    alpha: float = Field(0.75, gt=0, le=1000, title="Regularisation")
    word_ngrams: int = Field(2, ge=1, le=3, title="Longest word group")
    char_ngrams: int = Field(5, ge=3, le=6, title="Longest letter group")
    max_features: int = Field(
        262_144, ge=1000, le=2_000_000, title="Vocabulary size", description="Of words and of letter groups, hashed."
    )
    max_rows: int = Field(
        50_000, ge=100, le=500_000, title="Rows to learn from", description="A random sample beyond that."
    )


class LightGBMSpec(BaseSpec):
    family = Family.BASELINE
    label = "Gradient boosting"
    chunk_items = 2_000
    about = "A linear model on words, corrected by LightGBM on text, category, brand and numbers: good with more rows."
    technique: Literal["lightgbm"] = "lightgbm"
    trees: int = Field(600, ge=10, le=10_000, title="Trees at most", description="Stops early on validation rows.")
    learning_rate: float = Field(0.03, gt=0, le=1, title="Learning rate")
    leaves: int = Field(15, ge=2, le=1024, title="Leaves per tree")
    text_dims: int = Field(128, ge=8, le=1024, title="Text dimensions", description="TF-IDF compressed to this many.")
    embeddings: bool = Field(False, title="Use sentence embeddings too", description="Slower, seldom more accurate.")
    max_rows: int = Field(
        50_000, ge=100, le=500_000, title="Rows to learn from", description="A random sample beyond that."
    )


class NeighboursSpec(BaseSpec):
    family = Family.BASELINE
    label = "Nearest neighbours"
    chunk_items = 500
    about = "The prices of the most similar known products, found by meaning in pgvector; no language model."
    technique: Literal["neighbours"] = "neighbours"
    k: int = Field(20, ge=1, le=200, title="Neighbours")
    sharpness: float = Field(14.0, ge=0, le=50, title="Trust in the closest", description="0 = all count the same.")


MODELS = ("gemma3-270m", "smollm2-135m")
"""Language models that come as packages."""


class ZeroShotSpec(BaseSpec):
    family = Family.PROMPT
    label = "Prompt, no examples"
    chunk_items = 64
    about = "Ask a small local language model; its distribution over prices is read, not just its first answer."
    uses_llm = True
    needs_fit = False
    technique: Literal["zero-shot"] = "zero-shot"
    model: str = Field("gemma3-270m", title="Model", description="gemma3-270m, smollm2-135m, or a model folder.")
    readout: Literal["median", "mean", "log-mean", "mode", "greedy"] = Field(
        "median", title="Read the price as", description="A statistic of the model's distribution; greedy = its text."
    )
    max_text_tokens: int = Field(110, ge=16, le=1000, title="Longest product text (tokens)")
    max_price: int = Field(999, ge=9, le=99_999, title="Highest price considered ($)")


class MultiShotSpec(ZeroShotSpec):
    label = "Prompt with examples"
    about = "The same question after a few priced examples from the train side."
    needs_fit = True
    technique: Literal["multi-shot"] = "multi-shot"  # type: ignore[assignment]
    k: int = Field(3, ge=1, le=20, title="Examples")
    choose: Literal["random", "category"] = Field("random", title="Choose examples", description="From the train side.")
    seed: int = Field(0, ge=0, title="Seed")


AnySpec = ConstantSpec | RidgeSpec | LightGBMSpec | NeighboursSpec | ZeroShotSpec | MultiShotSpec
_adapter: TypeAdapter[AnySpec] = TypeAdapter(Annotated[AnySpec, Field(discriminator="technique")])

SPECS: dict[str, type[BaseSpec]] = {
    "constant": ConstantSpec,
    "ridge": RidgeSpec,
    "lightgbm": LightGBMSpec,
    "neighbours": NeighboursSpec,
    "zero-shot": ZeroShotSpec,
    "multi-shot": MultiShotSpec,
}
"""Technique name -> its spec, in the order people see them: cheap first."""


def parse(values: dict[str, object]) -> AnySpec:
    """A spec from plain values (a form, CLI flags, a stored job). Raises UserError naming the first bad field."""
    name = values.get("technique")
    if name not in SPECS:
        raise UserError(f"There is no technique {name!r}; choose one of {', '.join(SPECS)}.")
    try:
        return _adapter.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        raise UserError(f"{where or 'spec'}: {first['msg']}.") from error


def defaults() -> list[AnySpec]:
    """Every technique that needs no API key, with its default settings."""
    return [parse({"technique": name}) for name in SPECS]


def variants() -> list[BaseSpec]:
    """The defaults, and the cold prompt with each packaged model, read as a distribution and greedily."""
    chosen: list[BaseSpec] = []
    for spec in defaults():
        chosen.append(spec)
        if type(spec) is ZeroShotSpec:
            others = ({"model": model, "readout": readout} for model in MODELS for readout in (spec.readout, "greedy"))
            chosen += [other for change in others if (other := spec.model_copy(update=change)) != spec]
    return chosen


def describe(spec: BaseSpec) -> str:
    """The label, with the fields that differ from the defaults: "Nearest neighbours (k=5)"."""
    values, standard = spec.model_dump(), type(spec)().model_dump()
    changed = [f"{field}={value}" for field, value in values.items() if value != standard[field]]
    return f"{spec.label} ({', '.join(changed)})" if changed else spec.label
