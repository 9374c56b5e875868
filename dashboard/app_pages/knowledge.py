"""What do techniques look prices up in, how fresh is it, and how do I change it?"""

import streamlit as st

from dashboard import changing, knowing, knowledge_reads, widgets, words

dataset = widgets.ready(
    widgets.header(
        "Knowledge",
        "Products with known prices that techniques search by meaning: RAG shows a model the most similar ones, "
        "nearest neighbours averages their prices.",
    )
)
if dataset is None:
    st.stop()

working = knowledge_reads.working(dataset.id)  # read before what it brings, or a base that is just done is missed
found = knowledge_reads.overview(dataset.id)
if found:
    knowing.figures(found)
if working:
    knowing.watch(working)
if not found:
    if not working:
        st.markdown(f"#### {words.plain(dataset.name)} has no knowledge base yet.")
        st.markdown("It is made of the train side; the first technique that needs it makes it too.")
        knowing.build(dataset, "Build it")
        changing.outcomes(dataset)
    st.stop()
if not working:
    knowing.build(dataset, "Bring up to date")

views = {
    "Search": lambda: knowing.search(dataset),
    "Change items": lambda: changing.changes(dataset),
    "Freshness": lambda: knowing.freshness(dataset),
    "Schedule": lambda: knowing.schedule(dataset, found),
}
view = st.segmented_control("View", list(views), default="Search", required=True, label_visibility="collapsed")
views[view]()
