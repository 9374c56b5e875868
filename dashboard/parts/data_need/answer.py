"""The question how much data a technique needs: its form, its progress and its answer."""

from decimal import Decimal
from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.data_need import charts
from dashboard.parts.data_need import reads as data_need_reads
from dashboard.parts.jobs import cards
from dashboard.shared import formats, forms, reads, widgets, words
from db.job_progress import JobProgress
from db.types import Dataset, Job, JobState, Split, Verb
from worker.data_need import actions as data_need_actions
from worker.evaluation.data_curve import REACH
from worker.evaluation.data_verdict import reach
from worker.finetune import actions
from worker.specs import data_need
from worker.specs.data_need import CHEAP, FINETUNE, WAYS, DataNeedSpec

SECONDS = 2.0  # between two looks at a job
FIRST_ROWS = 400  # offered at first: an answer in minutes


def settings(dataset: Dataset) -> DataNeedSpec:
    """How many rows, measured on how many, which ways and which model. Raises UserError."""
    train = dataset.splits.get(Split.TRAIN, 0)
    most = dataset.splits.get(Split.VALIDATION, 0) // 2
    left, middle, right = st.columns(3)
    rows = left.number_input(
        "Rows to learn from", data_need_actions.FEWEST, train, min(train, FIRST_ROWS), step=100,
        key=f"need-rows-{dataset.id}",
        help=f"The largest part, of {train:,} train rows; the others are a half, a quarter and an eighth of it. More "
        f"rows take longer and say more: nothing is foretold further than {REACH:g} times as far.",
    )  # fmt: skip
    measured = middle.number_input(
        "Rows to measure on", data_need.FEWEST_MEASURED, most, min(most, 100), step=20,
        key=f"need-measured-{dataset.id}",
        help="Of the validation side, the same for every part and way. More of them narrow the intervals.",
    )  # fmt: skip
    with right:
        model = forms.model_choice("need-model", forms.Choices(model=CHEAP.model), "Model to fine-tune")
    others = [way for way in WAYS if way != FINETUNE]
    chosen = st.pills(
        "Compare fine-tuning with", others, selection_mode="multi", default=others, format_func=WAYS.__getitem__,
        key="need-ways", wrap=True,
    )  # fmt: skip
    ways = [way for way in WAYS if way == FINETUNE or way in chosen]
    train_spec = CHEAP.model_copy(update={"model": model}).model_dump()
    return data_need.parse({"rows": rows, "measured": measured, "ways": ways, "train": train_spec})


def start(dataset: Dataset, spec: DataNeedSpec) -> int | None:
    """What the answer takes, roughly, and the button; the job that it started, or that asked the same before."""
    started = None
    if caution := actions.caution(dataset.id, spec.train):
        st.warning(words.plain(caution), icon=":material/warning:")
    planned = data_need_actions.estimate(dataset.id, spec)
    basis = "by what it took before" if planned.is_measured else "a rule of thumb until the first time"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Find out", icon=":material/play_arrow:", type="primary", **widgets.allowed(Verb.START_JOB)):
            started = data_need_actions.start(dataset.id, spec)
        took = f"about {formats.duration(planned.seconds)} and {formats.usd(planned.usd)}"
        st.markdown(words.md(f"{len(spec.ways) * 4} parts, {took} ({basis})."), width="content")
    return started


def show(job: Job) -> None:
    """A job, live while it runs; the page runs anew when it is over."""
    widgets.fragment(_show, run_every=SECONDS if job.state is JobState.RUNNING else None)(job, job.state)


def _show(job: Job, was: JobState) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job.id])[job.id]
        if progress.state is not was:
            st.rerun()
        report = data_need_reads.report(job.id)
        points = data_need_reads.points(job)
        if report is None:
            _head(job, progress, len(points))
            if len(points):
                widgets.chart(charts.errors(points), "data-need", key=f"need-chart-{job.id}")
                st.caption("Each point is one way that learned from one part; smaller parts come first.")
            return
        _answer(job, report, points)


def _head(job: Job, progress: JobProgress, done: int) -> None:
    """How far the job is and what can be done with it."""
    parts = 4 * len(job.spec["data_need"]["ways"])
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{words.plain(words.job_name(job))}**", width="content")
            widgets.badge(job.state)
            st.space("stretch")
            for label, icon, verb in cards.verbs(job, progress):
                may = widgets.allowed(widgets.JOB_VERBS[label], job)
                if st.button(label, icon=icon, key=f"need-{label.lower()}-{job.id}", **may):
                    verb(job.id)
                    st.rerun()
        if not job.state.is_final:
            st.progress(done / parts, text=f"{done} of {parts} parts learned and measured")
        if progress.error:
            st.error(words.plain(progress.error), icon=":material/error:")
        if job.state is JobState.RUNNING:
            widgets.worker_warning()


