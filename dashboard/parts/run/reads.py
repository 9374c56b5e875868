"""Reads of the Run page: what to beware of before anything is started."""

from collections.abc import Sequence

from db.engine import begin
from db.types import Dataset
from worker.adapters import pricing
from worker.datasets import price_bounds
from worker.pricing import planning
from worker.specs import BaseSpec


def cautions(dataset: Dataset, planned: Sequence[BaseSpec]) -> list[str]:
    """Sentences about adapters that may have learned from the rows they are to be measured on, about prices that a
    technique can't say, and about members whose jobs are at work."""
    with begin() as session:
        said = [pricing.caution(session, spec, dataset) for spec in planned]
        said += price_bounds.cautions(session, dataset, planned)
        said += planning.busy_members(session, dataset, planned)
    return [sentence for sentence in dict.fromkeys(said) if sentence]
