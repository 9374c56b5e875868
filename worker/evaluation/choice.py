"""The choice among compared jobs within limits: the cheapest that is near enough, the best that is affordable, the
fastest that is fast enough; and which can't be told apart from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import polars as pl

from worker import amounts
from worker.evaluation import compare, frontier_odds, metrics, pairs, resampling
from worker.evaluation.compare import MIN_ANSWERED, NEGLIGIBLE, NO_REPEATS
from worker.evaluation.measures import DECIDING, Measure
from worker.evaluation.pairs import Measurer, Sample
from worker.evaluation.shared import shared_items

Question = Literal["cheapest", "best", "fastest"]


@dataclass(frozen=True, slots=True)
class Limits:
    """None = no limit. All limits hold for every choice, and each one that is set asks for one."""

    error: float | None = None  # in the unit of the measure; where higher is better the least that will do
    usd_per_1000: float | None = None
    ms: float | None = None  # half of the items are faster

    def questions(self) -> list[Question]:
        """cheapest within the error, best within the cost, fastest within the time."""
        asked: dict[Question, float | None] = {
            "cheapest": self.error, "best": self.usd_per_1000, "fastest": self.ms,
        }  # fmt: skip
        return [question for question, limit in asked.items() if limit is not None]


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer to one question."""

    question: Question
    job_id: int | None  # None: no job keeps the limits
    ties: tuple[int, ...] = ()  # keep the limits, and can't be told apart from it in what was asked for
    perhaps: tuple[int, ...] = ()  # ahead of it, or of none, and their interval of the error reaches into the limit
    is_sure: bool = True  # its own interval of the error lies within the limit


def choices(
    table: pl.DataFrame,
    predictions: pl.DataFrame,
    limits: Limits,
    *,
    by: str,
    repeats: Mapping[int, int] = NO_REPEATS,
    n_boot: int = 2000,
    seed: int = 0,
) -> list[Choice]:
    """One choice for each question of the limits. `table`: `compare.table` of the predictions with the same `repeats`,
    judged by `by`.

    Jobs that answered too little (MIN_ANSWERED) are never chosen, nor is one for its cost when that is unknown. Ties
    are those whose paired difference to the choice is not surely one, all pairs of candidates held at once. Of a
    technique that ran several times the mean counts, and how far its runs lie apart is part of the doubt.
    """
    measure = DECIDING[by]
    candidates = table.filter(
        pl.col("parse_rate") >= pl.min_horizontal(pl.lit(MIN_ANSWERED), pl.col("parse_rate").max())
    )
    kept = candidates.filter(_keeps(limits, measure))
    lines = _Lines(predictions, repeats, compare.level_of(table))
    return [
        _choice(question, candidates, kept, lines, limits, measure, n_boot, seed) for question in limits.questions()
    ]


def sentence(choice: Choice, table: pl.DataFrame, limits: Limits, names: Mapping[int, str], *, by: str) -> str:
    """A choice in words, or why there is none; names: job id -> name."""
    measure = DECIDING[by]
    what = _WHAT[choice.question].format(measure=measure.short.lower())
    start = f"{what} with {amounts.listed(_limits(limits, measure))}"
    line = {row["job_id"]: row for row in table.iter_rows(named=True)}
    if choice.job_id is None:
        nearest = _nearest(table, limits, measure, names)
        if choice.perhaps:
            perhaps = amounts.listed([names[job] for job in choice.perhaps])
            nearest += f" With other items {perhaps} may keep the limit: the interval reaches into it."
        return f"{start}: none. {nearest}"
    chosen = line[choice.job_id]
    said = [f"{start}: {names[choice.job_id]}, {_figures(chosen, measure)}"]
    if choice.ties:
        ties = amounts.listed([names[job] for job in choice.ties])
        said.append(
            f"{ties} can't be told apart from it in {_ASPECT[choice.question].format(measure=measure.short.lower())}"
        )
    if not choice.is_sure:
        end = chosen[f"{by}_high" if measure.lower_is_better else f"{by}_low"]
        reach = (
            "there are too few rows to say how sure that is"
            if end is None
            else f"its interval reaches to {measure.written(end)}"
        )
        said.append(f"On other items it may miss the limit: {reach}")
    if choice.perhaps:
        perhaps = amounts.listed([names[job] for job in choice.perhaps])
        said.append(f"{perhaps} would be ahead of it, and may keep the limit: the interval reaches into it")
    return ". ".join(said) + "."


_WHAT = {"cheapest": "Cheapest", "best": "Best on {measure}", "fastest": "Fastest"}
_ASPECT = {"cheapest": "cost", "best": "{measure}", "fastest": "time"}
_COLUMNS = {"cheapest": "usd_per_1000", "fastest": "p50_ms"}


class _Lines:
    """Predictions with their errors, on the items that all jobs share."""

    def __init__(self, predictions: pl.DataFrame, repeats: Mapping[int, int], level: float) -> None:
        self.level = level
        self._frame = metrics.errors(shared_items(predictions)).with_columns(again=pl.col("usd") + pl.col("saved_usd"))
        self._jobs = compare.technique_of_jobs(predictions, repeats)

    def sample(self, techniques: list[int], column: str) -> Sample:
        """What all runs of techniques have in a column; techniques by the job under whose id each stands."""
        runs = self._jobs.filter(pl.col("job_id").is_in(techniques))
        part = self._frame.filter(pl.col("job_id").is_in(runs["job"].implode()))
        n = len(part) // max(1, len(runs))
        grid = frontier_odds.side_by_side(part[column], n)
        # What an item costs and takes is measured as it is; only errors are weighted.
        weights = None if column in ("again", "seconds") else metrics.weights(part.head(n))
        return Sample(grid, resampling.number(part["group_id"].head(n)), resampling.number(runs["job_id"]), weights)


