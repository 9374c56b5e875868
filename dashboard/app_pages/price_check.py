"""The Price check page: known prices that nothing explains, what to do about each, and what curation gained."""

import streamlit as st

from dashboard.parts.price_check import reads, suspects
from dashboard.shared import live, navigation, widgets
from db.types import Split, Verb
from worker.price_check import actions

dataset = widgets.ready(
    widgets.header(
        "Price check",
        "Finds known prices that can't be right (a decimal sign in the wrong place, another currency, a pack, a typo) "
        "and makes a new version of the table without them.",
    )
)
if dataset is None:
    st.stop()
if dataset.splits.get(Split.TRAIN, 0) + dataset.splits.get(Split.VALIDATION, 0) < actions.FEWEST:
    navigation.next_step(
        f"{dataset.name} has too few prices to tell which are wrong.",
        navigation.DATA,
        "Choose or upload another table",
        ":material/upload_file:",
        about=f"It takes at least {actions.FEWEST} train and validation rows with a price.",
    )
    st.stop()

suspects.gain(dataset)
job = reads.newest(dataset.id)
is_working = job is not None and not job.state.is_final
label = "Check again" if job else "Check the prices"
may = widgets.allowed(Verb.START_JOB)
if not is_working and st.button(label, icon=":material/search:", type="secondary" if job else "primary", **may):
    actions.check(dataset.id)
    st.rerun()
if job is None:
    st.caption("Seconds for most tables, a few minutes for the largest.")
    st.stop()
result = reads.found(job.id) if job.state.is_final else None
if result is None:
    live.show(job)
else:
    suspects.version(dataset)
    suspects.show(dataset, result)
