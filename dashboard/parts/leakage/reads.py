"""Reads of the Leaks page: its searches, and figures of jobs with and without the suspects."""

import polars as pl
import streamlit as st

from dashboard.shared.reads import Version, measured, runs
from db import jobs as _jobs
from db.engine import begin
from db.job_results import LeakageResult
from db.types import Job, JobKind
from worker.leakage import actions


def newest(dataset_id: int) -> Job | None:
    """The newest search for leaks in a dataset."""
    with begin() as session:
        return _jobs.latest(session, dataset_id, JobKind.LEAKAGE)


def found(job_id: int) -> LeakageResult | None:
    """What a search found; None while it is at work."""
    return actions.found(job_id)


@st.cache_data(max_entries=20, show_spinner="Measuring with and without the suspects …")
def figures(versions: dict[int, Version], rows: tuple[int, ...], by: str, weighted: bool) -> pl.DataFrame:
    """The table of worker.leakage.actions.figures of the jobs."""
    return actions.measured(measured(versions, weighted=weighted), rows, by, runs(tuple(versions)))
