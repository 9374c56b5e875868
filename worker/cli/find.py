"""Finding what a command names in the database."""

from db import datasets, jobs
from db.engine import begin
from db.errors import NotFound
from db.types import Dataset, Job, JobKind
from worker import amounts
from worker.datasets import money


def dataset(name: str) -> Dataset:
    """The dataset with this number or name, in whose currency prices are written from here on. Raises NotFound."""
    with begin() as session:
        found = datasets.find(session, name)
    amounts.write_in(money.of(found))
    return found


def job(job_id: int) -> Job:
    """The job with this number; prices are written in its currency from here on. Raises NotFound."""
    with begin() as session:
        found = jobs.get(session, job_id)
        amounts.write_in(money.of_job(session, found))
    return found


def latest_job(dataset_id: int, kind: JobKind) -> Job:
    """The newest job of a kind that a dataset has. Raises NotFound when it has none."""
    with begin() as session:
        newest = jobs.latest(session, dataset_id, kind)
    if newest is None:
        raise NotFound(f"Dataset {dataset_id} has no {kind} job.")
    return newest
