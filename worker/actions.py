"""Every verb a person has, for pages and the command line alike: one transaction each, messages after the commit."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from db import analytics, chunks, completions, datasets, jobs, rates
from db.engine import Session, after_commit, begin
from db.errors import MappingError, UserError, WrongState
from db.knowledge import changes
from db.settings import settings
from db.types import Dataset, DatasetState, Job, JobKind, JobState, Queue, Split, Step
from worker import planning
from worker.adapters import pricing
from worker.answers import NOTHING_SAID, Answers, loaded_alike, settled
from worker.app import send
from worker.evaluation import context_curve
from worker.planning import Estimate
from worker.specs import BaseSpec

__all__ = ["Estimate"]

_BLOCK = 1 << 20
_ENDING = re.compile(r"(\.(csv|tsv|txt|xlsx|parquet))?(\.gz)?$", re.IGNORECASE)
"""What a file's name says of its kind; other dots belong to the name that people gave it."""


def upload(name: str, stream: BinaryIO, *, is_synthetic: bool = False) -> int:
    """Keep the bytes under their sha256 and start looking at them; returns the dataset's id."""
    sha256 = store(stream)
    file_name = Path(name).name
    with begin() as session:
        dataset_id = datasets.create(
            session,
            name=_ENDING.sub("", file_name) or file_name,
            sha256=sha256,
            file_name=file_name,
            is_synthetic=is_synthetic,
        )
        _read_file(session, dataset_id, JobKind.INSPECT, Step.INSPECT)
    return dataset_id


def store(stream: BinaryIO) -> str:
    """Write the stream to files/<sha256>, block by block; a file that is there already is kept."""
    folder = settings().files_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder, prefix="upload-", delete=False) as file:
        try:
            while block := stream.read(_BLOCK):
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink()
            raise
    target = folder / digest.hexdigest()
    Path(file.name).replace(target)
    return target.name


def inspect_again(dataset_id: int, forced: dict[str, Any]) -> int:
    """Look at an upload once more with what the user knows better (encoding, delimiter, header_line); the job's id.

    Columns, preview and proposed mapping follow from the change, which editing the first look could not give.
    """
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        look = jobs.latest(session, dataset_id, JobKind.INSPECT)
        is_left = dataset.state is DatasetState.UPLOADED and (look is None or look.state.is_final)
        if dataset.state not in (DatasetState.INSPECTED, DatasetState.FAILED) and not is_left:
            raise WrongState(f"{dataset.name} can't be looked at again now: it is {dataset.state}.")
        # The look before stays until this one is done, and what was forced then is forced still.
        inspection = dataset.inspection | {"forced": dataset.inspection.get("forced", {}) | forced}
        datasets.change(session, dataset_id, state=DatasetState.UPLOADED, inspection=inspection, error=None)
        before = {"forced_before": dataset.inspection.get("forced", {})}
        return _read_file(session, dataset_id, JobKind.INSPECT, Step.INSPECT, before)


def load(
    dataset_id: int,
    mapping: dict[str, str],
    name: str | None = None,
    said: Answers = NOTHING_SAID,
) -> int:
    """Turn an inspected upload into items with this mapping (field -> column); returns the job's id.

    `said` answers what the look could not tell; `inspect_again` is for what changes the columns. Raises MappingError.
    """
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        if dataset.state not in (DatasetState.INSPECTED, DatasetState.FAILED) or not dataset.inspection.get("columns"):
            raise WrongState(f"{dataset.name} can't be loaded now: it is {dataset.state}.")
        mapping = {field: column for field, column in mapping.items() if column}
        _check_mapping(dataset, mapping)
        datasets.change(
            session,
            dataset_id,
            mapping=mapping,
            inspection=settled(dataset.inspection, mapping, said),
            name=name or dataset.name,
            state=DatasetState.LOADING,
            error=None,
        )
        return _read_file(session, dataset_id, JobKind.LOAD, Step.LOAD)


def _read_file(
    session: Session, dataset_id: int, kind: JobKind, step: Step, about: dict[str, Any] | None = None
) -> int:
    """Somebody waits for it at a page."""
    queue, chunks_of_it = Queue.INTERACTIVE, [(step, list[int]())]
    return start_job(session, kind=kind, dataset_id=dataset_id, queue=queue, chunks=chunks_of_it, spec=about or {})


