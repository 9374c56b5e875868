"""Reads of the Jobs page: batches that are out, errors that are measured."""

from collections.abc import Sequence

from db import batches as _batches
from db import results as _results
from db.engine import begin
from db.types import Batch


def batches(job_id: int) -> list[Batch]:
    """What a job handed in to the Batch API."""
    with begin() as session:
        return _batches.of_job(session, job_id)


def mean_errors(job_ids: Sequence[int]) -> dict[int, tuple[float, str]]:
    """Job -> $ that it was off, on average, and the column that this is weighted by ("": none). Without jobs that are
    not measured yet, and those where there was nothing to measure."""
    with begin() as session:
        found = _results.figures(session, job_ids, ("mae", "weighted_by"))
    return {job_id: (each["mae"], each.get("weighted_by", "")) for job_id, each in found.items() if "mae" in each}
