"""Reads of the Data need page: its jobs, and their parts and reports as frames; small, so nothing is cached."""

from typing import Any

import polars as pl

from dashboard.shared import reads
from db.types import Job, JobKind
from worker.data_need import actions
from worker.specs.data_need import WAYS

_POINTS = {"label": pl.String, "rows": pl.Int64, "error": pl.Float64, "is_held_out": pl.Boolean}


def asked(dataset_id: int) -> list[Job]:
    """Every time that somebody asked of a dataset how much data it needs, newest first."""
    return reads.jobs_of(dataset_id, JobKind.DATA_NEED)


def report(job_id: int) -> dict[str, Any] | None:
    """worker.evaluation.data_verdict.report; None while the job is at work."""
    return actions.report(job_id)


def points(job: Job) -> pl.DataFrame:
    """label, rows, error ($), is_held_out (the largest part: foretold before it is looked at) of the parts done."""
    done = [part for part in actions.found(job.id) if part.error is not None]
    lines = [(WAYS[part.way], part.rows, part.error, part.rows == job.spec["rows"]) for part in done]
    return pl.DataFrame(lines, schema=_POINTS, orient="row").sort("label", "rows")


def curves(report: dict[str, Any]) -> pl.DataFrame:
    """label, rows, error, low, high ($, 80 % band) of the fitted lines."""
    frames = [
        pl.DataFrame(way["curve"]).select(pl.lit(way["label"]).alias("label"), "rows", "error", "low", "high")
        for way in report["ways"].values()
    ]
    return pl.concat(frames)
