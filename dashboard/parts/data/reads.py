"""Reads of the Data page: a dataset as it is now, and its rejects."""

import polars as pl
import streamlit as st

from db import datasets as _datasets
from db.engine import begin
from db.types import Dataset


def dataset(dataset_id: int) -> Dataset:
    """A dataset as it is now. Raises NotFound."""
    with begin() as session:
        return _datasets.get(session, dataset_id)


@st.cache_data(max_entries=50, show_spinner=False)
def rejects(dataset_id: int) -> pl.DataFrame:
    """line, raw, reason of every reject of a loaded dataset."""
    with begin() as session:
        return _datasets.rejects(session, dataset_id)
