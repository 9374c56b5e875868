"""An Index (worker.techniques.base) in memory: vectors are hashed words, so that no model is loaded."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import FOUND_SCHEMA, NO_LIMITS, Freshness, PriceStats, PromptVersion, SearchLimits
from worker import demo
from worker.llm.base import LanguageModel, Precision
from worker.progress import Cancelled, Progress, Silent
from worker.prompts.builtin import BUILT_IN
from worker.prompts.versions import split
from worker.specs import BaseSpec
from worker.techniques import build
from worker.techniques.base import Technique
from worker.techniques.shared import ngrams

DIMS = 256


class MemoryIndex:
    """Exact search over unit vectors of hashed words and word pairs."""

    def __init__(self) -> None:
        self.train = pl.DataFrame()
        self.ages = pl.Series([], dtype=pl.Float64)  # days, one per train item; in tests rows are 0 to 270 days old
        self.groups: dict[int, int] = {}  # row -> group of near-duplicates; a row that is not here is its own
        self._stored = np.empty((0, DIMS), dtype=np.float32)

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        self.train = train
        self.ages = pl.Series([30.0 * (row % 10) for row in train["row"]], dtype=pl.Float64)
        self._stored = _vectors(train)
        progress.advance(len(train))

    def nearest(self, items: pl.DataFrame, k: int, limits: SearchLimits = NO_LIMITS) -> pl.DataFrame:
        if not len(self.train):
            return pl.DataFrame(schema=FOUND_SCHEMA)
        similarity = _vectors(items) @ self._stored.T
        similarity[items["row"].to_numpy()[:, None] == self.train["row"].to_numpy()] = -np.inf
        if limits.apart:
            known = np.array([self.groups.get(row, row) for row in self.train["row"]])
            asking = np.array([self.groups.get(row, row) for row in items["row"]])
            similarity[asking[:, None] == known] = -np.inf
        if limits.same_category:
            similarity[items["category"].to_numpy()[:, None] != self.train["category"].to_numpy()] = -np.inf
        if limits.min_similarity > 0:
            similarity[similarity < limits.min_similarity] = -np.inf
        if limits.newer_than_days > 0:
            similarity[:, (self.ages > limits.newer_than_days).to_numpy()] = -np.inf
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
        places, rank = np.nonzero(np.isfinite(np.take_along_axis(similarity, order, axis=1)))
        chosen = order[places, rank]
        return self.train[chosen].select(
            pl.Series("row", items["row"].to_numpy()[places], dtype=pl.Int64),
            neighbour=pl.format("row:{}", "row"),
            similarity=pl.Series(similarity[places, chosen], dtype=pl.Float64),
            price="price",
            title="title",
            description="description",
            category="category",
            brand="brand",
            age_days=self.ages[chosen],
        )

    def price_stats(self, category: str) -> PriceStats:
        prices = self.train.filter(pl.col("category") == category)["price"] if len(self.train) else pl.Series([])
        if prices.is_empty():
            return PriceStats(0)
        p25, median, p75 = (float(prices.quantile(q, "linear")) for q in (0.25, 0.5, 0.75))  # type: ignore[arg-type]
        return PriceStats(len(prices), median=median, p25=p25, p75=p75)

    def freshness(self) -> Freshness:
        age = float(self.ages.median() or 0.0) if len(self.train) else None  # type: ignore[arg-type]
        return Freshness(len(self.train), len(self.train), 0.0, None, None, None, age)

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        progress.advance(len(items))
        return _vectors(items)


def _vectors(items: pl.DataFrame) -> npt.NDArray[np.float32]:
    if items.is_empty():
        return np.empty((0, DIMS), dtype=np.float32)
    counts = ngrams.vectorizer("word", (1, 2), DIMS).transform(ngrams.text_of(items)).toarray()
    return (counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)).astype(np.float32)


class MemoryResources:
    """What techniques get in tests; `models` opens a language model by name where one is needed, `adapters` the files
    of an adapter."""

    def __init__(
        self, models: Callable[[str], Any] | None = None, adapters: Callable[[str], Any] | None = None
    ) -> None:
        self._index = MemoryIndex()
        self._models = models
        self._adapters = adapters
        self._members: dict[str, MemoryMember] = {}

    def fit_member(
        self, spec: BaseSpec, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress
    ) -> "MemoryMember":
        technique = build(spec, self)
        technique.load(technique.fit(train, validation, progress))
        member = self._members[spec.hash] = MemoryMember(technique, spec.seconds.per_item)
        member.calibrate(validation.filter(pl.col("price") > 0))
        return member

    def member(self, spec: BaseSpec) -> "MemoryMember":
        return self._members[spec.hash]

    def index(self) -> MemoryIndex:
        return self._index

    def language_model(
        self, name: str, sample: int = 0, batch: str = "off", precision: Precision = "auto"
    ) -> LanguageModel:
        assert self._models is not None, "this technique was not expected to use a language model"
        model: LanguageModel = self._models(name)
        return model

    def adapted_model(self, adapter: str, model: str, precision: Precision = "auto") -> LanguageModel:
        assert self._models is not None
        assert self._adapters is not None, "this technique was not expected to use an adapter"
        adapted: LanguageModel = self._models(model).adapted(self._adapters(adapter))
        return adapted

    def prompt(self, ref: str) -> PromptVersion:
        return BUILT_IN[split(ref)[0]]


class MemoryMember:
    """A member whose time is what its spec says, so that fitting twice says the same of it."""

    def __init__(self, technique: Technique, seconds: float) -> None:
        self._technique = technique
        self._seconds = seconds
        self.calibration = pl.DataFrame()

    def calibrate(self, validation: pl.DataFrame) -> None:
        priced = self.price(unpriced(validation), Silent()).with_columns(truth=validation["price"])
        self.calibration = priced.select(
            "row", "truth", "price", "low", "high", "status", "usd", "seconds", group_id="row"
        )

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        priced = self._technique.price(items, progress)
        seconds = pl.lit(self._seconds, pl.Float64)
        return priced.with_columns(seconds=seconds, usd=pl.coalesce("usd", seconds * 0.1 / 3600))


class Counting(Silent):
    """Progress that counts, and stops the work once `stop_after` items are done."""

    def __init__(self, stop_after: float = float("inf")) -> None:
        self.done = 0
        self._stop_after = stop_after

    def advance(self, n: int = 1) -> None:
        self.done += n
        if self.done >= self._stop_after:
            raise Cancelled


_MOST = 1500


@cache
def _shop() -> pl.DataFrame:
    """A catalogue begins like every longer one, so one is made for all files of tests."""
    shop = demo.catalogue(int(_MOST * 1.2) + 20, seed=5).drop_nulls("price").unique("title", maintain_order=True)
    return shop.with_row_index("row").select(pl.col("row").cast(pl.Int64), pl.exclude("row", "id"))


def demo_items(n: int) -> pl.DataFrame:
    """At most 1,500 priced items of the synthetic catalogue, ITEM_SCHEMA."""
    assert n <= _MOST
    return _shop().head(n)


def unpriced(items: pl.DataFrame) -> pl.DataFrame:
    """As `price` gets them."""
    return items.with_columns(price=pl.lit(None, pl.Float64))


def mean_error(items: pl.DataFrame, priced: pl.DataFrame) -> float:
    """Mean absolute error in $."""
    return float((items["price"] - priced["price"]).abs().mean())  # type: ignore[arg-type]
