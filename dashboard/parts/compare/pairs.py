"""Two runs shown row by row: which two, who is nearer and by how much, and why in a row that is chosen."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.compare import charts as compare_charts
from dashboard.parts.compare import reads as compare_reads
from dashboard.parts.results import evidence, predictions
from dashboard.parts.tradeoffs import charts
from dashboard.shared import formats, pickers, reads, widgets, words
from db.types import Dataset, Job
from worker.pricing import comparison, export

SHOWN = 1_000

_text = st.column_config.TextColumn


def choose(dataset: Dataset, jobs: Sequence[Job], names: dict[int, str]) -> tuple[Job, Job]:
    """Choose two different jobs, at first the newest of those compared; the address (?a=3&b=5) may say which."""
    known = {job.id: job for job in jobs}
    asked = [int(value) for value in (st.query_params.get(name, "") for name in "ab") if value.isdecimal()]
    newest = [*sorted(comparison.taken(dataset, jobs), reverse=True), *known]
    wanted = [job_id for job_id in dict.fromkeys([*asked, *newest]) if job_id in known]
    left, right = st.columns(2, gap="large")
    told = {job_id: names[job_id] for job_id in known}
    first = pickers.one("A", told, first=wanted[0], key=f"pair-a-{max(known)}", place=left)
    others = {job_id: name for job_id, name in told.items() if job_id != first}
    chosen = pickers.one("B", others, first=wanted[1], key=f"pair-b-{max(known)}", place=right)
    st.query_params.update(a=str(first), b=str(chosen))
    return known[first], known[chosen]


def counted(frame: pl.DataFrame) -> str:
    """How often each is nearer, in a sentence."""
    a, b = ((frame["nearer"] == name).sum() for name in "ab")
    return (
        f"A is nearer in {formats.count(int(a), 'row')}, B in {formats.count(int(b), 'row')}, "
        f"{len(frame) - int(a) - int(b):,} are alike. How often is not how much: the sentence above weighs how much."
    )


def learned_elsewhere(both: Sequence[Job]) -> None:
    """What to know of those of the two that learned from another dataset: copies of rows that were learned from make
    one look better than it is."""
    for job in both:
        if job.source_id is not None:
            predictions.unlike(job)


def scatter(frame: pl.DataFrame) -> None:
    widgets.chart(compare_charts.two_errors(frame), "two-errors")
    both = len(frame.drop_nulls(["error_a", "error_b"]))
    drawn = f" An even sample of {formats.count(both, 'row')} is drawn." if both > charts.MOST_POINTS else ""
    st.caption(f"One mark per row; on the line both are equally far off, below it B is nearer.{drawn}")


def table(frame: pl.DataFrame) -> int | None:
    """The rows, largest difference first; returns the row number of the chosen one."""
    shown = frame.head(SHOWN).with_columns(
        pl.col("nearer").replace_strict({"a": "A", "b": "B", "": "alike"}, return_dtype=pl.String)
    )
    prices = [price for name in ("truth", "price_a", "price_b") for price in shown[name]]
    columns: dict[str, Any] = {
        "title": _text("Product", width="large"),
        "category": "Category",
        "truth": widgets.prices("True price", prices),
        "price_a": widgets.prices("A's price", prices, "Its price; empty when none could be read."),
        "price_b": widgets.prices("B's price", prices, "Its price; empty when none could be read."),
        "nearer": "Nearer",
        "by": widgets.prices("By", prices, "How much nearer; empty when only one of them answered."),
    }
    picked = widgets.table(
        shown, column_config=columns, column_order=list(columns), on_select="rerun",
        selection_mode="single-row", key="pairs", height=420,
    )  # fmt: skip
    rest = f" The first {SHOWN:,} of {len(frame):,} are shown." if len(frame) > SHOWN else ""
    st.caption(f"Largest difference first. Choose a row to see what both prices rest on.{rest}")
    rows = picked["selection"]["rows"]
    return int(shown["row"][rows[0]]) if rows and rows[0] < len(shown) else None


def detail(row: int, jobs: Sequence[Job], names: Sequence[str]) -> None:
    """Both evidences of one row, side by side."""
    lines = [compare_reads.one(reads.predictions(job.id, reads.version(job)), row) for job in jobs]
    with st.container(border=True):
        if lines[0]:
            predictions.product(lines[0])
        for place, letter, job, name, line in zip(st.columns(2, gap="large"), "AB", jobs, names, lines, strict=True):
            with place:
                st.markdown(f"**{letter} · {words.plain(name)}**")
                if line:
                    known = evidence.known(line["evidence"])
                    predictions.figures(line, paid=words.is_paid(job))
                    evidence.doubt(known, line["price"], line["truth"], key=letter)
                    evidence.parts(known)


def download(frame: pl.DataFrame, jobs: Sequence[Job]) -> None:
    widgets.downloads(f"job-{jobs[0].id}-beside-job-{jobs[1].id}", lambda: frame, endings=export.SHEETS)
