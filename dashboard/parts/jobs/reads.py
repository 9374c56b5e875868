"""Reads of the Jobs page: batches that are out, errors that are measured."""

from db import batches as _batches
from db import results as _results
from db.engine import begin
from db.types import Batch


def batches(job_id: int) -> list[Batch]:
    """What a job handed in to the Batch API."""
    with begin() as session:
        return _batches.of_job(session, job_id)


def mean_error(job_id: int) -> tuple[float | None, str]:
    """$ that a job was off, on average, and the column that this is weighted by ("": none); None as long as it is not
    measured, and where there was nothing to measure."""
    with begin() as session:
        found = _results.get(session, job_id) or {}
    return found.get("mae"), found.get("weighted_by", "")
