"""How wrong and how dear was one job on the items whose price is known?"""

from typing import Any

import polars as pl

from db.types import PredictionStatus

WITHIN = 0.2  # "within" counts guesses that are at most this share of the true price away from it

ERRORS = ("absolute", "relative", "squared_log", "hit")
"""Columns that `errors` adds; null where there is no answer to judge."""

AGGREGATES: tuple[pl.Expr, ...] = (
    pl.len().alias("n"),
    pl.col("absolute").mean().alias("mae"),
    pl.col("absolute").pow(2).mean().sqrt().alias("rmse"),
    pl.col("relative").median().alias("median_ape"),
    pl.col("squared_log").mean().sqrt().alias("rmsle"),
    pl.col("hit").mean().alias("within"),
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
    """Add the errors of each line. `frame` has truth and price ($), status, usd and
    saved_usd ($), seconds, tokens_in and tokens_out; truth is never null.

    absolute: |price - truth| in $. relative: the same divided by truth, null for a truth of 0. squared_log: squared
    difference of log(1 + $). hit: 1.0 if the price is within 20 % of the truth, else 0.0.
    """
    answered = (pl.col("status") == str(PredictionStatus.OK)) & pl.col("price").is_finite()
    off = (pl.col("price") - pl.col("truth")).abs()
    log_off = pl.col("price").clip(0).log1p() - pl.col("truth").clip(0).log1p()
    return frame.with_columns(
        absolute=pl.when(answered).then(off),
        relative=pl.when(answered & (pl.col("truth") > 0)).then(off / pl.col("truth")),
        squared_log=pl.when(answered).then(log_off.pow(2)),
        # The tiny slack keeps $8.00 for $10.00 inside, which floating point would put on either side.
        hit=pl.when(answered).then((off <= (WITHIN + 1e-9) * pl.col("truth")).cast(pl.Float64)),
    )


def summary(frame: pl.DataFrame) -> dict[str, Any]:
    """n, mae ($), rmse ($), median_ape, rmsle, within, parse_rate, usd_per_1000 ($), tokens_in, tokens_out, p50_ms and
    p95_ms.

    Items without a known price can't be judged and are left out. Shares are between 0 and 1. An error is None when
    nothing was answered.
    """
    return errors(frame.filter(pl.col("truth").is_not_null())).select(AGGREGATES).row(0, named=True)
