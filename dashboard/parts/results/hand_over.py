"""The wished hit rate of a job, and the two lists that it makes: rows that are priced, and rows for a person."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.results import predictions
from dashboard.parts.results import reads as results_reads
from dashboard.shared import widgets, words
from db.types import Dataset, Job
from worker.pricing import export, lists
from worker.pricing.lists import Lists

_SEGMENTS = {"By predicted price": "band", "By category": "category"}

_number = st.column_config.NumberColumn
_COLUMNS: dict[str, Any] = {
    "slice": st.column_config.TextColumn("Segment"),
    "rows": _number("Rows", format="localized"),
    "n": _number("Priced", format="localized"),
    "share": _number("Share priced", format="percent"),
    "expected": _number("Expected to hit", format="percent", help="Of the priced ones, as validation rows let expect."),
    "realised": _number("Did hit", format="percent", help="Of the priced ones whose true price is known."),
    "low": _number("from", format="percent", help="Interval, near-duplicates counted together."),
    "high": _number("to", format="percent"),
}


def show(dataset: Dataset, job: Job, snapshot: Path) -> None:
    """Tolerance and wish, what they make of the job's rows, both lists to download, and the segments."""
    st.subheader("Price what is sure, hand over the rest", anchor=False)
    left, right = st.columns([1, 3], gap="large")
    with left:
        within = widgets.tolerance(key="within")
    begin = results_reads.first_wish(job.id, predictions.version(job), within)
    wish = right.slider(
        f"Wished share of prices within ±{within:.0%}",
        1, 99, begin or lists.USUAL_WISH, format="%d %%", key=f"wish-{job.id}-{within:.0%}", help=lists.ABOUT_WISH,
    )  # fmt: skip
    divided = results_reads.divided(job.id, predictions.version(job), snapshot, wish / 100, within)
    if divided is None:
        st.info(words.plain(f"No lists: {lists.WHY_NONE}"), icon=":material/info:")
        return
    first, *others = lists.sentences(divided)
    refused = divided.promise is None
    st.info(words.plain(first), icon=":material/person_raised_hand:" if refused else ":material/checklist:")
    for sentence in others:
        st.markdown(words.plain(sentence))
    _downloads(dataset, job, divided)
    if len(divided.priced):
        _segments(divided)


def _downloads(dataset: Dataset, job: Job, divided: Lists) -> None:
    wished = f"{dataset.name}-job-{job.id}-{divided.wish:.0%}-within-{divided.within:.0%}".replace("%", "")
    parts: list[tuple[str, str, int, Callable[[], pl.DataFrame]]] = [
        ("Priced", "priced", len(divided.priced), lambda: divided.priced),
        ("For a person", "for-a-person", len(divided.for_a_person), lambda: divided.for_a_person),
    ]
    for place, (label, name, rows, fetch) in zip(st.columns(2, gap="large"), parts, strict=True):
        with place:
            st.markdown(f"**{label}: {rows:,}**")
            widgets.downloads(f"{wished}-{name}", partial(_in_currency, fetch, dataset.currency))
    predictions.as_uploaded(dataset, job, divided.wish, divided.within)


def _in_currency(fetch: Callable[[], pl.DataFrame], currency: str) -> pl.DataFrame:
    return export.with_currency(fetch(), currency)


def _segments(divided: Lists) -> None:
    with st.expander("Segments: does it hold for cheap and dear, for every category?"):
        by = st.radio("Rows", list(_SEGMENTS), horizontal=True, label_visibility="collapsed", key="hand-over-by")
        frame = divided.segments(_SEGMENTS[by])
        known = ["realised", "low", "high"] if frame["realised"].is_not_null().any() else []
        widgets.table(
            frame.select("slice", "rows", "n", "share", "expected", *known),
            column_config=_COLUMNS,
        )
        st.caption("The promise is about all priced rows together; a segment may hit more or less often than that.")
