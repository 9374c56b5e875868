"""How much the figures of jobs change when some rows are left out, and how sure that is."""

from collections.abc import Collection

import numpy as np
import polars as pl

from worker.evaluation import compare, metrics, resampling
from worker.evaluation.measures import DECIDING, MEASURES, USUAL, Measure
from worker.evaluation.shared import shared_items

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.Int64,
    "n": pl.Int64,  # rows with all of them
    "n_without": pl.Int64,
    **{f"{key}{end}": pl.Float64 for key in MEASURES for end in ("", "_without")},
    **dict.fromkeys(("change", "change_low", "change_high"), pl.Float64),
}


def table(
    predictions: pl.DataFrame, rows: Collection[int], n_boot: int = 1000, seed: int = 0, *, by: str = USUAL
) -> pl.DataFrame:
    """One line per job (COLUMNS), by job id: every figure on all shared rows, and without `rows`.

    `predictions`: as `compare.table` takes them. change: the figure of `by` without the rows minus that with them. Its
    interval is 95 % over groups of near-duplicates, all jobs held at once; null with too few groups, or where no row is
    left out.
    """
    measured = metrics.errors(shared_items(predictions))
    figures = [measure.aggregate for measure in MEASURES.values()]
    kept = measured.filter(~pl.col("row").is_in(list(rows)))
    whole = measured.group_by("job_id").agg(pl.len().alias("n"), *figures).sort("job_id")
    rest = kept.group_by("job_id").agg(pl.len().alias("n_without"), *figures)
    both = whole.join(rest, on="job_id", how="left", suffix="_without", maintain_order="left")
    low, high = _ends(measured, rows, n_boot, seed, DECIDING[by]) if len(both) else ([], [])
    return both.with_columns(
        pl.col("n_without").fill_null(0),
        change=pl.col(f"{by}_without") - pl.col(by),
        change_low=pl.Series(low, dtype=pl.Float64, strict=False),
        change_high=pl.Series(high, dtype=pl.Float64, strict=False),
    ).select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def _ends(
    measured: pl.DataFrame, rows: Collection[int], n_boot: int, seed: int, measure: Measure
) -> tuple[list[float | None], list[float | None]]:
    """Both ends of the interval of each job's change, by job id."""
    jobs = measured["job_id"].n_unique()
    n = len(measured) // jobs
    errors = measured[measure.error].cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(jobs, n).T
    first = measured.head(n)
    groups = resampling.number(first["group_id"])
    out = first["row"].is_in(list(rows)).to_numpy()
    if not out.any() or len(np.unique(groups[~out])) < resampling.FEWEST_GROUPS:
        return [None] * jobs, [None] * jobs
    left = np.where(out[:, None], np.nan, errors)
    with_them, without = compare.figure(errors, groups, measure.key), compare.figure(left, groups, measure.key)
    ones = np.ones((1, n))
    point = (without(ones) - with_them(ones))[0]
    drawn = resampling.weights(groups, resampling.affordable(n, n_boot), seed)
    moved = np.concatenate([without(block) - with_them(block) for block in drawn])
    largest, scale = resampling.deviations(moved, point, 1e-10 * np.abs(with_them(ones)[0]))
    count = np.full(jobs, len(np.unique(groups)), dtype=np.intp)
    reach = resampling.critical(largest, count) * scale
    ends = ([None if np.isnan(end) else float(end) for end in side] for side in (point - reach, point + reach))
    low, high = ends
    return low, high
