"""The Results page: the price that a technique gave each product, what it rests on, and a file to take along."""

import streamlit as st

from dashboard.parts.results import filters, hand_over, predictions
from dashboard.parts.results import reads as results_reads
from dashboard.shared import navigation, pickers, reads, widgets, words

dataset = widgets.ready(
    widgets.header("Results", "Every price a technique gave, with what it rests on; filter, sort and download.")
)
if dataset is None:
    st.stop()

jobs = {job.id: job for job in reads.pricing_jobs(dataset.id)}
if not jobs:
    navigation.next_step("Nothing has been priced yet.", navigation.RUN, "Choose techniques", ":material/play_circle:")
    st.stop()

names = reads.names(list(jobs.values()))
address = st.query_params.get("job", "")
states = {job_id: f"{names[job_id]} · {words.STATES[job.state][0]}" for job_id, job in jobs.items()}
first = int(address) if address.isdecimal() else None
job = jobs[pickers.one("Job", states, first=first, key=f"results-job-{dataset.id}-{address}")]
dataset = results_reads.priced_as(job)
widgets.write_prices_as(dataset)

snapshot = reads.predictions(job.id, predictions.version(job))
total = results_reads.count(snapshot)
if not total:
    navigation.next_step(
        "This job has no prediction yet.", navigation.JOBS, "See how far it is", ":material/progress_activity:"
    )
    st.stop()
predictions.added(job)
predictions.unlike(job)
has_truth = results_reads.has_truth(snapshot)
wanted, order = filters.ask(snapshot, job.id, has_truth=has_truth)
count = results_reads.count(snapshot, wanted)
asked = f"{job.id}-{hash((wanted, order))}"
before = filters.page_of(count, total, asked)
shown = results_reads.page(snapshot, wanted, order, filters.ROWS, before)
row = predictions.table(shown, has_truth=has_truth, key=f"{asked}-{before}")
if row is not None:
    predictions.detail(row, paid=words.is_paid(job))
st.markdown(filters.downloaded(wanted, count, total, names[job.id]))
code = dataset.currency
widgets.downloads(f"{dataset.name}-job-{job.id}", lambda: results_reads.fitting(snapshot, wanted, order, code))
predictions.as_uploaded(dataset, job)
hand_over.show(dataset, job, snapshot)
