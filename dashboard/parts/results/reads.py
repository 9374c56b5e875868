"""Reads of the Results page: predictions that are searched for, and what a model added to its neighbours."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import streamlit as st

from db import analytics
from worker.evaluation import neighbours_alone
from worker.evaluation.neighbours_alone import Added


def found(
    snapshot: Path, text: str, statuses: Sequence[str], limit: int, *, flagged: bool = False
) -> tuple[pl.DataFrame, int]:
    """The first predictions in which every word occurs, upper and lower case alike; and how many there are.

    `flagged`: only those whose product text looks like instructions to the model.
    """
    return analytics.search(snapshot, text, statuses, limit, flagged=flagged)


@st.cache_data(max_entries=20, show_spinner="Measuring what the model adds …")
def added(snapshot: Path) -> Added | None:
    """What the model of a finished job that retrieves added to its neighbours; None where there is nothing to say."""
    columns = ["truth", "price", "status", "evidence"]
    return neighbours_alone.added(pl.read_parquet(snapshot, columns=columns))
