"""The Knowledge page: what techniques look prices up in, how fresh it is, and how to change it."""

import streamlit as st

from dashboard.parts.knowledge import changes, overview, reads
from dashboard.shared import widgets, words

dataset = widgets.ready(
    widgets.header(
        "Knowledge",
        "Products with known prices that techniques search by meaning: RAG shows a model the most similar ones, "
        "nearest neighbours averages their prices.",
    )
)
if dataset is None:
    st.stop()

working = reads.working(dataset.id)  # read before what it brings, or a base that is just done is missed
summary = reads.overview(dataset.id)
if summary:
    overview.figures(summary)
if working:
    overview.watch(working)
if not summary:
    if not working:
        st.markdown(f"#### {words.plain(dataset.name)} has no knowledge base yet.")
        st.markdown("It is made of the train side; the first technique that needs it makes it too.")
        overview.build(dataset, "Build it")
        changes.outcomes(dataset)
    st.stop()
if not working:
    with st.container(horizontal=True, vertical_alignment="center"):
        overview.build(dataset, "Bring up to date")
        overview.delete(dataset)

views = {
    "Search": lambda: overview.search(dataset),
    "Change items": lambda: changes.changes(dataset),
    "Freshness": lambda: overview.freshness(dataset),
    "Schedule": lambda: overview.schedule(dataset, summary),
}
view = st.segmented_control("View", list(views), default="Search", required=True, label_visibility="collapsed")
views[view]()
