"""How much the figures of jobs change when some rows are left out, and how sure that is."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl

from worker.evaluation import compare, metrics, resampling
from worker.evaluation.compare import NO_REPEATS
from worker.evaluation.measures import DECIDING, MEASURES, USUAL, Measure
from worker.evaluation.pairs import Places, Sample
from worker.evaluation.resampling import LEVEL
from worker.evaluation.shared import shared_items

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.Int64,
    "n": pl.Int64,  # rows with all of them
    "n_without": pl.Int64,
    "repeats": pl.Int64,  # runs that the line is the mean of
    **{f"{key}{end}": pl.Float64 for key in MEASURES for end in ("", "_without")},
    **dict.fromkeys(("change", "change_low", "change_high"), pl.Float64),
}


def table(
    predictions: pl.DataFrame,
    rows: Collection[int],
    n_boot: int = 1000,
    seed: int = 0,
    *,
    by: str = USUAL,
    level: float = LEVEL,
    repeats: Mapping[int, int] = NO_REPEATS,
) -> pl.DataFrame:
    """One line per technique (COLUMNS), by job id: every figure on all shared rows, and without `rows`.

    `predictions` and `repeats`: as `compare.table` takes them; a technique that ran several times stands with the mean
    of its runs. change: the figure of `by` without the rows minus that with them. Its interval is at `level`, over
    groups of near-duplicates and over runs, all techniques held at once; null with too few groups, or where no row is
    left out. With a column weight all of it is weighted.
    """
    measured = metrics.errors(shared_items(predictions))
    jobs = compare.technique_of_jobs(measured, repeats)
    whole = _figures(measured, jobs).rename({"len": "n"})
    rest = _figures(measured.filter(~pl.col("row").is_in(list(rows))), jobs).rename({"len": "n_without"})
    both = whole.join(rest.drop("repeats"), on="job_id", how="left", suffix="_without", maintain_order="left")
    runs = Sample(np.empty((0, len(jobs))), np.empty(0, np.intp), resampling.number(jobs["job_id"])).runs
    low, high = _ends(measured, rows, n_boot, seed, DECIDING[by], level, runs) if len(both) else ([], [])
    return both.with_columns(
        pl.col("n_without").fill_null(0),
        change=pl.col(f"{by}_without") - pl.col(by),
        change_low=pl.Series(low, dtype=pl.Float64, strict=False),
        change_high=pl.Series(high, dtype=pl.Float64, strict=False),
    ).select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def _figures(measured: pl.DataFrame, jobs: pl.DataFrame) -> pl.DataFrame:
    """job_id, len, every figure and repeats of each technique; `jobs`: `compare.technique_of_jobs`."""
    figures = measured.group_by("job_id").agg(pl.len(), *metrics.figures(measured))
    of_jobs = jobs.join(figures.rename({"job_id": "job"}), on="job", maintain_order="left")
    return of_jobs.group_by("job_id").agg(
        pl.col("len").first(), pl.col(list(MEASURES)).mean(), repeats=pl.len()
    ).sort("job_id")  # fmt: skip


def _ends(
    measured: pl.DataFrame,
    rows: Collection[int],
    n_boot: int,
    seed: int,
    measure: Measure,
    level: float,
    runs: Sequence[Places],
) -> tuple[list[float | None], list[float | None]]:
    """Both ends of the interval of each technique's change, by job id."""
    jobs = measured["job_id"].n_unique()
    n = len(measured) // jobs
    errors = measured[measure.error].cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(jobs, n).T
    first = measured.head(n)
    groups = resampling.number(first["group_id"])
    out = first["row"].is_in(list(rows)).to_numpy()
    weights = metrics.weights(first)
    worth, rest = (
        resampling.independent(groups[kept], None if weights is None else weights[kept])
        for kept in (np.ones(n, dtype=bool), ~out)
    )
    if not out.any() or rest < resampling.FEWEST_GROUPS:
        return [None] * len(runs), [None] * len(runs)
    left = np.where(out[:, None], np.nan, errors)
    pools = resampling.pooled(groups)
    with_them, without = (compare.figure(each, pools, weights, key=measure.key) for each in (errors, left))
    ones = resampling.whole(pools)
    point = resampling.average(without(ones) - with_them(ones), runs)[0]
    drawn = resampling.weights(pools, resampling.affordable(n, n_boot), seed)
    moved = np.concatenate([without(block) - with_them(block) for block in drawn])
    size = resampling.average(np.abs(with_them(ones)), runs)[0]
    largest, scale = resampling.deviations(resampling.average(moved, runs, [seed, 1]), point, 1e-10 * size)
    count = np.full(len(runs), worth, dtype=np.intp)
    reach = resampling.critical(largest, count, level) * scale
    ends = ([None if np.isnan(end) else float(end) for end in side] for side in (point - reach, point + reach))
    low, high = ends
    return low, high
