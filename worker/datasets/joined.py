"""The items of several datasets, one after the other, as a file that holds all of them would give them."""

from collections.abc import Iterator, Sequence

import polars as pl

from db import datasets
from db.engine import begin
from worker.ingest.types import BATCH_ITEMS, BATCH_REJECTS, Batch
from worker.progress import Progress

_SLICE = 50_000


def batches(dataset_ids: Sequence[int], progress: Progress) -> Iterator[Batch]:
    """Every item, in order. Ids are told apart by their dataset: two shops may number their products alike. Raises
    what `progress` raises to stop the work."""
    none = pl.DataFrame(schema=BATCH_REJECTS)
    for dataset_id in dataset_ids:
        with begin() as session:
            items = datasets.whole_items(session, dataset_id)
        named = items.with_columns(
            external_id=pl.when(pl.col("external_id") != "")
            .then(pl.format("{}:{}", pl.lit(dataset_id), "external_id"))
            .otherwise(pl.lit("")),
            side=pl.lit(None, pl.String),  # of their own tables: a joined one is divided anew
        )
        for part in named.select(list(BATCH_ITEMS)).iter_slices(_SLICE):
            progress.advance(len(part))
            yield Batch(part, none)
