"""How many true prices the intervals of a job hold, and how wide they are: overall, by predicted price, by category."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from db.types import PredictionStatus
from worker.evaluation.conformal import COVERAGE
from worker.evaluation.resampling import LEVEL, normal_quantile
from worker.evaluation.slices import NO_CATEGORY, OTHER, bands

COLUMNS: dict[str, pl.DataType] = {
    "job_id": pl.Int64(),
    "slice": pl.String(),  # "" = all rows
    "order": pl.Int64(),  # 0 = the cheapest band, the category with most items
    "n": pl.Int64(),  # answered rows whose true price is known and that have an interval
    "covered": pl.Float64(),  # the share of them whose true price lies in it
    "covered_low": pl.Float64(),  # its interval
    "covered_high": pl.Float64(),
    "level": pl.Float64(),  # of that interval
    "width": pl.Float64(),  # the median of (high - low) / price
    "verdict": pl.String(),  # VERDICTS
}

HOLDS, NARROW, WIDE, FEW = "holds", "too narrow", "too wide", "too few rows"
VERDICTS = (HOLDS, NARROW, WIDE, FEW)
"""Whether the share differs from COVERAGE by more than chance."""

FEWEST = 20  # rows below which a share says too little


def overall(predictions: pl.DataFrame, *, level: float = LEVEL) -> pl.DataFrame:
    """COLUMNS, one line per job that has intervals, in the order of the jobs; shares have intervals of that level.

    `predictions` has job_id, group_id (of near-duplicates), truth, price, low and high ($), status and category.
    """
    return _each(_held(predictions).with_columns(slice=pl.lit("")), [""], level)


def by_band(predictions: pl.DataFrame, *, level: float = LEVEL) -> pl.DataFrame:
    """COLUMNS, a line per job and band of the predicted price (slices.bands); bands without rows are left out.

    By the predicted price and not by the true one: a promise has to hold for what is known when it is made.
    """
    held = _held(predictions)
    labels, names = bands(held["price"].to_numpy())
    return _each(held.with_columns(slice=pl.Series(labels, dtype=pl.String)), names, level)


def by_category(predictions: pl.DataFrame, *, top: int = 12, level: float = LEVEL) -> pl.DataFrame:
    """COLUMNS, a line per job and category; beyond the `top` with most rows it is "(other)"."""
    held = _held(predictions).with_columns(
        slice=pl.when(pl.col("category").fill_null("") == "").then(pl.lit(NO_CATEGORY)).otherwise("category")
    )
    kept = held.group_by("slice").len().sort("len", "slice", descending=[True, False])["slice"].head(top).to_list()
    named = pl.when(pl.col("slice").is_in(kept)).then("slice").otherwise(pl.lit(OTHER))
    return _each(held.with_columns(slice=named), [*kept, OTHER], level)


def _held(predictions: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("truth").is_not_null() & (pl.col("status") == str(PredictionStatus.OK))
    return predictions.filter(known, pl.col("low").is_not_null(), pl.col("high").is_not_null()).with_columns(
        held=pl.col("truth").is_between("low", "high"), relative=(pl.col("high") - pl.col("low")) / pl.col("price")
    )


def _each(held: pl.DataFrame, names: Sequence[str], level: float) -> pl.DataFrame:
    order = {name: place for place, name in enumerate(names)}
    figures = held.group_by("job_id", "slice").agg(
        n=pl.len().cast(pl.Int64),
        covered=pl.col("held").mean(),
        width=pl.col("relative").median(),
        groups=pl.col("group_id").n_unique(),
    )
    lines = figures.with_columns(order=pl.col("slice").replace_strict(order, return_dtype=pl.Int64, default=0))
    low, high = _reach(lines["covered"].to_numpy(), lines["groups"].to_numpy(), level)
    lines = lines.with_columns(
        covered_low=pl.Series(low, dtype=pl.Float64),
        covered_high=pl.Series(high, dtype=pl.Float64),
        level=pl.lit(level),
    )
    verdict = (
        pl.when(pl.col("groups") < FEWEST)
        .then(pl.lit(FEW))
        .when(pl.col("covered_high") < COVERAGE)
        .then(pl.lit(NARROW))
        .when(pl.col("covered_low") > COVERAGE)
        .then(pl.lit(WIDE))
        .otherwise(pl.lit(HOLDS))
    )
    return lines.with_columns(verdict=verdict).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items()).sort(
        "job_id", "order"
    )  # fmt: skip


def _reach(share: np.ndarray, groups: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The interval of a share (Wilson 1927); near-duplicates count as one row, so that it is rather too wide."""
    z = normal_quantile((1 + level) / 2)
    n = np.maximum(groups, 1)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.maximum(0, centre - half), np.minimum(1, centre + half)
