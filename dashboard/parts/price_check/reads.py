"""Reads of the Price check page: its checks, decisions and versions; small, so nothing is cached."""

from db import datasets as _datasets
from db import jobs as _jobs
from db.engine import begin
from db.job_results import PriceCheckResult
from db.types import Dataset, Job, JobKind
from worker.price_check import actions


def newest(dataset_id: int) -> Job | None:
    """The newest check of a dataset's prices."""
    with begin() as session:
        return _jobs.latest(session, dataset_id, JobKind.PRICE_CHECK)


def found(job_id: int) -> PriceCheckResult | None:
    """What a check found; None while it is at work."""
    return actions.found(job_id)


def decisions(dataset_id: int) -> dict[int, tuple[str, float | None]]:
    """Row -> what was decided about its price, and the price of a fix."""
    return {row: (decision, price) for row, decision, price in actions.decisions(dataset_id).iter_rows()}


def versions(dataset_id: int) -> list[Dataset]:
    """The datasets that were made from this one, newest first."""
    with begin() as session:
        return [dataset for dataset in _datasets.all(session) if dataset.made_from == dataset_id]
