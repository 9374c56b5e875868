"""The Data need page: whether more rows with prices would pay, how many, and what they would cost."""

import streamlit as st

from dashboard.parts.data_need import answer, reads
from dashboard.shared import navigation, pickers, widgets, words
from db.types import Split
from worker.data_need.actions import FEWEST
from worker.specs.data_need import FEWEST_MEASURED

dataset = widgets.ready(
    widgets.header(
        "Data need",
        "Learns from an eighth, a quarter, a half and all of your rows, sees how the error falls, and forecasts "
        "whether more rows would pay.",
    )
)
if dataset is None:
    st.stop()
if dataset.splits.get(Split.TRAIN, 0) < FEWEST or dataset.splits.get(Split.VALIDATION, 0) < 2 * FEWEST_MEASURED:
    navigation.next_step(
        f"{dataset.name} has too few rows with a price for a forecast.",
        navigation.DATA,
        "Choose or upload another table",
        ":material/upload_file:",
        about=f"It takes at least {FEWEST} train rows and {2 * FEWEST_MEASURED} validation rows with a price.",
    )
    st.stop()

jobs = reads.asked(dataset.id)
is_working = bool(jobs) and not jobs[0].state.is_final
if not is_working:
    with st.expander("Ask again" if jobs else "How much data does it need?", expanded=not jobs):
        if started := answer.start(dataset, answer.settings(dataset)):
            st.session_state["need-job"] = started
            st.rerun()
if jobs:
    known = {job.id: job for job in jobs}
    chosen = jobs[0].id
    if len(jobs) > 1:
        answers = {
            job.id: f"{job.spec['rows']:,} rows · {words.STATES[job.state][0].lower()} · job {job.id}" for job in jobs
        }
        chosen = pickers.one("Answer", answers, key="need-job")
    answer.show(known[chosen])
