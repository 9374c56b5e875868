"""The steps of a fine-tune on this machine: examples, a training in its own process, an adapter; and its timing."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

from db import adapters, chunks, jobs, rates, results, trainings
from db.engine import Session, begin
from db.job_results import TrainingResult
from db.settings import settings
from db.types import JobKind
from worker import gate_texts
from worker.finetune import adapter as made
from worker.finetune.example_prompts import examples_of
from worker.finetune.rows import material
from worker.finetune.watch import JobWatch, Unwatched
from worker.llm.local.packages import model_folder
from worker.resources import release
from worker.specs import finetune
from worker.specs.finetune import LOSS_ROWS, TrainSpec
from worker.training import process
from worker.training.task_folder import Task
from worker.training.texts import FolderTexts
from worker.work import Commit, Work


def train(work: Work) -> Commit:
    """Train to the end and register the adapter, or go on from where a killed try was."""
    job, spec = work.job, finetune.parse(work.job.spec["train"])
    with begin() as session:
        resume = trainings.checkpoint(session, job.id)
        trainings.forget_after(session, job.id, resume.step if resume else -1)
        last = trainings.latest(session, job.id)
        rows = material(session, job.dataset_id, spec)
        folder = _folder(session, job.id)
    seen = int(last.values.get("items", 0)) if last else 0

    started, base = time.monotonic(), model_folder(spec.model)
    examples = examples_of(rows, spec, FolderTexts(base), work.progress, _measured(spec))
    drawn = time.monotonic() - started
    work.progress.advance(seen)

    release()
    task = Task(spec, base, examples.train, examples.validation, tuple(gate_texts.replay()), resume)
    outcome = process.run(task, folder, JobWatch(job, work.writing, work.progress, seen))
    outcome = replace(outcome, seconds=outcome.seconds + drawn)

    usd = rates.of_work(job, outcome.seconds)
    adapter = made.adapter(job, rows.dataset, spec, base, examples, outcome, usd)

    def commit(session: Session) -> chunks.Tally:
        adapters.register(session, adapter, outcome.files)
        trainings.drop_checkpoint(session, job.id)
        jobs.add_fixed_cost(session, job.id, outcome.seconds, usd)
        results.put(session, job.id, TrainingResult(adapter=adapter.id, metrics=adapter.metrics).as_json())
        shutil.rmtree(folder, ignore_errors=True)  # what is in it is in the database, or can be computed again
        return chunks.Tally(items=job.items_total)

    return commit


def pilot(work: Work) -> Commit:
    """Time a few steps and prices; the job's result says what the whole would take."""
    job, spec = work.job, finetune.parse(work.job.spec["train"])
    with begin() as session:
        rows = material(session, job.dataset_id, spec)

    started, base = time.monotonic(), model_folder(spec.model)
    examples = examples_of(rows, spec, FolderTexts(base), work.progress, _measured(spec))
    drawn = time.monotonic() - started  # the training draws the same neighbours first

    release()
    task = Task(spec, base, examples.train, examples.validation, tuple(gate_texts.replay()), pilot=True)
    timed = process.pilot(task, work.scratch / "pilot", Unwatched(work.progress)).later(drawn)

    usd = float(rates.of_work(job, timed.seconds))
    basis = f"A few steps with these settings, timed on the {job.queue} queue."
    result = timed.model_copy(update={"usd": usd, "basis": basis})

    def commit(session: Session) -> chunks.Tally:
        results.put(session, job.id, result.as_json())
        return chunks.Tally()

    return commit


def _measured(spec: TrainSpec) -> int:
    """Validation rows that a training looks at; neighbours of each more would be searched."""
    return max(spec.evaluate_rows, LOSS_ROWS)


def _folder(session: Session, job_id: int) -> Path:
    """The folder of a training. It stays when we are killed or paused, because what it holds is used again; those of
    trainings that are over go now: they may hold gigabytes."""
    parent = settings().training_dir
    open_jobs = {str(job.id) for job in jobs.all(session, kind=JobKind.FINETUNE) if not job.state.is_final}
    for folder in parent.glob("*"):
        if folder.name not in open_jobs:
            shutil.rmtree(folder, ignore_errors=True)
    return parent / str(job_id)
