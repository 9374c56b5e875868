"""The priced items of a file, with groups of near-duplicates and sides, as loading makes them."""

from pathlib import Path

import numpy as np
import polars as pl

from worker.datasets.divider import SEED
from worker.ingest import duplicates, read, splits
from worker.progress import Silent


def priced_items(path: Path) -> pl.DataFrame:
    """row, key ("row:N"), title, description, category, brand, price, group_id, split of every row with a price."""
    inspection = read.inspect(path, path.name)
    batches = [batch.items for batch in read.batches(path, inspection, inspection.mapping, Silent())]
    items = pl.concat(batches).filter(pl.col("price") > 0)
    groups = duplicates.group(items)
    sides = splits.assign(groups, np.ones(len(items), dtype=bool), seed=SEED)
    return items.with_columns(
        row=pl.int_range(pl.len(), dtype=pl.Int64), group_id=pl.Series(groups), split=pl.Series(sides, dtype=pl.String)
    ).with_columns(key=pl.format("row:{}", "row"))
