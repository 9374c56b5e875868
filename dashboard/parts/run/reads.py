"""Reads of the Run page: what to beware of before anything is started."""

from collections.abc import Sequence

import streamlit as st

from db import datasets as _datasets
from db.engine import begin
from db.types import Dataset
from worker.adapters import pricing
from worker.datasets import price_bounds
from worker.pricing import planning
from worker.sources import actions as sources
from worker.sources.actions import Proposal
from worker.specs import BaseSpec


def possible_sources(dataset_id: int) -> dict[int, Dataset]:
    """The other datasets that something can be learned from, by id, newest first."""
    with begin() as session:
        return {each.id: each for each in sources.possible(session, dataset_id)}


@st.cache_data(max_entries=50, show_spinner="Looking for a table like this one …")
def proposal(dataset_id: int, among: tuple[int, ...]) -> Proposal | None:
    """The dataset that is proposed to learn from; `among` those that there are, so that a new one is looked at."""
    del among
    return sources.propose(dataset_id)


def joined(dataset_ids: Sequence[int]) -> Dataset | None:
    """The dataset that holds the items of these together, if it was made."""
    with begin() as session:
        return _datasets.joined(session, sorted(dataset_ids))


def cautions(dataset: Dataset, planned: Sequence[BaseSpec], source: Dataset) -> list[str]:
    """Sentences about adapters that may have learned from the rows they are to be measured on, about prices that a
    technique can't say, and about members whose jobs are at work."""
    with begin() as session:
        said = [pricing.caution(session, spec, dataset, source) for spec in planned]
        said += price_bounds.cautions(session, dataset, planned, source)
        said += planning.busy_members(session, dataset, planned, source)
    return [sentence for sentence in dict.fromkeys(said) if sentence]