def _check_mapping(dataset: Dataset, mapping: dict[str, str]) -> None:
    if "title" not in mapping:
        raise MappingError("Choose the column that holds the product's title; it is the one that is needed.")
    columns = dataset.inspection["columns"]
    for field, column in mapping.items():
        if column not in columns:
            raise MappingError(f"There is no column {column!r} for {field}; the file has {', '.join(columns)}.")


def estimate(
    dataset_id: int, specs: Sequence[BaseSpec], split: Split | None = None, limit: int | None = None
) -> list[Estimate]:
    """What pricing would take, one line per spec; nothing is started."""
    with begin() as session:
        dataset = ready(session, dataset_id)
        return [planning.estimate(session, dataset, spec, split, limit) for spec in specs]


def start(
    dataset_id: int,
    specs: Sequence[BaseSpec],
    split: Split | None = None,
    limit: int | None = None,
    *,
    cap_usd: Decimal | None = None,
) -> list[int]:
    """Start a pricing job per spec; returns their ids. The same spec on the same rows is the same job: it is reused.

    `split` None prices the test side (to measure) and the rows without a price (to have one). `cap_usd` bounds what
    each job may pay to endpoints; reaching it pauses the job.
    """
    with begin() as session:
        dataset = ready(session, dataset_id)
        rows = datasets.target_rows(session, dataset_id, split, limit)
        job_ids = []
        for spec in [planning.pinned(session, dataset, each) for each in specs]:
            planning.check(session, dataset, spec, rows)
            same = jobs.same(session, dataset_id, spec.hash, split, limit)
            if same:
                job_ids.append(same.id)
                continue
            values = spec.model_dump(mode="json")
            job_id = start_job(
                session,
                kind=JobKind.PRICE,
                dataset_id=dataset_id,
                queue=planning.queue_for(session, spec),
                chunks=planning.chunks(spec, rows, measure=split is not Split.UNPRICED),
                technique=values["technique"],
                spec=values,
                spec_hash=spec.hash,
                split=split,
                limit=limit,
                items_total=len(rows),
                cap_usd=cap_usd if spec.is_hosted else None,
                priority=planning.priority(spec),
                seconds=planning.step_seconds(session, dataset, spec),
            )
            jobs.add_fixed_cost(session, job_id, *pricing.training_cost(session, spec))
            job_ids.append(job_id)
        return job_ids


def start_curve(
    dataset_id: int,
    spec: BaseSpec,
    limit: int,
    ks: Sequence[int] = context_curve.STEPS,
    *,
    cap_usd: Decimal | None = None,
) -> list[int]:
    """Price a sample of the test rows once per k: does more context pay? Returns the jobs, in the order of `ks`."""
    if spec.uses_llm and "k" in spec.filled:
        raise UserError(
            f"{spec.label} reads as many neighbours as its adapter was trained with; choose examples or RAG."
        )
    if "k" not in type(spec).model_fields or not spec.uses_llm:
        raise UserError(f"{spec.label} has no examples or neighbours to count; choose examples or RAG.")
    steps = [spec.model_copy(update={"k": k}) for k in ks]
    return start(dataset_id, steps, Split.TEST, limit, cap_usd=cap_usd)


def ready(session: Session, dataset_id: int) -> Dataset:
    dataset = datasets.get(session, dataset_id)
    if dataset.state is not DatasetState.READY:
        raise WrongState(f"{dataset.name} is not loaded yet: it is {dataset.state}.")
    return dataset


def start_job(session: Session, *, queue: Queue, **values: Any) -> int:
    job_id = jobs.create(session, queue=queue, rate_id=rates.for_queue(session, queue), **values)
    _send_ready(session, job_id, queue)
    return job_id


def _send_ready(session: Session, job_id: int, queue: Queue) -> None:
    for chunk_id in chunks.to_send(session, job_id):
        after_commit(session, partial(send, chunk_id, queue))


@contextmanager
def _changing(job_id: int, to: JobState, among: Sequence[JobState], verb: str) -> Iterator[Session]:
    with begin() as session:
        job = jobs.get(session, job_id)
        if not jobs.set_state(session, job_id, to, among=among):
            raise WrongState(f"Job {job_id} can't be {verb}: it is {job.state}.")
        yield session
        _send_ready(session, job_id, job.queue)


def pause(job_id: int) -> None:
    """Hand out no more chunks; those at work finish."""
    with _changing(job_id, JobState.PAUSED, [JobState.RUNNING], "paused"):
        pass


