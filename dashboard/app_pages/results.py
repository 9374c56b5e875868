"""The Results page: the price that a technique gave each product, what it rests on, and a file to take along."""

import polars as pl
import streamlit as st

from dashboard.parts.results import hand_over, predictions
from dashboard.parts.results import reads as results_reads
from dashboard.shared import formats, navigation, pickers, reads, widgets, words
from db.types import PredictionStatus

dataset = widgets.ready(
    widgets.header("Results", "Every price a technique gave, with what it rests on; search and download.")
)
if dataset is None:
    st.stop()

jobs = {job.id: job for job in reads.pricing_jobs(dataset.id)}
if not jobs:
    navigation.next_step("Nothing has been priced yet.", navigation.RUN, "Choose techniques", ":material/play_circle:")
    st.stop()

names = reads.names(list(jobs.values()))
address = st.query_params.get("job", "")
left, middle, right = st.columns([2, 2, 1.2], gap="medium", vertical_alignment="bottom")
states = {job_id: f"{names[job_id]} · {words.STATES[job.state][0]}" for job_id, job in jobs.items()}
first = int(address) if address.isdecimal() else None
job = jobs[pickers.one("Job", states, first=first, key=f"results-job-{dataset.id}-{address}", place=left)]
search = middle.text_input(
    "Search", placeholder="Words in title, description, category, brand or id", icon=":material/search:"
)
status = right.multiselect("Status", [str(each) for each in PredictionStatus], placeholder="All")

snapshot = reads.predictions(job.id, predictions.version(job))
_, total = results_reads.found(snapshot, "", [], 1)
if not total:
    navigation.next_step(
        "This job has no prediction yet.", navigation.JOBS, "See how far it is", ":material/progress_activity:"
    )
    st.stop()
predictions.added(job, snapshot)
predictions.unlike(job)
flagged = predictions.flagged(snapshot)
shown, count = results_reads.found(snapshot, search, status, predictions.SHOWN, flagged=flagged)
st.caption(
    f"{formats.count(count, 'prediction')} of {total:,}"
    + (f", the first {predictions.SHOWN:,} shown" if count > predictions.SHOWN else "")
    + ". Choose a row to see what its price rests on."
)
row = predictions.table(shown, has_truth=shown["truth"].is_not_null().any())
if row is not None:
    predictions.detail(row, paid=words.is_paid(job))
st.markdown(f"**Download all {total:,} predictions** of {words.plain(names[job.id])}")
widgets.downloads(f"{dataset.name}-job-{job.id}", lambda: pl.read_parquet(snapshot))
predictions.as_uploaded(dataset, job)
hand_over.show(dataset, job, snapshot)
