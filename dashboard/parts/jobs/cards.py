"""What moves by itself: fragments that look again every second while something runs, and the buttons on jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import streamlit as st

from dashboard.parts.jobs import reads as jobs_reads
from dashboard.shared import formats, navigation, reads, widgets, words
from db.job_progress import JobProgress
from db.types import Job, JobKind, JobState, Step
from worker.jobs import actions
from worker.jobs.kinds import KINDS

SECONDS = 1.0
FEW = 20
"""Jobs shown at first; the rest on demand, because each is a handful of elements every second."""

BETWEEN_CHUNKS = 3.0
"""Seconds in which a worker that is free takes the next chunk; a job that no worker was at for longer waits."""

_RAN = "jobs_ran"


def file_work(dataset_id: int, kind: JobKind) -> None:
    """Watch the inspection or the loading of a file; the page runs anew when it is over."""
    widgets.fragment(_file_work, run_every=SECONDS)(dataset_id, kind)


def _file_work(dataset_id: int, kind: JobKind) -> None:
    with widgets.tell_errors():
        progress = reads.file_job(dataset_id, kind)
        if progress is None or progress.state.is_final:
            st.rerun()
        step = Step.INSPECT if kind is JobKind.INSPECT else Step.LOAD
        rows = f": {formats.count(progress.items_done, 'row')} read" if progress.items_done else " …"
        st.status(f"{words.STEPS[step]}{rows}", state="running")
        if kind is JobKind.LOAD:
            st.caption("Reading every line, finding near-duplicates, dividing the items into sides.")
        if st.button("Cancel", icon=":material/cancel:", key=f"cancel-{progress.job_id}"):
            actions.cancel(progress.job_id)
            st.rerun()
        widgets.worker_warning()


def jobs(dataset_id: int | None, found: list[Job]) -> None:
    """The jobs of a dataset (None = of all), live while one of them runs; `found` is what the page read of them."""
    runs = any(job.state is JobState.RUNNING for job in found)
    st.session_state[_RAN] = runs
    widgets.fragment(_jobs, run_every=SECONDS if runs else None)(dataset_id)


def _jobs(dataset_id: int | None) -> None:
    with widgets.tell_errors():
        every = reads.shown_jobs(dataset_id)
        runs = any(job.state is JobState.RUNNING for job in every)
        if runs:
            widgets.worker_warning()
        every.sort(key=lambda job: job.state.is_final)  # what moves stands above what is over; newest first in both
        shown = every if st.session_state.get("all_jobs") else every[:FEW]
        progress = reads.progress([job.id for job in shown])
        names = reads.names(every)
        measured = _measured(shown)
        datasets = {each.id: each.name for each in reads.datasets(archived=True)} if dataset_id is None else {}
        for job in shown:
            _card(job, names[job.id], progress[job.id], datasets.get(job.dataset_id, ""), measured[job.id])
        if len(every) > FEW:
            st.toggle(f"Show all {len(every)} jobs", key="all_jobs")
        if st.session_state.get(_RAN) and not runs:  # after the buttons: a rerun drops a click that was not acted upon
            st.session_state[_RAN] = False
            st.rerun()  # once: the page starts anew without a timer


@dataclass(frozen=True)
class _Measured:
    """What a job that priced cost once, None where nobody knows; and how far off it was, None before that is known."""

    fixed_usd: Decimal | None
    error: tuple[float, str] | None


def _measured(jobs: Sequence[Job]) -> dict[int, _Measured]:
    """Of all cards at once: a page of 20 asked the database 40 times, every second."""
    priced = [job for job in jobs if job.kind is JobKind.PRICE]
    fixed = {job.id: usd for job, usd in zip(priced, reads.fixed_usd(priced), strict=True)}
    errors = jobs_reads.mean_errors([job.id for job in priced if job.state is JobState.DONE])
    return {job.id: _Measured(fixed.get(job.id), errors.get(job.id)) for job in jobs}


def _card(job: Job, name: str, progress: JobProgress, dataset: str, measured: _Measured) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{words.plain(name)}**", width="content")
            widgets.badge(job.state)
            st.space("stretch")
            _buttons(job, progress)
        if not job.state.is_final:
            st.progress(_share(progress), text=_headline(job, progress))
        st.caption(
            words.md(" · ".join([*([words.plain(dataset)] if dataset else []), *_facts(job, progress, measured)]))
        )
        if job.description:
            st.markdown(words.plain(job.description))
        if job.spec.get("batch", "off") != "off":
            st.caption(_batched(job))
        if progress.error and job.state is JobState.PAUSED:
            st.warning(words.plain(progress.error), icon=":material/pause_circle:")
        elif progress.error and job.state is JobState.STOPPED:
            st.info(words.plain(progress.error), icon=":material/flag:")
        elif progress.error:
            st.error(words.plain(progress.error), icon=":material/error:")
        if job.state is JobState.PAUSED and progress.cap_usd is not None:
            raise_cap(job, progress.cap_usd)


def _share(progress: JobProgress) -> float:
    return min(1.0, progress.items_done / progress.items_total) if progress.items_total else 0.0


def _headline(job: Job, progress: JobProgress) -> str:
    """What goes on now: Pricing: 1,200 of 2,400 rows (50 %), about 4 s left."""
    if progress.state is JobState.PAUSED:
        return f"Paused at {progress.items_done:,} of {formats.count(progress.items_total, 'row')}"
    if progress.idle_seconds is not None and progress.idle_seconds > BETWEEN_CHUNKS:
        done = (
            f"{progress.items_done:,} of {formats.count(progress.items_total, 'row')} done"
            if progress.items_done
            else "not begun"
        )
        return f"Waits for a free worker, {formats.duration(progress.idle_seconds)} so far ({done})"
    step = words.STEPS[progress.step] if progress.step else "Waiting"
    if (
        progress.step not in (Step.PRICE, Step.INDEX, Step.TRAIN, Step.TUNE, Step.RUNG, Step.RACE)
        or not progress.items_total
    ):
        waited = formats.duration(max(1.0, (datetime.now(UTC) - job.created_at).total_seconds()))
        return f"{step} … ({waited} since the start)"
    left = f", about {formats.duration(progress.eta_seconds)} left" if progress.eta_seconds is not None else ""
    done = f"{progress.items_done:,} of {formats.count(progress.items_total, 'row')} ({_share(progress):.0%})"
    return f"{step}: {done}{left}"


def _facts(job: Job, progress: JobProgress, measured: _Measured) -> list[str]:
    kind = KINDS[job.kind]
    facts = [f"job {job.id}", *(["archived"] if job.archived_at else [])]
    if kind.nothing and job.state is JobState.DONE and not progress.items_total:
        facts.append(kind.nothing)
    elif kind.done:
        facts.append(f"{progress.items_done:,} of {formats.count(progress.items_total, 'row')} {kind.done}")
    if kind.done and progress.rows_per_second:
        facts.append(formats.speed(progress.rows_per_second))
    facts += _books(job, progress) if kind.has_money else []
    if job.fixed_seconds and job.kind is JobKind.PRICE:
        usd = formats.known_usd(measured.fixed_usd)
        facts.append(f"learning took {formats.duration(job.fixed_seconds)} ({usd})")
    if job.kind is JobKind.PRICE:
        facts += [f"{progress.unparsed:,} unparsed", f"{progress.failed:,} failed"]
    if measured.error is not None:
        error, column = measured.error
        facts.append(f"mean error {formats.price(error)}" + (f" weighted by {words.plain(column)}" if column else ""))
    if job.finished_at:
        facts.append(f"ended {job.finished_at:%Y-%m-%d %H:%M} UTC")
    return facts


def _books(job: Job, progress: JobProgress) -> list[str]:
    """Money and tokens; of a job without a language model only the machine's money."""
    end = "in all" if job.state.is_final else "so far"
    said = f"of it up to {formats.usd(progress.lost_usd)} lost with calls that brought no answer"
    lost = [said] if progress.lost_usd else []
    if not progress.tokens_in:
        return [f"{formats.usd(progress.usd)} {end}", *lost]
    money = f"{formats.usd(progress.usd)} of machine time"
    if words.is_paid(job):
        money = formats.money(progress.usd, progress.saved_usd, unknown=progress.has_unknown_cost)
    facts = [
        f"{formats.tokens(progress.tokens_in)} tokens in, {formats.tokens(progress.tokens_out)} out",
        f"{money} {end}",
    ]
    facts += lost
    if progress.cap_usd is not None:
        facts.append(f"cap {formats.usd(progress.cap_usd)}")
    if progress.retries:
        facts.append(formats.count(progress.retries, "retry", "retries"))
    if progress.rate_limit_waits:
        waits = formats.count(progress.rate_limit_waits, "wait")
        facts.append(f"{waits} for the rate limit ({formats.duration(progress.waited_seconds)})")
    return facts


