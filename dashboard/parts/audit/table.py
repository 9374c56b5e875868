"""What people did: the filters, the table of acts and the file to take away."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.audit import reads as audit_reads
from dashboard.shared import formats, widgets, words
from db.types import RULES, Verb
from worker.pricing import export

SHOWN = 500
PRODUCT = "Pricewright"
"""Who acted where no person did."""


def filters() -> dict[str, Any]:
    """Whose acts, which, on what and when, as a person chooses; of `reads.rows`."""
    who, what, which, first, last = st.columns([1.2, 1.4, 1, 1, 1])
    person = who.selectbox(
        "Who", audit_reads.people(), None, format_func=lambda name: words.plain(name or PRODUCT), placeholder="anybody"
    )
    verb = what.selectbox("Did", list(Verb), None, format_func=lambda verb: RULES[verb].does, placeholder="anything")
    thing = which.text_input("Number or name", placeholder="of the thing").strip()
    since = first.date_input("From", None, key="audit-from")
    until = last.date_input("Until", None, key="audit-until")
    return {
        "person": person,
        "verb": verb,
        "thing": thing or None,
        "since": _midnight(since),
        "until": _midnight(until, days=1),
    }


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days=days), time(), UTC)


def show(chosen: dict[str, Any]) -> None:
    """The newest acts, and the button that takes all of them away."""
    acts = audit_reads.rows(**chosen, most=SHOWN + 1)
    if acts.is_empty():
        st.info("Nobody did such a thing yet.", icon=":material/search_off:")
        return
    shown = acts.head(SHOWN).select(
        pl.col("at").alias("When (UTC)"),
        pl.col("person").replace("", PRODUCT).alias("Who"),
        pl.col("verb").replace_strict({str(verb): rule.does for verb, rule in RULES.items()}, default=pl.col("verb"))
        .alias("Did"),
        pl.concat_str("kind", "thing", separator=" ").str.strip_chars().alias("To"),
        pl.col("name").alias("Called"),
        pl.col("details").alias("With"),
        pl.col("usd").alias("usd"),
        pl.concat_str("place", "address", separator=" ").str.strip_chars().alias("From"),
    )  # fmt: skip
    columns = {
        "When (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
        "usd": widgets.dollars("Money ($)", acts["usd"], "The cap that was allowed; empty where none was."),
    }
    widgets.table(shown, column_config=columns)
    if len(acts) > SHOWN:
        st.caption(f"The newest {formats.count(SHOWN, 'act')}; the file has all of them.")
    form = export.FORMATS[".csv"]
    st.download_button(
        form.label, lambda: form.bytes_of(audit_reads.rows(**chosen, most=None)), file_name="pricewright-audit.csv",
        mime=form.mime, icon=":material/download:", on_click="ignore", key="download-audit",
    )  # fmt: skip
