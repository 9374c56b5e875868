"""One frozen model per technique: its full configuration. The hash is its identity; the fields make the form."""

import hashlib
import json
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.config import JsonDict

from db.errors import UserError
from db.types import Family
from worker.specs.price_bounds import MOST, USUAL, Bounds, resolved


class BaseSpec(BaseModel):
    """Shared by all specs. Field titles, descriptions and bounds are shown on the Run page and in `--help`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    family: ClassVar[Family]
    label: ClassVar[str]  # what people read
    about: ClassVar[str]  # one sentence: what it does and when it is a good choice
    needs_fit: ClassVar[bool] = True
    fit_form: ClassVar[int] = 1  # raised when what a fit keeps is read differently than before: then all is fitted anew
    uses_llm: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = ("title", "description", "category", "brand")  # others come empty, unread
    filled: ClassVar[tuple[str, ...]] = ()  # fields that something else decides, so that no form asks for them
    chunk_items: ClassVar[int]  # items per chunk: a few seconds of work, so that progress moves and retries are cheap

    @property
    def learns(self) -> bool:
        """Whether a job with these settings has a fit step."""
        return self.needs_fit

    @property
    def is_hosted(self) -> bool:
        """Whether its model answers behind an endpoint, for money."""
        return False

    @property
    def chunk_size(self) -> int:
        return self.chunk_items

    @property
    def hash(self) -> str:
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def fit_key(self) -> str:
        """What a fit is kept under, together with its train side (db.datasets.fit_hash)."""
        return self.hash if self.fit_form == 1 else f"{self.hash} {self.fit_form}"


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
    fit_form = 2  # 1: n-grams in the columns of a hash of our own
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
    fit_form = 2  # 1: n-grams in the columns of a hash of our own
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

HOSTED_VALIDATION = 50
"""Validation rows that a technique may ask a hosted model about when it fits: every one is paid for."""

HOSTED: JsonDict = {"hosted_only": True}
"""Marks a field that means something only for a model behind an endpoint."""


FROM_TRAIN = "0 = from the prices of the train side."


def model_name(ref: str) -> str:
    """What to call a model in a list: a folder by its last part, everything else by what it was asked for with."""
    return ref if is_hosted(ref) or not PurePath(ref).is_absolute() else PurePath(ref).name


def is_hosted(model: str) -> bool:
    """ "endpoint:model" names a model behind an endpoint; everything else is a packaged name or a folder."""
    endpoint, colon, name = model.partition(":")
    return bool(colon and name and endpoint and not any(sign in endpoint for sign in "/\\."))


class LlmSpec(BaseSpec):
    """What every technique with a language model has in common."""

    family = Family.PROMPT
    chunk_items = 64
    uses_llm = True
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
        False, title="Recalibrate", description="Correct price and interval by a line fitted on validation rows."
    )
    max_text_tokens: int = Field(110, ge=16, le=4000, title="Longest product text (tokens)")
    min_price: int = Field(0, ge=0, le=MOST, title="Lowest price considered ($)", description=FROM_TRAIN)
    max_price: int = Field(0, ge=0, le=MOST, title="Highest price considered ($)", description=FROM_TRAIN)
    sample: int = Field(
        0, ge=0, title="Fresh sample", description="0 reuses stored answers; another number asks anew.",
        json_schema_extra=HOSTED,
    )  # fmt: skip
    batch: Literal["off", "on", "then-direct"] = Field(
        "off",
        title="Batch API",
        description="Half the price, up to 24 hours; then-direct asks what the batch left unanswered one by one.",
        json_schema_extra=HOSTED,
    )
    precision: Literal["auto", "int8", "nf4"] = Field(
        "auto",
        title="Arithmetic",
        description="Of a model on this machine. int8 is faster on many processors, and its answers shift a little "
        "with the rows that are priced together; nf4 takes a quarter of the memory and needs bitsandbytes.",
    )

    @property
    def is_hosted(self) -> bool:
        return is_hosted(self.model)

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
    def chunk_size(self) -> int:
        # Answers of a hosted model are stored one by one, so a long chunk loses nothing and keeps the allowed rate up.
        return 1_000 if self.is_hosted else self.chunk_items


class ZeroShotSpec(LlmSpec):
    label = "Prompt, no examples"
    about = "Ask a language model cold; its distribution over prices is read, not just its first answer."
    needs_fit = False
    technique: Literal["zero-shot"] = "zero-shot"


class MultiShotSpec(LlmSpec):
    label = "Prompt with examples"
    about = "The same question after a few priced examples from the train side."
    technique: Literal["multi-shot"] = "multi-shot"
    k: int = Field(3, ge=0, le=50, title="Examples")
    choose: Literal["random", "category", "nearest"] = Field(
        "random", title="Choose examples", description="From the train side; nearest = the most similar ones."
    )
    seed: int = Field(0, ge=0, title="Seed")


class ChainedSpec(LlmSpec):
    label = "Prompt chain"
    about = "First the model lists the product's attributes as JSON, then it prices from them: two calls per item."
    needs_fit = False
    technique: Literal["chained"] = "chained"
    extract_prompt: str = Field("extract", title="Prompt of the first step")
    max_attribute_tokens: int = Field(80, ge=16, le=1000, title="Longest list of attributes (tokens)")


class ToolsSpec(LlmSpec):
    label = "Prompt with tools"
    about = "The model may look up similar items and category prices, and calculate, before it answers."
    technique: Literal["tools"] = "tools"
    max_calls: int = Field(6, ge=1, le=20, title="Tool calls at most")


class RagSpec(LlmSpec):
    family = Family.RAG
    label = "RAG"
    about = "The model reads the most similar known products with their prices before it answers."
    technique: Literal["rag"] = "rag"
    k: int = Field(5, ge=0, le=50, title="Neighbours")
    same_category: bool = Field(False, title="Same category only")
    min_similarity: float = Field(0.0, ge=0, le=1, title="Least similarity")
    newer_than_days: int = Field(0, ge=0, le=36_500, title="Prices not older than (days)", description="0 = any age.")
    neighbour_tokens: int = Field(40, ge=8, le=1000, title="Longest neighbour text (tokens)")


class FinetunedSpec(RagSpec):
    """An adapter's own prompt, text lengths and neighbours come with it: worker.adapters.pricing fills them in."""

    family = Family.FINETUNE
    label = "Fine-tuned"
    about = "A language model whose weights were trained on products with prices; trained on the Fine-tune page."
    filled = (
        *("model", "prompt", "max_text_tokens", "min_price", "max_price"),
        *("k", "neighbour_tokens", "same_category", "min_similarity", "newer_than_days"),
    )
    technique: Literal["finetuned"] = "finetuned"  # type: ignore[assignment]
    adapter: str = Field("", title="Adapter", description="Its number on the Adapters page, or the beginning of it.")
    k: int = Field(0, ge=0, le=50, title="Neighbours")

    @property
    def learns(self) -> bool:
        return self.k > 0 or self.judges


