"""Whether the intervals of compared jobs hold what they promise, and how wide they are: overall and by segment."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import formats, verdicts, widgets, words
from dashboard.shared.reads import Version
from worker.evaluation.conformal import COVERAGE, WHY_NONE
from worker.pricing import comparison

ALL, BAND, CATEGORY = "All rows", "By predicted price", "By category"

_text, _number = st.column_config.TextColumn, st.column_config.NumberColumn
_COLUMNS: dict[str, Any] = {
    "label": _text("Technique", pinned=True),
    "slice": _text("Segment"),
    "n": _number("Test rows", format="localized"),
    "covered": _text("True price inside", help="Of the test rows, which nothing was chosen by, with its interval."),
    "verdict": _text("Promise", help="Judged by that interval: what chance explains is not called broken."),
    "width": _text("Width", help="Of the middle interval: top minus bottom, as a share of the price."),
}


def show(versions: dict[int, Version], labels: dict[int, str]) -> None:
    """The table, for all rows or by segment; and which jobs have no intervals, with the reason."""
    segment = st.radio("Rows", [ALL, BAND, CATEGORY], horizontal=True, label_visibility="collapsed", key="segment")
    st.caption(
        f"Each price comes with an interval that promises to hold the true price in {COVERAGE:.0%} of rows. Its width "
        "was learned on validation rows; here is what test rows say, "
        f"with {formats.level(comparison.level())} intervals."
    )
    frame = tradeoffs_reads.coverage_of(versions, segment)
    without = [labels[job_id] for job_id in versions if job_id not in set(frame["job_id"])]
    if without:
        st.info(words.plain(f"{formats.listed(without)}: {WHY_NONE}"), icon=":material/info:")
    if frame.is_empty():
        return
    shown = frame.select(
        "slice",
        "n",
        label=pl.col("job_id").replace_strict(labels, return_dtype=pl.String),
        covered=pl.struct("covered", "covered_low", "covered_high").map_elements(_share, return_dtype=pl.String),
        verdict=pl.col("verdict").replace_strict(verdicts.COVERAGE, return_dtype=pl.String),
        width=pl.col("width").map_elements(lambda width: f"{width:.0%} of the price", return_dtype=pl.String),
    )
    order = [name for name in _COLUMNS if name != "slice" or segment != ALL]
    widgets.table(shown, column_config=_COLUMNS, column_order=order)


def _share(line: dict[str, float]) -> str:
    return f"{line['covered']:.0%} ({line['covered_low']:.0%} to {line['covered_high']:.0%})"
