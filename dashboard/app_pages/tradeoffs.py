"""The Trade-offs page: what each technique costs, how wrong it is, how sure that is, and where it fails."""

import streamlit as st

from dashboard.parts.tradeoffs import refits, report, saved_verdicts, selection, summary, views
from dashboard.shared import widgets

ABOUT = "What each technique costs and how wrong it is, on test rows that none of them has seen."
dataset = widgets.ready(widgets.header("Trade-offs", ABOUT))
if dataset and refits.of_small_table(dataset):
    st.stop()
asked = selection.choose(dataset) if dataset else None
if dataset is None or asked is None:
    st.stop()

if not summary.is_measured(asked):
    summary.nothing_measured(asked)
    st.stop()

limits = summary.show(asked)
views.show(asked)
report.show(dataset, asked.jobs, list(asked.versions), asked.error, limits, weighted=asked.weighted)
saved_verdicts.show(dataset)
