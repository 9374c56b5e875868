"""A smaller knowledge base: the dataset's own vectors, searched among some of its rows only."""

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import FOUND_SCHEMA, NO_LIMITS, Freshness, PriceStats, SearchLimits
from worker.knowledge.index import PgIndex
from worker.progress import Progress, Silent


class RowsIndex:
    """An Index (worker.techniques.base) of the items that it is built from; searched exactly, in memory."""

    def __init__(self, whole: PgIndex) -> None:
        self._whole = whole
        self._known = pl.DataFrame()
        self._stored = np.empty((0, 0), dtype=np.float32)

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        """Keep the rows to search among; their vectors come from the dataset's knowledge base, which is
        brought up to date for that."""
        self._whole.build(train, progress)
        self._known = train
        self._stored = self._whole.vectors(train, Silent())

    def nearest(self, items: pl.DataFrame, k: int, limits: SearchLimits = NO_LIMITS) -> pl.DataFrame:
        """As the protocol says; of the limits none is kept here, so none may be set."""
        if limits != NO_LIMITS:
            raise ValueError(f"a part of a knowledge base is searched without limits, not with {limits}")
        if items.is_empty() or self._known.is_empty():
            return pl.DataFrame(schema=FOUND_SCHEMA)
        similarity = self._whole.vectors(items, Silent()) @ self._stored.T
        similarity[items["row"].to_numpy()[:, None] == self._known["row"].to_numpy()] = -np.inf
        best = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
        places, rank = np.nonzero(np.isfinite(np.take_along_axis(similarity, best, axis=1)))
        chosen = best[places, rank]
        return self._known[chosen].select(
            pl.Series("row", items["row"].to_numpy()[places], dtype=pl.Int64),
            neighbour=pl.format("row:{}", "row"),
            similarity=pl.Series(similarity[places, chosen], dtype=pl.Float64),
            price="price",
            title="title",
            description="description",
            category="category",
            brand="brand",
            age_days=pl.lit(None, pl.Float64),
        )

    def price_stats(self, category: str) -> PriceStats:
        return self._whole.price_stats(category)

    def freshness(self) -> Freshness:
        return self._whole.freshness()

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        return self._whole.vectors(items, progress)
