"""Reads of the Adapters page besides the adapters themselves: their history and their jobs."""

from db import adapters as _adapters
from db import jobs as _jobs
from db.engine import begin
from db.types import Adapter, AdapterChange, Job, JobKind
from worker.adapters import pricing


def history(task: str | None = None) -> list[AdapterChange]:
    """Who moved what, newest first; of one task or of all. Adapters that were deleted since are still in it."""
    with begin() as session:
        return _adapters.history(session, task=task)


def priced_with(adapter: Adapter) -> list[Job]:
    """Jobs that priced with it or do so now, newest first."""
    with begin() as session:
        jobs = _jobs.all(session, None, JobKind.PRICE)
    return [job for job in jobs if adapter.id in pricing.adapters_of(job.spec)]
