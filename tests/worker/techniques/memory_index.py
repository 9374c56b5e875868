"""An Index (worker.techniques.base) in memory: vectors are hashed words, so that no model is loaded."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from worker import demo
from worker.progress import Cancelled, Progress
from worker.techniques import ngrams

DIMS = 256


class MemoryIndex:
    """Exact search over unit vectors of hashed words and word pairs."""

    def __init__(self) -> None:
        self.train = pl.DataFrame()
        self._stored = np.empty((0, DIMS), dtype=np.float32)

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        self.train = train
        self._stored = _vectors(train)
        progress.advance(len(train))

    def nearest(self, items: pl.DataFrame, k: int) -> pl.DataFrame:
        similarity = _vectors(items) @ self._stored.T
        rows = self.train["row"].to_numpy() if len(self.train) else np.empty(0, dtype=np.int64)
        similarity[items["row"].to_numpy()[:, None] == rows] = -np.inf
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
        asking, rank = np.nonzero(np.isfinite(np.take_along_axis(similarity, order, axis=1)))
        chosen = order[asking, rank]
        known = (
            self.train[chosen] if len(self.train) else pl.DataFrame(schema={"price": pl.Float64, "title": pl.String})
        )
        return pl.DataFrame(
            {
                "row": items["row"].to_numpy()[asking],
                "neighbour": rows[chosen],
                "similarity": similarity[asking, chosen].astype(np.float64),
                "price": known["price"],
                "title": known["title"],
            },
            schema_overrides={"row": pl.Int64, "neighbour": pl.Int64},
        )

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        progress.advance(len(items))
        return _vectors(items)


def _vectors(items: pl.DataFrame) -> npt.NDArray[np.float32]:
    counts = ngrams.counted(*ngrams.word_groups(ngrams.text_of(items), 2), len(items), DIMS).toarray()
    return (counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)).astype(np.float32)


class MemoryResources:
    """What techniques get in tests; `models` opens a language model by name where one is needed."""

    def __init__(self, models: Callable[[str], Any] | None = None) -> None:
        self._index = MemoryIndex()
        self._models = models

    def index(self) -> MemoryIndex:
        return self._index

    def language_model(self, name: str) -> Any:
        assert self._models is not None, "this technique was not expected to use a language model"
        return self._models(name)


class Counting:
    """Progress that counts, and stops the work once `stop_after` items are done."""

    def __init__(self, stop_after: float = float("inf")) -> None:
        self.done = 0
        self._stop_after = stop_after

    def advance(self, n: int = 1) -> None:
        self.done += n
        if self.done >= self._stop_after:
            raise Cancelled


def demo_items(n: int, *, seed: int = 5) -> pl.DataFrame:
    """Priced items of the synthetic catalogue, ITEM_SCHEMA."""
    shop = demo.catalogue(int(n * 1.2) + 20, seed=seed).drop_nulls("price").unique("title", maintain_order=True).head(n)
    return shop.with_row_index("row").select(pl.col("row").cast(pl.Int64), pl.exclude("row", "id"))


def unpriced(items: pl.DataFrame) -> pl.DataFrame:
    """As `price` gets them."""
    return items.with_columns(price=pl.lit(None, pl.Float64))


def mean_error(items: pl.DataFrame, priced: pl.DataFrame) -> float:
    """Mean absolute error in $."""
    return float((items["price"] - priced["price"]).abs().mean())  # type: ignore[arg-type]
