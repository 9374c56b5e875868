"""The closer looks at a comparison, of which a reader opens one at a time."""

from collections.abc import Callable

import streamlit as st

from dashboard.parts.tradeoffs import (
    by_date,
    combinations,
    comparison,
    context_curve,
    hand_over,
    intervals,
    refits,
    verdict_check,
)  # fmt: skip
from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.parts.tradeoffs.selection import Selection
from dashboard.shared import comparisons


def show(asked: Selection) -> None:
    """The chosen one; nothing of the others is made."""
    table, error, labels, versions = asked.table, asked.error, asked.labels, asked.versions
    judged = versions, error.key, asked.weighted
    views: dict[str, Callable[[], None]] = {
        "By category": lambda: comparison.slices(tradeoffs_reads.by_category(*judged), labels, error),
        "By price": lambda: comparison.slices(tradeoffs_reads.by_band(*judged), labels, error),
        "Every pair": lambda: comparison.every_pair(tradeoffs_reads.every_pair(*judged), labels, error),
        "Intervals": lambda: intervals.show(versions, labels),
        "Hand over": lambda: hand_over.show(versions, dict(table.select("job_id", "label").iter_rows())),
        "Guesses": lambda: comparison.guesses(versions, labels, table["job_id"]),
        "Worst rows": lambda: comparison.worst(versions, labels, table["job_id"]),
        "Context": lambda: context_curve.show(asked.jobs, asked.column),
        "Certainty": lambda: verdict_check.show(asked.dataset, tuple(table["job_id"]), error, asked.column),
        "Speed": lambda: comparison.speed(table),
    }
    if combined := tradeoffs_reads.combinations(versions):
        views["Combinations"] = lambda: combinations.show(combined, labels)
    if tradeoffs_reads.is_dated(asked.dataset):
        views["By date"] = lambda: _by_date(asked)
    st.subheader("Look closer", anchor=False)
    view = st.segmented_control("View", list(views), default="By category", required=True, label_visibility="collapsed")
    with comparisons.waited_for("view"):
        views[view]()


def _by_date(asked: Selection) -> None:
    by_date.show(asked.versions, asked.labels, asked.error, weighted=asked.weighted)
    refits.of_origins(asked.dataset, asked.chosen)
