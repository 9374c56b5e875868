"""The Data page: the product table to work with, and what is in it."""

import streamlit as st

from dashboard.parts.data import overview, upload
from dashboard.parts.data import reads as data_reads
from dashboard.parts.jobs import cards
from dashboard.shared import keeping, navigation, reads, sharing, widgets, words
from db.types import DatasetState, Verb
from worker.datasets.actions import AWAITED

dataset = widgets.header("Data", "Bring a table of products; see what is in it and what could not be used.")
if dataset is None:
    st.markdown("#### Start here: bring a table with one product per row, some of them with a price.")
    upload.upload()
    if reads.datasets(archived=True):
        keeping.archived_toggle()
    st.stop()

state, error = dataset.state, dataset.error
work = reads.file_job(dataset.id, AWAITED[state]) if state in AWAITED else None
is_read = work is not None and not work.state.is_final

with st.container(horizontal=True, vertical_alignment="center"):
    # Its window would close, and an upload in it be lost, when the page runs anew at the end of the work.
    about = "This file is being read; another one can be added when that is over." if is_read else None
    if st.button(
        "Add a table", icon=":material/upload_file:", **widgets.allowed(Verb.UPLOAD, about=about, disabled=is_read)
    ):
        upload.another()
    overview.keep(dataset)
    sharing.control("dataset", dataset.id, dataset.owner, dataset.shared_with)
    overview.delete(dataset)
    keeping.archived_toggle()
    if state is DatasetState.READY:
        st.space("stretch")
        if st.button("Choose techniques to price it", icon=":material/play_circle:", type="primary"):
            navigation.go(navigation.RUN)

if is_read:
    cards.file_work(dataset.id, AWAITED[state])
    st.stop()
if state in AWAITED:
    if data_reads.dataset(dataset.id).state is not state:
        st.rerun()  # the work ended after the picker read the dataset
    error = error or (work.error if work else None) or "The file was not looked at to the end."

is_looked_at = bool(dataset.inspection.get("columns"))
if error:
    st.error(words.plain(error), icon=":material/error:")
    st.markdown("Put the file right and add it again" + (", or change the columns below." if is_looked_at else "."))
    if not is_looked_at and state is not DatasetState.READY and not dataset.joined_from:
        upload.look_again(dataset)
if state is DatasetState.READY:
    if dataset.description:
        st.markdown(words.plain(dataset.description))
    overview.counts(dataset)
    overview.money(dataset)
    overview.lineage(dataset)
    view = st.segmented_control(
        "View", list(overview.VIEWS), default="Profile", required=True, label_visibility="collapsed"
    )
    overview.VIEWS[view](dataset)
elif is_looked_at:
    upload.mapping(dataset)
