"""The filters, the order and the pages of the table of predictions, all of which the database works out."""

from pathlib import Path

import streamlit as st

from dashboard.parts.results import reads as results_reads
from dashboard.shared import formats, words
from db.analytics import CHOICES, COLUMNS, NUMBERS, TEXTS, Filters, Order
from db.types import PredictionStatus
from worker.pricing.filtering import LABELS, NONE, told

ROWS = 200
"""Predictions of a page."""

_HELD = "inside"
_INSIDE = {True: "Inside", False: "Outside"}


def ask(snapshot: Path, job_id: int, *, has_truth: bool) -> tuple[Filters, Order]:
    """What a person wants to see, column by column, and sorted by what."""
    left, middle, right, far = st.columns([2, 2, 1.2, 0.9], gap="medium", vertical_alignment="bottom")
    search = left.text_input("Search", placeholder="Words in title, category, id …", icon=":material/search:")
    usual = COLUMNS.index(Order().column)
    sort = right.selectbox("Sort by", COLUMNS, index=usual, format_func=LABELS.__getitem__, key=f"sort-{job_id}")
    descending = far.toggle("Largest first", key=f"descending-{job_id}")
    offered = [column for column in (*CHOICES, *TEXTS, *NUMBERS) if has_truth or column not in _OF_TRUTH]
    inside = [_HELD] if has_truth else []
    chosen = middle.multiselect(
        "Filter by",
        [*inside, *offered],
        default=["status"],
        placeholder="Choose columns",
        format_func=lambda column: LABELS.get(column, "True price inside the interval"),
        key=f"filter-by-{job_id}",
    )
    filters = _asked(snapshot, job_id, search, chosen)
    return filters, Order(sort, descending)


_OF_TRUTH = ("truth", "error", "off", "off_share")


def _asked(snapshot: Path, job_id: int, search: str, chosen: list[str]) -> Filters:
    """The filters that the inputs of the chosen columns say."""
    contains, among, between = [], [], []
    is_inside: bool | None = None
    places = st.columns(3, gap="medium", vertical_alignment="bottom")
    for number, column in enumerate(chosen):
        key, place = f"filter-{job_id}-{column}", places[number % 3]
        if column == _HELD:
            is_inside = place.segmented_control(
                "True price and interval", list(_INSIDE), format_func=_INSIDE.__getitem__, key=key
            )
        elif column in CHOICES:
            if picked := place.multiselect(
                LABELS[column], _values(snapshot, column), format_func=_value, placeholder="All", key=key
            ):
                among.append((column, tuple(picked)))
        elif column in TEXTS:
            if text := place.text_input(f"{LABELS[column]} contains", key=key).strip():
                contains.append((column, text))
        else:
            low, high = _ends(column, key, place)
            if low is not None or high is not None:
                between.append((column, low, high))
    return Filters(search, tuple(contains), tuple(among), tuple(between), is_inside, _flagged(snapshot))


def _values(snapshot: Path, column: str) -> list[str]:
    return [str(each) for each in PredictionStatus] if column == "status" else results_reads.values(snapshot, column)


def _value(value: str) -> str:
    return words.SPLITS[value][0] if value in words.SPLITS else value or NONE


def _ends(column: str, key: str, place: st.delta_generator.DeltaGenerator) -> tuple[float | None, float | None]:
    """From and to, both included; empty = no end."""
    share = column == "off_share"
    with place:
        left, right = st.columns(2, gap="small", vertical_alignment="bottom")
    about = "0.2 = a fifth of the true price." if share else None
    low = left.number_input(f"{LABELS[column]} from", value=None, format="%g", key=f"{key}-from", help=about)
    high = right.number_input("to", value=None, format="%g", key=f"{key}-to")
    return low, high


def _flagged(snapshot: Path) -> bool:
    """Whether only rows whose text looks hostile are asked for; offered where there are some."""
    count = results_reads.count(snapshot, Filters(flagged=True))
    return bool(count) and st.toggle(
        f"Only the {formats.count(count, 'row')} whose text looks like instructions to the model",
        help="A product's text is data. Where it reads like an order (“ignore the above”), its own price may be off; "
        "no other row is touched by it.",
    )


def page_of(count: int, total: int, key: str) -> int:
    """Says how many there are and lets a person turn the pages; the number of rows before the page that is shown."""
    pages = max(1, -(-count // ROWS))
    with st.container(horizontal=True, vertical_alignment="center"):
        place = st.empty()
        st.space("stretch")
        page = st.pagination(pages, key=f"page-{key}") if pages > 1 else 1
    first = (page - 1) * ROWS
    shown = f", {first + 1:,} to {min(first + ROWS, count):,} shown" if pages > 1 else ""
    sorts = " A click on a column's head sorts the shown ones only." if pages > 1 else ""
    place.caption(
        f"{formats.count(count, 'prediction')} of {total:,}{shown}. Choose a row to see what its price rests on.{sorts}"
    )
    return first


def downloaded(filters: Filters, count: int, total: int, name: str) -> str:
    """What the download holds, with the filters that it honours."""
    phrases = told(filters)
    if not phrases:
        return f"**Download all {total:,} predictions** of {words.plain(name)}"
    kept = words.plain("; ".join(phrases))
    return f"**Download the {count:,} of {total:,} predictions that fit** ({kept}) of {words.plain(name)}"
