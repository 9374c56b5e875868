"""The Leaks page: test rows whose answer a technique could have seen, and what the errors are without them."""

import streamlit as st

from dashboard.parts.leakage import reads, report
from dashboard.shared import live, navigation, widgets
from db.types import Split, Verb
from worker.leakage import actions

dataset = widgets.ready(
    widgets.header(
        "Leaks",
        "Looks for test rows that a technique could have seen before: copies among the rows it learned from and in the "
        "knowledge base, titles in prompts, prices that stand in the text.",
    )
)
if dataset is None:
    st.stop()
if not dataset.splits.get(Split.TEST, 0) or not dataset.splits.get(Split.TRAIN, 0):
    navigation.next_step(
        f"{dataset.name} has no test rows or no train rows with a price, so nothing can leak.",
        navigation.DATA,
        "Choose or upload another table",
        ":material/upload_file:",
    )
    st.stop()

job = reads.newest(dataset.id)
is_working = job is not None and not job.state.is_final
label = "Search again" if job else "Search for leaks"
if not is_working and st.button(label, icon=":material/search:", type="primary", **widgets.allowed(Verb.START_JOB)):
    actions.search(dataset.id)
    st.rerun()
if job is None:
    st.caption("Seconds for most tables; comparing by meaning needs a knowledge base and takes longer.")
    st.stop()
result = reads.found(job.id) if job.state.is_final else None
if result is None:
    live.show(job)
else:
    report.show(dataset, result)