def _batched(job: Job) -> str:
    """Where its batches are: they may take a day, and nothing is wrong then."""
    batches = jobs_reads.batches(job.id)
    out = [batch for batch in batches if batch.finished_at is None]
    calls = formats.count(sum(batch.requests for batch in batches), "call")
    answered = sum(batch.answered for batch in batches)
    said = f":material/schedule: Batch API: {calls} in {formats.count(len(batches), 'batch', 'batches')}"
    if out:
        return f"{said}, {len(out)} still out since {min(b.created_at for b in out):%Y-%m-%d %H:%M} UTC (up to 24 h)."
    return f"{said}, {answered:,} answered." if batches else ":material/schedule: Batch API: nothing handed in yet."


def raise_cap(job: Job, cap: Decimal) -> None:
    """A higher cap, and on it goes where it stopped."""
    with st.form(f"cap-{job.id}", border=False):
        left, right, _ = st.columns([1.2, 1, 2], vertical_alignment="bottom")
        higher = left.number_input(
            "New cap ($)", min_value=0.0, value=float(cap * 2), step=float(cap) or 0.1, format="%.4f",
            key=f"new-cap-{job.id}", help="What is priced is kept; nothing is paid twice.",
        )  # fmt: skip
        if right.form_submit_button("Raise the cap and resume", icon=":material/play_arrow:", type="primary"):
            actions.resume(job.id, Decimal(str(higher)))
            st.rerun()


