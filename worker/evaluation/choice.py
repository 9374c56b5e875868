"""The choice among compared jobs within limits: the cheapest that is near enough, the best that is affordable, the
fastest that is fast enough; and which can't be told apart from it."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from worker import amounts
from worker.evaluation import compare, frontier_odds, pairs, resampling
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


GAPS: dict[str, pl.DataType | type[pl.DataType]] = {
    name: compare.PAIRS[name] for name in ("first", "second", "diff_low", "diff_high")
}


def gaps(
    predictions: pl.DataFrame,
    question: Question,
    *,
    by: str,
    level: float,
    repeats: Mapping[int, int] = NO_REPEATS,
    n_boot: int = 2000,
    seed: int = 0,
) -> pl.DataFrame:
    """GAPS: how far every technique surely lies apart from every other in what a question asks for, all pairs held at
    once: $ per item, the figure of the measure `by`, or seconds. `predictions` and `repeats` as `compare.table` takes
    them; of a technique that ran several times how far its runs lie apart is part of the doubt.

    For "best" the same as `compare.every_pair`. Techniques with an item of unknown cost have no line for "cheapest".
    """
    if question == "best":
        pairs_of = compare.every_pair(predictions, n_boot, seed, by=by, level=level, repeats=repeats)
        return pairs_of.select(list(GAPS))
    column, average = _ASKED[question]
    every = compare.technique_of_jobs(predictions, repeats)
    lines = shared_items(predictions).with_columns(again=pl.col("usd") + pl.col("saved_usd"))
    n = len(lines) // max(1, len(every))
    if not n:
        return pl.DataFrame(schema=GAPS)
    values = frontier_odds.side_by_side(lines[column], n)
    blind = every.filter(pl.Series(np.isnan(values).any(axis=0)))["job_id"]
    known = ~every["job_id"].is_in(blind.implode()).to_numpy()
    techniques = every["job_id"].filter(pl.Series(known))
    # What an item costs and takes is measured as it is; only errors are weighted.
    sample = Sample(values[:, known], resampling.number(lines["group_id"].head(n)), resampling.number(techniques))
    apart = pairs.differences([sample], average, n_boot, seed, level)[0]
    job_ids = techniques.unique().sort().to_list()
    found = [
        (job_ids[one], job_ids[other], *apart.of(one, other)[1:])
        for one, other in itertools.permutations(range(len(job_ids)), 2)
    ]
    return pl.DataFrame(found, schema=GAPS, orient="row").with_columns(pl.col("diff_low", "diff_high").fill_nan(None))


def choices(
    table: pl.DataFrame, gaps_of: Callable[[Question], pl.DataFrame], limits: Limits, *, by: str
) -> list[Choice]:
    """One choice for each question of the limits. `table`: `compare.table` judged by `by`; `gaps_of`: GAPS of the same
    predictions and level for a question.

    Jobs that answered too little (MIN_ANSWERED) are never chosen, nor is one for its cost when that is unknown. Ties
    are those whose paired difference to the choice is not surely one, all pairs that were compared held at once:
    which of them keep the limits was seen on the same items.
    """
    measure = DECIDING[by]
    candidates = table.filter(
        pl.col("parse_rate") >= pl.min_horizontal(pl.lit(MIN_ANSWERED), pl.col("parse_rate").max())
    )
    kept = candidates.filter(_keeps(limits, measure))
    return [_choice(question, candidates, kept, gaps_of, limits, measure) for question in limits.questions()]


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
_ASKED: dict[Question, tuple[str, Measurer]] = {
    "cheapest": ("again", resampling.means),
    "fastest": ("seconds", resampling.medians),
}
"""The column of an item's value, and how it is averaged."""


def _choice(
    question: Question, candidates: pl.DataFrame, kept: pl.DataFrame, gaps_of: Callable[[Question], pl.DataFrame],
    limits: Limits, measure: Measure,
) -> Choice:  # fmt: skip
    column = _COLUMNS.get(question, measure.key)
    is_low = column != measure.key or measure.lower_is_better
    order = kept.drop_nulls(column).sort(column, "job_id", descending=[not is_low, False])
    if order.is_empty():
        return Choice(question, None, perhaps=tuple(candidates.filter(_may_keep(limits, measure))["job_id"]))
    job_id, figure = order["job_id"][0], order[column][0]
    of_chosen = gaps_of(question).filter(pl.col("second") == job_id)
    apart = set(of_chosen.filter((pl.col("diff_low") > 0) | (pl.col("diff_high") < 0))["first"])
    ties = [
        other
        for other, theirs in zip(order["job_id"], order[column], strict=True)
        if other != job_id and (abs(theirs - figure) <= NEGLIGIBLE * abs(figure) or other not in apart)
    ]
    ahead = pl.col(column) < figure if is_low else pl.col(column) > figure
    perhaps = candidates.filter(ahead & _may_keep(limits, measure)) if column != measure.key else candidates.clear()
    chosen = order.row(0, named=True)
    end = chosen[f"{measure.key}_high" if measure.lower_is_better else f"{measure.key}_low"]
    is_sure = limits.error is None or (end is not None and _within(end, limits.error, measure))
    return Choice(question, job_id, tuple(ties), tuple(perhaps["job_id"]), is_sure)


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
