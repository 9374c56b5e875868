"""A new file on the page: chosen, watched while it is read and priced, and taken away with its prices."""

import streamlit as st

from dashboard.parts.data import reads as data_reads
from dashboard.parts.pricers import reads as pricer_reads
from dashboard.shared import formats, navigation, reads, widgets, words
from db import access
from db.errors import UserError
from db.types import Dataset, Job, JobKind, JobState, Pricer, Verb
from worker.batches import actions as batches
from worker.datasets import actions as dataset_actions
from worker.files import formats as file_formats
from worker.jobs import actions as job_actions
from worker.pricers import new_file
from worker.pricing import comparison, export
from worker.pricing.priced_file import actions as priced_file
from worker.pricing.priced_file.lines import FOR_A_PERSON

SECONDS = 1.0  # between two looks
_FILE = "file"  # in the address: the dataset that the file became


def show(pricer: Pricer) -> None:
    """The file chooser; once a file is there, how far it is, and at the end the file with its prices."""
    st.subheader("Price a new file", anchor=False)
    number = st.query_params.get(_FILE, "")
    dataset = pricer_reads.dataset(int(number)) if number.isdecimal() else None
    if dataset is None:
        _choose(pricer)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/description: **{words.plain(dataset.file_name)}**", width="content")
        if st.button("Another file", icon=":material/upload_file:", key="another-file"):
            st.query_params.pop(_FILE, None)
            st.rerun()
    try:
        standing = new_file.advance(pricer, dataset.id)
    except UserError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        if st.button("Look at it on the Data page", icon=":material/table:", key="file-on-data"):
            navigation.choose(dataset.id)
            navigation.go(navigation.DATA)
        return
    if standing.dataset_id != dataset.id:
        st.query_params[_FILE] = str(standing.dataset_id)
        st.rerun()
    _keep(pricer, standing)
    if standing.is_priced and standing.job:
        _priced(pricer, dataset, standing.job)
    elif standing.job:
        is_over = standing.job.state.is_final or standing.job.state is JobState.PAUSED
        st.fragment(_watch, run_every=None if is_over else SECONDS)(standing.job.id, standing.job.state)


def _keep(pricer: Pricer, standing: new_file.Standing) -> None:
    """Keep the file as a batch as soon as a job prices it."""
    if standing.job is None or standing.job.kind is not JobKind.PRICE or access.may(Verb.PRICE_BATCH):
        return
    batch = batches.record(pricer, standing.job.id)
    if standing.is_priced and batch.finished_at is None:
        batches.settle_one(batch)


def _choose(pricer: Pricer) -> None:
    file = st.file_uploader(
        f"A table like the one it learned from, without prices or with: {file_formats.ON_PAGES}, also gzipped",
        type=file_formats.UPLOADED,
        key=f"new-file-{pricer.id}-{st.session_state.get('new-files', 0)}",
        **widgets.allowed(Verb.PRICE_BATCH),
    )
    if file is None:
        st.caption("It comes back as it is, with price, low, high, a flag and a reason beside every line.")
        return
    with st.spinner(f"Storing {words.plain(file.name)} …"):
        sha256 = data_reads.stored(file.file_id, file)
    # A new key empties the chooser, and the server drops its copy of the bytes.
    st.session_state["new-files"] = st.session_state.get("new-files", 0) + 1
    st.query_params[_FILE] = str(dataset_actions.add(file.name, sha256))
    st.rerun()


def _watch(job_id: int, was: JobState) -> None:
    with widgets.tell_errors():
        progress = reads.progress([job_id])[job_id]
        if progress.state is not was:
            st.rerun()
        step = words.STEPS[progress.step] if progress.step else words.STATES[progress.state][0]
        rows = (
            f": {progress.items_done:,} of {formats.count(progress.items_total, 'row')}" if progress.items_total else ""
        )
        share = progress.items_done / progress.items_total if progress.items_total else 0.0
        st.progress(min(1.0, share), text=f"{step}{rows}")
        if progress.error:
            st.error(words.plain(progress.error), icon=":material/error:")
        if progress.state is JobState.RUNNING:
            if st.button(
                "Cancel",
                icon=":material/cancel:",
                key=f"new-file-cancel-{job_id}",
                **widgets.allowed(Verb.CANCEL_JOB, progress),
            ):
                job_actions.cancel(job_id)
                st.rerun()
            widgets.worker_warning()
        elif progress.state is JobState.PAUSED:
            if st.button(
                "Go on",
                icon=":material/play_arrow:",
                key=f"new-file-resume-{job_id}",
                **widgets.allowed(Verb.RESUME_JOB, progress),
            ):
                job_actions.resume(job_id)
                st.rerun()
        elif st.button(
            "Retry",
            icon=":material/refresh:",
            key=f"new-file-retry-{job_id}",
            **widgets.allowed(Verb.RETRY_JOB, progress),
        ):
            job_actions.retry(job_id)
            st.rerun()


def _priced(pricer: Pricer, dataset: Dataset, job: Job) -> None:
    wish = {"hit_rate": pricer.hit_rate, "within": pricer.within}
    counted = pricer_reads.flags(pricer, job)
    rows = formats.count(sum(counted.values()), "row")
    said = formats.listed([f"{count:,} {flag}" for flag, count in counted.items()]) if counted else "none"
    st.success(words.plain(f"{rows}: {said}."), icon=":material/check_circle:")
    with st.container(horizontal=True):
        if priced_file.is_kept(dataset):
            st.download_button(
                "Your file with prices", lambda: priced_file.bytes_of(job, dataset, **wish),
                file_name=priced_file.name_of(dataset), icon=":material/download:", type="primary",
                on_click="ignore", key=f"priced-file-{job.id}",
            )  # fmt: skip
        else:
            st.caption("The file that was uploaded is not kept; its prices are on the Results page.")
        if counted.get(FOR_A_PERSON):
            ending = ".csv"
            st.download_button(
                "Rows for a person", lambda: export.FORMATS[ending].bytes_of(priced_file.for_a_person(job.id, **wish)),
                file_name=f"{dataset.name}-for-a-person{ending}", icon=":material/person_search:",
                on_click="ignore", key=f"for-a-person-{job.id}",
                help="The lines that somebody has to look at, each with the reason.",
            )  # fmt: skip
    for sentence in comparison.unlike([job.id]):
        st.warning(words.plain(sentence), icon=":material/warning:")
