"""A knowledge base of the rows of one refit: it lives in memory, and the dataset's own never sees them."""

import polars as pl

from db.types import PriceStats
from worker.knowledge.index import PgIndex
from worker.knowledge.subset import RowsIndex
from worker.progress import Progress
from worker.resources import LiveResources


class PartIndex(RowsIndex):
    """As RowsIndex, but rows of the test side may be among those learned from: none is stored."""

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        self._known = train
        self._stored = self._whole.vectors(train, progress)

    def price_stats(self, category: str) -> PriceStats:
        alike = self._known.filter(pl.col("category").str.to_lowercase() == category.lower())["price"].drop_nulls()
        quarters = [alike.quantile(share, "linear") for share in (0.25, 0.5, 0.75)]
        return PriceStats(len(alike), *quarters) if len(alike) else PriceStats(0)


class PartResources(LiveResources):
    """Resources whose index knows only the rows that a technique was fitted on."""

    def __init__(self, dataset_id: int) -> None:
        super().__init__(dataset_id)
        self._part = PartIndex(PgIndex(dataset_id))

    def index(self) -> PartIndex:
        return self._part
