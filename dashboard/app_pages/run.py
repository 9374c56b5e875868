"""The Run page: which techniques price which rows, and what that takes before anything is started."""

import streamlit as st

from dashboard.parts.run import choose, estimate, small
from dashboard.parts.run import reads as run_reads
from dashboard.parts.run import source as run_source
from dashboard.shared import formats, navigation, reads, widgets, words
from db.types import Verb
from worker.pricing import actions

dataset = widgets.ready(
    widgets.header("Run", "Choose techniques and rows; you see what it takes before anything is started.")
)
if dataset is None:
    st.stop()

st.subheader("1 · What to price", anchor=False)
source = run_source.choose(dataset)
if source is None:
    st.stop()
rows = choose.rows(dataset, elsewhere=source.id != dataset.id)
if rows is None:
    st.info("This dataset has no rows to price: every row is on the train or validation side.")
    st.stop()

st.subheader("2 · Techniques", anchor=False)
endpoints, adapters = reads.endpoints(), choose.usable(source, reads.adapters())
names = choose.techniques(source, endpoints, adapters)
if not names:
    st.info("Choose at least one technique.", icon=":material/arrow_upward:")
    st.stop()
planned = choose.settings(source, names, endpoints, adapters)
choose.model_warnings(planned, endpoints)
for sentence in run_reads.cautions(dataset, planned, source):
    st.warning(words.plain(sentence), icon=":material/warning:")
if source.id == dataset.id:
    small.offer(dataset, planned)

st.subheader("3 · What it takes", anchor=False)
with st.spinner("Counting tokens and money on a few real rows …"):
    known = actions.estimate(dataset.id, planned, rows.split, rows.limit, source_id=source.id)
with st.form("start"):
    estimate.table(known)
    st.markdown(words.md(estimate.total(known)))
    cap_usd = choose.cap(planned)
    fresh = estimate.fresh(known)
    label = f"Start {formats.count(len(fresh), 'job')}" if fresh else "Show the jobs"
    started = st.form_submit_button(
        label, type="primary", icon=":material/play_arrow:", **widgets.allowed(Verb.START_JOB)
    )
    curve = choose.curve(dataset, planned, cap_usd) if source.id == dataset.id else []
if started:
    actions.start(dataset.id, planned, rows.split, rows.limit, cap_usd=cap_usd, source_id=source.id)
if started or curve:
    navigation.go(navigation.JOBS)
widgets.worker_warning()
