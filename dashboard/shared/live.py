"""One job while it is at work: how far it is and what can be done with it; the page runs anew when it is over."""

import streamlit as st

from dashboard.shared import reads, widgets, words
from db.types import Job, JobState, Verb
from worker.jobs import actions

SECONDS = 1.0  # between two looks


def show(job: Job) -> None:
    """The job, live while it runs."""
    widgets.fragment(_show, run_every=SECONDS if job.state is JobState.RUNNING else None)(job.id, job.state)


def _show(job_id: int, was: JobState) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job_id])[job_id]
        if progress.state is not was:
            st.rerun()
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            widgets.badge(progress.state)
            step = words.STEPS[progress.step] if progress.step else ""
            st.markdown(f"{step} …" if step else "", width="content")
            st.space("stretch")
            if not progress.state.is_final and st.button(
                "Cancel",
                icon=":material/cancel:",
                key=f"live-cancel-{job_id}",
                **widgets.allowed(Verb.CANCEL_JOB, progress),
            ):
                actions.cancel(job_id)
                st.rerun()
            if progress.state in (JobState.FAILED, JobState.CANCELLED) and st.button(
                "Retry",
                icon=":material/refresh:",
                key=f"live-retry-{job_id}",
                **widgets.allowed(Verb.RETRY_JOB, progress),
            ):
                actions.retry(job_id)
                st.rerun()
        if progress.error:
            st.error(words.plain(progress.error), icon=":material/error:")
        if progress.state is JobState.RUNNING:
            widgets.worker_warning()
