"""One spec class per technique, in the order people see them: cheap first. Each says all that is special about it."""

from typing import ClassVar, Literal

from pydantic import Field

from db.settings import settings
from db.types import Family, SearchLimits
from worker.specs.base import PRICE, BaseSpec, Seconds, model_name
from worker.specs.combined import CombinedSpec, Member, members_field
from worker.specs.llm import LlmSpec


class ConstantSpec(BaseSpec):
    made_by = "worker.techniques.constant:Constant"
    family = Family.BASELINE
    label = "Category median"
    seconds = Seconds(0.000_002, 0.01, 0.000_001)
    chunk_items = 20_000
    about = "The median price of the category: what any model has to beat."
    needs_validation = False
    is_preselected = is_default = True
    reads = ("category",)
    rare = ("min_items",)
    technique: Literal["constant"] = "constant"
    by: Literal["category", "all"] = Field("category", title="Median of", description="Each category, or all items.")
    min_items: int = Field(5, ge=1, le=1000, title="Items a category needs", description="Else the overall median.")


class RidgeSpec(BaseSpec):
    made_by = "worker.techniques.ridge:Ridge"
    family = Family.BASELINE
    label = "Ridge on words"
    fit_form = 2  # 1: n-grams in the columns of a hash of our own
    seconds = Seconds(0.001_5, 0.5, 0.001_5)
    chunk_items = 5_000
    about = "Linear regression of log price on TF-IDF of words and letter groups: trains in seconds, hard to beat."
    needs_validation = False
    is_preselected = is_default = True
    rare = ("word_ngrams", "char_ngrams", "max_features", "max_rows")
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


class BoostingSpec(BaseSpec):
    """How trees learn, for whatever technique they belong to."""

    family = Family.BASELINE
    rare: ClassVar[tuple[str, ...]] = ("learning_rate", "leaves", "text_dims", "max_rows")
    trees: int = Field(600, ge=10, le=10_000, title="Trees at most", description="Stops early on validation rows.")
    learning_rate: float = Field(0.03, gt=0, le=1, title="Learning rate")
    leaves: int = Field(15, ge=2, le=1024, title="Leaves per tree")
    text_dims: int = Field(128, ge=8, le=1024, title="Text dimensions", description="TF-IDF compressed to this many.")
    max_rows: int = Field(
        50_000, ge=100, le=500_000, title="Rows to learn from", description="A random sample beyond that."
    )


class LightGBMSpec(BoostingSpec):
    made_by = "worker.techniques.lightgbm:LightGBM"
    label = "Gradient boosting"
    fit_form = 2  # 1: n-grams in the columns of a hash of our own
    seconds = Seconds(0.000_5, 2.0, 0.002)
    chunk_items = 2_000
    about = "A linear model on words, corrected by LightGBM on text, category, brand and numbers: good with more rows."
    is_preselected = is_default = True
    rare = (*BoostingSpec.rare, "embeddings")
    technique: Literal["lightgbm"] = "lightgbm"
    embeddings: bool = Field(False, title="Use sentence embeddings too", description="Slower, seldom more accurate.")


class SparseMlpSpec(BaseSpec):
    made_by = "worker.techniques.sparse_mlp:SparseMlp"
    family = Family.BASELINE
    label = "Neural network on words"
    seconds = Seconds(0.002_5, 3.0, 0.005)
    chunk_items = 2_000
    about = "The mean of four small neural networks on the words that ridge reads: slower to fit, good with more rows."
    needs_validation = False
    rare = ("units", "epochs", "learning_rate", "word_ngrams", "char_ngrams", "max_features", "max_rows", "seed")
    drawn = ("seed",)
    technique: Literal["sparse-mlp"] = "sparse-mlp"
    networks: int = Field(4, ge=1, le=20, title="Networks", description="Their mean is the price.")
    units: int = Field(16, ge=1, le=256, title="Units of the first layer")
    epochs: int = Field(3, ge=1, le=20, title="Passes over the rows")
    learning_rate: float = Field(0.003, gt=0, le=1, title="Learning rate")
    word_ngrams: int = Field(2, ge=1, le=3, title="Longest word group")
    char_ngrams: int = Field(5, ge=3, le=6, title="Longest letter group")
    max_features: int = Field(
        65_536, ge=1000, le=2_000_000, title="Vocabulary size", description="Of words and of letter groups, hashed."
    )
    max_rows: int = Field(
        50_000, ge=100, le=500_000, title="Rows to learn from", description="A random sample beyond that."
    )
    seed: int = Field(0, ge=0, title="Seed", description="Which weights the networks start from.")


