"""Which product table do we work with, and what is in it?"""

import streamlit as st

from dashboard import intake, live, overview, reads, widgets, words
from db.types import DatasetState, JobKind

dataset = widgets.header("Data", "Bring a table of products; see what is in it and what could not be used.")
if dataset is None:
    st.markdown("#### Start here: bring a table with one product per row, some of them with a price.")
    intake.upload()
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):
    if st.button("Add a table", icon=":material/upload_file:"):
        intake.another()
    overview.delete(dataset)
    if dataset.state is DatasetState.READY:
        st.space("stretch")
        if st.button("Choose techniques to price it", icon=":material/play_circle:", type="primary"):
            widgets.go(widgets.RUN)

KINDS = {DatasetState.UPLOADED: JobKind.INSPECT, DatasetState.LOADING: JobKind.LOAD}
state, error = dataset.state, dataset.error
if state in KINDS:
    work = reads.file_job(dataset.id, KINDS[state])
    if work is not None and not work.state.is_final:
        live.file_work(dataset.id, KINDS[state])
        st.stop()
    if reads.dataset(dataset.id).state is not state:
        st.rerun()  # the work ended after the picker read the dataset
    error = error or (work.error if work else None) or "The file was not looked at to the end."

if error:
    st.error(words.md(error), icon=":material/error:")
    st.markdown(
        "Put the file right and add it again" + (", or change the columns below." if dataset.inspection else ".")
    )
if state is DatasetState.READY:
    overview.counts(dataset)
    view = st.segmented_control(
        "View", list(overview.VIEWS), default="Profile", required=True, label_visibility="collapsed"
    )
    overview.VIEWS[view](dataset)
elif dataset.inspection:
    intake.mapping(dataset)
