"""Single predictions: searched, in a table, and one of them with what it rests on."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.results import evidence
from dashboard.parts.results import reads as results_reads
from dashboard.shared import formats, reads, widgets, words
from db.types import Dataset, Family, Job, JobState, PredictionStatus
from worker.evaluation.conformal import COVERAGE, WHY_NONE
from worker.pricing import comparison
from worker.pricing.priced_file import actions as priced_file


def version(job: Job) -> reads.Version:
    """The version of a job's predictions. Until it is done they grow, also while its last parts end after another one
    failed: they count as changed with every finished part."""
    if job.state is JobState.DONE:
        return reads.version(job)
    return f"{reads.version(job)} {reads.progress([job.id])[job.id].chunks_done}"


def added(job: Job) -> None:
    """What a model that reads neighbours added to their prices: the same retrieval without it, on the same rows."""
    if words.family(job.technique) == Family.RAG and job.state.is_final:
        found = results_reads.added(job.id, version(job))
        if found:
            st.info(words.md(words.plain(found.verdict)), icon=":material/gavel:")


def unlike(job: Job) -> None:
    """Warns of rows that are unlike those that the job's intervals were learned on; says how a promise was kept."""
    if job.state is not JobState.DONE:
        return
    for sentence in comparison.unlike([job.id]):
        st.warning(words.plain(sentence), icon=":material/warning:")
    for sentence in comparison.promises([job.id]):
        st.info(words.plain(sentence), icon=":material/handshake:")


def as_uploaded(dataset: Dataset, job: Job, wish: float | None = None, within: float | None = None) -> None:
    """A button for the dataset's own file with the job's prices, where that file is kept; with a wish, rows that the
    wish hands over are flagged. The file is made when the button is pressed."""
    if not priced_file.is_kept(dataset):
        return
    st.download_button(
        "Your file with prices" if wish is None else f"Your file, flagged at {wish:.0%}",
        lambda: priced_file.bytes_of(job, dataset, hit_rate=wish, within=within),
        file_name=priced_file.name_of(dataset),
        icon=":material/table_view:",
        on_click="ignore",
        key=f"download-as-uploaded-{job.id}-{wish}",
        help=words.plain(
            f"{dataset.file_name} as you uploaded it, every line and column; added are price, low, high, a flag (ok, "
            "for a person, not priced) and the reason for it."
        ),
    )


_NUMBER = st.column_config.NumberColumn
_COLUMNS: dict[str, Any] = {
    "external_id": "Your id",
    "title": st.column_config.TextColumn("Product", width="large"),
    "category": "Category",
    "brand": "Brand",
    "status": st.column_config.TextColumn("Status", help="unparsed = the model answered, but not with a price."),
    "split": "Side",
    "seconds": _NUMBER("Seconds", format="%.4f"),
    "tokens_in": _NUMBER("Tokens in", format="localized"),
    "tokens_out": _NUMBER("Out", format="localized"),
    "usd": _NUMBER("Paid ($)", format="%.6f", help="Empty = paid, but the price is unknown."),
    "saved_usd": _NUMBER("Saved ($)", format="%.6f", help="What answers that were there already would have cost."),
}


_DOLLARS: dict[str, tuple[str, str | None]] = {
    "price": ("Price", "What the technique says; empty when nothing could be read."),
    "low": (
        f"{COVERAGE:.0%} from",
        "Nine true prices in ten lie in such intervals, as validation rows showed.",
    ),
    "high": ("to", None),
    "truth": ("True price", "What the file says."),
    "error": ("Off by", "Price minus true price."),
}
"""Column -> label and help; all have the digits that the prices need."""


def table(frame: pl.DataFrame, *, has_truth: bool, key: str) -> dict[str, Any] | None:
    """The lines; returns the one that is chosen. `key` names what is shown: of other lines none is chosen yet."""
    truth = ["truth", "error"] if has_truth else []
    optional = [name for name in ("external_id", "category", "brand") if (frame[name] != "").any()]
    wide = ["low", "high"] if frame["low"].is_not_null().any() else []
    if not wide and frame["price"].is_not_null().any():
        st.caption(f":material/info: Prices without intervals: {WHY_NONE}")
    money = ["tokens_in", "tokens_out", "usd", "saved_usd"] if (frame["tokens_in"] > 0).any() else []
    order = [*optional[:1], "title", "price", *wide, *truth, *optional[1:], "status", "split", *money, "seconds"]
    prices, dollars = [*frame["price"], *frame["truth"]], _DOLLARS.items()
    picked = widgets.table(
        frame.select(order),
        column_config=_COLUMNS | {name: widgets.prices(label, prices, about) for name, (label, about) in dollars},
        on_select="rerun",
        selection_mode="single-row",
        key=f"predictions-{key}",
        height=420,
    )
    rows = picked["selection"]["rows"]
    return frame.row(rows[0], named=True) if rows and rows[0] < len(frame) else None


def detail(row: dict[str, Any], *, paid: bool = False) -> None:
    """One prediction: the product's text, the figures, the evidence. `paid`: an endpoint charges for it."""
    with st.container(border=True):
        known = evidence.known(row["evidence"])
        left, right = st.columns(2, gap="large")
        with left:
            product(row)
            figures(row, paid=paid)
        with right:
            evidence.doubt(known, row["price"], row["truth"])
        evidence.parts(known)


def product(row: dict[str, Any]) -> None:
    st.markdown(f"#### {words.plain(row['title'])}")
    st.caption(" · ".join(words.plain(part) for part in (row["category"], row["brand"], f"row {row['row']}") if part))
    st.text(row["description"] or "No description.")


def figures(row: dict[str, Any], *, paid: bool = False) -> None:
    """Prices, and what this one took."""
    off = abs(row["price"] - row["truth"]) if row["price"] is not None and row["truth"] is not None else None
    shown = [("Price", row["price"]), ("True price", row["truth"]), ("Off by", off)]
    for place, (label, value) in zip(st.columns(3), shown, strict=True):
        place.metric(label, formats.price(value))
    if row.get("low") is not None:
        st.markdown(words.md(f"**{formats.price(row['low'])}–{formats.price(row['high'])}** ({COVERAGE:.0%})"))
    st.caption(words.md(" · ".join(cost(row, paid=paid))))
    if row["status"] == str(PredictionStatus.UNPARSED):
        st.warning("No price could be read from the answer; it counts as unparsed, never as 0.")


def cost(row: dict[str, Any], *, paid: bool) -> list[str]:
    """Money, time and tokens of one prediction."""
    tokens_in, cached = row.get("tokens_in") or 0, row.get("tokens_cached") or 0
    took = [formats.money(row["usd"], row.get("saved_usd")) if paid else f"{formats.usd(row['usd'])} of machine time"]
    took.append(formats.duration(row["seconds"]))
    if tokens_in:
        took.append(f"{tokens_in:,} tokens in{f' ({cached:,} at the cached tariff)' if cached else ''}")
        took.append(f"{row['tokens_out']:,} out")
    return took
