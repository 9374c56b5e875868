"""Reads of the Data page: a dataset as it is now, and its rejects."""

from typing import BinaryIO

import polars as pl
import streamlit as st

from db import datasets as _datasets
from db import versions as _versions
from db.engine import begin
from db.types import Dataset, DatasetState
from worker.datasets import actions, mapping


def dataset(dataset_id: int) -> Dataset:
    """A dataset as it is now. Raises NotFound."""
    with begin() as session:
        return _datasets.get(session, dataset_id)


def proposed_mapping(dataset: Dataset) -> tuple[dict[str, str], Dataset | None]:
    """The mapping of an inspected file, field -> column: as a person mapped the newest table with the same columns, and
    that table; where there is none, or it says nothing else, as the look proposes, and None."""
    columns = dataset.inspection["columns"]
    with begin() as session:
        ready = [each for each in _datasets.all(session) if each.state is DatasetState.READY and each.mapping]
    like = next((each for each in ready if mapping.has_columns_of(columns, each.mapping)), None)
    if like is None:
        return dataset.mapping, None
    proposal = mapping.alike(columns, dataset.mapping, like.mapping)
    return proposal, None if proposal == dataset.mapping else like


def usual_currency(dataset: Dataset) -> str:
    """worker.datasets.actions.usual_currency."""
    with begin() as session:
        return actions.usual_currency(session, dataset)


@st.cache_data(max_entries=50, show_spinner=False)
def rejects(dataset_id: int) -> pl.DataFrame:
    """line, raw, reason, count of the rejects of a loaded dataset; one stands for count equal lines."""
    with begin() as session:
        return _datasets.rejects(session, dataset_id)


@st.cache_data(max_entries=20, show_spinner=False)
def stored(file_id: str, _stream: BinaryIO) -> str:
    """The sha256 of an upload, kept under it; hashed once, however often its page is drawn while a question is open."""
    del file_id
    return actions.store(_stream)


def versions(dataset_id: int) -> list[Dataset]:
    """The datasets that were made from this one, newest first."""
    with begin() as session:
        return _versions.of(session, dataset_id)
