"""Ensembles and cascades among the compared jobs: what each member is worth, and what other budgets would buy."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from dashboard.shared import formats, pickers, widgets, words
from worker import amounts
from worker.evaluation.measures import USUAL, Measure

Told = dict[str, Any]


def show(told: Mapping[int, Told], labels: dict[int, str]) -> None:
    """One of them, chosen where there are several. All figures are of validation rows."""
    chosen = pickers.one("Combination", {job_id: labels[job_id] for job_id in told}, key=f"combination-{min(told)}")
    {"ensemble": _ensemble, "cascade": _cascade}[told[chosen]["kind"]](told[chosen])


def explain(told: Mapping[int, Told], error: Measure) -> None:
    """What the line and the band on the chart are, where there are some."""
    if error.key == USUAL and any(each.get("curve") for each in told.values()):
        st.caption(
            "The line through the band is what other budgets of a cascade would buy, with 95 % intervals: measured on "
            "validation rows, so it need not meet the marks, which are of test rows."
        )


def _ensemble(told: Told) -> None:
    rows = formats.count(told["rows"], "validation row")
    if told["mae"] is None:
        st.info(
            f"Only {rows} were answered by all members: too few to learn weights, so all weigh the same.",
            icon=":material/info:",
        )
    else:
        st.caption(
            f"On {rows} that no member learned from, each judged by weights learned on the others: mean error "
            f"{words.md(formats.price(told['mae']))}. Intervals are 95 %, all members held at once; a member whose "
            "interval holds 0 is not shown to be worth its cost."
        )
    frame = _members(told).with_columns(
        between=pl.struct("worse_low", "worse_high").map_elements(_between, return_dtype=pl.String)
    )
    column = st.column_config.NumberColumn
    _table(
        frame.select("technique", "weight", "mae", "worse_without", "between", "usd_per_1000"),
        {
            "weight": column("Weight", format="%.2f", help="Of its log price. 0 = it is not asked and costs nothing."),
            "worse_without": column(
                f"Worse without it{amounts.unit()}",
                format="%+.2f",
                help="How much the mean error would rise without this member.",
            ),
            "between": st.column_config.TextColumn("95 % interval"),
        },
    )


def _cascade(told: Told) -> None:
    chain = " → ".join(told["order"])
    rows = formats.count(told["rows"], "validation row")
    if told["mae"] is None:
        st.info(f"Only {rows}: too few to choose limits, so the first member answers what it can.")
    else:
        cost = formats.known_usd(told["usd_per_1000"])
        st.caption(
            words.md(
                f"Asked in this order: {words.plain(chain)}. On {rows} that chose neither the order nor the limits: "
                f"mean error {formats.price(told['mae'])} for {cost} per 1,000 items."
            )
        )
    if told["note"]:
        st.warning(words.plain(told["note"]), icon=":material/warning:")
    answers = st.column_config.NumberColumn("Answers", format="%.0f %%", help="Share of the rows that it answers.")
    frame = _members(told).with_columns(pl.col("answers") * 100)
    _table(frame.select("technique", "answers", "mae", "usd_per_1000"), {"answers": answers})


def _members(told: Told) -> pl.DataFrame:
    return pl.DataFrame(told["members"], infer_schema_length=None).with_columns(
        pl.exclude("technique").cast(pl.Float64)
    )


def _table(frame: pl.DataFrame, columns: dict[str, Any]) -> None:
    widgets.table(
        frame.with_columns(
            pl.col("usd_per_1000").map_elements(formats.known_usd, return_dtype=pl.String, skip_nulls=False)
        ),
        column_config={
            "technique": st.column_config.TextColumn("Member", pinned=True),
            "mae": widgets.prices("Mean error alone", frame["mae"], "On the same validation rows."),
            "usd_per_1000": st.column_config.TextColumn("Per 1,000 items", help="What asking it alone costs."),
            **columns,
        },
    )


def _between(ends: Mapping[str, float | None]) -> str:
    low, high = ends["worse_low"], ends["worse_high"]
    return "too few rows" if low is None or high is None else f"{low:+.2f} to {high:+.2f}"
