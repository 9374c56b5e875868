"""Which job is best on the same items, how sure is that, and which others can't be told apart from it?"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import polars as pl

from worker.evaluation import frontier, metrics, pairs, resampling
from worker.evaluation.pairs import Differences, Sample
from worker.evaluation.resampling import Figure, Floats, Groups
from worker.evaluation.shared import shared_items

Measure = Literal["mae", "median_ape", "rmsle", "within"]
Verdict = Literal["best", "ahead", "tie", "worse", "partial", "too few rows"]

# A job that answers fewer of the items than this can't be the best nor on the frontier: it may have skipped the hard
# ones. If no job reaches it, those that answer most can.
MIN_ANSWERED = 0.9

NEGLIGIBLE = 0.001
"""A difference smaller than this share of the better figure is none, however sure; nor is one of this much in a share
or a log error."""
CENT = 0.01
"""Nor is one of a cent in the mean error, or of a hundredth of the median price where that is less."""

_SOURCE: dict[Measure, str] = {
    "mae": "absolute",
    "median_ape": "relative",
    "rmsle": "squared_log",
    "within": "hit",
}

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
"""Columns of a comparison; ends of intervals are null where there is nothing to measure, or too little."""


def table(predictions: pl.DataFrame, n_boot: int = 2000, seed: int = 0, *, by: Measure = "mae") -> pl.DataFrame:
    """One line per job (COLUMNS), the one ahead first and those that answered too little (MIN_ANSWERED) last, from a
    long frame: job_id, row, group_id, truth, price, status, usd, saved_usd, seconds, tokens_in, tokens_out.

    Only items that every job has a line for and whose price is known count. Each error is taken over the items a job
    answered; n counts all items and parse_rate says how many were answered. Intervals of one job are 95 % percentile
    bootstrap over groups of near-duplicates, with the same resamples for every job (Efron & Tibshirani 1993, ch. 13);
    above 50,000 items fewer than n_boot resamples are drawn (`resampling.affordable`).

    diff is how much worse than the job that is ahead by the measure `by` (positive = worse, for `within` too), on the
    items that both answered. Its interval is paired and simultaneous: all pairs of jobs are held at once
    (`pairs.differences`). verdict: "worse" when that interval lies above 0 and the difference is not negligible; "best"
    for the job that is ahead when all others are worse, else "ahead"; "tie" for those not shown to be worse; "partial"
    for one that is surely nearer but answered too little to be ahead; "too few rows" without an interval. Null when a
    job answered nothing that the one ahead did.
    """
    return tables([predictions], n_boot, seed, by=by)[0]


def tables(
    parts: Sequence[pl.DataFrame], n_boot: int = 2000, seed: int = 0, *, by: Measure = "mae"
) -> list[pl.DataFrame]:
    """`table` of each part, where the differences of all parts are held at once. The parts share no item."""
    measured = [metrics.errors(shared_items(part)) for part in parts]
    points = [_points(*each) for each in zip(parts, measured, strict=True)]
    samples = [
        {measure: _sample(lines, len(figures), measure) for measure in _SOURCE}
        for lines, figures in zip(measured, points, strict=True)
    ]
    found = pairs.differences([sample[by] for sample in samples], partial(_figure, measure=by), n_boot, seed)
    return [
        _table(figures, _intervals(sample, figures, n_boot, seed), gaps, _least(lines, by), by)
        for figures, sample, gaps, lines in zip(points, samples, found, measured, strict=True)
    ]


def _points(predictions: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    """The figures of each job, by job id; jobs that share no item with the others get a line with n = 0."""
    figures = measured.group_by("job_id").agg(metrics.AGGREGATES)
    jobs = predictions.select(pl.col("job_id").unique()).sort("job_id")
    return jobs.join(figures, on="job_id", how="left", maintain_order="left").with_columns(pl.col("n").fill_null(0))


def _sample(measured: pl.DataFrame, jobs: int, measure: Measure) -> Sample:
    """Errors of all jobs side by side: `measured` is sorted by job and row, so a plain reshape pairs equal items."""
    n = len(measured) // max(1, jobs)
    errors = _numbers(measured[_SOURCE[measure]]).reshape(jobs, n).T
    return Sample(errors, resampling.number(measured["group_id"].head(n)))


def _numbers(series: pl.Series) -> Floats:
    """NaN for null."""
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _figure(values: Floats, groups: Groups, measure: Measure) -> Figure:
    """The measure of each column of errors (n, c) under weights of the items."""
    if measure == "median_ape":
        return resampling.medians(values, groups)
    averages = resampling.means(values)
    return (lambda block: np.sqrt(averages(block))) if measure == "rmsle" else averages


def _intervals(samples: dict[Measure, Sample], points: pl.DataFrame, n_boot: int, seed: int) -> pl.DataFrame:
    """Both ends for each figure of each job, a line for each line of `points`; null where too few groups answered."""
    groups = samples["mae"].groups
    enough = {
        measure: [_count(groups[~np.isnan(line)]) >= resampling.FEWEST_GROUPS for line in sample.errors.T]
        for measure, sample in samples.items()
    }
    drawn: dict[Measure, list[Floats]] = {measure: [] for measure in samples if any(enough[measure])}
    figures = {measure: _figure(*samples[measure], measure) for measure in drawn}
    if figures:
        for block in resampling.weights(groups, resampling.affordable(len(groups), n_boot), seed):
            for measure, figure in figures.items():
                drawn[measure].append(figure(block))
    columns: dict[str, list[float | None]] = {}
    for measure, known in enough.items():
        lines = np.concatenate(drawn[measure]).T if measure in drawn else [np.empty(0)] * len(known)
        ends = [
            resampling.interval(line, point) if is_known else (None, None)
            for line, point, is_known in zip(lines, points[measure], known, strict=True)
        ]
        columns[f"{measure}_low"], columns[f"{measure}_high"] = ([end[side] for end in ends] for side in (0, 1))
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))


def _count(groups: Groups) -> int:
    """How many different ones."""
    return int(np.count_nonzero(np.bincount(groups)))


def _table(points: pl.DataFrame, intervals: pl.DataFrame, gaps: Differences, least: float, by: Measure) -> pl.DataFrame:
    answers = points["parse_rate"].fill_null(0.0).to_numpy()
    trusted = answers >= min(MIN_ANSWERED, answers.max(initial=0.0))
    figures = _numbers(points[by])
    judged = np.where(trusted, figures, np.nan)
    first = None if np.isnan(judged).all() else int(np.nanargmax(judged) if by == "within" else np.nanargmin(judged))
    sign = -1 if by == "within" else 1
    found = [(np.nan,) * 3 if first is None else gaps.of(job, first) for job in range(len(points))]
    behind = [(sign * gap, *sorted((sign * low, sign * high))) for gap, low, high in found]
    if first is not None:
        least = max(least, NEGLIGIBLE * figures[first])
    verdicts = [_verdict(gap, low, high, least) for gap, low, high in behind]
    if first is not None:
        rivals = [verdict for job, verdict in enumerate(verdicts) if job != first and verdict is not None]
        verdicts[first] = _lead(rivals, intervals[f"{by}_low"][first] is not None)
    on_frontier = frontier.mask(np.where(trusted, _numbers(points["usd_per_1000"]), np.nan), _numbers(points["mae"]))
    return (
        pl.concat([points, intervals], how="horizontal")
        .with_columns(
            *(
                pl.Series(name, [each[place] for each in behind], dtype=pl.Float64).fill_nan(None)
                for place, name in enumerate(("diff", "diff_low", "diff_high"))
            ),
            verdict=pl.Series(verdicts, dtype=pl.String),
            on_frontier=pl.Series(on_frontier, dtype=pl.Boolean),
            is_trusted=pl.Series(trusted),
        )
        .sort("is_trusted", pl.col(by), "job_id", descending=[True, by == "within", False], nulls_last=True)
        .select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    )


def _least(measured: pl.DataFrame, by: Measure) -> float:
    """The smallest difference that means anything, in the unit of the measure."""
    if by != "mae" or measured.is_empty():
        return NEGLIGIBLE
    return CENT * min(1.0, float(np.median(measured["truth"].to_numpy())))


def _verdict(gap: float, low: float, high: float, least: float) -> Verdict | None:
    """On a job that is not ahead."""
    if np.isnan(gap):
        return None
    if np.isnan(low):
        return "too few rows"
    if abs(gap) < least or low <= 0 <= high:
        return "tie"
    return "worse" if low > 0 else "partial"


def _lead(rivals: Sequence[Verdict], is_known: bool) -> Verdict:
    """On the job that is ahead: from what is said of the others that answered, and whether it has an interval."""
    if not is_known:
        return "too few rows"
    return "best" if rivals and set(rivals) == {"worse"} else "ahead"
