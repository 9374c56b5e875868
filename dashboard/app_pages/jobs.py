"""The Jobs page: what is running, how far it is, what it cost so far, and how to stop it."""

import streamlit as st

from dashboard.parts.jobs import cards
from dashboard.parts.jobs import keeping as jobs_keeping
from dashboard.shared import keeping, navigation, reads, widgets
from db.types import JobKind, JobState

dataset = widgets.header(
    "Jobs", "One job is one technique pricing some rows, or one training. Closing this page stops nothing."
)
if dataset is None:
    widgets.ready(dataset)
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):
    everywhere = st.toggle("Jobs of all datasets", key="jobs_everywhere", persist_state="session")
    keeping.archived_toggle()
    jobs = reads.shown_jobs(None if everywhere else dataset.id)
    if jobs:
        jobs_keeping.show(jobs)
    if any(job.state is JobState.DONE and job.kind is JobKind.PRICE for job in jobs):
        st.space("stretch")
        if st.button("Compare what is done", icon=":material/balance:", type="primary"):
            navigation.go(navigation.TRADEOFFS)
if not jobs:
    if widgets.ready(dataset):
        navigation.next_step(
            f"Nothing has been priced in {dataset.name} yet.",
            navigation.RUN,
            "Choose techniques",
            ":material/play_circle:",
        )
    st.stop()

cards.jobs(None if everywhere else dataset.id, jobs)
