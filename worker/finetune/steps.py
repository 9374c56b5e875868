"""The steps of a fine-tune on this machine: measure what it would take, and train, watched, in a process of its own."""

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from db import adapters, chunks, datasets, jobs, rates, results, trainings
from db.engine import Session, begin
from db.settings import settings
from db.types import Adapter, AdapterState, Checkpoint, Dataset, Job, JobKind, TrainingPoint
from worker import gate_texts
from worker.finetune.endpoint import steps
from worker.finetune.examples import base_folder, exemplify, lesson
from worker.llm.local.weights_hash import base_hash
from worker.progress import Progress
from worker.resources import release
from worker.specs import finetune
from worker.specs.finetune import TrainSpec
from worker.training import process
from worker.training.task_folder import Outcome, Task

if TYPE_CHECKING:
    from worker.work import Work

Commit = Callable[[Session], chunks.Tally]


class JobWatch:
    """Brings what a training says into Postgres, and what a person wishes to the training."""

    def __init__(self, work: "Work", seen: int = 0) -> None:
        self._work, self._job = work, work.job
        self._seen = seen  # items that the optimiser saw, in all tries

    def points(self, points: Sequence[TrainingPoint]) -> None:
        usd = float(self._job.rate_usd_per_hour) / 3600
        for point in points:
            if point.kind == "step":
                point.values["usd"] = round(point.values["seconds"] * usd, 6)
        items = max([self._seen, *(point.values["items"] for point in points if point.kind == "step")])
        if points:
            with self._work.writing() as session:
                trainings.note(session, self._job.id, points)
        self._work.progress.advance(items - self._seen)
        self._seen = items

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        with self._work.writing() as session:
            trainings.save_checkpoint(session, self._job.id, checkpoint)

    def wants_stop(self) -> bool:
        with begin() as session:
            return trainings.is_asked_to_stop(session, self._job.id)


class Unwatched:
    """Keeps nothing; ends when its job is cancelled."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def points(self, points: Sequence[TrainingPoint]) -> None:
        del points
        self._progress.advance(0)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        del checkpoint

    def wants_stop(self) -> bool:
        return False


def train(work: "Work") -> Commit:
    """Train to the end and register the adapter, or go on from where a killed try was."""
    spec = finetune.parse(work.job.spec["train"])
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
        resume = None if spec.is_hosted else trainings.checkpoint(session, work.job.id)
        if not spec.is_hosted:
            trainings.forget_after(session, work.job.id, resume.step if resume else -1)
        seen = next(
            (p.values.get("items", 0) for p in reversed(trainings.points(session, work.job.id)) if p.kind == "step"), 0
        )
    if spec.is_hosted:
        return steps.tune(work, lambda: lesson(dataset, spec, work.progress))
    began = time.monotonic()
    learn = lesson(dataset, spec, work.progress)
    drawn = time.monotonic() - began
    folder = _folder(work.job.id)
    work.progress.advance(seen)
    task = Task(spec, base_folder(spec), learn.train, learn.validation, tuple(gate_texts.replay()), resume)
    release()
    outcome = process.run(task, folder, JobWatch(work, seen))
    outcome = replace(outcome, seconds=outcome.seconds + drawn)
    adapter = _adapter(work.job, dataset, spec, outcome, learn.fingerprint, len(learn.train))

    def commit(session: Session) -> chunks.Tally:
        adapters.register(session, adapter, outcome.files)
        trainings.drop_checkpoint(session, work.job.id)
        jobs.add_fixed_cost(session, work.job.id, outcome.seconds, adapter.usd)
        results.put(session, work.job.id, {"adapter": adapter.id, "metrics": adapter.metrics})
        shutil.rmtree(folder, ignore_errors=True)  # what is in it is in the database, or can be computed again
        return chunks.Tally(items=work.job.items_total)

    return commit


def _folder(job_id: int) -> Path:
    """Of a training; stays when we are killed or paused, because what it holds is used again. Those of trainings that
    are over go now: they may hold gigabytes."""
    parent = settings().training_dir
    with begin() as session:
        open_jobs = {str(job.id) for job in jobs.all(session, kind=JobKind.FINETUNE) if not job.state.is_final}
    for folder in parent.glob("*"):
        if folder.name not in open_jobs:
            shutil.rmtree(folder, ignore_errors=True)
    return parent / str(job_id)


def pilot(work: "Work") -> Commit:
    """Time a few steps and prices; the job's result says what the whole would take."""
    spec = finetune.parse(work.job.spec["train"])
    with begin() as session:
        dataset = datasets.get(session, work.job.dataset_id)
    began = time.monotonic()
    learn = lesson(dataset, spec, work.progress)
    drawn = time.monotonic() - began  # the training draws the same neighbours first
    task = Task(spec, base_folder(spec), learn.train, learn.validation, tuple(gate_texts.replay()), pilot=True)
    release()
    found = process.pilot(task, work.scratch / "pilot", Unwatched(work.progress))
    found |= {name: found[name] + drawn for name in ("seconds", "low_seconds", "high_seconds")}
    usd = rates.usd_for(found["seconds"], work.job.rate_usd_per_hour)
    basis = f"A few steps with these settings, timed on the {work.job.queue} queue."

    def commit(session: Session) -> chunks.Tally:
        results.put(session, work.job.id, found | {"usd": float(usd), "basis": basis})
        return chunks.Tally()

    return commit


def train_on(
    dataset: Dataset, spec: TrainSpec, train: pl.DataFrame, validation: pl.DataFrame, scratch: Path, progress: Progress
) -> Outcome:
    """Train on these items and price those, both ITEM_SCHEMA with prices; nothing is registered. For comparisons."""
    task = Task(
        spec,
        base_folder(spec),
        exemplify(dataset, spec, train, progress, learns=True),
        exemplify(dataset, spec, validation, progress, learns=False),
        tuple(gate_texts.replay()),
    )
    release()
    return process.run(task, scratch / "training", Unwatched(progress))


def _adapter(
    job: Job, dataset: Dataset, spec: TrainSpec, outcome: Outcome, fingerprint: str, train_rows: int
) -> Adapter:
    digest = hashlib.sha256()
    for name, data in sorted(outcome.files.items()):
        digest.update(name.encode() + b"\0" + data)
    usd: Decimal = rates.usd_for(outcome.seconds, job.rate_usd_per_hour)
    return Adapter(
        id=digest.hexdigest(),
        task=str(job.spec["task"]),
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        job_id=job.id,
        model=spec.model,
        base=spec.model,
        base_hash=base_hash(base_folder(spec)),
        form=spec.form,
        spec=spec.model_dump(mode="json"),
        fingerprint=fingerprint,
        train_rows=train_rows,
        metrics=outcome.metrics | {"step": outcome.step, "stopped": outcome.stopped},
        forgetting=None,
        usd=usd,
        seconds=outcome.seconds,
        state=AdapterState.CANDIDATE,
        size_bytes=sum(map(len, outcome.files.values())),
        created_at=datetime.now(UTC),
    )