def _answer(job: Job, report: dict[str, Any], points: pl.DataFrame) -> None:
    st.subheader("Would more rows pay?", anchor=False)
    for met in report["crossings"]:
        st.markdown(words.md(f"- {met['sentence']}"))
    if not report["crossings"]:
        st.markdown("There is nothing to compare with: only fine-tuning was asked about.")
    is_beyond = report["there"] > REACH * report["rows"]
    there = None if is_beyond else report["there"]  # what is not foretold is not drawn
    drawn = charts.errors(points, data_need_reads.curves(report), there)
    column = report.get("weighted_by", "")  # a report of an earlier version has none
    said = f" Errors are weighted by {words.plain(column)}." if column else ""
    widgets.chart(drawn, "data-need", key=f"need-chart-{job.id}")
    st.caption(
        f"Lines are power laws through the measured points, bands hold 80 % of what the lines might be. Hollow points "
        f"are the largest part ({report['rows']:,} rows). Beyond it everything is a forecast, up to "
        f"{reach(report['rows'], report['there'])} and no further, and curves of real models flatten sooner or later. "
        "Measured on validation rows that nothing learned from or chose by; the test side stays unseen."
        f"{said}"
    )
    if is_beyond:
        st.info(
            f"Your {report['there']:,} rows are further than that: ask with more of them to see them on the curve.",
            icon=":material/straighten:",
        )
    st.caption(words.plain(data_need.parse(job.spec["data_need"]).meaning))
    _costs(job, report)
    _trust(report)


def _costs(job: Job, report: dict[str, Any]) -> None:
    st.subheader("What would it cost to get there?", anchor=False)
    left, _ = st.columns([1, 2])
    label = left.number_input(
        "What one more price costs you ($)", min_value=0.0, value=None, step=0.05, placeholder="unknown",
        key="need-label", help="Research or a person's time for one more product with a known price.",
    )  # fmt: skip
    targets = {
        f"where it passes {WAYS[met['over']]}": met["rows"] for met in report["crossings"] if not met["is_ahead"]
    }
    targets = {name: rows for name, rows in targets.items() if rows is not None}
    twice, most = 2 * report["there"], REACH * report["rows"]
    targets |= ({"2 × your data": twice} if twice < most else {}) | {_furthest(report): most}
    labels = None if label is None else Decimal(str(label))
    lines = []
    for name, rows in targets.items():
        training = data_need_actions.cost(job, report, rows, Decimal(0))
        whole = None if labels is None else data_need_actions.cost(job, report, rows, labels)
        missing = max(0, round(rows) - report["there"])
        known = formats.usd(whole) if whole is not None else formats.UNKNOWN if missing else formats.usd(training)
        lines.append(
            {
                "Up to": name,
                "Rows": f"{rows:,.0f}",
                "To label": f"{missing:,}",
                "Training": formats.usd(training),
                "In all": known,
            }
        )
    widgets.table(pl.DataFrame(lines))


def _furthest(report: dict[str, Any]) -> str:
    return f"{REACH:g} × your data" if report["rows"] >= report["there"] else f"{REACH:g} × the rows measured"


def _trust(report: dict[str, Any]) -> None:
    st.subheader("How far to trust this", anchor=False)
    st.markdown(
        "The largest part was foretold from the three smaller ones, before it was looked at. That tests a doubling of "
        "the rows; how well the curves hold further on was not tested."
    )
    lines = [
        {
            "Way": report["ways"][each["way"]]["label"],
            "Foretold": formats.price(each["told"]),
            "80 % interval": f"{formats.price(each['low'])} to {formats.price(each['high'])}",
            "It was": formats.price(each["was"]),
            "Forecast off by": f"{each['off']:+.0%}",
            "Inside": "yes" if each["held"] else "no",
        }
        for each in report["forecasts"]
    ]
    widgets.table(pl.DataFrame(lines))
    missed = [line["Way"] for line in lines if line["Inside"] == "no"]
    if missed:
        st.warning(
            f"{formats.listed(missed)} did not do as foretold: take what is said about it with care, or ask again with "
            "more rows to measure on.",
            icon=":material/rule:",
        )
