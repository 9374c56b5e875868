"""The parts of the Knowledge page: figures, search, schedule, freshness."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.parts.knowledge import charts
from dashboard.parts.knowledge import reads as knowledge_reads
from dashboard.parts.knowledge.reads import Overview
from dashboard.shared import formats, navigation, pickers, reads, widgets, words
from db.types import Dataset, Job, JobState, Verb
from worker import specs
from worker.datasets import dependents
from worker.jobs import actions
from worker.knowledge import actions as knowledge_actions
from worker.pricing import comparison

SECONDS = 0.5  # between two looks at a search or a job

_FOUND: dict[str, Any] = {
    "similarity": st.column_config.ProgressColumn(
        "Similarity", min_value=0, max_value=1, format="%.2f", help="Cosine of the two texts' vectors: 1 = the same."
    ),
    "title": st.column_config.TextColumn("Product", width="large"),
    "price": "Price",  # its format depends on the prices found
    "category": "Category",
    "brand": "Brand",
    "age_days": st.column_config.NumberColumn("Days old", format="%.0f", help="Of the price."),
    "neighbour": "Id",
}


def build(dataset: Dataset, work: str) -> None:
    """What it takes to bring the base up to date, and the button that does it."""
    planned = knowledge_reads.estimate(dataset.id)
    basis = "measured here" if planned.is_measured else "a rule of thumb until the first run"
    with st.container(horizontal=True, vertical_alignment="center"):
        may = widgets.allowed(Verb.START_JOB)
        if st.button(work, icon=":material/sync:", type="primary" if planned.items else "secondary", **may):
            knowledge_actions.refresh(dataset.id)
            st.rerun()
        if planned.items:
            took = f"{formats.duration(planned.seconds)} and {formats.usd(planned.usd)}"
            st.markdown(
                words.md(
                    f"{formats.count(planned.items, 'item')} can't be found yet: making them searchable takes about "
                    f"{took} ({basis})."
                ),
                width="content",
            )
        else:
            st.markdown("Every item can be found as it is now; a refresh costs next to nothing.", width="content")


def delete(dataset: Dataset) -> None:
    """The button that deletes the base, which asks once more and tells what goes with it; or why it can't be."""
    if why := knowledge_actions.needed(dataset.id):
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(words.plain(why))
        return
    depends = " ".join(dependents.told(knowledge_actions.depending(dataset.id)))
    question = (
        f"Delete the knowledge base of **{words.plain(dataset.name)}**? {words.plain(depends)} Prices that rest on it "
        "stay. This can't be undone."
    )
    may = widgets.allowed(Verb.DELETE_KNOWLEDGE, dataset)
    if widgets.is_sure("Delete", question, key=f"delete-knowledge-{dataset.id}", may=may):
        knowledge_actions.delete(dataset.id)
        st.rerun()


def watch(job: Job) -> None:
    """Live progress of an index job; the page runs anew when it is over."""
    widgets.fragment(_work, run_every=SECONDS)(job.id)


def _work(job_id: int) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job_id])[job_id]
        if progress.state.is_final:
            st.rerun()
        with st.container(border=True):
            share = progress.items_done / progress.items_total if progress.items_total else 0.0
            rows = f"{progress.items_done:,} of {formats.count(progress.items_total, 'item')} made searchable"
            left = f", about {formats.duration(progress.eta_seconds)} left" if progress.eta_seconds else ""
            paused = progress.state is JobState.PAUSED
            text = f"Paused: {rows}" if paused else f"{rows}{left}" if progress.items_total else "Looking for changes …"
            st.progress(min(1.0, share), text=text)
            with st.container(horizontal=True):
                may = widgets.allowed(Verb.RESUME_JOB, progress)
                if paused and st.button("Resume", icon=":material/play_arrow:", key=f"index-resume-{job_id}", **may):
                    actions.resume(job_id)
                    st.rerun()
                may = widgets.allowed(Verb.CANCEL_JOB, progress)
                if st.button("Cancel", icon=":material/cancel:", key=f"index-cancel-{job_id}", **may):
                    actions.cancel(job_id)
                    st.rerun()
            widgets.worker_warning()


def figures(summary: Overview) -> None:
    """How large, complete and fresh the base is."""
    fresh = summary.fresh
    covered = summary.train_searchable / summary.train_items if summary.train_items else 0.0
    days = fresh.median_age_days
    age = formats.NOTHING if days is None else "under a day" if days < 1 else formats.count(round(days), "day")
    lag = formats.duration(fresh.lag_seconds)
    shown = [
        ("Items", f"{fresh.items:,}", "Priced items that can be found or wait to be made searchable."),
        (
            "Coverage",
            f"{covered:.0%}",
            f"{summary.train_searchable:,} of {summary.train_items:,} train items can be found.",
        ),
        ("Stale", f"{fresh.stale_share:.1%}", "Changed since they were made searchable, or not made so yet."),
        ("Lag", lag, "Median time from a change to the moment at which a search finds it."),
        ("Age of prices", age, "Half of the prices are older. Uploads without dates count from the day they came."),
        ("Size", formats.size(summary.bytes), "Texts and vectors on disk."),
    ]
    for place, (label, value, about) in zip(st.columns(len(shown)), shown, strict=True):
        place.metric(label, value, help=about, border=True)
    parts = [f"{number:,} {_SOURCES[source]}" for source, number in summary.sources.items()]
    facts = [f"Model {summary.base.signature}", f"refreshed {formats.ago(summary.base.refreshed_at)}", *parts]
    if fresh.worst_lag_seconds is not None:
        facts.append(f"longest lag {formats.duration(fresh.worst_lag_seconds)}")
    if summary.base.refresh_seconds:
        facts.append(f"refreshed every {formats.duration(summary.base.refresh_seconds)}")
    st.caption(words.plain(" · ".join(facts)))


