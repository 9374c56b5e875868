"""What do pages read about adapters besides the adapters themselves: their history, their jobs, what to beware of?"""

from collections.abc import Sequence
from decimal import Decimal

from db import adapters as _adapters
from db import jobs as _jobs
from db.engine import begin
from db.types import Adapter, AdapterChange, Dataset, Job, JobKind
from worker.adapters import pricing
from worker.datasets import price_bounds
from worker.specs import BaseSpec


def history(task: str | None = None) -> list[AdapterChange]:
    """Who moved what, newest first; of one task or of all. Adapters that were deleted since are still in it."""
    with begin() as session:
        return _adapters.history(session, task=task)


def priced_with(adapter: Adapter) -> list[Job]:
    """Jobs that priced with it or do so now, newest first."""
    with begin() as session:
        jobs = _jobs.all(session, None, JobKind.PRICE)
    return [job for job in jobs if job.spec.get("adapter") == adapter.id]


def forms(jobs: Sequence[Job]) -> dict[int, str]:
    """Job id -> what the adapter that it prices with learned to say; without those whose adapter was deleted."""
    used = {job.id: str(job.spec["adapter"]) for job in jobs if job.spec.get("adapter")}
    if not used:
        return {}
    with begin() as session:
        said = {adapter.id: adapter.form for adapter in _adapters.all(session)}
    return {job_id: said[adapter_id] for job_id, adapter_id in used.items() if adapter_id in said}


def fixed_usd(jobs: Sequence[Job]) -> list[Decimal | None]:
    """`worker.adapters.pricing.fixed_usd` of the jobs."""
    with begin() as session:
        return pricing.fixed_usd(session, jobs)


def cautions(dataset: Dataset, planned: Sequence[BaseSpec]) -> list[str]:
    """Sentences about adapters that may have learned from the rows they are to be measured on, and about prices that a
    technique can't say."""
    with begin() as session:
        said = [pricing.caution(session, spec, dataset) for spec in planned]
        said += price_bounds.cautions(session, dataset, planned)
    return [sentence for sentence in dict.fromkeys(said) if sentence]
