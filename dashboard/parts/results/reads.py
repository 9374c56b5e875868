"""Reads of the Results page: predictions that are searched for, and what a model added to its neighbours."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import streamlit as st

from dashboard.shared.reads import Version
from db import analytics
from db.engine import begin
from worker.evaluation import neighbours_alone
from worker.evaluation.neighbours_alone import Added
from worker.pricing import comparison, known_prices, lists
from worker.pricing.lists import Lists


def found(
    snapshot: Path, text: str, statuses: Sequence[str], limit: int, *, flagged: bool = False
) -> tuple[pl.DataFrame, int]:
    """The first predictions in which every word occurs, upper and lower case alike; and how many there are.

    `flagged`: only those whose product text looks like instructions to the model.
    """
    return analytics.search(snapshot, text, statuses, limit, flagged=flagged)


@st.cache_data(max_entries=20, show_spinner="Measuring what the model adds …")
def added(job_id: int, version: Version) -> Added | None:
    """What the model of a finished job that retrieves added to its neighbours; None where there is nothing to say."""
    del version
    with begin() as session:
        priced = known_prices.with_evidence(session, job_id)
    return neighbours_alone.added(*priced, level=comparison.level())


@st.cache_data(max_entries=20, show_spinner=False)
def first_wish(job_id: int, version: Version, within: float) -> int | None:
    """`worker.pricing.lists.first_wish` of a job."""
    del version
    return lists.first_wish(job_id, within)


@st.cache_data(max_entries=8, show_spinner="Dividing the rows …")
def divided(job_id: int, version: Version, snapshot: Path, wish: float, within: float) -> Lists | None:
    """`worker.pricing.lists.of_job` of a job's snapshot."""
    del version
    return lists.of_job(job_id, wish, within, pl.read_parquet(snapshot).drop("error"))
