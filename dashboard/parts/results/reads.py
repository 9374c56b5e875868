"""Reads of the Results page: predictions that are searched for, and what a model added to its neighbours."""

from pathlib import Path

import polars as pl
import streamlit as st

from dashboard.shared.reads import Version
from db import analytics
from db.analytics import EVERYTHING, Filters, Order
from db.engine import begin
from db.types import Dataset, Job
from worker.datasets import money
from worker.evaluation import neighbours_alone
from worker.evaluation.neighbours_alone import Added
from worker.pricing import comparison, export, known_prices, lists
from worker.pricing.lists import Lists


@st.cache_data(max_entries=200, show_spinner=False)
def priced_as(job: Job) -> Dataset:
    """The dataset of a job, with the currency of the prices that the job says."""
    with begin() as session:
        return money.dataset_of(session, job)


def count(snapshot: Path, filters: Filters = EVERYTHING) -> int:
    """How many predictions of a snapshot fit the filters."""
    return analytics.count(snapshot, filters)


@st.cache_data(max_entries=50, show_spinner="Looking through the predictions …")
def page(snapshot: Path, filters: Filters, order: Order, limit: int, offset: int) -> pl.DataFrame:
    """`limit` of the predictions that fit, sorted, after the first `offset`; the database reads no more of them."""
    return analytics.page(snapshot, filters, order, limit=limit, offset=offset)


def has_truth(snapshot: Path) -> bool:
    """Whether the true price of a row is known."""
    return count(snapshot, Filters(between=(("truth", 0, None),))) > 0


def fitting(snapshot: Path, filters: Filters, order: Order, currency: str) -> pl.DataFrame:
    """All predictions that fit, sorted, with the code of their currency: for a download."""
    return export.with_currency(analytics.fitting(snapshot, filters, order), currency)


@st.cache_data(max_entries=50, show_spinner=False)
def values(snapshot: Path, column: str) -> list[str]:
    """What stands in a column of categories, the most frequent first."""
    return analytics.values(snapshot, column)


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
