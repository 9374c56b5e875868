"""How wrong and how dear one job was on the items whose price is known."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from db.types import PredictionStatus
from worker.evaluation.measures import MEASURES

AGGREGATES: tuple[pl.Expr, ...] = (
    pl.len().alias("n"),
    *(measure.aggregate for measure in MEASURES.values()),
    pl.col("absolute").is_not_null().mean().alias("parse_rate"),
    # What pricing anew costs: an answer that was stored already cost this job nothing, but the next one may have none.
    # One unknown price makes the whole unknown.
    pl.when(pl.col("usd").null_count() == 0)
    .then((pl.col("usd") + pl.col("saved_usd")).mean() * 1000)
    .alias("usd_per_1000"),
    pl.col("tokens_in").mean(),
    pl.col("tokens_out").mean(),
    (pl.col("seconds").median() * 1000).alias("p50_ms"),
    (pl.col("seconds").quantile(0.95, interpolation="linear") * 1000).alias("p95_ms"),
)
"""The definition of every figure, for one job or grouped by job; works on what `errors` returns.

n counts every item, answered or not; the errors look only at answered ones and parse_rate says how many those are.
Money and time are taken over all items: an unreadable answer costs as much as a good one.
"""


def errors(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the errors of each line, a column for each measure (`Measure.error`); null where there is no
    answer to judge.

    `frame` has truth and price ($), status, usd and saved_usd ($), seconds, tokens_in and tokens_out; truth is never
    null. A column weight says how much each line counts where a measure looks at all of them. absolute: |price - truth|
    in $. relative: the same divided by truth, null for a truth of 0. squared_log: squared difference of log(1 + $).
    hit: 1.0 if the price is within 20 % of the truth, else 0.0.
    """
    answered = (pl.col("status") == str(PredictionStatus.OK)) & pl.col("price").is_finite()
    of_items = {measure.error: pl.when(answered).then(measure.of_item) for measure in MEASURES.values()}
    if "weight" in frame.columns:
        return frame.with_columns(**of_items)
    return frame.with_columns(weight=pl.lit(1.0)).with_columns(**of_items).drop("weight")


def aggregates(measured: pl.DataFrame) -> tuple[pl.Expr, ...]:
    """AGGREGATES for what `errors` returned: measures are weighted where it has a column weight, nothing else is."""
    found = {each.meta.output_name(): each for each in figures(measured)}
    return tuple(found.get(each.meta.output_name(), each) for each in AGGREGATES)


def figures(measured: pl.DataFrame) -> list[pl.Expr]:
    """The figure of each measure over what `errors` returned, weighted where it has a column weight."""
    return [measure.weighted if "weight" in measured.columns else measure.aggregate for measure in MEASURES.values()]


def weights(measured: pl.DataFrame) -> npt.NDArray[np.float64] | None:
    """(n,) the weight of each line; None where all count alike."""
    return measured["weight"].to_numpy() if "weight" in measured.columns else None


def summary(frame: pl.DataFrame) -> dict[str, Any]:
    """n, the figure of each measure by its key, parse_rate, usd_per_1000 ($), tokens_in, tokens_out, p50_ms and p95_ms;
    measures are weighted by a column weight, if there is one.

    Items without a known price can't be judged and are left out. Shares are between 0 and 1. An error is None when
    nothing was answered.
    """
    measured = errors(frame.filter(pl.col("truth").is_not_null()))
    return measured.select(aggregates(measured)).row(0, named=True)
