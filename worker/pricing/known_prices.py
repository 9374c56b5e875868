"""Predictions beside the known prices of their rows, weighted where a column of the dataset says how much each counts.

Whatever measures errors of jobs reads them here, so that all of it goes by the same weights.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from db import datasets, jobs, predictions
from db.engine import Session
from worker.datasets import weights


class Measurable(NamedTuple):
    """Predictions that can be measured, and what they are weighted by."""

    lines: pl.DataFrame  # db.predictions.of_jobs for rows whose price is known; with a column weight if weighted
    weighted_by: str  # the column of the file; "": all rows count alike


def of_jobs(session: Session, job_ids: Sequence[int], *, weighted: bool = True) -> Measurable:
    """What can be measured of jobs on one dataset, or on versions of one; weighted: by its column of weights, where
    there is one."""
    column = weighted_by(session, job_ids) if weighted else ""
    frame = predictions.of_jobs(session, list(job_ids), weighted=bool(column))
    return Measurable(frame.filter(pl.col("truth").is_not_null()), column)


def with_evidence(session: Session, job_id: int) -> Measurable:
    """db.predictions.of_job, the rows without a known price included, weighted as in `of_jobs`."""
    column, frame = weighted_by(session, [job_id]), predictions.of_job(session, job_id)
    if not column:
        return Measurable(frame, "")
    counts = datasets.weights_of(session, jobs.get(session, job_id).dataset_id, frame["row"].to_list())
    return Measurable(frame.with_columns(weight=pl.Series(counts, dtype=pl.Float64)), column)


def weighted_by(session: Session, job_ids: Sequence[int]) -> str:
    """The column by whose weights jobs on one dataset are measured, unless somebody wishes otherwise; "": none."""
    return weights.column(datasets.get(session, jobs.get(session, job_ids[0]).dataset_id)) if job_ids else ""
