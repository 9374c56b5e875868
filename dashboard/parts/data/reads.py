"""Reads of the Data page: a dataset as it is now, and its rejects."""

from typing import BinaryIO

import polars as pl
import streamlit as st

from db import datasets as _datasets
from db import versions as _versions
from db.engine import begin
from db.types import Dataset
from worker.datasets import actions


def dataset(dataset_id: int) -> Dataset:
    """A dataset as it is now. Raises NotFound."""
    with begin() as session:
        return _datasets.get(session, dataset_id)


@st.cache_data(max_entries=50, show_spinner=False)
def rejects(dataset_id: int) -> pl.DataFrame:
    """line, raw, reason of every reject of a loaded dataset."""
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
