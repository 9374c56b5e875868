"""How are single predictions shown: searched, in a table, and one of them with what it rests on?"""

import json
from typing import Any

import polars as pl
import streamlit as st

from dashboard import reads, words
from db.types import Job, PredictionStatus

SHOWN = 1_000


def version(job: Job) -> reads.Version:
    """While a job runs its predictions grow: they count as changed with every finished part."""
    return reads.version(job) if job.state.is_final else f"{job.state} {reads.progress([job.id])[job.id].chunks_done}"


_NUMBER = st.column_config.NumberColumn
_COLUMNS: dict[str, Any] = {
    "external_id": "Your id",
    "title": st.column_config.TextColumn("Product", width="large"),
    "category": "Category",
    "brand": "Brand",
    "price": _NUMBER("Price", format="dollar", help="What the technique says; empty when nothing could be read."),
    "low": _NUMBER("90 % from", format="dollar", help="The technique's own 90 % interval, as it comes."),
    "high": _NUMBER("to", format="dollar"),
    "truth": _NUMBER("True price", format="dollar", help="What the file says."),
    "error": _NUMBER("Off by", format="dollar", help="Price minus true price."),
    "status": st.column_config.TextColumn("Status", help="unparsed = the model answered, but not with a price."),
    "split": "Side",
    "seconds": _NUMBER("Seconds", format="%.4f"),
}


def table(frame: pl.DataFrame, *, has_truth: bool) -> dict[str, Any] | None:
    """The lines; returns the one that is chosen."""
    truth = ["truth", "error"] if has_truth else []
    optional = [name for name in ("external_id", "category", "brand") if (frame[name] != "").any()]
    wide = ["low", "high"] if frame["low"].is_not_null().any() else []
    order = [*optional[:1], "title", "price", *wide, *truth, *optional[1:], "status", "split", "seconds"]
    picked = st.dataframe(
        frame.select(order),
        hide_index=True,
        column_config=_COLUMNS,
        on_select="rerun",
        selection_mode="single-row",
        key="predictions",
        height=420,
    )
    rows = picked["selection"]["rows"]
    return frame.row(rows[0], named=True) if rows and rows[0] < len(frame) else None


def detail(row: dict[str, Any]) -> None:
    """One prediction: the product's text, the figures, the evidence."""
    with st.container(border=True):
        st.markdown(f"#### {words.plain(row['title'])}")
        left, right = st.columns(2, gap="large")
        with left:
            st.caption(
                " · ".join(words.plain(part) for part in (row["category"], row["brand"], f"row {row['row']}") if part)
            )
            st.text(row["description"] or "No description.")
        with right:
            figures = [("Price", words.usd(row["price"])), ("True price", words.usd(row["truth"]))]
            for place, (label, value) in zip(st.columns(2), figures, strict=True):
                place.metric(label, value)
            tokens = f" · {row['tokens_in']:,} tokens in, {row['tokens_out']:,} out" if row["tokens_in"] else ""
            st.caption(words.md(f"{words.usd(row['usd'])} · {words.duration(row['seconds'])}{tokens}"))
            if row["status"] != str(PredictionStatus.OK):
                st.warning("No price could be read from the answer; it counts as unparsed, never as 0.")
            evidence(row["evidence"])


def evidence(text: str | None) -> None:
    """What the technique says its price rests on: a table where it is a list, else names and values."""
    known = json.loads(text) if text else None
    if not known:
        st.caption("This technique keeps no evidence per item.")
        return
    lists = {"": known} if isinstance(known, list) else {k: v for k, v in known.items() if isinstance(v, list)}
    plain = {} if isinstance(known, list) else {k: v for k, v in known.items() if not isinstance(v, list)}
    if plain:
        st.dataframe({"What": list(plain), "Value": [str(value) for value in plain.values()]}, hide_index=True)
    for name, lines in lists.items():
        if name:
            st.caption(name.replace("_", " ").capitalize())
        if lines:
            st.dataframe(
                lines if isinstance(lines[0], dict) else {"value": [str(each) for each in lines]}, hide_index=True
            )
