"""All batches: broken promises first, then by month, then one by one, and the choice of one."""

from collections.abc import Sequence

import streamlit as st

from dashboard.parts.batches import charts
from dashboard.parts.batches import reads as batch_reads
from dashboard.shared import formats, pickers, widgets, words
from db.types import BatchState, PricerBatch
from worker import amounts
from worker.batches import months, truth

_CHOSEN, _ADDRESS = "batch-chosen", "batch"

STATES: dict[str, str] = {
    BatchState.WAITING: "waiting",
    BatchState.PRICING: "being priced",
    BatchState.PRICED: "priced",
    BatchState.ASIDE: "aside",
}
"""State -> what to call it."""

_SHARE = st.column_config.NumberColumn
_MONTHS = {
    "Rows": st.column_config.NumberColumn(format="localized"),
    "For a person": _SHARE(format="percent", help="Share of the rows whose price is not to be used as it is."),
    "Unlike": _SHARE(
        format="percent",
        help="Drift: share of the rows that are unlike what was learned from, by their words; about one in a "
        "hundred of those that are like it is among them.",
    ),
    "Promised": st.column_config.TextColumn(help="Mean error of batches whose real prices came, as it was promised."),
    "Real": st.column_config.TextColumn(help="Mean error of the same batches against their real prices."),
    "Aside": st.column_config.NumberColumn(help="Files that could not be priced."),
}


def alarms(every: Sequence[PricerBatch]) -> None:
    """What broke surely, with the batch in which it did."""
    for batch in every:
        came = truth.parse(batch.truth)
        for sentence in truth.alarms(came) if came else ():
            said = f"Batch {batch.id}, {batch.file_name}: {sentence} What to do stands below its figures."
            st.error(words.plain(said), icon=":material/notification_important:")


def by_month(every: Sequence[PricerBatch]) -> None:
    """A line per month, newest first; and how promises held."""
    st.subheader("By month", anchor=False)
    lines = [
        {
            "Month": f"{each.first:%Y-%m}",
            "Batches": each.batches,
            "Rows": each.rows,
            "Cost": formats.known_usd(each.usd),
            "For a person": each.flagged,
            "Unlike": each.drift,
            "Promised": each.promised or formats.NOTHING,
            "Real": each.real or formats.NOTHING,
            "Aside": each.aside,
            "Under way": each.under_way,
        }
        for each in months.of(every)
    ]
    widgets.table(lines, column_config=_MONTHS)
    points = batch_reads.points(every)
    for money, of_one in points.items():
        with amounts.written_in(money):
            widgets.chart(charts.promises(of_one), f"promises {money.currency.code}".rstrip())
    if alone := truth.alone(every):
        st.caption(alone)


def table(every: Sequence[PricerBatch]) -> None:
    """A line per batch, newest first."""
    st.subheader("Files", anchor=False)
    lines = [
        {
            "Batch": each.id,
            "File": each.file_name,
            "Pricer": each.pricer_name,
            "State": STATES[each.state],
            "Rows": each.rows,
            "Unreadable": each.rejects,
            "For a person": each.flagged,
            "Unlike": each.unlike,
            "Cost": formats.known_usd(each.usd) if each.state is BatchState.PRICED else formats.NOTHING,
            "Came": each.created_at,
            "Where, or why not": each.error or each.target or "brought by hand",
        }
        for each in every
    ]
    columns = {
        "Where, or why not": st.column_config.TextColumn(width="large"),
        "Came": st.column_config.DatetimeColumn("Came (UTC)", format="YYYY-MM-DD HH:mm"),
    }
    widgets.table(lines, column_config=columns, height=min(420, 36 * len(lines) + 40))


def choose(every: Sequence[PricerBatch]) -> PricerBatch:
    """One of the batches; that in the address (?batch=), else the newest."""
    known = {batch.id: batch for batch in every}
    wanted = st.query_params.get(_ADDRESS, "")
    first = int(wanted) if wanted.isdecimal() and int(wanted) in known else every[0].id
    names = {batch.id: f"{batch.id}: {batch.file_name}" for batch in every}
    chosen = pickers.one("Batch", names, key=_CHOSEN, first=first)
    st.query_params[_ADDRESS] = str(chosen)
    return known[chosen]
