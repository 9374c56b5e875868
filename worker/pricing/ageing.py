"""The errors of pricing jobs by the date of their test rows, where a column of the dataset holds dates."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from db import datasets, jobs
from db.engine import begin
from db.settings import settings
from db.types import Dataset
from worker.evaluation import ageing
from worker.evaluation.ageing import Ageing
from worker.evaluation.measures import USUAL
from worker.pricing import comparison, kept


class Told(NamedTuple):
    found: Ageing | None  # None: too few dated test rows
    names: dict[int, str]  # job id -> what a terminal calls it
    sentences: list[str]


def column(dataset: Dataset) -> str:
    """The column of the file that holds dates; "" where none does."""
    return dataset.mapping.get("date", "")


def of_jobs(job_ids: Sequence[int], by: str = USUAL, *, weighted: bool = True) -> Told:
    """Errors by period of jobs on one dataset, on the test rows that all of them priced; weighted: as in
    `comparison.of_jobs`."""
    made = kept.Comparison(job_ids, weighted=weighted)
    with begin() as session:
        names = comparison.labels(session, [jobs.get(session, job_id) for job_id in job_ids])
        days = datasets.dates(session, made.jobs[0].dataset_id)
    lines = made.lines.join(days, on="row", how="left", maintain_order="left")
    found = ageing.by_date(lines, by=by, level=settings().confidence, repeats=made.repeats)
    if found is None:
        return Told(
            None,
            names,
            [
                f"Fewer than {2 * ageing.FEWEST_ROWS} test rows have a date, or all have the same: "
                "nothing can be said of errors by date."
            ],
        )
    return Told(found, names, ageing.sentences(found, names, by))


def rows(told: Told) -> list[dict[str, object]]:
    """Periods as JSON: job, technique, first, last, n, figure, low, high."""
    if told.found is None:
        return []
    lines = told.found.periods.with_columns(pl.col("first", "last").cast(pl.String)).rename({"job_id": "job"})
    return [{"technique": told.names[line["job"]], **line} for line in lines.iter_rows(named=True)]