class TabMSpec(BaseSpec):
    made_by = "worker.techniques.tabm:TabM"
    family = Family.BASELINE
    label = "TabM network"
    seconds = Seconds(0.000_5, 8.0, 0.006)
    chunk_items = 2_000
    about = "Many small networks in one, on the features that boosting reads: smooth where trees make steps."
    rare = ("networks", "units", "layers", "learning_rate", "text_dims", "max_rows", "seed")
    drawn = ("seed",)
    technique: Literal["tabm"] = "tabm"
    epochs: int = Field(60, ge=1, le=500, title="Passes at most", description="Stops early on validation rows.")
    networks: int = Field(16, ge=1, le=64, title="Networks", description="Their mean is the price.")
    units: int = Field(192, ge=8, le=1024, title="Units of a layer")
    layers: int = Field(2, ge=1, le=6, title="Layers")
    learning_rate: float = Field(0.001, gt=0, le=1, title="Learning rate")
    text_dims: int = Field(128, ge=8, le=1024, title="Text dimensions", description="TF-IDF compressed to this many.")
    max_rows: int = Field(
        50_000, ge=100, le=500_000, title="Rows to learn from", description="A random sample beyond that."
    )
    seed: int = Field(0, ge=0, title="Seed", description="Which weights the networks start from.")


class NeighboursSpec(BaseSpec):
    made_by = "worker.techniques.neighbours:Neighbours"
    family = Family.BASELINE
    label = "Nearest neighbours"
    seconds = Seconds(0.03, 5.0, 0.03)
    chunk_items = 500
    about = "The prices of the most similar known products, found by meaning in pgvector; no language model."
    needs_validation = False
    is_preselected = is_default = True
    searches = True
    rare = ("sharpness",)
    technique: Literal["neighbours"] = "neighbours"
    k: int = Field(20, ge=1, le=200, title="Neighbours")
    sharpness: float = Field(14.0, ge=0, le=50, title="Trust in the closest", description="0 = all count the same.")

    @property
    def reads_neighbours(self) -> bool:
        return True


class ZeroShotSpec(LlmSpec):
    made_by = "worker.techniques.zero_shot:ZeroShot"
    label = "Prompt, no examples"
    seconds = Seconds(0.4)
    about = "Ask a language model cold; its distribution over prices is read, not just its first answer."
    needs_fit = False
    is_preselected = is_default = True
    also_tried = ({"readout": "greedy"},)
    technique: Literal["zero-shot"] = "zero-shot"


class MultiShotSpec(LlmSpec):
    made_by = "worker.techniques.multi_shot:MultiShot"
    label = "Prompt with examples"
    seconds = Seconds(0.8, 1.0)
    about = "The same question after a few priced examples from the train side."
    is_default = True
    searches = True  # where the nearest examples are chosen
    k_counts = "examples"
    rare = (*LlmSpec.rare, "seed")
    drawn = (*LlmSpec.drawn, "seed")
    technique: Literal["multi-shot"] = "multi-shot"
    k: int = Field(3, ge=0, le=50, title="Examples")
    choose: Literal["random", "category", "nearest"] = Field(
        "random", title="Choose examples", description="From the train side; nearest = the most similar ones."
    )
    seed: int = Field(0, ge=0, title="Seed")

    @property
    def is_by_chance(self) -> bool:
        return super().is_by_chance or self.choose != "nearest"

    @property
    def context(self) -> tuple[int, int]:
        return self.k, self.max_text_tokens


class ChainedSpec(LlmSpec):
    made_by = "worker.techniques.chained:Chained"
    label = "Prompt chain"
    seconds = Seconds(1.5)
    about = "First the model lists the product's attributes as JSON, then it prices from them: two calls per item."
    needs_fit = False
    rare = (*LlmSpec.rare, "extract_prompt", "max_attribute_tokens")
    technique: Literal["chained"] = "chained"
    extract_prompt: str = Field("extract", title="Prompt of the first step")
    max_attribute_tokens: int = Field(80, ge=16, le=1000, title="Longest list of attributes (tokens)")

    @property
    def first_step(self) -> tuple[str, int] | None:
        return self.extract_prompt, self.max_attribute_tokens


class ToolsSpec(LlmSpec):
    made_by = "worker.techniques.tools:Tools"
    label = "Prompt with tools"
    seconds = Seconds(3.0)
    about = "The model may look up similar items and category prices, and calculate, before it answers."
    calls_functions = True
    searches = True
    technique: Literal["tools"] = "tools"
    max_calls: int = Field(6, ge=1, le=20, title="Tool calls at most")

    @property
    def most_rounds(self) -> int:
        return self.max_calls + 1  # the last one answers


class RetrievalSpec(LlmSpec):
    """How the known products that a prompt holds are looked for, for whatever technique reads them."""

    seconds = Seconds(0.6, 5.0, 0.03)
    searches = True
    rare = (*LlmSpec.rare, "min_similarity", "newer_than_days", "neighbour_tokens")
    k: int = Field(5, ge=0, le=50, title="Neighbours")
    same_category: bool = Field(False, title="Same category only")
    min_similarity: float = Field(0.0, ge=0, le=1, title="Least similarity")
    newer_than_days: int = Field(0, ge=0, le=36_500, title="Prices not older than (days)", description="0 = any age.")
    neighbour_tokens: int = Field(40, ge=8, le=1000, title="Longest neighbour text (tokens)")

    @property
    def limits(self) -> SearchLimits:
        """Which known products may be neighbours."""
        return SearchLimits(self.same_category, self.min_similarity, self.newer_than_days)

    @property
    def context(self) -> tuple[int, int]:
        return self.k, self.neighbour_tokens


