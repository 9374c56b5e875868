"""Where a job is wrong: by category and by price band, in long frames for charts and tables."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from worker import amounts
from worker.evaluation import compare
from worker.evaluation.measures import USUAL
from worker.evaluation.shared import shared_items

EDGES = (10, 25, 50, 100, 250, 500)
"""Fixed edges, so that bands mean the same in every dataset of a currency; times a hundred where that has no cents. A
price on an edge belongs to the band above."""

NO_CATEGORY = "(none)"
OTHER = "(other)"


def bands(prices: npt.NDArray[np.float64]) -> tuple[list[str], list[str]]:
    """The band of each price (n,), and all bands from the cheapest: "$0–10" to "$500+", "¥0–1,000" to "¥50,000+"."""
    currency = amounts.money().currency
    edges = [edge * (1 if currency.decimals else 100) for edge in EDGES]
    written = [f"{edge:,}" for edge in edges]
    names = [f"{currency.prefix}{low}–{high}" for low, high in itertools.pairwise(["0", *written])]
    names.append(f"{currency.prefix}{written[-1]}+")
    return [names[place] for place in np.digitize(prices, edges)], names


def by_category(
    predictions: pl.DataFrame, *, by: str = USUAL, top: int = 12, n_boot: int = 500, seed: int = 0, **how: Any
) -> pl.DataFrame:
    """The columns of `compare.table` for each category, plus slice (its name) and order (0 = the most items).

    Verdicts hold for all pairs in all categories at once. The `top` categories with most items are kept, the rest is
    "(other)"; items without a category are "(none)". Needs the column category beside those of `compare.table`; `how`:
    its level and repeats.
    """
    items = shared_items(predictions).with_columns(
        slice=pl.when(pl.col("category").fill_null("") == "").then(pl.lit(NO_CATEGORY)).otherwise("category")
    )
    sizes = items.group_by("slice").len().sort("len", "slice", descending=[True, False])["slice"]
    kept = sizes.head(top).to_list()
    named = items.with_columns(slice=pl.when(pl.col("slice").is_in(kept)).then("slice").otherwise(pl.lit(OTHER)))
    return _each(named, [*kept, OTHER], by, n_boot, seed, how)


def by_band(
    predictions: pl.DataFrame, *, by: str = USUAL, n_boot: int = 500, seed: int = 0, **how: Any
) -> pl.DataFrame:
    """The columns of `compare.table` for each band of the true price, plus slice (`bands`) and order (0 = cheapest).

    Verdicts hold for all pairs in all bands at once; `how` as in `by_category`.
    Bands are cut by the truth: in the dearest one every technique guesses too low on average and in the cheapest too
    high, because a guess leans to the middle. Compare techniques within a band, not bands.
    """
    items = shared_items(predictions)
    labels, names = bands(items["truth"].to_numpy())
    return _each(items.with_columns(slice=pl.Series(labels, dtype=pl.String)), names, by, n_boot, seed, how)


def _each(
    items: pl.DataFrame, names: list[str], by: str, n_boot: int, seed: int, how: Mapping[str, Any]
) -> pl.DataFrame:
    """A comparison inside each slice, empty slices left out."""
    parts = items.partition_by("slice", as_dict=True)
    present = [(order, name) for order, name in enumerate(names) if (name,) in parts]
    compared = compare.tables([parts[name,] for _, name in present], n_boot, seed, by=by, **how)
    empty = pl.DataFrame(schema={**compare.COLUMNS, "slice": pl.String, "order": pl.Int32})
    return pl.concat(
        [
            empty,
            *(
                table.with_columns(slice=pl.lit(name), order=pl.lit(order, pl.Int32))
                for (order, name), table in zip(present, compared, strict=True)
            ),
        ]
    )
