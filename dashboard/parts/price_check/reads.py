"""Reads of the Price check page: its checks, decisions and versions; small, so nothing is cached."""

from db import jobs as _jobs
from db import versions as _versions
from db.engine import begin
from db.job_results import PriceCheckResult
from db.types import Dataset, Job, JobKind, MadeBy
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
    """The datasets that were made from this one by decisions about its prices, newest first."""
    with begin() as session:
        return _versions.of(session, dataset_id, MadeBy.DECISIONS)