def _choice(
    question: Question, candidates: pl.DataFrame, kept: pl.DataFrame, lines: _Lines, limits: Limits, measure: Measure,
    n_boot: int, seed: int,
) -> Choice:  # fmt: skip
    column = _COLUMNS.get(question, measure.key)
    is_low = column != measure.key or measure.lower_is_better
    order = kept.drop_nulls(column).sort(column, "job_id", descending=[not is_low, False])
    if order.is_empty():
        return Choice(question, None, perhaps=tuple(candidates.filter(_may_keep(limits, measure))["job_id"]))
    job_id, figure = order["job_id"][0], order[column][0]
    jobs = sorted(order["job_id"])
    values, average = _asked(question, measure)
    gaps = pairs.differences([lines.sample(jobs, values)], average, n_boot, seed, lines.level)[0]
    ties = [
        other
        for other, theirs in zip(order["job_id"], order[column], strict=True)
        if other != job_id
        and (
            abs(theirs - figure) <= NEGLIGIBLE * abs(figure)
            or not _is_apart(gaps.of(jobs.index(other), jobs.index(job_id)))
        )
    ]
    ahead = pl.col(column) < figure if is_low else pl.col(column) > figure
    perhaps = candidates.filter(ahead & _may_keep(limits, measure)) if column != measure.key else candidates.clear()
    chosen = order.row(0, named=True)
    end = chosen[f"{measure.key}_high" if measure.lower_is_better else f"{measure.key}_low"]
    is_sure = limits.error is None or (end is not None and _within(end, limits.error, measure))
    return Choice(question, job_id, tuple(ties), tuple(perhaps["job_id"]), is_sure)


def _asked(question: Question, measure: Measure) -> tuple[str, Measurer]:
    """The column of an item's value, and how it is averaged."""
    averages: dict[Question, tuple[str, Measurer]] = {
        "cheapest": ("again", resampling.means),
        "fastest": ("seconds", resampling.medians),
        "best": (measure.error, partial(compare.figure, key=measure.key)),
    }
    return averages[question]


def _is_apart(gap: tuple[float, float, float]) -> bool:
    _, low, high = gap
    return low > 0 or high < 0


def _keeps(limits: Limits, measure: Measure) -> pl.Expr:
    """Whether a job's figures keep all limits; an unknown figure keeps none."""
    if limits.error is None:
        return _others(limits)
    error = pl.col(measure.key)
    return _others(limits) & (error <= limits.error if measure.lower_is_better else error >= limits.error)


def _may_keep(limits: Limits, measure: Measure) -> pl.Expr:
    """Whether a job breaks the limit of the error by its figure, but not by its whole interval."""
    if limits.error is None:
        return pl.lit(False)
    low, high = pl.col(f"{measure.key}_low"), pl.col(f"{measure.key}_high")
    reaches = low <= limits.error if measure.lower_is_better else high >= limits.error
    return reaches & _others(limits) & ~_keeps(limits, measure)


def _others(limits: Limits) -> pl.Expr:
    asked = {"usd_per_1000": limits.usd_per_1000, "p50_ms": limits.ms}
    return pl.all_horizontal(
        pl.lit(True),
        *(pl.col(name).fill_null(float("inf")) <= limit for name, limit in asked.items() if limit is not None),
    )


def _within(value: float, limit: float, measure: Measure) -> bool:
    return value <= limit if measure.lower_is_better else value >= limit


def _limits(limits: Limits, measure: Measure) -> list[str]:
    bound = "at most" if measure.lower_is_better else "at least"
    said = [] if limits.error is None else [f"{measure.short.lower()} {bound} {measure.written(limits.error)}"]
    if limits.usd_per_1000 is not None:
        said.append(f"at most {amounts.usd(limits.usd_per_1000)} per 1,000 items")
    if limits.ms is not None:
        said.append(f"at most {amounts.duration(limits.ms / 1000)} an item")
    return said


def _figures(line: Mapping[str, object], measure: Measure) -> str:
    written: list[tuple[str, Callable[[float], str]]] = [
        (measure.key, lambda value: f"{measure.short.lower()} {measure.written(value)}"),
        ("usd_per_1000", lambda value: f"{amounts.usd(value)} per 1,000 items"),
        ("p50_ms", lambda value: f"{amounts.duration(value / 1000)} an item"),
    ]
    known = [write(float(str(line[name]))) for name, write in written if line[name] is not None]
    return amounts.listed(known) if known else "with nothing known of it"


def _nearest(table: pl.DataFrame, limits: Limits, measure: Measure, names: Mapping[int, str]) -> str:
    """For each limit who comes nearest to it, in a sentence."""
    asked = (
        (measure.key, limits.error, not measure.lower_is_better, "The best"),
        ("usd_per_1000", limits.usd_per_1000, False, "The cheapest"),
        ("p50_ms", limits.ms, False, "The fastest"),
    )
    said = []
    for column, limit, descending, head in asked:
        known = table.drop_nulls(column).sort(column, descending=descending)
        if limit is not None and len(known):
            first = known.row(0, named=True)
            said.append(f"{head} is {names[first['job_id']]}: {_figures(first, measure)}")
    return ". ".join(said) + "." if said else "Nothing was measured."
