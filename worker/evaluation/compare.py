"""Which job is best on the same items, how sure is that, and which others can't be told apart from it?"""

from typing import Literal

import numpy as np
import polars as pl

from worker.evaluation import frontier, metrics, resampling
from worker.evaluation.resampling import Figure, Floats
from worker.evaluation.shared import shared_items

Measure = Literal["mae", "median_ape", "rmsle", "within"]

# A job that answers fewer of the items than this can't be the best nor on the frontier: it may have skipped the hard
# ones. If no job reaches it, those that answer most can.
MIN_ANSWERED = 0.9

_SOURCE: dict[Measure, str] = {
    "mae": "absolute",
    "median_ape": "relative",
    "rmsle": "squared_log",
    "within": "hit",
}
_BOUNDED = [f"{measure}_{end}" for measure in _SOURCE for end in ("low", "high")]

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.Int64,
    "n": pl.Int64,  # items, the same for every job
    **dict.fromkeys(("mae", "mae_low", "mae_high"), pl.Float64),  # $
    **dict.fromkeys(("median_ape", "median_ape_low", "median_ape_high"), pl.Float64),  # share of the true price
    **dict.fromkeys(("rmsle", "rmsle_low", "rmsle_high"), pl.Float64),
    "rmse": pl.Float64,  # $
    **dict.fromkeys(("within", "within_low", "within_high"), pl.Float64),  # share of the answers
    "parse_rate": pl.Float64,  # share of the items
    "usd_per_1000": pl.Float64,  # null: unknown
    **dict.fromkeys(("tokens_in", "tokens_out"), pl.Float64),  # per item
    "p50_ms": pl.Float64,
    "p95_ms": pl.Float64,
    "on_frontier": pl.Boolean,
    **dict.fromkeys(("diff", "diff_low", "diff_high"), pl.Float64),
    "verdict": pl.String,
}
"""Columns of a comparison; ends of intervals are null where there is nothing to measure."""


def table(predictions: pl.DataFrame, n_boot: int = 2000, seed: int = 0, *, by: Measure = "mae") -> pl.DataFrame:
    """One line per job, best first (COLUMNS), from a long frame: job_id, row, truth, price, status, usd, saved_usd,
    seconds, tokens_in, tokens_out.

    Only items that every job has a line for and whose price is known count. Each error is taken over the items a job
    answered; n counts all items and parse_rate says how many were answered. Intervals are 95 % percentile bootstrap
    over items, with the same resamples for every job (Efron & Tibshirani 1993, ch. 13); above 50,000 items fewer
    than n_boot resamples are drawn (`resampling.affordable`).

    diff is how much worse than the best job by the measure `by` (positive = worse, for `within` too), on the items
    that both answered, with its paired interval. verdict: "best"; "worse" when that interval lies above 0; else "tie",
    which means not shown to be worse. Null when a job answered nothing. Not corrected for the number of jobs.
    """
    measured = metrics.errors(shared_items(predictions))
    points = _points(predictions, measured)
    answers = points["parse_rate"].fill_null(0.0).to_numpy()
    trusted = answers >= min(MIN_ANSWERED, answers.max(initial=0.0))
    judged = np.where(trusted, _numbers(points[by]), np.nan)
    best = None if np.isnan(judged).all() else int(np.nanargmax(judged) if by == "within" else np.nanargmin(judged))
    bounds = _bootstrap(measured, points, best, n_boot, seed, by)
    on_frontier = frontier.mask(np.where(trusted, _numbers(points["usd_per_1000"]), np.nan), _numbers(points["mae"]))
    verdict = (
        pl.when(pl.int_range(pl.len()) == pl.lit(best, pl.Int64))
        .then(pl.lit("best"))
        .when(pl.col("diff_low") > 0)
        .then(pl.lit("worse"))
        .when(pl.col("diff").is_not_null())
        .then(pl.lit("tie"))
    )
    return (
        pl.concat([points, bounds], how="horizontal")
        .with_columns(verdict=verdict, on_frontier=pl.Series(on_frontier, dtype=pl.Boolean))
        .select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
        .sort(pl.col(by), "job_id", descending=[by == "within", False], nulls_last=True)
    )


def _points(predictions: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    """The figures of each job, by job id; jobs that share no item with the others get a line with n = 0."""
    figures = measured.group_by("job_id").agg(metrics.AGGREGATES)
    jobs = predictions.select(pl.col("job_id").unique()).sort("job_id")
    return jobs.join(figures, on="job_id", how="left", maintain_order="left").with_columns(pl.col("n").fill_null(0))


def _numbers(series: pl.Series) -> Floats:
    """NaN for null."""
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _bootstrap(
    measured: pl.DataFrame, points: pl.DataFrame, best: int | None, n_boot: int, seed: int, by: Measure
) -> pl.DataFrame:
    """Ends of every interval and the differences to the best, a line for each line of `points`."""
    jobs = len(points)
    if best is None:
        return pl.DataFrame(dict.fromkeys([*_BOUNDED, "diff", "diff_low", "diff_high"], [None] * jobs))
    n = len(measured) // jobs
    # (n, jobs) per error; `measured` is sorted by job and row, so that a plain reshape puts equal items side by side
    grid: dict[Measure, Floats] = {
        measure: _numbers(measured[column]).reshape(jobs, n).T for measure, column in _SOURCE.items()
    }
    figures = {measure: _figure(values, measure) for measure, values in grid.items()}
    difference = _difference(grid[by], best, by)
    samples: dict[str, list[Floats]] = {name: [] for name in (*figures, "diff")}
    for block in resampling.weights(n, resampling.affordable(n, n_boot), seed):
        for measure, figure in figures.items():
            samples[measure].append(figure(block))
        samples["diff"].append(difference(block))
    drawn = {name: np.concatenate(blocks) for name, blocks in samples.items()}
    gaps = difference(np.ones((1, n)))[0]
    columns: dict[str, list[float | None]] = {
        "diff": [None if np.isnan(gap) else float(gap) for gap in gaps],
    }
    for name, lines in drawn.items():
        centre = columns["diff"] if name == "diff" else points[name].to_list()
        ends = [resampling.interval(lines[:, job], centre[job]) for job in range(jobs)]
        columns[f"{name}_low"], columns[f"{name}_high"] = ([end[side] for end in ends] for side in (0, 1))
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))


def _figure(values: Floats, measure: Measure) -> Figure:
    """The measure of each job (columns of values, (n, jobs)) under weights of the items."""
    if measure == "median_ape":
        return resampling.medians(values)
    averages = resampling.means(values)
    return (lambda block: np.sqrt(averages(block))) if measure == "rmsle" else averages


def _difference(values: Floats, best: int, measure: Measure) -> Figure:
    """How much worse than the best each job is, on the items that both answered."""
    rival = values[:, [best]]
    mine = _figure(np.where(np.isnan(rival), np.nan, values), measure)
    theirs = _figure(np.where(np.isnan(values), np.nan, rival), measure)
    sign = -1 if measure == "within" else 1
    return lambda block: sign * (mine(block) - theirs(block))