_SOURCES = {"train": "from the train side", "file": "added or changed by files", "reference": "from reference datasets"}


def search(dataset: Dataset) -> None:
    """What the retriever sees for a text, with prices."""
    st.caption("Finds by meaning, with the model and the vectors that techniques use. Test rows are never in here.")
    with st.form(f"search-{dataset.id}", border=False):
        left, middle, right, end = st.columns([4, 1.6, 1, 1], vertical_alignment="bottom")
        text = left.text_input("Product", placeholder="cordless drill with two batteries", key=f"ask-{dataset.id}")
        names = {"": "Any"} | {name: name for name in knowledge_reads.categories(dataset)}
        category = pickers.one("Category", names, key=f"category-{dataset.id}", place=middle)
        k = right.number_input("How many", 1, 100, 10)
        pressed = end.form_submit_button("Search", icon=":material/search:", type="primary")
    key = f"search-job-{dataset.id}"
    if pressed:
        st.session_state[key] = knowledge_actions.search(dataset.id, text, int(k), category=category)
    if key in st.session_state:
        job_id = st.session_state[key]
        is_over = knowledge_reads.answer(job_id)[0].is_final
        widgets.fragment(_answer, run_every=None if is_over else SECONDS)(job_id, is_over)


def _answer(job_id: int, was_over: bool) -> None:
    with widgets.tell_errors():
        state, error, neighbours = knowledge_reads.answer(job_id)
        if not state.is_final:
            st.status("A worker embeds your words and searches …", state="running")
            widgets.worker_warning()
            return
        if not was_over:
            st.rerun()
        if error:
            st.error(words.plain(error), icon=":material/error:")
        elif not neighbours:
            st.info("Nothing is found: no item fits these filters.", icon=":material/search_off:")
        else:
            frame = pl.DataFrame(neighbours)
            middle = frame["price"].median()
            st.caption(words.md(f"{formats.count(len(frame), 'item')}, median price {formats.price(middle)}."))  # type: ignore[arg-type]
            columns = _FOUND | {"price": widgets.prices("Price", frame["price"])}
            order = [name for name in columns if name not in ("category", "brand") or (frame[name] != "").any()]
            widgets.table(frame.select(order), column_config=columns)


SCHEDULES: dict[int | None, str] = {
    None: "Only when somebody asks",
    900: "Every 15 minutes",
    3600: "Every hour",
    86_400: "Every day",
    604_800: "Every week",
}


def schedule(dataset: Dataset, summary: Overview) -> None:
    """How often the base is brought up to date by itself."""
    now, key = summary.base.refresh_seconds, f"schedule-{dataset.id}"
    st.session_state[key] = now  # it may have been changed elsewhere

    def changed() -> None:
        knowledge_actions.schedule(dataset.id, st.session_state[key])

    options = list(SCHEDULES) if now in SCHEDULES else [*SCHEDULES, now]
    st.radio(
        "Refresh",
        options,
        key=key,
        format_func=lambda seconds: SCHEDULES.get(seconds, f"Every {formats.duration(seconds)}"),
        on_change=changed,
    )
    st.caption(
        "A refresh brings in train items that are missing and embeds only what changed: a scheduled one that finds "
        "nothing costs next to nothing. A worker has to run; no second refresh starts beside one that runs."
    )


def freshness(dataset: Dataset) -> None:
    """The error of a job against the age of its neighbours' prices, in a chart."""
    searching = {name for name, kind in specs.SPECS.items() if kind.searches}
    jobs = [job for job in reads.comparable(dataset.id) if job.technique in searching]
    tables = {job.id: knowledge_reads.by_age(job.id, reads.version(job)) for job in jobs}
    jobs = [job for job in jobs if len(tables[job.id])]
    if not jobs:
        navigation.next_step(
            "No measured job rests on neighbours yet.",
            navigation.RUN,
            "Run RAG or nearest neighbours",
            ":material/play_circle:",
        )
        return
    names = reads.names(jobs)
    chosen = pickers.one("Job", names, key=f"aged-{dataset.id}")
    table = tables[chosen]
    if len(table) == 1:
        st.info(
            f"All neighbours of this job are of one age ({table['band'][0]}), so nothing can be told apart. Dates come "
            "with a file of changes that has a column called date.",
            icon=":material/event:",
        )
    widgets.chart(charts.by_age(table), "error-by-age", key=f"age-{chosen}")
    st.caption(
        "Test rows by the median age of the neighbours they rest on; bars are "
        f"{formats.level(comparison.level())} bootstrap intervals. Older prices "
        "may belong to other kinds of products, so a difference is a reason to look, not a proof."
    )