def resume(job_id: int, cap_usd: Decimal | None = None) -> None:
    """Go on with a paused job, with another cap if one is given."""
    with _changing(job_id, JobState.RUNNING, [JobState.PAUSED], "resumed") as session:
        if cap_usd is not None:
            job = jobs.get(session, job_id)
            if cap_usd <= job.spent_usd:
                raise UserError(f"Job {job_id} has spent ${job.spent_usd:,.4f} already; the cap must be higher.")
            jobs.set_cap(session, job_id, cap_usd)


def cancel(job_id: int) -> None:
    """Stop for good; what is priced already is kept, work at hand is dropped within a second or two."""
    with _changing(job_id, JobState.CANCELLED, [JobState.RUNNING, JobState.PAUSED], "cancelled") as session:
        job = jobs.get(session, job_id)
        if job.kind in (JobKind.INSPECT, JobKind.LOAD):
            _leave_file(session, job)


def _leave_file(session: Session, job: Job) -> None:
    """A table whose look or load was cancelled is as it was before, or says how to have it looked at."""
    inspection = datasets.get(session, job.dataset_id).inspection
    if "forced_before" in job.spec:
        inspection = inspection | {"forced": job.spec["forced_before"]}
    if job.kind is JobKind.LOAD or inspection.get("columns"):
        datasets.change(session, job.dataset_id, state=DatasetState.INSPECTED, inspection=inspection)
        return
    datasets.change(
        session,
        job.dataset_id,
        state=DatasetState.FAILED,
        error=f"Looking at this file was cancelled; look at it again (pricewright retry {job.id}), or delete it.",
    )


def retry(job_id: int) -> int:
    """Run again just what failed or was cancelled; returns how many chunks that is."""
    among = [JobState.DONE, JobState.FAILED, JobState.CANCELLED]
    with _changing(job_id, JobState.RUNNING, among, "retried") as session:
        job = jobs.get(session, job_id)
        reopened = chunks.reopen_failed(session, job_id) or chunks.unfinished(session, job_id)
        if not reopened:
            raise UserError(f"Nothing in job {job_id} failed, so there is nothing to run again.")
        if job.kind in (JobKind.INSPECT, JobKind.LOAD):
            dataset = datasets.get(session, job.dataset_id)
            newest = jobs.latest(session, job.dataset_id, job.kind)
            if newest and newest.id != job_id:
                raise WrongState(f"Job {job_id} can't be run again: job {newest.id} did the same later.")
            state = DatasetState.UPLOADED if job.kind is JobKind.INSPECT else DatasetState.LOADING
            if dataset.state not in (DatasetState.FAILED, DatasetState.INSPECTED, state):
                raise WrongState(f"Job {job_id} can't be run again: {dataset.name} is {dataset.state} by now.")
            datasets.change(session, job.dataset_id, state=state, error=None)
        return reopened


def delete_dataset(dataset_id: int) -> None:
    """Delete a dataset with its jobs and predictions, what endpoints were asked and answered about it, what other
    datasets' knowledge bases took from it, and the uploaded bytes unless another dataset shares them.

    Adapters that learned from it stay, and so does what its jobs cost.
    """
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        its_jobs = jobs.all(session, dataset_id)
        job_ids = [job.id for job in its_jobs]
        completions.forget(session, job_ids)
        told_of_it = changes.take_back_reference(session, dataset_id)
        datasets.drop(session, dataset_id)
        files = {dataset.file_sha256, *(job.spec["changes"]["sha256"] for job in its_jobs if "changes" in job.spec)}
        for sha256 in files:
            if not datasets.file_is_used(session, sha256):
                after_commit(session, partial((settings().files_dir / sha256).unlink, missing_ok=True))
    with begin() as session:
        completions.forget(session, job_ids)  # what was asked until the jobs were gone
    for job_id in told_of_it:
        analytics.forget(job_id)
    for job_id in job_ids:
        analytics.forget(job_id)
        for left in settings().scratch_dir.glob(f"job-{job_id}-*"):  # of a worker that was killed
            shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(settings().training_dir / str(job_id), ignore_errors=True)


def loaded_already(dataset_id: int, mapping: dict[str, str], said: Answers = NOTHING_SAID) -> Dataset | None:
    """The dataset that loading this inspected upload would only make again, if there is one."""
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
        return loaded_alike(session, dataset, {field: name for field, name in mapping.items() if name}, said)


def load_demo() -> int:
    """Upload the synthetic demo catalogue; loading goes on by itself. Returns the dataset's id."""
    from worker import demo

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo-catalogue.csv"
        demo.write_csv(path)
        with path.open("rb") as stream:
            return upload(path.name, stream, is_synthetic=True)
