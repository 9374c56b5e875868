"""Finding what a command names in the database."""

from db import datasets, jobs
from db.engine import begin
from db.errors import NotFound
from db.types import Dataset, Job, JobKind


def dataset(name: str) -> Dataset:
    """The dataset with this number or name. Raises NotFound."""
    with begin() as session:
        return datasets.find(session, name)


def job(job_id: int) -> Job:
    """The job with this number. Raises NotFound."""
    with begin() as session:
        return jobs.get(session, job_id)


def latest_job(dataset_id: int, kind: JobKind) -> Job:
    """The newest job of a kind that a dataset has. Raises NotFound when it has none."""
    with begin() as session:
        newest = jobs.latest(session, dataset_id, kind)
    if newest is None:
        raise NotFound(f"Dataset {dataset_id} has no {kind} job.")
    return newest
