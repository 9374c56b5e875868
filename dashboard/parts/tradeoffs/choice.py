"""Three limits on the page, of error, cost and time, and the technique that each of them chooses."""

from collections.abc import Mapping

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import reads as tradeoffs_reads
from dashboard.shared import words
from dashboard.shared.reads import Version
from worker import amounts
from worker.evaluation import choice
from worker.evaluation.choice import Limits
from worker.evaluation.measures import Measure

Marks = dict[int, str]
"""Job id -> what it was chosen as: "cheapest, fastest"."""


def show(
    table: pl.DataFrame,
    versions: dict[int, Version],
    names: Mapping[int, str],
    error: Measure,
    limits: Limits,
    *,
    weighted: bool,
) -> Marks:
    """A sentence for each limit that is set; which jobs they choose. names: in Markdown."""
    found = tradeoffs_reads.choices(versions, error.key, limits, weighted)
    marks: Marks = {}
    for each in found:
        bold = {job: f"**{name}**" for job, name in names.items()}
        said = choice.sentence(each, table, limits, bold, by=error.key)
        icon = ":material/check_circle:" if each.job_id is not None else ":material/block:"
        st.markdown(f"{icon} {words.md(said)}")
        if each.job_id is not None:
            marks[each.job_id] = ", ".join(filter(None, (marks.get(each.job_id), each.question)))
    return marks


def ask(error: Measure) -> Limits:
    """Fields for the limits."""
    percent = error.unit == "share"
    unit = {"price": amounts.money().currency.unit, "share": "%", "log": ""}[error.unit]
    name = f"{error.short} in {unit}" if unit else error.short
    asked = "≤" if error.lower_is_better else "≥"
    left, middle, right = st.columns(3)
    bound = left.number_input(
        f"Cheapest with {name.lower() if unit else name} {asked}", min_value=0.0, value=None, key=f"limit-{error.key}",
        placeholder="no limit", help="The one that costs least per item among those that are near enough.",
    )  # fmt: skip
    usd = middle.number_input(
        "Best under $ per 1,000 items", min_value=0.0, value=None, key="limit-usd", placeholder="no limit",
        format="%.6g", help="The most accurate one among those that are affordable; without the fixed cost.",
    )  # fmt: skip
    ms = right.number_input(
        "Fastest under ms per item", min_value=0.0, value=None, key="limit-ms", placeholder="no limit",
        help="Working time that half of the items stay below. Several limits hold together, for every choice.",
    )  # fmt: skip
    return Limits(None if bound is None else bound / 100 if percent else bound, usd, ms)
