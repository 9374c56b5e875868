"""The error of jobs by the date of the test rows: by period, and by how much a month later makes it worse."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.evaluation import compare, metrics, resampling
from worker.evaluation.compare import Compared
from worker.evaluation.measures import DECIDING, USUAL
from worker.evaluation.resampling import LEVEL, Floats
from worker.evaluation.shared import shared_items

MOST_PERIODS = 6
FEWEST_ROWS = 30
"""Test rows of a period; with fewer than two periods of so many nothing is said of dates."""

_MONTH = 365.25 / 12  # days

PERIODS: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.Int64,
    "first": pl.Date,  # first and last day of the test rows in it
    "last": pl.Date,
    "n": pl.Int64,  # test rows, the same for every job
    "figure": pl.Float64,  # the measure over them; null where nothing was answered
    "low": pl.Float64,
    "high": pl.Float64,
}
TRENDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.Int64,
    "per_month": pl.Float64,  # by which the figure gets worse with each month later (negative: better)
    "low": pl.Float64,  # of all jobs at once; null where it can't be told
    "high": pl.Float64,
}


class Ageing(NamedTuple):
    periods: pl.DataFrame  # PERIODS, by job and date
    trends: pl.DataFrame  # TRENDS
    level: float


def by_date(
    predictions: pl.DataFrame,
    *,
    by: str = USUAL,
    level: float = LEVEL,
    repeats: Mapping[int, int] = compare.NO_REPEATS,
    n_boot: int = 2000,
    seed: int = 0,
) -> Ageing | None:
    """The measure `by` in consecutive periods with equally many test rows, and its trend; None of too few dated rows.

    `predictions`: as `compare.table`, with a column date (null: not looked at). Periods are cut by dates alone, whole
    days together. The trend is a straight line through the periods' figures, each as heavy as its rows; all is drawn
    anew by groups of near-duplicates, those that reach over several periods included. The intervals of the trends hold
    for all jobs at once (`resampling.critical`), those of the figures each for itself.
    """
    lines = predictions.filter(pl.col("date").is_not_null())
    if lines.is_empty():
        return None
    sample = Compared(lines, repeats=repeats).sample(by)
    n, jobs = sample.errors.shape
    days = shared_items(lines).head(n)["date"]
    period = _periods(days.cast(pl.Int32).to_numpy())
    count = int(period.max(initial=-1)) + 1
    if count < 2:
        return None
    values = np.concatenate([np.where((period == place)[:, None], sample.errors, np.nan) for place in range(count)], 1)
    groups = resampling.pooled(sample.groups)
    figures = compare.figure(values, groups, sample.weights, key=by)
    blocks = resampling.weights(groups, resampling.affordable(n, n_boot), seed)
    points = _of_runs(figures(resampling.whole(groups)), jobs, sample.runs, None)
    drawn = np.concatenate([figures(block) for block in blocks])
    drawn = _of_runs(drawn, jobs, sample.runs, [seed, 1])
    ids = compare.technique_of_jobs(lines, repeats)["job_id"].unique().sort().to_list()
    return Ageing(
        _table(ids, period, days, points, drawn, level), _trends(ids, period, days, points, drawn, by, level), level
    )


def _periods(days: npt.NDArray[np.int32]) -> npt.NDArray[np.intp]:
    """(n,) the period of each row, from 0 by date; all 0 where there are too few rows for two."""
    unique, counts = np.unique(days, return_counts=True)
    count, before = min(MOST_PERIODS, len(days) // FEWEST_ROWS), np.cumsum(counts)[:-1]
    if count < 2 or len(unique) < 2:
        return np.zeros(len(days), dtype=np.intp)
    wanted = len(days) * np.arange(1, count) / count
    starts = np.unique(unique[1:][np.abs(before[:, None] - wanted).argmin(axis=0)])
    while len(starts):  # one day with very many rows may leave little beside it: that joins its neighbour
        sizes = np.bincount(np.searchsorted(starts, days, side="right"), minlength=len(starts) + 1)
        small = int(sizes.argmin())
        if sizes[small] >= FEWEST_ROWS:
            break
        starts = np.delete(starts, min(small, len(starts) - 1))
    return np.asarray(np.searchsorted(starts, days, side="right"), dtype=np.intp)


def _of_runs(figures: Floats, jobs: int, runs: Sequence[npt.NDArray[np.intp]], seed: Sequence[int] | None) -> Floats:
    """(b, periods * jobs) -> (b, periods, techniques); the same runs are drawn in every period."""
    parts = figures.reshape(len(figures), -1, jobs)
    return np.stack([resampling.average(parts[:, place], runs, seed) for place in range(parts.shape[1])], axis=1)


def _table(
    ids: Sequence[int], period: npt.NDArray[np.intp], days: pl.Series, points: Floats, drawn: Floats, level: float
) -> pl.DataFrame:
    lines = []
    for column, job_id in enumerate(ids):
        for place in range(points.shape[1]):
            inside, point = days.filter(pl.Series(period == place)), points[0, place, column]
            known = None if np.isnan(point) else float(point)
            lines.append(
                (
                    *(job_id, inside.min(), inside.max(), len(inside), known),
                    *resampling.interval(drawn[:, place, column], known, level),
                )
            )
    return pl.DataFrame(lines, schema=PERIODS, orient="row")


def _trends(
    ids: Sequence[int],
    period: npt.NDArray[np.intp],
    days: pl.Series,
    points: Floats,
    drawn: Floats,
    by: str,
    level: float,
) -> pl.DataFrame:
    number = days.cast(pl.Int32).to_numpy() / _MONTH
    sizes = np.bincount(period).astype(float)
    middle = np.bincount(period, number) / sizes
    away = middle - np.average(middle, weights=sizes)
    sign = 1 if DECIDING[by].lower_is_better else -1
    line = sign * sizes * away / (sizes * away**2).sum()
    slope = np.einsum("bpj,p->bj", points, line)[0]
    moved = np.einsum("bpj,p->bj", drawn, line)
    largest, error = resampling.deviations(
        moved, slope, 1e-12 * np.abs(np.nan_to_num(points[0])).max(axis=0, initial=1.0)
    )
    reach = resampling.critical(largest, np.full(len(ids), len(period)), level) * error
    known = ~np.isnan(slope) & (error > 0)
    frame = {"job_id": list(ids), "per_month": slope, "low": slope - reach, "high": slope + reach}
    return pl.DataFrame(frame, schema=TRENDS).with_columns(
        pl.when(pl.Series(known)).then(pl.col("low", "high")), pl.col("per_month").fill_nan(None)
    )


def sentences(ageing: Ageing, names: Mapping[int, str], by: str = USUAL) -> list[str]:
    """What the trends say, each no stronger than its interval."""
    measure = DECIDING[by]
    said = []
    for line in ageing.trends.iter_rows(named=True):
        name, low, high = names[line["job_id"]], line["low"], line["high"]
        if low is None:
            said.append(f"{name}: whether its {measure.named()} changes with the date can't be told.")
            continue
        ends = " to ".join(("−" if end < 0 else "") + measure.written(abs(end)) for end in (low, high))
        if low > 0:
            said.append(f"{name}: each month later makes its {measure.named()} worse, by {ends}.")
        elif high < 0:
            said.append(f"{name}: each month later makes its {measure.named()} better: worse by {ends}.")
        else:
            said.append(f"{name}: no change with the date is shown; a month later may make it worse by {ends}.")
    return said


def span(first: date, last: date) -> str:
    """A period's days: "3 May 2024 – 20 Jun 2024"."""
    return f"{first:%-d %b %Y}" if first == last else f"{first:%-d %b %Y} – {last:%-d %b %Y}"


