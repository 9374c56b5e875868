"""Every verb about fine-tunes, for pages and the command line alike: measure, estimate, start, stop, export."""

from decimal import Decimal
from typing import Any

from db import access, jobs, trainings
from db.engine import Session, begin
from db.errors import UserError, WrongState
from db.types import Job, JobKind, JobState, Queue, Split, Step, Verb
from worker import app
from worker.datasets import actions, price_bounds
from worker.endpoints import tuning
from worker.finetune import export as chat_export
from worker.finetune import planning
from worker.finetune.planning import TrainEstimate
from worker.finetune.rows import priced_items
from worker.prompts import versions
from worker.prompts.currency import in_currency
from worker.specs.finetune import TrainSpec

__all__ = ["TrainEstimate"]


def start(dataset_id: int, spec: TrainSpec, *, task: str = "", cap_usd: Decimal | None = None) -> int:
    """Start a fine-tune; the job's id. The same settings on the same dataset are the same job, unless it was given up.

    `task` says what the adapter is for (one per task is in production); default: the dataset's name. `cap_usd` bounds
    what it may pay to an endpoint. Raises NotReady, NotFound or UserError when it could only fail.
    """
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        spec = planning.pinned(session, dataset, spec)
        rows = planning.check(session, dataset, spec)
        cap_usd = access.allowed_cap(cap_usd) if spec.uses_endpoint else cap_usd
        if cap_usd is not None and spec.uses_endpoint:
            planning.check_cap(session, dataset, spec, cap_usd)
        task = task.strip() or dataset.name
        same = _same(session, dataset_id, spec)
        if same:
            if same.spec["task"] != task:
                raise UserError(
                    f"Job {same.id} trained the very same for the task {same.spec['task']}; use its adapter, or "
                    "change a setting (another seed, say) to train one for another task."
                )
            return jobs.taken_again(session, same)
        return app.start_job(
            session,
            kind=JobKind.FINETUNE,
            dataset_id=dataset_id,
            queue=planning.queue_for(session, spec),
            chunks=[(Step.TUNE if spec.uses_endpoint else Step.TRAIN, []), (Step.GATE, [])],
            spec=_as_json(spec, task),
            spec_hash=spec.hash,
            items_total=planning.seen(spec, rows),
            cap_usd=cap_usd if spec.uses_endpoint else None,
        )


def measure(dataset_id: int, spec: TrainSpec) -> int:
    """Time a few steps of this fine-tune; the job's id. `estimate` knows them as soon as that job is done."""
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        spec = planning.pinned(session, dataset, spec)
        if spec.uses_endpoint:
            raise UserError("A model behind an endpoint trains there: nothing can be timed here before it starts.")
        planning.check(session, dataset, spec)
        for job in jobs.all(session, dataset_id, JobKind.PILOT):
            if job.spec_hash == spec.hash and not job.state.is_final:
                return job.id
        return app.start_job(
            session,
            kind=JobKind.PILOT,
            dataset_id=dataset_id,
            queue=planning.queue_for(session, spec),
            chunks=[(Step.PILOT, [])],
            spec=_as_json(spec, dataset.name),
            spec_hash=spec.hash,
        )


def estimate(dataset_id: int, spec: TrainSpec) -> TrainEstimate | None:
    """What `start` would take; None when nothing like it was measured here yet (`measure` does). Starts nothing.

    A training with these settings that is done comes first, then a measured pilot, then either one that differs only
    in rows or epochs, reckoned up or down. For a model behind an endpoint the tokens are counted instead.
    """
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        return planning.estimate(session, dataset, planning.pinned(session, dataset, spec))


def caution(dataset_id: int, spec: TrainSpec) -> str:
    """A sentence where more than a few of the rows to learn from have a price that can't be learned; else ""."""
    with begin() as session:
        return price_bounds.learned(session, actions.ready(session, dataset_id), spec).sentence()


def stop(job_id: int) -> None:
    """End a training early: the best checkpoint so far becomes the adapter. Raises WrongState where nothing trains, and
    for a model behind an endpoint, which hands out no checkpoint."""
    with begin() as session:
        job = jobs.get(session, job_id)
        if job.kind is not JobKind.FINETUNE or job.state is not JobState.RUNNING:
            raise WrongState(f"Job {job_id} can't be stopped: it is no training that runs.")
        if planning.made_by(session, job):
            raise WrongState(f"The training of job {job_id} is over; what it forgot is being measured.")
        if job.queue is Queue.ENDPOINT:
            raise WrongState(f"Job {job_id} can't keep the best so far, but can be cancelled. {tuning.ENDED}")
        access.act(session, Verb.STOP_TRAINING, job)
        trainings.ask_to_stop(session, job_id)


def export(dataset_id: int, spec: TrainSpec, split: Split = Split.TRAIN) -> bytes:
    """The rows that the spec would learn from (or measure on) as JSONL in the chat format, for any provider."""
    if split not in (Split.TRAIN, Split.VALIDATION):
        raise UserError("Only train and validation rows are handed out as examples; the others are for measuring.")
    if spec.k:
        raise UserError("Neighbours are found while a model trains here; export with 0 neighbours in the prompt.")
    with begin() as session:
        dataset = actions.ready(session, dataset_id)
        # Whoever reads the chat format answers questions.
        prompt = versions.resolve(session, "question" if spec.prompt == "auto" else spec.prompt)
        prompt = in_currency(prompt, dataset.currency)
        train, validation = priced_items(session, dataset, spec)
    return chat_export.jsonl(train if split is Split.TRAIN else validation, spec, prompt)


def _as_json(spec: TrainSpec, task: str) -> dict[str, Any]:
    return {"train": spec.model_dump(mode="json"), "task": task}


def _same(session: Session, dataset_id: int, spec: TrainSpec) -> Job | None:
    """The newest job that trains or has trained the same and was not given up: not stopped, its adapter not deleted."""
    for job in jobs.all(session, dataset_id, JobKind.FINETUNE):
        if job.spec_hash != spec.hash or job.state in (JobState.CANCELLED, JobState.FAILED):
            continue
        is_there = job.state is not JobState.DONE or planning.made_by(session, job) is not None
        if is_there and not trainings.is_asked_to_stop(session, job.id):
            return job
    return None
