"""The context curves among the compared jobs: error and cost against prompt tokens."""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from dashboard.parts.tradeoffs import context_charts
from dashboard.shared import formats, navigation, pickers, reads, widgets, words
from db.types import Job
from worker.evaluation import context_curve
from worker.evaluation.measures import USUAL
from worker.pricing import comparison


def show(jobs: Sequence[Job], column: str) -> None:
    """One curve, chosen where there are several. Measured on its own rows, which are the same for each of its jobs.
    column: whose weights errors are weighted by, "" = none."""
    curves = comparison.curves(jobs)
    if not curves:
        navigation.next_step(
            "No context curve was measured yet.", navigation.RUN, "Measure one", ":material/show_chart:",
            about="On the Run page: prices a sample with 0, 1, 3, 5, 10 and 20 examples or neighbours.",
        )  # fmt: skip
        return
    known = {job.id: job for job in jobs}
    first = {max(curve): curve for curve in curves}
    names = {job_id: _name(known[job_id], curve) for job_id, curve in first.items()}
    made = {job_id: known[job_id].created_at for job_id in first}
    chosen = pickers.one("Curve", names, made=made, key=f"curve-{min(first)}")
    ks = first[chosen]
    versions = {job_id: reads.version(known[job_id]) for job_id in ks}
    table = reads.comparison(versions, USUAL, weighted=bool(column))
    what = comparison.counted(known[chosen].technique)
    lines = context_curve.curve(table, ks, dict(table.select("job_id", "tokens_in").iter_rows()))
    said = context_curve.sentence(lines, what) + comparison.weighed(words.plain(column), USUAL)
    st.info(words.md(said), icon=":material/gavel:")
    widgets.chart(context_charts.context_error(lines, what), "context-error")
    widgets.chart(context_charts.context_cost(lines, what), "context-cost")
    unknown = lines.filter(pl.col("usd_per_1000").is_null() | pl.col("usd_per_1000").is_nan())
    if len(unknown):
        st.caption("What is missing below has an unknown cost: nobody told the price of its model's tokens.")
    n = formats.count(int(table["n"][0]), "test row")
    st.caption(
        f"The number beside a point is that of {what}; bars are {formats.level(table['level'][0])} bootstrap intervals "
        f"on {n}. The ring is the shortest prompt whose error is not shown to be worse than the best."
    )


def _name(job: Job, ks: dict[int, int]) -> str:
    model = words.model_name(str(job.spec.get("model", "")))
    rows = formats.count(job.items_total, "row")
    return f"{words.technique(job.technique)} · {model} · k = {', '.join(map(str, sorted(ks.values())))} · {rows}"
