"""What a page shows in place of a comparison that a worker is still making: how far it is, and what can be done."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard.shared import formats, reads, widgets, words
from db.types import JobState
from worker.jobs import actions
from worker.pricing.comparison_jobs import BeingMade

SECONDS = 1.0  # between two looks


@contextmanager
def waited_for(name: str) -> Iterator[None]:
    """Shows what is inside, up to the comparison that is still being made; the page runs anew when it is there. name:
    tells the place from others on the page."""
    try:
        yield
    except BeingMade as wait:
        rows = sum(job.items_total for job in reads.some_jobs(wait.job.spec["jobs"]))
        widgets.fragment(_show, run_every=SECONDS)(wait.job.id, wait.key, rows, name)


def _show(job_id: int, key: str, rows: int, name: str) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job_id])[job_id]
        if progress.state is JobState.DONE or reads.is_made(key):
            st.rerun()
        if progress.state in (JobState.FAILED, JobState.CANCELLED):
            st.warning(words.plain(progress.error or "The comparison was cancelled."), icon=":material/balance:")
            if st.button("Compare anyway", icon=":material/refresh:", key=f"compare-{name}-{job_id}"):
                actions.retry(job_id)
                st.rerun()
            return
        share = min(1.0, progress.items_done / max(1, progress.items_total))
        done = f"{progress.items_done} of {progress.items_total} parts are made"
        st.progress(
            share, text=f"A worker compares {formats.count(rows, 'prediction')}: {done}; you can go on meanwhile."
        )
        if st.button("Cancel", icon=":material/cancel:", key=f"cancel-{name}-{job_id}"):
            actions.cancel(job_id)
            st.rerun()
        widgets.worker_warning()
