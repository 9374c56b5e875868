"""The Advisor page: prompting, RAG, fine-tuning or no language model, by what was measured, and what to try next."""

import streamlit as st

from dashboard.parts.advisor import next_steps, table
from dashboard.parts.advisor import reads as advisor_reads
from dashboard.shared import navigation, reads, widgets, words

ABOUT = "Prompting, RAG, fine-tuning or no language model: what your own runs say of each, and what to try next."
dataset = widgets.ready(widgets.header("Advisor", ABOUT))
if dataset is None:
    st.stop()

is_pricing = reads.is_pricing(dataset.id)
advised = advisor_reads.advice(dataset)
if is_pricing:
    st.info("Some runs are still at work; what they bring is here when they are done.", icon=":material/hourglass:")
elif not advised.rows:
    navigation.next_step(
        "Nothing was measured on this table yet.",
        navigation.RUN,
        "Choose techniques to compare",
        ":material/play_circle:",
        about="Price some test rows with a few techniques; then the figures are here.",
    )
if advised.verdict:
    st.info(words.md(words.plain(advised.verdict)), icon=":material/gavel:")
next_steps.show(advised)
table.show(advised)
