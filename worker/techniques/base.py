"""The protocol of a technique, two methods over frames; leases, money and storage are kept for it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import (
    NO_LIMITS,
    PREDICTION_SCHEMA,
    Artifact,
    Freshness,
    PredictionStatus,
    PriceStats,
    PromptVersion,
    SearchLimits,
)
from worker.llm.base import LanguageModel, Precision
from worker.progress import Progress
from worker.specs import BaseSpec


class Embedder(Protocol):
    dims: int

    @property
    def signature(self) -> str:
        """Changes when the same text would get another vector."""
        ...

    def embed(self, texts: list[str], progress: Progress) -> npt.NDArray[np.float32]:
        """(n, dims) unit vectors, in the order of the texts."""
        ...


class Index(Protocol):
    """The dataset's knowledge base in pgvector. The test and validation sides never enter."""

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        """Bring in the train side and embed what is new or changed. Idempotent."""
        ...

    def nearest(self, items: pl.DataFrame, k: int, limits: SearchLimits = NO_LIMITS) -> pl.DataFrame:
        """db.types.FOUND_SCHEMA: at most k known items per asking item, best first. Rows in the order of the items.

        An item never gets itself back.
        """
        ...

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        """(n, dims) embeddings of items, from the store where they are, else computed."""
        ...

    def price_stats(self, category: str) -> PriceStats:
        """What known items of a category cost; upper and lower case are the same."""
        ...

    def freshness(self) -> Freshness:
        """How far the vectors are behind the items."""
        ...


class Member(Protocol):
    """Another technique, fitted, as one that is made of several uses it."""

    @property
    def calibration(self) -> pl.DataFrame:
        """What it said about validation rows that it did not learn from (worker.evaluation.calibration.SCHEMA), with
        group_id, of near-duplicates."""
        ...

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """PREDICTION_SCHEMA, as `Technique.price`; usd is what this costs now, null only where nobody knows it.

        Rows that it answered before cost nothing; what they would cost anew is in saved_usd.
        """
        ...


class Resources(Protocol):
    """What a technique may use, built once per process and only when first asked for."""

    def index(self) -> Index: ...

    def language_model(
        self, name: str, sample: int = 0, batch: str = "off", precision: Precision = "auto"
    ) -> LanguageModel:
        """The model that a spec names. sample, batch: how one behind an endpoint is asked (worker.specs.LlmSpec)."""
        ...

    def adapted_model(self, adapter: str, model: str, precision: Precision = "auto") -> LanguageModel:
        """The language model on this machine with an adapter's weights in it. Raises NotFound; UserError when they
        belong to another model."""
        ...

    def prompt(self, ref: str) -> PromptVersion:
        """The prompt that "name" or "name@version" means. Raises NotFound."""
        ...

    def fit_member(self, spec: BaseSpec, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Member:
        """Another technique, fitted on these rows unless that was done before. Only while something is fitted."""
        ...

    def member(self, spec: BaseSpec) -> Member:
        """Another technique that was fitted before. Raises NotReady."""
        ...


class Technique(Protocol):
    """Made from its spec and the Resources; all that is known of it before it runs stands on the spec class."""

    def fit(self, train: pl.DataFrame, validation: pl.DataFrame, progress: Progress) -> Artifact:
        """Learn from items with prices (ITEM_SCHEMA). Rows of the test side are never among them."""
        ...

    def load(self, artifact: Artifact) -> None:
        """Become the fitted technique. Called in a process that did not fit."""
        ...

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        """PREDICTION_SCHEMA, one line per item, in the order of the items; the items' own prices are null."""
        ...


def predictions(
    items: pl.DataFrame,
    price: npt.ArrayLike,
    *,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    evidence: list[str | None] | None = None,
    tokens_in: npt.ArrayLike | None = None,
    tokens_out: npt.ArrayLike | None = None,
    tokens_cached: npt.ArrayLike | None = None,
    seconds: npt.ArrayLike | None = None,
    usd: Sequence[float | None] | None = None,
    saved_usd: npt.ArrayLike | None = None,
    failed: Sequence[bool] | None = None,
) -> pl.DataFrame:
    """A frame of predictions; a price that is not a finite positive number makes the line `unparsed`.

    `usd` may hold None (machine seconds are what the item costs) and NaN (paid, but the price is unknown). `failed`
    (booleans) marks lines to which no answer came.
    """
    n = len(items)

    def column(values: npt.ArrayLike | None, fill: float | None) -> pl.Series:
        series = pl.Series(np.asarray(values, dtype=float)) if values is not None else pl.Series([fill] * n)
        return series.cast(pl.Float64)

    raw = column(price, None)
    lost = pl.Series(failed, dtype=pl.Boolean) if failed is not None else pl.Series([False] * n, dtype=pl.Boolean)
    good = (raw.is_finite() & (raw > 0)).fill_null(False)
    frame = pl.DataFrame(
        {"row": items["row"], "price": raw, "low": column(low, None), "high": column(high, None)}
    ).with_columns(pl.col("low", "high").fill_nan(None))
    return frame.with_columns(
        pl.when(good & ~lost).then(pl.col("price", "low", "high")),
        status=pl.when(good & ~lost)
        .then(pl.lit(str(PredictionStatus.OK)))
        .when(lost)
        .then(pl.lit(str(PredictionStatus.FAILED)))
        .otherwise(pl.lit(str(PredictionStatus.UNPARSED))),
        tokens_in=column(tokens_in, 0).cast(pl.Int64),
        tokens_out=column(tokens_out, 0).cast(pl.Int64),
        tokens_cached=column(tokens_cached, 0).cast(pl.Int64),
        seconds=column(seconds, None),
        usd=pl.Series(usd if usd is not None else [None] * n, dtype=pl.Float64, strict=False),
        saved_usd=column(saved_usd, 0).cast(pl.Float64),
        evidence=pl.Series(evidence if evidence is not None else [None] * n, dtype=pl.String),
    ).select(list(PREDICTION_SCHEMA))
