"""The way of a new file through a pricer: looked at, loaded as its source is mapped, priced; each step once."""

from dataclasses import dataclass

from db import datasets, jobs
from db.engine import begin
from db.errors import NotReady
from db.types import Dataset, DatasetState, Job, JobKind, JobState, Pricer
from worker.datasets import actions as dataset_actions
from worker.datasets.answers import Answers
from worker.datasets.mapping import alike, known_by_name
from worker.pricers import actions


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a file stands."""

    dataset_id: int  # of the file; another one than before where the same file was loaded already
    job: Job | None  # that is at work on it, or ended so that it goes no further; None: nobody works on it
    is_priced: bool  # every row that can be read has what the pricer says of it


def advance(pricer: Pricer, dataset_id: int) -> Standing:
    """Start what comes next for an uploaded file, if nothing is at work on it.

    Calling it again and again until the file is priced is all that there is to do; a second call at the same point
    starts nothing twice. Raises UserError where it can't go on: a question about the file is open, it has no rows, or
    the pricer can't price.
    """
    with begin() as session:
        dataset = datasets.get(session, dataset_id)
    if dataset.state is DatasetState.INSPECTED:
        if refused := actions.refusal(pricer):
            raise NotReady(refused)
        dataset, load = _loaded(pricer, dataset)
        if load is not None:
            return Standing(dataset.id, _job(load), is_priced=False)
    if dataset.state is not DatasetState.READY:
        return Standing(dataset.id, _reading(dataset), is_priced=False)
    if not dataset.items:
        raise NotReady(f"No line of {dataset.file_name} could become an item; the Data page lists why.")
    job = pricing(pricer, dataset.id) or _job(actions.start(pricer, dataset.id))
    return Standing(dataset.id, job, is_priced=job.state is JobState.DONE)


def _loaded(pricer: Pricer, dataset: Dataset) -> tuple[Dataset, int | None]:
    """The dataset and the job that loads it; or the one that is the same already, and None."""
    with begin() as session:
        known = datasets.get(session, pricer.source_id).mapping
    mapping = alike(dataset.inspection["columns"], dataset.mapping, known)
    same = dataset_actions.loaded_already(dataset.id, mapping)
    if same is not None:
        dataset_actions.delete_dataset(dataset.id)
        return same, None
    said = Answers(columns=tuple(known_by_name(dataset.inspection["columns"], known)))
    return dataset, dataset_actions.load(dataset.id, mapping, said=said)


def _reading(dataset: Dataset) -> Job | None:
    """The newest job that reads the file. Raises NotReady where it failed for good."""
    kind = dataset_actions.AWAITED.get(dataset.state)
    if kind is None:
        raise NotReady(dataset.error or f"{dataset.file_name} could not be loaded; the Data page says why.")
    with begin() as session:
        return jobs.latest(session, dataset.id, kind)


def pricing(pricer: Pricer, dataset_id: int) -> Job | None:
    """The newest job that prices a dataset as a pricer does; None: there is none."""
    elsewhere = None if dataset_id == pricer.source_id else pricer.source_id
    with begin() as session:
        its = [
            job
            for job in jobs.all(session, dataset_id, JobKind.PRICE)
            if job.spec_hash == pricer.spec_hash and job.source_id == elsewhere
            and job.split is None and job.item_limit is None and job.state is not JobState.CANCELLED
        ]  # fmt: skip
    return max(its, key=lambda job: job.id, default=None)


def _job(job_id: int) -> Job:
    with begin() as session:
        return jobs.get(session, job_id)
