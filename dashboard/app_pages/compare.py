"""The Compare page: where two runs differ, row by row, who is nearer to the true price, by how much, and why."""

import streamlit as st

from dashboard.parts.compare import pairs
from dashboard.parts.compare import reads as compare_reads
from dashboard.shared import navigation, reads, verdicts, widgets, words
from worker.evaluation.measures import DECIDING, USUAL

dataset = widgets.ready(
    widgets.header("Compare", "Two runs on the same rows: who is nearer to the true price, where, and why.")
)
if dataset is None:
    st.stop()

is_pricing = reads.is_pricing(dataset.id)  # read before what it brings, or its end is missed
jobs = reads.comparable(dataset.id)
if len(jobs) < 2:
    page, label = (navigation.JOBS, "Watch the jobs") if is_pricing else (navigation.RUN, "Choose techniques")
    navigation.next_step("Two finished runs over test rows are needed.", page, label, ":material/compare_arrows:")
    st.stop()

names = reads.names(jobs)
first, second = pairs.choose(dataset, jobs, names)
by = list(DECIDING)
key = st.selectbox("Judged by", by, by.index(USUAL), format_func=lambda key: DECIDING[key].label, width=360)
error = DECIDING[key]

versions = {job.id: reads.version(job) for job in (first, second)}
frame = compare_reads.pair(*versions.items())
if frame.is_empty():
    st.info("These two runs priced different rows; choose two that share some.", icon=":material/arrow_upward:")
    st.stop()
told = {job_id: words.plain(name) for job_id, name in names.items()}
column = widgets.weights_column(dataset)
both = reads.comparison(
    versions, error.key, merges=False, weighted=bool(column)
)  # two runs of one technique are two here
st.info(words.md(verdicts.pair_verdict(both, told, error, column)), icon=":material/gavel:")
st.caption(pairs.counted(frame))
pairs.learned_elsewhere((first, second))
pairs.scatter(frame)
row = pairs.table(frame)
if row is not None:
    pairs.detail(row, (first, second), (names[first.id], names[second.id]))
pairs.download(frame, (first, second))
