"""Every verb about how much data it needs, for pages and the command line alike: start, and what it would cost."""

from decimal import Decimal
from typing import Any

from db import jobs, rates, results
from db.engine import begin
from db.errors import NotReady
from db.types import Job, JobKind, JobState, Split, Step
from worker import actions, data_need_specs, train_planning
from worker.data_need_specs import FINETUNE, DataNeedSpec

FEWEST = 64  # rows to learn from: an eighth of them is what the smallest part has


def start(dataset_id: int, spec: DataNeedSpec) -> int:
    """Learn from growing parts of a dataset; the job's id. The same settings on the same dataset are the same job.

    Raises NotReady when there are too few rows with a price, UserError for settings against each other.
    """
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        spec = spec.model_copy(update={"train": train_planning.pinned(session, spec.train)})
        rows = train_planning.check(session, dataset, spec.train)
        rows = min(rows, spec.rows or rows)
        measured = dataset.splits.get(Split.VALIDATION, 0) // 2
        if rows < FEWEST or measured < data_need_specs.FEWEST_MEASURED:
            raise NotReady(
                f"This needs at least {FEWEST} train rows and {2 * data_need_specs.FEWEST_MEASURED} validation rows "
                f"with a price, and here are {rows} and {2 * measured}; choose another dataset."
            )
        for job in jobs.all(session, dataset_id, JobKind.DATA_NEED):
            if job.spec_hash == spec.hash and job.state not in (JobState.CANCELLED, JobState.FAILED):
                return job.id
        rungs = spec.rungs(rows)
        return actions.start_job(
            session,
            kind=JobKind.DATA_NEED,
            dataset_id=dataset_id,
            queue=train_planning.queue_for(session, spec.train),
            chunks=[*((Step.RUNG, [place]) for place in range(len(rungs))), (Step.FORECAST, [])],
            spec={"data_need": spec.model_dump(mode="json"), "rows": rows},
            spec_hash=spec.hash,
            items_total=sum(part for _, part in rungs),
        )


def report(job_id: int) -> dict[str, Any] | None:
    """worker.evaluation.data_verdict.report of a job; None while it is at work."""
    with begin() as session:
        return (results.get(session, job_id) or {}).get("report")


def cost(job: Job, told: dict[str, Any], rows: float, usd_per_label: Decimal) -> Decimal:
    """Dollars for labelling what is missing up to so many rows, and for training on all of them: the time of the
    largest part in proportion."""
    point = told["ways"][FINETUNE]["points"][-1]
    training = rates.usd_for(point["seconds"] * rows / point["rows"], job.rate_usd_per_hour)
    return max(0, round(rows) - int(told["rows"])) * usd_per_label + training