class RagSpec(RetrievalSpec):
    made_by = "worker.techniques.rag:Rag"
    family = Family.RAG
    label = "RAG"
    about = "The model reads the most similar known products with their prices before it answers."
    is_default = True
    k_counts = "neighbours"
    technique: Literal["rag"] = "rag"

    @property
    def reads_neighbours(self) -> bool:
        return True


class FinetunedSpec(RetrievalSpec):
    """An adapter's own prompt, text lengths and neighbours come with it: worker.adapters.pricing fills them in."""

    made_by = "worker.techniques.finetuned:Finetuned"
    family = Family.FINETUNE
    label = "Fine-tuned"
    seconds = Seconds(0.5, 5.0, 0.03)  # without neighbours there is no fit step
    about = "A language model whose weights were trained on products with prices; trained on the Fine-tune page."
    needs_adapter = True
    filled = (
        *("model", "prompt", "max_text_tokens", "min_price", "max_price"),
        *("k", "neighbour_tokens", "same_category", "min_similarity", "newer_than_days"),
    )
    technique: Literal["finetuned"] = "finetuned"
    adapter: str = Field("", title="Adapter", description="Its number on the Adapters page, or the beginning of it.")
    k: int = Field(0, ge=0, le=50, title="Neighbours")

    @property
    def learns(self) -> bool:
        return self.k > 0 or self.judges

    @property
    def reads_neighbours(self) -> bool:
        return self.k > 0

    def changes(self, form: str = "") -> list[str]:
        if not self.adapter:
            return super().changes(form)
        neighbours = [f"k={self.k}"] if self.k else []
        learned = [f"{form} {self.adapter[:8]}".lstrip(), model_name(self.model), *neighbours]
        return learned + BaseSpec.changes(self)


class HiddenBoostingSpec(BoostingSpec):
    made_by = "worker.techniques.hidden_boosting:HiddenBoosting"
    label = "Boosting on a model's hidden state"
    seconds = Seconds(0.1, 5.0, 0.1)
    chunk_items = 64
    uses_llm = True
    about = "Gradient boosting on words that also sees what a language model on this machine holds about the product."
    rare = (*BoostingSpec.rare, "max_text_tokens", "pooling")
    technique: Literal["hidden-boosting"] = "hidden-boosting"
    model: str = Field("gemma3-270m", title="Model", description="gemma3-270m, smollm2-135m or a model folder.")
    adapter: str = Field(
        "", title="Adapter", description="Its number on the Adapters page: that model's weights; empty = as it comes."
    )
    pooling: Literal["mean", "last"] = Field(
        "mean", title="State of", description="The mean over the product's tokens, or the last token before the price."
    )
    max_text_tokens: int = Field(110, ge=16, le=4000, title="Longest product text (tokens)")
    precision: Literal["auto", "int8", "nf4"] = Field(
        "auto", title="Arithmetic", description="As for techniques that ask a model on this machine."
    )

    @property
    def calibration_rows(self) -> int:
        return settings().calibration_rows


_BASELINES = (RidgeSpec(), LightGBMSpec(), NeighboursSpec())


class EnsembleSpec(CombinedSpec):
    made_by = "worker.techniques.ensemble:Ensemble"
    family = Family.ENSEMBLE
    label = "Ensemble"
    seconds = Seconds(0.04, 8.0, 0.04)
    about = "Several techniques answer, and their prices are averaged with weights learned on validation rows."
    is_default = True
    rare = ("weights",)
    technique: Literal["ensemble"] = "ensemble"
    members: tuple[Member, ...] = members_field(*_BASELINES)
    weights: Literal["auto", "equal", "squares", "non-negative", "absolute"] = Field(
        "auto",
        title="Learn weights by",
        description="auto = whichever has the least error on validation rows that it was not learned from.",
    )


class CascadeSpec(CombinedSpec):
    made_by = "worker.techniques.cascade:Cascade"
    family = Family.CASCADE
    label = "Cascade"
    fit_form = 3  # 2: a row kept the last answer, whatever validation rows said of the mean
    seconds = Seconds(0.02, 8.0, 0.04)
    about = "The cheapest technique answers first; rows that it is unsure about go on to a dearer one."
    is_default = True
    technique: Literal["cascade"] = "cascade"
    members: tuple[Member, ...] = members_field(*_BASELINES)
    usd_per_1000: float = Field(
        0.0, ge=0, title="Budget ($ per 1,000 rows)", description="0 = none: as cheap as it can be without more error."
    )
    max_error: float = Field(
        0.0,
        ge=0,
        title="Mean error wanted",
        description="0 = none; with one, the cheapest way to reach it.",
        json_schema_extra=PRICE,
    )