_PAUSE = ("Pause", ":material/pause:", actions.pause)
_RESUME = ("Resume", ":material/play_arrow:", actions.resume)
_CANCEL = ("Cancel", ":material/cancel:", actions.cancel)
_RETRY = ("Retry", ":material/replay:", actions.retry)

Verb = tuple[str, str, Callable[[int], object]]


def verbs(job: Job, progress: JobProgress) -> list[Verb]:
    """What can be done with a job in its state."""
    if job.state is JobState.RUNNING:
        return [_PAUSE, _CANCEL]
    if job.state is JobState.PAUSED:  # one with a cap resumes below, where its cap can be raised
        return [_RESUME, _CANCEL] if progress.cap_usd is None else [_CANCEL]
    return [_RETRY] if progress.failed or job.state in (JobState.FAILED, JobState.STOPPED) else []


def _buttons(job: Job, progress: JobProgress) -> None:
    for label, icon, verb in verbs(job, progress):
        if st.button(label, icon=icon, key=f"{label.lower()}-{job.id}"):
            verb(job.id)
            st.rerun()
    place = _place(job)
    if place:
        page, label, icon, address = place
        st.page_link(page, label=label, icon=icon, query_params={"dataset": str(job.dataset_id)} | address)


def _place(job: Job) -> tuple[str, str, str, dict[str, str]] | None:
    """Where more is to be seen of a job: page, label, icon and what its address says; None before there is."""
    link = KINDS[job.kind].link
    if link is None or (link.when_done and job.state is not JobState.DONE):
        return None
    named = {"job": str(job.id), "adapter": str(job.spec.get("adapter", ""))}
    address: dict[str, str] = {link.names: named[link.names]} if link.names else {}
    return navigation.path(link.page), link.label, f":material/{link.icon}:", address
