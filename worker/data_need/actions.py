"""Every verb about how much data it needs, for pages and the command line alike: start, and what it would cost."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from db import jobs, rates, results
from db.engine import begin
from db.errors import NotReady
from db.job_results import RungResult
from db.types import Job, JobKind, JobState, Split, Step
from worker import app
from worker.data_need.results import rungs_of
from worker.datasets import actions
from worker.finetune import planning
from worker.specs import data_need
from worker.specs.data_need import FINETUNE, DataNeedSpec


@dataclass(frozen=True, slots=True)
class Estimate:
    """What it would take, roughly."""

    seconds: float
    usd: Decimal
    is_measured: bool  # else a rule of thumb


FEWEST = 64  # rows to learn from: an eighth of them is what the smallest part has


def start(dataset_id: int, spec: DataNeedSpec) -> int:
    """Learn from growing parts of a dataset; the job's id. The same settings on the same dataset are the same job.

    Raises NotReady when there are too few rows with a price, UserError for settings against each other.
    """
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        spec = spec.model_copy(update={"train": planning.pinned(session, dataset, spec.train)})
        there = planning.check(session, dataset, spec.train)
        rows = min(there, spec.rows or there)
        measured = dataset.splits.get(Split.VALIDATION, 0) // 2
        if rows < FEWEST or measured < data_need.FEWEST_MEASURED:
            raise NotReady(
                f"This needs at least {FEWEST} train rows and {2 * data_need.FEWEST_MEASURED} validation rows "
                f"with a price, and here are {rows} and {2 * measured}; choose another dataset."
            )
        for job in jobs.all(session, dataset_id, JobKind.DATA_NEED):
            if job.spec_hash == spec.hash and job.state not in (JobState.CANCELLED, JobState.FAILED):
                return jobs.taken_again(session, job)
        rungs = spec.rungs(rows)
        return app.start_job(
            session,
            kind=JobKind.DATA_NEED,
            dataset_id=dataset_id,
            queue=planning.queue_for(session, spec.train),
            chunks=[*((Step.RUNG, [place]) for place in range(len(rungs))), (Step.FORECAST, [])],
            spec={"data_need": spec.model_dump(mode="json"), "rows": rows, "there": there},
            spec_hash=spec.hash,
            items_total=sum(part for _, part in rungs),
        )


def report(job_id: int) -> dict[str, Any] | None:
    """worker.evaluation.data_verdict.report of a job; None while it is at work."""
    with begin() as session:
        return (results.get(session, job_id) or {}).get("report")


def found(job_id: int) -> list[RungResult]:
    """The parts that are done."""
    with begin() as session:
        return rungs_of(results.get(session, job_id))


def estimate(dataset_id: int, spec: DataNeedSpec) -> Estimate:
    """What start() would take: by what the newest one on this dataset took; a rule of thumb until there is one."""
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        earlier = [job for job in jobs.all(session, dataset_id, JobKind.DATA_NEED) if job.state is JobState.DONE]
        hourly = rates.usd_per_hour(session, planning.queue_for(session, spec.train))
    there = dataset.splits.get(Split.TRAIN, 0)
    seconds = _thumb(spec, min(there, spec.rows or there))
    if earlier:
        before = earlier[0]
        seconds *= before.fixed_seconds / _thumb(data_need.parse(before.spec["data_need"]), before.spec["rows"])
    return Estimate(seconds, rates.usd_for(seconds, hourly), bool(earlier))


_START_SECONDS, _ROW_SECONDS, _ASK_SECONDS = 10.0, 0.15, 0.5
"""What one core of a usual machine takes: a training's start, a row that a small model sees first, a question to it."""


def _thumb(spec: DataNeedSpec, rows: int) -> float:
    seen = spec.rows_seen(rows)
    parts = [part for way, part in spec.rungs(rows) if way == FINETUNE]
    # A row seen again takes about half the time: its lower layers are kept (docs/experiments.md, "Fine-tuning").
    learned = sum(_START_SECONDS + _ROW_SECONDS * (part + max(0.0, seen - part) / 2) for part in parts)
    asking = _ASK_SECONDS * spec.measured * sum(way == "rag" for way, _ in spec.rungs(rows))
    return learned + asking


def cost(job: Job, answer: dict[str, Any], rows: float, usd_per_label: Decimal) -> Decimal:
    """Dollars for labelling the rows that are missing up to so many, and for training on all of them: the time that the
    largest part took, in proportion to what each sees."""
    point, spec = answer["ways"][FINETUNE]["points"][-1], data_need.parse(job.spec["data_need"])
    share = spec.rows_seen(round(rows)) / spec.rows_seen(point["rows"])
    training = rates.of_work(job, point["seconds"] * share)
    return max(0, round(rows) - int(answer["there"])) * usd_per_label + training
