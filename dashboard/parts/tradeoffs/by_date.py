"""Errors by date of the compared jobs: a chart by period, and what the trend says."""

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import date_charts
from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import widgets, words
from dashboard.shared.reads import Version
from worker.evaluation.ageing import span
from worker.evaluation.measures import Measure


def show(versions: dict[int, Version], labels: dict[int, str], error: Measure, *, weighted: bool) -> None:
    """The chart, its sentences, and what else may make errors change with time."""
    told = tradeoffs_reads.by_date(versions, error.key, weighted)
    for sentence in told.sentences:
        st.markdown(f":material/calendar_month: {words.plain(sentence)}")
    if told.found is None:
        return
    frame = told.found.periods.with_columns(
        label=pl.col("job_id").replace_strict(labels, return_dtype=pl.String),
        days=pl.Series([span(*days) for days in told.found.periods.select("first", "last").iter_rows()]),
    )
    widgets.chart(date_charts.by_date(frame, error, told.found.level), "by-date")
    st.caption(
        "Every period has about as many test rows; the bars are intervals of each point alone, those in the sentences "
        "hold for all techniques at once. Errors as prices also grow when later products are dearer or of other "
        "kinds: a measure in shares, chosen above, tells that apart."
    )
