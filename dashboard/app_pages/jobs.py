"""What is running, how far is it, what did it cost so far, and how do I stop it?"""

import streamlit as st

from dashboard import live, reads, widgets

dataset = widgets.header("Jobs", "One job is one technique pricing some rows. Closing this page stops nothing.")
if dataset is None:
    widgets.ready(dataset)
    st.stop()

everywhere = st.toggle("Jobs of all datasets", key="jobs_everywhere", persist_state="session")
jobs = reads.pricing_jobs(None if everywhere else dataset.id)
if not jobs:
    if widgets.ready(dataset):
        widgets.next_step(
            f"Nothing has been priced in {dataset.name} yet.",
            widgets.RUN,
            "Choose techniques",
            ":material/play_circle:",
        )
    st.stop()

live.jobs(None if everywhere else dataset.id)
if any(job.state.is_final for job in jobs):
    st.page_link(widgets.TRADEOFFS, label="Compare what is done", icon=":material/balance:")
