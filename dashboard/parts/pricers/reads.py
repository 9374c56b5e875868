"""Reads of the Pricers page: a pricer's source and history, and the look at files that it prices."""

from db import datasets as _datasets
from db.engine import begin
from db.errors import NotFound
from db.types import Dataset, Job, Pricer, PricerChange, PricerState
from worker.pricers import actions
from worker.pricing.priced_file import actions as priced_file


def names() -> dict[str, list[Pricer]]:
    """Name -> its versions, the newest first."""
    found: dict[str, list[Pricer]] = {}
    for each in actions.every():
        found.setdefault(each.name, []).append(each)
    return found


def in_use(versions: list[Pricer]) -> Pricer | None:
    return next((each for each in versions if each.state is PricerState.IN_USE), None)


def history(name: str) -> list[PricerChange]:
    return actions.history(name)


def dataset(dataset_id: int) -> Dataset | None:
    """A dataset as it is now; None: it was deleted."""
    with begin() as session:
        try:
            return _datasets.get(session, dataset_id)
        except NotFound:
            return None


def flags(pricer: Pricer, job: Job) -> dict[str, int]:
    """Flag -> rows of a priced file."""
    lines, _ = priced_file.said(job.id, hit_rate=pricer.hit_rate, within=pricer.within)
    return priced_file.counted(lines)