def of_rows(
    prices: pl.DataFrame, *, by: str = USUAL, level: float = LEVEL, n_boot: int = 2000
) -> dict[str, float | None]:
    """n, figure, low and high of the measure over rows (group_id, truth, price, $), drawn anew by groups."""
    errors = metrics.errors(prices.with_columns(status=pl.lit("ok")))[DECIDING[by].error]
    values = errors.cast(pl.Float64).fill_null(float("nan")).to_numpy()[:, None]
    groups = resampling.pooled(resampling.number(prices["group_id"]))
    figures = compare.figure(values, groups, key=by)
    point = float(figures(resampling.whole(groups))[0, 0]) if len(values) else float("nan")
    known = None if np.isnan(point) else point
    if known is None or resampling.independent(groups) < resampling.FEWEST_GROUPS:
        return {"n": len(prices), "figure": known, "low": None, "high": None}
    blocks = resampling.weights(groups, resampling.affordable(len(values), n_boot), 0)
    low, high = resampling.interval(np.concatenate([figures(block)[:, 0] for block in blocks]), known, level)
    return {"n": len(prices), "figure": known, "low": low, "high": high}


def origins_sentence(rows: Sequence[Mapping[str, Any]], name: str, by: str = USUAL) -> str:
    """How a technique's figure differs between the origins of rows (technique, figure, low, high)."""
    mine = [line for line in rows if line["technique"] == name and line["low"] is not None]
    if len(mine) < 2:
        return f"{name}: too few origins have an interval to compare them."
    measure = DECIDING[by]
    least, most = (pick(mine, key=lambda line: line["figure"]) for pick in (min, max))
    ends = f"from {measure.written(least['figure'])} to {measure.written(most['figure'])}"
    if least["high"] < most["low"]:
        return f"{name}: its {measure.named()} hangs on the day of the cut, {ends}; one split alone would mislead."
    return f"{name}: its {measure.named()} lies {ends}; their intervals overlap, so the day of the cut may not matter."
