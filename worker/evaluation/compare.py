"""Jobs compared on the same items: which is best, how sure that is, and which can't be told apart from it."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import polars as pl

from worker.evaluation import frontier, metrics, pairs, resampling
from worker.evaluation.measures import DECIDING, MEASURES, USUAL
from worker.evaluation.pairs import Differences, Sample
from worker.evaluation.resampling import Figure, Floats, Groups
from worker.evaluation.shared import shared_items

Verdict = Literal["best", "ahead", "tie", "worse", "partial", "too few rows"]

# A job that answers fewer of the items than this can't be the best nor on the frontier: it may have skipped the hard
# ones. If no job reaches it, those that answer most can.
MIN_ANSWERED = 0.9

NEGLIGIBLE = 0.001
"""A difference smaller than this share of the better figure is none, however sure; nor is one of this much in a share
or a log error."""
CENT = 0.01
"""Nor is one of a cent in the mean error, or of a hundredth of the median price where that is less."""

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.Int64,
    "n": pl.Int64,  # items, the same for every job
    # $, share or log by the measure's unit; with both ends of the interval where it decides
    **{
        f"{key}{end}": pl.Float64
        for key, measure in MEASURES.items()
        for end in (("", "_low", "_high") if measure.decides else ("",))
    },
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


def table(predictions: pl.DataFrame, n_boot: int = 2000, seed: int = 0, *, by: str = USUAL) -> pl.DataFrame:
    """One line per job (COLUMNS), the one ahead first and those that answered too little (MIN_ANSWERED) last, from a
    long frame: job_id, row, group_id, truth, price, status, usd, saved_usd, seconds, tokens_in, tokens_out.

    Only items that every job has a line for and whose price is known count. Each error is taken over the items a job
    answered; n counts all items and parse_rate says how many were answered. Intervals of one job are 95 % percentile
    bootstrap over groups of near-duplicates, with the same resamples for every job (Efron & Tibshirani 1993, ch. 13);
    above 50,000 items fewer than n_boot resamples are drawn (`resampling.affordable`).

    diff is how much worse than the job that is ahead by the measure `by`, a key of DECIDING (positive = worse, for
    `within` too), on the items that both answered. Its interval is paired and simultaneous: all pairs of jobs are held
    at once (`pairs.differences`). verdict: "worse" when that interval lies above 0 and the difference is not
    negligible; "best" for the job that is ahead when all others are worse, else "ahead"; "tie" for those not shown to
    be worse; "partial" for one that is surely nearer but answered too little to be ahead; "too few rows" without an
    interval. Null when a job answered nothing that the one ahead did.
    """
    return tables([predictions], n_boot, seed, by=by)[0]


def tables(parts: Sequence[pl.DataFrame], n_boot: int = 2000, seed: int = 0, *, by: str = USUAL) -> list[pl.DataFrame]:
    """`table` of each part, where the differences of all parts are held at once. The parts share no item."""
    measured = [metrics.errors(shared_items(part)) for part in parts]
    points = [_points(*each) for each in zip(parts, measured, strict=True)]
    samples = [
        {key: _sample(lines, len(figures), key) for key in DECIDING}
        for lines, figures in zip(measured, points, strict=True)
    ]
    gaps = pairs.differences([sample[by] for sample in samples], partial(_figure, key=by), n_boot, seed)
    return [
        _table(figures, _intervals(sample, figures, n_boot, seed), of_part, _least(lines, by), by)
        for figures, sample, of_part, lines in zip(points, samples, gaps, measured, strict=True)
    ]


def _points(predictions: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    """The figures of each job, by job id; jobs that share no item with the others get a line with n = 0."""
    figures = measured.group_by("job_id").agg(metrics.AGGREGATES)
    jobs = predictions.select(pl.col("job_id").unique()).sort("job_id")
    return jobs.join(figures, on="job_id", how="left", maintain_order="left").with_columns(pl.col("n").fill_null(0))


def _sample(measured: pl.DataFrame, jobs: int, key: str) -> Sample:
    """Errors of all jobs side by side: `measured` is sorted by job and row, so a plain reshape pairs equal items."""
    n = len(measured) // max(1, jobs)
    errors = _numbers(measured[DECIDING[key].error]).reshape(jobs, n).T
    return Sample(errors, resampling.number(measured["group_id"].head(n)))


def _numbers(series: pl.Series) -> Floats:
    """NaN for null."""
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _figure(values: Floats, groups: Groups, key: str) -> Figure:
    """A measure of each column of errors (n, c) under weights of the items."""
    average = DECIDING[key].average
    if average == "median":
        return resampling.medians(values, groups)
    averages = resampling.means(values)
    return (lambda block: np.sqrt(averages(block))) if average == "root of mean" else averages


def _intervals(samples: dict[str, Sample], points: pl.DataFrame, n_boot: int, seed: int) -> pl.DataFrame:
    """Both ends for each figure of each job, a line for each line of `points`; null where too few groups answered."""
    groups = samples[USUAL].groups
    enough = {
        key: [_count(groups[~np.isnan(line)]) >= resampling.FEWEST_GROUPS for line in sample.errors.T]
        for key, sample in samples.items()
    }
    drawn: dict[str, list[Floats]] = {key: [] for key in samples if any(enough[key])}
    figures = {key: _figure(*samples[key], key) for key in drawn}
    if figures:
        for block in resampling.weights(groups, resampling.affordable(len(groups), n_boot), seed):
            for key, figure in figures.items():
                drawn[key].append(figure(block))
    columns: dict[str, list[float | None]] = {}
    for key, known in enough.items():
        lines = np.concatenate(drawn[key]).T if key in drawn else [np.empty(0)] * len(known)
        ends = [
            resampling.interval(line, point) if is_known else (None, None)
            for line, point, is_known in zip(lines, points[key], known, strict=True)
        ]
        columns[f"{key}_low"], columns[f"{key}_high"] = ([end[side] for end in ends] for side in (0, 1))
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))


def _count(groups: Groups) -> int:
    """How many different groups there are."""
    return int(np.count_nonzero(np.bincount(groups)))


def _table(points: pl.DataFrame, intervals: pl.DataFrame, gaps: Differences, least: float, by: str) -> pl.DataFrame:
    answers = points["parse_rate"].fill_null(0.0).to_numpy()
    trusted = answers >= min(MIN_ANSWERED, answers.max(initial=0.0))
    figures, is_low = _numbers(points[by]), DECIDING[by].lower_is_better
    judged = np.where(trusted, figures, np.nan)
    first = None if np.isnan(judged).all() else int(np.nanargmin(judged) if is_low else np.nanargmax(judged))
    sign = 1 if is_low else -1
    gaps_to_first = [(np.nan,) * 3 if first is None else gaps.of(job, first) for job in range(len(points))]
    behind = [(sign * gap, *sorted((sign * low, sign * high))) for gap, low, high in gaps_to_first]
    if first is not None:
        least = max(least, NEGLIGIBLE * figures[first])
    verdicts = [_verdict(gap, low, high, least) for gap, low, high in behind]
    if first is not None:
        rivals = [verdict for job, verdict in enumerate(verdicts) if job != first and verdict is not None]
        verdicts[first] = _lead(rivals, intervals[f"{by}_low"][first] is not None)
    on_frontier = frontier.mask(np.where(trusted, _numbers(points["usd_per_1000"]), np.nan), _numbers(points[USUAL]))
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
        .sort("is_trusted", pl.col(by), "job_id", descending=[True, not is_low, False], nulls_last=True)
        .select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    )


def _least(measured: pl.DataFrame, by: str) -> float:
    """The smallest difference that means anything, in the unit of the measure."""
    if DECIDING[by].unit != "dollars" or measured.is_empty():
        return NEGLIGIBLE
    return CENT * min(1.0, float(np.median(measured["truth"].to_numpy())))


def _verdict(gap: float, low: float, high: float, least: float) -> Verdict | None:
    """The verdict on a job that is not ahead."""
    if np.isnan(gap):
        return None
    if np.isnan(low):
        return "too few rows"
    if abs(gap) < least or low <= 0 <= high:
        return "tie"
    return "worse" if low > 0 else "partial"


def _lead(rivals: Sequence[Verdict], is_known: bool) -> Verdict:
    """The verdict on the job that is ahead, from those on the others that answered; is_known: it has an interval."""
    if not is_known:
        return "too few rows"
    return "best" if rivals and set(rivals) == {"worse"} else "ahead"