AnySpec = (
    ConstantSpec
    | RidgeSpec
    | LightGBMSpec
    | NeighboursSpec
    | ZeroShotSpec
    | MultiShotSpec
    | ChainedSpec
    | ToolsSpec
    | RagSpec
    | FinetunedSpec
)
_adapter: TypeAdapter[AnySpec] = TypeAdapter(Annotated[AnySpec, Field(discriminator="technique")])

SPECS: dict[str, type[BaseSpec]] = {
    "constant": ConstantSpec,
    "ridge": RidgeSpec,
    "lightgbm": LightGBMSpec,
    "neighbours": NeighboursSpec,
    "zero-shot": ZeroShotSpec,
    "multi-shot": MultiShotSpec,
    "chained": ChainedSpec,
    "tools": ToolsSpec,
    "rag": RagSpec,
    "finetuned": FinetunedSpec,
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
    """What is tried first: techniques that need no endpoint and no long wait, with their default settings."""
    return [parse({"technique": name}) for name in SPECS if name not in ("chained", "tools", "finetuned")]


def variants() -> list[BaseSpec]:
    """Every technique that runs without an endpoint, with every packaged model, and greedy text beside the readout."""
    chosen: list[BaseSpec] = []
    for name, kind in SPECS.items():
        if not kind.uses_llm:
            chosen.append(parse({"technique": name}))
        elif name not in ("tools", "finetuned"):
            chosen += [parse({"technique": name, "model": model}) for model in MODELS]
        if name == "zero-shot":
            chosen += [parse({"technique": name, "model": model, "readout": "greedy"}) for model in MODELS]
    return chosen


PACKAGED_PROMPTS = ("auto", "listing@1", "question@1", "extract", "extract@1")
"""What `prompt` holds when nobody chose another one; a job records the version."""


def asked_fields(kind: type[BaseSpec]) -> list[str]:
    """The fields that a person decides, in the order of a form: an adapter first, because it decides the rest.

    What means something only for a hosted model is not asked for where the model itself is not.
    """
    fixed = {"technique", *kind.filled}
    if "model" in kind.filled:
        fixed |= {name for name, field in kind.model_fields.items() if field.json_schema_extra == HOSTED}
    return sorted((name for name in kind.model_fields if name not in fixed), key=lambda name: name != "adapter")


def describe_bounds(bounds: Bounds) -> list[str]:
    """As one of the settings that are told: ["$10,000 to $99,999"]; [] for those that most tables have."""
    return [] if bounds == USUAL else [str(bounds)]


def describe(spec: BaseSpec, form: str = "") -> str:
    """The label, with the fields that differ from the defaults: "RAG (smollm2-135m, k=3)".

    `form`: what the adapter of a FinetunedSpec learned to say, where that is known.
    """
    values, standard = spec.model_dump(), type(spec)().model_dump()
    changed = [
        model_name(str(value)) if field == "model" else f"{field}={value}"
        for field, value in values.items()
        if value != standard[field]
        and value not in PACKAGED_PROMPTS
        and field not in (*spec.filled, "adapter", "min_price", "max_price")
    ]
    if isinstance(spec, FinetunedSpec) and spec.adapter:
        neighbours = [f"k={spec.k}"] if spec.k else []
        changed = [f"{form} {spec.adapter[:8]}".lstrip(), model_name(spec.model), *neighbours, *changed]
    elif isinstance(spec, LlmSpec):
        changed += describe_bounds(spec.bounds)
    return f"{spec.label} ({', '.join(changed)})" if changed else spec.label
