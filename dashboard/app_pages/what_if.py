"""The What if page: what each technique would cost at another volume and other prices, and where one begins to pay."""

import streamlit as st

from dashboard.parts.what_if import answer, form
from dashboard.parts.what_if import reads as what_if_reads
from dashboard.shared import navigation, pickers, reads, widgets
from worker.pricing import comparison
from worker.what_if import actions

ABOUT = "What each technique would cost at your volume and your prices, and from which volume on one pays."
dataset = widgets.ready(widgets.header("What if", ABOUT))
if dataset is None:
    st.stop()

jobs = reads.comparable(dataset.id)
if not jobs:
    navigation.next_step(
        "No technique has priced this dataset yet, so nobody knows what an item costs.",
        navigation.RUN,
        "Choose techniques to compare",
        ":material/calculate:",
    )
    st.stop()

labels = reads.names(jobs)
chosen = pickers.several(
    "Techniques", labels, first=comparison.taken(dataset, jobs), key=f"what-jobs-{dataset.id}-{max(labels)}"
)
if not chosen:
    st.info("Choose at least one technique.", icon=":material/arrow_upward:")
    st.stop()
versions = {job.id: reads.version(job) for job in jobs if job.id in chosen}
column = widgets.weights_column(dataset)
scenario = form.settings(dataset, actions.models(chosen))
answer.show(
    what_if_reads.answer(versions, scenario.model_dump_json()),
    {job_id: labels[job_id] for job_id in versions},
    what_if_reads.errors(versions, weighted=bool(column)),
    column,
)
form.keeping(dataset, scenario)
