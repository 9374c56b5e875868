"""Jobs compared on the same items: which is best, how sure that is, and which can't be told apart from it."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
import polars as pl

from worker.evaluation import frontier, metrics, pairs, resampling
from worker.evaluation.measures import DECIDING, MEASURES, USUAL
from worker.evaluation.pairs import Differences, Places, Sample
from worker.evaluation.resampling import LEVEL, Figure, Floats, Groups
from worker.evaluation.shared import shared_items

Verdict = Literal["best", "ahead", "tie", "worse", "partial", "too few rows"]

# A job that answers fewer of the items than this can't be the best nor on the frontier: it may have skipped the hard
# ones. If no job reaches it, those that answer most can.
MIN_ANSWERED = 0.9

MOST_TIMES = 100
"""More than so many times the rows are not asked for: a difference that small will hardly matter."""

NEGLIGIBLE = 0.001
"""A difference smaller than this share of the better figure is none, however sure; nor is one of this much in a share
or a log error."""
CENT = 0.01
"""Nor is one of a cent in the mean error, or of a hundredth of the median price where that is less."""

NO_REPEATS: Mapping[int, int] = {}
"""Every job is the only run of its technique."""

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
    "more_rows": pl.Int64,  # of a tie: so many more items would probably tell; null: hardly any number would
    "repeats": pl.Int64,  # runs that the line is the mean of
    "level": pl.Float64,  # of all intervals, and of the verdicts taken together
}
"""Columns of a comparison; ends of intervals are null where there is nothing to measure, or too little."""


def table(
    predictions: pl.DataFrame,
    n_boot: int = 2000,
    seed: int = 0,
    *,
    by: str = USUAL,
    level: float = LEVEL,
    repeats: Mapping[int, int] = NO_REPEATS,
) -> pl.DataFrame:
    """One line per job (COLUMNS), the one ahead first and those that answered too little (MIN_ANSWERED) last, from a
    long frame: job_id, row, group_id, truth, price, status, usd, saved_usd, seconds, tokens_in, tokens_out. With a
    column weight, above 0, every measure is weighted by it; costs, times and shares of answers are not.

    Only items that every job has a line for and whose price is known count. Each error is taken over the items a job
    answered; n counts all items and parse_rate says how many were answered. Intervals of one job are percentile
    bootstrap at `level` over groups of near-duplicates, with the same resamples for every job (Efron & Tibshirani 1993,
    ch. 13); above 50,000 items fewer than n_boot resamples are drawn (`resampling.affordable`), and many groups are
    pooled (`resampling.pooled`).

    repeats: job -> the job whose technique it ran once more, with another seed or sample. Such jobs become one line
    under that job's id, with the mean of their figures; how far they lie apart is part of every interval.

    diff is how much worse than the job that is ahead by the measure `by`, a key of DECIDING (positive = worse, for
    `within` too), on the items that both answered. Its interval is paired and simultaneous: all pairs of jobs are held
    at once (`pairs.differences`). verdict: "worse" when that interval lies above 0 and the difference is not
    negligible; "best" for the job that is ahead when all others are worse, else "ahead"; "tie" for those not shown to
    be worse; "partial" for one that is surely nearer but answered too little to be ahead; "too few rows" without an
    interval. Null when a job answered nothing that the one ahead did. more_rows: how many more items would tell a tie
    in 80 of 100 cases, if the two differ as much as they seem to (`Differences.times_rows`); null above MOST_TIMES.
    """
    return Compared(predictions, n_boot, seed, level=level, repeats=repeats).table(by)


def tables(
    parts: Sequence[pl.DataFrame],
    n_boot: int = 2000,
    seed: int = 0,
    *,
    by: str = USUAL,
    level: float = LEVEL,
    repeats: Mapping[int, int] = NO_REPEATS,
) -> list[pl.DataFrame]:
    """`table` of each part, where the differences of all parts are held at once; of the intervals of figures only those
    of `by`. The parts share no item."""
    each = [Compared(part, n_boot, seed, level=level, repeats=repeats) for part in parts]
    gaps = _differences([part.sample(by) for part in each], by, n_boot, seed, level)
    return [part.judged(of_part, by, [by]) for part, of_part in zip(each, gaps, strict=True)]


class Compared:
    """Predictions made ready once, to be judged by one measure or by several; `predictions`, `level` and `repeats` as
    `table` takes them."""

    def __init__(
        self,
        predictions: pl.DataFrame,
        n_boot: int = 2000,
        seed: int = 0,
        *,
        level: float = LEVEL,
        repeats: Mapping[int, int] = NO_REPEATS,
    ) -> None:
        self._jobs = technique_of_jobs(predictions, repeats)
        self._measured = metrics.errors(shared_items(predictions))
        self._points = _points(self._jobs, self._measured)
        self._how = n_boot, seed, level
        self._intervals: dict[str, pl.DataFrame] = {}
        self._gaps: tuple[str, Differences] | None = None

    def table(self, by: str = USUAL) -> pl.DataFrame:
        """`table`, judged by a measure."""
        return self.judged(self._differences(by), by, list(DECIDING))

    def judged(self, gaps: Differences, by: str, ends_of: Sequence[str]) -> pl.DataFrame:
        """COLUMNS from given differences, with the intervals of some figures; those of the others are null."""
        _, _, level = self._how
        made = _table(self._points, self._ends(ends_of), gaps, _least(self._measured, by), by)
        return made.with_columns(level=pl.lit(level))

    def every_pair(self, by: str = USUAL) -> pl.DataFrame:
        """`every_pair`, judged by a measure."""
        return _every_pair(self._points, self._differences(by), _least(self._measured, by), by)

    def sample(self, key: str) -> Sample:
        """Errors of all jobs side by side: what was measured is sorted by job and row, so a plain reshape pairs equal
        items."""
        n = len(self._measured) // max(1, len(self._jobs))
        errors = _numbers(self._measured[DECIDING[key].error]).reshape(len(self._jobs), n).T
        groups, runs = resampling.number(self._measured["group_id"].head(n)), resampling.number(self._jobs["job_id"])
        return Sample(errors, groups, runs, metrics.weights(self._measured.head(n)))

    def _differences(self, by: str) -> Differences:
        if self._gaps is None or self._gaps[0] != by:
            self._gaps = by, _differences([self.sample(by)], by, *self._how)[0]
        return self._gaps[1]

    def _ends(self, keys: Sequence[str]) -> pl.DataFrame:
        missing = [key for key in keys if key not in self._intervals]
        self._intervals |= _intervals(self.sample, missing, self._points, *self._how)
        return pl.concat([self._intervals[key] for key in keys], how="horizontal")


def _differences(samples: Sequence[Sample], by: str, n_boot: int, seed: int, level: float) -> list[Differences]:
    has_tails = DECIDING[by].average != "median"
    return pairs.differences(samples, partial(figure, key=by), n_boot, seed, level, has_tails=has_tails)


def level_of(table: pl.DataFrame) -> float:
    """The level of the intervals of a table, or of lines made from one."""
    return float(table["level"][0]) if len(table) else LEVEL


def with_runs(table: pl.DataFrame, names: Mapping[int, str]) -> dict[int, str]:
    """Job id -> name, with how many runs its line of a table (job_id, repeats) is the mean of, where it is of
    several."""
    several = dict(table.filter(pl.col("repeats") > 1).select("job_id", "repeats").iter_rows())
    return {job: f"{name} ({several[job]} runs)" if job in several else name for job, name in names.items()}


def sample(predictions: pl.DataFrame, by: str) -> Sample:
    """The errors of jobs by a measure of DECIDING, on the items that `table` compares them on; a column per job."""
    return Compared(predictions).sample(by)._replace(repeats=None)


PAIRS: dict[str, pl.DataType | type[pl.DataType]] = {
    "first": pl.Int64,  # job ids
    "second": pl.Int64,
    **dict.fromkeys(("diff", "diff_low", "diff_high"), pl.Float64),  # positive: the first is worse
    "verdict": pl.String,  # of the first beside the second: better, worse, tie, too few rows; null: nothing in common
    "more_rows": pl.Int64,  # as in COLUMNS
}


def every_pair(
    predictions: pl.DataFrame,
    n_boot: int = 2000,
    seed: int = 0,
    *,
    by: str = USUAL,
    level: float = LEVEL,
    repeats: Mapping[int, int] = NO_REPEATS,
) -> pl.DataFrame:
    """Every technique beside every other (PAIRS), told apart just as `table` tells them from the one ahead."""
    return Compared(predictions, n_boot, seed, level=level, repeats=repeats).every_pair(by)


def _every_pair(points: pl.DataFrame, gaps: Differences, smallest: float, by: str) -> pl.DataFrame:
    job_ids, n = points["job_id"].to_list(), int(points["n"].max() or 0)  # type: ignore[arg-type]
    figures, sign = _numbers(points[by]), 1 if DECIDING[by].lower_is_better else -1
    lines = []
    for one, other in itertools.permutations(range(len(job_ids)), 2):
        gap, *ends = (sign * value for value in gaps.of(one, other))
        low, high = sorted(ends)
        least = max(smallest, NEGLIGIBLE * min(figures[one], figures[other]))
        verdict = _verdict(gap, low, high, least)
        more = _more_rows(gaps.times_rows(one, other), n) if verdict == "tie" else None
        named = "better" if verdict == "partial" else verdict
        lines.append((job_ids[one], job_ids[other], gap, low, high, named, more))
    return pl.DataFrame(lines, schema=PAIRS, orient="row").with_columns(
        pl.col("diff", "diff_low", "diff_high").fill_nan(None)
    )


def technique_of_jobs(predictions: pl.DataFrame, repeats: Mapping[int, int]) -> pl.DataFrame:
    """The jobs of a long frame in order, job, each with the one under whose id it stands, job_id."""
    jobs = predictions.select(job=pl.col("job_id").unique().sort())
    return jobs.with_columns(job_id=pl.col("job").replace(dict(repeats)).cast(jobs.schema["job"]))


def _points(jobs: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    """The figures of each technique, by job id; jobs that share no item with the others get a line with n = 0."""
    figures = measured.group_by("job_id").agg(metrics.aggregates(measured)).rename({"job_id": "job"})
    of_jobs = jobs.join(figures, on="job", how="left", maintain_order="left")
    return (
        of_jobs.group_by("job_id", maintain_order=True)
        .agg(
            pl.exclude("job", "n", "usd_per_1000").mean(),
            pl.col("n").first().fill_null(0),
            pl.when(pl.col("usd_per_1000").null_count() == 0).then(pl.col("usd_per_1000").mean()).first(),
            repeats=pl.len(),
        )
        .sort("job_id")
    )


def _numbers(series: pl.Series) -> Floats:
    """NaN for null."""
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def figure(values: Floats, groups: Groups, item_weights: Floats | None = None, *, key: str) -> Figure:
    """A measure of each column of errors (n, c) under weights of the groups; item_weights as in `resampling.means`."""
    average = DECIDING[key].average
    if average == "median":
        return resampling.medians(values, groups, item_weights)
    averages = resampling.means(values, groups, item_weights)
    match average:
        case "root of mean":
            return lambda block: np.sqrt(averages(block))
        case "1 - mean":
            return lambda block: 1 - averages(block)
    return averages


def _intervals(
    sample_of: Callable[[str], Sample], keys: Sequence[str], points: pl.DataFrame, n_boot: int, seed: int, level: float
) -> dict[str, pl.DataFrame]:
    """Both ends for some figures of each technique, by the name of the figure, a line for each of `points`; null where
    too few groups answered. Resamples are drawn once for all figures: samples differ in nothing but their errors."""
    enough, figures, groups, runs = {}, {}, resampling.alone(0), []
    for key in keys:
        errors, groups, _, weights = sample = sample_of(key)
        runs, enough[key] = sample.runs, _enough(sample)
        if any(enough[key]):
            figures[key] = figure(errors, resampling.pooled(groups), weights, key=key)
    drawn = []
    if figures:
        blocks = resampling.weights(resampling.pooled(groups), resampling.affordable(len(groups), n_boot), seed)
        drawn = [{key: each(block) for key, each in figures.items()} for block in blocks]
    return {
        key: _both_ends(key, [part[key] for part in drawn if key in part], points[key], enough[key], runs, seed, level)
        for key in keys
    }


def _both_ends(
    key: str,
    drawn: Sequence[Floats],
    points: pl.Series,
    enough: Sequence[bool],
    runs: Sequence[Places],
    seed: int,
    level: float,
) -> pl.DataFrame:
    """Both ends for one figure, from blocks of what it was in resamples (b, jobs)."""
    lines = list(resampling.average(np.concatenate(drawn), runs, [seed, _RUNS]).T) if drawn else [None] * len(runs)
    ends = [
        resampling.interval(line, point, level) if line is not None and is_known else (None, None)
        for line, point, is_known in zip(lines, points, enough, strict=True)
    ]
    columns = {f"{key}_{name}": [end[side] for end in ends] for side, name in enumerate(("low", "high"))}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))


def _enough(sample: Sample) -> list[bool]:
    """Whether enough groups answered for an interval, for each technique."""

    def count(errors: Floats) -> int:
        known = ~np.isnan(errors)
        return resampling.independent(sample.groups[known], None if sample.weights is None else sample.weights[known])

    return [min(count(sample.errors[:, job]) for job in jobs) >= resampling.FEWEST_GROUPS for jobs in sample.runs]


_RUNS = 1  # tells the draws of runs from those of items


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
    more = [
        _more_rows(gaps.times_rows(job, first), n) if verdict == "tie" and first is not None else None
        for job, (verdict, n) in enumerate(zip(verdicts, points["n"], strict=True))
    ]
    on_frontier = frontier.mask(np.where(trusted, _numbers(points["usd_per_1000"]), np.nan), _numbers(points[USUAL]))
    return (
        pl.concat([points, intervals], how="horizontal")
        .with_columns(
            *(
                pl.Series(name, [each[place] for each in behind], dtype=pl.Float64).fill_nan(None)
                for place, name in enumerate(("diff", "diff_low", "diff_high"))
            ),
            verdict=pl.Series(verdicts, dtype=pl.String),
            more_rows=pl.Series(more, dtype=pl.Int64),
            on_frontier=pl.Series(on_frontier, dtype=pl.Boolean),
            is_trusted=pl.Series(trusted),
        )
        .sort("is_trusted", pl.col(by), "job_id", descending=[True, not is_low, False], nulls_last=True)
        .select(
            (pl.col(name) if name in (*points.columns, *intervals.columns, *_MADE) else pl.lit(None).alias(name)).cast(
                dtype
            )
            for name, dtype in COLUMNS.items()
            if name != "level"
        )
    )


_MADE = ("diff", "diff_low", "diff_high", "verdict", "more_rows", "on_frontier")


def _least(measured: pl.DataFrame, by: str) -> float:
    """The smallest difference that means anything, in the unit of the measure."""
    if DECIDING[by].unit != "price" or measured.is_empty():
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


def _more_rows(times: float, n: int) -> int | None:
    """How many items more than n that many times n are; two digits are more than such a figure knows."""
    if not 1 < times <= MOST_TIMES:
        return None
    return int(float(f"{(times - 1) * n:.2g}")) or 1


def _lead(rivals: Sequence[Verdict], is_known: bool) -> Verdict:
    """The verdict on the job that is ahead, from those on the others that answered; is_known: it has an interval."""
    if not is_known:
        return "too few rows"
    return "best" if rivals and set(rivals) == {"worse"} else "ahead"
