"""What a technique is: two methods over frames; everything else (leases, money, storage) is kept for it."""

from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import PREDICTION_SCHEMA, Artifact, Family, PredictionStatus
from worker.progress import Progress


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
    """The dataset's train side in pgvector. The test side never enters."""

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        """Embed what is new or changed and store it. Idempotent."""
        ...

    def nearest(self, items: pl.DataFrame, k: int) -> pl.DataFrame:
        """Columns row (of the asking item), neighbour (row of a train item), similarity (cosine), price, title,
        best first within a row. An item that is itself in the index does not get itself back."""
        ...

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        """(n, dims) embeddings of items, from the store where they are, else computed."""
        ...


class Resources(Protocol):
    """What a technique may use, built once per process and only when first asked for."""

    def index(self) -> Index: ...

    def language_model(self, name: str) -> Any:
        """A worker.llm.base.PriceModel."""
        ...


class Technique(Protocol):
    family: ClassVar[Family]

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
    seconds: npt.ArrayLike | None = None,
) -> pl.DataFrame:
    """A frame of predictions; a price that is not a finite positive number makes the line `unparsed`."""
    n = len(items)

    def column(values: npt.ArrayLike | None, fill: float | None) -> pl.Series:
        series = pl.Series(np.asarray(values, dtype=float)) if values is not None else pl.Series([fill] * n)
        return series.cast(pl.Float64)

    raw = column(price, None)
    good = (raw.is_finite() & (raw > 0)).fill_null(False)
    frame = pl.DataFrame({"row": items["row"], "price": raw, "low": column(low, None), "high": column(high, None)})
    return frame.with_columns(
        pl.when(good).then(pl.col("price", "low", "high")),
        status=pl.when(good).then(pl.lit(str(PredictionStatus.OK))).otherwise(pl.lit(str(PredictionStatus.UNPARSED))),
        tokens_in=column(tokens_in, 0).cast(pl.Int64),
        tokens_out=column(tokens_out, 0).cast(pl.Int64),
        seconds=column(seconds, None),
        evidence=pl.Series(evidence if evidence is not None else [None] * n, dtype=pl.String),
    ).select(list(PREDICTION_SCHEMA))
